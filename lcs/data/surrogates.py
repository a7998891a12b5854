"""Surrogates of a data set: images that keep some statistics of the natural ones, and lose others.

They tell which statistics a network's filters owe their shape to. All are drawn once, from a stream
of their own, so that every run of every seed sees the same ones. Values are rounded to uint8 at
half the contrast of the natural images, which keeps the tails of the Gaussian ones; the standard
normalisation of inputs undoes that. Crops of them are to be filled with `BORDER`. Noise has the
full range.
"""

from __future__ import annotations

import functools
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from lcs import data
from lcs.config import CHOICES
from lcs.data.datasets import Array
from lcs.errors import ConfigError
from lcs.seeds import generator_for

MIDDLE = 127.5
CONTRAST = 0.5
# `Config.crop_fill` as far below the mean as black is in natural images
BORDER = round(MIDDLE - CONTRAST * MIDDLE)
DEVIATION = 32.0  # of a pixel that is made Gaussian: 127.5 is four of them
CHUNK = 1000  # images transformed at once


@functools.lru_cache(maxsize=1)
def load(name: str, images: str = "natural", labels: str = "true") -> data.Images:
    """Load a data set, changed as `Config.images` and `Config.labels` say.

    Args:
        name: of the data set.
        images: "natural": as they are. "gaussianised": each pixel's values replaced, in their
            order, by those of a normal distribution (Lufkin et al. 2024 relate locality to these
            marginals). "gaussian": drawn for each class from the normal distribution with the
            mean and the covariance of its training images, test images too, so that the sampling
            errors of these moments also tell classes apart.
            "phase-scrambled": each image with its own amplitude spectrum and random phases, the
            same ones in all colours. "noise": independent and uniform.
        labels: "true". "shuffled": those of the training images in a random order.
            "shuffled-first": all labels, and before images change, so that Gaussian images of the
            classes differ in nothing but sampling errors.

    Returns:
        Arrays that the next call shares: they are not to be written.

    Raises:
        ConfigError: `images` or `labels` is unknown.
        As `lcs.data.load`.
    """
    for field, value in (("images", images), ("labels", labels)):
        if value not in CHOICES[field]:
            raise ConfigError(f"{field}: unknown value {value!r}; give {', '.join(CHOICES[field])}")
    found = data.load(name)
    if labels == "shuffled-first":
        draws = generator_for(0, "labels first")
        train, test = (
            values[torch.randperm(len(values), generator=draws).numpy()]
            for values in (found.train_labels, found.test_labels)
        )
        found = replace(found, train_labels=train, test_labels=test)
    if images != "natural":
        changed = {
            "gaussianised": _gaussianised,
            "gaussian": _gaussian,
            "phase-scrambled": _phase_scrambled,
            "noise": _noise,
        }[images]
        train, test = changed(found, generator_for(0, images))
        found = replace(found, train_images=train, test_images=test)
    if labels == "shuffled":
        order = torch.randperm(len(found.train_labels), generator=generator_for(0, "labels"))
        found = replace(found, train_labels=found.train_labels[order.numpy()])
    return found


def _gaussianised(images: data.Images, draws: torch.Generator) -> tuple[Array, Array]:
    from scipy.special import ndtri

    train, test = (_rows(part) for part in (images.train_images, images.test_images))
    changed = np.empty_like(train), np.empty_like(test)
    for pixel, values in enumerate(train.T):
        counts = np.bincount(values, minlength=256)
        # the middle of the ranks of each value; of one below or above all, half a rank outside
        ranks = (counts.cumsum() - counts / 2).clip(0.5, len(values) - 0.5)
        table = _bytes(MIDDLE + DEVIATION * ndtri(ranks / len(values)))
        for part, result in zip((train, test), changed, strict=True):
            result[:, pixel] = table[part[:, pixel]]
    train, test = changed
    return train.reshape(images.train_images.shape), test.reshape(images.test_images.shape)


def _gaussian(images: data.Images, draws: torch.Generator) -> tuple[Array, Array]:
    train, test = (np.empty_like(part) for part in (images.train_images, images.test_images))
    for label in range(len(images.classes)):
        of_class = _rows(images.train_images[images.train_labels == label])
        values = torch.from_numpy(of_class.astype(np.float64))
        mean = values.mean(0)
        # mixed by normal numbers, the deviations of n images have their covariance exactly
        deviations = (values - mean) * (CONTRAST / len(values) ** 0.5)
        middle = MIDDLE + CONTRAST * (mean - MIDDLE)
        for labels, result in ((images.train_labels, train), (images.test_labels, test)):
            (places,) = np.nonzero(labels == label)
            for part in np.split(places, range(CHUNK, len(places), CHUNK)):
                mixing = torch.randn(len(part), len(values), generator=draws, dtype=torch.float64)
                drawn = (middle + mixing @ deviations).numpy()
                result[part] = _bytes(drawn).reshape(result[part].shape)
    return train, test


def _phase_scrambled(images: data.Images, draws: torch.Generator) -> tuple[Array, Array]:
    def scrambled(part: Array) -> Array:
        result = np.empty_like(part)
        for start in range(0, len(part), CHUNK):
            here = part[start : start + CHUNK]
            shape = here.shape[1:3]
            # the phases of a real image of noise are those that a real image can have
            noise = torch.randn(len(here), *shape, generator=draws, dtype=torch.float64).numpy()
            phases = np.fft.rfft2(noise)
            phases /= np.abs(phases)
            phases[:, 0, 0] = 1  # the mean stays
            spectrum = np.fft.rfft2(here - MIDDLE, axes=(1, 2)) * phases[..., None]
            values = np.fft.irfft2(spectrum, shape, axes=(1, 2))
            result[start : start + CHUNK] = _bytes(MIDDLE + CONTRAST * values)
        return result

    return scrambled(images.train_images), scrambled(images.test_images)


def _noise(images: data.Images, draws: torch.Generator) -> tuple[Array, Array]:
    def drawn(part: Array) -> Array:
        values = torch.randint(256, part.shape, generator=draws, dtype=torch.uint8)
        return values.numpy()

    return drawn(images.train_images), drawn(images.test_images)


def _rows(images: Array) -> Array:
    return images.reshape(len(images), -1)


def _bytes(values: NDArray[np.float64]) -> Array:
    return values.round().clip(0, 255).astype(np.uint8)
