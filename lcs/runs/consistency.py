"""What a record has to hold, and what has to agree in it.

The checksum finds an edited record, these what an honest mistake can cause: values of the wrong
type, or the wrong epochs, layers or images. Every function raises ValueError with a reason in one
line.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import NoneType
from typing import Any

from lcs.config import Config
from lcs.runs.provenance import NUMERIC_PACKAGES
from lcs.runs.record_format import recorded_epochs

Types = Mapping[str, type | tuple[type, ...]]

# columns of a history, with a value for each recorded epoch, and those with such a list by layer
COLUMNS = {"epoch": int, "lr": float, "train_loss": float, "train_accuracy": float}
LAYER_COLUMNS = {"nonzeros": int, "revived": int, "norm": float}
ON_OTHER_IMAGES = {"test_accuracy", "validation_accuracy"}  # a run has one of them
SHARES = {"train_accuracy", "clean_train_accuracy", *ON_OTHER_IMAGES}
FINAL: Types = {
    **COLUMNS,
    **dict.fromkeys(("nonzeros", "weights", "flops"), dict),
    **{"evaluation_images": int, "clean_train_accuracy": float},
}
ORIGIN: Types = {
    **{"commit": (str, NoneType), "unmodified": (bool, NoneType), "code": str, "packages": dict},
    **{"device": str, "hardware": str, "threads": (int, NoneType)},
    **{"seconds": (int, float), "resumes": int},
}
# what a record may lack: some of the book do
OPTIONAL_ORIGIN: Types = {
    **{"time": str, "command": str, "modes": dict, "before_resume": list},
    **{"code_before_resume": str, "source_as_recorded": bool},
}


def check_training(config: Config, history: Any, final: Any) -> None:
    """Refuse results that a training of this configuration cannot have."""
    check_history(config, history, config.epochs)
    check_types("final", final, {**FINAL, config.accuracy_name: float})
    _check_images("final", final, config)
    for name in (*COLUMNS, config.accuracy_name):
        _require(final[name] == history[name][-1], f"final: {name} is not the history's last")
    last = {layer: counts[-1] for layer, counts in history["nonzeros"].items()}
    _require(final["nonzeros"] == last, "final: nonzeros are not the history's last")
    weights = {layer: size.weights for layer, size in config.layer_sizes().items()}
    _require(final["weights"] == weights, "final: weights are not those of the network")
    for name in SHARES & final.keys():
        _require(0 <= final[name] <= 1, f"final: {name} is not from 0 to 1")


def check_history(config: Config, history: Any, epochs: int) -> None:
    """Refuse a history that a run cannot have after so many epochs: {column: values}.

    Values are one for each recorded epoch, or {layer: values}.
    """
    expected = [epoch for epoch in recorded_epochs(config.epochs) if epoch <= epochs]
    if history == {} and not expected:
        return
    check_types("history", history, dict.fromkeys((*COLUMNS, config.accuracy_name), list))
    check_types("history", history, dict.fromkeys(LAYER_COLUMNS, dict))
    _check_images("history", history, config)
    layers = config.layer_sizes().keys()
    for name, values in history.items():
        kind = float if name in SHARES else COLUMNS.get(name) or LAYER_COLUMNS.get(name)
        columns = [values]
        if type(values) is dict:
            right = values.keys() == layers
            _require(right, f"history: {name} is not a mapping of {', '.join(layers)}")
            columns = [*values.values()]
        for column in columns:
            right = type(column) is list and len(column) == len(expected)
            _require(right, f"history: {name} has not {len(expected)} values")
            right = {*map(type, column)} <= ({kind} if kind else {int, float})
            _require(right, f"history: {name} has values of another type")
        if name in SHARES:
            right = 0 <= min(values) <= max(values) <= 1
            _require(right, f"history: {name} is not from 0 to 1")
    _require(history["epoch"] == expected, "history: epochs are not the run's recorded ones")


def check_origin(origin: Any) -> None:
    """Refuse a provenance without what every record has, or with values of the wrong type."""
    check_types("provenance", origin, ORIGIN)
    present = {name: types for name, types in OPTIONAL_ORIGIN.items() if name in origin}
    check_types("provenance", origin, present)
    check_types("packages", origin["packages"], dict.fromkeys(("python", *NUMERIC_PACKAGES), str))


def check_types(part: str, values: Any, types: Types) -> None:
    """Refuse what is no mapping, lacks one of the names, or has a value of another type."""
    _require(type(values) is dict, f"{part}: not a mapping")
    for name, kind in types.items():
        _require(name in values, f"{part}: lacks {name}")
        right = type(values[name]) in (kind if type(kind) is tuple else (kind,))
        _require(right, f"{part}: {name} is of type {type(values[name]).__name__}")


def _check_images(part: str, values: Mapping[str, Any], config: Config) -> None:
    others = ON_OTHER_IMAGES - {config.accuracy_name}
    _require(others.isdisjoint(values), f"{part}: has an accuracy on the other images too")


def _require(condition: bool, reason: str) -> None:
    if not condition:
        raise ValueError(reason)
