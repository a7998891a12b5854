"""β = 50 with λ chosen at each width, and what its gain would be at the paper's width."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial

import numpy as np

from lcs.config import Config
from lcs.exhibits import compare, published, tables
from lcs.exhibits.compare import LABELS, PENDING
from lcs.exhibits.methods import B0, B50, LOCAL, PROXIMAL, SGD
from lcs.exhibits.scaling import gains
from lcs.exhibits.scaling.gains import BASELINES, PAPER_COLUMN
from lcs.exhibits.scaling.width import generalisation_gap
from lcs.exhibits.settings import (
    RECIPE,
    SHARE_AT_WIDTH,
    WIDTH_BEYOND,
    WIDTHS,
    chosen,
    desk_study,
    paper_recipe,
)
from lcs.exhibits.tables import Table
from lcs.runs import Record
from lcs.stats import lack_of_fit


def _tuned(
    base: Config, betas: Sequence[float], *, widths: Sequence[int], models: Sequence[str]
) -> list[Config]:
    """Return the largest β with the λ that was chosen at each width, SGD and β = 0."""
    runs = []
    for width in widths:
        here = paper_recipe(base, width, base.epochs // 2)
        runs += [chosen(here, model) for model in models]
        runs += [chosen(here, "s-fc", "beta-lasso", 0.0)]
        runs += [chosen(here, "s-fc", "beta-lasso", betas[-1], share=SHARE_AT_WIDTH[width])]
    return runs


STUDIES = (
    desk_study(
        "scaling-own",
        "λ of β = 50 chosen at each width",
        RECIPE,
        partial(_tuned, widths=WIDTHS, models=("s-local", "s-fc")),
    ),
    desk_study(
        "scaling-beyond",
        "The law at α = 16",
        RECIPE,
        partial(_tuned, widths=(WIDTH_BEYOND,), models=("s-fc",)),
        1,
    ),
)


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
    over_common = []
    for groups, same in at:
        changed = groups[B50][0].config.l1 != same[B50][0].config.l1
        over_common.append(gains.bold_gain(groups[B50], same[B50]) if changed else "same λ")
    share = (
        100 * gains.published_gain(B50, SGD, dataset) / gains.published_gain(LOCAL, SGD, dataset)
    )
    rows = [
        [LABELS["l1"], *(compare.field_text(runs[0].config, "l1") for runs in sparse), tables.NONE],
        ["left in the first layer (%)", *map(compare.remaining_text, sparse), tables.NONE],
        ["training accuracy (%)", *map(compare.fit_text, sparse), tables.NONE],
        [
            "training above test (points)",
            *(tables.signed(generalisation_gap(runs)) for runs in sparse),
            tables.NONE,
        ],
        [
            "test accuracy (%)",
            *map(compare.mean_text, sparse),
            tables.published(published.accuracy(B50, dataset)),
        ],
        ["over the same with one λ", *over_common, tables.NONE],
        *(
            [
                label,
                *(gains.bold_gain(groups[B50], groups[other]) for groups, _ in at),
                gains.published_gain_text(B50, other, dataset),
            ]
            for label, other in {**BASELINES, "over S-LOCAL": LOCAL}.items()
        ),
        [
            "over proximal ℓ1",
            *(gains.bold_gain(groups[B50], same[PROXIMAL]) for groups, same in at),
            tables.NONE,
        ],
        [
            "gap to S-LOCAL that it closes (%)",
            *(gains.gap_text(groups) for groups, _ in at),
            tables.published(None if math.isnan(share) else share, 0),
        ],
    ]
    caption = (
        f"{what}, and by how many points of test accuracy it is ahead, paired by seed: of itself "
        "with the λ that was chosen at α = 2, and of the others. Training accuracy is without "
        "augmentation. "
        f"{compare.setting_text(own)}{gains.bold_note(own)}. The last row is the gain over SGD "
        "as a share of S-LOCAL's, with its 95 % interval: unbounded where S-LOCAL's gain itself "
        "cannot be told from zero."
    )
    return Table(name, caption, ["", *gains.width_heads(widths), PAPER_COLUMN], rows)


def beyond_table(beyond: Sequence[Record]) -> Table:
    """Return what β = 50 gains in a wider network."""
    name, what = "tab-beyond", "the gain of β = 50 at α = 16"
    if not beyond:
        return tables.pending_table(name, what, "lcs study scaling-beyond")
    groups = compare.by_method(beyond)
    rows = [
        [
            label,
            gains.bold_gain(groups[B50], groups[other]),
            compare.mean_text(groups[other]),
            tables.links(groups[other]),
        ]
        for label, other in BASELINES.items()
    ]
    caption = (
        f"The gain of β = 50 in points. {compare.setting_text(beyond)}. β = 50 reaches "
        f"{compare.mean_text(groups[B50])} %, with {compare.remaining_text(groups[B50])} % of the "
        "first layer left."
    )
    columns = ["gain of β = 50", "points", "the other's test accuracy (%)", "seeds"]
    return Table(name, caption, columns, rows)


def numbers(own: Sequence[Record]) -> dict[str, str]:
    """Return the numbers of the prose on λ of each width, in words: "pending" without any runs.

    `epochs`: the length; `own-zero-last`: the gain over β = 0 at the largest width;
    `own-local-…`: at the first and the last, how far S-LOCAL is ahead; `gap-last`, `gap-paper`: the
    share of its gap to SGD that is closed, per cent; `fit-sgd`: p of the test that the gains over
    SGD lie on a line against log α.
    """
    widths = [*compare.by_width(own).values()]
    first, last = (widths[0], widths[-1]) if widths else (None, None)
    over_sgd = gains.gains_by_width(own)
    p = lack_of_fit(np.log2(over_sgd["x"]), over_sgd.gain) if widths else math.nan
    share = gains.published_gain(B50, SGD) / gains.published_gain(LOCAL, SGD)
    return {
        "epochs": f"{own[0].config.epochs}" if own else PENDING,
        "own-zero-last": gains.gain_text(last, B50, B0),
        "own-local-first": gains.gain_text(first, LOCAL, B50),
        "own-local-last": gains.gain_text(last, LOCAL, B50),
        "gap-last": gains.gap_text(last),
        "gap-paper": f"{100 * share:.0f}",
        "fit-sgd": PENDING if math.isnan(p) else f"{p:.2g}",
    }
