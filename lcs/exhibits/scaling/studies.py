"""What the chapter trains: at each width, at several lengths, at α = 32, parts of the recipe."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from lcs.config import Config
from lcs.exhibits.compare import without_threshold
from lcs.exhibits.methods import NETWORKS
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
    flip_crop_recipe,
    paper_recipe,
    regularised,
    scaled_l1,
    sgd,
)

WIDEST, LARGEST_WIDTH = WIDTHS[-1], 32


# At each width, with AutoAugment


def methods(
    base: Config,
    betas: Sequence[float],
    *,
    widths: Sequence[int] = (WIDEST,),
    models: Sequence[str] = ("s-fc",),
    one_lambda: bool = False,
) -> list[Config]:
    """Return networks by SGD, and each β, by the λ of each width, or proximal ℓ1 too by one λ."""
    runs = []
    for width in widths:
        here = paper_recipe(base, width, base.epochs // 2)
        runs += [chosen(here, model) for model in models]
        runs += [chosen(here, "s-fc", "proximal-l1")] if one_lambda else []
        for beta in betas:
            share = SHARE_AT_WIDTH[width] if beta and not one_lambda else 0.0
            runs.append(chosen(here, "s-fc", "beta-lasso", beta, share=share))
    return runs


def _same_lambda(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return SGD, and the largest β, β = 0 and the proximal step with the same λ."""
    runs = methods(base, betas[-1:])
    return [*runs, without_threshold(runs[-1]), proximal(runs[-1])]


def proximal(config: Config) -> Config:
    """Return the same run with the LASSO's own step, and the same λ; SGD as it is."""
    if config.optimizer == "sgd":
        return config
    return without_threshold(config).replace(optimizer="proximal-l1")


_by_recipe = partial(desk_study, setting=RECIPE)
_every_method = partial(methods, models=("s-conv", "s-local", "3-fc", "s-fc"), one_lambda=True)
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
        make=partial(methods, widths=WIDTHS, models=("s-local", "s-fc")),
        betas=(0, 50),
    ),
    _by_recipe(
        "scaling-beyond",
        "β = 50, β = 0 and SGD at α = 16",
        make=partial(methods, widths=(WIDTH_BEYOND,)),
        seeds=1,
        betas=(0, 50),
    ),
    _by_recipe("scaling-threshold", "Threshold or λ, at α = 8", make=_same_lambda),
    _by_recipe(
        "scaling-seeds", "SGD and β = 50 at α = 8, more seeds", make=methods, seeds=8, betas=(50,)
    ),
)


# With flips and crops, every method as `search-flips` chose


def _flips(
    base: Config,
    betas: Sequence[float],
    *,
    models: Sequence[str] = ("s-fc",),
    width: int = WIDEST,
    length: float = 0.5,
) -> list[Config]:
    """Return networks by SGD, and every β, for a part of the whole length."""
    here = flip_crop_recipe(base, width, int(length * base.epochs))
    return flip_crop_methods(here, models, betas)


# Single parts of the recipe


def _precision(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return SGD and the largest β, products in bfloat16 and in float32."""
    runs = _flips(base, betas[-1:])
    return [run.replace(precision=precision) for run in runs for precision in ("bf16", "fp32")]


def _scale_and_shift(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return both at α = 4, with batch normalisation that scales and shifts, and with biases."""
    runs = _flips(base, betas[-1:], width=4)
    affine, biased = ([run.replace(**{name: True}) for run in runs] for name in ("affine", "bias"))
    return [*runs, *affine, *biased]


def _order(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return both at α = 2, with AutoAugment after flips and crops, and before them."""
    runs = methods(base, betas[-1:], widths=(2,))
    return [*runs, *(run.replace(augment="autoaugment-first") for run in runs)]


def _cifar100(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return every network on CIFAR-100, with the hyperparameters of CIFAR-10."""
    data = base if base.dataset == "digits" else base.replace(dataset="cifar100")
    return _flips(data, (0, betas[-1]), models=("s-conv", "s-local", "s-fc"))


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
        runs += [chosen(here, "s-fc"), *pair, *(scaled_l1(config, factor) for config in pair)]
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
    return [*parts, plain.replace(lr=step), sparse, scaled_l1(sparse, 0.1).replace(lr=step)]


PARTS = (
    desk_study("recipe-precision", "bfloat16 or float32, at α = 8", FLIP_CROP, _precision, 2),
    desk_study("recipe-affine", "Scale, shift and bias, at α = 4", FLIP_CROP, _scale_and_shift),
    _by_recipe("augment-order", "AutoAugment after or before the crop", make=_order),
    desk_study("recipe-cifar100", "CIFAR-100, at α = 8", FLIP_CROP, _cifar100),
    _by_recipe("reach", "Training length, or a larger λ", make=_reach, betas=(0, 50)),
    _by_recipe("momentum", "Momentum, weight decay or a larger step", make=_momentum),
)


# The largest networks of the desk


def _large(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return the largest β with frozen zeros and λ of `l1_of`, and SGD, by `search-augment`."""
    here, factors = flip_crop_recipe(base, LARGEST_WIDTH, base.epochs), CHOSEN["search-augment"]
    runs = [beta_lasso(here, betas[-1], frozen_zeros=True), chosen(here, "s-fc")]
    return [regularised(run, factors[run.optimizer]) for run in runs]


def _large_flips(
    base: Config, betas: Sequence[float], *, width: int = LARGEST_WIDTH, length: int = 1
) -> list[Config]:
    """Return the largest β with frozen zeros, and SGD, by `search-flips`."""
    # half the weight decay that was chosen at α = 8 was better at α = 32
    dense, sparse = _flips(base, betas[-1:], width=width, length=length)
    return [sparse.replace(frozen_zeros=True), regularised(dense, 0.5)]


_largest = partial(desk_study, setting=FLIP_CROP, seeds=1)
_compared = partial(_largest, seeds=3)
LARGEST = (
    _largest("largest", "α = 32: β = 50", make=lambda *at: _large(*at)[:1]),
    _largest(
        "largest-searched",
        "α = 32: β = 50 with η and λ of α = 8, frozen zeros",
        make=lambda *at: _large_flips(*at)[:1],
    ),
    _compared(
        "largest-free",
        "α = 32: β = 50 with η and λ of α = 8, zeros may return",
        make=lambda *at: [_large_flips(*at)[0].replace(frozen_zeros=False)],
    ),
    _largest(
        "largest-zero",
        "α = 32: β = 0 with the same η and λ",
        make=lambda *at: [without_threshold(_large_flips(*at)[0])],
    ),
    _largest("largest-sgd", "α = 32: SGD", make=lambda *at: _large(*at)[1:]),
    _compared(
        "largest-decay",
        "α = 32: SGD with half the weight decay",
        make=lambda *at: [regularised(_large(*at)[1], 0.5)],
    ),
    _largest(
        "largest-autoaugment",
        "α = 32: β = 50 with AutoAugment",
        setting=RECIPE,
        make=lambda base, betas: [
            beta_lasso(paper_recipe(base, LARGEST_WIDTH, base.epochs), betas[-1], frozen_zeros=True)
        ],
    ),
    *(
        _compared(
            f"largest-{model[2:]}",
            f"α = 32: {NETWORKS[model]}",
            make=partial(_flips, models=(model,), width=LARGEST_WIDTH, length=1),
            betas=(),
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


def _lengths(
    base: Config, betas: Sequence[float], *, lengths: Sequence[float] = (0.25, 0.5, 1)
) -> list[Config]:
    """Return SGD, S-LOCAL and the largest β at each length."""
    every = partial(_flips, base, betas[-1:], models=("s-fc", "s-local"))
    return [run for length in lengths for run in every(length=length)]


def _half_decay(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return SGD and S-LOCAL at the greater lengths, where a smaller weight decay may be better."""
    runs = _lengths(base, betas, lengths=(1, 4))
    return [regularised(run, 0.5) for run in runs if run.optimizer == "sgd"]


def _one_lambda(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return shorter and longer trainings of the largest β, with λ of 200 epochs."""
    short, middle, long = (run for run in _lengths(base, betas) if run.beta)
    return [middle.replace(epochs=run.epochs) for run in (short, long)]


_by_flips = partial(desk_study, setting=FLIP_CROP)
FLIPS = (
    desk_study(
        "recipe-length-search",
        "Test images at α = 8, as long as the search",
        FLIP_CROP_SHORT,
        partial(_flips, length=1 / 8),
        betas=(50,),
    ),
    desk_study(
        "recipe-length-search-local",
        "S-LOCAL, as long as the search",
        FLIP_CROP_SHORT,
        partial(_flips, models=("s-local",), length=1 / 8),
        betas=(),
    ),
    _by_flips(
        "flips",
        "Flips and crops at α = 8",
        make=partial(_flips, models=("s-fc", "s-local")),
        betas=(50,),
    ),
    _by_flips(
        "flips-others",
        "Flips and crops at α = 8: S-CONV, 3-FC, β = 0",
        make=partial(_flips, models=("s-conv", "3-fc")),
        betas=(0,),
    ),
    _by_flips(
        "flips-beyond",
        "Flips and crops at α = 16",
        make=partial(_flips, models=("s-fc", "s-local"), width=WIDTH_BEYOND),
        betas=(0, 50),
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
        lambda base, betas: [
            run.replace(epochs=4 * base.epochs) for run in _one_lambda(base, betas)[1:]
        ],
        seeds=1,
    ),
)

STUDIES = (*AT_WIDTHS, *PARTS, *LARGEST, *FLIPS)
