"""Runs of the chapter: a λ that grows outside a window, a start from S-CONV, and deep networks."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from functools import partial
from typing import Any

from lcs import data
from lcs.config import Config
from lcs.exhibits import compare
from lcs.exhibits.methods import B50
from lcs.exhibits.searches import Rule, Search, relative
from lcs.exhibits.settings import (
    CHOSEN,
    FLIP_CROP,
    FLIP_CROP_SHORT,
    WIDTHS,
    Studies,
    chosen,
    chosen_flip_crop,
    flip_crop_methods,
    regularised,
    sized,
    with_values,
)
from lcs.shapes import stack_and_hidden

WIDTH, WIDEST, DEEP_WIDTH = 2, WIDTHS[-1], 1
# growth of λ with each row or column outside the window
GROWTHS = (0.01, 0.1, 1.0)
# sides of windows beside the usual 9, and growths from a single pixel
SIZES, PIXEL_GROWTHS = (5, 13, 17), (0.1, 0.3, 1.0)
# deeper: candidates for every network: η, and weight decays of SGD or shares of λ of β = 50
RATES, DECAYS, DEEP_SHARES = (0.03, 0.1, 0.3), (5e-4, 2e-3), (0.1, 0.3)
L1_RATES = (0.1, 0.3, 1.0)  # of β = 50, which has no momentum
DEEP = ("d-conv", "d-local", "d-fc")
SHALLOW = ("s-conv", "s-local", "s-fc")
# what D-FC by SGD takes of D-FC by β = 50, and what tables call it
FOOTPRINTS = {
    "footprints": "first layer's footprints",
    "scattered-footprints": "the same, scattered",
    "first-mask": "first layer's mask alone",
}
MASKS = FOOTPRINTS | {"rewired-first-mask": "first layer's mask, rewired"}

STUDIES = Studies()
_study = partial(STUDIES.add, setting=FLIP_CROP_SHORT)
_long = partial(STUDIES.add, setting=FLIP_CROP, seeds=1)
_search = partial(STUDIES.add, kind=Search, setting=FLIP_CROP_SHORT)


def key(config: Config) -> str:
    """Return the key of a network and its optimizer in `chosen.json`."""
    return f"{config.model} {config.optimizer}"


def _networks(base: Config, length: float = 1 / 8) -> list[Config]:
    """Return every shallow network with SGD, and S-FC with β = 50."""
    return flip_crop_methods(sized(base, WIDTH, length), SHALLOW, [50])


# λ that grows outside a window


@_study()
def banded(base: Config) -> list[Config]:
    """λ that grows outside a window.

    Return β = 50 at two λ, and β = 0 at the larger, each with every growth; and the others.
    """
    *plain, own = _networks(base)
    sparse = [own, regularised(own, 0.1), compare.without_threshold(own)]
    grown = [run.replace(l1_growth=growth) for run in sparse for growth in GROWTHS]
    return [*plain, *sparse, *grown]


def _grown(
    base: Config, width: int = WIDTH, growths: Sequence[float] = GROWTHS, **windows: Any
) -> list[Config]:
    """Return β = 50 with every growth, outside windows that fields of `Config` describe."""
    own = chosen_flip_crop(sized(base, width, 1 / 8), *B50)
    return [own.replace(l1_growth=growth, **windows) for growth in growths]


@_study()
def banded_learned(base: Config) -> list[Config]:
    """Windows that follow the weights."""
    return _grown(base, l1_window="learned")


@_study()
def banded_initial(base: Config) -> list[Config]:
    """Windows at random places."""
    return _grown(base, l1_window="initial")


@_study()
def banded_sizes(base: Config) -> list[Config]:
    """Random windows of other sizes.

    Return the fastest growth outside windows of every size that fits.
    """
    grown = partial(_grown, base, growths=GROWTHS[-1:], l1_window="initial")
    side, *_ = data.spec(base.dataset).image_shape
    return [run for size in SIZES if size <= side for run in grown(l1_window_size=size)]


@_study()
def banded_pixel(base: Config) -> list[Config]:
    """λ that grows with the distance from a random pixel."""
    return _grown(base, growths=PIXEL_GROWTHS, l1_window="initial", l1_window_size=1)


def _wide(base: Config, windows: Sequence[str], length: float = 1 / 8) -> list[Config]:
    """Return SGD, S-LOCAL and β = 50 at α = 8, and β = 50 with the fastest growth."""
    *plain, own = flip_crop_methods(sized(base, WIDEST, length), SHALLOW[1:], [50])
    grown = [own.replace(l1_growth=GROWTHS[-1], l1_window=window) for window in windows]
    return [*plain, own, *grown]


@_study()
def banded_wide(base: Config) -> list[Config]:
    """λ that grows outside a window, at α = 8."""
    return _wide(base, windows=("grid", "initial", "learned"))


@_long()
def banded_long(base: Config) -> list[Config]:
    """Windows that follow the weights at α = 8 for 200 epochs."""
    return _wide(base, windows=("learned",), length=1 / 2)


@_study()
def banded_scattered(base: Config) -> list[Config]:
    """Random windows of scattered pixels at α = 8.

    Each unit has as many pixels with the usual λ: the order of the pixels is all that changes.
    """
    return _grown(
        base, width=WIDEST, growths=GROWTHS[-1:], l1_window="initial", permute_pixels=True
    )


@_study()
def masked(base: Config) -> list[Config]:
    """S-LOCAL's windows as a fixed mask of S-FC, at α = 8.

    Return S-FC by SGD with the learning rate and weight decay of S-FC, and of S-LOCAL.
    """
    import torch

    from lcs.models import LocallyConnected2d, dense_weight

    like = flip_crop_methods(sized(base, WIDEST, 1 / 8), ("s-fc", "s-local"))
    layers, _ = stack_and_hidden("s-fc", **data.spec(base.dataset).network, base_channels=1)
    with torch.device("meta"):  # no weights are drawn
        local = LocallyConnected2d(layers[0])
    windows = dense_weight(torch.ones(local.weight.shape), layers[0])
    mask = {"pruning": "windows", "density": float(windows.mean()), "density_rest": 1.0}
    return [run.replace(model="s-fc", **mask) for run in like]


def _random_windows(own: Config, l1_growth: float, share: float, lr: float) -> Config:
    return with_values(own, lr, share).replace(l1_growth=l1_growth, l1_window="initial")


def growth_values(config: Config) -> dict[str, float]:
    """Return what `search-growth` varies."""
    share = relative(config, chosen_flip_crop(config, *B50))
    return {"l1_growth": config.l1_growth, "share": share, "lr": config.lr}


@_search(rule=Rule(key, growth_values))
def search_growth(base: Config) -> list[Config]:
    """Random windows at α = 8, on validation.

    Return β = 50 with every growth, with every λ as a share of that without, and every η.
    """
    (own,) = _grown(base, WIDEST, [0.0])
    grid = itertools.product((0.3, 1.0, 3.0), (0.3, 1.0), (0.1, 0.3))
    return [_random_windows(own, *candidate) for candidate in grid]


@_study(after=("search-growth",))
def banded_searched(base: Config) -> list[Config]:
    """Random windows at α = 8, as searched."""
    *plain, own = _wide(base, windows=())
    return [*plain, _random_windows(own, **CHOSEN["search-growth"][key(own)])]


@_study()
def banded_uniform(base: Config) -> list[Config]:
    """As much λ everywhere.

    Return β = 50 with the λ that a growth of `GROWTHS[1]` has in layer 1 on average.

    What growth gains over this is not due to a larger λ.
    """
    from lcs.optim.growing_l1 import relative_l1

    (own,) = _grown(base, growths=[0.0])
    layers, _ = stack_and_hidden("s-fc", **data.spec(own.dataset).network, base_channels=1)
    factor = round(float(relative_l1(layers[0], GROWTHS[1]).mean()), 2)
    return [own.replace(l1=round(factor * own.l1, 12), l1_rest=own.rest_l1)]


# A start from S-CONV


@_search(rule=Rule(lambda c: key(c) if c.source else "S-CONV", lambda c: c.lr))
def search_convolution(base: Config) -> list[Config]:
    """From S-CONV, on validation.

    Return S-CONV, and every network trained on from it at each rate.
    """
    networks = _networks(base)
    started = [run.replace(start="network", source=networks[0].as_source) for run in networks]
    rates = {"sgd": (1.0, 0.3, 0.1, 0.01), "beta-lasso": (3.0, 1.0, 0.3, 0.1)}
    return [networks[0], *(r.replace(lr=lr) for r in started for lr in rates[r.optimizer])]


@_study(after=("search-convolution",))
def from_convolution(base: Config) -> list[Config]:
    """A start from S-CONV.

    Return S-CONV, what is trained on from it, and the same without a start, as long in all.
    """
    half, whole = _networks(base), _networks(base, 1 / 4)
    found = CHOSEN["search-convolution"]
    started = [
        run.replace(start="network", source=half[0].as_source, lr=found[key(run)]) for run in half
    ]
    return [half[0], *started, *whole]


# Deep networks


def _sparse(here: Config, model: str, lr: float, share: float) -> Config:
    run = chosen(here.replace(momentum=0.0), "s-fc", "beta-lasso", 50, share=share)
    return run.replace(model=model, lr=lr)


def _deep_values(config: Config) -> dict[str, float]:
    """Return what `search-deeper` varies: η, and weight decay or the share of λ."""
    if config.optimizer == "sgd":
        return {"lr": config.lr, "weight_decay": config.weight_decay}
    return {"lr": config.lr, "share": round(config.l1 / CHOSEN["search"][B50.key]["l1"], 9)}


@_search(rule=Rule(key, _deep_values))
def search_deeper(base: Config) -> list[Config]:
    """Deep networks, on validation.

    Return every network with SGD, and the fully connected ones with β = 50: six candidates.
    """
    here = sized(base, DEEP_WIDTH, 1 / 8).replace(momentum=0.9)
    plain = [
        here.replace(model=model, lr=lr, weight_decay=decay)
        for model, lr, decay in itertools.product((*DEEP, *SHALLOW), RATES, DECAYS)
    ]
    sparse = [
        _sparse(here, *candidate)
        for candidate in itertools.product(("d-fc", "s-fc"), L1_RATES, DEEP_SHARES)
    ]
    return [*plain, *sparse]


@_study(after=("search-deeper",))
def deeper(base: Config) -> list[Config]:
    """Deep networks.

    Return every network with what `search-deeper` chose.
    """
    here, found = sized(base, DEEP_WIDTH, 1 / 8).replace(momentum=0.9), CHOSEN["search-deeper"]
    plain = [here.replace(model=name, **found[f"{name} sgd"]) for name in (*DEEP, *SHALLOW)]
    sparse = [_sparse(here, name, **found[f"{name} beta-lasso"]) for name in ("d-fc", "s-fc")]
    return [*plain, *sparse]


@_search(
    rule=Rule(lambda c: key(c) if c.source else "source", _deep_values), after=("search-deeper",)
)
def search_footprints(base: Config) -> list[Config]:
    """Deep networks with the first layer's footprints, on validation.

    Return D-FC by β = 50, and by SGD with its footprints: six candidates.
    """
    plain, sparse = (run for run in deeper(base) if run.model == "d-fc")
    started = plain.replace(start="footprints", source=sparse.as_source)
    grid = itertools.product(RATES, DECAYS)
    return [sparse, *(started.replace(lr=lr, weight_decay=decay) for lr, decay in grid)]


@_study(after=("search-deeper", "search-footprints"))
def footprints(base: Config) -> list[Config]:
    """Deep networks with the first layer's footprints.

    Return D-FC by β = 50, and by SGD with masks that are made from it.
    """
    plain, sparse = (run for run in deeper(base) if run.model == "d-fc")
    own = plain.replace(**CHOSEN["search-footprints"][key(plain)])
    return [sparse, *(own.replace(start=s, source=sparse.as_source) for s in FOOTPRINTS)]


@_study(after=("search-deeper", "search-footprints"))
def rewired_first_mask(base: Config) -> list[Config]:
    """Deep networks with the first layer's mask, rewired.

    Return D-FC by β = 50, and by SGD with as many weights of every unit and of every input of its
    first layer at random places.
    """
    sparse, *started = footprints(base)
    (own,) = (run for run in started if run.start == "first-mask")
    return [sparse, own.replace(start="rewired-first-mask")]
