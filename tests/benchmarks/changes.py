"""What each change to the first version buys: an epoch of S-FC on CIFAR-10, change upon change.

    changes.py [alpha ...]

It begins with the conventional way (torchvision's data set through a loader, float32, an optimizer
operation by operation) and ends with `lcs.train`.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable
from itertools import pairwise

import torch
from conventional import PlainBetaLasso, conventional
from epoch import CONFIG, load_images
from timing import Report, interleaved

from lcs import data
from lcs.config import Config
from lcs.train.loop import Run

REPEATS = 3
CPU = torch.device("cpu")


def main() -> None:
    widths = [int(word) for word in sys.argv[1:]] or [1, 8]
    images = load_images()
    data.load = lambda name: images
    report = Report("changes")
    for width in widths:
        config = CONFIG.replace(base_channels=width)
        actions = {
            "first version": conventional(config, images, 0),
            "no data loader": ours(config, "fp32", plain=True),
            "products in bfloat16, by autocast": ours(config, "bf16", plain=True),
            "one pass, with rounded copies": ours(config, "bf16", plain=False),
        }
        report.table(
            f"S-FC, α = {width}: an epoch, change upon change",
            interleaved(actions, repeats=REPEATS),
            unit="seconds",
            scale=1,
            ratios=[(after, before, "") for before, after in pairwise(actions)],
            measured="changes",
            model="s-fc",
            base_channels=width,
        )


def ours(config: Config, precision: str, *, plain: bool) -> Callable[[], None]:
    """Return an epoch of `lcs.train`, with the plain optimizer in place of ours if asked."""
    run = Run.start(config.replace(precision=precision), CPU)
    if plain:
        names = ("params", "lr", "l1", "beta")
        groups = [{name: group[name] for name in names} for group in run.optimizer.param_groups]
        run.optimizer = PlainBetaLasso(groups, {})
    numbers = itertools.count()
    return lambda: run.run_epoch(next(numbers), record=False)


if __name__ == "__main__":
    main()
