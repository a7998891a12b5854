"""What is recorded of a run: measures of its weights and of its filters, and some filters."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from lcs import measure
from lcs.config import Config
from lcs.measure.shift_equivariance import equivariance
from lcs.shapes import default_kernel

# networks whose first-layer filters a figure shows, and how many of them
MODELS_WITH_STORED_FILTERS = ("s-fc", "s-local")
STORED_FILTERS = 24


@torch.no_grad()
def layer_measures(
    weights: Mapping[str, Tensor], were_zero: Mapping[str, Tensor]
) -> dict[str, dict[str, Any]]:
    """Return the measures of each layer's weights after an epoch, by measure and layer.

    They are nonzeros; revived: how many weights that `were_zero` (bool, shaped as the weights)
    before the epoch are not any more; norm: ℓ2.
    """
    revived = {name: (weight != 0) & were_zero[name] for name, weight in weights.items()}
    return {
        "nonzeros": measure.nonzeros(weights),
        "revived": measure.nonzeros(revived),
        "norm": {name: float(weight.norm()) for name, weight in weights.items()},
    }


def would_revive(weights: Mapping[str, Tensor], optimizer: Optimizer, lr: float) -> dict[str, int]:
    """Count the zeros of each layer that the last step would have revived, were they not frozen.

    They are the weights at zero, new ones too, that a step along the last gradient carries past
    the threshold βλ, in which λ is each weight's own where it grows; `lr` is η of that step.
    """
    thresholds = {
        id(p): g["beta"] * g["l1"] * g.get("relative_l1", 1.0)
        for g in optimizer.param_groups
        for p in g["params"]
    }
    counts = {}
    for name, weight in weights.items():
        assert weight.grad is not None
        past = lr * weight.grad.abs() >= thresholds[id(weight)]
        counts[name] = int(torch.count_nonzero((weight == 0) & past))
    return counts


def filter_measures(filters: Tensor, images: Tensor) -> dict[str, Any]:
    """Return the measures of first-layer filters by name, JSON-ready.

    Args:
        filters: (units, channels, height, width), in the pixels' own order, on the CPU.
        images: that shifts are tried on, (n, channels, height, width).
    """
    ratios = measure.pair_correlation(filters).tolist()
    return {
        "locality": measure.locality(filters),
        "pair_correlation": [None if math.isnan(ratio) else ratio for ratio in ratios],
        "equivariance": equivariance(filters, images),
    }


def window_centres(config: Config, filters: Tensor) -> list[list[int]]:
    """Return row and column of the centre of each filter's window; -1 for one without weights."""
    size = config.l1_window_size or default_kernel(config.model)
    return measure.centres(filters, min(size, filters.shape[-1])).tolist()


def filters_to_store(config: Config, filters: Tensor) -> Tensor | None:
    """Choose the filters that a figure may show: of a first seed's final run, else None.

    Which of them the book keeps is decided when a record is imported.
    """
    if config.seed or config.validation or config.model not in MODELS_WITH_STORED_FILTERS:
        return None
    return filters[measure.choose_filters(filters, STORED_FILTERS)]
