"""Counts of weights, on small layers."""

import torch

from lcs import measure


def test_nonzeros_counts_exactly_and_keeps_names():
    first = torch.tensor([[0.0, -0.0, 1e-45], [2.0, 0.0, -3.0]])
    weights = {"conv1": first, "fc1": torch.zeros(4, 5, dtype=torch.bfloat16)}
    assert measure.nonzeros(weights) == {"conv1": 3, "fc1": 0}


def test_units_are_counted_by_the_digits_of_their_fan_in():
    weight = torch.zeros(6, 9)
    for unit, count in enumerate((0, 1, 2, 3, 4, 9)):
        weight[unit, :count] = -1.0
    kernel = torch.ones(2, 1, 3, 3)
    assert measure.units_by_fan_in({"fc1": weight, "conv": kernel}) == {"fc1": [1, 1, 2, 1, 1]}
