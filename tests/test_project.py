"""The frame: requirements that agree, files that are there, commands that do what README says."""

import ast
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
MODES = ("'r'", "'w'", "'a'", "'x'")  # of text
LOCKED = dict(re.findall(r"^([a-z0-9_.-]+)==([^\s;]+)", LOCK, re.MULTILINE))


def test_conda_environment_has_the_requirements_of_pyproject():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    *conda, pip = environment["dependencies"]
    assert conda == [f"python{PROJECT['requires-python']}", "pip"]
    assert pip["pip"] == [*REQUIREMENTS, "-e ."]


def test_developers_have_the_book_and_the_cluster():
    assert WHOLE == "lcs[book,ray]"


@pytest.mark.parametrize("text", REQUIREMENTS)
def test_lock_satisfies(text):
    requirement = Requirement(text)
    assert requirement.specifier.contains(LOCKED[requirement.name.lower()])


def test_lock_pins_the_pair_of_torch_and_torchvision():
    for constraint in PYPROJECT["tool"]["uv"]["constraint-dependencies"]:
        name, version = constraint.split("==")
        assert LOCKED[name] == version


def test_lock_has_one_version_of_each_for_every_python():
    names = re.findall(r"^([a-z0-9_.-]+)==", LOCK, re.MULTILINE)
    assert sorted(names) == sorted(LOCKED)


def test_lock_has_hashes_and_no_addresses():
    pinned = LOCK.count("==")
    assert pinned > 100
    assert LOCK.count("--hash=sha256:") >= pinned
    assert "://" not in LOCK


def test_all_that_names_the_version_has_that_of_pyproject():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    newest = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)[1]
    assert citation["version"] == newest == PROJECT["version"]
    try:
        installed = metadata.version("lcs")
    except metadata.PackageNotFoundError:
        pytest.skip("lcs is not installed")
    assert installed == PROJECT["version"]


def test_citation_and_archive_say_the_same():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    archive = json.loads((ROOT / ".zenodo.json").read_text())
    for name in ("title", "license", "keywords"):
        assert citation[name] == archive[name]
    assert citation["keywords"] == PROJECT["keywords"]
    assert citation["license"] == PROJECT["license"]
    assert citation["authors"] == archive["creators"] == PROJECT["authors"]


def test_pages_of_the_book_have_sources():
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text())
    chapters = [chapter for part in toc["parts"] for chapter in part["chapters"]]
    pages = [toc["root"]] + [p["file"] for c in chapters for p in (c, *c.get("sections", []))]
    missing = [page for page in pages if not list(ROOT.glob(f"{page}.*"))]
    assert not missing


def test_ci_and_workflow_run_what_readme_says():
    script = ROOT / ".ci" / "run"
    readme = (ROOT / "README.md").read_text()
    workflow = (ROOT / ".github" / "workflows" / "book.yml").read_text()
    assert os.access(script, os.X_OK)
    assert script.read_text().splitlines()[-1] == "make test"
    assert "make book" in readme
    assert "make test" in readme
    assert ".ci/run" in workflow
    assert "make book" in workflow


def _make(folder, script):
    """`make book` in an empty folder, with a shell script in the place of python3."""
    python = folder / "python3"
    python.write_text(f"#!/bin/sh\n{script}\n")
    python.chmod(0o755)
    for name in ("requirements.lock", "pyproject.toml"):
        (folder / name).touch()
    command = ["make", "-f", ROOT / "Makefile", "book", f"PYTHON={python}"]
    environment = os.environ | {"PIP_USER": "1"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


def test_old_python_is_refused_in_one_line(tmp_path):
    finished = _make(tmp_path, "exit 1")
    assert finished.returncode
    assert "Python 3.11 or newer is needed" in finished.stderr.splitlines()[0]
    assert not (tmp_path / ".venv").exists()


def test_python_without_venv_is_refused_in_one_line(tmp_path):
    finished = _make(tmp_path, 'case "$2" in *ensurepip*) exit 1;; esac')
    assert finished.returncode
    assert "python3-venv" in finished.stderr.splitlines()[0]
    assert not (tmp_path / ".venv").exists()


def test_a_folder_with_a_space_and_a_reader_who_installs_for_himself(tmp_path):
    folder = tmp_path / "ä b"
    folder.mkdir()
    # every program of the environment that it makes is a copy of itself
    copies = 'mkdir -p .venv/bin; for name in python uv lcs; do cp "$0" .venv/bin/$name; done'
    script = f'echo "user=$PIP_USER $*"; case "$2" in venv) {copies};; esac'
    finished = _make(folder, script)
    assert finished.returncode == 0, finished.stderr
    (pip,) = (line for line in finished.stdout.splitlines() if "-m pip install" in line)
    assert pip.startswith("user=0 ")


def test_rerun_without_a_chapter_says_how(tmp_path):
    (tmp_path / ".venv").mkdir()
    for name in ("requirements.lock", "pyproject.toml", ".venv/.installed"):
        (tmp_path / name).touch()
    command = ["make", "-f", ROOT / "Makefile", "rerun"]
    finished = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert finished.returncode
    assert "make rerun CHAPTER=table2 SCALE=smoke" in finished.stderr


def test_the_encoding_of_every_text_file_is_named():
    unnamed = []
    for path in (ROOT / "lcs").rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
            *_, name = ast.unparse(call.func).rpartition(".")
            mode = ast.unparse(call.args[0]) if call.args else "'r'"
            text = name in ("read_text", "write_text") or (name == "open" and mode in MODES)
            text |= "text=True" in map(ast.unparse, call.keywords)  # of a process
            if text and "encoding" not in {key.arg for key in call.keywords}:
                unnamed.append(f"{path.name}:{call.lineno}")
    assert not unnamed
