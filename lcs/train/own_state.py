"""The state of torch in which runs compute, whatever their caller has set."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any, NamedTuple

import torch

from lcs.seeds import generators_kept


class Setting(NamedTuple):
    """A setting of torch: its name, how to read and to write it, and its value in a run."""

    name: str
    read: Callable[[], Any]
    write: Callable[[Any], object]
    own: Any


@contextmanager
def own_state(device: torch.device) -> Iterator[dict[str, dict[str, str]]]:
    """Compute in the state of a run, and restore that of the caller, with its generators.

    Yields what provenance says of it, under `caller_state`: the settings that were not torch's
    defaults, with their values.
    """
    found = {} if torch.is_grad_enabled() else {"grad_enabled": "False"}
    with torch.inference_mode(False), ExitStack() as restored:  # which has gradients
        if (place := torch.get_default_device()).type != "cpu":
            found["default_device"] = str(place)
            restored.enter_context(torch.device("cpu"))  # where it is, each operation is slower
        for setting in SETTINGS + (OF_CUDA if device.type == "cuda" else ()):
            if (before := setting.read()) != setting.own:
                if setting in SETTINGS:
                    found[setting.name] = str(before)
                setting.write(setting.own)
                restored.callback(setting.write, before)
        # within a caller's autocast, rounded weights would be kept from step to step
        restored.callback(torch.set_autocast_cache_enabled, torch.is_autocast_cache_enabled())
        torch.set_autocast_cache_enabled(False)
        restored.enter_context(generators_kept(device))
        yield {"caller_state": found} if found else {}


def _attribute(path: str, own: Any) -> Setting:
    place, _, name = path.rpartition(".")
    owner = getattr(torch.backends, place)
    return Setting(path, partial(getattr, owner, name), partial(setattr, owner, name), own)


def _autocast(kind: str) -> Setting:
    read = partial(torch.is_autocast_enabled, kind)
    return Setting(f"autocast.{kind}", read, partial(torch.set_autocast_enabled, kind), False)


# the values are torch's defaults, too
SETTINGS = (
    Setting("default_dtype", torch.get_default_dtype, torch.set_default_dtype, torch.float32),
    _autocast("cpu"),
    _autocast("cuda"),
    Setting(
        "deterministic", torch.get_deterministic_debug_mode, torch.set_deterministic_debug_mode, 0
    ),
    Setting(
        "flush_denormal",  # of which torch says nothing
        lambda: not torch.full((), 1e-30, dtype=torch.float32, device="cpu") * 1e-10,
        torch.set_flush_denormal,
        False,
    ),
    Setting(
        "float32_matmul_precision",
        torch.get_float32_matmul_precision,
        torch.set_float32_matmul_precision,
        "highest",
    ),
    _attribute("mkldnn.enabled", True),
    _attribute("cudnn.benchmark", False),
)
# as a CPU computes: convolutions of float32 in float32, and sums of bfloat16 in float32
OF_CUDA = (
    # by the older name: after the newer one alone, torch.export fails in this process
    _attribute("cudnn.allow_tf32", False),
    Setting(
        "cuda.matmul.allow_bf16_reduced_precision_reduction",
        lambda: torch.backends.cuda.matmul.allow_bf16_reduced_precision_reduction,
        partial(setattr, torch.backends.cuda.matmul, "allow_bf16_reduced_precision_reduction"),
        False,
    ),
)
