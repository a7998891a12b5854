"""How far β-LASSO shrinks weights without data, and a bound from description length.

The law of shrinkage is this book's. It takes no account of batch normalisation, which makes the
gradient of a filter grow as its norm shrinks.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from lcs import data
from lcs.config import Config
from lcs.errors import ConfigError
from lcs.optim.learning_rate import learning_rate
from lcs.train.batches import steps_per_epoch

Curve = npt.NDArray[np.float64]


def rates(config: Config) -> Curve:
    """Learning rate η of every step, on all training images: (epochs, steps of an epoch).

    Raises ConfigError for a run on a part of them.
    """
    if config.train_share < 1 or config.validation:
        raise ConfigError("train_share, validation: the law is of runs on all training images")
    steps = steps_per_epoch(data.spec(config.dataset).train_size, config.batch_size)
    return np.array([[learning_rate(config, epoch)] * steps for epoch in range(config.epochs)])


def total_shrinkage(config: Config) -> Curve:
    """λ(β + Σ η) of the first layer at each epoch's end: (epochs,), in units of the weights.

    Without a gradient of the loss, a weight that starts below it is zero by then: the sub-gradient
    takes λη in every step, and the threshold the last λβ. The page `figure3` calls it the reach.

    Raises ConfigError for a λ that grows, and as `rates` does.
    """
    if config.l1_growth:
        raise ConfigError("l1_growth: the law is of one λ for the whole layer")
    return config.l1 * (config.beta + rates(config).sum(1).cumsum())


def remaining_share(config: Config) -> Curve:
    """Share of the first layer above `total_shrinkage` at the start, by epoch: (epochs,).

    For S-FC with the default initialisation, uniform within ± 1 / √n for fan-in n.

    Raises ConfigError for another network, and as `total_shrinkage` does.
    """
    if config.model != "s-fc":
        raise ConfigError(f"model: the law is of s-fc, not of {config.model!r}")
    fan_in = math.prod(data.spec(config.dataset).image_shape)
    return np.clip(1 - math.sqrt(fan_in) * total_shrinkage(config), 0, 1)


def mdl_bound(
    training_error: float,
    *,
    samples: int,
    parameters: int,
    free_parameters: int,
    nonzero: int,
    bits: int = 32,
    delta: float = 0.05,
) -> float:
    r"""Upper bound on the test error, with probability 1 - delta (Neyshabur 2020, Theorem 2).

    .. math::
        L_D \le L_S + \sqrt{\frac{k b + |d(g)| + \log(2n/\delta)}{2m}},
        \qquad |d(g)| \le \|w\|_0 \log(kn) + 2 \log n

    with L_S `training_error`, a fraction; m `samples`, the number of training images; n
    `parameters`, the weights that the architecture could have; ‖w‖₀ `nonzero`, those that are not
    zero; k `free_parameters`, the distinct values among them (fewer than ‖w‖₀ where weights are
    shared, as in a convolution, else equal to it); b `bits` for each value; δ `delta`.

    The paper does not say to which base its logarithms are. Here kb and |d(g)| are lengths in bits,
    so those of |d(g)| are base 2, and that of the confidence term is natural, as in the theorem
    that it rests on (Shalev-Shwartz & Ben-David 2014, Theorem 7.7). The bound is not cut off at 1:
    above 1 it promises nothing, but still ranks networks.

    Raises ConfigError for a number out of range.
    """
    ranges: list[tuple[str, float, float, float]] = [
        ("training_error", training_error, 0, 1),
        ("samples", samples, 1, math.inf),
        ("parameters", parameters, 1, math.inf),
        ("free_parameters", free_parameters, 1, parameters),
        ("nonzero", nonzero, 0, parameters),
        ("bits", bits, 1, math.inf),
    ]
    for name, value, low, high in ranges:
        if not low <= value <= high:
            raise ConfigError(f"{name}: expected a number from {low:g} to {high:g}, got {value}")
    if not 0 < delta <= 1:
        raise ConfigError(f"delta: expected a probability above 0, at most 1, got {delta}")
    n, k, m = parameters, free_parameters, samples
    structure = nonzero * math.log2(k * n) + 2 * math.log2(n)  # |d(g)|
    return training_error + math.sqrt((k * bits + structure + math.log(2 * n / delta)) / (2 * m))
