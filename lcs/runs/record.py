"""A finished run as stored; all that may differ between equal runs is under `provenance`."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType, NoneType
from typing import TYPE_CHECKING, Any

from safetensors.numpy import load as load_arrays

from lcs.config import Config
from lcs.errors import ILL_FORMED, RecordError, one_line, shown
from lcs.runs.consistency import Types, check_training, check_types
from lcs.runs.provenance import NUMERIC_PACKAGES
from lcs.runs.record_format import SCHEMA, checksum_matches

if TYPE_CHECKING:  # a store is read without torch, which takes long to import
    from torch import Tensor

RESTORE = "restore it from git, or from where it came"
PARTS: Types = {
    **{"kind": str, "config": dict, "history": dict, "final": dict},
    **{"filters": (dict, NoneType), "provenance": dict},
}
ORIGIN: Types = {  # of every record; later ones say more
    **{"commit": (str, NoneType), "unmodified": (bool, NoneType), "code": str, "packages": dict},
    **{"device": str, "hardware": str, "threads": (int, NoneType)},
    **{"seconds": (int, float), "resumes": int},
}
PACKAGES: Types = dict.fromkeys(("python", *NUMERIC_PACKAGES), str)


@dataclass(frozen=True)
class Record:
    """One finished run as stored; shared, so do not change it.

    `config` is a `Config` if the kind is "training", else a read-only mapping. `history` has
    measures at the recorded epochs, `final` those of the last one.
    """

    path: Path
    kind: str
    config: Any
    history: dict[str, Any]
    final: dict[str, Any]
    filters: dict[str, Any] | None  # the name of their file, and its SHA-256
    provenance: dict[str, Any]

    @property
    def run_id(self) -> str:
        """The id of the run, as `1f0c…-s0`."""
        return id_in_name(self.path)

    @property
    def file(self) -> str:
        """Place of the record in a store, without suffix, as `cifar10/s-fc-a1-sgd-…-s0`."""
        return self.config.file if self.kind == Config.kind else f"{self.kind}/{self.path.stem}"

    @property
    def accuracy(self) -> float:
        """Final accuracy on test images, or on those held out; NaN if this is no training."""
        return self.final[self.config.accuracy_name] if self.kind == Config.kind else math.nan

    @property
    def has_filters(self) -> bool:
        """Whether filters are kept beside the record, as in the book where a figure has them."""
        return self.filters is not None and self.path.with_suffix(".safetensors").exists()

    def load_filters(self) -> Tensor:
        """Return filters (units, C, H, W), float32; RecordError if not kept or altered."""
        import torch

        return torch.from_numpy(load_arrays(self.read_filters())["filters"].astype("float32"))

    def read_filters(self) -> bytes:
        """Return the checked file of filters; see `load_filters`."""
        path = self.path.with_suffix(".safetensors")
        if self.filters is None:
            raise RecordError(f"{self.path}: this run stored no filters")
        if not path.exists():
            advice = "train the run anew, with --store naming an empty folder"
            raise RecordError(f"{path}: not kept here; {advice}")
        content = read_file(path)
        if hashlib.sha256(content).hexdigest() != self.filters["sha256"]:
            raise RecordError(f"{path}: altered (its SHA-256 is not the record's); {RESTORE}")
        return content


def id_in_name(path: Path) -> str:
    """Return the id with which the name of a record's file ends."""
    return "-".join(path.stem.split("-")[-2:])


def read_record(path: Path, root: Path | None = None) -> Record:
    """Read and check one record, and its place below a store's root; RecordError names the file."""
    record = parse_record(read_file(path), path)
    if root is not None:
        expected = f"{root}/{record.file}.json"
        if str(path) != expected and path.resolve() != Path(expected).resolve():
            raise RecordError(f"{path}: belongs at {expected}; move it there")
    return record


def parse_record(content: bytes, path: Path) -> Record:
    """Return the record that these bytes of a file are; see `read_record`."""
    try:
        document = json.loads(content)
        if (schema := document["schema"]) != SCHEMA:
            raise RecordError(f"{path}: schema {shown(schema)}, not {SCHEMA}; update lcs")
        if not checksum_matches(content, document["provenance"]["sha256"]):
            raise RecordError(f"{path}: edited or damaged (SHA-256 differs); {RESTORE}")
        parts = {name: document[name] for name in PARTS}
        check_types("record", parts, PARTS)
        check_types("provenance", parts["provenance"], ORIGIN)
        check_types("packages", parts["provenance"]["packages"], PACKAGES)
        if parts["filters"] is not None:
            check_types("filters", parts["filters"], {"file": str, "sha256": str})
        if parts["kind"] == Config.kind:
            config = parts["config"] = Config.from_dict(parts["config"])
            check_training(config, parts["history"], parts["final"])
            own, name = config.run_id, config.name
        else:
            parts["config"] = MappingProxyType(parts["config"])
            own, name = id_in_name(path), path.stem
        if document["id"] != own:
            raise RecordError(f"{path}: its id is {shown(document['id'])}, not {own}; {RESTORE}")
        if path.stem != name:
            raise RecordError(f"{path}: by its config it is {name}.json; rename it")
        return Record(path, **parts)
    except ILL_FORMED as error:
        reason = f"{type(error).__name__}: {one_line(error)}"
        raise RecordError(f"{path}: not a run record ({reason}); {RESTORE}") from error


def read_file(path: Path) -> bytes:
    """Return the bytes of a record or of its filters."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise RecordError(f"{path}: cannot be read ({error.strerror}); {RESTORE}") from error
