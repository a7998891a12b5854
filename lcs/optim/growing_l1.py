"""A λ that grows outside a window of pixels, one for each unit: `relative_l1` of `BetaLasso`.

It penalises filters that are not banded: a proposal of the forum, not of the paper.
"""

import torch
from torch import Tensor

from lcs.measure import locality_measures
from lcs.shapes import Geometry


def relative_l1(
    geometry: Geometry, growth: float, size: int | None = None, centres: Tensor | None = None
) -> Tensor:
    """Return λ of each weight of a fully connected layer, relative to that within its window.

    It is 1 within a window around a unit's centre, and larger by `growth` with each row or column
    outside, whichever are more: float32, (C'·H'·W', C·H·W), on the device of the centres. These are
    row and column, (C'·H'·W', 2), and `size` the odd side of the window; None: as in the LOCAL
    layer of this geometry.
    """
    g = geometry
    centres = grid_centres(g) if centres is None else centres
    pixels = torch.arange(g.in_size, device=centres.device)
    rows, columns = ((pixels - centre[:, None]).abs() for centre in centres.unbind(1))
    beyond = torch.maximum(rows[:, :, None], columns[:, None]) - (size or g.kernel_size) // 2
    relative = 1 + growth * beyond.clamp(min=0).float()  # (units, H, W)
    return relative.flatten(1).repeat(1, g.in_channels)


def grid_centres(g: Geometry) -> Tensor:
    """Return row and column of the centre of each unit of a LOCAL layer: (C'·H'·W', 2), int64."""
    line = torch.arange(g.out_size) * g.stride - g.padding + (g.kernel_size - 1) // 2
    return torch.cartesian_prod(line, line).repeat(g.out_channels, 1)


def growth_at(done: float, growth: float, begins: float) -> float:
    """Return the growth when a share of training is done: linear from `begins` to twice that."""
    return growth * min(max(done / begins - 1, 0.0), 1.0) if begins else growth


def around_mass(
    weight: Tensor, geometry: Geometry, growth: float, size: int | None = None
) -> Tensor:
    """Return `relative_l1` with each unit's window around where most of its squared weights are.

    A unit without weights has that of a LOCAL layer: windows depend on the weights alone.
    """
    side = geometry.in_size
    filters = weight.detach().view(-1, geometry.in_channels, side, side)
    middles = locality_measures.centres(filters, min(size or geometry.kernel_size, side))
    own = torch.where(middles >= 0, middles, grid_centres(geometry))
    return relative_l1(geometry, growth, size, own).to(weight.device)
