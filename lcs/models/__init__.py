"""The paper's networks, and networks that start from another, trained network.

`networks` has the S- and D- nets and 3-FC, and goes from CONV to LOCAL to FC; `layers` does so for
one layer. `resnet` is ResNet18 of any width. `transfer` has what a network takes of another,
`footprints` masks of a deep network's later layers. Sizes of layers are in `lcs.shapes`.
"""

from lcs.models.layers import Convolution, LocallyConnected2d, dense_weight
from lcs.models.networks import Net, build, embed, first_layer_filters, layer_weights
from lcs.shapes import MODELS

__all__ = [
    "MODELS",
    "Convolution",
    "LocallyConnected2d",
    "Net",
    "build",
    "dense_weight",
    "embed",
    "first_layer_filters",
    "layer_weights",
]
