"""The paper's networks, and networks that start from another, trained network.

`networks` has the S- and D- nets and 3-FC, `resnet` ResNet18 of any width. `embedding` goes from
CONV to LOCAL to FC, `layout` does so for one layer. `transfer` has what a network takes of another,
`footprints` masks of a deep network's later layers. Sizes of layers are in `lcs.shapes`.
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
