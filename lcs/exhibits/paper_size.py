"""S-FC at the paper's size: α = 150, after the paper's shorter training of 400 epochs (Table 1)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from lcs.config import Config
from lcs.cost import count_weights
from lcs.exhibits import cells, compare, locality, published, tables
from lcs.exhibits.figure4 import smooth
from lcs.exhibits.methods import B0, B50, CONV, LOCAL, NETWORKS, SGD, THREE, method
from lcs.exhibits.plots.style import PUBLISHED_MARKERS, WIDTH, add_legend, look, pending, subplots
from lcs.exhibits.searches import Rule, Rules, method_key, relative
from lcs.exhibits.settings import (
    CHOSEN,
    PAPER_SHORT,
    baseline,
    beta_lasso,
    quarter_length,
    regularised,
)
from lcs.exhibits.tables import PENDING, Table
from lcs.exhibits.verdicts import Claim
from lcs.runs import Record
from lcs.stats import mean_interval
from lcs.study import Study

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# of the search: learning rates by optimizer, and factors of weight decay or of λ at the best one
RATES = {"sgd": (0.01, 0.03, 0.1), "beta-lasso": (0.03, 0.1, 0.3)}
FACTORS = {"sgd": (1.0, 0.25), "beta-lasso": (1.0, 0.5)}
# what `numbers` names
NUMBERS = (
    "sgd sparse gain half above paper-sgd paper-local fit-sgd fit-sparse gap-sgd gap-sparse n left "
    "all first second third whole share local below dip-sgd dip few dead eligible window pruned "
    "filters pairs range l1 units inputs lr momentum steps hardware minutes"
)
# the methods of the page, from top to bottom
METHODS = (CONV, LOCAL, THREE, SGD, B0, B50)


def _both(base: Config, betas: Sequence[float]) -> list[Config]:
    return [baseline(base, "s-fc"), beta_lasso(base, betas[-1])]


def _others(base: Config, betas: Sequence[float]) -> list[Config]:
    return [baseline(base, "s-conv"), baseline(base, "3-fc"), beta_lasso(base, 0)]


def _searched(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return SGD, β = 50 and S-LOCAL as `search-paper-size` chose them."""
    runs = []
    for run in _compared(base, betas):
        best = CHOSEN["search-paper-size"].get(method_key(run), {"factor": 1.0, "lr": run.lr})
        runs.append(regularised(run, best["factor"]).replace(lr=best["lr"]))
    return runs


def _compared(base: Config, betas: Sequence[float]) -> list[Config]:
    return [*_both(base, betas), baseline(base, "s-local")]


def _rates(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return each method with every learning rate, a quarter as long, on validation images."""
    here = quarter_length(base).replace(validation=True)
    return [run.replace(lr=lr) for run in _compared(here, betas) for lr in RATES[run.optimizer]]


def _factors(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return each method at its best learning rate with every factor, trained alike."""
    here, best = quarter_length(base).replace(validation=True), CHOSEN["search-paper-size-rate"]
    return [
        regularised(run, factor).replace(lr=best.get(method_key(run), run.lr))
        for run in _compared(here, betas)
        for factor in FACTORS[run.optimizer]
    ]


def _values(config: Config) -> dict[str, float]:
    """Return what the search varies: η, and weight decay or λ over that without a search."""
    plain = config.replace(model="s-fc", optimizer="sgd", l1=0.0, l1_rest=None, beta=0.0)
    usual = beta_lasso(plain, config.beta) if config.beta else baseline(plain, config.model)
    return {"lr": config.lr, "factor": relative(config, usual)}


_study = partial(Study, setting=PAPER_SHORT, seeds=1, betas=(50,), scales=("smoke", "paper"))

STUDIES = (
    _study("paper-size", "S-FC with SGD and β = 50 at the paper's size", make=_both),
    _study(
        "paper-size-local",
        "S-LOCAL at the paper's size",
        make=lambda base, betas: [baseline(base, "s-local")],
    ),
    _study("paper-size-others", "S-CONV, 3-FC and β = 0 at the paper's size", make=_others),
    _study(
        "search-paper-size-rate", "Learning rates at the paper's size, on validation", make=_rates
    ),
    _study(
        "search-paper-size",
        "Weight decay or λ at the paper's size, on validation",
        make=_factors,
        after=("search-paper-size-rate",),
    ),
    _study(
        "paper-size-searched",
        "SGD, β = 50 and S-LOCAL at the paper's size, as searched",
        make=_searched,
        after=("search-paper-size",),
    ),
)

CHOICES: Rules = {
    "search-paper-size-rate": Rule(method_key, lambda config: config.lr),
    "search-paper-size": Rule(method_key, _values),
}


def results_table(records: Sequence[Record]) -> Table:
    """Return every method beside the paper's two lengths; what has not been run is pending.

    Args:
        records: of `paper-size` and of the studies beside it.
    """
    groups = compare.by_method(records)
    columns: dict[str, Callable[[Sequence[Record]], str]] = {
        "ours (%)": cells.mean_text,
        "ours, training (%)": cells.fit_text,
        "remaining, layers 1, 2, 3 (%)": _shares_text,
        "in the window (%)": partial(_window_text, kind="mean"),
        "permuted (%)": partial(_window_text, kind="null_mean"),
        "seeds": tables.links,
    }
    rows = []
    for name in METHODS:
        runs = groups.get(name, [])
        theirs = [
            tables.published(published.accuracy(name, "cifar10", epochs))
            for epochs in (published.SHORT_EPOCHS, published.PAPER_EPOCHS)
        ]
        ours = [say(runs) if runs else "" for say in columns.values()]
        if not runs:
            ours[0] = tables.pending()
        rows.append([name, *theirs, *ours])
    caption = (
        f"Test accuracy of the networks at α ≈ {published.PAPER_BASE_CHANNELS} on CIFAR-10, "
        f"published after {published.SHORT_EPOCHS} and {published.PAPER_EPOCHS} epochs, and ours "
        f"after {published.SHORT_EPOCHS} with AutoAugment; ours on the training images without "
        "augmentation; the weights that remain; and, of filters with at least 20 weights, the "
        "share of the squared weights in the best window of 9 × 9 pixels, as they are and after "
        "a permutation of their pixels."
    )
    lengths = (published.SHORT_EPOCHS, published.PAPER_EPOCHS)
    headings = ["method", *(f"paper, {n} (%)" for n in lengths)]
    return Table("tab-paper-size", caption, [*headings, *columns], rows)


def searched_table(records: Sequence[Record]) -> Table:
    """Return SGD, β = 50 and S-LOCAL with the hyperparameters that the search chose, if it has."""
    searched = records if CHOSEN["search-paper-size"] else []
    columns: dict[str, Callable[[Sequence[Record]], str]] = {
        "method": cells.of(lambda config: method(config).short),
        **cells.by_field(["lr", "weight_decay", "l1"]),
        "test accuracy (%)": cells.mean_text,
        "remaining, layers 1, 2, 3 (%)": _shares_text,
        "seeds": tables.links,
    }
    what = "Networks at the paper's size, with hyperparameters chosen there on validation images"
    return cells.by_condition("paper-size-searched", searched, columns, what)


def training_figure(records: Sequence[Record]) -> Figure:
    """Draw test accuracy, and the weights of the first two layers, along training.

    Hollow: what the paper reports, in the first panel after as many epochs.
    """
    if not records:
        return pending()
    marker, history = PUBLISHED_MARKERS["paper"], compare.frame(records)
    figure, panels = subplots(1, 3, figsize=(WIDTH, 3.2))
    accuracy, first, second = panels
    for (name, _), run in history.groupby(["method", "run_id"], sort=False):
        own = look(name)
        style = {"ls": own.line, "color": own.colour, "label": name}
        accuracy.plot(run.epoch, 100 * run.test_accuracy, **style)
        first.plot(run.epoch, run.nonzeros_conv1, **style)
        second.plot(run.epoch, run.nonzeros_fc1, **style)
    accuracy.set(ylabel="test accuracy (%)", xlabel="epoch")
    for axes, title in ((first, "first layer"), (second, "second layer")):
        axes.set(yscale="log", xlabel="epoch", title=title)
    config = records[0].config
    if config.dataset == "cifar10":
        for name in (SGD, LOCAL):
            known = published.SHORT[name]
            accuracy.plot(config.epochs, known, marker, mfc="none", mec=look(name).colour, ms=7)
            accuracy.annotate(
                NETWORKS[name.model], (config.epochs, known), (-6, 4),
                textcoords="offset points", ha="right",
            )  # fmt: skip
        accuracy.plot([], [], marker, mfc="none", mec="0.3", ms=7, label="the paper, SGD")
        ours = {NETWORKS[m]: count_weights(config, m)["conv1"] for m in ("s-local", "s-conv")}
        theirs = published.FIGURE3
        for axes, lines in (
            (first, ours | {"paper, β = 50": theirs["conv1"]}),
            (second, {"paper, β = 50": theirs["fc1"]}),
        ):
            for label, count in lines.items():
                left = label.startswith("paper")  # where the curve is far above
                axes.axhline(count, color="0.5", ls=":", lw=1)
                axes.annotate(
                    label, (0.02 if left else 1, count), (0, 2),
                    xycoords=("axes fraction", "data"), textcoords="offset points",
                    ha="left" if left else "right", color="0.35",
                )  # fmt: skip
    first.set_ylabel("weights that are not zero")
    add_legend(figure, accuracy, columns=3)
    return figure


def numbers(records: Sequence[Record]) -> dict[str, str]:
    """Return the numbers of the prose, of SGD and of β = 50, or "pending" without runs of both.

    `size-…`, means over seeds: accuracies, those on the training images (`fit`), and how far the
    first are below the second (`gap`), in per cent and points; `gain` of β = 50, at half time
    (`half`, over ten recorded epochs), and its lead over SGD in the paper (`above`); weights that
    are `left`, and shares of the layers and of the `whole` network in per cent; `below`: the first
    recorded epoch in which a run has fewer weights in the first layer than S-LOCAL, and the lowest
    test accuracies from it on (`dip`); of the first layer's `units` with their `inputs`, in per
    cent, those with one to seven weights (`few`), with none (`dead`) and with enough to be measured
    (`eligible`); the mass in the best `window` of stored filters, and of those of SGD with as many
    weights (`pruned`); how often weights are neighbours (`pairs`), and up to which distance more
    often than by chance (`range`); SGD's `momentum`, and how much longer it makes `steps`.
    """
    groups = compare.by_method(records)
    dense, sparse = groups.get(SGD, []), groups.get(B50, [])
    if not (dense and sparse):
        return {f"size-{name}": PENDING for name in NUMBERS.split()}
    run, total = sparse[0], sum(sparse[0].final["weights"].values())
    whole = np.mean([sum(each.final["nonzeros"].values()) for each in sparse])
    units = np.mean([each.final["fan_in"]["conv1"] for each in sparse], axis=0)  # 0, 1, 2–3, 4–7, …
    eligible = 100 * np.mean([r.final["locality"]["eligible"] for r in sparse]) / units.sum()
    local = count_weights(run.config, LOCAL.model)["conv1"]
    counts = np.min([each.history["nonzeros"]["conv1"] for each in sparse], axis=0)
    below = int(np.argmax(counts < local)) if counts.min() < local else len(counts) - 1
    half = bisect_right(run.history["epoch"], run.config.epochs / 2)
    middle = slice(max(0, half - 5), half + 5)
    stored = [each.load_filters() for each in (run, dense[0]) if each.has_filters]
    count = min(map(len, stored), default=0)
    both_stored = len(stored) == 2 and count > 1
    beside = smooth.compared(*(each[:count] for each in stored)) if both_stored else {}
    found = {
        "sgd": f"{compare.mean(dense):.2f}",
        "sparse": f"{compare.mean(sparse):.2f}",
        "gain": tables.ahead(cells.gain_text(sparse, dense)),
        "half": tables.ahead(cells.gain_text(sparse, dense, partial(_late, middle))),
        "above": f"{compare.mean(sparse) - published.SHORT[SGD]:.2f}",
        "paper-sgd": f"{published.SHORT[SGD]:.2f}",
        "paper-local": f"{published.SHORT[LOCAL]:.2f}",
        "fit-sgd": f"{compare.mean(dense, compare.train_accuracies):.1f}",
        "fit-sparse": f"{compare.mean(sparse, compare.train_accuracies):.1f}",
        "gap-sgd": f"{-compare.mean(dense, _less_training):.1f}",
        "gap-sparse": f"{-compare.mean(sparse, _less_training):.1f}",
        "n": f"{len(sparse)}",
        "left": f"{np.mean(compare.nonzeros(sparse)):,.0f}",
        "all": f"{run.final['weights']['conv1'] / 1e6:.0f}",
        "first": tables.rounded(float(np.mean(compare.remaining(sparse)))),
        "second": tables.rounded(float(np.mean(compare.remaining(sparse, "fc1")))),
        "third": tables.rounded(float(np.mean(compare.remaining(sparse, "fc2")))),
        "whole": f"{whole / 1e6:.1f}",
        "share": f"{100 * whole / total:.1f}",
        "local": f"{local:,}",
        "below": f"{run.history['epoch'][below]}",
        "dip": f"{min(100 * min(r.history['test_accuracy'][below:]) for r in sparse):.0f}",
        "dip-sgd": f"{min(100 * min(r.history['test_accuracy'][below:]) for r in dense):.0f}",
        "few": f"{100 * units[1:4].sum() / units.sum():.0f}",
        "dead": f"{100 * units[0] / units.sum():.0f}",
        "eligible": f"{eligible:.1f}",
        "window": tables.interval(beside["own"], 0) if beside else tables.NONE,
        "pruned": tables.interval(beside["pruned"], 0) if beside else tables.NONE,
        "filters": f"{count}",
        "pairs": f"{np.mean([ratios[0] for ratios in locality.pair_ratios(sparse)]):.1f}",
        "range": f"{np.mean(locality.clustering_ranges(sparse)):.0f}",
        "l1": cells.lambdas_text(run.config),
        "units": f"{units.sum():,.0f}",
        "inputs": f"{run.final['weights']['conv1'] / units.sum():.0f}",
        "lr": tables.number(run.config.lr),
        "momentum": tables.number(dense[0].config.momentum),
        "steps": f"{1 / (1 - dense[0].config.momentum):.0f}",
        "hardware": tables.plain(run.provenance["hardware"]),
        "minutes": f"{run.provenance['seconds'] / 60:.0f}",
    }
    return {f"size-{name}": value for name, value in found.items()}


def _less_training(runs: Sequence[Record]) -> list[float]:
    """Return how far each run's test accuracy is above that on its training images: below 0."""
    pairs = zip(compare.accuracies(runs), compare.train_accuracies(runs), strict=True)
    return [test - train for test, train in pairs]


def _late(epochs: slice, runs: Sequence[Record]) -> list[float]:
    """Return each run's mean test accuracy over some recorded epochs, in per cent."""
    return [100 * float(np.mean(run.history["test_accuracy"][epochs])) for run in runs]


def _window_text(runs: Sequence[Record], *, kind: str) -> str:
    value = locality.summary(runs, "window_mass")[kind]
    return tables.NONE if value is None else f"{value:.0f}"


def _shares_text(runs: Sequence[Record]) -> str:
    """Return how much of each layer remains on average, in per cent, to two significant digits."""
    shares = (mean_interval(compare.remaining(runs, layer)).mean for layer in tables.LAYERS)
    return ", ".join(map(tables.rounded, shares))


# what is said of it counts with the claims of Table 2, Figure 3 and Figure 4, in this setting
CLAIMS: tuple[Claim, ...] = ()
