"""The toy: does β-LASSO find the LASSO's solution? Its study and claims.

`experiment` runs it, with its `problems` and `theory`; what the chapter shows of its records is in
`results` and `figures`.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from lcs.config import ToyConfig
from lcs.errors import ConfigError
from lcs.exhibits.toy import experiment
from lcs.exhibits.toy.results import ALMOST_ALWAYS, pooled, recovered_by_l1
from lcs.exhibits.verdicts import Claim, Finding
from lcs.runs import Record, RunStore, default_store
from lcs.runs.provenance import provenance
from lcs.study.base_study import BaseStudy, Setting, check_options

if TYPE_CHECKING:
    import pandas as pd

SETTING = Setting("toy", {})


@dataclass(frozen=True)
class ToyStudy(BaseStudy):
    """The toy LASSO recovery: one experiment on random problems, at two scales."""

    name: str = "toy"
    title: str = "Toy LASSO: does β-LASSO find the LASSO's solution?"
    setting: Setting = SETTING
    seeds: int = 1
    scales: tuple[str, ...] = ("smoke", "desk")

    def configs(
        self, scale: str = "desk", seeds: int | None = None, **changes: Any
    ) -> list[ToyConfig]:
        """List the experiments: one for each of seeds 0 … seeds − 1.

        Raises:
            ConfigError: the scale is unknown, or a field of networks is changed.
        """
        if scale not in self.scales:
            raise ConfigError(
                f"scale: the toy has no {scale!r}; choose from {', '.join(self.scales)}"
            )
        changed = [name for name, value in changes.items() if value is not None]
        if changed:
            raise ConfigError(f"the toy has no {', '.join(changed)}: leave it out")
        base = experiment.SMOKE if scale == "smoke" else experiment.DESK
        count = self.checked_seeds(seeds, self.own_seeds(scale))
        return [dataclasses.replace(base, seed=seed) for seed in range(count)]

    def train(
        self,
        scale: str = "desk",
        seeds: int | None = None,
        *,
        store: RunStore | None = None,
        device: str = "auto",
        budget_minutes: float | None = None,
        checkpoint_seconds: float = 60.0,
        workers: int | None = None,
        on: str | None = None,
        address: str | None = None,
        gpus_per_run: float = 1.0,
        shard: str | None = None,
        **changes: Any,
    ) -> list[Record]:
        """Compute what the store lacks, and return the records of all experiments.

        Arguments are those of `Study.train`. They are checked, but a toy is computed here,
        without a device, and has no checkpoints.
        """
        check_options(device, budget_minutes, checkpoint_seconds, workers, on, gpus_per_run)
        store = store or default_store()
        runs = self.runs(scale, seeds, store.find, shard=shard, **changes)
        return [record or compute_toy(config, store) for config, record in runs.items()]

    def frame(self, records: Sequence[Record]) -> pd.DataFrame:
        """Return a row for each cell of the grid and seed."""
        return pooled(records, "cells")

    def seconds(
        self, configs: Sequence[ToyConfig], device: str, records: Iterable[Record]
    ) -> list[float | None]:
        """Return about how long each experiment takes on two cores."""
        return [SECONDS_PER_UPDATE * config.updates for config in configs]

    def describe(self, config: ToyConfig, store: RunStore) -> str:
        """Say in a line which experiment it is."""
        return f"toy LASSO, {config.problems} problems in each cell"


def compute_toy(config: ToyConfig, store: RunStore) -> Record:
    """Compute a toy, and store its record."""
    store.check_writable(config)
    origin, began = provenance(torch.device("cpu")), time.monotonic()
    results = experiment.run(config)
    origin |= {"seconds": time.monotonic() - began, "resumes": 0}
    return store.write(config, history={}, final=results, provenance=origin)


# of a problem's descent, on two cores
SECONDS_PER_UPDATE = 2.5e-8

STUDIES = (ToyStudy(),)


# Claims


def _one_finds_it(records: list[Record]) -> Finding:
    """Judge whether β = 1 finds the LASSO's solution almost always, whatever λ."""
    shares = recovered_by_l1(records, 1.0)
    text = f"{shares.min():.0f} to {shares.max():.0f} % of problems, by λ"
    if shares.min() >= ALMOST_ALWAYS:
        return Finding(text, said="holds")
    some = shares.max() >= ALMOST_ALWAYS
    return Finding(text, said="holds for small λ only" if some else "contradicted")


def _larger_can_miss(records: list[Record]) -> Finding:
    """Judge whether β = 50 misses the LASSO's solution at some λ."""
    shares = recovered_by_l1(records, 50.0)
    text = f"found in {shares.min():.0f} to {shares.max():.0f} % of problems at β = 50, by λ"
    return Finding(text, said="contradicted" if shares.min() >= ALMOST_ALWAYS else "holds")


CLAIMS: tuple[Claim, ...] = (
    Claim(
        "F",
        "With β = 1 the LASSO solution of a linear problem is reached almost always",
        "toy",
        _one_finds_it,
        "almost always",
    ),
    Claim(
        "F",
        "With larger β it can be missed, depending on initial weights and data",
        "toy",
        _larger_can_miss,
        "can be missed",
    ),
)
