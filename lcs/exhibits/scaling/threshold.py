"""What the gain of β = 50 at the largest width owes to its λ, and what to its threshold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lcs.config import Config
from lcs.exhibits import compare
from lcs.exhibits.compare import as_sgd, comparison, without_threshold
from lcs.exhibits.methods import B0, B50, PROXIMAL, SGD, Method
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


def numbers(same: Sequence[Record], seeds: Sequence[Record]) -> dict[str, str]:
    """Return what β = 50 gains over the other ways with its λ, and over SGD with more seeds.

    `seeds-added` is of the seeds that not all methods have.
    """
    found, more = compare.by_method(same), compare.by_method(seeds)
    shared = {run.config.seed for run in same}
    added = compare.by_method([run for run in seeds if run.config.seed not in shared])

    def gain(groups: Mapping[Method, list[Record]], other: Method) -> str:
        there = other in groups
        return compare.signed_text(compare.paired(groups[B50], groups[other]) if there else None)

    return {
        # "points behind"
        "threshold-zero": gain(found, B0).removeprefix("+"),
        "threshold-proximal": gain(found, PROXIMAL).removeprefix("+"),
        "seeds-gain": gain(more, SGD),
        "seeds-added": gain(added, SGD),
        "seeds-n": f"{len(more.get(SGD, []))}",
    }
