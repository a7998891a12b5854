"""Optimizers that make weights exactly zero, masks, and what makes their steps fast.

`beta_lasso` has the paper's algorithm and the step that solves the LASSO, and needs torch alone.
`sgd` is what they are compared to, `spred` SGD on factors of the weights, `learning_rate` their
schedule, `pruning` training with masks: SNIP, SET, RigL, gradual magnitude pruning and others.
`growing_l1` is a λ that grows outside a window of pixels.

Faster, with the same results: `mixed_precision`, training in bfloat16, and `sparse_products`, a
first layer of which few weights are kept.
"""

from lcs.optim.beta_lasso import FULL_PRECISION, BetaLasso, ProximalL1, algorithm_1
from lcs.optim.mixed_precision import replace_parameter
from lcs.optim.sgd import SGD
from lcs.optim.spred import Spred

__all__ = ["FULL_PRECISION", "SGD", "BetaLasso", "ProximalL1", "Spred", "algorithm_1",
           "replace_parameter"]  # fmt: skip
