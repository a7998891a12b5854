"""Runs as plain values: all that changes their numbers, and nothing that does not.

`training` has the configuration of a training run, and which of its values go together; `starts`
what it can take of another network; `run_config` what all kinds of runs share: the id of a run, and
the checks of single values.
"""

from lcs.config.run_config import RunConfig
from lcs.config.training import (
    CHOICES,
    CUT_BETWEEN_PERIODS,
    OPTIMIZER_FIELDS,
    OPTIMIZERS_OWN,
    RANGES,
    Config,
    foreign_fields,
)

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
