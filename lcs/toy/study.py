"""The study of the toy, and what its experiments take."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from lcs.config import ToyConfig
from lcs.errors import ConfigError
from lcs.runs import Record, RunStore, default_store
from lcs.runs.provenance import provenance
from lcs.study.base_study import BaseStudy, Setting
from lcs.study.options import split
from lcs.toy import experiment

if TYPE_CHECKING:
    import pandas as pd

SETTING = Setting("toy", {})
# of a problem's descent, on two cores
SECONDS_PER_UPDATE = 2.5e-8


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
        return [base.replace(seed=seed) for seed in range(count)]

    def train(
        self,
        scale: str = "desk",
        seeds: int | None = None,
        *,
        store: RunStore | None = None,
        shard: str | None = None,
        **options: Any,
    ) -> list[Record]:
        """Compute what the store lacks, and return the records of all experiments.

        Arguments are those of `Study.train`. They are checked, but a toy is computed here,
        without a device, and has no checkpoints.
        """
        how, changes = split(options)
        how.check_device()
        store = store or default_store()
        runs = self.runs(scale, seeds, store.find, shard=shard, **changes)
        return [record or compute_toy(config, store) for config, record in runs.items()]

    def seconds(
        self,
        configs: Sequence[ToyConfig],
        device: str,
        records: Iterable[Record],
        hardware: str | None = None,
    ) -> list[float | None]:
        """Return about how long each experiment takes on two cores."""
        return [SECONDS_PER_UPDATE * config.updates for config in configs]

    def describe(self, config: ToyConfig, done: int) -> str:
        """Say in a line which experiment it is."""
        return f"toy LASSO, {config.problems} problems in each cell"


def compute_toy(config: ToyConfig, store: RunStore) -> Record:
    """Compute a toy, and store its record."""
    store.check_writable(config)
    origin, began = provenance(torch.device("cpu")), time.monotonic()
    results = experiment.run(config)
    origin |= {"seconds": time.monotonic() - began, "resumes": 0}
    return store.write(config, history={}, final=results, provenance=origin)


def pooled(records: Sequence[Record], table: str) -> pd.DataFrame:
    """Return the rows of one of the tables of all records, see `experiment.run`."""
    import pandas as pd

    frames = [pd.DataFrame(run.final[table]).assign(seed=run.config["seed"]) for run in records]
    return pd.concat(frames, ignore_index=True)
