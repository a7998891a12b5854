"""Test accuracy drawn against remaining weights and FLOPs."""

from collections.abc import Mapping

from lcs.exhibits.fewest_weights.results import SHARED, frame, front
from lcs.exhibits.shared.compare import Conditions
from lcs.exhibits.shared.methods import B50, CONV, EVERY, LOCAL, SGD
from lcs.exhibits.shared.plots.style import (
    PAGE_WIDTH,
    Axes,
    Figure,
    add_legend,
    look,
    pending,
    subplots,
)
from lcs.exhibits.shared.settings import RECIPE, REPRODUCTION

TITLES = {
    RECIPE.name: f"{RECIPE.name}, {SHARED[RECIPE.name].epochs} epochs",
    REPRODUCTION.name: f"{REPRODUCTION.name}, α = 1, {SHARED[REPRODUCTION.name].epochs} epochs",
}
LEGEND = tuple(map(str, EVERY))
# whose points carry the width; at a width, those between have as many weights as SGD
LABELLED = {str(name) for name in (CONV, LOCAL, SGD, B50)}
COSTS = {"weights": "remaining weights, all layers", "flops": "FLOPs of a forward pass"}


def accuracy_figure(found: Mapping[str, Conditions]) -> Figure:
    """Draw test accuracy against weights (above) and FLOPs (below), a column for each setting.

    Small dots are runs, large ones the means of conditions; small numbers are α, where it varies.
    """
    if not any(found.values()):
        return pending()
    figure, panels = subplots(2, len(found), figsize=(PAGE_WIDTH, 6.6), sharey="col")
    for name in LEGEND:  # each once, and in an order of ours
        shade, marker, _ = look(name)
        panels[0, 0].plot([], [], marker, color=shade, ms=6, label=name)
    for column, (name, conditions) in enumerate(found.items()):
        panels[0, column].set_title(TITLES[name])
        for axes, counted in zip(panels[:, column], COSTS, strict=True):
            _draw(axes, conditions, counted)
    add_legend(figure, panels[0, 0], columns=3)
    return figure


def _draw(axes: Axes, found: Conditions, counted: str) -> None:
    """Draw every run, the means of conditions, and the fronts of all networks and of S-FC."""
    table = frame(found)
    widths = table.base_channels.nunique() > 1
    for (name, _), runs in table.groupby(["method", "condition"], sort=False):
        shade, marker, _ = look(name)
        mean = runs[[counted, "accuracy"]].mean()
        axes.plot(runs[counted], runs.accuracy, ".", color=shade, ms=3, alpha=0.5)
        axes.plot(mean[counted], mean.accuracy, marker, color=shade, ms=6.5, mec="white", mew=0.6)
        if widths and name in LABELLED:
            width = f"{runs.base_channels.iloc[0]}"
            # S-LOCAL's to the left of its mark, where the others have nothing
            left = {"xytext": (-4, 3), "ha": "right"} if name == str(LOCAL) else {"xytext": (4, 3)}
            axes.annotate(
                width, (mean[counted], mean.accuracy), textcoords="offset points", color=shade,
                fontsize="x-small", **left,
            )  # fmt: skip
    for models, style, title in (
        (set(table.model), "-", "Pareto front, all networks"),
        ({"s-fc"}, ":", "Pareto front, S-FC"),
    ):
        best = front(table[table.model.isin(models)], counted)
        axes.step(
            best[counted], best.accuracy, style, where="post", color="0.45", lw=1.2, zorder=0,
            label=title,
        )  # fmt: skip
    axes.set(xscale="log", xlabel=COSTS[counted], ylabel="test accuracy (%)")
