"""A figure with a slider: the toy's ten weights along training, for every β and two starts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lcs.exhibits.plots.style import colour
from lcs.exhibits.toy.problems import TRUE

if TYPE_CHECKING:
    from lcs.exhibits.plots.interactive import Interactive

KINDS = {True: "true feature", False: "nine dummies"}


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
            strokeWidth=alt.condition(
                f"datum.kind == '{KINDS[True]}'", alt.value(3), alt.value(1.2)
            ),
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
    return slider(
        layers,
        "smaller or larger β ",
        [f"β = {run['beta']:g}" for run in runs],
        [_text(run, paths) for run in runs],
        "Ten weights along training; the slider changes β.",
        first=len(runs) // 4,
        switch="flip all signs of the start ",
    )


def _text(run: Mapping[str, Any], paths: Mapping[str, Any]) -> str:
    """Say how many weights are left at the end, and where the true one is."""
    end = run["weights"][-1]
    left = sum(weight != 0 for weight in end)
    counted = "no weight is" if left == 0 else "1 weight is" if left == 1 else f"{left} weights are"
    true = f"at {end[TRUE]:.2f}" if end[TRUE] else "lost"
    return (
        f"Threshold βλ = {run['beta'] * paths['l1']:g}. At the end {counted} left; "
        f"the true feature is {true} (LASSO: {paths['lasso'][TRUE]:.2f})."
    )
