"""Searches: candidates on validation images, rules by which one is chosen, tables of both.

`lcs.exhibits.choose` writes what is chosen.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from lcs.config import Config, foreign_fields
from lcs.exhibits.shared import cells, compare, tables
from lcs.exhibits.shared.cells import LABELS
from lcs.exhibits.shared.compare import Key
from lcs.exhibits.shared.methods import method
from lcs.exhibits.shared.settings import chosen
from lcs.exhibits.shared.tables import Table
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


def choices(records: Sequence[Record], by: Callable[[Config], Key]) -> dict[Key, Choice]:
    """Return the candidate of each group that is best on the validation images, over its seeds.

    `by` returns the group of a configuration without its seed: for example `method`.
    """
    groups: dict[Key, dict[Config, list[Record]]] = {}
    for config, runs in compare.conditions(records).items():
        groups.setdefault(by(config), {})[config] = runs
    found = {}
    for key, candidates in groups.items():
        means = [compare.mean(runs) for runs in candidates.values()]
        best = [*candidates][means.index(max(means))]
        found[key] = Choice(best, candidates[best], means)
    return found


def method_text(config: Config) -> str:
    """Return the name of a run's method, and that it starts from another network."""
    return method(config).shortest + (", from another network" if config.source else "")


def searched_table(
    runs: Mapping[str, Sequence[Record]],
    name: str = "tab-searched",
    method_name: Callable[[Config], str] = method_text,
) -> Table:
    """Return what searches, by name, tried and chose: a row for each method in each setting."""

    def tried_as(config: Config) -> tuple[str, str]:
        return cells.trained_text(config), method_name(config)

    what = "What was tried and chosen on validation data"
    rows = []
    for study, records in runs.items():
        for key, tried in compare.grouped(records, tried_as).items():
            (best,) = choices(tried, method).values()
            means = [f"{mean:.2f}" for mean in sorted(best.means, reverse=True)]
            first, second, *_ = [*means, tables.NONE]
            texts = [f"{len(means)}", _chosen_text(best.config, tried), first, second]
            rows.append([f"`{study}`", *key, *texts, tables.links(best.runs)])
    if not rows:
        return tables.pending_table(name, what, f"lcs study {next(iter(runs))}")
    every = [run for records in runs.values() for run in records]
    caption = (
        f"{what}, the last tenth of each class of the training set: the chosen value of each "
        "field that was varied, in brackets its range, and the accuracy of the best candidate and "
        "of the second, in per cent. Candidates less than a point apart may differ by chance. "
        f"{cells.setting_text(every)}."
    )
    columns = ["search", "setting", "method", "candidates", "chosen", "best", "second", "seeds"]
    return Table(name, caption, columns, rows, text=["setting", "method", "chosen"])


def _chosen_text(best: Config, tried: Sequence[Record]) -> str:
    """Return the best value of each field that candidates differ in, and its range."""
    texts = []
    for field in ("lr", *SEARCHED, "l1_growth"):
        values = {getattr(run.config, field) for run in tried}
        if len(values) > 1:
            value, low, high = map(tables.number, (getattr(best, field), min(values), max(values)))
            texts.append(f"{LABELS[field]}: {value} ({low} to {high})")
    return "; ".join(texts) or tables.NONE
