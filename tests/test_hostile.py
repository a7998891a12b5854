"""Folders, streams and files that a command does not expect: one line says so, nothing is lost."""

import io
import os
import shutil
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

import lcs.provenance
from lcs import data
from lcs.errors import DataError, RecordError
from lcs.files import ABANDONED_SECONDS, replacing
from lcs.runs import MAX_BYTES, PUBLISHED, RunStore, read_record

RECORD = next(iter(sorted((PUBLISHED / "toy").glob("*.json"))))


def lcs_run(*words, **options):
    """Run the command line in a process of its own, with what it prints as text."""
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True} | options
    return subprocess.run([sys.executable, "-m", "lcs", *map(str, words)], **options, check=False)


@pytest.fixture
def folder(tmp_path):
    """A store with one record."""
    (tmp_path / "toy").mkdir()
    shutil.copy(RECORD, tmp_path / "toy")
    return tmp_path


# Records


def test_a_stray_file_is_named_and_the_records_are_listed(folder, command):
    (folder / "notes.json").write_text("{}")
    result = command("runs", "list", "--store", folder)
    assert result.code == 1
    assert RECORD.name in result.out
    assert "notes.json: not a run record" in result.err
    assert result.err.count("\n") == 1


def test_a_pipe_is_no_record(folder):
    pipe = folder / "toy" / "pipe.json"
    os.mkfifo(pipe)
    with pytest.raises(RecordError, match="no file"):
        read_record(pipe)


def test_a_huge_file_is_not_read(folder):
    huge = folder / "toy" / "huge.json"
    with huge.open("wb") as file:
        file.truncate(MAX_BYTES + 1)  # a hole, that takes no room
    with pytest.raises(RecordError, match="larger than any record"):
        read_record(huge)


@pytest.mark.parametrize(
    "content",
    [b"[" * 100_000, b'{"schema": ' + b"9" * 100_000 + b"}", b"\xff\xfe{}", b"", b"null", b"NaN"],
    ids=["deep", "digits", "no text", "empty", "null", "nan"],
)
def test_text_that_is_no_record_is_named(folder, content):
    path = folder / "toy" / RECORD.name
    path.write_bytes(content)
    with pytest.raises(RecordError, match="not a run record"):
        read_record(path)


def test_a_folder_that_cannot_be_read_is_no_empty_store(folder, monkeypatch):
    def walk(root, onerror):
        onerror(PermissionError(13, "Permission denied", str(root)))
        return iter(())

    monkeypatch.setattr(os, "walk", walk)
    with pytest.raises(RecordError, match="Permission denied"):
        RunStore(folder).paths()


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["runs", "list", "--store", ""], "name of the folder is empty"),
        (["study", "toy", "--plan", "--store", ""], "name of the folder is empty"),
        (["book", "", "--update"], "name is empty"),
        (["runs", "show", ""], "id is empty"),
    ],
)
def test_an_empty_name_is_none(command, words, reason):
    result = command(*words)
    assert result.code in (1, 2)
    assert reason in result.err


# Streams, and the machine


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_behind_the_output_is_one_line(folder):
    with Path("/dev/full").open("w") as full:
        done = lcs_run("runs", "list", "--store", folder, stdout=full)
    assert done.returncode == 1
    assert done.stderr == "lcs: error: standard output: No space left on device\n"


def test_output_that_knows_ascii_alone(folder):
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}
    done = lcs_run("study", "figure3", "--plan", "--store", folder / "none", env=environment)
    assert done.returncode == 0
    assert "? = 1" in done.stdout


def test_without_a_home_folder_one_is_told_what_to_name():
    environment = os.environ | {"LCS_STORE": "~nobody-of-that-name/runs"}
    done = lcs_run("runs", "list", env=environment)
    assert done.returncode == 1
    assert done.stderr.startswith("lcs: error: there is no home folder")
    assert done.stderr.count("\n") == 1


def test_a_name_that_is_too_long_is_one_line(tmp_path, command):
    place = tmp_path / ("x" * 300)
    result = command("train", "--dataset", "digits", "--epochs", 1, "--store", place)
    assert result.code == 1
    assert result.err.count("\n") == 1


# What processes leave behind


def test_what_a_killed_writer_left_is_removed(tmp_path):
    path = tmp_path / "record.json"
    left, live = tmp_path / ".record.json.123", tmp_path / ".record.json.456"
    other = tmp_path / ".other.json.123"
    for file in (left, live, other):
        file.write_text("half")
    old = time.time() - ABANDONED_SECONDS - 60
    for file in (left, other):
        os.utime(file, (old, old))
    with replacing(path) as file:
        file.write(b"whole")
    assert path.read_bytes() == b"whole"
    assert [one.exists() for one in (left, live, other)] == [False, True, True]


def test_a_package_below_another_project_is_not_of_its_commits(tmp_path, monkeypatch):
    git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@b.c"]
    (tmp_path / "mine.txt").write_text("another project")
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "-q", "-m", "first"], check=True)
    package = tmp_path / "venv" / "site-packages" / "lcs"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    monkeypatch.setattr(lcs.provenance, "PACKAGE", package)
    monkeypatch.setattr(lcs.provenance, "_git", lcs.provenance._git.__wrapped__)
    found = lcs.provenance.provenance(torch.device("cpu"))
    assert (found["commit"], found["unmodified"]) == (None, None)


# Data sets


def test_a_small_file_that_would_expand_is_refused_before_it_does(tmp_path):
    path, header = tmp_path / "cifar10.npz", io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "|u1", "fortran_order": False, "shape": (2**30,)}
    )
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for key in data.KEYS:
            with archive.open(f"{key}.npy", "w", force_zip64=True) as member:
                member.write(header.getvalue() + bytes(2**28))
    before = time.monotonic()
    with pytest.raises(DataError, match="is larger than"):
        data.read_npz("cifar10", path, "import another")
    assert time.monotonic() - before < 5
