"""Training of a first layer that becomes sparse: dense, exact and with frozen zeros.

Steps: a run of β-LASSO on real images is stopped after some epochs. Its next steps are taken
densely; exactly, with the whole gradient of the first layer and with `GradientBound`; and with
frozen zeros. Whole runs: the same four ways from the first epoch to the last, epoch by epoch.

    bound.py [cpu|cuda] [alpha ...] [run:alpha ...]
"""

from __future__ import annotations

import copy
import itertools
import math
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from types import ModuleType

import torch
from parts import backward
from timing import Report, device_asked, interleaved, synchronised
from torch import Tensor

from lcs.config import Config
from lcs.optim import gradient_bound, mixed_precision, sparse_products
from lcs.optim.gradient_bound import GradientBound
from lcs.optim.learning_rate import learning_rate
from lcs.train.run import Run
from lcs.train.setup import make_optimizer

DATASET, EPOCHS = "cifar10", 52
# epochs after which steps are timed, and how often
MEASURED = (15, 20, 25, 30, 35, 40, 45, 50)
REPEATS = 12
WHOLE = "exact, whole gradient"


def main() -> None:
    device = device_asked()
    report = Report("bound", device.type)
    for word in sys.argv[2:] or ["16", "run:8"]:
        kind, _, width = word.rpartition(":")
        if kind == "run":
            whole_runs(report, int(width), device)
        else:
            along_a_run(int(width), device, partial(measure, report))


def settings(width: int) -> Config:
    return Config(
        dataset=DATASET, model="s-fc", base_channels=width, epochs=EPOCHS, loss="cross-entropy",
        augment="flip-crop", normalize="standard", precision="bf16", optimizer="beta-lasso",
        beta=50.0, l1=1e-4, l1_rest=1e-5,
    )  # fmt: skip


def along_a_run(width: int, device: torch.device, look: Callable[[Run, int], None]) -> None:
    """Train a network, and look at a batch after some epochs."""
    run = Run.start(settings(width), device)
    for epoch in range(EPOCHS):
        if epoch in MEASURED:
            look(run, epoch)
        run.run_epoch(epoch, record=False)


def whole_runs(report: Report, width: int, device: torch.device) -> None:
    """Time every epoch of four runs that take turns; the two exact ones end with the same bits."""
    config = settings(width)
    runs = {
        name: Run.start(config.replace(frozen_zeros=name == "frozen"), device)
        for name in ("dense", WHOLE, "exact", "frozen")
    }
    epochs = {
        name: synchronised(partial(next_epoch, run, itertools.count()), device)
        for name, run in runs.items()
    }
    epochs["dense"] = partial(changed, sparse_products, "PAYS_FROM", math.inf, epochs["dense"])
    epochs[WHOLE] = partial(changed, gradient_bound, "DIRECTIONS", (), epochs[WHOLE])
    times = interleaved(epochs, repeats=EPOCHS, warm_ups=0)
    weights = {name: run.model.conv1.weight for name, run in runs.items()}
    if not torch.equal(weights[WHOLE], weights["exact"]):
        raise AssertionError("the bound has changed the run")
    report.table(
        f"S-FC, α = {width}, {EPOCHS} epochs",
        times,
        unit="seconds an epoch",
        scale=1,
        ratios=[(name, "dense", "") for name in (WHOLE, "exact", "frozen")],
        measured="whole run",
        base_channels=width,
        epochs=EPOCHS,
        density=int(torch.count_nonzero(weights["exact"])) / weights["exact"].numel(),
    )


def next_epoch(run: Run, numbers: Iterator[int]) -> None:
    run.run_epoch(next(numbers), record=False)


def changed(module: ModuleType, name: str, value: object, action: Callable[[], None]) -> None:
    """Take an action while a constant of a module has another value."""
    before = getattr(module, name)
    setattr(module, name, value)
    try:
        action()
    finally:
        setattr(module, name, before)


def measure(report: Report, run: Run, epoch: int) -> None:
    """Time the next steps of each kind, and note how much of the gradient the bound summed."""
    config, weight = run.config, run.model.conv1.weight
    delta, x, value = operands(run, epoch)
    bound = GradientBound()
    units, _ = bound.candidates(delta, x, value)
    terms = (
        gradient_bound.DIRECTIONS[bound.level]
        if bound.level < len(gradient_bound.DIRECTIONS)
        else len(x)
    )
    density = int(torch.count_nonzero(weight)) / weight.numel()
    with ExitStack() as stack:
        modes = {"dense": "dense", WHOLE: "exact", "exact": "exact", "frozen": "frozen"}
        actions = {
            name: synchronised(steps(stack, run, epoch, mode), run.device)
            for name, mode in modes.items()
        }
        actions[WHOLE] = partial(changed, gradient_bound, "DIRECTIONS", (), actions[WHOLE])
        times = interleaved(actions, repeats=REPEATS, warm_ups=2)
    report.table(
        f"S-FC, α = {config.base_channels}, after {epoch} epochs: {density:.1%} left",
        times,
        unit="milliseconds a step",
        scale=1e3,
        ratios=[(name, "dense", "") for name in (WHOLE, "exact", "frozen")],
        measured="bound",
        base_channels=config.base_channels,
        epoch=epoch,
        epochs=EPOCHS,
        density=density,
        terms=terms / len(x),
        candidates=len(units) / weight.numel(),
        returning=int(((delta @ x.float()).abs() >= value).sum()) / weight.numel(),
    )


def steps(stack: ExitStack, run: Run, epoch: int, mode: str) -> Callable[[], None]:
    """Return a function that takes the next step of a copy of the run, in a mode."""
    config = run.config.replace(frozen_zeros=mode == "frozen")
    net = copy.deepcopy(run.model).train()
    optimizer = make_optimizer(config, net)
    for group in optimizer.param_groups:
        group["lr"] = learning_rate(config, epoch, 0, run.training.steps)
    batches = itertools.cycle(list(itertools.islice(run.training.batches(epoch), REPEATS)))
    forward = stack.enter_context(sparse_products.sparse_first_layer(net, optimizer, mode))
    stack.enter_context(mixed_precision.bf16_weights(net, optimizer))

    def step() -> None:
        x, labels = next(batches)
        optimizer.zero_grad()
        backward(torch.nn.functional.cross_entropy(run.logits(forward, x), labels))
        optimizer.step()

    return step


def operands(run: Run, epoch: int) -> tuple[Tensor, Tensor, float]:
    """Return what decides whether a zero returns in the first batch of an epoch.

    Returns:
        δ (units, N) of the first layer's outputs, its inputs (N, inputs), and the gradient βλ/η
        from which on a step carries a zero past the threshold.
    """
    run.model.train()
    x, labels = next(run.training.batches(epoch))
    seen: list[Tensor] = []

    def note(_: object, __: object, output: Tensor) -> None:
        output.register_hook(lambda gradient: seen.append(gradient.t().float().contiguous()))

    hook = run.model.conv1.register_forward_hook(note)
    backward(torch.nn.functional.cross_entropy(run.logits(run.model, x), labels))
    hook.remove()
    run.optimizer.zero_grad()
    config = run.config
    lr = learning_rate(config, epoch, 0, run.training.steps)
    return seen[0], x.flatten(1), config.beta * config.l1 / lr


if __name__ == "__main__":
    main()
