"""The training loop: one run or several in step, on any device, resumable.

A run alone is a group of one. In a group, each epoch is drawn and augmented once for all runs.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import ExitStack, suppress

import torch
from tqdm import tqdm

from lcs import cost
from lcs.config import Config
from lcs.errors import CheckpointError, Paused, TrainingError
from lcs.runs import Record, RunStore
from lcs.runs.record_format import recorded_epochs, rounded
from lcs.train.checkpoint import Checkpoint
from lcs.train.clock import Clock
from lcs.train.device import choose_device, reporting_out_of_memory
from lcs.train.grouping import shared_fields
from lcs.train.own_state import own_state
from lcs.train.run import Run
from lcs.train.source_check import check_source


def train(
    config: Config,
    *,
    store: RunStore,
    device: str = "auto",
    budget_minutes: float | None = None,
    checkpoint_seconds: float = 60.0,
) -> Record:
    """Train one network to its last epoch and return its record; do nothing if it has one.

    Stopped at any moment, the next call goes on from the last checkpoint; on a CPU it ends with
    the same bits as a run that was never stopped. What the caller has set in torch, as autocast
    or a default type, has no effect and is restored. Progress goes to stderr.

    Args:
        config: the run.
        store: where its record is read from or written to.
        device: "auto" (a CUDA device where there is one), "cpu", "cuda" or "cuda:N".
        budget_minutes: stop at a checkpoint before this time is over; how long an epoch takes is
            known from the second one on, and an epoch that has begun ends.
        checkpoint_seconds: at least this time between checkpoints, which fall on epochs' ends;
            longer where saving takes long (see `Clock`).

    Raises:
        ConfigError: there is no such device, or the run does not fit the source that it names.
        DataError: the data set is missing or damaged.
        CheckpointError: the checkpoint is damaged, or another process holds the run.
        RecordError: the run's record is damaged, or cannot be written.
        TrainingError: the loss or a weight is not finite, the device is out of memory, or the
            source of the run has no record, or masks of all weights or of none.
        Paused: the time budget is over; the same call goes on.
    """
    (record,) = train_group(
        [config],
        store=store,
        device=device,
        budget_minutes=budget_minutes,
        checkpoint_seconds=checkpoint_seconds,
        on_failure=lambda _: None,  # it is raised
    )
    return record


def print_error(error: TrainingError) -> None:
    """Print an error to stderr."""
    print(error, file=sys.stderr, flush=True)


def train_group(
    configs: Sequence[Config],
    *,
    store: RunStore,
    device: str = "auto",
    budget_minutes: float | None = None,
    checkpoint_seconds: float = 60.0,
    sources: Collection[str] = (),
    on_failure: Callable[[TrainingError], None] = print_error,
) -> list[Record]:
    """Train several runs to their last epoch and return their records.

    Those that can share their batches (see `groups`) and have come equally far go in step; each
    ends with the same bits as alone. Runs that have a record are not trained.

    Args:
        configs: the runs; one that starts from another of them is trained after it.
        store, device, budget_minutes, checkpoint_seconds: as in `train`.
        sources: `Config.file` of runs that others, of other calls, are to start from: their
            networks, too, are kept beside the checkpoints (see `start_run`).
        on_failure: called at once with the error of each run that fails within an epoch, with its
            `run_id`; by default it is printed to stderr.

    Raises:
        As `train`. What fails within an epoch stops its own run alone, and the first such error is
        raised at the end, unless a pause comes before. Any other error, as of a damaged
        checkpoint, stops all.
    """
    clock = Clock(budget_minutes, checkpoint_seconds)
    cost.device_type(device)  # refuses an unknown one even where nothing is left to train
    failures: list[TrainingError] = []

    def failed(error: TrainingError) -> None:
        failures.append(error)
        on_failure(error)

    with ExitStack() as locks:
        parts: dict[tuple[object, int], dict[Config, Checkpoint]] = {}
        for config in _sources_first(configs):
            checkpoint = Checkpoint(config, store.root)
            if store.find(config) is None:
                chosen = choose_device(device)
                locks.enter_context(checkpoint.locked())
                if store.find(config) is None:  # another process may have ended it meanwhile
                    store.check_writable(config)
                    key = shared_fields(config), checkpoint.epoch()
                    parts.setdefault(key, {})[config] = checkpoint
                    continue
            # a kill between record and removal leaves one; beside a record of the fallback it is
            # that of a process which does without
            if store.path(config).exists():
                checkpoint.remove()
        kept = {*sources, *(config.source_file for config in configs)}
        for part in parts.values():
            _train_part(part, store, chosen, clock, kept, failed)
    if failures:
        raise failures[0]
    return [record for config in configs if (record := store.find(config)) is not None]


def _sources_first(configs: Sequence[Config]) -> list[Config]:
    """Return each run once, after the run that it starts from, if that is among them."""
    known = {config.file: config for config in configs}

    def depth(config: Config) -> int:
        source = known.get(config.source_file or "")
        return 1 + depth(source) if source else 0

    return sorted(dict.fromkeys(configs), key=depth)


def _train_part(
    checkpoints: Mapping[Config, Checkpoint],
    store: RunStore,
    device: torch.device,
    clock: Clock,
    sources: Collection[str | None],
    on_failure: Callable[[TrainingError], None],
) -> None:
    """Train runs in step and write the records of those that do not fail.

    A function of its own, so that its runs are freed before others are built.
    """
    runs: list[Run] = []
    # of what all share memory may be short, too
    with reporting_out_of_memory(next(iter(checkpoints))), own_state(device) as found:
        for config, checkpoint in checkpoints.items():
            with reporting_out_of_memory(config):
                runs.append(start_run(config, store, device, clock, runs[-1] if runs else None))
                runs[-1].provenance |= found
                runs[-1].resume(checkpoint)
        fit(runs, clock, on_failure)
        for number, run in enumerate(runs):
            try:
                with reporting_out_of_memory(run.config):
                    if run.config.file in sources:  # before its record, which would not lead here
                        kept = Checkpoint.of_source(run.config, store.root)
                        with kept.locked(wait=clock.left):
                            run.save(kept)
                    run.finish(store)
            except BaseException:  # Ctrl-C, too
                for trained in runs[number:]:  # which then need not be trained again
                    with suppress(CheckpointError):  # the first error is the one to tell
                        trained.save()
                raise
        for run in runs:
            checkpoints[run.config].remove()


def start_run(
    config: Config, store: RunStore, device: torch.device, clock: Clock, like: Run | None = None
) -> Run:
    """Return a run at its beginning, with the trained network that it starts from, if it has one.

    Records hold no weights: a source that is not beside the checkpoints is trained anew, and kept
    there, as `<run id>-<8 hex digits>.safetensors`, until it is deleted by hand. The run's
    provenance says whether it has the history of its record to the last digit. `like` is as in
    `Run.start`.

    Raises:
        ConfigError: the source does not fit: its layers, its pixels, or how it began.
        TrainingError: there is no record of the source, or its masks leave all weights or none.
        As `train`.
    """
    if (file := config.source_file) is None:
        return Run.start(config, device, like)
    if (record := store.named(file)) is None:
        raise TrainingError(
            f"run {config.run_id}: it starts from {file}, which has no record; train that first "
            "(with --shard, another part may do so)"
        )
    check_source(config, record)
    checkpoint = Checkpoint.of_source(record.config, store.root)
    with checkpoint.locked(wait=clock.left), reporting_out_of_memory(record.config):
        source = start_run(record.config, store, device, clock)
        source.resume(checkpoint)
        if source.epoch < source.config.epochs:
            print(
                f"run {config.run_id}: its source {file} is trained first, as records hold no "
                f"networks, and kept as {checkpoint.path}",
                file=sys.stderr,
            )
            failures: list[TrainingError] = []
            fit([source], clock, failures.append)
            if failures:
                raise failures[0]
            source.save()
    with reporting_out_of_memory(config):
        run = Run.start(config, device, like, source.model)
    run.provenance["source_as_recorded"] = rounded(source.history) == record.history
    return run


def fit(runs: list[Run], clock: Clock, on_failure: Callable[[TrainingError], None]) -> None:
    """Train runs to their last epoch, an epoch of each and then the next, saving when it is due.

    Args:
        runs: one, or several of equal batches, length and progress. A run that fails is removed
            from the list, which frees its memory, and the others go on.
        clock: of the call.
        on_failure: called with the error of each run that fails.

    Raises:
        Paused: the time budget is over; all runs are saved.
    """

    def save() -> None:
        for run in runs:
            run.save()

    def name() -> str:
        return f"run {runs[0].config.run_id}" if len(runs) == 1 else f"{len(runs)} runs"

    done, epochs = runs[0].epoch, runs[0].config.epochs
    recorded = set(recorded_epochs(epochs))
    # silent where stderr is no terminal
    bar = tqdm(range(done, epochs), name(), epochs, initial=done, unit="epoch", disable=None)
    for epoch in bar:
        if clock.over():
            save()
            raise Paused(
                f"{name()} paused at epoch {epoch} of {epochs}: the time budget is spent; the same "
                "command goes on"
            )
        began = clock.elapsed
        runs[0].training.prepare_epoch(epoch)  # for all of them
        own_seconds: dict[Run, float] = {}
        lost_seconds = 0.0  # on runs that failed
        waiting = deque(runs)
        while waiting:
            run, run_began = waiting.popleft(), clock.elapsed
            try:
                with reporting_out_of_memory(run.config):
                    run.run_epoch(epoch, record=epoch + 1 in recorded)
                own_seconds[run] = clock.elapsed - run_began
            except TrainingError as error:
                lost_seconds += clock.elapsed - run_began
                error.run_id = run.config.run_id
                runs.remove(run)
                del run  # and with it its memory
                if runs:
                    runs[-1].prefetch = True
                    bar.desc = name()
                on_failure(error.with_traceback(None))  # whose frames keep the run in memory
        if not runs:
            break
        shared = clock.took_epoch(began) - sum(own_seconds.values()) - lost_seconds
        for run, seconds in own_seconds.items():
            run.seconds += seconds + shared / len(runs)
        if clock.checkpoint_due() and epoch + 1 < epochs:
            clock.save(save)
            if bar.disable:
                print(f"{name()} saved at epoch {epoch + 1} of {epochs}", file=sys.stderr)
