"""S-FC at the paper's size: α = 150, after the paper's shorter training of 400 epochs (Table 1)."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from lcs.config import Config
from lcs.cost import count_weights
from lcs.exhibits import cells, compare, locality, published, tables
from lcs.exhibits.methods import B0, B50, CONV, LOCAL, NETWORKS, SGD, THREE, method
from lcs.exhibits.plots.style import PUBLISHED_MARKERS, WIDTH, add_legend, look, pending, subplots
from lcs.exhibits.searches import Rule, method_key, relative
from lcs.exhibits.settings import (
    CHOSEN,
    PAPER_SHORT,
    baseline,
    beta_lasso,
    regularised,
)
from lcs.exhibits.tables import PENDING, Numbers, Table
from lcs.exhibits.verdicts import Claim
from lcs.runs import Record
from lcs.stats import mean_interval
from lcs.study import Study

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# of the search: learning rates by optimizer, and factors of weight decay or of λ
RATES = {"sgd": (0.01, 0.03, 0.1), "beta-lasso": (0.03, 0.1, 0.3)}
FACTORS = {"sgd": (1.0, 4.0), "beta-lasso": (0.5, 1.0)}
# the methods of the page, from top to bottom
METHODS = (CONV, LOCAL, THREE, SGD, B0, B50)


def _both(base: Config, betas: Sequence[float]) -> list[Config]:
    return [baseline(base, "s-fc"), beta_lasso(base, betas[-1])]


def _others(base: Config, betas: Sequence[float]) -> list[Config]:
    return [baseline(base, "s-conv"), baseline(base, "3-fc"), beta_lasso(base, 0)]


def _searched(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return SGD, β = 50 and S-LOCAL as `search-paper-size` chose them."""
    runs = []
    for run in (*_both(base, betas), baseline(base, "s-local")):
        best = CHOSEN["search-paper-size"].get(method_key(run), {"factor": 1.0, "lr": run.lr})
        runs.append(regularised(run, best["factor"]).replace(lr=best["lr"]))
    return runs


def _search(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return the candidates of each method, a quarter as long, on validation images."""
    here = base.replace(epochs=max(1, base.epochs // 4), validation=True)
    return [
        regularised(run, factor).replace(lr=lr)
        for run in (*_both(here, betas), baseline(here, "s-local"))
        for factor in FACTORS[run.optimizer]
        for lr in RATES[run.optimizer]
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
    _study("search-paper-size", "Hyperparameters at the paper's size, on validation", make=_search),
    _study(
        "paper-size-searched",
        "SGD, β = 50 and S-LOCAL at the paper's size, as searched",
        make=_searched,
        after=("search-paper-size",),
    ),
)

CHOICES = {"search-paper-size": Rule(method_key, _values)}


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
        "mass beyond chance": locality.excess_text,
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
        f"after {published.SHORT_EPOCHS}; ours on the training images without augmentation; the "
        "weights that remain, and the squared weights of a filter in its best window of 9 × 9 "
        "pixels beyond those of its permutations, in points."
    )
    lengths = (published.SHORT_EPOCHS, published.PAPER_EPOCHS)
    headings = ["method", *(f"paper, {n} (%)" for n in lengths)]
    return Table("tab-paper-size", caption, [*headings, *columns], rows)


def searched_table(records: Sequence[Record]) -> Table:
    """Return SGD, β = 50 and S-LOCAL with the hyperparameters that the search chose."""
    columns: dict[str, Callable[[Sequence[Record]], str]] = {
        "method": cells.of(lambda config: method(config).short),
        **cells.by_field(["lr", "weight_decay", "l1"]),
        "test accuracy (%)": cells.mean_text,
        "remaining, layers 1, 2, 3 (%)": _shares_text,
        "seeds": tables.links,
    }
    what = "Networks at the paper's size, with hyperparameters chosen there on validation images"
    return cells.by_condition("paper-size-searched", records, columns, what)


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
    last = records[0].config.epochs
    for name in (SGD, LOCAL):
        known = published.accuracy(name, "cifar10", published.SHORT_EPOCHS)
        accuracy.plot(last, known, marker, mfc="none", mec=look(str(name)).colour, ms=7)
        accuracy.annotate(
            NETWORKS[name.model], (last, known), (-6, 4), textcoords="offset points", ha="right"
        )
    accuracy.set(ylabel="test accuracy (%)", xlabel="epoch")
    accuracy.plot([], [], marker, mfc="none", mec="0.3", ms=7, label="the paper, SGD")
    config = records[0].config
    for axes, layer, title in ((first, "conv1", "first layer"), (second, "fc1", "second layer")):
        lines = {"paper, β = 50": published.FIGURE3[layer]}
        if layer == "conv1":
            lines |= {NETWORKS[m]: count_weights(config, m)[layer] for m in ("s-local", "s-conv")}
        for label, count in lines.items():
            axes.axhline(count, color="0.5", ls=":", lw=1)
            theirs = label.startswith("paper")  # on the left, where the curve is far above
            axes.annotate(
                label, (0.02 if theirs else 1, count), (0, 2), xycoords=("axes fraction", "data"),
                textcoords="offset points", ha="left" if theirs else "right", color="0.35",
            )  # fmt: skip
        axes.set(yscale="log", xlabel="epoch", title=title)
    first.set_ylabel("weights that are not zero")
    add_legend(figure, accuracy, columns=3)
    return figure


def filters(records: Sequence[Record]) -> dict[str, object]:
    """Return stored filters (n, C, H, W) of each run, by its method and what remains of them."""
    return dict(
        locality.filters_of(
            records,
            lambda run: (
                f"{method(run.config).short}: "
                f"{tables.rounded(compare.remaining([run])[0])} % of the weights remain"
            ),
        )
    )


def numbers(records: Sequence[Record]) -> Numbers:
    """Return the numbers of the prose, of SGD and of β = 50; NaN or "pending" without runs.

    `size-…`: accuracies, and accuracies on the training images (`fit`), in per cent; `gain` in
    points; `left` weights of the first layer, and shares of all layers in per cent; `below`: the
    first recorded epoch with fewer weights there than S-LOCAL has, and `dip`, the lowest test
    accuracy after it; `half`: the gain at half time, over ten recorded epochs; `few`: per cent of
    the units with one to seven weights, and `dead` with none; `window` of the filters' mass in per
    cent, of the `eligible` ones.
    """
    groups = compare.by_method(records)
    dense, sparse = groups.get(SGD, []), groups.get(B50, [])
    known = {"sgd": SGD, "local": LOCAL}
    values: Numbers = {
        "size-sgd": compare.mean_accuracy(dense),
        "size-sparse": compare.mean_accuracy(sparse),
        "size-gain": cells.gain_text(sparse, dense),
        "size-fit-sgd": compare.mean_accuracy(dense, compare.train_accuracies),
        "size-fit-sparse": compare.mean_accuracy(sparse, compare.train_accuracies),
        "size-n": f"{len(sparse)}",
        **{
            f"size-paper-{key}": published.accuracy(name, "cifar10", published.SHORT_EPOCHS) or 0
            for key, name in known.items()
        },
        "size-excess-sgd": tables.ahead(locality.excess_text(dense)),
        "size-excess": tables.ahead(locality.excess_text(sparse)),
        "size-eligible": locality.eligible_text(sparse),
    }
    if not sparse:
        names = (
            "left first second third local below dip half few dead window l1 all hardware minutes"
        )
        return values | {f"size-{name}": PENDING for name in names.split()}
    run = sparse[0]
    local = count_weights(run.config, LOCAL.model)["conv1"]
    counts = run.history["nonzeros"]["conv1"]
    below = next((i for i, count in enumerate(counts) if count < local), len(counts) - 1)
    half = bisect_right(run.history["epoch"], run.config.epochs / 2)
    one, other = (
        100 * np.mean(each.history["test_accuracy"][max(0, half - 5) : half + 5])
        for each in (run, dense[0])
    )
    units = run.final["fan_in"]["conv1"]  # by powers of two: none, 1, 2 to 3, 4 to 7, …
    return values | {
        "size-left": f"{run.final['nonzeros']['conv1']:,}",
        "size-first": tables.rounded(compare.remaining([run])[0]),
        "size-second": tables.rounded(compare.remaining([run], "fc1")[0]),
        "size-third": tables.rounded(compare.remaining([run], "fc2")[0]),
        "size-local": f"{local:,}",
        "size-all": f"{run.final['weights']['conv1'] / 1e6:.0f}",
        "size-below": f"{run.history['epoch'][below]}",
        "size-dip": f"{100 * min(run.history['test_accuracy'][below:]):.0f}",
        "size-half": f"{one - other:.1f}",
        "size-few": f"{100 * sum(units[1:4]) / sum(units):.0f}",
        "size-dead": f"{100 * units[0] / sum(units):.0f}",
        "size-window": tables.rounded(locality.summary(sparse, "window_mass")["mean"] or math.nan),
        "size-hardware": tables.plain(run.provenance["hardware"]),
        "size-minutes": f"{run.provenance['seconds'] / 60:.0f}",
        "size-l1": locality.lambdas_text(run.config),
    }


def _shares_text(runs: Sequence[Record]) -> str:
    """Return how much of each layer remains on average, in per cent, to two significant digits."""
    shares = (mean_interval(compare.remaining(runs, layer)).mean for layer in tables.LAYERS)
    return ", ".join(map(tables.rounded, shares))


# what is said of it counts with the claims of Table 2, Figure 3 and Figure 4, in this setting
CLAIMS: tuple[Claim, ...] = ()
