"""Studies that change one thing at a time, from the setting at α = 1 in which β = 50 loses.

Last are searches in that setting, with equal effort for every method, and runs of what they chose.
"""

import itertools
from collections.abc import Sequence
from functools import partial

from lcs import data
from lcs.config import Config
from lcs.exhibits.shared.declare import Studies
from lcs.exhibits.shared.searches import SEARCHED, Rule, Search, network_key
from lcs.exhibits.shared.settings import (
    CHOSEN,
    PAPER_BETAS,
    REPRODUCTION,
    REPRODUCTION_L1,
    SHORT_RECIPE,
    STRONGER_L1,
    beta_lasso,
    l1_of,
    scaled_l1,
    sgd,
    sgd_and_betas,
    sized,
    varied,
)
from lcs.study.base_study import SCALES

# ranges around the paper's β of Table 2 and the reproduction's λ
BETAS = (0, 1, 2, 5, 10, 20, 50, 100, 200)
LAMBDAS = (5e-6, 1e-5, 2e-5, 5e-5, 1e-4)

STUDIES = Studies()
_study = partial(STUDIES.add, setting=REPRODUCTION)


def equal_rates(config: Config) -> Config:
    """Return a run with cross-entropy whose steps are as large as those of the mean over classes.

    Averaging a loss over c classes with (η, λ, β) takes the same steps as summing it with
    (η / c, cλ, β / c): ηλ and βλ stay, and η shrinks as the gradient grows.
    """
    classes = len(data.spec(config.dataset).classes)
    return scaled_l1(config, classes).replace(loss="cross-entropy", lr=config.lr / classes)


@_study()
def precision(base: Config) -> list[Config]:
    """bfloat16 against float32."""
    both = [base.replace(precision="bf16"), base.replace(precision="fp32")]
    return [run for here in both for run in (sgd(here, "s-fc"), beta_lasso(here, 50))]


@_study(betas=PAPER_BETAS)
def first_layer(base: Config, betas: Sequence[float]) -> list[Config]:
    """λ on the first layer alone."""
    everywhere = frozen(base, betas)
    return [*everywhere, *(run.replace(l1_rest=0.0) for run in everywhere)]


@_study(scales=SCALES, seeds=5, betas=PAPER_BETAS)
def frozen(base: Config, betas: Sequence[float]) -> list[Config]:
    """Frozen zeros."""
    free = [beta_lasso(base, beta) for beta in betas]
    return [*free, *(run.replace(frozen_zeros=True) for run in free if run.beta)]


@_study(seeds=2, betas=BETAS)
def betas(base: Config, betas: Sequence[float]) -> list[Config]:
    """A range of β."""
    return sgd_and_betas(base, betas)


@_study(seeds=2)
def lambdas(base: Config) -> list[Config]:
    """A range of λ.

    At β = 50, and at the threshold βλ that it has in Table 2.
    """
    beta, own = 50, l1_of(base)["l1"]
    at_beta = [beta_lasso(base, beta, l1=l1, l1_rest=None) for l1 in LAMBDAS]
    at_threshold = [beta_lasso(base, beta * own / l1, l1=l1, l1_rest=None) for l1 in LAMBDAS]
    return [*at_beta, *at_threshold]


@_study(seeds=2)
def lambdas_zero(base: Config) -> list[Config]:
    """A range of λ at β = 0."""
    return [beta_lasso(base, 0, l1=l1, l1_rest=None) for l1 in LAMBDAS]


def _lengths(base: Config, lengths: Sequence[float]) -> list[Config]:
    return [run for n in lengths for run in sgd_and_betas(sized(base, length=n), (0, 50))]


@_study(seeds=2)
def length(base: Config) -> list[Config]:
    """Training length."""
    return _lengths(base, lengths=(1 / 4, 1))


@_study(seeds=2)
def longer(base: Config) -> list[Config]:
    """Four times the length."""
    return _lengths(base, lengths=(1, 4))


@_study(setting=varied(REPRODUCTION))
def factorial(base: Config) -> list[Config]:
    """Augmentation × loss × method.

    Cross-entropy comes twice: with the rates as they are, and with those at which it would be the
    same as binary cross-entropy if the two were proportional (see `equal_rates`).
    """
    short = sized(base, length=1 / 4).replace(loss="bce")
    runs = []
    for augment in ("none", "flip-crop"):
        here = short.replace(augment=augment)
        methods = [sgd(here, "s-fc"), *(beta_lasso(here, beta) for beta in (0, 50))]
        methods += [beta_lasso(here, beta, **STRONGER_L1) for beta in (0, 50)]
        crossed = [run.replace(loss="cross-entropy") for run in methods]
        runs += [*methods, *crossed, *map(equal_rates, methods)]
    return runs


@_study(setting=SHORT_RECIPE)
def recipe(base: Config) -> list[Config]:
    """Cross-entropy and augmentation at α = 4."""
    wide = sized(base, 4, 1 / 4)
    plain = [beta_lasso(wide, beta, **REPRODUCTION_L1) for beta in (0, 1)]
    sparse = [beta_lasso(wide, 50, l1=l1, l1_rest=1e-6) for l1 in LAMBDAS]
    strong = [beta_lasso(wide, beta, **STRONGER_L1) for beta in (0, 50)]
    return [sgd(wide, "s-fc"), *plain, *sparse, *strong]


@_study()
def reproduction(base: Config) -> list[Config]:
    """No augmentation, at α = 4."""
    wide = sized(base, 4, 1 / 4)
    return [sgd(wide, "s-fc"), *(beta_lasso(wide, beta, **REPRODUCTION_L1) for beta in (0, 50))]


def _by_recipe(base: Config, factors: Sequence[int]) -> list[Config]:
    """Return SGD, β = 0 at both λ, and β = 50, at multiples of the width."""
    runs = []
    for factor in factors:
        wide = sized(base, factor, 1 / 4)
        strong = [beta_lasso(wide, beta, **STRONGER_L1) for beta in (0, 50)]
        runs += [sgd(wide, "s-fc"), beta_lasso(wide, 0, **REPRODUCTION_L1), *strong]
    return runs


@_study(setting=SHORT_RECIPE)
def width(base: Config) -> list[Config]:
    """Cross-entropy and augmentation at growing width."""
    return _by_recipe(base, factors=(1, 4, 8))


@_study(setting=SHORT_RECIPE)
def wider(base: Config) -> list[Config]:
    """Cross-entropy and augmentation at α = 16."""
    return _by_recipe(base, factors=(16,))


# Searched on validation images, twelve candidates for each method, with every layer's λ the same

SEARCH, SEARCH_SHORT = "search-unaugmented", "search-unaugmented-short"
# learning rates and weight decays of SGD with momentum; learning rates, and β with λ
DENSE = {
    "s-fc": ((0.1, 0.3, 1.0), (2e-3, 5e-3, 1e-2, 2e-2)),
    "s-local": ((0.03, 0.1, 0.3), (1e-3, 2e-3, 5e-3, 1e-2)),
}
SPARSE = (
    ((0.03, 0.1, 0.3), ((0, 2e-5), (0, 5e-5), (0, 1e-4), (0, 2e-4))),
    ((0.1, 0.3), ((10, 5e-5), (10, 1e-4), (10, 2e-4), (50, 2e-5), (50, 5e-5), (50, 1e-4))),
)


def _candidates(here: Config) -> list[Config]:
    dense = [
        here.replace(model=model, lr=lr, momentum=0.9, weight_decay=decay)
        for model, grid in DENSE.items()
        for lr, decay in itertools.product(*grid)
    ]
    sparse = [
        beta_lasso(here, beta, l1=l1, l1_rest=None, lr=lr)
        for rates, pairs in SPARSE
        for lr, (beta, l1) in itertools.product(rates, pairs)
    ]
    return [*dense, *sparse]


def searched_key(config: Config) -> str:
    """Return the key of a method in `chosen.json`: one for all thresholds."""
    return network_key(config) + (", threshold" if config.beta else "")


def searched_values(config: Config) -> dict[str, object]:
    """Return what makes a candidate of what all runs share."""
    return {name: getattr(config, name) for name in ("model", "optimizer", "lr", "beta", *SEARCHED)}


def _chosen(here: Config, search: str) -> list[Config]:
    keys = dict.fromkeys(map(searched_key, _candidates(here)))
    return [here.replace(**CHOSEN[search][key]) for key in keys]


_search = partial(_study, kind=Search, rule=Rule(searched_key, searched_values))


@_search()
def search_unaugmented_short(base: Config) -> list[Config]:
    """Every method without augmentation, 100 epochs, on validation."""
    return _candidates(sized(base, length=1 / 4))


@_search()
def search_unaugmented(base: Config) -> list[Config]:
    """Every method without augmentation, on validation."""
    return _candidates(base)


@_study(seeds=5, after=(SEARCH_SHORT,))
def unaugmented_short(base: Config) -> list[Config]:
    """Every method without augmentation, 100 epochs, as searched."""
    return _chosen(sized(base, length=1 / 4), SEARCH_SHORT)


@_study(seeds=5, after=(SEARCH,))
def unaugmented(base: Config) -> list[Config]:
    """Every method without augmentation, as searched."""
    return _chosen(base, SEARCH)
