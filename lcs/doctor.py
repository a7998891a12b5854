"""What this machine has and can do, found out in about a minute: `lcs doctor`.

Every check is a function of the device. On a CPU most of them compare it with itself: that
rehearses the check. CONTRIBUTING.md lists the branches that are a GPU's alone.
"""

from __future__ import annotations

import os
import shutil
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.util import find_spec
from typing import NamedTuple

import torch
from torch import Tensor, nn

from lcs import cost, data
from lcs.config import Config
from lcs.errors import DataError, LcsError, one_line
from lcs.optim import BetaLasso, sparse_products
from lcs.optim.beta_lasso import compiler_works
from lcs.optim.mixed_precision import bf16_products
from lcs.runs import default_store, readable
from lcs.runs.provenance import hardware
from lcs.train.run import Run
from lcs.train.timing import bare_products, seconds, training_step

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
STEP = Config(optimizer="beta-lasso", l1=5e-5, beta=50.0, precision="bf16", batch_size=512)
# widths at which steps are timed: the desk's, and the paper's
WIDTHS = {"cpu": 4, "cuda": 150}
# a step may take so many times its floor: most of a wide one is products
MOST_OVER_FLOOR = {"cpu": 4.0, "cuda": 2.0}
CURVE = Config(
    dataset="digits", base_channels=8, optimizer="beta-lasso", l1=2e-3, l1_rest=1e-4, beta=10.0,
    augment="flip-crop", batch_size=128, epochs=2,
)  # fmt: skip
TOLERANCE = 0.05  # of a loss, relative, and of an accuracy
DENSITIES = (0.005, 0.01, 0.02, 0.035, 0.05, 0.08, 0.1)


class Finding(NamedTuple):
    """One line; `good` is None where there is nothing to pass or fail."""

    good: bool | None
    text: str

    def __str__(self) -> str:
        """Return the line as it is printed."""
        return f"{ {None: '-', True: 'ok', False: 'FAIL'}[self.good]:5}{self.text}"


def examine(device: torch.device, desk: Mapping[str, Sequence[Config]]) -> Iterator[Finding]:
    """Yield what is found, as it is found.

    Args:
        device: from `lcs.train.device.choose_device`.
        desk: runs of studies at the desk scale, whose time is estimated.
    """
    width = WIDTHS[device.type]
    checks: dict[str, Callable[[], Iterator[Finding]]] = {
        "machine": lambda: machine(device),
        "surroundings": surroundings,
        "compiled step": lambda: compiled_step(device),
        "training curve": lambda: same_curve(device),
        "time of a step": lambda: step_over_floor(device, width),
    }
    if device.type == "cuda":
        checks["sparse products"] = lambda: sparse_limits(device, width)
    else:
        checks["time of runs"] = lambda: desk_cost(device, desk)
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
    a, b = torch.rand(512, 3072, device=device), torch.rand(3072, 4096, device=device)
    half = a.bfloat16(), b.bfloat16()
    with bf16_products(device):
        single, bf16 = seconds(device, lambda: a @ b, lambda: half[0] @ half[1])
    yield Finding(
        None,
        f"{device}: {hardware(device)}; {cores} usable, {torch.get_num_threads()} threads; "
        f"torch {torch.__version__}; bf16 is {single / bf16:.1f} times as fast as fp32 in products",
    )


def surroundings() -> Iterator[Finding]:
    """Data sets, Ray, and a browser: nothing here need be there."""
    for name, _, state in data.available():
        remedy = f"; get it by: lcs data get {name}" if state == "missing" else ""
        yield Finding(None, f"data set {name}: {state}{remedy}")
    ray = find_spec("ray") is not None
    missing = "Ray: not there; in the checkout, pip install -e '.[ray]'"
    yield Finding(None, "Ray: there" if ray else missing)
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    yield Finding(
        None, f"browser: {'there' if browser else 'not there; tests of pages may be skipped'}"
    )


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


def step_over_floor(device: torch.device, width: int) -> Iterator[Finding]:
    """Time of a step of S-FC, against its bare products and one pass over its weights."""
    config = STEP.replace(base_channels=width)
    with training_step(config, device) as step:
        whole, floor = seconds(device, step, bare_products(config, device))
    yield Finding(
        whole <= MOST_OVER_FLOOR[device.type] * floor,
        f"a step of S-FC at α = {width}: {1e3 * whole:.1f} ms, {whole / floor:.1f} times its floor",
    )


def sparse_limits(device: torch.device, width: int) -> Iterator[Finding]:
    """Density of the first layer from which on down sparse products are faster than dense."""
    config = STEP.replace(base_channels=width, frozen_zeros=True)
    limit = 0.0
    with training_step(config, device) as dense:
        for density in DENSITIES:
            with training_step(config, device, "frozen", density) as step:
                ours, theirs = seconds(device, step, dense)
            if ours > theirs:
                break
            limit = density
    name = sparse_products.limits_name(device, STEP.precision)
    place = f'PAYS_BELOW["{name}"] in lcs/optim/sparse_products.py'
    now = sparse_products.PAYS_BELOW[name]
    yield Finding(None, f"sparse products: faster up to density {limit:g}; {place} is {now:g}")


def desk_cost(device: torch.device, desk: Mapping[str, Sequence[Config]]) -> Iterator[Finding]:
    """Time of runs by what stored ones took, and by what a step takes here at this moment."""
    config = STEP.replace(base_channels=WIDTHS[device.type], epochs=100)
    pace = cost.Pace(device.type, readable(default_store()))
    expected = pace.seconds(config)
    if expected is None:
        return
    with training_step(config, device) as step:
        steps = data.spec(config.dataset).train_size / config.batch_size * config.epochs
        slower = seconds(device, step)[0] * steps / expected
    for name, configs in desk.items():
        stored = sum(pace.seconds(each) or 0.0 for each in configs)
        text = f"{len(configs)} runs of {name} at the desk scale: {cost.about(stored)}"
        here = cost.duration(slower * stored)
        yield Finding(None, f"{text} as they took for the book, {here} by a step's time here")
