"""The gap in accuracy between S-FC and S-LOCAL, by SGD, and how much of it other runs close.

These runs are given beside the `groups` that have the ends of the gap; None: those of β = 50 there.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from lcs.exhibits.shared import published, tables
from lcs.exhibits.shared.cells import size_text
from lcs.exhibits.shared.compare import Groups, by_method, by_seed, grouped, widest
from lcs.exhibits.shared.methods import B50, LOCAL, SGD, Method
from lcs.exhibits.shared.tables import PENDING
from lcs.exhibits.shared.verdicts import Finding
from lcs.runs import Record
from lcs.stats import mean_interval, ratio_interval


def gap_closed(
    groups: Mapping[Method, Sequence[Record]], runs: Sequence[Record] | None = None
) -> tuple[float, float, float]:
    """Return the share of the gap between SGD and S-LOCAL that runs close, in per cent.

    With its 95 % interval (low, high) over seeds, from `ratio_interval`.
    """
    share, low, high = ratio_interval(*gains_and_gaps(groups, runs))
    return 100 * share, 100 * low, 100 * high


def gains_and_gaps(
    groups: Mapping[Method, Sequence[Record]], runs: Sequence[Record] | None = None
) -> tuple[list[float], list[float]]:
    """Return by how much runs and S-LOCAL are ahead of SGD, in points, by seed."""
    closing = groups[B50] if runs is None else runs
    found = by_seed(closing, groups[SGD], groups[LOCAL]).values()
    return [own - dense for own, dense, _ in found], [local - dense for _, dense, local in found]


def gap_text(
    groups: Mapping[Method, Sequence[Record]], runs: Sequence[Record] | None = None
) -> str:
    """Return the share of the gap closed, in per cent, with its interval; "pending" without runs.

    Of two seeds both values, the smaller first.
    """
    closing = groups.get(B50) if runs is None else runs
    if not (closing and groups.get(SGD) and groups.get(LOCAL)):
        return PENDING
    gained, gaps = gains_and_gaps(groups, closing)
    if len(gaps) == 2:
        if not all(gaps):
            return tables.NONE
        return " and ".join(map(_whole, sorted(100 * np.divide(gained, gaps))))
    shares = gap_closed(groups, closing)
    if math.isnan(shares[0]):
        return tables.NONE
    share, low, high = map(_whole, shares)
    if low == "nan":
        return share
    return f"{share} (unbounded)" if low == "−inf" else f"{share} ({low} to {high})"


def _whole(per_cent: float) -> str:
    return tables.minus(f"{per_cent:z.0f}")  # without a negative zero


def by_size(records: Sequence[Record]) -> dict[str, Groups[Method]]:
    """Return runs by width and length, in words, and by method, where there are all three."""
    ordered = sorted(records, key=lambda run: (run.config.base_channels, run.config.epochs))
    sizes = {size: by_method(runs) for size, runs in grouped(ordered, size_text).items()}
    return {size: runs for size, runs in sizes.items() if {B50, SGD, LOCAL} <= runs.keys()}


def size_of_paper(epochs: int) -> str:
    """Return the paper's width, and the length of one of its trainings, as `size_text` does."""
    return f"α ≈ {published.PAPER_BASE_CHANNELS}, {epochs} epochs"


def closes_most(records: list[Record]) -> Finding:
    """Judge whether the widest β = 50 lies above the middle between SGD and S-LOCAL, by seed."""
    groups = widest(records)
    gained, gaps = gains_and_gaps(groups)
    above = mean_interval(np.subtract(gained, np.divide(gaps, 2)))
    gain, gap = mean_interval(gained), mean_interval(gaps)
    value = f"{tables.signed(gain)} of {tables.signed(gap)} points"
    if gap.mean <= 0:
        return Finding(value, above)
    share = f"{gap_text(groups)} %"
    # of two seeds gains, gaps and shares are each sorted, and would not correspond
    value = share if gain.n == 2 else f"{share}: {value}"
    return Finding(value, above, short=f"{share} of the gap")
