"""One step part by part, beside its floor, for growing width; and sparse S-FC against dense.

The floor of a step: its bare products (forward and weights' gradients, inputs' gradients but for
the first layer), and the bytes that the optimizer cannot but move, at the speed of memory.

    parts.py [cpu|cuda] [alpha ...]

S-FC at every width, S-LOCAL and S-CONV at the largest.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from typing import NamedTuple

import torch
from timing import Report, Times, device_asked, interleaved, synchronised
from torch import Tensor, nn

from lcs import models
from lcs.analysis.names import NETWORKS
from lcs.config import Config
from lcs.data.augment import apply, draw
from lcs.optim import mixed_precision, sparse_products
from lcs.optim.sparse_products import MODES
from lcs.train.setup import build_model, make_optimizer
from lcs.train.step import logits, objective, stepped_network, train_step

REPEATS = 15
BATCH = 512
EPOCH = 50_000
CROPS = {"crop_shift": 4, "crop_fill": 0}
AUGMENTATIONS = ("flip-crop", "autoaugment")
DENSITIES = (0.05, 0.03, 0.02, 0.01, 0.005)
CONFIG = Config(loss="cross-entropy", precision="bf16", optimizer="beta-lasso", l1=5e-5, beta=50.0)
Action = Callable[[], object]


class Step(NamedTuple):
    """A network and its optimizer, and how they take a step on a batch, as in training."""

    config: Config
    model: nn.Module
    optimizer: torch.optim.Optimizer

    def network(self, mode: str) -> AbstractContextManager[Callable[[Tensor], Tensor]]:
        return stepped_network(self.config, self.model, self.optimizer, mode, None)

    def take(self, network: Callable[[Tensor], Tensor], x: Tensor, labels: Tensor) -> Tensor:
        return train_step(self.config, network, self.optimizer, x, labels)


def main() -> None:
    device = device_asked()
    widths = [int(word) for word in sys.argv[2:]] or [1, 4, 16]
    report = Report("parts", device.type)
    for width in widths:
        step_by_parts("s-fc", width, device, report)
    for model in ("s-local", "s-conv"):
        step_by_parts(model, widths[-1], device, report)
    for width in widths:
        if 768 * 1024 * width >= sparse_products.PAYS_FROM:
            sparse_against_dense(width, device, report)


def step_by_parts(model: str, width: int, device: torch.device, report: Report) -> None:
    """Print the time of each part of a step, and the whole over its floor."""
    step = new_step(CONFIG.replace(model=model, base_channels=width), device)
    images, labels = batch(device)
    x = normalised(images)
    floor = {
        "floor: products": products(step.model, x),
        "floor: pass of the optimizer": memory_pass(step.model),
    }
    with step.network("dense") as network:

        def forward() -> Tensor:
            return objective(CONFIG.loss, logits(CONFIG, network, x), labels)

        def forward_and_backward() -> None:
            step.optimizer.zero_grad()
            with mixed_precision.bf16_products(device):
                forward().backward()

        parts: dict[str, Action] = {
            "whole step": lambda: step.take(network, normalised(images), labels),
            "inputs": lambda: normalised(images),
            "forward": forward,
            "forward and backward": forward_and_backward,
            "optimizer": step.optimizer.step,
            **floor,
            **{f"augmentation: {name}": augmentation(name, device) for name in AUGMENTATIONS},
        }
        times = interleaved({n: synchronised(a, device) for n, a in parts.items()}, repeats=REPEATS)
    for name in AUGMENTATIONS:  # an epoch at once: a step's share of it
        whole = times[f"augmentation: {name}"]
        times[f"augmentation: {name}"] = [time * BATCH / EPOCH for time in whole]
        times[f"step with {name}"] = _sum(times, "whole step", f"augmentation: {name}")
    times["floor"] = _sum(times, *floor)
    cpu = device.type == "cpu"
    report.table(
        f"{NETWORKS[model]}, α = {width}: a step of {BATCH} images, bf16",
        times,
        unit="milliseconds a step",
        ratios=[
            ("step with flip-crop", "floor: products", "<= 1.6" if cpu and width >= 4 else ""),
            ("step with flip-crop", "floor", ""),
            ("step with autoaugment", "floor", "" if cpu else "<= 2"),
            ("augmentation: autoaugment", "step with autoaugment", "" if cpu else "<= 0.1"),
        ],
        measured="step",
        model=model,
        base_channels=width,
    )


def sparse_against_dense(width: int, device: torch.device, report: Report) -> None:
    """Print a step's time in each mode against the density of the first layer."""
    images, labels = batch(device)
    x = normalised(images)
    for density in DENSITIES:
        with ExitStack() as epochs:
            actions = {}
            for mode in MODES:
                step = thin_step(width, device, mode, density)
                network = epochs.enter_context(step.network(mode))
                actions[mode] = synchronised(partial(step.take, network, x, labels), device)
            times = interleaved(actions, repeats=REPEATS)
        report.table(
            f"S-FC, α = {width}: {density:.1%} of the first layer remaining",
            times,
            unit="milliseconds a step",
            ratios=[("frozen", "dense", "<= 0.5" if density <= 0.01 and width >= 16 else "")],
            measured="sparse step",
            model="s-fc",
            base_channels=width,
            density=density,
        )


def new_step(config: Config, device: torch.device) -> Step:
    """Return the step of a run that has just begun."""
    model = build_model(config).to(device)
    return Step(config, model, make_optimizer(config, model))


def thin_step(width: int, device: torch.device, mode: str, density: float) -> Step:
    """Return the step of S-FC of which so much of the first layer is left."""
    config = CONFIG.replace(base_channels=width, frozen_zeros=mode == "frozen")
    step = new_step(config, device)
    weight = step.model.conv1.weight.data
    weight.mul_(torch.rand_like(weight) < density).add_(0.01 * weight.sign())
    return step


def batch(device: torch.device) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(256, (BATCH, 3, 32, 32), generator=generator).to(torch.uint8)
    return images.to(device), torch.randint(10, (BATCH,), generator=generator).to(device)


def normalised(images: Tensor) -> Tensor:
    return images.float().sub_(127.5).div_(127.5).to(torch.bfloat16)


def augmentation(name: str, device: torch.device) -> Callable[[], Tensor]:
    """Return the augmentation of a whole epoch at once; on a GPU, training draws it meanwhile."""
    images = torch.randint(256, (EPOCH, 3, 32, 32)).to(torch.uint8).to(device)
    room, order = torch.empty_like(images), torch.randperm(EPOCH).to(device)
    draws = torch.Generator().manual_seed(0)
    if device.type == "cuda":
        drawn = draw(name, EPOCH, 32, draws, **CROPS)
        return lambda: apply(images, drawn, order=order, out=room)
    return lambda: apply(images, draw(name, EPOCH, 32, draws, **CROPS), order=order, out=room)


def products(net: nn.Module, x: Tensor) -> Callable[[], None]:
    """Return the bare products of a step on inputs x (N, …), in the precision of x.

    They are done layer by layer, on operands that lie ready.
    """
    every: list[Action] = []

    def see(layer: nn.Module, inputs: tuple[Tensor], output: Tensor) -> None:
        every.append(product(layer, inputs[0].to(x.dtype), output.to(x.dtype), inner=bool(every)))

    kinds = nn.Linear, nn.Conv2d, models.LocallyConnected2d
    layers = [layer for layer in net.modules() if isinstance(layer, kinds)]
    hooks = [layer.register_forward_hook(see) for layer in layers]
    with torch.no_grad():
        net(x.float())
    for hook in hooks:
        hook.remove()

    def once() -> None:
        with mixed_precision.bf16_products(x.device):
            for action in every:
                action()

    return once


def product(layer: nn.Module, x: Tensor, gradient: Tensor, *, inner: bool) -> Action:
    """Return the products of a layer: forward, its weights' gradient, and its input's if inner."""
    weight = layer.weight.detach().to(x.dtype)
    if isinstance(layer, nn.Linear):
        pairs = [(x, weight.t()), (gradient.t(), x), *([(gradient, weight)] if inner else [])]
        return lambda: [torch.mm(*pair) for pair in pairs]
    if isinstance(layer, models.LocallyConnected2d):  # one for each position, on patches; first
        (patches,) = layer.patches(x)
        gradients = gradient.flatten(2).permute(2, 1, 0).contiguous()  # (positions, channels, N)
        pairs = [(weight, patches), (gradients, patches.transpose(1, 2))]
        return lambda: [torch.bmm(*pair) for pair in pairs]
    shape, back = (layer.stride, layer.padding), torch.ops.aten.convolution_backward
    rest = None, *shape, (1, 1), False, (0, 0), 1, [inner, True, False]
    return lambda: (nn.functional.conv2d(x, weight, None, *shape), back(gradient, x, weight, *rest))


def memory_pass(net: nn.Module) -> Action:
    """Copy 6 bytes a weight: as many read and written as a step reads and writes at least."""
    weights = sum(p.numel() for p in net.parameters())
    held = torch.ones(6 * weights, dtype=torch.uint8, device=next(net.parameters()).device)
    copied = torch.empty_like(held)
    return lambda: copied.copy_(held)


def _sum(times: Times, *names: str) -> list[float]:
    return [sum(values) for values in zip(*(times[name] for name in names), strict=True)]


if __name__ == "__main__":
    main()
