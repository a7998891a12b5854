"""How local filters are: five measures, and the null model that tells locality from chance.

Filters are first-layer weights seen as images, (units, channels, height, width); ConfigError for
others, filters that are not finite and windows that do not fit.
"""

from typing import Any

import torch
from torch import Tensor

from lcs.errors import ConfigError
from lcs.stats import mean_interval, paired_difference

MIN_NONZEROS = 20  # weights without which a filter has no locality to speak of
MAX_FILTERS = 512  # so many filters of a network are measured at most
PERMUTATIONS = 20  # of the pixels of each filter, for chance
SEED = 0  # of the choice of filters, and of the permutations


def locality(filters: Tensor) -> dict[str, Any]:
    """How local filters (units, channels, height, width) are, against a null model.

    `eligible` filters have at least `MIN_NONZEROS` non-zeros; `filters` of them, at most
    `MAX_FILTERS` and chosen by `choose_filters`, are measured by `spread`, `window_mass` (side
    `window`, see `window_size`), `morans_i`, and by `band_mass` as `row_mass` and `column_mass`.
    A filter's null value is the average over `permutations` of its pixels, its excess its value
    less that. Returns, ready for JSON, the counts and the window by these names, and for each
    measure `mean`, `null_mean` and `excess_mean` over filters, with 95 % Student-t half-widths
    `ci95`, `null_ci95` and `excess_ci95`; for fewer than two, `filters` is 0 and these None.
    """
    filters = checked(filters)
    chosen = filters[choose_filters(filters, MAX_FILTERS)]
    window = window_size(*chosen.shape[2:])
    result: dict[str, Any] = {
        "eligible": len(_eligible(filters)),
        "filters": len(chosen) if len(chosen) > 1 else 0,
        "permutations": PERMUTATIONS,
        "window": window,
    }
    names = ("spread", "window_mass", "morans_i", "row_mass", "column_mass")
    if len(chosen) < 2:
        nothing = ("mean", "ci95", "null_mean", "null_ci95", "excess_mean", "excess_ci95")
        return result | {name: dict.fromkeys(nothing) for name in names}
    generator = torch.Generator().manual_seed(SEED)
    null = torch.zeros(len(names), len(chosen), dtype=torch.float64)
    for _ in range(PERMUTATIONS):  # one at a time: memory stays that of the filters
        null += _measures(permute_filters(chosen, generator), window)
    values = zip(names, _measures(chosen, window), null / PERMUTATIONS, strict=True)
    for name, own, chance in values:
        excess = paired_difference(own, chance)
        estimates = {"": mean_interval(own), "null_": mean_interval(chance), "excess_": excess}
        result[name] = {}
        for prefix, estimate in estimates.items():
            result[name] |= {f"{prefix}mean": estimate.mean, f"{prefix}ci95": estimate.half_width}
    return result


def spread(filters: Tensor) -> Tensor:
    """RMS distance, in pixels, of each filter's mass from its centroid: (units,), float64.

    A pixel's mass is the sum of its squared weights over channels: its share of the response to
    white noise, above the noise floor of a dense filter. nan for an all-zero filter.
    """
    mass = _mass(filters)
    variance = torch.zeros(len(mass), dtype=torch.float64)
    for marginal in (mass.sum(2), mass.sum(1)):
        position = torch.arange(marginal.shape[1], dtype=torch.float64)
        centroid = (marginal * position).sum(1, keepdim=True)
        variance += (marginal * (position - centroid).square()).sum(1)
    return variance.sqrt()


def window_mass(filters: Tensor, window: int) -> Tensor:
    """Share of each filter's mass in its best window x window square, else as `spread`."""
    return window_shares(filters, window).amax((1, 2)).clamp(max=1)  # rounding may pass 1


def window_shares(filters: Tensor, window: int) -> Tensor:
    """`window_mass` at every place: float64, (units, height - window + 1, width - window + 1)."""
    return _shares(_mass(filters), window)


def centres(filters: Tensor, window: int) -> Tensor:
    """Pixel nearest to the centroid of each filter's mass in its best window x window square.

    Row and column, (units, 2), int64; -1 for an all-zero filter.
    """
    mass = _mass(filters).nan_to_num()
    mass = mass * _in_best_window(mass, window)
    rows, columns = (torch.arange(side, dtype=torch.float64) for side in mass.shape[1:])
    moments = torch.stack([mass.sum(2) @ rows, mass.sum(1) @ columns], dim=1)
    whole = mass.sum((1, 2))[:, None]
    return torch.where(whole > 0, (moments / whole).round(), -1).long()


def local_parts(filters: Tensor, window: int) -> Tensor:
    """Each filter within its best window x window square, and zero elsewhere, if it is local.

    That is with half of its mass or more in that square, and at least `MIN_NONZEROS` weights.
    """
    parts = checked(filters).masked_fill(~_in_best_window(_mass(filters), window)[:, None], 0)
    counts = torch.count_nonzero(parts.flatten(1), 1)
    return parts[(window_mass(filters, window) >= 0.5) & (counts >= MIN_NONZEROS)]


def band_mass(filters: Tensor, size: int) -> Tensor:
    """Share of each filter's mass in its best band of rows, and of columns: (2, units).

    Float64 and nan as in `spread`. Where rows are frequencies and columns times, a filter is local
    in frequency by the first, in time by the second.
    """
    mass = _mass(filters)
    bands = [mass.sum(axis) @ _window_sums(mass.shape[3 - axis], size).T for axis in (2, 1)]
    return torch.stack([band.amax(1).clamp(max=1) for band in bands])


def inverse_participation_ratio(filters: Tensor) -> Tensor:
    """Σw⁴ / (Σw²)² of each filter (Ingrosso & Goldt 2022): (units,), float64; nan as in `spread`.

    1/n for n equal weights, wherever they are: no null model of permuted pixels can differ from it.
    """
    energy = checked(filters).double().flatten(1).square()
    return energy.square().sum(1) / energy.sum(1).square()


def morans_i(filters: Tensor) -> Tensor:
    """Moran's I (Biometrika 1950) of each filter's signed weights: (units,), float64.

    Neighbours are the pixels above, below, left and right, without wrapping around. Deviations are
    from each channel's own mean; products and squares are summed over channels before the division.
    Chance is -1 / (pixels - 1); 1 is smooth, -1 a checkerboard. Without variance it is 0.
    """
    filters = checked(filters)
    height, width = filters.shape[2:]
    constant = filters.amax((2, 3), keepdim=True) == filters.amin((2, 3), keepdim=True)
    deviation = (filters - filters.mean((2, 3), keepdim=True)).masked_fill(constant, 0)
    down = (deviation[:, :, 1:] * deviation[:, :, :-1]).sum((1, 2, 3))
    right = (deviation[..., 1:] * deviation[..., :-1]).sum((1, 2, 3))
    pairs = (height - 1) * width + height * (width - 1)
    squares = deviation.square().sum((1, 2, 3))
    covariance, variance = (down + right) / pairs, squares / (height * width)
    return torch.where(variance > 0, covariance / variance, 0)


def window_size(height: int, width: int) -> int:
    """Side of the window in `locality`, odd: 9, the paper's kernel, of 32 pixels, and so on."""
    return 2 * (min(height, width) // 8) + 1


def permute_filters(filters: Tensor, generator: torch.Generator) -> Tensor:
    """Null model: each filter's pixels in a random order, a pixel's channels together."""
    units, channels, height, width = filters.shape
    keys = torch.rand(units, height * width, generator=generator, dtype=torch.float64)
    order = keys.argsort(1)[:, None].expand(-1, channels, -1).to(filters.device)
    return filters.flatten(2).gather(2, order).view_as(filters)


def choose_filters(filters: Tensor, count: int) -> Tensor:
    """Indices of at most `count` filters, random among those with `MIN_NONZEROS` non-zeros.

    So the paper chooses what to show (Figure 4). A smaller draw is the beginning of a larger one:
    filters of a figure are among those measured.
    """
    generator = torch.Generator().manual_seed(SEED)
    eligible = _eligible(filters)
    return eligible[torch.randperm(len(eligible), generator=generator)[:count]]


def checked(filters: Tensor) -> Tensor:
    """Return filters in float64 on the CPU; ConfigError if they are not images, or not finite."""
    if filters.ndim != 4 or filters.shape[2] * filters.shape[3] < 2:
        shape = tuple(filters.shape)
        raise ConfigError(f"filters: expected (units, channels, height, width), got {shape}")
    filters = filters.detach().to("cpu", torch.float64)
    if not filters.isfinite().all():
        raise ConfigError("filters: some weights are not finite; measure a run that converged")
    return filters


def require_same_shape(one: Tensor, other: Tensor) -> None:
    """Raise ConfigError unless the images of both, (n, channels, height, width), fit each other."""
    if one.shape[1:] != other.shape[1:]:
        shapes = f"{tuple(one.shape[1:])} and {tuple(other.shape[1:])}"
        raise ConfigError(f"filters: of different shapes, {shapes}; give both the same")


def _measures(filters: Tensor, window: int) -> Tensor:
    whole = [spread(filters), window_mass(filters, window), morans_i(filters)]
    return torch.cat([torch.stack(whole), band_mass(filters, window)])


def _eligible(filters: Tensor) -> Tensor:
    """Indices of the filters with at least `MIN_NONZEROS` non-zeros, ascending."""
    counts = torch.count_nonzero(filters.detach().flatten(1), dim=1)
    return (counts >= MIN_NONZEROS).nonzero().flatten().cpu()


def _mass(filters: Tensor) -> Tensor:
    """Each pixel's share of its filter's squared weights: (units, height, width)."""
    mass = checked(filters).square().sum(1)
    return mass / mass.sum((1, 2), keepdim=True)


def _in_best_window(mass: Tensor, window: int) -> Tensor:
    """Whether each pixel is in it: bool, (units, height, width)."""
    shares = _shares(mass, window)
    best = shares.flatten(1).argmax(1)[:, None]
    first = best // shares.shape[2], best % shares.shape[2]
    offsets = [torch.arange(side) - one for side, one in zip(mass.shape[1:], first, strict=True)]
    rows, columns = ((offset >= 0) & (offset < window) for offset in offsets)
    return rows[:, :, None] & columns[:, None]


def _shares(mass: Tensor, window: int) -> Tensor:
    rows, columns = (_window_sums(side, window) for side in mass.shape[1:])
    return rows @ mass @ columns.T


def _window_sums(size: int, window: int) -> Tensor:
    """Matrix (size - window + 1, size) that sums every run of `window` neighbours."""
    if not 1 <= window <= size:
        raise ConfigError(f"window: {window} does not fit images with a side of {size} pixels")
    offset = torch.arange(size) - torch.arange(size - window + 1)[:, None]
    return ((offset >= 0) & (offset < window)).to(torch.float64)
