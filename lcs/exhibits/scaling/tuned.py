"""β = 50 with λ chosen at each width, and what its gain would be at the paper's width."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial

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
    over_common, closed = [], []
    for groups, same in at:
        changed = groups[B50][0].config.l1 != same[B50][0].config.l1
        over_common.append(gains.bold_gain(groups[B50], same[B50]) if changed else "same λ")
        # of means: over a few images S-LOCAL may gain nothing in a single run
        gain, whole = (compare.paired(groups[one], groups[SGD]).mean for one in (B50, LOCAL))
        closed.append(f"{100 * gain / whole:.0f}" if gain > 0 and whole > 0 else tables.NONE)
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
            for _, label, other in (*BASELINES, ("local", "over S-LOCAL", LOCAL))
        ),
        [
            "over proximal ℓ1",
            *(gains.bold_gain(groups[B50], same[PROXIMAL]) for groups, same in at),
            tables.NONE,
        ],
        [
            "gap to S-LOCAL that it closes (%)",
            *closed,
            tables.published(None if math.isnan(share) else share, 0),
        ],
    ]
    caption = (
        f"{what}, and by how many points of test accuracy it is ahead, paired by seed: of itself "
        "with the λ that was chosen at α = 2, and of the others. Training accuracy is without "
        "augmentation. "
        f"{compare.setting_text(own)}{gains.bold_note(own)}. The last row is the gain over SGD "
        "as a share of S-LOCAL's, from the means, where there is a gain."
    )
    return Table(name, caption, ["", *gains.width_heads(widths), PAPER_COLUMN], rows)


def beyond_table(own: Sequence[Record], beyond: Sequence[Record]) -> Table:
    """Return what a wider network gains, beside what the lines through narrower ones say of it.

    Args:
        own: records of `scaling-own`, through which the lines go.
        beyond: records of `scaling-beyond`.
    """
    name, what = "tab-beyond", "the lines of {numref}`fig-law` at α = 16, and runs"
    if not own or not beyond:
        return tables.pending_table(name, what, "lcs study scaling-beyond")
    groups, width = compare.by_method(beyond), beyond[0].config.base_channels
    rows = []
    for _, label, other in BASELINES:
        fit = gains.log_linear_fit(gains.gains_by_width(own, other), width)
        gain = gains.bold_gain(groups[B50], groups[other])
        known = [compare.mean_text(groups[other]), tables.links(groups[other])]
        rows.append([label, compare.signed_text(fit and fit.forecast), gain, *known])
    caption = (
        f"What the lines through the gains up to α = {max(compare.by_width(own))} say of β = 50 at "
        f"α = {width}, in points{compare.spread_text(own)}, and what it gains there. "
        f"{compare.setting_text(beyond)}. β = 50 reaches {compare.mean_text(groups[B50])} %, with "
        f"{compare.remaining_text(groups[B50])} % of the first layer left."
    )
    columns = ["gain of β = 50", "the line", "the runs", "the other's test accuracy (%)", "seeds"]
    return Table(name, caption, columns, rows)


def numbers(own: Sequence[Record], common: Sequence[Record]) -> dict[str, str]:
    """Return the numbers of the prose on λ of each width, in words: "pending" without any runs.

    `local-share`: the weights of S-LOCAL's first layer, per cent of S-FC's; `own-common`: what its
    own λ gains over the common one at the largest width; `own-sgd-…`, `own-zero-…`, `own-local-…`
    at the first and the last width: the gains of β = 50, and how far S-LOCAL is ahead of it;
    `own-slope-…`, `own-forecast-…`, `own-crossing-…`: of the lines over SGD and over β = 0 the
    slope, the end at the paper's width, and α where they cross zero.
    """
    widths, others = [*compare.by_width(own).values()], [*compare.by_width(common).values()]
    first, last = (widths[0], widths[-1]) if widths else (None, None)
    words = {"local-share": PENDING, "own-common": PENDING}
    if last:
        local, dense = (last[name][0].final["weights"]["conv1"] for name in (LOCAL, SGD))
        words["local-share"] = f"{100 * local / dense:.1f}"
    if last and others:
        words["own-common"] = tables.signed(compare.paired(last[B50], others[-1][B50]))
    for key, one, other in (("sgd", B50, SGD), ("zero", B50, B0), ("local", LOCAL, B50)):
        words[f"own-{key}-first"] = gains.gain_text(first, one, other)
        words[f"own-{key}-last"] = gains.gain_text(last, one, other)
    for key, _, other in BASELINES:
        fit = gains.log_linear_fit(gains.gains_by_width(own, other))
        words[f"own-slope-{key}"] = compare.signed_text(fit and fit.slope)
        words[f"own-forecast-{key}"] = compare.signed_text(fit and fit.forecast)
        words[f"own-crossing-{key}"] = PENDING
        if fit:
            # only where the line through the means rises to zero at a width worth naming
            doublings = -fit.start.mean / max(fit.slope.mean, 1e-9)
            crossing = f"{2**doublings:.1f}" if abs(doublings) < 20 else tables.NONE
            words[f"own-crossing-{key}"] = crossing
    return words
