"""Full disks, closed pipes, other people's homes and terminals, and whatever may be typed."""

import contextlib
import io
import json
import os
import shutil
import subprocess
import sys
from dataclasses import asdict, fields
from pathlib import Path
from unittest import mock

import nbformat
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lcs.cli import main
from lcs.config import Config
from lcs.errors import ConfigError
from lcs.runs import provenance

ROOT = Path(__file__).parents[1]
FULL = Path("/dev/full")


def lcs(*arguments, stdout=subprocess.PIPE, cwd=ROOT, env=None):
    """Run the command line in a process of its own."""
    command = [sys.executable, "-m", "lcs", *map(str, arguments)]
    return subprocess.run(command, stdout=stdout, stderr=subprocess.PIPE, cwd=cwd, env=env)


# --- folders and pipes


def test_an_unreadable_folder_is_not_an_empty_one(store, command, monkeypatch):
    denied = PermissionError(13, "Permission denied", "/closed")
    monkeypatch.setattr(os, "scandir", mock.Mock(side_effect=denied))
    for verb in ("verify", "list"):
        said = command("runs", verb, "--store", store.root)
        said.refused("/closed: Permission denied; check the path")


@pytest.mark.skipif(not FULL.is_char_device(), reason=f"this machine has no {FULL}")
def test_a_full_disk_behind_stdout_and_a_reader_that_has_read_enough(store):
    reading, writing = os.pipe()
    os.close(reading)  # as `head` in a pipe
    with FULL.open("w") as full, os.fdopen(writing, "w") as pipe:
        for stdout, error in ((full, b"lcs: error: No space left on device\n"), (pipe, b"")):
            said = lcs("runs", "list", "--store", store.root, stdout=stdout)
            assert (said.returncode, said.stderr) == (1, error)


# --- homes and terminals

PYTHON = os.fsencode(sys.executable)
CELLS = [
    "1\nsum([1, 2])",
    "import matplotlib.pyplot as plt\nplt.rcParams['lines.linewidth']",
    f"import os, sys\nos.fsencode(sys.executable) == {PYTHON!r}, os.getenv('GIT_DIR')",
    "print('β')",
]


@pytest.fixture
def clone(tmp_path):
    """A clone whose book has one short chapter."""
    root = tmp_path / "a clone"
    shutil.copytree(ROOT / "lcs", root / "lcs")
    for folder in ("book", "tests"):
        (root / folder).mkdir()
    for name in ("conftest.py", "pyproject.toml", "tests/nbval.cfg"):
        shutil.copy(ROOT / name, root / name)
    (root / "_toc.yml").write_text("root: book/intro\nchapters:\n  - file: book/tiny\n")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in CELLS])
    nbformat.write(notebook, root / "book" / "tiny.ipynb")
    return root


def test_what_a_reader_has_set_does_not_reach_the_book(tmp_path, clone):
    home = tmp_path / "home"
    profile, data = home / ".ipython" / "profile_default", home / ".local" / "share" / "jupyter"
    kernel = {"argv": ["false"], "display_name": "Python 3", "language": "python"}
    for path, text in {
        profile / "startup" / "own.py": "import builtins\nbuiltins.sum = len",
        profile / "ipython_config.py": "c.InteractiveShell.ast_node_interactivity = 'all'",
        data / "kernels" / "python3" / "kernel.json": json.dumps(kernel),
        home / "matplotlibrc": "lines.linewidth: 9",
    }.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    places = {
        "GIT_DIR": home / "repository",
        "HOME": home,
        "IPYTHONDIR": profile.parent,
        "JUPYTER_PATH": data,
        "MATPLOTLIBRC": home / "matplotlibrc",
        "PYTHONPATH": clone,
    }
    hostile = os.environ | {name: str(place) for name, place in places.items()}
    updated = lcs("book", "tiny", "--update", cwd=home, env=hostile | {"MPLBACKEND": "agg"})
    assert (updated.returncode, updated.stderr) == (0, b"")
    notebook = nbformat.read(clone / "book" / "tiny.ipynb", as_version=4)
    (number,), (width,), (python,), (text,) = (cell.outputs for cell in notebook.cells)
    shown = [output.data["text/plain"] for output in (number, width, python)]
    assert shown == ["3", "1.5", "(True, None)"]
    assert text.text == "β\n"
    command = [sys.executable, "-m", "pytest", "--nbval", "--nbval-current-env", "book/tiny.ipynb"]
    tested = subprocess.run(command, cwd=clone, env=hostile, capture_output=True, text=True)
    assert tested.returncode == 0, tested.stdout


def test_a_user_of_a_container_who_has_no_name_and_no_home(clone):
    unknown = "import pwd\ndef getpwuid(uid): raise KeyError(uid)\npwd.getpwuid = getpwuid"
    (clone / "sitecustomize.py").write_text(unknown)
    updated = lcs("book", "tiny", "--update", cwd=clone, env={"PYTHONPATH": str(clone)})
    assert (updated.returncode, updated.stderr) == (0, b"")
    said = lcs("runs", "list", cwd=clone, env={"PYTHONPATH": str(clone)})
    (line,) = said.stderr.decode().splitlines()
    assert (said.returncode, said.stdout) == (1, b"")
    assert "home folder is not known; set HOME" in line


def test_provenance_is_of_this_repository_also_in_a_hook_of_another(tmp_path, monkeypatch):
    git = provenance._git.__wrapped__
    commit = git("rev-parse", "HEAD")
    subprocess.run(["git", "init", tmp_path], check=True, capture_output=True)
    monkeypatch.setenv("GIT_DIR", str(tmp_path / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / ".git" / "index"))
    assert git("rev-parse", "HEAD") == commit


# --- whatever may be typed, or stand in a file

NUMBER = st.booleans() | st.integers() | st.floats()
ANYTHING = st.none() | NUMBER | st.text(max_size=20) | st.lists(NUMBER, max_size=3)
few = settings(
    derandomize=True, max_examples=25, deadline=None, database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)  # fmt: skip


@few
@given(values=st.dictionaries(st.sampled_from([f.name for f in fields(Config)]), ANYTHING))
def test_any_values_are_a_configuration_or_refused(values):
    with contextlib.suppress(ConfigError):
        config = Config.from_dict(values)
        assert Config.from_dict(asdict(config)) == config


@few
@given(word=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")))
def test_any_word_of_the_command_line_is_taken_or_refused(word, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for words in (("--seed", word), ("--model", word), ("--lr", word), (word, "x")):
        with (
            contextlib.redirect_stderr(io.StringIO()) as said,
            contextlib.redirect_stdout(io.StringIO()),
            mock.patch("lcs.train.train", return_value=mock.Mock(path="x", accuracy=0.5)),
            pytest.raises(SystemExit) as end,
        ):
            main(["train", "--store", "runs", *words])
        assert end.value.code in (0, 1, 2)
        errors = [line for line in said.getvalue().splitlines() if not line.startswith("run ")]
        assert len(errors) == (end.value.code != 0)
