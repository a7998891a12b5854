"""Data sets as verified arrays in memory, and their augmentation.

`specs` has the size, classes and hashes of each, `datasets` loads its arrays, `download` obtains
them from their sources, `cifar` reads the archives of CIFAR. `augment` transforms the images of an
epoch, `surrogates` changes images so that they keep only some statistics, `gaussian_process` draws
images, `spoken_digits` makes images of recordings. Importing this package loads no torch.
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
    "DATASETS",
    "KEYS",
    "SPECS",
    "Images",
    "available",
    "dataset_path",
    "first_share",
    "load",
    "spec",
    "split_validation",
    "verify",
]
