"""S-FC at the paper's size: α = 150, after the paper's shorter training of 400 epochs (Table 1).

Its first runs took over hyperparameters of smaller networks; a search at this size came after them.
The paper's longer training, of 4000 epochs, is to be tried at its width and at α = 32.
"""

from collections.abc import Sequence
from functools import partial

import numpy as np

from lcs.config import Config
from lcs.cost import weights_by_layer
from lcs.exhibits.shared import cells, compare, filter_surrogates, locality, published, tables
from lcs.exhibits.shared.compare import ByStudy
from lcs.exhibits.shared.declare import Studies
from lcs.exhibits.shared.gap import gap_text
from lcs.exhibits.shared.methods import B0, B50, CONV, LOCAL, NETWORKS, SGD, THREE, method
from lcs.exhibits.shared.plots import style
from lcs.exhibits.shared.searches import Rule, Search, method_key, values_over
from lcs.exhibits.shared.settings import (
    CHOSEN,
    PAPER_LENGTH,
    PAPER_SHORT,
    PAPER_WHOLE,
    baseline,
    beta_lasso,
    regularised,
    sgd_and_betas,
    sized,
    with_values,
)
from lcs.exhibits.shared.tables import PENDING, Cell, Table
from lcs.exhibits.shared.verdicts import Claim
from lcs.runs import Record

# of the search: learning rates by optimizer, and factors of weight decay or of λ at the best one
RATES = {"sgd": (0.01, 0.03, 0.1), "beta-lasso": (0.03, 0.1, 0.3)}
FACTORS = {"sgd": (1.0, 0.25), "beta-lasso": (1.0, 0.5)}
# what `numbers` names
NUMBERS = (
    "n sgd sparse local closed paper-closed before-gain before-closed left all local-left pairs "
    "window pruned filters lr-sgd lr-before momentum hardware minutes"
)
# the methods of the page, from top to bottom
METHODS = (CONV, LOCAL, THREE, SGD, B0, B50)

STUDIES = Studies()
_study = partial(STUDIES.add, setting=PAPER_SHORT, seeds=1, scales=("smoke", "paper"))
_search = partial(STUDIES.add, kind=Search, setting=PAPER_SHORT, scales=("smoke", "paper"))


def _compared(base: Config, length: float = 1) -> list[Config]:
    """Return SGD, β = 50 and S-LOCAL, which the search compares at a quarter of the length."""
    here = sized(base, length=length)
    return [*sgd_and_betas(here, [50]), baseline(here, "s-local")]


def _searched(base: Config) -> list[Config]:
    """Return SGD, β = 50 and S-LOCAL as `search-paper-size` chose."""
    found = CHOSEN["search-paper-size"]
    return [with_values(run, **found[method_key(run)]) for run in _compared(base)]


@_study()
def paper_size(base: Config) -> list[Config]:
    """S-FC at the paper's size, before the search."""
    return sgd_and_betas(base, [50])


@_study()
def paper_size_others(base: Config) -> list[Config]:
    """S-CONV, 3-FC and β = 0 at the paper's size."""
    return [baseline(base, "s-conv"), baseline(base, "3-fc"), beta_lasso(base, 0)]


@_search(rule=Rule(method_key, lambda config: config.lr))
def search_paper_size_rate(base: Config) -> list[Config]:
    """Learning rates at the paper's size, on validation."""
    runs = _compared(base, 1 / 4)
    return [run.replace(lr=lr) for run in runs for lr in RATES[run.optimizer]]


def _values(config: Config) -> dict[str, float]:
    """Return what the search varies: η, and weight decay or λ over that without a search."""
    plain = compare.as_sgd(config).replace(model="s-fc")
    usual = beta_lasso(plain, config.beta) if config.beta else baseline(plain, config.model)
    return values_over(config, usual)


@_search(after=("search-paper-size-rate",), rule=Rule(method_key, _values))
def search_paper_size(base: Config) -> list[Config]:
    """Weight decay or λ at the paper's size, on validation."""
    best = CHOSEN["search-paper-size-rate"]
    return [
        with_values(run, best[method_key(run)], factor)
        for run in _compared(base, 1 / 4)
        for factor in FACTORS[run.optimizer]
    ]


_as_searched = partial(_study, after=("search-paper-size",))
_longer = partial(_as_searched, setting=PAPER_LENGTH)


@_as_searched()
def paper_size_searched(base: Config) -> list[Config]:
    """SGD, β = 50 and S-LOCAL at the paper's size, as searched."""
    return _searched(base)


@_as_searched(setting=PAPER_WHOLE)
def paper_size_long(base: Config) -> list[Config]:
    """SGD, β = 50 and S-LOCAL at the paper's size for its 4000 epochs, as searched."""
    return _searched(base)


@_longer()
def paper_length(base: Config) -> list[Config]:
    """SGD, β = 50 and S-LOCAL for 4000 epochs at α = 32."""
    return _searched(base)


@_longer()
def paper_length_l1(base: Config) -> list[Config]:
    """β = 50 with four times the λ for 4000 epochs at α = 32."""
    return [regularised(run, 4.0) for run in _searched(base) if run.beta]


def results_table(records: Sequence[Record]) -> Table:
    """Return every method beside the paper's two lengths; what has not been run is pending.

    Args:
        records: of `paper-size-searched` and of `paper-size-others`.
    """
    groups = compare.by_method(records)
    lengths = (published.SHORT_EPOCHS, published.PAPER_EPOCHS)
    columns: dict[str, Cell] = {
        "ours (%)": cells.mean_text,
        "ours, training (%)": cells.fit_text,
        "remaining, layers 1, 2, 3 (%)": partial(cells.layers_text, rounded=tables.rounded),
        **{
            heading: partial(cells.mean_text, of=partial(locality.measured, kind=kind), digits=0)
            for heading, kind in (("in the window (%)", "mean"), ("permuted (%)", "null_mean"))
        },
        "seeds": tables.links,
    }
    rows = []
    for name in METHODS:
        runs = groups[name]
        theirs = [tables.published(published.accuracy(name, "cifar10", n)) for n in lengths]
        ours = [say(runs) if runs else "" for say in columns.values()]
        if not runs:
            ours[0] = tables.pending()
        rows.append([name, *theirs, *ours])
    caption = (
        f"Test accuracy of the networks at α ≈ {published.PAPER_BASE_CHANNELS} on CIFAR-10, "
        f"published after {published.SHORT_EPOCHS} and {published.PAPER_EPOCHS} epochs, and ours "
        f"after {published.SHORT_EPOCHS} with AutoAugment (S-CONV, 3-FC and β = 0 with the "
        "hyperparameters of smaller networks); ours on the training images without augmentation; "
        "the weights that remain; and, of filters with at least 20 weights, the share of the "
        "squared weights in the best window of 9 × 9 pixels, as they are and after a permutation "
        "of their pixels."
    )
    headings = ["method", *(f"paper, {n} (%)" for n in lengths)]
    return Table("tab-paper-size", caption, [*headings, *columns], rows)


# what `networks_table` shows of a study
NETWORKS_SHOWN = {
    "paper-size-searched": (
        "Networks before the search, with the hyperparameters of smaller networks (the first two "
        "rows), and after it; λ is a quarter of the search's, since the training is four times as "
        "long"
    ),
    "paper-length": "After the paper's 4000 epochs, in a network of α = 32",
}


def networks_table(study: str, records: Sequence[Record]) -> Table:
    """Return SGD, β = 50 and S-LOCAL with their hyperparameters: one of `NETWORKS_SHOWN`."""
    columns: dict[str, Cell] = {
        **cells.field_columns(["method", "lr", "weight_decay", "l1"]),
        "test accuracy (%)": cells.mean_text,
        "training (%)": cells.fit_text,
        "remaining, layers 1, 2, 3 (%)": partial(cells.layers_text, rounded=tables.rounded),
    }
    return cells.by_condition(study, records, columns, NETWORKS_SHOWN[study])


def training_figure(records: Sequence[Record]) -> style.Figure:
    """Draw test accuracy, and the weights of the first two layers, along training.

    Hollow: what the paper reports, in the first panel after as many epochs.
    """
    if not records:
        return style.pending()
    marker = style.PUBLISHED_MARKERS["paper"]
    figure, panels = style.subplots(1, 3, figsize=(style.PAGE_WIDTH, 3.2), width_ratios=(1.7, 1, 1))
    accuracy, first, second = panels
    for run in records:
        name, epochs = method(run.config), run.history["epoch"]
        own = style.look(name)
        line = {"ls": own.line, "color": own.colour, "label": str(name)}
        accuracy.plot(epochs, 100 * np.array(run.history["test_accuracy"]), lw=1, **line)
        if name != LOCAL:
            first.plot(epochs, run.history["nonzeros"]["conv1"], **line)
            second.plot(epochs, run.history["nonzeros"]["fc1"], **line)
    accuracy.set(ylabel="test accuracy (%)", xlabel="epoch")
    for axes, title in ((first, "first layer"), (second, "second layer")):
        axes.set(yscale="log", xlabel="epoch", title=title)
    config = records[0].config
    if config.dataset == "cifar10":
        for name in (SGD, LOCAL):
            known = published.SHORT[name]
            colour = style.look(name).colour
            accuracy.plot(config.epochs, known, marker, mfc="none", mec=colour, ms=7)
        accuracy.plot([], [], marker, mfc="none", mec="0.3", ms=7, label="the paper, SGD")
        ours = {NETWORKS[m]: weights_by_layer(config, m)["conv1"] for m in ("s-local", "s-conv")}
        lines: list[tuple[style.Axes, str, float]] = [(first, *line) for line in ours.items()]
        for axes, layer in ((first, "conv1"), (second, "fc1")):
            lines.append((axes, "paper, β = 50", published.FIGURE3[layer]))
        for axes, label, count in lines:
            left = label.startswith("paper")  # where the curve is far above
            axes.axhline(count, color="0.5", ls=":", lw=1)
            axes.annotate(
                label, (0.02 if left else 1, count), (0, 2),
                xycoords=("axes fraction", "data"), textcoords="offset points",
                ha="left" if left else "right", color="0.35",
            )  # fmt: skip
    accuracy.set_ylim(40, None)  # with the paper's
    first.set_ylabel("weights left")
    style.add_legend(figure, accuracy, columns=3)
    return figure


def numbers(runs: ByStudy) -> dict[str, str]:
    """Return the numbers of the prose, `size-…`; "pending" without all runs."""
    after, earlier = (compare.by_method(runs[f"paper-size{end}"]) for end in ("-searched", ""))
    if not (after.keys() >= {SGD, B50, LOCAL} and earlier.keys() >= {SGD, B50}):
        return {f"size-{name}": PENDING for name in NUMBERS.split()}
    dense, sparse, local = (after[name] for name in (SGD, B50, LOCAL))
    run, sparse_before = sparse[0], earlier[B50]
    beside = next(iter(filter_surrogates.frame([[run, dense[0]]]).to_dict("records")), None)
    found = {
        "n": f"{len(sparse)}",
        "sgd": f"{compare.mean(dense):.2f}",
        "sparse": f"{compare.mean(sparse):.2f}",
        "local": f"{compare.mean(local):.2f}",
        "closed": gap_text(after),
        "paper-closed": f"{published.gap_closed():.0f}",
        "before-gain": cells.lead_text(sparse_before, earlier[SGD]),
        "before-closed": gap_text(after, sparse_before),
        "left": f"{np.mean(compare.nonzeros(sparse)) / 1e6:.1f}",
        "all": f"{run.final['weights']['conv1'] / 1e6:.0f}",
        "local-left": f"{compare.local_weights(run.config) / 1e6:.1f}",
        "pairs": locality.neighbours_text(sparse),
        "window": tables.interval(beside["own"], 0) if beside else tables.NONE,
        "pruned": tables.interval(beside["pruned"], 0) if beside else tables.NONE,
        "filters": f"{beside['own'].n}" if beside else tables.NONE,
        "lr-sgd": tables.number(dense[0].config.lr),
        "lr-before": tables.number(earlier[SGD][0].config.lr),
        "momentum": tables.number(dense[0].config.momentum),
        "hardware": tables.plain(run.provenance["hardware"]),
        "minutes": f"{run.provenance['seconds'] / 60:.0f}",
    }
    return {f"size-{name}": value for name, value in found.items()}


# what is said of it counts with the claims of Table 2, Figure 3 and Figure 4, in this setting
CLAIMS: dict[str, Claim] = {}
