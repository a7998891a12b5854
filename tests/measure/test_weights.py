"""Counts of weights, on small layers."""

import json

import torch
from torch import nn

from lcs import measure


def test_nonzeros_counts_exactly_and_keeps_names() -> None:
    weights = {
        "conv1": torch.tensor([[0.0, -0.0, 1e-45], [2.0, 0.0, -3.0]]),
        "fc1": torch.zeros(4, 5, dtype=torch.bfloat16),
        "fc2": nn.Parameter(torch.ones(2, 3)),
    }
    counts = measure.nonzeros(weights)
    assert counts == {"conv1": 3, "fc1": 0, "fc2": 6}
    assert json.loads(json.dumps(counts)) == counts


def test_units_are_counted_by_the_digits_of_their_fan_in():
    weight = torch.zeros(6, 9)
    for unit, count in enumerate((0, 1, 2, 3, 4, 9)):
        weight[unit, :count] = -1.0
    kernel = torch.ones(2, 1, 3, 3)
    assert measure.units_by_fan_in({"fc1": weight, "conv": kernel}) == {"fc1": [1, 1, 2, 1, 1]}
