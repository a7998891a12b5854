"""The drawn images have the covariance and the marginals that they should have."""

import numpy as np
import pytest

from lcs import data
from lcs.data import download, gaussian_process
from lcs.data.gaussian_process import CLONE, LENGTHS, PROCESSES


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(gaussian_process, "CHUNK", 300)
    monkeypatch.setattr(gaussian_process, "SIZES", {"train": 600, "test": 300})


def standardised(name):
    pixels = gaussian_process.arrays(name)["train_images"][..., 0]
    return (pixels - 127.5) / gaussian_process.DEVIATION


def test_gain_takes_pixels_from_gaussian_to_two_values(small):
    pixels = {name: standardised(name) for name in PROCESSES}
    small, middle, large, clone = ((values**4).mean() - 3 for values in pixels.values())
    assert (small, clone) == pytest.approx((0, 0), abs=0.1)
    assert small > middle > large
    assert large < -1.3
    for values in pixels.values():
        assert (values.mean(), values.std()) == pytest.approx((0, 1), abs=0.02)


@pytest.mark.parametrize("name", ["process-0.1", "process-3", CLONE])
def test_the_classes_differ_in_their_correlation_length_alone(name, small):
    """The clone has the covariance of its process, which saturates as its gain grows."""
    share = PROCESSES[name] ** 2 / (1 + PROCESSES[name] ** 2)
    for images, length in zip(np.split(standardised(name), 2), LENGTHS, strict=True):
        assert (images.mean(), images.std()) == pytest.approx((0, 1), abs=0.03)
        for d in (1, 2, 4):
            rho = np.exp(-(d**2) / length**2)
            expected = np.arcsin(share * rho) / np.arcsin(share)
            along = [(images * np.roll(images, d, axis)).mean() for axis in (1, 2)]
            assert along == pytest.approx([expected] * 2, abs=0.03)


def test_they_are_drawn_where_other_data_sets_are_fetched(folder):
    """The pinned SHA-256 is that of the whole data set."""
    assert download.get(CLONE) == folder / f"{CLONE}.npz"
    images = data.load(CLONE)
    assert images.train_images.shape == (20_000, 32, 32, 1)
    assert not np.array_equal(images.train_images[:300], images.test_images[:300])
