"""What the chapter on the engine shows: a step counted, its floor, and what was measured.

Times come from files in `book/benchmarks`, which `make bench` writes to `_build/benchmarks`.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import scipy

from lcs import cost, data
from lcs.batches import steps_per_epoch
from lcs.config import Config
from lcs.errors import RecordError
from lcs.exhibits import tables
from lcs.exhibits.compare import (
    LABELS,
    field_text,
    method_text,
    remaining_text,
    would_revive_of_remaining_text,
    would_revive_text,
    zeros_text,
)
from lcs.exhibits.published import PAPER_EPOCHS
from lcs.exhibits.tables import Table
from lcs.exhibits.verdicts import BENCHMARK, UNDECIDED, Claim, Finding, Judge
from lcs.runs import PUBLISHED, Record

# the engine is timed by `make bench`, not by studies
STUDIES = ()

BENCHMARKS = PUBLISHED.parent / "benchmarks"
# of one pass of the optimizer over a weight: the gradient read and a copy written in bfloat16, the
# weight itself read and written in float32
BYTES_OF_A_WEIGHT = 2 + 2 + 4 + 4
# NVIDIA's data sheet of the H200 (SXM): dense bfloat16 products, and memory
H200 = {"operations": 989e12, "bytes": 4.8e12}
# how an epoch is computed
MODES = ("dense", "exact", "frozen")


class Step(NamedTuple):
    """A training step of S-FC, counted: weights, floating-point operations, bytes."""

    weights: int
    operations: int
    bytes: int


def count_step(base_channels: int) -> Step:
    """Count a step of S-FC on CIFAR-10, with the usual batch, to the leading term.

    The operations are those of `cost.image_flops`, the bytes those of one pass of the optimizer
    over the weights.
    """
    config = Config(base_channels=base_channels)
    weights = cost.weights(config)
    return Step(weights, config.batch_size * cost.image_flops(config), BYTES_OF_A_WEIGHT * weights)


def floor_seconds(step: Step) -> float:
    """Least time of a step on an H200 by its data sheet: the products, then the pass."""
    return step.operations / H200["operations"] + step.bytes / H200["bytes"]


def counts_table(widths: Sequence[int] = (1, 4, 16, 150)) -> Table:
    """Return a step of S-FC at several widths, counted, and its floor on an H200."""
    rows, batch = [], Config().batch_size
    steps = steps_per_epoch(data.spec("cifar10").train_size, batch)
    for width in widths:
        step = count_step(width)
        floor = floor_seconds(step)
        run = PAPER_EPOCHS * steps * floor
        rows.append(
            [
                f"{width}",
                f"{step.weights / 1e6:,.1f}",
                f"{step.operations / 1e9:,.1f}",
                f"{step.bytes / 1e9:,.3f}",
                f"{1e3 * floor:.3g}",
                cost.duration(run),
            ]
        )
    caption = (
        f"A step of S-FC with {batch} images, counted, and what it and 4000 epochs of CIFAR-10 "
        "would take at the ceilings of an H200's data sheet (989 TFLOP/s in bfloat16, 4.8 TB/s): a "
        "floor, not a measurement."
    )
    columns = ["α", "weights (M)", "GFLOP", "GB", "floor of a step (ms)", "of 4000 epochs"]
    return Table("tab-step", caption, columns, rows)


def load(name: str, folder: str = "", device: str = "cpu") -> dict[str, Any] | None:
    """Return what a benchmark has written, or None if there is nothing from that device.

    Args:
        name: of the benchmark.
        folder: of its files; empty: the book's own.
        device: that it ran on.

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


def times_table(
    name: str, found: dict[str, Any] | None, title: str, command: str = "make bench"
) -> Table:
    """Return one table of a benchmark: the median of each part, and its range.

    Args:
        name: label of the table.
        found: of `load`.
        title: begins the benchmark's own title of the table.
        command: that measures it, shown where nothing was.
    """
    one = _titled(found, title)
    if found is None or one is None:
        return tables.pending_table(name, title, command)
    rows = []
    for part, values in one["times"].items():
        spread = f"{min(values):.3g} – {max(values):.3g}"
        rows.append([part, f"{statistics.median(values):.3g}", spread])
    caption = f"{one['title']}: {one['unit']}, {_repeats(one)} repeats. {machine_text(found)}."
    return Table(name, caption, ["part", "median", "range"], rows)


def ratios_table(
    name: str, found: dict[str, Any] | None, titles: Sequence[str], command: str = "make bench"
) -> Table:
    """Return the ratios of several tables of a benchmark, with their targets.

    Args are those of `times_table`; `titles` begin the titles of the benchmark's tables.
    """
    shown = [one for title in titles if (one := _titled(found, title))]
    if found is None or not shown:
        return tables.pending_table(name, f"ratios of {'; '.join(titles)}", command)
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


def _titled(found: dict[str, Any] | None, title: str) -> dict[str, Any] | None:
    every: list[dict[str, Any]] = found["tables"] if found else []
    return next((one for one in every if one["title"].startswith(title)), None)


def _repeats(one: dict[str, Any]) -> int:
    return len(next(iter(one["times"].values())))


def density_frame(found: dict[str, Any] | None) -> pd.DataFrame:
    """Return the time of a step by mode and density, relative to the dense one: a row for each.

    Columns: `base_channels`, `density` (per cent), `mode`; `ratio`, `low`, `high`: median over
    rounds, and its 95 % interval from order statistics, nan where the rounds are too few for one.
    """
    rows = [row for one in (found["tables"] if found else []) for row in _densities(one)]
    columns = ["base_channels", "density", "mode", "ratio", "low", "high"]
    return pd.DataFrame(rows, columns=columns)


def speed_numbers(found: dict[str, Any] | None, density: float = 1.0) -> dict[str, str]:
    """Return the time of a sparse step relative to the dense one, with its interval, in words.

    Keys are `speed-`, mode and width, as in `speed-exact-16`; `density` is in per cent.
    """
    keys = [f"speed-{mode}-{width}" for mode in ("exact", "frozen") for width in (4, 16)]
    times = density_frame(found)
    words = {
        f"speed-{row['mode']}-{row['base_channels']}": ratio_text(row)
        for row in times[times.density == density].to_dict("records")
    }
    return dict.fromkeys(keys, "pending") | words


def ratio_text(row: Mapping[Any, float]) -> str:
    """Return a ratio of times and its interval in words; the ratio alone without an interval."""
    interval = f" ({row['low']:.2f} – {row['high']:.2f})" if row["low"] <= row["high"] else ""
    return f"{row['ratio']:.2f}{interval}"


def rounds(found: dict[str, Any]) -> int:
    """Return how often each time of a sparse step was taken."""
    return min(_repeats(one) for one in found["tables"] if _densities(one))


def epoch_numbers(found: dict[str, Any] | None) -> dict[str, str]:
    """Return the time of a sparse epoch relative to the dense one, in words: by `epoch-`, mode."""
    one = _titled(found, "S-FC, α = 16: an epoch")
    times = one["times"] if one else {}
    return {
        f"epoch-{mode}": ratio_text(_median(times[mode], times["dense"])) if times else "pending"
        for mode in MODES[1:]
    }


def changes_numbers(found: dict[str, Any] | None) -> dict[str, str]:
    """Return how many times as fast all changes make an epoch, in words: by `changes-`, width."""
    words = {}
    for width in (1, 8):
        one = _titled(found, f"S-FC, α = {width}: an epoch")
        times = [statistics.median(rounds) for rounds in one["times"].values()] if one else []
        words[f"changes-{width}"] = f"{times[0] / times[-1]:.1f}" if times else "pending"
    return words


def runs_table(records: Sequence[Record]) -> Table:
    """Return what whole runs took, and how their epochs were computed.

    With the most weights of the first layer that one step would have let return, had zeros been
    free (`compare.would_revive_text`), and the units that have no weight left, which the products go on
    computing.
    """
    what = "Whole runs of S-FC at α = 32"
    if not records:
        return tables.pending_table("tab-whole", what, "lcs study showpiece")
    modes = [mode for mode in MODES if any(mode in run.provenance["modes"] for run in records)]
    columns = ["run", LABELS["augment"], *(f"{mode} epochs" for mode in modes)]
    columns += ["left in layer 1 (%)", "held back, of all (%)", "held back, of those left (%)"]
    columns += ["dead units", "time", "seed"]
    caption = (
        f"{what}, {records[0].config.epochs} epochs each: how many of them were computed how; what "
        "is left of the first layer; the most weights that one step would have let return, had "
        "zeros not to stay, of all and of those left at that step; units without a weight. Times "
        "are those of the records, on "
        f"{records[0].provenance['hardware']}."
    )
    rows = [_run(record, modes) for record in records]
    return Table("tab-whole", caption, columns, rows, [LABELS["augment"]])


def _run(record: Record, modes: Sequence[str]) -> list[str]:
    config, units = record.config, record.final["fan_in"]["conv1"]
    return [
        method_text(config) + zeros_text(config),
        field_text(config, "augment"),
        *(f"{record.provenance['modes'].get(mode, 0)}" for mode in modes),
        remaining_text([record]),
        *(
            say([record]) if config.frozen_zeros else tables.NONE
            for say in (would_revive_text, would_revive_of_remaining_text)
        ),
        f"{units[0]:,} of {sum(units):,}",
        cost.duration(record.provenance["seconds"]),
        tables.link(record, f"{config.seed}"),
    ]


def _densities(one: dict[str, Any]) -> list[dict[str, Any]]:
    head, _, rest = one["title"].partition(": ")
    if not rest.endswith("% of the first layer left"):
        return []
    where = {
        "base_channels": int(head.rpartition(" ")[2]),
        "density": float(rest.partition("%")[0]),
    }
    return [
        {**where, "mode": mode, **_median(one["times"][mode], one["times"][dense])}
        for mode, dense in (ratio["ratio"].split(" / ") for ratio in one["ratios"])
    ]


def _median(times: Sequence[float], dense: Sequence[float]) -> dict[str, float]:
    ratios = np.divide(times, dense)
    bounds = scipy.stats.quantile_test(ratios, p=0.5).confidence_interval(0.95)
    return {"ratio": float(np.median(ratios)), "low": bounds.low, "high": bounds.high}


# Claims


def _faster(mode: str, less: str, more: str) -> Judge:
    """Judge whether a sparse step takes less time than a dense one, at 1 % left, by the median."""

    def judge(_: list[Record]) -> Finding | None:
        found = load("parts")
        if found is None:
            return None
        times = density_frame(found).to_dict("records")
        there = [row for row in times if row["mode"] == mode and row["density"] == 1]
        widest = max(there, key=lambda row: row["base_channels"])
        low, high = widest["low"], widest["high"]
        share = f"{ratio_text(widest)} of a dense step's time at 1 % left"
        return Finding(
            f"{share}, α = {widest['base_channels']}",
            said=less if high < 1 else more if low > 1 else UNDECIDED,
            n=rounds(found),
        )

    return judge


CLAIMS: tuple[Claim, ...] = (
    Claim(
        "P",
        "Sparsity can be used for speed, with the algorithm as it is",
        "future work",
        "engine",
        BENCHMARK,
        _faster("exact", "holds", "contradicted"),
    ),
    Claim(
        "F",
        "Sparse weights in dense layers can be used for speed (zeros that stay)",
        "a question",
        "engine",
        BENCHMARK,
        _faster("frozen", "holds", "contradicted"),
    ),
)
