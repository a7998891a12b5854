"""Surrogates of a data set: images that keep some statistics of the natural ones, and lose others.

They are the same in all runs of all seeds. All but noise have half the contrast, so that uint8
keeps the tails of the Gaussian ones; the standard normalisation undoes that.
"""

from __future__ import annotations

import functools
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from lcs import data
from lcs.data.datasets import Array
from lcs.data.specs import IMAGE_KINDS, LABEL_KINDS
from lcs.errors import ConfigError
from lcs.seeds import generator_for

MIDDLE = 127.5
CONTRAST = 0.5
BORDER = round(MIDDLE - CONTRAST * MIDDLE)  # `Config.crop_fill`, as far from the mean as black
DEVIATION = 32.0  # of a pixel that is made Gaussian: 127.5 is four of them
CHUNK = 1000  # images transformed at once


@functools.lru_cache(maxsize=1)
def load(name: str, images: str = "natural", labels: str = "true") -> data.Images:
    """Load a data set, changed as `Config.images` and `Config.labels` say.

    The next call shares the arrays: do not write to them. Errors are those of `lcs.data.load`.

    Args:
        images: "natural": as they are. "gaussianised": each pixel's values replaced, in their
            order, by those of a normal distribution (Lufkin et al. 2024). "gaussian": drawn for
            each class, test images too, from the normal distribution with the mean and covariance
            of its training images. "phase-scrambled": with random phases, the same in all colours.
            "noise": independent and uniform.
        labels: "true". "shuffled": those of the training images in a random order.
            "shuffled-first": all labels, before images change, so that Gaussian images of the
            classes differ in nothing but sampling errors.
    """
    for field, value, known in (("images", images, IMAGE_KINDS), ("labels", labels, LABEL_KINDS)):
        if value not in known:
            raise ConfigError(f"{field}: unknown value {value!r}; give {', '.join(known)}")
    found = data.load(name)
    if labels == "shuffled-first":
        draws = generator_for(0, "labels first")
        train, test = (_shuffled(part, draws) for part in (found.train_labels, found.test_labels))
        found = replace(found, train_labels=train, test_labels=test)
    if images != "natural":
        train, test = _CHANGES[images](found, generator_for(0, images))
        found = replace(found, train_images=train, test_images=test)
    if labels == "shuffled":
        train = _shuffled(found.train_labels, generator_for(0, "labels"))
        found = replace(found, train_labels=train)
    return found


def _shuffled(labels: Array, draws: torch.Generator) -> Array:
    return labels[torch.randperm(len(labels), generator=draws).numpy()]


def _gaussianised(images: data.Images, draws: torch.Generator) -> list[Array]:
    from scipy.special import ndtri

    result = [part.copy() for part in _parts(images)]
    train, test = (part.reshape(len(part), -1) for part in result)  # views
    for pixel, values in enumerate(train.T):
        counts = np.bincount(values, minlength=256)
        # the middle of the ranks of each value; of one below or above all, half a rank outside
        ranks = (counts.cumsum() - counts / 2).clip(0.5, len(values) - 0.5)
        table = _bytes(MIDDLE + DEVIATION * ndtri(ranks / len(values)))
        for part in (train, test):
            part[:, pixel] = table[part[:, pixel]]
    return result


def _gaussian(images: data.Images, draws: torch.Generator) -> list[Array]:
    result = [np.empty_like(part) for part in _parts(images)]
    for label in range(len(images.classes)):
        natural = images.train_images[images.train_labels == label]
        values = torch.from_numpy(natural.reshape(len(natural), -1).astype(np.float64))
        mean = values.mean(0)
        # mixed by normal numbers, the deviations of n images have their covariance exactly
        deviations = (values - mean) * (CONTRAST / len(values) ** 0.5)
        middle = MIDDLE + CONTRAST * (mean - MIDDLE)
        for labels, part in zip((images.train_labels, images.test_labels), result, strict=True):
            (places,) = np.nonzero(labels == label)
            for rows in _chunks(places):
                mixing = torch.randn(len(rows), len(values), generator=draws, dtype=torch.float64)
                drawn = (middle + mixing @ deviations).numpy()
                part[rows] = _bytes(drawn).reshape(part[rows].shape)
    return result


def _phase_scrambled(images: data.Images, draws: torch.Generator) -> list[Array]:
    def scrambled(natural: Array) -> Array:
        shape = natural.shape[1:3]
        # the phases of a real image of noise are those that a real image can have
        noise = torch.randn(len(natural), *shape, generator=draws, dtype=torch.float64).numpy()
        phases = np.fft.rfft2(noise)
        phases /= np.abs(phases)
        phases[:, 0, 0] = 1  # the mean stays
        spectrum = np.fft.rfft2(natural - MIDDLE, axes=(1, 2)) * phases[..., None]
        return _bytes(MIDDLE + CONTRAST * np.fft.irfft2(spectrum, shape, axes=(1, 2)))

    return [np.concatenate([*map(scrambled, _chunks(part))]) for part in _parts(images)]


def _noise(images: data.Images, draws: torch.Generator) -> list[Array]:
    shapes = [part.shape for part in _parts(images)]
    return [torch.randint(256, s, generator=draws, dtype=torch.uint8).numpy() for s in shapes]


_CHANGES = {
    "gaussianised": _gaussianised,
    "gaussian": _gaussian,
    "phase-scrambled": _phase_scrambled,
    "noise": _noise,
}


def _parts(images: data.Images) -> tuple[Array, Array]:
    return images.train_images, images.test_images


def _chunks(rows: NDArray) -> list[NDArray]:
    return np.split(rows, range(CHUNK, len(rows), CHUNK))


def _bytes(values: NDArray[np.float64]) -> Array:
    return values.round().clip(0, 255).astype(np.uint8)
