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
from lcs.errors import CheckpointError, DiskError, Paused
from lcs.runs import RunStore, verify
from lcs.train import train
from lcs.train.checkpoint import Checkpoint
from lcs.train.loop import Run
from lcs.train.time_budget import TimeBudget

BASE = Config(dataset="digits", epochs=6, batch_size=128, dropout=0.5)
LASSO = BASE.replace(optimizer="beta-lasso", l1=2e-4, beta=50.0)
MOMENTUM = BASE.replace(momentum=0.9, augment="flip-crop")
SPRED = BASE.replace(optimizer="spred", l1=1e-4, momentum=0.9)
RIGL = MOMENTUM.replace(pruning="rigl", density=0.1)
REWINDING = MOMENTUM.replace(pruning="rewinding", density=0.1, period=3)
STATE = {"epoch": 0, "history": {}, "seconds": 2.3}


def history(epochs, config=LASSO):
    """What a run may have recorded after so many epochs."""
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


@pytest.fixture
def weights(monkeypatch):
    """The state of the last network that this process trained to its end."""
    kept = {}
    finish = Run.finish

    def keep(run, *arguments):
        kept.clear()
        kept.update({name: value.clone() for name, value in run.model.state_dict().items()})
        return finish(run, *arguments)

    monkeypatch.setattr(Run, "finish", keep)
    return kept


def interrupt(*_arguments, **_options):
    raise KeyboardInterrupt


def disk_full(*_arguments):
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


def test_no_checkpoint(tmp_path):
    assert Checkpoint(LASSO, tmp_path).load() is None
    assert Checkpoint(LASSO, tmp_path).epoch() == 0
    Checkpoint(LASSO, tmp_path).remove()


@pytest.mark.parametrize(
    "state",
    [
        {"epoch": 3, "history": history(2)},
        {"epoch": 2, "history": history(3)},
        {"epoch": 2, "history": history(2, BASE.replace(validation=True))},
        {"epoch": 2},
    ],
)
def test_a_state_that_the_run_cannot_have_is_refused(state, checkpoint, tensors):
    checkpoint.save(tensors, state)
    for read in (checkpoint.load, checkpoint.epoch):
        with pytest.raises(CheckpointError, match=f"run {LASSO.run_id}: .* is damaged .* delete"):
            read()


def test_a_run_does_not_go_on_from_another_runs_checkpoint(tmp_path):
    store, plain = RunStore(tmp_path), LASSO.replace(beta=0.0)
    thresholded = start_and_stop(LASSO, store, 2)
    copied = thresholded.path.rename(Checkpoint(plain, store.root).path)
    with pytest.raises(CheckpointError, match=f"another run, {LASSO.run_id}"):
        train(plain, store=store, device="cpu")
    assert not leftovers(store)
    copied.unlink()
    assert train(plain, store=store, device="cpu").provenance["resumes"] == 0


def test_where_it_stands(tmp_path, monkeypatch):
    monkeypatch.setenv("LCS_CHECKPOINTS", str(tmp_path / "here"))
    first = Checkpoint(LASSO, tmp_path / "runs")
    assert first.path.parent == tmp_path / "here"
    assert first.path.name.startswith(LASSO.run_id)
    monkeypatch.chdir(tmp_path)
    assert Checkpoint(LASSO, Path("runs")).path == first.path
    others = [Checkpoint(LASSO, tmp_path / "other"), Checkpoint(MOMENTUM, tmp_path / "runs")]
    assert first.path not in {other.path for other in others}


@pytest.mark.parametrize(
    "harm",
    [
        pytest.param(lambda data: data[:-1], id="truncated"),
        pytest.param(lambda data: b"", id="empty"),
        pytest.param(lambda data: data.replace(b"2.3", b"2.4"), id="an edited state"),
    ],
)
def test_a_damaged_file_is_refused_and_kept(checkpoint, harm, tmp_path):
    data = checkpoint.path.read_bytes()
    checkpoint.path.write_bytes(harm(data))
    assert checkpoint.path.read_bytes() != data
    with pytest.raises(CheckpointError, match=r"is damaged .* delete it to start the run"):
        checkpoint.load()
    with pytest.raises(CheckpointError, match=f"^run {LASSO.run_id}: checkpoint .* is damaged"):
        train(LASSO, store=RunStore(tmp_path / "runs"), device="cpu")
    assert checkpoint.path.read_bytes() == harm(data)


def test_what_cannot_be_read_is_not_called_damaged(checkpoint, monkeypatch):
    """It may be whole, so that no message advises to delete it."""

    def unreadable(path, *_):
        raise OSError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    monkeypatch.setattr(Path, "open", unreadable)
    with pytest.raises(CheckpointError, match=r"cannot be read \(Permission denied\); mend"):
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
    with pytest.raises(CheckpointError, match=r"cannot be written .*No space left.* room") as e:
        checkpoint.save({"model.other": torch.ones(2)}, {"epoch": 4})
    assert isinstance(e.value, DiskError)
    loaded, state = checkpoint.load()
    assert_equal(loaded, tensors)
    assert state == STATE
    files = [p for p in checkpoint.path.parent.iterdir() if checkpoint.path.stem in p.name]
    assert files == [checkpoint.path]


def test_only_one_holds_a_run(checkpoint, tmp_path):
    again, other = Checkpoint(LASSO, tmp_path / "runs"), Checkpoint(LASSO, tmp_path / "other")
    refused = pytest.raises(CheckpointError, match=f"^run {LASSO.run_id} is in progress in another")
    with checkpoint.locked(), other.locked(), refused, again.locked():
        pass
    with pytest.raises(KeyboardInterrupt), checkpoint.locked():
        interrupt()
    with checkpoint.locked():
        pass


@pytest.mark.parametrize("wait", [-1.0, 0.01])
def test_a_budget_that_ends_while_another_holds_a_run_is_a_pause(wait, checkpoint, tmp_path):
    again = Checkpoint(LASSO, tmp_path / "runs")
    paused = pytest.raises(Paused, match=f"^run {LASSO.run_id} is in progress .* budget is spent")
    with checkpoint.locked(), paused, again.locked(wait=wait):
        pass


def test_a_folder_that_cannot_be_written(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("LCS_CHECKPOINTS", str(tmp_path / "file"))
    with pytest.raises(DiskError, match=r"cannot be written .* set LCS_CHECKPOINTS") as e:
        train(LASSO, store=RunStore(tmp_path / "runs"), device="cpu")
    assert str(tmp_path / "file") in str(e.value)


# --- a run that goes on


@pytest.mark.parametrize(
    "config",
    [LASSO, MOMENTUM, SPRED, RIGL, REWINDING],
    ids=["beta-lasso", "momentum", "spred", "rigl", "rewinding"],
)
def test_a_run_goes_on_to_the_same_bits(config, tmp_path, weights, capsys):
    epochs = 4
    whole = train(config, store=RunStore(tmp_path / "whole"), device="cpu")
    expected = dict(weights)
    store = RunStore(tmp_path / "stopped")
    checkpoint = start_and_stop(config, store, epochs)
    assert not leftovers(store)
    torch.manual_seed(99)
    record = train(config, store=store, device="cpu")
    assert f"resumed at epoch {epochs}\n" in capsys.readouterr().err
    assert numbers(record) == numbers(whole)
    assert_equal(weights, expected)
    assert record.provenance["resumes"] == 1
    assert whole.provenance["resumes"] == 0
    assert record.provenance["seconds"] > 0
    assert not list(checkpoint.path.parent.glob(f"{checkpoint.path.stem}*"))


@pytest.mark.parametrize(
    ("owner", "name"),
    [(lcs.train.checkpoint, "replacing"), (Path, "replace"), (Run, "run_epoch")],
    ids=["before the write", "before the replacement", "after it"],
)
def test_interrupted_while_saving(owner, name, tmp_path, weights):
    """Three times one save succeeds, and the next is interrupted."""
    whole = train(MOMENTUM, store=RunStore(tmp_path / "whole"), device="cpu")
    expected = dict(weights)
    store = RunStore(tmp_path / "stopped")
    for _ in range(3):
        with pytest.MonkeyPatch.context() as patch:
            function, calls = getattr(owner, name), []

            def interrupted(*arguments, function=function, calls=calls, **options):
                calls.append(arguments)
                return (function if len(calls) == 1 else interrupt)(*arguments, **options)

            patch.setattr(owner, name, interrupted)
            with pytest.raises(KeyboardInterrupt):
                train(MOMENTUM, store=store, device="cpu", checkpoint_seconds=0)
    record = train(MOMENTUM, store=store, device="cpu", checkpoint_seconds=0)
    assert record.provenance["resumes"] == 3
    assert numbers(record) == numbers(whole)
    assert_equal(weights, expected)


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
    whole = train(LASSO, store=RunStore(tmp_path / "whole"), device="cpu", checkpoint_seconds=0)
    said = [f"run {LASSO.run_id} saved at epoch {epoch} of 6" for epoch in range(1, 6)]
    assert capsys.readouterr().err.splitlines() == said
    run_epoch = Run.run_epoch

    def slow(run, epoch, *, record):
        time[0] += 50
        run_epoch(run, epoch, record=record)

    monkeypatch.setattr(Run, "run_epoch", slow)
    monkeypatch.setattr(TimeBudget, "checkpoint_due", lambda budget: False)
    store = RunStore(tmp_path / "paused")
    for epoch in (2, 4):
        with pytest.raises(Paused, match=f"run {LASSO.run_id} paused at epoch {epoch} of 6"):
            train(LASSO, store=store, device="cpu", budget_minutes=2.5)
        assert not leftovers(store)
    record = train(LASSO, store=store, device="cpu", budget_minutes=2.5)
    assert numbers(record) == numbers(whole)
    assert record.provenance["seconds"] == 300
    resumed = [f"run {LASSO.run_id} resumed at epoch {epoch}" for epoch in (2, 4)]
    assert capsys.readouterr().err.splitlines() == resumed


def test_two_processes_with_one_run(tmp_path, command):
    """The second is refused in one line; the first is not disturbed."""
    arguments = ["--dataset", "digits", "--epochs", 6, "--store", tmp_path, "--device", "cpu"]
    config = Config(dataset="digits", epochs=6)
    with Checkpoint(config, tmp_path).locked():
        said = command("train", *arguments)
        said.refused(f"error: run {config.run_id} is in progress in another")
    assert command("train", *arguments).code == 0


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
    start_and_stop(MOMENTUM, store, 2)
    assert "before_resume" not in train(MOMENTUM, store=store, device="cpu").provenance


@pytest.mark.parametrize(
    ("config", "name", "harm"),
    [
        (MOMENTUM, "model.conv1.weight", None),
        (MOMENTUM, "optimizer.1.momentum_buffer", None),
        (MOMENTUM, "rng.cpu", None),
        (SPRED, "optimizer.0.velocities", None),
        (RIGL, "optimizer.0.mask", None),
        (LASSO, "optimizer.0.momentum_buffer", torch.ones(1)),
        (MOMENTUM, "optimizer.0.momentum_buffer", torch.ones(1)),
        (MOMENTUM, "rng.cpu", torch.ones(8, dtype=torch.uint8)),
        (MOMENTUM, "origin", None),
        (MOMENTUM, "resumes", None),
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


def _save_for_ever(config, root, log):
    """The same, but its first save never ends; the log is there when it has begun."""

    def never(_descriptor):
        Path(log).touch()
        time.sleep(1000)

    os.fsync = never
    train(config, store=RunStore(root), device="cpu", checkpoint_seconds=0)


def wait_for(happened, child):
    while not happened():
        assert child.is_alive(), "the run ended before it could be killed: give it more epochs"
        time.sleep(0.001)


def test_what_a_killed_run_was_saving_is_removed_by_any_other(tmp_path, forkserver):
    saving, store = tmp_path / "saving", RunStore(tmp_path)
    child = forkserver.Process(target=_save_for_ever, args=(MOMENTUM, tmp_path, saving))
    child.start()
    wait_for(saving.exists, child)
    folder, stem = (path := Checkpoint(MOMENTUM, tmp_path).path).parent, path.stem

    def left():
        return [each.name for each in folder.iterdir() if stem in each.name]

    train(LASSO, store=store, device="cpu")
    assert len(left()) == 2  # the lock, and what the child still writes
    child.kill()
    child.join()
    train(LASSO.replace(seed=1), store=store, device="cpu")
    assert left() == [f"{stem}.lock"]


# how many new checkpoints each process writes before it is killed; the first one writes none
LEGS = (0, 1, 2)


def test_killed_again_and_again(tmp_path, weights, forkserver):
    """SIGKILL in the middle of three processes; then the same numbers and weights to the bit."""
    config = MOMENTUM.replace(epochs=30, batch_size=32, lr=0.05)
    whole = train(config, store=RunStore(tmp_path / "whole"), device="cpu")
    expected = dict(weights)

    store, log = RunStore(tmp_path / "killed"), tmp_path / "log"
    checkpoint, moments = Checkpoint(config, store.root).path, random.Random(0)

    def saved():
        return checkpoint.stat().st_mtime_ns if checkpoint.exists() else 0

    for new in LEGS:
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

    record = train(config, store=store, device="cpu", checkpoint_seconds=0)
    assert numbers(record) == numbers(whole)
    assert_equal(weights, expected)
    assert record.provenance["resumes"] >= len(LEGS) - 1
    resumed = re.findall(r"resumed at epoch (\d+)$", log.read_text(), re.MULTILINE)
    assert len(resumed) >= len(LEGS) - 2
    assert sorted({int(epoch) for epoch in resumed}) == [int(epoch) for epoch in resumed]
    assert not list(checkpoint.parent.glob(f"{checkpoint.stem}*"))
