"""Pictures of first-layer filters, and how local they are in every setting, beyond chance.

The pictures are of the studies `width` (`lcs.exhibits.why.studies`) and `filters`.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from lcs.config import Config
from lcs.exhibits import cells, compare, locality, tables
from lcs.exhibits.figure3 import SPARSE_ELSEWHERE
from lcs.exhibits.methods import B0, B1, B50, LOCAL, SGD, beta_lasso_method, method
from lcs.exhibits.settings import (
    PAPER_BETAS,
    REPRODUCTION,
    SHORT_RECIPE,
    WIDTHS,
    baseline,
    desk_study,
    sgd,
    sgd_and_betas,
    sized,
)
from lcs.exhibits.table2 import ELSEWHERE, WIDE
from lcs.exhibits.tables import Numbers, signed
from lcs.exhibits.verdicts import UNMEASURED, Claim, Finding, above_zero, verdict
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
        if found:
            patches = " of the patches" if name == LOCAL else ""
            share = f"{compare.remaining(found[:1])[0]:.3g} % of weights{patches} remain"
            title = f"{name.shortest}{cells.penalty_text(found[0].config)}: {share}"
            shown[title] = found[0].load_filters().numpy()
        else:
            shown[f"{name.shortest}: pending"] = None
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


def numbers(first: Sequence[Record], wide: Sequence[Record], searched: Sequence[Record]) -> Numbers:
    """Return the mass in the best window: shares in per cent, and points beyond chance in words.

    `open-zero`: β = 0 with the λ of β = 50; `open-tuned-sgd`: SGD with momentum and weight decay.
    "pending" without runs.

    Args:
        first: of the page's own study.
        wide: of `width`.
        searched: with all hyperparameters chosen on validation images.
    """
    groups, beta = compare.by_method(first), compare.largest_beta(first)
    found: Numbers = {}
    for short, name in {"sparse": beta_lasso_method(beta), "dense": SGD}.items():
        for kind in ("mean", "null_mean"):
            of = partial(locality.beyond_chance, kind=kind)
            found[f"{short}-{kind}"] = compare.mean(groups[name], of)
    widest, tuned = compare.widest(wide), compare.by_method(searched)
    sparse = widest[B50]
    same = [run for run in widest[B0] if sparse and run.config.l1 == sparse[0].config.l1]
    return found | {
        "open-alpha": f"{sparse[0].config.base_channels}" if sparse else tables.PENDING,
        "open-sgd": locality.excess_text(widest[SGD]),
        "open-zero": locality.excess_text(same),
        "open-sparse": locality.excess_text(sparse),
        "open-tuned-sgd": locality.excess_text(tuned[SGD]),
        "open-tuned": locality.excess_text(tuned[B50]),
    }


# Claims


def _more_local_than_sgd(records: list[Record]) -> Finding:
    """Judge by both measures of locality; where they agree, the evidence is the weaker one.

    The spread is smaller in a local filter. Moran's I, of smoothness, is said beside them.
    """
    groups = compare.by_method(records)
    each = [
        compare.differences(groups[B50], groups[SGD], partial(locality.beyond_chance, measure=key))
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


CLAIMS: tuple[Claim, ...] = (
    Claim(
        "P",
        "The filters of β = 50 are more local than their own permutations",
        "table2",
        above_zero(
            B50,
            locality.beyond_chance,
            "points of the mass in a window beyond chance",
            short="of the mass",
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
)
