"""What `make bench` has measured, read from its files in `book/benchmarks`.

A file has tables with the fields of `tests/benchmarks/timing.py`, by which `find` looks them up.
"""

import json
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lcs.errors import RecordError
from lcs.exhibits.shared.verdicts import CONTRADICTED, HOLDS, UNDECIDED
from lcs.runs import BOOK_RUNS

BENCHMARKS = BOOK_RUNS.parent / "benchmarks"


def load(name: str, folder: str = "", device: str = "cpu") -> dict[str, Any] | None:
    """Return what a benchmark has written on a device, "cpu" or "cuda", or None if nothing.

    Without a folder, from the book's own files.

    Raises:
        RecordError: there is no such folder, or the file is not of a benchmark.
    """
    if folder and not Path(folder).is_dir():
        raise RecordError(f"benchmarks: there is no folder {folder}; check the path")
    path = (Path(folder) if folder else BENCHMARKS) / f"{name}-{device}.json"
    if not path.exists():
        return None
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        found["machine"], found["tables"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RecordError(f"{path}: not a benchmark's file; run `make bench` anew") from error
    return found


def machine_text(found: dict[str, Any]) -> str:
    """Say on what a benchmark ran."""
    machine = found["machine"]
    bf16 = "native" if machine["native bf16"] else "no native"
    return (
        f"{machine['hardware']}, {machine['threads']} threads, {bf16} bfloat16, "
        f"torch {machine['torch']}"
    )


def find(found: dict[str, Any] | None, **fields: Any) -> list[dict[str, Any]]:
    """Return the tables of a benchmark whose fields are these, as in ``measured="step"``."""
    every: list[dict[str, Any]] = found["tables"] if found else []
    return [one for one in every if all(one.get(name) == fields[name] for name in fields)]


def medians(one: dict[str, Any]) -> dict[str, float]:
    """Return the median time of each part of a table of a benchmark."""
    return {part: statistics.median(times) for part, times in one["times"].items()}


def ratio_text(row: Mapping[str, Any]) -> str:
    """Return a ratio of times and its interval in words; the ratio alone without an interval."""
    interval = f" ({row['low']:.2f} – {row['high']:.2f})" if row["low"] <= row["high"] else ""
    return f"{row['ratio']:.2f}{interval}"


def over(one: dict[str, Any], part: str, other: str = "dense") -> dict[str, float]:
    """Return the time of one part over another's: its median over rounds, `ratio`.

    `low` and `high` are its 95 % interval, from order statistics; nan where the rounds are too few.
    """
    import numpy as np
    import scipy

    ratios = np.divide(one["times"][part], one["times"][other])
    bounds = scipy.stats.quantile_test(ratios, p=0.5).confidence_interval(0.95)
    return {"ratio": float(np.median(ratios)), "low": bounds.low, "high": bounds.high}


def takes_less(ratios: Sequence[Mapping[str, Any]]) -> str:
    """Return the verdict on the claim that every ratio of `over` lies below 1."""
    if all(row["high"] < 1 for row in ratios):
        return HOLDS
    return CONTRADICTED if any(row["low"] > 1 for row in ratios) else UNDECIDED
