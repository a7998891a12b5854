"""Studies: which runs an exhibit is drawn from, and that only the missing ones are trained."""

import concurrent.futures.process
import functools
import math
import shutil
import statistics

import pandas as pd
import pytest
import torch

from lcs import cost, data, models, study, together
from lcs.checkpoint import Checkpoint
from lcs.config import Config
from lcs.errors import (
    CheckpointError,
    ConfigError,
    DiskError,
    Paused,
    RecordError,
    TrainingError,
)
from lcs.runs import RunStore
from lcs.exhibits.methods import method
from lcs.study import SCALES, Study, frame, last_epochs, missing, plan_text, setting
from lcs.exhibits import STUDIES, find_study
from lcs.train import train
from lcs.parallel import each, spread

NETWORKS = [name for name, study in STUDIES.items() if isinstance(study, Study)]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Figure 3 on digits, two seeds, two epochs: the store's folder and the outcome."""
    store = RunStore(tmp_path_factory.mktemp("trained"))
    return STUDIES["figure3"].run("smoke", 2, store=store, device="cpu", epochs=2)


@pytest.fixture
def figure3(trained, tmp_path):
    """A copy of those runs that a test may spoil."""
    root = trained.records[0].path.parents[1]
    return RunStore(shutil.copytree(root, tmp_path / "figure3"))


def numbers(record):
    """All of a record's bytes but its provenance."""
    return record.path.read_text().partition('\n "provenance"')[0]


# --- what a study consists of


@pytest.mark.parametrize(
    ("name", "scale"), [(name, scale) for name in NETWORKS for scale in STUDIES[name].scales]
)
def test_every_study_can_be_built_at_every_scale(name, scale):
    """Whatever the configurations ask for, the data set and the network give."""
    configs = STUDIES[name].configs(scale, seeds=3)
    assert len({config.run_id for config in configs}) == len(configs)
    assert {config.seed for config in configs} == {0, 1, 2}
    for config in configs:
        facts = data.spec(config.dataset)
        with torch.device("meta"):
            models.build(
                config.model,
                num_classes=len(facts.classes),
                image_size=facts.image_shape[0],
                in_channels=facts.image_shape[2],
                base_channels=config.base_channels,
            )


def test_the_methods_of_each_exhibit():
    methods = {
        name: [method(config) for config in STUDIES[name].configs("desk", 1)]
        for name in ("figure3", "figure4", "table2")
    }
    fully_connected = [
        "S-FC, SGD", "S-FC, β-LASSO, β = 0", "S-FC, β-LASSO, β = 1", "S-FC, β-LASSO, β = 50",
    ]  # fmt: skip
    assert methods["figure3"] == fully_connected
    assert methods["figure4"] == ["S-LOCAL, SGD", *fully_connected]
    assert methods["table2"] == [
        "S-CONV, SGD", "S-LOCAL, SGD", "3-FC, SGD", "S-FC, SGD", "S-FC, proximal ℓ1",
        *fully_connected[1:],
    ]  # fmt: skip


def test_exhibits_share_their_runs():
    table2, figure3, figure4 = (
        {config.run_id for config in STUDIES[name].configs("desk", 5)}
        for name in ("table2", "figure3", "figure4")
    )
    assert figure3 < figure4 < table2


def test_the_settings():
    desk, paper, smoke = (setting(scale) for scale in ("desk", "paper", "smoke"))
    assert (desk.dataset, desk.base_channels, desk.epochs, desk.batch_size, desk.lr, desk.loss) == (
        "cifar10", 1, 400, 512, 0.1, "bce",
    )  # fmt: skip
    assert (paper.base_channels, paper.epochs, paper.loss) == (150, 4000, "cross-entropy")
    assert smoke.dataset == "digits"
    sparse = [
        config for config in STUDIES["table2"].configs("desk") if config.optimizer != "sgd"
    ]  # the reproduction's λ, everywhere
    assert {(config.l1, config.l1_rest) for config in sparse} == {(2e-5, None)}
    wide, short = (STUDIES["figure3"].configs("paper", epochs=n)[-1] for n in (4000, 400))
    assert (short.l1, short.l1_rest, short.beta) == (2.5e-5, 2.5e-6, 50.0)
    assert (wide.l1, wide.l1_rest) == (2.5e-6, 2.5e-7)  # it pulls as far
    for name in ("table2", "figure3", "figure4", "cifar100"):
        strong = {(c.momentum, c.weight_decay)
                  for c in STUDIES[name].configs("paper") if c.optimizer == "sgd"}  # fmt: skip
        assert strong == {(0.9, 5e-4)}, name
    plain = [c for c in STUDIES["table2"].configs("desk") if c.optimizer == "sgd"]
    assert {(c.momentum, c.weight_decay) for c in plain} == {(0.0, 0.0)}


def test_other_betas_and_fields():
    configs = STUDIES["figure3"].configs("smoke", betas=[2, 7.5], lr=0.3, model="d-fc")
    assert [config.beta for config in configs] == [0.0, 2.0, 7.5]
    assert {config.lr for config in configs} == {0.3}
    kept = STUDIES["figure3"].configs("smoke", epochs=0, dataset="")
    assert {(config.epochs, config.dataset) for config in kept} == {(30, "digits")}


@pytest.mark.parametrize(
    ("arguments", "changes", "reason"),
    [
        (("huge",), {}, "scale: unknown value 'huge'; choose from smoke, desk, paper"),
        (("smoke", -1), {}, "seeds: -1 is out of range; give 1 or more, or 0 for 1"),
        (("smoke", 1.5), {}, "seeds: 1.5 is out of range"),
        (("smoke", True), {}, "seeds: True is out of range"),
        (("smoke",), {"epohcs": 3}, "unknown parameter 'epohcs'"),
        (("smoke",), {"epochs": -3}, "epochs: -3 is out of range"),
        (("smoke",), {"betas": [-1]}, "beta: -1.0 is out of range"),
    ],
)
def test_wrong_requests_are_refused(arguments, changes, reason, tmp_path):
    for verb in (
        STUDIES["figure3"].configs,
        functools.partial(STUDIES["figure3"].run, store=RunStore(tmp_path)),
    ):
        with pytest.raises(ConfigError, match=reason):
            verb(*arguments, **changes)
    assert not list(tmp_path.iterdir())


def test_stored_runs_of_a_scale_that_a_study_lacks_are_none(tmp_path):
    assert studies.stored("factorial", "paper", RunStore(tmp_path)) == []
    with pytest.raises(ConfigError, match="scale: unknown value 'huge'"):
        studies.stored("factorial", "huge", RunStore(tmp_path))
    with pytest.raises(ConfigError, match="seeds: -1 is out of range"):
        studies.stored("factorial", "desk", RunStore(tmp_path), -1)


def test_no_workers_are_refused(tmp_path):
    with pytest.raises(ConfigError, match="workers: 0 is out of range; give 1 or more"):
        STUDIES["figure3"].run("smoke", store=RunStore(tmp_path), workers=0)


def test_the_number_of_seeds():
    assert {c.seed for c in STUDIES["table2"].configs("desk")} == {0, 1, 2, 3, 4}
    assert {c.seed for c in STUDIES["table2"].configs("paper")} == {0}
    assert {c.seed for c in STUDIES["betas"].configs("desk")} == {0, 1}
    assert {c.seed for c in STUDIES["betas"].configs("desk", 3)} == {0, 1, 2}


def test_the_toy_refuses_what_it_has_not(tmp_path):
    with pytest.raises(ConfigError, match="the toy has no lr: leave it out"):
        STUDIES["toy"].run("smoke", store=RunStore(tmp_path), lr=0.2)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"device": "tpu"}, "device"),
        ({"workers": 0}, "workers"),
        ({"budget_minutes": -1}, "budget"),
    ],
)
def test_the_toy_checks_even_what_it_does_not_need(tmp_path, options, reason):
    with pytest.raises(ConfigError, match=reason):
        STUDIES["toy"].run("smoke", store=RunStore(tmp_path), **options)


def test_a_toy_that_cannot_be_stored_is_not_computed(tmp_path, monkeypatch):
    monkeypatch.setattr("lcs.toy.run", lambda config: pytest.fail("computed"))
    (tmp_path / "file").touch()
    with pytest.raises(RecordError, match="cannot be written"):
        STUDIES["toy"].run("smoke", store=RunStore(tmp_path / "file"))


def test_betas_are_taken_in_their_order():
    configs = STUDIES["lambdas"].configs("desk", 1, betas=[50, 1, 0])
    assert configs == STUDIES["lambdas"].configs("desk", 1, betas=[0, 1, 50])
    assert configs[0].beta == 50


def test_small_studies_have_no_paper_scale():
    with pytest.raises(ConfigError, match="factorial has no 'paper'; choose from smoke, desk"):
        STUDIES["factorial"].configs("paper")


def test_a_grid_repeats_no_run_and_shares_those_of_table_2():
    known = {config.run_id for config in STUDIES["table2"].configs("desk", 1)}
    shared = {
        "betas": 4,
        "lambdas": 1,
        "lambdas-zero": 1,
        "length": 3,
        "precision": 2,
        "schedule": 2,
        "frozen": 3,
    }
    shared |= {"period": 4, "first-layer": 3}
    for name, count in shared.items():
        runs = [config.run_id for config in STUDIES[name].configs("desk", 1)]
        assert len(set(runs)) == len(runs)
        assert len(known & set(runs)) == count, name


def test_the_range_of_lambda_keeps_beta_or_the_threshold():
    runs = STUDIES["lambdas"].configs("desk", 1)
    thresholds = {round(run.l1 * run.beta, 9) for run in runs if run.beta != 50}
    assert thresholds == {1e-3}
    assert {run.l1 for run in runs if run.beta == 50} == set(studies.LAMBDAS)


def test_equal_rates_keep_the_size_of_the_steps():
    mean = Config(loss="bce", optimizer="beta-lasso", l1=2e-5, l1_rest=1e-5, beta=50.0)
    other = studies.equal_rates(mean)
    assert other.loss == "cross-entropy"
    assert other.lr == pytest.approx(mean.lr / 10)
    assert other.lr * other.l1 == pytest.approx(mean.lr * mean.l1)
    assert other.lr * other.l1_rest == pytest.approx(mean.lr * mean.l1_rest)
    assert other.beta * other.l1 == pytest.approx(mean.beta * mean.l1)


def test_the_factorial_is_complete():
    runs = STUDIES["factorial"].configs("desk", 1)
    cells = {(run.augment, run.loss, run.lr) for run in runs}
    assert len(cells) == 2 * 3
    assert len(runs) == len(cells) * 5
    assert {run.epochs for run in runs} == {100}


def test_studies_are_found_by_name():
    assert find_study("table2") is STUDIES["table2"]
    assert all(name == study.name and study.title for name, study in STUDIES.items())
    with pytest.raises(
        ConfigError, match=f"unknown name 'tabel2'; choose from {', '.join(STUDIES)}"
    ):
        find_study("tabel2")


def test_names_of_other_methods():
    base = Config(dataset="digits", model="resnet18", kernel_size=9)
    assert method(base) == "resnet18, SGD"
    tuned = base.replace(model="s-fc", kernel_size=None, optimizer="beta-lasso", l1=1.0, beta=0.5)
    assert method(tuned) == "S-FC, β-LASSO, β = 0.5"


# --- running


def test_what_a_study_returns(trained):
    records, table = trained.records, trained.frame
    configs = STUDIES["figure3"].configs("smoke", 2, epochs=2)
    assert [record.config for record in records] == configs
    assert len(table) == 2 * len(configs)
    assert table["run_id"].nunique() == len(configs)
    columns = ["method", "model", "optimizer", "beta", "seed", "run_id", "epoch", "test_accuracy"]
    assert set(columns) < set(table.columns)
    last = last_epochs(table)
    assert list(last["run_id"]) == [record.run_id for record in records]
    assert list(last["test_accuracy"]) == [record.final["test_accuracy"] for record in records]
    for layer in ("conv1", "fc1", "fc2"):
        counts = [record.final["nonzeros"][layer] for record in records]
        assert list(last[f"nonzeros_{layer}"]) == counts


def test_the_last_epoch_is_that_of_each_run():
    history = pd.DataFrame(
        {"run_id": ["b", "b", "a", "a", "a"], "epoch": [1, 2, 1, 2, 9], "seed": [1, 1, 0, 0, 0]}
    )
    last = last_epochs(history)
    assert last.to_dict("list") == {"run_id": ["b", "a"], "epoch": [2, 9], "seed": [1, 0]}


def test_records_of_different_networks_share_a_frame(trained, store):
    table = frame([*trained.records, *store.records()])
    assert table["validation_accuracy"].notna().sum() == 2 * 3
    assert table["test_accuracy"].notna().sum() == len(table) - 2 * 3


def test_filters_are_stored_for_the_first_seed_alone(trained):
    for record in trained.records:
        assert (record.filters is not None) == (record.config.seed == 0)
    assert trained.records[0].load_filters().shape[1:] == (1, 8, 8)


def test_an_accelerator_trains_small_runs_together(tmp_path, monkeypatch, trained):
    monkeypatch.setattr(studies, "choose_device", lambda name: torch.device("cuda"))
    monkeypatch.setitem(together.KINDS, "cpu", together.Batched)
    options = {"store": RunStore(tmp_path), "device": "cpu", "epochs": 2}
    outcome = STUDIES["figure3"].run("smoke", 2, **options)
    assert [r.config for r in outcome.records] == [r.config for r in trained.records]
    assert all(record.provenance["modes"] == {"together": 2} for record in outcome.records)
    for record, alone in zip(outcome.records, trained.records, strict=True):
        assert record.final["test_accuracy"] == pytest.approx(
            alone.final["test_accuracy"], abs=0.01
        )
        assert (record.filters is None) == (alone.filters is None)


def odd_ones_fail(item):
    number, folder = item
    if number % 2:
        raise TrainingError(f"run {number} fails")
    (folder / str(number)).touch()


@pytest.mark.parametrize("workers", [1, 2])
def test_what_fails_stops_no_other(tmp_path, workers):
    with pytest.raises(TrainingError, match="run 1 fails"):
        spread(odd_ones_fail, [(number, tmp_path) for number in range(9)], workers)
    assert {path.name for path in tmp_path.iterdir()} == {"0", "2", "4", "6", "8"}


@pytest.mark.parametrize("error", [CheckpointError, DiskError])
def test_a_run_that_is_held_stops_no_other_but_a_full_disk_does(error):
    done = []

    def first_fails(item):
        if not item:
            raise error("no")
        done.append(item)

    with pytest.raises(error, match="no"):
        each(first_fails, range(3))
    assert done == ([] if error is DiskError else [1, 2])


def test_what_is_left_of_a_group_with_a_held_run_is_trained(tmp_path):
    configs = STUDIES["figure3"].configs("smoke", betas=[50], epochs=1)
    store = RunStore(tmp_path)
    one = functools.partial(
        studies._train_one, store=store, device="cpu", deadline=math.inf, checkpoint_seconds=60.0
    )
    with (
        Checkpoint(configs[0], store.root).locked(),
        pytest.raises(CheckpointError, match="in prog"),
    ):
        studies._train_part(configs, one)
    assert [store.find(config) is not None for config in configs] == [False, True]


@pytest.mark.parametrize("workers", [1, 2])
def test_runs_that_see_the_same_images_train_in_step(tmp_path, monkeypatch, workers):
    outcome = STUDIES["figure3"].run(
        "smoke", 2, store=RunStore(tmp_path), device="cpu", epochs=2, augment="flip-crop",
        workers=workers,
    )  # fmt: skip
    alone = train(outcome.records[-1].config, store=RunStore(tmp_path / "alone"), device="cpu")
    loss = pytest.approx(alone.history["train_loss"], rel=1e-5)  # workers have threads of their own
    assert outcome.records[-1].history["train_loss"] == loss
    parts = together.groups([r.config for r in outcome.records], torch.device("cpu"))
    assert [len({config.seed for config in part}) for part in parts] == [1, 1]


def test_only_what_lacks_is_trained(figure3, trained, monkeypatch, capsys):
    configs = [record.config for record in trained.records]
    lost = [configs[1], configs[4]]
    for config in lost:
        figure3.path(config).unlink()
    assert missing(configs, figure3) == lost
    asked = []
    train_one = studies._train_one

    def watched(config, **options):
        if figure3.find(config) is None:
            asked.append(config)
        return train_one(config, **options)

    monkeypatch.setattr(studies, "_train_one", watched)
    outcome = STUDIES["figure3"].run("smoke", 2, store=figure3, device="cpu", epochs=2)
    assert asked == lost
    assert "2 runs to train on cpu, about " in capsys.readouterr().err
    assert [numbers(r) for r in outcome.records] == [numbers(r) for r in trained.records]
    pd.testing.assert_frame_equal(outcome.frame, trained.frame)
    before = [record.path.stat().st_mtime_ns for record in outcome.records]
    again = STUDIES["figure3"].run("smoke", 2, store=figure3, device="cpu", epochs=2)
    assert [record.path.stat().st_mtime_ns for record in again.records] == before
    assert capsys.readouterr().err == ""


def test_the_books_records_are_used_and_new_ones_are_the_readers_own(
    figure3, tmp_path, monkeypatch
):
    monkeypatch.setattr("lcs.runs.PUBLISHED", figure3.root)
    monkeypatch.setenv("LCS_STORE", str(tmp_path / "own"))
    outcome = STUDIES["figure3"].run("smoke", 3, device="cpu", epochs=2)
    own = [record.path for record in outcome.records if tmp_path / "own" in record.path.parents]
    assert len(own) == 4
    assert {record.config.seed for record in outcome.records if record.path in own} == {2}
    assert len(figure3.paths()) == 8


def test_several_workers_give_the_same_records(tmp_path, monkeypatch, forkserver):
    monkeypatch.setattr("lcs.parallel.multiprocessing.get_context", {"spawn": forkserver}.get)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # as many as each worker has
    try:
        outcomes = [
            STUDIES["figure3"].run(
                "smoke",
                store=RunStore(tmp_path / str(workers)),
                device="cpu",
                epochs=2,
                betas=[50],
                workers=workers,
            )
            for workers in (1, 2)
        ]
    finally:
        torch.set_num_threads(threads)
    one, two = outcomes
    assert [numbers(record) for record in one.records] == [
        numbers(record) for record in two.records
    ]
    assert [record.provenance["threads"] for record in two.records] == [1, 1]
    pd.testing.assert_frame_equal(one.frame, two.frame)


def test_a_killed_worker_is_said_in_one_line(monkeypatch, tmp_path):
    class Broken:
        def __init__(self, *_arguments, **_options):
            raise concurrent.futures.process.BrokenProcessPool

    monkeypatch.setattr("lcs.parallel.ProcessPoolExecutor", Broken)
    with pytest.raises(TrainingError, match=r"a worker was killed.* fewer workers goes on"):
        STUDIES["figure3"].run("smoke", store=RunStore(tmp_path), device="cpu", workers=2)


def test_the_budget_is_that_of_the_whole_study(figure3, monkeypatch):
    """The clock moves on by 40 s with each run: the third finds 10 of 90 seconds left."""
    now, budgets = [0.0], []

    def train(config, *, budget_minutes, **_options):
        budgets.append(60 * budget_minutes)
        now[0] += 40
        if len(budgets) == 4:
            raise Paused("no time left")
        return figure3.find(config)

    monkeypatch.setattr(studies.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(studies, "train", train)
    with pytest.raises(Paused):
        STUDIES["figure3"].run("smoke", 2, store=figure3, epochs=2, budget_minutes=1.5)
    assert budgets == pytest.approx([90, 50, 10, 0])


# --- plans and costs


def test_a_plan_lists_what_is_missing_with_its_cost(figure3, trained):
    configs = [record.config for record in trained.records]
    assert plan_text(configs, figure3, "cpu") == "0 of 8 runs missing, about 0 s in all"
    figure3.path(configs[-1]).unlink()
    line, total = plan_text(configs, figure3, "cpu").splitlines()
    assert line.startswith(
        f"digits/{configs[-1].name}: S-FC, β-LASSO, β = 50, α = 1, 2 epochs, about "
    )
    assert total.startswith("1 of 8 runs missing, about ")


def test_a_plan_counts_what_a_checkpoint_holds(record, store, capsys):
    config = record.config.replace(epochs=100, seed=9)
    whole = cost.seconds([config], "cpu", store)[0]
    checkpoint = Checkpoint(config, store.root)
    with checkpoint.locked():
        checkpoint.save({"weight": torch.zeros(1)}, {"epoch": 75})
    line, total = plan_text([config], store, "cpu").splitlines()
    left = f"about {cost.duration(whole / 4)}"
    assert line.endswith(f", 100 epochs, 75 of them done, {left}")
    assert total == f"1 of 1 runs missing, {left} in all"
    studies.announce([config], "cpu", store)
    assert capsys.readouterr().err == f"1 run to train on cpu, {left} in all\n"
    checkpoint.path.write_bytes(b"cut")
    with pytest.raises(CheckpointError, match="is damaged"):
        plan_text([config], store, "cpu")


def test_a_run_costs_what_a_similar_one_took(record, store):
    per_epoch = statistics.median(run.provenance["seconds"] / 3 for run in store.records())
    config = record.config.replace(epochs=300, seed=9)
    assert cost.seconds([config], "cpu", store) == [pytest.approx(300 * per_epoch)]
    fallen_back = RunStore(store.root / "none", fallback=store)
    assert cost.seconds([config], "cpu", fallen_back) == [pytest.approx(300 * per_epoch)]
    wide = config.replace(base_channels=4)
    factor = cost.training_flops(wide) / cost.training_flops(config)
    assert 4 < factor < 4**2
    assert cost.seconds([wide], "cpu", store) == [pytest.approx(300 * per_epoch * factor)]


def test_of_several_widths_the_nearest_is_asked(tmp_path, monkeypatch):
    small, large = (Config(dataset="digits", base_channels=width) for width in (1, 8))
    monkeypatch.setattr(cost, "_timings", lambda store: {"cpu": [(small, 9.0), (large, 20.0)]})
    between = small.replace(base_channels=4)
    expected = 20 * cost.training_flops(between) / cost.training_flops(large)
    assert cost.seconds([between], "cpu", RunStore(tmp_path)) == [pytest.approx(expected)]


def test_a_dense_run_is_not_timed_by_one_whose_zeros_stay(tmp_path, monkeypatch):
    dense = Config(dataset="digits", optimizer="beta-lasso", l1=1e-5, beta=50)
    wide = dense.replace(base_channels=8)
    frozen = wide.replace(frozen_zeros=True)
    timed = [(dense, 9.0), (frozen, 20.0)]
    monkeypatch.setattr(cost, "_timings", lambda store: {"cpu": timed})
    expected = 9 * cost.training_flops(wide) / cost.training_flops(dense)
    assert cost.seconds([wide], "cpu", RunStore(tmp_path)) == [pytest.approx(expected)]
    cropped = frozen.replace(augment="flip-crop")  # of the two, more like the frozen one
    assert cost.seconds([cropped], "cpu", RunStore(tmp_path)) == [pytest.approx(20)]


def test_digits_do_not_set_the_pace_of_other_data(tmp_path, monkeypatch):
    digits, images = Config(dataset="digits"), Config(dataset="cifar10", base_channels=8)
    monkeypatch.setattr(cost, "_timings", lambda store: {"cpu": [(digits, 9.0), (images, 20.0)]})
    again = images.replace(base_channels=1)  # but for its data it is like the digits
    expected = 20 * cost.training_flops(again) / cost.training_flops(images)
    assert cost.seconds([again], "cpu", RunStore(tmp_path)) == [pytest.approx(expected)]
    assert cost.seconds([digits], "cpu", RunStore(tmp_path)) == [pytest.approx(9)]
    monkeypatch.setattr(cost, "_timings", lambda store: {"cpu": [(digits, 9.0)]})
    monkeypatch.setattr(cost, "_rate", lambda device, precision: 1e9)
    by_products = cost.OVERHEAD * cost.training_flops(again) / 1e9
    assert cost.seconds([again], "cpu", RunStore(tmp_path)) == [pytest.approx(by_products)]


def test_of_several_runs_alike_the_median_counts(tmp_path, monkeypatch):
    runs = [
        (Config(dataset="digits", seed=seed), took) for seed, took in enumerate((9.0, 2.0, 3.0))
    ]
    monkeypatch.setattr(cost, "_timings", lambda store: {"cpu": runs})
    again = Config(dataset="digits", seed=7)
    assert cost.seconds([again], "cpu", RunStore(tmp_path)) == [pytest.approx(3.0)]
    other = again.replace(model="s-conv")
    expected = 3 * cost.training_flops(other) / cost.training_flops(again)
    assert cost.seconds([other], "cpu", RunStore(tmp_path)) == [pytest.approx(expected)]


def test_an_unknown_run_costs_by_its_operations(tmp_path, monkeypatch):
    monkeypatch.setattr(cost, "_rate", lambda device, precision: 1e9)
    config = Config(dataset="digits", epochs=10)
    products = 2 * 1024 + 3 * (384 + 240)  # no gradient of the images
    assert cost.training_flops(config) == 2 * products * 1442 * 10
    expected = cost.OVERHEAD * cost.training_flops(config) / 1e9
    assert cost.seconds([config], "cpu", RunStore(tmp_path)) == [pytest.approx(expected)]


def test_convolutions_cost_their_positions():
    config = Config(dataset="digits", model="s-conv", epochs=1)
    positions, kernel = 4 * 4, 9 * 9
    products = 2 * positions * kernel + 3 * (16 * 24 + 24 * 10)
    assert cost.training_flops(config) == 2 * products * 1442


def test_the_rate_is_measured():
    assert 1e6 < cost._rate(torch.device("cpu"), "fp32") < 1e16


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0 s"), (59, "59 s"), (60, "1.0 min"), (5400, "1.5 h")]
)
def test_durations(seconds, text):
    assert cost.duration(seconds) == text


@pytest.mark.parametrize("scale", SCALES)
def test_the_searches_alone_are_on_validation_and_stay_off_the_test_set(scale):
    for name in NETWORKS:
        if scale in STUDIES[name].scales:
            held_out = {config.validation for config in STUDIES[name].configs(scale)}
            assert held_out == {name.startswith("search")}, name


def test_the_search_has_the_lengths_that_it_promises():
    sizes = {
        scale: {(c.base_channels, c.epochs) for c in STUDIES["search"].configs(scale)}
        for scale in ("desk", "paper")
    }
    assert sizes == {"desk": {(2, 50)}, "paper": {(150, 400)}}


def test_what_is_found_of_a_study_that_is_not_whole(tmp_path):
    store = RunStore(tmp_path)
    part = STUDIES["figure3"].run("smoke", 2, store=store, betas=[50], epochs=1).records
    assert studies.stored("figure3", "smoke", store, epochs=1) == []
    shown = studies.found("figure3", "smoke", store, epochs=1)
    assert [record.run_id for record in shown] == [record.run_id for record in part]
    assert studies.found("table2", "smoke", store, epochs=2) == []
