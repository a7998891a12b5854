"""The runs at equal budgets, and the searches that choose budgets and hyperparameters.

Last are those in a wider network and a longer training: α = 4, 200 epochs, iterative pruning 800.
"""

import math
from collections.abc import Sequence
from functools import partial

from lcs.config import Config
from lcs.exhibits.rivals.methods import (
    AIMS,
    ITERATIVE,
    MASKED,
    MASKED_WIDER,
    OTHERS_WIDER,
    as_one_shot,
    erdos_renyi,
    even_length,
    key,
    masked,
    restarted,
    sparse,
    thresholded,
    tuned,
    unmasked,
    values,
)
from lcs.exhibits.shared import settings
from lcs.exhibits.shared.declare import Studies
from lcs.exhibits.shared.searches import Rule, Search, choices, method_key, relative
from lcs.runs import Record

# candidates for dense SGD and with masks, by optimizer: learning rate, and weight decay or λ
# over what `search-flips` chose. A step of spred is as small as the weights
CANDIDATES = {
    "sgd": ((0.03, 1.0), (0.1, 1.0), (0.3, 1.0), (1.0, 1.0)),
    "beta-lasso": ((0.3, 0.3), (0.3, 1.0), (0.3, 3.0), (0.3, 10.0)),
    "proximal-l1": ((0.3, 0.3), (0.3, 1.0), (0.3, 3.0), (0.3, 10.0)),
    "spred": ((1.0, 1.0), (1.0, 3.0), (1.0, 10.0), (1.0, 30.0)),
}
# and for dense SGD and those searched in the wider network
CANDIDATES_WIDER = ((0.1, 1.0), (0.3, 1.0), (0.1, 0.5))

STUDIES = Studies()
SEARCHES = ("search-budgets", "search-pruning", "search-pruning-long")
_search = partial(STUDIES.add, kind=Search, setting=settings.FLIP_CROP_SHORT)
_study = partial(STUDIES.add, setting=settings.FLIP_CROP_SHORT, after=SEARCHES)


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
def rivals_few_iterative(base: Config) -> list[Config]:
    """Iterative pruning at the smaller budget."""
    return [tuned(masked(even_length(base), ITERATIVE, "few"))]


def _reallocated(base: Config, at: str) -> list[Config]:
    names = ("gradual", "SET", "RigL", "random")
    return [tuned(erdos_renyi(masked(even_length(base), name, at))) for name in names]


@_study()
def rivals_er(base: Config) -> list[Config]:
    """Methods with another allocation."""
    return _reallocated(base, "many")


@_study()
def rivals_er_few(base: Config) -> list[Config]:
    """Methods with another allocation at the smaller budget."""
    return _reallocated(base, "few")


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
    """Methods at α = 4, 200 epochs, and S-LOCAL."""
    here = _wide(base)
    others = [unmasked(here), *_masked_wider(here, MASKED_WIDER)]
    return [
        *thresholded(here, "wider")[:1],
        *(tuned(run, "search-wider") for run in others),
        settings.chosen_flip_crop(here, "s-local", "sgd"),
    ]


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
def rivals_wider_refit(base: Config) -> list[Config]:
    """β = 50, then SGD without ℓ1 on what it left, at α = 4.

    Each for half of the epochs. SGD has what one-shot pruning has once it has pruned.
    """
    half = _wide(base, 8)
    first, *_ = thresholded(half, "wider")
    then = as_one_shot(half, SEARCHES_WIDER[1])
    return [first, then.replace(start="pruned-network", source=first.as_source)]


@_wider(after=SEARCHES_WIDER)
def pruned_masks(base: Config) -> list[Config]:
    """Masks of one-shot pruning, trained anew by SGD on the same data, at α = 4.

    Return dense SGD, the pruned networks, and the new ones, whose initial weights are new.
    """
    here = _wide(base)
    pruned = tuned(masked(here, "one-shot", "wider"), "search-wider")
    plain = unmasked(here)
    return [plain, pruned, plain.replace(start="mask", source=pruned.as_source)]


# The same in all: 400 epochs, or 200 for a mask and 200 with it


@_wider(after=SEARCHES_WIDER)
def ladder(base: Config) -> list[Config]:
    """Every way to locality at one budget, α = 4, 400 epochs in all.

    Return networks that are trained at once; those that give masks after half of the epochs; and
    those that begin with these, of new weights or, last, of β = 50's own. SGD with a mask has what
    dense SGD has.
    """
    # gradual pruning needs four epochs, and one-shot pruning an even number
    half = settings.sized(base, 4).replace(epochs=2 * max(2, base.epochs // 4))
    whole = half.replace(epochs=2 * half.epochs)
    windows, anywhere = (
        tuned(masked(whole, name, "wider"), SEARCHES_WIDER[1]) for name in ("windows", "random")
    )
    at_once = [
        unmasked(whole),
        settings.chosen_flip_crop(whole, "s-local"),
        thresholded(whole, "wider")[0],
        anywhere,
        windows.replace(pruning="random-windows"),
    ]
    sparse = thresholded(half, "wider")[0]
    pruned = [
        tuned(masked(half, name, "wider"), SEARCHES_WIDER[1]) for name in ("one-shot", "gradual")
    ]
    sources = [sparse, *pruned]
    plain = unmasked(half)
    anew = [plain.replace(start="mask", source=source.as_source) for source in sources]
    return [
        *at_once,
        *sources,
        *anew,
        plain.replace(start="pruned-network", source=sparse.as_source),
    ]
