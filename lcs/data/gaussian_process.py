"""Images of a nonlinear Gaussian process: the data of Ingrosso & Goldt (PNAS 2022).

z is a Gaussian random field on a torus, with covariance exp(−d² / ξ²) at distance d, and a pixel is
x = erf(g z / √2): nearly Gaussian for a small gain g, nearly −1 or 1 for a large one. Two classes
differ in ξ alone. The clone of a process is Gaussian with its (known) mean and covariance.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lcs.data.datasets import Array, Arrays

CLONE = "process-3-clone"
PROCESSES = {"process-0.1": 0.1, "process-1": 1.0, "process-3": 3.0, CLONE: 3.0}  # gains g by name
LENGTHS = (2.0, 3.0)  # ξ of the two classes, pixels
SIDE = 32
SIZES = {"train": 10_000, "test": 2_000}  # images of each class
DEVIATION = 32.0  # of a pixel, in levels of uint8 around the middle
CHUNK = 1000  # images drawn at once


def arrays(name: str) -> Arrays:
    """Draw one of the `PROCESSES`: the class of the shorter ξ, then that of the longer."""
    drawn = {f"{part}_images": _images(name, part) for part in SIZES}
    labels = {f"{part}_labels": np.arange(2, dtype=np.uint8).repeat(n) for part, n in SIZES.items()}
    return drawn | labels


def _images(name: str, part: str) -> Array:
    import torch

    from lcs.seeds import generator_for

    draws, gain = generator_for(0, f"process {part}"), PROCESSES[name]

    def covariance_of_pixels(of_z: float | NDArray) -> NDArray:
        return 2 / np.pi * np.arcsin(of_z * gain**2 / (1 + gain**2))

    variance = covariance_of_pixels(1.0)
    steps = np.minimum(np.arange(SIDE), SIDE - np.arange(SIDE))  # distances wrap around
    result = []
    for length in LENGTHS:
        covariance = np.exp(-(steps[:, None] ** 2 + steps**2) / length**2)  # with the first pixel
        if name == CLONE:
            covariance = covariance_of_pixels(covariance) / variance
        spectrum = np.sqrt(np.fft.fft2(covariance).real.clip(0))
        for _ in range(SIZES[part] // CHUNK):
            white = torch.randn(CHUNK, SIDE, SIDE, generator=draws, dtype=torch.float64).numpy()
            pixels = np.fft.ifft2(np.fft.fft2(white) * spectrum).real
            if name != CLONE:
                pixels = torch.erf(torch.from_numpy(gain * pixels / 2**0.5)).numpy() / variance**0.5
            result.append((127.5 + DEVIATION * pixels).round().clip(0, 255).astype(np.uint8))
    return np.concatenate(result)[..., None]
