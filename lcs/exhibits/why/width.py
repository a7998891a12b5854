"""From SGD to β = 50 at growing width: ℓ1, a stronger λ, and the threshold, one after another."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from lcs.config import Config
from lcs.exhibits import compare, tables
from lcs.exhibits.compare import Cell, Conditions
from lcs.exhibits.settings import REPRODUCTION_L1, STRONGER_L1
from lcs.exhibits.tables import Table
from lcs.runs import Record
from lcs.stats import Interval

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


class Component(NamedTuple):
    """A part of what lies between SGD and β = 50: its name, and from which condition to which."""

    name: str
    start: Callable[[Config], Config]
    end: Callable[[Config], Config]

    def gain(self, found: Conditions, config: Config) -> Interval | None:
        """Return what it adds to the accuracy on the way to a condition with β = 50, in points."""
        return compare.difference(found, self.end(config), self.start(config))


COMPONENTS = {
    "l1": Component("ℓ1, λ = 2e-5", compare.as_sgd, at_reproduction_l1),
    "stronger": Component("stronger λ", at_reproduction_l1, compare.without_threshold),
    "zero": Component("threshold", compare.without_threshold, lambda config: config),
    "sgd": Component("all three", compare.as_sgd, lambda config: config),
}


def at_each_width(runs: Mapping[str, Sequence[Record]]) -> list[Record]:
    """Return all runs at growing width, with those seeds of them that other studies have."""
    sizes = compare.conditions([*runs["width"], *runs["wider"]])
    everything = compare.conditions([record for records in runs.values() for record in records])
    return [record for config in sizes for record in everything[config]]


def components_table(records: Sequence[Record]) -> Table:
    """Return what ℓ1, a stronger λ and the threshold each add to the step before, from SGD on."""
    what = (
        "From SGD to β = 50 in three steps: what each adds to the one before, in points of test "
        "accuracy, paired by seed"
    )
    found = compare.conditions(records)

    def text(config: Config, component: Component) -> str:
        return compare.signed_text(component.gain(found, config), tables.NONE)

    columns: dict[str, Cell] = {
        **compare.by_field(["base_channels"]),
        **{part.name: compare.of(partial(text, component=part)) for part in COMPONENTS.values()},
        "n": compare.of(lambda config: count_of_pairs(COMPONENTS["sgd"].gain(found, config))),
    }
    sparse = [record for record in records if record.config.beta]
    return compare.by_condition("width", sparse, columns, what, label="tab-stairs")


def count_of_pairs(gain: Interval | None) -> str:
    """Return how many pairs of runs stand behind a difference."""
    return "0" if gain is None else f"{gain.n}"


def width_frame(records: Sequence[Record]) -> pd.DataFrame:
    """Return `sweep_frame` over the width, a series for each method, and for each weaker λ."""

    def series(config: Config) -> str:
        weaker = config.optimizer != "sgd" and config.l1 != STRONGER_L1["l1"]
        return compare.method_text(config) + (f", λ = {tables.number(config.l1)}" if weaker else "")

    return compare.sweep_frame(records, "base_channels", series)
