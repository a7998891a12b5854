"""Figures of the chapter: locality against width and sparsity, and where a unit's weights lie."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lcs.exhibits.plots.style import (
    WIDTH,
    add_legend,
    colour,
    label_log_axis,
    look,
    pending,
    shades,
    subplots,
)
from lcs.exhibits.plots.weights import draw_pair_correlation

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


def windows(panels: Mapping[str, pd.DataFrame], unit: str) -> Figure:
    """Draw locality against the width, a panel for each setting: dots are runs, lines their means.

    Args:
        panels: by title, columns `x` (α), `series` (begins with a method's name) and `value`.
        unit: of the vertical axis.
    """
    shown = {title: table for title, table in panels.items() if len(table)}
    if not shown:
        return pending()
    figure, grid = subplots(1, len(shown), figsize=(WIDTH, 3.4), sharey=True, squeeze=False)
    for axes, (title, table) in zip(grid[0], shown.items(), strict=True):
        for name, runs in table.groupby("series", sort=False):
            own, mean = look(name), runs.groupby("x").value.mean()
            axes.plot(runs.x, runs.value, own.marker, color=own.colour, ms=4, alpha=0.6)
            axes.plot(mean.index, mean, ls=own.line, color=own.colour, label=name)
        places = sorted(table.x.unique())
        axes.set_xscale("log", base=2)
        axes.set_xticks(places, [f"{place}" for place in places], minor=False)
        axes.set_title(title, weight="normal", size="medium")
        axes.set_xlabel("α")
        axes.legend(fontsize="small")
    grid[0, 0].set_ylabel(unit)
    return figure


def scatter(table: pd.DataFrame, label: str, unit: str) -> Figure:
    """Draw one number of each run against another, with its interval.

    Args:
        table: columns `x` (logarithmic), `y`, `ci95`, `method` (its colour), `augmented` (filled)
            and `loss` (its marker).
        label: of the horizontal axis.
        unit: of the vertical one.
    """
    if table.empty:
        return pending()
    from matplotlib.lines import Line2D

    figure, axes = subplots(figsize=(WIDTH, 3.8))
    colours = {method: colour(method) for method in dict.fromkeys(table.method)}
    markers = dict(zip(dict.fromkeys(table.loss), "oD", strict=False))
    for (method, loss, augmented), runs in table.groupby(["method", "loss", "augmented"]):
        hue = colours[method]
        axes.errorbar(
            runs.x, runs.y, yerr=runs.ci95, fmt=markers[loss], ms=5, lw=0.8, alpha=0.8,
            color=hue, mfc=hue if augmented else "white",
        )  # fmt: skip
    keys: list[tuple[dict[str, Any], str]]
    keys = [({"marker": "s", "color": hue}, name) for name, hue in colours.items()]
    keys += [({"marker": m, "color": "0.3", "mfc": "white"}, name) for name, m in markers.items()]
    keys.append(({"marker": "o", "color": "0.3"}, "filled: with augmentation"))
    handles = [Line2D([], [], ls="", label=name, **style) for style, name in keys]
    figure.legend(handles=handles, loc="outside upper left", ncols=3)
    axes.axhline(0, color="0.6", lw=1, zorder=0)
    axes.set(xscale="log", xlabel=label, ylabel=unit)
    label_log_axis(axes.xaxis)
    return figure


def first_layers(units: pd.DataFrame, pairs: pd.DataFrame) -> Figure:
    """Draw how many weights the units of first layers have, and how close together these lie.

    Args:
        units: columns `series` (runs of β-LASSO in their order), `weights` (a range, in words) and
            `share` (per cent of the units).
        pairs: as in `pair_correlation`; a series that is not among the units begins with a network.
    """
    if units.empty:
        return pending()
    figure, (left, right) = subplots(1, 2, figsize=(WIDTH, 3.5))
    ranges = sorted(set(units.weights), key=lambda words: int(words.split("–")[0]))
    names = list(units.series.unique())
    ordered = dict(zip(names, shades("β-LASSO", len(names)), strict=True))
    for name, here in units.groupby("series", sort=False):
        places, shade = here.weights.map(ranges.index), ordered[str(name)]
        left.plot(places, here.share, "o-", ms=4, color=shade, label=name)
    left.set_xticks(range(len(ranges)), ranges, rotation=45, ha="right", fontsize="small")
    left.set(xlabel="weights of a unit", ylabel="units (%)", ylim=(0, None))
    others = [name for name in pairs.series.unique() if name not in ordered]
    networks = {name: colour(name.split(",")[0]) for name in others}
    draw_pair_correlation(right, pairs, ordered | networks)
    add_legend(figure, right, columns=2)
    return figure
