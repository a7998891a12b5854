"""An epoch of several small runs: in step, as a group, and one after the other.

    replicates.py [cpu|cuda] [runs ...]

S-FC (alpha = 1) on CIFAR-10 with AutoAugment, half of the runs with β-LASSO. In a group, each epoch
is augmented once for all runs.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Sequence

import torch
from epoch import load_images
from timing import Report, device_asked, interleaved

from lcs import data
from lcs.config import Config
from lcs.train.loop import Run

REPEATS = 5
SGD = Config(loss="bce", precision="bf16")
LASSO = SGD.replace(optimizer="beta-lasso", l1=2e-5, beta=50.0)


def main() -> None:
    device = device_asked()
    counts = [int(word) for word in sys.argv[2:]] or [4]
    images = load_images()
    data.load = lambda name: images
    report = Report("replicates", device.type)
    for count in counts:
        configs = grid(count)
        report.table(
            f"{count} runs of S-FC, α = 1: an epoch of each",
            interleaved(
                {"together": together(configs, device), "one by one": alone(configs, device)},
                repeats=REPEATS,
            ),
            unit="seconds",
            scale=1,
            ratios=[("together", "one by one", "<= 1")],
            measured="runs",
            model="s-fc",
            base_channels=1,
            runs=count,
        )


def grid(count: int) -> list[Config]:
    """Return runs that can train together."""
    both = [(SGD, LASSO)[i % 2] for i in range(count)]
    rates = [0.1 / (1 + i // 2) for i in range(count)]
    return [c.replace(lr=lr, augment="autoaugment") for c, lr in zip(both, rates, strict=True)]


def together(configs: Sequence[Config], device: torch.device) -> Callable[[], None]:
    runs: list[Run] = []
    for config in configs:
        runs.append(Run.start(config, device, like=runs[-1] if runs else None))
    return epoch_of_each(runs)


def alone(configs: Sequence[Config], device: torch.device) -> Callable[[], None]:
    return epoch_of_each([Run.start(config, device) for config in configs])


def epoch_of_each(runs: Sequence[Run]) -> Callable[[], None]:
    numbers = itertools.count()

    def epoch() -> None:
        number = next(numbers)
        for run in runs:
            run.run_epoch(number, record=False)

    return epoch


if __name__ == "__main__":
    main()
