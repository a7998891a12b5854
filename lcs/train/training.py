"""Runs are trained to their records: one, or several as a group, which share their batches."""

import itertools
import math
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import ExitStack, suppress
from typing import cast

import torch

from lcs.config import Config
from lcs.errors import CheckpointError, ConfigError, TrainingError
from lcs.models import Net
from lcs.models.transfer import fitted
from lcs.runs import Record, RunStore
from lcs.runs.record_format import rounded
from lcs.train.batches import BATCH_FIELDS, stream
from lcs.train.checkpoint import Checkpoint
from lcs.train.device import choose_device, device_type, own_state, reporting_out_of_memory
from lcs.train.loop import Run, TimeBudget, fit
from lcs.train.setup import build_model

# the most runs and weights of a group: of wide networks augmentation is a small part of the cost
MAX_GROUP, MAX_GROUP_WEIGHTS = 4, 40_000_000
SOURCES = "sources"  # in whose name the trained networks that others start from are kept


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
    the same bits as a run that was never stopped. What the caller has set in torch has no effect.

    Args:
        config, store: the run, and where its record is read from or written to.
        device: "auto" (a CUDA device where there is one), "cpu", "cuda" or "cuda:N".
        budget_minutes: stop at a checkpoint before this time is over; an epoch that has begun ends.
        checkpoint_seconds: at least this time between checkpoints, which fall on epochs' ends.

    Raises:
        ConfigError: there is no such device, or the run does not fit the source that it names.
        DataError: the data set is missing or damaged.
        CheckpointError: the checkpoint is damaged, or another process holds the run.
        RecordError: the run's record is damaged, or cannot be written.
        TrainingError: a loss or weight is not finite, memory is full, or the source is unfit.
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


def train_group(
    configs: Sequence[Config],
    *,
    store: RunStore,
    device: str = "auto",
    budget_minutes: float | None = None,
    checkpoint_seconds: float = 60.0,
    sources: Collection[str] = (),
    on_failure: Callable[[TrainingError], None] | None = None,
) -> list[Record]:
    """Train several runs to their last epoch and return their records, as `train` does.

    Those that share their batches (see `groups`) and have come equally far go in step; each ends
    with the same bits as alone. One that starts from another of them is trained after it.

    Args:
        configs: the runs; store, device, budget_minutes, checkpoint_seconds: as in `train`.
        sources: `Config.file` of runs that other calls start from: their networks are kept.
        on_failure: called with the error of a run that fails within an epoch, else it is printed.
            It stops no other run; the first one is raised at the end. Any other error stops all.
    """
    budget = TimeBudget(budget_minutes, checkpoint_seconds)
    device_type(device)  # refuses an unknown one even where nothing is left to train
    failures: list[TrainingError] = []

    def failed(error: TrainingError) -> None:
        failures.append(error)
        if on_failure:
            on_failure(error)
        else:
            print(error, file=sys.stderr, flush=True)

    with ExitStack() as locks:
        parts: dict[tuple[object, int], dict[Config, Checkpoint]] = {}
        for config in _sources_first(configs):
            checkpoint = Checkpoint(config, store.root)
            if store.find(config) is None:
                chosen = choose_device(device)
                locks.enter_context(checkpoint.locked())
                if store.find(config) is None:  # another process may have ended it meanwhile
                    store.check_writable(config)
                    key = _shared_fields(config), checkpoint.epoch()
                    parts.setdefault(key, {})[config] = checkpoint
                    continue
            # of a kill before its removal; beside a record of the fallback it is another process's
            if store.path(config).exists():
                checkpoint.remove()
        kept = {*sources, *(config.source_file for config in configs)}
        for part in parts.values():
            _train_in_step(part, store, chosen, budget, kept, failed)
    if failures:
        raise failures[0]
    return [record for config in configs if (record := store.find(config)) is not None]


def groups(configs: Sequence[Config], workers: int = 1) -> list[list[Config]]:
    """Return groups of runs that share their batches, at least as many as workers if possible."""
    found: dict[object, list[Config]] = {}
    for config in configs:
        found.setdefault(_shared_fields(config), []).append(config)
    result = []
    for group in found.values():
        widest = max(sum(s.weights for s in c.layer_sizes().values()) for c in group)
        most = max(1, min(MAX_GROUP, MAX_GROUP_WEIGHTS // widest, len(configs) // workers))
        count = math.ceil(len(group) / most)
        bounds = [len(group) * part // count for part in range(count + 1)]  # of about equal size
        result += [group[start:end] for start, end in itertools.pairwise(bounds)]
    return result


def _shared_fields(config: Config) -> tuple[Config, str | None, str]:
    """Return what is the same for all runs that can train in step; no run can with its source."""
    shared = config
    # without augmentation there is nothing to share, and dropout draws from torch's own generator
    if config.augment != "none" and not config.dropout:
        shared = Config(**{name: getattr(config, name) for name in (*BATCH_FIELDS, "epochs")})
    return shared, config.source, stream(config)


def _sources_first(configs: Sequence[Config]) -> list[Config]:
    """Return each run once, after the run that it starts from, if that is among them."""
    known = {config.file: config for config in configs}

    def depth(config: Config) -> int:
        source = known.get(config.source_file or "")
        return 1 + depth(source) if source else 0

    return sorted(dict.fromkeys(configs), key=depth)


def _train_in_step(
    checkpoints: Mapping[Config, Checkpoint],
    store: RunStore,
    device: torch.device,
    budget: TimeBudget,
    sources: Collection[str | None],
    on_failure: Callable[[TrainingError], None],
) -> None:
    """Train runs and write the records of those that do not fail, and free all of them."""
    runs: list[Run] = []
    # of what all share memory may be short, too
    with reporting_out_of_memory(next(iter(checkpoints))), own_state(device):
        for config, checkpoint in checkpoints.items():
            with reporting_out_of_memory(config):
                runs.append(start_run(config, store, device, budget, runs[-1] if runs else None))
                runs[-1].resume(checkpoint)
        fit(runs, budget, on_failure)
        for number, run in enumerate(runs):
            try:
                with reporting_out_of_memory(run.config):
                    if run.config.file in sources:  # before its record, which would not lead here
                        kept = Checkpoint(run.config, store.root / SOURCES)
                        with kept.locked(wait=budget.left):
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
    config: Config,
    store: RunStore,
    device: torch.device,
    budget: TimeBudget,
    like: Run | None = None,
) -> Run:
    """Return a run at its beginning, as `Run.start` does, with the network of its source.

    A source that is not beside the checkpoints is trained anew and kept there.
    """
    if (file := config.source_file) is None:
        return Run.start(config, device, like)
    if (record := store.named(file)) is None:
        raise TrainingError(f"run {config.run_id}: its source {file} has no record; train it first")
    _check_source(config, record)
    checkpoint = Checkpoint(record.config, store.root / SOURCES)
    with checkpoint.locked(wait=budget.left), reporting_out_of_memory(record.config):
        source = start_run(record.config, store, device, budget)
        source.resume(checkpoint)
        if source.epoch < source.config.epochs:
            line = f"run {config.run_id}: its source {file} is trained first and kept as "
            print(f"{line}{checkpoint.path}", file=sys.stderr)
            failures: list[TrainingError] = []
            fit([source], budget, failures.append)
            if failures:
                raise failures[0]
            source.save()
    run = Run.start(config, device, like, source.model)
    run.provenance["source_as_recorded"] = rounded(source.history) == record.history
    return run


def _check_source(config: Config, record: Record) -> None:
    """Refuse a source of which a run cannot take what it is to, before that source is trained."""
    source, masked, whose = record.config, config.transfer.masked, f"source: {config.source}"
    if record.kind != "training" or source.model == "resnet18":
        advice = "name a training run of another model than resnet18"
        raise ConfigError(f"{whose} has no layers that a run can start from; {advice}")
    began = source.model, source.start, source.bias
    if config.start == "ticket" and began != (config.model, "initial", config.bias):
        advice = "name a run of the same model, with biases where this one has them"
        raise ConfigError(f"{whose} has no random weights for a ticket of this run; {advice}")
    with torch.device("meta"):  # shapes alone
        fitted(config, cast(Net, build_model(config)), cast(Net, build_model(source)))
    for name in ("validation", "permute_pixels", "normalize"):
        if getattr(source, name) != getattr(config, name):
            raise ConfigError(f"{whose} has another {name} than this run; give both the same")
    nonzeros, weights = record.final["nonzeros"], record.final["weights"]
    problem = ""
    if empty := [name for name in masked if nonzeros[name] == 0]:
        problem = f"weights left in {', '.join(empty)}, so that its masks leave none"
    # networks of other models have zeros outside their windows
    elif masked and source.model.endswith("fc") and all(nonzeros[n] == weights[n] for n in masked):
        problem = f"zeros in {', '.join(masked)}, so that its masks leave all weights"
    if problem:
        whose = f"run {config.run_id}: its source {source.file}"
        raise TrainingError(f"{whose} has no {problem}; name another run")
