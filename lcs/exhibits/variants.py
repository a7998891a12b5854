"""What brings a fully connected network nearer to a convolution than β-LASSO does.

A λ that grows outside a unit's window, as the forum proposed; a start from a trained convolution
(d'Ascoli et al., 2019); and more than one such layer, as a reviewer asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from lcs.config import Config
from lcs.exhibits import compare, locality, plots, published, tables
from lcs.exhibits.compare import Cell, Conditions
from lcs.exhibits.methods import B50, CONV, LOCAL, SGD, Method, method
from lcs.exhibits.settings import BETA_50, CHOSEN, RECIPE, chosen, desk_study, paper_recipe
from lcs.exhibits.tables import Table
from lcs.exhibits.verdicts import Claim, differs
from lcs.runs import Record
from lcs.stats import Interval

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDTH, DEEP_WIDTH = 4, 1
# of the λ that `search` chose at 50 epochs: at twice the length half of it pulls as far
L1_SHARE = 0.5
# banded: growth of λ with each row or column outside the window, and shares of λ within it
GROWTHS, SHARES = (0.1, 1.0, 10.0), (L1_SHARE, L1_SHARE / 10)
# from a convolution: the rate of the first training, and a tenth of it
RATES = (0.1, 0.01)
# deeper: candidates for every network, and shares of λ for β = 50
DEEP = ("d-conv", "d-local", "d-fc")
DEEP_RATES, DEEP_SHARES = (0.03, 0.1, 0.3), (0.1, 0.3, 1.0)
UNTIL_CHOSEN = {"lr": 0.1, "share": 0.3}


def _here(base: Config, width: int, parts: int) -> Config:
    return paper_recipe(base, width, base.epochs // parts).replace(augment="flip-crop")


def _banded(base: Config, betas: Sequence[float]) -> list[Config]:
    here = _here(base, WIDTH, 4)
    plain = [chosen(here, model) for model in ("s-fc", "s-local", "s-conv")]
    sparse = [chosen(here, "s-fc", "beta-lasso", betas[-1], share=share) for share in SHARES]
    return [
        *plain,
        *sparse,
        *(run.replace(l1_growth=growth) for run in sparse for growth in GROWTHS),
    ]


def _from_convolution(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return S-CONV, and what is trained on from it for as long again."""
    here = _here(base, WIDTH, 4)
    convolution = chosen(here, "s-conv")
    started = {"start": "network", "source": convolution.file.rpartition("-s")[0]}
    after = [convolution, chosen(here, "s-local"), chosen(here, "s-fc")]
    after.append(chosen(here, "s-fc", "beta-lasso", betas[-1], share=L1_SHARE))
    return [convolution, *(run.replace(lr=lr, **started) for run in after for lr in RATES)]


def _deep(here: Config, model: str, lr: float) -> Config:
    """Return a deep network by SGD, with weight decay as the shallow one of its kind has it."""
    return chosen(here, model.replace("d-", "s-")).replace(model=model, lr=lr)


def _sparse_deep(here: Config, beta: float, share: float, lr: float) -> Config:
    run = chosen(here, "s-fc", "beta-lasso", beta, share=share)
    return run.replace(model="d-fc", lr=lr)


def _search_deeper(base: Config, betas: Sequence[float]) -> list[Config]:
    here = _here(base, DEEP_WIDTH, 8).replace(validation=True)
    return [
        *(_deep(here, model, lr) for model in DEEP for lr in DEEP_RATES),
        *(_sparse_deep(here, betas[-1], part, lr) for part in DEEP_SHARES for lr in DEEP_RATES),
    ]


def _deeper(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return the deep networks, twice as long as on validation: half of λ pulls as far.

    The shallow ones are beside them, with the hyperparameters that `search` chose.
    """
    here, found = _here(base, DEEP_WIDTH, 4), CHOSEN["search-deeper"]
    plain = [_deep(here, m, found.get(f"{m} sgd", UNTIL_CHOSEN)["lr"]) for m in DEEP]
    best = found.get("d-fc beta-lasso", UNTIL_CHOSEN)
    plain.append(_sparse_deep(here, betas[-1], best["share"] / 2, best["lr"]))
    shallow = [chosen(here, model.replace("d-", "s-")) for model in DEEP]
    return [*plain, *shallow, chosen(here, "s-fc", "beta-lasso", betas[-1], share=L1_SHARE)]


def deep_key(config: Config) -> str:
    """Return the key of a deep network in `chosen.json`."""
    return f"{config.model} {config.optimizer}"


def deep_values(config: Config) -> dict[str, float]:
    """Return what `search-deeper` varies: η, and λ over what `search` chose for β = 50."""
    return {"lr": config.lr, "share": round(config.l1 / CHOSEN["search"][BETA_50]["l1"], 9)}


STUDIES = (
    desk_study("banded", "λ that grows outside a window", RECIPE, _banded, betas=(50,)),
    desk_study("from-convolution", "A start from S-CONV", RECIPE, _from_convolution, betas=(50,)),
    desk_study("search-deeper", "Deep networks, on validation", RECIPE, _search_deeper, 1, (50,)),
    desk_study("deeper", "Deep networks", RECIPE, _deeper, betas=(50,)),
)


# Tables, figures and numbers


def banded_table(records: Sequence[Record]) -> Table:
    """Return accuracy, remaining weights and locality by λ and its growth."""
    columns: dict[str, Cell] = {
        "method": compare.of(lambda config: method(config).shortest),
        "λ": compare.of(l1_text),
        "growth": compare.of(lambda c: f"{c.l1_growth:g}" if method(c) == B50 else tables.NONE),
        **_results(),
    }
    what = "A λ that grows outside a window of 9 × 9"
    return compare.by_condition("banded", records, columns, what)


def from_convolution_table(records: Sequence[Record]) -> Table:
    """Return what became of S-CONV, trained on as itself and as each larger network."""
    found = compare.conditions(records)
    columns: dict[str, Cell] = {
        "network": compare.of(start_text),
        **compare.by_field(["lr"]),
        "difference from S-CONV": compare.less(found, lambda _: _plain(found)),
        **_results(),
    }
    what = "Trained on from S-CONV"
    return compare.by_condition("from-convolution", records, columns, what)


def deeper_table(records: Sequence[Record]) -> Table:
    """Return the deep and the shallow networks."""
    columns: dict[str, Cell] = {
        "network": compare.of(lambda config: str(method(config))),
        **compare.by_field(["lr"]),
        "λ": compare.of(l1_text),
        "training accuracy (%)": compare.fit_text,
        **_results(),
    }
    return compare.by_condition("deeper", records, columns, "Deep and shallow networks")


def _results() -> dict[str, Cell]:
    return {
        "test accuracy (%)": compare.mean_text,
        "left in layer 1 (%)": compare.remaining_text,
        "in a window, beyond chance (points)": locality.window_text,
        "seeds": tables.links,
    }


def l1_text(config: Config) -> str:
    """Return λ of the first layer, as the tables print it."""
    return tables.number(config.l1) if config.l1 else tables.NONE


def start_text(config: Config) -> str:
    """Name a network, and say whether it was S-CONV at first."""
    name = str(method(config))
    if config.source is None:
        return name
    return f"{name}, trained on" if config.model == "s-conv" else f"{name}, from S-CONV"


def _plain(found: Conditions) -> Config:
    """Return S-CONV, from which the others start."""
    return next(config for config in found if config.source is None)


def banded_figure(records: Sequence[Record]) -> Figure:
    """Draw accuracy and remaining weights of β = 50 against the growth of λ."""
    sparse = locality.sparse_runs(records)
    levels = {
        str(name): float(np.mean(compare.accuracies(runs)))
        for name, runs in compare.by_method(records).items()
        if name != B50
    }
    names = {str(SGD): "SGD", str(LOCAL): "S-LOCAL", str(CONV): "S-CONV"}
    frame = compare.sweep_frame(sparse, "l1_growth", lambda c: f"β = 50, λ = {l1_text(c)}")
    label = "growth of λ with each pixel outside the window"
    references = {names[name]: level for name, level in levels.items()}
    return plots.sweep(frame, label, references=references, linear_below=GROWTHS[0])


def from_convolution_figure(records: Sequence[Record]) -> Figure:
    """Draw each network that was trained on less S-CONV, by learning rate."""
    found = compare.conditions(records)
    rows = [
        plots.Differences(
            start_text(config),
            str(method(config)),
            compare.differences(runs, found[_plain(found)]),
            group=f"η = {config.lr:g} at first",
        )
        for config, runs in sorted(found.items(), key=lambda pair: -pair[0].lr)
        if config.source
    ]
    return plots.forest(rows, "test accuracy less that of S-CONV (points)")


def deeper_figure(records: Sequence[Record]) -> Figure:
    """Draw what depth adds to each network's accuracy."""
    groups = compare.by_method(records)
    rows = [
        plots.Differences(
            f"{name} less {shallow}",
            str(name),
            compare.differences(runs, groups[shallow]),
        )
        for name, runs in groups.items()
        if (shallow := name._replace(model=name.model.replace("d-", "s-"))) != name
    ]
    return plots.forest(rows, "gain in test accuracy by depth (points)")


def words(found: dict[str, list[Record]]) -> dict[str, str]:
    """Return what the prose says, in points; "pending" without runs.

    `banded-large` and `banded-small`: a growth of 1 over none, at the two λ. `from-…`: what S-FC
    ends above S-CONV with, at the lower rate, and `from-window-…`: how local it is. `depth-…`: what
    depth adds to a network, and `published-depth-…` in the paper. `weights-d-fc`: how many weights
    D-FC has.
    """
    banded = compare.conditions(found["banded"])
    levels = sorted({config.l1 for config in banded if config.l1}) or [0.0]
    said = {
        f"banded-{size}": compare.signed_text(
            compare.gain(banded, lambda c: c.replace(l1_growth=0.0), l1=l1, l1_growth=1.0)
        )
        for size, l1 in (("large", levels[-1]), ("small", levels[0]))
    }
    started = compare.conditions(found["from-convolution"])
    for name, training in (("sgd", SGD), ("beta", B50)):
        own = {**training._asdict(), "start": "network", "lr": RATES[-1]}
        gain = compare.gain(started, lambda _: _plain(started), **own)
        said[f"from-{name}"] = compare.signed_text(gain)
        said[f"from-window-{name}"] = compare.said_of(started, locality.window_text, **own)
    groups = compare.by_method(found["deeper"])
    for name, deep in (("beta", DEEP_B50), *((model[2:], Method(model)) for model in DEEP)):
        shallow = deep._replace(model=deep.model.replace("d-", "s-"))
        gain = compare.paired(groups[deep], groups[shallow]) if groups else None
        said[f"depth-{name}"] = compare.signed_text(gain)
        if deep in published.DEEP:
            theirs = Interval(published.DEEP[deep] - published.SHORT[shallow], None, 1)
            said[f"published-depth-{name}"] = tables.published(tables.signed(theirs))
    sizes = Config(model="d-fc", base_channels=DEEP_WIDTH).layer_sizes()
    said["weights-d-fc"] = f"{sum(layer.weights for layer in sizes.values()):,}"
    return said


DEEP_B50 = Method("d-fc", "beta-lasso", 50.0)
_GROWN: dict[str, object] = {"optimizer": "beta-lasso", "l1": 5e-5}
_STARTED: dict[str, object] = {"start": "network", "model": "s-fc", "lr": RATES[-1]}

CLAIMS: tuple[Claim, ...] = (
    Claim(
        "B",
        "A λ that grows by itself with each pixel outside a window raises the accuracy of β = 50",
        "banded",
        differs(_GROWN | {"l1_growth": 1.0}, _GROWN | {"l1_growth": 0.0}),
    ),
    Claim(
        "B",
        "S-LOCAL is better than β = 50 with such a λ",
        "banded",
        differs({"model": "s-local"}, _GROWN | {"l1_growth": 1.0}),
    ),
    Claim(
        "B",
        "S-FC that starts from S-CONV ends above it",
        "from-convolution",
        differs(_STARTED | {"optimizer": "sgd"}, {"model": "s-conv", "start": "initial"}),
    ),
    Claim(
        "B",
        "From S-CONV, β = 50 ends above SGD",
        "from-convolution",
        differs(_STARTED | {"optimizer": "beta-lasso"}, _STARTED | {"optimizer": "sgd"}),
    ),
    Claim(
        "B",
        "In D-FC, β = 50 is better than SGD",
        "deeper",
        differs(
            {"model": "d-fc", "optimizer": "beta-lasso"}, {"model": "d-fc", "optimizer": "sgd"}
        ),
    ),
    Claim(
        "B",
        "With β = 50, D-FC is better than S-FC",
        "deeper",
        differs(
            {"model": "d-fc", "optimizer": "beta-lasso"},
            {"model": "s-fc", "optimizer": "beta-lasso"},
        ),
    ),
)
