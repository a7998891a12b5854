"""Masks of the later layers of a deep network, of the shapes that its first layer has learned.

A reviewer of the paper asked for more than one layer of learned connections.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from lcs.measure.locality_measures import centres, window_size
from lcs.shapes import Geometry


def later_masks(
    weight: Tensor,
    geometries: Sequence[Geometry],
    draws: torch.Generator,
    *,
    scattered: bool = False,
) -> dict[str, Tensor]:
    """Return the mask (units, inputs), bool, of each convolution-like layer after the first.

    The footprint of a unit of the first layer is where it has weights, in any channel, relative to
    its own place: the pixel of `lcs.measure.centres`. A unit of a later layer has the footprint of
    one of these units, drawn at random, around the place that it would have in a LOCAL net, in
    steps of the grid of its inputs, and is connected with all inputs at these places. The inputs of
    the second layer lie where the units of the first have learned to look, later ones on a grid.

    Masks are on the CPU. A unit of the first layer without weights is connected with none.

    Args:
        weight: of the trained first layer (units, inputs), on any device.
        geometries: of the LOCAL net's layers, the first one included.
        draws: the generator of all that is random, on the CPU.
        scattered: whether the inputs of each layer are in a random order, the same for all of its
            units: a control with as many weights, and without neighbourhoods.
    """
    first, *later = geometries
    side = first.in_size
    filters = weight.detach().cpu().view(-1, first.in_channels, side, side)
    places = centres(filters, window_size(side, side))  # of the inputs of the next layer
    placed = (places >= 0).all(1)
    footprints = torch.zeros(int(placed.sum()), 2 * side - 1, 2 * side - 1, dtype=torch.bool)
    unit, row, column = filters[placed].any(1).nonzero().unbind(1)
    top, left = places[placed][unit].unbind(1)
    # no displacement is at index side - 1
    footprints[unit, row - top + side - 1, column - left + side - 1] = True
    masks = {}
    for number, layer in enumerate(later, start=2):
        line = torch.arange(layer.out_size)
        grid = torch.cartesian_prod(line, line).repeat(layer.out_channels, 1)
        rows, columns = (places.T[:, None] - layer.stride * grid.T[:, :, None]) + side - 1
        own = torch.randint(len(footprints), (layer.outputs, 1), generator=draws)
        order = torch.randperm(layer.inputs, generator=draws)  # always: the same draws for both
        mask = footprints[own, rows, columns] & placed
        masks[f"conv{number}"] = mask[:, order] if scattered else mask
        places, placed = grid, torch.ones(len(grid), dtype=torch.bool)
    return masks
