"""Runs as plain values: all that changes their numbers, and nothing that does not.

`training` has the configuration of a training run, with `starts`, what it can take of another
network, and `combinations`, which values go together; `run_config` what all kinds of runs share:
the id of a run, and the checks of its values.
"""

from lcs.config.combinations import (
    CUT_BETWEEN_PERIODS,
    OPTIMIZER_FIELDS,
    OPTIMIZERS_OWN,
    foreign_fields,
)
from lcs.config.run_config import RunConfig
from lcs.config.training import CHOICES, RANGES, Config

__all__ = [
    "CHOICES",
    "CUT_BETWEEN_PERIODS",
    "OPTIMIZERS_OWN",
    "OPTIMIZER_FIELDS",
    "RANGES",
    "Config",
    "RunConfig",
    "foreign_fields",
]
