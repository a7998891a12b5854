"""Figure 4: are the filters local? Studies of filters, and claims about their locality."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from lcs.analysis.claims import (
    UNMEASURED,
    Claim,
    Finding,
    Judge,
    as_finding,
    exceeds,
    exceeds_zero,
    meant,
    ours,
    verdict,
)
from lcs.config import Config
from lcs.exhibits.shared import settings
from lcs.exhibits.shared.claim_settings import AT_150, ELSEWHERE, SPARSE_ELSEWHERE
from lcs.exhibits.shared.declare import Studies
from lcs.exhibits.shared.settings import SHORT_RECIPE, as_sgd, has_stronger_l1, sized
from lcs.stats import mean_interval
from lcs.study import SCALES

if TYPE_CHECKING:
    import pandas as pd

# how far crops shift images at most, in units of the usual shift
SHIFTS = {"none": 0.0, "half": 0.5, "usual": 1.0, "far": 2.0}
STUDIES = Studies()


@STUDIES.add(settings.REPRODUCTION, scales=SCALES, seeds=5, betas=settings.PAPER_BETAS)
def figure4(base: Config, betas: Sequence[float]) -> list[Config]:
    """Figure 4: filters and their locality."""
    return [settings.baseline(base, "s-local"), *settings.sgd_and_betas(base, betas)]


@STUDIES.add(SHORT_RECIPE)
def filters(base: Config) -> list[Config]:
    """Filters of S-LOCAL beside those of S-FC at α = 8.

    Return it at the largest width of the study `width`, trained as there.
    """
    return [settings.sgd(sized(base, settings.WIDEST, 1 / 4), "s-local")]


@STUDIES.add(settings.varied(SHORT_RECIPE))
def crops(base: Config) -> list[Config]:
    """How far crops shift.

    Return β = 50: no crops, half as far as usual, as far, twice as far.

    λ of the first layer is larger than elsewhere, so that few enough weights are left to say where
    they are.
    """
    sparse = settings.beta_lasso(sized(base, 4, 1 / 4), 50, l1=1e-4, l1_rest=1e-5)
    return [sparse.replace(crop_padding=_pixels(sparse, name)) for name in SHIFTS]


def _pixels(config: Config, name: str) -> int:
    return int(SHIFTS[name] * config.replace(crop_padding=None).crop_shift)


def _more_local_than_sgd(runs: pd.DataFrame) -> Finding:
    """Judge by both measures of locality; where they agree, the evidence is the weaker one.

    The spread is smaller in a local filter.
    """
    import numpy as np

    from lcs.analysis.compare import by_seed

    ends = meant(runs, "β-LASSO"), meant(runs, "SGD")
    each = []
    for column in ("excess", "locality.spread.excess_mean"):
        own, theirs = by_seed(*ends, column=column)
        each.append(own - theirs)
    if not np.isfinite(each).all():
        return UNMEASURED
    window, more_spread = map(mean_interval, each)
    more = (window, -more_spread)
    value = f"window {window:+} points, spread {-more_spread:+} px less"
    if len({verdict(Finding("", one)) for one in more}) > 1:
        return Finding(value, said="depends on the measure")
    # points and pixels are compared by their intervals, which single runs lack
    known = all(one.half_width for one in more)
    weaker = min(more, key=lambda one: abs(one.mean) / (one.half_width or 1)) if known else window
    return Finding(value, weaker, short=f"window {window:+}")


def _more_local(reference: str, *, worse: bool = False) -> Judge:
    """Judge whether β-LASSO with the stronger λ has a larger (or smaller) excess window share.

    In the mean over losses and images of the factorial.

    Args:
        reference: an optimizer: SGD, or β-LASSO with β = 0 and the same λ.
        worse: whether smaller.
    """

    def judge(runs: pd.DataFrame) -> Finding:
        from lcs.analysis.compare import by_seed

        of: dict[Any, pd.DataFrame] = dict(list(runs.groupby("condition", sort=False)))
        more = []
        for sparse in (c for c in of if c.beta and has_stronger_l1(c)):
            other = sparse.replace(beta=0.0) if reference == "beta-lasso" else as_sgd(sparse)
            own, theirs = by_seed(of[sparse], of[other], column="excess")
            more.append(own - theirs)
        return as_finding(sum(more) / len(more), "points of the excess window share", worse=worse)

    return judge


def _shifts(name: str) -> Callable[[pd.DataFrame], pd.Series[bool]]:
    return lambda runs: runs.condition.map(lambda c: c.crop_shift == _pixels(c, name))


def _ranges(runs: pd.DataFrame) -> pd.Series[float]:
    from lcs import measure
    from lcs.analysis.filters import pair_correlation

    return runs.record.map(lambda record: measure.clustering_range(pair_correlation(record)))


CLAIMS = {
    "The filters of β = 50 are more local than their own permutations": Claim(
        "P",
        "table2",
        exceeds_zero("β-LASSO", "excess", "points of the excess window share", short="excess"),
        "pictures",
        SPARSE_ELSEWHERE,
    ),
    "The filters of β = 50 are more local than those of SGD": Claim(
        "P", "table2", _more_local_than_sgd, "pictures", (*ELSEWHERE, AT_150)
    ),
    **{
        f"With the stronger λ, the filters of β = 50 are {than}, by the window "
        "(100 epochs, mean over losses and images)": ours("factorial", judge)
        for than, judge in (
            ("more local than those of SGD", _more_local("sgd")),
            (
                "less local than those of β = 0 with the same λ",
                _more_local("beta-lasso", worse=True),
            ),
        )
    },
    **{
        f"Weights of a filter gather over a wider range {where} (β = 50, α = 4)": ours(
            "crops", exceeds(_shifts(one), _shifts(other), _ranges, unit="pixels")
        )
        for where, one, other in (
            ("with crops than with flips alone", "usual", "none"),
            ("where crops shift twice as far", "far", "usual"),
        )
    },
}
