"""What the toy chapter shows, computed from its records: frames, tables, the prose's numbers.

Records of several seeds are pooled: shares are averaged over them, counts are added.
"""

from __future__ import annotations

import dataclasses
import itertools
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import torch
from scipy.stats import norm

from lcs.config import TOY_FEATURES, ToyConfig
from lcs.errors import ConfigError
from lcs.exhibits import tables
from lcs.exhibits.compare import Numbers
from lcs.exhibits.tables import Table
from lcs.exhibits.toy import lasso
from lcs.exhibits.verdicts import Claim, Finding, Judge
from lcs.runs import Record, RunStore, default_store, provenance
from lcs.study import BaseStudy, Outcome, Setting, check_options


@dataclass(frozen=True)
class ToyStudy(BaseStudy):
    """The toy LASSO recovery: one experiment on random problems, at two scales."""

    name: str = "toy"
    title: str = "Toy LASSO: does β-LASSO find the LASSO's solution?"
    setting: Setting = Setting("toy", {})
    seeds: int = 1
    scales: tuple[str, ...] = ("smoke", "desk")

    def configs(
        self, scale: str = "desk", seeds: int | None = None, **changes: Any
    ) -> list[ToyConfig]:
        """List the experiments: one for each of seeds 0 … seeds − 1.

        Raises:
            ConfigError: the scale is unknown, or a field of networks is changed.
        """
        if scale not in self.scales:
            raise ConfigError(
                f"scale: the toy has no {scale!r}; choose from {', '.join(self.scales)}"
            )
        changed = [name for name, value in changes.items() if value is not None]
        if changed:
            raise ConfigError(f"the toy has no {', '.join(changed)}: leave it out")
        base = lasso.SMOKE if scale == "smoke" else lasso.DESK
        count = self.checked_seeds(seeds, self.seeds)
        return [dataclasses.replace(base, seed=seed) for seed in range(count)]

    def run(
        self,
        scale: str = "desk",
        seeds: int | None = None,
        *,
        store: RunStore | None = None,
        live: bool = False,
        device: str = "auto",
        budget_minutes: float | None = None,
        checkpoint_seconds: float = 60.0,
        workers: int = 1,
        **changes: Any,
    ) -> Outcome:
        """Compute what the store lacks, or everything anew if `live`, and return the records.

        Other arguments are those of `Study.run`: checked, but a toy needs no device and no workers,
        and has no checkpoints.
        """
        import pandas as pd

        check_options(device, budget_minutes, checkpoint_seconds, workers)
        store = store or default_store()
        seeds = self.shown_seeds(scale, store, seeds, **changes)
        configs = self.configs(scale, seeds, **changes)
        records = [compute_toy(config, store, live=live) for config in configs]
        tables = [lasso.frame(record.final).assign(seed=record.config.seed) for record in records]
        return Outcome(pd.concat(tables, ignore_index=True), records)

    def flops(self, config: ToyConfig) -> int:
        """Floating-point operations of an experiment, to the leading term."""
        return 2 * TOY_FEATURES**2 * config.updates

    def seconds_left(
        self, configs: Sequence[ToyConfig], store: RunStore, device: str
    ) -> list[float | None]:
        """Return about how long each experiment takes on two cores."""
        return [SECONDS_PER_UPDATE * config.updates for config in configs]

    def describe(self, config: ToyConfig, store: RunStore) -> str:
        """Say in a line which experiment it is."""
        return f"toy LASSO, {config.problems} problems in each cell"


def compute_toy(config: ToyConfig, store: RunStore, *, live: bool = False) -> Record:
    """Return a toy's record, computed and stored if missing; if live, computed in any case.

    A live result is not stored where there is a record.
    """
    found = store.find(config)
    if found is not None and not live:
        return found
    if found is None:
        store.check_writable(config)
    origin, began = provenance(torch.device("cpu")), time.monotonic()
    results = lasso.run(config)
    origin |= {"seconds": time.monotonic() - began, "resumes": 0}
    if found is not None:
        return dataclasses.replace(found, final=results, provenance=origin)
    return store.write(config, history={}, final=results, provenance=origin)


# of a problem's descent, on two cores
SECONDS_PER_UPDATE = 2.5e-8

STUDIES = (ToyStudy(),)


# share of problems, in per cent, from which on "almost always" is granted
ALMOST_ALWAYS = 95
CELL = ["observations", "schedule", "optimizer", "beta", "l1", "scale"]
CAUSES = ("stand-in", "first step", "cycle", "slow")


def cells(records: Sequence[Record]) -> pd.DataFrame:
    """Return one row per cell of the grid: shares of problems, and distances to the LASSO."""
    frame = pd.concat([lasso.frame(record.final) for record in records])
    groups = frame.groupby(CELL, dropna=False, sort=False)
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
    """Return what `plots.recovery` colours: β-LASSO at one initial scale, first N."""
    first = records[0].config.observations[0]
    return choose(cells(records), optimizer="beta-lasso", observations=first, scale=start)


def boundaries(records: Sequence[Record]) -> pd.DataFrame:
    """Return the lines between the predicted regions, for N → ∞: schedule, line, l1, beta.

    A decaying step has no lower line: when it is small enough, weights come to rest.
    """
    config = records[0].config
    rows = []
    for schedule, l1 in itertools.product(config.schedules, config.l1s):
        alone, vanished = lasso.boundaries(l1, config.lr)
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
    frame["region"] = frame[list(lasso.REGIONS)].idxmax(axis=1)
    below = frame.beta < lr  # η: what is uncertain there is the bounce, and not the start
    frame = frame[(frame.region != "depends") | ~below]
    places = frame[["l1", "beta"]].rank(method="dense")
    groups = [frame.schedule, frame.region, below & (frame.region == "never")]
    away = places - places.groupby(groups).transform("mean")
    middles = frame.loc[(away**2).sum(axis=1).groupby(groups).idxmin()]
    names = middles.region.replace("depends", "depends on\nthe start")
    return middles.assign(region=names)[["schedule", "region", "l1", "beta"]]


def support_curves(records: Sequence[Record], l1: float, start: float) -> pd.DataFrame:
    """Return what `plots.support` draws: both optimizers at one λ and initial scale, every N."""
    frame = choose(cells(records), l1=l1, scale=start)
    exact = pooled_lasso(records).set_index(["observations", "l1"])["true_support"]
    return frame.assign(lasso_true_support=[exact[n, l1] for n in frame.observations])


def start_frame(records: Sequence[Record]) -> pd.DataFrame:
    """Return what `plots.starts` draws: cells between both boundaries, first N and schedule.

    Columns: `ratio`, initial scale over `lasso.smallest_start`; `recovered`; `scale`.
    """
    config = records[0].config
    frame = choose(
        cells(records),
        optimizer="beta-lasso",
        observations=config.observations[0],
        schedule=config.schedules[0],
    )
    low, high = np.transpose([lasso.boundaries(l1, config.lr) for l1 in frame.l1])
    # well between them: at the boundaries themselves, the data decide and not the start
    frame = frame[(frame.beta > 1.5 * low) & (frame.beta < high / 1.5)]
    smallest = [
        lasso.smallest_start(beta, l1, config.lr)
        for beta, l1 in zip(frame.beta, frame.l1, strict=True)
    ]
    return frame.assign(ratio=frame.scale / smallest)[["ratio", "recovered", "scale"]]


def start_law(records: Sequence[Record]) -> pd.DataFrame:
    """Return the share of normal starts above `lasso.smallest_start`, by their scale over it.

    Columns: `ratio`, `share`, and `low` and `high`, the 95 % interval of a sample of problems.
    """
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
    frame = pd.concat([lasso.frame(record.final, "lasso") for record in records])
    return frame.groupby(["observations", "l1"], sort=False).mean().reset_index()


def counts(records: Sequence[Record], table: str, by: Sequence[str]) -> pd.DataFrame:
    """Return one of the tables of counts, `confusion` or `misses`, summed up."""
    frame = pd.concat([lasso.frame(record.final, table) for record in records])
    return frame.groupby(list(by), sort=False).sum(numeric_only=True)


def prediction_table(records: Sequence[Record]) -> Table:
    """Return what was predicted against what came out, per N."""
    found = counts(records, "confusion", ["observations", "predicted"])
    config = records[0].config
    rows = []
    for size, region in itertools.product(config.observations, lasso.REGIONS):
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
    for cause in CAUSES:
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
    config = records[0].config
    frame = cells(records)
    ours = frame[frame.optimizer == "beta-lasso"]
    return {
        "problems": problems(records),
        "cells": len(ours),
        "eta": config.lr,
        "steps": config.steps,
        "first": config.observations[0],
        "second": config.observations[-1],
        "held": 100 * ours.held.mean(),
        "off": 100 * (ours.expected - ours.recovered).abs().max(),
        **_claim_numbers(records, ours[ours.observations == config.observations[0]]),
        **_region_numbers(records),
        **_second_numbers(records, ours[ours.observations == config.observations[-1]]),
        **_start_numbers(records),
    }


def _claim_numbers(records: Sequence[Record], ours: pd.DataFrame) -> Numbers:
    one, lr = recovered_by_l1(records, 1.0), records[0].config.lr
    eta = ours[ours.beta == lr]
    return {
        "one-best": one.max(),
        "one-best-l1": one.idxmax(),
        "one-worst": one.min(),
        "one-worst-l1": one.idxmin(),
        "eta-lowest": 100 * eta.recovered.min(),
        "zero-rounded": 100 * ours[ours.beta == 0].rounded.mean(),
        "edge": _edge(ours, lr),
        "verdict-one": "holds" if one.min() >= ALMOST_ALWAYS else "holds only while λ < η",
    }


def _edge(ours: pd.DataFrame, lr: float) -> str:
    """Share recovered where βλ = η exactly; the smaller grid has no such cell."""
    edge = ours[np.isclose(ours.beta * ours.l1, lr)].recovered
    return f"{100 * edge.mean():.0f} %" if len(edge) else tables.NONE


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
    drawn = [lasso.draw(record.config, config.observations[0]).starts for record in records]
    positive = np.concatenate([starts[:, lasso.TRUE] > 0 for starts in drawn])
    paths = records[0].final["trajectories"]
    runs = [run for run in paths["runs"] if run["optimizer"] == "beta-lasso"]
    lost = [run["beta"] for run in runs if run["mirrored"] and _is_lost(run)]
    found = [run["beta"] for run in runs if not run["mirrored"] and not _is_lost(run)]
    return {
        "positive": 100 * positive.mean(),
        "path-l1": paths["l1"],
        "flipped-lost": f"{min(lost):g}" if lost else tables.NONE,
        "drawn-found": f"{max(found):g}" if found else tables.NONE,
    }


def _is_lost(run: dict[str, Any]) -> bool:
    return run["weights"][-1][lasso.TRUE] == 0


def _percent(part: float, whole: float) -> str:
    return f"{100 * part / whole:.2f}"


# Claims


def _lasso_conditions(records: list[Record]) -> Finding:
    """Judge whether β = 1 finds the LASSO's solution almost always, whatever λ."""
    shares = recovered_by_l1(records, 1.0)
    text = f"{shares.min():.0f} to {shares.max():.0f} % of problems, by λ"
    if shares.min() < ALMOST_ALWAYS <= shares.max():
        return Finding(text, said="holds for small λ only")
    return Finding(text, said=_almost_always(shares, "holds", "contradicted"))


def _larger_beta_can_miss(records: list[Record]) -> Finding:
    shares = recovered_by_l1(records, 50.0)
    text = f"found in {shares.min():.0f} to {shares.max():.0f} % of problems at β = 50, by λ"
    return Finding(text, said=_almost_always(shares, "contradicted", "holds"))


def _almost_always(shares: pd.Series, yes: str, no: str) -> str:
    return yes if shares.min() >= ALMOST_ALWAYS else no


CLAIMS: tuple[Claim, ...] = (
    Claim(
        "F",
        "With β = 1 the LASSO solution of a linear problem is reached almost always",
        "almost always",
        "toy",
        "toy",
        _lasso_conditions,
    ),
    Claim(
        "F",
        "With larger β it can be missed, depending on initial weights and data",
        "can be missed",
        "toy",
        "toy",
        _larger_beta_can_miss,
    ),
)
