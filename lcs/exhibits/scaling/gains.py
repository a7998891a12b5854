"""The gain of β = 50 over another method, and how it grows with the width.

The gain is a difference in test accuracy, in points, paired by seed.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lcs.exhibits import plots, published, tables
from lcs.exhibits.compare import PENDING, by_seed, by_width, paired, spread_text
from lcs.exhibits.methods import B0, B50, SGD, Method
from lcs.exhibits.verdicts import Finding, Judge
from lcs.runs import Record
from lcs.stats import Interval, mean_interval

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

# the methods over which the gain is fitted: key in names of numbers, label, method
BASELINES = (("sgd", "over SGD", SGD), ("zero", "over β = 0", B0))
# heading of the column with the published gains
PAPER_COLUMN = f"paper, α ≈ {published.PAPER_BASE_CHANNELS}"


class LogLinearFit(NamedTuple):
    """A straight line through gains against log₂ α, in points, with intervals over seeds."""

    slope: Interval  # points per doubling of the width
    start: Interval  # at α = 1
    forecast: Interval  # at the width that was asked for


def gains_by_width(records: Sequence[Record], other: Method = SGD) -> pd.DataFrame:
    """Return the gain of β = 50 over another method: columns `x` (α), `seed`, `gain` (points)."""
    rows = []
    for width, groups in by_width(records).items():
        one, two = by_seed(groups[B50]), by_seed(groups[other])
        rows += [{"x": width, "seed": s, "gain": one[s] - two[s]} for s in one.keys() & two.keys()]
    return tables.data_frame(rows, columns=["x", "seed", "gain"])


def log_linear_fit(
    gains: pd.DataFrame, width: float = published.PAPER_BASE_CHANNELS
) -> LogLinearFit | None:
    """Fit gain = a + b log₂ α by least squares to each seed.

    Only seeds that have every width count. None without any, or where there is only one width.

    Args:
        gains: of `gains_by_width`.
        width: α at which `forecast` is.
    """
    widths = gains["x"].nunique()
    whole = [runs for _, runs in gains.groupby("seed") if len(runs) == widths]
    if widths < 2 or not whole:
        return None
    fits = [np.polyfit(np.log2(runs["x"]), runs.gain, 1) for runs in whole]
    slopes, starts = np.array(fits).T
    return LogLinearFit(*map(mean_interval, (slopes, starts, starts + slopes * np.log2(width))))


def gain_grows(other: Method) -> Judge:
    """Judge whether the gain of β = 50 over another method grows with the width."""

    def judge(records: list[Record]) -> Finding | None:
        fit = log_linear_fit(gains_by_width(records, other))
        return fit and Finding(f"{tables.signed(fit.slope)} points a doubling", fit.slope)

    return judge


def gains_figure(records: Sequence[Record]) -> Figure:
    """Draw the gains over SGD and over β = 0 at every width, their lines, and the paper's gains."""
    import pandas as pd

    frames = {label: gains_by_width(records, other) for _, label, other in BASELINES}
    fits = {label: log_linear_fit(frame) for label, frame in frames.items()}
    table = pd.concat([frame.assign(contrast=label) for label, frame in frames.items()])
    lines = {label: (fit.slope.mean, fit.start.mean) for label, fit in fits.items() if fit}
    known = {label: published_gain(B50, other) for _, label, other in BASELINES}
    return plots.gains(table, lines, known, published.PAPER_BASE_CHANNELS)


def published_gain(one: Method, other: Method, dataset: str = "cifar10") -> float:
    """Return by how many points a method is ahead of another in the paper; NaN if it is silent."""
    found = (published.accuracy(name, dataset) for name in (one, other))
    first, second = (math.nan if value is None else value for value in found)
    return first - second


# Cells of tables, and words of the prose


def width_heads(widths: Iterable[int]) -> list[str]:
    """Return the headings of columns, one for each width."""
    return [f"α = {width}" for width in widths]


def gain_text(groups: Mapping[Method, Sequence[Record]] | None, one: Method, other: Method) -> str:
    """Return the gain of a method over another; "pending" where there are no runs."""
    return tables.signed(paired(groups[one], groups[other])) if groups else PENDING


def bold_gain(one: Sequence[Record], other: Sequence[Record]) -> str:
    """Return the gain of some runs over others, bold where its interval leaves out zero."""
    gain = paired(one, other)
    known = gain.half_width is not None and abs(gain.mean) > gain.half_width
    return f"**{tables.signed(gain)}**" if known else tables.signed(gain)


def bold_note(records: Sequence[Record]) -> str:
    """Say in a caption what is bold; single runs have no interval."""
    spread = spread_text(records)
    return spread and f"{spread}, bold where it leaves out zero, as one in twenty does by chance"


def published_gain_text(one: Method, other: Method, dataset: str = "cifar10") -> str:
    """Return the paper's gain with its sign, marked as published."""
    gain = published_gain(one, other, dataset)
    return tables.NONE if math.isnan(gain) else tables.published(signed_value(gain))


def signed_value(value: float, digits: int = 2) -> str:
    """Return a difference without an interval, with its sign."""
    return tables.signed(Interval(value, None, 1), digits)
