"""Checkpoints: a run that is stopped at any moment ends as if it had never been stopped."""

import dataclasses
import errno
import fcntl
import functools
import json
import math
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
from safetensors.torch import save_file

import lcs.runs.provenance
import lcs.train.checkpoint
from lcs.config import Config
from lcs.errors import CheckpointError, DiskError, Paused, RecordError
from lcs.runs import RunStore, verify
from lcs.train import train
from lcs.train.checkpoint import Checkpoint
from lcs.train.clock import Clock
from lcs.train.run import Run

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
    later = {"epoch": 4, "history": history(4)}
    checkpoint.save({"model.other": torch.ones(2)}, later)
    assert checkpoint.load()[1] == later
    assert checkpoint.epoch() == 4
    assert list(checkpoint.load()[0]) == ["model.other"]


def test_it_is_safetensors_with_json_and_no_pickle(checkpoint):
    with safe_open(checkpoint.path, framework="pt") as file:
        assert set(file.metadata()) == {"config", "state", "crc32"}
        assert "rng.cpu" in file.keys()  # noqa: SIM118


def test_no_checkpoint(tmp_path):
    assert Checkpoint(LASSO, tmp_path).load() is None
    assert Checkpoint(LASSO, tmp_path).epoch() == 0
    Checkpoint(LASSO, tmp_path).remove()


@pytest.mark.parametrize(
    "state",
    [
        {"epoch": 7, "history": history(6)},
        {"epoch": -1, "history": {}},
        {"epoch": 2.0, "history": history(2)},
        {"epoch": True, "history": history(1)},
        {"epoch": "2", "history": history(2)},
        {"epoch": 3, "history": history(2)},
        {"epoch": 2, "history": history(3)},
        {"epoch": 2, "history": {}},
        {"epoch": 2, "history": history(2, BASE.replace(model="3-fc"))},
        {"epoch": 2, "history": history(2, BASE.replace(validation=True))},
        {"epoch": 2, "history": []},
        {"epoch": 2},
        {},
        [],
    ],
)
def test_a_state_that_the_run_cannot_have_is_refused(state, checkpoint, tensors):
    checkpoint.save(tensors, state)
    for read in (checkpoint.load, checkpoint.epoch):
        with pytest.raises(CheckpointError, match=f"run {LASSO.run_id}: .* is damaged .* delete"):
            read()


@pytest.mark.parametrize("owner", [LASSO.replace(beta=0.0), LASSO.replace(seed=1), MOMENTUM])
def test_a_checkpoint_of_another_run_is_refused(owner, checkpoint, tensors, tmp_path):
    """Copied to this run's place, it would be resumed under this run's configuration."""
    other = Checkpoint(owner, tmp_path / "runs")
    other.save(tensors, STATE)
    other.path.replace(checkpoint.path)
    for read in (checkpoint.load, checkpoint.epoch):
        with pytest.raises(CheckpointError, match=r"of another run, .*; delete it to start") as e:
            read()
        assert owner.run_id in str(e.value)
        assert f"run {LASSO.run_id}: " in str(e.value)


def test_a_run_does_not_go_on_from_another_runs_checkpoint(tmp_path):
    store, plain = RunStore(tmp_path), LASSO.replace(beta=0.0)
    thresholded = start_and_stop(LASSO, store, 2)
    copied = thresholded.path.rename(Checkpoint(plain, store.root).path)
    with pytest.raises(CheckpointError, match=f"another run, {LASSO.run_id}"):
        train(plain, store=store, device="cpu")
    assert not leftovers(store)
    copied.unlink()
    assert train(plain, store=store, device="cpu").provenance["resumes"] == 0


def test_a_checkpoint_that_does_not_say_whose_it_is_is_refused(checkpoint):
    save_file(
        {"weight": torch.ones(2)}, checkpoint.path, {"state": json.dumps(STATE), "crc32": "0"}
    )
    with pytest.raises(CheckpointError, match=r"is damaged .*; delete it to start the run"):
        checkpoint.load()


def test_what_cannot_be_deleted_is_named(checkpoint):
    checkpoint.path.unlink()
    checkpoint.path.mkdir()
    with pytest.raises(
        CheckpointError, match=rf"^{re.escape(str(checkpoint.path))}: cannot be del"
    ):
        checkpoint.remove()


def test_where_it_stands(tmp_path, monkeypatch):
    monkeypatch.setenv("LCS_CHECKPOINTS", str(tmp_path / "here"))
    first = Checkpoint(LASSO, tmp_path / "runs")
    assert first.path.parent == tmp_path / "here"
    assert first.path.name.startswith(LASSO.run_id)
    monkeypatch.chdir(tmp_path)
    assert Checkpoint(LASSO, Path("runs")).path == first.path
    others = [Checkpoint(LASSO, tmp_path / "other"), Checkpoint(MOMENTUM, tmp_path / "runs")]
    assert first.path not in {other.path for other in others}
    monkeypatch.delenv("LCS_CHECKPOINTS")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert Checkpoint(LASSO, tmp_path).path.parent == tmp_path / "home/.cache/lcs/checkpoints"
    monkeypatch.setenv("LCS_CHECKPOINTS", "~/there")
    assert Checkpoint(LASSO, tmp_path).path.parent == tmp_path / "home/there"


@pytest.mark.parametrize(
    "harm",
    [
        pytest.param(lambda data: data[:-1], id="truncated"),
        pytest.param(lambda data: data[: len(data) // 3], id="a third"),
        pytest.param(lambda data: b"", id="empty"),
        pytest.param(lambda data: b"\0" * len(data), id="zeros"),
        pytest.param(lambda data: b"not a checkpoint", id="text"),
        pytest.param(lambda data: data.replace(b"crc32", b"crc64"), id="no checksum"),
        pytest.param(lambda data: data.replace(b"2.3", b"2.4"), id="an edited state"),
        pytest.param(lambda data: data.replace(b"optimizer.0", b"optimizer.1"), id="another name"),
    ],
)
def test_a_damaged_file_is_refused_and_kept(checkpoint, harm):
    data = checkpoint.path.read_bytes()
    checkpoint.path.write_bytes(harm(data))
    assert checkpoint.path.read_bytes() != data
    with pytest.raises(CheckpointError, match=r"is damaged .* delete it to start the run") as e:
        checkpoint.load()
    assert str(checkpoint.path) in str(e.value)
    assert LASSO.run_id in str(e.value)
    assert "\n" not in str(e.value)
    assert checkpoint.path.read_bytes() == harm(data)


@pytest.mark.parametrize("code", [errno.EACCES, errno.ESTALE])
def test_what_cannot_be_read_is_not_called_damaged(code, checkpoint, monkeypatch):
    """It may be whole, so that no message advises to delete it."""

    def unreadable(path, _mode):
        raise OSError(code, os.strerror(code), str(path))

    monkeypatch.setattr(Path, "open", unreadable)
    for read in (checkpoint.load, checkpoint.epoch):
        with pytest.raises(CheckpointError, match=f"^run {LASSO.run_id}: .* cannot be read") as e:
            read()
        assert os.strerror(code) in str(e.value)
        assert "delete" not in str(e.value)


def test_every_flipped_bit_is_found(checkpoint):
    data = checkpoint.path.read_bytes()
    places = random.Random(0)
    for place in places.sample(range(len(data)), 400):
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
    assert LASSO.run_id in str(e.value)
    assert "\n" not in str(e.value)
    loaded, state = checkpoint.load()
    assert_equal(loaded, tensors)
    assert state == STATE
    files = [p for p in checkpoint.path.parent.iterdir() if checkpoint.path.stem in p.name]
    assert files == [checkpoint.path]


def test_only_a_full_disk_needs_room(checkpoint, tensors, monkeypatch):
    def read_only(*_arguments, **_options):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(Path, "open", read_only)
    with pytest.raises(DiskError, match=r"cannot be written .*; mend that and run") as e:
        checkpoint.save(tensors, STATE)
    assert "make room" not in str(e.value)


def test_only_one_holds_a_run(checkpoint, tmp_path):
    again, other = Checkpoint(LASSO, tmp_path / "runs"), Checkpoint(LASSO, tmp_path / "other")
    refused = pytest.raises(CheckpointError, match=f"^run {LASSO.run_id} is in progress in another")
    with checkpoint.locked(), other.locked(), refused, again.locked():
        pass
    with pytest.raises(KeyboardInterrupt), checkpoint.locked():
        interrupt()
    with checkpoint.locked():
        pass


@pytest.mark.parametrize("wait", [0.0, -1.0, 0.01])
def test_a_budget_that_ends_while_another_holds_a_run_is_a_pause(wait, checkpoint, tmp_path):
    again = Checkpoint(LASSO, tmp_path / "runs")
    paused = pytest.raises(Paused, match=f"^run {LASSO.run_id} is in progress .* budget is spent")
    with checkpoint.locked(), paused, again.locked(wait=wait):
        pass


@pytest.mark.parametrize("code", [errno.ENOLCK, errno.ENOSYS])
def test_a_folder_without_locks(code, checkpoint, monkeypatch):
    def no_locks(file, operation):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(fcntl, "flock", no_locks)
    with pytest.raises(DiskError, match=r"locked \(.* local disk"), checkpoint.locked():
        pass


def test_what_another_process_removes_meanwhile_has_not_to_be_removed(tmp_path, monkeypatch):
    """The lock disappears between the look for it and its removal."""
    checkpoint = Checkpoint(LASSO, tmp_path)
    monkeypatch.setattr(os.path, "lexists", lambda path: True)
    checkpoint.remove()
    assert not checkpoint.path.exists()


@pytest.mark.parametrize("kind", ["missing", "a file", "read-only"])
def test_where_nothing_is_there_nothing_has_to_be_removed(kind, record, store, monkeypatch):
    """A finished run needs no folder of checkpoints, nor one that can be written."""
    folder = store.root / "checkpoints"
    if kind == "a file":
        folder.touch()
    elif kind == "read-only":

        def read_only(path, **_options):  # what such a disk says of any name
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))

        folder.mkdir()
        monkeypatch.setattr(os, "unlink", read_only)
    monkeypatch.setenv("LCS_CHECKPOINTS", str(folder))
    assert train(record.config, store=store, device="cpu") == record
    assert folder.exists() == (kind != "missing")


@pytest.mark.parametrize("other", [torch.int32, torch.uint8])
def test_the_checksum_covers_types_and_shapes(other):
    tensors = {"weight": torch.arange(4.0)}
    seen_as = tensors["weight"].view(other)
    crc = lcs.train.checkpoint._crc
    assert crc(tensors, {}) != crc({"weight": seen_as}, {})
    assert crc(tensors, {}) != crc({"weight": tensors["weight"].view(2, 2)}, {})


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
@pytest.mark.parametrize("epochs", [1, 3, 5])
def test_a_run_goes_on_to_the_same_bits(config, epochs, tmp_path, weights, capsys):
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


def interrupted_after(function, calls):
    """The function, which is interrupted when it has been called so many times."""
    left = [calls]

    def limited(*arguments, **options):
        if not left[0]:
            raise KeyboardInterrupt
        left[0] -= 1
        return function(*arguments, **options)

    return limited


def test_the_times_of_all_parts_add_up(tmp_path, monkeypatch):
    """Each of six epochs in three processes takes 50 s."""
    monkeypatch.setattr(Clock, "took_epoch", lambda clock, began: 50.0)
    store = RunStore(tmp_path)
    for epochs in (2, 4):
        start_and_stop(LASSO, store, epochs)
    assert train(LASSO, store=store, device="cpu").provenance["seconds"] == 300


@pytest.mark.parametrize(
    ("owner", "name"),
    [(lcs.train.checkpoint, "replacing"), (os, "fsync"), (Path, "replace"), (Run, "run_epoch")],
    ids=["before the write", "before fsync", "before the replacement", "after it"],
)
def test_interrupted_while_saving(owner, name, tmp_path, weights):
    """Three times one save succeeds, and the next is interrupted."""
    whole = train(MOMENTUM, store=RunStore(tmp_path / "whole"), device="cpu")
    expected = dict(weights)
    store = RunStore(tmp_path / "stopped")
    for _ in range(3):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(owner, name, interrupted_after(getattr(owner, name), 1))
            with pytest.raises(KeyboardInterrupt):
                train(MOMENTUM, store=store, device="cpu", checkpoint_seconds=0)
    record = train(MOMENTUM, store=store, device="cpu", checkpoint_seconds=0)
    assert record.provenance["resumes"] == 3
    assert numbers(record) == numbers(whole)
    assert_equal(weights, expected)


def test_interrupted_before_the_record_is_written(tmp_path, monkeypatch):
    whole = train(LASSO, store=RunStore(tmp_path / "whole"), device="cpu")
    store = RunStore(tmp_path / "stopped")
    with monkeypatch.context() as patch:
        patch.setattr(RunStore, "write", interrupt)
        with pytest.raises(KeyboardInterrupt):
            train(LASSO, store=store, device="cpu", checkpoint_seconds=0)
    record = train(LASSO, store=store, device="cpu")
    assert record.provenance["resumes"] == 1
    assert numbers(record) == numbers(whole)


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


def test_a_run_out_of_time_pauses_and_goes_on(tmp_path, capsys, monkeypatch):
    whole = train(LASSO, store=RunStore(tmp_path / "whole"), device="cpu")
    store = RunStore(tmp_path / "paused")
    monkeypatch.setattr(Clock, "over", lambda clock: bool(clock.recent))
    for epoch in range(1, 6):
        with pytest.raises(Paused, match=f"run {LASSO.run_id} paused at epoch {epoch} of 6"):
            train(LASSO, store=store, device="cpu", budget_minutes=1)
        assert not leftovers(store)
    record = train(LASSO, store=store, device="cpu", budget_minutes=1)
    assert numbers(record) == numbers(whole)
    resumed = [f"run {LASSO.run_id} resumed at epoch {epoch}" for epoch in range(1, 6)]
    assert capsys.readouterr().err.splitlines() == resumed


def test_a_log_tells_how_far_a_run_is(tmp_path, capsys):
    train(LASSO, store=RunStore(tmp_path), device="cpu", checkpoint_seconds=0)
    said = [f"run {LASSO.run_id} saved at epoch {epoch} of 6" for epoch in range(1, 6)]
    assert capsys.readouterr().err.splitlines() == said


@pytest.mark.parametrize(
    "harm", [lambda data: data[:-9], lambda data: data[:-9] + b"\1" + data[-8:]]
)
def test_a_damaged_checkpoint_stops_the_run_and_nothing_is_lost(harm, tmp_path):
    store = RunStore(tmp_path)
    checkpoint = start_and_stop(LASSO, store, 2)
    data = checkpoint.path.read_bytes()
    checkpoint.path.write_bytes(harm(data))
    with pytest.raises(CheckpointError, match=f"^run {LASSO.run_id}: checkpoint .* is damaged"):
        train(LASSO, store=store, device="cpu")
    assert checkpoint.path.read_bytes() == harm(data)
    assert not leftovers(store)
    checkpoint.path.write_bytes(data)
    assert train(LASSO, store=store, device="cpu").provenance["resumes"] == 1


def test_a_full_disk_at_a_checkpoint(tmp_path, monkeypatch):
    store = RunStore(tmp_path)
    checkpoint = start_and_stop(LASSO, store, 2)
    before = checkpoint.path.read_bytes()
    monkeypatch.setattr(os, "fsync", disk_full)
    with pytest.raises(CheckpointError, match="No space left on device"):
        train(LASSO, store=store, device="cpu", checkpoint_seconds=0)
    assert checkpoint.path.read_bytes() == before


def test_a_full_disk_at_the_record(tmp_path, monkeypatch):
    whole = train(LASSO, store=RunStore(tmp_path / "whole"), device="cpu")
    store = RunStore(tmp_path / "full")
    checkpoint = start_and_stop(LASSO, store, 2)
    before = checkpoint.path.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", disk_full)
        with pytest.raises(RecordError, match=r"cannot be written \(No space left .* make room"):
            train(LASSO, store=store, device="cpu", checkpoint_seconds=1e9)
    assert checkpoint.path.read_bytes() == before
    assert not leftovers(store)
    record = train(LASSO, store=store, device="cpu")
    assert numbers(record) == numbers(whole)


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


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A function that returns what the checkpoint of a run holds after three epochs."""

    @functools.cache
    def after_three(config):
        return start_and_stop(config, RunStore(tmp_path_factory.mktemp("saved")), 3).load()

    return after_three


def drop(*words):
    """Return a change that drops the tensors in whose names all these words are."""

    def change(tensors, state):
        for name in [name for name in tensors if all(word in name for word in words)]:
            del tensors[name]

    return change


def set_tensor(name, harm):
    """Return a change of one tensor."""

    def change(tensors, state):
        tensors[name] = harm(tensors.get(name, torch.ones(1)))

    return change


def set_state(**changes):
    """Return a change of what is beside the tensors."""
    return lambda tensors, state: state.update(changes)


def holding(number):
    """Return the harm of one wrong number."""
    return lambda tensor: tensor.index_fill(0, torch.tensor([0]), number)


@pytest.mark.parametrize(
    ("config", "harm"),
    [
        (MOMENTUM, drop("conv1.weight")),
        (MOMENTUM, drop("momentum")),
        (MOMENTUM, drop("optimizer.1.momentum")),
        (MOMENTUM, drop("rng.cpu")),
        (SPRED, drop("optimizer.0.velocities")),
        (RIGL, drop("mask")),
        (REWINDING, drop("early")),
        (REWINDING, drop("early", "running_var")),
        (MOMENTUM, set_tensor("optimizer.first.step", lambda tensor: tensor)),
        (LASSO, set_tensor("optimizer.0.momentum_buffer", lambda tensor: tensor)),
        (MOMENTUM, set_tensor("optimizer.0.mask", lambda tensor: tensor)),
        (MOMENTUM, set_tensor("model.bn1.running_var", holding(math.nan))),
        (MOMENTUM, set_tensor("model.conv1.weight", holding(math.inf))),
        (MOMENTUM, set_tensor("optimizer.0.momentum_buffer", holding(-math.inf))),
        (MOMENTUM, set_tensor("optimizer.0.momentum_buffer", torch.Tensor.double)),
        (MOMENTUM, set_tensor("optimizer.0.momentum_buffer", lambda tensor: tensor[:1])),
        (MOMENTUM, set_tensor("model.conv1.weight", torch.Tensor.half)),
        (MOMENTUM, set_tensor("model.bn1.num_batches_tracked", torch.Tensor.float)),
        (RIGL, set_tensor("optimizer.0.mask", torch.Tensor.float)),
        (MOMENTUM, set_tensor("rng.cpu", lambda tensor: tensor[:-8])),
        (MOMENTUM, lambda tensors, state: state.pop("origin")),
        (MOMENTUM, set_state(origin="here")),
        (MOMENTUM, set_state(resumes=None)),
        (MOMENTUM, set_state(resumes=1.0)),
        (MOMENTUM, set_state(modes={"dense": "2"})),
        (MOMENTUM, set_state(modes={"dense": -2})),
        (MOMENTUM, set_state(seconds="2.5")),
        (MOMENTUM, set_state(seconds=math.nan)),
    ],
)
def test_a_checkpoint_that_does_not_fit_is_refused(config, harm, saved, tmp_path):
    """Its checksum is right, as other code may have written it."""
    tensors, state = map(dict, saved(config))
    harm(tensors, state)
    store = RunStore(tmp_path)
    checkpoint = Checkpoint(config, store.root)
    checkpoint.save(tensors, state)
    with pytest.raises(CheckpointError, match=r"does not fit this .* delete it") as e:
        train(config, store=store, device="cpu")
    assert str(checkpoint.path) in str(e.value)
    assert "\n" not in str(e.value)


# --- kill -9


def _train_until_killed(arguments, log):
    """What a child process does."""
    from lcs.cli import main

    sys.stderr = Path(log).open("a")  # noqa: SIM115
    main(arguments)


def wait_for(happened, child):
    while not happened():
        assert child.is_alive(), "the run ended before it could be killed: give it more epochs"
        time.sleep(0.001)


def options(config):
    """What the command line is told about a run."""
    changed = [f for f in dataclasses.fields(config) if getattr(config, f.name) != f.default]
    return [w for f in changed for w in (f"--{f.name.replace('_', '-')}", getattr(config, f.name))]


def _save_for_ever(log):
    """What a child process does: it begins to save a checkpoint, and says so."""
    from lcs.runs import RunStore

    def never(_descriptor):
        Path(log).touch()
        time.sleep(1000)

    os.fsync = never
    train(MOMENTUM, store=RunStore(Path(log).parent / "killed"), checkpoint_seconds=0, device="cpu")


def test_what_a_run_left_that_was_killed_while_it_was_saved_is_removed_by_any_other(
    tmp_path, forkserver
):
    child = forkserver.Process(target=_save_for_ever, args=(str(tmp_path / "saving"),))
    child.start()
    wait_for((tmp_path / "saving").exists, child)
    folder, stem = (path := Checkpoint(MOMENTUM, tmp_path / "killed").path).parent, path.stem

    def left():
        return [each.name for each in folder.iterdir() if stem in each.name]

    train(LASSO, store=RunStore(tmp_path), device="cpu")
    assert len(left()) == 2  # the lock, and what the child still writes
    child.kill()
    child.join()
    train(LASSO.replace(seed=1), store=RunStore(tmp_path), device="cpu")
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
    words = ["train", *options(config), "--device", "cpu", "--store", store.root]
    words = [str(word) for word in (*words, "--checkpoint-seconds", 0)]

    def saved():
        return checkpoint.stat().st_mtime_ns if checkpoint.exists() else 0

    for new in LEGS:
        child = forkserver.Process(target=_train_until_killed, args=(words, str(log)))
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
