"""Augmentation: per image, as torchvision does to one image, from a host stream alone."""

from collections import Counter
from itertools import product

import pytest
import torch
from helpers.augmented_images import augment, draw_usual
from torch import Tensor
from torchvision.transforms.v2 import AutoAugment, AutoAugmentPolicy
from torchvision.transforms.v2 import functional as torchvision_functional

from lcs.data.augment import FlipCrop, Operation, PolicyOperation, Stage, apply
from lcs.data.specs import AUGMENTATIONS
from lcs.errors import ConfigError

RANDOM = [name for name in AUGMENTATIONS if name != "none"]
SHAPES = [(3, 32), (1, 8), (3, 17)]  # channels, image size


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def some_images(count: int, channels: int, size: int) -> Tensor:
    """Noise over a ramp, each image with a brightness and a contrast of its own; the first flat."""
    ramp = torch.linspace(0, 1, size).expand(count, channels, size, size)
    noise = torch.rand((count, channels, size, size), generator=seeded(1))
    contrast, offset = torch.rand((2, count, 1, 1, 1), generator=seeded(2))
    images = (255 * (offset + contrast * (0.6 * ramp + 0.4 * noise)).clamp(0, 1)).to(torch.uint8)
    images[0] = 7
    return images


def per_image(stage: Stage, count: int) -> list[Operation]:
    """Each image's operation; the identity for those that are in no group."""
    operations: list[Operation] = [PolicyOperation("Identity", 0.0)] * count
    for operation, group in stage.items():
        for index in group.tolist():
            operations[index] = operation
    return operations


def by_torchvision(image: Tensor, operation: Operation) -> Tensor:
    """One image (C, S, S) by torchvision's own crop, or its own AutoAugment."""
    if isinstance(operation, FlipCrop):
        size = image.shape[-1]
        padding = size // 8
        if operation.flip:
            image = torchvision_functional.horizontal_flip(image)
        image = torchvision_functional.pad(image, [padding] * 4)
        top, left = padding - operation.down, padding - operation.right
        return torchvision_functional.crop(image, top, left, size, size)
    transform = AutoAugment(AutoAugmentPolicy.CIFAR10)
    return transform._apply_image_or_video_transform(
        image, operation.name, operation.magnitude, transform.interpolation, transform._fill
    )


@pytest.mark.parametrize(("channels", "size"), SHAPES)
@pytest.mark.parametrize("name", RANDOM)
def test_every_image_is_what_torchvision_makes_of_it(name: str, channels: int, size: int) -> None:
    images = some_images(600, channels, size)
    before, expected = images.clone(), list(images)
    for stage in draw_usual(name, 600, size, seeded()):
        operations = per_image(stage, 600)
        expected = [by_torchvision(*pair) for pair in zip(expected, operations, strict=True)]
    output = augment(images, name, seeded())
    assert torch.equal(output, torch.stack(expected))
    assert torch.equal(images, before)
    assert output.data_ptr() != images.data_ptr()


@pytest.mark.parametrize("name", RANDOM)
def test_the_seed_decides_and_neither_the_images_nor_their_count(name: str) -> None:
    images, generators = some_images(200, 3, 32), [seeded(), seeded()]
    first = augment(images, name, generators[0])
    assert not torch.equal(first, augment(images, name, seeded(1)))
    for count in (1, 2, 97):
        assert torch.equal(augment(images[:count], name, seeded()), first[:count])
    augment(torch.zeros(200, 1, 8, 8, dtype=torch.uint8), name, generators[1])
    states = [generator.get_state() for generator in generators]
    assert torch.equal(*states)
    assert not torch.equal(states[0], seeded().get_state())


def test_every_name_means_the_same_draws() -> None:
    """Flip, down and right are the first three of an image's eight numbers."""
    flip, down, right, *_ = torch.rand((500, 8), dtype=torch.float64, generator=seeded()).T
    crops = [
        FlipCrop(f >= 0.5, int(9 * d) - 4, int(9 * r) - 4)
        for f, d, r in zip(flip.tolist(), down.tolist(), right.tolist(), strict=True)
    ]
    drawn = {
        name: [per_image(stage, 500) for stage in draw_usual(name, 500, 32, seeded())]
        for name in RANDOM
    }
    first, *policy = drawn["autoaugment"]
    assert drawn["flip-crop"] == [first] == [crops]
    assert drawn["autoaugment-first"][1:] == [*policy, first]
    assert drawn["crop"] == [[FlipCrop(False, crop.down, crop.right) for crop in crops]]
    assert drawn["time-shift"] == [[FlipCrop(False, 0, crop.right) for crop in crops]]


def test_none_draws_nothing_and_an_unknown_name_is_refused() -> None:
    images, generator = some_images(5, 3, 32), seeded()
    assert augment(images, "none", generator) is images
    assert torch.equal(generator.get_state(), seeded().get_state())
    with pytest.raises(ConfigError, match=r"'cutout'; choose one of none, flip-crop, crop"):
        augment(images, "cutout", generator)


def test_a_crop_shifts_as_far_as_it_is_told() -> None:
    images = torch.zeros(400, 1, 32, 32, dtype=torch.uint8)
    images[:, :, 16, 16] = 255
    for far in (0, 2, 8):
        shifted = augment(images, "flip-crop", seeded(), shift=far)
        rows, columns = (shifted.amax((1, other)).float().argmax(1) for other in (3, 2))
        assert (rows.min(), rows.max()) == (16 - far, 16 + far)
        assert (columns.min(), columns.max()) == (15 - far, 16 + far)  # a flip takes 16 to 15


def test_autoaugment_draws_policies_with_their_probabilities() -> None:
    """Joint frequencies of both steps, with the policy's own chance and sign, and of the crop."""
    count = 60_000
    expected: Counter = Counter()
    crops = list(product((False, True), repeat=3))  # flipped, down, right; shifts are from -4 to 4
    policies = AutoAugment(AutoAugmentPolicy.CIFAR10)._policies
    for policy in policies:
        steps = []
        for name, probability, level in policy:
            magnitudes, signed = AutoAugment._AUGMENTATION_SPACE[name]
            magnitude = 0.0 if level is None else float(magnitudes(10, 32, 32)[level])
            opposite = -magnitude if signed else magnitude
            steps.append(
                [
                    (PolicyOperation("Identity", 0.0), 1 - probability),
                    (PolicyOperation(name, magnitude), probability / 2),
                    (PolicyOperation(name, opposite), probability / 2),
                ]
            )
        for first, first_chance in steps[0]:
            for second, second_chance in steps[1]:
                chance = first_chance * second_chance / len(policies)
                for flip, down, right in crops:
                    shifts = (4 if down else 5) * (4 if right else 5) / 81
                    expected[flip, down, right, first, second] += count * chance * shifts / 2
    stages = draw_usual("autoaugment", count, 32, seeded())
    drawn = zip(*(per_image(stage, count) for stage in stages), strict=True)
    counts = Counter((c.flip, c.down > 0, c.right > 0, *operations) for c, *operations in drawn)
    assert set(counts) <= set(expected)
    for key, mean in expected.items():  # five standard deviations of its Poisson distribution
        assert abs(counts[key] - mean) < 5 * mean**0.5 + 1, (key, counts[key], mean)


def test_an_order_and_a_place_for_the_result_and_groups_larger_than_a_chunk() -> None:
    images, order = some_images(700, 1, 8), torch.randperm(700, generator=seeded(5))
    shift = FlipCrop(flip=True, down=1, right=-1)
    expected = torch.stack([by_torchvision(image, shift) for image in images[order]])
    room = torch.empty_like(images)
    assert apply(images, [{shift: torch.arange(700)}], order=order, out=room) is room
    assert torch.equal(room, expected)
    images, order = images[:40], order.argsort()[:40] % 40
    for name in RANDOM:
        stages = draw_usual(name, 40, 8, seeded())
        expected = augment(images[order], name, seeded())
        assert torch.equal(apply(images, stages, order=order), expected)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_device_draws_alike() -> None:
    """On CUDA a policy's floats may round otherwise; pixels that only move may not."""
    images = some_images(2000, 3, 32)
    for name in RANDOM:
        output = augment(images.cuda(), name, seeded())
        assert output.is_cuda
        difference = (output.cpu().int() - augment(images, name, seeded()).int()).abs()
        assert (difference <= 2).float().mean() > 0.995
        if "auto" not in name:
            assert difference.max() == 0
    drawn = {op for stage in draw_usual("autoaugment", 4000, 32, seeded())[1:] for op in stage}
    moves = [op for op in drawn if op.name.startswith(("Shear", "Translate", "Rotate"))]
    assert len(moves) > 10
    for operation in moves:
        assert torch.equal(operation(images[:6].cuda()).cpu(), operation(images[:6])), operation
