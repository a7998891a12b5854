"""Depth, and starts from trained networks: a convolution, and the mask of a first layer.

S-FC that starts from a trained S-CONV (d'Ascoli et al., 2019), deep networks, as a reviewer asked,
and D-FC with masks made from a first layer that β-LASSO has trained.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from lcs.analysis.claims import Claim, Finding, exceeds, meant, ours
from lcs.config import Config
from lcs.exhibits.shared.declare import Studies
from lcs.exhibits.shared.methods import B50, CONV, SGD, SHALLOW, Method
from lcs.exhibits.shared.searches import Rule, Search, network_key
from lcs.exhibits.shared.settings import (
    CHOSEN,
    FLIP_CROP,
    FLIP_CROP_SHORT,
    chosen,
    flip_crop_methods,
    sized,
)

if TYPE_CHECKING:
    import pandas as pd

# of the runs that start from S-CONV, and of the deep ones
WIDTH, WIDE, DEEP_WIDTH = 2, 8, 1
# candidates for every network, deep or not: η, and weight decays of SGD or shares of λ of β = 50
RATES, DECAYS, DEEP_SHARES = (0.03, 0.1, 0.3), (5e-4, 2e-3), (0.1, 0.3)
L1_RATES = (0.1, 0.3, 1.0)  # of β = 50, which has no momentum
DEEP = ("d-conv", "d-local", "d-fc")
# what D-FC by SGD takes of D-FC by β = 50
FOOTPRINTS = ("footprints", "scattered-footprints", "first-mask")

STUDIES = Studies()
_study = partial(STUDIES.add, setting=FLIP_CROP_SHORT)


# A start from S-CONV


_network_or_source = Rule(lambda c: network_key(c) if c.source else "S-CONV", lambda c: c.lr)


def _started_at(rates: Mapping[str, Sequence[float]], here: list[Config]) -> list[Config]:
    """Return S-CONV, the first of some runs, and each of them from it, at its optimizer's rates."""
    started = [run.replace(start="network", source=here[0].as_source) for run in here]
    return [here[0], *(run.replace(lr=lr) for run in started for lr in rates[run.optimizer])]


@_study(kind=Search, rule=_network_or_source)
def search_convolution(base: Config) -> list[Config]:
    """From S-CONV, on validation."""
    rates = {"sgd": (1.0, 0.3, 0.1, 0.01), "beta-lasso": (3.0, 1.0, 0.3, 0.1)}
    return _started_at(rates, flip_crop_methods(sized(base, WIDTH, 1 / 8), SHALLOW, [50]))


@STUDIES.add(FLIP_CROP, kind=Search, rule=_network_or_source)
def search_convolution_wide(base: Config) -> list[Config]:
    """From S-CONV at α = 8, on validation."""
    rates = {"sgd": (0.1, 0.03, 0.01), "beta-lasso": (1.0, 0.3, 0.1)}
    return _started_at(rates, flip_crop_methods(sized(base, WIDE, 1 / 4), ("s-conv", "s-fc"), [50]))


def _from_convolution(here: list[Config], whole: list[Config], search: str) -> list[Config]:
    """Return S-CONV, some runs from it for as long, and those that are as long in all."""
    found = CHOSEN[search]
    started = [
        run.replace(start="network", source=here[0].as_source, lr=found[network_key(run)])
        for run in here
    ]
    return [here[0], *started, *whole]


@_study(after=("search-convolution",))
def from_convolution(base: Config) -> list[Config]:
    """A start from S-CONV."""
    half, whole = (
        flip_crop_methods(sized(base, WIDTH, length), SHALLOW, [50]) for length in (1 / 8, 1 / 4)
    )
    return _from_convolution(half, whole, "search-convolution")


def _at_width_8(base: Config, search: str) -> list[Config]:
    """Return a start from S-CONV with a search's learning rates; S-LOCAL has random weights."""
    half = flip_crop_methods(sized(base, WIDE, 1 / 4), ("s-conv", "s-fc"), [50])
    whole = flip_crop_methods(sized(base, WIDE, 1 / 2), SHALLOW, [50])
    return _from_convolution(half, whole, search)


@STUDIES.add(FLIP_CROP, after=("search-convolution-wide",))
def from_convolution_wide(base: Config) -> list[Config]:
    """A start from S-CONV at α = 8."""
    return _at_width_8(base, "search-convolution-wide")


@STUDIES.add(FLIP_CROP, after=("search-convolution",))
def from_convolution_first_rates(base: Config) -> list[Config]:
    """A start from S-CONV at α = 8, with the learning rates that were chosen at α = 2."""
    return _at_width_8(base, "search-convolution")


# Deep networks


def _sparse(here: Config, model: str, lr: float, share: float) -> Config:
    run = chosen(here.replace(momentum=0.0), "s-fc", "beta-lasso", 50, share=share)
    return run.replace(model=model, lr=lr)


def _deep_values(config: Config) -> dict[str, float]:
    """Return what `search-deeper` varies: η, and weight decay or the share of λ."""
    if config.optimizer == "sgd":
        return {"lr": config.lr, "weight_decay": config.weight_decay}
    return {"lr": config.lr, "share": round(config.l1 / CHOSEN["search"][B50.key]["l1"], 9)}


@_study(kind=Search, rule=Rule(network_key, _deep_values))
def search_deeper(base: Config) -> list[Config]:
    """Deep networks, on validation."""
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
    """Deep networks."""
    here, found = sized(base, DEEP_WIDTH, 1 / 8).replace(momentum=0.9), CHOSEN["search-deeper"]
    plain = [here.replace(model=name, **found[f"{name} sgd"]) for name in (*DEEP, *SHALLOW)]
    sparse = [_sparse(here, name, **found[f"{name} beta-lasso"]) for name in ("d-fc", "s-fc")]
    return [*plain, *sparse]


@_study(after=("search-deeper",))
def deeper_long(base: Config) -> list[Config]:
    """D-FC for as long as finding a mask and training with it take together."""
    dense = next(run for run in deeper(base) if run.model == "d-fc")
    return [dense.replace(epochs=2 * dense.epochs)]


@_study(
    kind=Search,
    rule=Rule(lambda c: network_key(c) if c.source else "source", _deep_values),
    after=("search-deeper",),
)
def search_footprints(base: Config) -> list[Config]:
    """Deep networks with the first layer's footprints, on validation."""
    plain, sparse = (run for run in deeper(base) if run.model == "d-fc")
    started = plain.replace(start="footprints", source=sparse.as_source)
    grid = itertools.product(RATES, DECAYS)
    return [sparse, *(started.replace(lr=lr, weight_decay=decay) for lr, decay in grid)]


@_study(after=("search-deeper", "search-footprints"))
def footprints(base: Config) -> list[Config]:
    """Deep networks with the first layer's footprints."""
    plain, sparse = (run for run in deeper(base) if run.model == "d-fc")
    own = plain.replace(**CHOSEN["search-footprints"][network_key(plain)])
    return [sparse, *(own.replace(start=s, source=sparse.as_source) for s in FOOTPRINTS)]


@_study(after=("search-deeper", "search-footprints"))
def rewired_first_mask(base: Config) -> list[Config]:
    """Deep networks with the first layer's mask, rewired."""
    sparse, *started = footprints(base)
    (own,) = (run for run in started if run.start == "first-mask")
    return [sparse, own.replace(start="rewired-first-mask")]


# Claims


def _depth_does_not_help(runs: pd.DataFrame) -> Finding:
    """Return what depth adds to LOCAL and FC, by SGD.

    There is no verdict: the claim is of 4000 epochs, and after 400 depth helps LOCAL in the paper
    too. D-FC and S-FC, which the paper has of one size, are not of one size here.
    """
    from lcs.analysis.compare import paired

    local = paired(meant(runs, "D-LOCAL"), meant(runs, "S-LOCAL"))
    full = paired(meant(runs, "D-FC"), meant(runs, "SGD"))
    value = f"depth adds {local:+} points to LOCAL (to FC, with more weights, {full:+})"
    return Finding(value, said="not testable: the claim is of longer training")


_DEEP_FC, _DEEP_B50 = Method("d-fc")._asdict(), B50._replace(model="d-fc")._asdict()

CLAIMS = {
    "Without weight sharing, depth does not help": Claim(
        "P", "deeper", _depth_does_not_help, "Table 1"
    ),
    **{
        f"S-FC by {name} that starts from S-CONV is better than {text}": ours(
            "from-convolution",
            exceeds({"start": "network", **who._asdict()}, {"start": start, **other._asdict()}),
            also=("from-convolution-wide",),
        )
        for name, who in (("SGD", SGD), ("β = 50", B50))
        for text, start, other in (
            ("from random weights, as long in all", "initial", who),
            ("S-CONV trained on for as long", "network", CONV),
        )
    },
    **{
        f"In D-FC by SGD, footprints of the first layer in later ones are better than {text}": ours(
            "footprints", exceeds({"start": "footprints"}, {"start": start})
        )
        for start, text in (
            ("scattered-footprints", "scattered ones"),
            ("first-mask", "all of their weights"),
        )
    },
    "D-FC by SGD is better with the first layer's mask of β = 50 than with this mask rewired": ours(
        "footprints + rewired-first-mask",
        exceeds({"start": "first-mask"}, {"start": "rewired-first-mask"}),
    ),
    "In D-FC, β = 50 is better than SGD": ours("deeper", exceeds(_DEEP_B50, _DEEP_FC)),
    "With β = 50, D-FC is better than S-FC": ours("deeper", exceeds(_DEEP_B50, B50._asdict())),
}
