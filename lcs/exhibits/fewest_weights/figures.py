"""Figures of the chapter: accuracy against weights, the bound, and the sizes of the networks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from lcs.exhibits import tables
from lcs.exhibits.compare import Conditions
from lcs.exhibits.fewest_weights import pareto
from lcs.exhibits.methods import B0, B1, B50, CONV, LOCAL, PROXIMAL, SGD, THREE
from lcs.exhibits.plots.interactive import Interactive, scatter
from lcs.exhibits.plots.style import (
    PUBLISHED_MARKERS,
    WIDTH,
    add_legend,
    look,
    pending,
    subplots,
)
from lcs.exhibits.plots.weights import as_image

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TITLES = {
    pareto.RECIPE: "AutoAugment, 200 epochs",
    pareto.REPRODUCTION: "reproduction, α = 1, 400 epochs",
}
LEGEND = tuple(map(str, (CONV, LOCAL, THREE, SGD, PROXIMAL, B0, B1, B50)))
# whose points carry the width; at a width, those between have as many weights as SGD
LABELLED = {str(name) for name in (CONV, LOCAL, SGD, B50)}
COSTS = {"weights": "remaining weights, all layers", "flops": "FLOPs of a forward pass"}


def accuracy(found: Mapping[str, Conditions]) -> Figure:
    """Draw test accuracy against weights (above) and FLOPs (below), a column for each setting.

    Small dots are runs, large ones the means of conditions; small numbers are α, where it varies.
    """
    if not any(found.values()):
        return pending()
    figure, panels = subplots(2, len(found), figsize=(WIDTH, 6.6), sharey="col")
    _add_methods(panels[0, 0])
    shown = [pareto.frame(conditions) for conditions in found.values()]
    for column, (name, table) in enumerate(zip(found, shown, strict=True)):
        for axes, (cost, label) in zip(panels[:, column], COSTS.items(), strict=True):
            _points(axes, table, cost)
            for models, style, title in (
                (set(table.model), "-", "Pareto front, all networks"),
                ({"s-fc"}, ":", "Pareto front, S-FC"),
            ):
                best = pareto.front(table[table.model.isin(models)], cost)
                axes.step(
                    best[cost], best.accuracy, style, where="post", color="0.45", lw=1.2,
                    zorder=0, label=title,
                )  # fmt: skip
            axes.set(xscale="log", xlabel=label)
        panels[0, column].set_title(TITLES[name])
        panels[0, column].set_ylabel("test accuracy (%)")
        panels[1, column].set_ylabel("test accuracy (%)")
    add_legend(figure, panels[0, 0], columns=3)
    return figure


def _points(axes: Axes, table: pd.DataFrame, cost: str) -> None:
    widths = table.base_channels.nunique() > 1
    for (name, _), runs in table.groupby(["method", "condition"], sort=False):
        shade, marker, _ = look(name)
        mean = runs[[cost, "accuracy"]].mean()
        axes.plot(runs[cost], runs.accuracy, ".", color=shade, ms=3, alpha=0.5)
        axes.plot(mean[cost], mean.accuracy, marker, color=shade, ms=6.5, mec="white", mew=0.6)
        if widths and name in LABELLED:
            width = f"{runs.base_channels.iloc[0]}"
            # S-LOCAL's to the left of its mark, where the others have nothing
            left = {"xytext": (-4, 3), "ha": "right"} if name == str(LOCAL) else {"xytext": (4, 3)}
            axes.annotate(
                width, (mean[cost], mean.accuracy), textcoords="offset points", color=shade,
                fontsize="x-small", **left,
            )  # fmt: skip


def _add_methods(axes: Axes) -> None:
    """Put the methods into the legend, each once and in an order of ours."""
    for name in LEGEND:
        shade, marker, _ = look(name)
        axes.plot([], [], marker, color=shade, ms=6, label=name)


def every_run(found: Conditions) -> Interactive:
    """Return a chart of all runs, in which a point tells its run and leads to its record."""
    titles = {
        "method": "network and method",
        "base_channels": "α",
        "weights": COSTS["weights"],
        "accuracy": "test accuracy (%)",
        "seed": "seed",
        "run_id": "run",
    }
    table = pareto.frame(found).round({"accuracy": 2})
    about = "Test accuracy of every run against its remaining weights."
    return scatter(table, "weights", "accuracy", titles, about)


def counts(table: pd.DataFrame, marks: pd.DataFrame) -> Figure:
    """Draw the weights of the networks against α and against the image's side, both logarithmic.

    Args:
        table: as `sizes.frame`.
        marks: published counts, as `sizes.marks`.
    """
    figure, panels = subplots(1, 2, figsize=(WIDTH, 3.9), sharey=True)
    labels = {"alpha": "base channels α", "side": "side of the image (pixels)"}
    for axes, (against, label) in zip(panels, labels.items(), strict=True):
        here = table[table.against == against]
        for network, line in here.groupby("network", sort=False):
            shade, style = _network_style(str(network))
            axes.plot(line.x, line.weights / 1e6, style, color=shade, lw=1.8, label=network)
            known = marks[marks.network == network]
            axes.plot(
                known[against], known.weights / 1e6, PUBLISHED_MARKERS["paper"], color=shade,
                mfc="none", ms=7,
            )  # fmt: skip
        places = sorted(here.x.unique()) if against == "side" else [1, 5, 15, 50, 150]
        axes.set(xscale="log", yscale="log", xlabel=label)
        axes.set_xticks(places, [tables.number(place) for place in places], minor=False)
        axes.minorticks_off()
    panels[0].set_ylabel("weights (millions)")
    panels[0].plot([], [], PUBLISHED_MARKERS["paper"], color="0.3", mfc="none", label="published")
    add_legend(figure, panels[0], columns=5)
    return figure


def _network_style(network: str) -> tuple[str, str]:
    """Return colour and line of a network: deep ones dashed, in the colour of the shallow one."""
    if network == "ResNet18":
        return "0.55", ":"
    if network == "3-FC":  # by construction on the line of S-FC
        return look("3-FC").colour, "-."
    shallow = network.replace("D-", "S-")
    return look(f"{shallow}, SGD").colour, "--" if network.startswith("D-") else "-"


def hero(found: Conditions, filters: Mapping[str, np.ndarray]) -> Figure:
    """Draw accuracy against remaining weights, and beside it some first-layer filters.

    Args:
        found: runs by the recipe.
        filters: (n, C, H, W) by title, as `figure4.smooth.pictures` returns them.
    """
    import matplotlib.pyplot as plt

    columns = 5
    figure = plt.figure(figsize=(1.35 * WIDTH, 4.3))
    panels: Any = figure.subfigures(1, 2, width_ratios=(1.25, 1))
    left, right = panels
    axes = left.subplots()
    table = pareto.frame(found)
    _points(axes, table, "weights")
    _add_methods(axes)
    for models, style in ((set(table.model), "-"), ({"s-fc"}, ":")):
        best = pareto.front(table[table.model.isin(models)], "weights")
        axes.step(best.weights, best.accuracy, style, where="post", color="0.45", lw=1.2, zorder=0)
    axes.set(xscale="log", xlabel=COSTS["weights"], ylabel="test accuracy (%)")
    axes.legend(fontsize="x-small", loc="lower right")
    if filters:
        rows = np.atleast_1d(right.subfigures(len(filters), 1))
        for row, (title, images) in zip(rows, filters.items(), strict=True):
            row.suptitle(title, fontsize="small", x=0.02, ha="left")
            for panel, image in zip(row.subplots(1, columns), images, strict=False):
                panel.imshow(as_image(image), interpolation="nearest")
                panel.set_axis_off()
    return figure
