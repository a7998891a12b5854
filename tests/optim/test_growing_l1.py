"""The λ that grows outside windows: where they lie, and by how much it grows."""

import torch

from lcs import models
from lcs.optim.growing_l1 import around_mass, relative_l1


def test_relative_l1_grows_outside_the_patches():
    """It is 1 where an embedded LOCAL layer has weights, and grows by rows or columns beyond."""
    local = models.build("s-local", base_channels=2)
    (geometry,) = local.geometries
    inside = models.dense_weight(torch.ones_like(local.conv1.weight), geometry) != 0
    relative = relative_l1(geometry, 0.5)
    assert relative.shape == inside.shape
    assert torch.equal(relative == 1, inside)
    # the unit of the second channel in row 3, column 5, has its centre at pixel (6, 10)
    unit = relative[256 + 3 * 16 + 5].view(3, 32, 32)
    assert unit[2, 6 + 4, 10 - 4] == 1
    assert unit[1, 6 + 5, 10] == unit[0, 6, 10 - 5] == 1.5
    assert unit[0, 6 + 7, 10 + 5] == 1 + 0.5 * 3
    assert (relative_l1(geometry, 0.0) == 1).all()
    # with other centres windows move alone, each with its unit
    centres = torch.tensor([[4, 4], [20, 27]]).repeat(256, 1)
    first, second = relative_l1(geometry, 0.5, centres=centres)[:2].view(2, 3, 32, 32)
    assert torch.equal(first[0, :9, :9], torch.ones(9, 9))
    assert first[2, 9, 0] == second[0, 15, 22] == 1.5
    assert second[1, 16:25, 23:32].eq(1).all()
    # a window of another size keeps its centre
    unit = relative_l1(geometry, 1.0, size=1)[3 * 16 + 5].view(3, 32, 32)
    assert (unit[0] == 1).nonzero().tolist() == [[6, 10]]
    assert unit[2, 6 + 4, 10 - 4] == unit[1, 6, 10 + 4] == 5


def test_windows_are_around_most_of_the_mass_or_those_of_the_local_layer():
    """Mass in the corner of 3 x 3 pixels, and as much again far from it; others have none."""
    (geometry,) = models.build("s-local", base_channels=1).geometries
    weight = torch.zeros(256, 3, 32, 32)
    weight[0, :, 0:3, 0:3] = 1.0
    weight[0, 0, 20] = 0.9
    wide, narrow = (around_mass(weight.flatten(1), geometry, 1.0, size) for size in (9, 3))
    near, far = narrow[0].view(3, 32, 32)[0], wide[0].view(3, 32, 32)[0]
    assert near[:3, :3].eq(1).all()
    assert (near[3, 0], far[1 + 4, 1 + 4], far[1 + 5, 1]) == (2, 1, 2)
    assert torch.equal(wide[1:], relative_l1(geometry, 1.0)[1:])
