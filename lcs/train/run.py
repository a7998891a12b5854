"""A run in progress: an epoch of training, what is recorded of it, and how it resumes."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor, nn

from lcs import measure, models
from lcs.config import Config
from lcs.data import surrogates
from lcs.data.batches import Batches, split
from lcs.errors import ILL_FORMED, Diverged, one_line
from lcs.measure.shift_equivariance import evenly_spaced
from lcs.models.transfer import apply_source
from lcs.optim import sparse_products
from lcs.optim.growing_l1 import around_mass, growth_at
from lcs.optim.learning_rate import learning_rate
from lcs.optim.pruning import REWOUND_TO, Masks, Pruning
from lcs.runs.provenance import provenance
from lcs.runs.record_format import recorded_epochs
from lcs.seeds import seed_process
from lcs.shapes import flops
from lcs.train import recording
from lcs.train.checkpoint import Checkpoint
from lcs.train.cuda_graphs import CapturedStep, captures, on_own_stream
from lcs.train.device import is_out_of_memory, require_memory
from lcs.train.own_state import own_state
from lcs.train.setup import build_model, make_optimizer
from lcs.train.step import Step

if TYPE_CHECKING:
    from lcs.runs import Record, RunStore

# entries of the provenance on which rounding may depend; they may change when a run is resumed
ENVIRONMENT = ("code", "packages", "device", "hardware", "threads", "instructions")
# others, that are as when the run began
OF_THE_START = ("caller_state", "source_as_recorded")


@dataclass(eq=False)
class Run(Step):
    """A run in progress, with what has been recorded so far."""

    training: Batches
    evaluation: Batches
    provenance: dict[str, Any]
    checkpoint: Checkpoint | None = None
    epoch: int = 0  # epochs that are done
    resumes: int = 0
    seconds: float = 0.0
    modes: dict[str, int] = field(default_factory=dict)  # epochs by how they were computed
    history: dict[str, Any] = field(default_factory=dict)
    prefetch: bool = True  # on a GPU, whether the next epoch's images are augmented ahead
    captured: CapturedStep | None = None  # of the last epoch, where steps are captured

    @classmethod
    def start(
        cls,
        config: Config,
        device: torch.device,
        like: Run | None = None,
        source: nn.Module | None = None,
    ) -> Run:
        """Build the initial network and load its data.

        Args:
            config: the run.
            device: where it is trained.
            like: a run with the same batches, to share its data: its epochs are trained before
                this one's.
            source: the trained network that it starts from, if its `start` says so.

        Raises:
            ConfigError: the source has layers of other shapes.
            TrainingError: the network does not fit into the memory of this machine.
        """
        require_memory(config, device)
        model = build_model(config).to(device)
        masks: dict[str, Tensor] = {}
        if config.source is not None:
            masks = apply_source(config, cast(models.Net, model), cast(models.Net, source))
        if like is None:
            images = surrogates.load(config.dataset, config.images, config.labels)
            parts = split(config, images)
            training, evaluation = (Batches(config, images, part, device) for part in parts)
        else:
            training, evaluation = like.training, like.evaluation
            like.prefetch = False  # this run still needs the images of the epoch
        optimizer = make_optimizer(config, model)
        pruning: Masks | None = None
        if config.pruning != "none":
            pruning = Pruning(config, cast(models.Net, model), optimizer)
        elif masks:
            pruning = Masks(masks, cast(models.Net, model), optimizer)
        origin = provenance(device)
        run = cls(config, device, model, optimizer, training, evaluation, origin, pruning=pruning)
        if config.l1_window == "initial":
            run._move_windows(0)
        return run

    def run_epoch(self, epoch: int, *, record: bool) -> None:
        """Train one epoch, counted from 0, and record its results if asked.

        Raises:
            TrainingError: the mean loss or, if recorded, a weight is not finite.
        """
        weights = models.layer_weights(self.model) if record else {}
        were_zero = {name: weight == 0 for name, weight in weights.items()}
        loss, accuracy = self._train_epoch(epoch)
        self.epoch = epoch + 1
        self._require_finite("the loss", loss)
        if not record:
            return
        lr = learning_rate(self.config, epoch)
        row: dict[str, Any] = {
            "epoch": epoch + 1,
            "lr": lr,
            "train_loss": loss,
            "train_accuracy": accuracy,
            self.config.accuracy_name: self.accuracy(self.evaluation),
            **recording.layer_measures(weights, were_zero),
        }
        self._require_finite("the norm of a layer", *row["norm"].values())
        if self.config.frozen_zeros:
            row["forgone"] = recording.would_revive(weights, self.optimizer, lr)
        for column, value in row.items():
            if isinstance(value, dict):
                for layer, number in value.items():
                    self.history.setdefault(column, {}).setdefault(layer, []).append(number)
            else:
                self.history.setdefault(column, []).append(value)

    def _train_epoch(self, epoch: int) -> tuple[float, float]:
        """Return the mean loss and accuracy over the epoch's batches, weights as they changed."""
        self.model.train()
        if self.pruning:
            self.pruning.update(epoch, lambda: self.gradients(*next(self.training.batches(epoch))))
        if self.config.l1_window == "learned":
            self._move_windows(epoch)
        mode = sparse_products.choose_mode(
            self.model, self.optimizer, self.config.precision, self.first_mask
        )
        capture = mode == "dense" and captures(self.device, self.optimizer)
        counted = "captured" if capture else mode
        self.modes[counted] = self.modes.get(counted, 0) + 1
        with on_own_stream(self.device) if capture else nullcontext():
            total, seen = torch.zeros(2, device=self.device), 0
            lr = learning_rate(self.config, epoch)
            # a captured step reads its learning rate on the device
            rate = torch.full((), lr, device=self.device) if capture else lr
            for group in self.optimizer.param_groups:
                group["lr"] = rate
            with self.network(mode) as network:

                def take(x: Tensor, labels: Tensor) -> None:
                    total.add_(self.train_step(network, x, labels))

                replay: CapturedStep | None = None
                for step, (x, labels) in enumerate(self.training.batches(epoch)):
                    if capture and step == 1:  # after the first one, all memory is there
                        replay = self.captured = CapturedStep(take, x, labels, self.captured)
                    if replay and replay.fits(x):
                        replay(x, labels)
                    else:
                        take(x, labels)
                    seen += len(labels)
            for group in self.optimizer.param_groups:
                group["lr"] = lr
            if self.device.type == "cuda" and self.prefetch and epoch + 1 < self.config.epochs:
                self.training.prepare_epoch(epoch + 1)
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

    @torch.no_grad()
    def accuracy(self, inputs: Batches) -> float:
        """Share of the images, not augmented, that the network classifies correctly."""
        self.model.eval()
        hits = torch.zeros((), dtype=torch.int64, device=self.device)
        for x, labels in inputs.ordered_batches():
            hits += (self.logits(self.model, x).argmax(1) == labels).sum()
        return hits.item() / len(inputs)

    def _require_finite(self, name: str, *numbers: float) -> None:
        if not all(math.isfinite(number) for number in numbers):
            raise Diverged(
                f"run {self.config.run_id}: {name} is not finite in epoch {self.epoch}; "
                "try a lower lr"
            )

    def filters(self) -> Tensor:
        """First-layer filters (units, C, H, W) on the CPU, in the pixels' own order."""
        filters = models.first_layer_filters(self.model).cpu()
        return self.training.unpermuted(filters)

    def finish(self, store: RunStore) -> Record:
        """Measure the trained network and write its record, with some filters of a first seed.

        Raises:
            RecordError: the record cannot be written.
        """
        origin = {"seconds": self.seconds, "resumes": self.resumes, "modes": self.modes}
        filters = self.filters()
        return store.write(
            self.config,
            history=self.history,
            final=self.final(filters),
            provenance=self.provenance | origin,
            filters=recording.filters_to_store(self.config, filters),
        )

    def final(self, filters: Tensor) -> dict[str, Any]:
        """Return the measures of the trained network, and of its `filters`, JSON-ready."""
        weights = models.layer_weights(self.model)
        nonzeros = {name: column[-1] for name, column in self.history["nonzeros"].items()}
        result = {
            **{name: column[-1] for name, column in self.history.items() if type(column) is list},
            "nonzeros": nonzeros,
            "weights": {name: weight.numel() for name, weight in weights.items()},
            "fan_in": measure.units_by_fan_in(weights),
            "flops": flops(self.config.layer_sizes(), nonzeros),
            "evaluation_images": len(self.evaluation),
            "clean_train_accuracy": self.accuracy(self.training),
        }
        if self.config.model != "resnet18":  # its first filters are kernels, not images
            images = evenly_spaced(self.evaluation.all_normalised).cpu()
            result |= recording.filter_measures(filters, self.training.unpermuted(images))
        if self.config.l1_growth_from:
            result["window_centres"] = recording.window_centres(self.config, filters)
        return result

    def replay(self, epochs: int) -> dict[str, Any]:
        """Train the first epochs of a run that has just been started; return their history."""
        recorded = set(recorded_epochs(self.config.epochs))
        with own_state(self.device):
            seed_process(self.config.seed, "dropout", self.device)
            for epoch in range(min(epochs, self.config.epochs)):
                self.run_epoch(epoch, record=epoch + 1 in recorded)
        return self.history

    def resume(self, checkpoint: Checkpoint) -> None:
        """Go on from a checkpoint if it has been written, and save to it from here on.

        Raises:
            CheckpointError: it is damaged, or does not fit this run.
        """
        self.checkpoint, found = checkpoint, checkpoint.load()
        # of a GPU too, whose state a checkpoint of a CPU does not have
        seed_process(self.config.seed, "dropout", self.device)
        if found is None:
            return
        try:
            self._restore(*found)
        except (RuntimeError, *ILL_FORMED) as error:
            if is_out_of_memory(error):
                raise
            reason = f"does not fit this lcs ({one_line(error)})"
            raise checkpoint.refusal(reason) from error
        if self.epoch < self.config.epochs:  # else nothing of it is left to train
            line = f"run {self.config.run_id} resumed at epoch {self.epoch}"
            print(line, file=sys.stderr, flush=True)

    def _restore(self, tensors: Mapping[str, Tensor], state: Mapping[str, Any]) -> None:
        """Take over what `save` has written."""
        self._check(tensors, state)
        parts: dict[str, dict[str, Tensor]] = {"model": {}, "optimizer": {}, "mask": {}, "rng": {}}
        for name, tensor in tensors.items():
            part, _, rest = name.partition(".")
            parts[part][rest] = tensor
        if self.pruning:
            self.pruning.load_state_dict(parts["mask"])
        buffers: dict[int, dict[str, Tensor]] = {}
        for name, tensor in parts["optimizer"].items():
            index, _, key = name.partition(".")
            buffers.setdefault(int(index), {})[key] = tensor
        self.model.load_state_dict(parts["model"])
        self.optimizer.load_state_dict({**self.optimizer.state_dict(), "state": buffers})
        torch.set_rng_state(parts["rng"]["cpu"])
        if self.device.type == "cuda" and "cuda" in parts["rng"]:
            torch.cuda.set_rng_state(parts["rng"]["cuda"], self.device)
        self.epoch, self.seconds = state["epoch"], state["seconds"]
        self.history, self.modes = state["history"], state["modes"]
        self.resumes = state["resumes"] + 1
        earlier, here = state["origin"], self.provenance
        here["time"] = earlier["time"]
        # what the checkpoint holds came from that source, under that caller
        here |= {name: earlier[name] for name in OF_THE_START if name in earlier}
        changed = {name: earlier[name] for name in ENVIRONMENT if earlier[name] != here[name]}
        before = [*earlier.get("before_resume", []), *([changed] if changed else [])]
        if before:
            self.provenance["before_resume"] = before

    def _check(self, tensors: Mapping[str, Tensor], state: Mapping[str, Any]) -> None:
        """Refuse what this run cannot have saved after so many epochs: names, types, shapes, NaN.

        It changes network and optimizer: what is loaded after takes the place of all of it.

        Raises:
            ValueError: it is none of this run's.
        """
        seconds, counts = state["seconds"], [state["resumes"], *state["modes"].values()]
        typed = type(seconds) in (int, float) and {*map(type, counts)} == {int}
        if not typed or not all(0 <= number < math.inf for number in (seconds, *counts)):
            raise ValueError("seconds, resumes or modes: not numbers from 0 on")
        if state["epoch"]:  # a step makes the optimizer's own tensors
            for param in self.model.parameters():
                param.grad = torch.zeros_like(param) if param.requires_grad else None
            self.optimizer.step()
            self.optimizer.zero_grad()
        expected = self._tensors()
        first = min(REWOUND_TO, self.config.cycle_epochs - 1)
        if self.config.pruning == "rewinding" and state["epoch"] > first:
            early = self.model.state_dict()
            expected |= {f"mask.early.{name}": value for name, value in early.items()}
        for name in sorted((tensors.keys() ^ expected.keys()) - {"rng.cuda"}):  # a CPU has none
            raise ValueError(f"{name}: {'unknown' if name in tensors else 'missing'}")
        for name, tensor in tensors.items():
            like = expected.get(name, tensor)
            if tensor.dtype != like.dtype or tensor.shape != like.shape:
                raise ValueError(f"{name}: another type or shape")
            if not tensor.isfinite().all():
                raise ValueError(f"{name}: not finite")

    def _tensors(self) -> dict[str, Tensor]:
        """Return what a checkpoint holds, by name."""
        tensors = {f"model.{name}": value for name, value in self.model.state_dict().items()}
        for index, state in self.optimizer.state_dict()["state"].items():
            kept = {key: value for key, value in state.items() if isinstance(value, Tensor)}
            tensors |= {f"optimizer.{index}.{key}": value for key, value in kept.items()}
        if self.pruning:
            tensors |= {f"mask.{name}": value for name, value in self.pruning.state_dict().items()}
        tensors["rng.cpu"] = torch.get_rng_state()
        if self.device.type == "cuda":
            tensors["rng.cuda"] = torch.cuda.get_rng_state(self.device)
        return tensors

    def save(self, to: Checkpoint | None = None) -> None:
        """Write the state after a whole epoch to the run's checkpoint, or to another."""
        target = to or self.checkpoint
        assert target is not None
        target.save(
            self._tensors(),
            {
                "epoch": self.epoch,
                "seconds": self.seconds,
                "history": self.history,
                "resumes": self.resumes,
                "modes": self.modes,
                "origin": self.provenance,
            },
        )
