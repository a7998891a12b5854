"""A toy experiment as plain values: random LASSO problems, and how each is descended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from lcs.config import RunConfig

FEATURES = 10  # of each problem


@dataclass(frozen=True)
class ToyConfig(RunConfig):
    """One toy experiment: the full grid over its tuples, `problems` random problems in each cell.

    Observations are more than the ten features: with fewer, the LASSO's solution is not unique.
    """

    kind: ClassVar[str] = "toy"

    problems: int = 1000
    observations: tuple[int, ...] = (100, 20)
    schedules: tuple[str, ...] = ("constant", "cosine")  # of the step size
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
        """Turn lists, as JSON has them, into tuples."""
        for name, value in list(vars(self).items()):
            if isinstance(value, list):
                object.__setattr__(self, name, tuple(value))

    @property
    def file(self) -> str:
        """Place of the record in a store, without suffix."""
        return f"toy/lasso-{self.run_id}"

    @property
    def updates(self) -> int:
        """Steps that the whole experiment takes, counted for each problem in each cell."""
        cells = len(self.observations) * len(self.schedules) * len(self.l1s) * len(self.scales)
        return self.problems * self.steps * cells * (len(self.betas) + 1)  # and the proximal step


DESK = ToyConfig()
SMOKE = ToyConfig(
    problems=64,
    betas=(0.0, 0.1, 1.0, 10.0, 100.0),
    l1s=(0.02, 0.2),
    scales=(0.1, 2.0),
    steps=600,
    trajectory_betas=(0.1, 10.0),
)
