"""What the chapter `toy` shows: where β-LASSO finds the solution of a LASSO, and the way there.

Records of several seeds are pooled: shares are averaged over them, counts are added. The experiment
itself is `lcs.toy`.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lcs.errors import ConfigError
from lcs.exhibits.shared import tables
from lcs.exhibits.shared.plots.style import PAGE_WIDTH, add_legend, colour, subplots
from lcs.exhibits.shared.tables import Numbers, Table
from lcs.exhibits.shared.verdicts import CONTRADICTED, HOLDS, Claim, Finding, holds_if
from lcs.runs import Record
from lcs.toy import ToyStudy, pooled, resting_points
from lcs.toy.problems import TRUE

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from lcs.exhibits.shared.plots.interactive import Interactive

STUDIES = (ToyStudy(),)

# share of problems, in per cent, from which on "almost always" is granted
ALMOST_ALWAYS = 95
LINES = {"β = η/2": "-.", "β = η": "-", "β = η/λ": "--", "β = (2 − 2λ)/λ": ":"}
REGIONS = ("never", "always", "depends on\nthe start", "never")  # from below
LABEL = {"boxstyle": "round,pad=0.15", "facecolor": "white", "edgecolor": "none", "alpha": 0.8}
KINDS = {True: "true feature", False: "nine dummies"}


def cells(records: Sequence[Record], **wanted: float | str) -> pd.DataFrame:
    """Return β-LASSO's cells with these values: shares of problems, distances to the solution.

    Those of the proximal method instead, where β is missing, if it is the wanted `optimizer`.

    Raises:
        ConfigError: a value was not computed.
    """
    setting = ["observations", "schedule", "optimizer", "beta", "l1", "scale"]
    means = pooled(records, "cells").groupby(setting, dropna=False, sort=False).mean()
    frame = means.reset_index()
    for name, value in ({"optimizer": "beta-lasso"} | wanted).items():
        known = list(dict.fromkeys(frame[name]))
        if value not in known:
            listed = ", ".join(f"{k:g}" if isinstance(k, float) else str(k) for k in known)
            name = "start" if name == "scale" else name  # as the page calls its parameter
            raise ConfigError(f"{name}: {value!r} was not computed; choose from {listed}")
        frame = frame[frame[name] == value]
    return frame


def recovered_by_l1(records: Sequence[Record], beta: float) -> pd.Series:
    """Return the share of problems whose LASSO support is found at a β, per cent by λ: first N."""
    chosen = cells(records, observations=records[0].config.observations[0], beta=beta)
    return 100 * chosen.groupby("l1").recovered.mean()


def share_by_start(records: Sequence[Record]) -> pd.DataFrame:
    """Return the cells where the start decides, of the first N and a constant step.

    Columns: `recovered`, and `law`, the share of normal starts above the `smallest_start`.
    """
    from scipy.stats import norm

    config = records[0].config
    frame = cells(records, observations=config.observations[0], schedule="constant")
    low, high = resting_points.boundaries(frame.l1, config.lr)
    # well between them: at the boundaries themselves, the data decide and not the start
    frame = frame[(frame.beta > 1.5 * low) & (frame.beta < high / 1.5)]
    smallest = resting_points.smallest_start(frame.beta, frame.l1, config.lr)
    return frame.assign(law=norm.cdf(-smallest / frame.scale))[["recovered", "law"]]


def counts(records: Sequence[Record], *by: str) -> pd.DataFrame:
    """Return the table of counts, `confusion`, summed up."""
    return pooled(records, "confusion").groupby(list(by), sort=False).sum(numeric_only=True)


def prediction_table(records: Sequence[Record]) -> Table:
    """Return what was predicted against what came out, per N."""
    found = counts(records, "observations", "predicted")
    rows = []
    for size, region in itertools.product(records[0].config.observations, resting_points.REGIONS):
        row = found.loc[(size, region)]
        shares = [f"{100 * row[name] / row['runs']:.2f}" for name in ("recovered", "held")]
        rows.append([f"N = {size}, {region}", f"{row['runs']:,}", *shares])
    caption = (
        "Predicted region against outcome. A run is one problem with one β, λ, schedule and start. "
        f"Record: {', '.join(tables.link(record) for record in records)}."
    )
    columns = ["predicted", "runs", "recovered (%)", "prediction right (%)"]
    return Table("tab-toy-prediction", caption, columns, rows)


def recovery_figure(shares: pd.DataFrame, lr: float) -> Figure:
    """Draw the share recovered over β and λ as a heat map, a panel for each schedule.

    Rows and columns are those of the grid; the boundaries between the regions, for N → ∞, are
    interpolated between them on log scales. A decaying step has no lower one above β = 0: when it
    is small enough, weights come to rest. `shares` are what `cells` returns, and `lr` is η.
    """
    import seaborn as sns
    from matplotlib.colors import ListedColormap

    figure, [panels] = subplots(
        1, shares.schedule.nunique(), figsize=(PAGE_WIDTH, 4.9), sharey=True, squeeze=False
    )
    colours = ListedColormap(sns.color_palette("Blues", 320)[:256])
    for axes, (schedule, here) in zip(panels, shares.groupby("schedule", sort=False), strict=True):
        grid = here.pivot(index="beta", columns="l1", values="recovered")
        image = axes.imshow(
            grid, cmap=colours, vmin=0, vmax=1, origin="lower", aspect="auto", interpolation="none"
        )
        alone, vanished = resting_points.boundaries(grid.columns, lr)
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


def weights_slider(paths: Mapping[str, Any]) -> Interactive:
    """Return ten weights along training, with a slider over β and a choice of two starts.

    They are `trajectories` of `lcs.toy.experiment.run`.
    """
    import altair as alt

    from lcs.exhibits.shared.plots.interactive import SHOWN, slider

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
    lasso = f"(LASSO: {paths['lasso'][TRUE]:.2f})"
    texts = []
    for run in runs:
        end = run["weights"][-1]
        true = f"at {end[TRUE]:.2f}" if end[TRUE] else "lost"
        texts.append(
            f"Threshold βλ = {run['beta'] * paths['l1']:g}. Weights that remain: "
            f"{np.count_nonzero(end)}; the true feature is {true} {lasso}."
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


def numbers(records: Sequence[Record]) -> Numbers:
    """Return the numbers of the chapter's prose; shares in per cent, of the first N if not said."""
    config, ours = records[0].config, cells(records)
    first, second = (ours[ours.observations == size] for size in config.observations)
    one, large = recovered_by_l1(records, 1.0), max(config.trajectory_betas)
    some = recovered_by_l1(records, large)
    some = some[some > 0]
    by_start = cells(records, observations=config.observations[0], beta=large)
    # the smaller grid has no such cell
    edge = first[np.isclose(first.beta * first.l1, config.lr)].recovered
    # with a constant step, weights that bounce depend on the start too
    confusion = counts(records, "observations", "schedule", "predicted")
    depends = confusion.loc[config.observations[0]].loc["cosine"].loc["depends"]
    decided = share_by_start(records)
    # with fewer observations: the true feature alone
    alone = 100 * second.groupby("beta").true_support.mean()
    lasso = pooled(records, "lasso")
    lasso = lasso[lasso.observations == config.observations[1]]
    return {
        "problems": sum(record.config.problems for record in records),
        "eta": config.lr,
        "steps": config.steps,
        "starts": ", ".join(f"{scale:g}" for scale in config.scales[:-1])
        + f" and {config.scales[-1]:g}",
        "first": config.observations[0],
        "second": config.observations[1],
        "held": 100 * ours.held.mean(),
        "off": 100 * (ours.expected - ours.recovered).abs().max(),
        "start-cells": len(decided),
        "start-off": 100 * (decided.recovered - decided.law).abs().max(),
        "one-worst": one.min(),
        "one-worst-l1": one.idxmin(),
        "verdict-one": "holds" if one.min() >= ALMOST_ALWAYS else "holds only while λ < η",
        "large": large,
        "large-best": 100 * by_start.groupby(["l1", "scale"]).recovered.mean().max(),
        "large-none": min((l1 for l1 in config.l1s if l1 > some.index.max()), default=math.nan),
        "edge": f"{100 * edge.mean():.0f} %" if len(edge) else tables.NONE,
        "depends-some": 100 * depends["some"] / depends[["none", "some", "all"]].sum(),
        "truth-best": alone.max(),
        "truth-best-beta": alone.idxmax(),
        "truth-lasso": 100 * lasso.true_support.mean(),
        "path-l1": config.trajectory_l1,
    }


# Claims


def _one_finds_it(records: list[Record]) -> Finding:
    """Judge whether β = 1 finds the LASSO's solution almost always, whatever λ."""
    shares = recovered_by_l1(records, 1.0)
    text = f"{shares.min():.0f} to {shares.max():.0f} % of problems, by λ"
    if shares.min() >= ALMOST_ALWAYS:
        return Finding(text, said=HOLDS)
    some = shares.max() >= ALMOST_ALWAYS
    return Finding(text, said=f"{HOLDS} for small λ only" if some else CONTRADICTED)


def _larger_can_miss(records: list[Record]) -> Finding:
    """Judge whether β = 50 misses the LASSO's solution at some λ."""
    shares = recovered_by_l1(records, 50.0)
    text = f"found in {shares.min():.0f} to {shares.max():.0f} % of problems at β = 50, by λ"
    text += ", over all starts"
    return Finding(text, said=holds_if(shares.min() < ALMOST_ALWAYS))


CLAIMS = {
    "With β = 1 the LASSO solution of a linear problem is reached almost always": Claim(
        "F", "toy", _one_finds_it, "almost always"
    ),
    "With larger β it can be missed, depending on initial weights and data": Claim(
        "F", "toy", _larger_can_miss, "can be missed"
    ),
}
