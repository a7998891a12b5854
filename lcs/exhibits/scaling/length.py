"""Training length at α = 8, with flips and crops: does β-LASSO gain from a longer one?"""

from __future__ import annotations

from collections.abc import Sequence

from lcs.config import Config
from lcs.exhibits.compare import as_sgd, comparison
from lcs.exhibits.settings import (
    CHOSEN,
    FLIP_CROP,
    WIDTHS,
    beta_lasso,
    chosen,
    desk_study,
    flip_crop_recipe,
    regularised,
)
from lcs.exhibits.tables import Table
from lcs.runs import Record


def _baseline(here: Config) -> Config:
    """Return SGD with the weight decay that `search-augment` chose for flips and crops."""
    return regularised(chosen(here, "s-fc"), CHOSEN["search-augment"]["sgd"])


def _lengths(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return SGD, S-LOCAL and the largest β, its λ in inverse proportion to the length."""
    runs = []
    for epochs in (max(1, base.epochs // 4), base.epochs, 4 * base.epochs):
        here = flip_crop_recipe(base, WIDTHS[-1], epochs)
        runs += [_baseline(here), chosen(here, "s-local"), beta_lasso(here, betas[-1])]
    return runs


def _same_l1(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return the shortest and the longest training of the largest β, with λ of the middle one."""
    middle, *_ = (run for run in _lengths(base, betas) if run.beta and run.epochs == base.epochs)
    return [middle.replace(epochs=epochs) for epochs in (max(1, base.epochs // 4), 4 * base.epochs)]


STUDIES = (
    desk_study("recipe-length", "Training length at α = 8", FLIP_CROP, _lengths, 2),
    desk_study("recipe-length-l1", "Training length with one λ, at α = 8", FLIP_CROP, _same_l1, 1),
)


def length_table(records: Sequence[Record]) -> Table:
    """Compare β = 50 and S-LOCAL with SGD at each length."""
    what = "SGD, S-LOCAL and β = 50 at three lengths"
    references = {"SGD": lambda config: _baseline(as_sgd(config))}
    return comparison("recipe-length", records, ["epochs", "l1"], references, what)
