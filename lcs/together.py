"""Runs trained together, in the way that suits the device.

On a CPU they go in step, epoch by epoch: those with the same seed share the epoch's order and
augmentation, and have the bits that they would have alone. On a GPU, which small runs waste, seeds
and grid points of one fully connected net are stacked and every product is a batched one: each run
keeps its own streams, learning rate, λ, β and record, with the numbers it would have alone up to
the rounding of products taken in another order.
"""

from __future__ import annotations

import functools
import itertools
import math
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lcs import cost
from lcs.augment import send
from lcs.batches import BATCH_FIELDS
from lcs.checkpoint import Checkpoint
from lcs.config import Config
from lcs.errors import TrainingError
from lcs.loop import Clock, descend
from lcs.fused_steps import compiler_works
from lcs.runs import Record, RunStore
from lcs.train import Run, choose_device, enough_memory, learning_rate

# what runs in one stack may differ in
OWN = ("seed", "optimizer", "lr", "l1", "l1_rest", "beta", "schedule", "period")
# weights of all runs in a stack: as many as a device computes without waiting
STACKED = 100_000_000
# runs that go in step: most of what can be shared is, and the first results come soon; and their
# weights: of wide networks augmentation is a small part, and memory a large one
IN_STEP, IN_STEP_WEIGHTS = 4, 40_000_000


def groups(configs: Sequence[Config], device: torch.device, workers: int = 1) -> list[list[Config]]:
    """Return the runs that are to train together on a device, group by group, in their order.

    There are as many groups as workers at least, if there are as many runs.
    """
    stands_for = _shape if device.type == "cuda" else _feeding
    found: dict[Config, list[Config]] = {}
    for config in configs:
        found.setdefault(stands_for(config), []).append(config)
    most = max(1, len(configs) // workers)
    return [part for group in found.values() for part in _parts(group, device, most)]


def _shape(config: Config) -> Config:
    """Return the configuration that stands for all with which a run can be stacked."""
    plain = not (config.momentum or config.weight_decay or config.dropout or config.frozen_zeros)
    if not (plain and config.fully_connected) or config.bias or config.affine:
        return config
    none = Config()
    return config.replace(**{name: getattr(none, name) for name in OWN})


def _feeding(config: Config) -> Config:
    """Return the configuration that stands for all with which a run can go in step.

    Without augmentation there is nothing to share; dropout draws from one stream for all.
    """
    if config.augment == "none" or config.dropout:
        return config
    return Config(**{name: getattr(config, name) for name in (*BATCH_FIELDS, "epochs")})


def _parts(group: list[Config], device: torch.device, most: int) -> list[list[Config]]:
    largest = max(map(cost.weights, group))
    fit = STACKED // largest if device.type == "cuda" else min(IN_STEP, IN_STEP_WEIGHTS // largest)
    count = math.ceil(len(group) / max(1, min(fit, most)))
    bounds = [len(group) * part // count for part in range(count + 1)]  # of about equal size
    return [group[start:end] for start, end in itertools.pairwise(bounds)]


def train_together(
    configs: Sequence[Config],
    *,
    store: RunStore,
    device: str = "auto",
    budget_minutes: float | None = None,
    checkpoint_seconds: float = 60.0,
) -> list[Record]:
    """Train runs of one of `groups` to their last epoch; arguments and errors as in `train`.

    Runs that have a record are not trained. Those that were stopped go on with the others that
    have come as far, together or one by one. A run that fails is left out, and told at the end.
    """
    clock, chosen = Clock(budget_minutes, checkpoint_seconds), choose_device(device)
    checkpoints = {config: Checkpoint(config, store.root) for config in configs}
    with ExitStack() as locks:
        for config in configs:
            if store.find(config) is None:
                locks.enter_context(checkpoints[config].locked())
        missing = [config for config in configs if store.find(config) is None]
        for config in missing:
            store.check_writable(config)
        failures: list[TrainingError] = []
        for part in _as_far({config: checkpoints[config] for config in missing}):
            with enough_memory(next(iter(part))):
                group = KINDS[chosen.type](list(part), chosen, list(part.values()))
                with suppress(TrainingError):  # of the last run that was left
                    descend(group, clock)
                failures += group.failures
                for run in group.runs:
                    run.finish(store)
                    checkpoints[run.config].remove()
    if failures:
        raise failures[0]
    return [record for config in configs if (record := store.find(config)) is not None]


def _as_far(checkpoints: dict[Config, Checkpoint]) -> list[dict[Config, Checkpoint]]:
    """Split runs by the epoch that they have reached."""
    parts: dict[int, dict[Config, Checkpoint]] = {}
    for config, checkpoint in checkpoints.items():
        parts.setdefault(checkpoint.epoch(), {})[config] = checkpoint
    return list(parts.values())


class Group:
    """Runs in progress that go in step: an epoch of each, then the next.

    Args:
        configs: of one of `groups`.
        device: of all.
        checkpoints: theirs, all of the same epoch.
    """

    def __init__(
        self, configs: Sequence[Config], device: torch.device, checkpoints: Sequence[Checkpoint]
    ) -> None:
        self.device = device
        self.failures: list[TrainingError] = []
        first = Run.start(configs[0], device)
        runs = [first, *(Run.start(config, device, like=first) for config in configs[1:])]
        for run, checkpoint in zip(runs, checkpoints, strict=True):
            run.resume(checkpoint)
        self.shares: list[float] = []
        self._take(runs)

    def _take(self, runs: Sequence[Run]) -> None:
        """Go on with these runs."""
        self.runs = runs

    @property
    def title(self) -> str:
        """Name for the progress bar."""
        return self.name

    @property
    def name(self) -> str:
        """Name for messages."""
        return f"{len(self.runs)} runs"

    @property
    def epochs(self) -> int:
        """Epochs of the whole training."""
        return self.runs[0].epochs

    @property
    def epoch(self) -> int:
        """Epochs that are done."""
        return self.runs[0].epoch

    def spend(self, seconds: float) -> None:
        """Note the time of an epoch: each run's share of it."""
        for run, share in zip(self.runs, self.shares, strict=True):
            run.spend(seconds * share / sum(self.shares))

    def save(self) -> None:
        """Write every run's checkpoint."""
        for run in self.runs:
            run.save()

    def run_epoch(self, epoch: int, *, record: bool) -> None:
        """Train one epoch of each run, and record its results if asked; leave out what fails."""
        began = time.monotonic()
        self.runs[0].training.prepare(epoch)
        shared = (time.monotonic() - began) / len(self.runs)
        self._each(lambda run: run.run_epoch(epoch, record=record))
        self.shares = [share + shared for share in self.shares]

    def _each(self, work: Callable[[Run], None]) -> None:
        """Do something with every run, and note its time; leave out what fails."""
        left, failures, self.shares = [], [], []
        for run in self.runs:
            began = time.monotonic()
            try:
                work(run)
            except TrainingError as error:
                failures.append(error.with_traceback(None))  # which would keep the run in memory
                continue
            left.append(run)
            self.shares.append(time.monotonic() - began)
        self.failures += failures
        if not left:
            self.runs = []
            raise failures[0]
        for failure in failures:
            print(f"{failure}; the other runs go on", file=sys.stderr, flush=True)
        if failures:
            self._take(left)


class Batched(Group):
    """Runs in progress whose networks share their memory with one stack of weights."""

    def _take(self, runs: Sequence[Run]) -> None:
        super()._take(runs)
        self.stack = Stack([run.model for run in runs])
        seeds = list(dict.fromkeys(run.config.seed for run in runs))
        self.leaders = [next(r for r in runs if r.config.seed == seed) for seed in seeds]
        places = [seeds.index(run.config.seed) for run in runs]
        self.places = torch.tensor(places, device=self.device)

    def run_epoch(self, epoch: int, *, record: bool) -> None:
        """Train one epoch, and record each run's results if asked; leave out what fails."""
        masks = [run.zeros() if record else None for run in self.runs]
        sums = self._train_epoch(epoch).tolist()
        results = dict(zip(map(id, self.runs), zip(sums, masks, strict=True), strict=True))

        def close(run: Run) -> None:
            (loss, hits), mask = results[id(run)]
            run.modes["together"] = run.modes.get("together", 0) + 1
            run.close_epoch(epoch, loss, hits, mask)

        self._each(close)
        self.shares = [1.0] * len(self.runs)

    def _train_epoch(self, epoch: int) -> Tensor:
        """Return mean loss and accuracy over the epoch's batches for each run: (runs, 2)."""
        total, seen = torch.zeros(len(self.runs), 2, device=self.device), 0
        for step, (x, labels) in enumerate(self._batches(epoch)):
            rates = [self._rate(run, epoch, step) for run in self.runs]
            total += self.stack.step(self.runs, rates, x, labels)
            seen += labels.shape[1]
        for leader in self.leaders:
            if epoch + 1 < leader.config.epochs:
                leader.training.prepare(epoch + 1)
        return total / seen

    def _rate(self, run: Run, epoch: int, step: int) -> float:
        return learning_rate(run.config, epoch, step, run.training.steps)

    def _batches(self, epoch: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield inputs (runs, N, inputs) and labels (runs, N); equal seeds see equal batches."""
        streams = [leader.training.batches(epoch) for leader in self.leaders]
        for batches in zip(*streams, strict=True):
            x = torch.stack([images.flatten(1) for images, _ in batches])
            labels = torch.stack([labels for _, labels in batches])
            yield x[self.places], labels[self.places]


# how runs train together on a device
KINDS: dict[str, type[Group]] = {"cpu": Group, "cuda": Batched}


class Stack:
    """Fully connected networks of one shape as a single one with batched products.

    The networks' weights and running statistics become views of the stack's. All activations have
    the units first, (runs, units, N), so that batch normalisation sees runs × units channels.
    """

    def __init__(self, models: Sequence[nn.Module]) -> None:
        self.conv_layers = len(models[0].conv_layers)  # type: ignore[arg-type]
        linear = [[m for m in model.modules() if isinstance(m, nn.Linear)] for model in models]
        norms = [[m for m in model.modules() if isinstance(m, nn.BatchNorm1d)] for model in models]
        self.weights = [self._join(list(layer)) for layer in zip(*linear, strict=True)]
        self.norms = [_Norm(list(layer)) for layer in zip(*norms, strict=True)]

    @staticmethod
    def _join(layers: list[nn.Linear]) -> Tensor:
        weight = torch.stack([layer.weight.detach() for layer in layers])
        for layer, part in zip(layers, weight, strict=True):
            layer.weight.data = part
        return weight.requires_grad_()

    def forward(self, x: Tensor) -> Tensor:
        """Map inputs (runs, N, inputs) to logits (runs, classes, N)."""
        x = x.mT
        for weight, norm in zip(self.weights, self.norms, strict=False):
            x = F.relu(norm(torch.bmm(weight, x)))
        return torch.bmm(self.weights[-1], x)

    def step(
        self, runs: Sequence[Run], rates: Sequence[float], x: Tensor, labels: Tensor
    ) -> Tensor:
        """Take one step of every run; return summed loss and number of hits, (runs, 2)."""
        config = runs[0].config
        with torch.autocast(x.device.type, torch.bfloat16, enabled=config.precision == "bf16"):
            logits = self.forward(x).float()
        losses = _losses(config.loss, logits, labels)
        gradients = torch.autograd.grad(losses.sum(), self.weights)
        self._update(runs, rates, gradients)
        hits = (logits.detach().argmax(1) == labels).sum(1)
        return torch.stack([losses.detach() * labels.shape[1], hits], dim=1)

    @torch.no_grad()
    def _update(
        self, runs: Sequence[Run], rates: Sequence[float], gradients: Sequence[Tensor]
    ) -> None:
        numbers = [
            [_coefficients(run.config, rate, first) for run, rate in zip(runs, rates, strict=True)]
            for first in (True, False)
        ]
        like = self.weights[0]
        # one copy to the device for all layers: (first layer or not, coefficients, runs, 1, 1)
        columns = send(torch.tensor(numbers, dtype=like.dtype), like.device)
        first, rest = columns.mT[..., None, None]
        for number, (weight, gradient) in enumerate(zip(self.weights, gradients, strict=True)):
            _update(weight.device)(
                weight, gradient, *(first if number < self.conv_layers else rest)
            )


class _Norm:
    """Batch normalisation of several networks at once; their running statistics become views."""

    def __init__(self, layers: list[nn.BatchNorm1d]) -> None:
        self.layers = layers
        self.mean = torch.cat([cast(Tensor, layer.running_mean) for layer in layers])
        self.variance = torch.cat([cast(Tensor, layer.running_var) for layer in layers])
        parts = (buffer.view(len(layers), -1) for buffer in (self.mean, self.variance))
        for layer, mean, variance in zip(layers, *parts, strict=True):
            layer.running_mean, layer.running_var = mean, variance
        self.tracked = torch.stack([cast(Tensor, layer.num_batches_tracked) for layer in layers])
        for layer, count in zip(layers, self.tracked, strict=True):
            layer.num_batches_tracked = count

    def __call__(self, x: Tensor) -> Tensor:
        """Normalise (runs, units, N) over N."""
        first = self.layers[0]
        self.tracked.add_(1)
        flat = x.reshape(1, -1, x.shape[-1])
        y = F.batch_norm(
            flat, self.mean, self.variance, training=True, momentum=cast(float, first.momentum),
            eps=first.eps,
        )  # fmt: skip
        return y.view_as(x)


def _move(
    weight: Tensor, gradient: Tensor, rate: Tensor, l1: Tensor, threshold: Tensor, shrink: Tensor
) -> None:
    """Take a step of every run: weights (runs, out, in), coefficients (runs, 1, 1)."""
    moved = weight - rate * (gradient + l1 * weight.sign())
    moved = torch.where(moved.abs() < threshold, 0.0, moved)  # NaN is to be seen
    weight.copy_(moved.sign() * (moved.abs() - shrink).clamp_min(0.0))


@functools.cache
def _update(device: torch.device) -> Callable[..., None]:
    """Return the step, in one pass where a GPU's compiler makes it one."""
    fused = device.type == "cuda" and compiler_works(device)
    return torch.compile(_move, dynamic=True) if fused else _move


def _losses(loss: str, logits: Tensor, labels: Tensor) -> Tensor:
    """Mean loss of each run's batch: logits (runs, classes, N), labels (runs, N)."""
    if loss == "cross-entropy":
        return F.cross_entropy(logits, labels, reduction="none").mean(1)
    targets = F.one_hot(labels, logits.shape[1]).mT.to(logits.dtype)
    each = F.binary_cross_entropy_with_logits(logits, targets, reduction="none")
    return each.mean((1, 2))


def _coefficients(config: Config, rate: float, first: bool) -> tuple[float, float, float, float]:
    """Return η, and what it multiplies sub-gradient, threshold and soft threshold of a layer by."""
    l1 = config.l1 if first else config.rest_l1
    if config.optimizer == "proximal-l1":
        return rate, 0.0, 0.0, rate * l1
    return rate, l1, config.beta * l1, 0.0
