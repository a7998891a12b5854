"""The runs at equal budgets, and the searches that choose budgets and hyperparameters."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from lcs import data
from lcs.config import CUT_BETWEEN_PERIODS, Config
from lcs.exhibits.settings import (
    BETA_50,
    CHOSEN,
    FLIP_CROP,
    chosen,
    desk_study,
    flip_crop_recipe,
    raised,
    regularised,
)
from lcs.runs import Record

WIDTH = 4
# candidates for λ of β = 50, in shares of what `search` chose at 50 epochs
SHARES = (0.06, 0.08, 0.1, 0.17, 0.21)
# share of the first layer's weights that a budget aims at; of the candidates the nearest is taken
AIMS = {"many": 0.05, "few": 0.005}
# until `search-budgets` has chosen
UNTIL_CHOSEN: dict[str, dict[str, float]] = {
    "many": {"share": 0.08, "density": 0.05, "density_rest": 0.95},
    "few": {"share": 0.2, "density": 0.005, "density_rest": 0.75},
}

B50, STAYING, NO_L1 = "β = 50", "β = 50, zeros stay", "threshold without ℓ1"
# those with masks: optimizer and pruning
MASKED = {
    "ℓ1 sub-gradient, cut": ("beta-lasso", "magnitude"),
    "proximal ℓ1, cut": ("proximal-l1", "magnitude"),
    "spred, cut": ("spred", "magnitude"),
    "one-shot": ("sgd", "magnitude"),
    "iterative, rewound": ("sgd", "rewinding"),
    "gradual": ("sgd", "gradual"),
    "SET": ("sgd", "set"),
    "RigL": ("sgd", "rigl"),
    "SNIP": ("sgd", "snip"),
    "random mask": ("sgd", "random"),
    "S-LOCAL's windows": ("sgd", "windows"),
}
RIVALS = (B50, STAYING, NO_L1, *MASKED)
# compared at the Erdős–Rényi allocation too
WITH_ALLOCATION = ("gradual", "SET", "RigL", "random mask")
# iterative pruning takes so many periods of half the others' epochs: four times their cost
ROUNDS = 8
# candidates for every method: learning rates and shares of weight decay or λ. A step of spred is
# as small as the weights
RATES, L1_RATES, SPRED_RATES = (0.03, 0.1, 0.3), (0.1, 0.3, 1.0), (0.3, 1.0, 3.0)
FACTORS = (0.25, 1.0, 2.0)


def rival(config: Config) -> str:
    """Return the name of a run's method, one of `RIVALS`."""
    for name, fields in MASKED.items():
        if (config.optimizer, config.pruning) == fields:
            return name
    if config.beta > 50:
        return NO_L1
    return STAYING if config.frozen_zeros else B50


# Studies


def _here(base: Config, parts: int) -> Config:
    """Return what all runs share, for twice as many epochs as one of the parts has."""
    epochs = 2 * max(1, base.epochs // parts)
    return flip_crop_recipe(base, WIDTH, epochs)


def _sparse(here: Config, share: float, beta: float) -> Config:
    rate = CHOSEN["search-flips"][BETA_50]["lr"]
    return chosen(here, "s-fc", "beta-lasso", beta, share=share).replace(lr=rate)


def _masked(here: Config, name: str, budget: dict[str, float]) -> Config:
    """Return a method with masks, and with weight decay and λ as `search` chose without them."""
    optimizer, pruning = MASKED[name]
    half = here.epochs // 2
    fields: dict[str, object] = {"density": budget["density"], **_searched(optimizer)}
    if pruning in CUT_BETWEEN_PERIODS:
        fields["period"] = half
    if pruning == "rewinding":
        fields["epochs"] = ROUNDS * half
    if optimizer == "spred":
        fields |= {"momentum": 0.9, "lr": SPRED_RATES[1]}
    rest = budget["density_rest"]
    return here.replace(optimizer=optimizer, pruning=pruning, density_rest=rest, **fields)


def _searched(optimizer: str) -> dict[str, float]:
    """Return what `search` chose for a method without masks; spred has the same ℓ1 penalty."""
    known = "proximal-l1" if optimizer == "spred" else optimizer
    return dict(CHOSEN["search"][f"s-fc {known} 0"])


def _budgets(base: Config, betas: Sequence[float]) -> list[Config]:
    here = _here(base, 4).replace(validation=True)
    return [_sparse(here, share, betas[-1]) for share in SHARES]


def _search(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return every method's candidates at the larger budget, a quarter as long."""
    here, found = _here(base, 16).replace(validation=True), _budget("many")
    runs = (_masked(here, n, found) for n in MASKED if n != "iterative, rewound")
    return [
        regularised(run, factor).replace(lr=rate)
        for run in runs
        for rate in {"sgd": RATES, "spred": SPRED_RATES}.get(run.optimizer, L1_RATES)
        for factor in FACTORS
    ]


def _rivals(base: Config, betas: Sequence[float]) -> list[Config]:
    here, runs = _here(base, 4), []
    for found in map(_budget, AIMS):
        sparse = _sparse(here, found["share"], betas[-1])
        runs += [sparse, sparse.replace(frozen_zeros=True), raised(sparse, 1e-3)]
        runs += [tuned(_masked(here, name, found)) for name in MASKED]
    return runs


def _allocated(base: Config, betas: Sequence[float]) -> list[Config]:
    here = _here(base, 4)
    return [
        tuned(erdos_renyi(_masked(here, name, found)))
        for found in map(_budget, AIMS)
        for name in WITH_ALLOCATION
    ]


def _budget(name: str) -> dict[str, float]:
    return CHOSEN["search-budgets"].get(name, UNTIL_CHOSEN[name])


def key(config: Config) -> str:
    """Return the key of a method in `chosen.json`; iterative pruning takes what one-shot has."""
    pruning = "magnitude" if config.pruning == "rewinding" else config.pruning
    return f"{config.optimizer} {pruning}"


def regularisation(config: Config) -> float:
    """Return weight decay or λ over what `search` chose."""
    name = "weight_decay" if config.optimizer == "sgd" else "l1"
    return round(getattr(config, name) / _searched(config.optimizer)[name], 9)


def tuned(config: Config) -> Config:
    """Return a run with what `search-pruning` chose for its method.

    λ stays in the longer runs: in `search-long` ℓ1 methods without a threshold kept theirs.
    """
    found = CHOSEN["search-pruning"].get(key(config), {"lr": config.lr, "factor": 1.0})
    return regularised(config, found["factor"]).replace(lr=found["lr"])


def budgets(records: Sequence[Record]) -> dict[str, dict[str, float]]:
    """Return what `search-budgets` chooses: λ whose run comes nearest to each of `AIMS`."""
    reference = chosen(records[0].config, "s-fc", "beta-lasso", 50, share=1.0).l1
    left = [
        [record.final["nonzeros"][n] / record.final["weights"][n] for n in ("conv1", "fc1")]
        for record in records
    ]
    found = {}
    for name, aim in AIMS.items():
        place = int(np.argmin([abs(np.log(first / aim)) for first, _ in left]))
        first, second = (round(share, 6) for share in left[place])
        share = round(records[place].config.l1 / reference, 9)
        found[name] = {"share": share, "density": first, "density_rest": second}
    return found


def erdos_renyi(config: Config) -> Config:
    """Return a run with as many weights, each layer's density as (n_in + n_out) / (n_in n_out).

    A layer that would pass 1 is dense, and the other has the rest (Evci et al., ICML 2020).
    """
    first, second, _ = (layer.weights for layer in config.layer_sizes().values())
    inputs = int(np.prod(data.spec(config.dataset).image_shape))
    units = first // inputs
    whole = config.density * first + (config.density_rest or config.density) * second
    each = whole / (inputs + units + units + second // units)
    # layers' counts, if none passes its size
    rest = min(second, each * (units + second // units))
    kept = min(first, whole - rest)
    return config.replace(density=round(kept / first, 9), density_rest=round(rest / second, 9))


SEARCHES = ("search-budgets", "search-pruning")
_compared = partial(desk_study, setting=FLIP_CROP, betas=(50,), after=SEARCHES)

STUDIES = (
    desk_study(
        "search-budgets", "Weights that β = 50 leaves, over λ", FLIP_CROP, _budgets, 1, (50,)
    ),
    desk_study(
        "search-pruning",
        "Pruning and sparse training, on validation",
        FLIP_CROP,
        _search,
        1,
        (50,),
        after=SEARCHES[:1],
    ),
    _compared("rivals", "Rivals at as few weights", make=_rivals),
    _compared("rivals-er", "Rivals allocated otherwise", make=_allocated),
)
