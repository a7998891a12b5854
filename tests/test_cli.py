"""The command line: exact spellings, one line for every error, codes that scripts can use."""

import dataclasses
import importlib.metadata
import json
import os
import re
import runpy
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import typer
from helpers.finished_results import results

import lcs.cli
import lcs.exhibits.book
from lcs.cli.training import PANELS
from lcs.config import Config
from lcs.data import DATASETS
from lcs.exhibits import find_study, studies
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
    return calls


def files(folder):
    return sorted(path for path in Path(folder).rglob("*") if path.is_file())


def test_a_checkout_that_is_not_installed_has_the_command_line_too(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["lcs", "study", "nonsense"])
    with pytest.raises(SystemExit) as stopped:
        runpy.run_module("lcs", run_name="__main__")
    assert stopped.value.code == 1
    assert "unknown name 'nonsense'" in capsys.readouterr().err


# --- train


def test_train_as_it_is_spelt(tmp_path, monkeypatch, command):
    monkeypatch.chdir(tmp_path)
    line = (
        "train --dataset digits --model s-fc --optimizer beta-lasso --beta 50 --l1 2e-5 "
        "--epochs 30 --seed 0 --lr 0.1 --batch-size 512 --device cpu --checkpoint-seconds 30 "
        "--store records"
    )
    words = line.split()
    said = command(*words)
    assert said.code == 0
    assert re.fullmatch(r"run \S+: test accuracy \d\d\.\d\d %\n", said.err)
    path = Path(said.out.splitlines()[-1])
    document = json.loads(path.read_text())  # openable from the current folder
    assert document["config"] == dataclasses.asdict(
        Config(dataset="digits", optimizer="beta-lasso", beta=50.0, l1=2e-5, epochs=30)
    )
    assert document["history"]["epoch"] == list(range(1, 31))
    before = path.stat().st_mtime_ns
    again = command(*words)  # done already: the same answer, no new record
    assert (again.out, again.err) == (said.out, said.err.replace("\n", ", trained before\n"))
    assert path.stat().st_mtime_ns == before
    assert files("records") == [path, path.with_suffix(".safetensors")]


@pytest.mark.filterwarnings("default:beta")
def test_a_warning_is_a_line_too(tmp_path, command):
    options = ("--optimizer", "beta-lasso", "--l1", 0.01, "--beta", 50, "--store", tmp_path)
    said = command("train", *DIGITS, *options)
    assert said.code == 0
    *lines, result = said.err.splitlines()
    assert len(lines) == 3, "one for each layer"
    for line in lines:
        assert line.startswith("lcs: warning: beta * l1 = 0.5 exceeds the largest weight, ")
    assert "test accuracy" in result


def test_the_command_is_installed():
    (script,) = importlib.metadata.entry_points(group="console_scripts", name="lcs")
    assert script.load() is lcs.cli.main


def test_every_field_of_a_run_is_an_option(asked, command):
    lasso = Config(
        dataset="digits", model="s-conv", base_channels=2, kernel_size=5, padding="none",
        affine=True, bias=True, dropout=0.25, optimizer="beta-lasso", lr=0.2, l1=1e-4,
        l1_rest=1e-5, beta=5.0, loss="bce", schedule="constant", epochs=7, batch_size=64,
        augment="flip-crop", crop_padding=2, crop_fill=9, normalize="standard", permute_pixels=True,
        validation=True, precision="bf16", frozen_zeros=True, seed=3,
    )  # fmt: skip
    sgd = Config(
        momentum=0.5,
        weight_decay=1e-4,
        period=100,
        pruning="rigl",
        density=0.1,
        density_rest=0.5,
        images="noise",
        labels="shuffled",
        train_share=0.5,
    )
    growing = Config(
        optimizer="beta-lasso", l1=1e-4, l1_growth=0.5, l1_growth_from=0.25, l1_window="learned",
        l1_window_size=5,
    )  # fmt: skip
    started = Config(start="mask", source="cifar10/s-fc-a4-beta-lasso-0123456789")
    changed = set()
    for config in (lasso, sgd, growing, started):
        words = []
        for field in dataclasses.fields(config):
            value, option = getattr(config, field.name), f"--{field.name.replace('_', '-')}"
            if value != field.default:
                changed.add(field.name)
                words += [option] if value is True else [option, value]
        assert command("train", *words).code == 0
        assert asked.pop()[0] == config
    assert changed == {field.name for field in dataclasses.fields(Config)}


def test_the_help_of_train_gives_meanings_choices_and_ranges():
    options = {p.name: p for p in typer.main.get_command(lcs.cli.app).commands["train"].params}
    for field in dataclasses.fields(Config):
        assert options[field.name].default == field.default
    assert options["beta"].help.startswith(
        "Weights of magnitude below beta * lambda are set to zero. "
    )
    assert "sgd, beta-lasso, proximal-l1, spred" in options["optimizer"].help
    assert "0 to 0.95" in options["dropout"].help


def test_other_options_reach_the_loop(asked, command, tmp_path):
    command(
        "train", "--store", tmp_path, "--device", "cuda:1",
        "--budget-minutes", 1.5, "--checkpoint-seconds", 7,
    )  # fmt: skip
    ((config, options),) = asked
    assert config == Config()
    assert options.pop("store").root == tmp_path
    assert options == {"device": "cuda:1", "budget_minutes": 1.5, "checkpoint_seconds": 7.0}


def test_without_a_store_records_are_the_readers_own(asked, command, monkeypatch, tmp_path):
    monkeypatch.setenv("LCS_STORE", str(tmp_path / "own"))
    command("train")
    assert asked[0][1]["store"].root == tmp_path / "own"
    assert asked[0][1]["store"].fallback.root == Path(lcs.exhibits.book.ROOT) / "book" / "runs"


def test_a_store_may_be_in_the_home_folder(asked, command, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    command("train", "--store=~/own")
    assert asked[0][1]["store"].root == tmp_path / "own"


REFUSED = {
    "epochs": (["--epochs", 0], "epochs: 0 is out of range; give 1 to"),
    "negative epochs": (["--epochs", -5], "epochs: -5 is out of range"),
    "batch size": (["--batch-size", 0], "batch_size: 0 is out of range; give 2 to"),
    "rate": (["--lr", -0.1], "lr: -0.1 is out of range"),
    "not a number": (["--lr", "nan"], "lr: nan is not a finite number"),
    "seed": (["--seed", -1], "seed: -1 is out of range"),
    "device": (["--device", "tpu"], "device: unknown value 'tpu'; give auto, cpu or cuda"),
    "data set": (["--dataset", "mnist"], "dataset: unknown value 'mnist'; choose from cifar10"),
    "model": (["--model", "vgg"], "model: unknown value 'vgg'; choose from s-conv"),
    "optimizer": (["--optimizer", "adam"], "optimizer: unknown value 'adam'; choose from sgd"),
    "optimizer with parameters": (
        ["--optimizer", "adam", "--beta", 50, "--l1", 2e-5],
        "optimizer: unknown value 'adam'; choose from sgd",
    ),
    "parameters of another optimizer": (
        ["--l1", 2e-5, "--beta", 50],
        "optimizer 'sgd' has no beta, l1: leave beta, l1 out or choose optimizer beta-lasso",
    ),
    "loss": (["--loss", "hinge"], "loss: unknown value 'hinge'"),
    "precision": (["--precision", "fp8"], "precision: unknown value 'fp8'"),
    "kernel": (["--model", "s-conv", "--kernel-size", 4], "kernel_size: 4 is even"),
    "image": (["--model", "s-conv", "--padding", "none"], "choose 'same'"),
    "store": (["--store", "/dev/null/records"], "/dev/null/records/digits: cannot be"),
}
WRONG = {
    "type": (["--epochs", "many"], "--epochs"),
    "fraction": (["--epochs", 2.5], "--epochs"),
    "text for a rate": (["--lr", "fast"], "--lr"),
    "option": (["--learning-rate", 0.1], "--learning-rate"),
    "argument": (["digits"], "digits"),
    "no value": (["--seed"], "--seed"),
}


@pytest.mark.parametrize("words", REFUSED)
def test_what_cannot_be_trained_is_refused_in_one_line(words, command, tmp_path):
    options, reason = REFUSED[words]
    command("train", *DIGITS, "--store", tmp_path / "runs", *options).refused(reason)
    assert not files(tmp_path)


@pytest.mark.parametrize("words", WRONG)
def test_a_wrong_command_line_is_refused_in_one_line(words, command, tmp_path):
    options, reason = WRONG[words]
    command("train", *DIGITS, "--store", tmp_path / "runs", *options).refused(reason, 2)
    assert not files(tmp_path)


@pytest.mark.parametrize("words", [["trian"], ["runs", "lst"], ["runs", "show"]])
def test_unknown_and_missing_commands(words, command):
    command(*words).refused("", 2)


@pytest.mark.parametrize("words", [[], ["runs"], ["data"]])
def test_help_stands_in_for_a_missing_command(words, command):
    said = command(*words)
    assert (said.code, said.err) == (2, "")
    assert "Usage: lcs" in re.sub(r"\x1b\[[\d;]*m", "", said.out)


def test_help_is_no_error(command):
    for words in ([], ["train"], ["runs"], ["runs", "replay"], ["study"], ["data"], ["book"]):
        said = command(*words, "--help")
        assert (said.code, said.err) == (0, "")
        assert "Usage: lcs" in re.sub(r"\x1b\[[\d;]*m", "", said.out)


def test_a_run_that_diverges(command, tmp_path):
    said = command(
        "train", *DIGITS, "--store", tmp_path, "--lr", 1000, "--weight-decay", 1,
        "--batch-size", 90,
    )  # fmt: skip
    said.refused("-s0: the loss is not finite in epoch 1; try")
    assert not files(tmp_path)


def test_a_run_out_of_time(command, tmp_path):
    words = ("train", *DIGITS, "--store", tmp_path)
    said = command(*words, "--budget-minutes", 0)
    assert said.code == 75
    assert said.error.startswith("lcs: run ")
    assert said.error.endswith(
        "paused at epoch 0 of 2: the time budget is spent; the same command goes on"
    )
    assert said.out == ""
    assert not files(tmp_path)
    said = command(*words)
    assert said.code == 0
    assert re.match(r"run \S+ resumed at epoch 0\n", said.err)


def test_an_interrupted_run(command, monkeypatch):
    def interrupt(*_arguments, **_options):
        raise KeyboardInterrupt

    monkeypatch.setattr("lcs.train.train", interrupt)
    said = command("train")
    assert said.code == 130
    assert (
        said.error == "lcs: interrupted; the same command goes on from the last checkpoint, if any"
    )
    monkeypatch.setattr("lcs.runs.RunStore.paths", interrupt)
    said = command("runs", "list")
    assert (said.code, said.error) == (130, "lcs: interrupted")


def test_a_terminated_run(command, monkeypatch):
    monkeypatch.setattr("lcs.train.train", lambda *_, **__: signal.raise_signal(signal.SIGTERM))
    said = command("train")
    assert said.code == 143
    assert said.error.startswith("lcs: interrupted; the same command goes on")


def test_an_error_of_several_lines_is_said_in_one(command, monkeypatch):
    def fail(*_arguments, **_options):
        raise lcs.cli.LcsError("a first line\n   and a second")

    monkeypatch.setattr("lcs.train.train", fail)
    assert command("train").error == "lcs: error: a first line and a second"


# --- study


@pytest.mark.parametrize(
    ("package", "error"),
    [
        ("typer", "MemoryError"),
        ("torch", "MemoryError"),
        ("torch", "ImportError('libtorch_cpu.so: failed to map segment from shared object')"),
    ],
)
def test_a_memory_limit_that_is_too_low_for_a_package(package, error, tmp_path):
    (tmp_path / f"{package}.py").write_text(f"raise {error}")
    path = os.pathsep.join([str(tmp_path), str(Path(lcs.cli.__file__).parents[2])])
    done = subprocess.run(
        [sys.executable, "-m", "lcs", "train", "--dataset", "digits", "--store", tmp_path],
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
    )
    (line,) = done.stderr.splitlines()
    assert (done.returncode, done.stdout) == (1, "")
    assert line.startswith("lcs: error: the memory limit")


def runs_of(plan):
    """The lines of missing runs: each begins with the place of its record."""
    return [line for line in plan.splitlines() if "/" in line.partition(":")[0]]


def test_study(command, tmp_path):
    words = ("study", "figure3", "--scale", "smoke", "--seeds", 2, "--epochs", 2)
    words = (*words, "--store", tmp_path, "--device", "cpu")
    planned = command(*words, "--plan")
    assert (planned.code, planned.err) == (0, "")
    runs = runs_of(planned.out)
    assert len(runs) == 8
    assert planned.out.splitlines()[-1].startswith("8 of 8 runs missing, about ")
    assert not files(tmp_path)
    said = command(*words)
    assert said.code == 0
    assert said.err.startswith("8 runs to train on cpu, about ")
    paths = [Path(line) for line in said.out.splitlines()]
    assert len({json.loads(path.read_text())["id"] for path in paths}) == 8
    assert [line.partition(":")[0] for line in runs] == [
        str(path.relative_to(tmp_path).with_suffix("")) for path in paths
    ]
    assert command(*words, "--plan").out.endswith("\n0 of 8 runs missing\n")
    assert command(*words) == (0, said.out, "")


def test_a_plan_says_which_images_have_to_be_fetched(command, tmp_path, monkeypatch):
    monkeypatch.setenv("LCS_DATA", str(tmp_path / "none"))
    words = ("study", "table2", "--seeds", 1, "--store", tmp_path, "--plan")
    assert "`lcs data get cifar10`" in command(*words).out.splitlines()[-1]
    assert "data get" not in command(*words, "--scale", "smoke").out


def test_a_plan_needs_no_device(command, tmp_path):
    words = ("study", "figure3", "--scale", "paper", "--betas", 50, "--device", "cuda")
    said = command(*words, "--seeds", 1, "--store", tmp_path, "--plan")
    assert (said.code, said.err) == (0, "")
    assert said.out.splitlines()[-1].startswith("2 of 2 runs missing")


@pytest.mark.parametrize("options", [["--plan"], ["--choose"], ["--budget-minutes", 9]])
def test_options_without_a_study_are_refused(options, command):
    command("study", *options).refused("name a study", 2)


def test_groups_of_options_are_of_fields_in_their_order():
    fields = [field.name for field in dataclasses.fields(Config)]
    assert [*PANELS] == sorted(PANELS, key=fields.index)
    assert next(iter(PANELS)) == fields[0], "every field is in a group"


def test_several_studies_train_as_one_each_at_its_scale(command, tmp_path):
    words = ("study", "largest-conv", "paper-length", "largest-conv", "--seeds", 1)
    plan = command(*words, "--store", tmp_path, "--plan").out
    files = [line.partition(":")[0] for line in runs_of(plan)]
    assert files == [
        config.file
        for name in words[1:3]
        for config in find_study(name).configs(find_study(name).usual_scale, 1)
    ]
    assert plan.splitlines()[-1].startswith("4 of 4 runs missing")
    words = ("table2", "figure3", "--scale", "smoke", "--seeds", 1, "--betas", 50, "--epochs", 1)
    said = command("study", *words, "--store", tmp_path, "--device", "cpu")
    assert said.err.startswith("6 runs to train on cpu, about ")  # figure3 has two of table2's
    assert len({*said.out.splitlines()}) == len(said.out.splitlines()) == 6


def test_of_several_studies_the_first_trains_first(command, tmp_path, monkeypatch):
    """Its later seeds, too, which do not share their images with its first one."""
    trained = []
    monkeypatch.setattr(
        "lcs.study.scheduler.train_all", lambda groups, *_, **options: trained.extend(groups)
    )
    command("study", "largest-decay", "largest-free", "--store", tmp_path, "--device", "cpu")
    runs = [config for group in trained for config in group]
    assert [config.optimizer for config in runs] == ["sgd"] * 3 + ["beta-lasso"] * 3
    assert [config.seed for config in runs] == [0, 1, 2, 0, 1, 2]


@pytest.mark.parametrize("name", ["table2", "figure3", "figure4", "toy"])
@pytest.mark.parametrize("scale", ["smoke", "desk"])
def test_every_study_has_a_plan(name, scale, command, tmp_path):
    said = command("study", name, "--scale", scale, "--seeds", 5, "--store", tmp_path, "--plan")
    assert (said.code, said.err) == (0, "")
    assert " runs missing, about " in said.out.splitlines()[-1]


def test_some_betas_alone(command, tmp_path):
    words = ("figure3", "--seeds", 1, "--betas", 50, "--betas", 2, "--store", tmp_path, "--plan")
    found = [re.search(r"beta=\d+", line)[0] for line in runs_of(command("study", *words).out)]
    assert found == ["beta=0", "beta=2", "beta=50"]


def test_without_a_name_studies_are_listed(command):
    said = command("study")
    assert (said.code, said.err) == (0, "")
    chapters = {line.split()[1]: line.split()[0] for line in said.out.splitlines()}
    assert list(chapters) == list(studies())
    assert chapters["cifar100"] == "table2"


@pytest.mark.parametrize(
    "words",
    [
        ["--plan"],
        ["--seeds", 2],
        ["--betas", 50],
        ["--device", "cuda"],
        ["--device", "auto"],
        ["--address", "here"],
        ["--store", "here"],
        ["--gpus-per-run", 0.5],
        ["--checkpoint-seconds", 60],
    ],
    ids=lambda words: words[0],
)
def test_without_a_name_no_option_is_ignored(words, command):
    command("study", *words).refused("name a study; `lcs study` lists them", 2)


@pytest.mark.parametrize(
    ("words", "code", "reason"),
    [
        (["tabel2"], 1, "study: unknown name 'tabel2'; did you mean table2? `lcs study` lists all"),
        (["table2", "--scale", "huge"], 1, "scale: unknown value 'huge'; choose from smoke, desk"),
        (["table2", "--seeds", -1], 1, "seeds: -1 is out of range"),
        (["table2", "--seeds", "few"], 2, "--seeds"),
        (["table2", "--workers", 0], 2, "--workers"),
        (["table2", "--plan", "--device", "tpu"], 1, "device: unknown value 'tpu'"),
        (["table2", "--plan", "--budget-minutes", -1], 1, "budget_minutes: -1"),
        (["table2", "--epochs", -1], 1, "epochs: -1 is out of range"),
        (["table2", "--dataset", "mnist"], 1, "dataset: unknown value 'mnist'"),
        (["table2", "--device", "tpu", "--scale", "smoke"], 1, "device: unknown value 'tpu'"),
        (["toy", "--scale", "paper"], 1, "scale"),
        (["toy", "--betas", 50], 1, "the toy has no betas"),
        (["sound", "--betas", 50], 1, "betas: sound has none to choose; leave it out"),
        (["recipe-cifar100", "--dataset", "svhn"], 1, "dataset: cannot be changed in recipe"),
        (["table2", "--betas", "large"], 2, "--betas"),
        (["search", "--choose", "--plan"], 2, "--choose trains nothing"),
        (["search", "--choose", "--seeds", 3], 2, "--choose trains nothing"),
        (["search", "--choose", "--device", "cpu"], 2, "--choose trains nothing"),
        (["search", "--choose", "--address", "here"], 2, "--choose trains nothing"),
        (["search", "--choose", "--workers", 2], 2, "--choose trains nothing"),
        (["search", "--choose", "--on", "ray"], 2, "--choose trains nothing"),
        (["search", "--choose", "--checkpoint-seconds", 1], 2, "--choose trains nothing"),
        (["search", "--choose", "--betas", 50], 2, "--choose trains nothing"),
        (["search", "--choose", "--dataset", "digits"], 2, "--choose trains nothing"),
        (["table2", "--betas", -1], 1, "beta: -1"),
        (["rivals"], 1, "rivals: search-x has not chosen its hyperparameters yet; run"),
        (["search", "table2", "--choose"], 2, "--choose trains nothing"),
        (["table2", "toy"], 1, "study: toy has no networks to train; give it alone"),
        (["table2", "recipe-cifar100", "--epochs", -1], 1, "epochs: -1 is out of range"),
        (["table2", "tabel2"], 1, "study: unknown name 'tabel2'"),
    ],
)
def test_what_cannot_be_studied(words, code, reason, command, tmp_path, monkeypatch):
    after = dataclasses.replace(find_study("rivals"), after=("search", "search-x"))
    if words == ["rivals"]:
        monkeypatch.setattr("lcs.exhibits.find_study", lambda _: after)
    command("study", *words, "--store", tmp_path).refused(reason, code)
    assert not files(tmp_path)


def test_a_study_out_of_time(command, tmp_path):
    words = ("study", "figure3", "--scale", "smoke", "--store", tmp_path, "--device", "cpu")
    said = command(*words, "--epochs", 2, "--budget-minutes", 0)
    assert said.code == 75
    assert "the time budget is spent" in said.err.splitlines()[-1]


# --- runs


def test_list_and_show(store, record, command):
    said = command("runs", "list", "--store", store.root)
    assert (said.code, said.err) == (0, "")
    lines = [line.split() for line in said.out.splitlines()]
    assert [line[0] for line in lines] == [found.run_id for found in store.records()]
    assert [line[-1] for line in lines] == [str(path) for path in store.paths()]
    (accuracy,) = (line[1] for line in lines if line[0] == record.run_id)
    assert accuracy == f"{100 * record.final['test_accuracy']:.2f}"
    for wanted in (record.run_id, record.run_id[:5]):
        said = command("runs", "show", wanted, "--store", store.root)
        assert said.out == record.path.read_text()


def test_listed_runs_have_all_the_words(store, record, command):
    def listed(*words):
        said = command("runs", "list", *words, "--store", store.root)
        assert said.code == 0
        return [line.split()[0] for line in said.out.splitlines()]

    others = [run.run_id for run in store.records() if run != record]
    assert listed("beta=50") == listed("digits/", "beta-lasso", "l1=0.0002") == [record.run_id]
    assert listed("l1=2e-4") == listed("l1=.0002", "crop-padding=null") == [record.run_id]
    assert listed("validation=true") == listed("optimizer=sgd") == others
    assert listed("beta=50", "validation=true") == listed("source=none", "epochs=4") == []
    nothing = command("runs", "list", "beta=50", "l1=1", "--store", store.root)
    assert nothing == (0, "", "lcs: no record has beta=50 and l1=1\n")
    assert listed("model=") == [], "nothing is no value"
    for words in (["beta=fifty"], ["nothing", "beta=fifty"], ["epochs=fifty"]):
        said = command("runs", "list", *words, "--store", store.root)
        said.refused("'fifty' is not a number")
    command("runs", "list", "gamma=1", "--store", store.root).refused("no setting 'gamma'")
    command("runs", "list", "run_id=1", "--store", store.root).refused("no setting 'run_id'")
    assert command("runs", "list", "problems=7", "--store", store.root).code == 0
    assert "%v" in command("runs", "list", "sgd", "--store", store.root).out


def test_show_reads_utf8_in_every_locale(store, record, command, monkeypatch):
    read_text = Path.read_text

    def of_the_locale(path, encoding="ascii"):
        return read_text(path, encoding)

    text = read_text(record.path, "utf-8").replace('"command": "', '"command": "β ', 1)
    record.path.write_text(text, encoding="utf-8")
    monkeypatch.setattr(Path, "read_text", of_the_locale)
    monkeypatch.setattr(
        "lcs.runs.store.read_record", lambda path, _root: SimpleNamespace(path=path)
    )
    assert command("runs", "show", record.run_id, "--store", store.root).out == text


def test_show_of_an_unknown_or_ambiguous_id(store, command):
    root = store.root
    shared = next(r.run_id for r in store.records() if r.config.validation).partition("-")[0]
    said = command("runs", "show", shared, "--store", root)
    said.refused(f"error: 2 runs in {root} with the id '{shared}'")
    said = command("runs", "show", "ffff", "--store", root)
    said.refused(f"error: no run in {root} with the id 'ffff'; see `lcs runs list`")


def test_verify_of_an_empty_folder_is_refused(tmp_path, command):
    command("runs", "verify", "--store", tmp_path).refused("there are no records; check the path")


def test_verify(store, command):
    assert command("runs", "verify", "--store", store.root) == (0, "3 records whole, 0 bad\n", "")
    for path in store.paths()[:2]:
        path.write_text(path.read_text().replace('"epoch": 3', '"epoch": 4'))
    said = command("runs", "verify", "--store", store.root)
    assert said.code == 1
    assert said.out == "1 records whole, 2 bad\n"
    for line, path in zip(said.err.splitlines(), store.paths(), strict=False):
        assert line.startswith(f"lcs: error: {path}: edited or damaged")
    assert command("runs", "list", "--store", store.root).code == 1


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
    assert command("runs", "import", store.root, "--store", small).code == 0
    assert sorted(p.name for p in files(small)) == sorted(p.name for p in files(store.root))


def test_what_cannot_be_imported_stops_no_other(store, record, command, tmp_path):
    book = RunStore(tmp_path / "book")
    record.path.write_text(record.path.read_text().replace('"epoch": 3', '"epoch": 4'))
    said = command("runs", "import", store.root, "--store", book.root)
    assert said.code == 1
    assert str(record.path) in said.err
    others = [path.name for path in store.paths() if path != record.path]
    assert [path.name for path in book.paths()] == others
    more = RunStore(tmp_path / "more")
    said = command("runs", "import", tmp_path / "absent", store.root, "--store", more.root)
    assert said.code == 1
    assert "absent: there is no such file or folder" in said.err
    assert [path.name for path in more.paths()] == others


def test_import_of_one_file_from_anywhere(store, record, command, tmp_path):
    away, book = tmp_path / "mail", tmp_path / "book"
    shutil.copytree(record.path.parent, away)
    said = command("runs", "import", away / record.path.name, "--store", book)
    assert (said.code, said.err) == (0, "")
    assert RunStore(book).find(record.config) is not None


def test_import_of_what_is_edited_or_in_conflict(store, record, command, tmp_path):
    book = RunStore(tmp_path / "book")
    book.write(record.config, **results(record.config))
    said = command("runs", "import", record.path, "--store", book.root)
    said.refused("exists already, with other results")
    shutil.rmtree(book.root)
    record.path.write_text(record.path.read_text().replace('"epoch": 3', '"epoch": 4'))
    command("runs", "import", record.path, "--store", book.root).refused(str(record.path))
    assert not files(book.root)
    command("runs", "import", tmp_path / "none.json", "--store", book.root).refused("none.json")
    (tmp_path / "empty").mkdir()
    for name, reason in (("none", "there is no such file or folder"), ("empty", "holds no record")):
        said = command("runs", "import", tmp_path / name, "--store", book.root)
        said.refused(f"{tmp_path / name}: {reason}")
        assert not files(book.root)


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


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["get", "mnist"], "unknown data set 'mnist'"),
        (["verify", "mnist"], "unknown data set 'mnist'"),
        (["verify", "cifar10"], "lcs data get cifar10"),
        (["import", "cifar10", "none.npz"], "none.npz does not exist"),
        (["import", "digits", "none.npz"], "nothing to import"),
    ],
)
def test_data_that_is_not_there(words, reason, command, tmp_path, monkeypatch):
    monkeypatch.setenv("LCS_DATA", str(tmp_path))
    command("data", *words).refused(reason)
    assert not files(tmp_path)


# --- book


@pytest.fixture
def pages(monkeypatch):
    """What the command asks of the book, which itself is not built."""
    calls = []
    for verb in ("render", "rerun", "update"):

        def ask(*arguments, verb=verb):
            calls.append((verb, *arguments))
            return f"{verb}.html"

        monkeypatch.setattr(lcs.exhibits.book, verb, ask)
    monkeypatch.setattr(lcs.exhibits.book, "chapters", lambda: ["toy", "table2"])
    monkeypatch.setattr(lcs.exhibits.book, "parse", lambda chapter, words: dict(words))
    return calls


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], [("render",)]),
        (["toy"], [("rerun", "toy", {})]),
        (
            ["toy", "-p", "scale=smoke", "--parameter", "betas=[1, 2]"],
            [("rerun", "toy", {"scale": "smoke", "betas": "[1, 2]"})],
        ),
        (["toy", "-p", "title=a=b"], [("rerun", "toy", {"title": "a=b"})]),
        (["--update"], [("update", "toy"), ("update", "table2")]),
        (["table2", "--update"], [("update", "table2")]),
    ],
)
def test_book(words, expected, pages, command):
    said = command("book", *words)
    assert (said.code, said.err) == (0, "")
    assert pages == expected
    printed = [f"{call[0]}.html" for call in expected]
    assert said.out.splitlines() == printed


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["toy", "-p", "scale"], "parameter 'scale': give name=value"),
        (["-p", "scale=smoke"], "name it"),
        (["-p", "x"], "name it"),
        (["--update", "-p", "scale=smoke"], "without --update"),
        (["toy", "--update", "-p", "scale=smoke"], "without --update"),
    ],
)
def test_misuse_of_book(words, reason, pages, command):
    command("book", *words).refused(reason, 2)
    assert pages == []


def test_a_chapter_with_an_unknown_parameter(command):
    said = command("book", "table2", "-p", "no_such_parameter=1")
    said.refused("table2 has no parameter 'no_such_parameter'; it has:")
    command("book", "tabel2").refused("there is no chapter 'tabel2'")


# --- installed without the book


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The package as a wheel brings it, without the packages of the book."""
    site = tmp_path_factory.mktemp("site")
    shutil.copytree(Path(lcs.__file__).parent, site / "lcs", ignore=lambda *_: ["__pycache__"])
    script = f"""
import sys
sys.path.insert(0, {str(site)!r})
sys.modules |= dict.fromkeys(["pandas", "sklearn", "matplotlib", "papermill", "nbformat"])
from lcs.cli import main
main()
"""

    def run(*words):
        done = subprocess.run(
            [sys.executable, "-c", script, *map(str, words)],
            cwd=site,
            capture_output=True,
            text=True,
            env={**os.environ, "LCS_STORE": str(site / "none"), "LCS_DATA": str(site / "none")},
        )
        (line,) = done.stderr.splitlines()
        return done.returncode, done.stdout, line

    return run


@pytest.mark.parametrize(
    ("words", "code", "reason"),
    [
        (["runs", "list"], 0, "lcs: no records in "),
        (["runs", "import", "x.json"], 1, "name a folder by --store"),
        (["book"], 1, "is not installed; in the checkout, pip install -e '.[book]'"),
        (["data", "verify", "digits"], 1, "digits comes with scikit-learn"),
    ],
)
def test_what_an_installed_package_lacks_is_said_in_one_line(words, code, reason, installed):
    found, out, line = installed(*words)
    assert (found, out) == (code, "")
    assert reason in line


@pytest.mark.parametrize("name", ["stdout", "stderr"])
def test_a_closed_stream_is_no_error(name, monkeypatch):
    monkeypatch.setattr(sys, name, None)
    words = {"stdout": ["data", "list"], "stderr": ["data", "get", "digits"]}
    with pytest.raises(SystemExit) as end:
        lcs.cli.main(words[name])
    getattr(sys, name).close()
    assert not end.value.code


@pytest.mark.parametrize("words", [[], ["table2"], ["--update"], ["table2", "-p", "scale=smoke"]])
def test_an_installed_package_has_no_book(words, command, monkeypatch, tmp_path):
    monkeypatch.setattr(lcs.exhibits.book, "ROOT", tmp_path)
    command("book", *words).refused("run this from a clone")


# --- stores


@pytest.mark.parametrize("words", [["list"], ["verify"], ["show", "x"], ["replay", "x"]])
def test_a_store_that_is_not_there_is_refused(words, command, tmp_path):
    command("runs", *words, "--store", tmp_path / "typo").refused("there is no folder")


def test_without_a_store_the_books_records_are_listed_too(command):
    said = command("runs", "list")
    assert len(said.out.splitlines()) >= len(RunStore(BOOK_RUNS).paths())


def test_the_version_is_that_of_the_installed_package(command, monkeypatch):
    monkeypatch.setattr(importlib.metadata, "version", lambda name: {"lcs": "3.2.1"}[name])
    assert command("--version") == (0, "3.2.1\n", "")


def test_a_version_is_not_made_up(command, monkeypatch):
    def missing(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", missing)
    command("--version").refused("not installed")
