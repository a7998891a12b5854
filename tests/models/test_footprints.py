"""Masks of later layers: what a unit is connected with, given where the first layer looks."""

import pytest
import torch

from lcs.config import Config
from lcs.errors import ConfigError
from lcs.models import build
from lcs.models.footprints import later_masks
from lcs.models.transfer import apply_source
from lcs.seeds import generator_for

SIDE, CHANNELS, ALPHA = 16, 3, 2
SIZES = {"num_classes": 10, "image_size": SIDE, "in_channels": CHANNELS, "base_channels": ALPHA}
with torch.device("meta"):
    GEOMETRIES = build("d-fc", **SIZES).geometries
START = Config(model="d-fc", start="footprints", source="cifar10/d-fc-a2-beta-lasso-0123456789")


def draws(seed=0):
    return torch.Generator().manual_seed(seed)


def first_layer(offsets, centres):
    """Return weights whose units look at these offsets from their centres, in one channel each."""
    weight = torch.zeros(len(centres), CHANNELS, SIDE, SIDE)
    for unit, (row, column) in enumerate(centres):
        for y, x in offsets:
            if 0 <= row + y < SIDE and 0 <= column + x < SIDE:
                weight[unit, unit % CHANNELS, row + y, column + x] = 1.0 + unit
    return weight.flatten(1)


CROSS = [(0, 0), (1, 0), (-1, 0), (0, 1), (0, -1)]
INSIDE = torch.randint(1, SIDE - 1, (ALPHA * SIDE**2, 2), generator=draws(1))


def test_a_unit_sees_the_units_around_its_place_whose_centres_the_footprint_covers():
    masks = later_masks(first_layer(CROSS, INSIDE.tolist()), GEOMETRIES, draws())
    assert list(masks) == [f"conv{number}" for number in range(2, 9)]
    _, second, third, *_ = GEOMETRIES
    for unit, row in enumerate(masks["conv2"]):
        place = torch.tensor(divmod(unit % second.out_size**2, second.out_size)) * second.stride
        near = (INSIDE - place).abs().sum(1) <= 1  # the cross
        assert torch.equal(row, near)
    # inputs of the third layer lie on a grid, whose steps are those of the footprint
    wide = masks["conv3"].view(-1, third.out_size, third.out_size, third.in_channels, 8, 8)
    assert wide[0, 4, 4].sum() == 5 * third.in_channels
    seen = wide[1, 4, 4].any(0).nonzero() - 4
    assert sorted(map(tuple, seen.tolist())) == sorted(CROSS)


def test_each_unit_has_the_footprint_of_a_unit_that_was_drawn():
    line, dot = [(0, x) for x in range(-2, 3)], [(0, 0)]
    shapes = first_layer(line, INSIDE.tolist())
    shapes[::2] = first_layer(dot, INSIDE.tolist())[::2]
    shapes[:100] = 0  # without weights
    third = GEOMETRIES[2]
    masks = later_masks(shapes, GEOMETRIES, draws())
    assert not masks["conv2"][:, :100].any(), "such units are connected with none"
    counts = masks["conv3"].view(-1, 8, 8, third.in_channels, 8, 8)[:, 4, 4, 0].sum((1, 2))
    assert {*counts.tolist()} <= {1, 3, 4, 5}, "and lend no footprint; lines are cut by the edge"
    assert not torch.equal(later_masks(shapes, GEOMETRIES, draws(5))["conv3"], masks["conv3"])


def test_scattered_inputs_keep_the_number_of_weights_of_every_unit():
    weight = first_layer(CROSS, INSIDE.tolist())
    local, apart = (later_masks(weight, GEOMETRIES, draws(), scattered=s) for s in (False, True))
    assert all(torch.equal(apart[name].sum(1), mask.sum(1)) for name, mask in local.items())
    assert not torch.equal(apart["conv2"], local["conv2"])
    order = [sorted(map(tuple, one["conv2"].T.tolist())) for one in (local, apart)]
    assert order[0] == order[1], "the same inputs in another order"


def test_a_network_takes_the_first_mask_and_those_of_the_later_layers():
    torch.manual_seed(0)
    source, model = (build("d-fc", **SIZES) for _ in range(2))
    source.conv1.weight.data *= torch.rand_like(source.conv1.weight) < 0.1
    masks = apply_source(START, model, source)
    later = later_masks(source.conv1.weight, source.geometries, generator_for(0, "footprints"))
    assert list(masks) == ["conv1", *later]
    assert torch.equal(masks["conv1"], source.conv1.weight != 0)
    assert all(torch.equal(masks[name], mask) for name, mask in later.items())
    assert all(m.shape == model.get_submodule(n).weight.shape for n, m in masks.items())
    for changes in ({"seed": 1}, {"start": "scattered-footprints"}):
        other = apply_source(START.replace(**changes), model, source)
        assert torch.equal(other["conv1"], masks["conv1"])
        assert not torch.equal(other["conv3"], masks["conv3"])


def test_a_source_with_other_layers_has_no_later_masks():
    """S-FC of four times the width has a first layer of the same shape."""
    source = build("s-fc", **(SIZES | {"base_channels": 4 * ALPHA}))
    model = build("d-fc", **SIZES)
    with pytest.raises(ConfigError, match=r"conv[0-9].weight has the shape"):
        apply_source(START, model, source)
    assert list(apply_source(START.replace(start="first-mask"), model, source)) == ["conv1"]
    for model, start in (("s-fc", "footprints"), ("d-fc", "mask")):
        with pytest.raises(ConfigError, match=f"start: '{start}' is for"):
            START.replace(model=model, start=start)
