"""Training steps of a run whose first layer becomes sparse: dense, exact and with frozen zeros.

A run of β-LASSO on real images is stopped after some epochs. Its next steps are taken densely;
exactly, with the whole gradient of the first layer and with `GradientBound`; and with frozen zeros.

    bound.py [cpu|cuda] [alpha ...]
"""

from __future__ import annotations

import copy
import itertools
import sys
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial

import torch
from timing import Report, device_asked, interleaved
from torch import Tensor

from lcs import gradient_bound, mixed_precision, sparse
from lcs.config import Config
from lcs.gradient_bound import GradientBound
from lcs.run import Run, make_optimizer
from lcs.schedule import learning_rate

DATASET, EPOCHS = "cifar10", 52
# epochs after which steps are timed, and how often
MEASURED = (15, 20, 25, 30, 35, 40, 45, 50)
REPEATS = 12
WHOLE = "exact, whole gradient"


def main() -> None:
    device = device_asked()
    report = Report("bound", device.type)
    for width in [int(word) for word in sys.argv[2:]] or [16]:
        along_a_run(width, device, partial(measure, report))


def along_a_run(width: int, device: torch.device, look: Callable[[Run, int], None]) -> None:
    """Train a network, and look at a batch after some epochs."""
    config = Config(
        dataset=DATASET, model="s-fc", base_channels=width, epochs=EPOCHS, loss="cross-entropy",
        augment="flip-crop", normalize="standard", precision="bf16", optimizer="beta-lasso",
        beta=50.0, l1=1e-4, l1_rest=1e-5,
    )  # fmt: skip
    run = Run.start(config, device)
    for epoch in range(EPOCHS):
        if epoch in MEASURED:
            look(run, epoch)
        run.run_epoch(epoch, record=False)


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
        actions[WHOLE] = partial(without_bound, actions[WHOLE])
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
    forward = stack.enter_context(sparse.sparse_first_layer(net, optimizer, mode))
    stack.enter_context(mixed_precision.bf16_weights(net, optimizer))

    def step() -> None:
        x, labels = next(batches)
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(run.logits(forward, x), labels).backward()
        optimizer.step()

    return step


def without_bound(step: Callable[[], None]) -> None:
    """Take a step for which the whole gradient is computed."""
    directions = gradient_bound.DIRECTIONS
    gradient_bound.DIRECTIONS = ()
    try:
        step()
    finally:
        gradient_bound.DIRECTIONS = directions


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
    torch.nn.functional.cross_entropy(run.logits(run.model, x), labels).backward()
    hook.remove()
    run.optimizer.zero_grad()
    config = run.config
    lr = learning_rate(config, epoch, 0, run.training.steps)
    return seen[0], x.flatten(1), config.beta * config.l1 / lr


def synchronised(action: Callable[[], object], device: torch.device) -> Callable[[], None]:
    def once() -> None:
        action()
        if device.type == "cuda":
            torch.cuda.synchronize()

    return once


if __name__ == "__main__":
    main()
