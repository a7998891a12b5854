"""Layers laid out one step up: a convolution as a LOCAL layer, that as a fully connected one.

The weights of a CONV layer are copied to every position, which makes a LOCAL layer; those of a
LOCAL layer are the non-zeros of a matrix, that of an FC layer (Neyshabur 2020, Fig. 1).
"""

from __future__ import annotations

import functools

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
    inside, place = (t.to(weight.device) for t in _places(geometry))
    dense = weight.new_zeros(g.outputs * g.inputs)
    return dense.scatter(0, place, weight.flatten()[inside]).view(g.outputs, g.inputs)


@functools.cache
@torch.inference_mode(False)  # what is kept serves training too, wherever it was first needed
def _places(g: Geometry) -> tuple[Tensor, Tensor]:
    """Return which weights of a LOCAL layer see the image, and their places in the dense matrix.

    Both are index vectors into flattened tensors; weights that see only padding are left out.
    """
    sizes = (g.out_size, g.out_size, g.out_channels, g.in_channels, g.kernel_size, g.kernel_size)
    axes = (torch.arange(size, device="cpu") for size in sizes)
    row, column, channel, c, i, j = torch.meshgrid(*axes, indexing="ij")
    y = row * g.stride + i - g.padding
    x = column * g.stride + j - g.padding
    unit = (channel * g.out_size + row) * g.out_size + column
    pixel = (c * g.in_size + y) * g.in_size + x
    inside = ((y >= 0) & (y < g.in_size) & (x >= 0) & (x < g.in_size)).flatten()
    place = unit * g.in_channels * g.in_size**2 + pixel
    return inside.nonzero()[:, 0], place.flatten()[inside]
