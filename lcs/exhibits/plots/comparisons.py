"""Figures that compare methods: accuracies, gains, sweeps over one variable, and speed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from lcs.exhibits import tables
from lcs.exhibits.plots.style import (
    PUBLISHED_MARKERS,
    WIDTH,
    add_legend,
    label_log_axis,
    look,
    pending,
    shades,
    subplots,
)
from lcs.exhibits.published import PAPER_EPOCHS
from lcs.stats import mean_interval

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


def accuracies(table: pd.DataFrame, setting: str) -> Figure:
    """Draw accuracies of methods as dots, one column of the frame for each source.

    Args:
        table: index: methods, from top to bottom. Columns `ours` (a list of the seeds' values, in
            per cent), and any further ones: published values, NaN where there is none.
        setting: in which our runs were made, for the legend.
    """
    figure, axes = subplots(figsize=(WIDTH, 0.42 * len(table) + 1.1))
    height = np.arange(len(table))[::-1]
    markers = dict(zip(table.columns.drop("ours"), PUBLISHED_MARKERS, strict=False))
    for source, marker in markers.items():
        axes.plot(
            table[source], height, marker, mfc="none", mec="0.3", ms=8, label=source, zorder=3
        )
    for y, (method, values) in zip(height, table["ours"].items(), strict=True):
        drawn = look(method)._replace(line="")
        axes.plot(values, [y] * len(values), **drawn.options, ms=5, alpha=0.6)
    axes.plot([], [], "o", color="0.3", label=f"ours ({setting}), a dot per seed")
    axes.set_yticks(height, table.index)
    axes.set_xlabel("test accuracy (%)")
    axes.grid(axis="y", color="0.9")
    figure.legend(loc="outside upper left", ncols=1)
    return figure


def curves(history: pd.DataFrame, column: str, label: str, *, scale: float = 1.0) -> Figure:
    """Draw one measure against epochs: a line for each method's mean, a band for its range.

    Args:
        history: columns `method`, `run_id`, `epoch` and the measure's.
        column: the measure.
        label: of its axis, with the unit.
        scale: factor from the stored unit to the one shown.
    """
    figure, axes = subplots(figsize=(WIDTH, 3.4))
    for method, runs in history.groupby("method", sort=False):
        shown = scale * runs.groupby("epoch")[column].agg(["mean", "min", "max"])
        own = look(method)
        axes.plot(shown.index, shown["mean"], ls=own.line, color=own.colour, label=method)
        axes.fill_between(
            shown.index, shown["min"], shown["max"], color=own.colour, alpha=0.2, lw=0
        )
    axes.set(xscale="log", xlabel="epoch", ylabel=label)
    add_legend(figure, axes, columns=3)
    return figure


def sweep(
    table: pd.DataFrame,
    label: str,
    *,
    accuracy: str = "test accuracy (%)",
    references: Mapping[str, float] | None = None,
    linear_below: float | None = None,
) -> Figure:
    """Draw accuracy and the share of weights left against one thing that is varied.

    Args:
        table: columns `x`, `series`, `seed`, `accuracy` and `left` (both in per cent), one row per
            run: dots are runs, lines their means.
        label: of what is varied, with its unit.
        accuracy: of the first panel: on which images.
        references: named accuracies, drawn as horizontal lines.
        linear_below: x is on a log scale; with zeros among it, linear below this value.
    """
    if table.empty:
        return pending()
    figure, panels = subplots(1, 2, figsize=(WIDTH, 3.2))
    measures = {"accuracy": accuracy, "left": "remaining, layer 1 (%)"}
    for axes, (column, title) in zip(panels, measures.items(), strict=True):
        for name, runs in table.groupby("series", sort=False):
            own = look(name)
            axes.plot(runs.x, runs[column], own.marker, color=own.colour, ms=4, alpha=0.6)
            mean = runs.groupby("x")[column].mean()
            axes.plot(mean.index, mean, ls=own.line, color=own.colour, label=name)
        if linear_below is None:
            axes.set_xscale("log")
        else:
            axes.set_xscale("symlog", linthresh=linear_below)
        axes.set(xlabel=label, ylabel=title)
        places = sorted(table.x.unique())
        labels = [tables.number(place) for place in places]
        size = "medium" if len(places) < 8 else "x-small"
        axes.set_xticks(places, labels, minor=False, fontsize=size)
        axes.minorticks_off()
    for name, value in (references or {}).items():
        own = look(name)
        panels[0].axhline(value, color=own.colour, ls=own.line, lw=1, label=name)
    panels[1].set_ylim(bottom=0)
    add_legend(figure, panels[0], columns=4 if table.series.nunique() < 6 else 3)
    return figure


def budgets(table: pd.DataFrame) -> Figure:
    """Draw accuracy, remaining weights and cost of methods: a dot for each run.

    Args:
        table: columns `method` (from top to bottom), `budget`, `accuracy` (per cent), `weights`,
            and `dense` and `sparse` (10¹² FLOPs of the training).
    """
    if table.empty:
        return pending()
    names, kinds = list(dict.fromkeys(table.method)), list(dict.fromkeys(table.budget))
    size = (WIDTH, 0.27 * len(names) + 1.2)
    figure, (left, middle, right) = subplots(1, 3, figsize=size, sharey=True)
    for hue, kind in zip(shades("β-LASSO", len(kinds)), kinds, strict=True):
        runs = table[table.budget == kind]
        y = [names.index(name) for name in runs.method]
        look_of_dots = {"color": hue, "ls": "", "marker": "o", "ms": 4, "alpha": 0.7}
        left.plot(runs.accuracy, y, **look_of_dots, label=kind)
        middle.plot(runs.weights, y, **look_of_dots)
        right.plot(runs.dense, y, **look_of_dots)
        right.plot(runs["sparse"], y, **look_of_dots, mfc="none")
    left.plot([], [], "o", color="0.3", mfc="none", label="products by zeros left out")
    left.set(xlabel="test accuracy (%)")
    middle.set(xscale="log", xlabel="thousands of weights")
    right.set(xscale="log", xlabel="10¹² FLOPs of training")
    label_log_axis(middle.xaxis, lambda value: f"{value / 1000:,g}", every=False)
    label_log_axis(right.xaxis, every=False)
    left.set_yticks(range(len(names)), names)
    left.invert_yaxis()
    for axes in (left, middle, right):
        axes.grid(axis="y", color="0.9")
    add_legend(figure, left, columns=3)
    return figure


class Differences(NamedTuple):
    """A row of `forest`: what was compared, and the paired differences, one for each seed.

    `contrast` is `over` a method, which gives the colour; several rows may share `group` and
    `label`, one for each contrast.
    """

    label: str
    contrast: str
    values: Sequence[float]
    group: str = ""


def forest(rows: Sequence[Differences], label: str) -> Figure:
    """Draw paired differences beside the line of no difference: dots are seeds, with n at the edge.

    From three seeds on a bar is their mean with its 95 % interval.

    Args:
        rows: from top to bottom; each group, where they have one, under its name.
        label: of the axis, with the unit.
    """
    if not rows:
        return pending()
    lines: dict[tuple[str, str], list[Differences]] = {}
    for row in rows:
        if row.group:
            lines.setdefault((row.group, ""), [])
        lines.setdefault((row.group, row.label), []).append(row)
    contrasts = list(dict.fromkeys(row.contrast for row in rows))
    figure, axes = subplots(figsize=(WIDTH, 0.29 * len(lines) + 1.1))
    edge = axes.get_yaxis_transform()
    for place, shown in enumerate(lines.values()):
        for number, row in enumerate(shown):
            # contrasts of one line, from above
            y = place + 0.36 * ((number + 0.5) / len(shown) - 0.5)
            own, count = look(row.contrast), len(row.values)
            axes.plot(row.values, [y] * count, own.marker, color=own.colour, ms=3.5, alpha=0.5)
            if count > 2:
                mean, half_width, _ = mean_interval(row.values)
                axes.errorbar(mean, y, xerr=half_width, fmt="|", ms=8, mew=2, color=own.colour)
        counts = dict.fromkeys(f"{len(row.values)}" for row in shown)
        axes.text(1.01, place, " / ".join(counts), transform=edge, va="center")
    axes.text(1.01, -1, "n", transform=edge, va="center", style="italic")
    for contrast in contrasts:
        own = look(contrast)
        axes.plot([], [], own.marker, color=own.colour, ms=4, ls="-", label=contrast)
    axes.axvline(0, color="0.4", lw=1, zorder=1)
    axes.set_yticks(range(len(lines)), [name for _, name in lines])
    for place, (group, name) in enumerate(lines):
        if not name:
            axes.text(0.01, place, group, transform=edge, va="center", style="italic")
    axes.set_ylim(len(lines) - 0.5, -0.7)
    axes.set_xlabel(label)
    axes.tick_params(axis="y", length=0)
    axes.set_axisbelow(True)
    axes.grid(axis="x", color="0.93")
    add_legend(figure, axes, columns=len(contrasts))
    return figure


def gains(frames: Mapping[str, pd.DataFrame], known: Mapping[str, float], width: int) -> Figure:
    """Draw gains in test accuracy: a panel for each thing that grows, a dot for each seed.

    Beside the dots of a group stand their mean and its 95 % interval.

    Args:
        frames: by the label of x; columns `x`, `gain` (points), `contrast` (`over` a method) and
            `other` (whether it was trained in another setting: hollow). Empty ones are left out.
        known: for a contrast, the paper's gain, drawn in the first panel.
        width: the paper's α.
    """
    frames = {label: table for label, table in frames.items() if not table.empty}
    if not frames:
        return pending()
    figure, panels = subplots(1, len(frames), figsize=(WIDTH, 3.6), sharey=True, squeeze=False)
    for number, (axes, (label, table)) in enumerate(zip(panels[0], frames.items(), strict=True)):
        contrasts = list(dict.fromkeys(table.contrast))
        for place, contrast in enumerate(contrasts):
            shade, marker, _ = look(contrast)
            beside = 1.05 ** (2 * place - len(contrasts) + 1)
            rows = table[table.contrast == contrast]
            for (x, other), group in rows.groupby(["x", "other"]):
                mean = mean_interval(group.gain)
                filling = {"mfc": "none"} if other else {}
                at = [x * beside / 1.02] * len(group)
                axes.plot(at, group.gain, marker, color=shade, ms=3.5, alpha=0.5, **filling)
                if len(group) > 2:
                    axes.errorbar(
                        x * beside * 1.02, mean.mean, mean.half_width, fmt=marker, color=shade,
                        ms=6, capsize=2,
                    )  # fmt: skip
            axes.plot([], [], marker, color=shade, label=contrast)
            if contrast in known and not number:
                axes.plot(
                    width, known[contrast], PUBLISHED_MARKERS[0], color=shade, mfc="none", ms=8
                )
        axes.axhline(0, color="0.6", lw=1, zorder=0)
        places = [*sorted(table["x"].unique()), *([width] if known and not number else [])]
        axes.set(xscale="log", xlabel=label)
        axes.set_xticks(places, [f"{place:g}" for place in places], minor=False)
        axes.minorticks_off()
    panels[0, 0].set_ylabel("gain of β = 50 (points)")
    if any(table.other.any() for table in frames.values()):
        panels[0, 0].plot([], [], "o", color="0.3", mfc="none", label="another setting, one seed")
    panels[0, 0].plot(
        [], [], PUBLISHED_MARKERS[0], color="0.3", mfc="none", ms=8,
        label=f"the paper, {PAPER_EPOCHS} epochs",
    )  # fmt: skip
    add_legend(figure, panels[0, 0], columns=2)
    return figure


def speed(table: pd.DataFrame) -> Figure:
    """Draw the time of a step relative to the dense one against the density, both logarithmic.

    Args:
        table: columns `base_channels`, `density` (per cent), `mode` and `ratio`.
    """
    if table.empty:
        return pending()
    figure, axes = subplots(figsize=(WIDTH, 3.2))
    modes = dict(zip(dict.fromkeys(table["mode"]), ("-", "--", ":"), strict=False))
    order = sorted(set(table.base_channels))
    widths = dict(zip(order, shades("β-LASSO", len(order)), strict=True))
    for (mode, width), runs in table.groupby(["mode", "base_channels"], sort=False):
        axes.plot(
            runs.density, runs.ratio, modes[mode], marker="o", ms=4, color=widths[width],
            label=f"{mode}, α = {width}",
        )  # fmt: skip
    axes.axhline(1, color="0.5", lw=1)
    axes.set(xscale="log", xlabel="remaining weights, layer 1 (%)")
    axes.set(ylabel="time of a step / dense", ylim=(0, None))
    axes.set_xticks(sorted(set(table.density)), [f"{d:g}" for d in sorted(set(table.density))])
    axes.minorticks_off()
    add_legend(figure, axes, columns=2)
    return figure


def courses(
    panels: Mapping[str, Mapping[str, tuple[Sequence[int], Any, Any]]], labels: tuple[str, str]
) -> Figure:
    """Draw two measures along the epochs, one above the other: a column for each panel.

    Args:
        panels: by title, for each method the epochs, shape (t,), and both measures, (seeds, t): a
            line is their mean, a band their range.
        labels: of the measures, with their units.
    """
    if not any(panels.values()):
        return pending()
    figure, grid = subplots(2, len(panels), figsize=(WIDTH, 4.2), sharex="col", squeeze=False)
    for column, (title, lines) in enumerate(panels.items()):
        grid[0, column].set_title(title, fontsize="medium")
        for name, (epochs, *measures) in lines.items():
            own = look(name)
            for axes, values in zip(grid[:, column], measures, strict=True):
                axes.plot(epochs, values.mean(0), ls=own.line, color=own.colour, label=name)
                low, high = values.min(0), values.max(0)
                axes.fill_between(epochs, low, high, color=own.colour, alpha=0.2, lw=0)
        grid[1, column].set(xlabel="epoch", xscale="log")
        label_log_axis(grid[1, column].xaxis)
    for axes, label in zip(grid[:, 0], labels, strict=True):
        axes.set_ylabel(label)
    add_legend(figure, grid[0, 0], columns=4)
    return figure
