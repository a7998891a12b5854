"""The way one trains first: what the epoch benchmark compares with; run alone it does nothing."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch.utils.data import DataLoader
from torchvision.datasets import CIFAR10, VisionDataset
from torchvision.transforms import Compose, Normalize, ToTensor

from lcs import data
from lcs.config import Config
from lcs.train.setup import build_model


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
