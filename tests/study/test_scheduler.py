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

HELD = InProgress("another process trains it")

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
        return {ALL: error("no")} if len(tried) == 2 else {}

    with pytest.raises(error, match="no"):
        train_all(alone(SEEDS), InThisProcess("cpu"), budget_minutes=1, work=work)
    assert tried == alone(SEEDS[:2])


def test_runs_that_others_hold_come_last():
    """Both of the first group are held, the second for longer."""
    tried = []

    def work(configs, *, deadline):
        tried.append([config.seed for config in configs])
        free = len(tried) - 3  # after so many
        return {c.run_id: HELD for c in configs if c.seed < 2 and c.seed >= free}

    train_all([PAIR, *alone(SEEDS[2:4])], InThisProcess("cpu"), budget_minutes=1, work=work)
    assert tried == [[0, 1], [2], [3], [0, 1], [1]]


def test_a_budget_ends_the_wait_for_others():
    def work(configs, *, deadline):
        return {config.run_id: HELD for config in configs}

    with pytest.raises(Paused, match="other processes"):
        train_all([PAIR], InThisProcess("cpu"), budget_minutes=0, work=work)


def test_the_budget_is_that_of_all_together(monkeypatch, tmp_path):
    """The clock moves on by 40 s with each group: the third finds 10 of 90 seconds left."""
    now, budgets = [0.0], []

    def train_group(configs, *, budget_minutes, **_options):
        budgets.append(60 * budget_minutes)
        now[0] += 40

    monkeypatch.setattr(scheduler.time, "time", lambda: now[0])
    monkeypatch.setattr("lcs.train.train_group", train_group)
    options = {"store": RunStore(tmp_path), **OPTIONS}
    train_all(alone(SEEDS[:4]), InThisProcess("cpu"), budget_minutes=1.5, **options)
    assert budgets == pytest.approx([90, 50, 10, 0])


@pytest.fixture
def minutes(monkeypatch):
    """Each group takes a minute, and progress is said after each; the clock, in seconds."""
    monkeypatch.setattr(scheduler, "PROGRESS_SECONDS", 0)
    now = [0.0]
    monkeypatch.setattr(scheduler.time, "monotonic", lambda: now[0])
    return now


def test_progress(minutes, capsys):
    """Of the work that is left, not of the runs: the last has as many epochs as all others."""

    def work(configs, *, deadline):
        minutes[0] += 60
        return {}

    runs = [*SEEDS[:3], DIGITS.replace(epochs=3)]
    train_all(alone(runs), InThisProcess("cpu"), budget_minutes=1, work=work)
    said = capsys.readouterr().err.splitlines()
    assert said[0] == "1 of 4 runs done, 0 failed, 0 running, about 5.0 min left"
    assert said[2] == "3 of 4 runs done, 0 failed, 0 running, about 3.0 min left"
    # the second has resumed at a half, and has a quarter left when the first one ends
    minutes[0], left = 0.0, {0: 1.0, 1: 0.5}
    train_all(
        alone(SEEDS[:2]), InThisProcess("cpu"), budget_minutes=1, work=work,
        share_left=lambda config: 0.25 if minutes[0] else left[config.seed],
    )  # fmt: skip
    said = capsys.readouterr().err.splitlines()
    assert said[0] == "1 of 2 runs done, 0 failed, 0 running, about 12 s left"


def test_a_failed_run_is_not_done_and_takes_no_more_time(minutes, capsys):
    def work(configs, *, deadline):
        minutes[0] += 60
        failed = [config.run_id for config in configs if config.seed == 1]
        return dict.fromkeys(failed, TrainingError("it diverges"))

    with pytest.raises(TrainingError):
        train_all([SEEDS[:3], *alone(SEEDS[3:])], InThisProcess("cpu"), budget_minutes=1, work=work)
    said = capsys.readouterr().err.splitlines()
    assert said[:2] == ["it diverges", "2 of 6 runs done, 1 failed, 0 running, about 1.5 min left"]
    assert said[-1] == "5 of 6 runs done, 1 failed, 0 running, about 1 s left"


def test_a_paused_run_is_not_done(minutes, capsys):
    def work(configs, *, deadline):
        minutes[0] += 60
        return {ALL: Paused("no time")} if configs[0].seed else {}

    with pytest.raises(Paused):
        train_all(alone(PAIR), InThisProcess("cpu"), budget_minutes=1, work=work)
    said = capsys.readouterr().err.splitlines()
    assert said[-1] == "1 of 2 runs done, 0 failed, 0 running, about 2.0 min left"


# Groups


def test_the_rest_of_a_group_with_a_held_run_is_trained(tmp_path):
    store = RunStore(tmp_path)
    with Checkpoint(PAIR[0], store.root).locked():
        errors = attempt(PAIR, deadline=float("inf"), store=store, **OPTIONS)
    assert {run_id: type(error) for run_id, error in errors.items()} == {PAIR[0].run_id: InProgress}
    assert [store.find(config) is not None for config in PAIR] == [False, True]


@pytest.mark.parametrize(
    ("error", "calls"), [(TrainingError, 3), (CheckpointError, 3), (DiskError, 1), (Paused, 1)]
)
def test_a_group_is_tried_one_by_one_unless_nothing_can_go_on(monkeypatch, error, calls):
    tried = []

    def fails(configs, **_options):
        tried.append(configs)
        raise error("no")

    monkeypatch.setattr("lcs.train.train_group", fails)
    errors = attempt(PAIR, deadline=float("inf"))
    assert tried == [PAIR, [PAIR[0]], [PAIR[1]]][:calls]
    assert errors.keys() == ({config.run_id for config in PAIR} if calls == 3 else {ALL})
    assert {type(each) for each in errors.values()} == {error}


def test_runs_that_diverged_are_said_once_and_not_tried_again(tmp_path, monkeypatch, capsys):
    """Two of a group of three."""
    wild = [config.replace(lr=1e3, weight_decay=1.0, batch_size=90) for config in PAIR]
    store, start, built = RunStore(tmp_path), Run.start, []
    monkeypatch.setattr(Run, "start", lambda c, *arguments: built.append(c) or start(c, *arguments))
    with pytest.raises(Diverged):
        train_all(
            [[*wild, SEEDS[2]]], InThisProcess("cpu"), budget_minutes=1, store=store, **OPTIONS
        )
    assert built == [*wild, SEEDS[2]]
    assert store.find(SEEDS[2]) is not None
    said = capsys.readouterr().err.splitlines()
    assert [line.partition(":")[0] for line in said] == [f"run {c.run_id}" for c in wild]


def test_a_run_that_failed_but_did_not_diverge_is_tried_again(monkeypatch):
    """Memory may suffice where it trains alone."""
    tried, full = [], TrainingError("out of memory")
    full.run_id = PAIR[0].run_id

    def fails(configs, *, on_failure, **_options):
        tried.append(configs)
        if len(configs) > 1:
            on_failure(full)
            raise full

    monkeypatch.setattr("lcs.train.train_group", fails)
    assert attempt(PAIR, deadline=float("inf")) == {}
    assert tried == [PAIR, [PAIR[0]], [PAIR[1]]]


@pytest.mark.parametrize("error", [TrainingError, Diverged])
def test_what_stops_a_group_does_not_hide_which_of_its_runs_failed(monkeypatch, error):
    failed, pause = error("it fails"), Paused("no time")
    failed.run_id = PAIR[0].run_id

    def ends(configs, *, on_failure, **_options):
        on_failure(failed)
        raise pause

    monkeypatch.setattr("lcs.train.train_group", ends)
    errors = attempt(PAIR, deadline=float("inf"))
    assert errors == {PAIR[0].run_id: failed, ALL: pause}


def test_a_pause_does_not_hide_the_error_of_a_failed_run(monkeypatch, capsys):
    """The error of the first group, and the end of the budget in the second."""

    def ends(configs, **_options):
        raise TrainingError("it diverges") if configs[0] == PAIR[0] else Paused("no time")

    monkeypatch.setattr("lcs.train.train_group", ends)
    with pytest.raises(Paused):
        train_all(alone(PAIR), InThisProcess("cpu"), budget_minutes=1)
    assert capsys.readouterr().err == "it diverges\n"
