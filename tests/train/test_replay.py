"""Replays: a record that came from this code is confirmed, one that did not is found out."""

import copy
import dataclasses
import json
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from lcs.errors import ConfigError
from lcs.runs import Record, RunStore
from lcs.runs.numeric_core import PACKAGE, code_hash
from lcs.train import train
from lcs.train.replay import VERSIONS, replay

ELSEWHERE = {"hardware": "another processor"}


@pytest.fixture
def altered(record, tmp_path):
    """Store the run anew with an altered history, properly signed."""

    def write(change, **origin):
        history, final = copy.deepcopy(record.history), copy.deepcopy(record.final)
        change(history, final)
        store = RunStore(tmp_path / "altered")
        return store.write(
            record.config, history=history, final=final, provenance=record.provenance | origin
        )

    return write


def shift(difference, *keys, final=False):
    """Return a change of one number of the history, or of the final measures."""

    def change(*parts):
        values = parts[final]
        for key in keys[:-1]:
            values = values[key]
        values[keys[-1]] += difference

    return change


def test_a_record_is_confirmed_to_the_last_digit(record):
    outcome = replay(record, 2, "cpu")
    assert outcome.agrees
    *epochs, verdict = outcome.text.splitlines()
    assert verdict == f"run {record.run_id}: equal to the last stored digit"
    assert [line.partition(" (")[0] for line in epochs] == ["epoch 1", "epoch 2"]
    loss = f"{record.history['train_loss'][1]:g}"
    assert f"train_loss {loss} / {loss}" in epochs[1]
    lying = dataclasses.replace(record, path=Path("/downloads", record.path.name))
    whole = replay(lying, 99, "cpu")
    assert whole.agrees, "also of a record outside any store"
    assert (whole.text.count("epoch "), "final measures" in whole.text) == (3, True)


@pytest.mark.parametrize(
    ("origin", "reason"),
    [
        ({}, ""),
        ({"resumes": 2}, ""),
        ({"instructions": None}, ""),  # as an older record, which lacks it
        ({"code": "e" * 64}, ""),  # declared equal
        ({"code": "d" * 64}, "code: other"),
        ({"code_before_resume": "d" * 64}, "code: other"),
        ({"before_resume": [{"threads": 99}, {"code": "e" * 64}]}, "threads: record has 99, here "),
        (ELSEWHERE, "hardware: record has another processor, here "),
        ({"instructions": "NEON"}, "instructions: record has NEON, here "),
        ({"packages": dict.fromkeys(VERSIONS, "1")}, "python: record has 1, here "),
        ({"device": "cuda"}, "device: record has cuda, here cpu"),
        ({"source_as_recorded": False}, "source: not as recorded"),
    ],
)
def test_where_equal_bits_are_demanded(origin, reason, altered, tmp_path, monkeypatch, capsys):
    listed = tmp_path / "equal.json"
    listed.write_text(json.dumps({"groups": [[code_hash(), "e" * 64]]}))
    monkeypatch.setattr("lcs.runs.numeric_core.EQUAL_CODE", listed)
    forged = altered(shift(1e-3, "train_loss", 0), **origin)
    if forged.provenance["instructions"] is None:
        del forged.provenance["instructions"]
    assert replay(forged, 1, "cpu").agrees == bool(reason)
    (line,) = capsys.readouterr().err.splitlines()
    said = f"equal bits are not demanded ({reason}" if reason else "equal bits are demanded"
    assert said in line


@pytest.fixture
def clone(tmp_path, monkeypatch):
    """Two commits of a clone of this package, of which the newer one does not run."""
    root, left = tmp_path / "clone", tmp_path / "left"
    left.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(left))
    ignored = shutil.ignore_patterns("__pycache__", "exhibits")
    shutil.copytree(PACKAGE, root / "lcs", ignore=ignored)
    monkeypatch.setattr("lcs.train.replay.PACKAGE", root / "lcs")
    for name in ("GIT_DIR", "GIT_INDEX_FILE"):
        monkeypatch.delenv(name, raising=False)

    def git(*words):
        command = ["git", "-C", root, "-c", "user.name=x", "-c", "user.email=x", *words]
        return subprocess.check_output(command, text=True).strip()

    def commit():
        git("add", ".")
        git("commit", "--quiet", "-m", "x")
        return git("rev-parse", "HEAD")

    git("init", "--quiet")
    older = commit()
    (root / "lcs" / "__init__.py").write_text("raise ImportError('of the newer')\n")
    yield older, commit()
    assert git("status", "--porcelain") == ""
    assert not [*left.iterdir()]


def test_a_replay_by_the_code_of_its_own_commit(record, clone, tmp_path, command, monkeypatch):
    store = RunStore(tmp_path / "own")
    source = store.import_record(record.path).config
    start = source.replace(start="network", source=source.file.rpartition("-s")[0], epochs=2)
    own = train(start, store=RunStore(tmp_path / "first", fallback=store), device="cpu")

    def said(commit, **origin):
        origin = own.provenance | {"commit": commit} | origin
        store.path(start).unlink(missing_ok=True)
        store.write(start, history=own.history, final=own.final, provenance=origin)
        return command("runs", "replay", own.run_id, "--at-commit", "--store", store.root)

    older, newer = clone
    with monkeypatch.context() as patch:
        patch.setenv("GIT_DIR", "elsewhere")  # as in a hook
        by_older = said(older)
        assert "equal bits are demanded" in by_older.err
        assert by_older.out.splitlines()[-1].endswith("equal to the last stored digit")
        assert "ImportError: of the newer" in said(newer).err
        for commit in ("0" * 40, None):
            said(commit).refused("git fetch --unshallow")


@pytest.mark.parametrize(
    ("change", "close"),
    [
        (shift(1e-7, "train_loss", 1), True),
        (shift(1 / 355, "test_accuracy", 1), True),
        (shift(-1, "nonzeros", "fc2", 1), True),
        (shift(1e-6, "norm", "fc2", 1), True),
        (shift(1e-6, "locality", "spread", "mean", final=True), True),
        (shift(0.1, "train_loss", 1), False),
        (shift(0.02, "train_loss", 0), False),
        (shift(-0.05, "test_accuracy", 1), False),
        (shift(-60, "nonzeros", "conv1", 1), False),
        (shift(20, "nonzeros", "fc1", 1), False),
        (shift(-0.1, "clean_train_accuracy", final=True), False),
    ],
)
def test_an_altered_record_is_different(change, close, altered):
    """Here nothing explains a difference; of another processor, a record has to be close."""
    forged = altered(change)
    outcome = replay(forged, 3, "cpu")
    assert not outcome.agrees
    assert "DIFFERENT" in outcome.text.splitlines()[-1]
    elsewhere = dataclasses.replace(forged, provenance=forged.provenance | ELSEWHERE)
    assert replay(elsewhere, 3, "cpu").agrees == close


def test_no_zeros_are_not_close_to_some(store, tmp_path):
    """What tells β = 0 from a small β, where accuracy and loss are close."""
    plain = next(run for run in store.records() if not run.config.beta)
    history = copy.deepcopy(plain.history)
    whole = history["nonzeros"]["conv1"][0]
    for zeros, agrees in ((1, True), (10, False)):
        history["nonzeros"]["conv1"][0] = whole - zeros
        origin = plain.provenance | ELSEWHERE
        forged = RunStore(tmp_path / str(zeros)).write(
            plain.config, history=history, final=plain.final, provenance=origin
        )
        assert replay(forged, 1, "cpu").agrees == agrees


def test_what_cannot_be_replayed(record, tmp_path):
    with pytest.raises(ConfigError, match="epochs: 0 is out of range; give 1 or more"):
        replay(record, 0, "cpu")
    toy = Record(tmp_path / "lasso-1234567890-s0.json", "toy", {}, {}, {}, None, {})
    with pytest.raises(ConfigError, match=f"{toy.run_id} is no training run"):
        replay(toy, 3, "cpu")
