"""MNIST-1D: the same data everywhere."""

import hashlib

import numpy as np

from lcs.analysis.mnist1d import mnist1d


def test_data_are_pinned():
    x, y, x_test, y_test = mnist1d()
    thousandths = np.round(1000 * np.concatenate([x, x_test])).astype("<i2")
    labels = np.concatenate([y, y_test]).astype("<i2")
    found = hashlib.sha256(thousandths.tobytes() + labels.tobytes()).hexdigest()
    assert found[:16] == "63e227f912c766b6"
