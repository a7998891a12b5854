"""A study: the runs behind a table or a figure, at every scale, and how the missing ones are made.

`configs` lists the runs, `stored` reads those that have a record, `plan` says what the others cost,
and `run` trains them.
"""

from __future__ import annotations

import dataclasses
import itertools
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from lcs import cost
from lcs.config import OPTIMIZER_FIELDS, Config
from lcs.errors import ConfigError
from lcs.runs import AnyConfig, Record, RunStore, default_store

if TYPE_CHECKING:
    import pandas as pd

C = TypeVar("C", bound=AnyConfig)

SCALES = ("smoke", "desk", "paper")
MAX_SEEDS = 1000


@dataclass(frozen=True)
class Setting(Generic[C]):
    """How runs are trained: its name on the pages, and what all runs of a scale share."""

    name: str
    configs: Mapping[str, C]

    def label(self, scale: str) -> str:
        """Name at a scale: smoke runs and the paper's size are settings of their own."""
        return self.name if scale == "desk" else scale

    def config(self, scale: str) -> C:
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


class AnyStudy(ABC, Generic[C]):
    """What all studies have in common, whatever is computed in their runs.

    One rule for seeds: where their number is not given, a study has every seed that all of its runs
    have in the store; `runs`, `train` and `plan` ask for `seeds` of them at least at the desk
    scale, and for one at others.
    """

    name: str
    title: str
    setting: Setting[C]
    seeds: int
    scales: tuple[str, ...]

    @abstractmethod
    def configs(self, scale: str = "desk", seeds: int | None = None, **changes: Any) -> list[C]:
        """List the runs: every configuration for seeds 0 … seeds − 1; None: the study's own."""

    @abstractmethod
    def flops(self, config: C) -> int:
        """Floating-point operations of a run, to the leading term."""

    @abstractmethod
    def seconds(
        self, configs: Sequence[C], device: str, records: Iterable[Record]
    ) -> list[float | None]:
        """Return about how long each run takes by `records` that were timed; None: unknown."""

    @abstractmethod
    def progress(self, config: C, store: RunStore) -> tuple[str, float]:
        """Return what a plan says of a run that has no record, and the share still to compute."""

    @abstractmethod
    def compute(self, configs: Sequence[C], store: RunStore, **options: Any) -> None:
        """Compute the records of these runs into the store; options are those of `train`."""

    def runs(
        self,
        scale: str,
        seeds: int | None,
        find: Callable[[C], Record | None],
        **changes: Any,
    ) -> dict[C, Record | None]:
        """Return the runs, by the rule above and in the order of `configs`, with their records.

        `find` returns the record of a run, as `RunStore.find` does.
        """
        least = check_seeds(seeds, self.own_seeds(scale))
        found: dict[C, Record | None] = {}
        for seed, row in enumerate(self._by_seed(scale, find, changes)):
            if seed >= least and (seeds is not None or None in row.values()):
                break
            found |= row
        count = 1 + max(config.seed for config in found)
        return {config: found[config] for config in self.configs(scale, count, **changes)}

    def stored(
        self, scale: str, store: RunStore, seeds: int | None = None, **changes: Any
    ) -> list[Record]:
        """Return the records of as many seeds as all runs of the study have; none is trained.

        At most `seeds` seeds, if given; of a scale that the study lacks there are none. Other
        arguments and errors are those of `configs`.
        """
        if scale in SCALES and scale not in self.scales:
            return []
        rows = itertools.islice(
            self._by_seed(scale, store.find, changes), check_seeds(seeds, MAX_SEEDS)
        )
        whole = itertools.takewhile(lambda row: None not in row.values(), rows)
        return [record for row in whole for record in row.values() if record is not None]

    def found(self, scale: str, store: RunStore, **changes: Any) -> list[Record]:
        """Return the stored records, also where runs are missing, up to a seed that has none."""
        rows = self._by_seed(scale, store.find, changes)
        begun = itertools.takewhile(lambda row: any(row.values()), rows)
        return [record for row in begun for record in row.values() if record is not None]

    def plan(
        self,
        scale: str = "desk",
        seeds: int | None = None,
        *,
        store: RunStore | None = None,
        device: str = "auto",
        workers: int = 1,
        **changes: Any,
    ) -> str:
        """Say which runs are missing and about how long each still takes; arguments as in `train`.

        The device need not be in this machine.

        Raises:
            CheckpointError: a run's checkpoint is damaged; others as `train`.
        """
        check_options(device, workers=workers)
        store = store or default_store()
        runs = self.runs(scale, seeds, store.find, **changes)
        lacking = self._remaining(runs, device, store)
        lines = [f"{text}, {cost.about(seconds)}" for text, seconds in lacking.values()]
        total = f", {cost.in_all(lacking.values(), workers)}" if lacking else ""
        return "\n".join([*lines, f"{len(lacking)} of {len(runs)} runs missing{total}"])

    def train(
        self,
        scale: str = "desk",
        seeds: int | None = None,
        *,
        store: RunStore | None = None,
        device: str = "auto",
        budget_minutes: float | None = None,
        checkpoint_seconds: float = 60.0,
        workers: int = 1,
        **changes: Any,
    ) -> list[Record]:
        """Train what the store lacks, and return the records of all runs.

        Args:
            scale, seeds, changes: as in `configs`.
            store: where records are read and written; by default the reader's own, which falls
                back on the book's.
            device, budget_minutes, checkpoint_seconds: as in `lcs.train.train`; the budget is that
                of the whole call.
            workers: as many groups of runs train at once, each in a process of its own with its
                share of the processor's cores.

        Raises:
            As `configs` and `lcs.train.train`. What fails with a run does not stop the others, but
            for a full disk.
        """
        check_options(device, budget_minutes, checkpoint_seconds, workers)
        store = store or default_store()
        runs = self.runs(scale, seeds, store.find, **changes)
        lacking = self._remaining(runs, device, store)
        if lacking:
            from lcs.device import choose_device

            where = choose_device(device).type
            count = "1 run" if len(lacking) == 1 else f"{len(lacking)} runs"
            print(
                f"{count} to train on {where}, {cost.in_all(lacking.values(), workers)}",
                file=sys.stderr,
            )
            self.compute(
                list(lacking),
                store,
                device=device,
                budget_minutes=budget_minutes,
                checkpoint_seconds=checkpoint_seconds,
                workers=workers,
            )
            runs |= {config: store.find(config) for config in lacking}
        return [record for record in runs.values() if record is not None]

    def run(self, scale: str = "desk", seeds: int | None = None, **options: Any) -> Outcome:
        """Train what the store lacks, and return the results of all runs; see `train`."""
        records = self.train(scale, seeds, **options)
        return Outcome(frame(records), records)

    def own_seeds(self, scale: str) -> int:
        """Number of seeds where none is given."""
        return self.seeds if scale == "desk" else 1

    def _by_seed(
        self, scale: str, find: Callable[[C], Record | None], changes: Mapping[str, Any]
    ) -> Iterator[dict[C, Record | None]]:
        """Yield the runs of each seed with their records."""
        configs = self.configs(scale, 1, **changes)
        for seed in range(MAX_SEEDS):
            seeded = [dataclasses.replace(config, seed=seed) for config in configs]
            yield {config: find(config) for config in seeded}

    def _remaining(
        self, runs: Mapping[C, Record | None], device: str, store: RunStore
    ) -> dict[C, tuple[str, float | None]]:
        """Return what a plan says of each run without a record, and the seconds it still takes."""
        lacking = [config for config, record in runs.items() if record is None]
        known = [record for record in runs.values() if record is not None]
        records = cost.readable(store, known) if lacking else ()
        costs = self.seconds(lacking, device, records)
        progress = [self.progress(config, store) for config in lacking]
        return {
            config: (text, None if seconds is None else seconds * share)
            for config, seconds, (text, share) in zip(lacking, costs, progress, strict=True)
        }


@dataclass(frozen=True)
class Study(AnyStudy[Config]):
    """A study of networks.

    `make(base, betas)` lists the configurations of one seed, starting from what the setting has at
    a scale.
    """

    name: str
    title: str
    setting: Setting[Config]
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
            changes: fields of `Config` that all runs take over the scale's own; None keeps it. An
                optimizer's own field, as `l1`, is that of all runs with such an optimizer.

        Raises:
            ConfigError: a value is unknown or out of range.
        """
        if scale in SCALES and scale not in self.scales:
            raise ConfigError(
                f"scale: {self.name} has no {scale!r}; choose from {', '.join(self.scales)}"
            )
        if betas is not None and not betas:
            raise ConfigError("betas: none is given; give one or more, or leave it out")
        given = {name: value for name, value in changes.items() if value is not None}
        of_optimizers = {name for names in OPTIMIZER_FIELDS.values() for name in names}
        late = {name: given.pop(name) for name in of_optimizers & given.keys()}
        base = self.setting.config(scale).replace(**given)
        made = [
            config.replace(
                **{n: v for n, v in late.items() if n in OPTIMIZER_FIELDS[config.optimizer]}
            )
            for config in self.make(base, sorted(self.betas if betas is None else betas))
        ]
        once = dict.fromkeys(made)  # each run once
        count = check_seeds(seeds, self.own_seeds(scale))
        return [config.replace(seed=seed) for config in once for seed in range(count)]

    def flops(self, config: Config) -> int:
        """Floating-point operations of a run, to the leading term."""
        return cost.training_flops(config)

    def seconds(
        self, configs: Sequence[Config], device: str, records: Iterable[Record]
    ) -> list[float | None]:
        """Return about how long each run takes; see `cost.seconds`."""
        return cost.seconds(configs, device, records)

    def progress(self, config: Config, store: RunStore) -> tuple[str, float]:
        """Return what a plan says of a run, and the share that its checkpoint does not hold."""
        from lcs.checkpoint import Checkpoint

        done = Checkpoint(config, store.root).epoch()
        text = f"{config.file}, {config.epochs} epochs" + f", {done} of them done" * bool(done)
        return text, 1 - done / config.epochs

    def compute(self, configs: Sequence[Config], store: RunStore, **options: Any) -> None:
        """Train these runs; see `parallel.train_all`."""
        from lcs.parallel import train_all

        train_all(configs, store, **options)


def gather(
    studies: Iterable[AnyStudy[Any]],
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
    budget_minutes: float | None = None,
    checkpoint_seconds: float = 60.0,
    workers: int = 1,
) -> None:
    """Refuse, by a ConfigError, what is out of range before anything is computed."""
    if device != "auto":  # which imports torch
        cost.device_type(device)
    times = {"budget_minutes": budget_minutes, "checkpoint_seconds": checkpoint_seconds}
    for name, value in (times | {"workers": workers}).items():
        least = 1 if name == "workers" else 0
        if value is not None and not value >= least:
            raise ConfigError(f"{name}: {value!r} is out of range; give {least} or more")


def check_seeds(seeds: int | None, own: int) -> int:
    """Return a number of seeds, `own` where none is given.

    Raises:
        ConfigError: it is out of range.
    """
    if seeds is None:
        return own
    if type(seeds) is not int or not 1 <= seeds <= MAX_SEEDS:
        raise ConfigError(f"seeds: {seeds!r} is out of range; give 1 to {MAX_SEEDS}")
    return seeds
