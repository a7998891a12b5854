"""The bound from description length for trained networks (Neyshabur 2020, Theorem 2).

The formula is `lcs.theory.mdl_bound`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from lcs import cost, data, theory
from lcs.exhibits import compare
from lcs.exhibits.compare import Conditions
from lcs.exhibits.fewest_weights import pareto
from lcs.exhibits.tables import PENDING
from lcs.exhibits.verdicts import Finding
from lcs.runs import Record

# the paper trains in 16 bits; δ is not stated
BITS, DELTA = 16, 0.05


class Bound(NamedTuple):
    """What Theorem 2 says of one run; errors are fractions.

    Attributes:
        gap: test error less training error, on the training images without augmentation.
        whole: bound on the test error.
        structure: the same without the bits of the weights' values.
    """

    gap: float
    whole: float
    structure: float


def bound(record: Record, bits: int = BITS, delta: float = DELTA) -> Bound:
    """Return the bound for a stored run of a shallow network.

    A shared weight counts once among the values, and at each place in the structure: that of S-FC
    which computes the same function.
    """
    config = record.config
    model = config.model if config.model == "3-fc" else "s-fc"
    dense = compare.as_sgd(config).replace(model=model, kernel_size=None, padding="same")
    samples, values = data.spec(config.dataset).train_size, pareto.weights(record)
    gap_bound = theory.mdl_bound(
        0.0,
        samples=samples,
        parameters=cost.weights(dense),
        free_parameters=values,
        nonzero=pareto.operations(record) // 2,
        bits=bits,
        delta=delta,
    )
    structure = math.sqrt(gap_bound**2 - values * bits / (2 * samples))
    error = 1 - record.final["clean_train_accuracy"]
    return Bound(1 - record.accuracy - error, error + gap_bound, error + structure)


def numbers(
    found: Mapping[str, Conditions], bits: int = BITS, delta: float = DELTA
) -> dict[str, str]:
    """Return the bound in words."""
    recipe, few = found[pareto.RECIPE], found[pareto.REPRODUCTION]
    own, least = pareto.own_lambda(), pareto.sparsest_above_sgd(few)

    def mean(runs: Sequence[Record], field: str, digits: int) -> str:
        values = [getattr(bound(run, bits, delta), field) for run in runs]
        return f"{np.mean(values):.{digits}f}" if values else PENDING

    return {
        "bound-own": mean(recipe[own], "whole", 1),
        "gap-own": mean(recipe[own], "gap", 3),
        "least-bound": mean(few[least] if least else [], "whole", 2),
        "least-structure": mean(few[least] if least else [], "structure", 2),
        "bits": f"{bits}",
        "delta": f"{delta:g}",
    }


def is_below_one(records: list[Record]) -> Finding:
    """Judge whether the bound on the error is below 1 for the largest β at any width."""
    beta = compare.largest_beta(records)
    best = min(bound(record).whole for record in records if record.config.beta == beta)
    said = "holds" if best < 1 else "contradicted"
    return Finding(f"at least {best:.1f}, at any width", said=said)
