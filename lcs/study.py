"""A study: the runs behind a table or a figure, at every scale, and how the missing ones are made.

`configs` lists the runs, `stored` reads those that have a record, and `run` trains the others.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from lcs import cost
from lcs.config import Config
from lcs.errors import CheckpointError, ConfigError, DiskError, TrainingError
from lcs.runs import AnyConfig, Record, RunStore, default_store

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

    `seeds` is how many the book is to have at the desk scale.
    """

    name: str
    title: str
    setting: Setting
    seeds: int
    scales: tuple[str, ...]

    @abstractmethod
    def configs(
        self, scale: str = "desk", seeds: int | None = None, **changes: Any
    ) -> Sequence[AnyConfig]:
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
    def seconds_left(
        self, configs: Sequence[Any], store: RunStore, device: str
    ) -> list[float | None]:
        """Return about how long each run still takes; None where nothing is known of the device."""

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
        for every in self._by_seed(scale, store, self.checked_seeds(seeds, MAX_SEEDS), **changes):
            if None in every:
                break
            records += [record for record in every if record is not None]
        return records

    def found(self, scale: str, store: RunStore, **changes: Any) -> list[Record]:
        """Return the stored records of the study, also where others of its runs are missing."""
        records: list[Record] = []
        for every in self._by_seed(scale, store, MAX_SEEDS, **changes):
            present = [record for record in every if record is not None]
            if not present:
                break
            records += present
        return records

    def _by_seed(
        self, scale: str, store: RunStore, seeds: int, **changes: Any
    ) -> Iterable[list[Record | None]]:
        configs = self.configs(scale, 1, **changes)
        for seed in range(seeds):
            yield [store.find(dataclasses.replace(config, seed=seed)) for config in configs]

    def shown_seeds(
        self, scale: str, store: RunStore, seeds: int | None = None, **changes: Any
    ) -> int:
        """Return how many seeds a page shows: those asked for, else every complete one there is.

        At the desk scale there are at least `seeds` of the study, at others at least one.
        """
        own = self.checked_seeds(seeds, self.seeds if scale == "desk" else 1)
        if seeds is not None:
            return own
        stored = self.stored(scale, store, **changes)
        return max([own, *(record.config.seed + 1 for record in stored)])

    def plan(self, configs: Sequence[AnyConfig], store: RunStore, device: str) -> str:
        """Say which runs are missing and about what each still costs; the device may be absent.

        Raises:
            CheckpointError: a run's checkpoint is damaged.
        """
        lacking = missing(configs, store)
        costs = self.seconds_left(lacking, store, device)
        lines = [
            f"{self.describe(config, store)}, {_about(seconds)}"
            for config, seconds in zip(lacking, costs, strict=True)
        ]
        return "\n".join([*lines, f"{len(lacking)} of {len(configs)} runs missing{_total(costs)}"])

    def describe(self, config: Any, store: RunStore) -> str:
        """Say in a line which run it is, and how far it has come."""
        return str(config.file)

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
            changes: fields of `Config` that all runs take over the scale's own; None keeps it.

        Raises:
            ConfigError: a value is unknown or out of range.
        """
        if scale not in self.scales:
            known = scale in SCALES
            reason = f"{self.name} has no {scale!r}" if known else f"unknown value {scale!r}"
            raise ConfigError(f"scale: {reason}; choose from {', '.join(self.scales)}")
        given = {name: value for name, value in changes.items() if value is not None}
        base = self.setting.configs[scale].replace(**given)
        once = dict.fromkeys(self.make(base, sorted(betas or self.betas)))  # each run once
        count = self.checked_seeds(seeds, self.seeds if scale == "desk" else 1)
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
        workers: int = 1,
        betas: Sequence[float] | None = None,
        **changes: Any,
    ) -> list[Record]:
        """Train what the store lacks, and return the records of all runs.

        Args are those of `configs` and of `lcs.train.train`. `store` is the reader's own by
        default, which falls back on the book's records. `seeds` are by default as many as
        `shown_seeds`. With several `workers`, as many groups of runs train at once, each in a
        process of its own with its share of the processor's cores.

        Raises:
            As `lcs.train.train`. What fails with one run does not stop the others.
        """
        check_options(device, budget_minutes, checkpoint_seconds, workers)
        store = store or default_store()
        seeds = self.shown_seeds(scale, store, seeds, betas=betas, **changes)
        configs = self.configs(scale, seeds, betas=betas, **changes)
        lacking = missing(configs, store)
        if lacking:
            from lcs.parallel import run_parallel
            from lcs.train import groups

            costs = self.seconds_left(lacking, store, device)
            where = cost.device_type(device)
            print(f"{_runs(lacking)} to train on {where}{_total(costs, workers)}", file=sys.stderr)
            minutes = math.inf if budget_minutes is None else budget_minutes
            train_part = functools.partial(
                _train_group,
                deadline=time.monotonic() + 60 * minutes,
                options={
                    "store": store,
                    "device": device,
                    "checkpoint_seconds": checkpoint_seconds,
                },
            )
            run_parallel(train_part, groups(lacking, workers), workers)
        return [record for config in configs if (record := store.find(config)) is not None]

    def flops(self, config: Config) -> int:
        """Floating-point operations of a run, to the leading term."""
        return cost.training_flops(config)

    def seconds_left(
        self, configs: Sequence[Config], store: RunStore, device: str
    ) -> list[float | None]:
        """Return about how long each run still takes; None where nothing is known of the device.

        Raises:
            CheckpointError: a run's checkpoint is damaged.
        """
        if not configs:
            return []
        pace = cost.Pace(device, store)
        left = [1 - epochs_done(config, store) / config.epochs for config in configs]
        seconds = [pace.seconds(config) for config in configs]
        return [s and s * share for s, share in zip(seconds, left, strict=True)]

    def describe(self, config: Config, store: RunStore) -> str:
        """Say in a line which run it is, and how far it has come."""
        method = f"β = {config.beta:g}, " if config.optimizer == "beta-lasso" else ""
        done = epochs_done(config, store)
        text = f"{config.file}: {method}α = {config.base_channels}, {config.epochs} epochs"
        return text + (f", {done} of them done" if done else "")


def _train_group(configs: Sequence[Config], *, deadline: float, options: dict[str, Any]) -> None:
    """Train runs together; one by one what is left of them after a failure."""
    from lcs.parallel import each
    from lcs.train import train_group

    minutes = max(0.0, deadline - time.monotonic()) / 60
    try:
        train_group(configs, budget_minutes=minutes, **options)
    except DiskError:
        raise
    except (TrainingError, CheckpointError) as error:
        if len(configs) == 1:
            raise
        print(f"{error}; what is missing is trained one by one", file=sys.stderr)
        alone = functools.partial(_train_group, deadline=deadline, options=options)
        each(alone, [[config] for config in configs])


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
    records = {}
    for study in studies:
        if train:
            options = {"device": device, "epochs": epochs}
            records[study.name] = study.train(scale, seeds, store=store, **options)
        else:
            records[study.name] = study.stored(scale, store, seeds, epochs=epochs)
    return records


def given(**parameters: Any) -> dict[str, Any]:
    """Return the parameters of a notebook that say something: 0, "" and [] mean "not given".

    A parameter of papermill needs a type, which None has not.
    """
    return {name: value for name, value in parameters.items() if value not in (0, "", [])}


def missing(configs: Iterable[Any], store: RunStore) -> list[Any]:
    """Return the runs that have no record yet."""
    return [config for config in configs if store.find(config) is None]


def epochs_done(config: Config, store: RunStore) -> int:
    """Return the epochs that a run's checkpoint holds.

    Raises:
        CheckpointError: it is damaged.
    """
    from lcs.checkpoint import Checkpoint

    return Checkpoint(config, store.root).epoch()


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
    if workers < 1:
        raise ConfigError(f"workers: {workers} is out of range; give 1 or more")
    for name, value in (
        ("budget_minutes", budget_minutes),
        ("checkpoint_seconds", checkpoint_seconds),
    ):
        if value is not None and not value >= 0:
            raise ConfigError(f"{name}: {value!r} is out of range; give 0 or more")
    if device not in ("auto", "cpu"):
        from lcs.device import choose_device

        choose_device(device)


def _runs(configs: Sequence[object]) -> str:
    return "1 run" if len(configs) == 1 else f"{len(configs)} runs"


def _about(seconds: float | None) -> str:
    return "time unknown" if seconds is None else f"about {cost.duration(seconds)}"


def _total(costs: Sequence[float | None], workers: int = 1) -> str:
    """Say what all runs cost, with the time that each worker takes to start."""
    if not costs or None in costs:
        return "; how long they take is not known: no run on this device is stored" if costs else ""
    known = sum(seconds for seconds in costs if seconds is not None)
    seconds = cost.START_SECONDS + known / min(workers, len(costs))
    return f", about {cost.duration(seconds)} in all"
