"""What a configuration describes: the network of a run and its optimizer."""

from typing import Any, cast

import torch
from torch import nn
from torch.optim import Optimizer

from lcs.config import Config
from lcs.models import networks
from lcs.optim import SGD, BetaLasso, ProximalL1, Spred
from lcs.optim.growing_l1 import relative_l1
from lcs.seeds import generators_kept, seed_process

COMPILED_FROM = 4_000_000  # weights, from which on compiling the optimizer's step pays for itself


def build_model(config: Config) -> nn.Module:
    """Build the run's network; its initial weights depend only on data set, model and seed."""
    # where it starts from another network, they are not what that one began with, but for a ticket
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
    """Group the weights (convolution-like, others, no λ or decay for biases and batch norm)."""
    net = cast(networks.Net, model)
    first = [cast(nn.Parameter, layer.weight) for layer in net.conv_layers]
    first = [weight for weight in first if weight.requires_grad]
    # a bias of a local layer has one number for each position and channel
    plain = [p for name, p in model.named_parameters() if p.ndim == 1 or name.endswith("bias")]
    chosen = {id(p) for p in (*first, *plain)}
    rest = [p for p in model.parameters() if p.requires_grad and id(p) not in chosen]
    compiled = sum(p.numel() for p in model.parameters()) >= COMPILED_FROM
    groups: list[dict[str, Any]] = [
        {"params": first, "l1": config.l1},
        {"params": rest, "l1": config.rest_l1},
        {"params": plain, "l1": 0.0},
    ]
    conventional = config.optimizer == "sgd" and (config.momentum or config.weight_decay)
    if conventional:
        decayed = {"params": [*first, *rest], "weight_decay": config.weight_decay}
        groups = [decayed, {"params": plain}]
    elif config.l1_growth:
        (geometry,) = net.geometries
        relative = relative_l1(geometry, config.l1_growth, config.l1_window_size)
        groups[0]["relative_l1"] = relative.to(first[0].device)
    groups = [group for group in groups if group["params"]]
    if conventional:
        return SGD(groups, config.lr, config.momentum, compiled=compiled)
    if config.optimizer == "proximal-l1":
        return ProximalL1(groups, lr=config.lr)
    if config.optimizer == "spred":
        return Spred(groups, lr=config.lr, momentum=config.momentum)
    # plain SGD is β-LASSO with λ = 0
    return BetaLasso(
        groups, lr=config.lr, beta=config.beta, frozen_zeros=config.frozen_zeros, compiled=compiled
    )
