"""What `make bench` has measured, read from its files in `book/benchmarks`."""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from lcs.errors import RecordError
from lcs.runs import BOOK_RUNS

if TYPE_CHECKING:
    import pandas as pd

BENCHMARKS = BOOK_RUNS.parent / "benchmarks"


def load_benchmark(name: str, folder: str = "", device: str = "cpu") -> pd.DataFrame:
    """Return one row for each thing that a benchmark has timed, none where it has not run.

    Columns are the fields of `tests/benchmarks/timing.py`; `times` maps each part to the times of
    its rounds. The attribute `machine` says on what it ran.

    Raises:
        RecordError: there is no such folder, or the file is not of a benchmark.
    """
    import pandas as pd

    if folder and not Path(folder).is_dir():
        raise RecordError(f"benchmarks: there is no folder {folder}; check the path")
    path = (Path(folder) if folder else BENCHMARKS) / f"{name}-{device}.json"
    if not path.exists():
        return pd.DataFrame(columns=["measured", "times"])
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        machine = found["machine"]
        bf16 = "native" if machine["native bf16"] else "no native"
        rows = pd.DataFrame(found["tables"])
        rows.attrs["machine"] = (
            f"{machine['hardware']}, {machine['threads']} threads, {bf16} bfloat16, "
            f"torch {machine['torch']}"
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RecordError(f"{path}: not a benchmark's file; run `make bench` anew") from error
    return rows


def medians(times: Mapping[str, Sequence[float]]) -> dict[str, float]:
    """Return the median time of each part."""
    return {part: statistics.median(rounds) for part, rounds in times.items()}


class Ratio(NamedTuple):
    """A ratio of times, its median over rounds, and its 95 % interval, NaN of too few rounds."""

    median: float
    low: float
    high: float

    def __str__(self) -> str:
        interval = f" ({self.low:.2f} – {self.high:.2f})" if self.low <= self.high else ""
        return f"{self.median:.2f}{interval}"


def over(times: Mapping[str, Sequence[float]], part: str, other: str = "dense") -> Ratio:
    """Return the time of one part over another's; the interval is from order statistics."""
    import numpy as np
    import scipy

    ratios = np.divide(times[part], times[other])
    bounds = scipy.stats.quantile_test(ratios, p=0.5).confidence_interval(0.95)
    return Ratio(float(np.median(ratios)), bounds.low, bounds.high)


def fastest(
    times: Mapping[str, Sequence[float]], ways: Sequence[str], others: Sequence[str]
) -> Ratio:
    """Return the time of the fastest of some parts over the fastest of others."""
    middle = medians(times)
    return over(times, *(min(parts, key=lambda part: middle[part]) for parts in (ways, others)))
