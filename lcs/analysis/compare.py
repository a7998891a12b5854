"""Runs compared: intervals over seeds, differences paired by seed, and shares of a gap.

What has no runs is NaN, with n = 0, and prints as "pending".
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from lcs.analysis.names import AUGMENTATIONS, FIELD_LABELS
from lcs.analysis.significance import ratio_interval
from lcs.analysis.tables import links, number
from lcs.config import foreign_fields
from lcs.errors import ConfigError
from lcs.stats import Interval, mean_interval

_MEASURES = {"accuracy": "accuracy (%)", "fit": "training accuracy (%)"}


def interval(values: pd.Series) -> Interval:
    """Return the mean of values, one of each run, with its 95 % interval.

    NaN where one of them could not be measured.
    """
    if not (len(values) and np.isfinite(values.astype(float)).all()):
        return Interval(math.nan, None, len(values))
    return mean_interval(values)


def by_seed(*groups: pd.DataFrame, column: str = "accuracy") -> np.ndarray:
    """Return a column of several groups at the seeds that all have: (groups, seeds).

    Raises:
        ConfigError: a group has a seed twice.
    """
    values = []
    for runs in groups:
        if runs.seed.duplicated().any():
            raise ConfigError("seeds come twice in a group: select runs of one condition")
        values.append(runs.set_index("seed")[column])
    return pd.concat(values, axis=1, join="inner").sort_index().to_numpy(float).T


def paired(one: pd.DataFrame, other: pd.DataFrame, column: str = "accuracy") -> Interval:
    """Return the mean of one less other, paired by seed, with its 95 % interval.

    Args:
        one, other: runs of a condition each, of `load_runs`.
        column: what is compared.
    """
    first, second = by_seed(one, other, column=column)
    return interval(pd.Series(first - second))


def lead(one: pd.DataFrame, other: pd.DataFrame, column: str = "accuracy") -> np.ndarray:
    """Return one less other of each seed that both have; arguments as in `paired`."""
    first, second = by_seed(one, other, column=column)
    return np.asarray(first - second)


class Share(NamedTuple):
    """A share of a gap in per cent, its 95 % interval, and the share of each seed."""

    mean: float
    low: float
    high: float
    seeds: tuple[float, ...]

    def __format__(self, spec: str) -> str:
        """Share (low to high), by a number's format (`.0f` by default); both where n is 2."""

        def say(value: float) -> str:
            return f"{value:z{spec or '.0f'}}".replace("-", "−")

        if not math.isfinite(self.mean):
            return "–" if self.seeds else "pending"
        if len(self.seeds) == 2:
            return " and ".join(map(say, sorted(self.seeds)))
        if math.isnan(self.low):
            return say(self.mean)
        bounds = "unbounded" if math.isinf(self.low) else f"{say(self.low)} to {say(self.high)}"
        return f"{say(self.mean)} ({bounds})"

    def __str__(self) -> str:
        return format(self, "")


def closed(runs: pd.DataFrame, dense: pd.DataFrame, local: pd.DataFrame) -> Share:
    """Return how much of the gap in accuracy from `dense` to `local` some runs close.

    Per cent, with Fieller's 95 % interval (1954), paired by seed.
    """
    own, low, high = by_seed(runs, dense, local)
    if not len(own):
        return Share(math.nan, math.nan, math.nan, ())
    with np.errstate(divide="ignore", invalid="ignore"):
        seeds = tuple(100 * (own - low) / (high - low))
    share, below, above = ratio_interval(own - low, high - low)
    return Share(100 * share, 100 * below, 100 * above, seeds)


def by_condition(
    runs: pd.DataFrame,
    of: str = "accuracy",
    *,
    columns: Mapping[str, Callable[[pd.DataFrame], Any]] | None = None,
) -> pd.DataFrame:
    """Return a row for each configuration but its seed: what it is, and what came out.

    Args:
        runs: of `load_runs`.
        of: the measure that is shown: a column.
        columns: what else is told of the runs of a row, by heading; default: the fields in which
            the runs differ, and the share of the first layer that remains (%).

    Returns:
        Indexed by `method`, in the order of the runs: the columns, an `Interval` of the measure,
        and links to the seeds.
    """
    if columns is not None:
        told = [
            {"method": own.method.iloc[0]}
            | {heading: tell(own) for heading, tell in columns.items()}
            | {_MEASURES.get(of, of): interval(own[of]), "seeds": links([*own.record])}
            for _, own in runs.groupby("condition", sort=False)
        ]
        return pd.DataFrame(told).set_index("method")
    shown = _MEASURES.get(of, of)
    named = {*FIELD_LABELS} - {"l1_rest"}
    varied = [
        name for name in FIELD_LABELS if name in named and runs[name].nunique(dropna=False) > 1
    ]
    if (rest := [config.rest_l1 for config in runs.condition]) != [*runs.l1]:
        runs, varied = runs.assign(l1_rest=rest), [*varied, "l1_rest"]
    rows = []
    for _, group in runs.groupby("condition", sort=False):
        first = group.iloc[0]
        row: dict[str, Any] = {FIELD_LABELS[name]: _told(first, name) for name in varied}
        row[shown] = interval(group[of])
        rows.append({"method": first.method, **row, "remaining (%)": f"{group.left.mean():.1f}"})
        rows[-1]["seeds"] = links([*group.record])
    return pd.DataFrame(rows).set_index("method")


def _told(run: pd.Series, name: str) -> str:
    """Return a value as tables print it; a dash where the optimizer has no such field."""
    value = run[name]
    if name in foreign_fields(run.optimizer) or pd.isna(value):
        return "–"
    if name == "augment":
        return AUGMENTATIONS.get(value, value)
    if name == "schedule":
        return str(value).removesuffix("-epoch")  # by epoch, as in all runs of the book
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    return number(value) if isinstance(value, float) else f"{value}"


def surely(found: Interval | Share) -> int:
    """Return 1 if an interval lies above zero, -1 if it lies below, else 0 (or if n is 1)."""
    low, high = found[1:3] if isinstance(found, Share) else (math.nan, math.nan)
    if isinstance(found, Interval) and found.half_width is not None:
        low, high = found.mean - found.half_width, found.mean + found.half_width
    return int(low > 0) - int(high < 0)
