"""Searches: candidates on validation images, and rules by which one is chosen.

`lcs.exhibits.choose` writes what is chosen.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any, NamedTuple

from lcs.config import Config, foreign_fields
from lcs.exhibits.shared.methods import method
from lcs.exhibits.shared.settings import chosen
from lcs.runs import Record
from lcs.study import Study

# the fields that `search` varies
SEARCHED = ("momentum", "weight_decay", "l1", "l1_rest")


@dataclass(frozen=True)
class Rule:
    """How most searches choose: of candidates of the same key, the best one's value is written.

    The best has the highest mean accuracy over seeds on the validation images; of equals the first.
    """

    key: Callable[[Config], str]
    value: Callable[[Config], Any]

    def __call__(self, records: Sequence[Record]) -> dict[str, Any]:
        """Return what is chosen, by key."""
        return {key: self.value(best.config) for key, best in choices(records, self.key).items()}


@dataclass(frozen=True)
class Search(Study):
    """Candidates, which are trained without the validation images and judged on them.

    `rule` returns from their records what is chosen, by key; None: nothing is written.
    """

    seeds: int = 1
    rule: Callable[[Sequence[Record]], dict[str, Any]] | None = None

    def base(self, scale: str, changes: Mapping[str, Any]) -> Config:
        """Return the configuration that all candidates start from, with other values."""
        return super().base(scale, changes).replace(validation=True)


def method_key(config: Config) -> str:
    """Return the key of a run's method in `chosen.json`."""
    return method(config).key


def network_key(config: Config) -> str:
    """Return the key of a network and its optimizer in `chosen.json`."""
    return f"{config.model} {config.optimizer}"


def regularisation(config: Config, share: float | None = None) -> float:
    """Return weight decay or λ over that of `chosen`, with a share of λ."""
    return relative(config, chosen(config, config.model, config.optimizer, config.beta, share))


def relative(config: Config, reference: Config) -> float:
    """Return weight decay of SGD or λ over that of a reference; over 0 it is 1, as 0 stays 0."""
    name = "weight_decay" if config.optimizer == "sgd" else "l1"
    best = getattr(reference, name)
    return round(getattr(config, name) / best, 9) if best else 1.0


def values_over(config: Config, reference: Config) -> dict[str, float]:
    """Return η, and weight decay or λ over that of a reference: as `with_values` takes them."""
    return {"lr": config.lr, "factor": relative(config, reference)}


def searched(config: Config) -> dict[str, float]:
    """Return the values of the fields that `search` varies for this optimizer."""
    names = [name for name in SEARCHED if name not in foreign_fields(config.optimizer)]
    return {name: getattr(config, name) for name in names}


# What a search chose


class Choice(NamedTuple):
    """The best candidate of a group, its runs, and the mean accuracy of each candidate."""

    config: Config
    runs: list[Record]
    means: list[float]  # per cent, in the order of the records


def choices(records: Sequence[Record], by: Callable[[Config], Hashable]) -> dict[Any, Choice]:
    """Return the candidate of each group that is best on the validation images, over its seeds.

    `by` returns the group of a configuration without its seed: for example `method`.
    """
    groups: dict[Hashable, dict[Config, list[Record]]] = {}
    for run in {run.config: run for run in records}.values():
        config = run.config.replace(seed=0)
        groups.setdefault(by(config), {}).setdefault(config, []).append(run)
    found = {}
    for key, candidates in groups.items():
        means = [100 * fmean(run.accuracy for run in runs) for runs in candidates.values()]
        best = [*candidates][means.index(max(means))]
        found[key] = Choice(best, candidates[best], means)
    return found
