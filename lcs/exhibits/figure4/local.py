"""Pictures of first-layer filters, how local they are beyond chance, and what makes them so.

The pictures are of the studies `width` (`lcs.exhibits.why`) and `filters`; augmentation, loss and λ
are those of the study `factorial` there.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from lcs.config import Config
from lcs.exhibits import cells, compare, locality, tables
from lcs.exhibits.compare import Reference
from lcs.exhibits.figure3 import SPARSE_ELSEWHERE
from lcs.exhibits.locality import beyond_chance, excess_text
from lcs.exhibits.methods import B0, B1, B50, LOCAL, SGD, beta_lasso_method, method
from lcs.exhibits.settings import (
    PAPER_BETAS,
    REPRODUCTION,
    SHORT_RECIPE,
    STRONGER_L1,
    WIDTHS,
    baseline,
    desk_study,
    sgd,
    sgd_and_betas,
    sized,
)
from lcs.exhibits.table2 import ELSEWHERE, WIDE
from lcs.exhibits.tables import Numbers, Table, signed
from lcs.exhibits.verdicts import UNMEASURED, Claim, Finding, Judge, above_zero, ours, verdict
from lcs.exhibits.why import AUGMENTED_CROSS_ENTROPY, gains, has_stronger_l1
from lcs.runs import Record
from lcs.stats import mean_interval
from lcs.study import Study

if TYPE_CHECKING:
    import pandas as pd

# Studies


STUDIES = (
    Study(
        "figure4",
        "Figure 4: filters and their locality",
        REPRODUCTION,
        lambda base, betas: [baseline(base, "s-local"), *sgd_and_betas(base, betas)],
        5,
        PAPER_BETAS,
    ),
    desk_study(
        "filters",
        "Filters of S-LOCAL beside those of S-FC at α = 8",
        SHORT_RECIPE,
        # at the largest width of the study `width`, and by its recipe
        lambda base: [sgd(sized(base, WIDTHS[-1], 1 / 4), "s-local")],
    ),
)


def pictures(records: Sequence[Record]) -> dict[str, np.ndarray | None]:
    """Return the stored filters (n, C, H, W) of SGD, β = 0, β = 50 and S-LOCAL, by title.

    Of runs by one recipe those of the first seed, with the λ of β = 50, at the largest width at
    which S-FC was trained, if it was. None: no run of this method has stored its filters.
    """
    widest = max((r.config.base_channels for r in records if r.config.model == "s-fc"), default=0)
    stored = [r for r in records if r.has_filters]
    stored = [r for r in stored if r.config.base_channels == widest or not widest]
    penalties = {0.0, *(r.config.l1 for r in stored if method(r.config) == B50)}
    shown: dict[str, np.ndarray | None] = {}
    for name in (SGD, B0, B50, LOCAL) if records else ():
        found = [r for r in stored if method(r.config) == name and r.config.l1 in penalties]
        if not found:
            shown[f"{name.shortest}: pending"] = None
            continue
        patches = " of the patches" if name == LOCAL else ""
        share = f"{compare.remaining(found[:1])[0]:.3g} % of weights{patches} remain"
        title = f"{name.shortest}{cells.penalty_text(found[0].config)}: {share}"
        shown[title] = found[0].load_filters().numpy()
    return shown


def excess_frame(studies: Iterable[Sequence[Record]]) -> pd.DataFrame:
    """Return what `plots.excesses` draws: a series for each method and λ of a setting.

    Of the records of each study those at its largest width with S-LOCAL, SGD, β = 0, β = 1 and
    β = 50; studies that share a width, a length, the loss and the images are one setting.
    """
    runs = itertools.chain(*(group for each in studies for group in compare.widest(each).values()))
    settings = compare.grouped((run for run in runs if method(run.config) in SHOWN), _setting_text)
    ranked = [
        run
        for runs in settings.values()
        for run in sorted(runs, key=lambda r: (SHOWN.index(method(r.config)), r.config.l1))
    ]
    return locality.excess_frame(
        ranked, _setting_text, lambda c: method(c).shortest + cells.penalty_text(c), EXCESSES
    )


def _setting_text(config: Config) -> str:
    images = cells.field_text(config, "augment")
    return f"{cells.size_text(config)}, {cells.field_text(config, 'loss')}, {images}"


SHOWN = (LOCAL, SGD, B0, B1, B50)
EXCESSES = {"window_mass": "window (points)", "spread": "spread (pixels)", "morans_i": "Moran's I"}


def factorial_table(records: Sequence[Record]) -> Table:
    """Return the window's share beyond chance in every cell of the factorial."""
    name, what = "tab-locality-factorial", "locality with and without augmentation"
    if not records:
        return tables.pending_table(name, what, "lcs study factorial")
    found = compare.conditions(records)
    rows = []
    sgd = [config for config in found if config.optimizer == "sgd"]
    for dense in sgd:
        fields = {"loss": dense.loss, "lr": dense.lr, "augment": dense.augment}
        here = [config for config in found if compare.matches(config, fields)]
        by_strength = sorted(here, key=lambda c: (c.optimizer != "sgd", c.beta, c.l1))
        rates = ", equal rates" if dense.lr < max(c.lr for c in sgd) else ""
        loss, images = (cells.field_text(dense, name) for name in ("loss", "augment"))
        heading = f"{loss}{rates}, {images}"
        rows.append([heading, *(excess_text(found[config]) for config in by_strength)])
    caption = (
        "Share of a filter's mass in its best window, minus that of its own permutations, in "
        f"points: {cells.setting_text(records)}{cells.spread_text(records)}. "
        f"Stronger λ: {tables.number(STRONGER_L1['l1'])} on the first layer, "
        f"{tables.number(STRONGER_L1['l1_rest'])} on the others. At equal rates η is a tenth, "
        "λ ten times as large, and β = 5 stands for β = 50, so that ηλ and βλ are as with the "
        "binary cross-entropy."
    )
    sparse = [f"β = {beta}{l1}" for beta in (0, 50) for l1 in ("", ", stronger λ")]
    columns = ["loss and images", "SGD", *sparse]
    return Table(name, caption, columns, rows)


def numbers(first: Sequence[Record], wide: Sequence[Record], searched: Sequence[Record]) -> Numbers:
    """Return the mass in the best window: shares in per cent, and points beyond chance in words.

    `open-zero`: β = 0 with the λ of β = 50; `open-tuned-sgd`: SGD with momentum and weight decay.
    "pending" without runs. `first` are of the page's own study, `wide` of `width`.
    """
    groups, beta = compare.by_method(first), compare.largest_beta(first)
    found: Numbers = {}
    for short, name in {"sparse": beta_lasso_method(beta), "dense": SGD}.items():
        for kind in ("mean", "null_mean"):
            of = partial(beyond_chance, kind=kind)
            found[f"{short}-{kind}"] = compare.mean(groups[name], of)
    widest, tuned = compare.widest(wide), compare.by_method(searched)
    sparse = widest[B50]
    same = [run for run in widest[B0] if sparse and run.config.l1 == sparse[0].config.l1]
    return found | {
        "open-alpha": f"{sparse[0].config.base_channels}" if sparse else tables.PENDING,
        "open-sgd": excess_text(widest[SGD]),
        "open-zero": excess_text(same),
        "open-sparse": excess_text(sparse),
        "open-tuned-sgd": excess_text(tuned[SGD]),
        "open-tuned": excess_text(tuned[B50]),
    }


def factorial_numbers(factorial: Sequence[Record], recipe: Sequence[Record]) -> dict[str, str]:
    """Return points of the window's share beyond chance, in words: what makes filters local."""
    found = compare.conditions(factorial)

    def runs(**fields: object) -> list[Record]:
        return compare.runs_of(found, **{**AUGMENTED_CROSS_ENTROPY, **fields})

    sparse = runs(beta=50, **STRONGER_L1)
    plain = runs(beta=50, augment="none", **STRONGER_L1)
    zero = runs(beta=0, **STRONGER_L1)
    thresholds = compare.conditions([r for r in recipe if r.config.beta == 50])
    by_l1 = sorted(thresholds, key=lambda config: (config.l1, config.l1_rest or 0))
    many, few = [thresholds[by_l1[place]] if by_l1 else [] for place in (0, -1)]
    return {
        "window-sgd-flip-crop": excess_text(runs(optimizer="sgd")),
        "window-zero-strong-flip-crop": excess_text(zero),
        "window-strong-flip-crop": excess_text(sparse),
        "window-strong-none": excess_text(plain),
        "window-strong-more": cells.gain_text(sparse, plain, beyond_chance),
        "window-threshold": cells.gain_text(sparse, zero, beyond_chance),
        "window-many": excess_text(many),
        "left-many": cells.remaining_text(many),
        "window-few": excess_text(few),
        "left-few": cells.remaining_text(few),
        "eligible-few": locality.eligible_text(few),
        "runs-recipe": cells.count_text(thresholds),
    }


# Claims


def _more_local_than_sgd(records: list[Record]) -> Finding:
    """Judge by both measures of locality; where they agree, the evidence is the weaker one.

    The spread is smaller in a local filter. Moran's I, of smoothness, is said beside them.
    """
    groups = compare.by_method(records)
    each = [
        compare.differences(groups[B50], groups[SGD], partial(beyond_chance, measure=key))
        for key in ("window_mass", "spread", "morans_i")
    ]
    if not np.isfinite(each).all():
        return UNMEASURED
    window, more_spread, moran = map(mean_interval, each)
    spread = -more_spread
    value = f"window {signed(window)} points, spread {signed(spread)} px less; smoothness: "
    more, value = (window, spread), f"{value}Moran's I {signed(moran, 3)}"
    if len({verdict(Finding("", one)) for one in more}) > 1:
        return Finding(value, said="depends on the measure")
    # points and pixels are compared by their intervals, which single runs lack
    known = all(one.half_width for one in more)
    weaker = min(more, key=lambda one: abs(one.mean) / (one.half_width or 1)) if known else window
    return Finding(value, weaker, short=f"window {signed(window)}")


def _more_local(reference: Reference, *, worse: bool = False) -> Judge:
    """Judge whether β = 50 with the stronger λ puts more (or less) of a filter's mass in a window.

    In the mean over losses and images of the factorial.
    """

    def judge(records: list[Record]) -> Finding:
        found = compare.conditions(records)
        sparse = [c for c in found if c.beta and has_stronger_l1(c)]
        more = gains(found, sparse, reference, beyond_chance)
        if not np.isfinite(more).all():
            return UNMEASURED
        difference = mean_interval(more.mean(0))
        claimed = -difference if worse else difference
        return Finding(f"{signed(difference)} points of the mass", claimed)

    return judge


CLAIMS: tuple[Claim, ...] = (
    Claim(
        "P",
        "The filters of β = 50 are more local than their own permutations",
        "table2",
        above_zero(
            B50, beyond_chance, "points of the mass in a window beyond chance", short="of the mass"
        ),
        "pictures",
        SPARSE_ELSEWHERE,
    ),
    Claim(
        "P",
        "The filters of β = 50 are more local than those of SGD",
        "table2",
        _more_local_than_sgd,
        "pictures",
        (*ELSEWHERE, WIDE),
    ),
    ours(
        "With the stronger λ, the filters of β = 50 are more local than those of SGD, by "
        "the window (100 epochs, mean over losses and images)",
        "factorial",
        _more_local(compare.as_sgd),
    ),
    ours(
        "With the stronger λ, the filters of β = 50 are less local than those of β = 0 "
        "with the same λ, by the window (100 epochs, mean over losses and images)",
        "factorial",
        _more_local(compare.without_threshold, worse=True),
    ),
)
