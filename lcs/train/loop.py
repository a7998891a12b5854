"""The training loop: a batch comes from `batches` and goes through `step` to the optimizer."""

from __future__ import annotations

import math
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from tqdm import tqdm

from lcs import models
from lcs.config import Config
from lcs.data import surrogates
from lcs.errors import ILL_FORMED, ConfigError, Diverged, Paused, TrainingError, one_line
from lcs.measure.shift_equivariance import evenly_spaced
from lcs.models.transfer import apply_source
from lcs.optim.growing_l1 import around_mass, growth_at
from lcs.optim.learning_rate import learning_rate
from lcs.optim.pruning import Masks, Pruning
from lcs.optim.sparse_products import choose_mode
from lcs.runs import Record, RunStore
from lcs.runs.provenance import provenance
from lcs.runs.record_format import recorded_epochs
from lcs.seeds import seed_process
from lcs.train import recording, step
from lcs.train.batches import Batches, split
from lcs.train.checkpoint import Checkpoint, load_tensors, saved_tensors
from lcs.train.device import own_state, reporting_out_of_memory
from lcs.train.setup import build_model, make_optimizer

# entries of the provenance on which rounding may depend; they may change when a run is resumed
ENVIRONMENT = ("code", "packages", "device", "hardware", "threads", "instructions")
MAX_SAVING_SHARE = 0.02  # of the time, for checkpoints


def fit(runs: list[Run], budget: TimeBudget, on_failure: Callable[[TrainingError], None]) -> None:
    """Train runs to their last epoch, an epoch of each and then the next, saving when it is due.

    All have equal batches, length and progress. A run that fails is removed from the list, which
    frees its memory; its error goes to `on_failure`. `Paused` is raised when the budget is over.
    """

    def name() -> str:
        return f"run {runs[0].config.run_id}" if len(runs) == 1 else f"{len(runs)} runs"

    done, epochs = runs[0].epoch, runs[0].config.epochs
    recorded = set(recorded_epochs(epochs))
    # silent where stderr is no terminal
    bar = tqdm(range(done, epochs), name(), epochs, initial=done, unit="epoch", disable=None)
    for epoch in bar:
        if budget.over():
            budget.save(runs)
            reached = f"{name()} paused at epoch {epoch} of {epochs}"
            raise Paused(f"{reached}: the time budget is spent; the same command goes on")
        began = budget.elapsed
        runs[0].train_batches.prepare_epoch(epoch)  # for all of them
        shared = budget.elapsed - began
        waiting = deque(runs)
        while waiting:
            run, run_began = waiting.popleft(), budget.elapsed
            run.prefetch = not waiting  # the others still need the images of this epoch
            try:
                with reporting_out_of_memory(run.config):
                    run.run_epoch(epoch, record=epoch + 1 in recorded)
                run.seconds += budget.elapsed - run_began
            except TrainingError as error:
                error.run_id = run.config.run_id
                runs.remove(run)
                del run  # and its memory
                bar.desc = name() if runs else ""
                on_failure(error.with_traceback(None))  # whose frames keep the run in memory
        if not runs:
            break
        for run in runs:
            run.seconds += shared / len(runs)
        budget.epochs.append(budget.elapsed - began)
        if budget.checkpoint_due() and epoch + 1 < epochs:
            budget.save(runs)
            if bar.disable:
                print(f"{name()} saved at epoch {epoch + 1} of {epochs}", file=sys.stderr)


@dataclass(eq=False)
class Run:
    """A run in progress: its network, optimizer and data, and what has been recorded so far."""

    config: Config
    device: torch.device
    model: nn.Module
    optimizer: Optimizer
    pruning: Masks | None
    train_batches: Batches
    evaluation: Batches
    provenance: dict[str, Any]
    checkpoint: Checkpoint | None = None
    epoch: int = 0  # epochs that are done
    resumes: int = 0
    seconds: float = 0.0
    modes: dict[str, int] = field(default_factory=dict)  # epochs by how they were computed
    history: dict[str, Any] = field(default_factory=dict)
    prefetch: bool = True  # on a GPU, whether the next epoch's images are augmented ahead
    captured: step.CapturedStep | None = None  # of the last epoch, where steps are captured

    @classmethod
    def start(
        cls,
        config: Config,
        device: torch.device,
        like: Run | None = None,
        source: nn.Module | None = None,
    ) -> Run:
        """Build the initial network, from a source's, and load its data, or share `like`'s."""
        model = build_model(config).to(device)
        masks: dict[str, Tensor] = {}
        if config.source is not None:
            masks = apply_source(config, cast(models.Net, model), cast(models.Net, source))
        if like is None:
            images = surrogates.load(config.dataset, config.images, config.labels)
            parts = split(config, images)
            training, evaluation = (Batches(config, images, part, device) for part in parts)
        else:
            training, evaluation = like.train_batches, like.evaluation
        optimizer = make_optimizer(config, model)
        pruning = Masks(masks, model, optimizer) if masks else None
        if config.pruning != "none":
            pruning = Pruning(config, cast(models.Net, model), optimizer)
        origin = provenance(device)
        run = cls(config, device, model, optimizer, pruning, training, evaluation, origin)
        if config.l1_window == "initial":
            run._move_windows(0)
        return run

    def run_epoch(self, epoch: int, *, record: bool) -> None:
        """Train one epoch, counted from 0, and record its results if asked, or raise `Diverged`."""
        weights = models.layer_weights(self.model) if record else {}
        were_zero = {name: weight == 0 for name, weight in weights.items()}
        loss, accuracy = self._train_epoch(epoch)
        self.epoch = epoch + 1
        self._require_finite("the loss", loss)
        if not record:
            return
        lr = learning_rate(self.config, epoch)
        row = {"epoch": epoch + 1, "lr": lr, "train_loss": loss, "train_accuracy": accuracy}
        row[self.config.accuracy_name] = self.accuracy(self.evaluation)
        of_layers = recording.layer_measures(weights, were_zero)
        self._require_finite("the norm of a layer", *of_layers["norm"].values())
        if self.config.frozen_zeros:
            of_layers["forgone"] = recording.would_revive(weights, self.optimizer, lr)
        for column, value in row.items():
            self.history.setdefault(column, []).append(value)
        for column, values in of_layers.items():
            for layer, value in values.items():
                self.history.setdefault(column, {}).setdefault(layer, []).append(value)

    def _train_epoch(self, epoch: int) -> tuple[float, float]:
        """Return the mean loss and accuracy over the epoch's batches, weights as they changed."""
        config, model, optimizer = self.config, self.model, self.optimizer
        batches = self.train_batches
        model.train()
        if self.pruning:
            first = batches.iterate
            self.pruning.update(epoch, lambda: step.gradients(config, model, *next(first(epoch))))
        if config.l1_window == "learned":
            self._move_windows(epoch)
        mask = self.pruning.masks["conv1"] if self.pruning else None
        mode = choose_mode(model, optimizer, config.precision, mask)
        capture = mode == "dense" and step.captures(self.device, optimizer)
        counted = "captured" if capture else mode
        self.modes[counted] = self.modes.get(counted, 0) + 1
        with step.on_own_stream(self.device) if capture else nullcontext():
            total, seen = torch.zeros(2, device=self.device), 0
            lr = learning_rate(config, epoch)
            # a captured step reads its learning rate on the device
            rate = torch.full((), lr, device=self.device) if capture else lr
            for group in optimizer.param_groups:
                group["lr"] = rate
            with step.stepped_network(config, model, optimizer, mode, mask) as network:

                def take(x: Tensor, labels: Tensor) -> None:
                    total.add_(step.train_step(config, network, optimizer, x, labels))

                captured: step.CapturedStep | None = None
                for number, (x, labels) in enumerate(batches.iterate(epoch)):
                    if capture and number == 1:  # after the first one, all memory is there
                        captured = self.captured = step.CapturedStep(take, x, labels, self.captured)
                    if captured and x.shape == captured.batch[0].shape:
                        captured(x, labels)
                    else:
                        take(x, labels)
                    seen += len(labels)
            for group in optimizer.param_groups:
                group["lr"] = lr
            if self.device.type == "cuda" and self.prefetch and epoch + 1 < config.epochs:
                batches.prepare_epoch(epoch + 1)
            # between batches of dense layers the host never waits for the device
            loss, accuracy = (total / seen).tolist()
        return loss, accuracy

    def _move_windows(self, epoch: int) -> None:
        """Let λ of the first layer grow outside the window around where each unit's mass is."""
        config = self.config
        group = self.optimizer.param_groups[0]
        (weight,) = group["params"]
        self._require_finite("the norm of the first layer", float(weight.detach().norm()))
        (geometry,) = cast(models.Net, self.model).geometries
        growth = growth_at(epoch / config.epochs, config.l1_growth, config.l1_growth_from)
        group["relative_l1"].copy_(around_mass(weight, geometry, growth, config.l1_window_size))

    def _require_finite(self, name: str, *numbers: float) -> None:
        if not all(map(math.isfinite, numbers)):
            reason = f"{name} is not finite in epoch {self.epoch}; try a lower lr"
            raise Diverged(f"run {self.config.run_id}: {reason}")

    @torch.no_grad()
    def accuracy(self, images: Batches) -> float:
        """Share of the images, not augmented, that the network classifies correctly."""
        self.model.eval()
        hits = torch.zeros((), dtype=torch.int64, device=self.device)
        for x, labels in images.ordered_batches():
            hits += (step.logits(self.config, self.model, x).argmax(1) == labels).sum()
        return hits.item() / len(images)

    def filters(self) -> Tensor:
        """First-layer filters (units, C, H, W) on the CPU, in the images' order of pixels."""
        return self.train_batches.unpermuted(models.first_layer_filters(self.model).cpu())

    def final(self, filters: Tensor) -> dict[str, Any]:
        """Return the measures of the trained network and of its `filters`, JSON-ready."""
        weights = models.layer_weights(self.model)
        images = self.train_batches.unpermuted(evenly_spaced(self.evaluation.all_normalised).cpu())
        return recording.final_measures(
            self.config, weights, self.history, filters, images,
            evaluation_images=len(self.evaluation),
            clean_train_accuracy=self.accuracy(self.train_batches),
        )  # fmt: skip

    def finish(self, store: RunStore) -> Record:
        """Measure the trained network and write its record, with some filters of a first seed."""
        origin = {"seconds": self.seconds, "resumes": self.resumes, "modes": self.modes}
        filters = self.filters()
        return store.write(
            self.config,
            history=self.history,
            final=self.final(filters),
            provenance=self.provenance | origin,
            filters=recording.filters_to_store(self.config, filters),
        )

    def replay(self, epochs: int) -> dict[str, Any]:
        """Train the first epochs of a run that has just been started; return their history."""
        recorded = set(recorded_epochs(self.config.epochs))
        with own_state(self.device):
            seed_process(self.config.seed, "dropout", self.device)
            for epoch in range(min(epochs, self.config.epochs)):
                self.run_epoch(epoch, record=epoch + 1 in recorded)
        return self.history

    def save(self, to: Checkpoint | None = None) -> None:
        """Write the state after a whole epoch to the run's checkpoint, or to another."""
        target = to or self.checkpoint
        assert target is not None
        names = ("epoch", "seconds", "history", "resumes", "modes")
        state = {name: getattr(self, name) for name in names} | {"origin": self.provenance}
        masks = self.pruning.state_dict() if self.pruning else {}
        target.save(saved_tensors(self.model, self.optimizer, masks), state)

    def resume(self, checkpoint: Checkpoint) -> None:
        """Go on from a checkpoint if it has been written, and save to it from here on."""
        self.checkpoint = checkpoint
        # of a GPU too, whose state a checkpoint of a CPU does not have
        seed_process(self.config.seed, "dropout", self.device)
        if (found := checkpoint.load()) is None:
            return
        tensors, state = found
        try:
            with reporting_out_of_memory(self.config):
                stepped = state["epoch"] > 0
                masks = load_tensors(tensors, self.model, self.optimizer, stepped=stepped)
            if self.pruning:
                self.pruning.load_state_dict(masks)
            for name in ("epoch", "seconds", "history", "modes"):
                setattr(self, name, state[name])
            self.resumes = state["resumes"] + 1
            earlier, here = state["origin"], self.provenance
            here |= {n: earlier[n] for n in ("time", "source_as_recorded") if n in earlier}
            changed = {name: earlier[name] for name in ENVIRONMENT if earlier[name] != here[name]}
            if before := [*earlier.get("before_resume", []), *([changed] if changed else [])]:
                here["before_resume"] = before
        except (RuntimeError, *ILL_FORMED) as error:
            raise checkpoint.refusal(f"does not fit this lcs ({one_line(error)})") from error
        if self.epoch < self.config.epochs:  # else nothing of it is left to train
            said = f"run {self.config.run_id} resumed at epoch {self.epoch}"
            print(said, file=sys.stderr, flush=True)


class TimeBudget:
    """How long a call may still train, and when it saves: after `checkpoint_seconds` at least.

    Saving takes a fiftieth of the time at most but with 0, where each epoch is saved.
    """

    def __init__(self, budget_minutes: float | None, checkpoint_seconds: float) -> None:
        minutes = math.inf if budget_minutes is None else budget_minutes
        times = {"budget_minutes": minutes, "checkpoint_seconds": checkpoint_seconds}
        for name, value in times.items():
            if not value >= 0:
                raise ConfigError(f"{name}: {value!r} is out of range; give 0 or more")
        self._started = time.monotonic()
        self._budget, self._interval = 60 * minutes, checkpoint_seconds
        self._saved = 0.0  # when the last checkpoint was written
        self.epochs: deque[float] = deque(maxlen=20)  # seconds of the last epochs
        self.saving = 0.0  # seconds of the last checkpoint

    @property
    def elapsed(self) -> float:
        """Seconds since the call began."""
        return time.monotonic() - self._started

    @property
    def left(self) -> float:
        """Seconds of the budget that are left."""
        return self._budget - self.elapsed

    def over(self) -> bool:
        """Whether the budget does not suffice for one more epoch and a checkpoint."""
        return self.left < 1.5 * max(self.epochs, default=0.0) + 2 * self.saving

    def checkpoint_due(self) -> bool:
        """Whether it is time to save."""
        least = max(self._interval, self.saving / MAX_SAVING_SHARE) if self._interval else 0.0
        return self.elapsed - self._saved >= least

    def save(self, runs: Iterable[Run]) -> None:
        """Write checkpoints, and measure how long it takes."""
        began = self.elapsed
        for run in runs:
            run.save()
        self._saved = self.elapsed
        self.saving = self._saved - began
