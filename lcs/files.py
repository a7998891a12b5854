"""Files that appear whole or not at all, and only regular files are read."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import secrets
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

# a reader's own folders: the variables of the environment that name them, and where they are else
FOLDERS = {
    "LCS_CHECKPOINTS": "~/.cache/lcs/checkpoints",
    "LCS_DATA": "~/.cache/lcs",
    "LCS_STORE": "~/.cache/lcs/runs",
}


def own_folder(variable: str) -> Path:
    """Return the folder of the reader that a variable of the environment names, one of `FOLDERS`.

    Raises:
        OSError: there is no home folder.
    """
    return expanded(os.environ.get(variable) or FOLDERS[variable])


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a folder, made if it is missing, against others that lock it; a killed one holds none.

    Some network file systems have no such locks, and nothing is held there.

    Raises:
        OSError: the folder cannot be made.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as held:
        with contextlib.suppress(OSError):
            _lock(folder, held, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def replacing(path: Path, *, once: bool = False) -> Iterator[BinaryIO]:
    """Yield a file to write, which takes the place of `path` once all of it is on the disk.

    Folders that are missing are made. What killed writers left in the folder is removed.

    Args:
        path: where the file will stand.
        once: whether a file that has appeared there meanwhile stays. On a file system without hard
            links that is certain only while the folder is `locked`.

    Raises:
        FileExistsError: there is a file already, which has to stay.
        OSError: the folder cannot be written or the disk is full; what stood there is still there.
    """
    with contextlib.ExitStack() as locked:
        temporary = _locked_beside(path, locked)
        try:
            with temporary.open("wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            if once:
                _link(temporary, path)
            else:
                temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def scratch_folder(path: Path) -> Iterator[Path]:
    """Yield a new folder beside `path`, which is removed; by the next writer if this is killed.

    Raises:
        OSError: it cannot be made.
    """
    with contextlib.ExitStack() as locked:
        folder = _locked_beside(path, locked, folder=True)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def remove_abandoned(folder: Path) -> None:
    """Remove what killed writers left in a folder, whatever they wrote."""
    for left in folder.glob(f".*.{'[0-9a-f]' * 8}.partial"):
        # a writer that still runs has locked its own
        with contextlib.suppress(OSError), contextlib.ExitStack() as held:
            _lock(left, held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(left) if left.is_dir() else left.unlink()


def read_bounded(path: Path, limit: int) -> bytes:
    """Read a regular file: a pipe would have no end.

    Raises:
        OSError: it cannot be read, is no regular file, or is larger than `limit` bytes.
    """
    with open_regular(path) as file:
        content = file.read(limit + 1)
    if len(content) > limit:
        raise OSError(errno.EFBIG, f"larger than {limit:,} bytes", str(path))
    return content


def open_regular(path: Path) -> BinaryIO:
    """Open a regular file to read; a pipe, of which opening may never end, is refused.

    Raises:
        OSError: it cannot be read, or is no regular file.
    """
    mode = path.stat().st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):  # a folder has an error of its own
        raise OSError(errno.EINVAL, "not a regular file", str(path))
    return path.open("rb")


def is_full(error: Exception) -> bool:
    """Whether an error says that a disk, or the reader's share of it, is full.

    Those of safetensors say so by their text alone.
    """
    codes = (errno.ENOSPC, errno.EDQUOT)
    if isinstance(error, OSError) and error.errno in codes:
        return True
    return any(os.strerror(code) in str(error) for code in codes)


def expanded(path: str | Path) -> Path:
    """Return a path with the home folder in the place of `~`.

    Raises:
        OSError: there is no such home folder, or the whole path is no UTF-8, which safetensors and
            others need.
    """
    try:
        found = Path(path).expanduser()
        str(found.absolute()).encode()
    except RuntimeError:
        reason = "the home folder is not known; set HOME or give the whole path"
        raise OSError(errno.ENOENT, reason, str(path)) from None
    except UnicodeEncodeError:
        reason = "the path of this folder is not UTF-8; give another, or rename what is not"
        raise OSError(errno.EILSEQ, reason, str(path)) from None
    return found


def _link(file: Path, path: Path) -> None:
    """Let a file stand at `path` too, or there alone where there are no hard links."""
    try:
        os.link(file, path)
    except OSError:
        if os.path.lexists(path):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path)) from None
        file.replace(path)


def _locked_beside(path: Path, held: contextlib.ExitStack, *, folder: bool = False) -> Path:
    """Make a file or folder beside `path`, locked until `held` ends: so it is known to be in use.

    Folders that are missing are made, and what killed writers left in the last one is removed.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    remove_abandoned(path.parent)
    while True:
        temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.partial")
        temporary.mkdir() if folder else temporary.touch(exist_ok=False)
        with contextlib.suppress(OSError):  # file systems without locks
            _lock(temporary, held, fcntl.LOCK_EX)
        if temporary.exists():  # not removed before it was locked
            return temporary


def _lock(path: Path, held: contextlib.ExitStack, how: int) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    held.callback(os.close, descriptor)
    fcntl.flock(descriptor, how)
