"""Runs as plain values: all that changes their numbers, and nothing that does not.

`training` has the fields of a training run, `run_config` the id and checks of any kind of run.
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
    "CHOICES", "CUT_BETWEEN_PERIODS", "OPTIMIZERS_OWN", "OPTIMIZER_FIELDS", "RANGES", "Config",
    "RunConfig", "foreign_fields",
]  # fmt: skip
