r"""The toy LASSO test: when does β-LASSO find the LASSO's solution, and can one tell in advance?

Nine random-normal features and a tenth that is half the target; a linear model, the mean squared
error, full-batch gradient descent. Thousands of random problems run as one batch for every β, λ,
initial scale, number of observations and schedule, beside scikit-learn's exact LASSO.

With :math:`f(\theta) = \frac1N \|X\theta - y\|^2`, step size η and threshold βλ, an update leaves
θ where it is exactly if

* every non-zero weight has :math:`\partial_j f = -\lambda\,\mathrm{sign}\,\theta_j`, as in the
  LASSO, and :math:`|\theta_j| \ge \beta\lambda`: **nothing lives in (0, βλ)**;
* every zero weight has :math:`\eta\,|\partial_j f| < \beta\lambda`: the **dead zone**, where the
  LASSO asks for :math:`|\partial_j f| \le \lambda`.

For β ≤ η the second condition is the LASSO's own or a stricter one, so the LASSO solution is the
only possible resting point; for β > η there can be others, and the start decides between them.
Below about η/2 a weight need not rest at all: it can step over the band (-βλ, βλ) and back, at
:math:`\pm\frac{\eta\lambda}{2(1 - \eta G_{jj})}` with :math:`G = X^\top X / N`.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch
from sklearn.linear_model import lasso_path
from torch import Tensor

from lcs.config import TOY_FEATURES as FEATURES
from lcs.config import TOY_STEPS_WATCHED, ToyConfig
from lcs.errors import ConfigError

TRUE = FEATURES - 1  # the feature that is half the target; its coefficient is 2
OPTIMIZERS = ("beta-lasso", "proximal-l1")
REGIONS = ("never", "depends", "always")
NEVER, DEPENDS, ALWAYS = range(3)

# so many problems descend together that their weights stay in a core's cache
_CHUNK = 32
_STORED_STEPS = 60

DESK = ToyConfig()
SMOKE = ToyConfig(
    problems=64,
    betas=(0.0, 0.1, 1.0, 10.0, 100.0),
    l1s=(0.02, 0.2),
    scales=(0.1, 2.0),
    steps=600,
    trajectory_betas=(0.1, 10.0),
)


@dataclass(frozen=True)
class Problems:
    """Random toy problems: R of them, each with N observations.

    Attributes:
        features: (R, N, 10), the last one half the target.
        target: (R, N), standard normal.
        gram: (R, 10, 10), XᵀX / N.
        cross: (R, 10), Xᵀy / N.
        starts: (R, 10), standard normal: initial weights at scale 1.
    """

    features: Tensor
    target: Tensor
    gram: Tensor
    cross: Tensor
    starts: Tensor


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


def beta_lasso_step(
    theta: Tensor, grad: Tensor, lr: float, l1: float | Tensor, beta: float | Tensor
) -> Tensor:
    """One update of Algorithm 1 (Neyshabur 2020); l1 and beta broadcast against theta.

    The optimizer of this algorithm has one l1 and beta per parameter group; here each column of
    theta has its own, so that a whole grid descends at once.
    """
    theta = theta - lr * (grad + l1 * torch.sign(theta))
    return theta * (theta.abs() >= beta * l1)


def proximal_l1_step(theta: Tensor, grad: Tensor, lr: float, l1: float | Tensor) -> Tensor:
    """One proximal gradient update, soft-thresholding by ηλ; l1 broadcasts against theta."""
    moved = theta - lr * grad
    return torch.sign(moved) * (moved.abs() - lr * l1).clamp(min=0)


def step_sizes(schedule: str, lr: float, steps: int) -> list[float]:
    """Step size of every update: constant, or half a cosine from lr to almost zero."""
    if schedule == "constant":
        return [lr] * steps
    return [lr * (1 + math.cos(math.pi * step / steps)) / 2 for step in range(steps)]


@dataclass(frozen=True)
class Grid:
    """The columns that descend together: C combinations of hyperparameters, each tensor (C,).

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
        """One update of every column, theta and grad (R, 10, C)."""
        if self.optimizer == "beta-lasso":
            return beta_lasso_step(theta, grad, lr, self.l1, self.beta)
        return proximal_l1_step(theta, grad, lr, self.l1)


def descend(
    problems: Problems, grid: Grid, theta: Tensor, rates: list[float]
) -> tuple[Tensor, Tensor]:
    """Train every problem in every column, with the step sizes `rates`.

    Returns:
        The final weights (R, 10, C), and whether the run has settled (R, C): no weight changed
        its sign, or became or left zero, in the last 20 steps.
    """
    chunks = (part.split(_CHUNK) for part in (problems.gram, problems.cross, theta))
    threads = torch.get_num_threads()
    # one thread for each chunk: sharing every small operation is slow where the cores are busy
    torch.set_num_threads(1)
    try:
        with ThreadPoolExecutor(threads) as pool:
            ends = list(pool.map(partial(_descend_chunk, grid, rates), *chunks))
    finally:
        torch.set_num_threads(threads)
    return torch.cat([end for end, _ in ends]), torch.cat([settled for _, settled in ends])


def _descend_chunk(
    grid: Grid, rates: list[float], gram: Tensor, cross: Tensor, theta: Tensor
) -> tuple[Tensor, Tensor]:
    for rate in rates[:-TOY_STEPS_WATCHED]:
        theta = grid.step(theta, gradient(gram, cross, theta), rate)
    signs = torch.sign(theta)
    settled = torch.ones_like(signs[:, 0], dtype=torch.bool)
    for rate in rates[-TOY_STEPS_WATCHED:]:
        theta = grid.step(theta, gradient(gram, cross, theta), rate)
        settled &= (torch.sign(theta) == signs).all(dim=1)
    return theta, settled


def rests(problems: Problems, grid: Grid, theta: Tensor, rate: float) -> Tensor:
    """Whether β-LASSO leaves θ where it is, for θ that are LASSO solutions on their own support.

    Args:
        problems: the problems.
        grid: columns of β-LASSO.
        theta: (R, 10, C).
        rate: step size η.

    Returns:
        (R, C): no non-zero weight lies in (0, βλ), and every zero weight in its dead zone.
    """
    lives = theta.abs() >= grid.threshold
    stays_zero = rate * gradient(problems.gram, problems.cross, theta).abs() < grid.threshold
    return torch.where(theta != 0, lives, stays_zero).all(dim=1)


class Prediction(NamedTuple):
    """What is expected before any training, both (R, C).

    Attributes:
        region: indices into REGIONS; the same for every start.
        expected: whether this run, from its own start, is expected to find the support.
    """

    region: Tensor
    expected: Tensor


def predict(
    problems: Problems, lasso: Tensor, grid: Grid, start: Tensor, rates: list[float]
) -> Prediction:
    """Predict whether β-LASSO will find the LASSO's support.

    *Never*: the LASSO solution is no resting point at the last step size. *Depends* on the start:
    it is, but so is another (no weight at all, or the true feature alone) at the first step size,
    or a zero weight can bounce around zero at the last. *Always*: none of these. This is no proof
    for β > η, since dummies that stand in for a dead true feature are not looked for: see
    `cannot_stay_dead`.

    Where another point rests, a run is expected to succeed if all weights of the LASSO's support
    are alive, with the right sign, after its first step.

    Args:
        problems: R problems.
        lasso: their exact solutions at each column's l1, (R, 10, C).
        grid: columns of β-LASSO.
        start: initial weights, (R, 10, C).
        rates: step sizes.
    """
    trapped = torch.zeros(lasso.shape[0], lasso.shape[2], dtype=torch.bool)
    for other in (torch.zeros_like(lasso), _true_feature_alone(problems, grid)):
        trapped |= rests(problems, grid, other, rates[0]) & ~_same_support(other, lasso)
    several = trapped | _can_bounce(problems, lasso, grid, rates[-1])
    reachable = rests(problems, grid, lasso, rates[-1])
    region = torch.where(reachable, torch.where(several, DEPENDS, ALWAYS), NEVER)
    first = grid.step(start, gradient(problems.gram, problems.cross, start), rates[0])
    alive = ((torch.sign(first) == torch.sign(lasso)) | (lasso == 0)).all(dim=1)
    return Prediction(region, reachable & (alive | ~trapped))


def cannot_stay_dead(problems: Problems, grid: Grid, rate: float) -> Tensor:
    """Whether β-LASSO has no resting point where the true feature is zero, proven; (R, C).

    At such a point the residual r has ∂f = -yᵀr/N for the true feature, and the other weights are
    LASSO solutions, so yᵀr/N ≥ ‖r‖²/N ≥ the residual of least squares on the dummies, 4 / (G⁻¹)ₜₜ:
    if η times that reaches βλ, the true feature leaves zero.
    """
    residual = 4 / torch.linalg.inv(problems.gram)[:, TRUE, TRUE]
    return rate * residual[:, None] >= grid.threshold


def _can_bounce(problems: Problems, lasso: Tensor, grid: Grid, rate: float) -> Tensor:
    curvature = problems.gram.diagonal(dim1=1, dim2=2)[..., None]
    height = rate * grid.l1 / (2 * (1 - rate * curvature))
    return ((height >= grid.threshold) & (lasso == 0)).any(dim=1)


def _true_feature_alone(problems: Problems, grid: Grid) -> Tensor:
    theta = torch.zeros(len(problems.gram), FEATURES, len(grid.l1), dtype=torch.float64)
    cross, square = problems.cross[:, TRUE, None], problems.gram[:, TRUE, TRUE, None]
    theta[:, TRUE] = (cross - grid.l1 / 2).clamp(min=0) / square
    return theta


def _same_support(theta: Tensor, other: Tensor) -> Tensor:
    return ((theta != 0) == (other != 0)).all(dim=1)


def boundaries(l1: float, lr: float) -> tuple[float, float]:
    """The β at which the regions meet for infinitely many observations, where G is diagonal.

    From λ and η to: the β above which the true feature cannot return from zero, η / λ, and the β
    above which its coefficient 2 - 2λ is unreachable.
    """
    return lr / l1, max(0.0, 2 - 2 * l1) / l1


def smallest_start(beta: float, l1: float, lr: float) -> float:
    """Initial weight from which the true feature survives, for infinitely many observations.

    Between the two `boundaries`, a positive weight w is kept if w - η(w/2 - 1 + λ) ≥ βλ, and
    then grows or shrinks to its LASSO coefficient; a smaller one is set to zero for good.
    """
    return max(0.0, (beta * l1 - lr * (1 - l1)) / (1 - lr / 2))


def run(config: ToyConfig) -> dict[str, Any]:
    """Run the experiment on the CPU, in float64; the same config gives the same numbers.

    Returns:
        Plain lists, numbers and strings:

        * `cells`, `confusion`, `misses` and `lasso` are tables, {column: values}; see `frame`.
        * cells: one row per observations, schedule, optimizer, beta, l1 and scale. `recovered`
          is the share of problems whose support is the LASSO's and has settled, `rounded` the
          same for the support of weights above 2ηλ, settled or not (β = 0 makes no exact zeros),
          `true_support` that with the true feature alone, `settled` that at rest; distances are
          ‖θ - θ_LASSO‖, `distance_recovered` over recovered runs only; `always`, `depends`,
          `never` are the predicted shares of problems, `expected` the predicted share of
          recovered runs and `held` the share of runs whose outcome was the predicted one.
        * confusion: predicted region × whether a problem was recovered from all, some or none of
          its starts (one per scale), counted over problems, betas and l1s; then counts of runs,
          `guaranteed` being those with `cannot_stay_dead`.
        * misses: β-LASSO runs that ended other than predicted, by cause.
        * lasso: the exact solutions, per observations and l1.
        * trajectories: the ten weights of one problem along training, for some betas.

    Raises:
        ConfigError: the step size is too large for one of the problems.
    """
    names = ("cells", "confusion", "misses", "lasso")
    tables: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
    for observations in config.observations:
        problems = draw(config, observations)
        _check_step_size(problems, config, observations)
        lasso = solve(problems, config.l1s)
        tables["lasso"] += _lasso_rows(problems, lasso, config, observations)
        for schedule, optimizer in itertools.product(config.schedules, OPTIMIZERS):
            where = {"observations": observations, "schedule": schedule}
            outcome = _experiment(problems, lasso, config, schedule, optimizer)
            tables["cells"] += [where | row for row in _cell_rows(outcome, config)]
            if optimizer == "beta-lasso":
                tables["confusion"] += [where | row for row in _confusion_rows(outcome, config)]
                tables["misses"] += [where | row for row in _miss_rows(outcome)]
    results: dict[str, Any] = {name: _columns(rows) for name, rows in tables.items()}
    return results | {"trajectories": _trajectories(config)}


def frame(results: dict[str, Any], table: str = "cells") -> pd.DataFrame:
    """One of the tables of `run`'s results as a DataFrame."""
    return pd.DataFrame(results[table])


@dataclass(frozen=True)
class _Outcome:
    """What became of every run of one grid; lasso and theta (R, 10, C), the others (R, C)."""

    grid: Grid
    lasso: Tensor
    theta: Tensor
    settled: Tensor
    prediction: Prediction
    guaranteed: Tensor

    @property
    def recovered(self) -> Tensor:
        return _same_support(self.theta, self.lasso) & self.settled

    @property
    def held(self) -> Tensor:
        return self.prediction.expected == self.recovered


def _experiment(
    problems: Problems, lasso: Tensor, config: ToyConfig, schedule: str, optimizer: str
) -> _Outcome:
    grid = Grid.of(config, optimizer)
    rates = step_sizes(schedule, config.lr, config.steps)
    start = problems.starts[..., None] * grid.scale
    exact = lasso[..., grid.l1_index]
    theta, settled = descend(problems, grid, start, rates)
    if optimizer == "beta-lasso":
        prediction = predict(problems, exact, grid, start, rates)
        guaranteed = cannot_stay_dead(problems, grid, rates[0])
    else:  # converges to the LASSO from everywhere
        guaranteed = torch.ones_like(settled)
        prediction = Prediction(guaranteed * ALWAYS, guaranteed)
    return _Outcome(grid, exact, theta, settled, prediction, guaranteed)


def _cell_rows(outcome: _Outcome, config: ToyConfig) -> Iterator[dict[str, Any]]:
    grid, theta, lasso = outcome.grid, outcome.theta, outcome.lasso
    truth = torch.zeros_like(theta)
    truth[:, TRUE] = 1
    visible = theta * (theta.abs() > 2 * config.lr * grid.l1)
    distance = torch.linalg.vector_norm(theta - lasso, dim=1)
    shares = {
        "recovered": outcome.recovered,
        "rounded": _same_support(visible, lasso),
        "true_support": _same_support(theta, truth) & outcome.settled,
        "settled": outcome.settled,
        **{name: outcome.prediction.region == index for index, name in enumerate(REGIONS)},
        "expected": outcome.prediction.expected,
        "held": outcome.held,
    }
    means = {name: hits.double().mean(dim=0).tolist() for name, hits in shares.items()}
    for column in range(len(grid.l1)):
        found = distance[outcome.recovered[:, column], column]
        yield {
            "optimizer": grid.optimizer,
            "beta": grid.beta[column].item() if grid.optimizer == "beta-lasso" else None,
            "l1": grid.l1[column].item(),
            "scale": grid.scale[column].item(),
            **{name: values[column] for name, values in means.items()},
            "distance_mean": distance[:, column].mean().item(),
            "distance_max": distance[:, column].max().item(),
            "distance_recovered": found.mean().item() if len(found) else None,
        }


def _confusion_rows(outcome: _Outcome, config: ToyConfig) -> Iterator[dict[str, Any]]:
    starts = len(config.scales)  # they run fastest, and the region is the same for all of them
    hits = outcome.recovered.unflatten(1, (-1, starts)).sum(dim=-1)
    observed = {"none": hits == 0, "some": (hits > 0) & (hits < starts), "all": hits == starts}
    for index, name in enumerate(REGIONS):
        runs = outcome.prediction.region == index
        guaranteed = runs & outcome.guaranteed
        yield {
            "predicted": name,
            **{key: int((mask & runs[:, ::starts]).sum()) for key, mask in observed.items()},
            "runs": int(runs.sum()),
            "recovered": int((runs & outcome.recovered).sum()),
            "held": int((runs & outcome.held).sum()),
            "guaranteed": int(guaranteed.sum()),
            "guaranteed_recovered": int((guaranteed & outcome.recovered).sum()),
        }


def _miss_rows(outcome: _Outcome) -> Iterator[dict[str, Any]]:
    dead = (outcome.theta[:, TRUE] == 0) & (outcome.lasso[:, TRUE] != 0)
    standing_in = dead & (outcome.theta[:, :TRUE] != 0).any(dim=1)
    left = ~outcome.held
    causes = {
        "cycle": ~outcome.settled,
        "first step": outcome.prediction.region == DEPENDS,
        "stand-in": standing_in,
        "slow": torch.ones_like(left),
    }
    for cause, mask in causes.items():  # each run counts once, under the first that applies
        yield {"cause": cause, "runs": int((left & mask).sum()), "of": left.numel()}
        left = left & ~mask


def _lasso_rows(
    problems: Problems, lasso: Tensor, config: ToyConfig, observations: int
) -> Iterator[dict[str, Any]]:
    # a dummy stays out whatever λ exactly if it correlates less with the true feature than that
    # with itself: Zhao & Yu's irrepresentable condition
    gram = problems.gram[:, TRUE]
    fails = (gram[:, :TRUE].abs().amax(dim=1) > gram[:, TRUE]).double().mean().item()
    for index, l1 in enumerate(config.l1s):
        theta = lasso[..., index]
        alone = (theta[:, TRUE] != 0) & (theta[:, :TRUE] == 0).all(dim=1)
        yield {
            "observations": observations,
            "l1": l1,
            "true_support": alone.double().mean().item(),
            "empty": (theta == 0).all(dim=1).double().mean().item(),
            "condition_fails": fails,
            "coefficient": theta[:, TRUE].mean().item(),
        }


def _trajectories(config: ToyConfig) -> dict[str, Any]:
    """Weights of one problem along training, from a start and from its mirror image."""
    observations, schedule = config.observations[0], config.schedules[0]
    problem = _single(draw(config, observations), config.trajectory_problem)
    rates = step_sizes(schedule, config.lr, config.steps)
    stored = _stored_steps(config.steps)
    choice = dataclasses.replace(
        config,
        betas=config.trajectory_betas,
        l1s=(config.trajectory_l1,),
        scales=(config.trajectory_scale,),
    )
    runs = []
    for optimizer, sign in itertools.product(OPTIMIZERS, (1, -1)):
        grid = Grid.of(choice, optimizer)
        start = sign * problem.starts[..., None] * grid.scale
        history = _history(problem, grid, start, rates)[stored]
        for column, beta in enumerate(grid.beta.tolist()):
            runs.append(
                {
                    "optimizer": optimizer,
                    "beta": beta if optimizer == "beta-lasso" else None,
                    "mirrored": sign < 0,
                    "weights": history[..., column].tolist(),
                }
            )
    return {
        "observations": observations,
        "schedule": schedule,
        "l1": config.trajectory_l1,
        "scale": config.trajectory_scale,
        "problem": config.trajectory_problem,
        "steps": stored,
        "lasso": (solve(problem, choice.l1s)[0, :, 0] + 0.0).tolist(),
        "runs": runs,
    }


def _single(problems: Problems, index: int) -> Problems:
    tensors = (getattr(problems, field.name) for field in dataclasses.fields(Problems))
    return Problems(*(tensor[index : index + 1] for tensor in tensors))


def _history(problem: Problems, grid: Grid, theta: Tensor, rates: list[float]) -> Tensor:
    """Weights of one problem at the start and after every update, (steps + 1, 10, C)."""
    history = [theta]
    for rate in rates:
        theta = grid.step(theta, gradient(problem.gram, problem.cross, theta), rate)
        history.append(theta)
    rounded = torch.cat(history).round(decimals=5)
    return rounded + 0.0  # no negative zeros


def _stored_steps(steps: int) -> list[int]:
    """The start, and up to 60 log-spaced steps, the last one among them."""
    exponents = (index / (_STORED_STEPS - 1) for index in range(_STORED_STEPS))
    return sorted({0, *(round(steps**exponent) for exponent in exponents)})


def _check_step_size(problems: Problems, config: ToyConfig, observations: int) -> None:
    limit = 1 / torch.linalg.eigvalsh(problems.gram).max().item()
    if config.lr >= limit:
        raise ConfigError(
            f"lr: {config.lr:g} diverges on a problem of {observations} observations; "
            f"give less than {limit:.3g}"
        )


def _columns(rows: list[dict[str, Any]]) -> dict[str, list[Any]]:
    return {name: [row[name] for row in rows] for name in rows[0]}
