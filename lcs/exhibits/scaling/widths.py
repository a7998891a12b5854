"""Accuracy, fit and differences between methods at each width, beside the paper's."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from lcs.exhibits import cells, compare, published, tables
from lcs.exhibits.cells import LABELS
from lcs.exhibits.gap import gap_text
from lcs.exhibits.methods import B0, B1, B50, LOCAL, PROXIMAL, SGD, method
from lcs.exhibits.scaling import gains
from lcs.exhibits.tables import Table
from lcs.runs import Record
from lcs.stats import Interval, mean_interval, paired_difference

if TYPE_CHECKING:
    import pandas as pd

CONTRASTS = {
    "β = 50 over SGD": (B50, SGD),
    "β = 50 over β = 0": (B50, B0),
    "β = 50 over β = 1": (B50, B1),
    "β = 50 over proximal ℓ1": (B50, PROXIMAL),
    "β = 0 over SGD": (B0, SGD),
    "S-LOCAL over β = 50": (LOCAL, B50),
}
PAPER = f"paper, α ≈ {published.PAPER_BASE_CHANNELS}"


def accuracy_table(records: Sequence[Record]) -> Table:
    """Return the test accuracy of every method at every width, and the paper's."""
    name, what = "tab-scaling", "Test accuracy at growing width, in per cent"
    if not records:
        return tables.pending_table(name, what, "lcs study scaling")
    widths, dataset = compare.by_width(records), records[0].config.dataset
    lengths = (published.SHORT_EPOCHS, published.PAPER_EPOCHS)
    rows = [
        [
            each,
            *(cells.mean_text(at[each]) for at in widths.values()),
            *(tables.published(published.accuracy(each, dataset, n)) for n in lengths),
        ]
        for each in compare.by_method(records)
    ]
    caption = f"{what}. {cells.setting_text(records)}{cells.spread_text(records)}; {PAPER}."
    columns = ["method", *_heads(widths), *(f"paper, {epochs} epochs" for epochs in lengths)]
    return Table(name, caption, columns, rows)


def gains_table(records: Sequence[Record]) -> Table:
    """Return differences between methods at every width, and the paper's."""
    name, what = "tab-scaling-gains", "Differences in test accuracy at growing width, in points"
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
    caption = f"{what}. {cells.setting_text(records)}{gains.bold_note(records)}."
    return Table(name, caption, ["difference", *_heads(widths), PAPER], rows)


def fit_table(records: Sequence[Record]) -> Table:
    """Return how well each method fits its training images, and how far ahead of the test that is.

    Both without augmentation, after the last epoch.
    """
    name, what = "tab-scaling-fit", "Accuracy on the training images at growing width, in per cent"
    if not records:
        return tables.pending_table(name, what, "lcs study scaling")
    widths = compare.by_width(records)
    rows = [
        [each, *(fit_and_gap_text(at[each]) for at in widths.values())]
        for each in compare.by_method(records)
    ]
    caption = (
        f"{what}, without augmentation and after the last epoch; in brackets, by how many points "
        "it is above that on the test images, in the mean. "
        f"{cells.setting_text(records)}{cells.spread_text(records)}."
    )
    return Table(name, caption, ["method", *_heads(widths)], rows)


def own_table(own: Sequence[Record], common: Sequence[Record]) -> Table:
    """Return what β = 50 does with the λ chosen at each width, and with one λ for all of them.

    Args:
        own: records of `scaling-own`.
        common: records of `scaling` and `scaling-wide`.
    """
    name, what = "tab-own", "β = 50 with λ chosen at each width"
    widths, others = compare.by_width(own), compare.by_width(common)
    if not own or not widths.keys() <= others.keys():
        return tables.pending_table(name, what, "lcs study scaling-own")
    at = [(groups, others[width]) for width, groups in widths.items()]
    sparse = [groups[B50] for groups, _ in at]
    dataset = own[0].config.dataset
    share = 100 * published.gap_closed(dataset)
    changed = [groups[B50][0].config.l1 != same[B50][0].config.l1 for groups, same in at]
    rows = [
        [LABELS["l1"], *(cells.field_text(runs[0].config, "l1") for runs in sparse), tables.NONE],
        ["remaining, layer 1 (%)", *map(cells.remaining_text, sparse), tables.NONE],
        ["training accuracy (%)", *map(cells.fit_text, sparse), tables.NONE],
        [
            "training above test (points)",
            *(tables.signed(generalisation_gap(runs)) for runs in sparse),
            tables.NONE,
        ],
        [
            "test accuracy (%)",
            *map(cells.mean_text, sparse),
            tables.published(published.accuracy(B50, dataset)),
        ],
        [
            "over the same with one λ",
            *(
                gains.bold_gain(groups[B50], same[B50]) if other else "same λ"
                for other, (groups, same) in zip(changed, at, strict=True)
            ),
            tables.NONE,
        ],
        *(
            [
                label,
                *(gains.bold_gain(groups[B50], groups[other]) for groups, _ in at),
                gains.published_gain_text(B50, other, dataset),
            ]
            for label, other in {**gains.BASELINES, "over S-LOCAL": LOCAL}.items()
        ),
        [
            "over proximal ℓ1",
            *(gains.bold_gain(groups[B50], same[PROXIMAL]) for groups, same in at),
            tables.NONE,
        ],
        [
            "gap to S-LOCAL that it closes (%)",
            *(gap_text(groups) for groups, _ in at),
            tables.published(None if math.isnan(share) else share, 0),
        ],
    ]
    caption = (
        f"{what}, and by how many points of test accuracy it is ahead, paired by seed: of itself "
        "with the λ that was chosen at α = 2, and of the others. Training accuracy is without "
        "augmentation. "
        f"{cells.setting_text(own)}{gains.bold_note(own)}. The last row is the gain over SGD "
        "as a share of S-LOCAL's, with its 95 % interval: unbounded where S-LOCAL's gain itself "
        "cannot be told from zero."
    )
    return Table(name, caption, ["", *_heads(widths), PAPER], rows)


def _heads(widths: Iterable[int]) -> list[str]:
    return [f"α = {width}" for width in widths]


def generalisation_gap(runs: Sequence[Record]) -> Interval:
    """Return the accuracy on the training images less that on the test images, in points."""
    return paired_difference(compare.train_accuracies(runs), compare.accuracies(runs))


def fit_and_gap_text(runs: Sequence[Record]) -> str:
    """Return the accuracy on the training images, and in brackets the mean generalisation gap."""
    fit = tables.interval(mean_interval(compare.train_accuracies(runs)), 1)
    return f"{fit} ({tables.signed(Interval(generalisation_gap(runs).mean, None, 1), 1)})"


def width_frame(records: Sequence[Record]) -> pd.DataFrame:
    """Return `sweep_frame` over the width, a series for each method."""
    return compare.sweep_frame(records, "base_channels", lambda config: str(method(config)))
