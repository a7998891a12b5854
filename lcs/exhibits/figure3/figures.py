"""Figures of the chapter: non-zero weights along training, and the two laws beside them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from lcs.exhibits.plots.style import (
    PUBLISHED_MARKERS,
    WIDTH,
    add_legend,
    colour,
    label_log_axis,
    look,
    pending,
    subplots,
)
from lcs.exhibits.tables import LAYERS

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


def nonzeros_figure(
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
    marker = PUBLISHED_MARKERS["reproduction"]
    figure, panels = subplots(1, 3, figsize=(WIDTH, 3.1))
    for axes, (layer, title) in zip(panels, LAYERS.items(), strict=True):
        for (name, _), run in history.groupby(["method", "run_id"], sort=False):
            own = look(name)
            axes.plot(
                run.epoch, run[f"nonzeros_{layer}"], ls=own.line, color=own.colour, label=name
            )
        for row in marks.itertuples():
            count = getattr(row, layer)
            axes.plot(row.epochs, count, marker, mfc="none", mec=colour(row.method))
        for label, count in references.get(layer, {}).items():
            axes.axhline(count, color="0.5", ls=":", lw=1)
            axes.annotate(label, (1, count), (2, 2), textcoords="offset points", color="0.35")
        axes.set(xscale="log", yscale="log", xlabel="epoch", title=title)
        low, high = axes.get_ylim()
        axes.set_ylim(bottom=min(low, high / 10))
        label_log_axis(axes.yaxis, _thousands, every=high / low <= 100)
    panels[0].set_ylabel("non-zero weights")
    panels[0].plot([], [], marker, mfc="none", mec="0.3", label="published (reproduction)")
    add_legend(figure, panels[0], columns=3)
    return figure


def _thousands(count: float) -> str:
    for unit, size in (("M", 1_000_000), ("k", 1000)):
        if count >= size:
            return f"{count / size:g} {unit}"
    return f"{count:g}"


def laws_figure(history: pd.DataFrame, forecasts: Mapping[str, pd.DataFrame]) -> Figure:
    """Draw the first layer's remaining share, its revived weights and its norm, beside two laws.

    Args:
        history: columns `method`, `run_id`, `epoch`, `left` (per cent), `revived_conv1` and
            `shrunk` (the layer's norm over its norm at the first recorded epoch).
        forecasts: for a method, columns `epoch`, `left` (per cent) and `dead_zone`.
    """
    figure, panels = subplots(2, 2, figsize=(WIDTH, 5.2), sharex=True)
    shown = {"left": "remaining, layer 1 (%)", "revived_conv1": "returned in the epoch"}
    for axes, (column, title) in zip(panels.flat, shown.items(), strict=False):
        for (name, _), run in history.groupby(["method", "run_id"], sort=False):
            axes.plot(run.epoch, run[column], color=colour(name), lw=1, label=name)
        axes.set(ylabel=title)
    for (name, _), run in history.groupby(["method", "run_id"], sort=False):
        panels[1, 1].plot(run.epoch, run.shrunk, color=colour(name), lw=1)
    for name, law in forecasts.items():
        panels[0, 0].plot(law.epoch, law.left, "--", color=colour(name), lw=1.3)
        panels[1, 0].plot(law.epoch, law.dead_zone, "--", color=colour(name), lw=1.3)
    panels[0, 0].plot([], [], "k--", lw=1.3, label="the laws, without data")
    panels[0, 1].set_yscale("symlog", linthresh=1)
    panels[1, 0].set(yscale="log", ylabel="gradient needed to return")
    panels[1, 1].set(ylabel="norm, relative to epoch 1", ylim=(0, None))
    for axes in panels[1]:
        axes.set_xlabel("epoch")
    add_legend(figure, panels[0, 0], columns=4)
    return figure
