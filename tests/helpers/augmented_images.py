"""Images augmented at once, with the usual shift of their crops."""

import torch
from torch import Tensor

from lcs.data.augment import Stage, apply, draw


def draw_usual(name: str, count: int, size: int, generator: torch.Generator) -> list[Stage]:
    """Draw what is to happen to so many images of this side."""
    return draw(name, count, size, generator, crop_shift=size // 8, crop_fill=0)


def augment(images: Tensor, name: str, generator: torch.Generator, shift: int = -1) -> Tensor:
    """Augment images (N, C, S, S), by their own draws; below 0 the shift is the usual one."""
    size = images.shape[-1]
    shift = size // 8 if shift < 0 else shift
    stages = draw(name, len(images), size, generator, crop_shift=shift, crop_fill=0)
    return apply(images, stages) if stages else images
