"""Spoken digits as images: log-mel spectrograms of the Free Spoken Digit Dataset.

3,000 clips of six speakers, each saying each digit 50 times (Z. Jackson et al., CC BY-SA 4.0). The
speakers of the test images are not heard in training.
"""

from __future__ import annotations

import io
import wave
from collections.abc import Mapping
from typing import Any

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

Samples = NDArray[np.int16]


def file_names() -> list[str]:
    """Return the names of all recordings."""
    speakers = (*TRAINING_SPEAKERS, *TEST_SPEAKERS)
    return [f"{d}_{s}_{take}.wav" for d in range(10) for s in speakers for take in range(TAKES)]


def from_files(files: Mapping[str, bytes]) -> Arrays:
    """Return the data set's arrays, made of the recordings of all `file_names`."""
    clips = {}
    for name in file_names():
        digit, speaker, take = name.removesuffix(".wav").split("_")
        with wave.open(io.BytesIO(files[name])) as file:
            samples = file.readframes(file.getnframes())
        clips[int(digit), speaker, int(take)] = np.frombuffer(samples, "<i2")
    return _arrays(clips)


def from_clips(stored: Mapping[str, NDArray[Any]]) -> Arrays:
    """Return the data set's arrays, made of `wave` (int16), cut at `offsets`, which it begins with.

    Each clip has its `label`, `speaker` and `index`.
    """
    clips = np.split(stored["wave"], stored["offsets"][1:-1])
    names = zip(stored["label"], stored["speaker"], stored["index"], strict=True)
    keys = [(int(digit), str(speaker), int(take)) for digit, speaker, take in names]
    return _arrays(dict(zip(keys, clips, strict=True)))


def spectrogram(samples: Samples) -> Array:
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


def _arrays(clips: Mapping[tuple[int, str, int], Samples]) -> Arrays:
    found: list[Array] = []
    for speakers in (TRAINING_SPEAKERS, TEST_SPEAKERS):
        chosen = sorted(key for key in clips if key[1] in speakers)
        found.append(np.array([spectrogram(clips[key]) for key in chosen], np.uint8)[..., None])
        found.append(np.array([digit for digit, _, _ in chosen], np.uint8))
    return dict(zip(KEYS, found, strict=True))
