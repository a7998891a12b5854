"""The paper's networks, and what a network takes of another, trained one (`transfer`).

`networks` and `layers` go from CONV to LOCAL to FC. Sizes of layers are in `lcs.shapes`.
"""

from lcs.models.embedding import embed
from lcs.models.layers import Convolution, LocallyConnected2d, dense_weight
from lcs.models.networks import Net, build, first_layer_filters, layer_weights
from lcs.shapes import MODELS

__all__ = [
    "MODELS", "Convolution", "LocallyConnected2d", "Net", "build", "dense_weight", "embed",
    "first_layer_filters", "layer_weights",
]  # fmt: skip
