"""Random streams of a training: one for each purpose and epoch, equal on every device.

Initial weights and dropout are drawn from the process's generators; checkpoints hold their states.
"""

from __future__ import annotations

from contextlib import AbstractContextManager

import numpy as np
import torch


def generator_for(seed: int, purpose: str, epoch: int = 0) -> torch.Generator:
    """Return the CPU's random generator for one purpose in one epoch."""
    words = [seed, epoch, *purpose.encode()]
    state = np.random.SeedSequence(words).generate_state(1, np.uint64)[0]
    return torch.Generator().manual_seed(int(state) >> 1)


def seed_process(seed: int, purpose: str, device: torch.device) -> None:
    """Seed the process's generators of the CPU and of this device, and of no other one."""
    value = generator_for(seed, purpose).initial_seed()
    torch.default_generator.manual_seed(value)
    if device.type == "cuda":
        with torch.cuda.device(device):
            torch.cuda.manual_seed(value)


def generators_kept(device: torch.device) -> AbstractContextManager[None]:
    """Leave the process's generators of the CPU and of this device as they were before."""
    return torch.random.fork_rng([device] if device.type == "cuda" else [])
