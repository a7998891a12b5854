"""CIFAR as published, binary or in pickles, packed or unpacked; no pickle is loaded."""

import pickletools
import tarfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from lcs.data.datasets import Arrays
from lcs.data.specs import KEYS
from lcs.errors import DataError

# the batches, that of test images last; the labels' name in a pickle; label bytes of a record
LAYOUTS: dict[str, tuple[tuple[str, ...], str, int]] = {
    "cifar10": ((*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"), "labels", 1),
    "cifar100": (("train", "test"), "fine_labels", 2),
}
PIXELS = 3 * 32 * 32


def read(name: str, path: Path) -> Arrays:
    """Return the arrays of an archive or its folder, unchecked; DataError: batches are missing."""
    batches, label_name, label_bytes = LAYOUTS[name]
    binary = [f"{batch}.bin" for batch in batches]
    *train, test = (
        _records(content, label_bytes) if file in binary else _pickled(content, label_name)
        for file, content in extract(path, binary, batches).items()
    )
    images, labels = (np.concatenate(parts) for parts in zip(*train, strict=True))
    return dict(zip(KEYS, (images, labels, *test), strict=True))


def extract(path: Path, *layouts: Sequence[str]) -> dict[str, bytes]:
    """Read the files of the layout that is there, in a folder or anywhere in a tar.gz."""
    wanted = {name for names in layouts for name in names}
    if path.is_dir():
        found = {name: (path / name).read_bytes() for name in wanted if (path / name).is_file()}
    else:
        found = {}
        with tarfile.open(path, "r:gz") as archive:
            for member in archive:
                name = Path(member.name).name
                if name in wanted and (content := archive.extractfile(member)):
                    found[name] = content.read()
    layout = min(layouts, key=lambda names: len(set(names) - found.keys()))
    if missing := [name for name in layout if name not in found]:
        raise DataError(f"the archive lacks {', '.join(missing)}")
    return {name: found[name] for name in layout}


def _records(content: bytes, label_bytes: int) -> tuple[np.ndarray, np.ndarray]:
    """Cut records: label bytes (the last is the fine one), then the pixels, channels first."""
    records = np.frombuffer(content, np.uint8).reshape(-1, label_bytes + PIXELS)
    return records[:, label_bytes:].reshape(-1, 3, 32, 32), records[:, label_bytes - 1]


def _pickled(content: bytes, label_name: str) -> tuple[np.ndarray, np.ndarray]:
    """Pick the pixels, the longest string, and the labels, after their name; no opcode is run."""
    pixels, within = "", False
    labels: list[int] = []
    for opcode, value, _ in pickletools.genops(content):
        if isinstance(value, str):
            pixels = max(pixels, value, key=len)
            within = value == label_name or (within and not labels)
        elif within and isinstance(value, int) and "INT" in opcode.name:
            labels.append(value)
    images = np.frombuffer(pixels.encode("latin-1"), np.uint8).reshape(-1, 3, 32, 32)
    return images, np.array(labels)
