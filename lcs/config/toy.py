"""A toy experiment as plain values: random LASSO problems, and how each is descended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from lcs.config.run_config import RunConfig, check_values
from lcs.errors import ConfigError

# the toy LASSO: features of each problem, and schedules of the step size
TOY_FEATURES = 10
TOY_SCHEDULES = ("constant", "cosine")
# a descent has settled if no weight changed its sign, or became or left zero, in its last steps
TOY_STEPS_WATCHED = 20

# tables of its results; columns of `cells` that are shares of problems
TOY_TABLES = ("cells", "confusion", "misses", "lasso")
TOY_SHARES = ("recovered", "rounded", "true_support", "settled", "never", "depends", "always",
              "expected", "held")  # fmt: skip

# of numbers, and of every element of a tuple
TOY_RANGES: dict[str, tuple[float, float]] = {
    "problems": (1, 1_000_000),
    "observations": (TOY_FEATURES + 1, 1_000_000),  # fewer: the LASSO's solution is not unique
    "betas": (0.0, 1e9),
    "l1s": (1e-6, 100.0),
    "scales": (0.0, 1e3),
    "lr": (1e-6, 1.0),
    "steps": (TOY_STEPS_WATCHED, 1_000_000),
    "trajectory_betas": (0.0, 1e9),
    "trajectory_l1": (1e-6, 100.0),
    "trajectory_scale": (0.0, 1e3),
    "trajectory_problem": (0, 999_999),
    "seed": (0, 2**31 - 1),
}


@dataclass(frozen=True)
class ToyConfig(RunConfig):
    """One toy experiment: the full grid over its tuples, `problems` random problems in each cell.

    Raises:
        ConfigError: a value has the wrong type or is out of range.
    """

    kind: ClassVar[str] = "toy"

    problems: int = 1000
    observations: tuple[int, ...] = (100, 20)
    schedules: tuple[str, ...] = TOY_SCHEDULES
    betas: tuple[float, ...] = (
        *(0.0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0),
        *(2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0),
    )
    l1s: tuple[float, ...] = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
    scales: tuple[float, ...] = (0.1, 0.5, 2.0)  # standard deviation of the initial weights
    lr: float = 0.1  # eta, at the start of the schedule
    steps: int = 1000
    trajectory_betas: tuple[float, ...] = (0.0, 0.1, 1.0, 5.0, 10.0, 20.0, 50.0)
    trajectory_l1: float = 0.05
    trajectory_scale: float = 1.0
    trajectory_problem: int = 0  # the problem whose weights are recorded along training
    seed: int = 0

    def __post_init__(self) -> None:
        """Check every field; lists, as JSON has them, become tuples."""
        check_values(self, {"schedules": TOY_SCHEDULES}, TOY_RANGES)
        if self.trajectory_problem >= self.problems:
            raise ConfigError(
                f"trajectory_problem: {self.trajectory_problem} is out of range; "
                f"give 0 to {self.problems - 1}"
            )

    @property
    def file(self) -> str:
        """Place of the record in a store, without suffix."""
        return f"toy/lasso-{self.run_id}"

    @property
    def updates(self) -> int:
        """Steps that the whole experiment takes, counted for each problem in each cell."""
        optimizers = len(self.betas) + 1
        cells = len(self.observations) * len(self.schedules) * len(self.l1s)
        return self.problems * self.steps * cells * len(self.scales) * optimizers
