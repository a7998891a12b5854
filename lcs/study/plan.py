"""What a study consists of, which of its runs are missing, and what those still cost."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext, suppress
from typing import Any, NamedTuple

from lcs import cost
from lcs.config import Config, RunConfig
from lcs.config.run_config import defaults
from lcs.data.datasets import dataset_path
from lcs.data.specs import spec
from lcs.errors import CheckpointError
from lcs.runs import Record, RunStore, readable
from lcs.runs.provenance import hardware
from lcs.study.options import Options

# fields that a plan tells even where they have their defaults
ALWAYS_TOLD = ("dataset", "model", "base_channels", "optimizer", "lr", "epochs", "batch_size")
MOST_VALUES = 12  # of a field; of more, the first are told


class Missing(NamedTuple):
    """A run that is still to be trained."""

    config: Any
    done: int  # epochs, by its checkpoint
    seconds: float | None  # that the other epochs take; None: unknown


def missing(
    runs: Mapping[Any, Record | None],
    seconds: Callable[..., Sequence[float | None]],
    store: RunStore,
    how: Options,
    *,
    skip_damaged: bool = False,
) -> list[Missing]:
    """Return what is left to train of runs without records.

    Times, by `Study.seconds`, are those of stored runs on the same processor if it is the CPU of
    this machine, and otherwise on any such device.

    Raises:
        CheckpointError: a checkpoint is damaged, and such a one does not count as none.
    """
    done = {config: 0 for config, record in runs.items() if record is None}
    if not done:
        return []
    import torch

    from lcs.train.checkpoint import Checkpoint

    for config in done:
        with suppress(CheckpointError) if skip_damaged else nullcontext():
            done[config] = Checkpoint(config, store.root).epoch()
    # the records of the other kind say nothing of these
    kinds = {cost.counts_apart(config.file.partition("/")[0]) for config in done}
    records = readable(store, lambda folder: cost.counts_apart(folder) in kinds)
    on_this_cpu = not how.on_ray and how.device_type == "cpu"
    own = hardware(torch.device("cpu")) if on_this_cpu else None
    times = seconds([*done], how.device, records, own)
    return [
        Missing(config, n, time and time * (1 - n / config.epochs if n else 1))
        for (config, n), time in zip(done.items(), times, strict=True)
    ]


def text(runs: Mapping[Any, Record | None], left: Sequence[Missing], how: Options) -> str:
    """Return a line for each missing run, what the study consists of, and what is missing in all.

    A run has the values of those fields in which the runs of the study differ.
    """
    kind: type[RunConfig] = type(next(iter(runs)))
    told: dict[str, list[Any]] = {}
    for name, usual in defaults(kind).items():
        values = [*dict.fromkeys(getattr(config, name) for config in runs)]
        if name != "seed" and (values != [usual] or name in ALWAYS_TOLD):
            told[name] = values
    lines = []
    for run in left:
        varied = (name for name, values in told.items() if len(values) > 1)
        own = [f"{name}={_shown(getattr(run.config, name))}" for name in varied]
        done = [f"{run.done} of {run.config.epochs} epochs done"] if run.done else []
        lines.append(f"{run.config.file}: {', '.join([*own, *done, cost.about(run.seconds)])}")
    seeds, conditions = {c.seed for c in runs}, {c.replace(seed=0) for c in runs}
    lines.append(f"configurations: {len(conditions)}, seeds: {min(seeds)} to {max(seeds)}")
    for name, values in told.items():
        more = f", and {len(values) - MOST_VALUES} others" if len(values) > MOST_VALUES else ""
        lines.append(f"  {name}: {', '.join(map(_shown, values[:MOST_VALUES]))}{more}")
    costs = [run.seconds for run in left]
    total = cost.in_all(costs, how.workers or 1)
    if cost.total(costs):
        total += f" on {how.device_type}"
        if how.on_ray and how.device == "auto":
            total += " (give --device for that of the cluster)"
    needed = dict.fromkeys(run.config.dataset for run in left if isinstance(run.config, Config))
    for name in needed:
        if not (how.on_ray or spec(name).packaged or dataset_path(name).exists()):
            total += f"; first `lcs data get {name}`, which is not here yet"
    return "\n".join([*lines, f"{len(left)} of {len(runs)} runs missing{total}"])


def _shown(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value).lower()
