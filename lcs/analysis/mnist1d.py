"""MNIST-1D: digits as signals of 40 points, made from a seed (Greydanus 2020, arXiv:2011.14439).

Written anew from the paper's description, with templates of its own: accuracies are near the
published ones, and not the same.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter1d

POINTS = 40
# a pen that goes down a page in twelve steps, and how far to the right it is, for each digit
TEMPLATES = (
    "578999999875", "522334455665", "578875322345", "578875578875", "543211555555",
    "511115787655", "532111111235", "599887766555", "532235532235", "532235555435",
)  # fmt: skip
LENGTHS = (48, 72)  # with a blank end, before all are stretched to the longest
SCALE, SHEAR, TRANSLATION = 0.4, 0.75, 48  # ranges of random changes; a third of each signal moves
CORRELATED, INDEPENDENT, WIDTH = 0.25, 0.02, 2.0  # noise, and over how many points it is smooth


def mnist1d(train: int = 4000, test: int = 1000, seed: int = 0) -> tuple[np.ndarray, ...]:
    """Return signals (n, 40) and digits (n,) for training, and the same for testing.

    Each digit's template is padded, stretched, scaled and moved around; smooth noise fills what
    the digit leaves blank; then all is sheared, and sampled at 40 points. Values are rounded to
    thousandths, so that every processor returns the same.
    """
    random = np.random.default_rng(seed)
    templates = np.array([[int(place) for place in word] for word in TEMPLATES], float)
    templates -= templates.mean(1, keepdims=True)
    templates /= templates.std(1, keepdims=True)
    templates = (templates - templates[:, :1]) / 6  # as high as a sixth; they begin at zero
    longest = LENGTHS[1]
    places = np.linspace(0, 1, longest)
    digits = random.permutation(np.arange(train + test) % 10)
    noise = gaussian_filter1d(random.standard_normal((len(digits), longest)), WIDTH)
    signals = []
    for digit, background in zip(digits, CORRELATED * noise, strict=True):
        length = random.integers(LENGTHS[0], LENGTHS[1], endpoint=True)
        drawn = np.full(length, np.nan)  # blank, but for the digit
        drawn[: templates.shape[1]] = templates[digit]
        drawn = np.interp(places, np.linspace(0, 1, length), drawn)
        drawn = np.roll(drawn, random.integers(TRANSLATION, endpoint=True))
        drawn *= 1 + SCALE * random.uniform(-0.5, 0.5)
        signal = np.where(np.isnan(drawn), background, drawn)
        signal += INDEPENDENT * random.standard_normal(longest)
        signal -= SHEAR * random.uniform(-0.5, 0.5) * (places - 0.5)
        signals.append(np.interp(np.linspace(0, 1, POINTS), places, signal))
    values = np.round(signals, 3)
    return values[:train], digits[:train], values[train:], digits[train:]
