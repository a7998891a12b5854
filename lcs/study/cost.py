"""Which runs of a study are missing, and what they cost: operations, and about how long."""

import functools
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import nullcontext, suppress
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lcs.config import Config, RunConfig
from lcs.config.run_config import defaults
from lcs.data.datasets import dataset_path
from lcs.data.specs import spec
from lcs.errors import CheckpointError
from lcs.runs import Record, RunStore, readable
from lcs.runs.provenance import hardware
from lcs.study.options import Options

# fields that a plan tells even where they have their defaults
ALWAYS_TOLD = ("dataset", "model", "base_channels", "optimizer", "lr", "epochs", "batch_size")
START_SECONDS = 12.0  # in which a process imports torch, loads data and compiles the optimizer
OVERHEAD = 3.0  # time of a training over that of its matrix products, where no run has been timed
ENOUGH_RUNS = 20  # fewer do not tell how fast a processor is


class Missing(NamedTuple):
    """A run that is still to be trained."""

    config: Any
    done: int  # epochs, by its checkpoint
    seconds: float | None  # that the other epochs take; None: unknown


def missing(
    runs: Mapping[Any, Record | None],
    seconds: Callable[..., Sequence[float | None]],
    store: RunStore,
    how: Options,
) -> list[Missing]:
    """Return what is left to train of runs without records; a damaged checkpoint counts as none.

    Times, by `Study.seconds`, are those of stored runs: on this machine's CPU, or any such device.
    """
    done = {config: 0 for config, record in runs.items() if record is None}
    if not done:
        return []
    import torch

    from lcs.train.checkpoint import Checkpoint

    for config in done:
        with suppress(CheckpointError):  # which training will name
            done[config] = Checkpoint(config, store.root).epoch()
    # the records of the other kind say nothing of these
    kinds = {counts_apart(config.file.partition("/")[0]) for config in done}
    records = readable(store, lambda folder: counts_apart(folder) in kinds)
    on_this_cpu = how.on != "ray" and how.device_type == "cpu"
    own = hardware(torch.device("cpu")) if on_this_cpu else None
    times = seconds([*done], how.device, records, own)
    return [
        Missing(config, n, time and time * (1 - n / config.epochs if n else 1))
        for (config, n), time in zip(done.items(), times, strict=True)
    ]


def plan_text(runs: Mapping[Any, Record | None], left: Sequence[Missing], how: Options) -> str:
    """Return a line for each missing run, what the study consists of, and what is missing in all.

    A run has the values of those fields in which the runs of the study differ.
    """
    kind: type[RunConfig] = type(next(iter(runs)))
    told: dict[str, list[Any]] = {}
    for name, usual in defaults(kind).items():
        values = [*dict.fromkeys(getattr(config, name) for config in runs)]
        if name != "seed" and (values != [usual] or name in ALWAYS_TOLD):
            told[name] = values
    varied = [name for name, values in told.items() if len(values) > 1]
    lines = []
    for run in left:
        own = [f"{name}={_shown(getattr(run.config, name))}" for name in varied]
        done = [f"{run.done} of {run.config.epochs} epochs done"] if run.done else []
        lines.append(f"{run.config.file}: {', '.join([*own, *done, about(run.seconds)])}")
    seeds, conditions = {c.seed for c in runs}, {c.replace(seed=0) for c in runs}
    lines.append(f"configurations: {len(conditions)}, seeds: {min(seeds)} to {max(seeds)}")
    for name, values in told.items():
        lines.append(f"  {name}: {', '.join(map(_shown, values))}")
    costs = [run.seconds for run in left]
    device = f" on {how.device_type}" if total(costs) else ""
    summary = in_all(costs, how.workers or 1) + device
    for name in dict.fromkeys(run.config.dataset for run in left if isinstance(run.config, Config)):
        if not (how.on == "ray" or spec(name).packaged or dataset_path(name).exists()):
            summary += f"; first `lcs data get {name}`, which is not here yet"
    return "\n".join([*lines, f"{len(left)} of {len(runs)} runs missing{summary}"])


def image_flops(config: Config) -> int:
    """Floating-point operations that an image takes in training (1 MAC = 2 FLOPs)."""
    # of three products of each weight, the first layer lacks one: the gradient of the images
    first, *others = (layer.flops for layer in config.layer_sizes().values())
    return 2 * first + 3 * sum(others)


def training_flops(config: Config) -> int:
    """Floating-point operations of a whole run, to the leading term."""
    return image_flops(config) * training_images(config)


def training_images(config: Config) -> int:
    """Images of all epochs of a run; a validation split is not taken off."""
    size = spec(config.dataset).train_size
    return round(config.train_share * size) * config.epochs


def counts_apart(dataset: str) -> bool:
    """Whether the runs of a data set have a pace of their own: those on the digits are tiny."""
    return dataset == "digits"


class Pace:
    """How long training takes on a device: so much for each image, and so much for each operation.

    Augmented images take more, and so do operations of LOCAL layers. All are fitted to the records
    of runs on such a device by least squares, weighted by the inverse of the estimates, so that
    these add up to the time that all runs took. Where there are none, it is the pace of a matrix
    product, if this machine has the device. Where enough runs are of the given hardware, named as
    in provenance, all estimates are scaled to what these took.
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
    """Return the FLOP/s of a matrix product, measured once; None without the device."""
    import torch

    from lcs.optim.mixed_precision import bf16_products

    if device == "cuda" and not torch.cuda.is_available():
        return None
    # a CPU's as of a small first layer; a small one of a GPU ends before the next is asked for
    units, dtype = 1024 if device == "cpu" else 32_768, torch.bfloat16 if bf16 else torch.float32
    a, b = (torch.rand(size, dtype=dtype, device=device) for size in ((512, 3072), (3072, units)))
    times = []
    for _ in range(4):
        began = time.perf_counter()
        with bf16_products(torch.device(device)) if bf16 else nullcontext():
            (a @ b)[0, 0].item()
        times.append(time.perf_counter() - began)
    return 2 * 512 * 3072 * units / min(times)


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


def _shown(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value).lower()
