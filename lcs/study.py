"""A study: the runs behind a table or a figure, at every scale, and how the missing ones are made.

`configs` lists the runs, `stored` reads those that have a record, `plan` says what the others cost,
and `run` trains them.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
import os
import re
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from lcs import cost
from lcs.config import OPTIMIZER_FIELDS, OPTIMIZERS_OWN, Config, RunConfig
from lcs.errors import ConfigError, RecordError
from lcs.runs import Record, RunStore, default_store

if TYPE_CHECKING:
    import pandas as pd

SCALES = ("smoke", "desk", "paper")
# more are refused, before as many configurations are listed
MAX_SEEDS = 1000


@dataclass(frozen=True)
class Setting:
    """How runs are trained: its name on the pages, and what all runs of a scale share.

    `configs` has the configuration that a study starts from, for each scale.
    """

    name: str
    configs: Mapping[str, Config]

    def label(self, scale: str) -> str:
        """Name of the setting at a scale; smoke runs and the paper's size have names of theirs."""
        return self.name if scale == "desk" else scale


class Outcome(NamedTuple):
    """A study's results: one row per run and recorded epoch, and the records behind them."""

    frame: pd.DataFrame
    records: list[Record]


class BaseStudy(ABC):
    """What all studies share: `Study` trains networks, the toy's solves problems.

    One rule for seeds: where their number is not given, a study has every seed that all of its runs
    have in the store; to be trained are at least `seeds` of them at the desk scale, one at others.
    """

    name: str
    title: str
    setting: Setting
    seeds: int
    scales: tuple[str, ...]

    @abstractmethod
    def configs(
        self, scale: str = "desk", seeds: int | None = None, **changes: Any
    ) -> Sequence[RunConfig]:
        """List the runs: every configuration for seeds 0 … seeds − 1."""

    @abstractmethod
    def train(
        self,
        scale: str = "desk",
        seeds: int | None = None,
        *,
        store: RunStore | None = None,
        **options: Any,
    ) -> list[Record]:
        """Make what the store lacks, and return the records of all runs."""

    def frame(self, records: Sequence[Record]) -> pd.DataFrame:
        """Return the results of runs as a tidy table."""
        return frame(records)

    def run(self, scale: str = "desk", seeds: int | None = None, **options: Any) -> Outcome:
        """Train what the store lacks; return its results with their records (see `train`)."""
        records = self.train(scale, seeds, **options)
        return Outcome(self.frame(records), records)

    @abstractmethod
    def flops(self, config: Any) -> int:
        """Floating-point operations of a run, to the leading term."""

    @abstractmethod
    def seconds(
        self, configs: Sequence[Any], device: str, records: Iterable[Record]
    ) -> list[float | None]:
        """Return about how long each run takes; None where nothing is known of the device.

        `records` are runs whose time is known.
        """

    def share_left(self, config: Any, store: RunStore) -> float:
        """Return the share of a run that is still to be computed."""
        return 1.0

    def stored(
        self, scale: str, store: RunStore, seeds: int | None = None, **changes: Any
    ) -> list[Record]:
        """Return the records of as many seeds as all runs of the study have; none is trained.

        At most `seeds` seeds, if given; of a scale that the study lacks there are none. Other
        arguments and errors are those of `configs`.
        """
        if scale in SCALES and scale not in self.scales:
            return []
        count = self.checked_seeds(seeds, MAX_SEEDS)
        rows = itertools.islice(self._by_seed(scale, store.find, changes), count)
        whole = itertools.takewhile(lambda row: None not in row.values(), rows)
        return [record for row in whole for record in row.values() if record is not None]

    def found(self, scale: str, store: RunStore, **changes: Any) -> list[Record]:
        """Return the stored records, also where runs are missing, up to a seed that has none."""
        rows = self._by_seed(scale, store.find, changes)
        begun = itertools.takewhile(lambda row: any(row.values()), rows)
        return [record for row in begun for record in row.values() if record is not None]

    def runs(
        self,
        scale: str,
        seeds: int | None,
        find: Callable[[Any], Record | None],
        *,
        shard: str | None = None,
        **changes: Any,
    ) -> dict[Any, Record | None]:
        """Return the runs, by the rule for seeds and in the order of `configs`, with their records.

        Args:
            scale, seeds, changes: as in `configs`.
            find: returns the record of a run, as `RunStore.find` does.
            shard: "i/n", part i of n, from 1 on, of the runs that the study has of its own: the
                parts are the same whatever is stored.
        """
        least = self.checked_seeds(seeds, self.own_seeds(scale))
        if shard is not None:
            part, parts = checked_shard(shard)
            configs = self.configs(scale, least, **changes)
            chosen = itertools.chain(*self.groups(configs, parts)[part - 1 :: parts])
            return {config: find(config) for config in sorted(chosen, key=configs.index)}
        found: dict[Any, Record | None] = {}
        for seed, row in enumerate(self._by_seed(scale, find, changes)):
            if seed >= least and (seeds is not None or None in row.values()):
                break
            found |= row
        count = 1 + max(config.seed for config in found)
        return {config: found[config] for config in self.configs(scale, count, **changes)}

    def groups(self, configs: Sequence[Any], workers: int) -> Sequence[Sequence[Any]]:
        """Return the runs that are to be made together; as many groups as workers at least."""
        return [[config] for config in configs]

    def _by_seed(
        self, scale: str, find: Callable[[Any], Record | None], changes: Mapping[str, Any]
    ) -> Iterator[dict[Any, Record | None]]:
        configs = self.configs(scale, 1, **changes)
        for seed in range(MAX_SEEDS):
            seeded = [dataclasses.replace(config, seed=seed) for config in configs]
            yield {config: find(config) for config in seeded}

    def plan(
        self,
        scale: str = "desk",
        seeds: int | None = None,
        *,
        store: RunStore | None = None,
        device: str = "auto",
        workers: int | None = None,
        on: str | None = None,
        address: str | None = None,
        gpus_per_run: float = 1.0,
        shard: str | None = None,
        **changes: Any,
    ) -> str:
        """Say which runs are missing and about how long each still takes; arguments as in `train`.

        Neither the device nor Ray need be in this machine.

        Raises:
            ConfigError: a value is out of range.
            CheckpointError: a run's checkpoint is damaged.
        """
        if device != "auto":
            cost.device_type(device)
        check_options("cpu", None, 0.0, workers, on, gpus_per_run)
        store = store or default_store()
        runs = self.runs(scale, seeds, store.find, shard=shard, **changes)
        costs = self._costs(runs, store, device)
        lines = [
            f"{self.describe(config, store)}, {cost.about(seconds)}"
            for config, seconds in costs.items()
        ]
        total = cost.in_all(costs.values(), workers or 1)
        return "\n".join([*lines, f"{len(costs)} of {len(runs)} runs missing{total}"])

    def _costs(
        self, runs: Mapping[Any, Record | None], store: RunStore, device: str
    ) -> dict[Any, float | None]:
        """Return about how long each run without a record still takes."""
        lacking = [config for config, record in runs.items() if record is None]
        known = [record for record in runs.values() if record is not None]
        costs = self.seconds(lacking, device, cost.readable(store, known)) if lacking else []
        shares = [self.share_left(config, store) for config in lacking]
        return {
            config: None if seconds is None else seconds * share
            for config, seconds, share in zip(lacking, costs, shares, strict=True)
        }

    def describe(self, config: Any, store: RunStore) -> str:
        """Say in a line which run it is, and how far it has come."""
        return str(config.file)

    def own_seeds(self, scale: str) -> int:
        """Least number of seeds where none is given."""
        return self.seeds if scale == "desk" else 1

    @staticmethod
    def checked_seeds(seeds: int | None, own: int) -> int:
        """Return a number of seeds, `own` where none is given.

        Raises:
            ConfigError: it is out of range.
        """
        if seeds is None:
            return own
        if type(seeds) is not int or not 1 <= seeds <= MAX_SEEDS:
            raise ConfigError(f"seeds: {seeds!r} is out of range; give 1 to {MAX_SEEDS}")
        return seeds


@dataclass(frozen=True)
class Study(BaseStudy):
    """Networks to train: a name, a title, a setting, and the runs that a page is drawn from.

    `make(base, betas)` lists the configurations of one seed, starting from what the setting has at
    a scale.
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
            seeds: how many; None: `seeds` of the study at the desk scale, one at others.
            betas: β of the β-LASSO runs; None: the study's own.
            changes: fields of `Config` that all runs take over the scale's own; None keeps it. An
                optimizer's own field, as `l1`, is that of all runs with such an optimizer.

        Raises:
            ConfigError: a value is unknown or out of range.
        """
        if scale not in self.scales:
            known = scale in SCALES
            reason = f"{self.name} has no {scale!r}" if known else f"unknown value {scale!r}"
            raise ConfigError(f"scale: {reason}; choose from {', '.join(self.scales)}")
        if betas is not None and not betas:
            raise ConfigError("betas: none is given; give one or more, or leave it out")
        given = {name: value for name, value in changes.items() if value is not None}
        own = {name: given.pop(name) for name in OPTIMIZERS_OWN & given.keys()}
        base = self.setting.configs[scale].replace(**given)
        made = [
            config.replace(
                **{n: v for n, v in own.items() if n in OPTIMIZER_FIELDS[config.optimizer]}
            )
            for config in self.make(base, sorted(self.betas if betas is None else betas))
        ]
        once = dict.fromkeys(made)  # each run once
        count = self.checked_seeds(seeds, self.own_seeds(scale))
        return [config.replace(seed=seed) for config in once for seed in range(count)]

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
        """Train what the store lacks, and return the records of all runs.

        Runs train in groups, which share their images, and the rest of the arguments says where.

        Args:
            scale, seeds, changes: as in `configs`.
            store: default: the reader's own, which falls back on the book's records.
            device, budget_minutes, checkpoint_seconds: as in `lcs.train.train`; on Ray, the device
                is that of the cluster.
            workers: groups that train at once on each machine, with an equal share of its cores;
                None: one, or on Ray as many as there are cores. On GPUs, Ray goes by
                `gpus_per_run`.
            on: "processes" of this machine or "ray"; None: `$LCS_ON`, else processes.
            address: of the Ray cluster; None: that of `$RAY_ADDRESS` or on this machine, else a
                new one.
            gpus_per_run: share of a GPU that a group takes on Ray.
            shard: "i/n", to train and return part i of n alone, from 1 on.

        Raises:
            As `lcs.train.train`. A TrainingError, or a CheckpointError but a DiskError, stops no
            other run; the other errors stop all.
        """
        on = check_options(device, budget_minutes, checkpoint_seconds, workers, on, gpus_per_run)
        store = store or default_store()
        runs = self.runs(scale, seeds, store.find, shard=shard, **changes)
        lacking = [config for config, record in runs.items() if record is None]
        if lacking:
            from lcs import executors, scheduler

            executor: executors.Here | executors.Processes
            if on == "ray":
                executor = executors.OnRay(device, workers, address, gpus_per_run)
            elif (count := min(workers or 1, len(lacking))) > 1:
                executor = executors.Processes(device, count)
            else:
                executor = executors.Here(device)
            with executor:
                costs = self._costs(runs, store, executor.device)
                which = "1 run" if len(costs) == 1 else f"{len(costs)} runs"
                total = cost.in_all(costs.values(), executor.slots)
                kind = cost.device_type(executor.device)
                print(f"{which} to train on {kind}{total}", file=sys.stderr)
                scheduler.train_all(
                    self.groups(lacking, executor.slots),
                    executor,
                    budget_minutes=math.inf if budget_minutes is None else budget_minutes,
                    store=RunStore(store.root.absolute()),
                    device=executor.device,
                    checkpoint_seconds=checkpoint_seconds,
                )
            runs |= {config: store.find(config) for config in lacking}
            if lost := [config.run_id for config in lacking if runs[config] is None]:
                raise RecordError(
                    f"run {lost[0]} has no record in {store.root}: is that the same folder on all "
                    "machines?"
                )
        return [record for record in runs.values() if record is not None]

    def groups(self, configs: Sequence[Config], workers: int) -> list[list[Config]]:
        """Return the runs that are to train together; see `lcs.train.groups`."""
        from lcs.train import groups

        return groups(configs, workers)

    def flops(self, config: Config) -> int:
        """Floating-point operations of a run, to the leading term."""
        return cost.training_flops(config)

    def seconds(
        self, configs: Sequence[Config], device: str, records: Iterable[Record]
    ) -> list[float | None]:
        """Return about how long each run takes; see `cost.Pace`."""
        pace = cost.Pace(device, records)
        return [pace.seconds(config) for config in configs]

    def share_left(self, config: Config, store: RunStore) -> float:
        """Return the share of a run that its checkpoint does not hold.

        Raises:
            CheckpointError: the checkpoint is damaged.
        """
        from lcs.checkpoint import Checkpoint

        return 1 - Checkpoint(config, store.root).epoch() / config.epochs

    def describe(self, config: Config, store: RunStore) -> str:
        """Say in a line which run it is, and how far it has come."""
        method = f"β = {config.beta:g}, " if config.optimizer == "beta-lasso" else ""
        done = round(config.epochs * (1 - self.share_left(config, store)))
        text = f"{config.file}: {method}α = {config.base_channels}, {config.epochs} epochs"
        return text + (f", {done} of them done" if done else "")


def gather(
    studies: Iterable[BaseStudy],
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
    if train:
        return {
            study.name: study.train(scale, seeds, store=store, device=device, epochs=epochs)
            for study in studies
        }
    return {study.name: study.stored(scale, store, seeds, epochs=epochs) for study in studies}


def given(**parameters: Any) -> dict[str, Any]:
    """Return the parameters of a notebook that say something: 0, "" and [] mean "not given".

    A parameter of papermill needs a type, which None has not.
    """
    return {name: value for name, value in parameters.items() if value not in (0, "", [])}


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
    device: str,
    budget_minutes: float | None,
    checkpoint_seconds: float,
    workers: int | None,
    on: str | None,
    gpus_per_run: float,
) -> str:
    """Refuse what is out of range before anything is computed; return where runs train."""
    for name, value, least in (
        ("workers", workers, 1),
        ("budget_minutes", budget_minutes, 0),
        ("checkpoint_seconds", checkpoint_seconds, 0),
    ):
        if value is not None and not value >= least:
            raise ConfigError(f"{name}: {value!r} is out of range; give {least} or more")
    if not 0 < gpus_per_run <= 1:
        raise ConfigError(f"gpus_per_run: {gpus_per_run!r} is out of range; give up to 1")
    on = on or os.environ.get("LCS_ON") or "processes"
    if on not in ("processes", "ray"):
        raise ConfigError(f"on: unknown value {on!r}; give processes or ray")
    cost.device_type(device)
    if on == "processes" and device not in ("auto", "cpu"):
        from lcs.device import choose_device

        choose_device(device)
    return on


def checked_shard(text: str) -> tuple[int, int]:
    """Return part and number of parts of "i/n".

    Raises:
        ConfigError: it is not of this form, or out of range.
    """
    found = re.fullmatch(r"(\d+)/(\d+)", text)
    if not found or not 1 <= int(found[1]) <= int(found[2]):
        raise ConfigError(f"shard: {text!r} is no part; give i/n, i from 1 to n")
    return int(found[1]), int(found[2])
