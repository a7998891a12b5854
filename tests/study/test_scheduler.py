"""How runs are handed to an executor: what fails or is held stops no other run."""

import pytest
from few_runs import DIGITS, OPTIONS, PAIR, SEEDS, alone

from lcs.errors import CheckpointError, DiskError, Diverged, InProgress, Paused, TrainingError
from lcs.runs import RunStore
from lcs.study import scheduler
from lcs.study.executors import InThisProcess, Processes
from lcs.study.scheduler import ALL, attempt, train_all
from lcs.train.checkpoint import Checkpoint
from lcs.train.loop import Run

FOREVER = float("inf")


def train_here(groups, budget_minutes=1.0, **options):
    train_all(groups, InThisProcess("cpu"), budget_minutes=budget_minutes, **options)


# The loop


def odd_seeds_fail(configs, *, deadline, folder):
    seed = configs[0].seed
    if seed % 2:
        return {configs[0].run_id: TrainingError(f"seed {seed} fails")}
    (folder / str(seed)).touch()
    return {}


@pytest.mark.parametrize("workers", [1, 2])
def test_what_fails_stops_no_other(tmp_path, workers, quick_start, capsys):
    with (
        Processes("cpu", workers) if workers > 1 else InThisProcess("cpu") as executor,
        pytest.raises(TrainingError, match=r"seed [135] fails"),
    ):
        train_all(alone(SEEDS), executor, budget_minutes=1, work=odd_seeds_fail, folder=tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"0", "2", "4"}
    assert sorted(capsys.readouterr().err.splitlines()) == [f"seed {n} fails" for n in (1, 3, 5)]


@pytest.mark.parametrize("error", [DiskError, Paused])
def test_what_concerns_all_stops_all(error):
    tried = []

    def work(configs, *, deadline):
        tried.append(configs)
        return {ALL: error("no")}

    with pytest.raises(error, match="no"):
        train_here(alone(SEEDS), work=work)
    assert tried == alone(SEEDS[:1])


def test_runs_that_others_hold_come_last_and_are_not_waited_for_beyond_the_budget():
    """Both of the first group are held, the second for longer."""
    tried, held = [], InProgress("another process trains it")

    def work(configs, *, deadline):
        tried.append([config.seed for config in configs])
        free = len(tried) - 3  # after so many
        return {c.run_id: held for c in configs if c.seed < 2 and c.seed >= free}

    train_here([PAIR, *alone(SEEDS[2:4])], work=work)
    assert tried == [[0, 1], [2], [3], [0, 1], [1]]
    with pytest.raises(Paused, match="other processes"):
        train_here([PAIR], 0, work=lambda configs, deadline: {c.run_id: held for c in configs})


def test_what_starts_from_another_run_comes_after_it():
    last = PAIR[0].replace(start="network", source=PAIR[1].as_source, seed=1)
    tried = []
    train_here(alone([last, *PAIR]), work=lambda configs, deadline: tried.extend(configs) or {})
    assert tried == [*PAIR, last]


def test_the_budget_is_that_of_all_together(monkeypatch, tmp_path):
    """The clock moves on by 40 s with each group: the third finds 10 of 90 seconds left."""
    now, budgets = [0.0], []

    def train_group(configs, *, budget_minutes, **_options):
        budgets.append(60 * budget_minutes)
        now[0] += 40

    monkeypatch.setattr(scheduler.time, "time", lambda: now[0])
    monkeypatch.setattr("lcs.train.train_group", train_group)
    with pytest.raises(Paused, match="budget"):
        train_here(alone(SEEDS[:4]), 1.5, store=RunStore(tmp_path), **OPTIONS)
    assert budgets == pytest.approx([90, 50, 10])


def test_progress(monkeypatch, capsys):
    """By the seconds that runs were to take; one that failed takes no more, a paused one is left.

    Each group takes a minute, and progress is said after each.
    """
    now = [0.0]
    monkeypatch.setattr(scheduler, "PROGRESS_SECONDS", 0)
    monkeypatch.setattr(scheduler.time, "monotonic", lambda: now[0])

    def work(configs, *, deadline):
        now[0] += 60
        seeds = {config.seed: config.run_id for config in configs}
        if 5 in seeds:
            return {ALL: Paused("no time")}
        return {seeds[1]: TrainingError("it diverges")} if 1 in seeds else {}

    runs = [*SEEDS[:3], DIGITS.replace(epochs=3), SEEDS[5]]
    seconds = {config: 10.0 * config.epochs for config in runs}
    with pytest.raises(Paused):
        train_here(alone(runs), work=work, seconds=seconds)
    assert capsys.readouterr().err.splitlines() == [
        "1 of 5 runs done, 0 failed, about 6.0 min left",
        "it diverges",
        "1 of 5 runs done, 1 failed, about 10.0 min left",
        "2 of 5 runs done, 1 failed, about 6.0 min left",
        "3 of 5 runs done, 1 failed, about 48 s left",
        "3 of 5 runs done, 1 failed, about 1.0 min left",
    ]


# Groups


def test_the_rest_of_a_group_with_a_held_run_is_trained(tmp_path):
    store = RunStore(tmp_path)
    with Checkpoint(PAIR[0], store.root).locked():
        errors = attempt(PAIR, deadline=FOREVER, store=store, **OPTIONS)
    assert {run_id: type(error) for run_id, error in errors.items()} == {PAIR[0].run_id: InProgress}
    assert [store.find(config) is not None for config in PAIR] == [False, True]


@pytest.mark.parametrize(
    ("error", "calls"), [(TrainingError, 3), (CheckpointError, 3), (DiskError, 1), (Paused, 1)]
)
def test_a_group_is_tried_one_by_one_unless_nothing_can_go_on(monkeypatch, error, calls):
    """Memory may suffice where a run trains alone."""
    tried, full = [], error("no")
    full.run_id = PAIR[0].run_id

    def fails(configs, *, on_failure, **_options):
        tried.append(configs)
        if configs != [PAIR[0]]:
            if error is TrainingError:
                on_failure(full)
            raise full

    monkeypatch.setattr("lcs.train.train_group", fails)
    errors = attempt(PAIR, deadline=FOREVER)
    assert tried == [PAIR, [PAIR[0]], [PAIR[1]]][:calls]
    assert errors.keys() >= ({PAIR[1].run_id} if calls == 3 else {ALL})
    assert {type(each) for each in errors.values()} == {error}


def test_runs_that_diverged_are_said_once_and_not_tried_again(tmp_path, monkeypatch, capsys):
    """Two of a group of three."""
    wild = [config.replace(lr=1e3, weight_decay=1.0, batch_size=90) for config in PAIR]
    store, start, built = RunStore(tmp_path), Run.start, []
    monkeypatch.setattr(Run, "start", lambda c, *arguments: built.append(c) or start(c, *arguments))
    with pytest.raises(Diverged):
        train_here([[*wild, SEEDS[2]]], store=store, **OPTIONS)
    assert built == [*wild, SEEDS[2]]
    assert store.find(SEEDS[2]) is not None
    said = capsys.readouterr().err.splitlines()
    assert [line.partition(":")[0] for line in said] == [f"run {c.run_id}" for c in wild]


def test_a_pause_does_not_hide_the_error_of_a_failed_run(monkeypatch, capsys):
    """Of the same group, and of the group before."""
    failed, pause = TrainingError("it diverges"), Paused("no time")
    failed.run_id = PAIR[0].run_id

    def ends(configs, *, on_failure, **_options):
        if configs == [PAIR[0]]:
            raise failed
        on_failure(failed)
        raise pause

    monkeypatch.setattr("lcs.train.train_group", ends)
    assert attempt(PAIR, deadline=FOREVER) == {PAIR[0].run_id: failed, ALL: pause}
    with pytest.raises(Paused):
        train_here(alone(PAIR))
    assert capsys.readouterr().err.splitlines()[0] == "it diverges"
