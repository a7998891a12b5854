"""Figures of the chapter on the engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lcs.exhibits.plots.style import WIDTH, add_legend, pending, shades, subplots

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
            share = count / runs.images.iloc[0]
            axes.plot(
                runs.epoch, runs.units, ":" if bound == "equal" else "-", color=colours[count],
                label=f"{bound} weights, {share:.1%}",
            )  # fmt: skip
        axes.set(title=f"α = {width}", xlabel="epoch", ylim=(0, 103))
    panels[0, 0].set_ylabel("units not proved (%)")
    add_legend(figure, panels[0, 0], columns=3)
    return figure
