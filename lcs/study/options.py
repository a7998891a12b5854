"""How runs are trained: where, in how many processes, and for how long."""

import dataclasses
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lcs.errors import ConfigError, shown


@dataclass(frozen=True)
class Options:
    """How the runs of a study are trained; its fields are keywords of `Study.train`.

    Args:
        device: "auto" (a CUDA device where there is one), "cpu", "cuda" or "cuda:N"; on Ray, that
            of the cluster.
        budget_minutes, checkpoint_seconds: as in `lcs.train.train`.
        workers: groups that train at once on each machine, with an equal share of its cores; None:
            one, or on Ray as many as there are cores. On GPUs, Ray goes by `gpus_per_run`.
        on: "processes" of this machine or "ray"; None: `$LCS_ON`, else processes.
        address: of the Ray cluster; None: `$RAY_ADDRESS` or one on this machine, else a new one.
        gpus_per_run: share of a GPU that a group takes on Ray.

    A ConfigError says that a value is unknown or out of range.
    """

    device: str = "auto"
    budget_minutes: float | None = None
    checkpoint_seconds: float = 60.0
    workers: int | None = None
    on: str | None = None
    address: str | None = None
    gpus_per_run: float = 1.0

    def __post_init__(self) -> None:
        from lcs.train.loop import TimeBudget

        TimeBudget(self.budget_minutes, self.checkpoint_seconds)  # refuses times
        _ = self.device_type  # refuses an unknown device
        if self.workers is not None and not self.workers >= 1:
            raise ConfigError(f"workers: {shown(self.workers)} is out of range; give 1 or more")
        if not 0 < self.gpus_per_run <= 1:
            raise ConfigError(f"gpus_per_run: {self.gpus_per_run!r} is out of range; give up to 1")
        where = self.on or os.environ.get("LCS_ON") or "processes"
        if where not in ("processes", "ray"):
            raise ConfigError(f"on: unknown value {where!r}; give processes or ray")
        object.__setattr__(self, "on", where)

    @property
    def device_type(self) -> str:
        """Where the runs train: "cpu" or "cuda"; the device need not be in this machine."""
        from lcs.train.device import device_type

        return device_type(self.device)


def split(arguments: Mapping[str, Any]) -> tuple[Options, dict[str, Any]]:
    """Return the options that are among arguments, and the others: changes of configurations."""
    names = {field.name for field in dataclasses.fields(Options)}
    options = {name: value for name, value in arguments.items() if name in names}
    return Options(**options), {n: v for n, v in arguments.items() if n not in names}
