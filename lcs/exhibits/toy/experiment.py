"""The toy LASSO test: when does β-LASSO find the LASSO's solution, and can one tell in advance?

Nine random-normal features and a tenth that is half the target; a linear model, the mean squared
error, full-batch gradient descent. Thousands of random problems are trained as one batch for every
β, λ, initial scale, number of observations and schedule, beside scikit-learn's exact LASSO.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor

from lcs.errors import ConfigError
from lcs.exhibits.toy import resting_points
from lcs.exhibits.toy.config import ToyConfig
from lcs.exhibits.toy.problems import (
    OPTIMIZERS,
    TRUE,
    Grid,
    Problems,
    draw,
    gradient,
    gradient_descent,
    solve,
    step_sizes,
)

STEPS_SHOWN = 60  # of the trajectories

Row = dict[str, Any]


def run(config: ToyConfig) -> dict[str, Any]:
    """Run the experiment on the CPU, in float64; the same config gives the same numbers.

    Returns:
        Tables, {column: values}, and the weights of one problem along training:

        * cells: one row per observations, schedule, optimizer, beta, l1 and scale, with shares of
          problems and distances ‖θ - θ_LASSO‖.
        * confusion: predicted region × whether a problem was recovered from all, some or none of
          its starts (one per scale), counted over problems, betas and l1s; then counts of runs.
        * misses: β-LASSO runs that ended other than predicted, by cause.
        * lasso: the exact solutions, per observations and l1.
        * trajectories: of some betas, from a start and from its mirror image.

    Raises:
        ConfigError: the step size is too large for one of the problems.
    """
    tables: dict[str, list[Row]] = defaultdict(list)
    for observations in config.observations:
        problems = draw(config, observations)
        limit = 1 / torch.linalg.eigvalsh(problems.gram).max().item()
        if config.lr >= limit:
            raise ConfigError(
                f"lr: {config.lr:g} diverges on a problem of {observations} observations; "
                f"give less than {limit:.3g}"
            )
        lasso = solve(problems, config.l1s)
        exact = _lasso(problems, lasso, config)
        tables["lasso"] += [{"observations": observations} | row for row in exact]
        for schedule, optimizer in itertools.product(config.schedules, OPTIMIZERS):
            where = {"observations": observations, "schedule": schedule}
            outcome = _outcome(problems, lasso, config, schedule, optimizer)
            tables["cells"] += [where | row for row in _cells(outcome, config)]
            if optimizer == "beta-lasso":
                tables["confusion"] += [where | row for row in _confusion(outcome, config)]
                tables["misses"] += [where | row for row in _misses(outcome)]
    results: dict[str, Any] = {
        table: {name: [row[name] for row in tables[table]] for name in tables[table][0]}
        for table in ("cells", "confusion", "misses", "lasso")
    }
    return results | {"trajectories": _trajectories(config)}


class _Outcome(NamedTuple):
    """What became of every run of one grid; lasso and theta (R, 10, C), the others (R, C).

    `recovered`: the zeros are the LASSO's, and the run has settled. `region`, `expected` and
    `guaranteed` are what `resting_points` says before.
    """

    grid: Grid
    lasso: Tensor
    theta: Tensor
    settled: Tensor
    recovered: Tensor
    region: Tensor
    expected: Tensor
    guaranteed: Tensor


def _outcome(
    problems: Problems, lasso: Tensor, config: ToyConfig, schedule: str, optimizer: str
) -> _Outcome:
    """Train every problem on the grid of an optimizer, and predict what becomes of it."""
    grid = Grid.of(config, optimizer)
    rates = step_sizes(schedule, config.lr, config.steps)
    start, exact = problems.starts[..., None] * grid.scale, lasso[..., grid.l1_index]
    theta, settled = gradient_descent(problems, grid, start, rates)
    recovered = resting_points.same_support(theta, exact) & settled
    if optimizer == "beta-lasso":
        region, expected = resting_points.predict(problems, exact, grid, start, rates)
        guaranteed = resting_points.cannot_stay_dead(problems, grid, rates[0])
    else:  # converges to the LASSO from everywhere
        guaranteed = expected = torch.ones_like(settled)
        region = expected * resting_points.ALWAYS
    return _Outcome(grid, exact, theta, settled, recovered, region, expected, guaranteed)


def _cells(outcome: _Outcome, config: ToyConfig) -> Iterator[Row]:
    """Yield a row for each column of the grid."""
    grid, lasso, theta, settled, recovered, region, expected, _ = outcome
    truth = torch.zeros_like(theta)
    truth[:, TRUE] = 1
    # β = 0 makes no exact zeros
    visible = theta * (theta.abs() > 2 * config.lr * grid.l1)
    distance = torch.linalg.vector_norm(theta - lasso, dim=1)
    shares = {
        "recovered": recovered,
        "rounded": resting_points.same_support(visible, lasso),
        "true_support": resting_points.same_support(theta, truth) & settled,
        "settled": settled,
        **{name: region == index for index, name in enumerate(resting_points.REGIONS)},
        "expected": expected,
        "held": expected == recovered,
    }
    means = {name: hits.double().mean(dim=0).tolist() for name, hits in shares.items()}
    for column in range(len(grid.l1)):
        found = distance[recovered[:, column], column]
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


def _confusion(outcome: _Outcome, config: ToyConfig) -> Iterator[Row]:
    """Yield a row for each predicted region."""
    starts = len(config.scales)  # they run fastest, and the region is the same for all of them
    hits = outcome.recovered.unflatten(1, (-1, starts)).sum(dim=-1)
    observed = {"none": hits == 0, "some": (hits > 0) & (hits < starts), "all": hits == starts}
    for index, name in enumerate(resting_points.REGIONS):
        runs = outcome.region == index
        kinds = {
            "runs": runs,
            "recovered": runs & outcome.recovered,
            "held": runs & (outcome.expected == outcome.recovered),
            "guaranteed": runs & outcome.guaranteed,
            "guaranteed_recovered": runs & outcome.guaranteed & outcome.recovered,
        }
        yield {
            "predicted": name,
            **{key: int((mask & runs[:, ::starts]).sum()) for key, mask in observed.items()},
            **{key: int(mask.sum()) for key, mask in kinds.items()},
        }


def _misses(outcome: _Outcome) -> Iterator[Row]:
    """Yield a row for each cause; each run counts once, under the first that applies."""
    dead = (outcome.theta[:, TRUE] == 0) & (outcome.lasso[:, TRUE] != 0)
    left = outcome.expected != outcome.recovered
    causes = {
        "cycle": ~outcome.settled,
        "first step": outcome.region == resting_points.DEPENDS,
        # dummies in the place of the true feature
        "stand-in": dead & (outcome.theta[:, :TRUE] != 0).any(dim=1),
        "slow": torch.ones_like(left),
    }
    for cause, mask in causes.items():
        yield {"cause": cause, "runs": int((left & mask).sum()), "of": left.numel()}
        left = left & ~mask


def _lasso(problems: Problems, lasso: Tensor, config: ToyConfig) -> Iterator[Row]:
    """Yield a row for each λ."""
    # a dummy stays out whatever λ exactly if it correlates less with the true feature than that
    # with itself: Zhao & Yu's irrepresentable condition
    gram = problems.gram[:, TRUE]
    fails = gram[:, :TRUE].abs().amax(dim=1) > gram[:, TRUE]
    for index, l1 in enumerate(config.l1s):
        kept = lasso[..., index] != 0
        alone = kept[:, TRUE] & ~kept[:, :TRUE].any(dim=1)
        yield {
            "l1": l1,
            "true_support": alone.double().mean().item(),
            "empty": (~kept).all(dim=1).double().mean().item(),
            "condition_fails": fails.double().mean().item(),
            "coefficient": lasso[:, TRUE, index].mean().item(),
        }


def _trajectories(config: ToyConfig) -> dict[str, Any]:
    observations, schedule = config.observations[0], config.schedules[0]
    number = config.trajectory_problem
    every = draw(config, observations)
    problem = Problems(*(tensor[number : number + 1] for tensor in every))
    # the start, and log-spaced steps, the last one among them
    exponents = (index / (STEPS_SHOWN - 1) for index in range(STEPS_SHOWN))
    shown = sorted({0, *(round(config.steps**exponent) for exponent in exponents)})
    l1, scale = config.trajectory_l1, config.trajectory_scale
    choice = config.replace(betas=config.trajectory_betas, l1s=(l1,), scales=(scale,))
    runs = []
    for optimizer, sign in itertools.product(OPTIMIZERS, (1, -1)):
        grid = Grid.of(choice, optimizer)
        steps = [sign * problem.starts[..., None] * grid.scale]
        for rate in step_sizes(schedule, config.lr, config.steps):
            slope = gradient(problem.gram, problem.cross, steps[-1])
            steps.append(grid.step(steps[-1], slope, rate))
        history = torch.cat(steps)[shown].round(decimals=5) + 0.0  # no negative zeros
        for column, beta in enumerate(grid.beta.tolist()):
            own = beta if optimizer == "beta-lasso" else None
            kind = {"optimizer": optimizer, "beta": own, "mirrored": sign < 0}
            runs.append(kind | {"weights": history[..., column].tolist()})
    return {
        "observations": observations,
        "schedule": schedule,
        "l1": l1,
        "scale": scale,
        "problem": number,
        "steps": shown,
        "lasso": (solve(problem, choice.l1s)[0, :, 0] + 0.0).tolist(),
        "runs": runs,
    }
