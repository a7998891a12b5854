"""Table 2, and the studies that change one thing at a time where a large β loses, at α = 1.

Last are searches in that setting, with equal effort for every method, and runs of what they chose.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from lcs import data
from lcs.analysis import paper
from lcs.analysis.claims import (
    Claim,
    Finding,
    Judge,
    as_one_more,
    closes_most,
    equals,
    exceeds,
    ours,
)
from lcs.config import Config
from lcs.exhibits.shared.claim_settings import (
    ALL_FLIPS,
    AT_32,
    AT_150,
    AT_150_OTHERS,
    AT_4000_EPOCHS,
    ELSEWHERE,
    WITH_LOCAL,
    WITH_ZERO,
)
from lcs.exhibits.shared.declare import Studies
from lcs.exhibits.shared.searches import SEARCHED, Rule, Search, network_key
from lcs.exhibits.shared.settings import (
    CHOSEN,
    PAPER_BETAS,
    REPRODUCTION,
    REPRODUCTION_CROSS_ENTROPY,
    REPRODUCTION_L1,
    SHORT_RECIPE,
    STRONGER_L1,
    baseline,
    beta_lasso,
    has_stronger_l1,
    l1_of,
    scaled_l1,
    sgd,
    sgd_and_betas,
    sized,
    varied,
)
from lcs.stats import mean_interval
from lcs.study import SCALES

if TYPE_CHECKING:
    import pandas as pd

STUDIES = Studies()
_study = partial(STUDIES.add, setting=REPRODUCTION)


@_study(scales=SCALES, seeds=5, betas=PAPER_BETAS)
def table2(base: Config, betas: Sequence[float]) -> list[Config]:
    """Table 2: test accuracy of S-FC under β-LASSO."""
    networks = [baseline(base, model) for model in ("s-conv", "s-local", "3-fc", "s-fc")]
    lasso = base.replace(model="s-fc", optimizer="proximal-l1", **l1_of(base))
    return [*networks, lasso, *(beta_lasso(base, beta) for beta in betas)]


@STUDIES.add(REPRODUCTION_CROSS_ENTROPY, scales=SCALES, betas=PAPER_BETAS)
def cifar100(base: Config, betas: Sequence[float]) -> list[Config]:
    """Table 2 on CIFAR-100.

    With cross-entropy: a binary one averaged over a hundred classes has gradients about a hundred
    times smaller, and at the same learning rate the network barely learns.
    """
    dataset = "cifar100" if base.dataset == "cifar10" else base.dataset
    return sgd_and_betas(base.replace(dataset=dataset), betas)


# ranges around the paper's β of Table 2 and the reproduction's λ
BETAS = (0, 1, 2, 5, 10, 20, 50, 100, 200)
LAMBDAS = (5e-6, 1e-5, 2e-5, 5e-5, 1e-4)


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


# Claims


def _better(
    one: str, other: str, *also: str, worse: bool = False, column: str = "cifar10"
) -> Claim:
    """Claim that a method is better (or worse) than another, by the accuracies of its source."""
    values = (paper.TABLE2[name][column] for name in (one, other))
    source, digits = ("R", 1) if column == "report" else ("P", 2)
    known = " against ".join(f"{value:.{digits}f}" for value in values)
    study = "cifar100" if column == "cifar100" else "table2"
    return Claim(source, study, exceeds(one, other, worse=worse), known, also)


def _published_gap(column: str = "cifar10") -> str:
    own, dense, local = (paper.TABLE2[name][column] for name in ("β-LASSO", "SGD", "S-LOCAL"))
    return f"{100 * (own - dense) / (local - dense):.0f} %"


def _locality_matters_more(runs: pd.DataFrame) -> Finding:
    from lcs.analysis.claims import meant
    from lcs.analysis.compare import by_seed

    widest = runs[runs.base_channels == runs.base_channels.max()]
    conv, local, full = by_seed(*(meant(widest, name) for name in ("S-CONV", "S-LOCAL", "SGD")))
    lost = mean_interval(conv - local), mean_interval(local - full)
    value = f"S-CONV minus S-LOCAL {lost[0]:+}, S-LOCAL minus S-FC {lost[1]:+}"
    # what gains nothing cannot matter more or less
    for gain, (more, less) in zip(lost, (("S-CONV", "S-LOCAL"), ("S-LOCAL", "S-FC")), strict=True):
        if gain.mean < 0:
            return Finding(value, said=f"not testable: {more} is behind {less}")
    return Finding(value, mean_interval((local - full) - (conv - local)))


Change = Callable[[Config], Config]


def _added(runs: pd.DataFrame, pairs: Sequence[tuple[Config, Config]]) -> Finding:
    """Judge whether a change adds to the gain of β-LASSO over β = 0, in the mean of pairs."""
    from lcs.analysis.compare import by_seed

    of: dict[Any, pd.DataFrame] = dict(list(runs.groupby("condition", sort=False)))
    gains = []
    for before, after in pairs:
        ends = [c for one in (before, after) for c in (one, one.replace(beta=0.0))]
        first, zero, second, then_zero = by_seed(*(of[config] for config in ends))
        gains.append((second - then_zero) - (first - zero))
    change = mean_interval(sum(gains) / len(gains))
    return Finding(f"{change:+} points", change)


def _raises_gain(change: Mapping[str, Any], where: Callable[[Config], bool] | None = None) -> Judge:
    """Judge whether a factor raises the gain of β = 50 over β = 0, in the mean of its cells."""

    def judge(runs: pd.DataFrame) -> Finding:
        known = {*runs.condition}
        largest: dict[Any, float] = {}  # β = 50, as each loss and learning rate has it
        for config in known:
            key = config.loss, config.lr
            largest[key] = max(config.beta, largest.get(key, 0.0))
        pairs = [
            (config, changed)
            for config in dict.fromkeys(runs.condition)
            if config.beta
            and config.beta == largest[config.loss, config.lr]
            and (where is None or where(config))
            and (changed := config.replace(**change)) in known
            and changed != config
        ]
        return _added(runs, pairs)

    return judge


def _longer_helps(runs: pd.DataFrame) -> Finding:
    """Judge whether the gain of β = 50 over β = 0 is larger at the larger of two lengths."""
    sparse = [c for c in dict.fromkeys(runs.condition) if c.beta]
    short, *_, long = sorted(sparse, key=lambda config: config.epochs)
    return _added(runs, [(short, long)])


AUGMENTED_CROSS_ENTROPY = {"loss": "cross-entropy", "lr": 0.1, "augment": "flip-crop"}
_FIRST, _FREE, _FROZEN = {"l1_rest": 0}, {"frozen_zeros": False}, {"frozen_zeros": True}

CLAIMS = {
    "S-FC with β-LASSO at β = 50 is better than with SGD": _better(
        "β-LASSO", "SGD", *ELSEWHERE, AT_4000_EPOCHS, AT_150
    ),
    "β = 50 is better than β = 0": _better("β-LASSO", "plain ℓ1", *WITH_ZERO),
    "β = 50 is better than β = 1": _better("β-LASSO", "β-LASSO, β = 1", "scaling-wide"),
    "β = 0, the plain ℓ1 sub-gradient, is better than SGD": _better("plain ℓ1", "SGD", *WITH_ZERO),
    "S-FC is better than a 3-FC of its size": _better(
        "SGD", "3-FC", "scaling-wide", ALL_FLIPS, AT_150_OTHERS
    ),
    "S-LOCAL is better than S-FC with β-LASSO, β = 50": _better("S-LOCAL", "β-LASSO", *WITH_LOCAL),
    "β = 50 closes most of the gap between S-FC with SGD and S-LOCAL": Claim(
        "P", "table2", closes_most, _published_gap(), WITH_LOCAL
    ),
    "Locality matters more than weight sharing": Claim(
        "P",
        "table2",
        _locality_matters_more,
        "{:.2f} and {:.2f} points lost".format(
            *(
                paper.TABLE2[one]["cifar10"] - paper.TABLE2[other]["cifar10"]
                for one, other in (("S-CONV", "S-LOCAL"), ("S-LOCAL", "SGD"))
            )
        ),
        (
            *("scaling-wide", ALL_FLIPS),
            *(f"{AT_32} + largest-local + largest-conv", f"{AT_150} + paper-size-others"),
        ),
    ),
    **{
        f"On CIFAR-100, β = 50 is better than {said}": _better(
            "β-LASSO", other, "recipe-cifar100", column="cifar100"
        )
        for other, said in (("SGD", "SGD"), ("plain ℓ1", "β = 0"))
    },
    "On CIFAR-100, β = 50 closes most of the gap between S-FC with SGD and S-LOCAL": Claim(
        "P", "recipe-cifar100", closes_most, _published_gap("cifar100")
    ),
    "At α = 1, β = 50 is worse than β = 1": _better(
        "β-LASSO", "β-LASSO, β = 1", worse=True, column="report"
    ),
    "At α = 1, β = 50 is worse than β = 0": _better(
        "β-LASSO", "plain ℓ1", worse=True, column="report"
    ),
    "At α = 1, β = 1 is better than SGD": _better("β-LASSO, β = 1", "SGD", column="report"),
    # its runs were tested on our images, so that their sampling error is the same for all
    **{
        f"At α = 1, {said} reaches this accuracy": Claim(
            "R", "table2", as_one_more(name, value := paper.TABLE2[name]["report"]), f"{value}"
        )
        for name, said in (
            ("SGD", "SGD"),
            ("plain ℓ1", "β-LASSO, β = 0"),
            ("β-LASSO, β = 1", "β-LASSO, β = 1"),
            ("β-LASSO", "β-LASSO, β = 50"),
        )
    },
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
            exceeds(
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
        "first-layer", equals({"beta": 50, **_FIRST, **_FREE}, {"beta": 0, **_FIRST})
    ),
    "Zeros may as well stay: β = 50 is as good with zeros frozen, within 1 point": ours(
        "frozen", equals({"beta": 50, **_FROZEN}, {"beta": 50, **_FREE})
    ),
    "With λ on the first layer alone, β = 50 is as good with zeros frozen, within 1 point": ours(
        "first-layer", equals({"beta": 50, **_FIRST, **_FROZEN}, {"beta": 50, **_FIRST, **_FREE})
    ),
    "With λ on the first layer alone, frozen zeros cost β = 1 accuracy": ours(
        "first-layer", exceeds({"beta": 1, **_FIRST, **_FREE}, {"beta": 1, **_FIRST, **_FROZEN})
    ),
    "bfloat16 and float32 give β = 50 the same accuracy, within 1 point": ours(
        "precision", equals({"beta": 50, "precision": "bf16"}, {"beta": 50, "precision": "fp32"})
    ),
}
