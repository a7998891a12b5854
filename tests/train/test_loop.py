"""The training loop: a run alone, a group of runs, the time budget, and what is refused."""

import gc
import itertools
import weakref

import pytest
import torch

import lcs.train
import lcs.train.batches
from lcs.config import Config
from lcs.errors import ConfigError, Diverged, Paused, RecordError, TrainingError
from lcs.runs import RunStore
from lcs.train import groups, train, train_group
from lcs.train.checkpoint import Checkpoint
from lcs.train.device import choose_device
from lcs.train.loop import Run, TimeBudget

CPU = torch.device("cpu")
TINY = Config(dataset="digits", epochs=2, batch_size=128)
CROPPED = TINY.replace(augment="flip-crop", epochs=4)
# of one seed and augmentation: they share their batches
GROUP = [
    CROPPED,
    CROPPED.replace(model="s-conv", momentum=0.9, weight_decay=5e-4),
    CROPPED.replace(
        **{"optimizer": "beta-lasso", "l1": 2e-3, "beta": 10.0, "frozen_zeros": True},
        **{"l1_growth": 0.5, "l1_window": "learned", "l1_window_size": 5},
    ),
    CROPPED.replace(base_channels=2, optimizer="proximal-l1", l1=1e-3),
]


def test_devices(monkeypatch):
    for name in ("tpu", "", "meta", "cuda:x", "cuda:-1", "cuda:128"):
        with pytest.raises(ConfigError, match=r"device: unknown value .* give auto, cpu or cuda"):
            choose_device(name)
    for count, auto, missing in ((0, "cpu", "cuda"), (2, "cuda", "cuda:2")):
        monkeypatch.setattr(torch.cuda, "is_available", lambda n=count: n > 0)
        monkeypatch.setattr(torch.cuda, "device_count", lambda n=count: n)
        assert choose_device("auto") == torch.device(auto)
        with pytest.raises(ConfigError, match=f"this machine has no '{missing}'"):
            choose_device(missing)
    assert choose_device("cuda:1") == torch.device("cuda:1")


# --- train: one record for each run


def test_a_finished_run_is_not_trained_again(record, store, monkeypatch):
    """Nor one that another process ends between the look into the store and the lock."""
    monkeypatch.setattr(Run, "start", None)
    assert train(record.config, store=store, device="cpu").path == record.path
    own = RunStore(store.root.parent / "own", fallback=store)
    assert train(record.config, store=own).path == record.path
    assert not own.root.exists()
    found = iter([None])
    monkeypatch.setattr(own, "find", lambda config: next(found, record))
    assert train(record.config, store=own, device="cpu").path == record.path


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"lr": 1e3, "weight_decay": 1.0, "batch_size": 90}, "the loss is not finite in epoch 1"),
        # the loss of the last batch is finite, the weights that it leaves are not
        ({"lr": 1e3, "weight_decay": 1.0, "epochs": 1}, "the norm of a layer is not finite"),
    ],
)
def test_a_run_that_diverges_leaves_no_record(changes, reason, tmp_path):
    config = TINY.replace(**changes)
    with pytest.raises(TrainingError, match=rf"^run {config.run_id}: {reason}.*lower lr$"):
        train(config, store=RunStore(tmp_path), device="cpu")
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_where_no_record_can_be_written_nothing_is_trained(tmp_path, monkeypatch):
    monkeypatch.setattr(Run, "start", None)
    (tmp_path / "digits").touch()
    with pytest.raises(RecordError, match="digits: cannot be written"):
        train(TINY, store=RunStore(tmp_path), device="cpu")


# --- a group


def outcome(record):
    return record.history, record.final, record.provenance["modes"]


@pytest.fixture
def fails(monkeypatch):
    """Let an epoch of a run fail."""
    train_epoch = Run._train_epoch

    def fail(config, error, epoch):
        def failing(run, now):
            if (run.config, now) == (config, epoch):
                raise error
            return train_epoch(run, now)

        monkeypatch.setattr(Run, "_train_epoch", failing)

    return fail


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """The records of the group's runs, each trained alone."""
    store = RunStore(tmp_path_factory.mktemp("alone"))
    return [train(config, store=store, device="cpu") for config in GROUP]


def test_runs_that_share_their_batches_are_grouped():
    changes = ({"seed": 1}, {"dropout": 0.5}, {"epochs": 5}, {"precision": "bf16"})
    apart = [*(CROPPED.replace(**change) for change in changes), TINY, TINY.replace(lr=0.05)]
    singles = [[config] for config in apart]
    assert groups([*GROUP, *apart]) == [GROUP, *singles]  # at most four
    fifth = CROPPED.replace(lr=0.05)
    halves = [GROUP[:2], [*GROUP[2:], fifth]]  # of about equal size
    assert groups([*GROUP, fifth, *apart]) == [*halves, *singles]


def test_wide_networks_train_alone_and_every_worker_has_something_to_do():
    wide = [CROPPED.replace(dataset="cifar10", base_channels=32, lr=lr) for lr in (0.1, 0.05)]
    assert [len(part) for part in groups(wide)] == [1, 1]
    for count, workers in itertools.product(range(12), range(1, 6)):
        configs = [CROPPED.replace(lr=0.1 / (1 + i)) for i in range(count)]
        parts = groups(configs, workers)
        assert list(itertools.chain(*parts)) == configs
        assert len(parts) >= min(count, workers)


def test_in_a_group_each_run_has_the_bits_that_it_has_alone(alone, tmp_path, monkeypatch):
    augmented, apply = [], lcs.train.batches.apply

    def counted(*arguments, **options):
        augmented.append(1)
        return apply(*arguments, **options)

    monkeypatch.setattr(lcs.train.batches, "apply", counted)
    records = train_group(GROUP, store=RunStore(tmp_path), device="cpu")
    assert [record.config for record in records] == GROUP
    assert list(map(outcome, records)) == list(map(outcome, alone))
    assert len(augmented) == CROPPED.epochs  # once for all


def test_a_stopped_group_goes_on_with_the_same_bits(alone, tmp_path, monkeypatch):
    """Also where one run has come further, and one has ended."""
    store = RunStore(tmp_path)
    first = train(GROUP[0], store=store, device="cpu")
    for stopped, epoch, name in ((GROUP[1:], 1, "3 runs"), (GROUP[1:2], 2, "run")):
        with monkeypatch.context() as patch:
            patch.setattr(TimeBudget, "over", lambda clock: len(clock.epochs) == 1)
            with pytest.raises(Paused, match=rf"^{name}.* paused at epoch {epoch} of 4"):
                train_group(stopped, store=store, device="cpu")
    records = train_group(GROUP, store=store, device="cpu")
    assert list(map(outcome, records)) == list(map(outcome, alone))
    assert [record.provenance["resumes"] for record in records] == [0, 2, 1, 1]
    assert records[0].path.read_bytes() == first.path.read_bytes()
    assert not any(Checkpoint(config, store.root).path.exists() for config in GROUP)


def test_a_run_that_fails_does_not_stop_the_others(
    alone, time, tmp_path, fails, monkeypatch, capsys
):
    """They divide the time of their images, which the last of them prepares."""
    fails(GROUP[2], MemoryError("Unable to allocate"), 1)
    draw, train_epoch, prepare = lcs.train.batches.draw, Run._train_epoch, []

    def slow_draw(*arguments, **options):
        time[0] += 6
        return draw(*arguments, **options)

    def slow_epoch(run, epoch):
        time[0] += 10
        prepare.append(run.prefetch)
        return train_epoch(run, epoch)

    monkeypatch.setattr(lcs.train.batches, "draw", slow_draw)
    monkeypatch.setattr(Run, "_train_epoch", slow_epoch)
    store = RunStore(tmp_path)
    with pytest.raises(TrainingError, match="the device is out of memory"):
        train_group(GROUP[:3], store=store, device="cpu", checkpoint_seconds=0)
    first, failed, *others = capsys.readouterr().err.splitlines()
    assert first == "3 runs saved at epoch 1 of 4"
    assert failed.startswith(f"run {GROUP[2].run_id}: the device is out of memory")
    assert others == [f"2 runs saved at epoch {epoch} of 4" for epoch in (2, 3)]
    assert prepare == [False, False, True] * 2 + [False, True] * 2
    assert store.find(GROUP[2]) is None
    for config, expected in zip(GROUP[:2], alone, strict=False):
        assert outcome(store.find(config)) == outcome(expected)
        assert store.find(config).provenance["seconds"] == 12 + 3 * 13


def test_every_run_that_fails_is_reported(tmp_path, capsys):
    """Also runs of one group and of another."""
    wild = [
        config.replace(lr=1e3, weight_decay=1.0, l1=0.0, optimizer="sgd")
        for config in (GROUP[0], GROUP[1], TINY)
    ]
    reported = []
    with pytest.raises(Diverged) as first:
        train_group(wild, store=RunStore(tmp_path), device="cpu", on_failure=reported.append)
    assert [error.run_id for error in reported] == [config.run_id for config in wild]
    assert reported[0] is first.value
    assert capsys.readouterr().err == ""


# --- the clock


def test_checkpoints_are_due_by_time_of_which_saving_takes_a_fiftieth_at_most(time):
    class Slow:
        def save(self):
            time[0] += 4

    clock, eager = TimeBudget(None, checkpoint_seconds=60), TimeBudget(None, checkpoint_seconds=0)
    due = []
    for _ in range(6):
        time[0] += 25
        due.append(clock.checkpoint_due())
        if due[-1]:
            clock.save([])
    assert due == [False, False, True, False, False, True]
    for budget in (clock, eager):
        budget.save([Slow()])
    time[0] += 190
    assert not clock.checkpoint_due()
    assert eager.checkpoint_due()
    time[0] += 10
    assert clock.checkpoint_due()


def test_the_budget_counts_the_next_epoch_and_a_checkpoint(time):
    clock = TimeBudget(2, 60)
    clock.epochs.append(20)
    time[0] += 90
    assert not clock.over()
    clock.saving = 0.1
    assert clock.over()
    clock.saving, clock.epochs = 0, clock.epochs.copy()
    clock.epochs.extend([1] * 20)  # an epoch that was slow once is forgotten
    time[0] += 28
    assert not clock.over()
    time[0] += 1
    assert clock.over()
    assert not TimeBudget(None, 60).over()


@pytest.mark.parametrize("times", [(-1, 60), (float("nan"), 60), (None, -1), (1, float("nan"))])
def test_times_are_checked(times):
    with pytest.raises(ConfigError, match="give 0 or more"):
        TimeBudget(*times)


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate\n2 GiB"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory:\nyou tried"),
    ],
)
def test_a_full_device_is_one_line_and_the_checkpoint_stays(error, tmp_path, fails, capsys):
    fails(TINY, error, 1)
    with pytest.raises(TrainingError, match=r"^run .*: the device is out of memory; free.*$"):
        train(TINY, store=RunStore(tmp_path), device="cpu", checkpoint_seconds=0)
    assert Checkpoint(TINY, tmp_path).load()[1]["epoch"] == 1
    assert "out of memory" not in capsys.readouterr().err, "it is raised, not printed"


# --- what is trained is kept, and what is done with is freed


def test_what_is_trained_is_kept_where_its_record_is_not_written(alone, tmp_path, monkeypatch):
    """Also of a group whose first record is written: the same call trains nothing."""
    store, write = RunStore(tmp_path), RunStore.write

    def stopped(self, config, **results):
        if config == GROUP[1]:
            raise KeyboardInterrupt
        return write(self, config, **results)

    with monkeypatch.context() as patch:
        patch.setattr(RunStore, "write", stopped)
        with pytest.raises(KeyboardInterrupt):
            train_group(GROUP, store=store, device="cpu")
    assert [store.find(config) is None for config in GROUP] == [False, True, True, True]
    monkeypatch.setattr(Run, "run_epoch", None)
    records = train_group(GROUP, store=store, device="cpu")
    assert list(map(outcome, records)) == list(map(outcome, alone))
    assert not any(Checkpoint(config, store.root).path.exists() for config in GROUP)


def test_a_run_is_freed_when_it_fails_and_before_others_are_built(tmp_path, fails, monkeypatch):
    fails(GROUP[0], TrainingError("the loss is not finite"), 1)
    gc.freeze()  # so that a collection takes no time
    start, train_epoch, runs, alive = Run.start, Run._train_epoch, [], []

    def count():
        gc.collect()
        alive.append(sum(run() is not None for run in runs))

    def started(*arguments):
        count()
        runs.append(weakref.ref(run := start(*arguments)))
        return run

    def counted(run, epoch):
        count()
        return train_epoch(run, epoch)

    monkeypatch.setattr(Run, "_train_epoch", counted)
    monkeypatch.setattr(Run, "start", started)
    with pytest.raises(TrainingError):
        train_group([*GROUP[:2], TINY], store=RunStore(tmp_path), device="cpu")
    gc.unfreeze()
    assert alive == [0, 1, 2, 2, 2, 1, 1, 1, 0, 1, 1]  # two are built and train, then the third


def test_a_run_that_starts_from_another_is_trained_after_it(tmp_path, monkeypatch):
    source = TINY.replace(epochs=1)
    after = source.replace(start="network", source=source.as_source, epochs=2)
    epochs, train_epoch = [], Run._train_epoch
    monkeypatch.setattr(
        Run, "_train_epoch", lambda run, n: epochs.append(run.config) or train_epoch(run, n)
    )
    records = train_group([after, source, after], store=RunStore(tmp_path), device="cpu")
    assert [record.config for record in records] == [after, source, after]
    assert epochs == [source, after, after]  # the source is kept for it


def test_the_network_of_a_source_is_kept_before_its_record_is_written(tmp_path, monkeypatch):
    """A record without it would have the source trained once more."""
    source = TINY.replace(epochs=1)

    def write(*_, **__):
        raise RecordError

    monkeypatch.setattr(RunStore, "write", write)
    with pytest.raises(RecordError):
        train_group([source], store=RunStore(tmp_path), device="cpu", sources={source.file})
    assert Checkpoint(source, tmp_path / "sources").epoch() == 1
    assert Checkpoint(source, tmp_path).epoch() == 1
