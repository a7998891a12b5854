"""What the toy chapter shows, computed from its records: frames, tables, the prose's numbers.

Records of several seeds are pooled: shares are averaged over them, counts are added.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from lcs.errors import ConfigError
from lcs.exhibits import tables
from lcs.exhibits.tables import Numbers, Table
from lcs.exhibits.toy import experiment, theory
from lcs.exhibits.toy.problems import TRUE, draw
from lcs.runs import Record

if TYPE_CHECKING:
    import pandas as pd

# share of problems, in per cent, from which on "almost always" is granted
ALMOST_ALWAYS = 95


def cells(records: Sequence[Record]) -> pd.DataFrame:
    """Return one row per cell of the grid: shares of problems, and distances to the LASSO."""
    setting = ["observations", "schedule", "optimizer", "beta", "l1", "scale"]
    groups = _pooled(records, "cells").groupby(setting, dropna=False, sort=False)
    means = groups.mean()
    means["distance_max"] = groups.distance_max.max()
    return means.reset_index()


def choose(frame: pd.DataFrame, **wanted: float | str) -> pd.DataFrame:
    """Return the rows with these values.

    Raises:
        ConfigError: a value is not in the frame.
    """
    for name, value in wanted.items():
        known = list(dict.fromkeys(frame[name]))
        if value not in known:
            listed = ", ".join(f"{k:g}" if isinstance(k, float) else str(k) for k in known)
            raise ConfigError(f"{name}: {value!r} was not computed; choose from {listed}")
        frame = frame[frame[name] == value]
    return frame


def recovery_map(records: Sequence[Record], start: float) -> pd.DataFrame:
    """Return what `figures.recovery` colours: β-LASSO at one initial scale, first N."""
    first = records[0].config.observations[0]
    return choose(cells(records), optimizer="beta-lasso", observations=first, scale=start)


def boundaries(records: Sequence[Record]) -> pd.DataFrame:
    """Return the lines between the predicted regions, for N → ∞: schedule, line, l1, beta.

    A decaying step has no lower line: when it is small enough, weights come to rest.
    """
    import pandas as pd

    config = records[0].config
    rows = []
    for schedule, l1 in itertools.product(config.schedules, config.l1s):
        alone, vanished = theory.boundaries(l1, config.lr)
        lines = {"β = η": config.lr, "β = η/λ": alone, "β = (2 − 2λ)/λ": vanished}
        lower = {"β = η/2": config.lr / 2} if schedule == "constant" else {}
        for line, beta in (lower | lines).items():
            rows.append({"schedule": schedule, "line": line, "l1": l1, "beta": beta})
    return pd.DataFrame(rows)


def region_names(records: Sequence[Record], start: float) -> pd.DataFrame:
    """Return the cell in the middle of each predicted region: schedule, region, l1, beta.

    A cell belongs to the region of most of its problems. *Never* lies above and below the others.
    """
    frame, lr = recovery_map(records, start), records[0].config.lr
    frame["region"] = frame[list(theory.REGIONS)].idxmax(axis=1)
    below = frame.beta < lr  # η: what is uncertain there is the bounce, and not the start
    frame = frame[(frame.region != "depends") | ~below]
    places = frame[["l1", "beta"]].rank(method="dense")
    groups = [frame.schedule, frame.region, below & (frame.region == "never")]
    away = places - places.groupby(groups).transform("mean")
    middles = frame.loc[(away**2).sum(axis=1).groupby(groups).idxmin()]
    names = middles.region.replace("depends", "depends on\nthe start")
    return middles.assign(region=names)[["schedule", "region", "l1", "beta"]]


def support_curves(records: Sequence[Record], l1: float, start: float) -> pd.DataFrame:
    """Return what `figures.support` draws: both optimizers at one λ and initial scale, every N."""
    frame = choose(cells(records), l1=l1, scale=start)
    exact = pooled_lasso(records).set_index(["observations", "l1"])["true_support"]
    return frame.assign(lasso_true_support=[exact[n, l1] for n in frame.observations])


def start_frame(records: Sequence[Record]) -> pd.DataFrame:
    """Return what `figures.starts` draws: cells between both boundaries, first N and schedule.

    Columns: `ratio`, initial scale over `theory.smallest_start`; `recovered`; `scale`.
    """
    config = records[0].config
    frame = choose(
        cells(records),
        optimizer="beta-lasso",
        observations=config.observations[0],
        schedule=config.schedules[0],
    )
    low, high = np.transpose([theory.boundaries(l1, config.lr) for l1 in frame.l1])
    # well between them: at the boundaries themselves, the data decide and not the start
    frame = frame[(frame.beta > 1.5 * low) & (frame.beta < high / 1.5)]
    smallest = [
        theory.smallest_start(beta, l1, config.lr)
        for beta, l1 in zip(frame.beta, frame.l1, strict=True)
    ]
    return frame.assign(ratio=frame.scale / smallest)[["ratio", "recovered", "scale"]]


def start_law(records: Sequence[Record]) -> pd.DataFrame:
    """Return the share of normal starts above `theory.smallest_start`, by their scale over it.

    Columns: `ratio`, `share`, and `low` and `high`, the 95 % interval of a sample of problems.
    """
    import pandas as pd
    from scipy.stats import norm

    ratio = np.geomspace(0.1, 100, 200)
    share = norm.cdf(-1 / ratio)
    half = 1.96 * np.sqrt(share * (1 - share) / problems(records))
    return pd.DataFrame({"ratio": ratio, "share": share, "low": share - half, "high": share + half})


def recovered_by_l1(records: Sequence[Record], beta: float) -> pd.Series:
    """Return the share of problems whose LASSO support is found at a β, per cent by λ: first N."""
    first = records[0].config.observations[0]
    chosen = choose(cells(records), optimizer="beta-lasso", observations=first, beta=beta)
    return 100 * chosen.groupby("l1").recovered.mean()


def problems(records: Sequence[Record]) -> int:
    """How many random problems stand behind each cell."""
    return sum(record.config.problems for record in records)


def pooled_lasso(records: Sequence[Record]) -> pd.DataFrame:
    """Return the exact LASSO's own shares, per N and λ."""
    groups = _pooled(records, "lasso").groupby(["observations", "l1"], sort=False)
    return groups.mean().reset_index()


def counts(records: Sequence[Record], table: str, by: Sequence[str]) -> pd.DataFrame:
    """Return one of the tables of counts, `confusion` or `misses`, summed up."""
    return _pooled(records, table).groupby(list(by), sort=False).sum(numeric_only=True)


def _pooled(records: Sequence[Record], table: str) -> pd.DataFrame:
    """Return the rows of one of the tables of all records."""
    import pandas as pd

    return pd.concat([experiment.frame(record.final, table) for record in records])


def prediction_table(records: Sequence[Record]) -> Table:
    """Return what was predicted against what came out, per N."""
    found = counts(records, "confusion", ["observations", "predicted"])
    config = records[0].config
    rows = []
    for size, region in itertools.product(config.observations, theory.REGIONS):
        row = found.loc[(size, region)]
        shown = [row["none"], row["some"], row["all"], row["runs"]]
        shares = [_percent(row["recovered"], row["runs"]), _percent(row["held"], row["runs"])]
        rows.append([f"N = {size}, {region}", *(f"{count:,}" for count in shown), *shares])
    caption = (
        "Predicted region against outcome. A case is one problem with one β, λ and schedule; it is "
        f"run from {len(config.scales)} starts, which differ in scale, and finds the LASSO's "
        f"support from none, some or all of them. n = {problems(records):,} problems per cell. "
        f"Record: {', '.join(tables.link(record) for record in records)}."
    )
    columns = ["predicted", "from none", "some", "all", "runs", "recovered (%)", "right (%)"]
    return Table("tab-toy-prediction", caption, columns, rows)


def misses_table(records: Sequence[Record]) -> Table:
    """Return the runs that ended other than predicted, by cause and N."""
    found = counts(records, "misses", ["cause", "observations"])
    sizes = records[0].config.observations
    rows = []
    for cause in ("stand-in", "first step", "cycle", "slow"):
        missed = [found.loc[(cause, size)] for size in sizes]
        shares = [f"{row['runs']:,} ({_percent(row['runs'], row['of'])})" for row in missed]
        rows.append([cause, *shares])
    caption = (
        "Why a prediction failed: number of runs, and in brackets their share of all runs in per "
        "cent. Each run counts once."
    )
    columns = ["cause", *(f"N = {size}" for size in sizes)]
    return Table("tab-toy-misses", caption, columns, rows)


def numbers(records: Sequence[Record]) -> Numbers:
    """Return the numbers of the chapter's prose; shares in per cent, of the first N if not said."""
    config, frame = records[0].config, cells(records)
    ours = frame[frame.optimizer == "beta-lasso"]
    first = ours[ours.observations == config.observations[0]]
    second = ours[ours.observations == config.observations[-1]]
    one = recovered_by_l1(records, 1.0)
    # the smaller grid has no such cell
    edge = first[np.isclose(first.beta * first.l1, config.lr)].recovered
    return {
        "problems": problems(records),
        "cells": len(ours),
        "eta": config.lr,
        "steps": config.steps,
        "first": config.observations[0],
        "second": config.observations[-1],
        "held": 100 * ours.held.mean(),
        "off": 100 * (ours.expected - ours.recovered).abs().max(),
        "one-best": one.max(),
        "one-best-l1": one.idxmax(),
        "one-worst": one.min(),
        "one-worst-l1": one.idxmin(),
        "eta-lowest": 100 * first[first.beta == config.lr].recovered.min(),
        "zero-rounded": 100 * first[first.beta == 0].rounded.mean(),
        "edge": f"{100 * edge.mean():.0f} %" if len(edge) else tables.NONE,
        "verdict-one": "holds" if one.min() >= ALMOST_ALWAYS else "holds only while λ < η",
        **_region_numbers(records),
        **_second_numbers(records, second),
        **_start_numbers(records),
    }


def _region_numbers(records: Sequence[Record]) -> Numbers:
    size, fewer = records[0].config.observations[0], records[0].config.observations[-1]
    predicted = counts(records, "confusion", ["observations", "predicted"])
    first, second = predicted.loc[size], predicted.loc[fewer].loc["never"]
    never, always = first.loc["never"], first.loc["always"]
    # with a constant step, weights that bounce depend on the start too
    decaying = counts(records, "confusion", ["observations", "schedule", "predicted"])
    depends = decaying.loc[size].loc["cosine"].loc["depends"]
    return {
        "depends-recovered": 100 * depends["recovered"] / depends["runs"],
        "depends-some": 100 * depends["some"] / depends[["none", "some", "all"]].sum(),
        "never-runs": never["runs"],
        "never-found": never["recovered"],
        "never-runs-second": second["runs"],
        "never-share-second": 100 * second["recovered"] / second["runs"],
        "proven": always["guaranteed"],
        "proven-found": always["guaranteed_recovered"],
        "held-first": 100 * first.held.sum() / first.runs.sum(),
    }


def _second_numbers(records: Sequence[Record], ours: pd.DataFrame) -> Numbers:
    """Numbers at the second N: where the true feature alone is found more often than by LASSO."""
    found = 100 * ours.groupby("beta").true_support.mean()
    pooled = pooled_lasso(records).set_index("observations")
    pooled = pooled.loc[records[0].config.observations[-1]]
    lr, small = records[0].config.lr, ours[ours.beta > 0].beta.min()
    decaying = ours[ours.schedule == "cosine"]
    return {
        "truth-best": found.max(),
        "truth-best-beta": found.idxmax(),
        "truth-lasso": 100 * pooled.true_support.mean(),
        "eta-lowest-second": 100 * ours[ours.beta == lr].recovered.min(),
        "small-beta": small,
        "small-second": 100 * decaying[decaying.beta == small].recovered.mean(),
        "eta-second": 100 * decaying[decaying.beta == lr].recovered.mean(),
        "condition-fails": 100 * pooled.condition_fails.mean(),
    }


def _start_numbers(records: Sequence[Record]) -> Numbers:
    """Numbers of the starts, and of the problem whose weights are followed."""
    config = records[0].config
    drawn = [draw(record.config, config.observations[0]).starts for record in records]
    positive = np.concatenate([starts[:, TRUE] > 0 for starts in drawn])
    paths = records[0].final["trajectories"]
    runs = [run for run in paths["runs"] if run["optimizer"] == "beta-lasso"]
    ends = {(run["mirrored"], run["beta"]): run["weights"][-1][TRUE] for run in runs}
    lost = [beta for (mirrored, beta), end in ends.items() if mirrored and end == 0]
    found = [beta for (mirrored, beta), end in ends.items() if not mirrored and end != 0]
    return {
        "positive": 100 * positive.mean(),
        "path-l1": paths["l1"],
        "flipped-lost": f"{min(lost):g}" if lost else tables.NONE,
        "drawn-found": f"{max(found):g}" if found else tables.NONE,
    }


def _percent(part: float, whole: float) -> str:
    return f"{100 * part / whole:.2f}"
