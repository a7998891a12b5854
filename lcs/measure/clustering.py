"""How the weights of a filter gather: pairs of pixels by their distance, against chance.

Filters are first-layer weights seen as images, shape (units, channels, height, width).
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from lcs.measure.locality_measures import checked


def pair_correlation(filters: Tensor) -> Tensor:
    """How often two pixels of a filter lie 1, 2, … apart, over how often by chance: (side - 1,).

    The pixels of a filter are those where any channel is not zero; distances are rounded to whole
    pixels, so at 1 are the eight neighbours. Chance is pairs of pixels of two filters: what all
    share makes no correlation. Both frequencies are shares of all pairs; nan where chance, or the
    filters, have none. (The natural estimator of spatial statistics, DD / RR: Illian et al. 2008.)
    """
    pixels = (checked(filters) != 0).any(1).to(torch.float64)
    counts, everywhere = pixels.sum((1, 2)), pixels.sum(0, keepdim=True)
    pairs = (counts * (counts - 1)).sum()
    others = counts.sum().square() - everywhere.square().sum() - pairs  # at different pixels
    own = _by_distance(pixels)
    ratios = own / pairs / ((_by_distance(everywhere) - own) / others)
    return torch.where(ratios.isfinite(), ratios, torch.nan)


def clustering_range(ratios: Sequence[float]) -> float:
    """Up to which distance, in pixels, pairs are more frequent than by chance.

    There the ratios of `pair_correlation` first fall to 1, between pixels by straight lines: 0 if
    they begin there, nan if they never do or are unknown before.
    """
    return _falls_to(1.0, ratios)


def half_distance(ratios: Sequence[float]) -> float:
    """At which distance, as in `clustering_range`, the excess over chance is half the first one."""
    first = ratios[0] if ratios else math.nan
    return 0.0 if first <= 1 else _falls_to((1 + first) / 2, ratios)


def _falls_to(level: float, ratios: Sequence[float]) -> float:
    above = 0.0
    for distance, ratio in enumerate(ratios, 1):
        if math.isnan(ratio):
            return math.nan
        if ratio <= level:
            return distance - (level - ratio) / (above - ratio) if above else 0.0
        above = ratio
    return math.nan


def _by_distance(images: Tensor) -> Tensor:
    """Sum over images (n, H, W) of 0, 1, … of products of pixels 1, 2, … apart: (side - 1,)."""
    height, width = images.shape[1:]
    if not len(images):  # which an FFT refuses
        return torch.zeros(min(height, width) - 1, dtype=torch.float64)
    size = (2 * height, 2 * width)  # padded: the image does not wrap around
    parts = [torch.fft.rfft2(part, s=size).abs().square().sum(0) for part in images.split(1024)]
    products = torch.fft.irfft2(torch.stack(parts).sum(0), s=size).round()
    rows, columns = (torch.fft.fftfreq(n, 1 / n, dtype=torch.float64) for n in size)
    distance = torch.hypot(rows[:, None], columns).round().long()
    return torch.bincount(distance.flatten(), products.flatten())[1 : min(height, width)]
