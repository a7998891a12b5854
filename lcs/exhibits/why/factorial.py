"""The factorial of augmentation, loss, λ and method: what each adds to the gain of β = 50."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from lcs.config import Config
from lcs.exhibits import cells, compare
from lcs.exhibits.compare import Conditions, Reference
from lcs.exhibits.settings import STRONGER_L1
from lcs.exhibits.why.studies import equal_rates
from lcs.stats import Interval, mean_interval

# from a cell to the one with a factor changed; None where it is not at the level to start from
Change = Callable[[Config], Config | None]

LOSSES: dict[str, dict[str, object]] = {
    "bce": {"loss": "bce"},
    "ce": {"loss": "cross-entropy", "lr": 0.1},
    "equal": {"loss": "cross-entropy", "lr": 0.01},
}
AUGMENTED_CROSS_ENTROPY: dict[str, object] = {**LOSSES["ce"], "augment": "flip-crop"}


def largest_thresholds(found: Conditions) -> list[Config]:
    """Return the conditions with the largest β of their loss and learning rate: those of β = 50."""
    largest: dict[tuple[str, float], float] = {}
    for config in found:
        key = config.loss, config.lr
        largest[key] = max(config.beta, largest.get(key, 0.0))
    return [c for c in found if c.beta and c.beta == largest[c.loss, c.lr]]


def cell(config: Config) -> str:
    """Name a cell of the factorial: loss, and λ where it is the stronger one."""
    scale = _rate_divisor(config)
    loss = cells.field_text(config, "loss") + (", equal rates" if scale > 1 else "")
    strong = math.isclose(config.l1, STRONGER_L1["l1"] * scale)
    return loss + (", stronger λ" if strong else "")


def _rate_divisor(config: Config) -> float:
    """Return by how much η is less than usual, and λ more, in the cells at equal rates."""
    return round(Config().lr / config.lr, 9)


def has_stronger_l1(config: Config) -> bool:
    """Whether a run has the stronger λ: it is another in the other layers."""
    return config.optimizer == "beta-lasso" and config.l1_rest is not None


def add_augmentation(config: Config) -> Config | None:
    """Return the same cell with flips and crops."""
    return config.replace(augment="flip-crop") if config.augment == "none" else None


def use_cross_entropy(config: Config) -> Config | None:
    """Return the same cell with cross-entropy, at the same learning rate and λ."""
    return config.replace(loss="cross-entropy") if config.loss == "bce" else None


def use_cross_entropy_at_equal_rates(config: Config) -> Config | None:
    """Return the same cell with cross-entropy, and steps of the same size."""
    return equal_rates(config) if config.loss == "bce" else None


def use_stronger_l1(config: Config) -> Config | None:
    """Return the same cell with the stronger λ."""
    if config.l1_rest is not None:
        return None
    scale = _rate_divisor(config)
    return config.replace(**{name: round(scale * l1, 12) for name, l1 in STRONGER_L1.items()})


FACTORS: dict[str, Change] = {
    "augmentation: flips and crops instead of none": add_augmentation,
    "loss: cross-entropy instead of binary cross-entropy": use_cross_entropy,
    "loss, at equal rates: cross-entropy instead of binary cross-entropy": (
        use_cross_entropy_at_equal_rates
    ),
    "λ: 5e-5, others 1e-5 instead of 2e-5": use_stronger_l1,
}


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
    compared = [(one, reference(one), other, reference(other)) for one, other in pairs]
    if not compared or any(config not in found for cell in compared for config in cell):
        return None
    runs = [[compare.by_seed(found[config]) for config in cell] for cell in compared]
    seeds = sorted(set.intersection(*(set(one) for cell in runs for one in cell)))
    values = np.array([[[one[seed] for seed in seeds] for one in cell] for cell in runs])
    before = (values[:, 0] - values[:, 1]).mean(0)
    after = (values[:, 2] - values[:, 3]).mean(0)
    return Contrast(*map(mean_interval, (before, after, after - before)))


def changed_pairs(found: Conditions, change: Change) -> list[tuple[Config, Config]]:
    """Return the cells with β = 50 from which a change leads to another cell, and that one."""
    pairs = ((one, change(one)) for one in largest_thresholds(found))
    return [(one, other) for one, other in pairs if other is not None and other in found]


def effect(found: Conditions, change: Change, reference: Reference) -> Interval | None:
    """Return the mean change of the gain over all pairs of cells that differ by `change`."""
    gain = contrast(found, changed_pairs(found, change), reference)
    return None if gain is None else gain.change
