"""The device that a run is trained on, its memory, and the settings of torch it computes in."""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import torch

from lcs.config import Config
from lcs.errors import ConfigError, TrainingError
from lcs.seeds import generators_kept

# in the messages of torch's CPU, CUDA and Triton, and of cuBLAS
OUT_OF_MEMORY = ("DefaultCPUAllocator", "out of memory", "CUBLAS_STATUS_ALLOC_FAILED")
# how a setting of torch is read and written, and its value in a run
Setting = tuple[Callable[[], Any], Callable[[Any], object], Any]


def device_type(name: str) -> str:
    """Return "cpu" or "cuda" for "auto" or the name of a device, which need not be present."""
    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if not re.fullmatch(r"cpu|cuda(:(0|[1-9][0-9]?))?", name):
        raise ConfigError(f"device: unknown value {name!r}; give auto, cpu or cuda")
    return name.partition(":")[0]


def choose_device(name: str) -> torch.device:
    """Return a device by its name; a ConfigError says that it is unknown or not here."""
    kind = device_type(name)
    device = torch.device(kind if name == "auto" else name)
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise ConfigError(f"device: this machine has no {name!r}; give auto or cpu")
    return device


@contextmanager
def reporting_out_of_memory(config: Config) -> Iterator[None]:
    """Turn the errors of a full memory into a TrainingError of one line that names the run."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        known = isinstance(error, (MemoryError, torch.OutOfMemoryError))
        if not known and not any(text in str(error) for text in OUT_OF_MEMORY):
            raise
        reason = "the device is out of memory; free some and run the same again"
        # without its frames, which would keep the run in memory
        raise TrainingError(f"run {config.run_id}: {reason}") from error.with_traceback(None)


@contextmanager
def own_state(device: torch.device) -> Iterator[None]:
    """Compute with the settings of a run, and restore the caller's, with its generators."""
    with torch.inference_mode(False), ExitStack() as restored:  # which has gradients
        if torch.get_default_device().type != "cpu":
            restored.enter_context(torch.device("cpu"))  # where it is, each operation is slower
        for name, (read, write, own) in SETTINGS.items():
            if (device.type == "cuda" or "cuda." not in name) and (before := read()) != own:
                write(own)
                restored.callback(write, before)
        restored.enter_context(generators_kept(device))
        yield


def _flushes() -> bool:  # of which torch says nothing
    return not torch.full((), 1e-30, dtype=torch.float32, device="cpu") * 1e-10


def _setting(name: str, own: Any) -> Setting:
    return getattr(torch, f"get_{name}"), getattr(torch, f"set_{name}"), own


def _autocast(kind: str) -> Setting:
    read = partial(torch.is_autocast_enabled, kind)
    return read, partial(torch.set_autocast_enabled, kind), False


def _attribute(owner: object, name: str, own: bool) -> Setting:
    return partial(getattr, owner, name), partial(setattr, owner, name), own


SETTINGS: dict[str, Setting] = {
    "default_dtype": _setting("default_dtype", torch.float32),
    "deterministic_debug_mode": _setting("deterministic_debug_mode", 0),
    "float32_matmul_precision": _setting("float32_matmul_precision", "highest"),
    "autocast of cpu": _autocast("cpu"),
    "autocast of cuda": _autocast("cuda"),
    # within a caller's autocast, rounded weights would be kept from step to step
    "autocast_cache": (torch.is_autocast_cache_enabled, torch.set_autocast_cache_enabled, False),
    "flush_denormal": (_flushes, torch.set_flush_denormal, False),
    "mkldnn": _attribute(torch.backends.mkldnn, "enabled", True),
    "cudnn.benchmark": _attribute(torch.backends.cudnn, "benchmark", False),
    # as a CPU computes: convolutions of float32 in float32, and sums of bfloat16 in float32; by
    # the older name: after the newer one alone, torch.export fails in this process
    "cuda.tf32": _attribute(torch.backends.cudnn, "allow_tf32", False),
    "cuda.bf16_sums": _attribute(
        torch.backends.cuda.matmul, "allow_bf16_reduced_precision_reduction", False
    ),
}  # fmt: skip
