"""Whether another unit takes over when the image is shifted."""

import numpy as np
import pytest
import torch
from helpers.objectives import seeded

from lcs import models
from lcs.errors import ConfigError
from lcs.measure.shift_equivariance import equivariance


def images(count=400, channels=3, side=32, smooth=True):
    """Noise; smooth, so that neighbouring pixels are alike, or white."""
    noise = torch.randn((count, channels, side, side), generator=seeded())
    return torch.nn.functional.avg_pool2d(noise, 3, stride=1, padding=1) if smooth else noise


def convolution():
    torch.manual_seed(0)
    return models.first_layer_filters(models.build("s-conv", base_channels=1))


def test_the_units_of_a_convolution_take_over():
    kernels = convolution()
    found = equivariance(kernels, images())
    assert found["mean"] == pytest.approx(1, abs=1e-9)
    assert found["excess_mean"] > 0.3
    assert found["units"] == 64, "those at the border are not asked"
    kernels[::2] = 0
    assert equivariance(kernels, images())["mean"] < 1, "a dead unit is no successor"


def test_units_that_each_follow_themselves_alone_are_followed_by_none():
    """Also if there are so few images that one of the others always follows by chance."""
    rows = torch.eye(32)[:, None, :, None].expand(32, 1, 32, 32)
    found = equivariance(rows, images(60, channels=1, smooth=False))
    assert found["units"] == 16
    assert abs(found["mean"]) < 0.12


def test_it_is_the_mean_correlation_with_the_likest_of_the_others(monkeypatch):
    """corr(hᵢ(x), hⱼ(Tx)) of h = ReLU(BN(Wx)): j by every other image, its value by the rest."""
    shown = images(50, side=8).double()
    filters, null = torch.zeros(2, 7, 3, 8, 8).double()
    weights = torch.randn(7, 3, 4, 8, generator=seeded(2)).double()
    draws = seeded()
    order = torch.stack([torch.randperm(96, generator=draws) for _ in range(7)])
    filters[:, :, ::2] = weights
    null[:, :, ::2] = weights.flatten(1).gather(1, order).view_as(weights)
    shifted = torch.zeros_like(shown)
    shifted[..., 2:] = shown[..., :-2]

    def responses(weights, x):
        products = np.einsum("uchw,nchw->un", weights, x)
        return np.maximum(products - products.mean(1, keepdims=True), 0)

    def followed(weights):
        before, after = responses(weights, shown), responses(weights, shifted)

        def likeness(i, j, first):
            return np.corrcoef(before[i, first::2], after[j, first::2])[0, 1]

        for i in range(7):
            others = [j for j in range(7) if j != i]
            yield likeness(i, max(others, key=lambda j: likeness(i, j, 0)), 1)

    values, chance = np.array(list(followed(filters))), np.array(list(followed(null)))
    found = equivariance(filters, shown)
    assert found["units"] == 7
    assert found["mean"] == pytest.approx(values.mean())
    assert found["null_mean"] == pytest.approx(chance.mean())
    assert found["excess_mean"] == pytest.approx((values - chance).mean())
    monkeypatch.setattr("lcs.measure.shift_equivariance.UNITS", 3)
    assert equivariance(filters, shown)["mean"] == pytest.approx(values[::3].mean())


def test_asked_are_units_of_twenty_weights_in_the_middle_half():
    filters = torch.zeros(6, 1, 8, 8)
    filters[0, 0, :4] = filters[1, 0, :, 4:] = 1.0  # a quarter of the side away from the middle
    filters[2, 0, :3] = filters[3, 0, :, 5:] = 1.0  # further
    filters[2, 0, 7] = 0.5  # a mass of a quarter each
    filters[4:, 0, 2:7, 2:6] = 1.0
    filters[5, 0, 3, 3] = 0.0
    few = images(20, channels=1, side=8)
    assert equivariance(filters, few)["units"] == 3
    names = ("mean", "ci95", "null_mean", "excess_mean", "excess_ci95")
    assert equivariance(0 * filters, few) == {"units": 0} | dict.fromkeys(names)


@pytest.mark.parametrize(("count", "apart"), [(1999, 2), (10_000, 10)])
def test_images_are_of_all_classes(count, apart):
    """Of a data set that is sorted by class, here flat images in the last half."""
    few = images(count, channels=1, side=8)
    few[len(few) // 2 :] = 0
    kernels = torch.randn(40, 1, 8, 8, generator=seeded(1))
    assert equivariance(kernels, few) == equivariance(kernels, few[::apart])
    assert equivariance(kernels, few) != equivariance(kernels, few[:1000])


@pytest.mark.parametrize("shown", [images(3), images(4, channels=1)], ids=["few", "other channels"])
def test_images_that_do_not_serve_are_refused(shown):
    with pytest.raises(ConfigError):
        equivariance(convolution(), shown)
