"""Hyperparameters with AutoAugment and with flips and crops, chosen on validation images."""

import itertools
from collections.abc import Sequence
from functools import partial

from lcs.config import Config
from lcs.exhibits.scaling import studies
from lcs.exhibits.shared.declare import Studies
from lcs.exhibits.shared.methods import B0, B1, B50, CONV, LOCAL, PROXIMAL, SGD, THREE, Method
from lcs.exhibits.shared.searches import Rule, Search, choices, method_key, regularisation, searched
from lcs.exhibits.shared.settings import (
    CHOSEN,
    FLIP_CROP,
    RECIPE,
    SHARE_AT_WIDTH,
    WIDEST,
    WIDTH_BEYOND,
    WIDTHS,
    beta_lasso,
    chosen,
    flip_crop_methods,
    regularised,
    sgd,
    sized,
    with_values,
)
from lcs.runs import Record
from lcs.study import SCALES

# candidates for the share of a chosen λ
SHARES = (1.0, 0.5, 0.25)
# and for weight decay or λ, relative to the best: it lies between two that do worse
AROUND = (0.5, 1.0, 2.0)
# with flips and crops: learning rates, and where the best of nine lay at their edge, by the network
# or else the optimizer, three rates and factors beyond
RATES = (0.03, 0.1, 0.3)
BEYOND = {
    "3-fc": ((0.01, 2.0), (0.01, 4.0), (0.03, 4.0)),
    "sgd": ((0.03, 4.0), (0.1, 4.0), (0.3, 4.0)),
    "beta-lasso": ((0.3, 0.25), (1.0, 0.25), (1.0, 0.5)),
}


# λ over what `search` chose
_share = partial(regularisation, share=1.0)
_by_width = Rule(lambda c: f"{c.base_channels}", _share)

STUDIES = Studies()
_recipe, _flips = (partial(STUDIES.add, kind=Search, setting=at) for at in (RECIPE, FLIP_CROP))


@_recipe(rule=Rule(method_key, searched), scales=SCALES)
def search(base: Config) -> list[Config]:
    """Hyperparameters with AutoAugment, on validation.

    From one base channel at twice the width and an eighth of the length; from the paper's width
    at this width, and a tenth of the length: its shorter training.
    """
    width, length = (2, 1 / 8) if base.base_channels == 1 else (1, 1 / 10)
    here = sized(base, width, length)
    decays = [
        sgd(here, model).replace(momentum=momentum, weight_decay=decay)
        for model in ("s-fc", "s-local", "s-conv", "3-fc")
        for momentum in (0.0, 0.9)
        for decay in (0.0, 5e-4)
    ]
    pairs = [
        {"l1": first, "l1_rest": rest}
        for first in (5e-6, 2e-5, 5e-5, 1e-4, 2e-4)
        for rest in (1e-6, 1e-5)
    ]
    lasso = [here.replace(model="s-fc", optimizer="proximal-l1", **pair) for pair in pairs]
    sparse = [beta_lasso(here, beta, **pair) for beta in (0, 1, 50) for pair in pairs]
    return [*decays, *lasso, *sparse]


def _shares_of_lambda(
    base: Config,
    *,
    widths: Sequence[int],
    shares: Sequence[float] = SHARES,
    methods: Sequence[Method] = (B50,),
) -> list[Config]:
    """Return methods over shares of λ, at four times the length of `search`.

    The shrinkage by λ adds up over a training, so that what was best there may be too much here.
    """
    return [
        chosen(sized(base, width, 1 / 2), *method, share=share)
        for width in widths
        for method in methods
        for share in shares
    ]


@_recipe(rule=Rule(method_key, _share))
def search_long(base: Config) -> list[Config]:
    """λ at the whole length, on validation."""
    return _shares_of_lambda(base, widths=(2,), methods=(PROXIMAL, B0, B1, B50))


@_recipe(rule=_by_width)
def search_wide(base: Config) -> list[Config]:
    """λ at each width, on validation."""
    return _shares_of_lambda(base, widths=WIDTHS, shares=(*SHARES, 0.125))


@_recipe(rule=_by_width)
def search_beyond(base: Config) -> list[Config]:
    """λ at α = 16, on validation."""
    return _shares_of_lambda(base, widths=(WIDTH_BEYOND,))


@_recipe(rule=Rule(lambda c: f"{c.base_channels} {c.optimizer}", regularisation))
def search_rivals(base: Config) -> list[Config]:
    """Regularisation of the baselines.

    The grid was moved until the best lay within it: it stands around what this search chose.
    """
    runs = []
    for width in (2, WIDEST):
        here = sized(base, width, 1 / 2)
        for config in (chosen(here, "s-fc"), chosen(here, *B0)):
            best = CHOSEN["search-rivals"][f"{width} {config.optimizer}"]
            runs += [regularised(config, best * around) for around in AROUND]
    return runs


def _with_flips(records: Sequence[Record]) -> dict[str, float]:
    """Return weight decay or λ with flips and crops, over what was chosen with AutoAugment."""
    weak = [run for run in records if run.config.augment == "flip-crop"]
    share = SHARE_AT_WIDTH[WIDEST]
    found = choices(weak, lambda config: config.optimizer)
    return {key: regularisation(choice.config, share) for key, choice in found.items()}


@_recipe(rule=_with_flips)
def search_augment(base: Config) -> list[Config]:
    """AutoAugment, or less.

    With flips and crops alone the grid stands around what this search chose, as above.
    """
    runs = []
    for config in studies.at_widths(base):
        weak = config.replace(augment="flip-crop")
        best = CHOSEN["search-augment"].get(config.optimizer, 1.0)
        runs += [config, *(regularised(weak, best * around) for around in AROUND)]
    return runs


@_recipe()
def search_rate(base: Config) -> list[Config]:
    """Learning rates with AutoAugment."""
    return [run.replace(lr=lr) for run in studies.at_widths(base) for lr in RATES]


@_flips(rule=Rule(method_key, lambda c: {"lr": c.lr, "factor": _share(c)}))
def search_flips(base: Config) -> list[Config]:
    """Every method with flips and crops, on validation.

    The best of these nine lay at the edge for every method, so that three more are beyond it.
    """
    here = sized(base, WIDEST, 1 / 8)
    methods = [chosen(here, *who, share=1.0) for who in (SGD, THREE, LOCAL, CONV, B0, B50)]
    grid = [*itertools.product(RATES, AROUND)]
    return [
        with_values(config, rate, factor)
        for config in methods
        for rate, factor in (*grid, *BEYOND.get(config.model, BEYOND[config.optimizer]))
    ]


@_flips()
def search_flips_edge(base: Config) -> list[Config]:
    """S-LOCAL and 3-FC, beyond that.

    Three more candidates, where the best of the twelve of `search-flips` lay at the edge too.
    """
    here = sized(base, WIDEST, 1 / 8)
    methods = [chosen(here, model) for model in ("s-local", "3-fc")]
    beyond = ((0.01, 4.0), (0.01, 8.0), (0.03, 8.0))
    return [with_values(config, *values) for config in methods for values in beyond]


@_flips()
def search_flips_long(base: Config) -> list[Config]:
    """λ at four times the length."""
    here = sized(base, WIDEST, 1 / 8)
    runs = [run.replace(epochs=base.epochs // 2) for run in flip_crop_methods(here, (), (0, 50))]
    return [regularised(run, share) for run in runs for share in SHARES]


@_flips()
def search_flips_beyond(base: Config) -> list[Config]:
    """Weight decay, λ and learning rate at α = 16, with flips and crops.

    Those of α = 8, which `flips-beyond-rate` has; half of its weight decay and λ, as at α = 32 SGD
    was better with half of the decay; and a third of its learning rate, which was better for SGD at
    α = 150.
    """
    here = sized(base, WIDTH_BEYOND, 1 / 2)
    runs = flip_crop_methods(here, ("s-fc",), (50,))
    halves = [regularised(run, share) for run in runs for share in SHARES[:2]]
    return [*halves, *map(_slower, runs)]


@_flips()
def search_flips_rate(base: Config) -> list[Config]:
    """A third of the learning rate at α = 8 and 200 epochs, with flips and crops."""
    runs = studies.flip_crop(base)
    return [*runs, *map(_slower, runs)]


def _slower(run: Config) -> Config:
    """Return a run with the next smaller of `RATES`."""
    return run.replace(lr=RATES[RATES.index(run.lr) - 1])
