"""First-layer filters: drawn, pruned, and beside others that have as many weights but no place."""

from __future__ import annotations

import base64
import math
from collections.abc import Iterable, Mapping
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from lcs import measure
from lcs.analysis.compare import interval
from lcs.analysis.style import PAGE_WIDTH
from lcs.measure import locality_measures
from lcs.measure.weight_sharing import randomise_phases
from lcs.runs import Record
from lcs.stats import Interval, mean_interval

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd
    from matplotlib.figure import Figure

    from lcs.analysis.interactive import Interactive

DRAWS = 10  # of permutations, and of phases
COLUMNS = 8  # filters of a row
MARGIN = 8  # pixels around the window, in a map of many filters


def stored(runs: pd.DataFrame) -> Tensor:
    """Return the filters (n, C, H, W) of the first run that has stored some.

    They are chosen at random among those with at least 20 weights. Without any, n is 0.
    """
    for record in runs.record:
        if record.has_filters:
            return record.load_filters()
    return torch.zeros(0, 1, 1, 1)


def largest(filters: Tensor, counts: Tensor) -> Tensor:
    """Return each filter with so many of its weights, the largest, and zeros for the others."""
    ranks = filters.abs().flatten(1).argsort(1, descending=True).argsort(1)
    return torch.where((ranks < counts[:, None]).view(filters.shape), filters, 0.0)


def window_shares(filters: Tensor, dense: Tensor) -> dict[str, Interval]:
    """Return the share of the squared weights in the best window, in per cent, beside four nulls.

    Means with 95 % intervals over filters: of the filters (`own`); of these with permuted
    `pixels`, and with random `phases`, which keep how smooth a filter is and leave it at no place
    in particular; of the dense ones `pruned`, and with random phases before that
    (`pruned phases`). All have as many weights in each filter.

    Args:
        filters: (n, C, H, W), as sparse as they are.
        dense: of another network, without zeros.
    """
    count = min(len(filters), len(dense))
    filters, dense = filters[:count].double(), dense[:count].double()
    counts = torch.count_nonzero(filters.flatten(1), 1)
    window = measure.window_size(*filters.shape[2:])
    generator = torch.Generator().manual_seed(measure.SEED)

    def share(surrogates: Iterable[Tensor]) -> Interval:
        shares = torch.stack([measure.window_mass(each, window) for each in surrogates])
        return mean_interval(100 * shares.mean(0))

    def without_place(images: Tensor) -> Iterable[Tensor]:
        return (largest(randomise_phases(images, generator), counts) for _ in range(DRAWS))

    return {
        "own": share([filters]),
        "pixels": share(measure.permute_filters(filters, generator) for _ in range(DRAWS)),
        "phases": share(without_place(filters)),
        "pruned": share([largest(dense, counts)]),
        "pruned phases": share(without_place(dense)),
    }


def pair_correlation(record: Record) -> list[float]:
    """Return how often weights of a unit lie 1, 2, … pixels apart, over chance.

    Of all units, else of the stored filters; one NaN where the record has neither.
    """
    if "pair_correlation" in record.final:
        return [math.nan if r is None else r for r in record.final["pair_correlation"]]
    if not record.has_filters:
        return [math.nan]
    return measure.pair_correlation(record.load_filters()).tolist()


def neighbours(runs: pd.DataFrame) -> Interval:
    """Return how often weights of a unit are neighbours, over chance."""
    import pandas as pd

    return interval(pd.Series([pair_correlation(record)[0] for record in runs.record]))


def as_image(filter_: npt.ArrayLike, scale: float) -> npt.NDArray[np.float64]:
    """Return a filter (C, H, W) as an image (H, W, 3) in [0, 1]; zeros are white.

    The colour of a pixel is that of its weights, its opacity their sum of squares over `scale`.
    Three channels are red, green and blue; one is red where positive, blue where negative.
    """
    weights = np.asarray(filter_, float)
    mass = (weights**2).sum(0)
    largest_weight = np.abs(weights).max(0)
    unit = weights / np.where(largest_weight > 0, largest_weight, 1)
    if len(unit) == 1:
        unit = np.concatenate([unit, 0 * unit, -unit])
    opacity = np.clip(mass / (scale or 1), 0, 1)
    # no colour is as light as white, which means zero
    return np.moveaxis(1 - opacity * (1 - 0.7 * (0.5 + 0.5 * unit)), 0, -1)


def scale_of(filters: Tensor) -> float:
    """Return the sum of squares of a pixel that one in ten weighted pixels exceeds."""
    mass = filters.double().square().sum(1)
    return float(mass[mass > 0].quantile(0.9)) if (mass > 0).any() else 1.0


def best_windows(filters: Tensor) -> tuple[list[tuple[int, int]], list[float], int]:
    """Return row and column at which each filter's best window begins, its share, and its side."""
    side = measure.window_size(*filters.shape[2:])
    shares = locality_measures.window_shares(filters, side)
    best = shares.flatten(1).argmax(1)
    places = [divmod(int(place), shares.shape[2]) for place in best]
    return places, shares.flatten(1).amax(1).tolist(), side


def mean_map(filters: Tensor) -> npt.NDArray[np.float64]:
    """Return the mean of the squared weights around the best window of each filter.

    Each filter is scaled to a sum of 1; the window is in the middle, `MARGIN` pixels from each
    edge. Beyond the image there is nothing to average: NaN if that is so for all filters.
    """
    places, _, side = best_windows(filters)
    squares = filters.double().square().sum(1)
    mass = (squares / squares.sum((1, 2), keepdim=True)).numpy()
    padded = np.pad(mass, ((0, 0), (MARGIN, MARGIN), (MARGIN, MARGIN)), constant_values=np.nan)
    size = side + 2 * MARGIN
    around = [
        image[top : top + size, left : left + size]
        for image, (top, left) in zip(padded, places, strict=True)
    ]
    inside = np.isfinite(around).sum(0)
    found: npt.NDArray[np.float64] = np.nansum(around, 0) / np.where(inside, inside, np.nan)
    return found


def filters_figure(rows: Mapping[str, Tensor]) -> Figure:
    """Draw filters, a row for each title, from the smallest to the largest share of the window.

    `COLUMNS` of them, evenly spaced by their share; then `mean_map` over all. The best window is
    outlined, with its share below. A row has one scale of opacity.
    """
    import matplotlib.pyplot as plt
    from matplotlib.patches import Rectangle

    rows = {title: filters for title, filters in rows.items() if len(filters)}
    width = PAGE_WIDTH / (COLUMNS + 1.2)
    figure = plt.figure(figsize=(PAGE_WIDTH, len(rows) * (width + 0.38)), layout="none")
    high = 1 / len(rows)
    for line, (title, filters) in enumerate(rows.items()):
        places, shares, side = best_windows(filters)
        order = np.argsort(shares)[np.linspace(0, len(shares) - 1, COLUMNS).round().astype(int)]
        bottom = 1 - (line + 1) * high
        figure.text(0, bottom + high, title, va="top", weight="bold", size=9)
        images = [as_image(filters[k].numpy(), scale_of(filters)) for k in order]
        images.append(mean_map(filters))
        for column, image in enumerate(images):
            last = column == COLUMNS
            left = (column + 0.2 * last) / (COLUMNS + 1.2)
            axes = figure.add_axes(
                (left, bottom + 0.14 * high, 0.94 / (COLUMNS + 1.2), 0.66 * high)
            )
            axes.imshow(image, interpolation="none", cmap="Greys", vmin=0)  # or its own colours
            top, across = (MARGIN, MARGIN) if last else places[order[column]]
            box = Rectangle((across - 0.5, top - 0.5), side, side, fill=False, ec="0.35", lw=0.8)
            axes.add_patch(box)
            share = np.mean(shares) if last else shares[order[column]]
            axes.set_xlabel(f"{'mean ' if last else ''}{100 * share:.0f} %", size=8, labelpad=2)
            axes.set(xticks=[], yticks=[])
            axes.spines[:].set(visible=True, color="0.8", linewidth=0.6)
    return figure


def filters_slider(frames: Mapping[str, tuple[Tensor, str]], label: str, about: str) -> Interactive:
    """Show filters under a slider: one frame for each title, with a text below the title.

    Args:
        frames: filters (n, C, H, W), of which twelve are drawn with their best windows.
        label: of the slider.
        about: what is seen, for those who cannot see it.
    """
    import altair as alt
    from PIL import Image

    from lcs.analysis.interactive import PAGE, SHOWN, slider

    sheets = [_sheet(filters[:12]) for filters, _ in frames.values()]
    rows = []
    for frame, sheet in enumerate(sheets):
        image = Image.fromarray(sheet.repeat(2, 0).repeat(2, 1))  # two pixels for each weight
        image.save(file := BytesIO(), "PNG", optimize=True)
        data = base64.b64encode(file.getvalue()).decode()
        rows.append({"frame": frame, "image": f"data:image/png;base64,{data}"})
    middle = {name: alt.value(alt.ExprRef(f"{name} / 2")) for name in ("width", "height")}
    chart = (
        alt.Chart(alt.Data(values=rows))
        .transform_filter(SHOWN)
        .mark_image(width=alt.ExprRef("width"), height=alt.ExprRef("height"), smooth=False)
        .encode(url="image:N", x=middle["width"], y=middle["height"])
        .properties(height=round(PAGE * max(sheet.shape[0] / sheet.shape[1] for sheet in sheets)))
    )
    return slider(chart, label, [*frames], [text for _, text in frames.values()], about)


def _sheet(filters: Tensor) -> npt.NDArray[np.uint8]:
    """Lay filters out in rows of six, in grey frames, with their best windows: (H', W', 3)."""
    side, columns = filters.shape[-1] + 1, 6
    lines = -(-len(filters) // columns)
    sheet = np.full((lines * side + 1, columns * side + 1, 3), 255, np.uint8)
    places, _, window = best_windows(filters)
    scale = scale_of(filters)
    for index, filter_ in enumerate(filters):
        top, left = side * (index // columns), side * (index % columns)
        framed = sheet[top : top + side + 1, left : left + side + 1]
        framed[:] = 205
        image = np.round(255 * as_image(filter_.numpy(), scale)).astype(np.uint8)
        row, column = places[index]
        box = np.zeros(image.shape[:2], bool)
        box[row : row + window, column : column + window] = True
        box[row + 1 : row + window - 1, column + 1 : column + window - 1] = False
        image[box & (image.min(2) > 200)] = 120
        framed[1:-1, 1:-1] = image
    return sheet
