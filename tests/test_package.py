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


def build(target, folder):
    """Build a "wheel" or an "sdist" of the checkout, without a network, and return its path."""
    pytest.importorskip("hatchling", reason="hatchling is not installed")
    command = [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", folder]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (made,) = folder.iterdir()
    return made


INSTALLED = """
import sys
sys.modules |= dict.fromkeys(["pandas", "sklearn", "matplotlib", "papermill", "nbformat"])
from lcs.cli import main
for words in sys.argv[1:]:
    try:
        main(words.split())
    except SystemExit as end:
        print(end.code)
"""


def test_the_wheel_has_the_library_and_says_in_one_line_what_it_lacks(tmp_path):
    site = tmp_path / "site"
    with zipfile.ZipFile(build("wheel", tmp_path)) as wheel:
        names = {name for name in wheel.namelist() if ".dist-info/" not in name}
        wheel.extractall(site)
    kinds = (".py", ".json", ".md", ".jinja", ".typed")
    files = (path for path in (ROOT / "lcs").rglob("*") if path.suffix in kinds)
    assert names == {path.relative_to(ROOT).as_posix() for path in files}
    reasons = {
        "runs list": "lcs: no records in ",
        "runs import x.json": "name a folder by --store",
        "book": "is not installed; in the checkout: pip install -e '.[book]'",
        "data verify digits": "digits comes with scikit-learn",
    }
    own = dict.fromkeys(("LCS_STORE", "LCS_DATA"), f"{tmp_path}/none")
    environment = os.environ | {"PYTHONPATH": str(site)} | own
    command = [sys.executable, "-c", INSTALLED, "--version", *reasons]
    said = subprocess.run(command, cwd=site, env=environment, capture_output=True, text=True)
    assert said.stdout.split() == [VERSION, "0", "0", "1", "1", "1"], said.stderr
    for line, reason in zip(said.stderr.splitlines(), reasons.values(), strict=True):
        assert reason in line


def test_the_source_archive_is_the_checkout(tmp_path):
    path = build("sdist", tmp_path)
    with tarfile.open(path) as archive:
        tops = {name.split("/")[1] for name in archive.getnames()}
    files = {path.name for path in ROOT.iterdir() if path.is_file() and path.name != ".git"}
    assert SOURCES <= tops <= SOURCES | files
    assert path.stat().st_size < MAX_MB * 2**20
