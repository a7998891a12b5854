"""The gap in accuracy between S-FC and S-LOCAL, by SGD, and how much of it β = 50 closes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from lcs.exhibits import tables
from lcs.exhibits.compare import by_seed
from lcs.exhibits.methods import B50, LOCAL, SGD, Method
from lcs.exhibits.tables import PENDING
from lcs.exhibits.verdicts import Finding
from lcs.runs import Record
from lcs.stats import mean_interval, ratio_interval


def gap_closed(groups: Mapping[Method, Sequence[Record]]) -> tuple[float, float, float]:
    """Return the share of the gap between SGD and S-LOCAL that β = 50 closes, in per cent.

    With its 95 % interval (low, high) over seeds, from `ratio_interval`.
    """
    share, low, high = ratio_interval(*gains_and_gaps(groups))
    return 100 * share, 100 * low, 100 * high


def gains_and_gaps(groups: Mapping[Method, Sequence[Record]]) -> tuple[list[float], list[float]]:
    """Return by how much β = 50 and S-LOCAL are ahead of SGD, in points, by seed."""
    found = by_seed(*(groups.get(name, ()) for name in (B50, SGD, LOCAL))).values()
    gained = [sparse - dense for sparse, dense, _ in found]
    return gained, [local - dense for _, dense, local in found]


def gap_text(groups: Mapping[Method, Sequence[Record]]) -> str:
    """Return `gap_closed` in words, per cent, of two seeds both shares; or "pending"."""
    if not groups.keys() >= {B50, SGD, LOCAL}:
        return PENDING
    gained, gaps = gains_and_gaps(groups)
    if len(gaps) == 2:
        return " and ".join(
            _whole(100 * gain / gap) if gap else tables.NONE
            for gain, gap in zip(gained, gaps, strict=True)
        )
    shares = gap_closed(groups)
    if math.isnan(shares[0]):
        return tables.NONE
    share, low, high = map(_whole, shares)
    if low == "nan":
        return share
    return f"{share} (unbounded)" if low == "−inf" else f"{share} ({low} to {high})"


def _whole(per_cent: float) -> str:
    return tables.minus(f"{per_cent:z.0f}")  # without a negative zero


def closes_most(groups: Mapping[Method, Sequence[Record]]) -> Finding:
    """Judge whether β = 50 lies above the middle between SGD and S-LOCAL, paired by seed."""
    gained, gaps = gains_and_gaps(groups)
    above = mean_interval(np.subtract(gained, np.divide(gaps, 2)))
    gain, gap = mean_interval(gained), mean_interval(gaps)
    value = f"{tables.signed(gain)} of {tables.signed(gap)} points"
    if gap.mean <= 0:
        return Finding(value, above)
    share = f"{gap_text(groups)} %"
    # of two seeds the values would not stand in their order
    value = share if gain.n == 2 else f"{share}: {value}"
    return Finding(value, above, short=f"{share} of the gap")
