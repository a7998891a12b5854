"""The state of torch in which runs compute, whatever their caller has set."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from operator import attrgetter
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
        for setting in (*SETTINGS, AUTOCAST_CACHE, *(OF_CUDA if device.type == "cuda" else ())):
            if (before := setting.read()) != setting.own:
                if setting in SETTINGS:
                    found[setting.name] = str(before)
                setting.write(setting.own)
                restored.callback(setting.write, before)
        restored.enter_context(generators_kept(device))
        yield {"caller_state": found} if found else {}


def _function(name: str, own: Any) -> Setting:
    return Setting(name, getattr(torch, f"get_{name}"), getattr(torch, f"set_{name}"), own)


def _attribute(path: str, own: Any) -> Setting:
    place, _, name = path.rpartition(".")
    owner = attrgetter(place)(torch.backends)
    return Setting(path, partial(getattr, owner, name), partial(setattr, owner, name), own)


def _autocast(kind: str) -> Setting:
    read = partial(torch.is_autocast_enabled, kind)
    return Setting(f"autocast.{kind}", read, partial(torch.set_autocast_enabled, kind), False)


def _flushes() -> bool:  # of which torch says nothing
    return not torch.full((), 1e-30, dtype=torch.float32, device="cpu") * 1e-10


# the values are torch's defaults, too
SETTINGS = (
    _function("default_dtype", torch.float32),
    _function("deterministic_debug_mode", 0),
    _function("float32_matmul_precision", "highest"),
    _autocast("cpu"),
    _autocast("cuda"),
    Setting("flush_denormal", _flushes, torch.set_flush_denormal, False),
    _attribute("mkldnn.enabled", True),
    _attribute("cudnn.benchmark", False),
)
# within a caller's autocast, rounded weights would be kept from step to step
AUTOCAST_CACHE = Setting(
    "autocast_cache", torch.is_autocast_cache_enabled, torch.set_autocast_cache_enabled, False
)
# as a CPU computes: convolutions of float32 in float32, and sums of bfloat16 in float32
OF_CUDA = (
    # by the older name: after the newer one alone, torch.export fails in this process
    _attribute("cudnn.allow_tf32", False),
    _attribute("cuda.matmul.allow_bf16_reduced_precision_reduction", False),
)
