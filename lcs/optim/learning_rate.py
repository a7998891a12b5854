"""The learning rate's schedule."""

from __future__ import annotations

import math

from lcs.config import CUT_BETWEEN_PERIODS, Config


def learning_rate(config: Config, epoch: int) -> float:
    """Learning rate of an epoch, counted from 0, by a run's configuration.

    With "cosine-restart", and where weights are cut between periods, each period begins anew at the
    top.
    """
    if config.schedule == "constant":
        return config.lr
    if config.schedule == "cosine-restart" or config.pruning in CUT_BETWEEN_PERIODS:
        epoch %= config.cycle_epochs
    return cosine(config.lr, epoch, config.cycle_epochs)


def cosine(lr: float, epoch: float, period: int) -> float:
    """Learning rate that falls from `lr` to 0 in `period` epochs; epochs are counted from 0.

    The cosine is that of SGDR (Loshchilov & Hutter, ICLR 2017); past its period it rises as it
    fell, as `torch.optim.lr_scheduler.CosineAnnealingLR` does past its `T_max`.
    """
    return lr / 2 * (1 + math.cos(math.pi * epoch / period))
