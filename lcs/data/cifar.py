"""CIFAR-10 and CIFAR-100 as published: the binary and the python archives, packed or unpacked.

Of a pickle the opcodes are read, and none is run. Whether the arrays are those of the data set is
for `lcs.data.datasets.check` to say.
"""

import pickletools
import tarfile
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from lcs.data.datasets import Arrays
from lcs.data.specs import KEYS
from lcs.errors import ILL_FORMED, DataError, one_line

# the batches, that of test images last; the labels' name in a pickle; label bytes of a record
LAYOUTS: dict[str, tuple[tuple[str, ...], str, int]] = {
    "cifar10": ((*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"), "labels", 1),
    "cifar100": (("train", "test"), "fine_labels", 2),
}
PIXELS = 3 * 32 * 32


def read(name: str, path: Path) -> Arrays:
    """Return the arrays of an archive or of its folder, unchecked, in their own order.

    Raises:
        DataError: batches are missing, or damaged.
        OSError: the archive cannot be read.
    """
    batches, label_name, label_bytes = LAYOUTS[name]
    binary = [f"{batch}.bin" for batch in batches]
    try:
        files = extract(path, binary, batches)
        *train, test = (
            _records(content, label_bytes) if file in binary else _pickled(content, label_name)
            for file, content in files.items()
        )
        images, labels = (np.concatenate(parts) for parts in zip(*train, strict=True))
    except ILL_FORMED as error:
        raise DataError(f"the batches are damaged ({one_line(error)})") from None
    return dict(zip(KEYS, (images, labels, *test), strict=True))


def extract(path: Path, *layouts: Sequence[str]) -> dict[str, bytes]:
    """Read the files of one of these layouts, by their names and in its order.

    They lie in a folder, or one level below it, or anywhere in a tar.gz.

    Raises:
        DataError: none is whole, or the archive is damaged.
        OSError: it cannot be read.
    """
    wanted = {name for names in layouts for name in names}
    found = {}
    if path.is_dir():
        for file in sorted([*path.glob("*/*"), *path.glob("*")], key=lambda file: -len(file.parts)):
            if file.name in wanted and file.is_file():
                found[file.name] = file.read_bytes()
    else:
        try:
            with tarfile.open(path, "r:gz") as archive:
                for member in archive:
                    name = Path(member.name).name
                    content = archive.extractfile(member) if name in wanted else None
                    if content is not None:
                        found[name] = content.read()
        except (EOFError, tarfile.TarError, zlib.error) as error:
            raise DataError(f"the archive is damaged ({one_line(error)})") from None
    layout = min(layouts, key=lambda names: len(set(names) - found.keys()))
    if missing := [name for name in layout if name not in found]:
        raise DataError(f"the archive lacks {', '.join(missing)}")
    return {name: found[name] for name in layout}


Batch = tuple[np.ndarray, np.ndarray]


def _records(content: bytes, label_bytes: int) -> Batch:
    """Cut records: label bytes (the last is the fine one), then the pixels, channels first."""
    records = np.frombuffer(content, np.uint8).reshape(-1, label_bytes + PIXELS)
    return records[:, label_bytes:].reshape(-1, 3, 32, 32), records[:, label_bytes - 1]


def _pickled(content: bytes, label_name: str) -> Batch:
    """Pick the longest string, the pixels, and the integers between the labels' name and the next.

    Python 2 wrote the published ones; any protocol, and any Python's strings, will do.
    """
    pixels, within = b"", False
    labels: list[int] = []
    for opcode, value, _ in pickletools.genops(content):
        if isinstance(value, str | bytes | bytearray):
            raw = value.encode("latin-1", "replace") if isinstance(value, str) else bytes(value)
            pixels = max(pixels, raw, key=len)
            within = raw == label_name.encode() or (within and not labels)
        elif isinstance(value, int) and within and "INT" in opcode.name:
            labels.append(value)
    return np.frombuffer(pixels, np.uint8).reshape(-1, 3, 32, 32), np.array(labels)
