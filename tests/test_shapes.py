"""Sizes computed from formulas are those of the networks that are built."""

import pytest
import torch
from helpers.weight_positions import positions
from torch.utils.flop_counter import FlopCounterMode

from lcs.config import CHOICES, Config
from lcs.models import LocallyConnected2d, dense_weight, layer_weights
from lcs.shapes import Geometry, LayerSize, flops
from lcs.train.setup import build_model

KERNEL = {"base_channels": 2, "dataset": "cifar100", "kernel_size": 5}


@pytest.mark.parametrize(
    "values",
    [
        *({"model": model} for model in CHOICES["model"]),
        *({"model": m, "base_channels": 3, "dataset": "digits"} for m in CHOICES["model"]),
        *({"model": m, **KERNEL} for m in CHOICES["model"] if not m.endswith("fc")),
        *({"model": m, **KERNEL, "padding": "none"} for m in ("s-conv", "s-local")),
    ],
)
def test_sizes_are_those_of_the_network_and_flops_those_that_torch_counts(values):
    config = Config(**values)
    size = config.network_size
    images = torch.empty(1, size.in_channels, size.image_size, size.image_size, device="meta")
    with torch.device("meta"):
        network = build_model(config).eval()
        with FlopCounterMode(display=False) as counter:
            network(images)
    sizes, places = config.layer_sizes(), positions(network, size.image_size)
    assert list(sizes) == list(layer_weights(network))
    for name, weight in layer_weights(network).items():
        units = len(weight) if weight.ndim == 2 else None
        assert sizes[name] == (weight.numel(), places[name], units), name
    dense = flops(sizes, {name: layer.weights for name, layer in sizes.items()})["dense"]
    assert dense == counter.get_total_flops()


@pytest.mark.parametrize("kernel", [3, 5, 9])
def test_share_of_the_windows_is_that_of_the_weights_of_a_local_layer(kernel):
    layer = Geometry(3, 12, 2, kernel, stride=2, padding=kernel // 2)
    weight = torch.ones_like(LocallyConnected2d(layer).weight)
    assert layer.window_share == pytest.approx(float(dense_weight(weight, layer).mean()))


def test_sparse_flops_skip_zeros_at_every_position():
    sizes = {"conv": LayerSize(972, positions=256), "linear": LayerSize(60, units=10)}
    assert flops(sizes, {"conv": 900, "linear": 54})["sparse"] == 2 * (900 * 256 + 54)
