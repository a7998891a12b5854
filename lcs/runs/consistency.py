"""Whether what a record says agrees with itself and its config.

A checksum finds an edited record, `schema` what is of another type or out of bounds, and these what
an honest mistake can cause: the wrong epochs, layers or images. A forgery that was signed anew is
found by the history of the book's git repository, or by `lcs runs replay`. Every function raises
ValueError with a reason in one line.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from lcs.config import Config
from lcs.config.run_config import defaults
from lcs.runs import schema
from lcs.runs.record_format import recorded_epochs
from lcs.runs.schema import check, check_bounds, check_column, require

# names that a measure cannot have: in a table of runs they are those of other columns; but a
# history has the learning rate of every epoch
RESERVED = {"run_id", "record", "path", *schema.PARTS, *defaults(Config)} - {"lr"}
ACCURACIES = {"test_accuracy", "validation_accuracy"}


def check_results(config: Config | Mapping[str, Any], history: Any, final: Any) -> None:
    """Refuse results that a run of this configuration cannot have."""
    check_bounds("final", final, schema.MAX_RESULTS)
    if isinstance(config, Config):
        _check_training(config, history, final)


def check_history(config: Config, history: Any, epochs: int) -> None:
    """Refuse a history that a run cannot have after so many epochs: {column: values}.

    Values are one for each recorded epoch, or {layer: values}.
    """
    expected = [epoch for epoch in recorded_epochs(config.epochs) if epoch <= epochs]
    require(type(history) is dict, "history: not a mapping")
    if not expected and not history:
        return
    sizes, columns = config.layer_sizes(), []
    for name in (*schema.NEEDED, config.accuracy_name):
        require(name in history, f"history: lacks {name}")
    for name, values in history.items():
        kind = schema.COLUMNS.get(name, schema.OTHER_COLUMN)
        if name in schema.LAYER_COLUMNS or type(values) is dict:
            kind = schema.LAYER_COLUMNS.get(name, schema.OTHER_COLUMN)
            _check_keys(name, values, sizes)
            for layer, column in values.items():
                most = sizes[layer].weights if kind is schema.COUNT else kind.highest
                columns.append((f"{name}_{layer}", column, kind._replace(highest=most)))
        else:
            columns.append((name, values, kind))
    _check_names("history", [name for name, *_ in columns], config)
    for name, values, kind in columns:
        check_column(name, values, len(expected), kind)
    require(history["epoch"] == expected, "history: epochs are not the run's recorded ones")


def check_filters(filters: Any, name: str) -> None:
    """Refuse a mention of filters, but that of the file which belongs to the run of this name.

    A record that could name any file would have others overwritten when it is imported.
    """
    if filters is not None:
        _check_keys("filters", filters, {"file", "sha256"})
        own = filters["file"] == f"{name}.safetensors"
        require(own, f"filters: the file is not the run's own, {name}.safetensors")
        check("filters", filters["sha256"], schema.TEXT)


def check_origin(origin: Any) -> None:
    """Refuse a provenance without what every record has, or with values of the wrong type."""
    check_bounds("provenance", origin)
    check("provenance", origin, schema.ORIGIN)


def _check_training(config: Config, history: Any, final: Any) -> None:
    check_history(config, history, config.epochs)
    check("final", final, {**schema.FINAL, config.accuracy_name: schema.SHARE})
    _check_names("final", final, config)
    for name in ("epoch", "lr", "train_loss", "train_accuracy", config.accuracy_name):
        require(final[name] == history[name][-1], f"final: {name} is not the history's last")
    last = {layer: counts[-1] for layer, counts in history["nonzeros"].items()}
    require(final["nonzeros"] == last, "final: nonzeros are not the history's last")
    weights = {layer: size.weights for layer, size in config.layer_sizes().items()}
    require(final["weights"] == weights, "weights: not those of the network")
    for counts in final.get("fan_in", {}).values():
        check("fan_in", counts, [schema.COUNT])


def _check_names(part: str, names: Collection[str], config: Config) -> None:
    """Refuse names of measures that another column of a table of runs has."""
    check_bounds(part, [*names])
    require(len({*names}) == len(names), f"{part}: two columns have the same name")
    for name in names:
        require(name not in RESERVED, f"{part}: {name} is no name of a measure")
    own = ACCURACIES & {*names} == {config.accuracy_name}
    require(own, f"{part}: of the other images too")


def _check_keys(name: str, found: Any, keys: Collection[str]) -> None:
    right = type(found) is dict and found.keys() == {*keys}
    require(right, f"{name}: not a mapping of {', '.join(keys)}")
