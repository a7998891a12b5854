"""Two laws of β-LASSO that leave out the data: how far it draws weights, and when they return.

Both are ours. Neither knows of batch normalisation, before which a filter's gradient grows as its
norm shrinks.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from lcs import data
from lcs.batches import steps_per_epoch
from lcs.config import Config
from lcs.train import learning_rate

Curve = npt.NDArray[np.float64]


def rates(config: Config) -> Curve:
    """Learning rate η of every step, on all training images: (epochs, steps of an epoch)."""
    steps = steps_per_epoch(data.spec(config.dataset).train_size, config.batch_size)
    epochs = range(config.epochs)
    return np.array([[learning_rate(config, e, s, steps) for s in range(steps)] for e in epochs])


def reach(config: Config) -> Curve:
    """λ(β + Σ η) of the first layer at each epoch's end: (epochs,), in units of the weights.

    A weight that starts below it is gone by then, if the loss has no say: the threshold takes
    λβ at once, the sub-gradient λη in every step.
    """
    return config.l1 * (config.beta + rates(config).sum(1).cumsum())


def dead_zone(config: Config) -> Curve:
    """βλ / η at each epoch's start: (epochs,); a weight at zero stays there for gradients below."""
    return config.beta * config.l1 / rates(config)[:, 0]


def remaining_share(config: Config) -> Curve:
    """Share of the first layer that the reach leaves at each epoch's end: (epochs,).

    For S-FC with the default initialisation, uniform within ± 1 / √n for fan-in n.
    """
    fan_in = math.prod(data.spec(config.dataset).image_shape)
    return np.clip(1 - math.sqrt(fan_in) * reach(config), 0, 1)
