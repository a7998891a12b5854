"""MNIST-1D: the same data everywhere, and what its description promises."""

import hashlib

import numpy as np

from lcs.analysis.mnist1d import POINTS, TEMPLATES, mnist1d


def test_data_are_pinned():
    x, y, x_test, y_test = mnist1d()
    thousandths = np.round(1000 * np.concatenate([x, x_test])).astype("<i2")
    labels = np.concatenate([y, y_test]).astype("<i2")
    found = hashlib.sha256(thousandths.tobytes() + labels.tobytes()).hexdigest()
    assert found[:16] == "63e227f912c766b6"


def test_every_digit_has_as_many_signals_of_forty_points():
    x, y, x_test, y_test = mnist1d(90, 10, seed=3)
    assert x.shape == (90, POINTS)
    assert x_test.shape == (10, POINTS)
    assert np.isfinite(x).all()
    assert [*np.bincount(np.concatenate([y, y_test]))] == [10] * 10


def test_another_seed_makes_other_signals():
    assert not np.array_equal(mnist1d(20, 0, seed=0)[0], mnist1d(20, 0, seed=1)[0])


def test_templates_are_twelve_points_each():
    assert len(TEMPLATES) == len({*TEMPLATES}) == 10
    assert {len(template) for template in TEMPLATES} == {12}
