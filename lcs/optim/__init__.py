"""Optimizers that make weights exactly zero, masks, and what makes their steps fast.

`optimizers` has β-LASSO and its neighbours, `schedule` the learning rate, `pruning` training with
masks. Of equal results, but faster: `fused_steps`, `mixed_precision`, and `sparse`, a first layer
without products by zeros, with the `gradient_bound` that tells which zeros cannot return.
"""

from lcs.optim.optimizers import (
    FULL_PRECISION,
    SGD,
    BetaLasso,
    ProximalL1,
    Spred,
    algorithm_1,
    replace_parameter,
)

__all__ = [
    "FULL_PRECISION",
    "SGD",
    "BetaLasso",
    "ProximalL1",
    "Spred",
    "algorithm_1",
    "replace_parameter",
]
