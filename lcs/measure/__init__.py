"""What is measured of weights.

`weights` has non-zeros and the locality of filters, `sharing` whether filters are shifted copies of
each other, `equivariance` whether their responses move with the image.
"""

from lcs.measure.weights import (
    MIN_NONZEROS,
    SEED,
    band_mass,
    checked,
    choose_filters,
    clustering_range,
    half_distance,
    locality,
    morans_i,
    nonzeros,
    pair_correlation,
    permute_pixels,
    prune,
    spread,
    units_by_fan_in,
    window_mass,
    window_shares,
    window_size,
)

__all__ = [
    "MIN_NONZEROS",
    "SEED",
    "band_mass",
    "checked",
    "choose_filters",
    "clustering_range",
    "half_distance",
    "locality",
    "morans_i",
    "nonzeros",
    "pair_correlation",
    "permute_pixels",
    "prune",
    "spread",
    "units_by_fan_in",
    "window_mass",
    "window_shares",
    "window_size",
]
