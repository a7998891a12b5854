"""How local the filters are in every setting, beyond chance, and what makes them so."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from lcs.config import Config
from lcs.exhibits import cells, compare, locality, tables
from lcs.exhibits.methods import B0, B1, B50, LOCAL, SGD, beta_lasso_method, method
from lcs.exhibits.settings import (
    REPRODUCTION,
    baseline,
    sgd_and_betas,
)
from lcs.exhibits.tables import Numbers, signed
from lcs.exhibits.verdicts import UNMEASURED, Claim, Finding, beyond_zero, verdict
from lcs.runs import Record
from lcs.stats import mean_interval
from lcs.study import Study

if TYPE_CHECKING:
    import pandas as pd

# Studies


def _figure4(base: Config, betas: Sequence[float]) -> list[Config]:
    return [baseline(base, "s-local"), *sgd_and_betas(base, betas)]


STUDIES = (Study("figure4", "Figure 4: filters and their locality", REPRODUCTION, _figure4, 5),)


def by_setting(studies: Iterable[Sequence[Record]]) -> dict[str, list[Record]]:
    """Return the runs of the figure of all settings, by the setting in words.

    Of each study those at its largest width with S-LOCAL, SGD, β = 0, β = 1 and β = 50; studies
    that share a width, a length and the images are one setting.

    Args:
        studies: the records of each.
    """
    settings: dict[str, list[Record]] = {}
    for records in studies:
        widest = max((r.config.base_channels for r in records), default=0)
        shown = [r for r in records if r.config.base_channels == widest]
        for run in shown:
            if method(run.config) in SHOWN:
                settings.setdefault(_setting_text(run.config), []).append(run)
    return settings


def _setting_text(config: Config) -> str:
    images = cells.field_text(config, "augment")
    return f"{cells.size_text(config)}, {cells.field_text(config, 'loss')}, {images}"


def excess_frame(settings: Mapping[str, Sequence[Record]]) -> pd.DataFrame:
    """Return what `plots.excesses` draws of `by_setting`: a series for each method and λ."""
    ranked = [
        run
        for records in settings.values()
        for run in sorted(records, key=lambda r: (SHOWN.index(method(r.config)), r.config.l1))
    ]
    return locality.excess_frame(
        ranked, _setting_text, lambda c: method(c).shortest + cells.penalty_text(c), EXCESSES
    )


SHOWN = (LOCAL, SGD, B0, B1, B50)
EXCESSES = {
    "window_mass": "window (points)",
    "spread": "spread (pixels)",
    "morans_i": "Moran's I",
}


def width_frame(records: Sequence[Record]) -> pd.DataFrame:
    """Return what `figures.windows` draws: `x` (α), `series`, `value` (points), a row per run."""

    def series(config: Config) -> str:
        weaker = config.optimizer == "beta-lasso" and config.l1 < strongest
        return method(config).shortest + (", smaller λ" if weaker else "")

    shown = [r for r in records if method(r.config) in (LOCAL, SGD, B0, B50)]
    strongest = max((r.config.l1 for r in shown if r.config.beta), default=0.0)
    ranked = sorted(shown, key=lambda r: (r.config.optimizer != "sgd", r.config.beta, r.config.l1))
    rows = [
        [r.config.base_channels, series(r.config), value]
        for r in ranked
        for value in locality.beyond_chance([r])
    ]
    return tables.data_frame(rows, columns=["x", "series", "value"])


def opening_numbers(records: Sequence[Record]) -> dict[str, str]:
    """Return the window's share beyond chance at the largest width, in points, or "pending".

    β = 0 (`open-zero`) is that with the λ of β = 50 (`open-sparse`).
    """
    *_, widest = [at for at in compare.by_width(records).values() if B50 in at] or [{}]
    sparse = widest.get(B50, [])
    zero = [run for run in widest.get(B0, []) if run.config.l1 == sparse[0].config.l1]
    return {
        "open-alpha": f"{sparse[0].config.base_channels}" if sparse else tables.PENDING,
        "open-sgd": locality.excess_text(widest.get(SGD, [])),
        "open-zero": locality.excess_text(zero),
        "open-sparse": locality.excess_text(sparse),
    }


def locality_numbers(records: Sequence[Record]) -> Numbers:
    """Return the numbers of the prose, for the largest β (`sparse-…`) and SGD (`dense-…`).

    `…-mean` is of the filters, `…-null_mean` of their permutations.
    """
    groups, beta = compare.by_method(records), compare.largest_beta(records)
    numbers: Numbers = {"beta": beta}
    for short, name in {"sparse": beta_lasso_method(beta), "dense": SGD}.items():
        for key in ("spread", "window_mass"):
            found = locality.summary(groups[name], key)
            for kind in ("mean", "null_mean"):
                value = found[kind]
                numbers[f"{short}-{key}-{kind}"] = math.nan if value is None else value
    return numbers


# Claims


def _local_filters(records: list[Record]) -> Finding:
    each = locality.beyond_chance(compare.by_method(records)[B50])
    unit = "points of the mass in a window beyond chance"
    return beyond_zero(each, unit, short="of the mass")


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
    spread = more_spread._replace(mean=-more_spread.mean)
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
        _local_filters,
        "pictures",
        ("scaling-seeds", "recipe-length-search", "showpiece", "paper-size"),
    ),
    Claim(
        "P",
        "The filters of β = 50 are more local than those of SGD",
        "table2",
        _more_local_than_sgd,
        "pictures",
        ("scaling-seeds", "recipe-length-search", "showpiece + showpiece-decay", "paper-size"),
    ),
)
