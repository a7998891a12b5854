"""What is recorded of a run: measures of its weights and filters, and some filters."""

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from lcs import measure
from lcs.config import Config
from lcs.shapes import default_kernel, flops

STORED_FILTERS = 24  # that a figure shows, of the first layer of s-fc and s-local


@torch.no_grad()
def layer_measures(
    weights: Mapping[str, Tensor], were_zero: Mapping[str, Tensor]
) -> dict[str, dict[str, Any]]:
    """Return nonzeros, revived (which `were_zero` before the epoch) and ℓ2 norm of each layer."""
    revived = {name: (weight != 0) & were_zero[name] for name, weight in weights.items()}
    return {
        "nonzeros": measure.nonzeros(weights),
        "revived": measure.nonzeros(revived),
        "norm": {name: float(weight.norm()) for name, weight in weights.items()},
    }


def would_revive(weights: Mapping[str, Tensor], optimizer: Optimizer, lr: float) -> dict[str, int]:
    """Count the zeros of each layer, new ones too, that would be revived were they not frozen.

    A step of rate `lr` along the last gradient carries them past βλ, λ each weight's own.
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


def final_measures(
    config: Config,
    weights: Mapping[str, Tensor],
    history: Mapping[str, Any],
    filters: Tensor,
    images: Tensor,
    **of_data: float,
) -> dict[str, Any]:
    """Return what is recorded last of each column, and the measures of the trained network.

    Filters (units, C, H, W) and images (n, C, H, W), of the same order of pixels, are on the CPU.
    """
    nonzeros = {name: column[-1] for name, column in history["nonzeros"].items()}
    measures: dict[str, Any] = {
        **{name: column[-1] for name, column in history.items() if type(column) is list},
        "nonzeros": nonzeros,
        "weights": {name: weight.numel() for name, weight in weights.items()},
        "fan_in": measure.units_by_fan_in(weights),
        "flops": flops(config.layer_sizes(), nonzeros),
        **of_data,
    }
    if config.model != "resnet18":  # its first filters are kernels, not images
        ratios = measure.pair_correlation(filters).tolist()
        measures["locality"] = measure.locality(filters)
        measures["pair_correlation"] = [None if math.isnan(ratio) else ratio for ratio in ratios]
        measures["equivariance"] = measure.equivariance(filters, images)
    if config.l1_growth_from:
        size = config.l1_window_size or default_kernel(config.model)
        centres = measure.centres(filters, min(size, filters.shape[-1]))
        measures["window_centres"] = centres.tolist()
    return measures


def filters_to_store(config: Config, filters: Tensor) -> Tensor | None:
    """Choose the filters that a figure may show: of a first seed's final run, else None."""
    if config.seed or config.validation or config.model not in ("s-fc", "s-local"):
        return None
    return filters[measure.choose_filters(filters, STORED_FILTERS)]
