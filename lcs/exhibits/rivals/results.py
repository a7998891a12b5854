"""What the runs at equal budgets show: tables, figures, numbers and claims."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from lcs import cost, data
from lcs.config import CUT_BETWEEN_PERIODS
from lcs.exhibits import cells, compare, locality, plots, tables
from lcs.exhibits.compare import Values
from lcs.exhibits.plots.style import (
    WIDTH,
    add_legend,
    label_log_axis,
    other_colours,
    pending,
    subplots,
)
from lcs.exhibits.rivals.studies import AIMS, B50, DENSE, NO_L1, RIVALS, budget, rival
from lcs.exhibits.tables import LAYERS, PENDING, Cell, Table
from lcs.exhibits.verdicts import Claim, Judge, differs
from lcs.runs import Record

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

# in the figure of locality
WITH_DISTANCES = ("S-LOCAL's windows", B50, "one-shot", "gradual", "SET", "RigL", "random mask")


# the study of each budget, and its name
LABELS = {"rivals": "larger budget", "rivals-few": "smaller budget"}


def by_rival(records: Sequence[Record]) -> dict[str, list[Record]]:
    """Return the runs of each method at one budget, by its name; SGD of all weights comes first."""
    found = {rival(config): runs for config, runs in compare.conditions(records).items()}
    return {name: found[name] for name in (DENSE, *RIVALS) if name in found}


def sparse_flops(record: Record) -> float:
    """Return the FLOPs of a whole training without products by zeros, and needless gradients.

    A zero that may return needs its gradient at every step; one outside a mask, or frozen, does
    not. Zeros are those after each epoch. The dense gradients of RigL and SNIP, on one batch of an
    epoch, are not counted.
    """
    config, history = record.config, record.history
    epochs = np.arange(1, config.epochs + 1)
    unmasked = 0  # epochs in which every zero may return
    if config.pruning in CUT_BETWEEN_PERIODS:
        unmasked = config.period or config.epochs
    elif config.pruning == "none" and not config.frozen_zeros:
        unmasked = config.epochs
    products = 0.0  # multiply–adds of one image, over the epochs
    for name, counts in history["nonzeros"].items():
        left = np.interp(epochs, history["epoch"], counts)
        gradients = np.where(epochs <= unmasked, record.final["weights"][name], left)
        # the gradient of the images is not needed
        products += ((1 if name == "conv1" else 2) * left + gradients).sum()
    return 2 * products * data.spec(config.dataset).train_size


def rivals_table(study: str, records: Sequence[Record]) -> Table:
    """Return accuracy, its difference from β = 50, cost and locality at one budget."""
    place = by_rival(records)

    def less(runs: Sequence[Record]) -> str:
        itself = rival(runs[0].config) == B50
        return tables.NONE if itself else tables.signed(compare.paired(runs, place[B50]))

    columns: dict[str, Cell] = {
        "method": cells.of(rival),
        "weights": _weights_text,
        "test accuracy (%)": cells.mean_text,
        "difference from β = 50": less,
        "10¹² FLOPs, dense": cells.of(lambda c: f"{cost.training_flops(c) / 1e12:,.3g}"),
        "sparse": lambda runs: f"{np.mean([sparse_flops(r) for r in runs]) / 1e12:,.3g}",
        "window": locality.excess_text,
        "filters measured": locality.eligible_text,
        "seeds": tables.links,
    }
    what = (
        f"Methods at β-LASSO's own numbers of weights in layers 1 and 2, {LABELS[study]}; FLOPs "
        "of the whole training as it runs here, and without products by zeros; share of a "
        "filter's mass in its best window beyond chance, in points, and in how many filters it can "
        "be measured"
    )
    ordered = [run for runs in place.values() for run in runs]
    return cells.by_condition(
        study, ordered, columns, what, note="; differences are paired by seed"
    )


def _weights_text(runs: Sequence[Record]) -> str:
    if not runs:
        return PENDING
    kept = (np.mean(compare.nonzeros(runs, layer)) for layer in [*LAYERS][:2])
    return " and ".join(f"{count:,.0f}" for count in kept)


def allocation_table(records: Sequence[Record], others: Sequence[Record]) -> Table:
    """Compare the Erdős–Rényi allocation with β-LASSO's own counts.

    Args:
        records: of `rivals-er`.
        others: of `rivals`.
    """
    own = by_rival(others)

    def less(runs: Sequence[Record]) -> str:
        return cells.gain_text(runs, own.get(rival(runs[0].config), []))

    columns: dict[str, Cell] = {
        "method": cells.of(rival),
        "weights": _weights_text,
        "test accuracy (%)": cells.mean_text,
        "difference from β-LASSO's allocation": less,
        "seeds": tables.links,
    }
    what = "As many weights, allocated to layers 1 and 2 by the rule of Erdős and Rényi"
    return cells.by_condition("rivals-er", records, columns, what)


def search_table(study: str, records: Sequence[Record]) -> Table:
    """Return the candidates of a search: `search-budgets` or `search-pruning`."""
    columns: dict[str, Cell] = {
        "method": cells.of(rival),
        **cells.by_field(["lr", "weight_decay", "l1"]),
        "validation (%)": cells.mean_text,
        "weights": _weights_text,
        "seeds": tables.links,
    }
    return cells.by_condition(study, records, columns, "Candidates, on the validation images")


def rivals_frame(runs: Mapping[str, Sequence[Record]]) -> pd.DataFrame:
    """Return one row per run of the studies of `LABELS`, given by name.

    Columns `method`, `budget`, `accuracy` (per cent), `weights` (of layers 1 and 2), `dense` and
    `sparse` (10¹² FLOPs of the training).
    """
    rows = [
        {
            "method": name,
            "budget": "all weights" if name == DENSE else LABELS[study],
            "accuracy": 100 * run.accuracy,
            "weights": sum(compare.nonzeros([run], layer)[0] for layer in ("conv1", "fc1")),
            "dense": cost.training_flops(run.config) / 1e12,
            "sparse": sparse_flops(run) / 1e12,
        }
        for study in LABELS
        for name, own in by_rival(runs[study]).items()
        for run in own
    ]
    return tables.data_frame(rows)


def budgets_figure(table: pd.DataFrame) -> Figure:
    """Draw accuracy, remaining weights and cost of methods: a dot for each run.

    Args:
        table: columns `method` (from top to bottom), `budget`, `accuracy` (per cent), `weights`,
            and `dense` and `sparse` (10¹² FLOPs of the training).
    """
    if table.empty:
        return pending()
    names, kinds = list(dict.fromkeys(table.method)), list(dict.fromkeys(table.budget))
    size = (WIDTH, 0.27 * len(names) + 1.2)
    figure, (left, middle, right) = subplots(1, 3, figsize=size, sharey=True)
    for hue, kind in zip(other_colours(len(kinds)), kinds, strict=True):
        runs = table[table.budget == kind]
        y = [names.index(name) for name in runs.method]
        look_of_dots = {"color": hue, "ls": "", "marker": "o", "ms": 4, "alpha": 0.7}
        left.plot(runs.accuracy, y, **look_of_dots, label=kind)
        middle.plot(runs.weights, y, **look_of_dots)
        right.plot(runs.dense, y, **look_of_dots)
        right.plot(runs["sparse"], y, **look_of_dots, mfc="none")
    left.plot([], [], "o", color="0.3", mfc="none", label="products by zeros left out")
    left.set(xlabel="test accuracy (%)")
    middle.set(xscale="log", xlabel="thousands of weights")
    right.set(xscale="log", xlabel="10¹² FLOPs of training")
    label_log_axis(middle.xaxis, lambda value: f"{value / 1000:,g}", every=False)
    label_log_axis(right.xaxis, every=False)
    left.set_yticks(range(len(names)), names)
    left.invert_yaxis()
    for axes in (left, middle, right):
        axes.grid(axis="y", color="0.9")
    add_legend(figure, left, columns=3)
    return figure


def distances_figure(records: Sequence[Record]) -> Figure:
    """Draw the pair correlation of first layers at one budget, by method."""
    place = by_rival(records)
    shown = [run for name in WITH_DISTANCES for run in place.get(name, [])]
    return plots.pair_correlation(locality.pair_correlation_frame(shown, rival), ordered=False)


# whose accuracies the page compares with that of β = 50, by the end of a number's name
NAMES = {
    "threshold": NO_L1, "l1": "ℓ1 sub-gradient, cut", "proximal": "proximal ℓ1, cut",
    "spred": "spred, cut", "one-shot": "one-shot", "gradual": "gradual",
}  # fmt: skip
MORE_LOCAL = {"one-shot": "one-shot", "snip": "SNIP"}


def numbers(records: Sequence[Record]) -> dict[str, str]:
    """Return what the prose says of the larger budget, in words; "pending" without any runs.

    `rival-accuracy`, of β = 50, per cent; `rival-…`, how far another of `NAMES` is ahead of it, in
    points; `local-…`, how much more of the mass of its filters is in the best window, beyond
    chance, in points; `rival-n`, the number of seeds; `weights-…`, in layers 1 and 2, of β = 50 and
    of the threshold alone. By the budget: `share-…`, of the first layer, per cent.
    """
    place = by_rival(records)
    sparse = place.get(B50, [])
    gains = {f"rival-{end}": cells.gain_of(place, name, B50) for end, name in NAMES.items()}
    gains["rival-gradual"] = tables.ahead(gains["rival-gradual"])
    more = {
        f"local-{end}": cells.gain_text(place.get(name, []), sparse, locality.beyond_chance)
        for end, name in MORE_LOCAL.items()
    }
    return {
        **gains,
        **more,
        **{f"share-{name}": f"{100 * budget(name)['density']:.1f}" for name in AIMS},
        "rival-accuracy": cells.mean_text(sparse),
        "rival-n": f"{len(sparse)}",
        "weights-beta": _weights_text(sparse),
        "weights-threshold": _weights_text(place.get(NO_L1, [])),
    }


def other_numbers(runs: Mapping[str, Sequence[Record]]) -> dict[str, str]:
    """Return what the prose says of the other studies, in words; "pending" without runs.

    How many points ahead of β = 50: `rival-first-choice`, gradual pruning as the first search chose
    it; `rival-iterative`; `few-gradual`, at the smaller budget, and `few-one-shot`, how far behind
    one-shot pruning is there. `…-n`: the number of seeds.
    `er-gains`, how many runs of `rivals-er` are better than with β-LASSO's allocation, or "none",
    of `er-runs`.

    Args:
        runs: of the studies by name.
    """
    place, few = by_rival(runs["rivals"]), by_rival(runs["rivals-few"])

    gains = [
        gain
        for name, own in by_rival(runs["rivals-er"]).items()
        for gain in compare.differences(own, place.get(name, []))
    ]
    counts = {"iterative-n": runs["rivals-iterative"], "few-n": runs["rivals-few"]}
    return {
        "rival-first-choice": cells.gain_text(runs["rivals-first-choice"], place.get(B50, [])),
        "rival-iterative": tables.ahead(
            cells.gain_text(runs["rivals-iterative"], place.get(B50, []))
        ),
        "few-gradual": tables.ahead(cells.gain_of(few, "gradual", B50)),
        "few-one-shot": tables.ahead(cells.gain_of(few, B50, "one-shot")),
        "er-gains": f"{sum(gain > 0 for gain in gains) or 'none'}" if gains else PENDING,
        "er-runs": f"{len(gains)}" if gains else PENDING,
        **{name: cells.count_text(compare.conditions(of)) for name, of in counts.items()},
    }


# Claims


def _than(name: str, of: Values = compare.accuracies) -> Judge:
    """Judge whether β = 50 has more of something than a rival: accuracy, or what `of` returns."""
    return differs(lambda config: rival(config) == B50, lambda config: rival(config) == name, of=of)


CLAIMS: tuple[Claim, ...] = (
    *(
        Claim(
            "B",
            f"With about as many weights in each layer, β = 50 is better than {said} "
            f"({LABELS[study]})",
            study,
            _than(name),
        )
        for study in LABELS
        for name, said in (
            ("one-shot", "one-shot pruning"),
            ("gradual", "gradual magnitude pruning"),
            ("RigL", "RigL"),
            ("random mask", "a random mask"),
        )
    ),
    *(
        Claim(
            "B",
            "With about as many weights in each layer, filters of β = 50 are more local than those "
            f"of {said} (larger budget)",
            "rivals",
            _than(name, locality.beyond_chance),
        )
        for name, said in (
            ("one-shot", "one-shot pruning"),
            ("gradual", "gradual magnitude pruning"),
            ("RigL", "RigL"),
        )
    ),
)
