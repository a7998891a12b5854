"""What the chapter trains: at each width, at several lengths, at α = 32, and parts of the recipe.

Searches on validation images, which choose its hyperparameters, are in `search`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from lcs.config import Config
from lcs.exhibits.compare import without_threshold
from lcs.exhibits.settings import (
    CHOSEN,
    FLIP_CROP,
    FLIP_CROP_SHORT,
    RECIPE,
    SHARE_AT_WIDTH,
    WIDTH_BEYOND,
    WIDTHS,
    beta_lasso,
    chosen,
    chosen_flip_crop,
    desk_study,
    flip_crop_methods,
    flip_crop_recipe,
    paper_recipe,
    raised,
    regularised,
    sgd,
)

WIDEST, LARGEST_WIDTH = WIDTHS[-1], 32


# At each width, with AutoAugment


def _all_methods(base: Config, betas: Sequence[float], *, widths: Sequence[int]) -> list[Config]:
    """Return all methods with the hyperparameters that were chosen at α = 2."""
    runs = []
    for width in widths:
        here = paper_recipe(base, width, base.epochs // 2)
        runs += [chosen(here, model) for model in ("s-conv", "s-local", "3-fc", "s-fc")]
        runs += [chosen(here, "s-fc", "proximal-l1")]
        runs += [chosen(here, "s-fc", "beta-lasso", beta) for beta in betas]
    return runs


def _own_lambda(
    base: Config, betas: Sequence[float], *, widths: Sequence[int], models: Sequence[str]
) -> list[Config]:
    """Return networks by SGD, β = 0, and the largest β with λ chosen at each width."""
    runs = []
    for width in widths:
        here = paper_recipe(base, width, base.epochs // 2)
        runs += [chosen(here, model) for model in models]
        runs += [chosen(here, "s-fc", "beta-lasso", 0.0)]
        runs += [chosen(here, "s-fc", "beta-lasso", betas[-1], share=SHARE_AT_WIDTH[width])]
    return runs


def _sgd_and_beta_lasso(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return SGD, and the largest β with the λ that was chosen at the largest width."""
    here = paper_recipe(base, WIDEST, base.epochs // 2)
    own = chosen(here, "s-fc", "beta-lasso", betas[-1], share=SHARE_AT_WIDTH[WIDEST])
    return [chosen(here, "s-fc"), own]


def _same_lambda(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return the same, and β = 0 and the proximal step with the λ of the largest β."""
    runs = _sgd_and_beta_lasso(base, betas)
    return [*runs, without_threshold(runs[-1]), proximal(runs[-1])]


def proximal(config: Config) -> Config:
    """Return the same run with the LASSO's own step, and the same λ; SGD as it is."""
    if config.optimizer == "sgd":
        return config
    return without_threshold(config).replace(optimizer="proximal-l1")


_by_recipe = partial(desk_study, setting=RECIPE)
AT_WIDTHS = (
    # the largest width apart, for it takes as long as all others
    _by_recipe(
        "scaling",
        "The paper's recipe at growing width",
        make=partial(_all_methods, widths=WIDTHS[:-1]),
    ),
    _by_recipe(
        "scaling-wide",
        "The paper's recipe at α = 8",
        make=partial(_all_methods, widths=WIDTHS[-1:]),
    ),
    _by_recipe(
        "scaling-own",
        "λ of β = 50 chosen at each width",
        make=partial(_own_lambda, widths=WIDTHS, models=("s-local", "s-fc")),
    ),
    _by_recipe(
        "scaling-beyond",
        "β = 50, β = 0 and SGD at α = 16",
        make=partial(_own_lambda, widths=(WIDTH_BEYOND,), models=("s-fc",)),
        seeds=1,
    ),
    _by_recipe("scaling-threshold", "Threshold or λ, at α = 8", make=_same_lambda),
    _by_recipe(
        "scaling-seeds", "SGD and β = 50 at α = 8, more seeds", make=_sgd_and_beta_lasso, seeds=8
    ),
)


# Single parts of the recipe


def _precision(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return SGD and the largest β, products in bfloat16 and in float32."""
    here = flip_crop_recipe(base, WIDEST, base.epochs // 2)
    runs = flip_crop_methods(here, ("s-fc",), betas[-1:])
    return [run.replace(precision=precision) for run in runs for precision in ("bf16", "fp32")]


def _scale_and_shift(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return both at α = 4, with batch normalisation that scales and shifts, and with biases."""
    runs = flip_crop_methods(flip_crop_recipe(base, 4, base.epochs // 2), ("s-fc",), betas[-1:])
    affine, biased = ([run.replace(**{name: True}) for run in runs] for name in ("affine", "bias"))
    return [*runs, *affine, *biased]


def _order(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return both at α = 2, with AutoAugment after flips and crops, and before them."""
    here = paper_recipe(base, 2, base.epochs // 2)
    sparse = chosen(here, "s-fc", "beta-lasso", betas[-1], share=SHARE_AT_WIDTH[2])
    runs = [chosen(here, "s-fc"), sparse]
    return [*runs, *(run.replace(augment="autoaugment-first") for run in runs)]


def _cifar100(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return every network on CIFAR-100, with the hyperparameters of CIFAR-10."""
    here = flip_crop_recipe(base, WIDEST, base.epochs // 2)
    here = here if base.dataset == "digits" else here.replace(dataset="cifar100")
    return flip_crop_methods(here, ("s-conv", "s-local", "s-fc"), (0, betas[-1]))


def _reach(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return three lengths by the paper's recipe, and the shorter ones with as much reach.

    Where the length is shorter by a factor, λ is larger and β smaller by it: the threshold βλ is
    that of the longest, and so is, nearly, the sum of all ℓ1 steps. β = 0 has the λ of the other.
    """
    lengths = [max(1, base.epochs // part) for part in (8, 4, 2)]
    runs = []
    for epochs in lengths:
        here = paper_recipe(base, 2, epochs)
        sparse = chosen(here, "s-fc", "beta-lasso", betas[-1])
        pair = [sparse.replace(beta=0.0), sparse]
        factor = lengths[-1] / epochs
        runs += [chosen(here, "s-fc"), *pair, *(raised(config, factor) for config in pair)]
    return runs


def _momentum(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return SGD by parts of what was chosen for it, and both methods with η ten times as large.

    With momentum 0.9 a gradient moves a weight by η times 1 + 0.9 + 0.9² + … = 10 in the end: the
    larger η has that step without momentum. β-LASSO keeps its pull λη and its threshold βλ.
    """
    here = paper_recipe(base, 2, base.epochs // 2)
    plain, tuned = sgd(here, "s-fc"), chosen(here, "s-fc")
    parts = [plain, plain.replace(weight_decay=5e-4), tuned.replace(weight_decay=0.0), tuned]
    sparse = chosen(here, "s-fc", "beta-lasso", betas[-1])
    step = 10 * here.lr
    return [*parts, plain.replace(lr=step), sparse, raised(sparse, 0.1).replace(lr=step)]


PARTS = (
    desk_study("recipe-precision", "bfloat16 or float32, at α = 8", FLIP_CROP, _precision, 2),
    desk_study("recipe-affine", "Scale, shift and bias, at α = 4", FLIP_CROP, _scale_and_shift),
    _by_recipe("augment-order", "AutoAugment after or before the crop", make=_order),
    desk_study("recipe-cifar100", "CIFAR-100, at α = 8", FLIP_CROP, _cifar100),
    _by_recipe("reach", "Training length, or a larger λ", make=_reach, betas=(0, 50)),
    _by_recipe("momentum", "Momentum, weight decay or a larger step", make=_momentum),
)


# The largest networks that two cores train


def _large(base: Config, *, width: int = 1, length: int = 1) -> Config:
    """Return the setting at α = 32 and the whole length, wider or longer by a factor."""
    return flip_crop_recipe(base, width * LARGEST_WIDTH, length * base.epochs)


def _large_sgd(base: Config, betas: Sequence[float], *, share: float = 1.0) -> list[Config]:
    """Return SGD with a share of the weight decay that `search-augment` chose."""
    run = chosen(_large(base), "s-fc")
    return [regularised(regularised(run, CHOSEN["search-augment"]["sgd"]), share)]


def _large_beta_lasso(base: Config, betas: Sequence[float], *, augment: str) -> list[Config]:
    """Return the largest β with frozen zeros; λ is that of `l1_of`.

    With flips and crops alone by the factor that `search-augment` chose.
    """
    here = _large(base).replace(augment=augment)
    factor = CHOSEN["search-augment"]["beta-lasso"] if augment == "flip-crop" else 1.0
    return [regularised(beta_lasso(here, betas[-1], frozen_zeros=True), factor)]


def _large_searched(
    base: Config, betas: Sequence[float], *, threshold: bool = True, frozen: bool = False
) -> list[Config]:
    """Return the largest β with what `search-flips` chose, or β = 0 with the same λ."""
    sparse = chosen_flip_crop(_large(base), "s-fc", "beta-lasso", betas[-1])
    return [sparse.replace(frozen_zeros=frozen) if threshold else without_threshold(sparse)]


def _larger(base: Config, betas: Sequence[float], *, width: int, length: int) -> list[Config]:
    """Return β = 50 with frozen zeros, and SGD, wider or longer by a factor.

    SGD has half the weight decay that was chosen at α = 8, which was better at α = 32.
    """
    here = _large(base, width=width, length=length)
    dense, sparse = flip_crop_methods(here, ("s-fc",), betas[-1:])
    return [sparse.replace(frozen_zeros=True), regularised(dense, 0.5)]


_one_seed = partial(desk_study, setting=FLIP_CROP, seeds=1)
LARGEST = (
    _one_seed(
        "showpiece",
        "α = 32 on two cores: β = 50",
        make=partial(_large_beta_lasso, augment="flip-crop"),
    ),
    _one_seed(
        "showpiece-searched",
        "α = 32: β = 50 with η and λ of α = 8",
        make=partial(_large_searched, frozen=True),
    ),
    _one_seed("showpiece-free", "α = 32: the same, and zeros may return", make=_large_searched),
    _one_seed(
        "showpiece-zero",
        "α = 32: β = 0 with the same η and λ",
        make=partial(_large_searched, threshold=False),
    ),
    _one_seed("showpiece-sgd", "α = 32 on two cores: SGD", make=_large_sgd),
    _one_seed(
        "showpiece-decay",
        "α = 32: SGD with half the weight decay",
        make=partial(_large_sgd, share=0.5),
    ),
    _one_seed(
        "showpiece-autoaugment",
        "α = 32 on two cores: β = 50 with AutoAugment",
        setting=RECIPE,
        make=partial(_large_beta_lasso, augment="autoaugment"),
    ),
    _one_seed(
        "showpiece-windows",
        "α = 32: S-LOCAL and S-CONV",
        make=lambda base, betas: flip_crop_methods(_large(base), ("s-local", "s-conv")),
    ),
    _one_seed(
        "showpiece-long",
        "α = 32: β = 50 and SGD, four times as long",
        make=partial(_larger, width=1, length=4),
    ),
    _one_seed("showpiece-wide", "α = 64: β = 50 and SGD", make=partial(_larger, width=2, length=1)),
)


# Flips and crops in place of AutoAugment, every method searched at α = 8


def _searched(
    base: Config, betas: Sequence[float], *, width: int, models: Sequence[str], part: int = 2
) -> list[Config]:
    """Return networks by SGD and every β, as long as a part of the whole length."""
    return flip_crop_methods(flip_crop_recipe(base, width, base.epochs // part), models, betas)


def _lengths(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return SGD, S-LOCAL and the largest β at each length, as `chosen_flip_crop` has them."""
    runs = []
    for epochs in (base.epochs // 4, base.epochs // 2, base.epochs, 4 * base.epochs):
        here = flip_crop_recipe(base, WIDEST, epochs)
        runs += flip_crop_methods(here, ("s-fc", "s-local"), betas[-1:])
    return runs


def _half_decay(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return SGD and S-LOCAL at the greater lengths, where a smaller weight decay may be better."""
    runs = [run for run in _lengths(base, betas) if run.optimizer == "sgd"]
    return [regularised(run, 0.5) for run in runs if run.epochs >= base.epochs]


def _one_lambda(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return a short and a long training of the largest β, with λ of the one between them."""
    _, middle, *_ = (run for run in _lengths(base, betas) if run.beta)
    return [middle.replace(epochs=epochs) for epochs in (max(1, base.epochs // 4), base.epochs)]


_as_searched = partial(_searched, width=WIDEST, part=8)
FLIPS = (
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
    desk_study(
        "flips",
        "Flips and crops at α = 8",
        FLIP_CROP,
        partial(_searched, width=WIDEST, models=("s-fc", "s-local")),
        betas=(50,),
    ),
    desk_study(
        "flips-others",
        "Flips and crops at α = 8: S-CONV, 3-FC, β = 0",
        FLIP_CROP,
        partial(_searched, width=WIDEST, models=("s-conv", "3-fc")),
        betas=(0,),
    ),
    desk_study(
        "flips-beyond",
        "Flips and crops at α = 16",
        FLIP_CROP,
        partial(_searched, width=WIDTH_BEYOND, models=("s-fc", "s-local")),
        betas=(0, 50),
    ),
    desk_study("recipe-length", "Training length at α = 8", FLIP_CROP, _lengths, 2),
    desk_study(
        "recipe-length-decay", "The same lengths with half the decay", FLIP_CROP, _half_decay, 2
    ),
    desk_study(
        "recipe-length-l1", "Training length with one λ, at α = 8", FLIP_CROP, _one_lambda, 1
    ),
)

STUDIES = (*AT_WIDTHS, *PARTS, *LARGEST, *FLIPS)
