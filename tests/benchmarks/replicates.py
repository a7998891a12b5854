"""An epoch of several small runs: together, as the device suits it, and one after the other.

    replicates.py [cpu|cuda] [runs ...]

S-FC (alpha = 1) on CIFAR-10, half of the runs with β-LASSO: with AutoAugment on a CPU, where runs
of one seed go in step and share it; in the reproduction's setting on a GPU, where runs of any seed
are stacked.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from epoch import load_images
from timing import Report, device_asked, interleaved

from lcs import data
from lcs.checkpoint import Checkpoint
from lcs.config import Config
from lcs.together import KINDS
from lcs.train import Run

REPEATS = 5
SGD = Config(loss="bce", precision="bf16")
LASSO = SGD.replace(optimizer="beta-lasso", l1=2e-5, beta=50.0)


class Nothing(Checkpoint):
    """A checkpoint that has never been written."""

    def load(self) -> None:
        return None


def main() -> None:
    device = device_asked()
    counts = [int(word) for word in sys.argv[2:]] or [4]
    images = load_images()
    data.load = lambda name: images
    report = Report("replicates", device.type)
    for count in counts:
        configs = grid(device, count)
        report.table(
            f"{count} runs of S-FC, α = 1: an epoch of each",
            interleaved(
                {"together": together(configs, device), "one by one": alone(configs, device)},
                repeats=REPEATS,
            ),
            unit="seconds",
            scale=1,
            ratios=[("together", "one by one", "<= 1")],
        )


def grid(device: torch.device, count: int) -> list[Config]:
    """Return runs that can train together on the device."""
    both = [(SGD, LASSO)[i % 2] for i in range(count)]
    if device.type == "cuda":
        return [config.replace(seed=i // 2) for i, config in enumerate(both)]
    rates = [0.1 / (1 + i // 2) for i in range(count)]
    return [c.replace(lr=lr, augment="autoaugment") for c, lr in zip(both, rates, strict=True)]


def together(configs: Sequence[Config], device: torch.device) -> Callable[[], None]:
    group = KINDS[device.type](configs, device, [Nothing(config, Path()) for config in configs])
    numbers = itertools.count()
    return lambda: group.run_epoch(next(numbers), record=False)


def alone(configs: Sequence[Config], device: torch.device) -> Callable[[], None]:
    runs = [Run.start(config, device) for config in configs]
    numbers = itertools.count()

    def epoch() -> None:
        number = next(numbers)
        for run in runs:
            run.run_epoch(number, record=False)

    return epoch


if __name__ == "__main__":
    main()
