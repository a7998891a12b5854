"""Tests and their correction against scipy's own answers, and by hand."""

import math

import numpy as np
import pytest
import scipy.stats

from lcs.analysis.significance import binomial_interval, holm, p_value, ratio_interval, surviving
from lcs.errors import ConfigError
from lcs.stats import Interval, mean_interval, paired_difference


def test_p_values_are_those_of_the_t_test():
    values = [1.0, 2.5, 0.5, 3.0]
    expected = scipy.stats.ttest_1samp(values, 0).pvalue
    assert p_value(mean_interval(values)) == pytest.approx(expected)
    assert p_value(Interval(1.0, 1.0, 3)) == pytest.approx(0.05)
    assert (p_value(Interval(1.0, 0.0, 3)), p_value(Interval(0.0, 0.0, 3))) == (0.0, 1.0)
    with pytest.raises(ConfigError, match="single value"):
        p_value(mean_interval([1.0]))


def test_holm_by_hand():
    # in order: 4 · 0.005, 3 · 0.01, 2 · 0.03, and 0.04 raised to the one before
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []


def test_what_survives_a_correction():
    clear, narrow = Interval(2.0, 0.5, 10), Interval(1.0, 0.9, 10)
    assert surviving([clear, narrow, narrow], pending=0) == {clear, narrow}
    assert surviving([clear, narrow], pending=1) == {clear}  # it may be the third of three
    assert surviving([], pending=3) == set()


def test_a_ratio_and_its_interval():
    a, b = np.array([[1.0, 1.4, 1.2, 0.9], [4.0, 5.1, 4.4, 4.2]])
    ratio, low, high = ratio_interval(a, b)
    assert ratio == pytest.approx(sum(a) / sum(b))
    assert low < ratio < high
    for end in (low, high):  # at its ends the difference a − r b is just told from zero
        found = paired_difference(a, end * b)
        assert abs(found.mean) == pytest.approx(found.half_width)
    assert math.isnan(ratio_interval([1.0], [2.0])[1])
    assert ratio_interval([1.0, 1.1], [-1.0, 1.2])[2] == math.inf


@pytest.mark.parametrize(("correct", "n"), [(0, 10), (10, 10), (7, 10), (4570.4, 10_000)])
def test_binomial_interval_is_wilsons(correct, n):
    low, high = binomial_interval(correct / n, n)
    assert 0 <= low < high <= 1
    for end in (low, high):  # where the observed share is 1.96 standard errors from the true one
        share = round(correct) / n
        at_edge = end in (0, 1) and share == end
        error = math.sqrt(end * (1 - end) / n)
        assert at_edge or abs(share - end) == pytest.approx(1.959964 * error)
    with pytest.raises(ConfigError):
        binomial_interval(85.19, 100)
