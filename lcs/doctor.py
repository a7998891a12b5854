"""What this machine has and can do, found out in about a minute: `lcs doctor`.

Every check is a function of the device; the training curve of a CPU is compared with itself.
CONTRIBUTING.md lists the branches that are a GPU's alone.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from typing import NamedTuple

import torch
from torch import Tensor, nn

from lcs import cost, data
from lcs.config import Config
from lcs.errors import DataError, LcsError, one_line
from lcs.optim import BetaLasso
from lcs.optim.beta_lasso import compiler_works
from lcs.runs.provenance import hardware
from lcs.train.loop import Run

CURVE = Config(
    dataset="digits", base_channels=8, optimizer="beta-lasso", l1=2e-3, l1_rest=1e-4, beta=10.0,
    augment="flip-crop", batch_size=128, epochs=2,
)  # fmt: skip
TOLERANCE = 0.05  # of a loss, relative, and of an accuracy


class Finding(NamedTuple):
    """One line; `good` is None where there is nothing to pass or fail."""

    good: bool | None
    text: str

    def __str__(self) -> str:
        """Return the line as it is printed."""
        return f"{ {None: '-', True: 'ok', False: 'FAIL'}[self.good]:5}{self.text}"


def examine(device: torch.device) -> Iterator[Finding]:
    """Yield what is found of a device, and of what surrounds it, as it is found."""
    checks: dict[str, Callable[[], Iterator[Finding]]] = {
        "machine": lambda: machine(device),
        "surroundings": surroundings,
        "compiled step": lambda: compiled_step(device),
        "training curve": lambda: same_curve(device),
    }
    for name, check in checks.items():
        try:
            yield from check()
        except DataError as error:  # the library alone has no data set
            yield Finding(None, f"{name}: {one_line(error)}")
        except (RuntimeError, LcsError) as error:  # the other checks can still tell something
            yield Finding(False, f"{name}: {one_line(error)}")


def machine(device: torch.device) -> Iterator[Finding]:
    """Processor or accelerator, threads, and how bf16 products compare with those of fp32."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    single, half = (cost.product_rate(device.type, bf16) or 1.0 for bf16 in (False, True))
    yield Finding(
        None,
        f"{device}: {hardware(device)}; {cores} usable, {torch.get_num_threads()} threads; "
        f"torch {torch.__version__}; bf16 is {half / single:.1f} times as fast as fp32 in products",
    )


def surroundings() -> Iterator[Finding]:
    """Data sets and Ray: nothing here need be there."""
    for name, _, state in data.available():
        remedy = f"; get it by: lcs data get {name}" if state == "missing" else ""
        yield Finding(None, f"data set {name}: {state}{remedy}")
    ray = find_spec("ray") is not None
    missing = "Ray: not there; in the checkout, pip install -e '.[ray]'"
    yield Finding(None, "Ray: there" if ray else missing)


def compiled_step(device: torch.device) -> Iterator[Finding]:
    """Whether torch.compile works, and β-LASSO's compiled step is the plain one."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        works = compiler_works(device)
    if not works:  # a CPU steps without it, more slowly
        reason = caught[-1].message if caught else "torch.compile does not work here"
        yield Finding(False if device.type == "cuda" else None, " ".join(str(reason).split()))
        return
    generator = torch.Generator().manual_seed(0)
    start, gradient = (torch.randn(1 << 20, generator=generator).to(device) for _ in range(2))
    results: list[Tensor] = []
    for compiled in (True, False):
        weight = nn.Parameter(start.clone())
        weight.grad = gradient.clone()
        BetaLasso([weight], lr=0.1, l1=0.01, beta=5.0, compiled=compiled).step()
        results.append(weight.detach())
    # rounding may put a weight on the other side of the threshold
    differ = float((~torch.isclose(results[0], results[1], rtol=1e-5, atol=1e-6)).double().mean())
    yield Finding(differ < 1e-3, f"torch.compile: {differ:.2%} of the weights differ after a step")


def same_curve(device: torch.device) -> Iterator[Finding]:
    """Whether two epochs on the digits give the numbers of a CPU, up to rounding."""
    here, there = (Run.start(CURVE, d).replay(2) for d in (device, torch.device("cpu")))
    worst = max(
        *(abs(a / b - 1) for a, b in zip(here["train_loss"], there["train_loss"], strict=True)),
        *(abs(a - b) for a, b in zip(here["test_accuracy"], there["test_accuracy"], strict=True)),
    )
    yield Finding(worst <= TOLERANCE, f"two epochs on digits: off those of a CPU by {worst:.2%}")
