"""The study of the toy: its experiments, which are computed here, without a device."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import Any

from lcs.errors import ConfigError
from lcs.exhibits.toy.config import DESK, SMOKE, ToyConfig
from lcs.runs import Record, RunStore, default_store
from lcs.study import Study
from lcs.study.options import split

# of a problem's descent, on two cores
SECONDS_PER_UPDATE = 2.5e-8


class ToyStudy(Study):
    """The toy LASSO recovery: one experiment on random problems for each seed, at two scales."""

    def configs(
        self, scale: str = "desk", seeds: int | None = None, **changes: Any
    ) -> list[ToyConfig]:
        """List the experiments: one for each of seeds 0 … seeds − 1.

        Raises:
            ConfigError: the scale is unknown, or a field of networks is changed.
        """
        if scale not in self.scales:
            raise ConfigError(f"scale: the toy has no {scale!r}; give {' or '.join(self.scales)}")
        if changed := [name for name, value in changes.items() if value is not None]:
            raise ConfigError(f"the toy has no {', '.join(changed)}: leave it out")
        base = SMOKE if scale == "smoke" else DESK
        return [base.replace(seed=seed) for seed in range(self.seed_count(scale, seeds))]

    def groups(self, configs: Sequence[ToyConfig], workers: int) -> list[list[ToyConfig]]:
        """Return each experiment by itself."""
        return [[config] for config in configs]

    @staticmethod
    def seconds(
        configs: Sequence[ToyConfig],
        device: str,
        records: Iterable[Record],
        hardware: str | None = None,
    ) -> list[float | None]:
        """Return about how long each experiment takes on two cores."""
        return [SECONDS_PER_UPDATE * config.updates for config in configs]

    def train(
        self,
        scale: str = "desk",
        seeds: int | None = None,
        *,
        store: RunStore | None = None,
        shard: str | None = None,
        also: Sequence[tuple[Study, str]] = (),
        **options: Any,
    ) -> list[Record]:
        """Compute what the store lacks, and return the records of all experiments.

        Arguments are those of `Study.train`, which are checked.
        """
        changes, place = split(options)[1], store or default_store()
        runs = self.runs(scale, seeds, place.find, shard=shard, **changes)
        return [record or compute(config, place) for config, record in runs.items()]


def compute(config: ToyConfig, store: RunStore) -> Record:
    """Compute an experiment, and store its record."""
    import torch

    from lcs.exhibits.toy import experiment
    from lcs.runs.provenance import provenance

    store.check_writable(config)
    origin, began = provenance(torch.device("cpu")), time.monotonic()
    results = experiment.run(config)
    origin |= {"seconds": time.monotonic() - began, "resumes": 0}
    return store.write(config, history={}, final=results, provenance=origin)
