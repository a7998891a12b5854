"""The gain of β = 50 over another method, and how it grows with the width.

The gain is a difference in test accuracy, in points, paired by seed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lcs.exhibits import cells, compare, published, tables
from lcs.exhibits.compare import ByStudy
from lcs.exhibits.methods import B0, B50, LOCAL, PROXIMAL, SGD, Method
from lcs.exhibits.plots.style import (
    PAGE_WIDTH,
    PUBLISHED_MARKERS,
    add_legend,
    look,
    pending,
    subplots,
)
from lcs.exhibits.verdicts import Finding, Judge
from lcs.runs import Record
from lcs.stats import Interval, mean_interval

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# methods of `leads_figure`, with their shift along x
LEADS = {B50: -0.15, LOCAL: 0.15}


def gains_by_width(records: Sequence[Record], other: Method = SGD) -> pd.DataFrame:
    """Return the gain of β = 50 over another method: columns `x` (α), `seed`, `gain` (points)."""
    rows = []
    for width, groups in compare.by_width(records).items():
        found = compare.by_seed(groups[B50], groups[other])
        rows += [{"x": width, "seed": s, "gain": one - two} for s, (one, two) in found.items()]
    return tables.data_frame(rows, columns=["x", "seed", "gain"])


def growth(gains: pd.DataFrame) -> Interval | None:
    """Return how much a gain grows with each doubling of the width, in points.

    That is the slope against log₂ α by least squares, over the seeds that have every width. None
    without any, or where there is only one width.

    Args:
        gains: of `gains_by_width`.
    """
    widths = gains["x"].nunique()
    whole = [runs for _, runs in gains.groupby("seed") if len(runs) == widths]
    if widths < 2 or not whole:
        return None
    return mean_interval([np.polyfit(np.log2(runs["x"]), runs.gain, 1)[0] for runs in whole])


def gain_grows(other: Method) -> Judge:
    """Judge whether the gain of β = 50 over another method grows with the width."""

    def judge(records: list[Record]) -> Finding | None:
        slope = growth(gains_by_width(records, other))
        return slope and Finding(f"{tables.signed(slope)} points a doubling", slope)

    return judge


def gains_figure(runs: ByStudy) -> Figure:
    """Draw the gains of β = 50 against the width, by the recipe, with the paper's.

    A small dot is a seed; beside three or more of a width stands their mean with its 95 % interval.

    Args:
        runs: the records of each study by its name: at each width with λ chosen there, with the
            same λ at the largest, and more seeds of it.
    """
    own, same, seeds = (runs[f"scaling-{name}"] for name in ("own", "threshold", "seeds"))
    more_seeds = {run.config: run for run in (*own, *seeds)}  # which share runs
    contrasts = {
        "over SGD": gains_by_width([*more_seeds.values()]),
        "over β = 0": gains_by_width(own, B0),
        "over β = 0, same λ": gains_by_width(same, B0),
        "over proximal ℓ1, same λ": gains_by_width(same, PROXIMAL),
    }
    widths = {width for table in contrasts.values() for width in table["x"]}
    if not widths:
        return pending()
    figure, axes = subplots(figsize=(PAGE_WIDTH, 3.4))
    places = {x: place for place, x in enumerate([*sorted(widths), published.PAPER_BASE_CHANNELS])}
    shifts = (-0.3, -0.1, 0.1, 0.3)
    for shift, (contrast, table) in zip(shifts, contrasts.items(), strict=True):
        found = table.groupby("x").gain
        _add_gains(axes, contrast, shift, {float(places[x]): [*gains] for x, gains in found})
    paper = {"marker": PUBLISHED_MARKERS["paper"], "ms": 8, "mfc": "none", "ls": ""}
    for shift, contrast, other in zip(shifts, ("over SGD", "over β = 0"), (SGD, B0), strict=False):
        gain = published.gain(B50, other)
        axes.plot(len(widths) + shift, gain, color=look(contrast).colour, **paper)
    axes.plot([], [], color="0.3", label="the paper", **paper)
    axes.axhline(0, color="0.6", lw=1, zorder=0)
    axes.set(xlabel="base channels α", ylabel="gain of β = 50 (points)")
    axes.set_xticks([*places.values()], [f"{x:g}" for x in places])
    add_legend(figure, axes, columns=3)
    return figure


def leads_figure(settings: Sequence[Sequence[Record]]) -> Figure:
    """Draw how far β = 50 and S-LOCAL are ahead of SGD, at each width of each setting.

    A small dot is a seed; beside three or more stands their mean with its 95 % interval. Hollow:
    single runs, and what the paper reports.

    Args:
        settings: the records of each: one augmentation and length.
    """
    import matplotlib.pyplot as plt

    if not any(settings):
        return pending()
    figure = plt.figure(figsize=(PAGE_WIDTH, 3.4))
    kept = [records for records in settings if records]
    title: dict[str, Any] = {"fontsize": "x-small", "fontweight": "normal"}
    at_widths = [compare.by_width(records) for records in kept]
    counts = [*map(len, at_widths), 1]
    panels = figure.subplots(1, len(counts), sharey=True, width_ratios=[n + 1.5 for n in counts])
    *ours, last = panels
    for axes, records, widths in zip(ours, kept, at_widths, strict=True):
        config = records[0].config
        augment = cells.field_text(config, "augment").replace(" and", ",")
        axes.set_title(f"{augment}\n{config.epochs} epochs", **title)
        axes.set_xticks(range(len(widths)), [f"{width}" for width in widths])
        _add_leads(axes, dict(enumerate(widths.values())))
        if published.PAPER_BASE_CHANNELS in widths and config.epochs == published.SHORT_EPOCHS:
            _add_published(axes, published.SHORT_EPOCHS)
    last.set_title(f"the paper\n{published.PAPER_EPOCHS} epochs", **title)
    last.set_xticks([0], [f"{published.PAPER_BASE_CHANNELS}"])
    _add_published(last, published.PAPER_EPOCHS)
    ours[0].plot([], [], PUBLISHED_MARKERS["paper"], mfc="none", mec="0.3", label="the paper")
    for axes, count in zip(panels, counts, strict=True):
        axes.axhline(0, color="0.6", lw=1, zorder=0)
        axes.set_xlim(-0.5, count - 0.5)
    ours[0].set(ylabel="points ahead of S-FC, SGD")
    figure.supxlabel("base channels α", fontsize="medium")
    add_legend(figure, ours[0], columns=3)
    return figure


def lengths_figure(records: Sequence[Record]) -> Figure:
    """Draw how far β = 50 and S-LOCAL are ahead of SGD after each training length, at one width.

    As in `leads_figure`.
    """
    if not records:
        return pending()
    lengths = compare.by_length(records)
    figure, axes = subplots(figsize=(PAGE_WIDTH, 3))
    places = [math.log2(length) for length in lengths]
    _add_leads(axes, dict(zip(places, lengths.values(), strict=True)))
    axes.axhline(0, color="0.6", lw=1, zorder=0)
    axes.set_xticks(places, [*map(str, lengths)])
    axes.set(xlabel="epochs", ylabel="points ahead of S-FC, SGD")
    add_legend(figure, axes, columns=2)
    return figure


def _add_leads(axes: Axes, places: Mapping[float, Mapping[Method, Sequence[Record]]]) -> None:
    """Draw the leads of each method at each place along x, and name the methods."""
    for name, shift in LEADS.items():
        leads = {x: compare.differences(runs[name], runs[SGD]) for x, runs in places.items()}
        _add_gains(axes, str(name), shift, leads)


def _add_gains(
    axes: Axes, label: str, shift: float, gains: Mapping[float, Sequence[float]]
) -> None:
    """Draw gains of seeds beside places along x: a single one hollow, by three or more the mean."""
    style: dict[str, Any] = {"color": look(label).colour, "marker": look(label).marker, "ls": ""}
    axes.plot([], [], label=label, **style)
    for place, each in gains.items():
        if len(each) < 2:
            axes.plot([place + shift] * len(each), each, mfc="none", **style)
            continue
        axes.plot([place + shift - 0.05] * len(each), each, ms=3, alpha=0.5, **style)
        if len(each) > 2:
            mean, half_width, _ = mean_interval(each)
            axes.errorbar(place + shift + 0.05, mean, half_width, ms=6, capsize=2, **style)


def _add_published(axes: Axes, epochs: int) -> None:
    """Draw what the paper reports after so many epochs; after the fewer it has no β-LASSO."""
    dense = published.accuracy(SGD, "cifar10", epochs)
    for name, shift in LEADS.items():
        known = published.accuracy(name, "cifar10", epochs)
        if dense is not None and known is not None:
            marker = PUBLISHED_MARKERS["paper"]
            # beside ours
            axes.plot(2 * shift, known - dense, marker, color=look(name).colour, mfc="none", ms=8)
