"""Where a run comes from."""

import json
import os
import shutil
import subprocess
from datetime import datetime, timedelta

import pytest
import torch

import lcs.runs.provenance
from lcs.runs.provenance import command, hardware, provenance


def test_provenance():
    found = provenance(torch.device("cpu"))
    assert set(found) == {
        "commit", "unmodified", "code", "packages", "device", "hardware", "threads",
        "instructions", "time", "command",
    }  # fmt: skip
    assert datetime.fromisoformat(found["time"]).utcoffset() == timedelta(0)
    assert found["packages"]["torch"].startswith(torch.__version__.partition("+")[0])
    assert found["threads"] == torch.get_num_threads()
    assert found["device"] == "cpu"
    assert found["hardware"]
    json.dumps(found)


def test_a_command_names_no_folder_of_the_machine():
    words = ["/home/me/env/bin/lcs", "train", "--lr", "1e-4", "--store", "/home/me/my runs/",
             "--store=/a/b", "~/runs", "C:\\Users\\me\\mine", "here/runs"]  # fmt: skip
    assert command(words) == "lcs train --lr 1e-4 --store my runs --store=b runs mine here/runs"
    assert command(["/x/lcs/__main__.py", "runs"]) == "lcs runs"


def test_a_processor_has_its_generation_beside_its_name(tmp_path, monkeypatch):
    monkeypatch.setattr(lcs.runs.provenance, "CPUINFO", tmp_path / "cpuinfo")
    first = "model\t\t: 17\nmodel name\t: AMD EPYC\ncpu family\t: 25\nflags\t\t: a b\n\n"
    for content, name in ((2 * first, "AMD EPYC (family 25, model 17)"), ("model name : A\n", "A")):
        (tmp_path / "cpuinfo").write_text(content)
        assert hardware(torch.device("cpu")) == f"{name}, {os.cpu_count()} cores"


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A copy of the package inside another project, without a git repository so far."""
    copy = tmp_path / ".venv" / "lcs"
    skip = shutil.ignore_patterns("__pycache__")
    shutil.copytree(lcs.runs.provenance.PACKAGE, copy, ignore=skip)
    monkeypatch.setattr(lcs.runs.provenance, "PACKAGE", copy)
    monkeypatch.setattr(lcs.runs.provenance, "_git", lcs.runs.provenance._git.__wrapped__)
    return copy


def test_a_package_inside_another_project_has_not_that_projects_commit(tmp_path, package):
    def git(*words):
        author = ("-c", "user.name=a", "-c", "user.email=a@b.c")
        subprocess.run(["git", "-C", tmp_path, *author, *words], check=True, capture_output=True)

    def found():
        origin = provenance(torch.device("cpu"))
        return origin["commit"], origin["unmodified"]

    assert found() == (None, None), "without a repository"
    (tmp_path / "own.py").touch()
    git("init")
    git("add", "own.py")
    git("commit", "-m", "another project")
    assert found() == (None, None)
    git("add", "-f", ".venv")
    git("commit", "-m", "the package too")
    commit, unmodified = found()
    assert (len(commit), unmodified) == (40, True)
    (package / "exhibits" / "figure3.py").write_text("# altered\n")
    (package / "exhibits" / "new.py").touch()
    assert found() == (commit, True)  # as the hash of the code, which leaves chapters out
    (package / "seeds.py").write_text("# altered\n")
    assert found() == (commit, False)
