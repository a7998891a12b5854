"""Data sets as verified arrays in memory, and the batches that are made of them.

`datasets` has the arrays and their hashes, `download` where they come from, `batches` and `augment`
what becomes of them in an epoch; `surrogates`, `gaussian_process` and `spoken_digits` make images
of other kinds. Importing this package loads no torch.
"""

from lcs.data.datasets import (
    DATASETS,
    KEYS,
    SPECS,
    Array,
    Arrays,
    Images,
    available,
    check,
    dataset_path,
    first_share,
    load,
    read_npz,
    spec,
    split_validation,
    verify,
)

__all__ = [
    "DATASETS",
    "KEYS",
    "SPECS",
    "Array",
    "Arrays",
    "Images",
    "available",
    "check",
    "dataset_path",
    "first_share",
    "load",
    "read_npz",
    "spec",
    "split_validation",
    "verify",
]
