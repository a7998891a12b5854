"""Small data sets in the place of the published ones."""

import hashlib
import io
import tarfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lcs import data
from lcs.errors import DataError

TRAIN, TEST = 40, 20


def official_arrays(classes=10):
    """Random images whose labels are in no order, every class present."""
    generator = np.random.default_rng(0)
    arrays = {}
    for split, count in (("train", TRAIN), ("test", TEST)):
        images = generator.integers(0, 256, (count, 32, 32, 3), dtype=np.uint8)
        arrays[f"{split}_images"] = images
        labels = generator.permutation(np.arange(count) % classes)
        arrays[f"{split}_labels"] = labels.astype(np.uint8)
    return arrays


def canonical_arrays(arrays):
    """The same rows sorted by label, by Python's stable sort."""
    ordered = {}
    for split in ("train", "test"):
        images, labels = arrays[f"{split}_images"], arrays[f"{split}_labels"]
        rows = sorted(range(len(labels)), key=lambda row: labels[row])
        ordered[f"{split}_images"], ordered[f"{split}_labels"] = images[rows], labels[rows]
    return ordered


def pin(monkeypatch, name, arrays, pinned=True):
    """Let a small set of arrays be the data set of this name."""
    canonical = canonical_arrays(arrays)
    content = b"".join(canonical[key].tobytes() for key in data.KEYS)
    digest = hashlib.sha256(content).hexdigest() if pinned else ""
    known = replace(data.SPECS[name], train_size=TRAIN, test_size=TEST, sha256=digest)
    monkeypatch.setitem(data.SPECS, name, known)


def save(path, arrays):
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        np.savez(file, **arrays)
    return path


def altered(arrays):
    """The same arrays but for one bit of one test image."""
    images = arrays["test_images"].copy()
    images[7, 3, 5, 1] ^= 1
    return arrays | {"test_images": images}


def tar(members):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


class Trap:
    """Leaves a file behind if anybody unpickles it."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def assert_equal(images, arrays):
    for key in data.KEYS:
        np.testing.assert_array_equal(getattr(images, key), arrays[key])


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def error_of(function, *args):
    with pytest.raises(DataError) as caught:
        function(*args)
    message = str(caught.value)
    assert "\n" not in message
    return message
