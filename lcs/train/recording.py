"""What is recorded of a run: accuracies, measures of its weights and filters, and some filters."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from lcs import measure, models
from lcs.config import Config
from lcs.measure.shift_equivariance import equivariance, evenly_spaced
from lcs.shapes import default_kernel, flops
from lcs.train.batches import Batches
from lcs.train.step import logits

# networks whose first-layer filters a figure shows, and how many of them
MODELS_WITH_STORED_FILTERS = ("s-fc", "s-local")
STORED_FILTERS = 24


@torch.no_grad()
def accuracy(config: Config, model: nn.Module, images: Batches) -> float:
    """Share of the images, not augmented, that a network classifies correctly."""
    model.eval()
    hits = torch.zeros((), dtype=torch.int64, device=images.labels.device)
    for x, labels in images.ordered_batches():
        hits += (logits(config, model, x).argmax(1) == labels).sum()
    return hits.item() / len(images)


@torch.no_grad()
def layer_measures(
    weights: Mapping[str, Tensor], were_zero: Mapping[str, Tensor]
) -> dict[str, dict[str, Any]]:
    """Return nonzeros, revived and norm (ℓ2) of each layer's weights, by measure and layer.

    Revived weights are those that `were_zero` (bool, of their shape) before the epoch and are not
    any more.
    """
    revived = {name: (weight != 0) & were_zero[name] for name, weight in weights.items()}
    return {
        "nonzeros": measure.nonzeros(weights),
        "revived": measure.nonzeros(revived),
        "norm": {name: float(weight.norm()) for name, weight in weights.items()},
    }


def would_revive(weights: Mapping[str, Tensor], optimizer: Optimizer, lr: float) -> dict[str, int]:
    """Count the zeros of each layer that the last step would have revived, were they not frozen.

    They are the weights at zero, new ones too, that a step of rate `lr` along the last gradient
    carries past the threshold βλ, in which λ is each weight's own where it grows.
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
    model: nn.Module,
    filters: Tensor,
    history: Mapping[str, Any],
    training: Batches,
    evaluation: Batches,
) -> dict[str, Any]:
    """Return the measures of a trained network, JSON-ready.

    `filters` are its first layer's, (units, C, H, W), in the images' order of pixels, on the CPU.
    """
    weights = models.layer_weights(model)
    nonzeros = {name: column[-1] for name, column in history["nonzeros"].items()}
    result = {
        **{name: column[-1] for name, column in history.items() if type(column) is list},
        "nonzeros": nonzeros,
        "weights": {name: weight.numel() for name, weight in weights.items()},
        "fan_in": measure.units_by_fan_in(weights),
        "flops": flops(config.layer_sizes(), nonzeros),
        "evaluation_images": len(evaluation),
        "clean_train_accuracy": accuracy(config, model, training),
    }
    if config.model != "resnet18":  # its first filters are kernels, not images
        images = training.unpermuted(evenly_spaced(evaluation.all_normalised).cpu())
        ratios = measure.pair_correlation(filters).tolist()
        result["locality"] = measure.locality(filters)
        result["pair_correlation"] = [None if math.isnan(ratio) else ratio for ratio in ratios]
        result["equivariance"] = equivariance(filters, images)
    if config.l1_growth_from:
        size = config.l1_window_size or default_kernel(config.model)
        centres = measure.centres(filters, min(size, filters.shape[-1]))
        result["window_centres"] = centres.tolist()
    return result


def filters_to_store(config: Config, filters: Tensor) -> Tensor | None:
    """Choose the filters that a figure may show: of a first seed's final run, else None.

    Which of them the book keeps is decided when a record is imported.
    """
    if config.seed or config.validation or config.model not in MODELS_WITH_STORED_FILTERS:
        return None
    return filters[measure.choose_filters(filters, STORED_FILTERS)]
