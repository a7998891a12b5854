"""The book on other people's machines: a home full of settings, an 8-bit locale, no home at all.

Each is a process of its own, in a clone whose book has one short chapter.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import matplotlib
import nbformat
import pytest

from lcs.runs import provenance

ROOT = Path(__file__).parents[1]
# what Python would read as UTF-8 all the same is not, with these
EIGHT_BIT = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
PYTHON = os.fsencode(sys.executable)
CELLS = [
    "1\nsum([1, 2])",
    "import matplotlib.pyplot as plt\nplt.rcParams['lines.linewidth']",
    "figure, axes = plt.subplots(figsize=(1, 1))",
    f"import os, sys\nos.fsencode(sys.executable) == {PYTHON!r}, os.getenv('GIT_DIR')",
    "print('β')",
]


@pytest.fixture
def clone(tmp_path):
    """A clone with one short chapter."""
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


@pytest.fixture
def hostile(tmp_path, clone):
    """Environment of a reader who has changed IPython, Jupyter, matplotlib, git and the locale."""
    home = tmp_path / "home"
    profile, data = home / ".ipython" / "profile_default", home / ".local" / "share" / "jupyter"
    kernel = {"argv": ["false"], "display_name": "Python 3", "language": "python"}
    for path, text in {
        profile / "startup" / "own.py": "import builtins\nbuiltins.sum = len",
        profile / "ipython_config.py": "c.InteractiveShell.ast_node_interactivity = 'all'",
        data / "kernels" / "python3" / "kernel.json": json.dumps(kernel),
        home / "startup.py": "import builtins\nbuiltins.sum = len",
        home / "matplotlibrc": "lines.linewidth: 9",
        home / ".config": "a file, so that no folder can be made there",
    }.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    places = {
        "GIT_DIR": home / "repository",
        "HOME": home,
        "IPYTHONDIR": profile.parent,
        "JUPYTER_PATH": data,
        "MATPLOTLIBRC": home / "matplotlibrc",
        "MPLCONFIGDIR": home / ".config" / "matplotlib",
        "PYTHONPATH": clone,
        "PYTHONSTARTUP": home / "startup.py",
    }
    return os.environ | EIGHT_BIT | {k: str(v) for k, v in places.items()} | {"MPLBACKEND": "agg"}


def test_what_a_reader_has_set_does_not_reach_the_book(clone, hostile):
    def run(*words, cwd):
        command = [sys.executable, "-m", *words]
        return subprocess.run(command, cwd=cwd, env=hostile, capture_output=True, text=True)

    shutil.copy(Path(hostile["HOME"]) / "matplotlibrc", clone)
    updated = run("lcs", "book", "tiny", "--update", cwd=hostile["HOME"])
    assert (updated.returncode, updated.stderr) == (0, ""), updated.stderr
    notebook = nbformat.read(clone / "book" / "tiny.ipynb", as_version=4)
    (number,), (width,), (picture,), (python,), (text,) = (c.outputs for c in notebook.cells)
    shown = [output.data["text/plain"] for output in (number, width, python)]
    assert shown == ["3", "1.5", "(True, None)"]
    assert "image/png" in picture.data
    assert text.text == "β\n"
    tested = run("pytest", "--nbval", "--nbval-current-env", "book/tiny.ipynb", cwd=clone)
    assert tested.returncode == 0, tested.stdout


def test_a_user_who_is_nobody_and_has_no_home(clone):
    unknown = "import pwd\ndef getpwuid(uid): raise KeyError(uid)\npwd.getpwuid = getpwuid"
    (clone / "sitecustomize.py").write_text(unknown)
    command = [sys.executable, "-m", "lcs", "book", "tiny", "--update"]
    bare = {"PYTHONPATH": str(clone)}
    updated = subprocess.run(command, cwd=clone, env=bare, capture_output=True, text=True)
    assert (updated.returncode, updated.stderr) == (0, "")


@pytest.mark.skipif(not f"{ROOT}{sys.executable}".isascii(), reason="torch needs names in UTF-8")
def test_an_8_bit_terminal():
    command = [sys.executable, "-m", "lcs", "study"]
    said = subprocess.run(command, env=os.environ | EIGHT_BIT, capture_output=True)
    assert (said.returncode, said.stderr) == (0, b"")
    assert rb"\u03b1" in said.stdout


def test_style_is_not_changed_by_settings():
    from lcs.analysis.style import use_style

    with matplotlib.rc_context({"image.interpolation": "bilinear", "lines.linewidth": 9}):
        use_style()
        assert matplotlib.rcParams["image.interpolation"] == "auto"


def test_provenance_is_of_this_repository_also_in_a_hook_of_another(tmp_path, monkeypatch):
    git = provenance._git.__wrapped__
    commit = git("rev-parse", "HEAD")
    subprocess.run(["git", "init", tmp_path], check=True, capture_output=True)
    monkeypatch.setenv("GIT_DIR", str(tmp_path / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / ".git" / "index"))
    assert git("rev-parse", "HEAD") == commit
    assert git("ls-files", "lcs/__init__.py") == (commit and "lcs/__init__.py")
