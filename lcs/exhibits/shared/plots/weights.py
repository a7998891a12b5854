"""Figures of weights: filters, and how local they are."""

from collections.abc import Mapping, Sequence

import numpy as np

from lcs.exhibits.shared import tables
from lcs.exhibits.shared.plots.style import (
    PAGE_WIDTH,
    Axes,
    Figure,
    add_heading,
    add_legend,
    label_log_axis,
    look,
    pending,
    subplots,
)

COLUMNS = 8  # filters in a row
FRAME = 0.75  # grey of the frame around each


def filters(groups: Mapping[str, np.ndarray | None]) -> Figure:
    """Draw first-layer filters by `as_image`, a row for each group; two pixels for each weight.

    Groups have, for each title, filters (n, C, H, W), the first of which are drawn; None: pending.
    """
    known = [images for images in groups.values() if images is not None]
    if not known:
        return pending()
    import matplotlib.pyplot as plt

    # in inches, of which the page has 96 pixels
    side = 2 * max(images.shape[-1] for images in known) / 96
    gap, head = side / 16, 0.28
    width = COLUMNS * (side + gap) - gap
    height = len(groups) * head + len(known) * (side + gap)
    figure = plt.figure(figsize=(width, height), layout="none")
    top = height
    for title, images in groups.items():
        figure.text(0, (top - 0.6 * head) / height, title, weight="bold", va="center")
        top -= head
        for column, image in enumerate(() if images is None else images[:COLUMNS]):
            left, low = column * (side + gap), top - side
            axes = figure.add_axes((left / width, low / height, side / width, side / height))
            draw_filter(axes, image)
        top -= 0 if images is None else side + gap
    return figure


def draw_filter(axes: Axes, filter_: np.ndarray) -> None:
    """Draw a filter (C, H, W) by `as_image`, in a frame."""
    # not resampled: the page draws each weight as a square
    axes.imshow(as_image(filter_), interpolation="none")
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set(visible=True, color=f"{FRAME}", linewidth=0.8)


def as_image(filter_: np.ndarray) -> np.ndarray:
    """Map a filter (C, H, W), on its own scale, to an image (H, W, 3) in [0, 1].

    Three channels are red, green and blue around the middle grey; a pixel whose weights are all
    zero is white. A single channel is red where it is positive, blue where it is negative.
    """
    scaled = filter_ / (np.abs(filter_).max() or 1.0)
    if len(filter_) == 1:
        above, below = np.maximum(scaled, 0), np.maximum(-scaled, 0)
        image = 1 - np.concatenate([below, above + below, above])
    else:
        image = np.where((filter_ == 0).all(0), 1.0, 0.5 + 0.5 * scaled)
    return image.transpose(1, 2, 0)


def pair_curves(
    curves: Mapping[str, Sequence[Sequence[float]]], colours: Mapping[str, str]
) -> Figure:
    """Draw pair correlations by distance: a line for each run, a colour for each name.

    A curve has the values of `lcs.measure.pair_correlation`, from a distance of one pixel on.
    """
    if not curves:
        return pending()
    figure, axes = subplots(figsize=(PAGE_WIDTH, 3.8))
    for name, runs in curves.items():
        for ratios in runs:
            places = range(1, len(ratios) + 1)
            axes.plot(places, ratios, color=colours[name], lw=1.2, label=name)
    axes.axhline(1, color="0.6", lw=1, zorder=0)
    axes.set(yscale="log", xlabel="distance (pixels)", ylabel="pairs of pixels / chance")
    axes.set_ylim(bottom=max(0.1, axes.get_ylim()[0]))
    label_log_axis(axes.yaxis)
    add_legend(figure, axes, columns=2 if len(curves) < 7 else 3)
    return figure


def excesses(table: tables.DataFrame) -> Figure:
    """Draw measures of locality less their null: a panel each, a row for each setting and method.

    The table is that of `locality.excess_frame`; dots are seeds.
    """
    if table.empty:
        return pending()
    rows: list[tuple[str, str]] = []  # from top to bottom, above each setting one without a name
    for setting, here in table.groupby("setting", sort=False):
        rows += [(str(setting), name) for name in ("", *here.series.unique())]
    heights = {row: -place for place, row in enumerate(rows)}
    measures = list(dict.fromkeys(table.measure))
    size = (PAGE_WIDTH, 0.21 * len(rows) + 0.8)
    figure, grid = subplots(1, len(measures), figsize=size, sharey=True, squeeze=False)
    panels, left = grid[0], grid[0, 0]
    for axes, measure in zip(panels, measures, strict=True):
        for row in table[table.measure == measure].to_dict("records"):
            y, values = heights[row["setting"], row["series"]], np.array(row["values"])
            own = look(row["method"])
            axes.plot(values, [y] * len(values), own.marker, color=own.colour, ms=4, alpha=0.5)
            ci95 = 0.0 if len(values) == 2 else row["ci95"]  # of two seeds the dots say more
            axes.errorbar(values.mean(), y, xerr=ci95, fmt="|", color=own.colour, ms=9)
        axes.axvline(0, color="0.6", lw=1, zorder=0)
        axes.set_xlabel(measure, size="small" if len(measures) > 2 else "medium")
        axes.grid(axis="x", color="0.92")
        axes.tick_params(axis="y", length=0)
    left.set_yticks([*heights.values()], [name for _, name in rows])
    left.set_ylim(0.5 - len(rows), 0.6)
    left.tick_params(axis="y", labelsize="small")
    left.set_zorder(1)  # headings extend over all panels
    left.patch.set_visible(False)
    for (setting, name), y in heights.items():
        if not name:
            heading = add_heading(left, 0, y, setting, weight="bold", size="small", zorder=5)
            heading.set_in_layout(False)
    return figure
