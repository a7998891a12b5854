"""A step of training: the loss of a batch, its gradients, and the optimizer's update."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

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
    """Yield the network on the weights that the optimizer steps during an epoch.

    In bf16 they are rounded copies; `mode` and `mask` are as in `sparse_first_layer`.
    """
    copies = mixed_precision.bf16_weights(model, optimizer) if config.bf16 else nullcontext()
    with sparse_first_layer(model, optimizer, mode, mask) as network, copies:
        yield network


def train_step(
    config: Config, network: Forward, optimizer: Optimizer, x: Tensor, labels: Tensor
) -> Tensor:
    """Take one optimizer step; return the batch's summed loss and number of hits, (2,).

    `network` comes from `stepped_network`, x (N, C, H, W), labels (N,) int64.
    """
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
    """Return the gradient of each layer's weight on a batch as in `train_step`, float32.

    The pass is one of training: it counts in the statistics of batch normalisation.
    """
    weights = layer_weights(model)
    loss = objective(config.loss, logits(config, model, x), labels)
    with _products(config, x.device):
        found = torch.autograd.grad(loss, [*weights.values()])
    return dict(zip(weights, found, strict=True))


def _products(config: Config, device: torch.device) -> AbstractContextManager[object]:
    """Return the context of products; those of float32 need none, and each operation costs."""
    return mixed_precision.bf16_products(device) if config.bf16 else nullcontext()
