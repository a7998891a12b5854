"""What all studies share: which runs have records, what the others cost, and tables of results."""

from __future__ import annotations

import contextlib
import functools
import itertools
import operator
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lcs import cost
from lcs.config import Config, RunConfig
from lcs.data.datasets import dataset_path
from lcs.data.specs import spec
from lcs.errors import ConfigError, NotChosen, shown
from lcs.runs import Record, RunStore, default_store, readable
from lcs.runs.provenance import hardware
from lcs.study.options import checked_shard, split

if TYPE_CHECKING:
    pass

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
        """Name of the setting at a scale.

        Smoke runs have the name of their scale, and so has the paper's size, but in a setting that
        is of that size alone.
        """
        own = scale == "desk" or (scale == "paper" and "desk" not in self.configs)
        return self.name if own else scale


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
    after: tuple[str, ...] = ()  # names of the searches whose choice its runs take

    @property
    def usual_scale(self) -> str:
        """The scale where none is given: desk; of a study of the paper's size alone, paper."""
        return "desk" if "desk" in self.scales else "paper"

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

    @abstractmethod
    def seconds(
        self,
        configs: Sequence[Any],
        device: str,
        records: Iterable[Record],
        hardware: str | None = None,
    ) -> list[float | None]:
        """Return about how long each run takes; None where nothing is known of the device.

        `records` are runs whose time is known, `hardware` a processor that they may be of.
        """

    def epochs_done(self, config: Any, store: RunStore) -> int:
        """Return how many epochs of a run without a record are done; a toy has none."""
        return 0

    def stored(
        self, scale: str, store: RunStore, seeds: int | None = None, **changes: Any
    ) -> list[Record]:
        """Return the records of the seeds that all runs of the study have; none is trained.

        A missing seed among the study's own is left out; beyond those, the first missing one ends
        the list. Only seeds below `seeds` count, if given; of a scale that the study lacks there
        are none, and while a search has not chosen its hyperparameters. Other arguments and errors
        are those of `configs`.
        """
        if scale in SCALES and scale not in self.scales:
            return []
        count, own = self.checked_seeds(seeds, MAX_SEEDS), self.own_seeds(scale)
        found: list[Record] = []
        rows = itertools.islice(self._by_seed(scale, store.find, changes), count)
        with contextlib.suppress(NotChosen):
            for seed, row in enumerate(rows):
                records = [record for record in row.values() if record is not None]
                if len(records) == len(row):
                    found += records
                elif seed >= own:
                    break
        return found

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
            chosen = {*itertools.chain(*self.groups(configs, parts)[part - 1 :: parts])}
            return {config: find(config) for config in configs if config in chosen}
        found: dict[Any, Record | None] = {}
        for seed, row in enumerate(self._by_seed(scale, find, changes)):
            if seed >= least and (seeds is not None or None in row.values()):
                break
            found |= row
        count = 1 + max(config.seed for config in found)
        return {config: found[config] for config in self.configs(scale, count, **changes)}

    def runs_of_each(
        self,
        scale: str,
        seeds: int | None,
        find: Callable[[Any], Record | None],
        also: Sequence[tuple[BaseStudy, str]],
        **options: Any,
    ) -> list[dict[Any, Record | None]]:
        """Return `runs` of this study, and of others, each at its scale."""
        each = ((self, scale), *also)
        return [study.runs(at, seeds, find, **options) for study, at in each]

    def groups(self, configs: Sequence[Any], workers: int) -> Sequence[Sequence[Any]]:
        """Return the runs that are to be made together; as many groups as workers at least."""
        return [[config] for config in configs]

    def _by_seed(
        self, scale: str, find: Callable[[Any], Record | None], changes: Mapping[str, Any]
    ) -> Iterator[dict[Any, Record | None]]:
        configs = self.configs(scale, 1, **changes)
        for seed in range(MAX_SEEDS):
            seeded = [config.replace(seed=seed) for config in configs]
            yield {config: find(config) for config in seeded}

    def plan(
        self,
        scale: str = "desk",
        seeds: int | None = None,
        *,
        store: RunStore | None = None,
        shard: str | None = None,
        also: Sequence[tuple[BaseStudy, str]] = (),
        **options: Any,
    ) -> str:
        """Say which runs are missing and about how long each still takes; arguments as in `train`.

        The last line also names data sets that have to be fetched first.

        Neither the device nor Ray need be in this machine.

        Raises:
            ConfigError: a value is out of range.
            CheckpointError: a run's checkpoint is damaged.
        """
        how, changes = split(options)
        device, here = how.device, how.where != "ray"
        store = store or default_store()
        each = self.runs_of_each(scale, seeds, store.find, also, shard=shard, **changes)
        runs = functools.reduce(operator.or_, each)
        lacking = [config for config, record in runs.items() if record is None]
        done = {config: self.epochs_done(config, store) for config in lacking}
        again = self.sources_again(lacking, store)
        costs = self._costs(done | again, store, device, here)
        lines = [
            f"{self.describe(config, done[config])}, {cost.about(costs[config])}" for config in done
        ]
        lines += [
            f"{self.describe(config, epochs)}, {cost.about(costs[config])}, again: a run starts "
            "from it, and records hold no networks"
            for config, epochs in again.items()
        ]
        total = cost.in_all(costs.values(), how.workers or 1)
        if cost.total(costs.values()):
            total += f" on {cost.device_type(device)}"
            if not here and device == "auto":
                total += " (give --device for that of the cluster)"
        needed = dict.fromkeys(config.dataset for config in costs if isinstance(config, Config))
        fetched = [name for name in needed if here and not spec(name).packaged]
        absent = [name for name in fetched if not dataset_path(name).exists()]
        fetch = "".join(f"; first `lcs data get {name}`, which is not here yet" for name in absent)
        return "\n".join([*lines, f"{len(done)} of {len(runs)} runs missing{total}{fetch}"])

    def _costs(
        self, done: Mapping[Any, int], store: RunStore, device: str, here: bool
    ) -> dict[Any, float | None]:
        """Return about how long runs still take, of which so many epochs are done.

        That is by stored runs of the same processor if it is the CPU of this machine (`here`), and
        otherwise by those of all machines with such a device.
        """
        import torch

        if not done:
            return {}
        # the records of the other kind say nothing of these
        kinds = {cost.counts_apart(config.file.partition("/")[0]) for config in done}
        records = readable(store, lambda folder: cost.counts_apart(folder) in kinds)
        own = hardware(torch.device("cpu")) if here and cost.device_type(device) == "cpu" else None
        costs = self.seconds([*done], device, records, own)
        return {
            config: None if seconds is None else seconds * share_left(config, done[config])
            for config, seconds in zip(done, costs, strict=True)
        }

    def describe(self, config: Any, done: int) -> str:
        """Say in a line which run it is, and that so many epochs of it are done."""
        return str(config.file)

    def sources_again(self, configs: Sequence[Any], store: RunStore) -> dict[Any, int]:
        """Return runs that have a record but are trained again, as others start from them.

        With the epochs that are done.
        """
        return {}

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
            raise ConfigError(f"seeds: {shown(seeds)} is out of range; give 1 to {MAX_SEEDS}")
        return seeds


def share_left(config: Any, done: int) -> float:
    """Return the share of a run that is still to be computed after so many epochs."""
    return 1 - done / config.epochs if done else 1.0
