"""Whether another unit takes over when the image is shifted."""

import pytest
import torch

from lcs import models
from lcs.errors import ConfigError
from lcs.measure.shift_equivariance import equivariance


def images(count=400, channels=3, side=32):
    """Smooth noise: neighbouring pixels are alike."""
    noise = torch.randn((count, channels, side, side), generator=torch.Generator().manual_seed(0))
    return torch.nn.functional.avg_pool2d(noise, 3, stride=1, padding=1)


def filters(kind):
    torch.manual_seed(0)
    net = models.build(kind, num_classes=10, image_size=32, in_channels=3, base_channels=1)
    return models.first_layer_filters(net)


@pytest.fixture(scope="module")
def found():
    return {kind: equivariance(filters(kind), images()) for kind in ("s-conv", "s-local", "s-fc")}


def test_the_units_of_a_convolution_take_over(found):
    assert found["s-conv"]["mean"] == pytest.approx(1, abs=1e-9)
    assert found["s-conv"]["excess_mean"] > 0.3


@pytest.mark.parametrize("kind", ["s-local", "s-fc"])
def test_independent_filters_do_as_well_as_chance(found, kind):
    assert found[kind]["mean"] < 0.7
    assert abs(found[kind]["excess_mean"]) < 0.05


def test_units_at_the_border_are_not_asked(found):
    assert found["s-conv"]["units"] == found["s-local"]["units"] == 64


def test_without_weights_nothing_is_said():
    empty = torch.zeros(16, 3, 32, 32)
    assert equivariance(empty, images(20)) == {
        "units": 0, "mean": None, "ci95": None, "null_mean": None, "excess_mean": None,
        "excess_ci95": None,
    }  # fmt: skip


@pytest.mark.parametrize("count", [1999, 10_000])
def test_images_are_of_all_classes(count):
    """Of a data set that is sorted by class, here flat images in the last half."""
    few = images(count, channels=1, side=8)
    few[len(few) // 2 :] = 0
    kernels = torch.randn(40, 1, 8, 8, generator=torch.Generator().manual_seed(1))
    apart = 2 if count == 1999 else 10
    assert equivariance(kernels, few) == equivariance(kernels, few[::apart])
    assert equivariance(kernels, few) != equivariance(kernels, few[:1000])


def test_a_dead_unit_is_no_successor():
    kernels = filters("s-conv")
    kernels[::2] = 0
    assert equivariance(kernels, images())["mean"] < 1


def test_few_images_are_refused():
    with pytest.raises(ConfigError, match="four or more"):
        equivariance(filters("s-fc"), images(3))
