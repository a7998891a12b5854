"""Why β = 50 loses at α = 1: studies that change one thing at a time, paired by seed.

A condition is a configuration without its seed; two conditions are compared run for run. The gain
of β = 50 is its accuracy minus that of SGD, or of β = 0 with the same λ.

Here are the studies, what a change adds to the gain, and what is judged; `results` has figures, the
table and numbers.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np

from lcs import data
from lcs.config import Config
from lcs.exhibits import compare
from lcs.exhibits.compare import Conditions, Reference, conditions, without_threshold
from lcs.exhibits.settings import (
    BETAS,
    LAMBDAS,
    PAPER_BETAS,
    REPRODUCTION,
    REPRODUCTION_L1,
    SHORT_RECIPE,
    STRONGER_L1,
    Studies,
    beta_lasso,
    has_stronger_l1,
    l1_of,
    scaled_l1,
    sgd,
    sgd_and_betas,
    sized,
    varied,
)
from lcs.exhibits.tables import signed
from lcs.exhibits.verdicts import Claim, Finding, Judge, differs, ours
from lcs.runs import Record
from lcs.stats import Interval, mean_interval
from lcs.study.base_study import SCALES

# Studies


def equal_rates(config: Config) -> Config:
    """Return a run with cross-entropy whose steps are as large as those of the mean over classes.

    Averaging a loss over c classes with (η, λ, β) takes the same steps as summing it with
    (η / c, cλ, β / c): ηλ and βλ stay, and η shrinks as the gradient grows.
    """
    classes = len(data.spec(config.dataset).classes)
    return scaled_l1(config, classes).replace(loss="cross-entropy", lr=config.lr / classes)


STUDIES = Studies()
_study = partial(STUDIES.add, setting=REPRODUCTION)


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


# What a change adds

AUGMENTED_CROSS_ENTROPY: dict[str, object] = {
    "loss": "cross-entropy",
    "lr": 0.1,
    "augment": "flip-crop",
}

# the values that a factor changes, or from a cell to the one with the factor changed
Change = Mapping[str, object] | Callable[[Config], Config]


def contrast(
    found: Conditions, pairs: Sequence[tuple[Config, Config]], reference: Reference
) -> Interval | None:
    """Return how much a change adds to the gain of β = 50: the mean over pairs of conditions."""
    configs = [one for one, _ in pairs] + [other for _, other in pairs]
    if not pairs or any(c not in found or reference(c) not in found for c in configs):
        return None
    before, after = (half.mean(0) for half in np.split(compare.gains(found, configs, reference), 2))
    return mean_interval(after - before)


def effect(
    found: Conditions,
    change: Change,
    reference: Reference,
    where: Callable[[Config], bool] = lambda _: True,
) -> Interval | None:
    """Return `contrast` over all pairs of cells that differ by `change`, from those `where`."""
    largest: dict[tuple[str, float], float] = {}  # β = 50, as each loss and learning rate has it
    for config in found:
        key = config.loss, config.lr
        largest[key] = max(config.beta, largest.get(key, 0.0))
    sparse = [c for c in found if c.beta and c.beta == largest[c.loss, c.lr] and where(c)]
    pairs = [(one, change(one) if callable(change) else one.replace(**change)) for one in sparse]
    known = [(one, other) for one, other in pairs if other in found and other != one]
    return contrast(found, known, reference)


# Claims


def _raises_gain(change: Change, where: Callable[[Config], bool] = lambda _: True) -> Judge:
    """Judge whether a factor raises the gain of β = 50 over β = 0, in the mean of cells."""
    return lambda records: _more(effect(conditions(records), change, without_threshold, where))


def _longer_helps(records: list[Record]) -> Finding:
    """Judge whether the gain of β = 50 over β = 0 is larger at the larger of two lengths."""
    found = conditions(records)
    short, *_, long = sorted((c for c in found if c.beta), key=lambda config: config.epochs)
    return _more(contrast(found, [(short, long)], without_threshold))


def _more(change: Interval | None) -> Finding:
    assert change is not None
    return Finding(f"{signed(change)} points", change)


_FIRST, _FREE, _FROZEN = {"l1_rest": 0}, {"frozen_zeros": False}, {"frozen_zeros": True}

CLAIMS = {
    "More training, 1600 epochs instead of 400, lets β = 50 gain on β = 0": Claim(
        "R", "longer", _longer_helps, "a question"
    ),
    "Augmentation lets β = 50 gain on β = 0 (100 epochs)": Claim(
        "R",
        "factorial",
        _raises_gain(
            {"augment": "flip-crop"}, lambda c: c.loss == "bce" and not has_stronger_l1(c)
        ),
        "a question",
    ),
    "Augmentation lets β = 50 gain on β = 0 with the stronger λ "
    "(100 epochs, mean over losses)": ours(
        "factorial", _raises_gain({"augment": "flip-crop"}, has_stronger_l1)
    ),
    "β = 50 gains more on β = 0 in 400 epochs than in 100": ours("length", _longer_helps),
    "β = 50 gains more on β = 0 with cross-entropy (100 epochs, same η, so data steps "
    "ten times as large)": ours("factorial", _raises_gain({"loss": "cross-entropy"})),
    **{
        "With cross-entropy, augmentation and the stronger λ, β = 50 is better than "
        f"{name}: α = {alpha}": ours(
            study,
            differs(
                {"beta": 50, "base_channels": alpha, **STRONGER_L1, **where},
                {"base_channels": alpha, **other, **where},
            ),
        )
        for name, other in (
            ("plain SGD", {"optimizer": "sgd"}),
            ("β = 0 at the same λ", {"optimizer": "beta-lasso", "beta": 0, **STRONGER_L1}),
        )
        for alpha, study, where in (
            (1, "factorial", AUGMENTED_CROSS_ENTROPY),
            (4, "recipe", {}),
            (8, "width", {}),
            (16, "wider", {}),
        )
    },
    "With λ on the first layer alone, β = 50 is as good as β = 0, within 1 point": ours(
        "first-layer", differs({"beta": 50, **_FIRST, **_FREE}, {"beta": 0, **_FIRST}, margin=1.0)
    ),
    "Zeros may as well stay: β = 50 is as good with zeros frozen, within 1 point": ours(
        "frozen", differs({"beta": 50, **_FROZEN}, {"beta": 50, **_FREE}, margin=1.0)
    ),
    "With λ on the first layer alone, β = 50 is as good with zeros frozen, within 1 point": ours(
        "first-layer",
        differs({"beta": 50, **_FIRST, **_FROZEN}, {"beta": 50, **_FIRST, **_FREE}, margin=1.0),
    ),
    "With λ on the first layer alone, frozen zeros cost β = 1 accuracy": ours(
        "first-layer", differs({"beta": 1, **_FIRST, **_FREE}, {"beta": 1, **_FIRST, **_FROZEN})
    ),
    "bfloat16 and float32 give β = 50 the same accuracy, within 1 point": ours(
        "precision",
        differs({"beta": 50, "precision": "bf16"}, {"beta": 50, "precision": "fp32"}, margin=1.0),
    ),
}
