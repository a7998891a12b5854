"""Batches of a data set, in the order and with the augmentation of each epoch."""

import functools
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from lcs import data
from lcs.config import Config
from lcs.data import Images
from lcs.data.augment import apply, draw, to_device
from lcs.seeds import generator_for

CHUNK = 2000  # images that are normalised or evaluated at once
# fields of the configuration on which a run's batches depend, beside their `stream`
BATCH_FIELDS = (
    "dataset", "seed", "augment", "crop_padding", "crop_fill", "normalize", "precision",
    "batch_size", "validation", "permute_pixels", "images", "labels", "train_share",
)  # fmt: skip

Part = tuple[np.ndarray, np.ndarray]  # images and their labels


class EpochData(NamedTuple):
    """One epoch of a part of a data set."""

    epoch: int
    order: Tensor  # int64 (N,), the image at each place
    labels: Tensor  # int64 (N,), in this order
    images: Tensor | None  # uint8 (N, C, H, W), in this order and augmented; None: as they are


class Batches:
    """One part of a data set on the device: images, uint8 (N, C, H, W), and labels, int64 (N,)."""

    def __init__(self, config: Config, images: Images, part: Part, device: torch.device) -> None:
        self.config = config
        channels_first = np.ascontiguousarray(part[0].transpose(0, 3, 1, 2))
        self.images = torch.from_numpy(channels_first).to(device)
        self.labels = torch.from_numpy(part[1].astype(np.int64)).to(device)
        self.dtype = torch.bfloat16 if config.bf16 else torch.float32
        self.shift, self.scale = (
            torch.from_numpy(moment).to(device) for moment in images.scaling(config.normalize)
        )
        self.steps = steps_per_epoch(len(self), config.batch_size)
        self.prepared: EpochData | None = None
        order = pixel_order(images.image_size**2).to(device)
        self.pixels = order if config.permute_pixels else None

    def __len__(self) -> int:
        return len(self.labels)

    def iterate(self, epoch: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield (inputs, labels) in the order, and with the augmentation, of this epoch."""
        size = self.config.batch_size
        _, order, labels, images = self.prepare_epoch(epoch)
        for step in range(self.steps):
            batch = slice(step * size, (step + 1) * size)
            if images is None:
                yield self.all_normalised.index_select(0, order[batch]), labels[batch]
            else:
                yield self.normalised(images[batch]), labels[batch]

    def prepare_epoch(self, epoch: int) -> EpochData:
        """Draw the order of an epoch's images and augment them, unless that is done."""
        if self.prepared is None or self.prepared.epoch != epoch:
            self.prepared = None  # its images are overwritten from here on
            config, side = self.config, self.images.shape[-1]
            drawing = generator_for(config.seed, f"order{stream(config)}", epoch)
            drawn = torch.randperm(len(self), generator=drawing)
            draws = generator_for(config.seed, f"augment{stream(config)}", epoch)
            crops = {"crop_shift": config.crop_shift, "crop_fill": config.crop_fill}
            stages = draw(config.augment, len(self), side, draws, **crops)
            order = to_device(drawn, self.labels.device)
            images = None
            if stages:
                images = apply(self.images, stages, order=order, out=self._augmented)
            self.prepared = EpochData(epoch, order, self.labels[order], images)
        return self.prepared

    def ordered_batches(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield (inputs, labels) in their stored order, for evaluation."""
        parts = self.images.split(CHUNK)
        # images that every epoch augments are needed as they are once, at the end
        augmented = self.prepared is not None and self.prepared.images is not None
        inputs = map(self.normalised, parts) if augmented else self.all_normalised.split(CHUNK)
        return zip(inputs, self.labels.split(CHUNK), strict=True)

    def normalised(self, images: Tensor) -> Tensor:
        """Map uint8 images (N, C, H, W) to the network's inputs, in its precision."""
        x = images.float().sub_(self.shift).div_(self.scale).to(self.dtype)
        if self.pixels is not None:
            x = x.flatten(2)[:, :, self.pixels].view_as(x)
        return x

    @functools.cached_property
    def all_normalised(self) -> Tensor:
        """Every image as the network sees it without augmentation, made once."""
        return torch.cat([self.normalised(part) for part in self.images.split(CHUNK)])

    @functools.cached_property
    def _augmented(self) -> Tensor:
        return torch.empty_like(self.images)

    def unpermuted(self, planes: Tensor) -> Tensor:
        """Put images or filters of their size, (N, C, H, W), back into the images' pixel order."""
        if self.pixels is None or planes.shape[2:] != self.images.shape[2:]:
            return planes
        inverse = self.pixels.argsort().to(planes.device)
        return planes.flatten(2)[:, :, inverse].view_as(planes)


def steps_per_epoch(images: int, batch_size: int) -> int:
    """Batches in an epoch; a last one of a single image has no batch statistics and is left out."""
    whole, rest = divmod(images, batch_size)
    return whole + (rest > 1)


def stream(config: Config) -> str:
    """End of the names of a run's streams: a network trained on sees other batches than before."""
    return " again" if config.transfer.network else ""


def pixel_order(count: int) -> Tensor:
    """Return the order of pixels under `permute_pixels`, (count,) int64, the same in every run."""
    return torch.randperm(count, generator=generator_for(0, "pixels"))


def split(config: Config, images: Images) -> tuple[Part, Part]:
    """Return the (images, labels) to train on and those to measure accuracy on.

    Shares are of each true class, also where labels are shuffled.
    """
    pixels, labels = images.train_images, images.train_labels
    true = np.sort(labels)  # the canonical order
    evaluation = (images.test_images, images.test_labels)
    if config.validation:
        kept, held_out = data.split_validation(true)
        evaluation = (pixels[held_out], labels[held_out])
        pixels, labels, true = pixels[kept], labels[kept], true[kept]
    if config.train_share < 1:
        rows = data.first_share(true, config.train_share)
        pixels, labels = pixels[rows], labels[rows]
    return (pixels, labels), evaluation
