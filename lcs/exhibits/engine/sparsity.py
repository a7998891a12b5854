"""Sparse training steps: their time by density, along a run with the bound, and in whole runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from lcs import cost
from lcs.config import Config
from lcs.exhibits import cells, tables
from lcs.exhibits.cells import LABELS
from lcs.exhibits.engine.benchmarks import find, machine_text, median_ratio, ratio_text
from lcs.exhibits.published import PAPER_BASE_CHANNELS
from lcs.exhibits.tables import PENDING, Table
from lcs.optim.sparse_products import MODES
from lcs.runs import Record

if TYPE_CHECKING:
    import pandas as pd

EXACT_WHOLE = "exact, whole gradient"
# what the pages call the modes
SHOWN = {"dense": "dense", "exact": "exact", "frozen": "frozen zeros"}


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
            **median_ratio(one["times"][mode], one["times"]["dense"]),
        }
        for one in find(found, measured="sparse step")
        for mode in MODES[1:]
    ]


def density_frame(found: dict[str, Any] | None) -> pd.DataFrame:
    """Return `sparse_steps` as a table, for `figures.speed`."""
    columns = ["base_channels", "density", "mode", "ratio", "low", "high"]
    rows = [row | {"mode": SHOWN[row["mode"]]} for row in sparse_steps(found)]
    return tables.data_frame(rows, columns=columns)


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


def epoch_ratios(found: dict[str, Any] | None) -> dict[str, dict[str, float]]:
    """Return the time of a sparse epoch relative to the dense one, by mode."""
    return {
        mode: median_ratio(one["times"][mode], one["times"]["dense"])
        for one in find(found, measured="sparse epoch", base_channels=16)
        for mode in MODES[1:]
    }


def bound_table(found: dict[str, Any] | None) -> Table:
    """Return the time of steps along runs: exact, with and without the bound, and frozen zeros."""
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
            tables.rounded(100 * one["candidates"], 1),
            *(
                ratio_text(median_ratio(one["times"][mode], one["times"]["dense"]))
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
        "exact, whole gradient", "exact, with the bound", "frozen zeros",
    ]  # fmt: skip
    return Table("tab-bound", caption, columns, rows)


def bound_ratios(
    found: dict[str, Any] | None, width: int = 16, mode: str = "exact"
) -> list[dict[str, float]]:
    """Return the time of a step in a mode relative to a dense one along a run, with its interval.

    At the epochs after which at most one per cent of the first layer remains.
    """
    return [
        median_ratio(one["times"][mode], one["times"]["dense"])
        for one in find(found, measured="bound", base_channels=width)
        if one["density"] <= 0.01
    ]


def unproved_frame(found: dict[str, Any] | None) -> pd.DataFrame:
    """Return of how many units a bound proves nothing along runs, for `figures.unproved`."""
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


def bound_numbers(found: dict[str, Any] | None) -> dict[str, str]:
    """Return what the prose says of the bound, in words.

    `bound-share`: the share that the first layer's gradient has in the products of a step of S-FC:
    it is one of the layer's two products, and the other layers have three. `bound-first-α` and
    `bound-last-α` of α = 16 and 32: the time of an exact step relative to a dense one, where it is
    slowest with at most one per cent of the layer, and in the last epochs.
    """
    wide = Config(base_channels=PAPER_BASE_CHANNELS)
    first, *others = (size.weights for size in wide.layer_sizes().values())
    share = 2 * first / (4 * first + 6 * sum(others))
    words = {"bound-share": f"{100 * share:.0f} %"}
    for alpha in (16, 32):
        ratios = bound_ratios(found, alpha)
        slowest = max(ratios, key=lambda row: row["ratio"], default=None)
        words[f"bound-first-{alpha}"] = ratio_text(slowest) if slowest else PENDING
        words[f"bound-last-{alpha}"] = ratio_text(ratios[-1]) if ratios else PENDING
    return words


def run_numbers(found: dict[str, Any] | None) -> dict[str, str]:
    """Return what the prose says of whole runs, in words.

    `run-alpha`, their width; `run-exact`, `run-whole` and `run-frozen`, their time relative to the
    dense run: exact with the bound and with the whole gradient, and with frozen zeros.
    """
    names = {"run-exact": "exact", "run-whole": EXACT_WHOLE, "run-frozen": "frozen"}
    whole = find(found, measured="whole run")
    if not whole:
        return dict.fromkeys(("run-alpha", *names), PENDING)
    # without the first epoch, in which the optimizer's step is compiled
    times = {mode: sum(seconds[1:]) for mode, seconds in whole[-1]["times"].items()}
    shares = {name: f"{times[mode] / times['dense']:.2f}" for name, mode in names.items()}
    return {"run-alpha": f"{whole[-1]['base_channels']}"} | shares


def runs_table(records: Sequence[Record]) -> Table:
    """Return what whole runs took, and how their epochs were computed.

    With the most weights of the first layer that one step would have let return, had zeros been
    free (`cells.would_revive_text`), and the units without a weight, which the products still
    compute.
    """
    what = "Whole runs of S-FC at α = 32"
    if not records:
        return tables.pending_table("tab-whole", what, "lcs study showpiece")
    modes = [mode for mode in MODES if any(mode in run.provenance["modes"] for run in records)]
    columns = ["run", LABELS["augment"], *(f"epochs, {SHOWN[mode]}" for mode in modes)]
    columns += ["remaining, layer 1 (%)", "held back, of all (%)"]
    columns += ["held back, of those remaining (%)", "dead units", "time", "seed"]
    caption = (
        f"{what}, {records[0].config.epochs} epochs each: how many of them were computed how; what "
        "remains of the first layer; the most weights that one step would have let return, had "
        "zeros been free, of all and of those remaining at that step; units without a weight. "
        "Times are those of the records, on "
        f"{tables.plain(records[0].provenance['hardware'])}."
    )
    rows = []
    for run in records:
        config, units = run.config, run.final["fan_in"]["conv1"]
        rows.append(
            [
                cells.method_text(config) + cells.zeros_text(config),
                cells.field_text(config, "augment"),
                *(f"{run.provenance['modes'].get(mode, 0)}" for mode in modes),
                cells.remaining_text([run]),
                *(
                    say([run]) if config.frozen_zeros else tables.NONE
                    for say in (cells.would_revive_text, cells.would_revive_of_remaining_text)
                ),
                f"{units[0]:,} of {sum(units):,}",
                cost.duration(run.provenance["seconds"]),
                tables.link(run, f"{config.seed}"),
            ]
        )
    return Table("tab-whole", caption, columns, rows, [LABELS["augment"]])
