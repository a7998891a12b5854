"""Surrogates keep the statistics that they say, and lose the others."""

import numpy as np
import pytest
import torch

from lcs import data
from lcs.config import Config
from lcs.data import Images, surrogates
from lcs.errors import ConfigError
from lcs.runs import RunStore
from lcs.seeds import generator_for
from lcs.train import train
from lcs.train.batches import split

CLASSES = ("one", "other")


def smooth_images(count=400, size=8):
    """Skewed and correlated images of two classes that differ in mean and in texture."""
    draws = np.random.default_rng(0)
    noise = draws.exponential(size=(2, 2 * count, size, size, 3))
    smooth = noise + np.roll(noise, 1, axis=3) + np.roll(noise, 1, axis=2)
    smooth[1] += 0.8 * np.roll(noise[1], 2, axis=3) + 1
    pixels = (smooth * 18 + 20).clip(0, 255).astype(np.uint8)
    labels = np.repeat(np.arange(2, dtype=np.uint8), count)
    train, test = (
        pixels[:, part].reshape(-1, size, size, 3) for part in (slice(count), slice(count, None))
    )
    return Images("made up", train, labels, test, labels, CLASSES)


@pytest.fixture
def images(monkeypatch):
    found = smooth_images()
    monkeypatch.setattr(data, "load", lambda _name: found)
    surrogates.load.cache_clear()
    yield found
    surrogates.load.cache_clear()


def rows(part):
    return part.reshape(len(part), -1).astype(float)


def kurtosis(values):
    """Excess kurtosis of each column."""
    standard = (values - values.mean(0)) / values.std(0)
    return (standard**4).mean(0) - 3


@pytest.mark.parametrize("kind", ["gaussianised", "gaussian", "phase-scrambled", "noise"])
def test_surrogates_are_uint8_images_of_the_same_labels(images, kind):
    assert surrogates.load("made up") is images
    found = surrogates.load("made up", kind)
    for part in ("train", "test"):
        one, other = (getattr(i, f"{part}_images") for i in (found, images))
        assert (one.dtype, one.shape) == (np.uint8, other.shape)
        assert not np.array_equal(one, other)
    assert np.array_equal(found.train_labels, images.train_labels)
    assert not np.array_equal(found.train_images, found.test_images)
    again = surrogates.load.__wrapped__("made up", kind)
    assert np.array_equal(again.train_images, found.train_images)


def test_gaussianised_pixels_keep_their_ranks_and_have_normal_marginals(images):
    found = surrogates.load("made up", "gaussianised")
    before, after = (rows(i.train_images) for i in (images, found))
    assert np.abs(kurtosis(before)).mean() > 0.5
    assert np.abs(kurtosis(after)).max() < 0.4
    for pixel in range(0, before.shape[1], 17):
        order = before[:, pixel].argsort(kind="stable")
        assert (np.diff(after[order, pixel]) >= 0).all()
    assert after.std(0) == pytest.approx(np.full(192, surrogates.DEVIATION), rel=0.03)
    # the test images by the map of the training images
    table = dict(zip(before[:, 5], after[:, 5], strict=True))
    test = rows(images.test_images)[:, 5], rows(found.test_images)[:, 5]
    assert all(table[v] == w for v, w in zip(*test, strict=True) if v in table)


def test_gaussian_images_have_the_mean_and_the_covariance_of_their_class(images):
    found = surrogates.load("made up", "gaussian")
    for label in (0, 1):
        natural, drawn = (
            rows(i.train_images[images.train_labels == label]) for i in (images, found)
        )
        half = 127.5 + surrogates.CONTRAST * (natural.mean(0) - 127.5)
        assert drawn.mean(0) == pytest.approx(half, abs=3)
        one, other = (np.cov(values.T) for values in (natural, drawn))
        one *= surrogates.CONTRAST**2
        assert np.abs(one - other).mean() < 0.1 * np.diag(one).mean()
        neighbours = np.abs(np.diag(one, 3)).mean()  # the colours of a pixel are independent
        assert np.abs(np.diag(other, 3)).mean() == pytest.approx(neighbours, rel=0.15)
        assert np.abs(kurtosis(drawn)).mean() < 0.3 < np.abs(kurtosis(natural)).mean()


def test_phase_scrambled_images_keep_their_amplitudes(images):
    found = surrogates.load("made up", "phase-scrambled")
    before, after = (
        np.fft.fft2(i.test_images.astype(float) - 127.5, axes=(1, 2)) for i in (images, found)
    )
    np.testing.assert_allclose(np.abs(after), surrogates.CONTRAST * np.abs(before), atol=25)
    assert np.abs(after).mean() == pytest.approx(0.5 * np.abs(before).mean(), rel=0.01)
    means = [part[:, 0, 0].real / 64 for part in (before, after)]
    assert means[1] == pytest.approx(0.5 * means[0], abs=0.4), "as far from grey, on the same side"
    phases = [np.angle(part[:, 1:4, 1:4]) for part in (before, after)]
    assert np.abs(np.exp(1j * (phases[1] - phases[0])).mean()) < 0.1
    # the same change in all colours, so that they stay correlated as they are
    change = np.exp(1j * (phases[1] - phases[0]))
    assert np.abs(change - change[..., :1]).mean() < 0.2


def test_noise_and_the_order_of_labels_are_those_of_every_run(images):
    """By streams of their own, of seed 0: those of the training images alone, or first and all."""
    values = surrogates.load("made up", "noise").train_images
    drawn = torch.randint(256, values.shape, generator=generator_for(0, "noise"))
    assert np.array_equal(values, drawn)
    order = torch.randperm(800, generator=generator_for(0, "labels"))
    found = surrogates.load("made up", labels="shuffled")
    assert np.array_equal(found.train_labels, images.train_labels[order])
    assert np.array_equal(found.test_labels, images.test_labels)
    draws = generator_for(0, "labels first")
    found = surrogates.load("made up", labels="shuffled-first")
    for part in ("train_labels", "test_labels"):
        order = torch.randperm(800, generator=draws)
        assert np.array_equal(getattr(found, part), getattr(images, part)[order])


def test_gaussian_images_are_of_the_true_classes_or_of_those_shuffled_first(images):
    """The means of the true classes differ by more than a deviation, those of shuffled ones not."""
    true, after, before = (
        surrogates.load("made up", "gaussian", labels) for labels in surrogates.LABEL_KINDS
    )
    for part in ("train_images", "test_images"):
        assert np.array_equal(getattr(after, part), getattr(true, part))
    for found, labels, differ in (
        (true, images.train_labels, True),
        (before, before.train_labels, False),
        (before, images.train_labels, False),
    ):
        pixels = rows(found.train_images)
        one, other = (pixels[labels == label].mean() for label in (0, 1))
        assert (abs(one - other) > 0.3 * pixels.std()) == differ


@pytest.mark.parametrize("validation", [False, True])
def test_a_share_is_the_first_images_of_each_class(images, validation):
    config = Config(dataset="digits", validation=validation, train_share=0.25)
    (pixels, labels), evaluation = split(config, images)
    whole = split(config.replace(train_share=1.0), images)
    each = 90 if validation else 100
    assert np.bincount(labels).tolist() == [each, each]
    firsts = [whole[0][0][whole[0][1] == label][:each] for label in (0, 1)]
    assert np.array_equal(pixels, np.concatenate(firsts))
    assert all(np.array_equal(a, b) for a, b in zip(evaluation, whole[1], strict=True))


def test_a_share_has_an_image_of_each_class():
    labels = np.repeat(np.arange(2, dtype=np.uint8), (5, 7))
    assert data.first_share(labels, 1e-4).tolist() == [0, 5]
    assert data.first_share(labels, 0.35).tolist() == [0, 1, 5, 6], "of 1.75 and 2.45 the nearest"


@pytest.mark.parametrize(("kind", "learns"), [("natural", True), ("noise", False)])
def test_digits_train_on_surrogates(kind, learns, tmp_path):
    """On noise a run learns nothing that holds."""
    config = Config(dataset="digits", images=kind, epochs=2, batch_size=64, lr=0.1)
    record = train(config, store=RunStore(tmp_path), device="cpu")
    assert (record.accuracy > 0.6) == learns == (record.accuracy > 0.3)


@pytest.mark.parametrize("changes", [{"images": "gausian"}, {"labels": "shufled"}])
def test_an_unknown_change_is_refused(images, changes):
    with pytest.raises(ConfigError, match=next(iter(changes))):
        surrogates.load("made up", **changes)
