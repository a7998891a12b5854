"""MNIST-1D: the same data everywhere, and what its description promises."""

import hashlib

import numpy as np

from lcs.analysis.mnist1d import POINTS, mnist1d


def test_data_are_pinned():
    x, y, x_test, y_test = mnist1d()
    thousandths = np.round(1000 * np.concatenate([x, x_test])).astype("<i2")
    labels = np.concatenate([y, y_test]).astype("<i2")
    found = hashlib.sha256(thousandths.tobytes() + labels.tobytes()).hexdigest()
    assert found[:16] == "63e227f912c766b6"


def test_every_digit_has_as_many_signals_of_forty_points():
    x, y, x_test, y_test = mnist1d(90, 10, seed=3)
    assert (x.shape, x_test.shape) == ((90, POINTS), (10, POINTS))
    assert [*np.bincount(np.concatenate([y, y_test]))] == [10] * 10
    assert not np.array_equal(x, mnist1d(90, 10, seed=4)[0])
