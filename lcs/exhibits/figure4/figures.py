"""Figures of the chapter: locality against width, and where a unit's weights lie."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from lcs.exhibits.plots.style import (
    WIDTH,
    add_legend,
    colour,
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
