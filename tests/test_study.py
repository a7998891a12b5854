"""Studies: which runs an exhibit is drawn from, and that only the missing ones are trained."""

import dataclasses
import shutil

import pandas as pd
import pytest
import torch
from made_up import Memory, made_up

from lcs.checkpoint import Checkpoint
from lcs.config import Config
from lcs.errors import CheckpointError, ConfigError
from lcs.exhibits import find_study
from lcs.runs import RunStore
from lcs.study import MAX_SEEDS, Setting, Study, frame, gather, given, last_epochs

SMOKE = Config(dataset="digits", epochs=2, batch_size=128, lr=0.1)
OPTIONS = {"device": "cpu", "epochs": 2}


def plain_and_sparse(base, betas):
    sparse = base.replace(optimizer="beta-lasso", l1=1e-3)
    return [base, *(sparse.replace(beta=float(beta)) for beta in betas), base]


SETTING = Setting("own", {"smoke": SMOKE, "desk": SMOKE.replace(epochs=3), "paper": SMOKE})
STUDY = Study("two", "Two methods", SETTING, plain_and_sparse, seeds=2, betas=(50,))


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Two seeds of the study on digits: the store's folder and the outcome."""
    store = RunStore(tmp_path_factory.mktemp("trained"))
    return STUDY.run("smoke", 2, store=store, **OPTIONS)


@pytest.fixture
def spoilt(trained, tmp_path):
    """A copy of those runs that a test may spoil."""
    root = trained.records[0].path.parents[1]
    return RunStore(shutil.copytree(root, tmp_path / "runs"))


def results(record):
    """All of a record's bytes but its provenance."""
    return record.path.read_text().partition('\n "provenance"')[0]


# --- what a study consists of


def test_runs_are_listed_once_for_every_seed():
    configs = STUDY.configs("smoke", 3)
    assert [(c.optimizer, c.seed) for c in configs] == [
        (name, seed) for name in ("sgd", "beta-lasso") for seed in range(3)
    ]
    assert {c.seed for c in STUDY.configs("desk")} == {0, 1}
    assert {c.seed for c in STUDY.configs("paper")} == {0}
    assert STUDY.configs("smoke", betas=[7, 2]) == STUDY.configs("smoke", betas=[2, 7])


def test_zero_is_a_value_and_none_is_not_given():
    figure3 = find_study("figure3")
    assert figure3.configs("desk", lr=None, epochs=None) == figure3.configs("desk")
    assert {c.l1 for c in figure3.configs("desk", betas=[0], l1=0.0)} == {0.0}
    assert {c.l1 for c in figure3.configs("desk", l1=1e-6)} == {0.0, 1e-6}  # SGD has none
    cropped = figure3.configs("desk", augment="flip-crop", crop_padding=0)
    assert {c.crop_shift for c in cropped} == {0}
    for name, value in (("lr", 0.0), ("epochs", 0), ("dataset", ""), ("l1", 0.0)):
        with pytest.raises(ConfigError, match=name):
            figure3.configs("desk", **{name: value})


def test_a_notebooks_zero_is_not_given():
    said = given(seeds=0, betas=[], dataset="", train=False, lr=0.1, device="auto", epochs=3)
    assert said == {"lr": 0.1, "device": "auto", "epochs": 3}


@pytest.mark.parametrize(
    ("arguments", "changes", "reason"),
    [
        (("huge",), {}, "scale: unknown value 'huge'; choose from smoke, desk, paper"),
        (("smoke", 0), {}, "seeds: 0 is out of range"),
        (("smoke", 1.5), {}, "seeds: 1.5 is out of range"),
        (("smoke", True), {}, "seeds: True is out of range"),
        (("smoke", MAX_SEEDS + 1), {}, f"give 1 to {MAX_SEEDS}"),
        (("smoke",), {"epohcs": 3}, "unknown parameter 'epohcs'"),
        (("smoke",), {"epochs": -3}, "epochs: -3 is out of range"),
        (("smoke",), {"betas": [-1]}, "beta: -1.0 is out of range"),
        (("smoke",), {"betas": []}, "betas: none is given"),
    ],
)
def test_wrong_requests_are_refused(arguments, changes, reason, tmp_path):
    for verb in (STUDY.configs, STUDY.train, STUDY.plan):
        own = {} if verb == STUDY.configs else {"store": RunStore(tmp_path)}
        with pytest.raises(ConfigError, match=reason):
            verb(*arguments, **own, **changes)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["figure3", "toy"])
@pytest.mark.parametrize(
    "options",
    [{"device": "tpu"}, {"workers": 0}, {"budget_minutes": -1}, {"checkpoint_seconds": -1}],
)
def test_options_out_of_range_are_refused_even_where_nothing_is_missing(tmp_path, name, options):
    with pytest.raises(ConfigError, match=next(iter(options))):
        find_study(name).train("smoke", store=RunStore(tmp_path), **options)


def test_a_scale_that_a_study_lacks():
    study = find_study("factorial")
    assert study.stored("paper", Memory()) == []
    with pytest.raises(ConfigError, match="factorial has no 'paper'; choose from smoke, desk"):
        study.configs("paper")
    with pytest.raises(ConfigError, match="scale: unknown value 'huge'"):
        study.stored("huge", Memory())


# --- seeds


def seeds_of(records):
    return [record.config.seed for record in records]


def test_every_complete_seed_counts_everywhere():
    """Seeds 0 to 2 are complete, of a study that has two of its own; of seed 3 one run is there."""
    records = [made_up(config, 50) for config in STUDY.configs("desk", 4)][:-1]
    store = Memory(records)
    assert seeds_of(STUDY.stored("desk", store)) == [0, 0, 1, 1, 2, 2]
    assert seeds_of(STUDY.train("desk", store=store)) == [0, 1, 2, 0, 1, 2]
    assert STUDY.plan("desk", store=store) == "0 of 6 runs missing"
    assert seeds_of(gather([STUDY], "desk", store=store)["two"]) == [0, 0, 1, 1, 2, 2]
    assert seeds_of(STUDY.stored("desk", store, 1)) == [0, 0]
    assert seeds_of(STUDY.train("desk", 1, store=store)) == [0, 0]
    assert seeds_of(STUDY.found("desk", store)) == [0, 0, 1, 1, 2, 2, 3]
    missing = [config for config, record in STUDY.runs("desk", 4, store.find).items() if not record]
    assert missing == STUDY.configs("desk", 4)[-1:]


def test_at_least_the_studys_own_seeds_are_asked_for():
    store = Memory([made_up(config, 50) for config in STUDY.configs("desk", 1)])
    runs = STUDY.runs("desk", None, store.find)
    assert [config.seed for config, record in runs.items() if record is None] == [1, 1]
    assert STUDY.stored("desk", Memory()) == STUDY.found("desk", Memory()) == []


def test_an_imported_seed_is_shown_by_stored_and_run_alike(spoilt, tmp_path):
    """The third seed comes from another store; the study's own number is two."""
    for record in STUDY.train("smoke", 3, store=RunStore(tmp_path / "other"), **OPTIONS):
        if record.config.seed == 2:
            spoilt.take(record.path)
    study = dataclasses.replace(STUDY, seeds=1)
    shown = study.stored("smoke", spoilt, epochs=2)
    again = study.run("smoke", store=spoilt, **OPTIONS)
    assert sorted(seeds_of(shown)) == sorted(seeds_of(again.records)) == [0, 0, 1, 1, 2, 2]


# --- running


def test_what_a_study_returns(trained):
    records, table = trained.records, trained.frame
    assert [record.config for record in records] == STUDY.configs("smoke", 2, epochs=2)
    assert len(table) == 2 * len(records)
    columns = ["model", "optimizer", "beta", "seed", "run_id", "epoch", "test_accuracy"]
    assert set(columns) < set(table.columns)
    last = last_epochs(table)
    assert list(last["run_id"]) == [record.run_id for record in records]
    assert list(last["test_accuracy"]) == [record.final["test_accuracy"] for record in records]
    for layer in ("conv1", "fc1", "fc2"):
        counts = [record.final["nonzeros"][layer] for record in records]
        assert list(last[f"nonzeros_{layer}"]) == counts


def test_records_of_different_networks_share_a_frame(trained, store):
    table = frame([*trained.records, *store.records()])
    assert table["validation_accuracy"].notna().sum() == 2 * 3
    assert table["test_accuracy"].notna().sum() == len(table) - 2 * 3
    assert frame([]).empty


def test_only_the_missing_runs_are_trained(spoilt, trained, monkeypatch, capsys):
    configs = [record.config for record in trained.records]
    for config in configs[1:3]:
        spoilt.path(config).unlink()
    asked = []
    compute = Study.compute
    monkeypatch.setattr(
        Study,
        "compute",
        lambda self, runs, *a, **k: asked.extend(runs) or compute(self, runs, *a, **k),
    )
    outcome = STUDY.run("smoke", 2, store=spoilt, **OPTIONS)
    assert asked == configs[1:3]
    assert capsys.readouterr().err.startswith("2 runs to train on cpu, about 1")
    assert [results(r) for r in outcome.records] == [results(r) for r in trained.records]
    pd.testing.assert_frame_equal(outcome.frame, trained.frame)
    STUDY.run("smoke", 2, store=spoilt, **OPTIONS)
    assert len(asked) == 2
    assert capsys.readouterr().err == ""


def test_the_books_records_are_used_and_new_ones_are_the_readers_own(spoilt, tmp_path, monkeypatch):
    monkeypatch.setattr("lcs.runs.PUBLISHED", spoilt.root)
    monkeypatch.setenv("LCS_STORE", str(tmp_path / "own"))
    records = STUDY.train("smoke", 3, **OPTIONS)
    own = [record for record in records if tmp_path / "own" in record.path.parents]
    assert seeds_of(own) == [2, 2]
    assert len(spoilt.paths()) == 4


def test_several_workers_give_the_same_records(tmp_path, monkeypatch, forkserver, trained):
    monkeypatch.setattr("lcs.parallel.multiprocessing.get_context", {"spawn": forkserver}.get)
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        records = STUDY.train("smoke", 1, store=RunStore(tmp_path), workers=2, **OPTIONS)
    finally:
        torch.set_num_threads(threads)
    assert [record.provenance["threads"] for record in records] == [1, 1]
    for record, alone in zip(records, trained.records[::2], strict=True):
        assert record.config == alone.config
        # threads add up in another order
        loss = pytest.approx(alone.history["train_loss"], rel=1e-5)
        assert record.history["train_loss"] == loss


def test_a_device_that_is_not_here_is_refused_before_training(tmp_path, capsys):
    with pytest.raises(ConfigError, match="this machine has no 'cuda:99'"):
        STUDY.train("smoke", store=RunStore(tmp_path), device="cuda:99")
    assert capsys.readouterr().err == ""


# --- plans


def test_a_plan_lists_what_is_missing_with_its_cost(spoilt, trained):
    def plan(**options):
        return STUDY.plan("smoke", 2, store=spoilt, epochs=2, **options).splitlines()

    assert plan(device="cpu") == ["0 of 4 runs missing"]
    lost = trained.records[-1].config
    spoilt.path(lost).unlink()
    assert plan(device="cpu") == [
        f"{lost.file}, 2 epochs, about 1 s",
        "1 of 4 runs missing, about 10 s in all",
    ]
    assert plan(device="cuda:99") == [
        f"{lost.file}, 2 epochs, time unknown",
        "1 of 4 runs missing, time unknown in all",
    ]
    with pytest.raises(ConfigError, match="device"):
        plan(device="tpu")


def test_a_plan_counts_what_a_checkpoint_holds(tmp_path, monkeypatch):
    monkeypatch.setattr("lcs.cost._product_rate", lambda device, precision: 1e-4)
    store = RunStore(tmp_path)
    config, _ = STUDY.configs("smoke", epochs=100)
    whole = STUDY.flops(config) * 1e-4
    monkeypatch.setattr(Checkpoint, "epoch", lambda self: 75 * (self.run_id == config.run_id))
    one, other, total = STUDY.plan("smoke", store=store, device="cpu", epochs=100).splitlines()
    hours = [whole / 4 / 3600, whole / 3600]
    assert one == f"{config.file}, 100 epochs, 75 of them done, about {hours[0]:.1f} h"
    assert other.endswith(f", 100 epochs, about {hours[1]:.1f} h")
    assert total.startswith("2 of 2 runs missing, about ")
    assert float(total.split()[-4]) == pytest.approx(sum(hours), abs=0.1)


def test_a_plan_names_a_damaged_checkpoint(tmp_path):
    config, _ = STUDY.configs("smoke")
    path = Checkpoint(config, tmp_path).path
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"cut")
    try:
        with pytest.raises(CheckpointError, match="is damaged"):
            STUDY.plan("smoke", store=RunStore(tmp_path), device="cpu")
    finally:
        path.unlink()
