"""Layers of CONV and LOCAL nets, and how each is laid out one step up (Neyshabur 2020, Fig. 1)."""

import functools
import math
from collections.abc import Iterator

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lcs.shapes import Geometry

# elements of the dense matrix up to which a layer with few channels is computed by it
DENSE_UP_TO = 1 << 22


class LocallyConnected2d(nn.Module):
    """A convolution, of this geometry, whose weights are not shared between positions.

    Weight: (positions, out_channels, in_channels * kernel_size**2), positions row by row; bias:
    (positions, out_channels). Initial values as in `nn.Conv2d`.
    """

    def __init__(self, geometry: Geometry, *, bias: bool = False) -> None:
        super().__init__()
        self.geometry = geometry
        fan_in = geometry.in_channels * geometry.kernel_size**2
        positions = geometry.out_size**2
        self.weight = nn.Parameter(torch.empty(positions, geometry.out_channels, fan_in))
        self.bias = nn.Parameter(torch.empty(positions, geometry.out_channels)) if bias else None
        bound = 1 / math.sqrt(fan_in)
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -bound, bound)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, in_channels, H, W) to (N, out_channels, H', W')."""
        g = self.geometry
        if _exported():  # with any number of images
            seen = F.unfold(x, g.kernel_size, stride=g.stride, padding=g.padding)
            y = torch.einsum("pof,nfp->nop", self.weight.to(x.dtype), seen).contiguous()
            y = y.unflatten(2, (g.out_size, g.out_size))
        elif _dense_is_faster(x, g):
            y = _as_dense(x, self.weight, g)
        else:
            # on a CPU a row of positions at a time, whose patches stay in its cache
            parts = g.out_size if x.device.type == "cpu" else 1
            weights, patches = self.weight.to(x.dtype).chunk(parts), self.patches(x, parts)
            y = torch.cat([*map(torch.bmm, weights, patches)])  # (positions, out_channels, N)
            y = y.permute(2, 1, 0).reshape(-1, g.out_channels, g.out_size, g.out_size)
        if self.bias is None:
            return y
        return y + self.bias.to(y.dtype).t().reshape(1, g.out_channels, g.out_size, g.out_size)

    def patches(self, x: Tensor, parts: int = 1) -> Iterator[Tensor]:
        """Unfold images (N, in_channels, H, W) to (positions, fan_in, N), in parts of rows."""
        g = self.geometry
        x = F.pad(x, (g.padding,) * 4).permute(1, 2, 3, 0).contiguous()  # (C, H, W, N)
        x = x.unfold(1, g.kernel_size, g.stride).unfold(2, g.kernel_size, g.stride)
        x = x.permute(1, 2, 0, 4, 5, 3)  # (H', W', C, k, k, N)
        for rows in x.chunk(parts):
            yield rows.reshape(-1, self.weight.shape[2], x.shape[-1])


class Convolution(nn.Conv2d):
    """`nn.Conv2d`, unless exported computed as the dense product of its embedding if faster."""

    def __init__(self, geometry: Geometry, *, bias: bool = False) -> None:
        channels, self.geometry = (geometry.in_channels, geometry.out_channels), geometry
        kernel = geometry.kernel_size, geometry.stride, geometry.padding
        super().__init__(*channels, *kernel, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, in_channels, H, W) to (N, out_channels, H', W')."""
        if _exported() or not _dense_is_faster(x, self.geometry):
            return super().forward(x)
        unshared = self.weight.flatten(1).expand(self.geometry.out_size**2, -1, -1)
        y = _as_dense(x, unshared, self.geometry)
        return y if self.bias is None else y + self.bias.to(y.dtype)[:, None, None]


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

    Both index flattened tensors. They are arrays, as kept tensors would be of the mode, or fakes,
    of the call that made them.
    """
    sizes = (g.out_size, g.out_size, g.out_channels, g.in_channels, g.kernel_size, g.kernel_size)
    row, column, channel, c, i, j = np.indices(sizes, sparse=True)
    y = row * g.stride + i - g.padding
    x = column * g.stride + j - g.padding
    unit = (channel * g.out_size + row) * g.out_size + column
    pixel = (c * g.in_size + y) * g.in_size + x
    inside = (y >= 0) & (y < g.in_size) & (x >= 0) & (x < g.in_size)
    inside = np.broadcast_to(inside, sizes).ravel()
    place = np.broadcast_to(unit * g.inputs + pixel, sizes)
    return inside.nonzero()[0], place.ravel()[inside]


def _as_dense(x: Tensor, weight: Tensor, geometry: Geometry) -> Tensor:
    y = F.linear(x.flatten(1), dense_weight(weight, geometry))
    return y.view(-1, geometry.out_channels, geometry.out_size, geometry.out_size)


def _exported() -> bool:
    return torch.compiler.is_exporting() or torch.jit.is_tracing()


def _dense_is_faster(x: Tensor, geometry: Geometry) -> bool:
    """Whether too few filters use a patch to pay for copying it: for few channels, on a CPU."""
    return x.device.type == "cpu" and geometry.inputs * geometry.outputs <= DENSE_UP_TO
