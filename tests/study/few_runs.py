"""Short runs, and how they are trained, for the tests of the scheduler and the executors."""

from lcs.config import Config

DIGITS = Config(dataset="digits", epochs=1, batch_size=512)
SEEDS = [DIGITS.replace(seed=seed) for seed in range(6)]
PAIR = SEEDS[:2]
OPTIONS = {"device": "cpu", "checkpoint_seconds": 60.0}


def alone(configs):
    """Groups of one run each."""
    return [[config] for config in configs]
