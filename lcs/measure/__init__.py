"""What is measured of weights: how many, how local, how clustered, how much is shared.

Of the responses to images, `shift_equivariance` tells whether they move with the image.
"""

from lcs.measure.clustering import clustering_range, half_distance, pair_correlation
from lcs.measure.locality_measures import (
    SEED,
    band_mass,
    centres,
    choose_filters,
    inverse_participation_ratio,
    local_parts,
    locality,
    morans_i,
    permute_filters,
    spread,
    window_mass,
    window_size,
)
from lcs.measure.shift_equivariance import equivariance
from lcs.measure.weight_sharing import sharing
from lcs.measure.weights import nonzeros, units_by_fan_in

__all__ = [
    "SEED", "band_mass", "centres", "choose_filters", "clustering_range", "equivariance",
    "half_distance", "inverse_participation_ratio", "local_parts", "locality", "morans_i",
    "nonzeros", "pair_correlation", "permute_filters", "sharing", "spread", "units_by_fan_in",
    "window_mass", "window_size",
]  # fmt: skip
