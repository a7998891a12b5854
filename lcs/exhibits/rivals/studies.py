"""The runs at equal budgets, and the searches that choose budgets and hyperparameters.

Last are those in a wider network and a longer training: α = 4, 200 epochs, iterative pruning 800.
"""

import math
from collections.abc import Sequence
from functools import partial

from lcs import data
from lcs.config import CUT_BETWEEN_PERIODS, Config
from lcs.exhibits.shared import settings
from lcs.exhibits.shared.declare import Studies
from lcs.exhibits.shared.methods import B50
from lcs.exhibits.shared.searches import Rule, Search, choices, method_key, relative, values_over
from lcs.runs import Record

# share of the first layer's weights that a budget aims at; of the candidates the nearest is taken
AIMS = {"many": 0.05, "few": 0.005}

DENSE, ITERATIVE = "SGD, dense", "iterative, rewound"
OWN, STAYING, NO_L1 = "β = 50", "β = 50, frozen zeros", "threshold without ℓ1"
# those with masks: optimizer and pruning
MASKED = {
    "ℓ1 sub-gradient, cut": ("beta-lasso", "magnitude"),
    "proximal ℓ1, cut": ("proximal-l1", "magnitude"),
    "spred, cut": ("spred", "magnitude"),
    "one-shot": ("sgd", "magnitude"),
    ITERATIVE: ("sgd", "rewinding"),
    "gradual": ("sgd", "gradual"),
    "SET": ("sgd", "set"),
    "RigL": ("sgd", "rigl"),
    "SNIP": ("sgd", "snip"),
    "random mask": ("sgd", "random"),
    "S-LOCAL's windows": ("sgd", "windows"),
}
# compared at each budget
RIVALS = (OWN, STAYING, NO_L1, *MASKED)
# without a mask, but with the learning rate of one-shot pruning
RESTARTED = {name: f"{name}, rate restarted" for name in (DENSE, OWN)}
ANEW = "masks of one-shot, trained anew"
# candidates for dense SGD and with masks, by optimizer: learning rate, and weight decay or λ
# over what `search-flips` chose. A step of spred is as small as the weights
CANDIDATES = {
    "sgd": ((0.03, 1.0), (0.1, 1.0), (0.3, 1.0), (1.0, 1.0)),
    "beta-lasso": ((0.3, 0.3), (0.3, 1.0), (0.3, 3.0), (0.3, 10.0)),
    "proximal-l1": ((0.3, 0.3), (0.3, 1.0), (0.3, 3.0), (0.3, 10.0)),
    "spred": ((1.0, 1.0), (1.0, 3.0), (1.0, 10.0), (1.0, 30.0)),
}
# methods with masks that are searched in the wider network, beside dense SGD
MASKED_WIDER = ("one-shot", "gradual", "random mask", "S-LOCAL's windows")
# the others with masks, but iterative pruning
OTHERS_WIDER = tuple(name for name in MASKED if name not in (*MASKED_WIDER, ITERATIVE))
# and candidates there, as above, for dense SGD and those searched
CANDIDATES_WIDER = ((0.1, 1.0), (0.3, 1.0), (0.1, 0.5))


def rival(config: Config) -> str:
    """Return the name of a run's method: `DENSE`, one of `RIVALS`, of `RESTARTED`, or `ANEW`."""
    if config.source:
        return ANEW
    if config.schedule == "cosine-restart":
        return RESTARTED[DENSE if config.optimizer == "sgd" else OWN]
    if (config.optimizer, config.pruning) == ("sgd", "none"):
        return DENSE
    for name, fields in MASKED.items():
        if (config.optimizer, config.pruning) == fields:
            return name
    if config.beta > 50:
        return NO_L1
    return STAYING if config.frozen_zeros else OWN


# Runs


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
    whole = config.density * first + config.rest_density * second
    each = whole / (inputs + units + units + second // units)
    rest = max(whole - first, min(second, each * (units + second // units)))
    kept = whole - rest
    return config.replace(density=round(kept / first, 9), density_rest=round(rest / second, 9))


def restarted(here: Config, at: str, search: str) -> list[Config]:
    """Return dense SGD and β = 50 with the learning rate of one-shot pruning, which begins anew.

    Dense SGD also has what the search chose for one-shot pruning.
    """
    dense = settings.with_values(
        unmasked(here), **settings.CHOSEN[search][key(masked(here, "one-shot", at))]
    )
    again = {"schedule": "cosine-restart", "period": here.epochs // 2}
    return [run.replace(**again) for run in (dense, sparse(here, budget(at)["share"]))]


# What the searches choose


def key(config: Config) -> str:
    """Return the key of a method in `chosen.json`; iterative pruning takes what one-shot has."""
    pruning = "magnitude" if config.pruning == "rewinding" else config.pruning
    return f"{config.optimizer} {pruning}"


def values(config: Config) -> dict[str, float]:
    """Return what the searches vary: η, and weight decay or λ over what `search-flips` chose."""
    return values_over(config, unmasked(Config(epochs=settings.SEARCH_EPOCHS), config.optimizer))


def _left_by(run: Record) -> dict[str, float]:
    """Return a run's λ as a share of that of `search-flips`, and the densities of two layers."""
    left, whole = run.final["nonzeros"], run.final["weights"]
    first, second = (round(left[layer] / whole[layer], 6) for layer in ("conv1", "fc1"))
    share = relative(run.config, sparse(run.config, 1.0))
    return {"share": share, "density": first, "density_rest": second}


def _budgets(records: Sequence[Record]) -> dict[str, dict[str, float]]:
    """Return what the run leaves that comes nearest to each of `AIMS`."""
    found = [_left_by(run) for run in records]
    return {
        name: min(found, key=lambda one: abs(math.log(one["density"] / aim)))
        for name, aim in AIMS.items()
    }


def _finalists(records: Sequence[Record]) -> dict[str, list[dict[str, float]]]:
    """Return the two best candidates of each method."""
    found: dict[str, list[dict[str, float]]] = {}
    for record in sorted(records, key=lambda record: record.accuracy, reverse=True):
        found.setdefault(key(record.config), []).append(values(record.config))
    return {name: candidates[:2] for name, candidates in found.items()}


def budget(name: str) -> dict[str, float]:
    """Return the share of λ of a budget, of `AIMS` or "wider", and the density of each layer."""
    if name == "wider":
        return settings.CHOSEN["search-wider-budget"]["β = 50"]
    return settings.CHOSEN["search-budgets"][name]


def tuned(config: Config, search: str = "search-pruning-long") -> Config:
    """Return a run with what a search chose for its method."""
    return settings.with_values(config, **settings.CHOSEN[search][key(config)])


# Studies

STUDIES = Studies()
SEARCHES = ("search-budgets", "search-pruning", "search-pruning-long")
_search = partial(STUDIES.add, kind=Search, setting=settings.FLIP_CROP_SHORT)
_study = partial(STUDIES.add, setting=settings.FLIP_CROP_SHORT, after=SEARCHES)


def _all_masked(here: Config, at: str = "many") -> list[Config]:
    """Return every method with masks, but iterative pruning, which takes longer."""
    return [masked(here, name, at) for name in MASKED if name != ITERATIVE]


def _searched(base: Config, parts: int) -> list[Config]:
    """Return dense SGD, and every method at the larger budget."""
    here = even_length(base, parts)
    return [unmasked(here), *_all_masked(here)]


@_search(rule=_budgets)
def search_budgets(base: Config) -> list[Config]:
    """Weights that β = 50 leaves, over λ.

    Shares of the λ that `search-flips` chose.
    """
    return [sparse(even_length(base), share) for share in (0.25, 0.5, 1.0, 2.0, 4.0)]


@_search(rule=_finalists, after=SEARCHES[:1])
def search_pruning(base: Config) -> list[Config]:
    """Pruning and sparse training, on validation.

    Return all candidates, half as long as the runs that are compared.
    """
    runs = _searched(base, 32)
    return [settings.with_values(run, *each) for run in runs for each in CANDIDATES[run.optimizer]]


@_search(rule=Rule(key, values), after=SEARCHES[:2])
def search_pruning_long(base: Config) -> list[Config]:
    """The two best candidates of each, at the whole length."""
    found = settings.CHOSEN["search-pruning"]
    return [
        settings.with_values(run, **each) for run in _searched(base, 16) for each in found[key(run)]
    ]


def _rivals(name: str, base: Config) -> list[Config]:
    here = even_length(base)
    dense = [tuned(unmasked(here))] if name == "many" else []
    return [*dense, *thresholded(here, name), *map(tuned, _all_masked(here, name))]


@_study()
def rivals(base: Config) -> list[Config]:
    """Methods at the larger budget."""
    return _rivals("many", base)


@_study(seeds=2)
def rivals_first_choice(base: Config) -> list[Config]:
    """Gradual pruning as the shorter search chose it."""
    gradual = masked(even_length(base), "gradual")
    return [settings.with_values(gradual, **settings.CHOSEN["search-pruning"][key(gradual)][0])]


@_study()
def rivals_iterative(base: Config) -> list[Config]:
    """Iterative pruning at the larger budget."""
    return [tuned(masked(even_length(base), ITERATIVE))]


@_study()
def rivals_restart(base: Config) -> list[Config]:
    """The learning rate of one-shot pruning."""
    return restarted(even_length(base), "many", SEARCHES[-1])


@_study()
def rivals_few(base: Config) -> list[Config]:
    """Methods at the smaller budget."""
    return _rivals("few", base)


@_study()
def rivals_er(base: Config) -> list[Config]:
    """Methods with another allocation."""
    names = ("gradual", "SET", "RigL", "random mask")
    return [tuned(erdos_renyi(masked(even_length(base), name))) for name in names]


# The wider network

SEARCHES_WIDER = ("search-wider-budget", "search-wider")
_search_wider = partial(STUDIES.add, kind=Search, setting=settings.FLIP_CROP)
_wider = partial(STUDIES.add, setting=settings.FLIP_CROP)


def _wide(base: Config, parts: int = 4) -> Config:
    return even_length(base, parts, width=4)


def _masked_wider(here: Config, names: Sequence[str]) -> list[Config]:
    return [masked(here, name, "wider") for name in names]


def _best(records: Sequence[Record]) -> dict[str, dict[str, float]]:
    """Return what the best λ leaves."""
    (best,) = choices(records, method_key).values()
    return {"β = 50": _left_by(best.runs[0])}


@_search_wider(rule=_best)
def search_wider_budget(base: Config) -> list[Config]:
    """λ of β = 50 at α = 4, and the weights it leaves.

    Shares of the λ that `search-flips` chose, at this length.
    """
    return [sparse(_wide(base), share) for share in (0.5, 1.0, 2.0)]


@_search_wider(rule=Rule(key, values), after=SEARCHES_WIDER[:1])
def search_wider(base: Config) -> list[Config]:
    """Pruning at α = 4, on validation.

    Return all candidates, half as long as the runs that are compared.
    """
    here = _wide(base, 8)
    runs = [unmasked(here), *_masked_wider(here, MASKED_WIDER)]
    return [settings.with_values(run, *each) for run in runs for each in CANDIDATES_WIDER]


@_wider(after=SEARCHES_WIDER)
def rivals_wider(base: Config) -> list[Config]:
    """Methods at α = 4, 200 epochs."""
    here = _wide(base)
    others = [unmasked(here), *_masked_wider(here, MASKED_WIDER)]
    return [*thresholded(here, "wider")[:1], *(tuned(run, "search-wider") for run in others)]


@_wider(after=(*SEARCHES, *SEARCHES_WIDER))
def rivals_wider_others(base: Config) -> list[Config]:
    """The other methods at α = 4, 200 epochs.

    Those with masks have the learning rate, and weight decay or λ over what `search-flips` chose,
    of α = 1; the others have the λ of β = 50 at α = 4.
    """
    here = _wide(base)
    return [*thresholded(here, "wider"), *map(tuned, _masked_wider(here, OTHERS_WIDER))]


@_wider(after=SEARCHES_WIDER)
def rivals_wider_iterative(base: Config) -> list[Config]:
    """Iterative pruning at α = 4, 800 epochs."""
    return [tuned(masked(_wide(base), ITERATIVE, "wider"), "search-wider")]


@_wider(after=SEARCHES_WIDER)
def rivals_wider_restart(base: Config) -> list[Config]:
    """The learning rate of one-shot pruning at α = 4, β = 50."""
    return restarted(_wide(base), "wider", "search-wider")[1:]


@_wider(after=SEARCHES_WIDER)
def rivals_wider_restart_sgd(base: Config) -> list[Config]:
    """The learning rate of one-shot pruning at α = 4, SGD."""
    return restarted(_wide(base), "wider", "search-wider")[:1]


@_wider(after=SEARCHES_WIDER)
def pruned_masks(base: Config) -> list[Config]:
    """Masks of one-shot pruning, trained anew by SGD on the same data, at α = 4.

    Return dense SGD, the pruned networks, and the new ones, whose initial weights are new.
    """
    here = _wide(base)
    pruned = tuned(masked(here, "one-shot", "wider"), "search-wider")
    plain = unmasked(here)
    return [plain, pruned, plain.replace(start="mask", source=pruned.as_source)]
