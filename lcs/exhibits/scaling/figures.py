"""The gain of β = 50 over other methods, drawn against width and length.

A gain is a difference in test accuracy, in points, paired by seed.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from lcs.exhibits.scaling.results import gains_by_width
from lcs.exhibits.shared import cells, compare, published
from lcs.exhibits.shared.compare import ByStudy
from lcs.exhibits.shared.methods import B0, B50, LOCAL, PROXIMAL, SGD, Method
from lcs.exhibits.shared.plots import style
from lcs.runs import Record
from lcs.stats import mean_interval

# methods of `leads_figure`, with their shift along x
LEADS = {B50: -0.15, LOCAL: 0.15}


def gains_figure(runs: ByStudy) -> style.Figure:
    """Draw the gains of β = 50 against the width, with AutoAugment, and the paper's in a panel.

    A small dot is a seed; beside three or more of a width stands their mean with its 95 % interval.
    """
    own, same, seeds = (runs[f"scaling-{name}"] for name in ("own", "threshold", "seeds"))
    contrasts = {
        "over SGD": gains_by_width(compare.joined(runs, ("scaling-own", "scaling-seeds"))),
        "over β = 0": gains_by_width(own, B0),
        "over β = 0, same λ": gains_by_width(same, B0),
        "over proximal ℓ1, same λ": gains_by_width(same, PROXIMAL),
    }
    widths = {width for table in contrasts.values() for width in table["x"]}
    if not widths:
        return style.pending()
    ratios = [len(widths), 1]
    size: dict[str, Any] = {"figsize": (style.PAGE_WIDTH, 3.4), "width_ratios": ratios}
    figure, (axes, last) = style.subplots(1, 2, sharey=True, **size)
    places = {x: place for place, x in enumerate(sorted(widths))}
    shifts = (-0.3, -0.1, 0.1, 0.3)
    for shift, (contrast, table) in zip(shifts, contrasts.items(), strict=True):
        found = table.groupby("x").gain
        _add_gains(axes, contrast, shift, {float(places[x]): [*gains] for x, gains in found})
    paper = {"marker": style.PUBLISHED_MARKERS["paper"], "ms": 8, "mfc": "none", "ls": ""}
    for shift, contrast, other in zip(shifts, ("over SGD", "over β = 0"), (SGD, B0), strict=False):
        gain = published.gain(B50, other)
        last.plot(shift, gain, color=style.look(contrast).colour, **paper)
    axes.plot([], [], color="0.3", label="the paper", **paper)
    axes.set_ylabel("gain of β = 50 (points)")
    axes.set_xticks([*places.values()], [f"{x:g}" for x in places])
    last.set_xticks([0], [f"{published.PAPER_BASE_CHANNELS}"])
    last.set_xlim(-0.6, 0.6)
    ours, *_ = [*own, *same, *seeds]
    for panel, epochs in ((axes, ours.config.epochs), (last, published.PAPER_EPOCHS)):
        panel.set_title(f"{epochs} epochs", fontsize="x-small", fontweight="normal")
        panel.axhline(0, color="0.6", lw=1, zorder=0)
    figure.supxlabel("base channels α", fontsize="medium")
    style.add_legend(figure, axes, columns=3)
    return figure


def leads_figure(settings: Sequence[Sequence[Record]]) -> style.Figure:
    """Draw how far β = 50 and S-LOCAL are ahead of SGD, at each width of each setting.

    A setting is one augmentation and length. A small dot is a seed; beside three or more stands
    their mean with its 95 % interval. Hollow: single runs, and what the paper reports.
    """
    if not any(settings):
        return style.pending()
    kept = [records for records in settings if records]
    at_widths = [compare.by_width(records) for records in kept]
    counts = [*map(len, at_widths), 1]
    size, ratios = (style.PAGE_WIDTH, 3.4), [count + 1.5 for count in counts]
    figure, panels = style.subplots(1, len(counts), figsize=size, sharey=True, width_ratios=ratios)
    *ours, last = panels
    title: dict[str, Any] = {"fontsize": "x-small", "fontweight": "normal"}
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
    ours[0].plot([], [], style.PUBLISHED_MARKERS["paper"], mfc="none", mec="0.3", label="the paper")
    for axes, count in zip(panels, counts, strict=True):
        axes.axhline(0, color="0.6", lw=1, zorder=0)
        axes.set_xlim(-0.5, count - 0.5)
    ours[0].set(ylabel="points ahead of S-FC, SGD")
    figure.supxlabel("base channels α", fontsize="medium")
    style.add_legend(figure, ours[0], columns=3)
    return figure


def lengths_figure(records: Sequence[Record]) -> style.Figure:
    """Draw how far β = 50 and S-LOCAL are ahead of SGD after each training length, at one width.

    As in `leads_figure`.
    """
    if not records:
        return style.pending()
    lengths = compare.by_length(records)
    figure, axes = style.subplots(figsize=(style.PAGE_WIDTH, 3))
    places = [math.log2(length) for length in lengths]
    _add_leads(axes, dict(zip(places, lengths.values(), strict=True)))
    axes.axhline(0, color="0.6", lw=1, zorder=0)
    axes.set_xticks(places, [*map(str, lengths)])
    axes.set(xlabel="epochs", ylabel="points ahead of S-FC, SGD")
    style.add_legend(figure, axes, columns=2)
    return figure


def _add_leads(axes: style.Axes, places: Mapping[float, Mapping[Method, Sequence[Record]]]) -> None:
    """Draw the leads of each method at each place along x, and name the methods."""
    for name, shift in LEADS.items():
        leads = {x: compare.differences(runs[name], runs[SGD]) for x, runs in places.items()}
        _add_gains(axes, str(name), shift, leads)


def _add_gains(
    axes: style.Axes, label: str, shift: float, gains: Mapping[float, Sequence[float]]
) -> None:
    """Draw gains of seeds beside places along x: a single one hollow, by three or more the mean."""
    colour, marker, _ = style.look(label)
    marks: dict[str, Any] = {"color": colour, "marker": marker, "ls": ""}
    axes.plot([], [], label=label, **marks)
    for place, each in gains.items():
        if len(each) < 2:
            axes.plot([place + shift] * len(each), each, mfc="none", **marks)
            continue
        axes.plot([place + shift - 0.05] * len(each), each, ms=3, alpha=0.5, **marks)
        if len(each) > 2:
            mean, half_width, _ = mean_interval(each)
            axes.errorbar(place + shift + 0.05, mean, half_width, ms=6, capsize=2, **marks)


def _add_published(axes: style.Axes, epochs: int) -> None:
    """Draw what the paper reports after so many epochs; after the fewer it has no β-LASSO."""
    for name, shift in LEADS.items():
        gain = published.gain(name, SGD, epochs=epochs)
        if math.isfinite(gain):
            marker, colour = style.PUBLISHED_MARKERS["paper"], style.look(name).colour
            axes.plot(2 * shift, gain, marker, color=colour, mfc="none", ms=8)  # beside ours
