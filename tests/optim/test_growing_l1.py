"""The λ that grows outside windows: where they lie, and by how much it grows."""

import torch

from lcs import models
from lcs.optim import BetaLasso
from lcs.optim.growing_l1 import around_mass, relative_l1


def test_relative_l1_grows_outside_the_patches() -> None:
    """It is 1 where an embedded LOCAL layer has weights, and grows by rows or columns beyond."""
    local = models.build("s-local", num_classes=10, image_size=32, in_channels=3, base_channels=2)
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
    assert first[2, 9, 0] == 1.5
    assert second[1, 16:25, 23:32].eq(1).all()
    assert second[0, 15, 22] == 1.5


def test_a_window_of_another_size_keeps_its_centre() -> None:
    (geometry,) = models.build(
        "s-fc", num_classes=10, image_size=32, in_channels=3, base_channels=1
    ).geometries
    (unit,) = relative_l1(geometry, 1.0, size=1)[[3 * 16 + 5]].view(1, 3, 32, 32)
    assert (unit[0] == 1).nonzero().tolist() == [[6, 10]]
    assert unit[2, 6 + 4, 10 - 4] == unit[1, 6, 10 + 4] == 5
    # mass in the corner of 3 x 3 pixels, and as much again far from it
    weight = torch.zeros(256, 3, 32, 32)
    weight[0, :, 0:3, 0:3] = 1.0
    weight[0, 0, 20] = 0.9
    wide, narrow = (
        around_mass(weight.flatten(1), geometry, 1.0, size)[0].view(3, 32, 32)[0] for size in (9, 3)
    )
    assert narrow[:3, :3].eq(1).all()
    assert narrow[3, 0] == 2
    assert wide[1 + 4, 1 + 4] == 1
    assert wide[1 + 5, 1] == 2


def test_a_unit_without_weights_has_the_window_of_the_local_layer() -> None:
    (geometry,) = models.build(
        "s-fc", num_classes=10, image_size=8, in_channels=1, base_channels=2
    ).geometries
    weight = torch.zeros(geometry.outputs, geometry.inputs)
    weight[1, 63] = 1.0
    found, grid = around_mass(weight, geometry, 0.5, 3), relative_l1(geometry, 0.5, 3)
    assert found[1].view(8, 8)[6:, 6:].eq(1).all()
    assert not torch.equal(found[1], grid[1])
    assert torch.equal(found[2:], grid[2:])


def test_a_weight_at_its_own_threshold_stays() -> None:
    """Algorithm 1 keeps |θ| ≥ βλ: here βλ is 1/2, 1 and 1/4, and the step ends where it began."""
    relative = torch.tensor([[1.0], [2.0], [0.5]]).repeat(1, 4)
    below = 1 - 2.0**-20
    before = 0.5 * relative * torch.tensor([1.0, -1.0, below, -below])
    param = torch.nn.Parameter(before.clone())
    param.grad = -0.25 * relative * before.sign()
    group = {"params": [param], "relative_l1": relative}
    BetaLasso([group], lr=0.5, l1=0.25, beta=2.0).step()
    assert torch.equal(param.detach(), before * torch.tensor([1.0, 1.0, 0.0, 0.0]))
