"""Optimizer step at 25 M weights (those of S-FC, alpha = 26): ours against torch's SGD."""

from __future__ import annotations

from collections.abc import Callable

import torch
from timing import Report, interleaved
from torch import nn

from lcs import models
from lcs.optim import FULL_PRECISION, SGD, BetaLasso

REPEATS = 50
MOMENTUM = {"lr": 0.1, "momentum": 0.9, "weight_decay": 5e-4}


def main() -> None:
    with torch.device("meta"):
        model = models.build("s-fc", num_classes=10, image_size=32, in_channels=3, base_channels=26)
    shapes = [parameter.shape for parameter in model.parameters()]
    gradients = [1e-3 * torch.randn(shape) for shape in shapes]

    def parameters() -> list[nn.Parameter]:
        result = [nn.Parameter(torch.empty(shape).uniform_(-0.02, 0.02)) for shape in shapes]
        for parameter, gradient in zip(result, gradients, strict=True):
            parameter.grad = gradient
        return result

    sgd = torch.optim.SGD(parameters(), lr=0.1, foreach=True)
    settings = {"lr": 0.1, "l1": 2e-5, "beta": 50.0}
    actions = {
        "SGD(foreach=True)": sgd.step,
        "BetaLasso(compiled=True)": BetaLasso(parameters(), **settings, compiled=True).step,
        "BetaLasso(compiled=False)": BetaLasso(parameters(), **settings).step,
    }
    lasso = [(name, "SGD(foreach=True)", "") for name in actions if name.startswith("Beta")]
    casts = "weights and gradients cast"
    conventional = {
        f"torch's SGD({path}=True), {casts}": with_casts(parameters(), path)
        for path in ("foreach", "fused")
    }
    ours = {
        f"SGD(compiled={compiled})": with_copies(parameters(), compiled)
        for compiled in (True, False)
    }
    momentum = [("SGD(compiled=True)", name, "<= 1") for name in conventional]
    report = Report("optimizer")
    for title, measured, each, ratios in (
        ("Step of β-LASSO and plain SGD", "optimizer step", actions, lasso),
        ("SGD with momentum, products in bf16", "SGD step", conventional | ours, momentum),
    ):
        report.table(
            f"{title}: S-FC, α = 26",
            interleaved(each, repeats=REPEATS, warm_ups=3),
            unit="milliseconds",
            ratios=ratios,
            measured=measured,
            model="s-fc",
            base_channels=26,
        )


def with_casts(weights: list[nn.Parameter], path: str) -> Callable[[], None]:
    """Return a step as autocast has it: weights are rounded and gradients cast back every time."""
    sgd = torch.optim.SGD(weights, **MOMENTUM, **{path: True})
    gradients = [weight.grad.bfloat16() for weight in weights]

    def step() -> None:
        for weight, gradient in zip(weights, gradients, strict=True):
            weight.detach().bfloat16()
            weight.grad = gradient.float()
        sgd.step()

    return step


def with_copies(weights: list[nn.Parameter], compiled: bool) -> Callable[[], None]:
    """Return a step that reads bf16 gradients, and writes bf16 copies of the weights."""
    copies = [nn.Parameter(weight.detach().bfloat16()) for weight in weights]
    sgd = SGD(copies, **MOMENTUM, compiled=compiled)
    for copy, weight in zip(copies, weights, strict=True):
        sgd.state[copy][FULL_PRECISION] = weight.detach()
        copy.grad = weight.grad.bfloat16()
    return sgd.step


if __name__ == "__main__":
    main()
