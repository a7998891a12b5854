"""The toy: does β-LASSO find the LASSO's solution of a linear problem?

`experiment` solves random `problems` by gradient descent and exactly, beside what
`resting_points` predicts; `study` makes and finds its records.
"""

from lcs.toy.study import ToyStudy, pooled

__all__ = ["ToyStudy", "pooled"]
