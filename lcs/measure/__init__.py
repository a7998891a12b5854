"""What is measured of weights, and of the responses to images.

`weights` counts non-zeros. `locality_measures` has `locality` and its parts: the measures, and the
null model, `permute_filters`. `clustering` has `pair_correlation`: how the weights of a filter
gather. `weight_sharing` has `sharing`: whether filters are shifted copies of each other;
`shift_equivariance` has `equivariance`: whether their responses move with the image.
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
