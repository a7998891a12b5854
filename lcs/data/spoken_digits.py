"""Spoken digits as images: log-mel spectrograms of the Free Spoken Digit Dataset.

Six speakers say each digit 50 times (Z. Jackson et al., CC BY-SA 4.0), two in test images alone.
"""

from __future__ import annotations

import io
import wave
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from lcs.data.datasets import Array, Arrays
from lcs.data.specs import KEYS

REPOSITORY = "https://github.com/Jakobovski/free-spoken-digit-dataset"
URL = f"{REPOSITORY}/archive/26eb9aaf76e81b692f806f9140c2d2777410d7a1.tar.gz"
TRAINING_SPEAKERS = ("george", "jackson", "lucas", "nicolas")
TEST_SPEAKERS = ("theo", "yweweler")
TAKES = 50

RATE = 8000  # samples a second
WINDOW, HOP = 256, 160  # samples: frames of 32 ms, one every 20 ms
SIDE = 32  # bands, and frames: 0.65 s
DECIBELS = 80  # below a clip's loudest value; what is softer counts as silence


def file_names() -> list[str]:
    """Return the names of all recordings."""
    speakers = (*TRAINING_SPEAKERS, *TEST_SPEAKERS)
    return [f"{d}_{s}_{take}.wav" for d in range(10) for s in speakers for take in range(TAKES)]


def from_files(files: Mapping[str, bytes]) -> Arrays:
    """Return the data set's arrays, made of the recordings of all `file_names`."""
    found: list[Array] = []
    for speakers in (TRAINING_SPEAKERS, TEST_SPEAKERS):
        names = [name for name in file_names() if name.split("_")[1] in speakers]
        images = [spectrogram(_samples(files[name])) for name in names]
        found += np.array(images)[..., None], np.array([int(name[0]) for name in names], np.uint8)
    return dict(zip(KEYS, found, strict=True))


def spectrogram(samples: NDArray[np.int16]) -> Array:
    """Return the image of a clip: uint8 (SIDE, SIDE), 255 where it is loudest, 0 for silence.

    A row is a band of frequency, the lowest first, a column a frame of time; the clip is centred.
    """
    length = (SIDE - 1) * HOP + WINDOW
    surplus = len(samples) - length
    middle = samples[max(0, surplus // 2) :][:length].astype(np.float64)
    before = max(0, -surplus) // 2
    whole = np.pad(middle, (before, length - before - len(middle)))
    frames = np.lib.stride_tricks.sliding_window_view(whole, WINDOW)[::HOP]
    power = np.abs(np.fft.rfft(frames * np.hanning(WINDOW), 2 * WINDOW)) ** 2
    bands = _mel_filters() @ power.T
    decibels = 10 * np.log10(np.maximum(bands, 1e-9) / max(bands.max(), 1.0))
    return np.rint(255 * np.clip(1 + decibels / DECIBELS, 0, 1)).astype(np.uint8)


def _mel_filters() -> NDArray[np.float64]:
    """Return triangles of equal width in mel, (SIDE, frequencies): O'Shaughnessy's scale."""
    frequencies = np.linspace(0, RATE / 2, WINDOW + 1)
    highest = 2595 * np.log10(1 + RATE / 2 / 700)
    corners = 700 * (10 ** (np.linspace(0, highest, SIDE + 2) / 2595) - 1)
    low, centre, high = (corners[i : i + SIDE, None] for i in range(3))
    rising, falling = (frequencies - low) / (centre - low), (high - frequencies) / (high - centre)
    return np.maximum(0, np.minimum(rising, falling))


def _samples(recording: bytes) -> NDArray[np.int16]:
    with wave.open(io.BytesIO(recording)) as file:
        return np.frombuffer(file.readframes(file.getnframes()), "<i2")
