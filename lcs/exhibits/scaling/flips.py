"""Flips and crops in place of AutoAugment at α = 8 and 16, every method searched at α = 8."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from functools import partial

from lcs.config import Config
from lcs.exhibits.compare import (
    PENDING,
    as_sgd,
    by_method,
    comparison,
    mean_text,
    remaining_text,
)
from lcs.exhibits.methods import B50, LOCAL, SGD
from lcs.exhibits.scaling.gains import gain_text, gap_text
from lcs.exhibits.scaling.search import AROUND, SHARES
from lcs.exhibits.settings import (
    FLIP_CROP,
    FLIP_CROP_SHORT,
    WIDTH_BEYOND,
    WIDTHS,
    chosen,
    chosen_flip_crop,
    desk_study,
    flip_crop_methods,
    flip_crop_recipe,
    regularised,
)
from lcs.exhibits.tables import Table
from lcs.runs import Record

LEARNING_RATES = (0.03, 0.1, 0.3)
# rates and factors beyond these, where the best of nine lay at their edge: three for each method
BEYOND = {
    "3-fc": ((0.01, 2.0), (0.01, 4.0), (0.03, 4.0)),
    "sgd": ((0.03, 4.0), (0.1, 4.0), (0.3, 4.0)),
    "beta-lasso": ((0.3, 0.25), (1.0, 0.25), (1.0, 0.5)),
}
# what the search varies
VARIED = ("lr", "weight_decay", "l1", "l1_rest")
NETWORKS = ("s-fc", "3-fc", "s-local", "s-conv")


def _search(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return for every method three learning rates, each with three values of weight decay or λ.

    The best of these nine lay at the edge for every method, so that three more are beyond it.
    """
    here = flip_crop_recipe(base, WIDTHS[-1], base.epochs // 8).replace(validation=True)
    methods = [chosen(here, model) for model in NETWORKS]
    methods += [chosen(here, "s-fc", "beta-lasso", beta, share=1.0) for beta in betas]
    return [
        regularised(config, factor).replace(lr=rate)
        for config in methods
        for rate, factor in (*itertools.product(LEARNING_RATES, AROUND), *_beyond(config))
    ]


def _search_edge(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return S-LOCAL and 3-FC, whose best of twelve still lay at the edge, beyond that."""
    here = flip_crop_recipe(base, WIDTHS[-1], base.epochs // 8).replace(validation=True)
    return [
        regularised(chosen(here, model), factor).replace(lr=rate)
        for model in ("s-local", "3-fc")
        for rate, factor in ((0.01, 4.0), (0.01, 8.0), (0.03, 8.0))
    ]


def _search_length(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return each β at four times the length, with shares of the λ that `search-flips` chose."""
    here = flip_crop_recipe(base, WIDTHS[-1], base.epochs // 8).replace(validation=True)
    runs = [run.replace(epochs=base.epochs // 2) for run in flip_crop_methods(here, (), betas)]
    return [regularised(run, share) for run in runs for share in SHARES]


def _beyond(config: Config) -> tuple[tuple[float, float], ...]:
    return BEYOND[config.model if config.model in BEYOND else config.optimizer]


def _tuned(
    base: Config, betas: Sequence[float], *, width: int, models: Sequence[str], part: int = 2
) -> list[Config]:
    here = flip_crop_recipe(base, width, base.epochs // part)
    return flip_crop_methods(here, models, betas)


_two_betas = partial(desk_study, setting=FLIP_CROP, betas=(0, 50))
# as wide and as long as the search
_as_searched = partial(_tuned, width=WIDTHS[-1], part=8)

STUDIES = (
    _two_betas(
        "search-flips", "Every method with flips and crops, on validation", make=_search, seeds=1
    ),
    desk_study(
        "search-flips-edge", "S-LOCAL and 3-FC, beyond that", FLIP_CROP, _search_edge, 1, ()
    ),
    _two_betas("search-flips-long", "λ at four times the length", make=_search_length, seeds=1),
    desk_study(
        "recipe-length-search",
        "Test images at α = 8, as long as the search",
        FLIP_CROP_SHORT,
        partial(_as_searched, models=("s-fc",)),
        betas=(50,),
    ),
    desk_study(
        "recipe-length-search-local",
        "S-LOCAL, as long as the search",
        FLIP_CROP_SHORT,
        partial(_as_searched, models=("s-local",)),
        betas=(),
    ),
    _two_betas(
        "flips",
        "Flips and crops at α = 8",
        make=partial(_tuned, width=WIDTHS[-1], models=NETWORKS),
    ),
    _two_betas(
        "flips-beyond",
        "Flips and crops at α = 16",
        make=partial(_tuned, width=WIDTH_BEYOND, models=("s-fc", "s-local")),
    ),
)


def flips_table(study: str, records: Sequence[Record]) -> Table:
    """Compare every method with SGD in S-FC, with flips and crops.

    Args:
        study: `flips`, `flips-beyond` or `recipe-length-search`.
        records: its records.
    """
    what = "Every method with flips and crops, its hyperparameters chosen at α = 8"
    references = {"SGD": lambda config: chosen_flip_crop(as_sgd(config), "s-fc")}
    fields = ["base_channels", "lr", "weight_decay", "l1"]
    return comparison(study, records, fields, references, what)


def numbers(tested: Sequence[Record]) -> dict[str, str]:
    """Return what the prose says of methods that were searched alike, in words.

    `searched-accuracy` and `-left` of β = 50, per cent of the test images and of the first layer;
    `-gain`, by how many points it is ahead of SGD, and `-n`, in how many seeds; `-local`, how far
    S-LOCAL is ahead of it, and `-local-n`; `-gap`, the share of the gap that it closes, per cent.
    "pending" without any runs.

    Args:
        tested: the records of `recipe-length-search` and `recipe-length-search-local`.
    """
    groups = by_method(tested)
    sparse, local = groups.get(B50, []), groups.get(LOCAL, [])
    return {
        "searched-accuracy": mean_text(sparse) if sparse else PENDING,
        "searched-left": remaining_text(sparse) if sparse else PENDING,
        # "points more", and "points ahead"
        "searched-gain": gain_text(groups, B50, SGD).removeprefix("+"),
        "searched-n": f"{len(sparse)}" if sparse else PENDING,
        "searched-local": gain_text(groups, LOCAL, B50).replace("+", ""),
        "searched-local-n": f"{len(local)}" if local else PENDING,
        "searched-gap": gap_text(groups),
    }
