"""Whether the response of the first layer moves with the image, as a convolution's does.

After a shift, another unit responds as a unit did: sought on half the images, measured on the rest.
"""

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from lcs.errors import ConfigError
from lcs.measure.locality_measures import MIN_NONZEROS, SEED, checked, require_same_shape
from lcs.stats import mean_interval, paired_difference

SHIFT = 2  # pixels to the right: the stride of S-CONV
IMAGES = 1000  # at most
UNITS = 512  # whose successors are sought, at most


def equivariance(filters: Tensor, images: Tensor) -> dict[str, Any]:
    """How closely another unit follows each unit when the image is shifted by `SHIFT` pixels.

    The response of a unit is that of a network: its product with the image, normalised over the
    images, and a ReLU. A unit's value is the correlation, over images, of its response with that of
    its successor to the shifted images: 1 in a convolution. The null has, in each filter, the
    weights permuted among their own places. Asked are units whose mass has its centroid in the
    middle half of the image, with at least `MIN_NONZEROS` weights; successors may be all others.

    Filters are (units, C, H, W), images (N, C, H, W) as the network sees them; of more than
    `IMAGES`, evenly spaced ones are taken, since data sets are sorted by class. Returns, ready for
    JSON, the number of `units` asked, `mean`, `ci95`, `null_mean`, `excess_mean` and `excess_ci95`
    (95 % half-widths over units; None for fewer than two). ConfigError for fewer than four images,
    another shape than the images', and filters that are not finite.
    """
    if len(images) < 4:
        raise ConfigError(f"images: {len(images)} have no correlation; give four or more")
    filters, images = checked(filters), evenly_spaced(images).double()
    require_same_shape(filters, images)
    asked = _asked(filters)
    found: dict[str, Any] = {"units": len(asked)}
    if len(asked) < 2:
        return found | dict.fromkeys(("mean", "ci95", "null_mean", "excess_mean", "excess_ci95"))
    own, null = _followed(filters, images, asked), _followed(_shuffled(filters), images, asked)
    value, excess = mean_interval(own), paired_difference(own, null)
    found |= {"mean": value.mean, "ci95": value.half_width, "null_mean": float(null.mean())}
    return found | {"excess_mean": excess.mean, "excess_ci95": excess.half_width}


def evenly_spaced(images: Tensor) -> Tensor:
    """Return `IMAGES` at most of the images (N, …): every one, every second, or so on."""
    return images[:: max(1, math.ceil(len(images) / IMAGES))]


def _asked(filters: Tensor) -> Tensor:
    height, width = filters.shape[2:]
    mass = filters.square().sum(1)
    weight = mass.sum((1, 2))
    inner = torch.count_nonzero(filters.flatten(1), 1) >= MIN_NONZEROS
    for sums, side in ((mass.sum(2), height), (mass.sum(1), width)):
        centroid = sums @ torch.arange(side).double() / weight.clamp(min=1e-300)
        inner &= (centroid - (side - 1) / 2).abs() <= side / 4
    units = inner.nonzero()[:, 0]
    return units[torch.linspace(0, len(units) - 1, min(UNITS, len(units))).long()]


def _followed(filters: Tensor, images: Tensor, asked: Tensor) -> Tensor:
    before = _responses(filters[asked], images)
    after = _responses(filters, F.pad(images, (SHIFT, -SHIFT)))
    likeness = _standardised(before[::2]).T @ _standardised(after[::2])
    likeness[torch.arange(len(asked)), asked] = -1.0
    successors = after[1::2, likeness.argmax(1)]
    return (_standardised(before[1::2]) * _standardised(successors)).sum(0)


def _responses(filters: Tensor, images: Tensor) -> Tensor:
    products = images.flatten(1) @ filters.flatten(1).T
    spread = products.std(0, correction=0).clamp(min=1e-12)
    return ((products - products.mean(0)) / spread).relu()


def _standardised(columns: Tensor) -> Tensor:
    return F.normalize(columns - columns.mean(0), dim=0)


def _shuffled(filters: Tensor) -> Tensor:
    """Return filters whose weights are permuted among the places where they are not zero."""
    generator = torch.Generator().manual_seed(SEED)
    result = filters.flatten(1).clone()
    for row in result:
        places = row.nonzero()[:, 0]
        row[places] = row[places[torch.randperm(len(places), generator=generator)]]
    return result.view(filters.shape)
