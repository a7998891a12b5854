"""What the toy chapter shows, computed from its records: cells, a table, the prose's numbers.

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
from lcs.exhibits.toy import theory
from lcs.runs import Record

if TYPE_CHECKING:
    import pandas as pd

# share of problems, in per cent, from which on "almost always" is granted
ALMOST_ALWAYS = 95


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

    Columns: `recovered`, and `law`, the share of normal starts above `theory.smallest_start`.
    """
    from scipy.stats import norm

    config = records[0].config
    frame = cells(records, observations=config.observations[0], schedule="constant")
    low, high = theory.boundaries(frame.l1, config.lr)
    # well between them: at the boundaries themselves, the data decide and not the start
    frame = frame[(frame.beta > 1.5 * low) & (frame.beta < high / 1.5)]
    smallest = theory.smallest_start(frame.beta, frame.l1, config.lr)
    return frame.assign(law=norm.cdf(-smallest / frame.scale))[["recovered", "law"]]


def pooled(records: Sequence[Record], table: str) -> pd.DataFrame:
    """Return the rows of one of the tables of all records, see `experiment.run`."""
    import pandas as pd

    frames = [pd.DataFrame(run.final[table]).assign(seed=run.config.seed) for run in records]
    return pd.concat(frames, ignore_index=True)


def counts(records: Sequence[Record], table: str, *by: str) -> pd.DataFrame:
    """Return one of the tables of counts, `confusion` or `misses`, summed up."""
    return pooled(records, table).groupby(list(by), sort=False).sum(numeric_only=True)


def prediction_table(records: Sequence[Record]) -> Table:
    """Return what was predicted against what came out, per N."""
    found = counts(records, "confusion", "observations", "predicted")
    rows = []
    for size, region in itertools.product(records[0].config.observations, theory.REGIONS):
        row = found.loc[(size, region)]
        shares = [f"{100 * row[name] / row['runs']:.2f}" for name in ("recovered", "held")]
        rows.append([f"N = {size}, {region}", f"{row['runs']:,}", *shares])
    caption = (
        "Predicted region against outcome. A run is one problem with one β, λ, schedule and start. "
        f"Record: {', '.join(tables.link(record) for record in records)}."
    )
    columns = ["predicted", "runs", "recovered (%)", "prediction right (%)"]
    return Table("tab-toy-prediction", caption, columns, rows)


def numbers(records: Sequence[Record]) -> Numbers:
    """Return the numbers of the chapter's prose; shares in per cent, of the first N if not said."""
    config, ours = records[0].config, cells(records)
    first, second = (ours[ours.observations == size] for size in config.observations)
    one, large = (recovered_by_l1(records, beta) for beta in (1.0, max(config.trajectory_betas)))
    # the smaller grid has no such cell
    edge = first[np.isclose(first.beta * first.l1, config.lr)].recovered
    always = counts(records, "confusion", "predicted", "observations").loc["always"]
    proven = 100 * always.guaranteed_recovered / always.guaranteed
    # with a constant step, weights that bounce depend on the start too
    confusion = counts(records, "confusion", "observations", "schedule", "predicted")
    depends = confusion.loc[config.observations[0]].loc["cosine"].loc["depends"]
    misses = counts(records, "misses", "cause").runs
    decided = share_by_start(records)
    # with fewer observations: the true feature alone, and a decaying step
    alone = 100 * second.groupby("beta").true_support.mean()
    lasso = pooled(records, "lasso")
    lasso = lasso[lasso.observations == config.observations[1]]
    decaying = 100 * second[second.schedule == "cosine"].groupby("beta").recovered.mean()
    small = min(beta for beta in config.betas if beta > 0)
    return {
        "problems": sum(record.config.problems for record in records),
        "eta": config.lr,
        "steps": config.steps,
        "starts": ", ".join(f"{scale:g}" for scale in config.scales[:-1])
        + f" and {config.scales[-1]:g}",
        "first": config.observations[0],
        "second": config.observations[1],
        "held": 100 * ours.held.mean(),
        "held-first": 100 * first.held.mean(),
        "off": 100 * (ours.expected - ours.recovered).abs().max(),
        "proven": proven[config.observations[0]],
        "proven-second": proven[config.observations[1]],
        "stand-in": 100 * misses["stand-in"] / misses.sum(),
        "start-cells": len(decided),
        "start-off": 100 * (decided.recovered - decided.law).abs().max(),
        "one-best": one.max(),
        "one-best-l1": one.idxmax(),
        "one-worst": one.min(),
        "one-worst-l1": one.idxmin(),
        "verdict-one": "holds" if one.min() >= ALMOST_ALWAYS else "holds only while λ < η",
        "large": max(config.trajectory_betas),
        "large-best": large.max(),
        "large-worst": large.min(),
        "zero-rounded": 100 * first[first.beta == 0].rounded.mean(),
        "edge": f"{100 * edge.mean():.0f} %" if len(edge) else tables.NONE,
        "depends-recovered": 100 * depends["recovered"] / depends["runs"],
        "depends-some": 100 * depends["some"] / depends[["none", "some", "all"]].sum(),
        "truth-best": alone.max(),
        "truth-best-beta": alone.idxmax(),
        "truth-lasso": 100 * lasso.true_support.mean(),
        "condition-fails": 100 * lasso.condition_fails.mean(),
        "eta-lowest-second": 100 * second[second.beta == config.lr].recovered.min(),
        "small-beta": small,
        "small-second": decaying[small],
        "eta-second": decaying[config.lr],
        "path-l1": config.trajectory_l1,
    }
