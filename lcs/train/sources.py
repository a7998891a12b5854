"""Runs that start from the trained network of another one."""

from __future__ import annotations

import sys
from typing import cast

import torch

from lcs.config import Config
from lcs.errors import ConfigError, TrainingError
from lcs.models import Net
from lcs.models.transfer import fitted
from lcs.runs import Record, RunStore
from lcs.runs.record_format import rounded
from lcs.train.checkpoint import Checkpoint
from lcs.train.device import reporting_out_of_memory
from lcs.train.loop import Run, fit
from lcs.train.setup import build_model
from lcs.train.time_budget import TimeBudget


def start_run(
    config: Config,
    store: RunStore,
    device: torch.device,
    budget: TimeBudget,
    like: Run | None = None,
) -> Run:
    """Return a run at its beginning, as `Run.start` does, with the network of its source.

    Records hold no weights: a source that is not beside the checkpoints is trained anew, and kept
    there, as `<run id>-<8 hex digits>.safetensors`, until it is deleted by hand. The run's
    provenance says whether it has the history of its record to the last digit.

    Raises:
        TrainingError: there is no record of the source.
        As `check_source` and `train`.
    """
    if (file := config.source_file) is None:
        return Run.start(config, device, like)
    if (record := store.named(file)) is None:
        reason = f"it starts from {file}, which has no record; train that first"
        raise TrainingError(f"run {config.run_id}: {reason}")
    check_source(config, record)
    checkpoint = Checkpoint.of_source(record.config, store.root)
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


def check_source(config: Config, record: Record) -> None:
    """Refuse a source of which a run cannot take what it is to, before that source is trained.

    Raises:
        ConfigError: the two configurations do not fit, whatever the seed.
        TrainingError: the masks of this source, of this seed, leave all weights or none.
    """
    source, masked, whose = record.config, config.taken.masked, f"source: {config.source}"
    if record.kind != "training" or source.model == "resnet18":
        raise ConfigError(f"{whose} has no layers that a run can start from; name another run")
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
    empty = [name for name in masked if nonzeros[name] == 0]
    full = [name for name in masked if nonzeros[name] == weights[name]]
    # networks of other models have zeros outside their windows
    if masked and full == [*masked] and source.model.endswith("fc"):
        problem = f"no zeros in {', '.join(full)}, so that its masks leave all weights"
    elif empty:
        problem = f"no weights left in {', '.join(empty)}, so that its masks leave none"
    else:
        return
    name = f"run {config.run_id}: its source {source.file}"
    raise TrainingError(f"{name} has {problem}; name another run")
