"""How runs are trained: where, how many at once, for how long, and which part of them."""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lcs import cost
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
        address: of the Ray cluster; None: that of `$RAY_ADDRESS` or on this machine, else a new
            one.
        gpus_per_run: share of a GPU that a group takes on Ray.

    Raises:
        ConfigError: a value is unknown or out of range.
    """

    device: str = "auto"
    budget_minutes: float | None = None
    checkpoint_seconds: float = 60.0
    workers: int | None = None
    on: str | None = None
    address: str | None = None
    gpus_per_run: float = 1.0

    def __post_init__(self) -> None:
        from lcs.train.time_budget import TimeBudget

        TimeBudget(self.budget_minutes, self.checkpoint_seconds)  # refuses times
        if self.workers is not None and not self.workers >= 1:
            raise ConfigError(f"workers: {shown(self.workers)} is out of range; give 1 or more")
        if not 0 < self.gpus_per_run <= 1:
            raise ConfigError(
                f"gpus_per_run: {shown(self.gpus_per_run)} is out of range; give up to 1"
            )
        if self.where not in ("processes", "ray"):
            raise ConfigError(f"on: unknown value {self.where!r}; give processes or ray")
        cost.device_type(self.device)

    @property
    def where(self) -> str:
        """Where the runs train: "processes" of this machine or "ray"."""
        return self.on or os.environ.get("LCS_ON") or "processes"

    def check_device(self) -> None:
        """Refuse a device that this machine lacks, where the runs are to train in it.

        Raises:
            ConfigError: there is no such device.
        """
        if self.where == "processes" and self.device not in ("auto", "cpu"):
            from lcs.train.device import choose_device

            choose_device(self.device)


def split(arguments: Mapping[str, Any]) -> tuple[Options, dict[str, Any]]:
    """Return the options that are among arguments, and the others: changes of configurations."""
    names = {field.name for field in dataclasses.fields(Options)}
    given = {name: value for name, value in arguments.items() if name in names}
    return Options(**given), {k: v for k, v in arguments.items() if k not in names}


def checked_shard(text: str) -> tuple[int, int]:
    """Return part and number of parts of "i/n".

    Raises:
        ConfigError: it is not of this form, or out of range.
    """
    found = re.fullmatch(r"(\d+)/(\d+)", text)
    if not found or not 1 <= int(found[1]) <= int(found[2]):
        raise ConfigError(f"shard: {text!r} is no part; give i/n, i from 1 to n")
    return int(found[1]), int(found[2])
