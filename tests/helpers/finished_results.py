"""Results that a store takes for those of a finished run, without training."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from lcs import data
from lcs.config import Config
from lcs.runs import Record
from lcs.runs.record_format import recorded_epochs, with_checksum

ORIGIN = {
    **{"commit": None, "unmodified": None, "code": "0" * 64},
    "packages": dict.fromkeys(("python", "torch", "torchvision", "numpy"), "1"),
    **{"device": "cpu", "hardware": "a test's", "threads": 1, "seconds": 1.5, "resumes": 0},
}


def results(config: Config, accuracy: float = 0.5) -> dict[str, Any]:
    """History, final measures and provenance of a finished run without a zero weight."""
    sizes, epochs = config.layer_sizes(), recorded_epochs(config.epochs)
    weights = {layer: size.weights for layer, size in sizes.items()}
    flops = sum(2 * size.positions * size.weights for size in sizes.values())
    spec = data.spec(config.dataset)
    accuracies = dict.fromkeys(("train_accuracy", config.accuracy_name), accuracy)
    row = {"lr": config.lr, "train_loss": 1.0, **accuracies}
    history = {
        "epoch": epochs,
        **{column: [value] * len(epochs) for column, value in row.items()},
        "nonzeros": {layer: [count] * len(epochs) for layer, count in weights.items()},
        "revived": {layer: [0] * len(epochs) for layer in weights},
        "norm": {layer: [1.0] * len(epochs) for layer in weights},
    }
    final = {
        "epoch": config.epochs,
        **row,
        "nonzeros": weights,
        "weights": weights,
        "flops": {"dense": flops, "sparse": flops},
        "evaluation_images": spec.train_size // 10 if config.validation else spec.test_size,
        "clean_train_accuracy": accuracy,
    }
    return {"history": history, "final": final, "provenance": ORIGIN}


def signed_anew(path: Path, change: Callable[[Any], object]) -> None:
    """Change a record's document and sign it again, as another lcs might write it."""
    document = json.loads(path.read_text())
    change(document)
    path.write_bytes(with_checksum(document))


def numbers(record: Record) -> str:
    """All of a record's bytes but its provenance."""
    parts = record.path.read_text().split('\n "provenance"')
    assert len(parts) == 2
    return parts[0]


def assert_equal(tensors: Mapping[str, Tensor], others: Mapping[str, Tensor]) -> None:
    assert tensors.keys() == others.keys()
    for name in tensors:
        assert tensors[name].dtype == others[name].dtype
        assert torch.equal(tensors[name], others[name]), name
