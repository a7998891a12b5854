"""The learning rate's schedule."""

import math

from lcs.config import CUT_BETWEEN_PERIODS, Config


def learning_rate(config: Config, epoch: int) -> float:
    """Learning rate of an epoch, counted from 0: a cosine (SGDR, Loshchilov & Hutter 2017).

    Past its period it rises as it fell. With "cosine-restart", and where weights are cut between
    periods, each period begins anew at the top.
    """
    if config.schedule == "constant":
        return config.lr
    if config.schedule == "cosine-restart" or config.pruning in CUT_BETWEEN_PERIODS:
        epoch %= config.cycle_epochs
    return config.lr / 2 * (1 + math.cos(math.pi * epoch / config.cycle_epochs))
