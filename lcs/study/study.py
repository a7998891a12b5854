"""A study: the runs behind a table or a figure, at every scale, and how the missing ones are made.

`configs` lists the runs, `stored` reads those that have a record, `plan` says what the others cost,
and `run` trains them.
"""

from __future__ import annotations

import functools
import math
import operator
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from lcs import cost
from lcs.config import OPTIMIZERS_OWN, Config, foreign_fields
from lcs.errors import CheckpointError, ConfigError, NotChosen, RecordError
from lcs.runs import Record, RunStore, default_store
from lcs.study.base_study import SCALES, BaseStudy, Setting, share_left
from lcs.study.options import split


@dataclass(frozen=True)
class Study(BaseStudy):
    """Networks to train: a name, a title, a setting, and the runs that a page is drawn from.

    `make(base)` lists the configurations of one seed, starting from what the setting has at a
    scale; a study with `betas`, which a reader may choose others for, has `make(base, betas)`.
    """

    name: str
    title: str
    setting: Setting
    make: Callable[..., list[Config]]
    seeds: int = 3
    betas: tuple[float, ...] = ()
    scales: tuple[str, ...] = SCALES
    after: tuple[str, ...] = ()

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
            betas: β of the β-LASSO runs, where the study has `betas`; None: its own.
            changes: fields of `Config` that all runs take over the scale's own; None keeps it. An
                optimizer's own field, as `l1`, is that of all runs with such an optimizer. Width
                and length are the base that a study's multiples are of.

        Raises:
            ConfigError: a value is unknown or out of range, the study cannot change it, or has no
                run for these β.
        """
        if scale not in self.scales:
            known = scale in SCALES
            reason = f"{self.name} has no {scale!r}" if known else f"unknown value {scale!r}"
            raise ConfigError(f"scale: {reason}; choose from {', '.join(self.scales)}")
        if betas is not None and not self.betas:
            raise ConfigError(f"betas: {self.name} has none to choose; leave it out")
        if betas is not None and not betas:
            raise ConfigError("betas: none is given; give one or more, or leave it out")
        given = {name: value for name, value in changes.items() if value is not None}
        own = {name: given.pop(name) for name in OPTIMIZERS_OWN & given.keys()}
        base = self.base(scale, given)
        at = [sorted(betas or self.betas)] if self.betas else []
        try:
            plain = self.make(base, *at)
        except NotChosen:
            raise
        except ConfigError as error:
            if not given:
                raise
            values = ", ".join(f"{name}={value!r}" for name, value in given.items())
            raise ConfigError(f"{self.name} with {values}: {error}") from None
        if not plain:
            raise ConfigError(
                f"betas: {self.name} has no run for these; give others, or leave them out"
            )
        made = [
            config.replace(**{n: own[n] for n in own.keys() - foreign_fields(config.optimizer)})
            for config in plain
        ]
        once = dict.fromkeys(_resolved(plain, made))  # each run once
        count = self.checked_seeds(seeds, self.own_seeds(scale))
        configs = [config.replace(seed=seed) for config in once for seed in range(count)]
        self._refuse_ignored(given | own, configs)
        return configs

    def _refuse_ignored(self, changes: Mapping[str, Any], configs: Sequence[Config]) -> None:
        """Refuse a change that some run which has such a field did not take.

        Width and length are the base of a study's multiples, so that runs may have others.
        """
        for name, value in changes.items():
            with_it = [c for c in configs if name not in foreign_fields(c.optimizer)]
            # a value may be spelt in two ways: that of a default is None
            kept = with_it and all(c.replace(**{name: value}) == c for c in with_it)
            if name not in ("base_channels", "epochs") and not kept:
                raise ConfigError(f"{name}: cannot be changed in {self.name}; leave it out")

    def base(self, scale: str, changes: Mapping[str, Any]) -> Config:
        """Return the configuration that the runs of a scale start from, with other values."""
        return self.setting.configs[scale].replace(**changes)

    def train(
        self,
        scale: str = "desk",
        seeds: int | None = None,
        *,
        store: RunStore | None = None,
        shard: str | None = None,
        also: Sequence[tuple[BaseStudy, str]] = (),
        **options: Any,
    ) -> list[Record]:
        """Train what the store lacks, and return the records of all runs.

        Runs train in groups, which share their images.

        Args:
            scale, seeds: as in `configs`.
            store: default: the reader's own, which falls back on the book's records.
            shard: "i/n", to train and return part i of n alone, from 1 on. A run that starts from
                another one needs its record, which another part may train: give the part again.
            also: other studies of networks, each with a scale, to train with this one, study by
                study as far as they do not share their images.
            options: fields of `lcs.study.options.Options`, which say where and for how long; and
                what `configs` takes, for all of the studies.

        Raises:
            As `lcs.train.train`. A TrainingError, or a CheckpointError but a DiskError, stops no
            other run; the other errors stop all.
        """
        how, changes = split(options)
        how.check_device()
        store = store or default_store()
        of_each = functools.partial(self.runs_of_each, scale, seeds, store.find, also, **changes)
        studies = of_each(shard=shard)
        runs = functools.reduce(operator.or_, studies)
        lacking = [config for config, record in runs.items() if record is None]
        if not lacking:
            return [record for record in runs.values() if record is not None]
        # of other shards too: what one of them trains, runs of the next start from
        wanted = runs if shard is None else functools.reduce(operator.or_, of_each())
        from lcs.study import executors, scheduler

        executor: executors.StudyExecutor
        if how.where == "ray":
            executor = executors.OnRay(how.device, how.workers, how.address, how.gpus_per_run)
        elif (count := min(how.workers or 1, len(lacking))) > 1:
            executor = executors.Processes(how.device, count)
        else:
            executor = executors.InThisProcess(how.device)
        with executor:
            done = {config: self._known_done(config, store) for config in lacking}
            again: dict[Config, int] = {}
            with suppress(CheckpointError):  # a damaged source stops no other run
                again = self.sources_again(lacking, store)
            costs = self._costs(done | again, store, executor.device, here=how.where != "ray")
            which = "1 run" if len(done) == 1 else f"{len(done)} runs"
            total = cost.in_all(costs.values(), executor.slots)
            kind = cost.device_type(executor.device)
            print(f"{which} to train on {kind}{total}", file=sys.stderr)
            groups = self.groups(lacking, executor.slots)

            def place(group: Iterable[Config]) -> int:
                return min(i for i, one in enumerate(studies) if any(c in one for c in group))

            scheduler.train_all(
                sorted(groups, key=place),
                executor,
                budget_minutes=math.inf if how.budget_minutes is None else how.budget_minutes,
                share_left=lambda c: share_left(c, self._known_done(c, store)),
                store=RunStore(store.root.absolute(), fallback=store.fallback),
                device=executor.device,
                checkpoint_seconds=how.checkpoint_seconds,
                sources={
                    config.source_file
                    for config, record in wanted.items()
                    if record is None and config.source_file
                },
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

    def seconds(
        self,
        configs: Sequence[Config],
        device: str,
        records: Iterable[Record],
        hardware: str | None = None,
    ) -> list[float | None]:
        """Return about how long each run takes; see `cost.Pace`."""
        pace = cost.Pace(device, records, hardware)
        return [pace.seconds(config) for config in configs]

    def epochs_done(self, config: Config, store: RunStore) -> int:
        """Return how many epochs of a run its checkpoint holds.

        Raises:
            CheckpointError: the checkpoint is damaged.
        """
        from lcs.train.checkpoint import Checkpoint

        return Checkpoint(config, store.root).epoch()

    def sources_again(self, configs: Sequence[Config], store: RunStore) -> dict[Config, int]:
        """Return sources whose records hold no network and that are not kept, with epochs done.

        Raises:
            CheckpointError: one that is kept is damaged.
        """
        from lcs.train.checkpoint import Checkpoint

        again: dict[Config, int] = {}
        seen = {config.file for config in configs}
        waiting = [config.source_file for config in configs]
        while waiting:
            file = waiting.pop()
            if file is None or file in seen:
                continue
            seen.add(file)
            if (record := store.named(file)) is None:
                continue  # the run that starts from it says so
            done = Checkpoint.of_source(record.config, store.root).epoch()
            if done < record.config.epochs:
                again[record.config] = done
            waiting.append(record.config.source_file)
        return again

    def _known_done(self, config: Config, store: RunStore) -> int:
        """Return `epochs_done`, 0 for a damaged checkpoint: that stops no other run."""
        try:
            return self.epochs_done(config, store)
        except CheckpointError:
            return 0

    def describe(self, config: Config, done: int) -> str:
        """Say in a line which run it is, and that so many epochs of it are done."""
        method = f"β = {config.beta:g}, " if config.optimizer == "beta-lasso" else ""
        text = f"{config.file}: {method}α = {config.base_channels}, {config.epochs} epochs"
        return text + (f", {done} of them done" if done else "")


def _resolved(plain: Sequence[Config], changed: Sequence[Config]) -> Iterator[Config]:
    """Yield changed runs, each from the changed form of its source where that is among them."""
    now = {before.as_source: after for before, after in zip(plain, changed, strict=True)}

    def resolved(config: Config) -> Config:
        source = now.get(config.source or "")
        return config.replace(source=resolved(source).as_source) if source else config

    return map(resolved, changed)
