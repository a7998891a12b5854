"""The device that a run is trained on: its choice, and what happens when its memory is full."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from lcs import cost
from lcs.config import Config
from lcs.errors import ConfigError, TrainingError

# in the messages of torch's CPU, CUDA and Triton, and of cuBLAS
OUT_OF_MEMORY = ("DefaultCPUAllocator", "out of memory", "CUBLAS_STATUS_ALLOC_FAILED")


def choose_device(name: str) -> torch.device:
    """Return a device by its name; "auto" prefers a CUDA device.

    Raises:
        ConfigError: the name is unknown, or this machine has no such device.
    """
    kind = cost.device_type(name)
    device = torch.device(kind if name == "auto" else name)
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise ConfigError(f"device: this machine has no {name!r}; give auto or cpu")
    return device


def require_memory(config: Config, device: torch.device) -> None:
    """Refuse a network that this machine can never hold: the system would kill the process.

    Raises:
        TrainingError: on a CPU weights, gradients and momentum, else the weights alone, which a
            network on a GPU begins with, take more than all memory.
    """
    copies = 1 if device.type == "cuda" else 2 + bool(config.momentum)
    factors = 2 if config.optimizer == "spred" else 1  # of each weight
    needed = 4 * copies * factors * cost.total_weights(config)
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if needed > total:
        raise TrainingError(
            f"run {config.run_id}: it takes {needed / 1e9:,.0f} GB, and this machine has "
            f"{total / 1e9:,.0f} GB of memory; give fewer base_channels"
        )


@contextmanager
def reporting_out_of_memory(config: Config) -> Iterator[None]:
    """Turn the errors of a full memory into one line that names the run.

    Raises:
        TrainingError: the device's memory is full.
    """
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        # without its frames, which would keep the run in memory
        raise TrainingError(
            f"run {config.run_id}: the device is out of memory; free some and run the same again"
        ) from error.with_traceback(None)


def is_out_of_memory(error: Exception) -> bool:
    """Whether an error says that memory is full: some have a class of their own, others a text."""
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    return any(text in str(error) for text in OUT_OF_MEMORY)
