"""Whether what a record says can be true: types, ranges, and agreement with itself and its config.

A checksum (`record_format.checksum_matches`) finds an edited record, these checks one that was
edited and given a new checksum. Every function raises ValueError with a reason in one line.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Collection, Mapping
from datetime import datetime
from types import NoneType
from typing import Any

from lcs import data
from lcs.config import TOY_SHARES, TOY_TABLES, Config, RunConfig, ToyConfig
from lcs.runs.provenance import NUMERIC_PACKAGES
from lcs.runs.record_format import recorded_epochs
from lcs.shapes import LayerSize, flops

# columns of a history: type, lowest and highest value
COLUMNS: dict[str, tuple[type, float, float]] = {
    "epoch": (int, 1, math.inf),
    "lr": (float, 0, 1e3),
    "train_loss": (float, 0, 1e300),
    "train_accuracy": (float, 0, 1),
    "test_accuracy": (float, 0, 1),
    "validation_accuracy": (float, 0, 1),
}
ACCURACIES = {"test_accuracy", "validation_accuracy"}
# and those of layers; counts reach to the layer's number of weights
LAYER_COLUMNS: dict[str, type] = {"nonzeros": int, "revived": int, "forgone": int, "norm": float}
NEEDED = ("epoch", "lr", "train_loss", "train_accuracy", "nonzeros", "revived", "norm")

LOCALITY_COUNTS = ("eligible", "filters", "permutations", "window")
# its measures, with the lowest and highest value
LOCALITY_RANGES = {"spread": (0, 1e300), "window_mass": (0, 1 + 1e-9), "morans_i": (-2, 2)}
# and those that older records lack
LOCALITY_BANDS = {"row_mass": (0, 1 + 1e-9), "column_mass": (0, 1 + 1e-9)}

VERSIONS = ("python", *NUMERIC_PACKAGES)

# types of what every record says of its origin, and of what some say
ORIGIN_TYPES: dict[str, tuple[type, ...]] = {
    "commit": (str, NoneType),
    "unmodified": (bool, NoneType),
    "code": (str,),
    "packages": (dict,),
    "device": (str,),
    "hardware": (str,),
    "threads": (int, NoneType),
    "seconds": (int, float),
    "resumes": (int,),
}
MAX_TEXT = 10_000

MORE_ORIGIN_TYPES: dict[str, tuple[type, ...]] = {
    "time": (str,),
    "command": (str,),
    "modes": (dict,),
    "before_resume": (list,),
    "code_before_resume": (str,),
    "source_as_recorded": (bool,),
}


def check_results(config: RunConfig, history: Any, final: Any) -> None:
    """Refuse results that a run of this configuration cannot have."""
    if isinstance(config, ToyConfig):
        _check_toy(config, history, final)
    else:
        assert isinstance(config, Config)
        _check_training(config, history, final)


def check_history(config: Config, history: Any, epochs: int) -> None:
    """Refuse a history that a run cannot have after so many epochs: {column: values}.

    Values are one for each recorded epoch, or {layer: values}.
    """
    expected = [epoch for epoch in recorded_epochs(config.epochs) if epoch <= epochs]
    _require(type(history) is dict, "history: not a mapping")
    if not expected and not history:
        return
    sizes, length = config.layer_sizes(), len(expected)
    for name in (*NEEDED, config.accuracy_name):
        _require(name in history, f"history: lacks {name}")
    own = ACCURACIES & history.keys() == {config.accuracy_name}
    _require(own, "history: of the other images too")
    for name, column in history.items():
        if name in COLUMNS:
            _check_column(name, column, length, *COLUMNS[name])
        elif name in LAYER_COLUMNS or type(column) is dict:
            _check_keys(name, column, sizes)
            kind = LAYER_COLUMNS.get(name)
            for layer, values in column.items():
                highest = sizes[layer].weights if kind is int else 1e300
                _check_column(name, values, length, kind, 0, highest)
        else:  # of another lcs
            _check_column(name, column, length)
    _require(history["epoch"] == expected, "history: epochs are not the run's recorded ones")
    for layer, counts in history["nonzeros"].items():
        more = any(map(operator.gt, history["revived"][layer], counts))
        _require(not more, f"revived: more of {layer} than its non-zeros")


def check_filters(filters: Any, name: str) -> None:
    """Refuse a mention of filters, but that of the file which belongs to the run of this name.

    A record that could name any file would have others overwritten when it is imported.
    """
    if filters is None:
        return
    _check_keys("filters", filters, {"file", "sha256"})
    own = filters["file"] == f"{name}.safetensors"
    _require(own, f"filters: the file is not the run's own, {name}.safetensors")
    _require(type(filters["sha256"]) is str, "filters: no checksum")


def check_origin(config: RunConfig, origin: Any) -> None:
    """Refuse a provenance without what every record has, or with values of the wrong type."""
    _require(type(origin) is dict, "provenance: not a mapping")
    _check_plain("provenance", origin)
    for name, types in (ORIGIN_TYPES | MORE_ORIGIN_TYPES).items():
        there = name in origin
        _require(there or name in MORE_ORIGIN_TYPES, f"provenance: lacks {name}")
        if there:
            known = type(origin[name]) in types
            _require(known, f"provenance: {name} of type {type(origin[name]).__name__}")
    hashed = re.fullmatch("[0-9a-f]{64}", origin["code"])
    _require(hashed is not None, "provenance: code is no SHA-256")
    for name in ("threads", "seconds", "resumes"):
        _require((origin[name] or 0) >= 0, f"provenance: {name} below 0")
    timed = origin["seconds"] > 0 or config.kind != Config.kind
    _require(timed, "provenance: a training of 0 seconds")
    versions = all(type(origin["packages"].get(name)) is str for name in VERSIONS)
    _require(versions, f"provenance: packages lack a version of {', '.join(VERSIONS)}")
    counted = all(type(count) is int and count > 0 for count in origin.get("modes", {}).values())
    _require(counted, "provenance: modes are not counts")
    mappings = all(type(part) is dict for part in origin.get("before_resume", []))
    _require(mappings, "provenance: before_resume is not a list of mappings")
    if "time" in origin:
        datetime.fromisoformat(origin["time"])


def _check_training(config: Config, history: Any, final: Any) -> None:
    check_history(config, history, config.epochs)
    _require(type(final) is dict, "final: not a mapping")
    _check_plain("final", final)
    for name in ("epoch", "lr", "train_loss", "train_accuracy", config.accuracy_name):
        _require(_same(final[name], history[name][-1]), f"final: {name} is not the history's last")
    own = ACCURACIES & final.keys() == {config.accuracy_name}
    _require(own, "final: of the other images too")
    last = {layer: values[-1] for layer, values in history["nonzeros"].items()}
    _require(_same(final["nonzeros"], last), "final: nonzeros are not the history's last")

    sizes = config.layer_sizes()
    weights = {layer: size.weights for layer, size in sizes.items()}
    _require(_same(final["weights"], weights), "weights: not those of the network")
    _require(_same(final["flops"], flops(sizes, last)), "flops: not those of the weights")
    _check_column("clean_train_accuracy", [final["clean_train_accuracy"]], 1, float, 0, 1)
    spec, count = data.spec(config.dataset), final["evaluation_images"]
    highest = lowest = spec.test_size
    if config.validation:  # a tenth of each class, rounded down
        highest = spec.train_size // 10
        lowest = highest - len(spec.classes)
    right = type(count) is int and lowest <= count <= highest
    _require(right, f"evaluation_images: not those of {config.dataset}")
    if "fan_in" in final:
        _check_fan_in(final["fan_in"], sizes, last)
    if "locality" in final:
        _check_locality(final["locality"])
    if "equivariance" in final:
        _check_equivariance(final["equivariance"])
    for ratio in final.get("pair_correlation", []):
        right = ratio is None or (type(ratio) is float and ratio >= 0)
        _require(right, "pair_correlation: holds others than numbers from 0 on")


def _check_fan_in(fan_in: Any, sizes: Mapping[str, LayerSize], nonzeros: dict[str, int]) -> None:
    """Units by the binary digits of their non-zero weights, as `measure.units_by_fan_in` counts."""
    units = {layer: size.units for layer, size in sizes.items() if size.units is not None}
    _check_keys("fan_in", fan_in, units)
    for layer, counts in fan_in.items():
        whole = type(counts) is list and all(type(c) is int and c >= 0 for c in counts)
        _require(whole, f"fan_in: of {layer} no list of counts")
        _require(sum(counts) == units[layer], f"fan_in: not the units of {layer}")
        least = sum(count * (1 << k >> 1) for k, count in enumerate(counts))
        most = sum(count * ((1 << k) - 1) for k, count in enumerate(counts))
        _require(least <= nonzeros[layer] <= most, f"fan_in: not the non-zeros of {layer}")


def _check_locality(found: Any) -> None:
    bands = LOCALITY_BANDS if LOCALITY_BANDS.keys() & found.keys() else {}
    ranges = LOCALITY_RANGES | bands
    _check_keys("locality", found, {*LOCALITY_COUNTS, *ranges})
    counted = all(type(found[name]) is int and found[name] >= 0 for name in LOCALITY_COUNTS)
    _require(counted, "locality: counts are not whole")
    _require(found["filters"] <= found["eligible"], "locality: more filters than eligible ones")
    names = {f"{of}{value}" for of in ("", "null_", "excess_") for value in ("mean", "ci95")}
    for measure, (lowest, highest) in ranges.items():
        values = found[measure]
        _check_keys(measure, values, names)
        kind = float if found["filters"] else NoneType
        _require({*map(type, values.values())} == {kind}, f"locality: {measure} holds no numbers")
        if not found["filters"]:
            continue
        for name, value in values.items():
            if name.endswith("ci95"):
                _require(value >= 0, f"locality: an interval of {measure} is below 0")
            elif name != "excess_mean":
                _require(lowest <= value <= highest, f"locality: {measure} is out of range")
        excess = values["mean"] - values["null_mean"]
        agrees = math.isclose(excess, values["excess_mean"], rel_tol=1e-5, abs_tol=1e-5)
        _require(agrees, f"locality: excess of {measure} is not the difference")


def _check_equivariance(found: Any) -> None:
    values = ("mean", "ci95", "null_mean", "excess_mean", "excess_ci95")
    _check_keys("equivariance", found, {"units", *values})
    counted = type(found["units"]) is int and found["units"] >= 0
    _require(counted, "equivariance: units are not counted")
    kind = float if found["units"] > 1 else NoneType
    right = all(type(found[name]) is kind for name in values)
    _require(
        right and all(abs(found[name] or 0) <= 100 for name in values),
        "equivariance: no correlation",
    )


def _check_toy(config: ToyConfig, history: Any, final: Any) -> None:
    _require(history == {}, "history: a toy experiment has none")
    _check_keys("final", final, {*TOY_TABLES, "trajectories"})
    _check_plain("final", final)
    _require(type(final["trajectories"]) is dict, "trajectories: not a mapping")
    for name in TOY_TABLES:
        table = final[name]
        lists = type(table) is dict and all(type(column) is list for column in table.values())
        _require(lists, f"{name}: not a table")
        _require(len({*map(len, table.values())}) == 1, f"{name}: columns of different lengths")
        kinds = {type(value) for column in table.values() for value in column}
        _require(kinds <= {int, float, str, NoneType}, f"{name}: holds others than plain values")
    cells = config.updates // (config.problems * config.steps)
    for name in TOY_SHARES:
        _check_column(name, final["cells"][name], cells, float, 0, 1)


def _check_column(
    name: str,
    values: Any,
    length: int,
    kind: type | None = None,
    lowest: float = -1e300,
    highest: float = 1e300,
) -> None:
    """Refuse what is not a list of so many numbers of one type within a range."""
    _require(type(values) is list and len(values) == length, f"{name}: not {length} values")
    kinds = {kind} if kind else {int, float}
    _require(set(map(type, values)) <= kinds, f"{name}: holds others than numbers of its type")
    within = lowest <= min(values) and max(values) <= highest
    _require(within, f"{name}: out of range; {lowest:g} to {highest:g} are possible")


def _check_keys(name: str, found: Any, keys: Collection[str]) -> None:
    right = type(found) is dict and found.keys() == set(keys)
    _require(right, f"{name}: not a mapping of {', '.join(keys)}")


def _check_plain(name: str, value: Any) -> None:
    """Refuse numbers that no measure gives, not finite or of hundreds of digits, and long texts."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            _check_plain(name, item)
    elif isinstance(value, str):
        _require(len(value) <= MAX_TEXT, f"{name}: holds a text of {len(value):,} letters")
    elif isinstance(value, int | float):
        _require(-1e300 < value < 1e300, f"{name}: holds a number out of range")


def _same(one: Any, other: Any) -> bool:
    """Whether both are equal numbers of one type, or mappings of such."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[k], other[k]) for k in one)
    return type(one) is type(other) and one == other


def _require(condition: bool, reason: str) -> None:
    if not condition:
        raise ValueError(reason)
