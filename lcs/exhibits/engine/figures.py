"""Figures of the chapter on the engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lcs.exhibits.methods import NETWORKS
from lcs.exhibits.plots.style import (
    WIDTH,
    add_legend,
    label_log_axis,
    look,
    pending,
    shades,
    subplots,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


def unproved(table: pd.DataFrame) -> Figure:
    """Draw along runs of how many units a bound proves nothing: a panel for each width.

    Args:
        table: columns `base_channels`, `epoch`, `terms` (of a batch of `images`), `bound`
            ("equal" or "weighted"), `units` (per cent), and `density`: weights that remain (per
            cent).
    """
    if table.empty:
        return pending()
    widths = list(dict.fromkeys(table.base_channels))
    figure, panels = subplots(1, len(widths), figsize=(WIDTH, 3.4), sharey=True, squeeze=False)
    terms = sorted(set(table.terms))
    colours = dict(zip(terms, shades("β = 50", len(terms)), strict=True))
    for axes, width in zip(panels[0], widths, strict=True):
        here = table[table.base_channels == width]
        density = here.drop_duplicates("epoch")
        axes.fill_between(
            density.epoch, density.density, color="0.9", label="remaining weights of the layer"
        )
        for (bound, count), runs in here.groupby(["bound", "terms"], sort=False):
            label = f"{100 * count / runs.images.iloc[0]:.2g} % of the terms"
            line = ":" if bound == "equal" else "-"
            axes.plot(runs.epoch, runs.units, line, color=colours[count], label=label)
        axes.set(title=f"α = {width}", xlabel="epoch", ylim=(0, 103))
    panels[0, 0].set_ylabel("units not proved (%)")
    for line, bound in (("-", "weighted"), (":", "equal")):
        panels[0, 0].plot([], [], line, color="0.3", label=f"{bound} weights")
    add_legend(figure, panels[0, 0], columns=3)
    return figure


def changes(table: pd.DataFrame) -> Figure:
    """Draw what each change left of an epoch's time as bars: a panel for each width.

    Args:
        table: columns `base_channels`, `change`, `median`, `low` and `high` (seconds), from the
            first version on.
    """
    if table.empty:
        return pending()
    widths = list(dict.fromkeys(table.base_channels))
    names = list(dict.fromkeys(table.change))
    figure, panels = subplots(1, len(widths), figsize=(WIDTH, 2.3), sharey=True, squeeze=False)
    for axes, width in zip(panels[0], widths, strict=True):
        here = table[table.base_channels == width]
        heights = [-names.index(name) for name in here.change]
        around = [here["median"] - here.low, here.high - here["median"]]
        axes.barh(heights, here["median"], 0.65, xerr=around, color="0.75", ecolor="0.35")
        for height, seconds, end in zip(heights, here["median"], here.high, strict=True):
            axes.annotate(
                f"{seconds:.2g} s", (end, height), (4, 0), textcoords="offset points",
                va="center",
            )  # fmt: skip
        axes.set(title=f"α = {width}", xlabel="seconds an epoch", xlim=(0, 1.2 * here.high.max()))
    panels[0, 0].set_yticks([-number for number in range(len(names))], names)
    return figure


def floors(table: pd.DataFrame) -> Figure:
    """Draw the time of a step relative to its estimated floor, a row for each network.

    Args:
        table: columns `model` and `base_channels`, `images` (how they are augmented), `ratio`,
            `low` and `high`.
    """
    if table.empty:
        return pending()
    rows = [
        row | {"name": f"{NETWORKS[row['model']]}, α = {row['base_channels']}"}
        for row in table.to_dict("records")
    ]
    names = list(dict.fromkeys(row["name"] for row in rows))
    kinds = list(dict.fromkeys(table.images))
    figure, axes = subplots(figsize=(WIDTH, 0.36 * len(names) + 1.2))
    for row in rows:
        number = kinds.index(row["images"])
        shown = look(NETWORKS[row["model"]])
        axes.errorbar(
            row["ratio"], -names.index(row["name"]) - 0.2 * number, fmt=shown.marker, ms=6,
            xerr=[[row["ratio"] - row["low"]], [row["high"] - row["ratio"]]], color=shown.colour,
            mfc="white" if number else shown.colour,
        )  # fmt: skip
    for number, kind in enumerate(kinds):
        axes.plot([], [], "o", color="0.3", mfc="white" if number else "0.3", label=kind)
    axes.axvline(1, color="0.5", lw=1)
    axes.set_yticks([-number for number in range(len(names))], names)
    axes.set(xlabel="time of a step / estimated floor", xlim=(0, None))
    add_legend(figure, axes, columns=2)
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


def inference(table: pd.DataFrame) -> Figure:
    """Draw the time of a pass relative to the dense one: a panel for each number of images.

    Weights at random places are lines, those of a trained network single hollow marks.

    Args:
        table: columns `batch`, `density` (per cent), `places` ("random" or "trained"), `way`,
            `is_sparse` and `ratio`.
    """
    if table.empty:
        return pending()
    batches = sorted(set(table.batch))
    figure, panels = subplots(1, len(batches), figsize=(WIDTH, 3.8), sharey=True, squeeze=False)
    looks: dict[str, tuple[str, str]] = {}
    for is_sparse in (False, True):
        ways = list(dict.fromkeys(table.way[table.is_sparse == is_sparse]))
        colours = shades("β-LASSO", len(ways)) if is_sparse else ["0.15", "0.45", "0.7"]
        looks |= dict(zip(ways, zip(colours, ("-", "--", ":"), strict=False), strict=False))
    for axes, batch in zip(panels[0], batches, strict=True):
        here = table[table.batch == batch].sort_values("density")
        for way, (colour, line) in looks.items():
            random, trained = (
                here[(here.way == way) & (here.places == places)]
                for places in ("random", "trained")
            )
            axes.plot(random.density, random.ratio, line, marker="o", ms=4, color=colour, label=way)
            axes.plot(trained.density, trained.ratio, "s", color=colour, mfc="white", ms=6)
        axes.axhline(1, color="0.5", lw=1)
        axes.set(xscale="log", yscale="log", title=f"images at once: {batch}")
        axes.set_xlabel("remaining weights, layer 1 (%)")
        label_log_axis(axes.xaxis, every=False)
    label_log_axis(panels[0, 0].yaxis)
    panels[0, 0].set_ylabel("time of a pass / dense, float32")
    panels[0, 0].plot([], [], "s", color="0.3", mfc="white", ms=6, label="a trained network")
    add_legend(figure, panels[0, 0], columns=2)
    return figure
