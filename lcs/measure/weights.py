"""Counts of weights: how many are not zero, by layer and by unit."""

from collections.abc import Mapping

import torch
from torch import Tensor


def nonzeros(weights: Mapping[str, Tensor]) -> dict[str, int]:
    """Exact number of weights that are not zero, for each named layer."""
    return {name: int(torch.count_nonzero(weight)) for name, weight in weights.items()}


def units_by_fan_in(weights: Mapping[str, Tensor]) -> dict[str, list[int]]:
    """How many units of each fully connected layer have how many non-zero incoming weights.

    The first number counts units without any, dead for good in these networks; the k-th after it
    those with 2ᵏ⁻¹ to 2ᵏ − 1. Weights that are not matrices (units, inputs) are left out.
    """
    counts = {name: torch.count_nonzero(w, 1) for name, w in weights.items() if w.ndim == 2}
    digits = {name: torch.frexp(count.double()).exponent for name, count in counts.items()}
    return {name: torch.bincount(binary).tolist() for name, binary in digits.items()}
