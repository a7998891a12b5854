"""What the chapter trains: at each width, at several lengths, at α = 32, parts of the recipe."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from lcs.config import Config
from lcs.exhibits.compare import without_threshold
from lcs.exhibits.methods import B50, NETWORKS
from lcs.exhibits.settings import (
    CHOSEN,
    FLIP_CROP,
    FLIP_CROP_LONG,
    FLIP_CROP_SHORT,
    RECIPE,
    SHARE_AT_WIDTH,
    WIDTH_BEYOND,
    WIDTHS,
    beta_lasso,
    chosen,
    desk_study,
    flip_crop_methods,
    regularised,
    scaled_l1,
    sgd,
    sized,
)

WIDEST, LARGEST_WIDTH = WIDTHS[-1], 32


# At each width, with AutoAugment


def methods(
    base: Config,
    betas: Sequence[float] = (50,),
    *,
    widths: Sequence[int] = (WIDEST,),
    models: Sequence[str] = ("s-fc",),
    one_lambda: bool = False,
) -> list[Config]:
    """Return networks by SGD, and each β, by the λ of each width, or proximal ℓ1 too by one λ."""
    runs = []
    for width in widths:
        here = sized(base, width, 1 / 2)
        runs += [chosen(here, model) for model in models]
        runs += [chosen(here, "s-fc", "proximal-l1")] if one_lambda else []
        for beta in betas:
            share = SHARE_AT_WIDTH[width] if beta and not one_lambda else 0.0
            runs.append(chosen(here, "s-fc", "beta-lasso", beta, share=share))
    return runs


def _same_lambda(base: Config) -> list[Config]:
    """Return SGD, and β = 50, β = 0 and the proximal step with the same λ."""
    runs = methods(base)
    return [*runs, without_threshold(runs[-1]), proximal(runs[-1])]


def proximal(config: Config) -> Config:
    """Return the same run with the LASSO's own step, and the same λ; SGD as it is."""
    if config.optimizer == "sgd":
        return config
    return without_threshold(config).replace(optimizer="proximal-l1")


_by_recipe = partial(desk_study, setting=RECIPE)
_every_method = partial(
    methods, betas=(0, 1, 50), models=("s-conv", "s-local", "3-fc", "s-fc"), one_lambda=True
)
AT_WIDTHS = (
    # the largest width apart, for it takes as long as all others
    _by_recipe(
        "scaling",
        "The paper's recipe at growing width",
        make=partial(_every_method, widths=WIDTHS[:-1]),
    ),
    _by_recipe("scaling-wide", "The paper's recipe at α = 8", make=_every_method),
    _by_recipe(
        "scaling-own",
        "λ of β = 50 chosen at each width",
        make=partial(methods, betas=(0, 50), widths=WIDTHS, models=("s-local", "s-fc")),
    ),
    _by_recipe(
        "scaling-beyond",
        "β = 50, β = 0 and SGD at α = 16",
        make=partial(methods, betas=(0, 50), widths=(WIDTH_BEYOND,)),
        seeds=1,
    ),
    _by_recipe("scaling-threshold", "Threshold or λ, at α = 8", make=_same_lambda),
    _by_recipe("scaling-seeds", "SGD and β = 50 at α = 8, more seeds", make=methods, seeds=8),
)


# With flips and crops, every method as `search-flips` chose


def _flips(
    base: Config,
    betas: Sequence[float] = (50,),
    *,
    models: Sequence[str] = ("s-fc",),
    width: int = WIDEST,
    length: float = 1 / 2,
) -> list[Config]:
    """Return networks by SGD, and every β, for a part of the whole length."""
    return flip_crop_methods(sized(base, width, length), models, betas)


# Single parts of the recipe


def _precision(base: Config) -> list[Config]:
    """Return SGD and β = 50, products in bfloat16 and in float32."""
    runs = _flips(base)
    return [run.replace(precision=precision) for run in runs for precision in ("bf16", "fp32")]


def _scale_and_shift(base: Config) -> list[Config]:
    """Return both at α = 4, with batch normalisation that scales and shifts, and with biases."""
    runs = _flips(base, width=4)
    affine, biased = ([run.replace(**{name: True}) for run in runs] for name in ("affine", "bias"))
    return [*runs, *affine, *biased]


def _order(base: Config) -> list[Config]:
    """Return both at α = 2, with AutoAugment after flips and crops, and before them."""
    runs = methods(base, widths=(2,))
    return [*runs, *(run.replace(augment="autoaugment-first") for run in runs)]


def _cifar100(base: Config) -> list[Config]:
    """Return every network on CIFAR-100, with the hyperparameters of CIFAR-10."""
    data = base if base.dataset == "digits" else base.replace(dataset="cifar100")
    return _flips(data, (0, 50), models=("s-conv", "s-local", "s-fc"))


def _reach(base: Config) -> list[Config]:
    """Return three lengths by the paper's recipe, and the shorter ones with as much reach.

    Where the length is shorter by a factor, λ is larger and β smaller by it: the threshold βλ is
    that of the longest, and so is, nearly, the sum of all ℓ1 steps. β = 0 has the λ of the other.
    """
    lengths = [sized(base, 2, length) for length in (1 / 8, 1 / 4, 1 / 2)]
    runs = []
    for here in lengths:
        sparse = chosen(here, *B50)
        pair = [sparse.replace(beta=0.0), sparse]
        factor = lengths[-1].epochs / here.epochs
        runs += [chosen(here, "s-fc"), *pair, *(scaled_l1(config, factor) for config in pair)]
    return runs


def _momentum(base: Config) -> list[Config]:
    """Return SGD by parts of what was chosen for it, and both methods with η ten times as large.

    With momentum 0.9 a gradient moves a weight by η times 1 + 0.9 + 0.9² + … = 10 in the end: the
    larger η has that step without momentum. β-LASSO keeps its pull λη and its threshold βλ.
    """
    here = sized(base, 2, 1 / 2)
    plain, tuned = sgd(here, "s-fc"), chosen(here, "s-fc")
    parts = [plain, plain.replace(weight_decay=5e-4), tuned.replace(weight_decay=0.0), tuned]
    sparse = chosen(here, *B50)
    step = 10 * here.lr
    return [*parts, plain.replace(lr=step), sparse, scaled_l1(sparse, 0.1).replace(lr=step)]


PARTS = (
    desk_study("recipe-precision", "bfloat16 or float32, at α = 8", FLIP_CROP, _precision, 2),
    desk_study("recipe-affine", "Scale, shift and bias, at α = 4", FLIP_CROP, _scale_and_shift),
    _by_recipe("augment-order", "AutoAugment after or before the crop", make=_order),
    desk_study("recipe-cifar100", "CIFAR-100, at α = 8", FLIP_CROP, _cifar100),
    _by_recipe("reach", "Training length, or a larger λ", make=_reach),
    _by_recipe("momentum", "Momentum, weight decay or a larger step", make=_momentum),
)


# The largest networks of the desk


def _large(base: Config) -> list[Config]:
    """Return β = 50 with frozen zeros and λ of `l1_of`, and SGD, by `search-augment`."""
    here, factors = sized(base, LARGEST_WIDTH), CHOSEN["search-augment"]
    runs = [beta_lasso(here, 50, frozen_zeros=True), chosen(here, "s-fc")]
    return [regularised(run, factors[run.optimizer]) for run in runs]


def _large_flips(base: Config, width: int = LARGEST_WIDTH, length: float = 1) -> list[Config]:
    """Return β = 50 with frozen zeros, and SGD, by `search-flips`."""
    # half the weight decay that was chosen at α = 8 was better at α = 32
    dense, sparse = _flips(base, width=width, length=length)
    return [sparse.replace(frozen_zeros=True), regularised(dense, 0.5)]


_largest = partial(desk_study, setting=FLIP_CROP, seeds=1)
_compared = partial(_largest, seeds=3)
LARGEST = (
    _largest("largest", "α = 32: β = 50", make=lambda base: _large(base)[:1]),
    _largest(
        "largest-searched",
        "α = 32: β = 50 with η and λ of α = 8, frozen zeros",
        make=lambda base: _large_flips(base)[:1],
    ),
    _compared(
        "largest-free",
        "α = 32: β = 50 with η and λ of α = 8, zeros may return",
        make=lambda base: [_large_flips(base)[0].replace(frozen_zeros=False)],
    ),
    _largest(
        "largest-zero",
        "α = 32: β = 0 with the same η and λ",
        make=lambda base: [without_threshold(_large_flips(base)[0])],
    ),
    _largest("largest-sgd", "α = 32: SGD", make=lambda base: _large(base)[1:]),
    _compared(
        "largest-decay",
        "α = 32: SGD with half the weight decay",
        make=lambda base: [regularised(_large(base)[1], 0.5)],
    ),
    _largest(
        "largest-autoaugment",
        "α = 32: β = 50 with AutoAugment",
        setting=RECIPE,
        make=lambda base: [beta_lasso(sized(base, LARGEST_WIDTH), 50, frozen_zeros=True)],
    ),
    *(
        _compared(
            f"largest-{model[2:]}",
            f"α = 32: {NETWORKS[model]}",
            make=partial(_flips, betas=(), models=(model,), width=LARGEST_WIDTH, length=1),
        )
        for model in ("s-local", "s-conv")
    ),
    _largest(
        "largest-long",
        "α = 32: β = 50, frozen zeros, and SGD, four times as long",
        make=partial(_large_flips, length=4),
    ),
    _largest(
        "largest-wide",
        "α = 64: β = 50, frozen zeros, and SGD",
        make=partial(_large_flips, width=2 * LARGEST_WIDTH),
    ),
)


# Every method and several lengths at α = 8, and α = 16


def _lengths(base: Config, lengths: Sequence[float] = (1 / 4, 1 / 2, 1)) -> list[Config]:
    """Return SGD, S-LOCAL and β = 50 at each length."""
    every = partial(_flips, base, models=("s-fc", "s-local"))
    return [run for length in lengths for run in every(length=length)]


def _half_decay(base: Config) -> list[Config]:
    """Return SGD and S-LOCAL at the greater lengths, where a smaller weight decay may be better."""
    runs = _lengths(base, (1, 4))
    return [regularised(run, 0.5) for run in runs if run.optimizer == "sgd"]


def _one_lambda(base: Config) -> list[Config]:
    """Return shorter and longer trainings of β = 50, with λ of 200 epochs."""
    short, middle, long = (run for run in _lengths(base) if run.beta)
    return [middle.replace(epochs=run.epochs) for run in (short, long)]


_by_flips = partial(desk_study, setting=FLIP_CROP)
FLIPS = (
    desk_study(
        "recipe-length-search",
        "Test images at α = 8, as long as the search",
        FLIP_CROP_SHORT,
        partial(_flips, length=1 / 8),
    ),
    desk_study(
        "recipe-length-search-local",
        "S-LOCAL, as long as the search",
        FLIP_CROP_SHORT,
        partial(_flips, betas=(), models=("s-local",), length=1 / 8),
    ),
    _by_flips(
        "flips", "Flips and crops at α = 8", make=partial(_flips, models=("s-fc", "s-local"))
    ),
    _by_flips(
        "flips-others",
        "Flips and crops at α = 8: S-CONV, 3-FC, β = 0",
        make=partial(_flips, betas=(0,), models=("s-conv", "3-fc")),
    ),
    _by_flips(
        "flips-beyond",
        "Flips and crops at α = 16",
        make=partial(_flips, betas=(0, 50), models=("s-fc", "s-local"), width=WIDTH_BEYOND),
    ),
    _by_flips("recipe-length", "Training length at α = 8", make=_lengths, seeds=2),
    desk_study(
        "recipe-length-long",
        "Eight times the length at α = 8",
        FLIP_CROP_LONG,
        partial(_lengths, lengths=(4,)),
        seeds=2,
    ),
    _by_flips(
        "recipe-length-decay", "The same lengths with half the decay", make=_half_decay, seeds=2
    ),
    _by_flips(
        "recipe-length-l1", "Training length with one λ, at α = 8", make=_one_lambda, seeds=1
    ),
    desk_study(
        "recipe-length-long-l1",
        "Eight times the length with the same λ, at α = 8",
        FLIP_CROP_LONG,
        lambda base: [run.replace(epochs=4 * base.epochs) for run in _one_lambda(base)[1:]],
        seeds=1,
    ),
)

STUDIES = (*AT_WIDTHS, *PARTS, *LARGEST, *FLIPS)
