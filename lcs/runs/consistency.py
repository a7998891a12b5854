"""What a record has to hold, and what has to agree in it; else a ValueError says why not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lcs.config import Config
from lcs.runs.record_format import recorded_epochs

Types = Mapping[str, type | tuple[type, ...]]

# columns of a history, with a value for each recorded epoch, and those with such a list by layer
COLUMNS = {"epoch": int, "lr": float, "train_loss": float, "train_accuracy": float}
LAYER_COLUMNS = {"nonzeros": int, "revived": int, "norm": float}
SHARES = {"train_accuracy", "clean_train_accuracy", "test_accuracy", "validation_accuracy"}
HISTORY_TYPES = {
    name: {kind} for name, kind in (COLUMNS | LAYER_COLUMNS | dict.fromkeys(SHARES, float)).items()
}
FINAL: Types = {
    **COLUMNS,
    **dict.fromkeys(("nonzeros", "weights", "flops"), dict),
    **{"evaluation_images": int, "clean_train_accuracy": float},
}


def check_training(config: Config, history: Any, final: Any) -> None:
    """Refuse results that a training of this configuration cannot have."""
    weights = check_history(config, history, config.epochs)
    check_types("final", final, {**FINAL, config.accuracy_name: float})
    expected = {name: history[name][-1] for name in (*COLUMNS, config.accuracy_name)}
    expected["nonzeros"] = {name: counts[-1] for name, counts in history["nonzeros"].items()}
    for name, value in (expected | {"weights": weights}).items():
        if final[name] != value:
            raise ValueError(f"final: {name} is not that of the history or of the network")
    if not 0 <= final["clean_train_accuracy"] <= 1:
        raise ValueError("final: clean_train_accuracy is not from 0 to 1")


def check_history(config: Config, history: Any, epochs: int) -> dict[str, int]:
    """Refuse a history, {column: values}, that a run cannot have after so many epochs.

    Values are one for each recorded epoch, or {layer: values}. Returns each layer's weights.
    """
    expected = [epoch for epoch in recorded_epochs(config.epochs) if epoch <= epochs]
    weights = {name: size.weights for name, size in config.layer_sizes().items()}
    if history == {} and not expected:
        return weights
    check_types("history", history, dict.fromkeys((*COLUMNS, config.accuracy_name), list))
    check_types("history", history, dict.fromkeys(LAYER_COLUMNS, dict))
    for name, values in history.items():
        types = HISTORY_TYPES.get(name, {int, float})
        by_layer = type(values) is dict
        if by_layer and values.keys() != weights.keys():
            raise ValueError(f"history: {name} is not a mapping of {', '.join(weights)}")
        for column in values.values() if by_layer else [values]:
            if type(column) is not list or len(column) != len(expected):
                raise ValueError(f"history: {name} has not {len(expected)} values")
            if not types.issuperset(map(type, column)):
                raise ValueError(f"history: {name} has values of another type")
        if name in SHARES and not 0 <= min(values) <= max(values) <= 1:
            raise ValueError(f"history: {name} is not from 0 to 1")
    for layer, counts in history["nonzeros"].items():
        if max(counts) > weights[layer]:
            raise ValueError(f"history: {layer} has not so many weights")
    if history["epoch"] != expected:
        raise ValueError("history: epochs are not the run's recorded ones")
    return weights


def check_types(part: str, values: Any, types: Types) -> None:
    """Refuse what is no mapping, lacks one of the names, or has a value of another type."""
    if type(values) is not dict:
        raise ValueError(f"{part}: not a mapping")
    for name, kind in types.items():
        if name not in values:
            raise ValueError(f"{part}: lacks {name}")
        found = type(values[name])
        if found is not kind and not (type(kind) is tuple and found in kind):
            raise ValueError(f"{part}: {name} is of type {found.__name__}")
