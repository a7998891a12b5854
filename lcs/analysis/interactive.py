"""Figures that answer to the pointer: Vega-Lite charts, which a page draws without a network.

A notebook holds a chart's data and a still picture of it. `book/_static/charts.js` puts the chart
in the picture's place; the library that draws it is written into the built book once, from the
package `vl-convert-python` (see `lcs.exhibits.book`). Without scripts the picture stays.
"""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from textwrap import wrap
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import altair as alt

    Chart = alt.Chart | alt.LayerChart | alt.FacetChart

# of the text on a page, in its pixels; a chart is as wide as the page has room
PAGE = 640
# which frame is shown, in a chart that `slider` gets
SHOWN = "datum.frame == place"


@dataclass(frozen=True)
class Interactive:
    """A chart in a notebook; the last expression of a cell shows it."""

    spec: Mapping[str, Any] = field(repr=False)  # in Vega-Lite
    description: str  # of what is seen, for those who cannot see it

    def _repr_html_(self) -> str:
        import vl_convert

        still = vl_convert.vegalite_to_svg({**self.spec, "width": PAGE})
        picture = base64.b64encode(still.encode()).decode()
        # "</" would end the script
        spec = json.dumps(self.spec, ensure_ascii=False, separators=(",", ":"))
        spec = spec.replace("</", "<\\/")
        alt_text = html.escape(self.description)
        return (
            f'<div class="chart"><img alt="{alt_text}" src="data:image/svg+xml;base64,{picture}">'
            f'<script type="application/json">{spec}</script></div>'
        )


def interactive(chart: Chart, description: str) -> Interactive:
    """Return a chart of Altair's in the house style, as wide as the page."""
    fit = {"type": "fit-x", "contains": "padding"}
    styled = (
        chart.properties(width="container", autosize=fit, description=description)
        .configure(font="DejaVu Sans, Verdana, sans-serif", background="white")
        .configure_axis(grid=False, labelFontSize=12, titleFontSize=12, titleFontWeight="normal")
        .configure_view(stroke=None)
        .configure_legend(orient="top", title=None)
    )
    return Interactive(styled.to_dict(), description)


def slider(
    chart: Chart,
    label: str,
    titles: Sequence[str],
    texts: Sequence[str],
    description: str,
    *,
    switch: str = "",
    first: int = 0,
) -> Interactive:
    """Let a slider choose which rows of a chart are shown.

    Args:
        chart: its layers keep the rows with `transform_filter(SHOWN)`, where the column `frame`
            counts the frames.
        label: of the slider.
        titles: of the frames; below each stands its text.
        switch: label of a box that is ticked to see the second half of the frames; the slider then
            goes over one half.
        first: the frame that is shown before the slider is moved.
    """
    import altair as alt

    count = len(titles) // 2 if switch else len(titles)
    moved = alt.binding_range(min=0, max=count - 1, step=1, name=label)
    box = alt.binding_checkbox(name=switch) if switch else alt.Undefined
    params = [
        alt.param(name="frame", value=first, bind=moved),
        alt.param(name="ticked", value=False, bind=box),
        alt.param(name="place", expr=f"frame + (ticked ? {count} : 0)"),
    ]
    # no line is longer than a phone is wide
    lines = [[head, *wrap(text, 45)] for head, text in zip(titles, texts, strict=True)]
    shown = alt.ExprRef(f"{json.dumps(lines, ensure_ascii=False)}[place]")
    title = alt.TitleParams(shown, anchor="start", fontWeight="normal", fontSize=12)
    return interactive(chart.add_params(*params).properties(title=title), description)
