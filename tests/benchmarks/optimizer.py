"""Optimizer step at 25 M weights (those of S-FC, alpha = 26): BetaLasso against torch's SGD."""

from __future__ import annotations

import torch
from timing import Report, interleaved
from torch import nn

from lcs import models
from lcs.optim import BetaLasso

REPEATS = 50


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
        "BetaLasso(foreach=True)": BetaLasso(parameters(), **settings, foreach=True).step,
        "BetaLasso(foreach=False)": BetaLasso(parameters(), **settings, foreach=False).step,
    }
    targets = {"compiled=True": "<= 1.3", "foreach=True": "<= 3", "foreach=False": ""}
    Report("optimizer").table(
        f"Optimizer step at {sum(map(torch.Size.numel, shapes)) / 1e6:.1f} M weights",
        interleaved(actions, repeats=REPEATS, warm_ups=3),
        unit="milliseconds",
        scale=1e3,
        ratios=[(f"BetaLasso({k})", "SGD(foreach=True)", target) for k, target in targets.items()],
    )


if __name__ == "__main__":
    main()
