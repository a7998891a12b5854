"""Files that appear whole or not at all, and the folders of a reader."""

import errno
import fcntl
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from lcs.errors import LcsError

# variables of the environment that name a reader's own folders, and where these are by default
FOLDERS = {
    "LCS_CHECKPOINTS": "~/.cache/lcs/checkpoints",
    "LCS_DATA": "~/.cache/lcs",
    "LCS_STORE": "~/.cache/lcs/runs",
}


def own_folder(variable: str) -> Path:
    """Return the reader's own folder that a variable of the environment names, one of `FOLDERS`."""
    return expanded(os.environ.get(variable) or FOLDERS[variable])


def expanded(path: str | Path) -> Path:
    """Return a path with the home folder in the place of `~`; LcsError if there is none."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        reason = "the home folder is not known; set HOME or give the whole path"
        raise LcsError(f"{path}: {reason}") from None


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a folder, made if it is missing, against others; not on a file system without locks."""
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as held:
        with suppress(OSError):
            held.enter_context(_lock(folder))
        yield


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Yield a file to write, which takes the place of `path` once all of it is on the disk.

    Missing folders are made. After an OSError, as of a full disk, what stood there still does.
    """
    with _beside(path, Path.touch) as temporary:
        with temporary.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)


def scratch_folder(path: Path) -> AbstractContextManager[Path]:
    """Yield a new folder beside `path`, which is removed; by the next writer if this is killed."""
    return _beside(path, Path.mkdir)


def is_full(error: Exception) -> bool:
    """Whether an error says that a disk, or the reader's share of it, is full."""
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)


@contextmanager
def _beside(path: Path, make: Callable[[Path], None]) -> Iterator[Path]:
    """Yield a new file or folder beside `path`, which is locked, and removed in the end."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # what killed writers left; one that still runs has locked its own
    for left in path.parent.glob(f".*.{'[0-9a-f]' * 8}.partial"):
        with suppress(OSError), _lock(left, fcntl.LOCK_NB):
            _remove(left)
    with ExitStack() as held:
        while True:
            temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.partial")
            make(temporary)
            with suppress(OSError):
                held.enter_context(_lock(temporary))
            if temporary.exists():  # nobody removed it before it was locked
                break
        try:
            yield temporary
        finally:
            _remove(temporary)


def _remove(path: Path) -> None:
    shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)


@contextmanager
def _lock(path: Path, how: int = 0) -> Iterator[None]:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | how)
        yield
    finally:
        os.close(descriptor)
