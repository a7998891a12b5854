"""Intervals over seeds, and corrections for many comparisons."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import fdtrc, stdtr, stdtrit

from lcs.errors import ConfigError

_UPPER_QUANTILE = 0.975  # of a two-sided 95 % interval


class Interval(NamedTuple):
    """A mean of n values and the half-width of its 95 % interval (None where n is 1)."""

    mean: float
    half_width: float | None
    n: int

    def __neg__(self) -> Interval:
        """The interval of the negated values."""
        return self._replace(mean=-self.mean)

    @property
    def pair(self) -> tuple[float, float] | None:
        """The two values themselves, from the lower on, where n is 2: an interval says less."""
        if self.n != 2 or self.half_width is None:
            return None
        apart = self.half_width / float(stdtrit(1, _UPPER_QUANTILE))
        return self.mean - apart, self.mean + apart

    def __format__(self, spec: str) -> str:
        """Mean ± half-width, by a number's format (`.2f` by default); both values where n is 2.

        "pending" without values, a dash where they cannot be measured.
        """
        if not math.isfinite(self.mean):
            return "–" if self.n else "pending"
        sign = "+" if "+" in spec else ""
        digits = spec.lstrip("+") or ".2f"
        if self.pair:
            shown = " and ".join(f"{one:{sign}z,{digits}}" for one in self.pair)
        else:
            shown = f"{self.mean:{sign}z,{digits}}"
            if self.half_width is not None:
                shown += f" ± {self.half_width:,{digits}}"
        return shown.replace("-", "−")

    def __str__(self) -> str:
        return format(self, "")


def mean_interval(values: npt.ArrayLike) -> Interval:
    """Mean and 95 % Student-t interval of independent values, shape (n,).

    Raises ConfigError where there are no values or one is not finite.
    """
    sample = _sample(values)
    n = sample.size
    if n == 1:
        return Interval(float(sample[0]), None, 1)
    standard_error = sample.std(ddof=1) / math.sqrt(n)
    half_width = float(stdtrit(n - 1, _UPPER_QUANTILE) * standard_error)
    return Interval(float(sample.mean()), half_width, n)


def paired_difference(a: npt.ArrayLike, b: npt.ArrayLike) -> Interval:
    """Mean of a - b and its 95 % Student-t interval, for values paired by position (by seed, say).

    Raises ConfigError where the two differ in length, and as `mean_interval` does.
    """
    first, second = _paired(a, b)
    return mean_interval(first - second)


def ratio_interval(a: npt.ArrayLike, b: npt.ArrayLike) -> tuple[float, float, float]:
    """Ratio of the means of a and b, paired by position, and its 95 % interval (Fieller 1954).

    Returns:
        (ratio, low, high). The ends are infinite where the mean of b cannot be told from zero, and
        NaN for a single pair.

    Raises ConfigError where the two differ in length, and as `mean_interval` does.
    """
    first, second = _paired(a, b)
    n = len(first)
    ratio = float(first.mean() / second.mean()) if second.mean() else math.nan
    if n == 1:
        return ratio, math.nan, math.nan
    (v11, v12), (_, v22) = np.cov(first, second) / n
    t2 = float(stdtrit(n - 1, _UPPER_QUANTILE)) ** 2
    # the ratios r for which the mean of a − r b cannot be told from zero
    square = second.mean() ** 2 - t2 * v22
    middle = first.mean() * second.mean() - t2 * v12
    discriminant = middle**2 - square * (first.mean() ** 2 - t2 * v11)
    if square <= 0:
        return ratio, -math.inf, math.inf
    half = math.sqrt(max(discriminant, 0.0))  # below zero by rounding alone
    return ratio, float((middle - half) / square), float((middle + half) / square)


def lack_of_fit(x: npt.ArrayLike, y: npt.ArrayLike) -> float:
    """p-value of the F test that the means of y at each value of x lie on a straight line.

    Args:
        x: with values that come several times.
        y: of the same length.

    Returns:
        NaN with fewer than three values of x, or none that comes twice. Where the values of y at
        each value of x are equal, there is no spread to compare with: 0.0, or NaN if they lie on
        a line.

    Raises ConfigError where the two differ in length, or a value is not finite.
    """
    where, values = _paired(x, y)
    places, index = np.unique(where, return_inverse=True)
    freedom, inside = len(places) - 2, len(values) - len(places)
    if freedom < 1 or inside < 1:
        return math.nan
    means = np.bincount(index, values) / np.bincount(index)
    within = float(np.square(values - means[index]).sum())
    line = np.polyval(np.polyfit(where, values, 1), where)
    rounding = 1e-9 * np.ptp(values)
    if within <= len(values) * rounding**2:
        return math.nan if np.allclose(means[index], line, atol=rounding) else 0.0
    between = max(0.0, float(np.square(values - line).sum()) - within)
    return float(fdtrc(freedom, inside, between / freedom / (within / inside)))


def p_value(interval: Interval) -> float:
    """Two-sided p-value of the t-test that the mean is 0, from its 95 % interval.

    Raises ConfigError for a single value, which has no interval.
    """
    if interval.half_width is None:
        raise ConfigError("interval: a single value has none; give two or more")
    if interval.half_width == 0:
        return float(interval.mean == 0)
    degrees = interval.n - 1
    t = interval.mean / interval.half_width * stdtrit(degrees, _UPPER_QUANTILE)
    return float(2 * stdtr(degrees, -abs(t)))


# family-wise error rate after correction for many comparisons
SIGNIFICANCE = 0.05


def holm(p_values: Sequence[float]) -> list[float]:
    """p-values adjusted for multiple comparisons (Holm, Scandinavian Journal of Statistics 1979).

    Rejecting those below 0.05 keeps the family-wise error rate below 0.05.

    Raises ConfigError for a number that is no probability.
    """
    if not all(0 <= p <= 1 for p in p_values):
        raise ConfigError(f"p_values: expected numbers from 0 to 1, got {[*p_values]}")
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


def binomial_interval(accuracy: float, n: int) -> tuple[float, float]:
    """95 % Wilson score interval (low, high) of an accuracy, a fraction, measured on n images.

    It is the test set's own sampling error, for one trained network, the right answers rounded to a
    whole number; the spread over seeds is `mean_interval`'s.

    Raises ConfigError where the accuracy is no fraction or there are no images.
    """
    if not 0 <= accuracy <= 1:
        raise ConfigError(f"accuracy: expected a fraction from 0 to 1, got {accuracy}")
    if n < 1:
        raise ConfigError(f"n: {n} is out of range; give 1 or more")
    from scipy.stats import binomtest  # slow to import

    interval = binomtest(round(accuracy * n), n).proportion_ci(method="wilson")
    return float(interval.low), float(interval.high)


def _sample(values: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Return values as float64, shape (n,), once there is one and all are finite."""
    sample = np.asarray(values, dtype=np.float64)
    if sample.ndim != 1 or sample.size == 0:
        raise ConfigError(
            f"values: expected a list of at least one number, got shape {sample.shape}"
        )
    if not np.isfinite(sample).all():
        raise ConfigError("values: not all are finite; leave out what could not be measured")
    return sample


def _paired(
    a: npt.ArrayLike, b: npt.ArrayLike
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return both as `_sample` does, once they are of the same length."""
    first, second = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if first.shape != second.shape:
        raise ConfigError(f"pairs: shapes {first.shape} and {second.shape} differ; pair the values")
    return _sample(first), _sample(second)
