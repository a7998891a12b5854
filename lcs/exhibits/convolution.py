"""Are the filters a convolution: shifted copies of each other, with responses that shift too?"""

import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from lcs import measure
from lcs.exhibits.shared import cells, compare, tables
from lcs.exhibits.shared.methods import B0, B50, CONV, LOCAL, NETWORKS, SGD, method
from lcs.exhibits.shared.plots.style import PAGE_WIDTH, Figure, add_legend, look, pending, subplots
from lcs.exhibits.shared.tables import NONE, PENDING, Cell, Table
from lcs.exhibits.shared.verdicts import Finding, ours
from lcs.measure.shift_equivariance import SHIFT, UNITS
from lcs.runs import Record
from lcs.stats import Interval, mean_interval
from lcs.train.recording import STORED_FILTERS

STUDIES = ()  # runs of other chapters are measured

MIN_FILTERS = 8  # compact ones, without which nothing is said of a run
# a shared kernel must raise the measure by so much, or its absence says nothing
MIN_CONTRAST = 0.2
# whose responses are shown, from above
RESPONDING = (CONV, LOCAL, SGD, B50)

Row = Mapping[str, Any]  # of `frame`


def measured(record: Record) -> dict[str, Any]:
    """Return `lcs.measure.sharing` of the compact ones among a run's stored filters.

    Compact are those with enough weights and mass in a window of 13 x 13 of 32 pixels, that of
    S-CONV's kernel and two pixels more on each side (`lcs.measure.local_parts`). The first
    `STORED_FILTERS` are looked at, as many of each run. `filters` counts the compact ones; with
    fewer than `MIN_FILTERS` of them the result has no other values.
    """
    filters = record.load_filters()[:STORED_FILTERS]
    window = measure.window_size(*filters.shape[2:]) + 4 * filters.shape[2] // 32
    compact = measure.local_parts(filters, window)
    found: dict[str, Any] = {"filters": len(compact)}
    if len(compact) >= MIN_FILTERS:
        found |= measure.sharing(compact, record.config.base_channels)
    return found


def frame(records: Sequence[Record]) -> list[Row]:
    """Return a row for each run with stored filters.

    It has `setting`, `method`, `series` (method and λ), `run_id` and what `measured` has.
    """
    stored = {run.run_id: run for run in records if run.has_filters}
    return [
        {
            "setting": cells.trained_text(run.config),
            "method": method(run.config).shortest,
            "series": cells.series_text(run.config),
            "run_id": run_id,
            **measured(run),
        }
        for run_id, run in stored.items()
    ]


def share_of_way(row: Row) -> float:
    """Return where a row of `frame` lies between chance (0) and shared kernels (100).

    Chance is the null that keeps most, `rearranged`. NaN where shared kernels could not be told
    from it: the filters have too few weights, or the kernels would be more than the filters.
    """
    contrast = row.get("shared", math.nan) - row.get("rearranged", math.nan)
    return 100 * row["rearranged_excess"] / contrast if contrast > MIN_CONTRAST else math.nan


def numbers(found: Sequence[Row], named: Mapping[str, Sequence[Record]]) -> dict[str, str]:
    """Return what the prose says of the first run with filters of each name; "pending" without it.

    `sharing-<name>-excess` over rearranged weights; of all runs of β = 0 that were measured
    `sharing-zero-ways`, the least and the most of the way to shared kernels, and
    `sharing-zero-runs`, how many there are.
    """
    rows = {row["run_id"]: row for row in found}
    words = {}
    for name, records in named.items():
        row = rows.get(next((run.run_id for run in records if run.has_filters), ""))
        excess = NONE if row else PENDING
        if row and "mean" in row:
            excess = tables.signed(Interval(row["rearranged_excess"], row["rearranged_ci95"], 0))
        words[f"sharing-{name}-excess"] = excess
    zero = [row for row in rows.values() if row["method"] == B0.shortest]
    ways = sorted(share for row in zero if math.isfinite(share := share_of_way(row)))
    ends = tables.minus(f"{ways[0]:z.0f} % to {ways[-1]:z.0f} %") if ways else PENDING
    return {**words, "sharing-zero-runs": f"{len(ways) or PENDING}", "sharing-zero-ways": ends}


def responding(records: Sequence[Record]) -> list[Record]:
    """Return the runs of `RESPONDING` that measured `lcs.measure.equivariance`, by width.

    Of those on images as they are; at each width in the order of the methods.
    """
    shown = [
        run
        for run in records
        if run.final.get("equivariance", {}).get("mean")
        and method(run.config) in RESPONDING
        and not run.config.permute_pixels
    ]
    return sorted(shown, key=lambda r: (r.config.base_channels, RESPONDING.index(method(r.config))))


def responses(records: Sequence[Record], name: str = "excess_mean") -> list[float]:
    """Return a value of each run's `equivariance`: by how much it exceeds shuffled weights."""
    return [run.final["equivariance"][name] for run in records]


def responses_figure(shown: Sequence[Record]) -> Figure:
    """Draw how far responses follow a shifted image beyond chance, each run of `responding`."""
    if not shown:
        return pending()
    figure, axes = subplots(figsize=(PAGE_WIDTH, 2.9))
    settings = compare.grouped(shown, lambda c: cells.trained_text(c).replace(", ", "\n"))
    for place, runs in enumerate(settings.values()):
        for who, group in compare.by_method(runs).items():
            own, x = look(who), place + 0.17 * (RESPONDING.index(who) - 1.5)
            name = who.shortest if who.model == "s-fc" else NETWORKS[who.model]
            values = responses(group)
            axes.plot([x] * len(group), values, own.marker, color=own.colour, ms=5, label=name)
    axes.axhline(0, color="0.6", lw=1, zorder=0)
    axes.set_xticks(range(len(settings)), [*settings], fontsize="small")
    axes.set(ylabel="correlation beyond chance", ylim=(None, 0.75))
    axes.grid(axis="y", color="0.92")
    add_legend(figure, axes, columns=len(RESPONDING))
    return figure


def equivariance_table(shown: Sequence[Record]) -> Table:
    """Return how closely another unit takes over when the image is shifted, of `responding`."""
    columns: dict[str, Cell] = {
        **cells.field_columns(["method", "base_channels"]),
        "correlation": lambda runs: f"{compare.mean(runs, partial(responses, name='mean')):.2f}",
        "shuffled": lambda runs: f"{compare.mean(runs, partial(responses, name='null_mean')):.2f}",
        "excess": lambda runs: tables.signed(mean_interval(responses(runs))),
    }
    what = (
        f"Correlation of a unit's response with that of its successor to images shifted by {SHIFT} "
        "pixels, and the same with each filter's weights shuffled among their positions; means "
        f"over units, at most {UNITS} of them, and seeds; settings as in the figure above"
    )
    return cells.by_condition("permuted", shown, columns, what, label="tab-equivariance")


def sharing_figure(found: Sequence[Row]) -> Figure:
    """Draw how alike filters are after a shift, between chance and shared kernels, a row per run.

    Args:
        found: of `frame`; a row without `mean` has too few compact filters, and is left out.
    """
    shown = [row for row in found if "mean" in row]
    if not shown:
        return pending()
    figure, axes = subplots(figsize=(PAGE_WIDTH, 0.3 * len(shown) + 1.2))
    references = {
        "pixels": ("x", "null: pixels permuted"),
        "phases": ("+", "null: random phases"),
        "rearranged": ("|", "null: weights rearranged in their positions"),
        "shared": ("D", "shared kernels"),
    }
    for y, row in enumerate(shown):
        axes.plot([row["rearranged"], row["shared"]], [y, y], color="0.85", lw=5, zorder=0)
        for name, (shape, words) in references.items():
            axes.plot(row[name], y, shape, color="0.4", mfc="white", ms=7, label=words)
        own = look(row["method"])
        axes.errorbar(row["mean"], y, xerr=row["ci95"], fmt=own.marker, color=own.colour, ms=6)
    axes.set_yticks(range(len(shown)), [f"{row['setting']}: {row['series']}" for row in shown])
    axes.tick_params(axis="y", labelsize="small")
    axes.set(ylim=(len(shown) - 0.5, -0.5), xlim=(0, 1.02))
    axes.set_xlabel("correlation with the nearest filter after a shift")
    axes.grid(axis="x", color="0.92")
    add_legend(figure, axes, columns=2)
    return figure


# Claims


def _shares_kernels(records: list[Record]) -> Finding:
    """Say how far the units of β = 0 and β = 50 are on the way to shared kernels, in one run each.

    The intervals are over the filters of a run, so that they are no evidence over seeds.
    """
    said, known = [], []
    for name in (B0, B50):
        run = next((r for r in records if r.has_filters and method(r.config) == name), None)
        found = measured(run) if run else {}
        told = "cannot be told"
        if "mean" in found and math.isfinite(share := share_of_way(found)):
            known.append(share)
            told = f"{share:.0f} % of the way from chance to shared kernels"
        said.append(f"{name.shortest}: {told}")
    if not known:
        return Finding(NONE, said="not measurable: too few filters, or weights")
    seen = "seen" if min(known) > 50 else "not seen"
    return Finding("; ".join(said), said=f"{seen} in one run of each")


CLAIMS = {
    "The first layer becomes a convolution: compact filters are shifted copies of each other "
    "(α = 8, the λ of β = 50)": ours("scaling-threshold", _shares_kernels)
}
