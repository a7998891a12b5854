"""The house style, and one function for each kind of figure. Takes arrays and frames, not runs."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

# width of the page's text, in inches at the size of its letters
WIDTH = 7.2
PALETTE = sns.color_palette("colorblind")
# one colour for each method, on every page; told apart by the colour-blind too
COLOURS = {
    "S-CONV, SGD": PALETTE[7],
    "S-LOCAL, SGD": PALETTE[2],
    "3-FC, SGD": PALETTE[5],
    "S-FC, SGD": PALETTE[0],
    "S-FC, proximal ℓ1": PALETTE[4],
    "S-FC, β-LASSO, β = 0": PALETTE[8],
    "S-FC, β-LASSO, β = 1": PALETTE[1],
    "S-FC, β-LASSO, β = 50": PALETTE[3],
}
LAYERS = {"conv1": "first layer", "fc1": "second layer", "fc2": "third layer"}


def use_style() -> None:
    """Set the house style for every figure drawn from here on."""
    sns.set_theme(context="paper", style="ticks", palette="colorblind", font_scale=1.15)
    plt.rcParams.update(
        {
            "figure.dpi": 110,
            "savefig.dpi": 200,
            "figure.constrained_layout.use": True,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.titlelocation": "left",
            "axes.titleweight": "bold",
            "legend.frameon": False,
            "svg.hashsalt": "lcs",
        }
    )


def colour(method: object) -> tuple[float, float, float]:
    """Return the colour of a method; grey for one that has none of its own."""
    return COLOURS.get(str(method), (0.4, 0.4, 0.4))


def accuracies(table: pd.DataFrame, *, unit: str = "test accuracy (%)") -> Figure:
    """Draw accuracies of methods as dots, one column of the frame for each source.

    Args:
        table: index: methods, from top to bottom. Columns `ours` (a list of the seeds' values, in
            per cent), and any further ones: published values, NaN where there is none.
        unit: label of the axis.
    """
    figure, axes = plt.subplots(figsize=(WIDTH, 0.42 * len(table) + 1.1))
    height = np.arange(len(table))[::-1]
    markers = dict(zip(table.columns.drop("ours"), "Dsv", strict=False))
    for source, marker in markers.items():
        axes.plot(table[source], height, marker, mfc="none", mec="0.35", ms=7, label=source)
    for y, (method, values) in zip(height, table["ours"].items(), strict=True):
        axes.plot(values, [y] * len(values), "o", color=colour(method), ms=7, alpha=0.8)
    axes.plot([], [], "o", color="0.2", label="ours, one dot per seed")
    axes.set_yticks(height, table.index)
    axes.set_xlabel(unit)
    axes.grid(axis="y", color="0.9")
    figure.legend(loc="outside upper left", ncols=len(markers) + 1)
    return figure


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
    figure, panels = plt.subplots(1, 3, figsize=(WIDTH, 3.1))
    for axes, (layer, title) in zip(panels, LAYERS.items(), strict=True):
        for (method, _), run in history.groupby(["method", "run_id"], sort=False):
            axes.plot(run.epoch, run[f"nonzeros_{layer}"], color=colour(method), label=method)
        for row in marks.itertuples():
            axes.plot(row.epochs, getattr(row, layer), "D", mfc="none", mec=colour(row.method))
        for name, count in references.get(layer, {}).items():
            axes.axhline(count, color="0.5", ls=":", lw=1)
            axes.annotate(name, (1, count), (2, 2), textcoords="offset points", color="0.35")
        axes.set(xscale="log", yscale="log", xlabel="epoch", title=title)
    panels[0].set_ylabel("non-zero weights")
    panels[0].plot([], [], "D", mfc="none", mec="0.3", label="published (reproduction)")
    _legend_of(figure, panels[0], columns=3)
    return figure


def curves(history: pd.DataFrame, column: str, label: str, *, scale: float = 1.0) -> Figure:
    """Draw one measure against epochs, a line for each run.

    Args:
        history: columns `method`, `run_id`, `epoch` and the measure's.
        column: the measure.
        label: of its axis, with the unit.
        scale: factor from the stored unit to the one shown.
    """
    figure, axes = plt.subplots(figsize=(WIDTH, 3.4))
    for (method, _), run in history.groupby(["method", "run_id"], sort=False):
        axes.plot(run.epoch, scale * run[column], color=colour(method), label=method)
    axes.set(xscale="log", xlabel="epoch", ylabel=label)
    _legend_of(figure, axes, columns=3)
    return figure


def filters(groups: Mapping[str, np.ndarray], *, columns: int = 12) -> Figure:
    """Draw first-layer filters as images, one row of the figure for each group.

    Args:
        groups: for each title, filters (n, C, H, W); zero is grey, and each filter has its own
            scale, the largest absolute weight. Three channels are drawn as red, green and blue.
        columns: filters in a row.
    """
    rows = {title: images[: 2 * columns] for title, images in groups.items()}
    figure = plt.figure(figsize=(WIDTH, 1.6 * len(rows)))
    parts = figure.subfigures(len(rows), 1, squeeze=False)[:, 0]
    for part, (title, images) in zip(parts, rows.items(), strict=True):
        part.suptitle(title, x=0.01, ha="left", weight="bold", size="medium")
        for axes, image in zip(part.subplots(2, columns).flat, images, strict=False):
            axes.imshow(as_image(image), interpolation="nearest")
        for axes in part.axes:
            axes.set_axis_off()
    return figure


def as_image(filter_: np.ndarray) -> np.ndarray:
    """Map a filter (C, H, W) to an image (H, W, 3) in [0, 1]; zero becomes the middle grey."""
    largest = np.abs(filter_).max() or 1.0
    image = 0.5 + 0.5 * filter_ / largest
    return np.broadcast_to(image, (3, *image.shape[1:])).transpose(1, 2, 0)


def locality(table: pd.DataFrame) -> Figure:
    """Draw locality measures beside their null model.

    Args:
        table: columns `method`, `measure`, `mean`, `ci95`, `null_mean`, `null_ci95`.
    """
    measures = list(dict.fromkeys(table.measure))
    figure, panels = plt.subplots(1, len(measures), figsize=(WIDTH, 2.9), sharey=True)
    for axes, measure in zip(panels, measures, strict=True):
        rows = table[table.measure == measure].iloc[::-1]
        height = np.arange(len(rows))
        axes.errorbar(
            rows.null_mean, height, xerr=rows.null_ci95, fmt="|", color="0.55", ms=12, lw=1
        )
        for y, row in zip(height, rows.itertuples(), strict=True):
            axes.errorbar(row.mean, y, xerr=row.ci95, fmt="o", color=colour(row.method), ms=6)
        axes.set_yticks(height, rows.method)
        axes.set_title(measure, weight="normal", size="medium")
        axes.grid(axis="x", color="0.92")
    handles = [
        plt.Line2D([], [], marker="o", ls="", color="0.2", label="filters"),
        plt.Line2D([], [], marker="|", ls="", color="0.55", ms=12, label="null: pixels permuted"),
    ]
    figure.legend(handles=handles, loc="outside upper left", ncols=2)
    return figure


def _legend_of(figure: Figure, axes: Axes, *, columns: int) -> None:
    handles, labels = axes.get_legend_handles_labels()
    unique = dict(zip(labels, handles, strict=True))
    figure.legend(unique.values(), unique.keys(), loc="outside upper left", ncols=columns)
