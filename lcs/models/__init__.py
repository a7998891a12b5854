"""The paper's networks, and networks that start from another, trained network.

`networks` has the S- and D- nets and 3-FC. `embedding` makes a convolutional network a locally
connected one and that a fully connected one; `layout` does so to the weights of a layer.
`resnet` is the ResNet18 of any width, `transfer` what a network takes over from another, and
`footprints` makes masks of a deep network's later layers from its first.
`lcs.shapes` knows the sizes of layers without building them.
"""

from lcs.models.embedding import embed
from lcs.models.layout import dense_weight
from lcs.models.networks import (
    Convolution,
    LocallyConnected2d,
    Net,
    build,
    first_layer_filters,
    layer_weights,
)
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
