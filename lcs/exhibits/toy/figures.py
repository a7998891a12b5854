"""Figures of the toy: the map of regions, supports, predictions, and starts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lcs.exhibits.plots.style import WIDTH, add_legend, colour, shades, subplots

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

LINES = {"β = η/2": "-.", "β = η": "-", "β = η/λ": "--", "β = (2 − 2λ)/λ": ":"}
LABEL = {"boxstyle": "round,pad=0.15", "facecolor": "white", "edgecolor": "none", "alpha": 0.8}
SUPPORTS = {"recovered": "the LASSO's support", "true_support": "the true feature alone"}
EXACT = "the true feature alone, exact LASSO"


def recovery(cells: pd.DataFrame, lines: pd.DataFrame, names: pd.DataFrame) -> Figure:
    """Draw the share recovered over β and λ as a heat map, a panel for each schedule.

    Rows and columns are those of the grid; lines are interpolated between them on log scales.

    Args:
        cells: columns `schedule`, `beta`, `l1` and `recovered`, one row for each cell.
        lines: boundaries between the predicted regions: `schedule`, `line`, `l1`, `beta`.
        names: of the predicted regions, and where they stand: `schedule`, `region`, `l1`, `beta`.
    """
    import seaborn as sns
    from matplotlib.colors import ListedColormap

    figure, [panels] = subplots(
        1, cells.schedule.nunique(), figsize=(WIDTH, 4.9), sharey=True, squeeze=False
    )
    colours = ListedColormap(sns.color_palette("Blues", 320)[:256])
    for axes, (schedule, here) in zip(panels, cells.groupby("schedule", sort=False), strict=True):
        grid = here.pivot(index="beta", columns="l1", values="recovered")
        image = axes.imshow(
            grid, cmap=colours, vmin=0, vmax=1, origin="lower", aspect="auto", interpolation="none"
        )
        for name, line in lines[lines.schedule == schedule].groupby("line", sort=False):
            places = np.interp(np.log(line.beta), *_log_places(grid.index))
            axes.plot(np.arange(len(line)), places, LINES[str(name)], color="k", lw=1.3, label=name)
        for row in names[names.schedule == schedule].itertuples():
            place = grid.columns.get_loc(row.l1), grid.index.get_loc(row.beta)
            axes.text(*place, row.region, ha="center", va="center", bbox=LABEL)
        axes.set_xticks(range(grid.shape[1]), [f"{value:g}" for value in grid.columns])
        axes.set_yticks(range(grid.shape[0]), [f"{value:g}" for value in grid.index])
        axes.set(xlabel="penalty λ", title=f"{schedule} step size")
    panels[0].set_ylabel("β: threshold in units of λ")
    figure.colorbar(image, ax=panels, label="share of problems recovered", aspect=40)
    add_legend(figure, panels[0], columns=4)
    return figure


def support(curves: pd.DataFrame, lr: float) -> Figure:
    """Draw how often which support is found, and how far the solution is, against β.

    Args:
        curves: columns `observations` (a column of panels each), `optimizer`, `schedule`, `beta`,
            `recovered`, `true_support`, `distance_mean`, and `lasso_true_support`, the exact
            LASSO's share of solutions with the true feature alone.
        lr: η, marked on the axis.
    """
    figure, panels = subplots(
        2, curves.observations.nunique(), figsize=(WIDTH, 5.2), sharex=True, sharey="row"
    )
    found = shades("β-LASSO", len(SUPPORTS))
    for (size, here), (above, below) in zip(
        curves.groupby("observations", sort=False), panels.T, strict=True
    ):
        for schedule, style in {"constant": "-", "cosine": "--"}.items():
            run = here[here.schedule == schedule]
            lasso, proximal = (run[run.optimizer == o] for o in ("beta-lasso", "proximal-l1"))
            places = np.arange(len(lasso))
            for (column, label), shade in zip(SUPPORTS.items(), found, strict=True):
                width = 3 if column == "recovered" else 1.3
                name = f"{label}, {schedule}"
                above.plot(places, lasso[column], style, color=shade, lw=width, label=name)
            below.plot(places, lasso.distance_mean, style, color=found[0], lw=3)
            below.axhline(
                proximal.distance_mean.item(), color=colour("proximal ℓ1"), ls=style, lw=1.5
            )
        above.axhline(here.lasso_true_support.iloc[0], color="0.4", ls=":", label=EXACT)
        above.set_title(f"N = {size}")
        for axes in (above, below):
            axes.axvline(np.interp(np.log(lr), *_log_places(lasso.beta)), color="0.85", zorder=0)
        below.set_xticks(places[::2], [f"{beta:g}" for beta in lasso.beta[::2]])
        below.set(yscale="log", xlabel="β: threshold in units of λ")
    panels[0, 0].set_ylabel("share of problems")
    panels[1, 0].set_ylabel("mean distance")
    panels[0, 0].plot([], [], color=colour("proximal ℓ1"), lw=1.5, label="below: proximal ℓ1")
    add_legend(figure, panels[0, 0], columns=2)
    return figure


def starts(cells: pd.DataFrame, curve: pd.DataFrame) -> Figure:
    """Draw the share recovered against the scale of the start, in units of what survives.

    Args:
        cells: columns `ratio`, `recovered` and `scale` (a shade each).
        curve: what theory says: columns `ratio`, `share`, and `low` and `high`, its interval.
    """
    figure, axes = subplots(figsize=(WIDTH, 3.6))
    axes.fill_between(curve.ratio, curve.low, curve.high, color="0.9", lw=0)
    axes.plot(curve.ratio, curve.share, color="0.4", label="theory, N → ∞")
    scales = cells.groupby("scale")
    for (scale, here), marker, shade in zip(
        scales, "osD^v", shades("β-LASSO", len(scales)), strict=False
    ):
        look = {"marker": marker, "color": shade, "mfc": "none", "ls": ""}
        axes.plot(here.ratio, here.recovered, **look, label=f"start of scale {scale:g}")
    axes.set(xscale="log", xlabel="scale of the start / smallest start that survives")
    axes.set_ylabel("share of problems recovered")
    add_legend(figure, axes, columns=4)
    return figure


def _log_places(values: pd.Index | pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """Return logarithms of a grid's positive values, and their places on its axis."""
    grid = np.asarray(values, dtype=float)
    places = np.arange(len(grid))
    return np.log(grid[grid > 0]), places[grid > 0]
