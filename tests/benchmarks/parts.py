"""One step part by part, beside its floor, for growing width; and sparse S-FC against dense.

The floor of a step: its bare products (forward and weights' gradients, inputs' gradients but for
the first layer), and the bytes that the optimizer cannot but move, at the speed of memory.

    parts.py [cpu|cuda] [alpha ...]

S-FC at every width, S-LOCAL and S-CONV at the largest.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack

import torch
import torch.nn.functional as F
from timing import Report, Times, device_asked, interleaved, synchronised
from torch import Tensor, nn
from torch.optim import Optimizer

from lcs import models
from lcs.analysis.names import NETWORKS
from lcs.data.augment import apply, draw
from lcs.optim import BetaLasso, mixed_precision, sparse_products
from lcs.optim.sparse_products import MODES
from lcs.train.setup import COMPILED_FROM

REPEATS, EPOCH_REPEATS = 15, 5
BATCH = 512
EPOCH = 50_000
AUGMENTATIONS = ("flip-crop", "autoaugment")
DENSITIES, EPOCH_DENSITY = (0.05, 0.03, 0.02, 0.01, 0.005), 0.01
# epochs that never end, so that their setting up is not timed
EPOCHS = ExitStack()
Product = Callable[[], None]
SETTINGS = {"lr": 0.1, "l1": 5e-5, "beta": 50.0}


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
    sparse_epochs(widths[-1], device, report)


def step_by_parts(model: str, width: int, device: torch.device, report: Report) -> None:
    """Print the time of each part of a step, and the whole over its floor."""
    net, optimizer = network(model, width, device)
    floor = {
        "floor: products": products(net),
        "floor: pass of the optimizer": memory_pass(net, device),
    }
    EPOCHS.enter_context(mixed_precision.bf16_weights(net, optimizer))
    images, labels = batch(device)
    x = normalised(images)

    def forward() -> Tensor:
        return loss_of(net, x, labels)

    def forward_and_backward() -> None:
        optimizer.zero_grad()
        backward(forward())

    def step() -> None:
        optimizer.zero_grad()
        backward(loss_of(net, normalised(images), labels))
        optimizer.step()

    step()
    parts: dict[str, Callable[[], object]] = {
        "inputs": lambda: normalised(images),
        "forward": forward,
        "forward and backward": forward_and_backward,
        "optimizer": optimizer.step,
        "whole step": step,
        **floor,
        **{f"augmentation: {name}": augmentation(name, device) for name in AUGMENTATIONS},
    }
    times = interleaved({n: synchronised(a, device) for n, a in parts.items()}, repeats=REPEATS)
    for name in AUGMENTATIONS:  # an epoch at once: a step's share of it
        whole = times[f"augmentation: {name}"]
        times[f"augmentation: {name}"] = [time * BATCH / EPOCH for time in whole]
    times["step with flip-crop"] = _sum(times, "whole step", "augmentation: flip-crop")
    times["step with autoaugment"] = _sum(times, "whole step", "augmentation: autoaugment")
    times["floor"] = _sum(times, "floor: products", "floor: pass of the optimizer")
    report.table(
        f"{NETWORKS[model]}, α = {width}: a step of {BATCH} images, bf16",
        times,
        unit="milliseconds a step",
        scale=1e3,
        ratios=targets(model, width, device),
        measured="step",
        model=model,
        base_channels=width,
    )
    EPOCHS.close()


def targets(model: str, width: int, device: torch.device) -> list[tuple[str, str, str]]:
    """Return a step's ratios, and what they were to be: for each device where its runs are."""
    cpu = device.type == "cpu"
    near = "<= 1.6" if cpu and width >= 4 and model == "s-fc" else ""
    whole = "" if cpu else {"s-fc": "<= 1.45"}.get(model, "<= 2")
    return [
        ("step with flip-crop", "floor: products", near),
        ("step with flip-crop", "floor", ""),
        ("step with autoaugment", "floor", whole),
        ("augmentation: autoaugment", "step with autoaugment", "" if cpu else "<= 0.1"),
    ]


def sparse_against_dense(width: int, device: torch.device, report: Report) -> None:
    """Print a step's time in each mode against the density of the first layer."""
    x, labels = normalised(batch(device)[0]), batch(device)[1]
    for density in DENSITIES:
        actions = {}
        for mode in MODES:
            net, optimizer = network("s-fc", width, device, frozen=mode == "frozen")
            thin_out(net, density)
            actions[mode] = synchronised(steps(net, optimizer, mode, x, labels), device)
        target = "<= 0.5" if density <= 0.01 and width >= 16 else ""
        report.table(
            f"S-FC, α = {width}: {density:.1%} of the first layer remaining",
            interleaved(actions, repeats=REPEATS),
            unit="milliseconds a step",
            scale=1e3,
            ratios=[("frozen", "dense", target)],
            measured="sparse step",
            model="s-fc",
            base_channels=width,
            density=density,
        )
        EPOCHS.close()


def sparse_epochs(width: int, device: torch.device, report: Report) -> None:
    """Print the time of an epoch in each mode: with its images, and with laying out the matrix."""
    report.table(
        f"S-FC, α = {width}: an epoch at {EPOCH_DENSITY:.0%} density, flips and crops",
        interleaved({mode: epoch(width, device, mode) for mode in MODES}, repeats=EPOCH_REPEATS),
        unit="seconds",
        scale=1,
        ratios=[("frozen", "dense", "<= 0.5")],
        measured="sparse epoch",
        model="s-fc",
        base_channels=width,
        density=EPOCH_DENSITY,
    )


def epoch(width: int, device: torch.device, mode: str) -> Callable[[], None]:
    """Return an epoch of training that begins with the same weights each time."""
    net, optimizer = network("s-fc", width, device, frozen=mode == "frozen")
    thin_out(net, EPOCH_DENSITY)
    first = net.conv1.weight
    start = first.detach().clone()
    labels, images = batch(device)[1], augmentation("flip-crop", device)

    def once() -> None:
        with torch.no_grad():
            first.copy_(start)
        augmented = images()
        with (
            sparse_products.sparse_first_layer(net, optimizer, mode) as forward,
            mixed_precision.bf16_weights(net, optimizer),
        ):
            for some in augmented.split(BATCH):
                optimizer.zero_grad()
                backward(loss_of(forward, normalised(some), labels[: len(some)]))
                optimizer.step()

    return synchronised(once, device)


def steps(
    net: models.Net, optimizer: Optimizer, mode: str, x: Tensor, labels: Tensor
) -> Callable[[], None]:
    """Return a step within an epoch."""
    forward = EPOCHS.enter_context(sparse_products.sparse_first_layer(net, optimizer, mode))
    EPOCHS.enter_context(mixed_precision.bf16_weights(net, optimizer))

    def step() -> None:
        optimizer.zero_grad()
        backward(loss_of(forward, x, labels))
        optimizer.step()

    return step


def network(
    model: str, width: int, device: torch.device, *, frozen: bool = False
) -> tuple[models.Net, BetaLasso]:
    with device:
        net = models.build(model, num_classes=10, image_size=32, in_channels=3, base_channels=width)
    large = sum(p.numel() for p in net.parameters()) >= COMPILED_FROM
    groups = [{"params": [net.conv1.weight]}, {"params": [net.fc1.weight, net.fc2.weight]}]
    return net, BetaLasso(groups, **SETTINGS, frozen_zeros=frozen, compiled=large)


def thin_out(net: models.Net, density: float) -> None:
    with torch.no_grad():
        weight = net.conv1.weight
        weight.mul_(torch.rand_like(weight) < density).add_(0.01 * weight.sign())


def batch(device: torch.device) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(256, (BATCH, 3, 32, 32), generator=generator).to(torch.uint8)
    return images.to(device), torch.randint(10, (BATCH,), generator=generator).to(device)


def normalised(images: Tensor) -> Tensor:
    return images.float().sub_(127.5).div_(127.5).to(torch.bfloat16)


def loss_of(forward: Callable[[Tensor], Tensor], x: Tensor, labels: Tensor) -> Tensor:
    with mixed_precision.bf16_products(x.device), torch.autocast(x.device.type, torch.bfloat16):
        logits = forward(x)
    return F.cross_entropy(logits.float(), labels)


def backward(loss: Tensor) -> None:
    with mixed_precision.bf16_products(loss.device):
        loss.backward()


def augmentation(name: str, device: torch.device) -> Callable[[], Tensor]:
    """Return the augmentation of a whole epoch at once; on a GPU, training draws it meanwhile."""
    images = torch.randint(256, (EPOCH, 3, 32, 32)).to(torch.uint8).to(device)
    room, order = torch.empty_like(images), torch.randperm(EPOCH).to(device)
    draws = torch.Generator().manual_seed(0)
    if device.type == "cuda":
        drawn = draw(name, EPOCH, 32, draws, crop_shift=4)
        return lambda: apply(images, drawn, order=order, out=room)
    return lambda: apply(images, draw(name, EPOCH, 32, draws, crop_shift=4), order=order, out=room)


def products(net: models.Net) -> Product:
    """Return the bare products of a step, layer by layer, on operands that lie ready."""
    layers = [m for m in net.modules() if isinstance(m, tuple(PRODUCTS))]
    device, every = next(net.parameters()).device, []
    for depth, (layer, (x, gradient)) in enumerate(zip(layers, operands(net, layers), strict=True)):
        kind = next(kind for kind in PRODUCTS if isinstance(layer, kind))
        every.append(PRODUCTS[kind](layer, x, gradient, inner=depth > 0))

    def once() -> None:
        with mixed_precision.bf16_products(device):
            for product in every:
                product()

    return once


def operands(net: models.Net, layers: Sequence[nn.Module]) -> list[tuple[Tensor, Tensor]]:
    """Return each layer's input, and a tensor like its output, in bfloat16."""
    seen: list[tuple[Tensor, Tensor]] = []
    hooks = [
        layer.register_forward_hook(lambda _, x, y: seen.append((x[0].bfloat16(), y.bfloat16())))
        for layer in layers
    ]
    with torch.no_grad():
        device = next(net.parameters()).device
        net(normalised(batch(device)[0]).float())
    for hook in hooks:
        hook.remove()
    return seen


def of_linear(layer: nn.Linear, x: Tensor, gradient: Tensor, *, inner: bool) -> Product:
    weight = layer.weight.detach().bfloat16()

    def once() -> None:
        torch.mm(x, weight.t())
        torch.mm(gradient.t(), x)
        if inner:
            torch.mm(gradient, weight)

    return once


def of_convolution(layer: nn.Conv2d, x: Tensor, gradient: Tensor, *, inner: bool) -> Product:
    weight, shape = layer.weight.detach().bfloat16(), (layer.stride, layer.padding)
    back = torch.ops.aten.convolution_backward
    wanted = [inner, True, False]

    def once() -> None:
        F.conv2d(x, weight, None, *shape)
        back(gradient, x, weight, None, *shape, (1, 1), False, (0, 0), 1, wanted)

    return once


def of_local(
    layer: models.LocallyConnected2d, x: Tensor, gradient: Tensor, *, inner: bool
) -> Product:
    """Return the products of a first layer: one for each position, on patches that lie ready."""
    if inner:
        raise ValueError("the patches of an inner layer would need a gradient too")
    weight, (patches,) = layer.weight.detach().bfloat16(), layer.patches(x)
    gradients = gradient.flatten(2).permute(2, 1, 0).contiguous()  # (positions, out_channels, N)

    def once() -> None:
        torch.bmm(weight, patches)
        torch.bmm(gradients, patches.transpose(1, 2))

    return once


PRODUCTS: dict[type[nn.Module], Callable[..., Product]] = {
    nn.Linear: of_linear,
    nn.Conv2d: of_convolution,
    models.LocallyConnected2d: of_local,
}


def memory_pass(net: models.Net, device: torch.device) -> Callable[[], object]:
    """Copy 6 bytes a weight: as many read and written as a step reads and writes at least."""
    weights = sum(p.numel() for p in net.parameters())
    held = torch.ones(6 * weights, dtype=torch.uint8, device=device)
    copied = torch.empty_like(held)
    return lambda: copied.copy_(held)


def _sum(times: Times, *names: str) -> list[float]:
    return [sum(values) for values in zip(*(times[name] for name in names), strict=True)]


if __name__ == "__main__":
    main()
