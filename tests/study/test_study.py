"""Studies: which runs a page is drawn from, and that only the missing ones are trained."""

import dataclasses
import math
import re
import shutil

import pytest
import torch
from helpers.finished_results import numbers
from helpers.made_up_records import Memory, made_up

from lcs import cost
from lcs.config import Config
from lcs.errors import CheckpointError, ConfigError, NotChosen, RecordError
from lcs.exhibits import find_study, studies
from lcs.runs import RunStore
from lcs.runs import store as runs_module
from lcs.study import Study
from lcs.study.base_study import MAX_SEEDS, Setting
from lcs.train import groups, train
from lcs.train.checkpoint import Checkpoint

SMOKE = Config(dataset="digits", epochs=2, batch_size=128)


def sgd_and_betas(base, betas):
    sparse = [base.replace(optimizer="beta-lasso", l1=1e-4, beta=float(beta)) for beta in betas]
    return [base, *sparse]


OWN = Setting("own", {"smoke": SMOKE, "desk": SMOKE})
STUDY = Study("mine", "Mine", OWN, sgd_and_betas, 2, (0, 1, 50), ("smoke", "desk"))


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Two seeds of two methods: the outcome."""
    store = RunStore(tmp_path_factory.mktemp("trained"))
    return STUDY.train("smoke", 2, store=store, device="cpu", betas=[50])


@pytest.fixture
def own(trained, tmp_path):
    """A copy of those runs that a test may spoil."""
    root = trained[0].path.parents[1]
    return RunStore(shutil.copytree(root, tmp_path / "own"))


def as_seed(record, store, seed):
    """Write a made-up run: the same results for another seed."""
    parts = {name: getattr(record, name) for name in ("history", "final", "provenance")}
    return store.write(record.config.replace(seed=seed), **parts)


# What a study consists of


def test_seeds_and_betas():
    assert [c.seed for c in STUDY.configs("desk", betas=[1])] == [0, 1, 0, 1]
    assert {c.seed for c in STUDY.configs("smoke")} == {0}
    assert {c.seed for c in STUDY.configs("smoke", 3)} == {0, 1, 2}
    assert [c.beta for c in STUDY.configs("smoke", betas=[7.5, 2])] == [0, 2, 7.5]


def test_zero_is_a_value_and_none_is_not_given():
    figure3 = find_study("figure3")
    assert figure3.configs("desk", lr=None, epochs=None) == figure3.configs("desk")
    sparse = figure3.configs("desk", betas=[0], l1_rest=0.0)
    assert {c.l1_rest for c in sparse if c.l1} == {0.0}
    assert {c.l1 for c in figure3.configs("desk", l1=1e-6)} == {0.0, 1e-6}  # SGD has none
    cropped = figure3.configs("desk", augment="flip-crop", crop_padding=0)
    assert {c.crop_shift for c in cropped} == {0}
    for name, value in (("lr", 0.0), ("epochs", 0), ("dataset", ""), ("l1", 0.0)):
        with pytest.raises(ConfigError, match=name):
            figure3.configs("desk", **{name: value})


def test_a_change_is_honoured_or_refused():
    for name in ("flips", "scaling-wide", "width", "sound"):
        study = find_study(name)
        given = {"augment": "crop", "loss": "bce", "precision": "fp32", "lr": None}
        if name == "sound":
            del given["augment"]
        for field, value in given.items():
            found = {getattr(config, field) for config in study.configs("desk", **{field: value})}
            assert value is None or found == {value}
    one_l1 = find_study("figure3").configs("desk", 1, l1=1e-5, l1_rest=1e-5)
    assert {config.rest_l1 for config in one_l1 if config.l1} == {1e-5}, "spelt as None"
    for name, field, value in (
        ("origin-augmentation", "augment", "crop"),
        ("factorial", "loss", "bce"),
        ("flips", "lr", 0.5),
        ("search", "validation", False),
        ("recipe-cifar100", "dataset", "svhn"),
        ("transfer", "dataset", "cifar100"),
        ("flips", "seed", 3),
        ("largest-sgd", "l1", 1e-6),
    ):
        with pytest.raises(
            ConfigError, match=f"^{field}: cannot be changed in {name}; leave it out$"
        ):
            find_study(name).configs("desk", 2, **{field: value})


def test_betas_are_refused_by_a_study_that_does_not_vary_them():
    for study in studies().values():
        if isinstance(study, Study) and not study.betas:
            with pytest.raises(ConfigError, match=f"^betas: {study.name} has none to choose"):
                study.configs(study.usual_scale, betas=[50])
    for name in ("table2", "figure3", "figure4", "frozen"):
        assert {c.beta for c in find_study(name).configs("desk", betas=[7])} - {0.0} == {7.0}


@pytest.mark.parametrize(
    ("arguments", "changes", "reason"),
    [
        (("huge",), {}, "scale: unknown value 'huge'"),
        (("smoke", 0), {}, f"seeds: 0 is out of range; give 1 to {MAX_SEEDS}"),
        (("smoke", -1), {}, "seeds: -1 is out of range"),
        (("smoke", 10**9), {}, "seeds: 1000000000 is out of range"),
        (("smoke", 1.5), {}, "seeds: 1.5 is out of range"),
        (("smoke", True), {}, "seeds: True is out of range"),
        (("smoke",), {"epohcs": 3}, "unknown parameter 'epohcs'"),
        (("smoke",), {"epochs": -3}, "epochs: -3 is out of range"),
        (("smoke",), {"betas": [-1]}, "beta: -1.0 is out of range"),
        (("smoke",), {"betas": []}, "betas: none is given"),
    ],
)
def test_wrong_requests_are_refused(arguments, changes, reason, tmp_path):
    for verb in (STUDY.configs, STUDY.train, STUDY.plan):
        store = {} if verb == STUDY.configs else {"store": RunStore(tmp_path)}
        with pytest.raises(ConfigError, match=reason):
            verb(*arguments, **store, **changes)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"device": "tpu"}, "device"),
        ({"workers": 0}, "workers: 0 is out of range"),
        ({"budget_minutes": -1}, "budget"),
        ({"checkpoint_seconds": math.nan}, "checkpoint"),
    ],
)
@pytest.mark.parametrize("name", ["table2", "toy"])
def test_options_are_checked_before_anything_is_computed(name, options, reason, tmp_path):
    with pytest.raises(ConfigError, match=reason):
        find_study(name).train("smoke", store=RunStore(tmp_path), **options)


def test_a_study_without_a_run_for_these_betas_says_so(tmp_path):
    study = dataclasses.replace(STUDY, make=lambda base, betas: [base] if 50 in betas else [])
    assert len(study.configs("smoke", betas=[50])) == 1
    for verb in (study.plan, study.train):
        with pytest.raises(ConfigError, match=r"^betas: mine has no run for these; give others"):
            verb("smoke", store=RunStore(tmp_path), device="cpu", betas=[0])


# What of it is stored


def test_stored_takes_whole_seeds(own, trained):
    assert len(STUDY.stored("smoke", own, betas=[50])) == 4
    assert len(STUDY.stored("smoke", own, 1, betas=[50])) == 2
    own.path(trained[-1].config).unlink()
    assert {r.config.seed for r in STUDY.stored("smoke", own, betas=[50])} == {0}
    assert STUDY.stored("paper", own) == []


def test_a_study_whose_search_has_not_chosen_has_no_runs(own):
    def make(base, betas):
        raise NotChosen("search-x has not chosen yet")

    unknown = dataclasses.replace(STUDY, name="unknown", make=make)
    assert unknown.stored("smoke", own) == []
    with pytest.raises(NotChosen, match="search-x"):
        unknown.configs("smoke", 1)


def seeds_of(records):
    return [record.config.seed for record in records]


def test_every_complete_seed_counts_everywhere():
    """Seeds 0 to 2 are complete, of a study that has two of its own; of seed 3 one run is there."""
    study = dataclasses.replace(STUDY, betas=(50,))
    store = Memory([made_up(config, 50) for config in study.configs("desk", 4)][:-1])
    assert seeds_of(study.stored("desk", store)) == [0, 0, 1, 1, 2, 2]
    assert seeds_of(study.train("desk", store=store)) == [0, 1, 2, 0, 1, 2]
    assert study.plan("desk", store=store) == "0 of 6 runs missing"
    assert seeds_of(study.stored("desk", store, 1)) == [0, 0]
    assert seeds_of(study.train("desk", 1, store=store)) == [0, 0]
    runs = study.runs("desk", 4, store.find)
    assert [config for config, found in runs.items() if not found] == study.configs("desk", 4)[-1:]


def test_a_missing_seed_does_not_hide_a_later_one():
    """Of three seeds of its own the second is missing; beyond them the first gap is the end."""
    study = dataclasses.replace(STUDY, betas=(50,), seeds=3)
    known = [c for c in study.configs("desk", 6) if c.seed not in (1, 4)]
    store = Memory([made_up(config, 50) for config in known])
    assert seeds_of(study.stored("desk", store)) == [0, 0, 2, 2, 3, 3]
    assert seeds_of(study.stored("desk", store, 2)) == [0, 0]
    runs = study.runs("desk", None, store.find)
    assert [config.seed for config, found in runs.items() if not found] == [1, 1]


def test_at_least_the_studys_own_seeds_are_asked_for():
    store = Memory([made_up(config, 50) for config in STUDY.configs("desk", 1)])
    runs = STUDY.runs("desk", None, store.find)
    assert [config.seed for config, record in runs.items() if record is None] == [1] * 4


def test_an_imported_seed_is_shown_by_stored_and_run_alike(own, trained, tmp_path):
    other = RunStore(tmp_path / "other")
    for record in trained[::2]:
        own.import_record(as_seed(record, other, 2).path)
    shown = STUDY.stored("smoke", own, betas=[50])
    again = STUDY.train("smoke", store=own, device="cpu", betas=[50])
    assert sorted(seeds_of(shown)) == sorted(seeds_of(again)) == [0, 0, 1, 1, 2, 2]


def test_each_record_is_read_once(own, monkeypatch):
    read = []
    original = runs_module.read_record
    monkeypatch.setattr(
        runs_module, "read_record", lambda *args: read.append(args[0]) or original(*args)
    )
    STUDY.train("smoke", store=own, betas=[50])
    assert sorted(read) == own.paths()


# Running


def test_what_a_study_returns(trained):
    assert [record.config for record in trained] == STUDY.configs("smoke", 2, betas=[50])


def test_only_what_lacks_is_trained(own, trained, capsys):
    configs = [record.config for record in trained]
    for config in configs[1:3]:
        own.path(config).unlink()
    kept = own.path(configs[0]).stat().st_mtime_ns
    again = STUDY.train("smoke", 2, store=own, device="cpu", betas=[50])
    assert "2 runs to train on cpu, about " in capsys.readouterr().err
    assert [numbers(r) for r in again] == [numbers(r) for r in trained]
    assert own.path(configs[0]).stat().st_mtime_ns == kept
    STUDY.train("smoke", 2, store=own, device="cpu", betas=[50])
    assert capsys.readouterr().err == ""


def test_new_runs_are_the_readers_own(own, tmp_path):
    mine = RunStore(tmp_path / "mine", fallback=own)
    outcome = STUDY.train("smoke", 3, store=mine, device="cpu", betas=[50])
    assert {r.config.seed for r in outcome if r.path.is_relative_to(mine.root)} == {2}
    assert len(own.paths()) == 4


def test_runs_that_see_the_same_images_train_in_step(tmp_path):
    options = {"device": "cpu", "betas": [50], "augment": "flip-crop"}
    outcome = STUDY.train("smoke", 2, store=RunStore(tmp_path), **options)
    alone = train(outcome[-1].config, store=RunStore(tmp_path / "alone"), device="cpu")
    assert numbers(outcome[-1]) == numbers(alone)
    parts = groups([r.config for r in outcome])
    assert [len({config.seed for config in part}) for part in parts] == [1, 1]


# Plans


def test_a_plan_lists_what_is_missing_with_its_cost(own, trained):
    def plan(device):
        return STUDY.plan("smoke", 2, store=own, device=device, betas=[50]).splitlines()

    assert plan("cpu") == ["0 of 4 runs missing"]
    lost = trained[-1].config
    own.path(lost).unlink()
    name = f"{lost.file}: β = 50, α = 1, 2 epochs"
    line, total = plan("cpu")
    assert re.fullmatch(rf"{re.escape(name)}, about \d s", line)
    assert re.fullmatch(r"1 of 4 runs missing, about 1\d s in all on cpu", total)
    if not torch.cuda.is_available():
        line, unknown = plan("cuda")
        assert line == f"{name}, time unknown"
        assert "not known" in unknown
    with pytest.raises(ConfigError, match="device"):
        plan("tpu")


def test_a_plan_counts_what_a_checkpoint_holds(record, store, monkeypatch):
    config = record.config.replace(epochs=100)
    study = Study("one", "One", Setting("own", {"smoke": config}), lambda base: [base])
    (whole,) = study.seconds([config], "cpu", list(store.records()))
    opened = []
    monkeypatch.setattr(Checkpoint, "epoch", lambda self: opened.append(self) or 75)
    line, total = study.plan("smoke", store=store, device="cpu").splitlines()
    assert line.endswith(f"100 epochs, 75 of them done, about {cost.duration(whole / 4)}")
    assert total.endswith(f"about {cost.duration(cost.START_SECONDS + whole / 4)} in all on cpu")
    assert len(opened) == 1


def test_a_plan_counts_sources_whose_networks_are_not_kept(
    record, store, monkeypatch, tmp_path, capsys
):
    monkeypatch.setenv("LCS_CHECKPOINTS", str(tmp_path / "checkpoints"))
    config = record.config.replace(start="network", source=record.config.as_source, lr=0.05)
    study = Study("one", "One", Setting("own", {"smoke": config}), lambda base: [base])
    (each,) = study.seconds([config], "cpu", list(store.records()))
    run, source, total = study.plan("smoke", store=store, device="cpu").splitlines()
    assert run.startswith(f"{config.file}: ")
    assert source.startswith(f"{record.config.file}: ")
    assert total.startswith("1 of 1 runs missing, ")
    assert total.endswith(f"about {cost.duration(cost.START_SECONDS + 2 * each)} in all on cpu")
    monkeypatch.setattr("lcs.study.scheduler.train_all", lambda *_, **__: None)
    with pytest.raises(RecordError):  # nothing is trained
        study.train("smoke", store=store, device="cpu")
    said = capsys.readouterr().err
    assert said == f"1 run to train on cpu, {total.partition(', ')[2].replace(' on cpu', '')}\n"
    kept = Checkpoint.of_source(record.config, store.root).path
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_bytes(b"cut")
    with pytest.raises(CheckpointError, match="is damaged"):
        study.plan("smoke", store=store, device="cpu")
    monkeypatch.setattr(
        Checkpoint, "epoch", lambda self: self.config.epochs if self.path == kept else 0
    )
    assert len(study.plan("smoke", store=store, device="cpu").splitlines()) == 2


def test_a_plan_counts_the_source_of_a_source(record, store):
    middle = record.config.replace(start="network", source=record.config.as_source, lr=0.05)
    made = dataclasses.replace(record, config=middle)
    last = middle.replace(source=middle.as_source)
    study = Study("one", "One", Setting("own", {"smoke": last}), lambda base: [base])
    known = {run.config.file: run for run in (record, made)}

    class Store(RunStore):
        def named(self, file):
            return known.get(file)

    assert [*study.sources_again([last], Store(store.root))] == [middle, record.config]


def test_a_plan_names_a_damaged_checkpoint(tmp_path, monkeypatch):
    monkeypatch.setenv("LCS_CHECKPOINTS", str(tmp_path))
    store = RunStore(tmp_path / "runs")
    Checkpoint(STUDY.configs("smoke")[0], store.root).path.write_bytes(b"cut")
    with pytest.raises(CheckpointError, match="is damaged"):
        STUDY.plan("smoke", store=store, device="cpu")


def test_a_damaged_checkpoint_stops_no_other_run(tmp_path, monkeypatch):
    monkeypatch.setenv("LCS_CHECKPOINTS", str(tmp_path))
    store = RunStore(tmp_path / "runs")
    damaged, *others = STUDY.configs("smoke", betas=[50])
    Checkpoint(damaged, store.root).path.write_bytes(b"cut")
    with pytest.raises(CheckpointError, match="is damaged"):
        STUDY.train("smoke", store=store, device="cpu", betas=[50])
    assert [store.find(config) is not None for config in (damaged, *others)] == [False, True]


def test_an_error_of_what_a_study_makes_of_a_value_names_that_value():
    halved = dataclasses.replace(
        STUDY, make=lambda base, betas: [base.replace(epochs=base.epochs // 2)]
    )
    with pytest.raises(ConfigError, match=r"^mine with epochs=1: epochs: 0 is out of range"):
        halved.configs("smoke", epochs=1)
    with pytest.raises(ConfigError, match=r"^epochs: 0 is out of range"):
        halved.configs("smoke", epochs=0)
