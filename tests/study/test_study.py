"""Studies: which runs a page is drawn from, and that only the missing ones are trained."""

import dataclasses
import math
import re
import shutil
from unittest import mock

import pytest
import torch
from helpers.finished_results import numbers
from helpers.made_up_records import Memory, made_up

from lcs.config import Config
from lcs.errors import CheckpointError, ConfigError, NotChosen, RecordError
from lcs.exhibits import find_study
from lcs.runs import RunStore
from lcs.study import Setting, Study, cost
from lcs.study.study import MAX_SEEDS
from lcs.train import train
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


def seeds_of(records):
    return [record.config.seed for record in records]


# What a study consists of


def test_seeds_and_betas():
    assert [c.seed for c in STUDY.configs("desk", betas=[1])] == [0, 1, 0, 1]
    assert {c.seed for c in STUDY.configs("smoke")} == {0}
    assert {c.seed for c in STUDY.configs("smoke", 3)} == {0, 1, 2}
    assert [c.beta for c in STUDY.configs("smoke", betas=[7.5, 2])] == [0, 2, 7.5]
    some = dataclasses.replace(STUDY, make=lambda base, betas: [base] if 50 in betas else [])
    assert len(some.configs("smoke", betas=[50])) == 1
    with pytest.raises(ConfigError, match=r"^betas: mine has no run for these; give others"):
        some.configs("smoke", betas=[0])
    for name in ("sound", "toy"):
        with pytest.raises(ConfigError, match=r"betas: .* has none to choose|has no betas"):
            find_study(name).configs(betas=[50])


def test_zero_is_a_value_and_none_is_not_given():
    figure3 = find_study("figure3")
    assert figure3.configs("desk", lr=None, epochs=None) == figure3.configs("desk")
    sparse = figure3.configs("desk", betas=[0], l1_rest=0.0)
    assert {c.l1_rest for c in sparse if c.l1} == {0.0}
    assert {c.l1 for c in figure3.configs("desk", l1=1e-6)} == {0.0, 1e-6}  # SGD has none
    for name, value in (("lr", 0.0), ("epochs", 0), ("dataset", ""), ("l1", 0.0)):
        with pytest.raises(ConfigError, match=name):
            figure3.configs("desk", **{name: value})


def test_a_change_is_honoured_or_refused():
    for name in ("flips", "scaling-wide", "width"):
        given = {"augment": "crop", "loss": "bce", "precision": "fp32", "lr": None}
        for field, value in given.items():
            changed = find_study(name).configs("desk", **{field: value})
            assert value is None or {getattr(config, field) for config in changed} == {value}
    one_l1 = find_study("figure3").configs("desk", 1, l1=1e-5, l1_rest=1e-5)
    assert {config.rest_l1 for config in one_l1 if config.l1} == {1e-5}, "spelt as None"
    for name, field, value in (
        ("origin-augmentation", "augment", "crop"),
        ("flips", "lr", 0.5),
        ("search", "validation", False),
        ("recipe-cifar100", "dataset", "svhn"),
        ("flips", "seed", 3),
        ("largest-sgd", "l1", 1e-6),
    ):
        refused = f"^{field}: cannot be changed in {name}; leave it out$"
        with pytest.raises(ConfigError, match=refused):
            find_study(name).configs("desk", 2, **{field: value})


@pytest.mark.parametrize("name", ["table2", "toy"])
@pytest.mark.parametrize(
    ("scale", "seeds", "options", "reason"),
    [
        ("huge", None, {}, "scale: .*'huge'"),
        ("smoke", 0, {}, f"seeds: 0 is out of range; give 1 to {MAX_SEEDS}"),
        ("smoke", MAX_SEEDS + 1, {}, "seeds: 1001 is out of range"),
        ("smoke", None, {"epohcs": 3}, "epohcs"),
        ("smoke", None, {"device": "tpu"}, "device"),
        ("smoke", None, {"workers": 0}, "workers: 0 is out of range"),
        ("smoke", None, {"budget_minutes": -1}, "budget"),
        ("smoke", None, {"checkpoint_seconds": math.nan}, "checkpoint"),
        ("smoke", None, {"on": "slurm"}, "on: unknown value 'slurm'; give processes or ray"),
        ("smoke", None, {"gpus_per_run": 0}, "gpus_per_run: 0 is out of range"),
        ("smoke", None, {"shard": "0/3"}, "shard: '0/3'"),
    ],
)
def test_wrong_requests_are_refused_before_anything_is_computed(
    name, scale, seeds, options, reason, tmp_path
):
    for verb in (find_study(name).train, find_study(name).plan):
        with pytest.raises(ConfigError, match=reason):
            verb(scale, seeds, store=RunStore(tmp_path), **options)
    assert not list(tmp_path.iterdir())


# What of it is stored


def test_stored_takes_whole_seeds(own, trained):
    assert len(STUDY.stored("smoke", own, betas=[50])) == 4
    assert len(STUDY.stored("smoke", own, 1, betas=[50])) == 2
    own.path(trained[-1].config).unlink()
    assert {r.config.seed for r in STUDY.stored("smoke", own, betas=[50])} == {0}
    assert STUDY.stored("paper", own) == []


def test_a_study_whose_search_has_not_chosen_has_no_runs(own):
    unknown = dataclasses.replace(STUDY, make=mock.Mock(side_effect=NotChosen("search-x")))
    assert unknown.stored("smoke", own) == []
    with pytest.raises(NotChosen, match="search-x"):
        unknown.configs("smoke", 1)


def test_every_complete_seed_counts_everywhere():
    """Seeds 0 to 2 are complete, of a study that has two of its own; of seed 3 one run is there."""
    study = dataclasses.replace(STUDY, betas=(50,))
    store = Memory([made_up(config, 50) for config in study.configs("desk", 4)][:-1])
    assert seeds_of(study.stored("desk", store)) == [0, 0, 1, 1, 2, 2]
    assert seeds_of(study.train("desk", store=store)) == [0, 1, 2, 0, 1, 2]
    assert study.plan("desk", store=store).endswith("\n0 of 6 runs missing")
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


# Training


def test_only_what_lacks_is_trained(own, trained, capsys, tmp_path):
    configs = STUDY.configs("smoke", 2, betas=[50])
    assert configs == [record.config for record in trained]
    for config in configs[1:3]:
        own.path(config).unlink()
    kept = own.path(configs[0]).stat().st_mtime_ns
    again = STUDY.train("smoke", 2, store=own, device="cpu", betas=[50])
    assert "2 runs to train on cpu, about " in capsys.readouterr().err
    assert [numbers(r) for r in again] == [numbers(r) for r in trained]
    assert own.path(configs[0]).stat().st_mtime_ns == kept
    mine = RunStore(tmp_path / "mine", fallback=own)
    STUDY.train("smoke", 2, store=mine, device="cpu", betas=[50])
    assert capsys.readouterr().err == ""
    outcome = STUDY.train("smoke", 3, store=mine, device="cpu", betas=[50])
    assert {r.config.seed for r in outcome if r.path.is_relative_to(mine.root)} == {2}
    assert len(own.paths()) == 4


def test_runs_that_see_the_same_images_train_in_step(tmp_path):
    options = {"device": "cpu", "betas": [50], "augment": "flip-crop"}
    outcome = STUDY.train("smoke", 2, store=RunStore(tmp_path), **options)
    alone = train(outcome[-1].config, store=RunStore(tmp_path / "alone"), device="cpu")
    assert numbers(outcome[-1]) == numbers(alone)
    parts = STUDY.groups([r.config for r in outcome], 1)
    assert [len({config.seed for config in part}) for part in parts] == [1, 1]


def test_a_damaged_checkpoint_is_named_and_stops_no_other_run(tmp_path, monkeypatch):
    monkeypatch.setenv("LCS_CHECKPOINTS", str(tmp_path))
    store = RunStore(tmp_path / "runs")
    damaged, *others = STUDY.configs("smoke", betas=[50])
    Checkpoint(damaged, store.root).path.write_bytes(b"cut")
    with pytest.raises(CheckpointError, match="is damaged"):
        STUDY.train("smoke", store=store, device="cpu", betas=[50])
    assert [store.find(config) is not None for config in (damaged, *others)] == [False, True]


# Plans


def test_a_plan_says_what_the_study_consists_of(own):
    def plan(*arguments, **options):
        return STUDY.plan(*arguments, store=own, device="cpu", **options).splitlines()

    told = plan("smoke", 2, betas=[50])
    assert told[0] == "configurations: 2, seeds: 0 to 1"
    for line in ("batch_size: 128", "dataset: digits", "optimizer: sgd, beta-lasso", "beta: 0, 50"):
        assert f"  {line}" in told
    assert not [line for line in told if "seed:" in line or "loss" in line], "a usual value"


def test_a_plan_lists_what_is_missing_with_its_cost(own, trained):
    def plan(device):
        return STUDY.plan("smoke", 2, store=own, device=device, betas=[50]).splitlines()

    lost = trained[-1].config
    own.path(lost).unlink()
    name = f"{lost.file}: optimizer=beta-lasso, l1=0.0001, beta=50"
    line, *_, total = plan("cpu")
    assert re.fullmatch(rf"{re.escape(name)}, about \d s", line)
    assert re.fullmatch(r"1 of 4 runs missing, about 1\d s in all on cpu", total)
    if not torch.cuda.is_available():
        line, *_, unknown = plan("cuda")
        assert line == f"{name}, time unknown"
        assert "not known" in unknown


def test_a_plan_counts_what_a_checkpoint_holds(record, store, monkeypatch):
    setting = Setting("own", {"smoke": (config := record.config.replace(epochs=100))})
    study = Study("one", "One", setting, lambda base: [base])
    (whole,) = study.seconds([config], "cpu", list(store.records()))
    monkeypatch.setattr(Checkpoint, "epoch", lambda self: 75)
    line, *_, total = study.plan("smoke", store=store, device="cpu").splitlines()
    assert line.endswith(f": 75 of 100 epochs done, about {cost.duration(whole / 4)}")
    assert total.endswith(f"about {cost.duration(cost.START_SECONDS + whole / 4)} in all on cpu")


def test_records_that_do_not_come_are_missed(tmp_path, monkeypatch, capsys):
    """As those of other machines in a folder of their own; what it takes is said before."""
    monkeypatch.setattr("lcs.study.scheduler.train_all", lambda *_, **__: None)
    store = RunStore(tmp_path)
    with pytest.raises(RecordError, match="the same folder on all machines"):
        STUDY.train("smoke", store=store, device="cpu", betas=[50])
    total = STUDY.plan("smoke", store=store, device="cpu", betas=[50]).splitlines()[-1]
    said = f"2 runs to train on cpu, {total.partition(', ')[2].replace(' on cpu', '')}\n"
    assert capsys.readouterr().err == said
