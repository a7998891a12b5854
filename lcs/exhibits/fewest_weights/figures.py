"""Test accuracy drawn against remaining weights."""

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


def accuracy_figure(found: Mapping[str, Conditions]) -> Figure:
    """Draw test accuracy against weights, a panel for each setting.

    Small dots are runs, large markers the means of conditions; small numbers are α, where it
    varies, and the β that the legend lacks. Hollow markers are S-CONV by half of its FLOPs, which
    is the number of weights of every other network.
    """
    if not any(found.values()):
        return pending()
    figure, panels = subplots(len(found), 1, figsize=(PAGE_WIDTH, 6.6))
    for name in LEGEND:  # each once, and in an order of ours
        shade, marker, _ = look(name)
        panels[0].plot([], [], marker, color=shade, ms=6, label=name)
    for axes, (name, conditions) in zip(panels, found.items(), strict=True):
        axes.set_title(TITLES[name])
        _draw(axes, conditions)
    add_legend(figure, panels[0], columns=3)
    return figure


def _draw(axes: Axes, found: Conditions) -> None:
    """Draw every run, the means of conditions, and the fronts of all networks and of S-FC."""
    table = frame(found)
    widths = table.base_channels.nunique() > 1
    for (name, _), runs in table.groupby(["method", "condition"], sort=False):
        shade, marker, _ = look(name)
        mean = runs[["weights", "flops", "accuracy"]].mean()
        axes.plot(runs.weights, runs.accuracy, ".", color=shade, ms=3, alpha=0.5)
        axes.plot(mean.weights, mean.accuracy, marker, color=shade, ms=6.5, mec="white", mew=0.6)
        if name == str(CONV):
            axes.plot(mean.flops / 2, mean.accuracy, marker, mfc="none", mec=shade, ms=5.5)
        label = f"{runs.base_channels.iloc[0]}" if widths and name in LABELLED else ""
        place: tuple[float, float, str] = (4, 3, "left")
        if name == str(LOCAL):
            place = (-4, 3, "right")
        if name not in LEGEND:
            label = str(name).rpartition(" ")[2]  # β, which has more room below if it is large
            place = (3, -11, "right") if float(label) > B50.beta else (0, 5, "center")
        axes.annotate(
            label, (mean.weights, mean.accuracy), xytext=place[:2], ha=place[2],
            textcoords="offset points", color=shade, fontsize="x-small",
        )  # fmt: skip
    for models, style, title in (
        (set(table.model), "-", "Pareto front, all networks"),
        ({"s-fc"}, ":", "Pareto front, S-FC"),
    ):
        best = front(table[table.model.isin(models)])
        axes.step(
            best.weights, best.accuracy, style, where="post", color="0.45", lw=1.2, zorder=0,
            label=title,
        )  # fmt: skip
    axes.set(xscale="log", xlabel="remaining weights, all layers", ylabel="test accuracy (%)")
