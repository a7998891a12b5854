"""A step of training: loss and gradients of a batch, the optimizer's update, and CUDA graphs of it.

Up to about α = 64 the host needs longer to launch the kernels of a step than a GPU to run them; a
graph, captured once an epoch with `LCS_CUDA_GRAPHS=1`, is one launch, equal up to rounding.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import Optimizer

from lcs.config import Config
from lcs.models.networks import layer_weights
from lcs.optim import mixed_precision
from lcs.optim.sparse_products import Forward, sparse_first_layer


@contextmanager
def stepped_network(
    config: Config, model: nn.Module, optimizer: Optimizer, mode: str, mask: Tensor | None
) -> Iterator[Forward]:
    """Yield the network for the steps of an epoch, in bf16 on rounded copies of its weights."""
    copies = mixed_precision.bf16_weights(model, optimizer) if config.bf16 else nullcontext()
    with sparse_first_layer(model, optimizer, mode, mask) as network, copies:
        yield network


def train_step(
    config: Config, network: Forward, optimizer: Optimizer, x: Tensor, labels: Tensor
) -> Tensor:
    """Take a step on x (N, C, H, W), labels (N,) int64; return summed loss and hits, (2,)."""
    scores = logits(config, network, x)
    loss = objective(config.loss, scores, labels)
    optimizer.zero_grad()
    with _products(config, x.device):
        loss.backward()
    optimizer.step()
    hits = (scores.detach().argmax(1) == labels).sum()
    return torch.stack([loss.detach() * len(labels), hits])


def logits(config: Config, network: Forward, x: Tensor) -> Tensor:
    """Return a network's logits (N, classes), float32, for inputs (N, C, H, W)."""
    autocast = torch.autocast(x.device.type, torch.bfloat16, enabled=config.bf16)
    with autocast, _products(config, x.device):
        return network(x).float()


def objective(loss: str, logits: Tensor, labels: Tensor) -> Tensor:
    """Mean loss of a batch: logits (N, classes) float32, labels (N,) int64.

    "bce" is the reproduction's: binary cross-entropy with logits on one-hot targets, averaged
    over classes too, so that its gradients are about `classes` times smaller.
    """
    if loss == "cross-entropy":
        return F.cross_entropy(logits, labels)
    targets = F.one_hot(labels, logits.shape[1]).to(logits.dtype)
    return F.binary_cross_entropy_with_logits(logits, targets)


@torch.enable_grad()
def gradients(config: Config, model: nn.Module, x: Tensor, labels: Tensor) -> dict[str, Tensor]:
    """Return the gradient of each layer's weight on a batch, float32, from a pass of training."""
    weights = layer_weights(model)
    loss = objective(config.loss, logits(config, model, x), labels)
    with _products(config, x.device):
        found = torch.autograd.grad(loss, [*weights.values()])
    return dict(zip(weights, found, strict=True))


def _products(config: Config, device: torch.device) -> AbstractContextManager[object]:
    """Return the context of products; those of float32 need none, and each operation costs."""
    return mixed_precision.bf16_products(device) if config.bf16 else nullcontext()


def captures(device: torch.device, optimizer: Optimizer) -> bool:
    """Whether steps are captured: of optimizers with a fused step on a GPU, where it is asked."""
    wanted = os.environ.get("LCS_CUDA_GRAPHS") == "1"
    return wanted and device.type == "cuda" and mixed_precision.takes_copies(optimizer)


class CapturedStep:
    """A step on batches of one shape as a CUDA graph; the capture itself changes nothing.

    It is valid while network and optimizer hold the same tensors, the learning rate among them, and
    is made within `on_own_stream` after a first step, in the memory of an earlier one.
    """

    def __init__(
        self, step: Callable[..., None], x: Tensor, labels: Tensor, earlier: CapturedStep | None
    ) -> None:
        if earlier is None:
            torch.cuda.empty_cache()  # which is not done during a capture
        self.batch = x.clone(), labels.clone()
        self.graph = torch.cuda.CUDAGraph()
        self.graph.capture_begin(earlier.graph.pool() if earlier else None)
        try:
            step(*self.batch)
        except BaseException:
            with suppress(RuntimeError):  # it would hide the error
                self.graph.capture_end()
            raise
        self.graph.capture_end()

    def __call__(self, x: Tensor, labels: Tensor) -> None:
        """Take the step on another batch."""
        for held, new in zip(self.batch, (x, labels), strict=True):
            held.copy_(new)
        self.graph.replay()


# one of a device for all runs, since memory is kept for each stream
_own_stream = functools.cache(torch.cuda.Stream)


@contextmanager
def on_own_stream(device: torch.device) -> Iterator[None]:
    """Let a GPU work, in turn, on another stream than its default one, which captures nothing."""
    stream, default = _own_stream(device), torch.cuda.current_stream(device)
    stream.wait_stream(default)
    try:
        with torch.cuda.stream(stream):
            yield
    finally:
        default.wait_stream(stream)
