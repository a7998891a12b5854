"""Can it be proved cheaply that no zero returns? A bound on the gradient beside the gradient.

A run of β-LASSO on real images is stopped after some epochs. For a batch, the gradient of the first
layer is computed and searched for entries that would carry a zero past the threshold; beside it,
`gradient_bound` proves of all but a few entries that they do not.

    bound.py [cpu|cuda] [alpha ...]
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial

import torch
from gradient_bound import AXES, SUMMED, GradientBound
from timing import Report, device_asked, interleaved
from torch import Tensor

from lcs.config import Config
from lcs.run import Run
from lcs.schedule import learning_rate

DATASET, EPOCHS = "cifar10", 52
# epochs after which a batch is looked at, and how often each way is timed
MEASURED = (5, 10, 15, 20, 25, 30, 35, 40, 45, 50)
REPEATS = 15


def main() -> None:
    device = device_asked()
    report = Report("bound", device.type)
    for width in [int(word) for word in sys.argv[2:]] or [4, 16]:
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
    """Time the search of the gradient and the bound for one batch, and note what the bound took."""
    config, weight = run.config, run.model.conv1.weight
    delta, x, value = operands(run, epoch)
    bound = GradientBound()
    units, _ = bound.candidates(delta, x, value)  # from little work to as much as is needed
    summed = SUMMED[bound.level]
    axes = (AXES if bound.level else 1) if summed < 1 else 0
    density = int(torch.count_nonzero(weight)) / weight.numel()
    report.table(
        f"S-FC, α = {config.base_channels}, after {epoch} epochs: {density:.1%} left",
        interleaved(
            {
                "gradient": synchronised(lambda: search(delta, x), run.device),
                "bound": synchronised(lambda: bound.candidates(delta, x, value), run.device),
            },
            repeats=REPEATS,
        ),
        unit="milliseconds a step",
        scale=1e3,
        ratios=[("bound", "gradient", "")],
        measured="bound",
        base_channels=config.base_channels,
        epoch=epoch,
        epochs=EPOCHS,
        density=density,
        terms=summed + axes / len(x),
        candidates=len(units) / weight.numel(),
        returning=int(((delta @ x.float()).abs() >= value).sum()) / weight.numel(),
    )


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


def search(delta: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
    """Return the smallest and the largest entry of the gradient."""
    lowest, highest = (delta.to(x.dtype) @ x).aminmax()
    return lowest, highest


def synchronised(action: Callable[[], object], device: torch.device) -> Callable[[], None]:
    def once() -> None:
        action()
        if device.type == "cuda":
            torch.cuda.synchronize()

    return once


if __name__ == "__main__":
    main()
