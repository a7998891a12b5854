"""Filters under a slider."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from io import BytesIO

import numpy as np

from lcs.analysis.interactive import PAGE, SHOWN, Interactive, interactive, slider
from lcs.exhibits.shared.plots.weights import FRAME, as_image

COLUMNS = 6  # filters in a row

__all__ = ["SHOWN", "Interactive", "filters_slider", "interactive", "slider"]


def filters_slider(
    groups: Mapping[str, tuple[np.ndarray, str]], label: str, description: str, *, switch: str
) -> Interactive:
    """Show first-layer filters as images, one group at a time, as a slider says.

    Groups have, for each title, filters (n, C, H, W), of which the first two rows are drawn, as by
    `plots.filters`, and what stands below the title. Label and switch are those of `slider`.
    """
    import altair as alt
    from PIL import Image

    sheets = [_sheet(filters[: 2 * COLUMNS]) for filters, _ in groups.values()]
    rows = []
    for frame, sheet in enumerate(sheets):
        # two pixels for each weight
        Image.fromarray(sheet.repeat(2, 0).repeat(2, 1)).save(
            file := BytesIO(), "PNG", optimize=True
        )
        image = base64.b64encode(file.getvalue()).decode()
        rows.append({"frame": frame, "image": f"data:image/png;base64,{image}"})
    high = max(sheet.shape[0] / sheet.shape[1] for sheet in sheets)
    chart = (
        alt.Chart(alt.Data(values=rows))
        .transform_filter(SHOWN)
        .mark_image(width=alt.ExprRef("width"), height=alt.ExprRef("height"), smooth=False)
        .encode(
            url="image:N",
            x=alt.value(alt.ExprRef("width / 2")),
            y=alt.value(alt.ExprRef("height / 2")),
        )
        .properties(height=round(PAGE * high))
    )
    texts = [text for _, text in groups.values()]
    return slider(chart, label, [*groups], texts, description, switch=switch)


def _sheet(filters: np.ndarray) -> np.ndarray:
    """Lay filters (n, C, H, W) out in rows, in grey frames: (H', W', 3), uint8."""
    side = filters.shape[-1] + 1
    rows = -(-len(filters) // COLUMNS)
    sheet = np.full((rows * side + 1, COLUMNS * side + 1, 3), 255, np.uint8)
    for place, filter_ in enumerate(filters):
        top, left = side * (place // COLUMNS), side * (place % COLUMNS)
        framed = sheet[top : top + side + 1, left : left + side + 1]
        framed[:] = round(255 * FRAME)
        framed[1:-1, 1:-1] = np.round(255 * as_image(filter_))
    return sheet
