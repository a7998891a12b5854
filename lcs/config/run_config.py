"""What the configurations of all kinds of runs share: an id, and values that are checked."""

import dataclasses
import functools
import hashlib
import json
import math
import typing
from collections.abc import Mapping
from types import NoneType
from typing import Any, ClassVar, Self, cast

import numpy as np

from lcs.errors import ConfigError, did_you_mean, shown


class RunConfig:
    """Base of the configuration of each kind of run: a frozen dataclass with a seed."""

    kind: ClassVar[str]
    __dataclass_fields__: ClassVar[dict[str, Any]]
    seed: int  # of every random stream of the run

    @property
    def file(self) -> str:
        """Place of the record in a store, without suffix, as `cifar10/s-fc-a1-sgd-…-s0`."""
        raise NotImplementedError

    @functools.cached_property
    def run_id(self) -> str:
        """Short hash of the fields that differ from their defaults, and the seed, as `1f0c…-s0`."""
        different = {
            name: value
            for name, default in defaults(type(self)).items()
            if name != "seed" and (value := getattr(self, name)) != default
        }
        text = json.dumps(different, sort_keys=True, separators=(",", ":"))
        return f"{hashlib.sha256(text.encode()).hexdigest()[:10]}-s{self.seed}"

    @classmethod
    def from_dict(cls, values: Mapping[str, object]) -> Self:
        """Build a configuration; an unknown name is refused with the known ones."""
        known = defaults(cls)
        if unknown := [name for name in values if name not in known]:
            names = ", ".join(known) + did_you_mean(unknown[0], known)
            raise ConfigError(f"unknown parameter {shown(unknown[0])}; known: {names}")
        return cls(**values)

    def replace(self, **changes: object) -> Self:
        """Return a copy with some fields changed, itself without any; unknown names are refused."""
        if not changes:
            return self
        # values are immutable: `dataclasses.asdict` would copy each of them
        values = {name: getattr(self, name) for name in defaults(type(self))}
        return self.from_dict(values | changes)


def defaults(cls: type[RunConfig]) -> dict[str, Any]:
    """Return the default of each field."""
    if cls not in _DEFAULTS:
        _DEFAULTS[cls] = {field.name: field.default for field in dataclasses.fields(cls)}
    return _DEFAULTS[cls]


_DEFAULTS: dict[type, dict[str, Any]] = {}


def check_values(
    config: RunConfig,
    choices: Mapping[str, tuple[str, ...]],
    ranges: Mapping[str, tuple[float, float]],
) -> None:
    """Refuse values of the wrong type, not among a field's choices or not within its range.

    An int is converted where a float is expected, and -0.0 to 0.0, so that equal values have one
    id; a list becomes a tuple, every element of which is checked. Defaults are taken as they are.
    """
    known, cls = defaults(type(config)), cast(type, type(config))
    for name, types in _field_types(cls).items():
        if (value := getattr(config, name)) is known[name]:
            continue
        check = functools.partial(_checked, name, choices.get(name), ranges.get(name))
        if tuple not in types:
            value = check(types, value)
        elif not isinstance(value, list | tuple) or not value:
            raise ConfigError(f"{name}: {shown(value)} is not a list of values; give at least one")
        else:
            value = tuple(check(types[1:], element) for element in value)
            if len(set(value)) < len(value):
                raise ConfigError(f"{name}: {value!r} has a value twice; give each once")
        object.__setattr__(config, name, value)


def _checked(
    name: str,
    choices: tuple[str, ...] | None,
    limits: tuple[float, float] | None,
    types: tuple[type, ...],
    value: Any,
) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    whole = float in types and type(value) is int
    fault = ""
    if type(value) not in types and not whole:
        names = " or ".join("None" if t is NoneType else t.__name__ for t in types)
        fault = f"{shown(value)} is of type {type(value).__name__}; give {names}"
    elif isinstance(value, float) and not math.isfinite(value):
        fault = f"{shown(value)} is not a finite number"
    elif choices and value not in choices:
        fault = f"unknown value {shown(value)}; choose from {', '.join(choices)}"
        fault += did_you_mean(value, choices)
    elif limits and value is not None and not limits[0] <= value <= limits[1]:
        fault = f"{shown(value)} is out of range; give {limits[0]:.10g} to {limits[1]:.10g}"
    if fault:
        raise ConfigError(f"{name}: {fault}")
    return float(value) + 0.0 if whole or type(value) is float else value


@functools.cache
def _field_types(cls: type) -> dict[str, tuple[type, ...]]:
    """Types that each field may have; of a tuple, `tuple` and the types of its elements."""
    hints, found = typing.get_type_hints(cls), {}
    for field in dataclasses.fields(cls):
        members = typing.get_args(hints[field.name]) or (hints[field.name],)
        found[field.name] = (tuple, members[0]) if members[-1] is Ellipsis else members
    return found
