"""The frame: requirements that agree, files that are there, commands that do what README says."""

import json
import os
import re
import subprocess
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PROJECT = PYPROJECT["project"]
EXTRAS = PROJECT["optional-dependencies"]
WHOLE, *DEV = EXTRAS["dev"]
REQUIREMENTS = [*PROJECT["dependencies"], *EXTRAS["book"], *EXTRAS["ray"], *DEV]
LOCK = (ROOT / "requirements.lock").read_text()
LOCKED = re.findall(r"^([a-z0-9_.-]+)==([^\s;]+)", LOCK, re.MULTILINE)


def test_conda_environment_and_developers_have_all_requirements():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    *conda, pip = environment["dependencies"]
    assert conda == [f"python{PROJECT['requires-python']}", "pip"]
    assert pip["pip"] == [*REQUIREMENTS, "-e ."]
    assert WHOLE == "lcs[book,ray]"


def test_lock_satisfies_the_requirements_by_one_version_of_each():
    versions = dict(LOCKED)
    assert len(versions) == len(LOCKED) > 100
    pair = PYPROJECT["tool"]["uv"]["constraint-dependencies"]  # torch and torchvision
    for requirement in map(Requirement, [*REQUIREMENTS, *pair]):
        assert requirement.specifier.contains(versions[requirement.name.lower()]), requirement
    assert LOCK.count("--hash=sha256:") >= LOCK.count("==")
    assert "://" not in LOCK


def test_all_that_names_the_project_says_the_same():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    archive = json.loads((ROOT / ".zenodo.json").read_text())
    newest = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)[1]
    assert citation["version"] == newest == PROJECT["version"]
    assert citation["title"] == archive["title"]
    assert citation["keywords"] == archive["keywords"] == PROJECT["keywords"]
    assert citation["license"] == archive["license"] == PROJECT["license"]
    assert citation["authors"] == archive["creators"] == PROJECT["authors"]
    try:
        installed = metadata.version("lcs")
    except metadata.PackageNotFoundError:
        pytest.skip("lcs is not installed")
    assert installed == PROJECT["version"]


def test_ci_and_workflow_run_what_readme_says():
    script = ROOT / ".ci" / "run"
    readme = (ROOT / "README.md").read_text()
    workflow = (ROOT / ".github" / "workflows" / "book.yml").read_text()
    assert os.access(script, os.X_OK)
    assert script.read_text().splitlines()[-1] == "make test"
    assert all(command in readme for command in ("make book", "make test"))
    assert all(command in workflow for command in ("make book", ".ci/run"))


def make(folder, target, *variables):
    """Run make in a folder of its own, whose requirements are empty."""
    for name in ("requirements.lock", "pyproject.toml"):
        (folder / name).touch()
    command = ["make", "-f", ROOT / "Makefile", target, *variables]
    environment = os.environ | {"PIP_USER": "1"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


def fake_python(folder, script):
    python = folder / "python3"
    python.write_text(f"#!/bin/sh\n{script}\n")
    python.chmod(0o755)
    return f"PYTHON={python}"


@pytest.mark.parametrize(
    ("script", "advice"),
    [
        ("exit 1", "Python 3.11 or newer is needed"),
        ('case "$2" in *ensurepip*) exit 1;; esac', "python3-venv"),
    ],
)
def test_a_python_that_lacks_something_is_refused_in_one_line(script, advice, tmp_path):
    finished = make(tmp_path, "book", fake_python(tmp_path, script))
    assert finished.returncode
    assert advice in finished.stderr.splitlines()[0]
    assert not (tmp_path / ".venv").exists()


def test_a_folder_with_a_space_and_a_reader_who_installs_for_himself(tmp_path):
    folder = tmp_path / "ä b"
    folder.mkdir()
    # every program of the environment that it makes is a copy of itself
    copies = 'mkdir -p .venv/bin; for name in python uv lcs; do cp "$0" .venv/bin/$name; done'
    script = f'echo "user=$PIP_USER $*"; case "$2" in venv) {copies};; esac'
    finished = make(folder, "book", fake_python(folder, script))
    assert finished.returncode == 0, finished.stderr
    (pip,) = (line for line in finished.stdout.splitlines() if "-m pip install" in line)
    assert pip.startswith("user=0 ")


def test_rerun_without_a_chapter_says_how(tmp_path):
    (tmp_path / ".venv").mkdir()
    installed = tmp_path / ".venv" / ".installed"
    installed.touch()
    os.utime(installed, (2**31, 2**31))  # newer than what is to be installed
    finished = make(tmp_path, "rerun")
    assert finished.returncode
    assert "make rerun CHAPTER=table2 SCALE=smoke" in finished.stderr
