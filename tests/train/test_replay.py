"""Replays: a record that came from this code is confirmed, one that did not is found out."""

import copy
import dataclasses
import json
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
import torch

from lcs.config import Config
from lcs.errors import ConfigError
from lcs.runs import Record, RunStore
from lcs.runs.numeric_core import PACKAGE, code_hash
from lcs.train import train
from lcs.train.replay import VERSIONS, replay
from lcs.train.run import Run

ELSEWHERE = {"hardware": "another processor"}


@pytest.fixture
def altered(record, tmp_path):
    """Store the run anew with an altered history, properly signed, as a forger would."""

    def write(change, **origin):
        history, final = copy.deepcopy(record.history), copy.deepcopy(record.final)
        change(history, final)
        store = RunStore(tmp_path / "altered")
        return store.write(
            record.config, history=history, final=final, provenance=record.provenance | origin
        )

    return write


def shift(column, difference, epoch=1, layer=None):
    """Return a change of one number of the history."""

    def change(history, final):
        values = history[column][layer] if layer else history[column]
        values[epoch] += difference

    return change


def shift_final(difference, *keys):
    """Return a change of one final measure that is in no history."""

    def change(history, final):
        for key in keys[:-1]:
            final = final[key]
        final[keys[-1]] += difference

    return change


def test_a_record_is_confirmed_to_the_last_digit(record):
    outcome = replay(record, 2, "cpu")
    assert outcome.agrees
    *epochs, verdict = outcome.text.splitlines()
    assert "final measures" in replay(record, 3, "cpu").text
    assert verdict == f"run {record.run_id}: equal to the last stored digit"
    assert [line.partition(" (")[0] for line in epochs] == ["epoch 1", "epoch 2"]
    loss = f"{record.history['train_loss'][1]:g}"
    assert f"train_loss {loss} / {loss}" in epochs[1]
    assert "test_accuracy" in epochs[1]
    assert "conv1" in epochs[1]


def test_a_validation_run_is_confirmed(store):
    validated = next(record for record in store.records() if record.config.validation)
    outcome = replay(validated, 3, "cpu")
    assert outcome.agrees
    assert "validation_accuracy" in outcome.text
    assert "test_accuracy" not in outcome.text


@pytest.mark.parametrize("folder", ["/", "/downloads"])
def test_a_record_outside_any_store_is_confirmed(folder, record):
    lying = dataclasses.replace(record, path=Path(folder, record.path.name))
    assert replay(lying, 1, "cpu").agrees


def test_more_epochs_than_the_run_has(record, monkeypatch):
    trained, run_epoch = [], Run.run_epoch

    def count(run, epoch, *, record):
        trained.append(epoch)
        run_epoch(run, epoch, record=record)

    monkeypatch.setattr(Run, "run_epoch", count)
    assert replay(record, 99, "cpu").text.count("epoch ") == 3
    assert trained == [0, 1, 2]


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
    forged = altered(shift("train_loss", 1e-3, epoch=0), **origin)
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
        for commit in ("0" * 40, "--output=lcs/x", None):
            said(commit).refused("git fetch --unshallow")
        said(older, device="cuda", hardware="H200").refused("is of a GPU (H200)")


@pytest.mark.parametrize("epochs", [1, 60])
def test_a_long_run_replays_its_own_beginning(epochs, tmp_path):
    """The schedule is that of the whole run, whatever part of it is replayed."""
    config = Config(dataset="digits", epochs=epochs, batch_size=512)
    record = train(config, store=RunStore(tmp_path), device="cpu")
    outcome = replay(record, 2, "cpu")
    assert "equal to the last stored digit" in outcome.text


@pytest.mark.parametrize(
    "change",
    [
        shift("train_loss", 1e-7),
        shift("train_accuracy", 1e-7),
        shift("test_accuracy", 1 / 355),
        shift("nonzeros", -1, layer="fc2"),
        shift("norm", 1e-6, layer="fc2"),
    ],
)
def test_a_slightly_altered_record_of_this_machine_is_different(change, altered):
    """Code, versions, processor and threads are the record's: nothing explains a difference."""
    forged = altered(change)
    outcome = replay(forged, 3, "cpu")
    assert not outcome.agrees
    assert outcome.text.endswith(
        f"run {forged.run_id}: DIFFERENT: this code does not give this record"
    )
    assert replay(forged, 1, "cpu").agrees  # the altered epoch was not replayed


@pytest.mark.parametrize(
    "change",
    [
        shift_final(1e-7, "clean_train_accuracy"),
        shift_final(1e-6, "locality", "spread", "mean"),
        shift_final(1e-6, "pair_correlation", 0),
    ],
)
def test_final_measures_are_compared_at_the_end(change, altered):
    forged = altered(change)
    assert replay(forged, 2, "cpu").agrees
    outcome = replay(forged, 3, "cpu")
    assert not outcome.agrees
    assert "not equal" in outcome.text.splitlines()[-2]
    elsewhere = dataclasses.replace(forged, provenance=forged.provenance | ELSEWHERE)
    assert replay(elsewhere, 3, "cpu").agrees


def test_a_much_altered_final_measure_is_different_everywhere(altered):
    assert not replay(altered(shift_final(-0.1, "clean_train_accuracy"), **ELSEWHERE), 3).agrees


def test_another_machine_may_round_differently(altered):
    outcome = replay(altered(shift("train_loss", 1e-3), **ELSEWHERE), 3, "cpu")
    assert outcome.agrees
    assert "close, as other code" in outcome.text


@pytest.mark.parametrize(
    "change",
    [
        shift("train_loss", 0.1),
        shift("train_loss", -0.1),
        shift("train_loss", 0.02, epoch=0),
        shift("train_accuracy", 0.05),
        shift("test_accuracy", -0.05),
        shift("nonzeros", -60, layer="conv1"),
        shift("nonzeros", 20, layer="fc1"),
    ],
)
def test_a_much_altered_record_is_different_everywhere(change, altered):
    outcome = replay(altered(change, **ELSEWHERE), 3, "cpu")
    assert not outcome.agrees
    assert "DIFFERENT" in outcome.text


def test_no_zeros_are_not_close_to_some(store, tmp_path):
    """What tells β = 0 from a small β, where accuracy and loss are close."""
    plain = next(run for run in store.records() if not run.config.beta)
    history = copy.deepcopy(plain.history)
    whole = history["nonzeros"]["conv1"][0]
    for zeros, agrees in ((1, True), (10, False)):
        history["nonzeros"]["conv1"][0] = whole - zeros
        forged = RunStore(tmp_path / str(zeros)).write(
            plain.config, history=history, final=plain.final,
            provenance=plain.provenance | ELSEWHERE,
        )  # fmt: skip
        assert 0.03 * whole > 10
        assert replay(forged, 1, "cpu").agrees == agrees


def test_a_record_under_another_seed_is_different(record, tmp_path):
    forged = RunStore(tmp_path / "forged").write(
        record.config.replace(seed=5),
        history=record.history,
        final=record.final,
        provenance=record.provenance | ELSEWHERE,
    )
    assert not replay(forged, 3, "cpu").agrees


def test_a_replay_changes_nothing(record, store):
    before, rng = record.path.read_bytes(), torch.get_rng_state()
    files = sorted(store.root.rglob("*"))
    replay(record, 2, "cpu")
    assert record.path.read_bytes() == before
    assert sorted(store.root.rglob("*")) == files
    assert torch.equal(torch.get_rng_state(), rng)


def test_what_cannot_be_replayed(record, tmp_path):
    with pytest.raises(ConfigError, match="epochs: 0 is out of range; give 1 or more"):
        replay(record, 0, "cpu")
    with pytest.raises(ConfigError, match="unknown value 'tpu'"):
        replay(record, 1, "tpu")
    toy = Record(tmp_path / "lasso-1234567890-s0.json", "toy", {}, {}, {}, None, {})
    with pytest.raises(ConfigError, match=f"{toy.run_id} is no training run"):
        replay(toy, 3, "cpu")


def test_the_command(record, store, altered, command):
    said = command("runs", "replay", record.run_id, "--epochs", 3, "--store", store.root)
    assert said.code == 0
    assert said.err == f"run {record.run_id}: equal bits are demanded\n"
    assert said.out.splitlines()[-1].endswith("equal to the last stored digit")
    forged = altered(shift("test_accuracy", 0.1))
    root = forged.path.parents[1]
    said = command("runs", "replay", forged.run_id[:6], "--epochs", 3, "--store", root)
    assert said.code == 1
    assert "DIFFERENT" in said.out.splitlines()[-1]
    assert command("runs", "verify", "--store", root).code == 0  # only a replay finds it
    command("runs", "replay", "ffff", "--store", root).refused("no run in")
