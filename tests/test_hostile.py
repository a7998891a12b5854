"""What strangers, odd folders and odd terminals may do: one line of error, and nothing is lost."""

import contextlib
import getpass
import io
import json
import os
import pwd
import subprocess
import sys
from dataclasses import asdict, fields
from pathlib import Path
from unittest import mock

import pytest
from helpers.finished_results import results
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.numpy import save_file

from lcs import data
from lcs.cli import main
from lcs.config import Config
from lcs.errors import CheckpointError, ConfigError, RecordError
from lcs.runs import RunStore, default_store, read_record, verify
from lcs.runs.record import MAX_RECORD_BYTES
from lcs.train.checkpoint import Checkpoint

CONFIG = Config(dataset="digits", epochs=2)
FULL = Path("/dev/full")


@pytest.fixture
def store(tmp_path):
    store = RunStore(tmp_path / "runs")
    store.write(CONFIG, **results(CONFIG))
    return store


def lcs(*arguments, stdout=subprocess.PIPE, **environment):
    """Run the command line in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "lcs", *map(str, arguments)],
        stdout=stdout,
        stderr=subprocess.PIPE,
        env={**os.environ, **environment},
        timeout=60,
    )


# --- files


def test_a_record_of_any_size_is_not_read(store):
    (path,) = store.paths()
    with path.open("r+b") as file:
        file.truncate(MAX_RECORD_BYTES + 1)
    with pytest.raises(RecordError, match="larger than"):
        read_record(path, store.root)


@pytest.mark.parametrize("text", ["[" * 100_000, '{"schema": ' + "1" * 100_000 + "}"])
def test_deep_and_long_values_are_refused(text, store):
    (path,) = store.paths()
    path.write_text(text)
    with pytest.raises(RecordError, match="not a run record"):
        read_record(path, store.root)


# --- folders


@pytest.mark.parametrize("name", ["~nouser/runs", "~"])
def test_a_home_that_is_not_known(name, monkeypatch):
    def unknown(path):
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr("pathlib.Path.expanduser", unknown)
    for variable in ("LCS_STORE", "LCS_CHECKPOINTS", "LCS_DATA"):
        monkeypatch.setenv(variable, name)
    for use in (
        default_store,
        lambda: Checkpoint(CONFIG, Path("x")),
        lambda: data.dataset_path("svhn"),
    ):
        with pytest.raises(OSError, match="home folder is not known"):
            use()


def test_a_folder_that_is_not_utf8_is_refused_in_a_line(command, tmp_path, monkeypatch):
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff"))
    folder.mkdir()
    train = ("train", "--dataset", "digits", "--epochs", "1")
    command(*train, "--store", folder).refused(r"\udcff: the path of this folder is not UTF-8")
    monkeypatch.setenv("LCS_CHECKPOINTS", str(folder))
    command(*train, "--store", tmp_path).refused("is not UTF-8")
    monkeypatch.chdir(folder)
    command("runs", "verify", "--store", "runs").refused("is not UTF-8")


def test_a_file_that_is_not_utf8_or_that_a_terminal_would_obey(store, command):
    stray = store.root / os.fsdecode(b"\xff\x1b[31m.json")
    stray.write_text("{}")
    said = command("runs", "verify", "--store", store.root)
    assert (said.code, said.out) == (1, "1 records whole, 1 bad\n")
    assert r"\udcff\x1b[31m.json: not a run record" in said.error


def test_a_user_without_a_name(store, command, monkeypatch):
    """As in a container; torch asks for one as soon as there is an optimizer."""
    monkeypatch.setattr(pwd, "getpwuid", mock.Mock(side_effect=KeyError))
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.setenv(name, "")
    command("runs", "list", "--store", store.root)
    assert getpass.getuser()


@pytest.mark.parametrize(
    "words",
    [
        ("runs", "verify"),
        ("runs", "list"),
        ("runs", "show", "x"),
        ("study", "table2", "--plan"),
        ("train", "--dataset", "digits"),
    ],
)
def test_a_name_that_is_too_long(words, command, tmp_path):
    command(*words, "--store", tmp_path / ("x" * 300)).refused("x" * 300)


def test_an_unreadable_folder_is_not_an_empty_one(store, command, monkeypatch):
    scan = os.scandir

    def scandir(path="."):
        if str(path).endswith("digits"):
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", scandir)
    for verb in ("verify", "list"):
        command("runs", verb, "--store", store.root).refused("Permission denied")


def test_a_stray_file_does_not_hide_the_records(store, command):
    stray = store.root / "notes.json"
    stray.write_text("{}")
    said = command("runs", "list", "--store", store.root)
    assert said.code == 1
    assert said.out.split()[0] == CONFIG.run_id
    assert str(stray) in said.error
    assert len(verify(store)) == 1


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("train", "--dataset", "digits", "--store", ""), 2),
        (("study", "table2", "--scale", "smoke", "--store", ""), 2),
        (("runs", "verify", "--store", ""), 2),
        (("runs", "import", ""), 2),
        (("runs", "show", ""), 1),
        (("book", "", "--update"), 1),
        (("book", ""), 1),
        (("study", "table2", "--plan", "--seeds", "1000000000"), 1),
        (("study", "table2", "--plan", "--device", "nonsense"), 1),
        (("study", "table2", "--plan", "--budget-minutes", "-1"), 1),
        (("study", "table2", "--plan", "--checkpoint-seconds", "nan"), 1),
        (("study", "toy", "--plan", "--device", "nonsense"), 1),
    ],
)
def test_what_is_empty_or_out_of_range(words, code, command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    command(*words).refused("", code)
    assert not [*tmp_path.iterdir()]


# --- terminals


@pytest.mark.skipif(not FULL.is_char_device(), reason=f"this machine has no {FULL}")
def test_a_full_disk_behind_stdout(store):
    with FULL.open("w") as full:
        said = lcs("runs", "list", "--store", store.root, stdout=full)
    assert said.returncode == 1
    assert said.stderr.decode().splitlines() == ["lcs: error: No space left on device"]


@pytest.mark.parametrize("words", ["runs list", "--help"])
def test_a_reader_that_has_read_enough(words, store):
    """As `head` in a pipe: what typer prints itself, and what is printed by a command."""
    reading, writing = os.pipe()
    os.close(reading)
    more = ("--store", store.root) if words != "--help" else ()
    said = lcs(*words.split(), *more, stdout=writing)
    os.close(writing)
    assert (said.returncode, said.stderr) == (1, b"")


def test_a_terminal_without_greek():
    said = lcs("study", PYTHONIOENCODING="ascii")
    assert (said.returncode, said.stderr) == (0, b"")
    assert rb"\u03b1" in said.stdout


def test_interrupted_while_it_is_imported():
    code = (
        "import builtins, runpy\n"
        "real = builtins.__import__\n"
        "def load(name, *rest):\n"
        "    if name == 'typer': raise KeyboardInterrupt\n"
        "    return real(name, *rest)\n"
        "builtins.__import__ = load\n"
        "import lcs.cli\n"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True)
    assert (said.returncode, said.stderr) == (130, b"")


# --- whatever a stranger may write

PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
ANYTHING = st.recursive(
    PLAIN, lambda part: st.lists(part, max_size=3) | st.dictionaries(st.text(max_size=8), part)
)
few = settings(
    derandomize=True,
    max_examples=25,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@few
@given(values=st.dictionaries(st.sampled_from([f.name for f in fields(Config)]), ANYTHING))
def test_any_values_are_a_configuration_or_refused(values):
    with contextlib.suppress(ConfigError):
        config = Config.from_dict(values)
        assert Config.from_dict(asdict(config)) == config


@few
@given(state=ANYTHING, config=ANYTHING)
def test_any_state_of_a_checkpoint_is_read_or_refused(state, config, tmp_path):
    checkpoint = Checkpoint(CONFIG, tmp_path)
    checkpoint.path = tmp_path / "any.safetensors"
    own = json.dumps(asdict(CONFIG))
    for metadata in (
        {"config": own, "state": json.dumps({"epoch": state, "history": {}})},
        {"config": own, "state": json.dumps(state)},
        {"config": json.dumps(config), "state": "{}"},
    ):
        save_file({}, checkpoint.path, metadata)
        with contextlib.suppress(CheckpointError):
            assert checkpoint.epoch() in range(CONFIG.epochs + 1)
        with contextlib.suppress(CheckpointError):
            checkpoint.load()


@few
@given(word=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")))
def test_any_word_of_the_command_line_is_taken_or_refused(word, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for words in (("--seed", word), ("--model", word), ("--lr", word), (word, "x")):
        with (
            contextlib.redirect_stderr(io.StringIO()) as said,
            contextlib.redirect_stdout(io.StringIO()),
            mock.patch("lcs.train.train", return_value=mock.Mock(path="x")),
            pytest.raises(SystemExit) as end,
        ):
            main(["train", *words])
        assert end.value.code in (0, 1, 2)
        assert said.getvalue().count("\n") <= 1
