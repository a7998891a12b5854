"""Image data sets as verified arrays in memory.

All sources of a data set give the same arrays in one canonical order, a stable sort by label. Files
are `<name>.npz` in `$LCS_DATA`, else in `~/.cache/lcs`; no pickle is ever loaded.
"""

import hashlib
import importlib.util
import os
from collections.abc import Callable, Mapping
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
KERAS_KEYS = dict(zip(("x_train", "y_train", "x_test", "y_test"), KEYS, strict=True))


@dataclass(frozen=True, eq=False, repr=False)
class Images:
    """Images, uint8 (N, H, W, C), and labels, uint8 (N,), sorted, which index `classes`.

    The length is that of the training images.
    """

    name: str
    train_images: Array
    train_labels: Array
    test_images: Array
    test_labels: Array
    classes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.train_labels)

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
        """Map images of this data set, uint8 (N, H, W, C), to inputs of a network, (N, C, H, W)."""
        shift, scale = self.scaling(normalize)
        return np.ascontiguousarray((images.transpose(0, 3, 1, 2) - shift) / scale)

    def scaling(self, normalize: str) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return what a normalisation takes off pixels and divides them by: (C, 1, 1) each.

        "half": (x / 255 - 0.5) / 0.5; "standard": by each channel's `mean` and `std`.
        """
        if normalize not in ("half", "standard"):
            raise ConfigError(f"normalize: unknown value {normalize!r}; choose from half, standard")
        half = (0.5,) * self.in_channels
        moments = (half, half) if normalize == "half" else self._moments
        shift, scale = (255 * np.array(moments)[..., None, None]).astype(np.float32)
        return shift, scale

    @cached_property
    def _moments(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        # sums of integers are exact: the same digits on every machine
        flat, channels = self.train_images.reshape(len(self), -1), self.in_channels
        sums = flat.sum(0, np.uint64), np.einsum("nf,nf->f", flat, flat, dtype=np.uint64)
        pixels = flat.size // channels
        mean, mean_square = (total.reshape(-1, channels).sum(0) / pixels for total in sums)
        std = np.sqrt(mean_square - mean**2)
        return tuple((mean / 255).tolist()), tuple((std / 255).tolist())


def load(name: str) -> Images:
    """Load fresh arrays, checked against their SHA-256; nothing is downloaded.

    `digits` is scikit-learn's, with 0..16 scaled to `value * 255 // 16`, and the last fifth of each
    class as the test set. DataError: the file is missing, damaged or altered.
    """
    path = dataset_path(name)
    if spec(name).packaged:
        arrays = read_checked(name, path, _read_digits, "install scikit-learn again")
    elif not os.path.lexists(path):
        get = f"run `lcs data get {name}`, or import a copy that you have"
        raise DataError(f"{name} is missing, there is no {path}: {get}")
    else:
        remedy = f"put a whole {name}.npz there, or delete it and run `lcs data get {name}`"
        arrays = read_checked(name, path, read_npz, remedy)
    return Images(name=name, classes=spec(name).classes, **arrays)


def verify(name: str) -> Path:
    """Check a data set as `load` does, with its errors, and return where it is."""
    load(name)
    return dataset_path(name)


def available() -> list[tuple[str, Path | None, str]]:
    """Check every data set: its name, its path (None if missing), and what was found."""
    rows = []
    for name, known in SPECS.items():
        path, found = None, "missing"
        try:
            if os.path.lexists(file := dataset_path(name)):
                path, found = file, "verified" if known.sha256 else "verified without a SHA-256"
                load(name)
        except DataError as error:
            found = str(error)
        rows.append((name, path, found))
    return rows


def first_share(labels: Array, share: float) -> NDArray[np.int64]:
    """Return the rows, ascending, of the first `share` of each class, and of at least one image."""
    rows = (np.flatnonzero(labels == label) for label in np.unique(labels))
    return np.sort(np.concatenate([own[: max(1, round(share * len(own)))] for own in rows]))


def split_validation(labels: Array, parts: int = 10) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Split rows, ascending, into training and validation: the last tenth of each class."""
    rows = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    last = np.sort(np.concatenate([own[len(own) - len(own) // parts :] for own in rows]))
    return np.setdiff1d(np.arange(len(labels)), last), last


def dataset_path(name: str) -> Path:
    """Return where the file of a data set is, or would be; DataError: digits lack scikit-learn."""
    if spec(name).packaged:
        package = importlib.util.find_spec("sklearn")  # importing it would take seconds
        if package is None or package.origin is None:
            advice = "in the checkout: pip install -e '.[book]'"
            raise DataError(f"digits comes with scikit-learn, which is not installed; {advice}")
        return Path(package.origin).parent / "datasets" / "data" / "digits.csv.gz"
    return own_folder("LCS_DATA") / f"{name}.npz"


def read_checked(
    name: str, path: Path, read: Callable[[Path], Mapping[str, NDArray]], remedy: str
) -> Arrays:
    """Read a file, and return its arrays as `check` does; errors end with the remedy."""
    try:
        return check(name, read(path))
    except FileNotFoundError:
        reason = " does not exist"
    except DataError as error:
        reason = f": {error}"
    except Exception as error:  # whatever other bytes do to the readers of archives
        reason = f" cannot be read ({getattr(error, 'strerror', None) or one_line(error)})"
    raise DataError(f"{path}{reason}; {remedy}")


def read_npz(path: Path) -> dict[str, NDArray[Any]]:
    """Return the arrays of a file by their names, those of Keras by ours."""
    with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
        return {KERAS_KEYS.get(key, key): stored[key] for key in stored}


def check(name: str, arrays: Mapping[str, NDArray[Any]]) -> Arrays:
    """Return the arrays of a data set, given in any order, in canonical order and layout.

    Images may have their channels first, labels any type of integers and the shape (N, 1).
    DataError: one is missing, or its shape, type, labels or SHA-256 differ.
    """
    known, found, whole = spec(name), {}, hashlib.sha256()
    if missing := [key for key in KEYS if key not in arrays]:
        raise DataError(f"the file lacks {', '.join(missing)}")
    for key in KEYS:
        array, expected, of_labels = arrays[key], known.shape(key), "labels" in key
        stored, last = f"{array.dtype} {array.shape}", len(known.classes) - 1
        if array.ndim == 4 and array.shape != expected:
            array = array.transpose(0, 2, 3, 1)
        elif array.shape == (*expected, 1):
            array = array[:, 0]
        right_type = array.dtype.kind in "iu" if of_labels else array.dtype == np.uint8
        if array.shape != expected or not right_type:
            raise DataError(f"{key} has the wrong shape: {stored}, expected uint8 {expected}")
        if of_labels and (wrong := array[(array < 0) | (array > last)]).size:
            raise DataError(f"{key} has the label {wrong[0]}, expected 0 to {last}")
        found[key] = np.ascontiguousarray(array, np.uint8)
    for images, labels in (KEYS[:2], KEYS[2:]):
        if np.any(found[labels][1:] < found[labels][:-1]):
            rows = np.argsort(found[labels], kind="stable")
            found |= {key: found[key][rows] for key in (images, labels)}
    for key in KEYS:
        whole.update(found[key].data)
    if known.sha256 not in ("", digest := whole.hexdigest()):
        raise DataError(f"altered: SHA-256 {digest[:12]}…, expected {known.sha256[:12]}…")
    return found


def _read_digits(path: Path) -> Arrays:
    """Read 8 × 8 values from 0 to 16 and a label per line."""
    table = np.loadtxt(path, dtype=np.uint8, delimiter=",")
    labels = table[:, -1]
    images = (table[:, :-1].reshape(-1, 8, 8, 1).astype(np.uint16) * 255 // 16).astype(np.uint8)
    train, test = split_validation(labels, parts=5)
    return dict(zip(KEYS, (images[train], labels[train], images[test], labels[test]), strict=True))
