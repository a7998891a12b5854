"""What a configuration describes: the network of a run, its loss and its optimizer."""

from __future__ import annotations

from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import Optimizer

from lcs.config import Config
from lcs.models import networks
from lcs.optim import SGD, BetaLasso, ProximalL1, Spred
from lcs.optim.growing_l1 import relative_l1
from lcs.seeds import generators_kept, seed_process

# from this many weights on, compiling the optimizer's step pays for itself
COMPILED_FROM = 4_000_000


def build_model(config: Config) -> nn.Module:
    """Build the run's network; its initial weights depend only on data set, model and seed.

    Where it starts from another network, they are not what that one began with, but for a ticket.
    """
    weights = "new weights" if config.transfer.new_weights else "weights"
    cpu = torch.device("cpu")
    with generators_kept(cpu):
        seed_process(config.seed, weights, cpu)
        return networks.build(
            config.model,
            **config.network_size._asdict(),
            bias=config.bias,
            affine=config.affine,
            dropout=config.dropout,
        )


def make_optimizer(config: Config, model: nn.Module) -> Optimizer:
    """Group the weights (convolution-like, others, no λ or decay for the rest) and optimize them.

    Biases and the parameters of batch normalisation are neither shrunk nor thresholded.
    """
    first = [layer.weight for layer in model.conv_layers]  # type: ignore[union-attr]
    first = [weight for weight in first if weight.requires_grad]
    # a bias of a local layer has one number for each position and channel
    plain = [p for name, p in model.named_parameters() if p.ndim == 1 or name.endswith("bias")]
    chosen = {id(p) for p in (*first, *plain)}
    rest = [p for p in model.parameters() if p.requires_grad and id(p) not in chosen]
    compiled = sum(p.numel() for p in model.parameters()) >= COMPILED_FROM
    if config.optimizer == "sgd" and (config.momentum or config.weight_decay):
        groups = _nonempty(
            {"params": [*first, *rest], "weight_decay": config.weight_decay}, {"params": plain}
        )
        return SGD(groups, config.lr, config.momentum, compiled=compiled)
    growing = {}
    if config.l1_growth:
        (geometry,) = cast(networks.Net, model).geometries
        relative = relative_l1(geometry, config.l1_growth, config.l1_window_size)
        growing["relative_l1"] = relative.to(first[0].device)
    groups = _nonempty(
        {"params": first, "l1": config.l1, **growing},
        {"params": rest, "l1": config.rest_l1},
        {"params": plain, "l1": 0.0},
    )
    if config.optimizer == "proximal-l1":
        return ProximalL1(groups, lr=config.lr)
    if config.optimizer == "spred":
        return Spred(groups, lr=config.lr, momentum=config.momentum)
    # plain SGD is β-LASSO with λ = 0
    return BetaLasso(
        groups, lr=config.lr, beta=config.beta, frozen_zeros=config.frozen_zeros, compiled=compiled
    )


def _nonempty(*groups: dict[str, Any]) -> list[dict[str, Any]]:
    return [group for group in groups if group["params"]]


def objective(loss: str, logits: Tensor, labels: Tensor) -> Tensor:
    """Mean loss of a batch: logits (N, classes) float32, labels (N,) int64.

    "bce" is the reproduction's: binary cross-entropy with logits on one-hot targets, averaged
    over classes too, so that its gradients are about `classes` times smaller.
    """
    if loss == "cross-entropy":
        return F.cross_entropy(logits, labels)
    targets = F.one_hot(labels, logits.shape[1]).to(logits.dtype)
    return F.binary_cross_entropy_with_logits(logits, targets)
