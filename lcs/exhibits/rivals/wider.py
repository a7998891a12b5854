"""The comparison in a wider network and a longer training, for fewer methods: α = 4, 200 epochs."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from lcs.config import Config
from lcs.exhibits.rivals.studies import (
    kept,
    key,
    masked,
    recipe,
    restarted,
    sparse,
    unmasked,
    values,
)
from lcs.exhibits.searches import Rule, Search, choices, method_key, relative
from lcs.exhibits.settings import CHOSEN, FLIP_CROP, desk_study, with_values
from lcs.runs import Record

# with β = 50 and dense SGD
MASKED_WIDER = ("one-shot", "gradual", "random mask", "S-LOCAL's windows")
# candidates for β = 50: λ over what `search-flips` chose, at this length
SHARES = (0.5, 1.0, 2.0)
# and for the others: learning rate, and weight decay over what `search-flips` chose
CANDIDATES = ((0.1, 1.0), (0.3, 1.0), (0.1, 0.5))


def own_budget(records: Sequence[Record]) -> dict[str, dict[str, float]]:
    """Return what `search-wider-budget` chooses: the best λ, and the density that it leaves."""
    (best,) = choices(records, method_key).values()
    run = best.runs[0]
    share = relative(run.config, sparse(run.config, 1.0))
    return {"β = 50": {"share": share, **kept(run)}}


def wider_budget() -> dict[str, float]:
    """Return the share of λ that was chosen, and the density of each layer that it keeps."""
    return CHOSEN["search-wider-budget"]["β = 50"]


_wide = partial(recipe, factor=4)


def _budgets(base: Config) -> list[Config]:
    return [sparse(_wide(base, 4), share) for share in SHARES]


def _others(here: Config) -> list[Config]:
    """Return dense SGD, and the methods with masks at the budget of β = 50."""
    return [unmasked(here, "sgd"), *(masked(here, name, wider_budget()) for name in MASKED_WIDER)]


def _search(base: Config) -> list[Config]:
    """Return all candidates, half as long as the runs that are compared."""
    return [
        with_values(run, *candidate) for run in _others(_wide(base, 8)) for candidate in CANDIDATES
    ]


def _compared(base: Config) -> list[Config]:
    here, chosen = _wide(base, 4), CHOSEN["search-wider"]
    own = sparse(here, wider_budget()["share"])
    return [own, *(with_values(run, **chosen[key(run)]) for run in _others(here))]


def _restarted(base: Config, optimizer: str) -> list[Config]:
    here = _wide(base, 4)
    chosen = CHOSEN["search-wider"][key(masked(here, "one-shot", wider_budget()))]
    both = restarted(here, wider_budget()["share"], chosen)
    return [run for run in both if run.optimizer == optimizer]


_study = partial(desk_study, setting=FLIP_CROP)
SEARCHES = ("search-wider-budget", "search-wider")

STUDIES = (
    Search(
        "search-wider-budget", "λ of β = 50 at α = 4, and the weights it leaves",
        FLIP_CROP, _budgets, rule=own_budget,
    ),
    Search(
        "search-wider", "Pruning at α = 4, on validation",
        FLIP_CROP, _search, after=SEARCHES[:1], rule=Rule(key, values),
    ),
    _study("rivals-wider", "Methods at α = 4, 200 epochs", make=_compared, after=SEARCHES),
    _study(
        "rivals-wider-restart", "The learning rate of one-shot pruning at α = 4, β = 50",
        make=partial(_restarted, optimizer="beta-lasso"), after=SEARCHES,
    ),
    _study(
        "rivals-wider-restart-sgd", "The learning rate of one-shot pruning at α = 4, SGD",
        make=partial(_restarted, optimizer="sgd"), after=SEARCHES,
    ),
)  # fmt: skip
