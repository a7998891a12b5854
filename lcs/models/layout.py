"""Layers laid out one step up: a convolution as a LOCAL layer, that as a fully connected one.

The weights of a CONV layer are copied to every position, which makes a LOCAL layer; those of a
LOCAL layer are the non-zeros of a matrix, that of an FC layer (Neyshabur 2020, Fig. 1).
"""

from __future__ import annotations

import functools

import numpy as np
import torch
from torch import Tensor

from lcs.shapes import Geometry


def embed_tensor(tensor: Tensor, geometry: Geometry, kind: str) -> Tensor:
    """Return a layer's weight or bias as that of a "local" or an "fc" layer, one step up."""
    if kind == "local":
        flat = tensor.flatten(1) if tensor.ndim > 1 else tensor
        return flat.expand(geometry.out_size**2, *flat.shape).clone()
    if tensor.ndim == 2:  # bias (positions, out_channels) to one per unit
        return tensor.t().reshape(-1)
    return dense_weight(tensor, geometry)


def dense_weight(weight: Tensor, geometry: Geometry) -> Tensor:
    """Lay the weights of a LOCAL layer out as a matrix (C'·H'·W', C·H·W); differentiable."""
    g = geometry
    inside, place = (torch.from_numpy(each).to(weight.device) for each in _places(geometry))
    dense = weight.new_zeros(g.outputs * g.inputs)
    return dense.scatter(0, place, weight.flatten()[inside]).view(g.outputs, g.inputs)


@functools.lru_cache(maxsize=16)  # of a wide network they take 100 MB
def _places(g: Geometry) -> tuple[np.ndarray, np.ndarray]:
    """Return which weights of a LOCAL layer see the image, and their places in the dense matrix.

    Both are index vectors into flattened tensors; weights that see only padding are left out. They
    are arrays, as tensors would be kept in the mode, or as the fakes, of the call that made them.
    """
    sizes = (g.out_size, g.out_size, g.out_channels, g.in_channels, g.kernel_size, g.kernel_size)
    row, column, channel, c, i, j = np.indices(sizes, sparse=True)
    y = row * g.stride + i - g.padding
    x = column * g.stride + j - g.padding
    unit = (channel * g.out_size + row) * g.out_size + column
    pixel = (c * g.in_size + y) * g.in_size + x
    inside = (y >= 0) & (y < g.in_size) & (x >= 0) & (x < g.in_size)
    inside = np.broadcast_to(inside, sizes).ravel()
    place = unit * g.in_channels * g.in_size**2 + pixel
    place = np.broadcast_to(place, sizes)
    return inside.nonzero()[0], place.ravel()[inside]
