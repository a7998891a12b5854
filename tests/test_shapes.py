"""Sizes computed from formulas are those of the networks that are built."""

import pytest
import torch
from helpers.weight_positions import positions
from torch.utils.flop_counter import FlopCounterMode

from lcs import data
from lcs.config import CHOICES, Config
from lcs.models import LocallyConnected2d, dense_weight, layer_weights
from lcs.shapes import Geometry, LayerSize, flops
from lcs.train.setup import build_model

VARIANTS = [
    {},
    {"base_channels": 3, "dataset": "digits"},
    {"base_channels": 2, "dataset": "cifar100", "kernel_size": 5, "padding": "none"},
]


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("model", CHOICES["model"])
def test_sizes_are_those_of_the_network(model, variant):
    if model.endswith("fc"):
        variant = {k: v for k, v in variant.items() if k not in ("kernel_size", "padding")}
    elif not model.startswith("s-"):
        variant = {k: v for k, v in variant.items() if k != "padding"}
    config = Config(model=model, **variant)
    size = data.spec(config.dataset).image_shape[0]
    with torch.device("meta"):
        network = build_model(config)
    sizes, places = config.layer_sizes(), positions(network, size)
    assert list(sizes) == list(layer_weights(network))
    for name, weight in layer_weights(network).items():
        units = len(weight) if weight.ndim == 2 else None
        assert sizes[name] == (weight.numel(), places[name], units), name


@pytest.mark.parametrize("kernel", [3, 5, 9])
def test_share_of_the_windows_is_that_of_the_weights_of_a_local_layer(kernel):
    layer = Geometry(3, 12, 2, kernel, stride=2, padding=kernel // 2)
    weight = torch.ones_like(LocallyConnected2d(layer).weight)
    assert layer.window_share == pytest.approx(float(dense_weight(weight, layer).mean()))


def test_flops_use_a_convolution_at_every_position_and_skip_zeros():
    sizes = {
        "conv": LayerSize(4 * 3 * 9 * 9, positions=16 * 16),
        "local": LayerSize(256 * 2 * 243),
        "linear": LayerSize(60, units=10),
    }
    assert flops(sizes, {"conv": 972, "local": 5, "linear": 54}) == {
        "dense": 2 * (4 * 243 * 256 + 256 * 2 * 243 + 60),
        "sparse": 2 * (4 * 243 * 256 + 5 + 54),
    }


@pytest.mark.parametrize("model", CHOICES["model"])
def test_flops_are_those_that_torch_counts(model):
    config = Config(model=model, dataset="digits", base_channels=2)
    sizes = config.layer_sizes()
    with torch.device("meta"):
        network = build_model(config).eval()
        with FlopCounterMode(display=False) as counter:
            network(torch.empty(1, 1, 8, 8))
    dense = flops(sizes, {name: size.weights for name, size in sizes.items()})["dense"]
    assert dense == counter.get_total_flops()
