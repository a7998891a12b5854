"""The studies of the chapter `why`: each changes one thing, the last ones several at once."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from lcs import data
from lcs.config import Config
from lcs.exhibits.settings import (
    BETAS,
    LAMBDAS,
    PAPER_BETAS,
    REPRODUCTION,
    REPRODUCTION_L1,
    SHORT_RECIPE,
    STRONGER_L1,
    beta_lasso,
    desk_study,
    l1_of,
    sgd,
    sgd_and_betas,
    sized,
    varied,
)
from lcs.study import Study


def equal_rates(config: Config) -> Config:
    """Return a run with cross-entropy whose steps are as large as those of the mean over classes.

    Averaging a loss over c classes with (η, λ, β) takes the same steps as summing it with
    (η / c, cλ, β / c): ηλ and βλ stay, and η shrinks as the gradient grows.
    """
    classes = len(data.spec(config.dataset).classes)
    rest = None if config.l1_rest is None else config.l1_rest * classes
    return config.replace(
        loss="cross-entropy",
        lr=config.lr / classes,
        l1=config.l1 * classes,
        l1_rest=rest,
        beta=config.beta / classes,
    )


def _frozen(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return all β, and those that make zeros once more with frozen zeros."""
    free = [beta_lasso(base, beta) for beta in betas]
    return [*free, *(run.replace(frozen_zeros=True) for run in free if run.beta)]


def _lambdas(base: Config) -> list[Config]:
    """Return a range of λ at β = 50, and at the threshold βλ that it has in Table 2."""
    beta, own = 50, l1_of(base)["l1"]
    at_beta = [beta_lasso(base, beta, l1=l1, l1_rest=None) for l1 in LAMBDAS]
    at_threshold = [beta_lasso(base, beta * own / l1, l1=l1, l1_rest=None) for l1 in LAMBDAS]
    return [*at_beta, *at_threshold]


def _length(base: Config, lengths: Sequence[float] = (1 / 4, 1)) -> list[Config]:
    return [run for n in lengths for run in sgd_and_betas(sized(base, length=n), (0, 50))]


def _factorial(base: Config) -> list[Config]:
    """Return every combination of augmentation, loss and method, at a quarter of the length.

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


def _recipe(base: Config) -> list[Config]:
    """Return all methods at four times the width and a quarter of the length, over a range of λ."""
    wide = sized(base, 4, 1 / 4)
    plain = [beta_lasso(wide, beta, **REPRODUCTION_L1) for beta in (0, 1)]
    sparse = [beta_lasso(wide, 50, l1=l1, l1_rest=1e-6) for l1 in LAMBDAS]
    strong = [beta_lasso(wide, beta, **STRONGER_L1) for beta in (0, 50)]
    return [sgd(wide, "s-fc"), *plain, *sparse, *strong]


def _widths(base: Config, factors: Sequence[int]) -> list[Config]:
    """Return SGD, β = 0 at both λ, and β = 50, at these widths, by the recipe."""
    runs = []
    for factor in factors:
        wide = sized(base, factor, 1 / 4)
        strong = [beta_lasso(wide, beta, **STRONGER_L1) for beta in (0, 50)]
        runs += [sgd(wide, "s-fc"), beta_lasso(wide, 0, **REPRODUCTION_L1), *strong]
    return runs


def _reproduction(base: Config) -> list[Config]:
    wide = sized(base, 4, 1 / 4)
    return [sgd(wide, "s-fc"), *(beta_lasso(wide, beta, **REPRODUCTION_L1) for beta in (0, 50))]


STUDIES = (
    desk_study(
        "precision",
        "bfloat16 against float32",
        REPRODUCTION,
        lambda base: [
            run
            for here in (base.replace(precision="bf16"), base.replace(precision="fp32"))
            for run in (sgd(here, "s-fc"), beta_lasso(here, 50))
        ],
    ),
    desk_study(
        "first-layer",
        "λ on the first layer alone",
        REPRODUCTION,
        # beside λ everywhere
        lambda base, betas: [
            *_frozen(base, betas),
            *(run.replace(l1_rest=0.0) for run in _frozen(base, betas)),
        ],
        betas=PAPER_BETAS,
    ),
    Study("frozen", "Frozen zeros", REPRODUCTION, _frozen, 5, PAPER_BETAS),
    desk_study("betas", "A range of β", REPRODUCTION, sgd_and_betas, 2, BETAS),
    desk_study("lambdas", "A range of λ", REPRODUCTION, _lambdas, 2),
    desk_study(
        "lambdas-zero",
        "A range of λ at β = 0",
        REPRODUCTION,
        lambda base: [beta_lasso(base, 0, l1=l1, l1_rest=None) for l1 in LAMBDAS],
        2,
    ),
    desk_study("length", "Training length", REPRODUCTION, _length, 2),
    desk_study(
        "longer", "Four times the length", REPRODUCTION, partial(_length, lengths=(1, 4)), 2
    ),
    desk_study("factorial", "Augmentation × loss × method", varied(REPRODUCTION), _factorial),
    desk_study("recipe", "Cross-entropy and augmentation at α = 4", SHORT_RECIPE, _recipe),
    desk_study("reproduction", "The reproduction's setting at α = 4", REPRODUCTION, _reproduction),
    desk_study(
        "width",
        "Cross-entropy and augmentation at growing width",
        SHORT_RECIPE,
        partial(_widths, factors=(1, 4, 8)),
    ),
    desk_study(
        "wider",
        "Cross-entropy and augmentation at α = 16",
        SHORT_RECIPE,
        partial(_widths, factors=(16,)),
    ),
)
