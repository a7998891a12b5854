"""Runs of the chapter: a λ that grows outside a window, a start from S-CONV, and deep networks."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from functools import partial

from lcs import data
from lcs.config import Config
from lcs.exhibits import compare
from lcs.exhibits.methods import B50
from lcs.exhibits.searches import Rule, relative
from lcs.exhibits.settings import (
    CHOSEN,
    FLIP_CROP,
    FLIP_CROP_SHORT,
    WIDTHS,
    chosen,
    chosen_flip_crop,
    desk_study,
    flip_crop_methods,
    flip_crop_recipe,
    regularised,
)
from lcs.shapes import stack_and_hidden

WIDTH, DEEP_WIDTH = 2, 1
# banded: growth of λ with each row or column outside the window, and shares of λ within it
GROWTHS, SHARES = (0.01, 0.1, 1.0), (1.0, 0.1)
# random windows at α = 8: candidates of the growth, of λ as a share of that without, and of η
GROWTHS_WIDE, SHARES_WIDE, RATES_WIDE = (0.3, 1.0, 3.0), (0.3, 1.0), (0.1, 0.3)
# from a convolution: candidates of η by optimizer
CONVOLUTION_RATES = {"sgd": (1.0, 0.3, 0.1, 0.01), "beta-lasso": (3.0, 1.0, 0.3, 0.1)}
# deeper: candidates for every network: η, and weight decays of SGD or shares of λ of β = 50
RATES, DECAYS, DEEP_SHARES = (0.03, 0.1, 0.3), (5e-4, 2e-3), (0.1, 0.3)
L1_RATES = (0.1, 0.3, 1.0)  # of β = 50, which has no momentum
# what the searches vary
SEARCHED = {
    "search-growth": ("lr", "l1", "l1_growth"),
    "search-convolution": ("lr",),
    "search-deeper": ("lr", "weight_decay", "l1"),
}
DEEP = ("d-conv", "d-local", "d-fc")
SHALLOW = ("s-conv", "s-local", "s-fc")


def setting(base: Config, width: int, parts: int) -> Config:
    """Return the recipe with flips and crops, of a part of the whole length."""
    return flip_crop_recipe(base, width, base.epochs // parts)


def _banded(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return β = 50 at two λ, and β = 0 at the larger, each with every growth; and the others."""
    here = setting(base, WIDTH, 8)
    *plain, own = flip_crop_methods(here, SHALLOW, betas[-1:])
    sparse = [regularised(own, share) for share in SHARES]
    sparse.append(compare.without_threshold(sparse[0]))
    grown = [run.replace(l1_growth=growth) for run in sparse for growth in GROWTHS]
    return [*plain, *sparse, *grown]


def _uniform(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return β = 50 with the λ that a growth of `GROWTHS[1]` has in layer 1 on average, everywhere.

    What growth gains over this is not due to a larger λ.
    """
    from lcs.optim.growing_l1 import relative_l1

    (own,) = flip_crop_methods(setting(base, WIDTH, 8), (), betas[-1:])
    side, _, channels = data.spec(own.dataset).image_shape
    layers, _ = stack_and_hidden(
        own.model, 1, image_size=side, in_channels=channels, base_channels=1
    )
    factor = round(float(relative_l1(layers[0], GROWTHS[1]).mean()), 2)
    return [own.replace(l1=round(factor * own.l1, 12), l1_rest=own.rest_l1)]


def _moved(base: Config, betas: Sequence[float], *, window: str) -> list[Config]:
    """Return β = 50 with every growth, windows around where each unit has most of its mass."""
    (own,) = flip_crop_methods(setting(base, WIDTH, 8), (), betas[-1:])
    return [own.replace(l1_growth=growth, l1_window=window) for growth in GROWTHS]


def _wide(
    base: Config, betas: Sequence[float], *, parts: int, windows: Sequence[str]
) -> list[Config]:
    """Return SGD, S-LOCAL and β = 50 at α = 8, and β = 50 with the fastest growth."""
    *plain, own = flip_crop_methods(setting(base, WIDTHS[-1], parts), SHALLOW[1:], betas[-1:])
    grown = [own.replace(l1_growth=GROWTHS[-1], l1_window=window) for window in windows]
    return [*plain, own, *grown]


def _scattered(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return β = 50 at α = 8 with windows in a fixed order of the pixels that is not the images'.

    Nothing else changes for a fully connected network: each unit has as many pixels with the usual
    λ, at as many places.
    """
    (own,) = flip_crop_methods(setting(base, WIDTHS[-1], 8), (), betas[-1:])
    grown = own.replace(l1_growth=GROWTHS[-1], l1_window="initial")
    return [grown.replace(permute_pixels=True)]


def _search_growth(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return β = 50 at α = 8 with random windows: every growth with every λ and η."""
    here = setting(base, WIDTHS[-1], 8).replace(validation=True)
    (own,) = flip_crop_methods(here, (), betas[-1:])
    grid = itertools.product(GROWTHS_WIDE, SHARES_WIDE, RATES_WIDE)
    return [_random_windows(own, *candidate) for candidate in grid]


def _searched_growth(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return SGD and S-LOCAL, and β = 50 with random windows as `search-growth` chose."""
    here = setting(base, WIDTHS[-1], 8)
    *plain, own = flip_crop_methods(here, SHALLOW[1:], betas[-1:])
    best = CHOSEN["search-growth"].get(key(own))
    values = (best["l1_growth"], best["share"], best["lr"]) if best else (GROWTHS[-1], 1.0, own.lr)
    return [*plain, _random_windows(own, *values)]


def _random_windows(own: Config, growth: float, share: float, lr: float) -> Config:
    return regularised(own, share).replace(l1_growth=growth, l1_window="initial", lr=lr)


def growth_values(config: Config) -> dict[str, float]:
    """Return what `search-growth` varies."""
    share = relative(config, chosen_flip_crop(config, *B50))
    return {"l1_growth": config.l1_growth, "share": share, "lr": config.lr}


def _search_convolution(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return S-CONV, and every network trained on from it at each rate."""
    here = setting(base, WIDTH, 8).replace(validation=True)
    networks = flip_crop_methods(here, SHALLOW, betas[-1:])
    started = [run.replace(start="network", source=networks[0].stem) for run in networks]
    rates = CONVOLUTION_RATES
    return [networks[0], *(r.replace(lr=lr) for r in started for lr in rates[r.optimizer])]


def _from_convolution(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return S-CONV, what is trained on from it, and the same without a start, as long in all."""
    half = flip_crop_methods(setting(base, WIDTH, 8), SHALLOW, betas[-1:])
    whole = flip_crop_methods(setting(base, WIDTH, 4), SHALLOW, betas[-1:])
    found = CHOSEN["search-convolution"]
    started = [
        run.replace(start="network", source=half[0].stem, lr=found.get(key(run), run.lr))
        for run in half
    ]
    return [half[0], *started, *whole]


def _search_deeper(base: Config, betas: Sequence[float]) -> list[Config]:
    here = setting(base, DEEP_WIDTH, 8).replace(validation=True, momentum=0.9)
    plain = [
        here.replace(model=model, lr=lr, weight_decay=decay)
        for model in (*DEEP, *SHALLOW)
        for lr in RATES
        for decay in DECAYS
    ]
    sparse = [
        _sparse(here, model, betas[-1], lr, share)
        for model in ("d-fc", "s-fc")
        for lr in L1_RATES
        for share in DEEP_SHARES
    ]
    return [*plain, *sparse]


def _deeper(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return every network with what `search-deeper` chose."""
    here, found = setting(base, DEEP_WIDTH, 8).replace(momentum=0.9), CHOSEN["search-deeper"]
    runs = []
    for model in (*DEEP, *SHALLOW):
        plain = here.replace(model=model, weight_decay=DECAYS[0])
        runs.append(plain.replace(**found.get(key(plain), {})))
    for model in ("d-fc", "s-fc"):
        run = _sparse(here, model, betas[-1], L1_RATES[0], DEEP_SHARES[0])
        best = found.get(key(run), {"lr": run.lr, "share": DEEP_SHARES[0]})
        runs.append(_sparse(here, model, betas[-1], best["lr"], best["share"]))
    return runs


def _sparse(here: Config, model: str, beta: float, lr: float, share: float) -> Config:
    run = chosen(here.replace(momentum=0.0), "s-fc", "beta-lasso", beta, share=share)
    return run.replace(model=model, lr=lr)


def key(config: Config) -> str:
    """Return the key of a network and its optimizer in `chosen.json`."""
    return f"{config.model} {config.optimizer}"


def deep_values(config: Config) -> dict[str, float]:
    """Return what `search-deeper` varies: η, and weight decay or the share of λ."""
    if config.optimizer == "sgd":
        return {"lr": config.lr, "weight_decay": config.weight_decay}
    return {"lr": config.lr, "share": round(config.l1 / CHOSEN["search"][B50.key]["l1"], 9)}


STUDIES = (
    desk_study("banded", "λ that grows outside a window", FLIP_CROP_SHORT, _banded, betas=(50,)),
    *(
        desk_study(
            f"banded-{window}", title, FLIP_CROP_SHORT, partial(_moved, window=window), betas=(50,)
        )
        for window, title in (
            ("learned", "Windows that follow the weights"),
            ("initial", "Windows at random places"),
        )
    ),
    desk_study(
        "banded-wide",
        "λ that grows outside a window, at α = 8",
        FLIP_CROP_SHORT,
        partial(_wide, parts=8, windows=("grid", "initial", "learned")),
        betas=(50,),
    ),
    desk_study(
        "banded-long",
        "Windows that follow the weights at α = 8 for 200 epochs",
        FLIP_CROP,
        partial(_wide, parts=2, windows=("learned",)),
        1,
        (50,),
    ),
    desk_study(
        "banded-scattered",
        "Random windows of scattered pixels at α = 8",
        FLIP_CROP_SHORT,
        _scattered,
        betas=(50,),
    ),
    desk_study(
        "search-growth",
        "Random windows at α = 8, on validation",
        FLIP_CROP_SHORT,
        _search_growth,
        1,
        (50,),
    ),
    desk_study(
        "banded-searched",
        "Random windows at α = 8, as searched",
        FLIP_CROP_SHORT,
        _searched_growth,
        betas=(50,),
        after=("search-growth",),
    ),
    desk_study("banded-uniform", "As much λ everywhere", FLIP_CROP_SHORT, _uniform, betas=(50,)),
    desk_study(
        "search-convolution",
        "From S-CONV, on validation",
        FLIP_CROP_SHORT,
        _search_convolution,
        1,
        (50,),
    ),
    desk_study(
        "from-convolution",
        "A start from S-CONV",
        FLIP_CROP_SHORT,
        _from_convolution,
        betas=(50,),
        after=("search-convolution",),
    ),
    desk_study(
        "search-deeper", "Deep networks, on validation", FLIP_CROP_SHORT, _search_deeper, 1, (50,)
    ),
    desk_study(
        "deeper", "Deep networks", FLIP_CROP_SHORT, _deeper, betas=(50,), after=("search-deeper",)
    ),
)


CHOICES = {
    "search-growth": Rule(key, growth_values),
    "search-convolution": Rule(lambda c: key(c) if c.source else "S-CONV", lambda c: c.lr),
    "search-deeper": Rule(key, deep_values),
}
