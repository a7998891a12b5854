"""Hyperparameters of the paper's recipe, chosen on validation images."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from lcs.config import Config
from lcs.exhibits import compare, tables
from lcs.exhibits.compare import LABELS, Cell
from lcs.exhibits.methods import B50, SGD, method
from lcs.exhibits.settings import (
    CHOSEN,
    RECIPE,
    SHARE_AT_WIDTH,
    WIDTH_BEYOND,
    WIDTHS,
    beta_lasso,
    chosen,
    desk_study,
    paper_recipe,
    regularised,
    sgd,
)
from lcs.exhibits.tables import Table
from lcs.runs import Record
from lcs.stats import mean_interval
from lcs.study import Study

if TYPE_CHECKING:
    import pandas as pd

Key = TypeVar("Key", bound=Hashable)

# candidates for λ of the first layer, and of the others
FIRST, REST = (5e-6, 2e-5, 5e-5, 1e-4, 2e-4), (1e-6, 1e-5)
# candidates for the share of the chosen λ at the whole length, and at each width
SHARES, WIDTH_SHARES = (1.0, 0.5, 0.25), (1.0, 0.5, 0.25, 0.125)
# candidates for weight decay or λ, relative to the best: it lies between two that do worse
AROUND = (0.5, 1.0, 2.0)
# the fields that `search` varies
SEARCHED = ("momentum", "weight_decay", "l1", "l1_rest")


def _search(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return the candidates for the paper's recipe.

    From one base channel at twice the width and an eighth of the length; from the paper's width
    at this width, and a tenth of the length: its shorter training.
    """
    factor, part = (2, 8) if base.base_channels == 1 else (1, 10)
    here = paper_recipe(base, factor, base.epochs // part).replace(validation=True)
    decays = [
        sgd(here, model).replace(momentum=momentum, weight_decay=decay)
        for model in ("s-fc", "s-local", "s-conv", "3-fc")
        for momentum in (0.0, 0.9)
        for decay in (0.0, 5e-4)
    ]
    pairs = [{"l1": first, "l1_rest": rest} for first in FIRST for rest in REST]
    lasso = [here.replace(model="s-fc", optimizer="proximal-l1", **pair) for pair in pairs]
    sparse = [beta_lasso(here, beta, **pair) for beta in betas for pair in pairs]
    return [*decays, *lasso, *sparse]


def _search_long(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return the ℓ1 methods at four times the length of `search`, over shares of λ.

    The shrinkage by λ adds up over a training, so that what was best there may be too much here.
    """
    here = paper_recipe(base, 2, base.epochs // 2).replace(validation=True)
    methods = [("proximal-l1", 0.0), *(("beta-lasso", float(beta)) for beta in betas)]
    return [
        chosen(here, "s-fc", optimizer, beta, share=share)
        for optimizer, beta in methods
        for share in SHARES
    ]


def _search_widths(
    base: Config, betas: Sequence[float], *, widths: Sequence[int], shares: Sequence[float]
) -> list[Config]:
    """Return the largest β at some widths, over shares of its λ."""
    settings = [paper_recipe(base, width, base.epochs // 2) for width in widths]
    return [
        chosen(here.replace(validation=True), "s-fc", "beta-lasso", betas[-1], share=share)
        for here in settings
        for share in shares
    ]


def _search_rivals(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return SGD and β = 0 with weight decay or λ around the best.

    At the width at which they were chosen, and at the largest.
    """
    runs = []
    for factor in (2, WIDTHS[-1]):
        here = paper_recipe(base, factor, base.epochs // 2).replace(validation=True)
        for config in (chosen(here, "s-fc"), chosen(here, "s-fc", "beta-lasso", 0.0)):
            best = CHOSEN["search-rivals"][f"{factor} {config.optimizer}"]
            runs += [regularised(config, best * around) for around in AROUND]
    return runs


def _search_augment(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return SGD and the largest β at the largest width, with AutoAugment and without.

    Flips and crops are in both. Without AutoAugment, where networks overfit more, with weight
    decay or λ around the best.
    """
    here = paper_recipe(base, WIDTHS[-1], base.epochs // 2).replace(validation=True)
    share, runs = SHARE_AT_WIDTH[WIDTHS[-1]], []
    for config in (
        chosen(here, "s-fc"),
        chosen(here, "s-fc", "beta-lasso", betas[-1], share=share),
    ):
        weak, best = config.replace(augment="flip-crop"), CHOSEN["search-augment"][config.optimizer]
        runs += [config, *(regularised(weak, best * around) for around in AROUND)]
    return runs


_one_seed = partial(desk_study, setting=RECIPE, seeds=1)

STUDIES = (
    Study("search", "Hyperparameters of the paper's recipe, on validation", RECIPE, _search, 1),
    _one_seed("search-long", "λ at the whole length, on validation", make=_search_long),
    _one_seed(
        "search-wide",
        "λ at each width, on validation",
        make=partial(_search_widths, widths=WIDTHS, shares=WIDTH_SHARES),
    ),
    _one_seed(
        "search-beyond",
        "λ at α = 16, on validation",
        make=partial(_search_widths, widths=(WIDTH_BEYOND,), shares=SHARES),
    ),
    _one_seed("search-rivals", "Regularisation of the baselines", make=_search_rivals),
    _one_seed("search-augment", "AutoAugment, or less", make=_search_augment),
)


# What a search chose


class Choice(NamedTuple):
    """The best candidate of a group, its runs, and the mean accuracy of each candidate."""

    config: Config
    runs: list[Record]
    means: list[float]  # per cent, in the order of the records


def choices(records: Sequence[Record], by: Callable[[Config], Key]) -> dict[Key, Choice]:
    """Return the candidate of each group that is best on the validation images, over its seeds.

    Args:
        records: of a search.
        by: from a candidate's configuration, without its seed, to its group: for example `method`.
    """
    groups: dict[Key, dict[Config, list[Record]]] = {}
    for config, runs in compare.conditions(records).items():
        groups.setdefault(by(config), {})[config] = runs
    found = {}
    for key, candidates in groups.items():
        means = [mean_interval(compare.accuracies(runs)).mean for runs in candidates.values()]
        best = [*candidates][means.index(max(means))]
        found[key] = Choice(best, candidates[best], means)
    return found


def choices_table(
    records: Sequence[Record], study: str = "search", fields: Sequence[str] = SEARCHED
) -> Table:
    """Return what was chosen for each method, beside the worst and the best of its candidates.

    Args:
        records: of a search.
        study: its name.
        fields: what it varies.
    """
    name = "tab-choices" if study == "search" else f"tab-{study}"
    what = "hyperparameters of each method, chosen on validation images"
    if not records:
        return tables.pending_table(name, what, f"lcs study {study}")
    rows = []
    for method_name, choice in choices(records, method).items():
        texts = {LABELS[field]: compare.field_text(choice.config, field) for field in fields}
        values = [f"{label}: {text}" for label, text in texts.items() if text != tables.NONE]
        worst, best = min(choice.means), max(choice.means)
        counted = [f"{len(choice.means)}", "; ".join(values), f"{worst:.2f}", f"{best:.2f}"]
        rows.append([method_name, *counted, tables.links(choice.runs)])
    caption = (
        f"{what.capitalize()}, the last tenth of each class of the training images. "
        f"{compare.setting_text(records)}; accuracy on the validation images, of the worst and of "
        "the best candidate, in per cent."
    )
    columns = ["method", "candidates", "chosen", "worst", "best", "seeds"]
    return Table(name, caption, columns, rows, text=["chosen"])


# Tables of candidates: the columns that form a group, the fields that differ in it, the caption

_METHOD = {"method": compare.method_text}
_WIDTH = {"α": lambda config: f"{config.base_channels}"}
_Layout = tuple[Mapping[str, Callable[[Config], str]], Sequence[str], str]

_LAYOUTS: dict[str, _Layout] = {
    "search-long": (
        _METHOD,
        ("l1", "l1_rest"),
        "λ searched again at the whole length: what the search at a quarter of it had chosen, a "
        "half and a quarter of that",
    ),
    "search-wide": (_WIDTH, ("l1", "l1_rest"), "λ of β = 50 at each width"),
    "search-rivals": (
        _WIDTH | _METHOD,
        ("weight_decay", "l1"),
        "SGD and β = 0 at two widths: weight decay or λ around the best",
    ),
    "search-augment": (
        _METHOD,
        ("augment", "weight_decay", "l1"),
        "AutoAugment with flips and crops, as chosen, and flips and crops alone, around the best",
    ),
}


def candidates_table(study: str, records: Sequence[Record]) -> Table:
    """Return the accuracy of every candidate of a search, the best of each group bold.

    Args:
        study: the name of the search: `search-long`, `search-wide`, `search-rivals` or
            `search-augment`.
        records: its records; `search-wide` takes those of `search-beyond` too.
    """
    heads, fields, what = _LAYOUTS[study]

    def group(config: Config) -> tuple[str, ...]:
        return tuple(text(config) for text in heads.values())

    best = {choice.config for choice in choices(records, group).values()}
    columns: dict[str, Cell] = {
        **{head: compare.of(text) for head, text in heads.items()},
        **compare.by_field(fields),
        "validation (%)": lambda runs: (
            f"**{compare.mean_text(runs)}**"
            if runs[0].config.replace(seed=0) in best
            else compare.mean_text(runs)
        ),
        "training (%)": compare.fit_text,
        "first layer left (%)": compare.remaining_text,
        "seeds": tables.links,
    }
    note = (
        f"; accuracy on the validation images, the best of each {' and '.join(heads)} bold, and on "
        "the training images, without augmentation"
    )
    text = [*heads, LABELS["augment"]]
    return compare.by_condition(study, records, columns, what, note=note, text=text)


def augment_numbers(records: Sequence[Record]) -> dict[str, str]:
    """Return by how much β = 50 is ahead of SGD with each augmentation, in words.

    Each with the best of its candidates, on the validation images; "pending" without any runs.
    """
    words = {}
    for augment in ("autoaugment", "flip-crop"):
        best = choices([r for r in records if r.config.augment == augment], method)
        gain = compare.paired(best[B50].runs, best[SGD].runs) if best else None
        words[f"gain-{augment}"] = compare.signed_text(gain)
    return words


def search_frame(records: Sequence[Record]) -> pd.DataFrame:
    """Return `sweep_frame` over λ of the first layer, a series for each method that has one."""
    sparse = [record for record in records if record.config.optimizer != "sgd"]
    return compare.sweep_frame(sparse, "l1")
