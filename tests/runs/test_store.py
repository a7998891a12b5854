"""Run records: written once, read back whole, and every edit of them found."""

import dataclasses
import errno
import hashlib
import json
import math
import os
import re
import shutil
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pytest
import torch
from helpers.finished_results import ORIGIN, results, signed_anew
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import lcs.runs
from lcs.config import Config, RunConfig
from lcs.errors import RecordError
from lcs.runs import RunStore, default_store, named_store, read_record, readable, verify

CONFIG = Config(dataset="digits", epochs=3, optimizer="beta-lasso", l1=1e-4, beta=50.0)


@dataclass(frozen=True)
class Other(RunConfig):
    """Of another kind than trainings."""

    kind: ClassVar[str] = "other"
    sizes: tuple[int, ...] = (1, 2)
    seed: int = 0

    @property
    def file(self):
        return f"other/thing-{self.run_id}"


def write(store, config=CONFIG, **changes):
    return store.write(config, **(results(config) | changes))


def at(*keys, to):
    """A change of one value of a document, or of the last of a list; None removes it."""

    def change(document):
        for key in keys[:-1]:
            document = document[key]
        document[keys[-1]] = to
        if to is None:
            del document[keys[-1]]

    return change


def refused(path, root, reason=None):
    """Reading fails in one line that names the file."""
    with pytest.raises(RecordError, match=reason) as error:
        read_record(path, root)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)
    assert [str(problem) for problem in verify(RunStore(root))] == [str(error.value)]


# --- writing


def test_a_record_says_everything(tmp_path):
    store = RunStore(tmp_path)
    record = write(store)
    assert record.path == tmp_path / "digits" / f"s-fc-a1-beta-lasso-{CONFIG.run_id}.json"
    assert record == store.find(CONFIG) == store.by_id(CONFIG.run_id)
    assert list(store.records()) == [record]
    content = record.path.read_bytes()
    document = json.loads(content)
    assert list(document) == [
        "schema", "kind", "id", "config", "history", "final", "filters", "provenance",
    ]  # fmt: skip
    assert (document["schema"], document["kind"], document["id"]) == (1, "training", CONFIG.run_id)
    assert document["config"] == dataclasses.asdict(CONFIG)  # defaults written out
    assert (record.config, record.run_id, record.file) == (CONFIG, CONFIG.run_id, CONFIG.file)
    expected = results(CONFIG)
    assert (record.history, record.final) == (expected["history"], expected["final"])
    assert record.filters is None
    checksum = record.provenance["sha256"]
    assert record.provenance == {**expected["provenance"], "sha256": checksum}
    blank = content.replace(checksum.encode(), b"")
    assert hashlib.sha256(blank).hexdigest() == checksum
    assert b'\n  "lr": [0.1, 0.1, 0.1],\n' in content, "a list of numbers is one line"


def test_results_are_rounded_and_configurations_are_not(tmp_path):
    config = CONFIG.replace(l1=1e-5 / 3, beta=50 / 7)
    parts = results(config)
    parts["history"]["train_loss"] = [2.0, 1 / 3, math.pi * 1e-9]
    parts["final"]["train_loss"] = math.pi * 1e-9
    record = write(RunStore(tmp_path), config, **parts)
    assert record.history["train_loss"] == [2.0, 0.33333333, 3.1415927e-09]
    assert record.config == config
    assert verify(RunStore(tmp_path)) == []


def test_a_record_of_another_kind(tmp_path):
    store, book = RunStore(tmp_path / "own"), RunStore(tmp_path / "book")
    config, final = Other(seed=3), {"table": {"names": ["a", "b"], "deep": [[1], [2]]}}
    record = store.write(config, history={}, final=final, provenance=ORIGIN)
    assert record.path == store.root / "other" / f"thing-{config.run_id}.json"
    assert (record.kind, record.run_id, record.final) == ("other", config.run_id, final)
    assert dict(record.config) == {"sizes": [1, 2], "seed": 3}
    with pytest.raises(TypeError):
        record.config["seed"] = 4
    assert math.isnan(record.accuracy)
    assert store.find(config) == record == store.by_id(config.run_id)
    assert book.import_record(record.path).path == book.path(config)
    assert not verify(book)
    renamed = record.path.rename(record.path.with_name(f"thing-{Other(seed=4).run_id}.json"))
    refused(renamed, store.root, f"its id is '{config.run_id}'")


@pytest.mark.parametrize("accuracies", [(0.5, 0.75), (0.5, 0.5)])
def test_of_two_results_at_one_moment_one_is_stored(accuracies, tmp_path, monkeypatch):
    meet, original = threading.Barrier(2), lcs.runs.store.parse_record

    def parse_record(*arguments):  # both have found nothing there, and neither has written
        record = original(*arguments)
        meet.wait(20)
        return record

    def task(accuracy):
        write(store, **results(CONFIG, accuracy), filters=torch.full((2, 1, 8, 8), accuracy))

    store = RunStore(tmp_path / "store")
    with monkeypatch.context() as patch, ThreadPoolExecutor() as pool:
        patch.setattr(lcs.runs.store, "parse_record", parse_record)
        outcomes = [future.exception() for future in [pool.submit(task, a) for a in accuracies]]
    stored = store.find(CONFIG)
    assert not verify(store)
    for accuracy, error in zip(accuracies, outcomes, strict=True):
        assert isinstance(error, RecordError | None)
        assert (error is None) == (stored.accuracy == accuracy)
    assert stored.load_filters().max() == stored.accuracy
    assert len(list((store.root / "digits").iterdir())) == 2


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"final": {"train_loss": math.nan}}, "not JSON compliant"),
        (results(CONFIG.replace(epochs=4)), "has not 3 values"),
    ],
)
def test_what_is_no_result_of_the_run_is_not_written(changes, reason, tmp_path):
    with pytest.raises(RecordError, match=f"not written, .*{reason}"):
        write(RunStore(tmp_path), **changes, filters=torch.ones(1))
    assert not list(tmp_path.rglob("*"))


@pytest.mark.parametrize(
    ("code", "advice"), [(errno.ENOSPC, "make room"), (errno.EACCES, "mend that")]
)
def test_a_folder_that_cannot_be_written(code, advice, tmp_path, monkeypatch):
    def fail(*_arguments, **_options):
        raise OSError(code, os.strerror(code))

    for where, name in ((os, "fsync"), (Path, "mkdir")):
        with monkeypatch.context() as patch:
            patch.setattr(where, name, fail)
            with pytest.raises(RecordError, match=rf"cannot be written \(.*\); {advice}"):
                write(RunStore(tmp_path), filters=torch.ones(2, 1, 8, 8))
        assert not [path for path in tmp_path.rglob("*") if path.is_file()]
    monkeypatch.setattr(Path, "mkdir", fail)
    with pytest.raises(RecordError, match=advice):
        RunStore(tmp_path).check_writable(CONFIG)


# --- reading what was edited, moved or damaged


@settings(derandomize=True, max_examples=50, deadline=None, database=None,
          suppress_health_check=[HealthCheck.function_scoped_fixture])  # fmt: skip
@given(place=st.floats(0, 1, exclude_max=True), byte=st.sampled_from(b'0519af ,"\\\n'))
def test_every_edit_and_every_truncation_is_found(place, byte, record, store):
    whole = record.path.with_suffix(".whole")
    shutil.copy(*(whole, record.path) if whole.exists() else (record.path, whole))
    content = bytearray(whole.read_bytes())
    number = int(place * len(content))
    for edited in (
        content[:number],
        content[:number] + bytes([byte]) + content[number:],
        content[:number] + bytes([byte + (byte == content[number])]) + content[number + 1 :],
    ):
        record.path.write_bytes(edited)
        with pytest.raises(RecordError):
            read_record(record.path, store.root)


def test_the_command_line_names_what_was_edited(record, store, command):
    record.path.write_text(record.path.read_text().replace('"resumes": 0', '"resumes": 1'))
    refused(record.path, store.root, r"edited or damaged \(SHA-256 differs\); restore it from git")
    with pytest.raises(RecordError):
        store.find(record.config)
    said = command("runs", "verify", "--store", store.root)
    assert (said.code, said.out) == (1, "2 records whole, 1 bad\n")
    assert str(record.path) in said.error


@pytest.mark.parametrize(
    "data",
    [
        *(b"", b"{}", b"null", b"not JSON", b"\xff\xfe\x00", b"[" * 100_000),
        b'{"schema": 1, "provenance": {"sha256": 3}}',
    ],
)
def test_what_is_no_record_is_refused(data, record, store):
    record.path.write_bytes(data)
    refused(record.path, store.root, "not a run record .* restore it from git")


MISTAKES = {
    "schema 2, not 1; update lcs": at("schema", to=2),
    "unknown parameter 'depth'": at("config", "depth", to=3),
    "its id is .*-s0', not .*-s4": at("config", "seed", to=4),
    "norm has not 3 values": at("history", "norm", "fc1", to=[1.0, 2.0]),
    "not the run's recorded ones": at("history", "epoch", to=[1, 3, 2]),
    "test_accuracy is not that of the history": at("final", "test_accuracy", to=0.99),
    "nonzeros is not that of the history": at("final", "nonzeros", "fc1", to=1),
    "weights is not that of the history or of the network": at("final", "weights", "conv1", to=1),
    "conv1 has not so many weights": at("history", "nonzeros", "conv1", 0, to=10**6),
    "norm is not a mapping of conv1, fc1, fc2": at("history", "norm", "fc1", to=None),
    "history: lacks revived": at("history", "revived", to=None),
    "final: lacks clean_train_accuracy": at("final", "clean_train_accuracy", to=None),
    "clean_train_accuracy is not from 0": at("final", "clean_train_accuracy", to=75.0),
    "packages: lacks torch": at("provenance", "packages", "torch", to=None),
    "train_loss has values of another type": at("history", "train_loss", 1, to=True),
    "norm has values of another type": at("history", "norm", "fc1", 0, to=1),
    "nonzeros has values of another type": at("history", "nonzeros", "conv1", 0, to=7.0),
    "seconds is of type str": at("provenance", "seconds", to="long"),
}


@pytest.mark.parametrize("reason", MISTAKES)
def test_what_no_run_gives_is_refused_though_it_is_signed(reason, record, store):
    signed_anew(record.path, MISTAKES[reason])
    refused(record.path, store.root, reason)


def test_records_of_other_versions_are_read(record, store):
    """Those of the book lack what later ones have, and later ones may say more of their origin."""

    def change(document):
        for name in ("fan_in", "pair_correlation", "equivariance"):
            del document["final"][name]
        for name in ("time", "command", "modes"):
            del document["provenance"][name]
        del document["config"]["permute_pixels"]  # its default has no effect: the id is the same
        document["provenance"] |= {"instructions": "AVX2", "state": {"autocast": False}}
        document["history"]["novelty"] = [1, 2, 3]
        document["final"]["novelty"] = {"mean": 0.5}

    signed_anew(record.path, change)
    found = read_record(record.path, store.root)
    assert found.config == record.config
    assert found.provenance["state"] == {"autocast": False}


def test_a_renamed_or_moved_record_is_refused(record, store):
    other = record.path.rename(record.path.with_name(f"s-fc-a1-sgd-{CONFIG.run_id}.json"))
    refused(other, store.root, f"by its config it is {record.path.name}; rename it")
    for place in ("cifar10", ".", "digits/deeper"):
        moved = store.root / place / record.path.name
        moved.parent.mkdir(exist_ok=True)
        other = other.rename(moved)
        refused(other, store.root, f"belongs at {record.path}; move it there")


def test_verify_names_each_bad_record_and_no_other(store):
    first, _, last = store.paths()
    first.unlink()
    first.symlink_to("nowhere")
    last.unlink()
    (store.root / "stray.json").write_text("{}")
    unreadable, stray = map(str, verify(store))
    assert unreadable.startswith(f"{first}: cannot be read (No such file")
    assert stray.startswith(f"{store.root / 'stray.json'}: not a run record")


# --- filters


def test_filters_are_read_back(tmp_path):
    filters = torch.randn(3, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    record = write(RunStore(tmp_path), filters=filters)
    loaded = record.load_filters()
    assert loaded.dtype == torch.float32
    assert torch.equal(loaded, filters.half().float())
    with pytest.raises(RecordError, match="this run stored no filters"):
        write(RunStore(tmp_path), CONFIG.replace(seed=1)).load_filters()


def test_filters_that_are_not_kept_or_altered(record, store):
    """The book's store has those that a figure shows; every record still names its own."""
    path = record.path.with_suffix(".safetensors")
    assert record.has_filters
    data = path.read_bytes()
    path.unlink()
    assert not record.has_filters
    with pytest.raises(RecordError, match=f"{re.escape(str(path))}: not kept"):
        record.load_filters()
    assert not verify(store)
    for other in (data[:-1] + bytes([data[-1] ^ 1]), data[:-1]):
        path.write_bytes(other)
        with pytest.raises(RecordError, match=f"{re.escape(str(path))}: altered"):
            record.load_filters()
        (problem,) = verify(store)
        assert str(path) in str(problem)


# --- finding


def test_by_id(store):
    records = list(store.records())
    for record in records:
        assert store.by_id(record.run_id) == record
    lasso = next(record for record in records if record.filters)
    assert store.by_id(lasso.run_id[:4]) == lasso
    assert store.by_id(lasso.run_id.partition("-")[0]) == lasso
    for spelt in (str(lasso.path), lasso.file, lasso.config.as_source):
        assert store.by_id(spelt) == lasso
    shared = next(r for r in records if r.config.validation).run_id.partition("-")[0]
    assert store.by_id(f"{shared}-s1").config.seed == 1
    for seed in (1, 10):  # which begin alike
        config = CONFIG.replace(seed=seed)
        assert write(store, config) == store.by_id(config.run_id)
    assert store.by_id(CONFIG.replace(seed=1).run_id).config.seed == 1
    own = RunStore(store.root / "own", fallback=store)
    with pytest.raises(RecordError, match=f"^2 runs in {store.root} with the id '{shared}'"):
        own.by_id(shared)
    with pytest.raises(RecordError, match=f"^no run in {own.root} or {store.root} with the id"):
        own.by_id("ffff")


def test_a_file_is_read_itself_in_any_folder(record, store, tmp_path, monkeypatch):
    below = tmp_path / "downloads" / "below"
    below.mkdir(parents=True)
    file = Path(shutil.copy(record.path, below.parent))
    signed_anew(file, at("provenance", "seconds", to=1.5))
    monkeypatch.chdir(below)
    for spelt in (str(file), f"../{file.name}"):
        found = store.by_id(spelt)
        assert (found.path, found.provenance["seconds"]) == (file, 1.5)


def test_the_fallback_is_read_and_never_written(store, tmp_path):
    own = RunStore(tmp_path / "own", fallback=store)
    record = next(store.records())
    assert own.find(record.config) == own.by_id(record.run_id) == record
    assert list(own.records()) == []
    before = sorted(store.root.rglob("*"))
    mine = write(own, record.config)
    assert own.root in mine.path.parents
    assert own.find(record.config) == own.by_id(record.run_id) == mine != record
    assert sorted(store.root.rglob("*")) == before


def test_stores_by_name(store, tmp_path, monkeypatch):
    assert named_store("").root == lcs.runs.BOOK_RUNS
    with pytest.raises(RecordError, match=r"store: there is no folder .*typo; check the path"):
        named_store(str(tmp_path / "typo"))
    monkeypatch.setattr(lcs.runs.store, "BOOK_RUNS", store.root)
    monkeypatch.setenv("LCS_STORE", str(tmp_path / "own"))
    record = next(store.records())
    assert default_store().root == tmp_path / "own"
    assert default_store().find(record.config) == record
    monkeypatch.setenv("LCS_STORE", str(store.root))
    assert not default_store().fallback, "the book's own records do not count twice"
    monkeypatch.delenv("LCS_STORE")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_store().root == tmp_path / ".cache/lcs/runs"
    assert RunStore("~/runs").root == named_store("~/runs").root == tmp_path / "runs"


# --- importing


def test_importing_records(record, store, tmp_path):
    book = RunStore(tmp_path / "book")
    left = book.path(record.config).with_suffix(".safetensors")
    left.parent.mkdir(parents=True)
    left.write_bytes(b"filters of a writer that was killed before its record")
    found = book.import_record(record.path)
    assert found.path == book.path(record.config)
    assert found.path.read_bytes() == record.path.read_bytes()
    assert torch.equal(found.load_filters(), record.load_filters())
    left.unlink()
    assert book.import_record(record.path) == found  # twice is no harm
    assert found.has_filters, "those that come later are taken"
    assert not verify(book)
    bare = RunStore(tmp_path / "bare")
    assert not bare.import_record(record.path, filters=False).has_filters


def test_what_is_bad_or_another_result_is_not_imported(record, tmp_path):
    book, text = RunStore(tmp_path / "book"), record.path.read_text()
    record.path.write_text(text.replace('"threads": ', '"threads": 1'))
    with pytest.raises(RecordError, match="edited or damaged"):
        book.import_record(record.path)
    record.path.write_text(text)
    filters = record.path.with_suffix(".safetensors")
    filters.write_bytes(b"other filters")
    with pytest.raises(RecordError, match="altered"):
        book.import_record(record.path)
    assert not book.paths()
    filters.unlink()
    mine = write(book, record.config)
    before = mine.path.read_bytes()
    with pytest.raises(RecordError, match="exists already, with other results"):
        book.import_record(record.path)
    assert mine.path.read_bytes() == before


# --- the time it takes


def test_records_are_read_without_heavy_imports(store):
    """`lcs runs list` and `verify` start without torch, which takes seconds to import."""
    code = (
        f"import sys; from lcs.runs import RunStore, verify; verify(RunStore({str(store.root)!r}));"
        "assert not {'torch', 'pandas', 'sklearn', 'scipy'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_records_are_read_once_until_they_change(store, monkeypatch):
    read = []
    original = lcs.runs.store.read_record
    monkeypatch.setattr(
        lcs.runs.store, "read_record", lambda *args: read.append(args[0]) or original(*args)
    )
    first, *others = paths = store.paths()
    for _ in range(2):
        found = list(readable(store))
    assert found == list(store.records()) == [store.find(record.config) for record in found]
    assert read == paths
    assert lcs.runs.store._read_once.cache_info().maxsize  # 10,000 records would take 0.6 GB
    first.unlink()
    others[0].touch()
    assert len(list(readable(store))) == len(others)
    assert read == [*paths, others[0]]


def test_broken_records_and_other_folders_are_left_out(store):
    known, broken, *others = store.paths()
    broken.write_text("{}")
    (store.root / "cifar10").mkdir()
    (store.root / "cifar10" / "broken.json").write_text("{}")
    own = RunStore(store.root / "none", fallback=store)
    assert [record.path for record in readable(own)] == [known, *others]
    assert list(readable(own, lambda folder: folder == "cifar10")) == []
