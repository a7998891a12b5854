"""Studies: which runs a page is drawn from, and that only the missing ones are trained."""

import functools
import math
import shutil

import pandas as pd
import pytest
import torch
from finished import results

from lcs import cost
from lcs.checkpoint import Checkpoint
from lcs.config import Config
from lcs.errors import CheckpointError, ConfigError, Paused
from lcs.exhibits import find_study
from lcs.runs import RunStore
from lcs.study import (
    MAX_SEEDS,
    Setting,
    Study,
    _train_group,
    frame,
    gather,
    given,
    last_epochs,
    missing,
)
from lcs.train import groups, train

SMOKE = Config(dataset="digits", epochs=2, batch_size=128)


def sgd_and_betas(base, betas):
    sparse = [base.replace(optimizer="beta-lasso", l1=1e-4, beta=float(beta)) for beta in betas]
    return [base, *sparse]


OWN = Setting("own", {"smoke": SMOKE, "desk": SMOKE})
STUDY = Study("mine", "Mine", OWN, sgd_and_betas, 2, scales=("smoke", "desk"))


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Two seeds of two methods: the outcome."""
    store = RunStore(tmp_path_factory.mktemp("trained"))
    return STUDY.run("smoke", 2, store=store, device="cpu", betas=[50])


@pytest.fixture
def own(trained, tmp_path):
    """A copy of those runs that a test may spoil."""
    root = trained.records[0].path.parents[1]
    return RunStore(shutil.copytree(root, tmp_path / "own"))


def numbers(record):
    """All of a record's bytes but its provenance."""
    return record.path.read_text().partition('\n "provenance"')[0]


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


def test_what_is_not_given_is_none_and_zero_is_zero():
    assert {c.epochs for c in STUDY.configs("smoke", epochs=None)} == {2}
    cropped = STUDY.configs("smoke", betas=[0], augment="flip-crop", crop_padding=0, l1_rest=None)
    assert {c.crop_padding for c in cropped} == {0}
    with pytest.raises(ConfigError, match=r"lr: 0.0 is out of range"):
        STUDY.configs("smoke", lr=0.0)
    assert given(epochs=0, dataset="", betas=[], scale="desk", seeds=2) == {
        "scale": "desk",
        "seeds": 2,
    }


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
    ],
)
def test_wrong_requests_are_refused(arguments, changes, reason, tmp_path):
    for verb in (STUDY.configs, functools.partial(STUDY.run, store=RunStore(tmp_path))):
        with pytest.raises(ConfigError, match=reason):
            verb(*arguments, **changes)
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
        find_study(name).run("smoke", store=RunStore(tmp_path), **options)


# What of it is stored


def test_stored_takes_whole_seeds_and_found_every_run(own, trained):
    assert len(STUDY.stored("smoke", own, betas=[50])) == 4
    assert len(STUDY.stored("smoke", own, 1, betas=[50])) == 2
    own.path(trained.records[-1].config).unlink()
    assert {r.config.seed for r in STUDY.stored("smoke", own, betas=[50])} == {0}
    assert len(STUDY.found("smoke", own, betas=[50])) == 3
    assert STUDY.stored("paper", own) == []


def test_a_page_shows_every_whole_seed_that_is_stored(own, trained):
    """One rule for chapters and claims: a third seed, once imported, counts in both."""
    assert STUDY.shown_seeds("smoke", own, betas=[50]) == 2
    for record in trained.records[::2]:
        as_seed(record, own, 2)
    assert STUDY.shown_seeds("smoke", own, betas=[50]) == 3
    assert STUDY.shown_seeds("smoke", own, 1, betas=[50]) == 1
    shown = STUDY.run("smoke", store=own, device="cpu", betas=[50]).records
    assert sorted(r.run_id for r in shown) == sorted(
        r.run_id for r in STUDY.stored("smoke", own, betas=[50])
    )
    assert len(shown) == 6


def test_gather(own):
    assert gather([STUDY], "smoke", store=own) == {"mine": []}  # β = 0 and 1 are missing


# Running


def test_what_a_study_returns(trained):
    records, table = trained.records, trained.frame
    assert [record.config for record in records] == STUDY.configs("smoke", 2, betas=[50])
    assert len(table) == 2 * 4
    columns = ["model", "optimizer", "beta", "seed", "run_id", "epoch", "test_accuracy"]
    assert set(columns) < set(table.columns)
    last = last_epochs(table)
    assert list(last["run_id"]) == [record.run_id for record in records]
    assert list(last["test_accuracy"]) == [record.final["test_accuracy"] for record in records]
    for layer in ("conv1", "fc1", "fc2"):
        counts = [record.final["nonzeros"][layer] for record in records]
        assert list(last[f"nonzeros_{layer}"]) == counts


def test_records_of_different_columns_share_a_frame(trained, store):
    table = frame([*trained.records, *store.records()])
    assert table["validation_accuracy"].notna().sum() == 2 * 3
    assert table["test_accuracy"].notna().sum() == len(table) - 2 * 3


def test_only_what_lacks_is_trained(own, trained, capsys):
    configs = [record.config for record in trained.records]
    for config in configs[1:3]:
        own.path(config).unlink()
    assert missing(configs, own) == configs[1:3]
    kept = own.path(configs[0]).stat().st_mtime_ns
    again = STUDY.run("smoke", 2, store=own, device="cpu", betas=[50])
    assert "2 runs to train on cpu, about " in capsys.readouterr().err
    assert [numbers(r) for r in again.records] == [numbers(r) for r in trained.records]
    pd.testing.assert_frame_equal(again.frame, trained.frame)
    assert own.path(configs[0]).stat().st_mtime_ns == kept
    STUDY.run("smoke", 2, store=own, device="cpu", betas=[50])
    assert capsys.readouterr().err == ""


def test_new_runs_are_the_readers_own(own, tmp_path):
    mine = RunStore(tmp_path / "mine", fallback=own)
    outcome = STUDY.run("smoke", 3, store=mine, device="cpu", betas=[50])
    assert {r.config.seed for r in outcome.records if r.path.is_relative_to(mine.root)} == {2}
    assert len(own.paths()) == 4


def test_runs_that_see_the_same_images_train_in_step(tmp_path):
    options = {"device": "cpu", "betas": [50], "augment": "flip-crop"}
    outcome = STUDY.run("smoke", 2, store=RunStore(tmp_path), **options)
    alone = train(outcome.records[-1].config, store=RunStore(tmp_path / "alone"), device="cpu")
    assert numbers(outcome.records[-1]) == numbers(alone)
    parts = groups([r.config for r in outcome.records])
    assert [len({config.seed for config in part}) for part in parts] == [1, 1]


def test_what_is_left_of_a_group_with_a_held_run_is_trained(tmp_path):
    configs, store = STUDY.configs("smoke", betas=[50], epochs=1), RunStore(tmp_path)
    options = {"store": store, "device": "cpu", "checkpoint_seconds": 60.0}
    with (
        Checkpoint(configs[0], store.root).locked(),
        pytest.raises(CheckpointError, match="in progress"),
    ):
        _train_group(configs, deadline=math.inf, options=options)
    assert [store.find(config) is not None for config in configs] == [False, True]


def test_the_budget_is_that_of_the_whole_study(own, monkeypatch):
    """The clock moves on by 40 s with each group: the third finds 10 of 90 seconds left."""
    now, budgets = [0.0], []

    def train_group(configs, *, budget_minutes, **_options):
        budgets.append(60 * budget_minutes)
        now[0] += 40
        if len(budgets) == 4:
            raise Paused("no time left")

    monkeypatch.setattr("lcs.study.time.monotonic", lambda: now[0])
    monkeypatch.setattr("lcs.train.train_group", train_group)
    with pytest.raises(Paused):
        STUDY.run("smoke", 4, store=own, betas=[1], epochs=3, budget_minutes=1.5)
    assert budgets == pytest.approx([90, 50, 10, 0])


# Plans


def test_a_plan_lists_what_is_missing_with_its_cost(own, trained):
    configs = [record.config for record in trained.records]
    assert STUDY.plan(configs, own, "cpu") == "0 of 4 runs missing"
    own.path(configs[-1]).unlink()
    line, total = STUDY.plan(configs, own, "cpu").splitlines()
    assert line.startswith(f"{configs[-1].file}: β = 50, α = 1, 2 epochs, about ")
    assert total.startswith("1 of 4 runs missing, about ")
    assert "about 0 s" not in total


def test_a_plan_for_a_device_that_is_not_here(tmp_path):
    if torch.cuda.is_available():
        pytest.skip("this machine has CUDA")
    text = STUDY.plan(STUDY.configs("smoke"), RunStore(tmp_path), "cuda")
    assert "time unknown" in text


def test_a_plan_counts_what_a_checkpoint_holds(record, store):
    config = record.config.replace(epochs=100, seed=9)
    (whole,) = STUDY.seconds_left([config], store, "cpu")
    checkpoint = Checkpoint(config, store.root)
    with checkpoint.locked():
        history = results(config.replace(epochs=75))["history"]
        checkpoint.save({"weight": torch.zeros(1)}, {"epoch": 75, "history": history})
    assert STUDY.seconds_left([config], store, "cpu") == [pytest.approx(whole / 4)]
    line, _ = STUDY.plan([config], store, "cpu").splitlines()
    assert "100 epochs, 75 of them done, about " in line
    assert cost.duration(whole / 4) in line
    checkpoint.path.write_bytes(b"cut")
    with pytest.raises(CheckpointError, match="is damaged"):
        STUDY.plan([config], store, "cpu")
