"""Augmentation of an epoch of uint8 images at once, on the device where they live.

`draw` draws each image's operation on the host; `apply` transforms those of one as one batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import TYPE_CHECKING

import torch
from torch import Generator, Tensor
from torch.nn import functional

from lcs.data.specs import AUGMENTATIONS
from lcs.errors import ConfigError

if TYPE_CHECKING:
    from torchvision.transforms.v2 import AutoAugment

_CHUNK = 256  # images per call on a CPU: their float temporaries stay in its cache
# flip, down, right, and five for a policy: which one, and twice whether and which sign
_DRAWS_PER_IMAGE = 8


@dataclass(frozen=True)
class FlipCrop:
    """Flip left to right or not, then shift by pixels, as a padded crop does."""

    flip: bool
    down: int
    right: int
    fill: int = 0

    def __call__(self, images: Tensor) -> Tensor:
        """Transform images (N, C, H, W) alike."""
        if self.flip:
            images = images.flip(-1)
        shift = (self.right, -self.right, self.down, -self.down)
        return functional.pad(images, shift, value=self.fill)


@dataclass(frozen=True)
class PolicyOperation:
    """An operation of AutoAugment by torchvision's name, with its magnitude."""

    name: str
    magnitude: float

    def __call__(self, images: Tensor) -> Tensor:
        """Do to images (N, C, S, S) as torchvision does, whose copies would make a GPU wait."""
        if self.name == "Sharpness":
            return _sharpened(images, 1.0 + self.magnitude)
        if self.name in ("ShearX", "ShearY", "TranslateX", "TranslateY", "Rotate"):
            sources, inside = _moves(self, images.shape[-1], images.device)
            moved = images.flatten(-2).gather(-1, sources.expand(*images.shape[:2], -1))
            return moved.mul_(inside).view_as(images)
        return self.by_torchvision(images)

    def by_torchvision(self, images: Tensor) -> Tensor:
        """Transform images (N, C, S, S) by torchvision's own code."""
        policy = _autoaugment_policy()
        return policy._apply_image_or_video_transform(
            images, self.name, self.magnitude, policy.interpolation, policy._fill
        )


Operation = FlipCrop | PolicyOperation
Stage = dict[Operation, Tensor]  # with the indices of the images that drew each; others stay
_IDENTITY = PolicyOperation("Identity", 0.0)


def draw(
    name: str, count: int, image_size: int, generator: Generator, *, crop_shift: int, crop_fill: int
) -> list[Stage]:
    """Draw what is to happen to each of ``count`` images of ``image_size`` pixels a side.

    Image i gets the same draw whatever the count, and the same flip and crop under every name. The
    first stage holds every image; for ``"none"`` there are no stages.

    Args:
        name: ``"flip-crop"``: horizontal flip with probability 1/2 and random crop after padding;
            ``"crop"``: without the flip; ``"time-shift"``: of the crop the horizontal shift alone,
            for spectrograms. ``"autoaugment"``: flip-crop, then the CIFAR-10 policy of AutoAugment
            (Cubuk et al., CVPR 2019); ``"autoaugment-first"``: before it. Others: a ConfigError.
        generator: of the CPU; how far it advances depends on the count and the name alone.
        crop_shift, crop_fill: by how many pixels a crop shifts at most; the value around an image.
    """
    if name not in AUGMENTATIONS:
        raise ConfigError(f"augment: unknown {name!r}; choose one of {', '.join(AUGMENTATIONS)}")
    if name == "none":
        return []
    uniform = torch.rand((count, _DRAWS_PER_IMAGE), dtype=torch.float64, generator=generator).T
    if name in ("crop", "time-shift"):
        uniform[0] = 0.0  # no flip
    if name == "time-shift":
        uniform[1] = 0.5  # the middle of the shifts
    flip_crop = _flip_crop(uniform[:3], crop_shift, crop_fill)
    if name == "autoaugment":
        return [flip_crop, *_autoaugment(uniform[3:], image_size)]
    if name == "autoaugment-first":
        every: Stage = {_IDENTITY: torch.arange(count)}
        return [every, *_autoaugment(uniform[3:], image_size), flip_crop]
    return [flip_crop]


def apply(
    images: Tensor, stages: list[Stage], *, order: Tensor | None = None, out: Tensor | None = None
) -> Tensor:
    """Apply the stages of ``draw``, at least one, to images (N, C, S, S), uint8 with C = 1 or 3.

    Args:
        images: never modified.
        stages: the first one has an operation for every image.
        order: int64 (N,) on the images' device, the image at each place; None: their own order.
        out: like the images, for the result; None: a new tensor.
    """
    output = torch.empty_like(images) if out is None else out
    size = _CHUNK if images.device.type == "cpu" else len(images)
    source = images
    for stage in filter(None, stages):
        # one transfer for all groups; their sizes are known on the host, so it does not wait
        indices = to_device(torch.cat([*stage.values()]), images.device)
        groups = indices.split([len(group) for group in stage.values()])
        for operation, group in zip(stage, groups, strict=True):
            for chunk in group.split(size):
                drawn = chunk if order is None else order[chunk]
                output[chunk] = operation(source.index_select(0, drawn))
        source, order = output, None  # each image is read before it is written
    return output


def to_device(values: Tensor, device: torch.device) -> Tensor:
    """Copy a tensor of the host to a device, without waiting for what is queued there."""
    pinned = values.pin_memory() if device.type == "cuda" else values  # pageable memory may wait
    return pinned.to(device, non_blocking=True)


@cache
def _autoaugment_policy() -> AutoAugment:
    from torchvision.transforms.v2 import AutoAugment, AutoAugmentPolicy  # slow to import

    return AutoAugment(AutoAugmentPolicy.CIFAR10)


def _sharpened(images: Tensor, factor: float) -> Tensor:
    """Do as torchvision's `adjust_sharpness`: the outermost pixels stay."""
    kernel = torch.ones(3, 3, device=images.device)
    kernel[1, 1] = 5.0
    kernel = (kernel / 13.0).expand(images.shape[1], 1, 3, 3)
    output = images.float()
    blurred = functional.conv2d(output, kernel, groups=images.shape[1]).round_()
    inner = output[..., 1:-1, 1:-1]
    inner.add_(blurred.sub_(inner), alpha=1.0 - factor)
    return output.clamp_(0, 255).to(images.dtype)


@cache
def _moves(operation: PolicyOperation, size: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Return the pixel that comes to each place of an image, (S·S,), and whether there is one."""
    numbers = torch.arange(1.0, size**2 + 1).view(1, 1, size, size)
    sources = operation.by_torchvision(numbers).flatten().long() - 1
    inside = (sources >= 0).to(torch.uint8)
    return sources.clamp_(min=0).to(device), inside.to(device)


def _flip_crop(uniform: Tensor, crop_shift: int, fill: int) -> Stage:
    shifts = range(-crop_shift, crop_shift + 1)
    operations = [FlipCrop(*values, fill) for values in product((False, True), shifts, shifts)]
    flip = (uniform[0] * 2).long()
    down, right = (uniform[1:3] * len(shifts)).long()
    return _group(operations, (flip * len(shifts) + down) * len(shifts) + right)


def _autoaugment(uniform: Tensor, image_size: int) -> list[Stage]:
    transform = _autoaugment_policy()
    policies = transform._policies
    policy = (uniform[0] * len(policies)).long()
    negative = (uniform[3:] * 2).long()
    stages = []
    for step in range(2):
        operations = [_IDENTITY]
        for name, _, level in (pair[step] for pair in policies):
            magnitudes, signed = transform._AUGMENTATION_SPACE[name]
            values = magnitudes(10, image_size, image_size)  # of ten levels
            value = 0.0 if values is None else float(values[level or 0])
            operations += [PolicyOperation(name, v) for v in (value, -value if signed else value)]
        probability = torch.tensor([pair[step][1] for pair in policies])[policy]
        choice = (1 + 2 * policy + negative[step]).where(uniform[1 + step] < probability, 0)
        stages.append(_group(operations, choice))
    return stages


def _group(operations: Sequence[Operation], choice: Tensor) -> Stage:
    """Image indices by operation, but the identity: image i drew ``operations[choice[i]]``."""
    distinct = {operation: i for i, operation in enumerate(dict.fromkeys(operations))}
    choice = torch.tensor([distinct[operation] for operation in operations])[choice]
    groups = choice.argsort(stable=True).split(choice.bincount(minlength=len(distinct)).tolist())
    return {
        operation: group
        for operation, group in zip(distinct, groups, strict=True)
        if len(group) and operation != _IDENTITY
    }
