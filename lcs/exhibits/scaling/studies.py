"""What the chapter trains: at each width, at several lengths, and the largest networks."""

from collections.abc import Sequence
from functools import partial

from lcs.config import Config
from lcs.exhibits.shared.declare import Studies
from lcs.exhibits.shared.methods import EVERY
from lcs.exhibits.shared.settings import (
    CHOSEN,
    FLIP_CROP,
    FLIP_CROP_LONG,
    FLIP_CROP_SHORT,
    RECIPE,
    SHARE_AT_WIDTH,
    WIDEST,
    WIDTH_BEYOND,
    WIDTHS,
    beta_lasso,
    chosen,
    flip_crop_methods,
    regularised,
    sized,
    without_threshold,
)

LARGEST_WIDTH = 32
# the chapter has tables of all in LARGEST, and of all in FLIPS
AUTOAUGMENT, LARGEST, FLIPS = Studies(), Studies(), Studies()


def flip_crop(
    base: Config,
    betas: Sequence[float] = (50,),
    *,
    models: Sequence[str] = ("s-fc",),
    width: int = WIDEST,
    length: float = 1 / 2,
) -> list[Config]:
    """Return networks by SGD, and every β, with flips and crops, as `search-flips` chose."""
    return flip_crop_methods(sized(base, width, length), models, betas)


# At each width, with AutoAugment

_by_recipe = partial(AUTOAUGMENT.add, setting=RECIPE)


def at_widths(
    base: Config,
    betas: Sequence[float] = (50,),
    *,
    widths: Sequence[int] = (WIDEST,),
    models: Sequence[str] = ("s-fc",),
) -> list[Config]:
    """Return SGD for each network and β-LASSO at each β, at each width.

    λ of β = 50 is the one chosen at that width.
    """
    runs = []
    for width in widths:
        here = sized(base, width, 1 / 2)
        runs += [chosen(here, model) for model in models]
        for beta in betas:
            share = SHARE_AT_WIDTH[width] if beta else None
            runs.append(chosen(here, "s-fc", "beta-lasso", beta, share=share))
    return runs


def _every_method(base: Config, widths: Sequence[int]) -> list[Config]:
    """Return every method at each width, with the λ that was chosen at α = 2."""
    return [chosen(sized(base, width, 1 / 2), *who) for width in widths for who in EVERY]


@_by_recipe()
def scaling(base: Config) -> list[Config]:
    """AutoAugment at growing width.

    All but the largest width, which takes as long as all others.
    """
    return _every_method(base, WIDTHS[:-1])


@_by_recipe()
def scaling_wide(base: Config) -> list[Config]:
    """AutoAugment at α = 8."""
    return _every_method(base, (WIDEST,))


@_by_recipe()
def scaling_own(base: Config) -> list[Config]:
    """λ of β = 50 chosen at each width."""
    return at_widths(base, betas=(0, 50), widths=WIDTHS, models=("s-local", "s-fc"))


@_by_recipe(seeds=1)
def scaling_beyond(base: Config) -> list[Config]:
    """β = 50, β = 0 and SGD at α = 16."""
    return at_widths(base, betas=(0, 50), widths=(WIDTH_BEYOND,))


@_by_recipe()
def scaling_threshold(base: Config) -> list[Config]:
    """Threshold or λ, at α = 8."""
    runs = at_widths(base)
    return [*runs, without_threshold(runs[-1]), proximal(runs[-1])]


@_by_recipe(seeds=8)
def scaling_seeds(base: Config) -> list[Config]:
    """SGD and β = 50 at α = 8, more seeds."""
    return at_widths(base)


def proximal(config: Config) -> Config:
    """Return the same run with the LASSO's own step, and the same λ; SGD as it is."""
    if config.optimizer == "sgd":
        return config
    return without_threshold(config).replace(optimizer="proximal-l1")


# The largest networks of the desk

_largest = partial(LARGEST.add, setting=FLIP_CROP, seeds=1)


def _large(base: Config) -> list[Config]:
    """Return β = 50 with frozen zeros and λ of `l1_of`, and SGD, by `search-augment`."""
    here, factors = sized(base, LARGEST_WIDTH), CHOSEN["search-augment"]
    runs = [beta_lasso(here, 50, frozen_zeros=True), chosen(here, "s-fc")]
    return [regularised(run, factors[run.optimizer]) for run in runs]


def _large_flips(base: Config, width: int = LARGEST_WIDTH, length: float = 1) -> list[Config]:
    """Return β = 50 with frozen zeros, and SGD, by `search-flips`."""
    # half the weight decay that was chosen at α = 8 was better at α = 32
    dense, sparse = flip_crop(base, width=width, length=length)
    return [sparse.replace(frozen_zeros=True), regularised(dense, 0.5)]


@_largest(after=("search-augment",))
def largest(base: Config) -> list[Config]:
    """α = 32: β = 50."""
    return _large(base)[:1]


@_largest()
def largest_searched(base: Config) -> list[Config]:
    """α = 32: β = 50 with η and λ of α = 8, frozen zeros."""
    return _large_flips(base)[:1]


@_largest(seeds=3)
def largest_free(base: Config) -> list[Config]:
    """α = 32: β = 50 with η and λ of α = 8, zeros may return."""
    return [_large_flips(base)[0].replace(frozen_zeros=False)]


@_largest()
def largest_zero(base: Config) -> list[Config]:
    """α = 32: β = 0 with the same η and λ."""
    return [without_threshold(_large_flips(base)[0])]


@_largest(after=("search-augment",))
def largest_sgd(base: Config) -> list[Config]:
    """α = 32: SGD."""
    return _large(base)[1:]


@_largest(seeds=3, after=("search-augment",))
def largest_decay(base: Config) -> list[Config]:
    """α = 32: SGD with half the weight decay."""
    return [regularised(_large(base)[1], 0.5)]


@_largest(setting=RECIPE)
def largest_autoaugment(base: Config) -> list[Config]:
    """α = 32: β = 50 with AutoAugment."""
    return [beta_lasso(sized(base, LARGEST_WIDTH), 50, frozen_zeros=True)]


@_largest(seeds=3)
def largest_local(base: Config) -> list[Config]:
    """α = 32: S-LOCAL."""
    return flip_crop(base, betas=(), models=("s-local",), width=LARGEST_WIDTH, length=1)


@_largest(seeds=3)
def largest_conv(base: Config) -> list[Config]:
    """α = 32: S-CONV."""
    return flip_crop(base, betas=(), models=("s-conv",), width=LARGEST_WIDTH, length=1)


@_largest()
def largest_long(base: Config) -> list[Config]:
    """α = 32: β = 50, frozen zeros, and SGD, four times as long."""
    return _large_flips(base, length=4)


@_largest()
def largest_wide(base: Config) -> list[Config]:
    """α = 64: β = 50, frozen zeros, and SGD."""
    return _large_flips(base, width=2 * LARGEST_WIDTH)


# Every method and several lengths at α = 8, and α = 16

_short, _usual, _long = (
    partial(FLIPS.add, setting=setting) for setting in (FLIP_CROP_SHORT, FLIP_CROP, FLIP_CROP_LONG)
)


def _lengths(base: Config, lengths: Sequence[float] = (1 / 4, 1 / 2, 1)) -> list[Config]:
    """Return SGD, S-LOCAL and β = 50 at each length."""
    every = partial(flip_crop, base, models=("s-fc", "s-local"))
    return [run for length in lengths for run in every(length=length)]


def _one_lambda(base: Config) -> list[Config]:
    """Return shorter and longer trainings of β = 50, with λ of 200 epochs."""
    short, middle, long = (run for run in _lengths(base) if run.beta)
    return [middle.replace(epochs=run.epochs) for run in (short, long)]


@_short()
def recipe_length_search(base: Config) -> list[Config]:
    """Test images at α = 8, as long as the search."""
    return flip_crop(base, length=1 / 8)


@_short()
def recipe_length_search_local(base: Config) -> list[Config]:
    """S-LOCAL, as long as the search."""
    return flip_crop(base, betas=(), models=("s-local",), length=1 / 8)


@_short()
def recipe_length_search_narrow(base: Config) -> list[Config]:
    """Up to α = 4, as long as the search."""
    each = partial(flip_crop, base, models=("s-fc", "s-local"), length=1 / 8)
    return [run for width in (1, 2, 4) for run in each(width=width)]


@_usual()
def flips_narrow(base: Config) -> list[Config]:
    """Flips and crops at α = 4."""
    return flip_crop(base, models=("s-fc", "s-local"), width=4)


@_usual()
def flips(base: Config) -> list[Config]:
    """Flips and crops at α = 8."""
    return flip_crop(base, models=("s-fc", "s-local"))


@_usual()
def flips_others(base: Config) -> list[Config]:
    """Flips and crops at α = 8: S-CONV, 3-FC, β = 0."""
    return flip_crop(base, betas=(0,), models=("s-conv", "3-fc"))


@_usual()
def flips_rate(base: Config) -> list[Config]:
    """SGD with a third of its learning rate at α = 8, flips and crops."""
    return [run.replace(lr=0.03) for run in flip_crop(base, betas=())]


@_usual()
def flips_beyond_rate(base: Config) -> list[Config]:
    """Flips and crops at α = 16, with the learning rates of α = 8."""
    return flip_crop(base, betas=(0, 50), models=("s-fc", "s-local"), width=WIDTH_BEYOND)


@_usual()
def flips_beyond(base: Config) -> list[Config]:
    """Flips and crops at α = 16.

    SGD has the learning rate that was better on validation images, `search-flips-beyond`.
    """
    dense, *others = flips_beyond_rate(base)
    return [dense.replace(lr=0.03), *others]


@_usual(seeds=2)
def recipe_length(base: Config) -> list[Config]:
    """Training length at α = 8."""
    return _lengths(base)


@_long(seeds=2)
def recipe_length_long(base: Config) -> list[Config]:
    """Eight times the length at α = 8."""
    return _lengths(base, lengths=(4,))


@_usual(seeds=2)
def recipe_length_decay(base: Config) -> list[Config]:
    """The same lengths with half the decay.

    SGD at the greater lengths, where a smaller weight decay may be better.
    """
    return [regularised(run, 0.5) for run in _lengths(base, (1, 4)) if not run.beta]


@_usual(seeds=1)
def recipe_length_l1(base: Config) -> list[Config]:
    """Training length with one λ, at α = 8."""
    return _one_lambda(base)


@_long(seeds=1)
def recipe_length_long_l1(base: Config) -> list[Config]:
    """Eight times the length with the same λ, at α = 8."""
    return [run.replace(epochs=4 * base.epochs) for run in _one_lambda(base)[1:]]
