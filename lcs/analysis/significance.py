"""Tests of means and ratios, and their correction where there are many."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt
from scipy.special import stdtr

from lcs.errors import ConfigError
from lcs.stats import Interval, t_quantile

SIGNIFICANCE = 0.05  # family-wise error rate after correction


def p_value(interval: Interval) -> float:
    """Two-sided p-value of the t-test that the mean is 0, from its 95 % interval.

    Raises ConfigError for a single value, which has no interval.
    """
    if interval.half_width is None:
        raise ConfigError("interval: a single value has none; give two or more")
    if interval.half_width == 0:
        return float(interval.mean == 0)
    t = interval.mean / interval.half_width * t_quantile(interval.n)
    return float(2 * stdtr(interval.n - 1, -abs(t)))


def holm(p_values: Sequence[float]) -> list[float]:
    """p-values adjusted for multiple comparisons (Holm, Scandinavian Journal of Statistics 1979).

    Rejecting those below `SIGNIFICANCE` keeps the family-wise error rate below it.
    """
    order = np.argsort(p_values)
    factors = len(p_values) - np.arange(len(p_values))
    adjusted = np.minimum(1, np.maximum.accumulate(factors * np.asarray(p_values)[order]))
    return [float(p) for p in adjusted[np.argsort(order)]]


def surviving(differences: Iterable[Interval], pending: int) -> set[Interval]:
    """Return the differences that can be told from zero after correction by `holm`.

    The same one asked for twice counts once; those that are still `pending` count already.
    """
    distinct = list(dict.fromkeys(differences))
    adjusted = holm([*map(p_value, distinct), *[1.0] * pending])
    return {d for d, p in zip(distinct, adjusted, strict=False) if p < SIGNIFICANCE}


def ratio_interval(a: npt.ArrayLike, b: npt.ArrayLike) -> tuple[float, float, float]:
    """Ratio of the means of a and b, paired by position, and its 95 % interval (Fieller 1954).

    Returns:
        (ratio, low, high). The ends are infinite where the mean of b cannot be told from zero, and
        NaN for a single pair.
    """
    first, second = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    n = len(first)
    ratio = float(first.mean() / second.mean()) if second.mean() else math.nan
    if n == 1:
        return ratio, math.nan, math.nan
    (v11, v12), (_, v22) = np.cov(first, second) / n
    t2 = t_quantile(n) ** 2
    # the ratios r for which the mean of a − r b cannot be told from zero
    square = second.mean() ** 2 - t2 * v22
    middle = first.mean() * second.mean() - t2 * v12
    discriminant = middle**2 - square * (first.mean() ** 2 - t2 * v11)
    if square <= 0:
        return ratio, -math.inf, math.inf
    half = math.sqrt(max(discriminant, 0.0))  # below zero by rounding alone
    return ratio, float((middle - half) / square), float((middle + half) / square)


def binomial_interval(accuracy: float, n: int) -> tuple[float, float]:
    """95 % Wilson score interval (low, high) of an accuracy, a fraction, measured on n images.

    It is the test set's own sampling error, for one trained network. Raises ConfigError where the
    accuracy is no fraction.
    """
    if not 0 <= accuracy <= 1:
        raise ConfigError(f"accuracy: expected a fraction from 0 to 1, got {accuracy}")
    from scipy.stats import binomtest  # slow to import

    interval = binomtest(round(accuracy * n), n).proportion_ci(method="wilson")
    return float(interval.low), float(interval.high)
