"""What this machine has and can do, found out in about a minute: `lcs doctor`."""

import os
import warnings
from collections.abc import Iterator
from importlib.util import find_spec

import torch

from lcs import data
from lcs.config import Config
from lcs.errors import DataError, LcsError, one_line
from lcs.optim.beta_lasso import compiler_works
from lcs.runs.provenance import hardware
from lcs.study.cost import product_rate
from lcs.train.loop import Run

CURVE = Config(
    dataset="digits", base_channels=8, optimizer="beta-lasso", l1=2e-3, l1_rest=1e-4, beta=10.0,
    augment="flip-crop", batch_size=128, epochs=2,
)  # fmt: skip
TOLERANCE = 0.05  # of a loss, relative, and of an accuracy

# a line of text, and whether it is good; None: there is nothing to pass or fail
Finding = tuple[bool | None, str]


def examine(device: torch.device) -> Iterator[Finding]:
    """Yield what is found of a device, and of what surrounds it, as it is found."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    single, half = (product_rate(device.type, bf16) or 1.0 for bf16 in (False, True))
    yield (
        None,
        f"{device}: {hardware(device)}; {cores} usable, {torch.get_num_threads()} threads; "
        f"torch {torch.__version__}; bf16 is {half / single:.1f} times as fast as fp32 in products",
    )
    for name, _, state in data.available():
        remedy = f"; get it by: lcs data get {name}" if state == "missing" else ""
        yield None, f"data set {name}: {state}{remedy}"
    yield None, "Ray: there" if find_spec("ray") else "Ray: not there; pip install -e '.[ray]'"
    yield compiler(device)
    try:
        yield training_curve(device)
    except (RuntimeError, LcsError) as error:  # the library alone has no data set
        good = None if isinstance(error, DataError) else False
        yield good, f"training curve: {one_line(error)}"


def compiler(device: torch.device) -> Finding:
    """Whether torch.compile works, which takes β-LASSO's steps; a CPU steps without it, too."""
    with warnings.catch_warnings(record=True, action="always") as caught:
        if compiler_works(device):
            return True, "torch.compile works"
    reason = caught[-1].message if caught else "torch.compile does not work here"
    return False if device.type == "cuda" else None, " ".join(str(reason).split())


def training_curve(device: torch.device) -> Finding:
    """Whether two epochs on the digits give the numbers of a CPU, up to rounding."""
    here, there = (Run.start(CURVE, d).replay(2) for d in (device, torch.device("cpu")))
    worst = max(
        *(abs(a / b - 1) for a, b in zip(here["train_loss"], there["train_loss"], strict=True)),
        *(abs(a - b) for a, b in zip(here["test_accuracy"], there["test_accuracy"], strict=True)),
    )
    return worst <= TOLERANCE, f"two epochs on digits: off those of a CPU by {worst:.2%}"
