"""Image data sets as verified arrays in memory.

Every data set has one canonical order, a stable sort by label, so that all its sources give the
same arrays, and `lcs.data.specs` pins the SHA-256 of each array in that order. Files live in
`$LCS_DATA`, else in `~/.cache/lcs`, as `<name>.npz`; `lcs.data.download` obtains them. No pickle is
ever loaded.
"""

import contextlib
import hashlib
import importlib.util
import os
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lcs.data.specs import KEYS, SPECS, spec
from lcs.errors import ConfigError, DataError, one_line
from lcs.files import own_folder

Array = NDArray[np.uint8]
Arrays = dict[str, Array]
MAX_BYTES = 2**30  # of an npz, expanded; the largest data set, SVHN, has 2**28 or so
KERAS_KEYS = dict(zip(("x_train", "y_train", "x_test", "y_test"), KEYS, strict=True))


@dataclass(frozen=True, eq=False, repr=False)
class Images:
    """A data set of images in canonical order, sorted by label: shuffle before training.

    Images are uint8 (N, H, W, C), labels uint8 (N,) and index `classes`. The length is that of the
    training images.
    """

    name: str
    train_images: Array
    train_labels: Array
    test_images: Array
    test_labels: Array
    classes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.train_labels)

    def __repr__(self) -> str:
        shape = " x ".join(map(str, self.train_images.shape[1:]))
        return (
            f"<{self.name}: {len(self)} training and {len(self.test_labels)} test images of "
            f"{shape}, in {len(self.classes)} classes, sorted by label>"
        )

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

    def normalised(self, images: Array, normalize: str = "half") -> NDArray[np.float32]:
        """Map images of this data set, uint8 (N, H, W, C), to inputs of a network, (N, C, H, W).

        Args:
            images: training images, test images or some of them.
            normalize: "half": (x / 255 - 0.5) / 0.5; "standard": by the mean and the deviation of
                each channel of the training images. As `lcs.config.Config.normalize`.

        Raises:
            ConfigError: `normalize` is unknown.
        """
        inputs = np.ascontiguousarray(images.transpose(0, 3, 1, 2), np.float32)
        shift, scale = self.scaling(normalize)
        inputs -= shift
        inputs /= scale
        return inputs

    def scaling(self, normalize: str) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return what a normalisation takes off pixels and divides them by: (C, 1, 1) each."""
        if normalize not in ("half", "standard"):
            raise ConfigError(f"normalize: unknown value {normalize!r}; choose from half, standard")
        half = (0.5,) * self.in_channels
        moments = (half, half) if normalize == "half" else self._moments
        shift, scale = (255 * np.array(moments)[..., None, None]).astype(np.float32)
        return shift, scale

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
        get = f"run `lcs data get {name}`"
        missing = f"{name} is missing, there is no {path}: {get}, or import a copy that you have"
        remedy = f"put a whole {name}.npz there, or delete it and {get}"
        with explained(path, missing, remedy):
            arrays = read_npz(name, path)
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


@contextlib.contextmanager
def explained(path: Path, missing: str, remedy: str) -> Iterator[None]:
    """Make an error of reading a file a DataError that names it, and ends with the remedy."""
    try:
        yield
    except FileNotFoundError:
        raise DataError(missing) from None
    except OSError as error:
        reason = error.strerror or error
        raise DataError(f"{path} cannot be read ({reason}); {remedy}") from None
    except DataError as error:
        raise DataError(f"{path}: {error}; {remedy}") from None


def read_npz(name: str, path: Path) -> Arrays:
    """Read a file, and return its arrays checked and in canonical order.

    Raises:
        OSError: it cannot be read.
        DataError: it is bad.
    """
    with opened_npz(path) as stored:
        own = {KERAS_KEYS.get(key, key): key for key in stored}
        if missing := [key for key in KEYS if key not in own]:
            raise DataError(f"the file lacks {', '.join(missing)}")
        found = {key: stored[own[key]] for key in KEYS}
    return check(name, found)


@contextlib.contextmanager
def opened_npz(
    path: Path, fault: str = "the file is no whole npz"
) -> Iterator[Mapping[str, NDArray[Any]]]:
    """Yield the arrays of a file by their names, to be read within the context.

    Raises:
        OSError: it cannot be opened.
        DataError: `fault`; or it is too large.
    """
    with path.open("rb") as file:
        try:
            with zipfile.ZipFile(file) as archive:  # a small file may expand to any size
                size = sum(member.file_size for member in archive.infolist())
            if size > MAX_BYTES:
                raise DataError(f"the file expands to {size:,} bytes, more than a data set has")
            file.seek(0)
            with np.load(file, allow_pickle=False) as stored:
                yield stored
        except DataError:
            raise
        except Exception as error:  # whatever other bytes do to zip and npy readers
            raise DataError(f"{fault} ({one_line(error)})") from None


def check(name: str, arrays: Mapping[str, NDArray[Any]]) -> Arrays:
    """Return the arrays of a data set, given in any order, in canonical order and layout.

    Images may have their channels first, labels any type of integers and the shape (N, 1).

    Raises:
        DataError: a shape, a type, a label or a SHA-256 is not as specified.
    """
    known, last, found = spec(name), len(spec(name).classes) - 1, {}
    for key in KEYS:
        array, expected, of_labels = np.asarray(arrays[key]), known.shape(key), "labels" in key
        given = f"{array.dtype} {array.shape}"
        if array.ndim == 4 and array.shape != expected:
            array = array.transpose(0, 2, 3, 1)
        elif array.shape == (*expected, 1):
            array = array[:, 0]
        right_type = array.dtype.kind in "iu" if of_labels else array.dtype == np.uint8
        if array.shape != expected or not right_type:
            raise DataError(f"{key} has the wrong shape: {given}, expected uint8 {expected}")
        if of_labels and (wrong := array[(array < 0) | (array > last)]).size:
            raise DataError(f"{key} has the label {wrong[0]}, expected 0 to {last}")
        found[key] = np.ascontiguousarray(array, np.uint8)
    for split in ("train", "test"):
        labels = found[f"{split}_labels"]
        if np.any(labels[1:] < labels[:-1]):
            rows = np.argsort(labels, kind="stable")
            for key in (f"{split}_images", f"{split}_labels"):
                found[key] = found[key][rows]
    for key, pinned in known.sha256.items():
        digest = hashlib.sha256(found[key].data).hexdigest()
        if digest != pinned:
            raise DataError(f"{key} is altered: SHA-256 {digest[:12]}…, expected {pinned[:12]}…")
    return found


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
