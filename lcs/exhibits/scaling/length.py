"""Training length at α = 8, with flips and crops: does β-LASSO gain from a longer one?"""

from __future__ import annotations

from collections.abc import Sequence

from lcs.config import Config
from lcs.exhibits.compare import as_sgd, comparison
from lcs.exhibits.settings import (
    FLIP_CROP,
    WIDTHS,
    chosen_flip_crop,
    desk_study,
    flip_crop_methods,
    flip_crop_recipe,
    regularised,
)
from lcs.exhibits.tables import Table
from lcs.runs import Record


def _lengths(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return SGD, S-LOCAL and the largest β at each length, as `chosen_flip_crop` has them."""
    runs = []
    for epochs in (base.epochs // 4, base.epochs // 2, base.epochs, 4 * base.epochs):
        here = flip_crop_recipe(base, WIDTHS[-1], epochs)
        runs += flip_crop_methods(here, ("s-fc", "s-local"), betas[-1:])
    return runs


def _half_decay(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return SGD and S-LOCAL at the greater lengths, where a smaller weight decay may be better."""
    return [
        regularised(run, 0.5)
        for run in _lengths(base, betas)
        if run.epochs >= base.epochs and run.optimizer == "sgd"
    ]


def _same_l1(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return a short and a long training of the largest β, with λ of the one between them."""
    _, middle, *_ = (run for run in _lengths(base, betas) if run.beta)
    return [middle.replace(epochs=max(1, base.epochs // 4)), middle.replace(epochs=base.epochs)]


STUDIES = (
    desk_study("recipe-length", "Training length at α = 8", FLIP_CROP, _lengths, 2),
    desk_study(
        "recipe-length-decay", "The same lengths with half the decay", FLIP_CROP, _half_decay, 2
    ),
    desk_study("recipe-length-l1", "Training length with one λ, at α = 8", FLIP_CROP, _same_l1, 1),
)


def length_table(records: Sequence[Record]) -> Table:
    """Compare β = 50 and S-LOCAL with SGD at each length."""
    what = "SGD, S-LOCAL and β = 50 at four lengths"
    references = {"SGD": lambda config: chosen_flip_crop(as_sgd(config), "s-fc")}
    return comparison("recipe-length", records, ["epochs", "l1"], references, what)
