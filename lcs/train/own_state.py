"""The state of torch in which runs compute, whatever their caller has set."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
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

    def put(self, value: Any) -> None:
        """Write a value, unless it is there."""
        if self.read() != value:
            self.write(value)


@contextmanager
def own_state(device: torch.device) -> Iterator[dict[str, dict[str, str]]]:
    """Compute in the state of a run, and restore that of the caller, with its generators.

    Yields what provenance says of it, under `caller_state`: the settings that were not torch's
    defaults, with their values. Threads of torch's that began to flush denormal numbers go on.
    """
    found = {} if torch.is_grad_enabled() else {"grad_enabled": "False"}
    with torch.inference_mode(False), ExitStack() as restored:  # which has gradients
        if (place := torch.get_default_device()).type != "cpu":
            found["default_device"] = str(place)
            restored.enter_context(torch.device("cpu"))  # where it is, each operation is slower
        for setting in SETTINGS + (OF_CUDA if device.type == "cuda" else ()):
            before = setting.read()
            # "ieee" is another name of what "none" is by default
            if setting in SETTINGS and before not in (setting.own, "ieee"):
                found[setting.name] = str(before)
            setting.put(setting.own)
            restored.callback(setting.put, before)
        restored.enter_context(generators_kept(device))
        yield {"caller_state": found} if found else {}


def _attribute(path: str, own: Any, write: Callable[[Any], object] | None = None) -> Setting:
    place, _, name = path.rpartition(".")
    owner = operator.attrgetter(place)(torch)
    return Setting(path, partial(getattr, owner, name), write or partial(setattr, owner, name), own)


def _autocast(kind: str) -> Setting:
    read = partial(torch.is_autocast_enabled, kind)
    return Setting(f"autocast.{kind}", read, partial(torch.set_autocast_enabled, kind), False)


def _autocast_depth() -> int:
    torch.autocast_increment_nesting()
    return torch.autocast_decrement_nesting()


def _set_autocast_depth(depth: int) -> None:
    while _autocast_depth() < depth:
        torch.autocast_increment_nesting()
    while _autocast_depth() > depth:
        torch.autocast_decrement_nesting()


def _flushes_denormals() -> bool:
    """Whether this thread does, of which torch says nothing."""
    return not torch.full((), 1e-30, dtype=torch.float32, device="cpu") * 1e-10


def _cudnn_precision() -> tuple[bool | None, str, str]:
    """Of convolutions and recurrences, by the older name, where that is not contradicted."""
    cudnn: Any = torch.backends.cudnn
    older = None
    with suppress(RuntimeError):
        older = cudnn.allow_tf32
    return older, cudnn.conv.fp32_precision, cudnn.rnn.fp32_precision


def _set_cudnn_precision(values: tuple[bool | None, str, str]) -> None:
    cudnn: Any = torch.backends.cudnn
    older, conv, rnn = values
    if older is not None:
        cudnn.allow_tf32 = older
    cudnn.conv.fp32_precision, cudnn.rnn.fp32_precision = conv, rnn


# the values are torch's defaults, too
SETTINGS = (
    Setting("default_dtype", torch.get_default_dtype, torch.set_default_dtype, torch.float32),
    _autocast("cpu"),
    _autocast("cuda"),
    # within another, autocast would keep rounded weights from step to step
    Setting("autocast.depth", _autocast_depth, _set_autocast_depth, 0),
    Setting("flush_denormal", _flushes_denormals, torch.set_flush_denormal, False),
    Setting(
        "deterministic", torch.get_deterministic_debug_mode, torch.set_deterministic_debug_mode, 0
    ),
    _attribute("backends.mkldnn.enabled", True),
    _attribute("backends.mkldnn.deterministic", False),
    _attribute("backends.cudnn.enabled", True),
    _attribute("backends.cudnn.benchmark", False),
    _attribute("backends.cudnn.deterministic", False),
    # "none" is as the one before says: those are read, and restored, as they were set
    _attribute("backends.fp32_precision", "none"),
    _attribute(
        "backends.mkldnn.fp32_precision",
        "none",
        lambda value: torch.backends.mkldnn.set_flags(_fp32_precision=value),  # else all backends'
    ),
    _attribute("backends.mkldnn.matmul.fp32_precision", "none"),
    _attribute("backends.mkldnn.conv.fp32_precision", "none"),
    _attribute("backends.cudnn.fp32_precision", "none"),
    _attribute("backends.cuda.matmul.fp32_precision", "none"),
    # the older name of some of these
    Setting(
        "float32_matmul_precision",
        torch.get_float32_matmul_precision,
        torch.set_float32_matmul_precision,
        "highest",
    ),
)
# as a CPU computes: convolutions of float32 in float32, and sums of bfloat16 in float32
OF_CUDA = (
    # by the older name, too: else torch.export fails
    Setting("cudnn_precision", _cudnn_precision, _set_cudnn_precision, (False, "none", "none")),
    _attribute("backends.cuda.matmul.allow_bf16_reduced_precision_reduction", False),
)
