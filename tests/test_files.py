"""Files appear whole or not at all, and killed writers leave nothing for long."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lcs.files import read_bounded, replacing

WRITER = """
import sys, time
from pathlib import Path
from lcs.files import replacing
with replacing(Path(sys.argv[1])) as file:
    file.write(b"half")
    print("begun", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def writing(tmp_path):
    """A process in the middle of writing a file, the file, and the folder's names."""
    path = tmp_path / "record [1].json"
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout.readline() == b"begun\n"
    yield process, path
    process.kill()
    process.communicate()


@pytest.mark.parametrize("name", ["the same", "another"])
def test_what_a_killed_writer_left_is_removed_by_the_next(name, writing):
    process, path = writing
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert [left.name.startswith(f".{path.name}.") for left in path.parent.iterdir()] == [True]
    path = path if name == "the same" else path.with_name(name)
    with replacing(path) as file:
        file.write(b"whole")
    assert [*path.parent.iterdir()] == [path]


def test_two_writers_do_not_disturb_each_other(writing):
    process, path = writing
    with replacing(path) as file:
        file.write(b"ours")
    assert path.read_bytes() == b"ours"
    process.communicate(b"")  # ends the other, which finds its own file still there
    assert process.returncode == 0
    assert path.read_bytes() == b"half"
    assert [*path.parent.iterdir()] == [path]


def test_only_regular_files_of_bounded_size_are_read(tmp_path):
    pipe, large = tmp_path / "pipe", tmp_path / "large"
    os.mkfifo(pipe)
    large.write_bytes(b"12345")
    assert read_bounded(large, 5) == b"12345"
    with pytest.raises(OSError, match="larger"):
        read_bounded(large, 4)
    with pytest.raises(OSError, match="regular"):
        read_bounded(pipe, 4)


def test_git_on_windows_changes_no_line_ends(tmp_path):
    root = Path(__file__).parents[1]
    text, binary = b"one\ntwo\n", b"one\n\xff"
    contents = dict.fromkeys((".ci/run", "Makefile", "a.json", "a.py", "a.ipynb", "a.md"), text)
    contents |= dict.fromkeys(("a.safetensors", "a.png"), binary)
    for name, content in contents.items():
        path = tmp_path / "origin" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    shutil.copy(root / ".gitattributes", tmp_path / "origin")
    environment = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    windows = ("-c", "core.autocrlf=true", "-c", "user.name=a", "-c", "user.email=a@b.c")
    for words in ("init", "add .", "commit -m all", "clone . ../clone"):
        subprocess.run(
            ["git", *windows, *words.split()],
            cwd=tmp_path / "origin",
            env=environment,
            check=True,
            capture_output=True,
        )
    assert {name: (tmp_path / "clone" / name).read_bytes() for name in contents} == contents
