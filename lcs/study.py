"""A study: the runs behind a table or a figure, at every scale, and how the missing ones are made.

`configs` lists the runs, `stored` reads those that have a record, and `run` trains the others.
"""

from __future__ import annotations

import functools
import math
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from lcs.config import Config, ToyConfig
from lcs.errors import CheckpointError, ConfigError, DiskError, TrainingError
from lcs.runs import AnyConfig, Record, RunStore, default_store

if TYPE_CHECKING:
    import pandas as pd

AnyConfigT = TypeVar("AnyConfigT", bound=AnyConfig)

SCALES = ("smoke", "desk", "paper")
MAX_SEEDS = 20


@dataclass(frozen=True)
class Setting:
    """How runs are trained: its name on the pages, and what all runs of a scale share."""

    name: str
    configs: Mapping[str, Config]

    def label(self, scale: str) -> str:
        """Name of the setting at a scale: smoke runs and the paper's size are settings of theirs."""
        return self.name if scale == "desk" else scale

    def config(self, scale: str) -> Config:
        """Return what all runs of a scale share.

        Raises:
            ConfigError: the scale is unknown.
        """
        if scale not in self.configs:
            known = ", ".join(self.configs)
            raise ConfigError(f"scale: unknown value {scale!r}; choose from {known}")
        return self.configs[scale]


class Outcome(NamedTuple):
    """A study's results: one row per run and recorded epoch, and the records behind them."""

    frame: pd.DataFrame
    records: list[Record]


@dataclass(frozen=True)
class Study:
    """A name, a title, a setting, and the runs that a table or a figure is drawn from.

    `make(base, betas)` lists the configurations of one seed, starting from what the setting has at
    a scale. `seeds` is how many the book is to have at the desk scale.
    """

    name: str
    title: str
    setting: Setting
    make: Callable[[Config, Sequence[float]], list[Config]]
    seeds: int = 3
    betas: tuple[float, ...] = (0, 1, 50)
    scales: tuple[str, ...] = SCALES

    def configs(
        self,
        scale: str = "desk",
        seeds: int | None = None,
        *,
        betas: Sequence[float] | None = None,
        **changes: Any,
    ) -> list[Config]:
        """List the runs: every configuration for seeds 0 … seeds − 1.

        Args:
            scale: one of the study's `scales`.
            seeds: how many; None: `Study.seeds` at the desk scale, one at others.
            betas: β of the β-LASSO runs; None: the study's own.
            changes: fields of `Config` that all runs take over the scale's own; None keeps it.

        Raises:
            ConfigError: a value is unknown or out of range.
        """
        if scale in SCALES and scale not in self.scales:
            raise ConfigError(
                f"scale: {self.name} has no {scale!r}; choose from {', '.join(self.scales)}"
            )
        given = {name: value for name, value in changes.items() if value is not None}
        base = self.setting.config(scale).replace(**given)
        once = dict.fromkeys(self.make(base, sorted(betas or self.betas)))  # each run once
        count = check_seeds(seeds, self.seeds if scale == "desk" else 1)
        return [config.replace(seed=seed) for config in once for seed in range(count)]

    def stored(
        self, scale: str, store: RunStore, seeds: int | None = None, **changes: Any
    ) -> list[Record]:
        """Return the records of as many seeds as all runs of the study have; none is trained.

        At most `seeds` seeds, if given; of a scale that the study lacks there are none. Other
        arguments and errors are those of `configs`.
        """
        records: list[Record] = []
        if scale in SCALES and scale not in self.scales:
            return records
        configs = self.configs(scale, 1, **changes)
        for seed in range(check_seeds(seeds, MAX_SEEDS)):
            every = [store.find(config.replace(seed=seed)) for config in configs]
            if None in every:
                break
            records += [record for record in every if record is not None]
        return records

    def found(self, scale: str, store: RunStore, **changes: Any) -> list[Record]:
        """Return every stored record of the study, also where others of its runs are missing."""
        configs = self.configs(scale, MAX_SEEDS, **changes)
        return [record for config in configs if (record := store.find(config)) is not None]

    def run(
        self,
        scale: str = "desk",
        seeds: int | None = None,
        *,
        store: RunStore | None = None,
        device: str = "auto",
        budget_minutes: float | None = None,
        checkpoint_seconds: float = 60.0,
        workers: int = 1,
        betas: Sequence[float] | None = None,
        **changes: Any,
    ) -> Outcome:
        """Train what the store lacks, and return the results of all runs.

        Args are those of `configs` and of `lcs.train.train`; `store` is the reader's own by
        default, which falls back on the book's records. With several `workers`, as many groups
        of runs train at once, each in a process of its own with its share of the processor's cores.
        """
        check_options(device, budget_minutes, checkpoint_seconds, workers)
        store = store or default_store()
        configs = self.configs(scale, seeds, betas=betas, **changes)
        lacking = missing(configs, store)
        if lacking:
            _train_missing(lacking, store, device, budget_minutes, checkpoint_seconds, workers)
        records = [record for config in configs if (record := store.find(config)) is not None]
        return Outcome(frame(records), records)


def _train_missing(
    configs: Sequence[Config],
    store: RunStore,
    device: str,
    budget_minutes: float | None,
    checkpoint_seconds: float,
    workers: int,
) -> None:
    from lcs.parallel import run_parallel
    from lcs.train import groups

    announce(configs, device, store, workers)
    minutes = math.inf if budget_minutes is None else budget_minutes
    one = functools.partial(
        _train_one,
        store=store,
        device=device,
        deadline=time.monotonic() + 60 * minutes,
        checkpoint_seconds=checkpoint_seconds,
    )
    parts = groups(configs, workers)
    run_parallel(functools.partial(_train_part, one=one), parts, workers)


def gather(
    studies: Iterable[Study],
    scale: str,
    seeds: int | None = None,
    *,
    train: bool = False,
    device: str = "auto",
    epochs: int | None = None,
    store: RunStore | None = None,
) -> dict[str, list[Record]]:
    """Return the records of several studies by name: what is stored, or all of it once trained.

    Without `train`, a study that is not complete for at least one seed has none.
    """
    store = store or default_store()
    records = {}
    for study in studies:
        if train:
            outcome = study.run(scale, seeds, store=store, device=device, epochs=epochs)
            records[study.name] = outcome.records
        else:
            records[study.name] = study.stored(scale, store, seeds, epochs=epochs)
    return records


def given(**parameters: Any) -> dict[str, Any]:
    """Return the parameters of a notebook that say something: 0, "" and [] mean "not given".

    A parameter of papermill needs a type, which None has not.
    """
    return {name: value for name, value in parameters.items() if value not in (0, "", [])}


def missing(configs: Iterable[AnyConfigT], store: RunStore) -> list[AnyConfigT]:
    """Return the runs that have no record yet."""
    return [config for config in configs if store.find(config) is None]


def frame(records: Iterable[Record]) -> pd.DataFrame:
    """Return one row per run and recorded epoch: what tells the runs apart, and their history.

    A column for each measure, and for each measure of a layer one named `<measure>_<layer>`.
    """
    import pandas as pd

    histories = []
    for record in records:
        columns: dict[str, Any] = {}
        for name, values in record.history.items():
            if isinstance(values, dict):
                columns |= {f"{name}_{layer}": column for layer, column in values.items()}
            else:
                columns[name] = values
        config = record.config
        names = ("model", "optimizer", "beta", "seed", "run_id")
        histories.append(pd.DataFrame({n: getattr(config, n) for n in names} | columns))
    return pd.concat(histories, ignore_index=True) if histories else pd.DataFrame()


def last_epochs(history: pd.DataFrame) -> pd.DataFrame:
    """Return the last recorded epoch of each run of a `frame`."""
    return history.groupby("run_id", sort=False).tail(1).reset_index(drop=True)


def check_options(
    device: str, budget_minutes: float | None, checkpoint_seconds: float, workers: int
) -> None:
    """Refuse what is out of range before anything is computed."""
    from lcs.train import Clock, choose_device

    if workers < 1:
        raise ConfigError(f"workers: {workers} is out of range; give 1 or more")
    Clock(budget_minutes, checkpoint_seconds)  # checks both
    choose_device(device)


def check_seeds(seeds: int | None, own: int) -> int:
    """Return a number of seeds, `own` where none is given.

    Raises:
        ConfigError: it is out of range.
    """
    if seeds is None:
        return own
    if type(seeds) is not int or seeds < 1:
        raise ConfigError(f"seeds: {seeds!r} is out of range; give 1 or more")
    return seeds


def announce(configs: Sequence[AnyConfig], device: str, store: RunStore, workers: int = 1) -> None:
    """Say on stderr how many runs are going to be trained and about how long it takes.

    Raises:
        CheckpointError: a run's checkpoint is damaged.
    """
    from lcs import cost
    from lcs.train import choose_device

    if configs:
        seconds = sum(_seconds_left(configs, device, store)) / min(workers, len(configs))
        where = choose_device(device).type
        runs = "1 run" if len(configs) == 1 else f"{len(configs)} runs"
        text = f"{runs} to train on {where}, about {cost.duration(seconds)} in all"
        print(text, file=sys.stderr)


def plan_text(configs: Sequence[AnyConfig], store: RunStore, device: str) -> str:
    """Say which runs are missing and about what each still costs on this machine.

    Raises:
        CheckpointError: a run's checkpoint is damaged.
    """
    from lcs import cost

    lacking = missing(configs, store)
    costs = _seconds_left(lacking, device, store)
    lines = [
        f"{_title(config, store)}, about {cost.duration(seconds)}"
        for config, seconds in zip(lacking, costs, strict=True)
    ]
    total = f"{len(lacking)} of {len(configs)} runs missing"
    return "\n".join([*lines, f"{total}, about {cost.duration(sum(costs))} in all"])


def _train_one(
    config: Config,
    *,
    store: RunStore,
    device: str,
    deadline: float,
    checkpoint_seconds: float,
) -> Record:
    from lcs.train import train

    return train(
        config,
        store=store,
        device=device,
        budget_minutes=max(0.0, deadline - time.monotonic()) / 60,
        checkpoint_seconds=checkpoint_seconds,
    )


def _train_part(part: list[Config], one: functools.partial[Record]) -> None:
    """Train some runs together; one by one what is left of them after a failure."""
    from lcs.parallel import each
    from lcs.train import train_group

    if len(part) > 1:
        options = dict(one.keywords)
        minutes = max(0.0, options.pop("deadline") - time.monotonic()) / 60
        try:
            train_group(part, **options, budget_minutes=minutes)
        except DiskError:
            raise
        except (TrainingError, CheckpointError) as error:
            print(f"{error}; what is missing is trained one by one", file=sys.stderr)
    each(one, part)


def _seconds_left(configs: Sequence[AnyConfig], device: str, store: RunStore) -> list[float]:
    """Return about how long each run still takes after the epochs that its checkpoint holds."""
    from lcs import cost

    return [
        seconds * (1 if isinstance(config, ToyConfig) else 1 - _done(config, store) / config.epochs)
        for config, seconds in zip(configs, cost.seconds(configs, device, store), strict=True)
    ]


def _done(config: Config, store: RunStore) -> int:
    """Return the epochs that a run's checkpoint holds."""
    from lcs.checkpoint import Checkpoint

    return Checkpoint(config, store.root).epoch()


def _title(config: AnyConfig, store: RunStore) -> str:
    if isinstance(config, ToyConfig):
        return f"toy LASSO, {config.problems} problems in each cell"
    where = f"{config.dataset}/{config.name}"
    done = _done(config, store)
    return f"{where}, {config.epochs} epochs" + (f", {done} of them done" if done else "")
