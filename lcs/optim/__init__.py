"""Optimizers that make weights exactly zero, masks, and what makes their steps fast.

`beta_lasso` has the paper's algorithm, also with frozen zeros (`frozen_zeros`), `lasso` steps that
solve the LASSO, `sgd` what both are compared to, `learning_rate` its schedules, `pruning` training
with masks: SNIP, SET, RigL, gradual magnitude pruning and others. `growing_l1` is a λ that grows
outside a window of pixels. `optimizer` is what the optimizers share.

Faster, with the same results: `fused_steps`, optimizer steps in one pass over memory,
`mixed_precision`, training in bfloat16, and `sparse_products`, the fast path for a first layer that
is mostly zero, with the `gradient_bound` that tells which zeros cannot return.
"""

from lcs.optim.beta_lasso import BetaLasso, algorithm_1
from lcs.optim.lasso import ProximalL1, Spred
from lcs.optim.optimizer import FULL_PRECISION, replace_parameter
from lcs.optim.sgd import SGD

__all__ = [
    "FULL_PRECISION",
    "SGD",
    "BetaLasso",
    "ProximalL1",
    "Spred",
    "algorithm_1",
    "replace_parameter",
]
