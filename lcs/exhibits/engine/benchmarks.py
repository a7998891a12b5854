"""What `make bench` has measured, read from its files in `book/benchmarks`, and its tables.

A file has tables with the fields of `tests/benchmarks/timing.py`, by which `find` looks them up.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lcs.errors import RecordError
from lcs.exhibits import tables
from lcs.exhibits.methods import NETWORKS
from lcs.exhibits.tables import PENDING, Table
from lcs.runs import PUBLISHED

if TYPE_CHECKING:
    import pandas as pd

BENCHMARKS = PUBLISHED.parent / "benchmarks"
# what a benchmark's table may have measured, in words; others are named as they are
MEASURED = {
    "step": "a step",
    "sparse step": "{density:.1%} of the first layer remaining",
    "handing out": "handing out {runs} runs without work",
    "store": "a store of {records} records",
}


def load(name: str, folder: str = "", device: str = "cpu") -> dict[str, Any] | None:
    """Return what a benchmark has written on a device, or None if there is nothing.

    Args:
        name: of the benchmark.
        folder: of its files; empty: the book's own.
        device: "cpu" or "cuda".

    Raises:
        RecordError: there is no such folder, or the file is not of a benchmark.
    """
    if folder and not Path(folder).is_dir():
        raise RecordError(f"benchmarks: there is no folder {folder}; check the path")
    path = (Path(folder) if folder else BENCHMARKS) / f"{name}-{device}.json"
    if not path.exists():
        return None
    try:
        found: dict[str, Any] = json.loads(path.read_text())
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


def ratio_text(row: Mapping[str, Any]) -> str:
    """Return a ratio of times and its interval in words; the ratio alone without an interval."""
    interval = f" ({row['low']:.2f} – {row['high']:.2f})" if row["low"] <= row["high"] else ""
    return f"{row['ratio']:.2f}{interval}"


def median_ratio(times: Sequence[float], dense: Sequence[float]) -> dict[str, float]:
    """Return the median `ratio` over rounds, and `low` and `high` of its 95 % interval.

    From order statistics; nan where the rounds are too few for one.
    """
    import numpy as np
    import scipy

    ratios = np.divide(times, dense)
    bounds = scipy.stats.quantile_test(ratios, p=0.5).confidence_interval(0.95)
    return {"ratio": float(np.median(ratios)), "low": bounds.low, "high": bounds.high}


def times_table(
    name: str, found: dict[str, Any] | None, command: str = "make bench", **fields: Any
) -> Table:
    """Return one table of a benchmark: the median of each part, and its range.

    Args:
        name: label of the table.
        found: of `load`.
        command: that measures it, shown where nothing was.
        fields: of the benchmark's table, as in `find`.
    """
    shown = find(found, **fields)
    if found is None or not shown:
        return tables.pending_table(name, _describe(**fields), command)
    (one,) = shown
    rows = [
        [part, f"{statistics.median(took):.3g}", f"{min(took):.3g} – {max(took):.3g}"]
        for part, took in one["times"].items()
    ]
    caption = f"{one['title']}: {one['unit']}, {one['repeats']} repeats. {machine_text(found)}."
    return Table(name, caption, ["part", "median", "range"], rows)


def ratios_table(
    name: str,
    found: dict[str, Any] | None,
    asked: Sequence[Mapping[str, Any]],
    command: str = "make bench",
) -> Table:
    """Return the ratios of several tables of a benchmark, with their targets.

    Args are those of `times_table`; `asked` has the fields of each of the benchmark's tables.
    """
    shown = [one for fields in asked for one in find(found, **fields)]
    if found is None or not shown:
        what = "ratios of " + "; ".join(_describe(**fields) for fields in asked)
        return tables.pending_table(name, what, command)
    rows = [
        [
            one["title"] if ratio is one["ratios"][0] else "",
            ratio["ratio"],
            f"{ratio['median']:.2f}",
            f"{ratio['lowest']:.2f} – {ratio['highest']:.2f}",
            ratio["target"].replace("<=", "≤").replace(">=", "≥") or tables.NONE,
        ]
        for one in shown
        for ratio in one["ratios"]
    ]
    caption = (
        "Ratios of two times, the first over the second, taken round by round: median and range, "
        "and the target that this book has set itself. "
        f"{machine_text(found)}."
    )
    columns = ["what", "ratio", "median", "range", "target"]
    return Table(name, caption, columns, rows, text=["ratio"])


def changes_frame(found: dict[str, Any] | None) -> pd.DataFrame:
    """Return what each change left of an epoch's time, median and range, for `figures.changes`."""
    columns = ["base_channels", "change", "median", "low", "high"]
    rows = [
        [one["base_channels"], name, statistics.median(took), min(took), max(took)]
        for one in find(found, measured="changes")
        for name, took in one["times"].items()
    ]
    return tables.data_frame(rows, columns=columns)


# the ratios of a step to its estimated floor, by the augmentation of its images
OVER_FLOOR = {
    "step with flip-crop / floor": "with flips and crops",
    "step with autoaugment / floor": "with AutoAugment",
}


def floor_frame(found: dict[str, Any] | None) -> pd.DataFrame:
    """Return the time of a step over its estimated floor, median and range: `figures.floors`."""
    columns = ["model", "base_channels", "images", "ratio", "low", "high"]
    rows = [
        [
            one["model"], one["base_channels"], OVER_FLOOR[ratio["ratio"]],
            ratio["median"], ratio["lowest"], ratio["highest"],
        ]
        for one in find(found, measured="step")
        for ratio in one["ratios"]
        if ratio["ratio"] in OVER_FLOOR
    ]  # fmt: skip
    return tables.data_frame(rows, columns=columns)


def floor_numbers(found: dict[str, Any] | None) -> dict[str, str]:
    """Return a step of S-FC with flips and crops over its estimated floor: by `floor-`, width."""
    words = {f"floor-{width}": PENDING for width in (1, 16)}
    for row in floor_frame(found).to_dict("records"):
        name = f"floor-{row['base_channels']}"
        if row["model"] == "s-fc" and row["images"] == "with flips and crops" and name in words:
            words[name] = f"{row['ratio']:.1f}"
    return words


def changes_numbers(found: dict[str, Any] | None) -> dict[str, str]:
    """Return how many times as fast all changes make an epoch, in words: by `changes-`, width."""
    words = {f"changes-{width}": PENDING for width in (1, 8)}
    for one in find(found, measured="changes"):
        times = [statistics.median(rounds) for rounds in one["times"].values()]
        words[f"changes-{one['base_channels']}"] = f"{times[0] / times[-1]:.1f}"
    return words


def bf16_numbers(found: dict[str, Any] | None) -> dict[str, str]:
    """Return what a step in bfloat16 takes on a CPU without instructions for it, in words.

    At α = 4, over a step in float32: `bf16-own` with torch's own products, `bf16-float32` with
    products in float32; "pending" where it was not measured.
    """
    words = dict.fromkeys(("bf16-own", "bf16-float32"), PENDING)
    for one in find(found, measured="bf16 step", base_channels=4):
        *times, float32 = map(statistics.median, one["times"].values())
        words = {name: f"{took / float32:.1f}" for name, took in zip(words, times, strict=True)}
    return words


def _describe(measured: str, model: str = "", base_channels: int = 1, **more: Any) -> str:
    what = MEASURED.get(measured, measured).format(**more)
    return f"{NETWORKS[model]}, α = {base_channels}: {what}" if model else what
