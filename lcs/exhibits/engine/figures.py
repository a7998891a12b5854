"""Figures of the chapter on the engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lcs.exhibits import tables
from lcs.exhibits.engine.benchmarks import find, medians, over
from lcs.exhibits.engine.inference import BATCHES, DENSE, DENSE_BF16, SPARSE_WAYS, passes
from lcs.exhibits.engine.steps import sparse_steps
from lcs.exhibits.plots.style import (
    PAGE_WIDTH,
    add_legend,
    label_log_axis,
    pending,
    shades,
    subplots,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def changes(found: dict[str, Any] | None) -> Figure:
    """Draw what each change left of an epoch's time as bars: a panel for each width.

    Args:
        found: the benchmark "changes"; its tables begin with the first version.
    """
    widths = find(found, measured="changes")
    if not widths:
        return pending()
    names = list(widths[0]["times"])
    figure, panels = subplots(1, len(widths), figsize=(PAGE_WIDTH, 2.3), sharey=True, squeeze=False)
    for axes, one in zip(panels[0], widths, strict=True):
        longest = max(max(rounds) for rounds in one["times"].values())
        for name, seconds in medians(one).items():
            height, rounds = -names.index(name), one["times"][name]
            around = [[seconds - min(rounds)], [max(rounds) - seconds]]
            axes.barh(height, seconds, 0.65, xerr=around, color="0.75", ecolor="0.35")
            axes.annotate(
                f"{seconds:.2g} s", (max(rounds), height), (4, 0), textcoords="offset points",
                va="center",
            )  # fmt: skip
        title = f"α = {one['base_channels']}"
        axes.set(title=title, xlabel="seconds an epoch", xlim=(0, 1.2 * longest))
    panels[0, 0].set_yticks([-number for number in range(len(names))], names)
    return figure


def speed(found: dict[str, Any] | None) -> Figure:
    """Draw the time of a step relative to the dense one against the density (logarithmic).

    Args:
        found: the benchmark "parts".
    """
    table = tables.data_frame(sparse_steps(found))
    if table.empty:
        return pending()
    figure, axes = subplots(figsize=(PAGE_WIDTH, 3.2))
    order, densities = sorted(set(table.base_channels)), sorted(set(table.density))
    colours = dict(zip(order, shades("β-LASSO", len(order)), strict=True))
    for (mode, width), runs in table.groupby(["mode", "base_channels"], sort=False):
        line, name = {"exact": ("-", "exact"), "frozen": ("--", "frozen zeros")}[str(mode)]
        label = f"{name}, α = {width}"
        axes.plot(
            runs.density, runs.ratio, line, marker="o", ms=4, color=colours[width], label=label
        )
    axes.axhline(1, color="0.5", lw=1)
    axes.set(xscale="log", xlabel="remaining weights, layer 1 (%)")
    axes.set(ylabel="time of a step / dense", ylim=(0, None))
    axes.set_xticks(densities, [f"{density:g}" for density in densities])
    axes.minorticks_off()
    add_legend(figure, axes, columns=2)
    return figure


def inference(found: dict[str, Any] | None) -> Figure:
    """Draw the time of a pass over that of the dense one in float32, on one thread, by density.

    A panel for each number of images. Weights at random places are lines, those of a trained
    network single hollow marks. Exporting and dropping dead units are left out.

    Args:
        found: the benchmark "inference".
    """
    if not passes(found, threads=1):
        return pending()
    figure, panels = subplots(1, len(BATCHES), figsize=(PAGE_WIDTH, 3.8), sharey=True)
    colours = ["0.3", *shades("β-LASSO", len(SPARSE_WAYS))]
    for axes, batch in zip(panels, BATCHES, strict=True):
        for way, colour in zip((DENSE_BF16, *SPARSE_WAYS), colours, strict=True):
            for places, mark in (("random", "-o"), ("trained", "s")):
                shown = passes(found, threads=1, batch=batch, places=places)
                shown.sort(key=lambda one: float(one["density"]))
                densities = [100 * one["density"] for one in shown]
                ratios = [over(one, way, DENSE)["ratio"] for one in shown]
                fill, label = (colour, way) if places == "random" else ("white", "")
                axes.plot(densities, ratios, mark, color=colour, mfc=fill, ms=5, label=label)
        axes.axhline(1, color="0.5", lw=1)
        axes.set(xscale="log", yscale="log", title=f"images at once: {batch}")
        axes.set_xlabel("remaining weights, layer 1 (%)")
        label_log_axis(axes.xaxis, every=False)
    label_log_axis(panels[0].yaxis)
    panels[0].set_ylabel("time of a pass / dense, float32")
    panels[0].plot([], [], "s", color="0.3", mfc="white", ms=5, label="a trained network")
    add_legend(figure, panels[0], columns=2)
    return figure
