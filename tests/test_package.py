"""What is published: the files of the wheel and of the source archive, and that the wheel works."""

import os
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
# what a checkout has, and a build or a test does not make
SOURCES = {".ci", ".github", "book", "lcs", "tests", "_config.yml", "_toc.yml", "PKG-INFO"}
MAX_MB = 40  # the records are most of it


@pytest.fixture(scope="module")
def build(tmp_path_factory):
    """Build a "wheel" or an "sdist" of the checkout, without a network, and return its path."""
    pytest.importorskip("hatchling", reason="hatchling is not installed")
    folder = tmp_path_factory.mktemp("dist")

    def run(target):
        command = [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", folder]
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
        (made,) = folder.glob({"wheel": "*.whl", "sdist": "*.tar.gz"}[target])
        return made

    return run


def test_the_wheel_has_the_library_and_works(build, tmp_path):
    with zipfile.ZipFile(build("wheel")) as wheel:
        names = {name for name in wheel.namelist() if ".dist-info/" not in name}
        wheel.extractall(tmp_path)
    kinds = (".py", ".json", ".md", ".jinja", ".typed")
    files = (path for path in (ROOT / "lcs").rglob("*") if path.suffix in kinds)
    assert names == {path.relative_to(ROOT).as_posix() for path in files}

    def run(*words):
        environment = os.environ | {"PYTHONPATH": str(tmp_path)}
        command = [sys.executable, *words]
        return subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True
        )

    assert run("-m", "lcs", "--version").stdout == f"{VERSION}\n"
    imported = run("-c", "import lcs.optim; print(lcs.optim.__file__)")
    assert imported.stdout == f"{tmp_path / 'lcs' / 'optim' / '__init__.py'}\n"
    book = run("-m", "lcs", "book")
    assert book.returncode == 1
    (line,) = book.stderr.splitlines()
    assert "run this from a clone" in line


def test_the_source_archive_is_the_checkout(build):
    path = build("sdist")
    with tarfile.open(path) as archive:
        tops = {name.split("/")[1] for name in archive.getnames()}
    files = {path.name for path in ROOT.iterdir() if path.is_file() and path.name != ".git"}
    assert SOURCES <= tops <= SOURCES | files
    assert path.stat().st_size < MAX_MB * 2**20
