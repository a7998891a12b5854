"""Figures of weights: how many are left, filters, and how local and how clustered they are."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from lcs.exhibits.methods import NETWORKS
from lcs.exhibits.plots.style import (
    PUBLISHED_MARKERS,
    WIDTH,
    add_legend,
    colour,
    label_log_axis,
    look,
    other_colours,
    pending,
    shades,
    subplots,
)
from lcs.exhibits.tables import LAYERS

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def nonzeros(
    history: pd.DataFrame,
    references: Mapping[str, Mapping[str, float]],
    marks: pd.DataFrame,
) -> Figure:
    """Draw non-zero weights against epochs, a panel for each layer, both axes logarithmic.

    Args:
        history: columns `method`, `run_id`, `epoch` and `nonzeros_<layer>`.
        references: for each layer, named counts drawn as horizontal lines.
        marks: published counts: columns `method`, `epochs` and one for each layer.
    """
    if history.empty:
        return pending()
    figure, panels = subplots(1, 3, figsize=(WIDTH, 3.1))
    for axes, (layer, title) in zip(panels, LAYERS.items(), strict=True):
        for (method, _), run in history.groupby(["method", "run_id"], sort=False):
            own = look(method)
            axes.plot(
                run.epoch, run[f"nonzeros_{layer}"], ls=own.line, color=own.colour, label=method
            )
        for row in marks.itertuples():
            count = getattr(row, layer)
            axes.plot(row.epochs, count, PUBLISHED_MARKERS[0], mfc="none", mec=colour(row.method))
        for name, count in references.get(layer, {}).items():
            axes.axhline(count, color="0.5", ls=":", lw=1)
            axes.annotate(name, (1, count), (2, 2), textcoords="offset points", color="0.35")
        axes.set(xscale="log", yscale="log", xlabel="epoch", title=title)
        low, high = axes.get_ylim()
        axes.set_ylim(bottom=min(low, high / 10))
        label_log_axis(axes.yaxis, _thousands, every=high / low <= 100)
    panels[0].set_ylabel("non-zero weights")
    panels[0].plot(
        [], [], PUBLISHED_MARKERS[0], mfc="none", mec="0.3", label="published (reproduction)"
    )
    add_legend(figure, panels[0], columns=3)
    return figure


def _thousands(count: float) -> str:
    for unit, size in (("M", 1_000_000), ("k", 1000)):
        if count >= size:
            return f"{count / size:g} {unit}"
    return f"{count:g}"


def laws(history: pd.DataFrame, forecasts: Mapping[str, pd.DataFrame]) -> Figure:
    """Draw the first layer's remaining share, its revived weights and its norm, beside two laws.

    Args:
        history: columns `method`, `run_id`, `epoch`, `left` (per cent), `revived_conv1` and
            `shrunk` (the layer's norm over its norm at the first recorded epoch).
        forecasts: for a method, columns `epoch`, `left` (per cent) and `dead_zone`.
    """
    figure, panels = subplots(2, 2, figsize=(WIDTH, 5.2), sharex=True)
    shown = {"left": "remaining, layer 1 (%)", "revived_conv1": "returned in the epoch"}
    for axes, (column, title) in zip(panels.flat, shown.items(), strict=False):
        for (method, _), run in history.groupby(["method", "run_id"], sort=False):
            axes.plot(run.epoch, run[column], color=colour(method), lw=1, label=method)
        axes.set(ylabel=title)
    for (method, _), run in history.groupby(["method", "run_id"], sort=False):
        panels[1, 1].plot(run.epoch, run.shrunk, color=colour(method), lw=1)
    for method, law in forecasts.items():
        panels[0, 0].plot(law.epoch, law.left, "--", color=colour(method), lw=1.3)
        panels[1, 0].plot(law.epoch, law.dead_zone, "--", color=colour(method), lw=1.3)
    panels[0, 0].plot([], [], "k--", lw=1.3, label="the laws, without data")
    panels[0, 1].set_yscale("symlog", linthresh=1)
    panels[1, 0].set(yscale="log", ylabel="gradient needed to return")
    panels[1, 1].set(ylabel="norm / norm after one epoch", ylim=(0, None))
    for axes in panels[1]:
        axes.set_xlabel("epoch")
    add_legend(figure, panels[0, 0], columns=4)
    return figure


def filters(groups: Mapping[str, np.ndarray | None], *, columns: int = 8) -> Figure:
    """Draw first-layer filters as images, a row for each group; two pixels for each weight.

    Args:
        groups: for each title, filters (n, C, H, W), the first of which are drawn; None: pending.
            Zero is grey, and each filter has its own scale, the largest absolute weight. Three
            channels are drawn as red, green and blue.
        columns: filters in a row.
    """
    known = [images for images in groups.values() if images is not None]
    if not known:
        return pending()
    import matplotlib.pyplot as plt

    # in inches, of which the page has 96 pixels
    side = 2 * max(images.shape[-1] for images in known) / 96
    gap, head = side / 16, 0.28
    width = columns * (side + gap) - gap
    height = len(groups) * head + len(known) * (side + gap)
    figure = plt.figure(figsize=(width, height), layout="none")
    top = height
    for title, images in groups.items():
        figure.text(0, (top - 0.6 * head) / height, title, weight="bold", va="center")
        top -= head
        for column, image in enumerate(() if images is None else images[:columns]):
            left, low = column * (side + gap), top - side
            axes = figure.add_axes((left / width, low / height, side / width, side / height))
            # not resampled: the page draws each weight as a square
            axes.imshow(as_image(image), interpolation="none")
            axes.set_axis_off()
        top -= 0 if images is None else side + gap
    return figure


def as_image(filter_: np.ndarray) -> np.ndarray:
    """Map a filter (C, H, W) to an image (H, W, 3) in [0, 1]; zero becomes the middle grey."""
    largest = np.abs(filter_).max() or 1.0
    image = 0.5 + 0.5 * filter_ / largest
    return np.broadcast_to(image, (3, *image.shape[1:])).transpose(1, 2, 0)


def excesses(table: pd.DataFrame) -> Figure:
    """Draw measures of locality less their null: a panel each, a row for each setting and method.

    Args:
        table: columns `setting`, `series` (begins with a method's name), `measure`, `values` (of
            each seed: dots) and `ci95` of their mean. The first measure's axis is linear to 1
            and logarithmic beyond.
    """
    if table.empty:
        return pending()
    rows: list[tuple[str, str | None]] = []  # from top to bottom, a heading above each setting
    for setting, here in table.groupby("setting", sort=False):
        rows += [(str(setting), None), *((str(setting), name) for name in here.series.unique())]
    heights = {row: -place for place, row in enumerate(rows)}
    measures = list(dict.fromkeys(table.measure))
    size = (WIDTH, 0.21 * len(rows) + 0.8)
    figure, grid = subplots(1, len(measures), figsize=size, sharey=True, squeeze=False)
    panels = grid[0]
    for axes, measure in zip(panels, measures, strict=True):
        for row in table[table.measure == measure].to_dict("records"):
            y, values = heights[row["setting"], row["series"]], np.array(row["values"])
            own = look(row["series"].split(", λ")[0])
            axes.plot(values, [y] * len(values), own.marker, color=own.colour, ms=4, alpha=0.5)
            ci95 = 0.0 if len(values) == 2 else row["ci95"]  # of two seeds the dots say more
            axes.errorbar(values.mean(), y, xerr=ci95, fmt="|", color=own.colour, ms=9)
        axes.axvline(0, color="0.6", lw=1, zorder=0)
        axes.set_title(measure, weight="normal", size="medium", pad=12)
        axes.grid(axis="x", color="0.92")
        axes.tick_params(axis="y", length=0)
    panels[0].set_xscale("symlog", linthresh=1, linscale=0.4)
    ticks = (-1, 0, 1, 3, 10, 30, 100)
    panels[0].set_xticks(ticks, [f"{tick}" for tick in ticks], minor=False)
    panels[0].minorticks_off()
    panels[0].set_xlim(right=110)
    panels[0].set_yticks([heights[row] for row in rows], [name or "" for _, name in rows])
    panels[0].set_ylim(0.5 - len(rows), 0.6)
    panels[0].tick_params(axis="y", labelsize="small")
    panels[0].set_zorder(1)  # headings extend over all panels
    panels[0].patch.set_visible(False)
    for setting, name in rows:
        if name is None:
            at = heights[setting, None]
            text = panels[0].text(
                0, at, setting, transform=panels[0].get_yaxis_transform(), va="center",
                weight="bold", size="small", backgroundcolor="white", zorder=5,
            )  # fmt: skip
            text.set_in_layout(False)
    return figure


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


def sharing(table: pd.DataFrame) -> Figure:
    """Draw how alike filters are after a shift, between chance and shared kernels, a row per run.

    Args:
        table: columns `setting`, `series`, `of`, `filters`, `mean`, `ci95`, `pixels`,
            `phases`, `rearranged` and `shared`; a row without `mean` has too few compact ones.
    """
    if table.empty:
        return pending()
    figure, axes = subplots(figsize=(WIDTH, 0.3 * len(table) + 1.2))
    shapes = {"pixels": "x", "phases": "+", "rearranged": "|", "shared": "D"}
    words = {
        "pixels": "null: pixels permuted",
        "phases": "null: random phases",
        "rearranged": "null: weights rearranged in their places",
        "shared": "shared kernels",
    }
    names = []
    for y, row in enumerate(table.to_dict("records")):
        names.append(f"{row['setting']}: {row['series']}")
        own = look(row["series"].split(", λ")[0])
        if math.isnan(row["mean"]):
            few = f"{row['filters']:.0f} of {row['of']:.0f} filters are compact"
            axes.text(0.01, y, few, va="center", size="small", style="italic", color="0.35")
            continue
        axes.plot([row["rearranged"], row["shared"]], [y, y], color="0.85", lw=5, zorder=0)
        for name, shape in shapes.items():
            axes.plot(row[name], y, shape, color="0.4", mfc="white", ms=7, label=words[name])
        axes.errorbar(row["mean"], y, xerr=row["ci95"], fmt=own.marker, color=own.colour, ms=6)
    axes.set_yticks(range(len(table)), names)
    axes.tick_params(axis="y", labelsize="small")
    axes.set(ylim=(len(table) - 0.5, -0.5), xlim=(0, 1.02))
    axes.set_xlabel("correlation with the nearest filter after a shift")
    axes.grid(axis="x", color="0.92")
    add_legend(figure, axes, columns=2)
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
    _pair_correlation(right, pairs, ordered | networks)
    add_legend(figure, right, columns=2)
    return figure


def pair_correlation(table: pd.DataFrame, *, ordered: bool = True) -> Figure:
    """Draw pair correlations: a line for each run, a colour for each series, chance at 1.

    Args:
        table: columns `series`, `run_id`, `distance` (pixels) and `ratio`. A series is a network,
            or else a condition of β-LASSO; the conditions stand in their order.
        ordered: False if the others are β = 50 and methods without a colour of their own.
    """
    if table.empty:
        return pending()
    figure, axes = subplots(figsize=(WIDTH, 3.8))
    names = [str(name) for name in table.series.unique()]
    coloured = NETWORKS.values() if ordered else ("β = 50",)
    own = {name: colour(name) for name in names if name.split(",")[0] in coloured}
    others = [name for name in names if name not in own]
    hues = shades("β-LASSO", len(others)) if ordered else other_colours(len(others))
    _pair_correlation(axes, table, own | dict(zip(others, hues, strict=True)))
    add_legend(figure, axes, columns=2)
    return figure


def _pair_correlation(axes: Axes, table: pd.DataFrame, colours: Mapping[str, str]) -> None:
    for name, runs in table.groupby("series", sort=False):
        for _, run in runs.groupby("run_id"):
            axes.plot(run.distance, run.ratio, color=colours[str(name)], lw=1.2, label=name)
    axes.axhline(1, color="0.6", lw=1, zorder=0)
    axes.set(yscale="log", xlabel="distance (pixels)", ylabel="pairs of pixels / chance")
    axes.set_ylim(bottom=max(0.1, axes.get_ylim()[0]))
    label_log_axis(axes.yaxis)
