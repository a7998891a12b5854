"""Optimizers that make weights exactly zero, masks, and what makes their steps fast.

`beta_lasso` has the paper's algorithm and the LASSO's own step; `sgd` is what they are compared to.
`mixed_precision` trains in bfloat16, `sparse_products` with a first layer of few weights.
"""

from lcs.optim.beta_lasso import FULL_PRECISION, BetaLasso, ProximalL1, algorithm_1
from lcs.optim.mixed_precision import replace_parameter
from lcs.optim.sgd import SGD
from lcs.optim.spred import Spred

__all__ = ["FULL_PRECISION", "SGD", "BetaLasso", "ProximalL1", "Spred", "algorithm_1",
           "replace_parameter"]  # fmt: skip
