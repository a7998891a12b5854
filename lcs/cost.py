"""What a run costs before it is run: floating-point operations, and about how much time."""

from __future__ import annotations

import functools
import statistics
import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from lcs import data
from lcs.config import Config
from lcs.errors import ConfigError, RecordError
from lcs.runs import Record, RunStore, read_record
from lcs.shapes import LayerSize, layer_sizes

if TYPE_CHECKING:
    import torch

# of a process before its first epoch: Python, torch, and the data set
START_SECONDS = 10.0
# measured time of training over that of its matrix products alone
OVERHEAD = 3.0


def training_flops(config: Config) -> int:
    """Floating-point operations of a whole run, to the leading term."""
    return image_flops(config) * data.spec(config.dataset).train_size * config.epochs


def image_flops(config: Config) -> int:
    """Floating-point operations that an image takes in training (1 MAC = 2 FLOPs).

    Each weight takes part in three products: forward, and the gradients of weights and inputs. The
    first layer needs no gradient of its inputs, the images.
    """
    first, *others = (2 * size.positions * size.weights for size in _sizes(config).values())
    return 2 * first + 3 * sum(others)


def weights(config: Config) -> int:
    """Weights of a run's network."""
    return sum(size.weights for size in _sizes(config).values())


def count_weights(config: Config, model: str) -> dict[str, int]:
    """Weights of each layer of a network of this width, on this data set."""
    sized = Config(dataset=config.dataset, model=model, base_channels=config.base_channels)
    return {name: size.weights for name, size in _sizes(sized).items()}


def seconds(
    configs: Sequence[Config], device: str, records: Iterable[Record]
) -> list[float | None]:
    """Return about how long each run trains: its operations at one measured rate.

    Args:
        configs: the runs.
        device: "auto", "cpu", "cuda" or "cuda:N"; this machine need not have it.
        records: runs that were timed. The rate is the median over those on the same type of
            device, digits apart from other data, whose runs take seconds whatever their operations;
            without any, the speed of a matrix product measured here.

    Returns:
        Seconds; None where nothing is known of the device.

    Raises:
        ConfigError: the name of the device is unknown.
    """
    if not configs:
        return []
    kind = device_type(device)
    rates: dict[bool, list[float]] = {True: [], False: []}
    for record in records:
        known = record.config
        if isinstance(known, Config) and record.provenance["device"] == kind:
            rate = record.provenance["seconds"] / training_flops(known)
            rates[known.dataset == "digits"].append(rate)
    medians = {small: statistics.median(found) for small, found in rates.items() if found}
    result: list[float | None] = []
    for config in configs:
        rate = medians.get(config.dataset == "digits") or _product_rate(device, config.precision)
        result.append(None if rate is None else training_flops(config) * rate)
    return result


def in_all(plans: Collection[tuple[str, float | None]], workers: int = 1) -> str:
    """Return in words how long runs take in all, each worker's start included.

    Args:
        plans: of each run its name and seconds; None: unknown.
        workers: runs that train at once.
    """
    known = [cost for _, cost in plans if cost is not None]
    whole = START_SECONDS + sum(known) / min(workers, len(plans))
    return f"{about(whole if len(known) == len(plans) else None)} in all"


def about(seconds: float | None) -> str:
    """Return an estimate in words."""
    return "time unknown" if seconds is None else f"about {duration(seconds)}"


def duration(seconds: float) -> str:
    """Return a time in the unit that suits it; at least a second."""
    for unit, size in (("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{max(1, round(seconds))} s"


def device_type(name: str) -> str:
    """Return the type of a device: cpu or cuda; torch is imported for "auto" only.

    Raises:
        ConfigError: the name is unknown.
    """
    kind, colon, index = name.partition(":")
    if kind in ("cpu", "cuda") and (index.isdecimal() or not colon):
        return kind
    from lcs.device import choose_device

    return choose_device(name).type


def readable(store: RunStore, known: Iterable[Record] = ()) -> Iterator[Record]:
    """Yield the records of a store and its fallback that are whole; an estimate needs no others.

    Those that are `known` already are not read again.
    """
    read = {record.path: record for record in known}
    for place in store.chain():
        for path in place.paths():
            with suppress(RecordError):
                yield read.get(path) or read_record(path, place.root)


def _sizes(config: Config) -> dict[str, LayerSize]:
    facts = data.spec(config.dataset)
    size, _, channels = facts.image_shape
    return layer_sizes(
        config.model,
        len(facts.classes),
        image_size=size,
        in_channels=channels,
        base_channels=config.base_channels,
        kernel_size=config.kernel_size,
        padding=config.padding,
    )


@functools.cache
def _product_rate(device: str, precision: str) -> float | None:
    """Return the seconds of an operation in training, from matrix products timed here once.

    None where this machine has no such device. On a CPU the product is that of a small first
    layer, on a GPU that of a wide one, since a small one is done before it has been asked for.
    """
    from lcs.device import choose_device

    try:
        chosen = choose_device(device)
    except ConfigError:
        return None
    import torch

    dtype = torch.bfloat16 if precision == "bf16" else torch.float32
    units = 1024 if chosen.type == "cpu" else 32_768
    a, b = (torch.rand(size, dtype=dtype, device=chosen) for size in ((512, 3072), (3072, units)))
    fastest = min(_time_product(a, b) for _ in range(4))
    return OVERHEAD * fastest / (2 * a.shape[0] * a.shape[1] * b.shape[1])


def _time_product(a: torch.Tensor, b: torch.Tensor) -> float:
    began = time.perf_counter()
    (a @ b)[0, 0].item()
    return time.perf_counter() - began
