"""Means with 95 % Student-t intervals, and differences of paired values."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit

from lcs.errors import ConfigError


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
        apart = self.half_width / t_quantile(2)
        return self.mean - apart, self.mean + apart

    def __format__(self, spec: str) -> str:
        """Mean ± half-width, by a number's format (`.2f` by default); both values where n is 2.

        "pending" without values, a dash where they cannot be measured.
        """
        if not math.isfinite(self.mean):
            return "–" if self.n else "pending"
        sign, digits = "+" if "+" in spec else "", spec.lstrip("+") or ".2f"
        shown = " and ".join(f"{one:{sign}z,{digits}}" for one in self.pair or (self.mean,))
        if self.half_width is not None and not self.pair:
            shown += f" ± {self.half_width:,{digits}}"
        return shown.replace("-", "−")

    def __str__(self) -> str:
        return format(self, "")


def t_quantile(n: int) -> float:
    """Return how many standard errors of n values a two-sided 95 % interval reaches."""
    return float(stdtrit(n - 1, 0.975))


def mean_interval(values: npt.ArrayLike) -> Interval:
    """Mean and 95 % Student-t interval of values (n,); ConfigError if none, or one not finite."""
    sample = np.asarray(values, dtype=np.float64)
    if sample.ndim != 1 or not (n := sample.size):
        raise ConfigError(f"values: expected one number or more, got shape {sample.shape}")
    if not np.isfinite(sample).all():
        raise ConfigError("values: not all are finite; leave out what could not be measured")
    if n == 1:
        return Interval(float(sample[0]), None, 1)
    half_width = t_quantile(n) * float(sample.std(ddof=1) / math.sqrt(n))
    return Interval(float(sample.mean()), half_width, n)


def paired_difference(a: npt.ArrayLike, b: npt.ArrayLike) -> Interval:
    """`mean_interval` of a - b, paired by position (by seed, say); ConfigError likewise."""
    first, second = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if first.shape != second.shape:
        raise ConfigError(f"pairs: shapes {first.shape} and {second.shape} differ; pair the values")
    return mean_interval(first - second)
