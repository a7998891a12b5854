"""Every method at growing width, with the hyperparameters that were chosen at α = 2."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from lcs.config import Config
from lcs.exhibits import compare, published, tables
from lcs.exhibits.methods import B0, B1, B50, LOCAL, PROXIMAL, SGD, method
from lcs.exhibits.scaling import gains
from lcs.exhibits.scaling.gains import PAPER_COLUMN
from lcs.exhibits.settings import RECIPE, WIDTHS, chosen, desk_study, paper_recipe
from lcs.exhibits.tables import LAYERS, Table
from lcs.runs import Record
from lcs.stats import Interval, mean_interval, paired_difference

if TYPE_CHECKING:
    import pandas as pd


def _all_methods(base: Config, betas: Sequence[float], *, widths: Sequence[int]) -> list[Config]:
    """Return all methods by the paper's recipe at some widths, at half of the length."""
    runs = []
    for width in widths:
        here = paper_recipe(base, width, base.epochs // 2)
        runs += [chosen(here, model) for model in ("s-conv", "s-local", "3-fc", "s-fc")]
        runs += [chosen(here, "s-fc", "proximal-l1")]
        runs += [chosen(here, "s-fc", "beta-lasso", beta) for beta in betas]
    return runs


# the largest width apart, for it takes as long as all others
STUDIES = (
    desk_study(
        "scaling",
        "The paper's recipe at growing width",
        RECIPE,
        partial(_all_methods, widths=WIDTHS[:-1]),
    ),
    desk_study(
        "scaling-wide",
        "The paper's recipe at α = 8",
        RECIPE,
        partial(_all_methods, widths=WIDTHS[-1:]),
    ),
)

CONTRASTS = {
    "β = 50 over SGD": (B50, SGD),
    "β = 50 over β = 0": (B50, B0),
    "β = 50 over β = 1": (B50, B1),
    "β = 50 over proximal ℓ1": (B50, PROXIMAL),
    "β = 0 over SGD": (B0, SGD),
    "S-LOCAL over β = 50": (LOCAL, B50),
}


def accuracy_table(records: Sequence[Record]) -> Table:
    """Return the test accuracy of every method at every width, and the paper's."""
    name, what = "tab-scaling", "test accuracy by the paper's recipe at growing width"
    if not records:
        return tables.pending_table(name, what, "lcs study scaling")
    widths, dataset = compare.by_width(records), records[0].config.dataset
    lengths = (published.SHORT_EPOCHS, published.PAPER_EPOCHS)
    rows = [
        [
            method_name,
            *(compare.mean_text(at[method_name]) for at in widths.values()),
            *(tables.published(published.accuracy(method_name, dataset, n)) for n in lengths),
        ]
        for method_name in compare.by_method(records)
    ]
    caption = (
        "Test accuracy by the paper's recipe at growing width, in per cent. "
        f"{compare.setting_text(records)}{compare.spread_text(records)}. The paper's: "
        f"α ≈ {published.PAPER_BASE_CHANNELS}."
    )
    theirs = [f"paper, {epochs} epochs" for epochs in lengths]
    return Table(name, caption, ["method", *gains.width_heads(widths), *theirs], rows)


def remaining_table(records: Sequence[Record]) -> Table:
    """Return the weights left in each layer at every width, for the methods that make zeros."""
    name, what = "tab-scaling-left", "weights left at growing width"
    if not records:
        return tables.pending_table(name, what, "lcs study scaling")
    widths = compare.by_width(records)
    rows = [
        [
            method_name,
            title,
            *(
                f"{mean_interval(compare.remaining(at[method_name], layer)).mean:.2f}"
                for at in widths.values()
            ),
        ]
        for method_name in compare.by_method(records)
        if method_name.optimizer == "proximal-l1" or method_name.beta > 0
        for layer, title in LAYERS.items()
    ]
    caption = (
        "Weights left at growing width, per cent of each layer after the last epoch, mean over "
        f"seeds. {compare.setting_text(records)}."
    )
    return Table(
        name, caption, ["method", "layer", *gains.width_heads(widths)], rows, text=["layer"]
    )


def gains_table(records: Sequence[Record]) -> Table:
    """Return differences between methods at every width, and the paper's."""
    name, what = "tab-scaling-gains", "who is ahead of whom at growing width"
    if not records:
        return tables.pending_table(name, what, "lcs study scaling")
    widths, dataset = compare.by_width(records), records[0].config.dataset
    rows = [
        [
            contrast,
            *(gains.bold_gain(at[one], at[other]) for at in widths.values()),
            gains.published_gain_text(one, other, dataset),
        ]
        for contrast, (one, other) in CONTRASTS.items()
    ]
    caption = (
        "Who is ahead of whom at growing width, in points of test accuracy, paired by seed. "
        f"{compare.setting_text(records)}{gains.bold_note(records)}."
    )
    return Table(name, caption, ["difference", *gains.width_heads(widths), PAPER_COLUMN], rows)


def fit_table(records: Sequence[Record]) -> Table:
    """Return how well each method fits its training images, and how far ahead of the test that is.

    Both without augmentation, after the last epoch.
    """
    name, what = "tab-scaling-fit", "accuracy on the training images at growing width"
    if not records:
        return tables.pending_table(name, what, "lcs study scaling")
    widths = compare.by_width(records)
    rows = [
        [method_name, *(fit_and_gap_text(at[method_name]) for at in widths.values())]
        for method_name in compare.by_method(records)
    ]
    caption = (
        "Accuracy on the training images at growing width, without augmentation and after the last "
        "epoch, in per cent; in brackets, by how many points it is above that on the test images, "
        "in the mean. "
        f"{compare.setting_text(records)}{compare.spread_text(records)}."
    )
    return Table(name, caption, ["method", *gains.width_heads(widths)], rows)


def generalisation_gap(runs: Sequence[Record]) -> Interval:
    """Return the accuracy on the training images less that on the test images, in points."""
    return paired_difference(compare.train_accuracies(runs), compare.accuracies(runs))


def fit_and_gap_text(runs: Sequence[Record]) -> str:
    """Return the accuracy on the training images, and in brackets the mean generalisation gap."""
    fit, gap = mean_interval(compare.train_accuracies(runs)), generalisation_gap(runs).mean
    return f"{tables.interval(fit, 1)} ({gains.signed_value(gap, 1)})"


def width_frame(records: Sequence[Record]) -> pd.DataFrame:
    """Return `sweep_frame` over the width, a series for each method."""
    return compare.sweep_frame(records, "base_channels", lambda config: str(method(config)))
