"""The learning rate's schedule."""

from __future__ import annotations

import math

from lcs.config import Config


def learning_rate(config: Config, epoch: int, step: int, steps: int) -> float:
    """Learning rate of a step (both counted from 0) of an epoch of `steps`.

    The cosine is that of SGDR without restarts; past its period it rises as it fell, as
    `torch.optim.lr_scheduler.CosineAnnealingLR` does past its `T_max`.
    """
    if config.schedule == "constant":
        return config.lr
    done = epoch if config.schedule == "cosine-epoch" else epoch + step / steps
    return config.lr / 2 * (1 + math.cos(math.pi * done / (config.period or config.epochs)))
