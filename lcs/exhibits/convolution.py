"""Are the filters a convolution: shifted copies of each other, with responses that shift too?"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lcs import measure
from lcs.exhibits import cells, tables
from lcs.exhibits.methods import B0, B50, method
from lcs.exhibits.plots.style import WIDTH, add_legend, look, pending, subplots
from lcs.exhibits.tables import NONE, PENDING, Cell, Table
from lcs.exhibits.verdicts import Claim, Finding
from lcs.measure import sharing
from lcs.measure.equivariance import SHIFT, UNITS
from lcs.runs import Record
from lcs.stats import Interval, mean_interval
from lcs.train.recording import STORED_FILTERS

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

STUDIES = ()  # runs of other chapters are measured

MIN_FILTERS = 8  # compact ones, without which nothing is said of a run
# a shared kernel must raise the measure by so much, or its absence says nothing
MIN_CONTRAST = 0.2
NULLS = ("unaligned", "pixels", "phases", "rearranged")


def measured(record: Record) -> dict[str, Any]:
    """Return `lcs.measure.sharing.sharing` of the compact ones among a run's stored filters.

    Compact are those with enough weights and mass in a window of 13 x 13 of 32 pixels, that of
    S-CONV's kernel and two pixels more on each side (`sharing.local_parts`). The first
    `STORED_FILTERS` are looked at, as many of each run. `of`: how many were looked at. With fewer
    than `MIN_FILTERS` compact ones the result has no other values.
    """
    filters = record.load_filters()[:STORED_FILTERS]
    window = measure.window_size(*filters.shape[2:]) + 4 * filters.shape[2] // 32
    compact = sharing.local_parts(filters, window)
    found: dict[str, Any] = {"of": len(filters), "filters": len(compact)}
    if len(compact) >= MIN_FILTERS:
        found |= sharing.sharing(compact, record.config.base_channels)
    return found


def frame(records: Sequence[Record]) -> pd.DataFrame:
    """Return a row for each run with stored filters.

    Columns `setting`, `series` (method and λ), `run_id` and what `measured` has, NaN where that is
    missing.
    """
    columns = ["setting", "series", "run_id", "of", "filters", "mean", "ci95", "shared"]
    columns += [f"{null}{kind}" for null in NULLS for kind in ("", "_excess", "_ci95")]
    rows = []
    for run in records:
        if run.has_filters:
            series = method(run.config).shortest + cells.penalty_text(run.config)
            row = {"setting": cells.trained_text(run.config), "run_id": run.run_id}
            rows.append({**row, "series": series, **measured(run)})
    return tables.data_frame(rows).reindex(columns=columns).drop_duplicates("run_id")


def way(row: Mapping[Any, Any]) -> float:
    """Return how far a row of `frame` is on the way from chance to shared kernels, in per cent.

    Chance is the null that keeps most, `rearranged`. NaN where shared kernels could not be told
    from it: the filters have too few weights, or the kernels would be more than the filters.
    """
    contrast = row["shared"] - row["rearranged"]
    return 100 * row["rearranged_excess"] / contrast if contrast > MIN_CONTRAST else math.nan


def _way_text(row: Mapping[Any, Any]) -> str:
    share = way(row)
    return tables.minus(f"{round(share)}") if math.isfinite(share) else NONE


def table(found: pd.DataFrame) -> Table:
    """Return the measure of every run of `frame`, beside its nulls and a shared kernel."""
    name, what = "tab-sharing", "whether filters are shifted copies of each other"
    if found.empty:
        return tables.pending_table(name, what, "lcs study width")
    rows = []
    for row in found.to_dict("records"):
        measures = [NONE] * 8
        if math.isfinite(row["mean"]):
            own = Interval(row["mean"], row["ci95"], int(row["filters"]))
            beyond = Interval(row["rearranged_excess"], row["rearranged_ci95"], own.n)
            measures = [tables.interval(own), *(f"{row[null]:.2f}" for null in NULLS)]
            measures += [tables.signed(beyond), f"{row['shared']:.2f}"]
            measures.append(_way_text(row))
        count = f"{row['filters']:.0f} of {row['of']:.0f}"
        rows.append([row["setting"], row["series"], count, *measures])
    caption = (
        "Correlation of a compact filter with the other that is most like it after a shift, ± 95 % "
        "interval over the filters of one run; the same without the shift, with the other's pixels "
        "permuted, with its phases random, and with its weights rearranged in their places; the "
        "excess over the last; the same filters with as many shared kernels as a convolution of "
        "this α has; and how far the measure is from rearranged weights (0 %) to shared kernels "
        f"(100 %), where these differ by more than {MIN_CONTRAST}. A run with fewer than "
        f"{MIN_FILTERS} compact filters is not measured."
    )
    columns = ["setting", "method", "compact", "nearest", *NULLS, "excess", "shared", "way (%)"]
    return Table(name, caption, columns, rows, text=["method"])


def numbers(found: pd.DataFrame, named: Mapping[str, Sequence[Record]]) -> dict[str, str]:
    """Return what the prose says of the first run with filters of each name; "pending" without it.

    `sharing-<name>-excess` over rearranged weights, and `-way`, how far that is to shared kernels;
    of all runs of β = 0 that were measured `sharing-zero-ways`, from the shortest way to the
    longest, and `sharing-zero-runs`, how many there are.
    """
    rows = {row["run_id"]: row for row in found.to_dict("records") if math.isfinite(row["mean"])}
    words = {}
    for name, records in named.items():
        stored = next((r for r in records if r.has_filters), None)
        row = rows.get(stored.run_id) if stored else None
        excess = Interval(row["rearranged_excess"], row["rearranged_ci95"], 0) if row else None
        words[f"sharing-{name}-excess"] = cells.signed_text(excess)
        known = f"{_way_text(row)} %" if row and math.isfinite(way(row)) else "not defined"
        words[f"sharing-{name}-way"] = known if row else PENDING
    zero = [row for row in rows.values() if row["series"].partition(",")[0] == B0.shortest]
    ways = sorted((row for row in zero if math.isfinite(way(row))), key=way)
    words["sharing-zero-runs"] = f"{len(ways)}" if ways else PENDING
    ends = f"{_way_text(ways[0])} to {_way_text(ways[-1])} %" if ways else PENDING
    words["sharing-zero-ways"] = ends
    return words


def equivariance_table(records: Sequence[Record]) -> Table:
    """Return how closely another unit takes over when the image is shifted, by condition.

    Of the runs that measured it (`lcs.measure.equivariance`), on images as they are.
    """
    shown = [
        run
        for run in records
        if run.final.get("equivariance", {}).get("mean") and not run.config.permute_pixels
    ]

    def mean(name: str, digits: int = 2) -> Cell:
        return lambda runs: f"{mean_interval(_equivariances(runs, name)).mean:.{digits}f}"

    columns: dict[str, Cell] = {
        "method": cells.of(lambda config: method(config).short),
        **cells.by_field(["base_channels"]),
        "units": mean("units", 0),
        "correlation": mean("mean"),
        "shuffled": mean("null_mean"),
        "excess": lambda runs: tables.signed(mean_interval(_equivariances(runs, "excess_mean"))),
        "seeds": tables.links,
    }
    what = (
        f"Correlation of a unit's response with that of its successor to images shifted by {SHIFT} "
        "pixels, and the same with each filter's weights shuffled in their places; means over "
        f"units, at most {UNITS} of them, and seeds"
    )
    return cells.by_condition("permuted", shown, columns, what, label="tab-equivariance")


def _equivariances(runs: Sequence[Record], name: str) -> list[float]:
    return [run.final["equivariance"][name] for run in runs]


def sharing_figure(table: pd.DataFrame) -> Figure:
    """Draw how alike filters are after a shift, between chance and shared kernels, a row per run.

    Args:
        table: columns `setting`, `series`, `of`, `filters`, `mean`, `ci95`, `pixels`,
            `phases`, `rearranged` and `shared`; a row without `mean` has too few compact ones.
    """
    if table.empty:
        return pending()
    figure, axes = subplots(figsize=(WIDTH, 0.3 * len(table) + 1.2))
    shapes = {"pixels": "x", "phases": "+", "rearranged": "|", "shared": "D"}
    words = {
        "pixels": "null: pixels permuted",
        "phases": "null: random phases",
        "rearranged": "null: weights rearranged in their places",
        "shared": "shared kernels",
    }
    names = []
    for y, row in enumerate(table.to_dict("records")):
        names.append(f"{row['setting']}: {row['series']}")
        own = look(row["series"].split(", λ")[0])
        if math.isnan(row["mean"]):
            few = f"{row['filters']:.0f} of {row['of']:.0f} filters are compact"
            axes.text(0.01, y, few, va="center", size="small", style="italic", color="0.35")
            continue
        axes.plot([row["rearranged"], row["shared"]], [y, y], color="0.85", lw=5, zorder=0)
        for name, shape in shapes.items():
            axes.plot(row[name], y, shape, color="0.4", mfc="white", ms=7, label=words[name])
        axes.errorbar(row["mean"], y, xerr=row["ci95"], fmt=own.marker, color=own.colour, ms=6)
    axes.set_yticks(range(len(table)), names)
    axes.tick_params(axis="y", labelsize="small")
    axes.set(ylim=(len(table) - 0.5, -0.5), xlim=(0, 1.02))
    axes.set_xlabel("correlation with the nearest filter after a shift")
    axes.grid(axis="x", color="0.92")
    add_legend(figure, axes, columns=2)
    return figure


# Claims


def _shares_kernels(records: list[Record]) -> Finding:
    """Say how far the units of β = 0 and β = 50 are on the way to shared kernels, in one run each.

    The intervals are over the filters of a run, so that they are no evidence over seeds.
    """
    said, shares = [], []
    for name in (B0, B50):
        runs = [r for r in records if r.has_filters and method(r.config) == name]
        found = measured(runs[0]) if runs else {}
        share = way(found) if "mean" in found else math.nan
        shares.append(share)
        told = (
            f"{share:.0f} % of the way to shared kernels"
            if math.isfinite(share)
            else "cannot be told"
        )
        said.append(f"{name.shortest}: {told}")
    known = [share for share in shares if math.isfinite(share)]
    if not known:
        return Finding(NONE, said="not measurable: too few filters, or weights")
    seen = "seen in one run" if min(known) > 50 else "not seen in one run"
    return Finding("; ".join(said), said=seen)


CLAIMS: tuple[Claim, ...] = (
    Claim(
        "B",
        "The first layer becomes a convolution: compact filters are shifted copies of each other "
        "(α = 8, the λ of β = 50)",
        "scaling-threshold",
        _shares_kernels,
    ),
)
