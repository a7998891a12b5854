"""A step of training and its floor, timed on this machine; nothing is kept."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import cast

import torch
from torch import Tensor, nn

from lcs import cost, data
from lcs.config import Config
from lcs.models import Net
from lcs.optim.mixed_precision import bf16_products
from lcs.train.setup import build_model, make_optimizer
from lcs.train.step import Step

REPEATS = 7


@contextmanager
def training_step(
    config: Config, device: torch.device, mode: str = "dense", density: float = 1.0
) -> Iterator[Callable[[], object]]:
    """Yield a step on random images, as within an epoch, with a first layer of some density."""
    model = cast(Net, build_model(config).to(device))
    first = cast(Tensor, model.conv_layers[0].weight)
    with torch.no_grad():
        first.mul_(torch.rand_like(first) < density).add_(0.01 * first.sign())
    step = Step(config, device, model, make_optimizer(config, model))
    known = data.spec(config.dataset)
    height, width, channels = known.image_shape
    x = torch.rand(config.batch_size, channels, height, width, device=device)
    x = x.bfloat16() if config.bf16 else x
    labels = torch.randint(len(known.classes), (config.batch_size,), device=device)
    with step.network(mode) as network:
        yield lambda: step.train_step(network, x, labels)


def bare_products(config: Config, device: torch.device) -> Callable[[], None]:
    """Return S-FC's products of a step, and a copy of 6 bytes a weight: what no step can avoid."""
    with torch.device("meta"):  # its shapes alone
        model = build_model(config)
    operands = []
    for layer in model.modules():
        if isinstance(layer, nn.Linear):
            units, inputs = layer.weight.shape
            shapes = ((units, inputs), (config.batch_size, inputs), (config.batch_size, units))
            operands.append([torch.rand(shape, device=device).bfloat16() for shape in shapes])
    held = torch.ones(6 * cost.total_weights(config), dtype=torch.uint8, device=device)
    copied = torch.empty_like(held)

    def once() -> None:
        with bf16_products(device):
            for depth, (weight, x, gradient) in enumerate(operands):
                torch.mm(x, weight.t())
                torch.mm(gradient.t(), x)
                if depth:  # the images need no gradient
                    torch.mm(gradient, weight)
        copied.copy_(held)

    return once


def seconds(device: torch.device, *actions: Callable[[], object]) -> list[float]:
    """Return the least time of each action, taken in turn, after one to warm up."""
    times: list[list[float]] = [[] for _ in actions]
    for _ in range(1 + REPEATS):
        for action, measured in zip(actions, times, strict=True):
            began = time.perf_counter()
            action()
            if device.type == "cuda":
                torch.cuda.synchronize(device)
            measured.append(time.perf_counter() - began)
    return [min(measured[1:]) for measured in times]
