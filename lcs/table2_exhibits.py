"""What the chapter `table2` shows: accuracies beside the published ones.

A number that a page prints is made here, or in a test it is recomputed from here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from lcs import published, tables
from lcs.config import Config
from lcs.exhibits import (
    Numbers,
    Values,
    accuracies,
    by_method,
    left,
    paired,
    setting_text,
    train_accuracies,
)
from lcs.measure import binomial_interval, mean_interval
from lcs.runs import Record
from lcs.studies import B0, B1, B50, CONV, LOCAL, PROXIMAL, SGD, THREE, beta_lasso_name
from lcs.tables import Table

PAPER = f"α ≈ {published.PAPER_BASE_CHANNELS}, {published.PAPER_EPOCHS} epochs"


def table(records: Sequence[Record], scale: str) -> Table:
    """Return the paper's Table 2 with our column: every published method, then those of ours."""
    groups = by_method(records)
    others = [row.method for row in published.TABLE2 if row.method not in groups]
    return _accuracy_table("tab-table2", [*others, *groups], records, scale)


def elsewhere(name: str, records: Sequence[Record], scale: str, what: str, command: str) -> Table:
    """Return our methods on other data or at another size beside the paper's, or the command."""
    if not records:
        return tables.pending_table(name, what, command)
    return _accuracy_table(name, list(by_method(records)), records, scale)


def _accuracy_table(
    label: str, names: Sequence[str], records: Sequence[Record], scale: str
) -> Table:
    config: Config = records[0].config
    groups = by_method(records)
    wide = config.base_channels == published.PAPER_BASE_CHANNELS
    short = wide and config.epochs == published.SHORT_EPOCHS
    epochs = published.SHORT_EPOCHS if short else published.PAPER_EPOCHS
    paper_text = f"α ≈ {published.PAPER_BASE_CHANNELS}, {epochs} epochs"
    # the reproduction has one data set, and one width
    reports = ["reproduction"] if config.dataset == "cifar10" and not wide else []
    report_text = " and the reproduction's report (α = 1, 400 epochs)" if reports else ""
    rows = []
    for name in names:
        runs = groups.get(name, [])
        ours = tables.interval(mean_interval(accuracies(runs))) if runs else tables.NONE
        paper = published.accuracy(name, config.dataset, epochs)
        fit = tables.interval(mean_interval(train_accuracies(runs)), 1) if runs else tables.NONE
        report = [tables.reproduction(published.table2(name).report, 1) for _ in reports]
        rows.append([name, tables.published(paper), *report, ours, fit, tables.links(runs)])
    caption = (
        "Test accuracy in per cent, and ours on the training images, without augmentation. "
        f"Published: the paper ({paper_text}, augmentation){report_text}. "
        f"Ours: {setting_text(records, scale)}."
    )
    columns = ["method", "paper", *reports, "ours", "ours, training", "seeds"]
    return Table(label, caption, columns, rows)


def hundred_numbers(records: Sequence[Record]) -> Numbers:
    """Return what SGD reaches on CIFAR-100 with the reproduction's loss, in per cent; or NaN."""
    runs = by_method(records).get(SGD, [])
    return {
        "hundred-bce": float(np.mean(accuracies(runs))) if runs else math.nan,
        "hundred-bce-fit": float(np.mean(train_accuracies(runs))) if runs else math.nan,
    }


def hundred_gains(records: Sequence[Record]) -> dict[str, str]:
    """Return the gains of β = 50 over SGD and over β = 1 on CIFAR-100, and what it leaves."""
    groups = by_method(records)
    sparse = groups.get(B50, [])
    words = {
        f"hundred-{key}": _less(groups, other) for key, other in {"sgd": SGD, "one": B1}.items()
    }
    return words | {"hundred-left": f"{np.mean(left(sparse)):.0f}" if sparse else tables.NONE}


def accuracy_frame(records: Sequence[Record]) -> pd.DataFrame:
    """Return what `plots.accuracies` draws: our values and the published ones by method."""
    groups = by_method(records)
    dataset = records[0].config.dataset
    columns = {f"the paper ({PAPER})": [published.accuracy(name, dataset) for name in groups]}
    if dataset == "cifar10":
        known = [published.table2(name).report for name in groups]
        columns["the reproduction (α = 1, 400 epochs)"] = known
    theirs = pd.DataFrame(columns, index=list(groups), dtype=float)
    ours = pd.Series({name: accuracies(runs) for name, runs in groups.items()}, name="ours")
    return pd.concat([ours, theirs], axis=1)


def variants_table() -> Table:
    """Return the values that a source gives in two places, which differ."""
    rows = [
        [
            row.method,
            tables.reproduction(row.report, 1),
            tables.reproduction(row.notebook),
            tables.published(row.cifar10) if row.method == published.ABSTRACT.method else "",
            tables.published(published.ABSTRACT.cifar10)
            if row.method == published.ABSTRACT.method
            else "",
        ]
        for row in published.TABLE2
        if row.notebook is not None
    ]
    caption = (
        "Test accuracy on CIFAR-10 where a source gives two values: the reproduction's report and "
        "its notebook; the paper's Table 2 and the abstract of its NeurIPS version. This book "
        "compares with the report and the table."
    )
    columns = ["method", "report", "notebook", "paper, table", "paper, abstract"]
    return Table("tab-variants", caption, columns, rows)


def numbers(records: Sequence[Record]) -> Numbers:
    """Return the numbers of the chapter's prose: mean accuracies in per cent, and differences.

    What it says of a β that is not among the runs is NaN, or a dash.
    """
    groups = by_method(records)
    mean = {name: mean_interval(accuracies(runs)).mean for name, runs in groups.items()}
    sparse = groups.get(B50, [])
    images = records[0].final["evaluation_images"]
    low, high = binomial_interval(mean[SGD] / 100, images)
    named = {
        "sgd": SGD,
        "conv": CONV,
        "local": LOCAL,
        "three": THREE,
        "proximal": PROXIMAL,
    }
    return {
        **{short: mean[name] for short, name in named.items()},
        **{f"beta-{b}": mean.get(beta_lasso_name(b), math.nan) for b in (0, 1, 50)},
        **_differences(groups),
        "early-sgd": _less(groups, SGD, _best_stretches),
        "n": len(groups[SGD]),
        "half-width": 50 * (high - low),
        **{f"fit-{k}": np.mean(train_accuracies(groups[named[k]])) for k in ("sgd", "conv")},
        "proximal-left": mean_interval(_first_layer(groups[PROXIMAL])).mean,
        "first-layer": groups[PROXIMAL][0].final["weights"]["conv1"],
        "left": mean_interval(_first_layer(sparse)).mean if sparse else math.nan,
    }


def _best_stretches(runs: Sequence[Record]) -> list[float]:
    return [_best_stretch(run) for run in runs]


def _best_stretch(run: Record, epochs: int = 10) -> float:
    """Return the best mean of so many successive recorded test accuracies, in per cent."""
    curve = run.history["test_accuracy"]
    window = min(epochs, len(curve))
    return 100 * float(np.convolve(curve, np.full(window, 1 / window), "valid").max())


def _first_layer(records: Sequence[Record]) -> list[int]:
    """Non-zero weights of the first layer after the last epoch."""
    return [record.final["nonzeros"]["conv1"] for record in records]


def _differences(groups: Mapping[str, Sequence[Record]]) -> Numbers:
    """Return β = 50 less other methods, in points, in words: `less-…`."""
    others = {"beta-0": B0, "beta-1": B1, "sgd": SGD, "proximal": PROXIMAL}
    return {f"less-{short}": _less(groups, name) for short, name in others.items()}


def _less(groups: Mapping[str, Sequence[Record]], other: str, values: Values = accuracies) -> str:
    """Return β = 50 less another method; a dash if one of them was not run."""
    known = B50 in groups and other in groups
    return tables.signed(paired(groups[B50], groups[other], values)) if known else tables.NONE
