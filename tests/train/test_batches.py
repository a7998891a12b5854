"""What a network is fed: the same order and draws for every run of a seed, and exact numbers."""

import dataclasses
import itertools
from typing import Any

import numpy as np
import pytest
import torch
from helpers.augmented_images import augment
from hypothesis import given, settings
from hypothesis.strategies import integers, sampled_from
from torch import Tensor

from lcs import data
from lcs.config import CHOICES, Config
from lcs.data import Images
from lcs.seeds import generator_for
from lcs.train.batches import BATCH_FIELDS, Batches, split, steps_per_epoch

CPU = torch.device("cpu")
DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}
LARGEST_SEED = 2**31 - 1


def fake(count: int = 23, size: int = 8, channels: int = 3) -> Images:
    """Random images whose labels are their own numbers, so that a batch says what is in it."""
    generator = np.random.default_rng(0)
    shape = (2 * count, size, size, channels)
    pixels = generator.integers(0, 256, shape, dtype=np.uint8)
    labels = np.arange(count, dtype=np.uint8)
    classes = tuple(str(label) for label in labels)
    return Images("fake", pixels[:count], labels, pixels[count:], labels, classes)


def inputs(images: Images | None = None, **fields: Any) -> Batches:
    """Return the training part of a fake data set under these settings."""
    images = images or fake()
    config = Config(**({"dataset": "digits"} | fields))
    return Batches(config, images, split(config, images)[0], CPU)


def order(fed: Batches, epoch: int) -> list[int]:
    """Return which images the epoch's batches hold, by their labels."""
    return [label for _, labels in fed.iterate(epoch) for label in labels.tolist()]


def all_inputs(fed: Batches, epoch: int) -> Tensor:
    return torch.cat([x for x, _ in fed.iterate(epoch)])


# Streams


def test_no_field_that_changes_batches_is_forgotten():
    """Runs that agree in `BATCH_FIELDS` share batches: a new field belongs there or here."""
    others = {
        *("model", "base_channels", "kernel_size", "padding", "affine", "bias", "dropout"),
        *("optimizer", "lr", "momentum", "weight_decay", "l1", "l1_rest", "l1_growth"),
        *("l1_growth_from", "l1_window", "l1_window_size", "beta", "frozen_zeros", "pruning"),
        *("density", "density_rest", "start", "source", "loss", "schedule", "period", "epochs"),
    }
    fields = {field.name for field in dataclasses.fields(Config)}
    assert fields - set(BATCH_FIELDS) == others


def test_streams_are_pinned():
    """They must stand for ever: a record says that its seed gives its numbers again."""
    seeds = {
        (0, "order", 0): 2_642_214_822_200_754_157,
        (0, "order", 1): 7_236_596_369_731_202_572,
        (0, "augment", 0): 333_014_200_405_563_466,
        (1, "order", 0): 7_689_921_943_820_267_105,
        (0, "weights", 0): 684_422_423_885_802_804,
        (LARGEST_SEED, "dropout", 999_999): 2_077_559_976_205_812_289,
    }
    assert {key: generator_for(*key).initial_seed() for key in seeds} == seeds


# Batches


@settings(deadline=None, max_examples=25)
@given(count=integers(2, 30), batch_size=integers(2, 40), name=sampled_from(CHOICES["augment"]))
def test_an_epoch_is_every_image_once_but_for_a_last_one_alone(count, batch_size, name):
    fed = inputs(fake(count), batch_size=batch_size, augment=name)
    batches = [labels.tolist() for _, labels in fed.iterate(0)]
    sizes = [len(batch) for batch in batches]
    assert fed.steps == len(batches) == steps_per_epoch(count, batch_size)
    assert {*sizes[:-1]} <= {batch_size}
    assert 2 <= sizes[-1] <= batch_size
    shown = [*itertools.chain(*batches)]
    assert len({*shown}) == len(shown) == count - (count % batch_size == 1)
    assert {*shown} <= {*range(count)}


def test_the_order_depends_on_seed_and_epoch():
    for seed, epoch in ((0, 0), (0, 1), (1, 2)):
        expected = torch.randperm(23, generator=generator_for(seed, "order", epoch)).tolist()
        assert order(inputs(seed=seed), epoch) == expected


def test_prepared_ahead_an_epoch_is_the_same():
    fed, plain = (inputs(augment="flip-crop", batch_size=5) for _ in range(2))
    fed.prepare_epoch(1)
    assert fed.prepared is not None
    assert fed.prepared.epoch == 1
    for epoch in (0, 1, 1):
        assert torch.equal(all_inputs(fed, epoch), all_inputs(plain, epoch))


@pytest.mark.parametrize(
    "settings",
    [
        *({"augment": name} for name in CHOICES["augment"]),
        {"batch_size": 7, "model": "s-conv", "normalize": "half", "precision": "bf16"},
        {"optimizer": "beta-lasso", "l1": 2e-5, "beta": 50, "permute_pixels": True, "epochs": 7},
    ],
    ids=str,
)
def test_runs_of_a_seed_see_the_images_in_the_same_order(settings):
    assert order(inputs(**settings), 1) == order(inputs(), 1)


@pytest.mark.parametrize("padding", [4, 3])
@pytest.mark.parametrize("name", CHOICES["augment"])
def test_a_batch_holds_the_images_of_its_labels_as_augmented(name, padding):
    cropped = {"crop_padding": padding} if padding == 3 and "crop" in name else {}
    fed = inputs(augment=name, batch_size=5, seed=2, **cropped)
    for epoch in range(2):
        shuffled = fed.images[order(fed, epoch)]
        draws = generator_for(2, "augment", epoch)
        changed = augment(shuffled, name, draws, **({"shift": padding} if cropped else {}))
        assert torch.equal(shuffled, changed) == (name == "none")
        assert torch.equal(all_inputs(fed, epoch), fed.normalised(changed))


def test_a_crop_adds_the_pixels_that_the_run_says():
    black, grey = (inputs(augment="crop", crop_fill=fill) for fill in (0, 64))
    added = all_inputs(grey, 0) != all_inputs(black, 0)
    assert added.any()
    for fed, value in ((black, 0), (grey, 64)):
        expected = fed.normalised(torch.full_like(fed.images[:1], value)).unique()
        assert torch.equal(all_inputs(fed, 0)[added].unique(), expected)


def test_evaluation_sees_every_image_in_its_stored_order(monkeypatch):
    monkeypatch.setattr("lcs.train.batches.CHUNK", 10)
    for name in ("none", "flip-crop"):
        fed = inputs(augment=name)
        list(fed.iterate(0))
        x, labels = (torch.cat(parts) for parts in zip(*fed.ordered_batches(), strict=True))
        assert labels.tolist() == list(range(23))
        assert torch.equal(x, fed.normalised(fed.images))
        assert ("all_normalised" in vars(fed)) == (name == "none"), "not kept if augmented"


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("precision", CHOICES["precision"])
@pytest.mark.parametrize("name", CHOICES["normalize"])
def test_normalisation_is_exact(name: str, precision: str, channels: int):
    """Rounded once to float32 at each step, and at last to the network's precision."""
    images = fake(channels=channels)
    fed = inputs(images, normalize=name, precision=precision)
    pixels = images.train_images.transpose(0, 3, 1, 2)
    half = (0.5,) * channels
    mean, std = (half, half) if name == "half" else (images.mean, images.std)
    shift, scale = (
        (255 * np.array(moment)).astype(np.float32).reshape(-1, 1, 1) for moment in (mean, std)
    )
    expected = torch.from_numpy((pixels.astype(np.float32) - shift) / scale)
    x = fed.normalised(fed.images)
    assert x.dtype == DTYPES[precision]
    assert torch.equal(x, expected.to(DTYPES[precision]))
    assert torch.equal(torch.from_numpy(images.normalised(images.train_images, name)), expected)


# Permuted pixels


def test_pixels_are_permuted_alike_in_training_and_evaluation():
    pixels = torch.randperm(64, generator=generator_for(0, "pixels"))
    before, after = (inputs(augment="autoaugment", permute_pixels=p) for p in (False, True))
    for fed in (lambda batches: all_inputs(batches, 1), lambda batches: batches.all_normalised):
        expected = fed(before).flatten(2)[:, :, pixels].view(-1, 3, 8, 8)
        assert torch.equal(fed(after), expected)


def test_filters_are_put_back_into_the_order_of_the_images():
    """A filter on permuted inputs gives what the filter put back gives on the images."""
    plain, permuted = inputs(), inputs(permute_pixels=True)
    filters = torch.randn(5, 3, 8, 8, generator=generator_for(0, "filters"))
    product = "uchw,nchw->nu"
    torch.testing.assert_close(
        torch.einsum(product, permuted.unpermuted(filters), plain.all_normalised),
        torch.einsum(product, filters, permuted.all_normalised),
    )
    assert torch.equal(permuted.unpermuted(permuted.all_normalised), plain.all_normalised)
    assert plain.unpermuted(filters) is filters
    kernels = filters[..., :3, :3]
    assert permuted.unpermuted(kernels) is kernels, "of another size than the images"


# Parts


@pytest.mark.parametrize("part", [{"validation": True}, {"train_share": 0.2}])
def test_parts_are_of_the_true_classes_though_labels_are_shuffled(part):
    """Which images a run sees does not depend on its labels."""
    images = data.load("digits")
    shuffled = dataclasses.replace(images, train_labels=images.train_labels[::-1].copy())
    (true, *_), (other, *_) = (
        [pixels for pixels, _ in split(Config(dataset="digits", **part), found)]
        for found in (images, shuffled)
    )
    assert np.array_equal(true, other)
