"""The toy's random problems, their exact solutions, and gradient descent on a grid of settings."""

from __future__ import annotations

import itertools
import math
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import torch
from torch import Tensor

from lcs.exhibits.toy.config import FEATURES, ToyConfig
from lcs.optim import algorithm_1

TRUE = FEATURES - 1  # the feature that is half the target; its coefficient is 2
OPTIMIZERS = ("beta-lasso", "proximal-l1")
# a descent has settled if no weight changed its sign, or became or left zero, in its last steps
STEPS_WATCHED = 20
# so many problems are trained together that their weights stay in a core's cache
PROBLEMS_PER_CHUNK = 32


class Problems(NamedTuple):
    """Random toy problems: R of them, each with N observations."""

    features: Tensor  # (R, N, 10), the last one half the target
    target: Tensor  # (R, N), standard normal
    gram: Tensor  # (R, 10, 10), XᵀX / N
    cross: Tensor  # (R, 10), Xᵀy / N
    starts: Tensor  # (R, 10), standard normal: initial weights at scale 1


def draw(config: ToyConfig, observations: int) -> Problems:
    """Draw the problems of one number of observations, in float64, from `config.seed`."""
    generator = torch.Generator().manual_seed(1_000_003 * config.seed + observations)

    def normal(*shape: int) -> Tensor:
        return torch.randn(config.problems, *shape, generator=generator, dtype=torch.float64)

    dummies, target, starts = normal(observations, TRUE), normal(observations), normal(FEATURES)
    features = torch.cat([dummies, target[..., None] / 2], dim=-1)
    gram = features.mT @ features / observations
    cross = (features.mT @ target[..., None] / observations).squeeze(-1)
    return Problems(features, target, gram, cross, starts)


def solve(problems: Problems, l1s: tuple[float, ...]) -> Tensor:
    """Exact LASSO solutions by scikit-learn's coordinate descent, (R, 10, len(l1s)).

    With the mean squared error, scikit-learn's `alpha` is λ/2.
    """
    import numpy as np
    from sklearn.linear_model import lasso_path

    falling = sorted(l1s, reverse=True)
    paths = [
        lasso_path(x, y, alphas=np.array(falling) / 2, tol=1e-13, max_iter=1_000_000)[1]
        for x, y in zip(problems.features.numpy(), problems.target.numpy(), strict=True)
    ]
    return torch.from_numpy(np.stack(paths))[..., [falling.index(l1) for l1 in l1s]]


def gradient(gram: Tensor, cross: Tensor, theta: Tensor) -> Tensor:
    """Gradient of the mean squared error, 2 (Gθ - Xᵀy/N).

    Shapes: gram (R, 10, 10), cross (R, 10), theta and result (R, 10, C).
    """
    return torch.baddbmm(cross[..., None], gram, theta, beta=-2, alpha=2)


def step_sizes(schedule: str, lr: float, steps: int) -> list[float]:
    """Step size of every update: constant, or half a cosine from lr to almost zero."""
    if schedule == "constant":
        return [lr] * steps
    return [lr * (1 + math.cos(math.pi * step / steps)) / 2 for step in range(steps)]


class Grid(NamedTuple):
    """The columns that are trained together: C combinations of hyperparameters, each tensor (C,).

    `l1_index` is the place of l1 in the config; beta is not used by the proximal optimizer.
    """

    optimizer: str
    beta: Tensor
    l1: Tensor
    l1_index: Tensor
    scale: Tensor

    @classmethod
    def of(cls, config: ToyConfig, optimizer: str) -> Grid:
        """All combinations for one optimizer; the scale runs fastest."""
        betas = config.betas if optimizer == "beta-lasso" else (math.nan,)
        rows = itertools.product(betas, range(len(config.l1s)), config.scales)
        beta, l1_index, scale = torch.tensor(list(rows), dtype=torch.float64).unbind(dim=1)
        l1 = torch.tensor(config.l1s, dtype=torch.float64)[l1_index.long()]
        return cls(optimizer, beta, l1, l1_index.long(), scale)

    @property
    def threshold(self) -> Tensor:
        """Below this, β-LASSO sets weights to zero, (C,)."""
        return self.beta * self.l1

    def step(self, theta: Tensor, grad: Tensor, lr: float) -> Tensor:
        """One update of every column, each with its own l1 and beta; theta and grad (R, 10, C)."""
        if self.optimizer == "beta-lasso":
            return algorithm_1(lambda _: grad, theta, self.l1, self.beta, lr, 1)
        moved = theta - lr * grad
        # soft-thresholding by ηλ
        return torch.sign(moved) * (moved.abs() - lr * self.l1).clamp(min=0)


def gradient_descent(
    problems: Problems, grid: Grid, theta: Tensor, rates: list[float]
) -> tuple[Tensor, Tensor]:
    """Train every problem in every column, with the step sizes `rates`, from theta (R, 10, C).

    Returns:
        The final weights (R, 10, C), and whether the run has settled (R, C): no weight changed
        its sign, or became or left zero, in the last 20 steps.
    """

    def train(gram: Tensor, cross: Tensor, theta: Tensor) -> tuple[Tensor, Tensor]:
        settled = torch.ones_like(theta[:, 0], dtype=torch.bool)
        for left, rate in zip(range(len(rates), 0, -1), rates, strict=True):
            before, theta = theta, grid.step(theta, gradient(gram, cross, theta), rate)
            if left <= STEPS_WATCHED:
                settled &= (torch.sign(theta) == torch.sign(before)).all(dim=1)
        return theta, settled

    chunks = (part.split(PROBLEMS_PER_CHUNK) for part in (problems.gram, problems.cross, theta))
    threads = torch.get_num_threads()
    # one thread for each chunk: sharing every small operation is slow where the cores are busy
    torch.set_num_threads(1)
    try:
        with ThreadPoolExecutor(threads) as pool:
            ends, settled = zip(*pool.map(train, *chunks), strict=True)
    finally:
        torch.set_num_threads(threads)
    return torch.cat(ends), torch.cat(settled)
