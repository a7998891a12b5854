"""What the gain of β = 50 at the largest width owes to its λ, and what to its threshold."""

from __future__ import annotations

from collections.abc import Sequence

from lcs.config import Config
from lcs.exhibits.compare import as_sgd, comparison, without_threshold
from lcs.exhibits.settings import (
    RECIPE,
    SHARE_AT_WIDTH,
    WIDTHS,
    chosen,
    desk_study,
    paper_recipe,
)
from lcs.exhibits.tables import Table
from lcs.runs import Record


def _baseline_and_own(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return SGD, and the largest β with the λ that was chosen at the largest width."""
    width = WIDTHS[-1]
    here = paper_recipe(base, width, base.epochs // 2)
    own = chosen(here, "s-fc", "beta-lasso", betas[-1], share=SHARE_AT_WIDTH[width])
    return [chosen(here, "s-fc"), own]


def _same_l1(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return the same, and β = 0 and the proximal step with the λ of the largest β."""
    runs = _baseline_and_own(base, betas)
    return [*runs, without_threshold(runs[-1]), proximal(runs[-1])]


def proximal(config: Config) -> Config:
    """Return the same run with the LASSO's own step, and the same λ; SGD as it is."""
    if config.optimizer == "sgd":
        return config
    return without_threshold(config).replace(optimizer="proximal-l1")


STUDIES = (
    desk_study("scaling-threshold", "Threshold or λ, at α = 8", RECIPE, _same_l1),
    desk_study(
        "scaling-seeds", "SGD and β = 50 at α = 8, more seeds", RECIPE, _baseline_and_own, 8
    ),
)


def threshold_table(records: Sequence[Record]) -> Table:
    """Compare the ways to make weights small that have one λ, with each other and with SGD."""
    what = "The λ of β = 50 with its threshold, without one, and with the LASSO's own step"
    references = {
        "SGD": lambda config: chosen(as_sgd(config), "s-fc"),
        "β = 0": without_threshold,
        "proximal ℓ1": proximal,
    }
    return comparison("scaling-threshold", records, ["l1"], references, what)


def seeds_table(records: Sequence[Record]) -> Table:
    """Compare β = 50 and SGD, with as many seeds as there are."""
    what = "SGD and β = 50 at the largest width, with more seeds"
    references = {"SGD": lambda config: chosen(as_sgd(config), "s-fc")}
    return comparison("scaling-seeds", records, ["l1"], references, what)
