"""Whether filters share weights: how far they are shifted copies of each other, as a convolution's.

Filters are first-layer weights as images, (units, channels, height, width); float64 on the CPU.
"""

import math
from typing import Any

import torch
from torch import Tensor

from lcs.errors import ConfigError
from lcs.measure.locality_measures import SEED, checked, permute_filters, require_same_shape
from lcs.stats import mean_interval, paired_difference

DRAWS = 10  # of each null model, and of the shared kernels


def sharing(filters: Tensor, kernels: int) -> dict[str, Any]:
    """How closely each filter resembles another one after alignment, against null models.

    A filter's value is its `aligned_correlation` with the other filter that it resembles most; it
    grows with the number of filters. The nulls are the same with surrogates in place of the other
    filters, over `DRAWS` draws: `pixels` permuted, `phases` random (same power spectrum), weights
    `rearranged` (same power spectrum, in part, same weights, same places). `unaligned` is the same
    with the correlation at shift zero. The same filters with so many `shared` kernels, the channels
    of a convolution, say what one with gaps would come to.

    Returns, ready for JSON, the number of `filters`, `mean` and `ci95` of the value, the mean by
    each of the names above, and but for `shared` also by how much the value exceeds theirs,
    `<name>_excess`, with the 95 % half-width over filters, `<name>_ci95`. ConfigError for fewer
    than two filters, and those that are not finite or not images.
    """
    filters = checked(filters)
    if len(filters) < 2:
        raise ConfigError(f"filters: there are only {len(filters)}; give two or more")
    own = _nearest(aligned_correlation(filters, filters))
    value = mean_interval(own)
    found: dict[str, Any] = {"filters": len(filters), "mean": value.mean, "ci95": value.half_width}
    values = {"unaligned": _nearest(_unit_norm(filters) @ _unit_norm(filters).T)}
    surrogates = (permute_filters, randomise_phases, rearrange)
    for name, surrogate in zip(("pixels", "phases", "rearranged"), surrogates, strict=True):
        generator = torch.Generator().manual_seed(SEED)
        draws = [aligned_correlation(filters, surrogate(filters, generator)) for _ in range(DRAWS)]
        values[name] = torch.stack([_nearest(draw) for draw in draws]).mean(0)
    for name, value_of in values.items():
        excess = paired_difference(own, value_of)
        found[name] = float(value_of.mean())
        found[f"{name}_excess"], found[f"{name}_ci95"] = excess.mean, excess.half_width
    generator = torch.Generator().manual_seed(SEED)
    tied = [share_kernels(filters, kernels, generator) for _ in range(DRAWS)]
    found["shared"] = sum(float(_nearest(aligned_correlation(f, f)).mean()) for f in tied) / DRAWS
    return found


def aligned_correlation(one: Tensor, other: Tensor) -> Tensor:
    """Largest cosine between two filters over all shifts of one: (units, other units), float64.

    The image does not wrap around, and norms are those of whole filters: a small overlap makes no
    large correlation. The sign counts, and channels are shifted together.
    """
    require_same_shape(one, other)
    height, width = one.shape[2:]
    size = (2 * height, 2 * width)  # padded: the image does not wrap around
    first, second = (
        torch.fft.rfft2(_unit_norm(filters).view(filters.shape), s=size) for filters in (one, other)
    )
    products = (torch.fft.irfft2((unit.conj() * second).sum(1), s=size) for unit in first)
    return torch.stack([over_shifts.amax((1, 2)) for over_shifts in products])


def randomise_phases(filters: Tensor, generator: torch.Generator) -> Tensor:
    """Filters with random phases and the power spectra that they have, also across channels."""
    units, _, height, width = filters.shape
    noise = torch.randn(units, 1, height, width, generator=generator, dtype=torch.float64)
    phases = torch.fft.rfft2(noise)
    turned = torch.fft.rfft2(filters.double()) * phases / phases.abs()
    return torch.fft.irfft2(turned, s=(height, width))


def rearrange(filters: Tensor, generator: torch.Generator) -> Tensor:
    """Filters whose weights have changed places among themselves, smooth if they were smooth.

    In each channel the places that are not zero stay so, and their weights take the order that the
    filter with `randomise_phases` has there. (Amplitude-adjusted surrogates: Theiler et al. 1992.)
    """
    filters = filters.double()
    surrogates = torch.zeros_like(filters)
    sets = surrogates, filters, randomise_phases(filters, generator)
    for new, old, field in zip(*(images.flatten(0, 1) for images in sets), strict=True):
        places = old != 0
        new[places] = old[places].sort().values[field[places].argsort().argsort()]
    return surrogates


def share_kernels(filters: Tensor, kernels: int, generator: torch.Generator) -> Tensor:
    """What filters would be if each were one of some random kernels, seen where it has weights."""
    _, channels, height, width = filters.shape
    shape = (kernels, channels, height, width)
    bank = torch.randn(shape, generator=generator, dtype=torch.float64)
    drawn = torch.randint(kernels, (len(filters),), generator=generator)
    tied = torch.zeros(filters.shape, dtype=torch.float64)
    for unit, whole, kernel in zip(tied, filters, bank[drawn], strict=True):
        pixels = (whole != 0).any(0)
        row, column = int(pixels.any(1).byte().argmax()), int(pixels.any(0).byte().argmax())
        unit[:, row:, column:] = kernel[:, : height - row, : width - column]
        unit *= whole != 0
    return tied


def _unit_norm(filters: Tensor) -> Tensor:
    return torch.nn.functional.normalize(filters.double().flatten(1))


def _nearest(correlations: Tensor) -> Tensor:  # to another filter
    return correlations.clone().fill_diagonal_(-math.inf).amax(1)
