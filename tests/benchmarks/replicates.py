"""Several small runs that share their augmentation in step, and the same one after the other.

    replicates.py [runs]

S-FC (alpha = 1) on CIFAR-10 with AutoAugment, half of the runs with β-LASSO. A run has `EPOCHS`
epochs; the time of building it and of writing its record is in the clock of both.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Sequence

from epoch import load_images
from timing import Report, interleaved

from lcs import data
from lcs.config import Config
from lcs.runs import RunStore
from lcs.train import train, train_group

REPEATS, EPOCHS = 5, 3
SGD = Config(loss="bce", precision="bf16", augment="autoaugment")
LASSO = SGD.replace(optimizer="beta-lasso", l1=2e-5, beta=50.0)


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 4
    images = load_images()
    data.load = lambda name: images
    configs = [
        (SGD, LASSO)[i % 2].replace(lr=0.1 / (1 + i // 2), epochs=EPOCHS) for i in range(count)
    ]
    actions = {
        "together": stored(lambda store: train_group(configs, store=store, device="cpu")),
        "one by one": stored(lambda store: one_by_one(configs, store)),
    }
    report = Report("replicates")
    report.table(
        f"{count} runs of S-FC, α = 1: {EPOCHS} epochs of each",
        interleaved(actions, repeats=REPEATS),
        unit="seconds",
        scale=1,
        ratios=[("together", "one by one", "<= 1")],
        measured="runs",
        model="s-fc",
        base_channels=1,
        runs=count,
    )


def one_by_one(configs: Sequence[Config], store: RunStore) -> None:
    for config in configs:
        train(config, store=store, device="cpu")


def stored(action: Callable[[RunStore], object]) -> Callable[[], None]:
    """Return the action with a new, empty store every time."""

    def once() -> None:
        with tempfile.TemporaryDirectory() as folder:
            action(RunStore(folder))

    return once


if __name__ == "__main__":
    main()
