"""What augmentation, loss and λ add to the gain of β = 50, from the factorial of `studies`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from lcs.config import Config
from lcs.exhibits import compare
from lcs.exhibits.compare import Conditions, Reference, Values
from lcs.exhibits.why.studies import equal_rates
from lcs.stats import Interval, mean_interval

AUGMENTED_CROSS_ENTROPY: dict[str, object] = {
    "loss": "cross-entropy",
    "lr": 0.1,
    "augment": "flip-crop",
}

# from a cell to the one with a factor changed; itself where it is not at the level to start from
Change = Callable[[Config], Config]


class Contrast(NamedTuple):
    """The gain of β = 50 before and after a change, and how much the change adds, in points."""

    before: Interval
    after: Interval
    change: Interval


def contrast(
    found: Conditions, pairs: Sequence[tuple[Config, Config]], reference: Reference
) -> Contrast | None:
    """Return the mean gain over pairs of conditions, before and after, paired by seed.

    Args:
        found: the runs of each condition.
        pairs: conditions with β = 50, before and after a change.
        reference: from a condition to the one that it gains on.
    """
    configs = [one for one, _ in pairs] + [other for _, other in pairs]
    if not pairs or any(c not in found or reference(c) not in found for c in configs):
        return None
    before, after = (half.mean(0) for half in np.split(gains(found, configs, reference), 2))
    return Contrast(*map(mean_interval, (before, after, after - before)))


def gains(
    found: Conditions,
    configs: Sequence[Config],
    reference: Reference,
    of: Values = compare.accuracies,
) -> npt.NDArray[np.float64]:
    """Return the gains of conditions in the seeds that all have: shape (conditions, seeds)."""
    runs = (found[c] for config in configs for c in (config, reference(config)))
    values = np.array([*compare.by_seed(*runs, of=of).values()]).T.reshape(len(configs), 2, -1)
    return values[:, 0] - values[:, 1]


def effect(
    found: Conditions,
    change: Change,
    reference: Reference,
    where: Callable[[Config], bool] = lambda _: True,
) -> Contrast | None:
    """Return `contrast` over all pairs of cells that differ by `change`, from those `where`."""
    largest: dict[tuple[str, float], float] = {}  # β = 50, as each loss and learning rate has it
    for config in found:
        key = config.loss, config.lr
        largest[key] = max(config.beta, largest.get(key, 0.0))
    sparse = [c for c in found if c.beta and c.beta == largest[c.loss, c.lr] and where(c)]
    pairs = [(one, other) for one in sparse if (other := change(one)) in found and other != one]
    return contrast(found, pairs, reference)


def has_stronger_l1(config: Config) -> bool:
    """Whether a run has the stronger λ: it is another in the other layers."""
    return config.optimizer == "beta-lasso" and config.l1_rest is not None


def add_augmentation(config: Config) -> Config:
    """Return the same cell with flips and crops."""
    return config.replace(augment="flip-crop")


def use_cross_entropy(config: Config) -> Config:
    """Return the same cell with cross-entropy, at the same learning rate and λ."""
    return config.replace(loss="cross-entropy")


def use_cross_entropy_at_equal_rates(config: Config) -> Config:
    """Return the same cell with cross-entropy, and steps of the same size."""
    return equal_rates(config) if config.loss == "bce" else config
