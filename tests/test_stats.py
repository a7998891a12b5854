"""Intervals against scipy's own answers."""

import math

import numpy as np
import pytest
import scipy.stats
import torch

from lcs.errors import ConfigError
from lcs.stats import Interval, mean_interval, paired_difference


@pytest.mark.parametrize("n", [2, 3, 5, 30])
@pytest.mark.parametrize("kind", [list, np.array, torch.tensor])
def test_mean_interval_is_scipys_t_interval(n, kind):
    values = np.random.default_rng(n).normal(85, 0.3, n)
    low, high = scipy.stats.t.interval(
        0.95, n - 1, loc=values.mean(), scale=scipy.stats.sem(values)
    )
    interval = mean_interval(kind(values))
    assert interval.n == n
    assert interval.mean == pytest.approx((low + high) / 2)
    assert interval.half_width == pytest.approx((high - low) / 2, rel=1e-9)
    assert -interval == mean_interval(-values)


def test_one_value_has_no_interval():
    assert mean_interval([48.9]) == (48.9, None, 1)


@pytest.mark.parametrize("values", [[], [[1.0, 2.0]], 3.0, [1.0, math.nan], [math.inf, 1.0]])
def test_mean_interval_refuses_what_has_no_mean(values):
    with pytest.raises(ConfigError, match=r"^values: "):
        mean_interval(values)


def test_paired_difference_removes_what_pairs_share():
    a, b = [81.0, 85.0, 90.0, 70.0], [80.0, 84.5, 88.5, 69.0]
    interval = paired_difference(a, b)
    t, _ = scipy.stats.ttest_rel(a, b)
    assert interval.mean == pytest.approx(1.0)
    assert interval.half_width == pytest.approx(scipy.stats.t.ppf(0.975, 3) * interval.mean / t)
    with pytest.raises(ConfigError, match="differ"):
        paired_difference([1.0, 2.0], [1.0])


def test_intervals_are_printed_as_a_reader_expects():
    assert f"{Interval(1234.5, 0.25, 3)}" == "1,234.50 ± 0.25"
    assert f"{Interval(-1.0, 0.5, 3):+.1f}" == "−1.0 ± 0.5"
    assert f"{Interval(-0.01, None, 1):.1f}" == "0.0"
    assert f"{mean_interval([3.0, 1.0]):+.0f}" == "+1 and +3"
    assert (f"{Interval(math.nan, None, 0)}", f"{Interval(math.nan, None, 2)}") == ("pending", "–")
