"""Run records: written once, read back whole, and every edit of them found."""

import dataclasses
import errno
import fcntl
import functools
import hashlib
import json
import math
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from unittest import mock

import pytest
import torch
import typer
from helpers.finished_results import ORIGIN, results, signed_anew
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import lcs.runs
import lcs.runs.provenance
from lcs import cli
from lcs.analysis.runs import frame
from lcs.config import TOY_SHARES, Config, ToyConfig
from lcs.errors import RecordError
from lcs.runs import (
    Record,
    RunStore,
    default_store,
    read_record,
    readable,
    verify,
    write_atomically,
)
from lcs.runs.provenance import provenance
from lcs.runs.record_format import with_checksum

CONFIG = Config(dataset="digits", epochs=3, optimizer="beta-lasso", l1=1e-4, beta=50.0)
TOY = ToyConfig(seed=3, betas=(0.0, 2.0), l1s=(0.1,), scales=(1.0,))
TOY_FINAL = {
    "cells": {name: [1.0] * 12 for name in TOY_SHARES},
    **{name: {"runs": [1, 2]} for name in ("confusion", "misses", "lasso")},
    "trajectories": {},
}


def write(store, config=CONFIG, **changes):
    return store.write(config, **(results(config) | changes))


def write_toy(store):
    origin = results(CONFIG)["provenance"]
    return store.write(TOY, history={}, final=TOY_FINAL, provenance=origin)


def at(*keys, to):
    """A change of one value of a document, a last key that is missing included."""

    def change(document):
        for key in keys[:-1]:
            document = document[key]
        document[keys[-1]] = to(document[keys[-1]]) if callable(to) else to

    return change


def without(*keys):
    """A change that removes a value."""

    def change(document):
        for key in keys[:-1]:
            document = document[key]
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
    document = json.loads(record.path.read_text())
    assert list(document) == [
        "schema", "kind", "id", "config", "history", "final", "filters", "provenance",
    ]  # fmt: skip
    assert (document["schema"], document["kind"], document["id"]) == (1, "training", CONFIG.run_id)
    assert document["config"] == dataclasses.asdict(CONFIG)  # defaults written out
    assert record.config == CONFIG
    assert record.run_id == CONFIG.run_id
    expected = results(CONFIG)
    assert (record.history, record.final) == (expected["history"], expected["final"])
    assert record.filters is None
    checksum = document["provenance"]["sha256"]
    assert record.provenance == {**expected["provenance"], "sha256": checksum}


def test_the_checksum_is_that_of_the_bytes_with_itself_blanked(tmp_path):
    data = write(RunStore(tmp_path)).path.read_bytes()
    checksum = json.loads(data)["provenance"]["sha256"].encode()
    assert data.count(checksum) == 1
    assert hashlib.sha256(data.replace(checksum, b"")).hexdigest().encode() == checksum


def test_floats_have_at_most_eight_digits(record):
    digits = []
    json.loads(record.path.read_text(), parse_float=lambda text: digits.append(text))
    assert len(digits) > 50
    for text in digits:
        mantissa = text.partition("e")[0].replace(".", "").lstrip("-0")
        assert len(mantissa) <= 8, text


def test_rounded_floats_are_read_back_as_written(tmp_path):
    parts = results(CONFIG)
    parts["history"]["train_loss"] = [2.0, 1 / 3, math.pi * 1e-9]
    parts["final"]["train_loss"] = math.pi * 1e-9
    record = write(RunStore(tmp_path), **parts)
    assert record.history["train_loss"] == [2.0, 0.33333333, 3.1415927e-09]


def test_a_configuration_is_never_rounded(tmp_path):
    third = CONFIG.replace(l1=1e-5 / 3, beta=50 / 7)
    record = write(RunStore(tmp_path), third)
    assert record.config == third
    assert verify(RunStore(tmp_path)) == []


def test_a_list_of_numbers_is_one_line(record):
    lines = record.path.read_text().splitlines()
    assert sum(line.lstrip().startswith('"train_loss": [') for line in lines) == 1
    assert all(line.count("[") == line.count("]") for line in lines)


def test_a_record_is_written_once(tmp_path):
    store = RunStore(tmp_path)
    record = write(store)
    before = record.path.read_bytes()
    assert write(store) == record  # as a second process may, which has just made the same run
    with pytest.raises(RecordError, match="exists already, with other results"):
        write(store, **results(CONFIG, accuracy=0.6))
    assert record.path.read_bytes() == before


@pytest.mark.parametrize("how", ["write", "import"])
def test_of_two_results_at_one_moment_one_is_stored_and_the_other_refused(
    how, tmp_path, monkeypatch
):
    if how == "without hard links":
        monkeypatch.setattr(os, "link", mock.Mock(side_effect=PermissionError))
    if how == "without locks":
        monkeypatch.setattr(fcntl, "flock", mock.Mock(side_effect=OSError))
    meet, original = threading.Barrier(2), lcs.runs.store.parse_record

    def parse_record(*arguments):  # both have found nothing there, and neither has written
        record = original(*arguments)
        meet.wait(20)
        return record

    def results_of(accuracy):
        filters = None if how == "without locks" else torch.full((2, 1, 8, 8), accuracy)
        return results(CONFIG, accuracy) | {"filters": filters}

    for accuracies in ((0.5, 0.75), (0.5, 0.5)):
        place = tmp_path / str(accuracies)
        sources = [RunStore(place / str(i)) for i in range(2)]
        store = RunStore(place / "store")
        if how == "import":
            paths = [
                write(s, **results_of(a)).path for s, a in zip(sources, accuracies, strict=True)
            ]
            tasks = [functools.partial(store.import_record, path) for path in paths]
        else:
            tasks = [functools.partial(write, store, **results_of(a)) for a in accuracies]
        with monkeypatch.context() as patch, ThreadPoolExecutor() as pool:
            patch.setattr(lcs.runs.store, "parse_record", parse_record)
            outcomes = [future.exception() for future in [pool.submit(task) for task in tasks]]
        stored = store.find(CONFIG)
        assert not verify(store)
        for accuracy, error in zip(accuracies, outcomes, strict=True):
            assert isinstance(error, RecordError | None)
            assert (error is None) == (stored.accuracy == accuracy)
        if stored.filters:
            assert stored.load_filters().max() == stored.accuracy
        assert len(list((store.root / "digits").iterdir())) == 1 + bool(stored.filters)


@pytest.mark.parametrize("number", [math.nan, math.inf])
def test_what_is_not_a_number_is_not_written(number, tmp_path):
    with pytest.raises(RecordError, match=r"not written, .*not JSON compliant"):
        write(RunStore(tmp_path), final={"train_loss": number})
    assert not list(tmp_path.rglob("*"))


def test_results_of_another_run_are_not_written(tmp_path):
    with pytest.raises(RecordError, match=r"not written, .*epoch: not 3 values"):
        write(RunStore(tmp_path), **results(CONFIG.replace(epochs=4)) | {"filters": torch.ones(1)})
    assert not list(tmp_path.rglob("*"))


def test_toy_experiments_have_records_too(tmp_path):
    store = RunStore(tmp_path)
    record = write_toy(store)
    assert record.path == tmp_path / "toy" / f"lasso-{TOY.run_id}.json"
    assert record.config == TOY
    assert record.kind == "toy"
    assert store.find(TOY) == record
    assert not verify(store)


@pytest.mark.parametrize("fails", ["mkdir", "fsync", "replace"])
def test_a_full_disk_leaves_nothing_half_written(fails, tmp_path, monkeypatch):
    def disk_full(*_arguments, **_options):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os if fails == "fsync" else Path, fails, disk_full)
    with pytest.raises(RecordError, match=r"cannot be written \(No space left .*; make room"):
        write(RunStore(tmp_path), filters=torch.ones(2, 1, 8, 8))
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_folder_that_may_not_be_written_is_not_said_to_be_full(tmp_path, monkeypatch):
    def refuse(*_arguments, **_options):
        raise OSError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(RecordError, match=r"\(Permission denied\); mend that, or name another"):
        write(RunStore(tmp_path))


def test_the_file_before_stays_when_the_next_cannot_be_written(tmp_path, monkeypatch):
    def interrupt(_file):
        raise KeyboardInterrupt

    write_atomically(tmp_path / "file", b"before")
    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_atomically(tmp_path / "file", b"after")
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"before"]


# --- reading what was edited, moved or damaged

PLACES = {
    "a loss": r'"train_loss": \[\d\.\d*(\d)',
    "an accuracy": r'"test_accuracy": \[0\.(\d)',
    "a count": r'"nonzeros": \{\s*"conv1": \[\d*(\d)',
    "a final measure": r'"clean_train_accuracy": 0\.\d*(\d)',
    "a parameter": r'"batch_size": \d*(\d)',
    "the id": r'"id": "(\d|\w)',
    "the seed": r'"seed": (\d)',
    "the code": r'"code": "\w*(\w)"',
    "the time": r'"seconds": \d*\.\d*(\d)',
    "the threads": r'"threads": (\d)',
    "the number of resumes": r'"resumes": (\d)',
    "the filters' checksum": r'"filters": \{[^}]*"sha256": "(\w)',
    "the checksum": r'"modes": \{[^}]*\},\s*"sha256": "(\w)',
    "the schema": r'"schema": (\d)',
}


@pytest.mark.parametrize("place", PLACES)
def test_an_edited_digit_is_found(place, record, store, command):
    text = record.path.read_text()
    (found,) = re.finditer(PLACES[place], text)
    digit = "1" if found[1] == "2" else "2"
    record.path.write_text(text[: found.start(1)] + digit + text[found.end(1) :])
    refused(record.path, store.root)
    said = command("runs", "verify", "--store", store.root)
    assert said.code == 1
    assert said.error.startswith("lcs: error: ")
    assert str(record.path) in said.error
    assert said.out == "2 records whole, 1 bad\n"
    with pytest.raises(RecordError):
        store.find(record.config)


@pytest.mark.parametrize("ending", ["\n", " "])
def test_added_space_is_found(ending, record, store):
    record.path.write_text(record.path.read_text() + ending)
    refused(record.path, store.root, "edited or damaged")


def test_the_message_says_what_was_edited_and_what_to_do(record, store):
    record.path.write_text(record.path.read_text().replace('"resumes": 0', '"resumes": 1'))
    refused(record.path, store.root, r"edited or damaged \(SHA-256 differs\); restore it from git")


def test_every_truncation_is_found(record, store):
    data = record.path.read_bytes()
    for length in [*range(0, len(data), 97), len(data) - 2, len(data) - 1]:
        record.path.write_bytes(data[:length])
        with pytest.raises(RecordError):
            read_record(record.path, store.root)


@pytest.mark.parametrize(
    "data",
    [
        b"", b"{}", b"[]", b"null", b'"text"', b"not JSON", b"\xff\xfe\x00", b"[" * 100_000,
        b'{"schema": 1}', b'{"schema": 1, "provenance": []}',
        b'{"schema": 1, "provenance": {"sha256": 3}}',
        b'{"schema": 1, "provenance": {"sha256": "\\ud800"}}',
    ],
)  # fmt: skip
def test_what_is_no_record_is_refused(data, record, store):
    record.path.write_bytes(data)
    refused(record.path, store.root, "not a run record .* restore it from git")


@pytest.mark.parametrize("constant", ["NaN", "Infinity", "-Infinity"])
def test_constants_that_json_lacks_are_refused(constant, record, store):
    text = re.sub(r'"train_loss": \[[^,]*', f'"train_loss": [{constant}', record.path.read_text())
    record.path.write_text(text)
    refused(record.path, store.root, f"not a run record .*{constant} is not a result")


MISTAKES = {
    # of the config and the files
    "schema 2, not 1; update lcs": at("schema", to=2),
    "unknown parameter 'depth'": at("config", "depth", to=3),
    "lr: '0.1' is of type str": at("config", "lr", to="0.1"),
    "beta: 1000.* is out of range": at("config", "beta", to=10**400),
    "its config has the id": at("config", "seed", to=4),
    "the file is not the run's own": at("filters", "file", to="other.safetensors"),
    # of the epochs, the images and the network
    "epoch: not 3 values": at("history", "epoch", to=[1, 2]),
    "norm_fc1: not 3 values": at("history", "norm", "fc1", to=lambda column: column[:-1]),
    "not the run's recorded ones": at("history", "epoch", to=[1, 3, 2]),
    "test_accuracy is not the history's last": at("final", "test_accuracy", to=0.99),
    "nonzeros are not the history's last": at("final", "nonzeros", "fc1", to=1),
    "revived_fc2: out of range": at("history", "revived", "fc2", 1, to=10**6),
    "not those of the network": at("final", "weights", "conv1", to=lambda count: count + 1),
    "norm: not a mapping of conv1, fc1, fc2": without("history", "norm", "fc1"),
    "of the other images too": at("final", "validation_accuracy", to=0.5),
    # of parts, names, types and units
    "its parts are not": at("novelty", to={}),
    "history: lacks revived": without("history", "revived"),
    "final: lacks clean_train_accuracy": without("final", "clean_train_accuracy"),
    "locality: lacks spread": without("final", "locality", "spread"),
    "provenance: lacks hardware": without("provenance", "hardware"),
    "packages: lacks torch": without("provenance", "packages", "torch"),
    "train_accuracy: out of range; 0 to 1": at("history", "train_accuracy", 1, to=75.0),
    "train_loss: not a list of values": at("history", "train_loss", 1, to="2.0"),
    "nonzeros_conv1: not a list of values": at("history", "nonzeros", "conv1", 0, to=7.0),
    "epoch: of type float": at("final", "epoch", to=3.0),
    "mean: of type str": at("final", "locality", "spread", "mean", to="near"),
    "pair_correlation: not a list": at("final", "pair_correlation", to=[1.0, "1"]),
    "seconds: of type str": at("provenance", "seconds", to="long"),
    "seconds: out of range": at("provenance", "seconds", to=-1.0),
    # what would hold readers up
    "holds a list of 500,000 values": at("final", "fan_in", "fc1", to=[0] * 500_000),
    "holds more than 20,000 lists": at("final", "novelty", to=[[]] * 20_001),
    "lists within lists too deep": at("provenance", "state", to=[[[[[[[[[]]]]]]]]]),
    "holds a text that is not printable": at("provenance", "instructions", to="\ud800"),
    "holds a text of more than 10,000 letters": at("provenance", "command", to="x" * 10_001),
    "final: holds a number out of range": at("final", "novelty", to=10**400),
    "history: holds a text that is not": at("history", "\x1b[31m", to=[1, 2, 3]),
    "history: seed is no name of a measure": at("history", "seed", to=[1, 2, 3]),
    "two columns have the same name": at("history", "norm_fc1", to=[1, 2, 3]),
    "final: run_id is no name of a measure": at("final", "run_id", to=1),
}


@pytest.mark.parametrize("reason", MISTAKES)
def test_what_no_run_gives_is_refused_though_it_is_signed(reason, record, store):
    signed_anew(record.path, MISTAKES[reason])
    refused(record.path, store.root, reason)


@pytest.mark.parametrize(
    "change",
    [
        at("history", to={"epoch": [1]}),
        at("final", "cells", to=[]),
        at("final", "cells", "recovered", to=[0.5]),
        at("final", "cells", "held", 0, to=-1.0),
        at("final", "lasso", "l1", to=[0.1]),
        without("final", "trajectories"),
        at("config", "betas", to=[]),
        at("config", "problems", to="many"),
    ],
)
def test_nonsense_of_a_toy_experiment_is_refused(change, tmp_path):
    record = write_toy(RunStore(tmp_path))
    signed_anew(record.path, change)
    refused(record.path, tmp_path)


def texts(part):
    """Yield every text and every name in a document."""
    if isinstance(part, str):
        yield part
    elif isinstance(part, dict | list):
        for each in part:
            yield from texts(each)
        for each in part.values() if isinstance(part, dict) else ():
            yield from texts(each)


LETTERS = st.text(st.characters(), max_size=8) | st.sampled_from(["seed", "\x1b[31m", "\ud800"])
PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | LETTERS
ANYTHING = st.recursive(
    PLAIN | st.sampled_from([10**400, [1] * 100_001, [[[[[[[[[[]]]]]]]]]]]),
    lambda part: st.lists(part, max_size=3) | st.dictionaries(LETTERS, part, max_size=3),
)


@settings(
    derandomize=True,
    max_examples=50,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(choices=st.data())
def test_a_record_of_anything_is_refused_in_a_line_or_of_use_to_every_reader(
    choices, record, store, capsys
):
    whole = record.path.with_suffix(".whole")
    shutil.copy(*(whole, record.path) if whole.exists() else (record.path, whole))

    def change(part):
        key = choices.draw(st.sampled_from([*part]))
        while isinstance(part[key], dict | list) and part[key] and choices.draw(st.booleans()):
            part = part[key]
            key = choices.draw(st.sampled_from([*part] if isinstance(part, dict) else [0, -1]))
        if isinstance(part, dict) and choices.draw(st.booleans()):
            key = choices.draw(LETTERS)  # one value more
        part[key] = choices.draw(ANYTHING)

    signed_anew(record.path, change)
    began, said = time.process_time(), ""
    try:
        found = read_record(record.path, store.root)
    except RecordError as error:
        said = f"lcs: error: {error}\n"
    else:
        assert {*frame([found]).seed} == {record.config.seed}
        assert "".join(texts([found.history, found.final, found.provenance])).isprintable()
        cli.runs.show(str(record.path))
    with pytest.raises(typer.Exit) as end:
        cli.runs.list_runs(None, store.root)
    captured = capsys.readouterr()
    assert (captured.err, end.value.exit_code) == (said, bool(said))
    assert all(line.isprintable() for line in (said + captured.out).split("\n"))
    assert time.process_time() - began < 2


def test_records_of_other_versions_are_read(record, store):
    """Those of the book lack what later ones have, and later ones may say more of their origin."""

    def change(document):
        for name in ("fan_in", "pair_correlation", "equivariance"):
            del document["final"][name]
        for name in ("time", "command", "modes"):
            del document["provenance"][name]
        for name in ("row_mass", "column_mass"):
            del document["final"]["locality"][name]
        del document["config"]["permute_pixels"]  # its default has no effect: the id is the same
        document["provenance"] |= {"instructions": "AVX2", "state": {"autocast": False}}
        document["history"]["novelty"] = [1, 2, 3]
        document["final"]["novelty"] = {"mean": 0.5}

    signed_anew(record.path, change)
    found = read_record(record.path, store.root)
    assert found.config == record.config
    assert found.provenance["state"] == {"autocast": False}


def test_what_a_machine_calls_itself_is_stored_in_printable_letters(tmp_path):
    origin = ORIGIN | {"hardware": "a\x1b[31m\ud800\N{NO-BREAK SPACE}processor"}
    record = write(RunStore(tmp_path), provenance=origin)
    assert record.provenance["hardware"] == r"a\x1b[31m\ud800\xa0processor"


def test_a_huge_number_is_one_line_in_every_command(record, store, command):
    for sign in (True, False):
        change = at("config", "beta", to=10**400)
        if sign:
            signed_anew(record.path, change)
        else:
            record.path.write_text(record.path.read_text().replace("50.0", "1" + "0" * 400))
        for words in (
            ["list"], ["verify"], ["show", record.run_id], ["import", record.path],
            ["replay", record.run_id],
        ):  # fmt: skip
            said = command("runs", *words, "--store", store.root)
            assert said.code == 1
            assert str(record.path) in said.error


def test_a_field_named_twice_is_found(record, store):
    text = record.path.read_text().replace('"lr": 0.1,', '"lr": 0.2,\n  "lr": 0.1,')
    record.path.write_text(text)
    refused(record.path, store.root, "named twice")


def test_a_renamed_record_is_refused(record, store):
    other = record.path.with_name(f"s-fc-a1-sgd-{CONFIG.run_id}.json")
    record.path.rename(other)
    refused(other, store.root, f"by its config it is {record.path.name}; rename it")


@pytest.mark.parametrize("place", ["cifar10", ".", "digits/deeper"])
def test_a_moved_record_is_refused(place, record, store):
    moved = store.root / place / record.path.name
    moved.parent.mkdir(exist_ok=True)
    record.path.rename(moved)
    refused(moved, store.root, f"belongs at {record.path}; move it there")


def test_a_record_that_cannot_be_read(record, store):
    record.path.unlink()
    record.path.mkdir()
    refused(record.path, store.root, "cannot be read")


def test_verify_names_each_bad_record_and_no_other(store):
    first, _, last = store.paths()
    first.write_text("{}")
    last.unlink()
    (store.root / "stray.json").write_text("{}")
    assert [str(problem).partition(":")[0] for problem in verify(store)] == [
        str(first), str(store.root / "stray.json"),
    ]  # fmt: skip


def test_a_store_that_a_reader_names(tmp_path):
    assert lcs.runs.named_store("").root == lcs.runs.BOOK_RUNS
    assert lcs.runs.named_store(str(tmp_path)).root == tmp_path
    with pytest.raises(RecordError, match=r"store: there is no folder .*typo; check the path"):
        lcs.runs.named_store(str(tmp_path / "typo"))


# --- filters


def test_filters_are_read_back(tmp_path):
    filters = torch.randn(3, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    record = write(RunStore(tmp_path), filters=filters)
    assert record.filters["file"] == record.path.with_suffix(".safetensors").name
    loaded = record.load_filters()
    assert loaded.dtype == torch.float32
    assert torch.equal(loaded, filters.half().float())


def test_a_record_without_filters(tmp_path):
    with pytest.raises(RecordError, match="this run stored no filters"):
        write(RunStore(tmp_path)).load_filters()


def test_filters_that_are_not_kept(record, store, command):
    """The book's store has those that a figure shows; every record still names its own."""
    path = record.path.with_suffix(".safetensors")
    assert record.has_filters
    path.unlink()
    assert not record.has_filters
    with pytest.raises(RecordError, match=f"{re.escape(str(path))}: not kept"):
        record.load_filters()
    assert command("runs", "verify", "--store", store.root).code == 0


@pytest.mark.parametrize("harm", ["altered", "truncated"])
def test_bad_filters_are_found(harm, record, store, command):
    path = record.path.with_suffix(".safetensors")
    data = path.read_bytes()
    path.unlink()
    if harm == "altered":
        path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    else:
        path.write_bytes(data[:-1])
    with pytest.raises(RecordError, match=f"{re.escape(str(path))}: altered"):
        record.load_filters()
    said = command("runs", "verify", "--store", store.root)
    assert said.code == 1
    assert str(path) in said.error


@pytest.mark.parametrize("shape", [None, [1] * 80, [2], [0] * 4])
def test_filters_of_another_format_are_refused(shape, record):
    head = json.dumps({"filters": {"dtype": "F16", "shape": shape, "data_offsets": [0, 2]}})
    content = len(head).to_bytes(8, "little") + head.encode() + b"\0\0" if shape else b"no tensors"
    path = record.path.with_suffix(".safetensors")
    path.write_bytes(content)
    checksum = hashlib.sha256(content).hexdigest()
    forged = dataclasses.replace(record, filters={"file": path.name, "sha256": checksum})
    with pytest.raises(RecordError, match="not a file of filters"):
        forged.load_filters()


# --- ids


def test_by_id(store):
    records = list(store.records())
    for record in records:
        assert store.by_id(record.run_id) == record
    lasso = next(record for record in records if record.filters)
    assert store.by_id(lasso.run_id[:4]) == lasso
    assert store.by_id(lasso.run_id.partition("-")[0]) == lasso
    for spelt in (str(lasso.path), lasso.config.file, lasso.config.as_source):
        assert store.by_id(spelt) == lasso


def test_a_file_is_read_itself_and_not_the_record_of_its_id(store, tmp_path):
    lasso = next(record for record in store.records() if record.filters)
    document = json.loads(lasso.path.read_text())
    document["provenance"]["seconds"] = 1.5
    other = tmp_path / "elsewhere" / lasso.path.parent.name / lasso.path.name
    other.parent.mkdir(parents=True)
    other.write_bytes(with_checksum(document))
    assert store.by_id(str(other)).provenance["seconds"] == 1.5
    other.write_bytes(other.read_bytes().replace(b"1.5", b"2.5"))
    with pytest.raises(RecordError, match="damaged"):
        store.by_id(str(other))


def test_a_file_may_lie_in_any_folder(record, store, tmp_path, monkeypatch, command):
    """As a record that a reader has downloaded; its name and its id are checked all the same."""
    below = tmp_path / "downloads" / "below"
    below.mkdir(parents=True)
    file = Path(shutil.copy(record.path, below.parent))
    monkeypatch.chdir(below)
    for spelt in (str(file), f"../{file.name}"):
        found = store.by_id(spelt)
        assert (found.run_id, found.path) == (record.run_id, file)
    assert command("runs", "show", f"../{file.name}").out == record.path.read_text()
    monkeypatch.chdir(record.path.parent)
    assert store.by_id(record.path.name) == store.by_id(f"../digits/{record.path.name}") == record
    renamed = file.rename(file.with_name(f"s-fc-a1-sgd-{CONFIG.run_id}.json"))
    with pytest.raises(RecordError, match="rename it"):
        store.by_id(str(renamed))


def test_ambiguous_and_unknown_ids(store):
    seeds = [record for record in store.records() if record.config.validation]
    shared = seeds[0].run_id.partition("-")[0]
    assert store.by_id(f"{shared}-s1").config.seed == 1
    with pytest.raises(RecordError, match=f"^2 runs in .* with the id '{shared}'"):
        store.by_id(shared)
    with pytest.raises(RecordError, match=r"^no run in .* with the id 'ffff'"):
        store.by_id("ffff")
    (store.root / "stray.json").write_text("{}")
    with pytest.raises(RecordError, match=r"^no run in .* with the id 'ffff'"):
        store.by_id("ffff")


def test_an_unknown_id_names_all_places(store, tmp_path):
    own = RunStore(tmp_path / "own", fallback=store)
    with pytest.raises(RecordError, match=f"^no run in {own.root} or {store.root} with the id"):
        own.by_id("ffff")


def test_a_whole_id_is_not_ambiguous(tmp_path):
    """Seed 1 and seed 10 begin alike."""
    store = RunStore(tmp_path)
    records = {seed: write(store, CONFIG.replace(seed=seed)) for seed in (1, 10)}
    for seed, record in records.items():
        assert store.by_id(CONFIG.replace(seed=seed).run_id) == record


# --- two stores


def test_the_fallback_is_read_and_never_written(store, tmp_path):
    own = RunStore(tmp_path / "own", fallback=store)
    record = next(store.records())
    assert own.find(record.config) == own.by_id(record.run_id) == record
    assert list(own.records()) == []
    before = sorted(store.root.rglob("*"))
    written = write(own)
    assert own.root in written.path.parents
    assert own.by_id(CONFIG.run_id) == written
    assert sorted(store.root.rglob("*")) == before
    with pytest.raises(RecordError, match="no run"):
        own.by_id("ffff")


def test_the_own_record_comes_before_the_fallbacks(store, tmp_path):
    record = next(store.records())
    own = RunStore(tmp_path / "own", fallback=store)
    mine = write(own, record.config)
    assert own.find(record.config) == mine != record


def test_the_default_store(store, tmp_path, monkeypatch):
    monkeypatch.setattr(lcs.runs.store, "BOOK_RUNS", store.root)
    monkeypatch.setenv("LCS_STORE", str(tmp_path / "own"))
    record = next(store.records())
    assert default_store().root == tmp_path / "own"
    assert default_store().find(record.config) == record
    monkeypatch.setenv("LCS_STORE", str(store.root))
    assert not default_store().fallback, "the book's own records do not count twice"
    monkeypatch.delenv("LCS_STORE")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert default_store().root == tmp_path / "home/.cache/lcs/runs"
    assert not (tmp_path / "home").exists()


def test_importing_records(record, store, tmp_path):
    book = RunStore(tmp_path / "book")
    taken = book.import_record(record.path)
    assert isinstance(taken, Record)
    assert taken.path == book.path(record.config)
    assert taken.path.read_bytes() == record.path.read_bytes()
    assert torch.equal(taken.load_filters(), record.load_filters())
    assert book.import_record(record.path) == taken  # twice is no harm
    assert not verify(book)


def test_line_ends_that_git_has_changed_do_no_harm(record, store, tmp_path):
    content = record.path.read_bytes()
    record.path.write_bytes(content.replace(b"\n", b"\r\n"))
    assert not verify(store)
    assert RunStore(tmp_path / "book").import_record(record.path).path.read_bytes() == content


def test_filters_without_a_record_do_not_stand_for_those_imported(record, tmp_path):
    book = RunStore(tmp_path / "book")
    left = book.path(record.config).with_suffix(".safetensors")
    left.parent.mkdir(parents=True)
    left.write_bytes(b"of another run")
    assert torch.equal(book.import_record(record.path).load_filters(), record.load_filters())


def test_a_bad_record_is_not_imported(record, tmp_path):
    book = RunStore(tmp_path / "book")
    text = record.path.read_text()
    record.path.write_text(text.replace('"threads": ', '"threads": 1'))
    with pytest.raises(RecordError, match="edited or damaged"):
        book.import_record(record.path)
    record.path.write_text(text)
    record.path.with_suffix(".safetensors").write_bytes(b"other filters")
    with pytest.raises(RecordError, match="altered"):
        book.import_record(record.path)
    assert not book.paths()


def test_another_record_of_the_same_run_is_not_overwritten(record, tmp_path):
    book = RunStore(tmp_path / "book")
    mine = write(book, record.config)
    before = mine.path.read_bytes()
    with pytest.raises(RecordError, match="exists already, with other results"):
        book.import_record(record.path)
    assert mine.path.read_bytes() == before


@pytest.mark.parametrize(
    "name", ["json", "safetensors", "../digits/", "./", "/", "", "..", "other folder", "capitals"]
)
def test_a_record_cannot_have_another_runs_files_overwritten(
    name, record, store, command, tmp_path
):
    """A stranger's record names a file of another run as the file of its filters."""
    other = next(r for r in store.records() if r.filters is None)
    named = {
        "json": other.path.name,
        "safetensors": other.path.with_suffix(".safetensors").name,
        "../digits/": f"../digits/{record.path.stem}.safetensors",
        "./": f"./{record.path.stem}.safetensors",
        "/": str(store.root / "x.safetensors"),
        "other folder": f"../toy/{record.path.stem}.safetensors",
        "capitals": f"{record.path.stem}.SAFETENSORS",
    }.get(name, name)
    mail = tmp_path / "mail" / "digits"
    mail.mkdir(parents=True)
    stranger = Path(shutil.copy(record.path, mail))
    filters = record.path.with_suffix(".safetensors").read_bytes()
    if named not in ("", "..") and not named.startswith("/"):
        (mail / named).parent.mkdir(exist_ok=True)
        (mail / named).write_bytes(filters)
    signed_anew(stranger, at("filters", "file", to=named))
    record.path.unlink()
    before = {path: path.read_bytes() for path in store.root.rglob("*") if path.is_file()}
    said = command("runs", "import", stranger, "--store", store.root)
    said.refused(f"{stranger}: not a run record (filters: the file is not the run's own")
    assert before == {path: path.read_bytes() for path in store.root.rglob("*") if path.is_file()}


# --- where a run comes from


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
    expected = "lcs train --lr 1e-4 --store my runs --store=b runs mine here/runs"
    assert lcs.runs.provenance.command(words) == expected
    assert lcs.runs.provenance.command(["/x/lcs/__main__.py", "runs"]) == "lcs runs"
    assert lcs.runs.provenance.command(["lcs", "--store=/tmp/\udcff"]) == "lcs --store=\\udcff"


def test_a_processor_has_its_generation_beside_its_name():
    first = "model\t\t: 17\nmodel name\t: AMD EPYC\ncpu family\t: 25\nflags\t\t: a b\n\n"
    assert lcs.runs.provenance._processor(first + first) == "AMD EPYC (family 25, model 17)"
    assert lcs.runs.provenance._processor("model name : Some CPU @ 2: GHz\n") == "Some CPU @ 2: GHz"
    assert lcs.runs.provenance._processor("processor : 0\nHardware : BCM2711\n") == ""


def test_a_package_inside_another_project_has_not_that_projects_commit(tmp_path, monkeypatch):
    package = tmp_path / ".venv" / "lcs"
    shutil.copytree(
        lcs.runs.provenance.PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__")
    )
    (tmp_path / "own.py").touch()

    def git(*words):
        author = ("-c", "user.name=a", "-c", "user.email=a@b.c")
        subprocess.run(["git", "-C", tmp_path, *author, *words], check=True, capture_output=True)

    def found():
        origin = provenance(torch.device("cpu"))
        return origin["commit"], origin["unmodified"]

    git("init")
    git("add", "own.py")
    git("commit", "-m", "another project")
    monkeypatch.setattr(lcs.runs.provenance, "PACKAGE", package)
    monkeypatch.setattr(lcs.runs.provenance, "_git", lcs.runs.provenance._git.__wrapped__)
    assert found() == (None, None)
    git("add", "-f", ".venv")
    git("commit", "-m", "the package too")
    commit, unmodified = found()
    assert (len(commit), unmodified) == (40, True)
    (package / "exhibits" / "toy.py").write_text("# altered\n")
    (package / "exhibits" / "shared" / "new.py").touch()
    assert found() == (commit, True)  # as the hash of the code, which leaves chapters out
    (package / "seeds.py").write_text("# altered\n")
    assert found() == (commit, False)


def test_no_git_is_no_error(tmp_path, monkeypatch):
    monkeypatch.setattr(lcs.runs.provenance, "PACKAGE", tmp_path / "lcs")
    monkeypatch.setattr(lcs.runs.provenance, "_git", lcs.runs.provenance._git.__wrapped__)
    found = provenance(torch.device("cpu"))
    assert (found["commit"], found["unmodified"]) == (None, None)


# --- the time it takes


def test_records_are_read_without_heavy_imports(store):
    """`lcs runs list` and `verify` start without torch, which takes seconds to import."""
    code = (
        "import sys; from lcs.runs import RunStore, verify;"
        f"store = RunStore({str(store.root)!r}); assert not verify(store);"
        "assert len(list(store.records())) == 3;"
        "print(*{'torch', 'pandas', 'sklearn', 'scipy'} & sys.modules.keys())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_broken_records_are_left_out(store):
    known, broken, *others = store.paths()
    broken.write_text("{}")
    found = readable(RunStore(store.root / "none", fallback=store))
    assert [record.path for record in found] == [known, *others]


def test_records_are_read_once_until_they_change(store, monkeypatch):
    read = []
    original = lcs.runs.store.read_record
    monkeypatch.setattr(
        lcs.runs.store, "read_record", lambda *args: read.append(args[0]) or original(*args)
    )
    first, *others = paths = store.paths()
    for _ in range(2):
        found = list(readable(store))
        assert len(found) == len(paths)
    assert found == list(store.records()) == [store.find(record.config) for record in found]
    assert found == [store.by_id(record.config.run_id) for record in found]
    assert read == paths
    assert lcs.runs.store._read_once.cache_info().maxsize  # 10,000 records would take 0.6 GB
    first.unlink()
    others[0].touch()
    assert len(list(readable(store))) == len(others)
    assert read == [*paths, others[0]]


def test_a_long_command_is_cut(tmp_path):
    text = lcs.runs.provenance.command(["lcs", *["word"] * 5000])
    assert len(text) == 1000
    assert text.endswith("…")
    write(RunStore(tmp_path), provenance=ORIGIN | {"command": text})


def test_a_store_may_be_in_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "runs").mkdir()
    assert RunStore("~/runs").root == lcs.runs.named_store("~/runs").root == tmp_path / "runs"


def test_records_of_other_folders_are_not_read(store, monkeypatch):
    monkeypatch.setattr(lcs.runs.store, "_read", lambda path, root: path.parent.name)
    assert set(readable(store)) == {"digits"}
    assert list(readable(store, lambda folder: folder == "cifar10")) == []
