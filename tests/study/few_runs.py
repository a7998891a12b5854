"""Short runs, and how they are trained, for the tests of the scheduler and the executors."""

from lcs.config import Config
from lcs.study import Setting, Study

DIGITS = Config(dataset="digits", epochs=1, batch_size=512)
SEEDS = [DIGITS.replace(seed=seed) for seed in range(6)]
PAIR = SEEDS[:2]
OPTIONS = {"device": "cpu", "checkpoint_seconds": 60.0}


def alone(configs):
    """Groups of one run each."""
    return [[config] for config in configs]


def study_of(*runs, epochs=1):
    """A study of these changes of a short run."""
    base = DIGITS.replace(epochs=epochs)
    make = lambda base: [base.replace(**changes) for changes in runs]  # noqa: E731
    return Study("mine", "Mine", Setting("own", {"smoke": base}), make)


def numbers(store):
    """All bytes of the records but their provenance, by name."""
    return {path.name: path.read_text().partition('\n "provenance"')[0] for path in store.paths()}
