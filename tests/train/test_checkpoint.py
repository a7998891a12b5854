"""Checkpoints: a run that is stopped at any moment ends as if it had never been stopped."""

import errno
import os
import random
import re
import signal
import sys
import time
from pathlib import Path

import pytest
import torch
from helpers.finished_results import assert_equal, numbers, results
from safetensors import safe_open

import lcs.runs.provenance
import lcs.train.checkpoint
from lcs.config import Config
from lcs.errors import CheckpointError, DiskError, InProgress, Paused
from lcs.runs import RunStore, verify
from lcs.train import train
from lcs.train.checkpoint import Checkpoint
from lcs.train.loop import Run

BASE = Config(dataset="digits", epochs=6, batch_size=128, dropout=0.5)
LASSO = BASE.replace(optimizer="beta-lasso", l1=2e-4, beta=50.0)
MOMENTUM = BASE.replace(momentum=0.9, augment="flip-crop")
SPRED = BASE.replace(optimizer="spred", l1=1e-4, momentum=0.9)
RIGL = MOMENTUM.replace(pruning="rigl", density=0.1)
REWINDING = MOMENTUM.replace(pruning="rewinding", density=0.1, period=3)
STATE = {"epoch": 0, "history": {}, "seconds": 2.3}


def history(epochs, config=LASSO):
    return results(config.replace(epochs=epochs))["history"]


@pytest.fixture
def tensors():
    generator = torch.Generator().manual_seed(0)
    return {
        "model.fc.weight": torch.randn(7, 5, generator=generator),
        "model.bn.num_batches_tracked": torch.tensor(12),
        "optimizer.0.momentum_buffer": torch.randn(3, 4, generator=generator).t(),
        "model.half": torch.randn(3, generator=generator).bfloat16(),
        "rng.cpu": torch.get_rng_state(),
    }


@pytest.fixture
def checkpoint(tmp_path, tensors):
    """A checkpoint that stands on the disk."""
    found = Checkpoint(LASSO, tmp_path / "runs")
    found.path.parent.mkdir(parents=True, exist_ok=True)
    found.save(tensors, STATE)
    return found


def trained(config, folder):
    """Train a run to its end; return its record and the state of its network."""
    kept, finish = {}, Run.finish

    def keep(run, *arguments):
        kept.update({name: value.clone() for name, value in run.model.state_dict().items()})
        return finish(run, *arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Run, "finish", keep)
        return train(config, store=RunStore(folder), device="cpu", checkpoint_seconds=0), kept


def ended_as_if_never_stopped(config, folder):
    """Train both to the end and compare them to the bit; return the record of the stopped one."""
    record, weights = trained(config, folder / "stopped")
    whole, expected = trained(config, folder / "whole")
    assert numbers(record) == numbers(whole)
    assert_equal(weights, expected)
    return record


def interrupt(*_arguments, **_options):
    raise KeyboardInterrupt


def disk_full(*_arguments, **_options):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def leftovers(store):
    return sorted(path for path in store.root.rglob("*") if path.is_file())


def start_and_stop(config, store, epochs):
    """Train so many epochs, then stop as if interrupted, with a checkpoint of the last of them."""
    with pytest.MonkeyPatch.context() as patch:
        run_epoch = Run.run_epoch

        def stopping(run, epoch, *, record):
            if epoch == epochs:
                raise KeyboardInterrupt
            run_epoch(run, epoch, record=record)

        patch.setattr(Run, "run_epoch", stopping)
        with pytest.raises(KeyboardInterrupt):
            train(config, store=store, device="cpu", checkpoint_seconds=0)
    return Checkpoint(config, store.root)


# --- the file


def test_what_is_saved_is_loaded(checkpoint, tensors):
    none = Checkpoint(MOMENTUM, checkpoint.path.parent)
    assert (none.load(), none.epoch()) == (None, 0)
    none.remove()
    loaded, state = checkpoint.load()
    assert_equal(loaded, tensors)
    assert state == STATE
    with safe_open(checkpoint.path, framework="pt") as file:  # never a pickle
        assert set(file.metadata()) == {"config", "state", "crc32"}
    later = {"epoch": 4, "history": history(4)}
    checkpoint.save({"model.other": torch.ones(2)}, later)
    assert checkpoint.load()[1] == later
    assert checkpoint.epoch() == 4
    assert list(checkpoint.load()[0]) == ["model.other"]


@pytest.mark.parametrize(
    "state",
    [
        {"epoch": 3, "history": history(2)},
        {"epoch": 2, "history": history(3)},
        {"epoch": 2, "history": history(2, BASE.replace(validation=True))},
        {"epoch": 2},
    ],
)
def test_a_state_that_the_run_cannot_have_is_refused(state, checkpoint):
    checkpoint.save({}, state)
    for read in (checkpoint.load, checkpoint.epoch):
        with pytest.raises(CheckpointError, match=f"run {LASSO.run_id}: .* is damaged .* delete"):
            read()


def test_a_run_does_not_go_on_from_another_runs_checkpoint(checkpoint, tmp_path):
    plain, store = LASSO.replace(beta=0.0), RunStore(tmp_path / "runs")
    checkpoint.path.rename(Checkpoint(plain, store.root).path)
    with pytest.raises(CheckpointError, match=f"another run, {LASSO.run_id}"):
        train(plain, store=store, device="cpu")
    assert not leftovers(store)


def test_where_it_stands(tmp_path, monkeypatch):
    monkeypatch.setenv("LCS_CHECKPOINTS", str(tmp_path / "here"))
    monkeypatch.chdir(tmp_path)
    places = [(LASSO, "runs"), (LASSO, "other"), (MOMENTUM, "runs")]
    found = [Checkpoint(config, tmp_path / store).path for config, store in places]
    assert len({*found}) == 3
    assert {path.parent for path in found} == {tmp_path / "here"}
    assert Checkpoint(LASSO, Path("runs")).path == found[0]


@pytest.mark.parametrize("end", [0, -1], ids=["empty", "truncated"])
def test_a_damaged_file_is_refused_and_kept(checkpoint, end, tmp_path):
    damaged = checkpoint.path.read_bytes()[:end]
    checkpoint.path.write_bytes(damaged)
    match = f"^run {LASSO.run_id}: checkpoint .* is damaged .* delete it to start the run"
    with pytest.raises(CheckpointError, match=match):
        train(LASSO, store=RunStore(tmp_path / "runs"), device="cpu")
    assert checkpoint.path.read_bytes() == damaged


def test_what_cannot_be_read_may_be_whole(checkpoint, monkeypatch):
    monkeypatch.setattr(lcs.train.checkpoint, "safe_open", disk_full)
    with pytest.raises(CheckpointError, match="cannot be read"):
        checkpoint.epoch()


def test_every_flipped_bit_is_found(checkpoint):
    data = checkpoint.path.read_bytes()
    places = random.Random(0)
    for place in places.sample(range(len(data)), 200):
        flipped = bytearray(data)
        flipped[place] ^= 1 << places.randrange(8)
        checkpoint.path.write_bytes(flipped)
        with pytest.raises(CheckpointError):
            checkpoint.load()


@pytest.mark.parametrize(("owner", "name"), [(os, "fsync"), (Path, "replace")])
def test_a_full_disk_leaves_the_checkpoint_before(checkpoint, tensors, owner, name, monkeypatch):
    monkeypatch.setattr(owner, name, disk_full)
    with pytest.raises(DiskError, match=r"cannot be written .*No space left.* room"):
        checkpoint.save({"model.other": torch.ones(2)}, {"epoch": 4})
    loaded, state = checkpoint.load()
    assert_equal(loaded, tensors)
    assert state == STATE
    files = [p for p in checkpoint.path.parent.iterdir() if checkpoint.path.stem in p.name]
    assert files == [checkpoint.path]


@pytest.mark.parametrize(
    ("wait", "error", "reason"),
    [(None, InProgress, "wait for it"), (-1.0, Paused, "budget"), (0.01, Paused, "budget")],
)
def test_only_one_holds_a_run(wait, error, reason, checkpoint, tmp_path):
    again, other = Checkpoint(LASSO, tmp_path / "runs"), Checkpoint(LASSO, tmp_path / "other")
    refused = pytest.raises(error, match=f"^run {LASSO.run_id} is in progress in .*{reason}")
    with checkpoint.locked(), other.locked(), refused, again.locked(wait=wait):
        pass
    with pytest.raises(KeyboardInterrupt), checkpoint.locked():
        interrupt()
    with checkpoint.locked():
        pass


def test_a_folder_that_cannot_be_written(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("LCS_CHECKPOINTS", str(tmp_path / "file"))
    with pytest.raises(DiskError, match=r"file/.* cannot be written .* set LCS_CHECKPOINTS"):
        train(LASSO, store=RunStore(tmp_path / "runs"), device="cpu")


# --- a run that goes on


@pytest.mark.parametrize("config", [LASSO, MOMENTUM, SPRED, RIGL, REWINDING], ids=lambda c: c.name)
def test_a_run_goes_on_to_the_same_bits(config, tmp_path, capsys):
    store = RunStore(tmp_path / "stopped")
    checkpoint = start_and_stop(config, store, 4)
    assert not leftovers(store)
    torch.manual_seed(99)
    record = ended_as_if_never_stopped(config, tmp_path)
    assert "resumed at epoch 4\n" in capsys.readouterr().err
    assert record.provenance["resumes"] == 1
    assert "before_resume" not in record.provenance
    assert not list(checkpoint.path.parent.glob(f"{checkpoint.path.stem}*"))


@pytest.mark.parametrize(
    ("owner", "name"),
    [(lcs.train.checkpoint, "replacing"), (Path, "replace"), (Run, "run_epoch")],
    ids=["before the write", "before the replacement", "after it"],
)
def test_interrupted_while_saving(owner, name, tmp_path):
    """Three times one save succeeds, and the next is interrupted."""
    for _ in range(3):
        with pytest.MonkeyPatch.context() as patch:
            function, calls = getattr(owner, name), []

            def interrupted(*arguments, function=function, calls=calls, **options):
                calls.append(arguments)
                return (function if len(calls) == 1 else interrupt)(*arguments, **options)

            patch.setattr(owner, name, interrupted)
            with pytest.raises(KeyboardInterrupt):
                trained(MOMENTUM, tmp_path / "stopped")
    assert ended_as_if_never_stopped(MOMENTUM, tmp_path).provenance["resumes"] == 3


def test_interrupted_between_the_record_and_the_end_of_the_checkpoint(tmp_path, monkeypatch):
    store = RunStore(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(Checkpoint, "remove", interrupt)
        with pytest.raises(KeyboardInterrupt):
            train(LASSO, store=store, device="cpu", checkpoint_seconds=0)
    assert Checkpoint(LASSO, store.root).load()[1]["epoch"] == 5
    monkeypatch.setattr(Run, "start", None)
    record = train(LASSO, store=store, device="cpu")
    assert not Checkpoint(LASSO, store.root).path.exists()
    assert leftovers(store) == [record.path, record.path.with_suffix(".safetensors")]
    assert not verify(store)


def test_a_record_of_the_fallback_leaves_a_checkpoint_alone(tmp_path, record):
    """Another process may train the same run for this folder, without the fallback."""
    store = RunStore(tmp_path, fallback=RunStore(record.path.parents[1]))
    checkpoint = Checkpoint(record.config, store.root)
    with checkpoint.locked():
        checkpoint.path.write_bytes(b"of another process")
        assert train(record.config, store=store, device="cpu").path == record.path
        assert checkpoint.path.exists()
        assert checkpoint.path.with_suffix(".lock").exists()


def test_a_run_out_of_time_pauses_and_goes_on(tmp_path, capsys, time, monkeypatch):
    """Each epoch takes 50 s, and each call has time for two: the record has the time of all."""
    run_epoch = Run.run_epoch

    def slow(run, epoch, *, record):
        time[0] += 50
        run_epoch(run, epoch, record=record)

    monkeypatch.setattr(Run, "run_epoch", slow)
    store = RunStore(tmp_path / "stopped")
    for epoch in (2, 4):
        with pytest.raises(Paused, match=f"run {LASSO.run_id} paused at epoch {epoch} of 6"):
            train(LASSO, store=store, device="cpu", budget_minutes=2.5, checkpoint_seconds=999)
        assert not leftovers(store)
    assert ended_as_if_never_stopped(LASSO, tmp_path).provenance["seconds"] == 300
    said = [("resumed", 2), ("resumed", 4), ("saved", 5), *(("saved", n) for n in range(1, 6))]
    lines = [line.split() for line in capsys.readouterr().err.splitlines()]
    assert [(words[2], int(words[5])) for words in lines] == said


def test_a_checkpoint_of_other_code_goes_on_and_is_noted(tmp_path, monkeypatch):
    """The note lasts, also when the run is stopped once more."""
    store = RunStore(tmp_path / "runs")
    with monkeypatch.context() as patch:
        patch.setattr(lcs.runs.provenance, "code_hash", lambda: "of another lcs")
        start_and_stop(LASSO, store, 2)
    start_and_stop(LASSO, store, 4)
    record = train(LASSO, store=store, device="cpu")
    assert record.provenance["before_resume"] == [{"code": "of another lcs"}]
    assert record.provenance["resumes"] == 2


@pytest.mark.parametrize(
    ("config", "name", "harm"),
    [
        (MOMENTUM, "model.conv1.weight", None),
        (SPRED, "optimizer.0.velocities", None),
        (RIGL, "optimizer.0.mask", None),
        (LASSO, "optimizer.0.momentum_buffer", torch.ones(1)),
        (MOMENTUM, "optimizer.0.momentum_buffer", torch.ones(1)),
        (MOMENTUM, "rng.cpu", torch.ones(8, dtype=torch.uint8)),
        (MOMENTUM, "origin", None),
    ],
)
def test_a_checkpoint_of_other_code_that_does_not_fit_is_refused(config, name, harm, tmp_path):
    """Its checksum is right; something is missing, unknown or of another shape."""
    store = RunStore(tmp_path)
    checkpoint = start_and_stop(config, store, 1)
    tensors, state = checkpoint.load()
    part = state if name in state else tensors
    part.pop(name, None)
    if harm is not None:
        part[name] = harm
    checkpoint.save(tensors, state)
    with pytest.raises(CheckpointError, match=r"does not fit this .* delete it"):
        train(config, store=store, device="cpu")


# --- kill -9


def _train(config, root, log):
    """What a child process does: it trains, and saves every epoch."""
    sys.stderr = Path(log).open("a")  # noqa: SIM115
    train(config, store=RunStore(root), device="cpu", checkpoint_seconds=0)


def wait_for(happened, child):
    while not happened():
        assert child.is_alive(), "the run ended before it could be killed: give it more epochs"
        time.sleep(0.001)


def test_killed_again_and_again(tmp_path, forkserver):
    """SIGKILL in the middle of three processes; then the same numbers and weights to the bit."""
    config = MOMENTUM.replace(epochs=30, batch_size=32, lr=0.05)
    store, log = RunStore(tmp_path / "stopped"), tmp_path / "log"
    checkpoint, moments = Checkpoint(config, store.root).path, random.Random(0)

    def saved():
        return checkpoint.stat().st_mtime_ns if checkpoint.exists() else 0

    for new in (0, 1, 2):  # checkpoints that each process writes before it is killed
        child = forkserver.Process(target=_train, args=(config, store.root, log))
        child.start()
        wait_for(checkpoint.with_suffix(".lock").exists, child)
        for _ in range(new):
            last = saved()
            wait_for(lambda last=last: saved() > last, child)
        time.sleep(0.04 * moments.random())  # about one epoch
        child.kill()
        child.join()
        assert child.exitcode == -signal.SIGKILL
        assert not leftovers(store)

    assert ended_as_if_never_stopped(config, tmp_path).provenance["resumes"] >= 2
    resumed = [int(n) for n in re.findall(r"resumed at epoch (\d+)$", log.read_text(), re.M)]
    assert resumed == sorted({*resumed}) != []
    assert not list(checkpoint.parent.glob(f"{checkpoint.stem}*"))
