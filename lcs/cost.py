"""What a run costs, before it is run: its operations, and about how long they take here."""

from __future__ import annotations

import functools
import time
from collections.abc import Collection, Iterable
from contextlib import nullcontext
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lcs import data
from lcs.config import Config

if TYPE_CHECKING:  # for annotations alone
    from lcs.runs import Record

# a process starts, imports torch, loads the data and compiles the optimizer
START_SECONDS = 12.0
# time of a training over that of its bare matrix products; used where no run has been timed
OVERHEAD = 3.0
# fewer runs do not tell how fast a processor is
ENOUGH_RUNS = 20


def image_flops(config: Config) -> int:
    """Floating-point operations that an image takes in training (1 MAC = 2 FLOPs).

    Each weight takes part in three products, of which the first layer lacks one: the gradient of
    the images is not needed.
    """
    first, *others = (layer.flops for layer in config.layer_sizes().values())
    return 2 * first + 3 * sum(others)


def training_flops(config: Config) -> int:
    """Floating-point operations of a whole run, to the leading term."""
    return image_flops(config) * training_images(config)


def training_images(config: Config) -> int:
    """Images of all epochs of a run; a validation split is not taken off."""
    size = data.spec(config.dataset).train_size
    return round(config.train_share * size) * config.epochs


def counts_apart(dataset: str) -> bool:
    """Whether the runs of a data set have a pace of their own: those on the digits are tiny."""
    return dataset == "digits"


class Pace:
    """How long training takes on a device: so much for each image, and so much for each operation.

    An image that is augmented takes more, and so do operations of LOCAL layers, whose products are
    small and whose patches have to be moved. All are fitted to the stored runs by least squares
    whose weights are the inverse of the estimates, so that the estimates of all runs add up to the
    time that they took and short runs, most of which is start-up, count little; those that
    `counts_apart` are fitted by themselves. Where none was stored, it is the pace of a matrix
    product, if this machine has the device.

    Args:
        device: "auto", "cpu", "cuda" or "cuda:N"; it need not be present.
        records: of runs whose time is known, on whatever device.
        hardware: a processor, as in the provenance of records; where enough of them are of this
            one, all estimates are scaled to what these took in all.
    """

    def __init__(self, device: str, records: Iterable[Record], hardware: str | None = None) -> None:
        from lcs.train.device import device_type

        self.device = device_type(device)
        rows: dict[bool, list[tuple[float, ...]]] = {True: [], False: []}
        for record in records:
            config, origin = record.config, record.provenance
            if isinstance(config, Config) and origin["device"] == self.device:
                same = hardware is not None and origin["hardware"] == hardware
                row = (*_terms(config), origin["seconds"], same)
                rows[counts_apart(config.dataset)].append(row)
        self._fits = {apart: _fitted(np.array(known)) for apart, known in rows.items() if known}

    def seconds(self, config: Config) -> float | None:
        """Return about how long a run takes; None where nothing is known of the device."""
        fit = self._fits.get(counts_apart(config.dataset))
        if fit is not None:
            return float(fit @ _terms(config))
        rate = product_rate(self.device, config.bf16)
        return None if rate is None else OVERHEAD / rate * training_flops(config)


def _fitted(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the seconds of each term; rows: terms, seconds, whether of the same processor."""
    from scipy.optimize import nnls

    terms, seconds, same = rows[:, :-2], rows[:, -2], rows[:, -1] > 0
    expected = seconds
    for _ in range(10):
        weights = 1 / np.sqrt(expected)
        fit, _ = nnls(terms * weights[:, None], seconds * weights)
        expected = np.maximum(terms @ fit, 1e-9)
    if same.sum() >= ENOUGH_RUNS:
        fit *= seconds[same].sum() / (terms[same] @ fit).sum()
    return fit


@functools.cache
def _terms(config: Config) -> tuple[float, ...]:
    """Return images, augmented images, operations, and those of LOCAL layers, of a run."""
    local = 0
    if config.model in ("s-local", "d-local"):
        layers = config.layer_sizes().items()
        local = sum(layer.flops for name, layer in layers if name.startswith("conv"))
    of_image = (1, config.augment != "none", image_flops(config), local)
    return tuple(float(training_images(config) * term) for term in of_image)


def about(seconds: float | None) -> str:
    """Return an estimate in words; None: unknown."""
    return "time unknown" if seconds is None else f"about {duration(seconds)}"


def total(costs: Collection[float | None]) -> float | None:
    """Return the sum of times; None if one of them is unknown."""
    known = [seconds for seconds in costs if seconds is not None]
    return sum(known) if len(known) == len(costs) else None


def in_all(costs: Collection[float | None], workers: int = 1) -> str:
    """Return the end of a sentence: what runs cost, with the start of each worker; "" of none."""
    if not costs:
        return ""
    if (seconds := total(costs)) is None:
        return "; how long they take is not known: no run on this device is stored"
    longest = max(each or 0.0 for each in costs)
    seconds = max(seconds / min(workers, len(costs)), longest)
    return f", {about(START_SECONDS + seconds)} in all"


def duration(seconds: float) -> str:
    """Return a time in the unit that suits it, at least one second."""
    for unit, size in (("h", 3600), ("min", 60)):
        if round(seconds) >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{max(1.0, seconds):.0f} s"


@functools.cache
def product_rate(device: str, bf16: bool) -> float | None:
    """Return the FLOP/s of a matrix product, measured once; None without the device.

    On a CPU it is that of a small first layer; on a GPU that of a wide one, since a small one ends
    before the next is asked for.
    """
    import torch

    from lcs.optim.mixed_precision import bf16_products

    if device == "cuda" and not torch.cuda.is_available():
        return None
    units, dtype = 1024 if device == "cpu" else 32_768, torch.bfloat16 if bf16 else torch.float32
    a, b = (torch.rand(size, dtype=dtype, device=device) for size in ((512, 3072), (3072, units)))
    times = []
    for _ in range(4):
        began = time.perf_counter()
        with bf16_products(torch.device(device)) if bf16 else nullcontext():
            (a @ b)[0, 0].item()
        times.append(time.perf_counter() - began)
    return 2 * 512 * 3072 * units / min(times)
