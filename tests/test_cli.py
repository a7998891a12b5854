"""The command line: exact spellings, one line for every error, codes that scripts can use."""

import dataclasses
import importlib.metadata
import json
import re
import shlex
import signal
from pathlib import Path
from types import SimpleNamespace

import pytest
import typer
from helpers.finished_results import results

import lcs.cli
import lcs.exhibits.book
from lcs.config import Config
from lcs.data import DATASETS
from lcs.exhibits import studies
from lcs.runs import BOOK_RUNS, RunStore

DIGITS = ("--dataset", "digits", "--epochs", 2, "--batch-size", 256, "--device", "cpu")


@pytest.fixture
def asked(monkeypatch):
    """What `lcs train` asks the training loop for, which itself does not run."""
    calls = []

    def train(config, **options):
        calls.append((config, options))
        return SimpleNamespace(path="record.json", accuracy=0.5)

    monkeypatch.setattr("lcs.train.train", train)
    monkeypatch.setattr("lcs.study.cost.Pace", lambda *_: SimpleNamespace(seconds=lambda _: 90.0))
    return calls


def files(folder):
    return sorted(path for path in Path(folder).rglob("*") if path.is_file())


def test_the_command_is_installed(command, monkeypatch):
    (script,) = importlib.metadata.entry_points(group="console_scripts", name="lcs")
    assert script.load() is lcs.cli.main
    monkeypatch.setattr(importlib.metadata, "version", lambda name: {"lcs": "3.2.1"}[name])
    assert command("--version") == (0, "3.2.1\n", "")


def test_help(command):
    wanted = dict.fromkeys([f"{name} --help" for name in ("train", "runs replay", "study")], 0)
    for words, code in (wanted | {"--help": 0, "runs": 2}).items():  # a command is missing
        said = command(*words.split())
        assert (said.code, said.err) == (code, "")
        assert "Usage: lcs" in re.sub(r"\x1b\[[\d;]*m", "", said.out)
    command("runs", "lst").refused("Did you mean 'list'", 2)


def test_the_examples_of_the_help_are_commands(asked, command, tmp_path):
    commands = typer.main.get_command(lcs.cli.app).commands
    examples = [
        shlex.split(" ".join(text.split()))[1:]
        for name in ("train", "study")
        for text in commands[name].help.split("\n\n")
        if text.lstrip().startswith("lcs ")
    ]
    assert [words[0] for words in examples] == ["train", "train", "study", "study"]
    for words in examples:
        plan = [] if "--plan" in words else ["--plan"]
        assert command(*words, *plan, "--store", tmp_path).code == 0
    assert not asked


# --- train


def test_train_as_it_is_spelt(tmp_path, monkeypatch, command):
    monkeypatch.chdir(tmp_path)
    words = ("train", *DIGITS, "--model", "s-fc", "--lr", 0.1, "--seed", 0, "--store", "records")
    config = Config(dataset="digits", epochs=2, batch_size=256)
    planned = command(*words, "--plan")
    text = rf"run {config.run_id}: 2 epochs on cpu, about \d+ s; .* be (records/digits/\S+json)\n"
    place = re.fullmatch(text, planned.out)[1]
    assert (planned.code, planned.err, files(tmp_path)) == (0, "", [])
    said = command(*words)
    first, last = said.err.splitlines(keepends=True)
    assert re.fullmatch(text, first)
    assert re.fullmatch(rf"run {config.run_id}: test accuracy \d\d\.\d\d %\n", last)
    assert (said.code, said.out) == (0, f"{place}\n")
    path = Path(place)
    assert json.loads(path.read_text())["config"] == dataclasses.asdict(config)
    before = path.stat().st_mtime_ns
    again = command(*words)  # done already: the same answer, no new record
    assert (again.out, again.err) == (said.out, last.replace("\n", ", trained before\n"))
    assert command(*words, "--plan").out == f"run {config.run_id}, trained before: {place}\n"
    assert path.stat().st_mtime_ns == before


@pytest.mark.filterwarnings("default:beta")
def test_a_warning_is_a_line_too(tmp_path, command):
    options = ("--optimizer", "beta-lasso", "--l1", 0.01, "--beta", 50, "--store", tmp_path)
    _, *lines, _ = command("train", *DIGITS, *options).err.splitlines()
    assert len(lines) == 3, "one for each layer"
    assert all(line.startswith("lcs: warning: beta * l1 = 0.5 exceeds the") for line in lines)


def test_fields_of_a_run_are_options(asked, command, tmp_path):
    """Of all types; every field is an option, as the next test says."""
    config = Config(
        dataset="digits", model="s-conv", kernel_size=5, affine=True, bias=True, dropout=0.25,
        optimizer="beta-lasso", l1=1e-4, l1_rest=1e-5, beta=5.0, epochs=7, augment="flip-crop",
        seed=3,
    )  # fmt: skip
    words = []
    for field in dataclasses.fields(config):
        value, option = getattr(config, field.name), f"--{field.name.replace('_', '-')}"
        if value != field.default:
            words += [option] if value is True else [option, value]
    assert command("train", *words, "--store", tmp_path).code == 0
    assert asked[0][0] == config


def test_the_help_of_train_gives_meanings_choices_and_ranges():
    options = {p.name: p for p in typer.main.get_command(lcs.cli.app).commands["train"].params}
    for field in dataclasses.fields(Config):
        option = options[field.name]
        assert option.default == field.default
        assert option.rich_help_panel
    assert options["beta"].help.startswith("Weights below beta * lambda in size become zero")
    assert "sgd, beta-lasso, proximal-l1, spred" in options["optimizer"].help
    assert "0 to 0.95" in options["dropout"].help


def test_other_options_reach_the_loop(asked, command, monkeypatch, tmp_path):
    options = ("--device", "cpu", "--budget-minutes", 1.5, "--checkpoint-seconds", 7)
    monkeypatch.setenv("HOME", str(tmp_path))
    said = command("train", "--store=~/named", *options)
    ((config, found),) = asked
    assert config == Config()
    assert found.pop("store").root == tmp_path / "named"
    assert found == {"device": "cpu", "budget_minutes": 1.5, "checkpoint_seconds": 7.0}
    assert "400 epochs on cpu, about 1.5 min; " in said.err
    monkeypatch.setenv("LCS_STORE", str(tmp_path / "own"))
    command("train")
    own = asked[1][1]["store"]
    assert (own.root, own.fallback.root) == (tmp_path / "own", BOOK_RUNS)


@pytest.mark.parametrize(
    ("options", "code", "reason"),
    [
        (["--epochs", 0], 1, "epochs: 0 is out of range; give 1 to"),
        (["--device", "tpu"], 1, "device: unknown value 'tpu'; give auto, cpu or cuda"),
        (["--dataset", "cifar"], 1, "did you mean cifar10?"),
        (["--l1", 2e-5, "--beta", 50], 1, "leave beta, l1 out or choose optimizer beta-lasso"),
        (["--store", "/dev/null/records"], 1, "/records: Not a directory; check the path"),
        (["--lr", 1000, "--weight-decay", 1, "--batch-size", 90], 1, "is not finite in epoch 1; "),
        (["--epochs", "many"], 2, "--epochs"),
        (["--weight-dacay", 0.1], 2, "Possible options: --weight-decay"),
        (["--store", ""], 2, "the name of the folder is empty"),
    ],
)
def test_what_cannot_be_trained_is_refused(options, code, reason, command, tmp_path):
    command("train", *DIGITS, "--store", tmp_path / "runs", *options).refused(reason, code)
    assert not files(tmp_path)


def test_a_run_out_of_time(command, tmp_path):
    words = ("train", *DIGITS, "--store", tmp_path)
    said = command(*words, "--budget-minutes", 0)
    assert (said.code, said.out, files(tmp_path)) == (75, "", [])
    assert said.error.endswith("epoch 0 of 2: the time budget is spent; the same command goes on")
    assert " resumed at epoch 0\n" in command(*words).err


@pytest.mark.parametrize(
    ("sign", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["Ctrl-C", "SIGTERM"]
)
def test_an_interrupted_run(sign, code, asked, command, monkeypatch):
    monkeypatch.setattr("lcs.train.train", lambda *_, **__: signal.raise_signal(sign))
    said = command("train")
    assert said.code == code
    assert said.error.startswith("lcs: interrupted; the same command goes on from the last")


# --- study


def runs_of(plan):
    """The places of the records of missing runs, with which their lines begin."""
    places = [line.partition(":")[0] for line in plan.splitlines()]
    return [place for place in places if "/" in place]


def test_study(command, tmp_path):
    words = ("study", "figure3", "--scale", "smoke", "--seeds", 2, "--epochs", 2, "--betas", 50)
    words = (*words, "--store", tmp_path, "--device", "cpu")
    planned = command(*words, "--plan")
    assert (planned.code, planned.err, files(tmp_path)) == (0, "", [])
    runs = runs_of(planned.out)
    assert len(runs) == 4
    assert planned.out.splitlines()[-1].startswith("4 of 4 runs missing, about ")
    said = command(*words)
    assert said.code == 0
    assert said.err.startswith("4 runs to train on cpu, about ")
    paths = [Path(line) for line in said.out.splitlines()]
    assert len({json.loads(path.read_text())["id"] for path in paths}) == 4
    assert runs == [str(path.relative_to(tmp_path).with_suffix("")) for path in paths]
    assert "0 of 4 runs missing" in command(*words, "--plan").out
    assert command(*words) == (0, said.out, "")


def test_a_plan_needs_neither_images_nor_a_device(command, tmp_path, monkeypatch):
    monkeypatch.setenv("LCS_DATA", str(tmp_path / "none"))
    words = ("study", "figure3", "--seeds", 1, "--store", tmp_path, "--plan")
    said = command(*words, "--scale", "paper", "--betas", 50, "--betas", 2, "--device", "cuda")
    assert (said.code, said.err) == (0, "")
    *runs, total = said.out.splitlines()
    assert [re.search(r"beta=\d+", line)[0] for line in runs[:3]] == ["beta=0", "beta=2", "beta=50"]
    assert total.startswith("3 of 3 runs missing")
    assert "`lcs data get cifar10`" in total
    assert "data get" not in command(*words, "--scale", "smoke").out


def test_several_studies_train_as_one_each_at_its_scale(command, tmp_path, monkeypatch):
    """The first one's later seeds, too, come first, which do not share images with its first."""
    words = ("study", "largest-decay", "paper-length", "largest-decay", "--store", tmp_path)
    plan = command(*words, "--plan").out
    alone = [command("study", name, "--store", tmp_path, "--plan").out for name in words[1:3]]
    runs = runs_of(plan)
    assert runs == [*runs_of(alone[0]), *runs_of(alone[1])]
    assert plan.splitlines()[-1].startswith(f"{len(runs)} of {len(runs)} runs missing")
    trained = []
    monkeypatch.setattr(
        "lcs.study.scheduler.train_all", lambda groups, *_, **options: trained.extend(groups)
    )
    command("study", "largest-decay", "largest-free", "--store", tmp_path, "--device", "cpu")
    found = [(config.optimizer, config.seed) for group in trained for config in group]
    assert found == [(name, seed) for name in ("sgd", "beta-lasso") for seed in range(3)]


def test_without_a_name_studies_are_listed_and_no_option_is_ignored(command):
    said = command("study")
    assert (said.code, said.err) == (0, "")
    assert [line.split()[1] for line in said.out.splitlines()] == [*studies()]
    for words in (["--plan"], ["--device", "auto"], ["--store", "here"]):
        command("study", *words).refused("name a study; `lcs study` lists them", 2)


@pytest.mark.parametrize(
    ("words", "code", "reason"),
    [
        (["tabel2"], 1, "study: unknown name 'tabel2'; did you mean table2?"),
        (["table2", "--workers", 0], 2, "--workers"),
        (["table2", "recipe-cifar100", "--epochs", -1], 1, "epochs: -1 is out of range"),
        (["search", "--choose", "--seeds", 3], 2, "--choose trains nothing"),
        (["search", "table2", "--choose"], 2, "--choose trains nothing"),
        (["table2", "toy"], 1, "study: toy has no networks to train; give it alone"),
    ],
)
def test_what_cannot_be_studied(words, code, reason, command, tmp_path):
    command("study", *words, "--store", tmp_path).refused(reason, code)
    assert not files(tmp_path)


# --- runs


def test_list_and_show(store, record, command):
    said = command("runs", "list", "--store", store.root)
    lines = [line.split() for line in said.out.splitlines()]
    assert (said.code, said.err) == (0, "")
    assert [line[0] for line in lines] == [found.run_id for found in store.records()]
    assert [line[-1] for line in lines] == [str(path) for path in store.paths()]
    accuracy = f"{100 * record.final['test_accuracy']:.2f}"
    assert [line[1] for line in lines if line[0] == record.run_id] == [accuracy]
    said = command("runs", "show", record.run_id[:5], "--store", store.root)
    assert said.out == record.path.read_text()
    file, accuracies, weights, time = said.err.splitlines()
    assert file == record.config.file
    assert accuracies.startswith(f"test accuracy {accuracy} %, train accuracy ")
    kept, every = record.final["nonzeros"]["fc1"], record.final["weights"]["fc1"]
    assert weights.startswith("weights left: ")
    assert f" fc1 {kept:,} of {every:,}, fc2 " in weights
    assert re.fullmatch(r"3 epochs in \d+ s on cpu \(.+\)", time)


def test_listed_runs_have_all_the_words(store, record, command):
    def listed(*words):
        said = command("runs", "list", *words, "--store", store.root)
        assert said.code == 0
        return [line.split()[0] for line in said.out.splitlines()]

    others = [run.run_id for run in store.records() if run != record]
    assert listed("digits/", "beta-lasso", "beta=50") == [record.run_id]
    assert listed("l1=2e-4", "crop-padding=null") == [record.run_id]
    assert listed("validation=true") == listed("optimizer=sgd") == others
    assert listed("beta=50", "validation=true") == listed("epochs=fifty") == []
    nothing = command("runs", "list", "beta=50", "l1=1", "--store", store.root)
    assert nothing == (0, "", "lcs: no record has beta=50 and l1=1\n")
    said = command("runs", "list", "base-chanels=1", "--store", store.root)
    said.refused("no setting 'base_chanels'; did you mean base_channels?")
    assert "%v" in command("runs", "list", "sgd", "--store", store.root).out


def test_verify(store, command, tmp_path):
    assert command("runs", "verify", "--store", store.root) == (0, "3 records whole, 0 bad\n", "")
    for path in store.paths()[:2]:
        path.write_text(path.read_text().replace('"epoch": 3', '"epoch": 4'))
    said = command("runs", "verify", "--store", store.root)
    assert (said.code, said.out) == (1, "1 records whole, 2 bad\n")
    for line, path in zip(said.err.splitlines(), store.paths(), strict=False):
        assert line.startswith(f"lcs: error: {path}: edited or damaged")
    said = command("runs", "list", "--store", store.root)
    assert (said.code, len(said.out.splitlines()), len(said.err.splitlines())) == (1, 1, 2)
    (tmp_path / "empty").mkdir()
    command("runs", "verify", "--store", tmp_path / "empty").refused("there are no records")


def test_import(store, record, command, tmp_path):
    book = tmp_path / "book"
    said = command("runs", "import", store.root, "--store", book)
    assert said.code == 0
    assert said.out.splitlines() == [str(path) for path in RunStore(book).paths()]
    assert sorted(p.name for p in files(book)) == sorted(p.name for p in files(store.root))
    assert command("runs", "import", record.path, "--store", book).code == 0
    assert command("runs", "verify", "--store", book).out == "3 records whole, 0 bad\n"
    small = tmp_path / "small"
    said = command("runs", "import", store.root, "--store", small, "--no-filters")
    assert said.code == 0
    assert sorted(p.name for p in files(small)) == sorted(p.name for p in store.paths())


def test_what_cannot_be_imported_stops_no_other(store, record, command, tmp_path):
    book, other = RunStore(tmp_path / "book"), RunStore(tmp_path / "other")
    other.write(record.config, **results(record.config))
    said = command("runs", "import", record.path, "--store", other.root)
    said.refused("exists already, with other results")
    record.path.write_text(record.path.read_text().replace('"epoch": 3', '"epoch": 4'))
    said = command("runs", "import", tmp_path / "absent", store.root, "--store", book.root)
    absent, edited = said.err.splitlines()
    assert said.code == 1
    assert "absent: there is no such file or folder" in absent
    assert str(record.path) in edited
    others = [path.name for path in store.paths() if path != record.path]
    assert [path.name for path in book.paths()] == others


def test_without_a_store_the_books_records_are_listed_too(command, finished, monkeypatch, tmp_path):
    command("runs", "list", "--store", tmp_path / "typo").refused("there is no folder")
    monkeypatch.setenv("LCS_STORE", str(tmp_path))
    monkeypatch.setattr("lcs.runs.store.BOOK_RUNS", finished)
    assert len(command("runs", "list").out.splitlines()) == len(RunStore(finished).paths())


# --- data


def test_data(command, tmp_path, monkeypatch):
    monkeypatch.setenv("LCS_DATA", str(tmp_path))
    rows = [line.split() for line in command("data", "list").out.splitlines()]
    missing = dict.fromkeys(DATASETS, "missing")
    assert {row[0]: row[1] for row in rows} == missing | {"digits": "verified"}
    for verb in ("verify", "get"):
        said = command("data", verb, "digits")
        assert (said.code, said.err) == (0, "")
        assert Path(said.out.strip()).exists()
    command("data", "get", "cifar").refused("did you mean cifar10?")
    command("data", "verify", "cifar10").refused("lcs data get cifar10")
    command("data", "import", "cifar10", "none.npz").refused("none.npz does not exist")
    assert not files(tmp_path)


# --- book


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("", [("render",)]),
        ("toy -p a=b=c --parameter d=", [("rerun", "toy", {"a": "b=c", "d": ""})]),
        ("--update", [("update", "toy"), ("update", "table2")]),
        ("table2 --update", [("update", "table2")]),
        ("toy -p scale", "parameter 'scale': give name=value"),
        ("-p scale=smoke", "name it"),
        ("--new", "name the exhibit"),
    ],
)
def test_book(words, expected, command, monkeypatch):
    calls = []
    for verb in ("render", "rerun", "update"):
        ask = lambda *words, verb=verb: calls.append((verb, *words)) or f"{verb}.html"  # noqa: E731
        monkeypatch.setattr(lcs.exhibits.book, verb, ask)
    monkeypatch.setattr(lcs.exhibits.book, "chapters", lambda: ["toy", "table2"])
    monkeypatch.setattr(lcs.exhibits.book, "parse", lambda chapter, words: dict(words))
    said = command("book", *words.split())
    if isinstance(expected, str):
        said.refused(expected, 2)
    else:
        assert (said.code, said.err, calls) == (0, "", expected)
        assert said.out.splitlines() == [f"{call[0]}.html" for call in expected]


def test_a_book_that_is_not_there(command, monkeypatch, tmp_path):
    command("book", "table2", "-p", "sede=1").refused("did you mean seeds?")
    monkeypatch.setattr(lcs.exhibits.book, "ROOT", tmp_path)  # as in an installed package
    for words in ([], ["table2"], ["--update"]):
        command("book", *words).refused("run this from a clone")
