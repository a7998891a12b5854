"""A training run as plain values: all that changes its numbers, and nothing that does not."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import math
import re
import typing
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from types import NoneType
from typing import Any, ClassVar, Self

import numpy as np

from lcs import data
from lcs.errors import ConfigError
from lcs.shapes import LayerSize, default_kernel, layer_sizes

# results of at most about so many epochs are kept
MAX_RECORDED_EPOCHS = 200

CHOICES: dict[str, tuple[str, ...]] = {
    "dataset": data.DATASETS,
    "model": ("s-conv", "s-local", "s-fc", "d-conv", "d-local", "d-fc", "3-fc", "resnet18"),
    "padding": ("same", "none"),
    "optimizer": ("sgd", "beta-lasso", "proximal-l1", "spred"),
    "loss": ("cross-entropy", "bce"),
    "schedule": ("cosine-epoch", "cosine-step", "constant"),
    "augment": (
        "none",
        "flip-crop",
        "crop",
        "autoaugment",
        "autoaugment-first",
        "trivialaugment",
        "time-shift",
    ),
    "normalize": ("half", "standard"),
    "images": ("natural", "gaussianised", "gaussian", "phase-scrambled", "noise"),
    "labels": ("true", "shuffled"),
    "pruning": (
        *("none", "random", "snip", "windows", "magnitude", "rewinding"),
        *("gradual", "set", "rigl"),
    ),
    "l1_window": ("grid", "initial", "learned"),
    "start": (
        *("initial", "ticket", "mask", "first-mask", "rewired-mask", "random-mask"),
        *("first-layer", "frozen-first-layer", "network"),
    ),
    "precision": ("fp32", "bf16"),
}

# of `pruning`: the methods that cut when a period of the learning rate ends, and begin it anew
CUT_BETWEEN_PERIODS = ("magnitude", "rewinding")

# lowest and highest value allowed, both included
RANGES: dict[str, tuple[float, float]] = {
    "base_channels": (1, 4096),
    "kernel_size": (1, 31),
    "dropout": (0.0, 0.95),
    "lr": (1e-9, 1e3),
    "momentum": (0.0, 0.9999),
    "weight_decay": (0.0, 1.0),
    "l1": (0.0, 1.0),
    "l1_rest": (0.0, 1.0),
    "l1_growth": (0.0, 1e6),
    "beta": (0.0, 1e9),
    "density": (1e-6, 1.0),
    "density_rest": (1e-6, 1.0),
    "epochs": (1, 1_000_000),
    "period": (1, 1_000_000),
    "crop_padding": (0, 31),
    "batch_size": (2, 1_000_000),
    "train_share": (1e-4, 1.0),
    "seed": (0, 2**31 - 1),
}

# which of the optimizers' own parameters each of them has
OPTIMIZER_FIELDS: dict[str, tuple[str, ...]] = {
    "sgd": ("momentum", "weight_decay"),
    "beta-lasso": ("l1", "l1_rest", "l1_growth", "beta", "frozen_zeros"),
    "proximal-l1": ("l1", "l1_rest"),
    "spred": ("l1", "l1_rest", "momentum"),
}


# every parameter that only some optimizers have
OPTIMIZERS_OWN = {name for names in OPTIMIZER_FIELDS.values() for name in names}


class RunConfig(ABC):
    """The configuration of some kind of run: a frozen dataclass with a seed."""

    kind: ClassVar[str]
    __dataclass_fields__: ClassVar[dict[str, Any]]
    seed: int  # of every random stream of the run

    @property
    @abstractmethod
    def file(self) -> str:
        """Place of the record in a store, without suffix, as `cifar10/s-fc-a1-sgd-…-s0`."""

    @property
    def run_id(self) -> str:
        """Short hash of the fields that differ from their defaults, and the seed, as `1f0c…-s0`."""
        different = {
            field.name: getattr(self, field.name)
            for field in dataclasses.fields(self)
            if field.name != "seed" and getattr(self, field.name) != field.default
        }
        text = json.dumps(different, sort_keys=True, separators=(",", ":"))
        return f"{hashlib.sha256(text.encode()).hexdigest()[:10]}-s{self.seed}"

    @classmethod
    def from_dict(cls, values: Mapping[str, object]) -> Self:
        """Build a configuration; an unknown name is refused with the known ones."""
        known = [field.name for field in dataclasses.fields(cls)]
        for name in values:
            if name not in known:
                raise ConfigError(f"unknown parameter {name!r}; known: {', '.join(known)}")
        return cls(**values)

    def replace(self, **changes: object) -> Self:
        """Return a copy with some fields changed; unknown names are refused."""
        return self.from_dict(dataclasses.asdict(self) | changes)


@dataclass(frozen=True)
class Config(RunConfig):
    """One training run. Device, workers, paths and progress bars are not part of it.

    A default means "no effect" or the paper's choice; new fields must default to "no effect", so
    that the ids of earlier runs stand. Values are checked at construction.

    Raises:
        ConfigError: a value has the wrong type, is out of range, or does nothing together with the
            others (for example `beta` with plain SGD).
    """

    kind: ClassVar[str] = "training"

    dataset: str = "cifar10"
    model: str = "s-fc"
    base_channels: int = 1  # alpha; what it means for a model stands in the model's docstring
    kernel_size: int | None = None  # of the convolutions; None: `lcs.shapes.default_kernel`
    padding: str = "same"  # of S-CONV and S-LOCAL; the reproduction used none
    affine: bool = False  # batch normalisation with learnt scale and shift
    bias: bool = False  # biases in every linear map
    dropout: float = 0.0  # before the last two fully connected layers
    optimizer: str = "sgd"
    lr: float = 0.1  # eta, at the start of the schedule
    momentum: float = 0.0
    weight_decay: float = 0.0
    l1: float = 0.0  # lambda of the layers that correspond to convolutions, and of the others
    l1_rest: float | None = None  # lambda of the other layers; None: the same
    # growth of the first layer's lambda, for filters that are banded: see `lcs.models.relative_l1`
    l1_growth: float = 0.0
    # the window outside which it grows: S-LOCAL's, or where a unit has its mass before training,
    # or as each epoch begins
    l1_window: str = "grid"
    beta: float = 0.0  # weights below beta * lambda are set to zero
    frozen_zeros: bool = False  # weights at zero stay there: one-way pruning
    pruning: str = "none"  # masks of zeros, see `lcs.optim.pruning`
    density: float = 1.0  # share of the first layer's weights that masks keep, and of the second's
    density_rest: float | None = None  # of the second layer; None: the same. The last is dense
    start: str = "initial"  # what is taken of another, trained network, see `lcs.models.transfer`
    source: str | None = None  # that network's run, of the same seed: `file` without its seed
    loss: str = "cross-entropy"  # bce: with logits on one-hot targets, mean over classes
    schedule: str = "cosine-epoch"
    period: int | None = None  # epochs in which the cosine falls to 0, to rise again; None: all
    epochs: int = 400
    batch_size: int = 512
    augment: str = "none"
    crop_padding: int | None = None  # zeros around an image before a crop; None: side // 8
    normalize: str = "half"  # half: (x / 255 - 0.5) / 0.5; standard: per channel
    permute_pixels: bool = False  # one fixed permutation of the pixels of every network input
    images: str = "natural"  # else surrogates of them, see `lcs.data.surrogates`
    labels: str = "true"  # shuffled: of the training images, in a random order
    train_share: float = 1.0  # of each class of the training images: the first ones
    validation: bool = False  # hold out the last tenth of each class and leave the test set alone
    precision: str = "fp32"
    seed: int = 0

    def __post_init__(self) -> None:
        """Check every field, then what the fields mean together."""
        check_values(self, CHOICES, RANGES)
        self._check_combinations()
        # one spelling of each run: what equals the value of None becomes None
        implied = {
            "l1_rest": self.l1,
            "density_rest": self.density,
            "kernel_size": default_kernel(self.model),
            "period": self.epochs,
            "crop_padding": self._usual_shift,
        }
        for name, value in implied.items():
            if getattr(self, name) == value:
                object.__setattr__(self, name, None)

    def _check_combinations(self) -> None:
        idle = [name for name in foreign_fields(self.optimizer) if getattr(self, name)]
        if idle:
            names = ", ".join(sorted(idle))
            raise ConfigError(
                f"optimizer {self.optimizer!r} has no {names}: leave {names} out, or name another "
                "by --optimizer"
            )
        if self.beta and not (self.l1 or self.l1_rest):
            raise ConfigError("beta: the threshold is beta * l1, and l1 is 0; give l1")
        if self.l1_growth and not (self.l1 and self.model == "s-fc"):
            raise ConfigError("l1_growth: it makes the l1 of s-fc grow; give both, or leave it out")
        if self.l1_window != "grid" and not self.l1_growth:
            raise ConfigError("l1_window: a window is where l1_growth begins; give that too")
        if self.frozen_zeros and not self.beta:
            raise ConfigError("frozen_zeros: without a threshold there are no zeros; give beta")
        if self.pruning != "none" and self.model != "s-fc":
            raise ConfigError(f"pruning: only s-fc has masks, not {self.model!r}; leave it out")
        if (self.pruning == "none") != (self.density == 1 and self.density_rest in (None, 1)):
            raise ConfigError("pruning and density belong together; give both, or leave both out")
        if (self.start == "initial") != (self.source is None):
            raise ConfigError("start and source belong together; give both, or leave both out")
        if self.source is not None and not re.fullmatch(r"[a-z0-9.-]+/[a-z0-9-]+", self.source):
            raise ConfigError(
                f"source: {_shown(self.source)} is no run; give the file of a record without its "
                "seed, as cifar10/s-fc-a4-sgd-0123456789"
            )
        if self.start not in ("initial", "network") and self.model != "s-fc":
            raise ConfigError(f"start: {self.start!r} is for s-fc, not for {self.model!r}")
        if self.start != "initial" and (self.pruning != "none" or self.model == "resnet18"):
            raise ConfigError("start: neither resnet18 nor pruning starts from a source")
        if self.start not in ("initial", "network") and self.optimizer != "sgd":
            raise ConfigError(f"start: {self.start!r} is for sgd, not for {self.optimizer!r}")
        period = self.period or self.epochs
        if self.pruning in CUT_BETWEEN_PERIODS and (period == self.epochs or self.epochs % period):
            raise ConfigError(
                "pruning: cuts are made between periods; give a period that divides epochs"
            )
        if self.crop_padding is not None and self.augment == "none":
            raise ConfigError("crop_padding: without augmentation there are no crops; leave it out")
        if self.crop_padding is not None and self.crop_padding >= self._side:
            raise ConfigError(f"crop_padding: images have {self._side} pixels a side; give less")
        if self.period is not None and self.schedule == "constant":
            raise ConfigError("period: a constant learning rate has none; leave it out")
        if self.kernel_size is not None and self.model.endswith("fc"):
            raise ConfigError(f"kernel_size: model {self.model!r} has no kernels; leave it out")
        if self.kernel_size is not None and self.kernel_size % 2 == 0:
            raise ConfigError(f"kernel_size: {self.kernel_size} is even; give an odd number")
        if self.padding != "same" and self.model not in ("s-conv", "s-local"):
            raise ConfigError(f"padding: only s-conv and s-local take 'none', not {self.model!r}")
        if self.model == "resnet18" and (self.affine or self.bias or self.dropout):
            raise ConfigError("resnet18 is torchvision's: leave affine, bias and dropout out")
        if self.padding == "none":
            self.layer_sizes()  # refuses images too small for the kernel

    @property
    def crop_shift(self) -> int:
        """Return by how many pixels at most a crop shifts an image along each axis."""
        return self._usual_shift if self.crop_padding is None else self.crop_padding

    @property
    def _usual_shift(self) -> int:
        return self._side // 8

    @property
    def _side(self) -> int:
        return data.spec(self.dataset).image_shape[0]

    def layer_sizes(self) -> dict[str, LayerSize]:
        """Return the size of every layer of the network, by name, without building it."""
        spec = data.spec(self.dataset)
        size, _, channels = spec.image_shape
        return layer_sizes(
            self.model,
            len(spec.classes),
            image_size=size,
            in_channels=channels,
            base_channels=self.base_channels,
            kernel_size=self.kernel_size,
            padding=self.padding,
        )

    @property
    def rest_l1(self) -> float:
        """Return λ of the layers that do not correspond to convolutions."""
        return self.l1 if self.l1_rest is None else self.l1_rest

    @property
    def name(self) -> str:
        """Stem of the record's file, with model, width, optimizer and run id."""
        return f"{self.model}-a{self.base_channels}-{self.optimizer}-{self.run_id}"

    @property
    def file(self) -> str:
        """Place of the record in a store, without suffix."""
        return f"{self.dataset}/{self.name}"

    @property
    def stem(self) -> str:
        """What `source` names, the same for all seeds of a run."""
        return self.file.rpartition("-s")[0]


# the toy LASSO: features of each problem, and schedules of the step size
TOY_FEATURES = 10
TOY_SCHEDULES = ("constant", "cosine")
# a descent has settled if no weight changed its sign, or became or left zero, in its last steps
TOY_STEPS_WATCHED = 20

# of numbers, and of every element of a tuple
TOY_RANGES: dict[str, tuple[float, float]] = {
    "problems": (1, 1_000_000),
    "observations": (TOY_FEATURES + 1, 1_000_000),  # fewer: the LASSO's solution is not unique
    "betas": (0.0, 1e9),
    "l1s": (1e-6, 100.0),
    "scales": (0.0, 1e3),
    "lr": (1e-6, 1.0),
    "steps": (TOY_STEPS_WATCHED, 1_000_000),
    "trajectory_betas": (0.0, 1e9),
    "trajectory_l1": (1e-6, 100.0),
    "trajectory_scale": (0.0, 1e3),
    "trajectory_problem": (0, 999_999),
    "seed": (0, 2**31 - 1),
}


@dataclass(frozen=True)
class ToyConfig(RunConfig):
    """One toy experiment: the full grid over its tuples, `problems` random problems in each cell.

    Raises:
        ConfigError: a value has the wrong type or is out of range.
    """

    kind: ClassVar[str] = "toy"

    problems: int = 1000
    observations: tuple[int, ...] = (100, 20)
    schedules: tuple[str, ...] = TOY_SCHEDULES
    betas: tuple[float, ...] = (
        *(0.0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0),
        *(2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0),
    )
    l1s: tuple[float, ...] = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
    scales: tuple[float, ...] = (0.1, 0.5, 2.0)  # standard deviation of the initial weights
    lr: float = 0.1  # eta, at the start of the schedule
    steps: int = 1000
    trajectory_betas: tuple[float, ...] = (0.0, 0.1, 1.0, 5.0, 10.0, 20.0, 50.0)
    trajectory_l1: float = 0.05
    trajectory_scale: float = 1.0
    trajectory_problem: int = 0  # the problem whose weights are recorded along training
    seed: int = 0

    def __post_init__(self) -> None:
        """Check every field; lists, as JSON has them, become tuples."""
        check_values(self, {"schedules": TOY_SCHEDULES}, TOY_RANGES)
        if self.trajectory_problem >= self.problems:
            raise ConfigError(
                f"trajectory_problem: {self.trajectory_problem} is out of range; "
                f"give 0 to {self.problems - 1}"
            )

    @property
    def file(self) -> str:
        """Place of the record in a store, without suffix."""
        return f"toy/lasso-{self.run_id}"

    @property
    def updates(self) -> int:
        """Steps that the whole experiment takes, counted for each problem in each cell."""
        optimizers = len(self.betas) + 1
        cells = len(self.observations) * len(self.schedules) * len(self.l1s)
        return self.problems * self.steps * cells * len(self.scales) * optimizers


def foreign_fields(optimizer: str) -> set[str]:
    """Names of parameters that other optimizers have, and this one lacks."""
    return OPTIMIZERS_OWN - set(OPTIMIZER_FIELDS[optimizer])


def recorded_epochs(epochs: int) -> list[int]:
    """Epochs, from 1, whose results are kept: all of up to 200, else the first 100 and more.

    The others are spaced evenly on the log axis, and the last one is always kept.
    """
    if epochs <= MAX_RECORDED_EPOCHS:
        return list(range(1, epochs + 1))
    dense = MAX_RECORDED_EPOCHS // 2
    spaced = np.geomspace(dense, epochs, MAX_RECORDED_EPOCHS - dense + 1).round().astype(int)
    return sorted({*range(1, dense + 1), *spaced.tolist()})


def check_values(
    config: RunConfig,
    choices: Mapping[str, tuple[str, ...]],
    ranges: Mapping[str, tuple[float, float]],
) -> None:
    """Refuse values of the wrong type, not among a field's choices or not within its range.

    An int given for a float becomes one. Of a tuple every element is checked; a list becomes one.
    """
    for name, types in _field_types(type(config)).items():
        value = getattr(config, name)
        check = functools.partial(_checked, name, choices.get(name), ranges.get(name))
        if tuple not in types:
            value = check(types, value)
        elif not isinstance(value, list | tuple) or not value:
            raise ConfigError(f"{name}: {_shown(value)} is not a list of values; give at least one")
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
    whole, given = float in types and type(value) is int, f"{name}: {_shown(value)}"
    if type(value) not in types and not whole:
        names = " or ".join("None" if t is NoneType else t.__name__ for t in types)
        raise ConfigError(f"{given} is of type {type(value).__name__}; give {names}")
    if isinstance(value, float) and not math.isfinite(value):
        raise ConfigError(f"{given} is not a finite number")
    if choices is not None and value not in choices:
        raise ConfigError(
            f"{name}: unknown value {_shown(value)}; choose from {', '.join(choices)}"
        )
    if limits is not None and value is not None and not limits[0] <= value <= limits[1]:
        low, high = limits
        raise ConfigError(f"{given} is out of range; give {low:.10g} to {high:.10g}")
    return float(value) if whole else value


@functools.cache
def _field_types(cls: type) -> dict[str, tuple[type, ...]]:
    """Types that each field may have; of a tuple, `tuple` and the types of its elements."""
    hints, found = typing.get_type_hints(cls), {}
    for field in dataclasses.fields(cls):
        members = typing.get_args(hints[field.name]) or (hints[field.name],)
        found[field.name] = (tuple, members[0]) if members[-1] is Ellipsis else members
    return found


def _shown(value: object) -> str:
    """Value in a message of one line, of which a long one is cut."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
