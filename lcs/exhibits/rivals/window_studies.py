"""The runs with a λ that grows outside a window, and the search that chooses growth, λ and η."""

import itertools
from collections.abc import Sequence
from functools import partial
from typing import Any

from lcs import data
from lcs.config import Config
from lcs.exhibits.shared import settings
from lcs.exhibits.shared.declare import Studies
from lcs.exhibits.shared.methods import B50, SHALLOW
from lcs.exhibits.shared.searches import Rule, Search, network_key, relative
from lcs.shapes import stack_and_hidden

WIDTH = 2
# growth of λ with each row or column outside the window
GROWTHS = (0.01, 0.1, 1.0)
# sides of windows beside the usual 9, and growths from a single pixel
SIZES, PIXEL_GROWTHS = (5, 13, 17), (0.1, 0.3, 1.0)

STUDIES = Studies()
_study = partial(STUDIES.add, setting=settings.FLIP_CROP_SHORT)


@_study()
def banded(base: Config) -> list[Config]:
    """λ that grows outside a window."""
    *plain, own = settings.flip_crop_methods(settings.sized(base, WIDTH, 1 / 8), SHALLOW, [50])
    sparse = [own, settings.regularised(own, 0.1), settings.without_threshold(own)]
    grown = [run.replace(l1_growth=growth) for run in sparse for growth in GROWTHS]
    return [*plain, *sparse, *grown]


def _grown(
    base: Config, width: int = WIDTH, growths: Sequence[float] = GROWTHS, **windows: Any
) -> list[Config]:
    """Return β = 50 with every growth, outside windows that fields of `Config` describe."""
    own = settings.chosen_flip_crop(settings.sized(base, width, 1 / 8), *B50)
    return [own.replace(l1_growth=growth, **windows) for growth in growths]


@_study()
def banded_learned(base: Config) -> list[Config]:
    """Windows that follow the weights."""
    return _grown(base, l1_window="learned")


@_study()
def banded_initial(base: Config) -> list[Config]:
    """Windows at random positions."""
    return _grown(base, l1_window="initial")


@_study()
def banded_sizes(base: Config) -> list[Config]:
    """Random windows of other sizes."""
    grown = partial(_grown, base, growths=GROWTHS[-1:], l1_window="initial")
    side, *_ = data.spec(base.dataset).image_shape
    return [run for size in SIZES if size <= side for run in grown(l1_window_size=size)]


@_study()
def banded_pixel(base: Config) -> list[Config]:
    """λ that grows with the distance from a random pixel."""
    return _grown(base, growths=PIXEL_GROWTHS, l1_window="initial", l1_window_size=1)


def _wide(base: Config, windows: Sequence[str], length: float = 1 / 8) -> list[Config]:
    """Return SGD, S-LOCAL and β = 50 at α = 8, and β = 50 with the fastest growth."""
    *plain, own = settings.flip_crop_methods(
        settings.sized(base, settings.WIDEST, length), SHALLOW[1:], [50]
    )
    grown = [own.replace(l1_growth=GROWTHS[-1], l1_window=window) for window in windows]
    return [*plain, own, *grown]


@_study()
def banded_wide(base: Config) -> list[Config]:
    """λ that grows outside a window, at α = 8."""
    return _wide(base, windows=("grid", "initial", "learned"))


@_study(setting=settings.FLIP_CROP, seeds=1)
def banded_long(base: Config) -> list[Config]:
    """Windows that follow the weights at α = 8 for 200 epochs."""
    return _wide(base, windows=("learned",), length=1 / 2)


@_study(setting=settings.FLIP_CROP)
def banded_late(base: Config) -> list[Config]:
    """Windows that follow the weights once these have trained, at α = 8 for 200 epochs.

    Growth sets in after a tenth or a quarter of the epochs; beside it random windows, from the
    start, and as a fixed mask of S-FC by SGD with as many weights as S-LOCAL.
    """
    local, dense, own, at_random, learned = _wide(base, ("initial", "learned"), length=1 / 2)
    late = [learned.replace(l1_growth_from=share) for share in (0.1, 0.25)]
    fixed = dense.replace(**settings.local_mask(base) | {"pruning": "random-windows"})
    return [local, dense, own, at_random, learned, *late, fixed]


@_study()
def banded_scattered(base: Config) -> list[Config]:
    """Random windows of scattered pixels at α = 8.

    Each unit has as many pixels with the usual λ: the order of the pixels is all that changes.
    """
    return _grown(
        base, width=settings.WIDEST, growths=GROWTHS[-1:], l1_window="initial", permute_pixels=True
    )


@_study()
def masked(base: Config) -> list[Config]:
    """S-LOCAL's windows as a fixed mask of S-FC, at α = 8."""
    like = settings.flip_crop_methods(
        settings.sized(base, settings.WIDEST, 1 / 8), ("s-fc", "s-local")
    )
    return [run.replace(model="s-fc", **settings.local_mask(base)) for run in like]


def _random_windows(own: Config, l1_growth: float, share: float, lr: float) -> Config:
    return settings.with_values(own, lr, share).replace(l1_growth=l1_growth, l1_window="initial")


def growth_values(config: Config) -> dict[str, float]:
    """Return what `search-growth` varies."""
    share = relative(config, settings.chosen_flip_crop(config, *B50))
    return {"l1_growth": config.l1_growth, "share": share, "lr": config.lr}


@_study(kind=Search, rule=Rule(network_key, growth_values))
def search_growth(base: Config) -> list[Config]:
    """Random windows at α = 8, on validation."""
    (own,) = _grown(base, settings.WIDEST, [0.0])
    grid = itertools.product((0.3, 1.0, 3.0), (0.3, 1.0), (0.1, 0.3))
    return [_random_windows(own, *candidate) for candidate in grid]


@_study(after=("search-growth",))
def banded_searched(base: Config) -> list[Config]:
    """Random windows at α = 8, as searched."""
    *plain, own = _wide(base, windows=())
    return [*plain, _random_windows(own, **settings.CHOSEN["search-growth"][network_key(own)])]


@_study()
def banded_uniform(base: Config) -> list[Config]:
    """As much λ everywhere.

    What growth gains over this is not due to a larger λ.
    """
    from lcs.optim.growing_l1 import relative_l1

    (own,) = _grown(base, growths=[0.0])
    layers, _ = stack_and_hidden("s-fc", own.network_size)
    factor = round(float(relative_l1(layers[0], GROWTHS[1]).mean()), 2)
    return [own.replace(l1=round(factor * own.l1, 12), l1_rest=own.rest_l1)]
