"""The methods that are compared at equal budgets, and the run of each."""

import math

from lcs import data
from lcs.config import CUT_BETWEEN_PERIODS, Config
from lcs.exhibits.shared import settings
from lcs.exhibits.shared.methods import B50
from lcs.exhibits.shared.searches import values_over

# share of the first layer's weights that a budget aims at; of the candidates the nearest is taken
AIMS = {"many": 0.05, "few": 0.005}

ITERATIVE = "iterative"
# those with masks: optimizer and pruning
MASKED = {
    "ℓ1 sub-gradient": ("beta-lasso", "magnitude"),
    "proximal ℓ1": ("proximal-l1", "magnitude"),
    "spred": ("spred", "magnitude"),
    "one-shot": ("sgd", "magnitude"),
    ITERATIVE: ("sgd", "rewinding"),
    "gradual": ("sgd", "gradual"),
    "SET": ("sgd", "set"),
    "RigL": ("sgd", "rigl"),
    "SNIP": ("sgd", "snip"),
    "random": ("sgd", "random"),
    "windows": ("sgd", "windows"),
}
# those that are searched in the wider network, beside dense SGD
MASKED_WIDER = ("one-shot", "gradual", "random", "windows")
# the others, but iterative pruning
OTHERS_WIDER = tuple(name for name in MASKED if name not in (*MASKED_WIDER, ITERATIVE))


def even_length(base: Config, parts: int = 16, width: int = 1) -> Config:
    """Return what all runs share, with an even number of epochs: two parts of the length."""
    return settings.sized(base, width).replace(epochs=2 * max(1, base.epochs // parts))


def sparse(here: Config, share: float) -> Config:
    """Return β = 50 at a share of the λ that `search-flips` chose, at this length."""
    return settings.regularised(settings.chosen_flip_crop(here, *B50), share)


def thresholded(here: Config, at: str) -> list[Config]:
    """Return β = 50 at a budget, the same with frozen zeros, and its threshold with hardly any ℓ1.

    The budget is that of the first alone.
    """
    own = sparse(here, budget(at)["share"])
    return [own, own.replace(frozen_zeros=True), settings.scaled_l1(own, 1e-3)]


def unmasked(here: Config, optimizer: str = "sgd") -> Config:
    """Return SGD or a method with ℓ1 as `search-flips` chose it; all ℓ1 have that of β = 0."""
    base = "sgd" if optimizer == "sgd" else "beta-lasso"
    return settings.chosen_flip_crop(here, "s-fc", base).replace(optimizer=optimizer)


def masked(here: Config, name: str, at: str = "many") -> Config:
    """Return a method with masks at a budget, otherwise as `search-flips` chose it without them."""
    optimizer, pruning = MASKED[name]
    half = here.epochs // 2
    fields: dict[str, object] = {n: budget(at)[n] for n in ("density", "density_rest")}
    if pruning in CUT_BETWEEN_PERIODS:
        fields["period"] = half
    if pruning == "rewinding":
        fields["epochs"] = 8 * half  # at four times the cost of the others
    if optimizer == "spred":
        fields["momentum"] = 0.9
    return unmasked(here, optimizer).replace(pruning=pruning, **fields)


def erdos_renyi(config: Config) -> Config:
    """Return a run with as many weights, each layer's density as (n_in + n_out) / (n_in n_out).

    A layer that would pass 1 is dense, and the other has the rest (Evci et al., ICML 2020).
    """
    first, second, _ = (layer.weights for layer in config.layer_sizes().values())
    inputs = math.prod(data.spec(config.dataset).image_shape)
    units = first // inputs
    whole = config.density * first + config.densities["fc1"] * second
    each = whole / (inputs + units + units + second // units)
    rest = max(whole - first, min(second, each * (units + second // units)))
    kept = whole - rest
    return config.replace(density=round(kept / first, 9), density_rest=round(rest / second, 9))


def restarted(here: Config, at: str, search: str) -> list[Config]:
    """Return dense SGD and β = 50 with the learning rate of one-shot pruning, which begins anew.

    Dense SGD also has what the search chose for one-shot pruning.
    """
    again = {"schedule": "cosine-restart", "period": here.epochs // 2}
    both = as_one_shot(here, search), sparse(here, budget(at)["share"])
    return [run.replace(**again) for run in both]


def as_one_shot(here: Config, search: str) -> Config:
    """Return dense SGD with what a search chose for one-shot pruning."""
    return settings.with_values(
        unmasked(here), **settings.CHOSEN[search][" ".join(MASKED["one-shot"])]
    )


# What the searches vary, and what they chose


def key(config: Config) -> str:
    """Return the key of a method in `chosen.json`; iterative pruning takes what one-shot has."""
    pruning = "magnitude" if config.pruning == "rewinding" else config.pruning
    return f"{config.optimizer} {pruning}"


def values(config: Config) -> dict[str, float]:
    """Return what the searches vary: η, and weight decay or λ over what `search-flips` chose."""
    return values_over(config, unmasked(Config(epochs=settings.SEARCH_EPOCHS), config.optimizer))


def budget(name: str) -> dict[str, float]:
    """Return the share of λ of a budget, of `AIMS` or "wider", and the density of each layer."""
    if name == "wider":
        return settings.CHOSEN["search-wider-budget"]["β = 50"]
    return settings.CHOSEN["search-budgets"][name]


def tuned(config: Config, search: str = "search-pruning-long") -> Config:
    """Return a run with what a search chose for its method."""
    return settings.with_values(config, **settings.CHOSEN[search][key(config)])
