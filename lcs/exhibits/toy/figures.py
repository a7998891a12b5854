"""Figures of the toy: the map of regions, and ten weights along training with a slider over β."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from lcs.exhibits.plots.style import PAGE_WIDTH, add_legend, colour, subplots
from lcs.exhibits.toy import theory
from lcs.exhibits.toy.problems import TRUE

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from lcs.exhibits.plots.interactive import Interactive

LINES = {"β = η/2": "-.", "β = η": "-", "β = η/λ": "--", "β = (2 − 2λ)/λ": ":"}
REGIONS = ("never", "always", "depends on\nthe start", "never")  # from below
LABEL = {"boxstyle": "round,pad=0.15", "facecolor": "white", "edgecolor": "none", "alpha": 0.8}
KINDS = {True: "true feature", False: "nine dummies"}


def recovery(cells: pd.DataFrame, lr: float) -> Figure:
    """Draw the share recovered over β and λ as a heat map, a panel for each schedule.

    Rows and columns are those of the grid; the boundaries between the regions, for N → ∞, are
    interpolated between them on log scales. A decaying step has no lower one above β = 0: when it
    is small enough, weights come to rest.

    Args:
        cells: columns `schedule`, `beta`, `l1` and `recovered`, one row for each cell.
        lr: η.
    """
    import seaborn as sns
    from matplotlib.colors import ListedColormap

    figure, [panels] = subplots(
        1, cells.schedule.nunique(), figsize=(PAGE_WIDTH, 4.9), sharey=True, squeeze=False
    )
    colours = ListedColormap(sns.color_palette("Blues", 320)[:256])
    for axes, (schedule, here) in zip(panels, cells.groupby("schedule", sort=False), strict=True):
        grid = here.pivot(index="beta", columns="l1", values="recovered")
        image = axes.imshow(
            grid, cmap=colours, vmin=0, vmax=1, origin="lower", aspect="auto", interpolation="none"
        )
        alone, vanished = theory.boundaries(grid.columns, lr)
        betas = (np.full_like(alone, lr / 2), np.full_like(alone, lr), alone, vanished)
        positive = grid.index > 0
        rows, columns = np.arange(len(grid)), np.arange(len(alone))
        known = np.log(grid.index[positive]), rows[positive]
        places = [np.interp(np.log(line), *known) for line in betas]
        for place, (name, style) in zip(places, LINES.items(), strict=True):
            if schedule == "constant" or name != "β = η/2":
                axes.plot(columns, place, style, color="k", lw=1.3, label=name)
        middle = columns[(len(columns) - 1) // 2]
        lowest = places[0][middle] if schedule == "constant" else 0.5
        edges = [-0.5, lowest, places[2][middle], places[3][middle], len(grid) - 0.5]
        for region, low, high in zip(REGIONS, edges, edges[1:], strict=False):
            axes.text(middle, (low + high) / 2, region, ha="center", va="center", bbox=LABEL)
        axes.set_xticks(columns, [f"{value:g}" for value in grid.columns])
        axes.set_yticks(rows, [f"{value:g}" for value in grid.index])
        axes.set(xlabel="penalty λ", title=f"{schedule} step size")
    panels[0].set_ylabel("β: threshold in units of λ")
    figure.colorbar(image, ax=panels, label="share of problems recovered", aspect=40)
    add_legend(figure, panels[0], columns=4)
    return figure


def weights(paths: Mapping[str, Any]) -> Interactive:
    """Return ten weights along training, with a slider over β and a choice of two starts.

    Args:
        paths: `trajectories` of `lcs.exhibits.toy.experiment.run`.
    """
    import altair as alt

    from lcs.exhibits.plots.interactive import SHOWN, slider

    runs = [run for run in paths["runs"] if run["optimizer"] == "beta-lasso"]
    height = max(abs(w) for run in runs for row in run["weights"] for w in row)
    gaps = [min(run["beta"] * paths["l1"], height) for run in runs]
    band = alt.Chart(
        alt.Data(values=[{"frame": i, "low": -gap, "high": gap} for i, gap in enumerate(gaps)])
    )
    rows = [
        {"frame": i, "number": number, "kind": KINDS[number == TRUE], "weight": row}
        for i, run in enumerate(runs)
        for number, row in enumerate(zip(*run["weights"], strict=True))
    ]
    kinds = alt.Scale(domain=[*KINDS.values()], range=[colour("β-LASSO"), "gray"])
    ticks = alt.Axis(values=[0, *(10**power for power in range(len(str(paths["steps"][-1]))))])
    along = alt.X(
        "update:Q", title="update (log scale)", scale=alt.Scale(type="symlog"), axis=ticks
    )
    values = alt.Scale(domain=[-height, height], nice=True)
    is_true = f"datum.kind == '{KINDS[True]}'"
    lines = (
        alt.Chart(alt.Data(values=rows))
        .transform_filter(SHOWN)
        .transform_flatten(["weight"])
        .transform_window(place="row_number()", groupby=["number"])
        .transform_calculate(update=f"{list(paths['steps'])}[datum.place - 1]")
        .mark_line()
        .encode(
            x=along,
            y=alt.Y("weight:Q", scale=values),
            color=alt.Color("kind:N", scale=kinds),
            strokeWidth=alt.condition(is_true, alt.value(3), alt.value(1.2)),
            detail="number:N",
        )
    )
    exact = alt.Chart(alt.Data(values=[{"weight": w} for w in sorted({0.0, *paths["lasso"]})]))
    layers = alt.layer(
        band.transform_filter(SHOWN)
        .mark_rect(opacity=0.5, color="lightgray")
        .encode(y=alt.Y("low:Q", title="weight", scale=values), y2="high:Q"),
        exact.mark_rule(strokeDash=[2, 4]).encode(y="weight:Q"),
        lines,
    ).properties(height=380)
    texts = []
    for run in runs:
        end = run["weights"][-1]
        true = f"at {end[TRUE]:.2f}" if end[TRUE] else "lost"
        texts.append(
            f"Threshold βλ = {run['beta'] * paths['l1']:g}. Weights that remain: "
            f"{np.count_nonzero(end)}; the true feature is {true} "
            f"(LASSO: {paths['lasso'][TRUE]:.2f})."
        )
    return slider(
        layers,
        "smaller or larger β ",
        [f"β = {run['beta']:g}" for run in runs],
        texts,
        "Ten weights along training; the slider changes β.",
        first=len(runs) // 4,
        switch="flip all signs of the start ",
    )
