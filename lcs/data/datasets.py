"""Image data sets as verified arrays in memory.

Every data set has one canonical order, a stable sort by label, so that all its sources give the
same arrays, and `lcs.data.specs` pins the SHA-256 of each array in that order. Files live in
`$LCS_DATA`, else in `~/.cache/lcs`, as `<name>.npz`; `lcs.data.download` obtains them. No pickle is
ever loaded.
"""

import hashlib
import importlib.util
import os
import zipfile
import zlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from lcs.data.specs import KEYS, SPECS, DatasetSpec, spec
from lcs.errors import DataError, one_line
from lcs.files import open_regular, own_folder

Array = NDArray[np.uint8]
Arrays = dict[str, Array]


@dataclass(frozen=True, eq=False)
class Images:
    """A data set of images in canonical order.

    Images are uint8 (N, H, W, C), labels uint8 (N,) and index `classes`.
    """

    name: str
    train_images: Array
    train_labels: Array
    test_images: Array
    test_labels: Array
    classes: tuple[str, ...]

    @property
    def image_size(self) -> int:
        """Height and width of an image in pixels."""
        return self.train_images.shape[1]

    @property
    def in_channels(self) -> int:
        """Number of colour channels."""
        return self.train_images.shape[3]

    @property
    def mean(self) -> tuple[float, ...]:
        """Mean of each channel of the training images, scaled to [0, 1]."""
        return self._moments[0]

    @property
    def std(self) -> tuple[float, ...]:
        """Population standard deviation of each channel of the training images in [0, 1]."""
        return self._moments[1]

    @cached_property
    def _moments(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        # sums of integers are exact: the same digits on every machine
        flat = self.train_images.reshape(len(self.train_images), -1)
        sums = flat.sum(axis=0, dtype=np.uint64)
        squares = np.einsum("nf,nf->f", flat, flat, dtype=np.uint64)
        pixels = flat.size // self.in_channels
        mean, mean_square = (
            total.reshape(-1, self.in_channels).sum(axis=0) / pixels for total in (sums, squares)
        )
        std = np.sqrt(mean_square - mean**2)
        return tuple((mean / 255).tolist()), tuple((std / 255).tolist())


def load(name: str) -> Images:
    """Load a data set whose arrays have been checked against their pinned SHA-256.

    `digits` is the file that scikit-learn brings, with the values 0..16 scaled to
    `value * 255 // 16`, and the last fifth of each class as the test set. `svhn` has no pinned
    SHA-256: torchvision's checksums guard its download, later only sizes and labels are checked.

    Nothing is downloaded here: see `lcs.data.download.get`. Each call returns fresh arrays.

    Raises:
        ConfigError: unknown name.
        DataError: the file is missing, unreadable, truncated, altered, or not as specified;
            `digits` without scikit-learn.
    """
    path = dataset_path(name)
    if spec(name).packaged:
        arrays = _read_digits(path)
    else:
        if os.environ.get("LCS_DATA"):
            remedy = f"put a whole {name}.npz there, or unset LCS_DATA"
        else:
            remedy = f"delete it and run `lcs data get {name}`"
        try:
            arrays = read_npz(name, path, remedy)
        except FileNotFoundError:
            raise DataError(
                f"{name} is missing, there is no {path}: "
                f"run `lcs data get {name}` or put a prepared {name}.npz in $LCS_DATA"
            ) from None
    return Images(name=name, classes=spec(name).classes, **arrays)


def verify(name: str) -> Path:
    """Check a data set as `load` does, and return where it is.

    Raises:
        ConfigError: unknown name.
        DataError: as `load`.
    """
    load(name)
    return dataset_path(name)


def available() -> list[tuple[str, Path | None, str]]:
    """Check every data set: its name, its path (None if missing), and what was found."""
    rows: list[tuple[str, Path | None, str]] = []
    for name, known in SPECS.items():
        path = None
        try:
            path = dataset_path(name)
            if not os.path.lexists(path):
                rows.append((name, None, "missing"))
                continue
            load(name)
            status = "verified" if known.sha256 else "sizes and labels checked (no SHA-256 known)"
        except DataError as error:
            status = str(error)
        rows.append((name, path, status))
    return rows


def first_share(labels: Array, share: float) -> NDArray[np.int64]:
    """Return the rows, ascending, of the first `share` of each class, and of at least one image."""
    rows = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    return np.sort(np.concatenate([own[: max(1, round(share * len(own)))] for own in rows]))


def split_validation(labels: Array) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Split rows into training and validation: the last tenth of each class, rounded down.

    `labels` (N,) are in canonical order; returns two ascending arrays of row indices.
    """
    return _split_last(labels, parts=10)


def dataset_path(name: str) -> Path:
    """Return where the file of a data set is, or would be.

    Raises:
        ConfigError: unknown name.
        DataError: `digits` without scikit-learn.
    """
    if spec(name).packaged:
        package = importlib.util.find_spec("sklearn")  # importing it would take seconds
        if package is None or package.origin is None:
            raise DataError(
                "digits comes with scikit-learn, which is not installed; in the checkout: "
                "pip install -e '.[book]'"
            )
        return Path(package.origin).parent / "datasets" / "data" / "digits.csv.gz"
    return own_folder("LCS_DATA") / f"{name}.npz"


def read_npz(name: str, path: Path, remedy: str) -> Arrays:
    """Read a file, and return its arrays checked and in canonical order.

    Raises:
        FileNotFoundError: there is none.
        DataError: it is bad; the message ends with the `remedy`.
    """
    try:
        with open_regular(path) as file:
            return check(name, _parse(file, spec(name)))
    except FileNotFoundError:
        raise
    except IsADirectoryError:
        raise DataError(f"{path} is a folder, not a file: move it away") from None
    except OSError as error:
        reason = error.strerror or error
        raise DataError(f"{path} cannot be read ({reason}): make it a readable file") from None
    except DataError as error:
        raise DataError(f"{path}: {error}; {remedy}") from None


def _parse(file: BinaryIO, known: DatasetSpec) -> Arrays:
    if not zipfile.is_zipfile(file):
        file.seek(0)
        start = file.read(4)
        if b"PK\x03\x04".startswith(start):
            raise DataError("the file is truncated")
        raise DataError("the file is not an npz (pickles and other formats are never loaded)")
    file.seek(0)
    try:
        with zipfile.ZipFile(file) as archive:  # a small file may expand to any size
            for key in KEYS:
                _check_header(archive, key, known)
        file.seek(0)
        with np.load(file, allow_pickle=False) as stored:
            missing = [key for key in KEYS if key not in stored]
            if missing:
                raise DataError(f"the file lacks {', '.join(missing)}")
            return {key: np.asarray(stored[key]) for key in KEYS}
    except DataError:
        raise
    except Exception as error:  # whatever damaged bytes do to zip and npy readers
        if "allow_pickle" in str(error):
            raise DataError("the file holds pickled objects, which are never loaded") from None
        raise DataError(f"the file is damaged ({one_line(error)})") from None


def _check_header(archive: zipfile.ZipFile, key: str, known: DatasetSpec) -> None:
    """Refuse an array of another type or shape by its header, before it is expanded."""
    name = next((name for name in (key, f"{key}.npy") if name in archive.namelist()), None)
    if name is None:
        return  # which is said of all at once
    with archive.open(name) as member:
        version = np.lib.format.read_magic(member)
        first = version == (1, 0)
        read = np.lib.format.read_array_header_1_0 if first else np.lib.format.read_array_header_2_0
        shape, _, dtype = read(member)
    if not dtype.hasobject:  # pickles have a message of their own
        _check_shape(known, key, dtype, shape)


def _check_shape(
    known: DatasetSpec, key: str, dtype: np.dtype[Any], shape: tuple[int, ...]
) -> None:
    if dtype != np.uint8 or shape != known.shape(key):
        expected = f"expected uint8 {known.shape(key)}"
        raise DataError(f"{key} has the wrong shape: {dtype} {shape}, {expected}")


def check(name: str, arrays: Arrays) -> Arrays:
    """Return the arrays of a data set, given in any order, in canonical order.

    Raises:
        DataError: a shape, a type, a label or a SHA-256 is not as specified.
    """
    known = spec(name)
    for key in KEYS:
        array = arrays[key]
        _check_shape(known, key, array.dtype, array.shape)
        if key.endswith("labels") and array.max() >= len(known.classes):
            last = len(known.classes) - 1
            raise DataError(f"{key} has the label {array.max()}, expected 0 to {last}")
    arrays = arrays.copy()
    for split in ("train", "test"):
        labels = arrays[f"{split}_labels"]
        if np.any(labels[1:] < labels[:-1]):
            rows = np.argsort(labels, kind="stable")
            for kind in ("images", "labels"):
                arrays[f"{split}_{kind}"] = arrays[f"{split}_{kind}"][rows]
    for key, expected in known.sha256.items():
        found = hashlib.sha256(np.ascontiguousarray(arrays[key]).data).hexdigest()
        if found != expected:
            raise DataError(f"{key} is altered: SHA-256 {found[:12]}…, expected {expected[:12]}…")
    return arrays


def _split_last(labels: Array, parts: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    first, last = [], []
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        cut = len(rows) - len(rows) // parts
        first.append(rows[:cut])
        last.append(rows[cut:])
    return np.sort(np.concatenate(first)), np.sort(np.concatenate(last))


def _read_digits(path: Path) -> Arrays:
    """Read 8 × 8 values from 0 to 16 and a label per line."""
    try:
        table = np.loadtxt(path, dtype=np.uint8, delimiter=",")
        labels = table[:, -1]
        images = (table[:, :-1].reshape(-1, 8, 8, 1).astype(np.uint16) * 255 // 16).astype(np.uint8)
        train, test = _split_last(labels, parts=5)
        found = (images[train], labels[train], images[test], labels[test])
        return check("digits", dict(zip(KEYS, found, strict=True)))
    except (OSError, EOFError, ValueError, IndexError, zlib.error, DataError) as error:
        raise DataError(f"{path}: {one_line(error)}; install scikit-learn again") from None
