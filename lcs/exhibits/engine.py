"""The engine: a training step counted, the least time that it can take, and what was measured.

Times come from files in `book/benchmarks`, which `make bench` writes to `_build/benchmarks`. Each
has tables with the fields of `tests/benchmarks/timing.py`, by which `find` looks them up.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from lcs import cost, data
from lcs.batches import steps_per_epoch
from lcs.config import Config
from lcs.errors import RecordError
from lcs.exhibits import compare, tables
from lcs.exhibits.compare import LABELS, PENDING
from lcs.exhibits.methods import NETWORKS
from lcs.exhibits.published import PAPER_EPOCHS
from lcs.exhibits.tables import Table
from lcs.exhibits.verdicts import BENCHMARK, UNDECIDED, Claim, Finding, Judge
from lcs.runs import PUBLISHED, Record
from lcs.sparse import MODES

if TYPE_CHECKING:
    import pandas as pd

# the engine is timed by `make bench`, not by studies
STUDIES = ()

BENCHMARKS = PUBLISHED.parent / "benchmarks"
# of one pass of the optimizer over a weight: the gradient read and a copy written in bfloat16, the
# weight itself read and written in float32
BYTES_OF_A_WEIGHT = 2 + 2 + 4 + 4
# NVIDIA's data sheet of the H200 (SXM): dense bfloat16 products, and memory
H200 = {"operations": 989e12, "bytes": 4.8e12}
# what a benchmark's table may have measured, in words; others are named as they are
MEASURED = {"step": "a step", "sparse step": "{density:.1%} of the first layer left"}


class Step(NamedTuple):
    """A training step of S-FC, counted: weights, floating-point operations, bytes."""

    weights: int
    operations: int
    bytes: int

    @property
    def floor(self) -> float:
        """Least seconds on an H200 by its data sheet: the products, then the optimizer's pass."""
        return self.operations / H200["operations"] + self.bytes / H200["bytes"]


def count_step(base_channels: int) -> Step:
    """Count a step of S-FC on CIFAR-10, with the usual batch, to the leading term.

    The operations are those of `cost.image_flops`, the bytes those of one pass of the optimizer.
    """
    config = Config(base_channels=base_channels)
    weights = cost.weights(config)
    return Step(weights, config.batch_size * cost.image_flops(config), BYTES_OF_A_WEIGHT * weights)


def counts_table(widths: Sequence[int] = (1, 4, 16, 150)) -> Table:
    """Return a step of S-FC at several widths, counted, and its floor on an H200."""
    rows, batch = [], Config().batch_size
    steps = steps_per_epoch(data.spec("cifar10").train_size, batch)
    for width in widths:
        step = count_step(width)
        rows.append(
            [
                f"{width}",
                f"{step.weights / 1e6:,.1f}",
                f"{step.operations / 1e9:,.1f}",
                f"{step.bytes / 1e9:,.3f}",
                f"{1e3 * step.floor:.3g}",
                cost.duration(PAPER_EPOCHS * steps * step.floor),
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


def _describe(measured: str, model: str = "", base_channels: int = 1, **more: Any) -> str:
    what = MEASURED.get(measured, measured).format(**more)
    return f"{NETWORKS[model]}, α = {base_channels}: {what}" if model else what


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


def sparse_steps(found: dict[str, Any] | None) -> list[dict[str, Any]]:
    """Return the time of each sparse step relative to the dense one.

    Keys: `base_channels`, `density` (per cent), `mode`; `ratio`, `low`, `high`: median over
    rounds, and its 95 % interval from order statistics, nan where the rounds are too few for one.
    """
    return [
        {
            "base_channels": one["base_channels"],
            "density": round(100 * one["density"], 6),
            "mode": mode,
            **_median_ratio(one["times"][mode], one["times"]["dense"]),
        }
        for one in find(found, measured="sparse step")
        for mode in MODES[1:]
    ]


def density_frame(found: dict[str, Any] | None) -> pd.DataFrame:
    """Return `sparse_steps` as a table, for `plots.speed`."""
    columns = ["base_channels", "density", "mode", "ratio", "low", "high"]
    return tables.data_frame(sparse_steps(found), columns=columns)


def sparse_numbers(found: dict[str, Any] | None) -> dict[str, str]:
    """Return the times of sparse steps and epochs relative to the dense ones, in words.

    Keys are `speed-`, mode and width, of a step at 1 %, as in `speed-exact-16`; `epoch-` and mode.
    """
    words = {f"speed-{mode}-{width}": PENDING for mode in MODES[1:] for width in (4, 16)}
    words |= {f"epoch-{mode}": PENDING for mode in MODES[1:]}
    for row in sparse_steps(found):
        if row["density"] == 1:
            words[f"speed-{row['mode']}-{row['base_channels']}"] = ratio_text(row)
    return words | {f"epoch-{mode}": ratio_text(row) for mode, row in epoch_ratios(found).items()}


def ratio_text(row: Mapping[str, Any]) -> str:
    """Return a ratio of times and its interval in words; the ratio alone without an interval."""
    interval = f" ({row['low']:.2f} – {row['high']:.2f})" if row["low"] <= row["high"] else ""
    return f"{row['ratio']:.2f}{interval}"


def epoch_ratios(found: dict[str, Any] | None) -> dict[str, dict[str, float]]:
    """Return the time of a sparse epoch relative to the dense one, by mode."""
    return {
        mode: _median_ratio(one["times"][mode], one["times"]["dense"])
        for one in find(found, measured="sparse epoch", base_channels=16)
        for mode in MODES[1:]
    }


EXACT_WHOLE = "exact, whole gradient"


def bound_table(found: dict[str, Any] | None) -> Table:
    """Return the time of steps along runs: exact, with and without the bound, and frozen."""
    what = "Steps of S-FC along runs with β = 50"
    shown = find(found, measured="bound")
    if found is None or not shown:
        return tables.pending_table("tab-bound", what, "make bench")
    rows = [
        [
            f"{one['base_channels']}",
            f"{one['epoch']}",
            f"{100 * one['density']:.1f}",
            f"{100 * one['terms']:.1f}",
            tables.number(float(f"{100 * one['candidates']:.1g}")),
            *(
                ratio_text(_median_ratio(one["times"][mode], one["times"]["dense"]))
                for mode in (EXACT_WHOLE, "exact", "frozen")
            ),
        ]
        for one in shown
    ]
    caption = (
        f"{what} and {shown[0]['epochs']} epochs: remaining weights of the first layer; how many "
        "terms the bound sums, as a share of the batch; the entries of the gradient of which it "
        "proves nothing; and the time of a step relative to a dense one, in the median with its "
        f"95 % interval over rounds. {machine_text(found)}."
    )
    columns = [
        "α", "epoch", "remaining (%)", "terms (%)", "not proved (%)",
        "exact, whole gradient", "exact, with the bound", "frozen",
    ]  # fmt: skip
    return Table("tab-bound", caption, columns, rows)


def bound_ratios(
    found: dict[str, Any] | None, width: int = 16, mode: str = "exact"
) -> list[dict[str, float]]:
    """Return the time of a step in a mode relative to a dense one along a run, with its interval.

    At the epochs after which at most one per cent of the first layer remains.
    """
    return [
        _median_ratio(one["times"][mode], one["times"]["dense"])
        for one in find(found, measured="bound", base_channels=width)
        if one["density"] <= 0.01
    ]


def unproved_frame(found: dict[str, Any] | None) -> pd.DataFrame:
    """Return of how many units a bound proves nothing along runs, for `plots.unproved`."""
    columns = ["base_channels", "epoch", "density", "images", "bound", "terms", "units"]
    rows = [
        {
            **{name: one[name] for name in columns[:4]},
            "density": 100 * one["density"],
            "bound": kind,
            "terms": int(terms),
            "units": 100 * share,
        }
        for one in find(found, measured="unproved")
        for name, share in one["shares"].items()
        for kind, separator, terms in [name.partition(": ")]
        if separator
    ]
    return tables.data_frame(rows, columns=columns)


def bound_numbers(width: int = 150) -> dict[str, str]:
    """Return what the prose says of the bound, in words.

    `bound-share`: the share that the first layer's gradient has in the products of a step of S-FC:
    it is one of the layer's two products, and the other layers have three. `bound-first` and
    `bound-last`: the time of an exact step at α = 16 relative to a dense one, where it is slowest
    with at most one per cent of the layer, and in the last epochs.
    """
    first, *others = (size.weights for size in Config(base_channels=width).layer_sizes().values())
    share = 2 * first / (4 * first + 6 * sum(others))
    words = {"bound-share": f"{100 * share:.0f} %", "bound-first": PENDING, "bound-last": PENDING}
    if ratios := bound_ratios(load("bound")):
        slowest = max(ratios, key=lambda row: row["ratio"])
        words |= {"bound-first": ratio_text(slowest), "bound-last": ratio_text(ratios[-1])}
    return words


def changes_frame(found: dict[str, Any] | None) -> pd.DataFrame:
    """Return what each change left of an epoch's time, median and range, for `plots.changes`."""
    columns = ["base_channels", "change", "median", "low", "high"]
    rows = [
        [one["base_channels"], name, statistics.median(took), min(took), max(took)]
        for one in find(found, measured="changes")
        for name, took in one["times"].items()
    ]
    return tables.data_frame(rows, columns=columns)


# the ratios of a step to its floor, by the augmentation of its images
OVER_FLOOR = {
    "step with flip-crop / floor": "with flips and crops",
    "step with autoaugment / floor": "with AutoAugment",
}


def floor_frame(found: dict[str, Any] | None) -> pd.DataFrame:
    """Return the time of a step over its floor, median and range, for `plots.floors`."""
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
    """Return a step of S-FC with flips and crops over its floor: by `floor-`, width."""
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


def runs_table(records: Sequence[Record]) -> Table:
    """Return what whole runs took, and how their epochs were computed.

    With the most weights of the first layer that one step would have let return, had zeros been
    free (`compare.would_revive_text`), and the units without a weight, which the products still
    compute.
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
        f"{tables.plain(records[0].provenance['hardware'])}."
    )
    rows = []
    for run in records:
        config, units = run.config, run.final["fan_in"]["conv1"]
        rows.append(
            [
                compare.method_text(config) + compare.zeros_text(config),
                compare.field_text(config, "augment"),
                *(f"{run.provenance['modes'].get(mode, 0)}" for mode in modes),
                compare.remaining_text([run]),
                *(
                    say([run]) if config.frozen_zeros else tables.NONE
                    for say in (compare.would_revive_text, compare.would_revive_of_remaining_text)
                ),
                f"{units[0]:,} of {sum(units):,}",
                cost.duration(run.provenance["seconds"]),
                tables.link(run, f"{config.seed}"),
            ]
        )
    return Table("tab-whole", caption, columns, rows, [LABELS["augment"]])


def _median_ratio(times: Sequence[float], dense: Sequence[float]) -> dict[str, float]:
    import numpy as np
    import scipy

    ratios = np.divide(times, dense)
    bounds = scipy.stats.quantile_test(ratios, p=0.5).confidence_interval(0.95)
    return {"ratio": float(np.median(ratios)), "low": bounds.low, "high": bounds.high}


# Claims


def _faster(mode: str) -> Judge:
    """Judge whether a sparse step takes less time than a dense one, at 1 % left, by the median."""

    def judge(_: list[Record]) -> Finding | None:
        found = load("parts")
        there = [row for row in sparse_steps(found) if (row["mode"], row["density"]) == (mode, 1)]
        if not there:
            return None
        widest = max(there, key=lambda row: row["base_channels"])
        share, width = ratio_text(widest), widest["base_channels"]
        slower = "contradicted" if widest["low"] > 1 else UNDECIDED
        return Finding(
            f"{share} of a dense step's time at 1 % left, α = {width}",
            short=f"{share} of the time",
            said="holds" if widest["high"] < 1 else slower,
            n=min(one["repeats"] for one in find(found, measured="sparse step")),
        )

    return judge


def _proved(_: list[Record]) -> Finding | None:
    """Judge whether a quarter of the terms proves nine units in ten along whole runs."""
    shares: dict[tuple[int, int], float] = {}
    for one in find(load("unproved"), measured="unproved"):
        quarter = str(one["images"] // 4)
        proved = [share for name, share in one["shares"].items() if name.endswith(f": {quarter}")]
        shares[one["base_channels"], one["epoch"]] = 100 * min(proved)
    if not shares:
        return None
    (width, epoch), worst = max(shares.items(), key=lambda item: item[1])
    return Finding(
        f"up to {worst:.2g} % of the units not proved (α = {width}, after {epoch} epochs)",
        said="contradicted" if worst > 10 else "holds",
        n=len({width for width, _ in shares}),
    )


EXACT = "Sparsity can be used for speed, with the algorithm as it is"
FROZEN = "Sparse weights in dense layers can be used for speed (zeros that stay)"
PROVED = "A quarter of the gradient's terms proves of nine units in ten that no zero returns"
CLAIMS: tuple[Claim, ...] = (
    Claim("P", EXACT, BENCHMARK, _faster("exact"), "future work"),
    Claim("F", FROZEN, BENCHMARK, _faster("frozen"), "a question"),
    Claim("B", PROVED, BENCHMARK, _proved),
)
