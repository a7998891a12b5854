"""Sizes computed from formulas are those of the networks that are built."""

import pytest
import torch

from lcs import data
from lcs.config import CHOICES, Config
from lcs.models import layers
from lcs.run import build_model

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
        built = layers(build_model(config), size)
    sizes = config.layer_sizes()
    assert list(sizes) == list(built)
    for name, layer in built.items():
        matrix = layer.weight.ndim == 2
        expected = (layer.weight.numel(), layer.positions, len(layer.weight) if matrix else None)
        assert sizes[name] == expected, name
