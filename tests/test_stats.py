"""Intervals and corrections against scipy's own answers, and by hand."""

import math

import numpy as np
import pytest
import scipy.stats
import torch

from lcs import stats
from lcs.errors import ConfigError
from lcs.stats import Interval


@pytest.mark.parametrize("n", [2, 3, 5, 30])
def test_mean_interval_is_scipys_t_interval(n):
    values = np.random.default_rng(n).normal(85, 0.3, n)
    low, high = scipy.stats.t.interval(
        0.95, n - 1, loc=values.mean(), scale=scipy.stats.sem(values)
    )
    interval = stats.mean_interval(values)
    assert interval.n == n
    assert interval.mean == pytest.approx((low + high) / 2)
    assert interval.half_width == pytest.approx((high - low) / 2, rel=1e-9)


def test_mean_interval_takes_lists_arrays_and_tensors():
    values = [1.0, 2.0, 4.5]
    assert stats.mean_interval(values) == stats.mean_interval(np.array(values))
    assert stats.mean_interval(values) == stats.mean_interval(torch.tensor(values))


def test_one_value_has_no_interval():
    assert stats.mean_interval([48.9]) == (48.9, None, 1)


@pytest.mark.parametrize("values", [[], [[1.0, 2.0]], 3.0, [1.0, math.nan], [math.inf, 1.0]])
def test_mean_interval_refuses_what_has_no_mean(values):
    with pytest.raises(ConfigError, match=r"^values: "):
        stats.mean_interval(values)


def test_paired_difference_removes_what_pairs_share():
    a, b = [81.0, 85.0, 90.0, 70.0], [80.0, 84.5, 88.5, 69.0]
    interval = stats.paired_difference(a, b)
    t, _ = scipy.stats.ttest_rel(a, b)
    assert interval.mean == pytest.approx(1.0)
    assert interval.half_width == pytest.approx(scipy.stats.t.ppf(0.975, 3) * interval.mean / t)


def test_paired_difference_refuses_unequal_lengths():
    with pytest.raises(ConfigError, match="differ"):
        stats.paired_difference([1.0, 2.0], [1.0])


@pytest.mark.parametrize(("correct", "n"), [(0, 10), (10, 10), (7, 10), (4570.4, 10_000)])
def test_binomial_interval_is_wilsons(correct, n):
    low, high = stats.binomial_interval(correct / n, n)
    assert 0 <= low < high <= 1
    for end in (low, high):  # where the observed share is 1.96 standard errors from the true one
        share = round(correct) / n
        at_edge = end in (0, 1) and share == end
        assert at_edge or abs(share - end) == pytest.approx(
            1.959964 * math.sqrt(end * (1 - end) / n)
        )


@pytest.mark.parametrize(("accuracy", "n"), [(85.19, 100), (-0.1, 100), (math.nan, 100), (0.5, 0)])
def test_binomial_interval_refuses_percentages_and_empty_sets(accuracy, n):
    with pytest.raises(ConfigError):
        stats.binomial_interval(accuracy, n)


def test_p_values_are_those_of_the_t_test():
    values = [1.0, 2.5, 0.5, 3.0]
    expected = scipy.stats.ttest_1samp(values, 0).pvalue
    assert stats.p_value(stats.mean_interval(values)) == pytest.approx(expected)
    with pytest.raises(ConfigError, match="single value"):
        stats.p_value(stats.mean_interval([1.0]))


def test_a_p_value_is_at_five_per_cent_where_the_interval_touches_zero():
    assert stats.p_value(stats.Interval(1.0, 1.0, 3)) == pytest.approx(0.05)


def test_holm_by_hand():
    # in order: 4 · 0.005, 3 · 0.01, 2 · 0.03, and 0.04 raised to the one before
    assert stats.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert stats.holm([0.9, 0.8]) == [1.0, 1.0]
    assert stats.holm([]) == []


def test_what_survives_a_correction():
    clear, narrow = Interval(2.0, 0.5, 10), Interval(1.0, 0.9, 10)
    assert stats.surviving([clear, narrow, narrow], pending=0) == {clear, narrow}
    assert stats.surviving([clear, narrow], pending=1) == {clear}  # it may be the third of three
    assert stats.surviving([], pending=3) == set()


def test_a_ratio_and_its_interval():
    a, b = [1.0, 1.4, 1.2, 0.9], [4.0, 5.1, 4.4, 4.2]
    ratio, low, high = stats.ratio_interval(a, b)
    assert ratio == pytest.approx(sum(a) / sum(b))
    assert low < ratio < high
    # at its ends the difference a − r b is just told from zero
    for end in (low, high):
        found = stats.paired_difference(a, [end * value for value in b])
        assert abs(found.mean) == pytest.approx(found.half_width)
    assert np.isnan(stats.ratio_interval([1.0], [2.0])[1])
    assert stats.ratio_interval([1.0, 1.1], [-1.0, 1.2])[2] == np.inf


def test_whether_means_lie_on_a_line():
    x = np.repeat([0, 1, 2, 3], 3)
    noise = np.tile([-0.1, 0.0, 0.1], 4)
    assert stats.lack_of_fit(x, 2 * x + noise) > 0.9
    assert stats.lack_of_fit(x, x**2 + noise) < 0.01
    # against the F test written out: of the squares between means and line and within groups
    means = np.array([0.0, 1.0, 4.0, 9.0])
    line = np.polyval(np.polyfit([0, 1, 2, 3], means, 1), [0, 1, 2, 3])
    f = (3 * np.square(means - line).sum() / 2) / (np.square(noise).sum() / 8)
    assert stats.lack_of_fit(x, x**2 + noise) == pytest.approx(scipy.stats.f.sf(f, 2, 8))
    assert np.isnan(stats.lack_of_fit([1, 1, 2], [0, 1, 2]))
    assert stats.lack_of_fit([1, 1, 2, 3], [1, 1, 2, 5]) == 0.0, "any curve is certain"
    assert np.isnan(stats.lack_of_fit([1, 1, 2, 3], [0.1, 0.1, 0.2, 0.3]))
    assert np.isnan(stats.lack_of_fit([1, 1, 2, 3], [0, 0, 0, 0]))
    thrice = np.repeat([1, 2, 3], 3)
    assert np.isnan(stats.lack_of_fit(thrice, thrice / 10)), "whose means are rounded"
    with pytest.raises(ConfigError, match="shapes"):
        stats.lack_of_fit(thrice, [1, 2, 3])
    with pytest.raises(ConfigError, match="finite"):
        stats.lack_of_fit([1, 1, 2, 3], [0, 1, 2, np.nan])
    generator = np.random.default_rng(0)
    spread = np.tile([-0.1, 0.1], 3)
    for slope in generator.normal(size=50):  # means on a line up to rounding
        twice = np.repeat([1.0, 2.0, 3.0], 2)
        assert stats.lack_of_fit(twice, slope * twice + spread) == pytest.approx(1.0)


def test_the_interval_of_a_difference_the_other_way_round():
    one, other = [1.0, 2.5, 4.0], [0.5, 0.0, 2.0]
    differences = [a - b for a, b in zip(one, other, strict=True)]
    assert -stats.mean_interval(differences) == stats.mean_interval([-each for each in differences])


def test_holm_takes_probabilities() -> None:
    with pytest.raises(ConfigError, match="p_values"):
        stats.holm([0.5, 1.5])
