"""What a run costs, before it is run: floating-point operations, and about how much time."""

from __future__ import annotations

import functools
import math
import operator
import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress

import torch

from lcs import data
from lcs.config import TOY_FEATURES, Config, ToyConfig
from lcs.errors import RecordError
from lcs.models import Layer, layers
from lcs.runs import AnyConfig, Record, RunStore, read_record
from lcs.train import build_model, choose_device

# a run, and the seconds that it took
Timing = tuple[Config, float]
# measured time over bare products of one small network; used where no run has been timed
OVERHEAD = 3.0
# of one problem's descent in the toy, on two cores
TOY_SECONDS = 2.5e-8
# fields that decide how long an operation takes; width does so much less
TIMED = (
    "dataset",
    "model",
    "kernel_size",
    "precision",
    "augment",
    "batch_size",
    "frozen_zeros",
)


def training_flops(config: Config) -> int:
    """Floating-point operations of a whole run, to the leading term."""
    return image_flops(config) * data.spec(config.dataset).train_size * config.epochs


def image_flops(config: Config) -> int:
    """Floating-point operations that an image takes in training (1 MAC = 2 FLOPs).

    Each weight takes part in three products, of which the first layer lacks one: nobody asks for
    the gradient of the images.
    """
    first, *others = (2 * layer.positions * layer.weight.numel() for layer in _layers(config))
    return 2 * first + 3 * sum(others)


def weights(config: Config) -> int:
    """Weights of a run's network."""
    return sum(layer.weight.numel() for layer in _layers(config))


def count_weights(config: Config, model: str) -> dict[str, int]:
    """Weights of each layer of a network of this width, on this data set."""
    sized = Config(dataset=config.dataset, model=model, base_channels=config.base_channels)
    return {name: layer.weight.numel() for name, layer in _network(sized).items()}


def seconds(configs: Sequence[AnyConfig], device: str, store: RunStore) -> list[float]:
    """Return about how long each run takes on a device.

    In proportion to the operations: at the median pace of the stored runs that are most alike, and
    among them of the nearest width; without any, by the speed of a matrix product.
    """
    timed = _timings(store).get(choose_device(device).type, []) if configs else []
    return [_seconds(config, device, timed) for config in configs]


def _seconds(config: AnyConfig, device: str, timed: Sequence[Timing]) -> float:
    if isinstance(config, ToyConfig):
        return TOY_SECONDS * config.updates
    return training_flops(config) * _pace(config, device, timed)


def _pace(config: Config, device: str, timed: Sequence[Timing]) -> float:
    """Return about how many seconds an operation of a run takes."""
    # digits take seconds, whatever their operations
    timed = [run for run in timed if (run[0].dataset == "digits") == (config.dataset == "digits")]
    if timed:
        near = _nearest(_most_alike(timed, config), config.base_channels)
        return statistics.median(took / training_flops(known) for known, took in near)
    return OVERHEAD / _rate(choose_device(device), config.precision)


def _most_alike(timed: Sequence[Timing], config: Config) -> list[Timing]:
    """Return the runs that differ in the fewest of the fields that count."""
    unlike = [sum(map(operator.ne, _kind(known), _kind(config))) for known, _ in timed]
    return [run for run, count in zip(timed, unlike, strict=True) if count == min(unlike)]


def _nearest(timed: Sequence[Timing], width: int) -> list[Timing]:
    """Return the runs whose width is nearest, by its ratio."""
    away = [abs(math.log(known.base_channels / width)) for known, _ in timed]
    return [run for run, distance in zip(timed, away, strict=True) if distance == min(away)]


def _kind(config: Config) -> list[object]:
    return [getattr(config, name) for name in TIMED]


def operations(config: AnyConfig) -> int:
    """Floating-point operations of a run, to the leading term."""
    if isinstance(config, ToyConfig):
        return 2 * TOY_FEATURES**2 * config.updates
    return training_flops(config)


def duration(seconds: float) -> str:
    """Return a time in the unit that suits it."""
    for unit, size in (("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} s"


def _layers(config: Config) -> list[Layer]:
    return list(_network(config).values())


def _network(config: Config) -> dict[str, Layer]:
    """Build the network without its memory."""
    with torch.device("meta"):
        return layers(build_model(config), data.spec(config.dataset).image_shape[0])


def _timings(store: RunStore) -> dict[str, list[Timing]]:
    """Return what stored runs took that were not trained in a stack, in seconds, by device."""
    timings: dict[str, list[Timing]] = {}
    for record in (record for place in store.chain() for record in readable(place)):
        origin = record.provenance
        if isinstance(record.config, Config) and "together" not in origin.get("modes", ()):
            timings.setdefault(origin["device"], []).append((record.config, origin["seconds"]))
    return timings


def readable(store: RunStore) -> Iterator[Record]:
    """Yield the records that are whole: for an estimate the others are not needed."""
    for path in store.paths():
        with suppress(RecordError):
            yield read_record(path, store.root)


@functools.cache
def _rate(device: torch.device, precision: str) -> float:
    """Return the FLOP/s of a matrix product, measured once: on a CPU one of a small first layer.

    A GPU is done with that before it has been asked; its product is that of a wide one.
    """
    dtype = torch.bfloat16 if precision == "bf16" else torch.float32
    units = 1024 if device.type == "cpu" else 32_768
    a, b = (torch.rand(size, dtype=dtype, device=device) for size in ((512, 3072), (3072, units)))
    times = [_timed(a, b) for _ in range(4)]
    return 2 * a.shape[0] * a.shape[1] * b.shape[1] / min(times)


def _timed(a: torch.Tensor, b: torch.Tensor) -> float:
    began = time.perf_counter()
    (a @ b)[0, 0].item()
    return time.perf_counter() - began
