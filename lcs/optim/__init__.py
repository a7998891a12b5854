"""Optimizers that make weights exactly zero, masks, and what makes their steps fast.

`optimizers` has β-LASSO and its neighbours, also frozen zeros (`frozen_zeros`), `schedule` the
learning rate, `pruning` training with masks: SNIP, SET, RigL, gradual magnitude pruning and others.

Of equal results, but faster: `fused_steps`, optimizer steps in one pass over memory,
`mixed_precision`, training in bfloat16, and `sparse_products`, the fast path for a first layer that
is mostly zero, with the `gradient_bound` that tells which zeros cannot return.
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
