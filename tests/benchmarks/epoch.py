"""An epoch of S-FC on CIFAR-10: the conventional way, ours, and the bare products (alpha = 1).

Conventional: torchvision's data set, a PIL image at a time, through a DataLoader; fp32; a plain
optimizer. Ours: `lcs.train`. Bare products: the matrix products of an epoch and nothing else.
Training only, no evaluation; the machine should have nothing else to do. Before that, what each
change from the one to the other buys.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from parts import products
from timing import Report, interleaved, native_bf16, seconds
from torch.utils.data import DataLoader
from torchvision.datasets import CIFAR10, VisionDataset
from torchvision.transforms import Compose, Normalize, ToTensor

from lcs import data
from lcs.config import Config
from lcs.errors import DataError
from lcs.train.loop import Run
from lcs.train.setup import build_model

REPEATS = 5
WIDTHS = (1, 8)
CONFIG = Config(model="s-fc", loss="bce", optimizer="beta-lasso", l1=2e-5, beta=50.0)
CPU = torch.device("cpu")


def main() -> None:
    images = load_images()
    data.load = lambda name: images
    changes = Report("changes")
    for width in WIDTHS:
        change_upon_change(images, width, changes)
    own = {precision: ours(CONFIG, precision) for precision in ("fp32", "bf16")}
    first = {precision: seconds(epoch) for precision, epoch in own.items()}
    plain = {f"conventional, {n} workers": conventional(CONFIG, images, n) for n in (0, 1, 2)}
    actions = {
        **plain,
        **{f"ours, {precision}": epoch for precision, epoch in own.items()},
        "bare products, fp32": bare_products(images, torch.float32),
        "bare products, bf16": bare_products(images, torch.bfloat16),
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


def change_upon_change(images: data.Images, width: int, report: Report) -> None:
    """From the conventional way to `lcs.train`, one change after another."""
    config = CONFIG.replace(base_channels=width)
    actions = {
        "first version": conventional(config, images, 0),
        "no data loader": ours(config, "fp32", plain=True),
        "products in bfloat16, by autocast": ours(config, "bf16", plain=True),
        "one pass, with rounded copies": ours(config, "bf16"),
    }
    report.table(
        f"S-FC, α = {width}: an epoch, change upon change",
        interleaved(actions, repeats=REPEATS),
        unit="seconds",
        ratios=[(after, before, "") for before, after in itertools.pairwise(actions)],
        measured="changes",
        model="s-fc",
        base_channels=width,
    )


def ours(config: Config, precision: str, *, plain: bool = False) -> Callable[[], None]:
    """Return an epoch of `lcs.train`, with the plain optimizer in place of ours if asked."""
    run = Run.start(config.replace(precision=precision), CPU)
    if plain:
        names = ("params", "lr", "l1", "beta")
        groups = [{name: group[name] for name in names} for group in run.optimizer.param_groups]
        run.optimizer = PlainBetaLasso(groups, {})
    numbers = itertools.count()
    return lambda: run.run_epoch(next(numbers), record=False)


def bare_products(images: data.Images, dtype: torch.dtype) -> Callable[[], None]:
    """Return those of every batch of an epoch."""
    net = build_model(CONFIG)
    whole, left = divmod(len(images), CONFIG.batch_size)
    sizes = [CONFIG.batch_size] * whole + [left] * (left > 1)
    ready = {size: products(net, torch.randn(size, 3, 32, 32).to(dtype)) for size in {*sizes}}

    def epoch() -> None:
        for size in sizes:
            ready[size]()

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


class InMemoryCIFAR10(CIFAR10):
    """torchvision's data set, without its files."""

    def __init__(self, images: data.Images) -> None:
        half = (0.5, 0.5, 0.5)
        VisionDataset.__init__(self, transform=Compose([ToTensor(), Normalize(half, half)]))
        self.data, self.targets = images.train_images, images.train_labels.tolist()


class PlainBetaLasso(torch.optim.Optimizer):
    """Algorithm 1 as one writes it down: a loop over parameters, a new tensor per operation."""

    @torch.no_grad()
    def step(self) -> None:
        for group in self.param_groups:
            for p in group["params"]:
                p -= group["lr"] * (p.grad + group["l1"] * p.sign())
                p *= p.abs() >= group["beta"] * group["l1"]


def conventional(config: Config, images: data.Images, workers: int) -> Callable[[], None]:
    """Return an epoch that trains the same network in the same setting."""
    model = build_model(config)
    settings = {"lr": config.lr, "l1": config.l1, "beta": config.beta}
    optimizer = PlainBetaLasso(model.parameters(), settings)
    loader = DataLoader(
        InMemoryCIFAR10(images), config.batch_size, shuffle=True, num_workers=workers
    )

    def epoch() -> None:
        total, hits = 0.0, 0
        for x, labels in loader:
            logits = model(x)
            loss = F.binary_cross_entropy_with_logits(logits, F.one_hot(labels, 10).float())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item()
            hits += (logits.argmax(1) == labels).sum().item()

    return epoch


if __name__ == "__main__":
    main()
