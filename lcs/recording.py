"""What is recorded of a run: measures of chosen epochs, and of the trained network."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from lcs import measure
from lcs.config import Config
from lcs.models import Layer

# networks whose first-layer filters a figure shows, and how many of them
MODELS_WITH_STORED_FILTERS = ("s-fc", "s-local")
STORED_FILTERS = 24


def layer_measures(
    layers: Mapping[str, Layer], were_zero: Mapping[str, Tensor]
) -> dict[str, dict[str, Any]]:
    """Return the measures of each layer's weights after an epoch, by measure and layer.

    Args:
        layers: the network's, by name.
        were_zero: which of their weights were zero before the epoch, bool, shaped as the weights.

    Returns:
        nonzeros; revived: how many of the weights that were zero are not any more; norm: ℓ2.
    """
    weights = {name: layer.weight.detach() for name, layer in layers.items()}
    revived = {name: weight * were_zero[name] for name, weight in weights.items()}
    return {
        "nonzeros": measure.nonzeros(weights),
        "revived": measure.nonzeros(revived),
        "norm": {name: float(weight.norm()) for name, weight in weights.items()},
    }


def would_revive(layers: Mapping[str, Layer], optimizer: Optimizer, lr: float) -> dict[str, int]:
    """Count the zeros of each layer that the last step would have revived, were they not frozen.

    They are the weights at zero, new ones too, that a step along the last gradient carries past
    the threshold βλ.

    Args:
        layers: the network's, by name, with the gradients of the last step.
        optimizer: β-LASSO, with these weights.
        lr: learning rate η of that step.
    """
    thresholds = {id(p): g["beta"] * g["l1"] for g in optimizer.param_groups for p in g["params"]}
    counts = {}
    for name, layer in layers.items():
        weight = layer.weight
        assert weight.grad is not None
        past = lr * weight.grad.abs() >= thresholds[id(weight)]
        counts[name] = int(torch.count_nonzero((weight == 0) & past))
    return counts


def append_row(history: dict[str, Any], row: Mapping[str, Any]) -> None:
    """Add an epoch to a history: a number for each measure, or one for each layer."""
    for column, value in row.items():
        if isinstance(value, Mapping):
            for layer, number in value.items():
                history.setdefault(column, {}).setdefault(layer, []).append(number)
        else:
            history.setdefault(column, []).append(value)


def final_measures(
    config: Config,
    history: Mapping[str, Any],
    layers: Mapping[str, Layer],
    filters: Tensor,
    *,
    clean_train_accuracy: float,
    evaluation_images: int,
) -> dict[str, Any]:
    """Return the measures of the trained network, JSON-ready.

    Args:
        config: of the run.
        history: of the run, to its last epoch.
        layers: the network's, by name.
        filters: of its first layer (units, C, H, W), on the CPU.
        clean_train_accuracy: on the training images, not augmented.
        evaluation_images: how many the accuracy of the history is measured on.
    """
    flops = measure.flops([(layer.weight, layer.positions) for layer in layers.values()])
    result = {
        **{name: column[-1] for name, column in history.items() if isinstance(column, list)},
        "nonzeros": {name: column[-1] for name, column in history["nonzeros"].items()},
        "weights": {name: layer.weight.numel() for name, layer in layers.items()},
        "fan_in": measure.units_by_fan_in({n: layer.weight for n, layer in layers.items()}),
        "flops": {"dense": flops.dense, "sparse": flops.sparse},
        "evaluation_images": evaluation_images,
        "clean_train_accuracy": clean_train_accuracy,
    }
    if config.model != "resnet18":  # its first filters are kernels, not images
        result["locality"] = measure.locality(filters)
        ratios = measure.pair_correlation(filters).tolist()
        result["pair_correlation"] = [None if math.isnan(r) else r for r in ratios]
    return result


def filters_to_store(config: Config, filters: Tensor) -> Tensor | None:
    """Choose the filters that a figure shows: of a first seed's final run, else None."""
    if config.seed or config.validation or config.model not in MODELS_WITH_STORED_FILTERS:
        return None
    return filters[measure.choose_filters(filters, STORED_FILTERS)]
