"""A study: the runs behind a table or a figure, at every scale; the missing ones are trained."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import itertools
import math
import operator
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lcs.config import OPTIMIZERS_OWN, Config, foreign_fields
from lcs.errors import ConfigError, NotChosen, RecordError, shown
from lcs.runs import Record, RunStore, default_store
from lcs.study import cost
from lcs.study.options import split

SCALES = ("smoke", "desk", "paper")
MAX_SEEDS = 1000  # more are refused, before as many configurations are listed

Runs = dict[Any, Record | None]  # configurations, and their records


@dataclass(frozen=True)
class Setting:
    """How runs are trained: its name on the pages, and the configuration of each scale."""

    name: str
    configs: Mapping[str, Config]

    def label(self, scale: str) -> str:
        """Name of the setting at a scale; runs at a scale beside the desk have the scale's name."""
        own = scale == "desk" or (scale == "paper" and "desk" not in self.configs)
        return self.name if own else scale


@dataclass(frozen=True)
class Study:
    """A name, a title, a setting, and the runs that a page is drawn from.

    `make(base)` lists the configurations of one seed, starting from what the setting has at a
    scale; a study with `betas`, which a reader may choose others for, has `make(base, betas)`.
    `after` names the searches whose choice its runs take.

    One rule for seeds: where their number is not given, a study has every seed that all of its runs
    have in the store; to be trained are at least `seeds` of them at the desk scale, one at others.
    """

    name: str
    title: str
    setting: Setting
    make: Callable[..., list[Config]]
    seeds: int = 3
    betas: tuple[float, ...] = ()
    scales: tuple[str, ...] = SCALES
    after: tuple[str, ...] = ()

    @property
    def usual_scale(self) -> str:
        """The scale where none is given: desk; of a study of the paper's size alone, paper."""
        return "desk" if "desk" in self.scales else "paper"

    def configs(
        self,
        scale: str = "desk",
        seeds: int | None = None,
        *,
        betas: Sequence[float] | None = None,
        **changes: Any,
    ) -> list[Any]:
        """List the runs: every configuration for seeds 0 … seeds − 1.

        Args:
            scale: one of the study's `scales`.
            seeds: how many; None: the study's own number at the desk scale, one at others.
            betas: β of the β-LASSO runs, where the study has `betas`; None: its own.
            changes: fields of `Config` that all runs take over the scale's own, and an optimizer's
                own, as `l1`, all with such an optimizer; None keeps it. Of width and length a study
                has multiples.

        A ConfigError refuses what is unknown or out of range, or cannot be changed in the study.
        """
        if scale not in self.scales:
            reason = f"{self.name} has no" if scale in SCALES else "unknown value"
            raise ConfigError(f"scale: {reason} {scale!r}; choose from {', '.join(self.scales)}")
        if betas is not None and not self.betas:
            raise ConfigError(f"betas: {self.name} has none to choose; leave it out")
        asked = {name: value for name, value in changes.items() if value is not None}
        own = {name: asked[name] for name in OPTIMIZERS_OWN & asked.keys()}
        common = {name: value for name, value in asked.items() if name not in own}
        base = self.base(scale, common)
        own_betas = sorted(self.betas if betas is None else betas)
        plain = self.make(base, own_betas) if self.betas else self.make(base)
        if not plain:
            raise ConfigError(f"betas: {self.name} has no run for these; give others")
        changed = [
            config.replace(**{n: own[n] for n in own.keys() - foreign_fields(config.optimizer)})
            for config in plain
        ]
        once = dict.fromkeys(_resolved(plain, changed))  # each run once
        count = self.seed_count(scale, seeds)
        configs = [config.replace(seed=seed) for config in once for seed in range(count)]
        for name, value in asked.items():
            with_it = [c for c in configs if name not in foreign_fields(c.optimizer)]
            # a value may be spelt in two ways: that of a default is None
            kept = with_it and all(c.replace(**{name: value}) == c for c in with_it)
            if name not in ("base_channels", "epochs") and not kept:
                raise ConfigError(f"{name}: cannot be changed in {self.name}; leave it out")
        return configs

    def base(self, scale: str, changes: Mapping[str, Any]) -> Config:
        """Return the configuration that the runs of a scale start from, with other values."""
        return self.setting.configs[scale].replace(**changes)

    def seed_count(self, scale: str, seeds: int | None) -> int:
        """Return how many seeds are asked for; ConfigError if their number is out of range."""
        if seeds is None:
            return self.seeds if scale == "desk" else 1
        if type(seeds) is not int or not 1 <= seeds <= MAX_SEEDS:
            raise ConfigError(f"seeds: {shown(seeds)} is out of range; give 1 to {MAX_SEEDS}")
        return seeds

    def stored(
        self, scale: str, store: RunStore, seeds: int | None = None, **changes: Any
    ) -> list[Record]:
        """Return the records of the seeds that all runs of the study have; none is trained.

        Beyond the study's own seeds, the first missing one ends the list. There are none of a scale
        that the study lacks, and while a search has not chosen. Otherwise as `configs`.
        """
        if scale in SCALES and scale not in self.scales:
            return []
        own = self.seed_count(scale, None)
        most = None if seeds is None else self.seed_count(scale, seeds)
        found: list[Record] = []
        with contextlib.suppress(NotChosen):
            rows = itertools.islice(self._by_seed(scale, store.find, changes), most)
            for seed, row in enumerate(rows):
                if None not in row.values():
                    found += filter(None, row.values())
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
    ) -> Runs:
        """Return the runs, by the rule for seeds and in the order of `configs`, with their records.

        A shard "i/n" is part i of n, from 1 on, of the study's own runs, whatever is stored.
        """
        count = self.seed_count(scale, seeds)
        if shard is not None:
            asked = re.fullmatch(r"(\d+)/(\d+)", shard)
            if not asked or not 1 <= (part := int(asked[1])) <= (parts := int(asked[2])):
                raise ConfigError(f"shard: {shard!r} is no part; give i/n, i from 1 to n")
            configs = self.configs(scale, count, **changes)
            chosen = {*itertools.chain(*self.groups(configs, parts)[part - 1 :: parts])}
            return {config: find(config) for config in configs if config in chosen}
        if seeds is None:
            rows = itertools.islice(self._by_seed(scale, find, changes), count, None)
            count += sum(1 for _ in itertools.takewhile(lambda row: None not in row.values(), rows))
        return {config: find(config) for config in self.configs(scale, count, **changes)}

    def _by_seed(
        self, scale: str, find: Callable[[Any], Record | None], changes: Mapping[str, Any]
    ) -> Iterator[Runs]:
        configs = self.configs(scale, 1, **changes)
        for seed in range(MAX_SEEDS):
            yield {(own := config.replace(seed=seed)): find(own) for config in configs}

    def groups(self, configs: Sequence[Any], workers: int) -> Sequence[Sequence[Any]]:
        """Return the runs that are to train together, in at least as many groups as workers."""
        from lcs.train import groups

        return groups(configs, workers)

    @staticmethod
    def seconds(
        configs: Sequence[Any], device: str, records: Iterable[Record], hardware: str | None = None
    ) -> list[float | None]:
        """Return about how long each run takes, by records of others; see `cost.Pace`."""
        return [*map(cost.Pace(device, records, hardware).seconds, configs)]

    def plan(
        self,
        scale: str = "desk",
        seeds: int | None = None,
        *,
        store: RunStore | None = None,
        shard: str | None = None,
        also: Sequence[tuple[Study, str]] = (),
        **options: Any,
    ) -> str:
        """Say what the study consists of, which runs are missing, and what they cost.

        Arguments and errors are those of `train`; neither device nor Ray need be in this machine.
        """
        how, changes = split(options)
        store = store or default_store()
        each = ((self, scale), *also)
        studies = [s.runs(at, seeds, store.find, shard=shard, **changes) for s, at in each]
        runs = functools.reduce(operator.or_, studies)
        return cost.plan_text(runs, cost.missing(runs, self.seconds, store, how), how)

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
        """Train what the store lacks, in groups that share their images; return all records.

        Args:
            scale, seeds: as in `configs`.
            store: default: the reader's own, which falls back on the book's records.
            shard: "i/n", to train and return part i of n alone, from 1 on. A run that starts from
                another one needs its record, which another part may train: give the part again.
            also: other studies, each with a scale, to train with this one, study by study as far
                as they do not share their images.
            options: fields of `Options`, and what `configs` takes, for all of the studies.

        Errors are those of `lcs.train.train`. A TrainingError, or a CheckpointError but a
        DiskError, stops no other run; the other errors stop all.
        """
        how, changes = split(options)
        store = store or default_store()
        each, find = ((self, scale), *also), store.find
        studies = [study.runs(at, seeds, find, shard=shard, **changes) for study, at in each]
        runs = wanted = functools.reduce(operator.or_, studies)
        if not (lacking := _lacking(runs)):
            return [*filter(None, runs.values())]
        if shard is not None:  # of other shards too: what one trains, runs of the next start from
            of_all = [study.runs(at, seeds, find, **changes) for study, at in each]
            wanted = functools.reduce(operator.or_, of_all)
        from lcs.study import executors, scheduler

        with executors.choose(how, len(lacking)) as executor:
            how = dataclasses.replace(how, device=executor.device)
            left = cost.missing(runs, self.seconds, store, how)
            which = "1 run" if len(lacking) == 1 else f"{len(lacking)} runs"
            total = cost.in_all([run.seconds for run in left], executor.slots)
            print(f"{which} to train on {how.device_type}{total}", file=sys.stderr)

            def place(group: Iterable[Config]) -> int:
                return min(i for i, one in enumerate(studies) if any(c in one for c in group))

            scheduler.train_all(
                sorted(self.groups(lacking, executor.slots), key=place),
                executor,
                budget_minutes=math.inf if how.budget_minutes is None else how.budget_minutes,
                seconds={run.config: run.seconds for run in left},
                store=RunStore(store.root.absolute(), fallback=store.fallback),
                device=how.device,
                checkpoint_seconds=how.checkpoint_seconds,
                sources={config.source_file for config in _lacking(wanted) if config.source_file},
            )
        runs |= {config: find(config) for config in lacking}
        if lost := _lacking(runs):
            reason = f"has no record in {store.root}: is that the same folder on all machines?"
            raise RecordError(f"run {lost[0].run_id} {reason}")
        return [*filter(None, runs.values())]


def _lacking(runs: Runs) -> list[Any]:
    return [config for config, record in runs.items() if record is None]


def _resolved(plain: Sequence[Config], changed: Sequence[Config]) -> Iterator[Config]:
    """Yield changed runs, each from the changed form of its source where that is among them."""
    now = {before.as_source: after for before, after in zip(plain, changed, strict=True)}

    def resolved(config: Config) -> Config:
        source = now.get(config.source or "")
        return config.replace(source=resolved(source).as_source) if source else config

    return map(resolved, changed)
