"""The JSON text of a record: its epochs, digits and lines, and a SHA-256 of its own bytes."""

from __future__ import annotations

import functools
import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

SCHEMA = 1
SIGNIFICANT_DIGITS = 8
MAX_RECORDED_EPOCHS = 200


@functools.cache
def recorded_epochs(epochs: int) -> list[int]:
    """Epochs, from 1, whose results are kept, in a list that is shared: do not change it.

    All of up to 200, else the first 100, more that are spaced evenly on the log axis, and the last.
    """
    if epochs <= MAX_RECORDED_EPOCHS:
        return list(range(1, epochs + 1))
    dense = MAX_RECORDED_EPOCHS // 2
    spaced = np.geomspace(dense, epochs, MAX_RECORDED_EPOCHS - dense + 1).round().astype(int)
    return sorted({*range(1, dense + 1), *spaced.tolist()})


def with_checksum(document: Mapping[str, Any]) -> bytes:
    """Return the bytes of a record with its checksum; ValueError: a number is not finite."""

    def text(checksum: str) -> bytes:
        signed = {**document, "provenance": {**document["provenance"], "sha256": checksum}}
        # the id stands for the very digits of the config
        parts = {k: v if k == "config" else rounded(v) for k, v in signed.items()}
        return (_render(parts, "") + "\n").encode()

    return text(hashlib.sha256(text("")).hexdigest())


def checksum_matches(content: bytes, checksum: str) -> bool:
    """Whether the checksum is that of these bytes, in which it is blanked."""
    field = b'"sha256": "%s"'
    blank = content.replace(field % checksum.encode(), field % b"")
    return hashlib.sha256(blank).hexdigest() == checksum


def rounded(value: Any) -> Any:
    """Return JSON-ready values, their floats with the digits that a record keeps."""
    if isinstance(value, Mapping):
        return {str(k): rounded(v) for k, v in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [rounded(item) for item in value]
    if isinstance(value, float) and math.isfinite(value):
        return float(f"{value:.{SIGNIFICANT_DIGITS}g}")
    return value


def _render(value: Any, indent: str) -> str:
    """Render JSON with one line for each list of numbers."""
    inner = indent + " "
    if isinstance(value, Mapping) and value:
        lines = [f"{inner}{json.dumps(k)}: {_render(v, inner)}" for k, v in value.items()]
        return "{\n" + ",\n".join(lines) + f"\n{indent}}}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ", ".join(_render(item, inner) for item in value) + "]"
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
