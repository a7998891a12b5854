"""What β = 50 is compared with at growing width, and the runs of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from lcs.config import Config
from lcs.exhibits import cells, compare, tables
from lcs.exhibits.settings import REPRODUCTION_L1, STRONGER_L1
from lcs.runs import Record

if TYPE_CHECKING:
    import pandas as pd


def at_reproduction_l1(config: Config) -> Config:
    """Return the same run with β = 0, at the reproduction's λ in every layer."""
    return compare.without_threshold(config).replace(optimizer="beta-lasso", **REPRODUCTION_L1)


# what β = 50 is compared with, from plain SGD on
REFERENCES = {
    "SGD": compare.as_sgd,
    "β = 0, λ = 2e-5": at_reproduction_l1,
    "β = 0, same λ": compare.without_threshold,
}


def at_each_width(runs: Mapping[str, Sequence[Record]]) -> list[Record]:
    """Return all runs at growing width, with those seeds of them that other studies have."""
    sizes = compare.conditions([*runs["width"], *runs["wider"]])
    everything = compare.conditions([record for records in runs.values() for record in records])
    return [record for config in sizes for record in everything[config]]


def width_frame(records: Sequence[Record]) -> pd.DataFrame:
    """Return `sweep_frame` over the width, a series for each method, and for each weaker λ."""

    def series(config: Config) -> str:
        weaker = config.optimizer != "sgd" and config.l1 != STRONGER_L1["l1"]
        return cells.method_text(config) + (f", λ = {tables.number(config.l1)}" if weaker else "")

    return compare.sweep_frame(records, "base_channels", series)
