r"""The toy LASSO test: when does β-LASSO find the LASSO's solution, and can one tell in advance?

Nine random-normal features and a tenth that is half the target; a linear model, the mean squared
error, full-batch gradient descent. Thousands of random problems are trained as one batch for every
β, λ, initial scale, number of observations and schedule, beside scikit-learn's exact LASSO.

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
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from lcs.config import ToyConfig
from lcs.errors import ConfigError
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
from lcs.exhibits.toy.theory import (
    ALWAYS,
    DEPENDS,
    REGIONS,
    Prediction,
    cannot_stay_dead,
    predict,
    same_support,
)

if TYPE_CHECKING:
    import pandas as pd

STEPS_SHOWN = 60  # of the trajectories

DESK = ToyConfig()
SMOKE = ToyConfig(
    problems=64,
    betas=(0.0, 0.1, 1.0, 10.0, 100.0),
    l1s=(0.02, 0.2),
    scales=(0.1, 2.0),
    steps=600,
    trajectory_betas=(0.1, 10.0),
)


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
        limit = 1 / torch.linalg.eigvalsh(problems.gram).max().item()
        if config.lr >= limit:
            raise ConfigError(
                f"lr: {config.lr:g} diverges on a problem of {observations} observations; "
                f"give less than {limit:.3g}"
            )
        lasso = solve(problems, config.l1s)
        tables["lasso"] += _lasso_rows(problems, lasso, config, observations)
        for schedule, optimizer in itertools.product(config.schedules, OPTIMIZERS):
            where = {"observations": observations, "schedule": schedule}
            outcome = _experiment(problems, lasso, config, schedule, optimizer)
            tables["cells"] += [where | row for row in _cell_rows(outcome, config)]
            if optimizer == "beta-lasso":
                tables["confusion"] += [where | row for row in _confusion_rows(outcome, config)]
                tables["misses"] += [where | row for row in _miss_rows(outcome)]
    results: dict[str, Any] = {
        table: {name: [row[name] for row in rows] for name in rows[0]}
        for table, rows in tables.items()
    }
    return results | {"trajectories": _trajectories(config)}


def frame(results: dict[str, Any], table: str = "cells") -> pd.DataFrame:
    """One of the tables of `run`'s results as a DataFrame."""
    import pandas as pd

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
        return same_support(self.theta, self.lasso) & self.settled

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
    theta, settled = gradient_descent(problems, grid, start, rates)
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
        "rounded": same_support(visible, lasso),
        "true_support": same_support(theta, truth) & outcome.settled,
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
    every = draw(config, observations)
    tensors = (getattr(every, field.name) for field in dataclasses.fields(Problems))
    chosen = config.trajectory_problem
    problem = Problems(*(tensor[chosen : chosen + 1] for tensor in tensors))
    rates = step_sizes(schedule, config.lr, config.steps)
    # the start, and log-spaced steps, the last one among them
    exponents = (index / (STEPS_SHOWN - 1) for index in range(STEPS_SHOWN))
    shown = sorted({0, *(round(config.steps**exponent) for exponent in exponents)})
    choice = dataclasses.replace(
        config,
        betas=config.trajectory_betas,
        l1s=(config.trajectory_l1,),
        scales=(config.trajectory_scale,),
    )
    runs = []
    for optimizer, sign in itertools.product(OPTIMIZERS, (1, -1)):
        grid = Grid.of(choice, optimizer)
        theta = sign * problem.starts[..., None] * grid.scale
        steps = [theta]
        for rate in rates:
            theta = grid.step(theta, gradient(problem.gram, problem.cross, theta), rate)
            steps.append(theta)
        history = torch.cat(steps)[shown].round(decimals=5) + 0.0  # no negative zeros
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
        "steps": shown,
        "lasso": (solve(problem, choice.l1s)[0, :, 0] + 0.0).tolist(),
        "runs": runs,
    }
