"""One epoch of S-FC (alpha = 1) on CIFAR-10: the conventional way, ours, and the bare products.

Conventional: torchvision's data set, a PIL image at a time, through a DataLoader; fp32; a plain
optimizer. Ours: `lcs.train`. Bare products: the matrix products of an epoch and nothing else.
Training only, no evaluation; the machine should have nothing else to do.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import torch
from conventional import conventional
from timing import Report, interleaved, native_bf16, seconds
from torch import Tensor, nn

from lcs import data
from lcs.config import Config
from lcs.errors import DataError
from lcs.train.loop import Run
from lcs.train.setup import build_model

REPEATS = 5
CONFIG = Config(model="s-fc", loss="bce", optimizer="beta-lasso", l1=2e-5, beta=50.0)
CPU = torch.device("cpu")


def ours(precision: str) -> Callable[[], None]:
    run = Run.start(CONFIG.replace(precision=precision), CPU)
    numbers = itertools.count()
    return lambda: run.run_epoch(next(numbers), record=False)


def products(images: data.Images, dtype: torch.dtype) -> Callable[[], None]:
    """Forward and weight-gradient products of every layer, input gradients of all but the first."""
    layers = [m for m in build_model(CONFIG).modules() if isinstance(m, nn.Linear)]
    weights = [layer.weight.detach().to(dtype) for layer in layers]
    whole, left = divmod(len(images.train_labels), CONFIG.batch_size)
    sizes = [CONFIG.batch_size] * whole + [left] * (left > 1)
    operands: dict[int, list[tuple[Tensor, Tensor, Tensor]]] = {
        size: [
            (w, torch.randn(size, w.shape[1]).to(dtype), torch.randn(size, w.shape[0]).to(dtype))
            for w in weights
        ]
        for size in set(sizes)
    }

    def epoch() -> None:
        for size in sizes:
            for depth, (weight, x, gradient) in enumerate(operands[size]):
                torch.mm(x, weight.t())
                torch.mm(gradient.t(), x)
                if depth > 0:
                    torch.mm(gradient, weight)

    return epoch


def load_images() -> data.Images:
    """CIFAR-10, or random images of the same shape where there is none."""
    try:
        return data.load("cifar10")
    except DataError as error:
        print(f"{error}\nTimed on random images of the same shape instead.\n")
    facts = data.spec("cifar10")
    draw = np.random.default_rng(0).integers
    arrays = []
    for size in (facts.train_size, facts.test_size):
        arrays.append(draw(256, size=(size, *facts.image_shape), dtype=np.uint8))
        arrays.append(draw(10, size=size, dtype=np.uint8))
    return data.Images("cifar10", *arrays, facts.classes)


def main() -> None:
    images = load_images()
    data.load = lambda name: images
    own = {precision: ours(precision) for precision in ("fp32", "bf16")}
    first = {precision: seconds(epoch) for precision, epoch in own.items()}
    plain = {f"conventional, {n} workers": conventional(CONFIG, images, n) for n in (0, 1, 2)}
    actions = {
        **plain,
        **{f"ours, {precision}": epoch for precision, epoch in own.items()},
        "bare products, fp32": products(images, torch.float32),
        "bare products, bf16": products(images, torch.bfloat16),
    }
    report = Report("epoch")
    times = interleaved(actions, repeats=REPEATS)
    print("Not in the clock: the first epoch, which normalises the images: ", end="")
    print(", ".join(f"{value:.2f} s in {precision}" for precision, value in first.items()), "\n")
    best = min(plain, key=lambda name: sorted(times[name])[REPEATS // 2])
    bf16 = native_bf16()  # without it the targets do not hold
    report.table(
        "One epoch of S-FC, α = 1, on CIFAR-10 (batches of 512)",
        times,
        unit="seconds",
        scale=1,
        ratios=[
            (best, "ours, fp32", ""),
            (best, "ours, bf16", ">= 8" if bf16 else ""),
            ("ours, fp32", "bare products, fp32", "<= 2.5"),
            ("ours, bf16", "bare products, bf16", "<= 2.5" if bf16 else ""),
        ],
        measured="epoch",
        model="s-fc",
        base_channels=1,
    )


if __name__ == "__main__":
    main()
