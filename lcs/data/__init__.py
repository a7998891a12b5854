"""Data sets as verified arrays in memory, and their augmentation.

`specs` describes each, `download` obtains it, `datasets` loads it; `augment` and `surrogates`
change its images. Importing this package loads no torch.
"""

from lcs.data.datasets import (
    Images,
    available,
    dataset_path,
    first_share,
    load,
    split_validation,
    verify,
)
from lcs.data.specs import DATASETS, KEYS, SPECS, spec

__all__ = [
    "DATASETS", "KEYS", "SPECS", "Images", "available", "dataset_path", "first_share", "load",
    "spec", "split_validation", "verify",
]  # fmt: skip
