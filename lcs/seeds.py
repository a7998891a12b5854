"""Random streams of a run: one for each purpose and epoch, which depend on its seed alone.

They are the same on every device and for every optimizer, so runs pair by their seeds, and a
checkpoint need not hold their state.
"""

from __future__ import annotations

import numpy as np
import torch


def generator_for(seed: int, purpose: str, epoch: int = 0) -> torch.Generator:
    """Return the CPU's random generator for one purpose in one epoch."""
    words = [seed, epoch, *purpose.encode()]
    state = np.random.SeedSequence(words).generate_state(1, np.uint64)[0]
    return torch.Generator().manual_seed(int(state) >> 1)
