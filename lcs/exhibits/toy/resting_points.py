r"""What theory says of the toy before any training: where β-LASSO can rest, and from which starts.

With :math:`f(\theta) = \frac1N \|X\theta - y\|^2` an update leaves θ where it is exactly if

* every non-zero weight has :math:`\partial_j f = -\lambda\,\mathrm{sign}\,\theta_j`, as in the
  LASSO, and :math:`|\theta_j| \ge \beta\lambda`: nothing lives in the **gap** (0, βλ);
* every zero weight has :math:`\eta\,|\partial_j f| < \beta\lambda`: the **dead zone**, where the
  LASSO asks for :math:`|\partial_j f| \le \lambda`.

Below about η/2 a weight need not rest at all: it can bounce between
:math:`\pm\frac{\eta\lambda}{2(1 - \eta G_{jj})}`, with :math:`G = X^\top X / N`.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from lcs.exhibits.toy.problems import TRUE, Grid, Problems, gradient

REGIONS = ("never", "depends", "always")
NEVER, DEPENDS, ALWAYS = range(3)


def predict(
    problems: Problems, lasso: Tensor, grid: Grid, start: Tensor, rates: list[float]
) -> tuple[Tensor, Tensor]:
    """Predict whether β-LASSO will find the LASSO's support, before any training.

    *Never*: the LASSO solution is no resting point at the last step size. *Depends* on the start:
    it is, but so is another (no weight at all, or the true feature alone) at the first step size,
    or a zero weight can bounce around zero at the last. *Always*: none of these. This is no proof
    for β > η, since dummies that stand in for a dead true feature are not looked for: see
    `cannot_stay_dead`.

    Args:
        problems: R problems.
        lasso: their exact solutions at each column's l1, (R, 10, C).
        grid: columns of β-LASSO.
        start: initial weights, (R, 10, C).
        rates: step sizes.

    Returns:
        Indices into REGIONS, the same for every start, and whether the run from this start is
        expected to find the support, both (R, C): where another point rests, if all weights of the
        LASSO's support are alive, with the right sign, after the first step.
    """
    alone = torch.zeros_like(lasso)  # the true feature alone
    cross, square = problems.cross[:, TRUE, None], problems.gram[:, TRUE, TRUE, None]
    alone[:, TRUE] = (cross - grid.l1 / 2).clamp(min=0) / square
    trapped = torch.zeros(lasso.shape[0], lasso.shape[2], dtype=torch.bool)
    for other in (torch.zeros_like(lasso), alone):
        trapped |= rests(problems, grid, other, rates[0]) & ~same_support(other, lasso)
    curvature = problems.gram.diagonal(dim1=1, dim2=2)[..., None]
    height = rates[-1] * grid.l1 / (2 * (1 - rates[-1] * curvature))
    bounces = ((height >= grid.threshold) & (lasso == 0)).any(dim=1)
    several = trapped | bounces
    reachable = rests(problems, grid, lasso, rates[-1])
    region = torch.where(reachable, torch.where(several, DEPENDS, ALWAYS), NEVER)
    first = grid.step(start, gradient(problems.gram, problems.cross, start), rates[0])
    alive = ((torch.sign(first) == torch.sign(lasso)) | (lasso == 0)).all(dim=1)
    return region, reachable & (alive | ~trapped)


def rests(problems: Problems, grid: Grid, theta: Tensor, rate: float) -> Tensor:
    """Whether β-LASSO leaves θ, LASSO solutions on their own support, where they are, (R, C).

    That is, no non-zero weight lies in the gap, and every zero weight in its dead zone at step size
    `rate`; θ (R, 10, C).
    """
    lives = theta.abs() >= grid.threshold
    stays_zero = rate * gradient(problems.gram, problems.cross, theta).abs() < grid.threshold
    return torch.where(theta != 0, lives, stays_zero).all(dim=1)


def cannot_stay_dead(problems: Problems, grid: Grid, rate: float) -> Tensor:
    """Whether β-LASSO has no resting point where the true feature is zero, proven; (R, C).

    At such a point the residual r has ∂f = -yᵀr/N for the true feature, and the other weights are
    LASSO solutions, so yᵀr/N ≥ ‖r‖²/N ≥ the residual of least squares on the dummies, 4 / (G⁻¹)ₜₜ:
    if η times that reaches βλ, the true feature leaves zero.
    """
    residual = 4 / torch.linalg.inv(problems.gram)[:, TRUE, TRUE]
    return rate * residual[:, None] >= grid.threshold


def boundaries(l1: ArrayLike, lr: float) -> tuple[np.ndarray, np.ndarray]:
    """The β at which the regions meet for infinitely many observations, where G is diagonal.

    From λ and η to: the β above which the true feature cannot return from zero, η / λ, and the β
    above which its coefficient 2 - 2λ is unreachable.
    """
    l1 = np.asarray(l1)
    return lr / l1, np.maximum(0.0, 2 - 2 * l1) / l1


def smallest_start(beta: ArrayLike, l1: ArrayLike, lr: float) -> np.ndarray:
    """Initial weight from which the true feature survives, for infinitely many observations.

    Between the two `boundaries`, a positive weight w is kept if w - η(w/2 - 1 + λ) ≥ βλ, and
    then grows or shrinks to its LASSO coefficient; a smaller one is set to zero for good.
    """
    l1 = np.asarray(l1)
    return np.maximum(0.0, (np.asarray(beta) * l1 - lr * (1 - l1)) / (1 - lr / 2))


def same_support(theta: Tensor, other: Tensor) -> Tensor:
    """Whether two sets of weights (R, 10, C) have the same zeros, (R, C)."""
    return ((theta != 0) == (other != 0)).all(dim=1)
