"""Work on many things at once: what fails with one does not stop the others."""

import concurrent.futures.process
import functools

import pytest
import torch

from lcs import parallel
from lcs.checkpoint import Checkpoint
from lcs.config import Config
from lcs.errors import CheckpointError, DiskError, Paused, TrainingError
from lcs.parallel import each, run_parallel, train_together
from lcs.runs import RunStore
from lcs.study import Setting, Study

DIGITS = Config(dataset="digits", epochs=1, batch_size=512)
PAIR = [DIGITS, DIGITS.replace(momentum=0.9)]
OPTIONS = {"device": "cpu", "checkpoint_seconds": 60.0}


def odd_ones_fail(item):
    number, folder = item
    if number % 2:
        raise TrainingError(f"run {number} fails")
    (folder / str(number)).touch()


@pytest.fixture
def quick_start(monkeypatch, forkserver):
    """Workers from a server that has imported torch once."""
    monkeypatch.setattr("lcs.parallel.multiprocessing.get_context", {"spawn": forkserver}.get)


@pytest.mark.parametrize("workers", [1, 2])
def test_what_fails_stops_no_other(tmp_path, workers, quick_start):
    with pytest.raises(TrainingError, match="run 1 fails"):
        run_parallel(odd_ones_fail, [(number, tmp_path) for number in range(9)], workers)
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


def test_several_workers_give_the_same_records(tmp_path, quick_start):
    def runs(base, _betas):
        return [base, base.replace(momentum=0.9)]

    base = Config(dataset="digits", epochs=1, batch_size=128)
    study = Study("mine", "Mine", Setting("own", {"smoke": base}), runs)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # as many as each worker has
    try:
        one, two = (
            study.run("smoke", store=RunStore(tmp_path / str(n)), device="cpu", workers=n).records
            for n in (1, 2)
        )
    finally:
        torch.set_num_threads(threads)
    for first, second in zip(one, two, strict=True):
        assert (first.history, first.final) == (second.history, second.final)
    assert [record.provenance["threads"] for record in two] == [1, 1]


def test_a_killed_worker_is_said_in_one_line(monkeypatch):
    class Broken:
        def __init__(self, *_arguments, **_options):
            raise concurrent.futures.process.BrokenProcessPool

    monkeypatch.setattr("lcs.parallel.ProcessPoolExecutor", Broken)
    with pytest.raises(TrainingError, match=r"a worker was killed.* fewer workers"):
        run_parallel(print, [1, 2], 2)


def test_the_rest_of_a_group_with_a_held_run_is_trained(tmp_path, capsys):
    store = RunStore(tmp_path)
    with (
        Checkpoint(PAIR[0], store.root).locked(),
        pytest.raises(CheckpointError, match="in progress"),
    ):
        train_together(PAIR, deadline=float("inf"), store=store, **OPTIONS)
    assert [store.find(config) is not None for config in PAIR] == [False, True]
    assert "one by one" in capsys.readouterr().err


@pytest.mark.parametrize(("error", "calls"), [(TrainingError, 3), (DiskError, 1), (Paused, 1)])
def test_a_group_is_tried_one_by_one_unless_nothing_can_go_on(monkeypatch, error, calls):
    tried = []

    def fails(configs, **_options):
        tried.append(configs)
        raise error("no")

    monkeypatch.setattr("lcs.train.train_group", fails)
    with pytest.raises(error):
        train_together(PAIR, deadline=float("inf"))
    assert tried == [PAIR, [PAIR[0]], [PAIR[1]]][:calls]


def test_a_pause_does_not_hide_the_error_of_a_failed_run(monkeypatch, capsys):
    """The error of the first group, and the end of the budget in the second."""

    def ends(configs, **_options):
        raise TrainingError("it diverges") if configs[0] == PAIR[0] else Paused("no time")

    monkeypatch.setattr("lcs.train.train_group", ends)
    work = functools.partial(train_together, deadline=float("inf"))
    with pytest.raises(Paused):
        run_parallel(work, [[config] for config in PAIR], 1)
    assert capsys.readouterr().err == "it diverges\n"


def test_workers_without_work_take_no_cores(monkeypatch):
    monkeypatch.setattr("lcs.parallel.ProcessPoolExecutor", None)
    done = []
    run_parallel(done.append, [1], 8)
    run_parallel(done.append, [], 8)
    assert done == [1]


def test_the_budget_is_that_of_all_together(monkeypatch, tmp_path):
    """The clock moves on by 40 s with each group: the third finds 10 of 90 seconds left."""
    now, budgets = [0.0], []

    def train_group(configs, *, budget_minutes, **_options):
        budgets.append(60 * budget_minutes)
        now[0] += 40

    monkeypatch.setattr(parallel.time, "monotonic", lambda: now[0])
    monkeypatch.setattr("lcs.train.train_group", train_group)
    study = Study("mine", "Mine", Setting("own", {"smoke": DIGITS}), lambda base, _betas: [base])
    study.train("smoke", 4, store=RunStore(tmp_path), budget_minutes=1.5, **OPTIONS)
    assert budgets == pytest.approx([90, 50, 10, 0])
