"""A step of training: the batch's loss, its gradients, and the optimizer's update."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from lcs.config import Config
from lcs.models.networks import layer_weights
from lcs.optim import mixed_precision, sparse_products
from lcs.optim.sparse_products import Forward
from lcs.train.setup import objective

if TYPE_CHECKING:
    from lcs.optim.pruning import Masks


@dataclass(eq=False)
class Step:
    """A network and its optimizer, and how they take a step on a batch."""

    config: Config
    device: torch.device
    model: nn.Module
    optimizer: Optimizer
    pruning: Masks | None = field(default=None, kw_only=True)

    @contextmanager
    def network(self, mode: str) -> Iterator[Forward]:
        """Yield the network on the weights that the optimizer steps, in a mode of the products."""
        parts = self.model, self.optimizer
        copies = mixed_precision.bf16_weights(*parts) if self.config.bf16 else nullcontext()
        with sparse_products.sparse_first_layer(*parts, mode, self.first_mask) as network, copies:
            yield network

    @property
    def first_mask(self) -> Tensor | None:
        """The first layer's mask (units, inputs), bool, if the run has masks."""
        return self.pruning.masks["conv1"] if self.pruning else None

    def train_step(self, network: Forward, x: Tensor, labels: Tensor) -> Tensor:
        """Take one optimizer step; return the batch's summed loss and number of hits, (2,).

        `network` comes from `network`, x (N, C, H, W), labels (N,) int64.
        """
        logits = self.logits(network, x)
        loss = objective(self.config.loss, logits, labels)
        self.optimizer.zero_grad()
        with self._products():
            loss.backward()
        self.optimizer.step()
        hits = (logits.detach().argmax(1) == labels).sum()
        return torch.stack([loss.detach() * len(labels), hits])

    @torch.enable_grad()
    def gradients(self, x: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """Return the gradient of each layer's weight on a batch as in `train_step`, float32.

        The pass is one of training: it counts in the statistics of batch normalisation.
        """
        weights = layer_weights(self.model)
        loss = objective(self.config.loss, self.logits(self.model, x), labels)
        with self._products():
            gradients = torch.autograd.grad(loss, [*weights.values()])
        return dict(zip(weights, gradients, strict=True))

    def logits(self, network: Forward, x: Tensor) -> Tensor:
        """Return a network's logits (N, classes), float32, for inputs (N, C, H, W)."""
        autocast = torch.autocast(self.device.type, torch.bfloat16, enabled=self.config.bf16)
        with autocast, self._products():
            return network(x).float()

    def _products(self) -> AbstractContextManager[object]:
        """Return the context of products; those of float32 need none, and each operation costs."""
        return mixed_precision.bf16_products(self.device) if self.config.bf16 else nullcontext()
