"""Files appear whole or not at all, and killed writers leave nothing for long."""

import errno
import os
import subprocess
import sys
from unittest import mock

import pytest

from lcs.errors import LcsError
from lcs.files import is_full, locked, own_folder, replacing, scratch_folder

WRITER = """
import sys
from pathlib import Path
from lcs.files import replacing
with replacing(Path(sys.argv[1])) as file:
    file.write(b"half")
    print("begun", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def writing(tmp_path):
    """A process in the middle of writing a file, and the file."""
    path = tmp_path / "record [1].json"
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout.readline() == b"begun\n"
    yield process, path
    process.kill()
    process.communicate()


def test_what_a_killed_writer_left_is_removed_by_the_next(writing):
    process, path = writing
    process.kill()
    process.wait()
    (left,) = path.parent.iterdir()
    assert left.name.startswith(f".{path.name}.")
    with scratch_folder(path.with_name("another")) as folder:
        (folder / "part").touch()
        assert [*path.parent.iterdir()] == [folder]
    assert not [*path.parent.iterdir()]


def test_two_writers_do_not_disturb_each_other(writing):
    process, path = writing
    with replacing(path) as file:
        file.write(b"ours")
    assert path.read_bytes() == b"ours"
    process.communicate(b"")  # ends the other, which finds its own file still there
    assert process.returncode == 0
    assert path.read_bytes() == b"half"
    assert [*path.parent.iterdir()] == [path]


def test_what_fails_leaves_the_file_before(tmp_path, monkeypatch):
    path = tmp_path / "file"
    path.write_bytes(b"before")
    monkeypatch.setattr(os, "fsync", mock.Mock(side_effect=OSError(errno.ENOSPC, "full")))
    with pytest.raises(OSError, match="full") as caught, replacing(path) as file:
        file.write(b"half")
    assert is_full(caught.value)
    assert path.read_bytes() == b"before"
    assert [*tmp_path.iterdir()] == [path]


def test_a_folder_is_held_by_one_process(tmp_path):
    folder = tmp_path / "new" / "folder"
    script = "import pathlib, sys\nfrom lcs.files import locked\n"
    script += "with locked(pathlib.Path(sys.argv[1])): pass"
    with locked(folder):
        other = subprocess.Popen([sys.executable, "-c", script, folder])
        with pytest.raises(subprocess.TimeoutExpired):
            other.wait(1)
    assert other.wait() == 0


def test_own_folders(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("LCS_STORE")
    assert own_folder("LCS_STORE") == tmp_path / ".cache" / "lcs" / "runs"
    monkeypatch.setenv("LCS_STORE", "~/own")
    assert own_folder("LCS_STORE") == tmp_path / "own"
    monkeypatch.setenv("LCS_STORE", "~nobody-of-this-name/own")
    with pytest.raises(LcsError, match="home folder is not known; set HOME"):
        own_folder("LCS_STORE")
