"""The one training loop: any network, any device, resumable."""

from __future__ import annotations

import ctypes
import math
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import Optimizer

from lcs import data, measure, mixed_precision, models, runs, sparse
from lcs.batches import Batches, split, stream
from lcs.checkpoint import Checkpoint
from lcs.config import Config
from lcs.errors import CheckpointError, ConfigError, TrainingError
from lcs.loop import Clock, descend, recorded_epochs
from lcs.optim import SGD, BetaLasso, ProximalL1
from lcs.runs import Record, RunStore
from lcs.sparse import Forward

# first-layer filters kept of the first seed of these networks, but for candidates of a search: as
# many as a figure shows
STORED_FILTERS = 24
SHOWN = ("s-fc", "s-local")
# what a run that goes on may find changed
ELSEWHERE = ("code", "packages", "device", "hardware", "threads")
# options of glibc's allocator, as its header malloc.h has them
M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4
# what torch's CPU, CUDA and Triton, and cuBLAS say of it
OUT_OF_MEMORY = ("DefaultCPUAllocator", "out of memory", "CUBLAS_STATUS_ALLOC_FAILED")
# from this many weights on, compiling the optimizer's step pays for itself
COMPILED_FROM = 4_000_000


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
    the same bits as a run that was never stopped. Progress goes to stderr.

    Args:
        config: the run.
        store: where its record is read from or written to.
        device: "auto" (an accelerator where there is one), "cpu", "cuda" or "cuda:N".
        budget_minutes: stop at a checkpoint before this time is over.
        checkpoint_seconds: at least this time between checkpoints, which fall on epochs' ends;
            longer where saving takes long (see `lcs.loop.Clock`).

    Raises:
        ConfigError: there is no such device.
        DataError: the data set is missing or damaged.
        CheckpointError: the checkpoint is damaged, or another process holds the run.
        RecordError: the run's record is damaged, or cannot be written.
        TrainingError: the loss or a weight is not finite, or the device is out of memory.
        Paused: the time budget is over; the same call goes on.
    """
    clock, checkpoint = Clock(budget_minutes, checkpoint_seconds), Checkpoint(config, store.root)
    record = store.find(config)
    if record is not None:
        checkpoint.remove()  # a kill between record and removal leaves one
        return record
    chosen = choose_device(device)
    with checkpoint.locked(), enough_memory(config):
        record = store.find(config)  # another process may have ended it meanwhile
        if record is None:
            store.check_writable(config)
            run = Run.start(config, chosen)
            run.resume(checkpoint)
            descend(run, clock)
            record = run.finish(store)
        checkpoint.remove()
    return record


@contextmanager
def enough_memory(config: Config) -> Iterator[None]:
    """Say in one line that the device's memory is full.

    Raises:
        TrainingError: it is.
    """
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not _is_full(error):
            raise
        # without its frames, which would keep the run in memory
        raise TrainingError(
            f"run {config.run_id}: the device is out of memory; free some and run the same again, "
            "it goes on from its last checkpoint"
        ) from error.with_traceback(None)


def _is_full(error: Exception) -> bool:
    """Whether there is no memory left: some errors have a class, others only a text."""
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    return any(text in str(error) for text in OUT_OF_MEMORY)


def choose_device(name: str) -> torch.device:
    """Return a device by its name; "auto" prefers an accelerator.

    On a GPU, the process computes convolutions of float32 in float32 from here on, and adds up
    products of bfloat16 in float32, as a CPU does.

    Raises:
        ConfigError: the name is unknown, or this machine has no such device.
    """
    try:
        auto = "cuda" if torch.cuda.is_available() else "cpu"
        device = torch.device(auto if name == "auto" else name)
    except RuntimeError as error:
        raise ConfigError(f"device: unknown value {name!r}; give auto, cpu or cuda") from error
    if device.type not in ("cpu", "cuda"):
        raise ConfigError(f"device: {name!r} is not supported; give auto, cpu or cuda")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise ConfigError(f"device: this machine has no {name!r}; give auto or cpu")
    if device.type == "cuda":
        torch.backends.cudnn.conv.fp32_precision = "ieee"  # type: ignore[attr-defined]
        torch.backends.cuda.matmul.allow_bf16_reduced_precision_reduction = False
    return device


def keep_freed_memory() -> None:
    """Have the C library keep large blocks that are freed, for the next step takes them again.

    By default it gives them back to the system (glibc: from 32 MB on, and what is free at the
    heap's end), which then has to fill every page with zeros anew. From here on the process keeps
    the most memory that it has needed, to its end.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt:
        mallopt(M_MMAP_MAX, 0)
        mallopt(M_TRIM_THRESHOLD, -1)  # never trim


def learning_rate(config: Config, epoch: int, step: int, steps: int) -> float:
    """Learning rate of a step (both counted from 0).

    The cosine is that of SGDR without restarts; past its period it rises as it fell, as
    `torch.optim.lr_scheduler.CosineAnnealingLR` does past its `T_max`.
    """
    if config.schedule == "constant":
        return config.lr
    done = epoch if config.schedule == "cosine-epoch" else epoch + step / steps
    return config.lr / 2 * (1 + math.cos(math.pi * done / (config.period or config.epochs)))


def objective(loss: str, logits: Tensor, labels: Tensor) -> Tensor:
    """Mean loss of a batch: logits (N, classes) float32, labels (N,) int64.

    "bce" is the reproduction's: binary cross-entropy with logits on one-hot targets, averaged
    over classes too, so that its gradients are about `classes` times smaller.
    """
    if loss == "cross-entropy":
        return F.cross_entropy(logits, labels)
    targets = F.one_hot(labels, logits.shape[1]).to(logits.dtype)
    return F.binary_cross_entropy_with_logits(logits, targets)


def make_optimizer(config: Config, model: nn.Module) -> Optimizer:
    """Group the weights (convolution-like, others, no λ or decay for the rest) and optimize them.

    Biases and the parameters of batch normalisation are neither shrunk nor thresholded.
    """
    first = [layer.weight for layer in model.conv_layers]  # type: ignore[union-attr]
    # a bias of a local layer has one number for each position and channel
    plain = [p for name, p in model.named_parameters() if p.ndim == 1 or name.endswith("bias")]
    chosen = {id(p) for p in (*first, *plain)}
    rest = [p for p in model.parameters() if id(p) not in chosen]
    compiled = sum(p.numel() for p in model.parameters()) >= COMPILED_FROM
    if config.momentum or config.weight_decay:
        groups: list[dict[str, Any]] = [
            {"params": [*first, *rest], "weight_decay": config.weight_decay},
            {"params": plain},
        ]
        return SGD(_filled(groups), config.lr, config.momentum, compiled=compiled)
    # plain SGD is β-LASSO with λ = 0
    groups = [
        {"params": first, "l1": config.l1},
        {"params": rest, "l1": config.rest_l1},
        {"params": plain, "l1": 0.0},
    ]
    if config.optimizer == "proximal-l1":
        return ProximalL1(_filled(groups), lr=config.lr)
    return BetaLasso(
        _filled(groups),
        lr=config.lr,
        beta=config.beta,
        frozen_zeros=config.frozen_zeros,
        compiled=compiled,
    )


def build_model(config: Config) -> nn.Module:
    """Build the run's network; its initial weights depend only on data set, model and seed."""
    facts = data.spec(config.dataset)
    size, _, channels = facts.image_shape
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(stream(config.seed, "weights").initial_seed())
        return models.build(
            config.model,
            num_classes=len(facts.classes),
            image_size=size,
            in_channels=channels,
            base_channels=config.base_channels,
            kernel_size=config.kernel_size,
            padding=config.padding,
            bias=config.bias,
            affine=config.affine,
            dropout=config.dropout,
        )


@dataclass
class Run:
    """A run in progress: network, optimizer, data, and what has been recorded so far."""

    config: Config
    device: torch.device
    model: nn.Module
    optimizer: Optimizer
    training: Batches
    evaluation: Batches
    origin: dict[str, Any]
    checkpoint: Checkpoint | None = None
    epoch: int = 0
    resumes: int = 0
    seconds: float = 0.0
    modes: dict[str, int] = field(default_factory=dict)  # epochs by how they were computed
    history: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def start(cls, config: Config, device: torch.device, like: Run | None = None) -> Run:
        """Load the data, or share those of a run like it, and build the initial network.

        On a CPU the process keeps its memory from here on (see `keep_freed_memory`).
        """
        if device.type == "cpu":
            keep_freed_memory()
        model = build_model(config).to(device)
        if like is None:
            images = data.load(config.dataset)
            training, evaluation = (
                Batches(config, images, part, device) for part in split(config, images)
            )
        else:
            training, evaluation = (
                part.sharing(config) for part in (like.training, like.evaluation)
            )
        return cls(
            config,
            device,
            model,
            make_optimizer(config, model),
            training,
            evaluation,
            runs.provenance(device),
        )

    def resume(self, checkpoint: Checkpoint) -> None:
        """Go on from a checkpoint if it has been written, and save to it from here on."""
        self.checkpoint, found = checkpoint, checkpoint.load()
        # a GPU's stream too, which a checkpoint of a CPU does not have
        torch.manual_seed(stream(self.config.seed, "dropout").initial_seed())
        if found is None:
            return
        try:
            self._restore(*found)
        except (KeyError, RuntimeError) as error:
            if isinstance(error, RuntimeError) and _is_full(error):
                raise
            reason = str(error).splitlines()[0]
            raise CheckpointError(
                f"run {self.config.run_id}: checkpoint {checkpoint.path} is of another lcs and "
                f"does not fit this one ({reason}); delete it to start the run over"
            ) from error
        print(f"resumed at epoch {self.epoch}", file=sys.stderr, flush=True)

    def _restore(self, tensors: Mapping[str, Tensor], state: Mapping[str, Any]) -> None:
        self.model.load_state_dict(_part(tensors, "model."))
        buffers = _part(tensors, "momentum.")
        if isinstance(self.optimizer, SGD) and state["epoch"] and not buffers:
            raise KeyError("momentum")
        _load_momentum(self.optimizer, buffers)
        torch.set_rng_state(tensors["rng.cpu"])
        if self.device.type == "cuda" and "rng.cuda" in tensors:
            torch.cuda.set_rng_state(tensors["rng.cuda"], self.device)
        self.epoch, self.seconds = state["epoch"], state["seconds"]
        self.history, self.resumes = state["history"], state["resumes"] + 1
        self.modes = state["modes"]
        earlier = state["origin"]
        self.origin["time"] = earlier["time"]
        changed = {name: earlier[name] for name in ELSEWHERE if earlier[name] != self.origin[name]}
        before = [*earlier.get("before_resume", []), *([changed] if changed else [])]
        if before:
            self.origin["before_resume"] = before

    def save(self) -> None:
        """Write the state after a whole epoch to the checkpoint that the run was resumed from."""
        assert self.checkpoint is not None
        tensors = {f"model.{name}": value for name, value in self.model.state_dict().items()}
        tensors |= {f"momentum.{name}": value for name, value in _momentum(self.optimizer)}
        tensors["rng.cpu"] = torch.get_rng_state()
        if self.device.type == "cuda":
            tensors["rng.cuda"] = torch.cuda.get_rng_state(self.device)
        state = {
            "epoch": self.epoch,
            "seconds": self.seconds,
            "history": self.history,
            "resumes": self.resumes,
            "modes": self.modes,
            "origin": self.origin,
        }
        self.checkpoint.save(tensors, state)

    @property
    def title(self) -> str:
        """Name for the progress bar."""
        return self.config.name

    @property
    def name(self) -> str:
        """Name for messages."""
        return f"run {self.config.run_id}"

    @property
    def epochs(self) -> int:
        """Epochs of the whole run."""
        return self.config.epochs

    def spend(self, seconds: float) -> None:
        """Note the time of an epoch."""
        self.seconds += seconds

    def run_epoch(self, epoch: int, *, record: bool) -> None:
        """Train one epoch, and record its results if asked."""
        zeros = self.zeros() if record else None
        loss, hits = self._train_epoch(epoch)
        self.close_epoch(epoch, loss, hits, zeros)

    def zeros(self) -> dict[str, Tensor]:
        """Which weights of each layer are zero."""
        return {name: layer.weight == 0 for name, layer in self.layers().items()}

    def close_epoch(
        self, epoch: int, loss: float, hits: float, zeros: dict[str, Tensor] | None
    ) -> None:
        """Count an epoch, check its mean loss, and record it if its zeros are given."""
        self.epoch = epoch + 1
        self._require_finite("the loss", [loss], epoch)
        if zeros is not None:
            self._record(epoch, loss, hits, zeros)

    def _train_epoch(self, epoch: int) -> tuple[float, float]:
        """Return the mean loss and accuracy over the epoch's batches, weights as they changed."""
        self.model.train()
        total, seen = torch.zeros(2, device=self.device), 0
        steps = self.training.steps
        mode = sparse.choose_mode(self.model, self.optimizer)
        self.modes[mode] = self.modes.get(mode, 0) + 1
        with (
            sparse.sparse_first_layer(self.model, self.optimizer, mode) as network,
            self._rounded(),
        ):
            for step, (x, labels) in enumerate(self.training.batches(epoch)):
                rate = learning_rate(self.config, epoch, step, steps)
                for group in self.optimizer.param_groups:
                    group["lr"] = rate
                total += self._step(network, x, labels)
                seen += len(labels)
        if self.device.type == "cuda" and epoch + 1 < self.config.epochs:
            self.training.prepare(epoch + 1)
        # between batches of dense layers the host never waits for the device
        loss, hits = (total / seen).tolist()
        return loss, hits

    def _rounded(self) -> AbstractContextManager[None]:
        """Keep bfloat16 copies of the weights for an epoch, where products are bfloat16."""
        bf16 = self.config.precision == "bf16"
        return mixed_precision.bf16_weights(self.model, self.optimizer) if bf16 else nullcontext()

    def _step(self, network: Forward, x: Tensor, labels: Tensor) -> Tensor:
        """Take one optimizer step; return the batch's summed loss and number of hits, (2,)."""
        logits = self._logits(network, x)
        loss = objective(self.config.loss, logits, labels)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        hits = (logits.detach().argmax(1) == labels).sum()
        return torch.stack([loss.detach() * len(labels), hits])

    def _logits(self, network: Forward, x: Tensor) -> Tensor:
        bf16 = self.config.precision == "bf16"
        with torch.autocast(self.device.type, torch.bfloat16, enabled=bf16):
            return network(x).float()

    @torch.no_grad()
    def accuracy(self, inputs: Batches) -> float:
        """Share of the images, not augmented, that the network classifies correctly."""
        self.model.eval()
        hits = torch.zeros((), dtype=torch.int64, device=self.device)
        for x, labels in inputs.ordered_batches():
            hits += (self._logits(self.model, x).argmax(1) == labels).sum()
        return hits.item() / len(inputs)

    def replay(self, epochs: int) -> dict[str, Any]:
        """Train the first epochs, recorded as ever, and return their history."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(stream(self.config.seed, "dropout").initial_seed())
            recorded = set(recorded_epochs(self.config.epochs))
            for epoch in range(min(epochs, self.config.epochs)):
                self.run_epoch(epoch, record=epoch + 1 in recorded)
        return self.history

    def layers(self) -> dict[str, models.Layer]:
        """Weights of every layer, by name, with the positions at which each is used."""
        return models.layers(self.model, self.training.images.shape[-1])

    def _record(self, epoch: int, loss: float, hits: float, zeros: dict[str, Tensor]) -> None:
        name = "validation_accuracy" if self.config.validation else "test_accuracy"
        row = {
            "epoch": epoch + 1,
            "lr": learning_rate(self.config, epoch, 0, self.training.steps),
            "train_loss": loss,
            "train_accuracy": hits,
            name: self.accuracy(self.evaluation),
        }
        for column, value in row.items():
            self.history.setdefault(column, []).append(value)
        weights = {name: layer.weight.detach() for name, layer in self.layers().items()}
        revived = {name: weight * zeros[name] for name, weight in weights.items()}
        norms = {name: float(weight.norm()) for name, weight in weights.items()}
        self._require_finite("the norm of a layer", norms.values(), epoch)
        columns: dict[str, Mapping[str, float]] = {
            "nonzeros": measure.nonzeros(weights),
            "revived": measure.nonzeros(revived),
            "norm": norms,
        }
        if self.config.frozen_zeros:
            columns["forgone"] = self._forgone(epoch)
        for column, values in columns.items():
            for layer, number in values.items():
                self.history.setdefault(column, {}).setdefault(layer, []).append(number)

    def _forgone(self, epoch: int) -> dict[str, int]:
        """Count the zeros of each layer that the epoch's last step would have let return."""
        steps = self.training.steps
        rate = learning_rate(self.config, epoch, steps - 1, steps)
        thresholds = {
            id(p): g["beta"] * g["l1"] for g in self.optimizer.param_groups for p in g["params"]
        }
        return {
            name: int(_returning(layer.weight, rate, thresholds[id(layer.weight)]))
            for name, layer in self.layers().items()
        }

    def _require_finite(self, name: str, numbers: Iterable[float], epoch: int) -> None:
        if not all(math.isfinite(number) for number in numbers):
            raise TrainingError(
                f"run {self.config.run_id}: {name} is not finite in epoch {epoch + 1}; "
                "try a lower lr"
            )

    def final(self) -> dict[str, Any]:
        """Measures of the last epoch, JSON-ready."""
        last = {name: c[-1] for name, c in self.history.items() if isinstance(c, list)}
        layers = self.layers()
        flops = measure.flops([(layer.weight, layer.positions) for layer in layers.values()])
        result = {
            **last,
            "nonzeros": {name: column[-1] for name, column in self.history["nonzeros"].items()},
            "weights": {name: layer.weight.numel() for name, layer in layers.items()},
            "fan_in": measure.units_by_fan_in({n: layer.weight for n, layer in layers.items()}),
            "flops": {"dense": flops.dense, "sparse": flops.sparse},
            "evaluation_images": len(self.evaluation),
            "clean_train_accuracy": self.accuracy(self.training),
        }
        if self.config.model != "resnet18":  # its first filters are kernels, not images
            filters = self.filters()
            result["locality"] = measure.locality(filters)
            ratios = measure.pair_correlation(filters).tolist()
            result["pair_correlation"] = [None if math.isnan(r) else r for r in ratios]
        return result

    def filters(self) -> Tensor:
        """First-layer filters (units, C, H, W) on the CPU, in the pixels' own order."""
        filters = models.first_layer_filters(self.model, self.training.images.shape[-1]).cpu()
        return self.training.unpermuted(filters)

    def finish(self, store: RunStore) -> Record:
        """Measure the trained network and write its record, with some filters of a first seed."""
        origin = {**self.origin, "seconds": self.seconds, "resumes": self.resumes}
        origin["modes"] = self.modes
        kept = None
        if self.config.seed == 0 and self.config.model in SHOWN and not self.config.validation:
            filters = self.filters()
            kept = filters[measure.choose_filters(filters, STORED_FILTERS)]
        return store.write(
            self.config,
            history=self.history,
            final=self.final(),
            provenance=origin,
            filters=kept,
        )


def _returning(weight: Tensor, rate: float, threshold: float) -> Tensor:
    """Count the zeros, new ones too, that a step along the gradient carries past the threshold."""
    assert weight.grad is not None
    return torch.count_nonzero((weight == 0) & (rate * weight.grad.abs() >= threshold))


def _momentum(optimizer: Optimizer) -> Iterator[tuple[str, Tensor]]:
    for index, state in optimizer.state_dict()["state"].items():
        if isinstance(state.get("momentum_buffer"), Tensor):
            yield str(index), state["momentum_buffer"]


def _load_momentum(optimizer: Optimizer, buffers: Mapping[str, Tensor]) -> None:
    state = optimizer.state_dict()
    state["state"] = {int(index): {"momentum_buffer": b} for index, b in buffers.items()}
    optimizer.load_state_dict(state)


def _part(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {n.removeprefix(prefix): t for n, t in tensors.items() if n.startswith(prefix)}


def _filled(groups: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [group for group in groups if group["params"]]
