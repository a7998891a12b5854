"""Runs that train together against the same runs alone."""

import itertools

import pytest
import torch

from lcs import batches, together
from lcs.checkpoint import Checkpoint
from lcs.config import Config
from lcs.errors import CheckpointError, Paused, TrainingError
from lcs.runs import RunStore
from lcs.together import Batched, Group, groups, train_together
from lcs.train import Run, train

BASE = Config(dataset="digits", epochs=4, batch_size=128)
LASSO = BASE.replace(optimizer="beta-lasso", l1=2e-3, l1_rest=1e-4, beta=10.0)
GRID = [
    BASE,
    BASE.replace(lr=0.05),
    LASSO,
    LASSO.replace(beta=0.0, seed=1),
    LASSO.replace(seed=1, l1_rest=2e-3, beta=1.0),
    BASE.replace(optimizer="proximal-l1", l1=2e-3, seed=1),
]


@pytest.fixture
def batched(monkeypatch):
    """Runs train on the CPU as they would on a GPU."""
    monkeypatch.setitem(together.KINDS, "cpu", Batched)


def close(together, alone):
    """Whether two histories agree up to the rounding that a few epochs amplify."""
    wide = 5 if alone.config.precision == "bf16" else 1
    for name in ("train_loss", "train_accuracy", "test_accuracy"):
        expected = pytest.approx(alone.history[name], rel=wide * 2e-3, abs=wide * 0.006)
        assert together.history[name] == expected
    for layer, counts in alone.history["nonzeros"].items():
        assert together.history["nonzeros"][layer] == pytest.approx(counts, abs=4 * wide**2)
    assert together.history["lr"] == alone.history["lr"]
    assert together.history["epoch"] == alone.history["epoch"]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"loss": "bce", "augment": "flip-crop"},
        {"model": "3-fc"},
        {"schedule": "cosine-step", "permute_pixels": True, "validation": True},
        {"precision": "bf16"},
    ],
    ids=str,
)
@pytest.mark.usefixtures("batched")
def test_each_run_has_the_numbers_that_it_has_alone(changes, tmp_path):
    configs = [config.replace(**changes) for config in GRID]
    records = train_together(configs, store=RunStore(tmp_path / "together"), device="cpu")
    assert [record.config for record in records] == configs
    for record in records:
        alone = train(record.config, store=RunStore(tmp_path / "alone"), device="cpu")
        if "validation_accuracy" in alone.history:
            alone.history["test_accuracy"] = alone.history["validation_accuracy"]
            record.history["test_accuracy"] = record.history["validation_accuracy"]
        close(record, alone)
        assert record.provenance["modes"] == {"together": record.config.epochs}
        assert record.history["norm"]["conv1"] == pytest.approx(
            alone.history["norm"]["conv1"], rel=5e-3
        )


@pytest.mark.parametrize("model", ["s-fc", "d-fc", "3-fc"])
def test_one_step_is_the_same_to_rounding(model):
    configs = [config.replace(epochs=1, batch_size=1442, model=model) for config in GRID]
    group = Batched(configs, torch.device("cpu"), [Nothing()] * len(configs))
    group.run_epoch(0, record=True)
    for run in group.runs:
        alone = Run.start(run.config, torch.device("cpu"))
        alone.run_epoch(0, record=True)
        for (name, value), other in zip(
            alone.model.state_dict().items(), run.model.state_dict().values(), strict=True
        ):
            # by rounding a weight may fall on the other side of the threshold
            far = ~torch.isclose(other, value, rtol=1e-4, atol=2e-5)
            assert far.double().mean() < 1e-4, name


def test_in_a_stack_the_next_epoch_is_ready_as_one_ends():
    group = Batched(GRID, torch.device("cpu"), [Nothing()] * len(GRID))
    group.run_epoch(0, record=False)
    assert [leader.training.ready.epoch for leader in group.leaders] == [1] * len(group.leaders)


class Nothing:
    """A checkpoint that is not there."""

    def load(self):
        return None


def test_only_runs_of_one_shape_are_stacked():
    other = [
        BASE.replace(epochs=5),
        BASE.replace(base_channels=2),
        BASE.replace(momentum=0.9),
        BASE.replace(model="s-conv"),
        BASE.replace(model="s-conv", seed=1),
        LASSO.replace(frozen_zeros=True),
    ]
    found = groups([*GRID, *other], torch.device("cuda"))
    assert found[0] == GRID
    assert [len(group) for group in found] == [len(GRID)] + [1] * len(other)


def test_a_stack_has_no_more_weights_than_a_device_holds(monkeypatch):
    weights = 1024 + 384 + 240
    monkeypatch.setattr(together, "STACKED", 3 * weights)
    assert [len(part) for part in groups(GRID, torch.device("cuda"))] == [3, 3]


# In step, on a CPU

CROPPED = BASE.replace(augment="flip-crop")
MIXED = [
    CROPPED,
    CROPPED.replace(model="s-conv", momentum=0.9, weight_decay=5e-4),
    CROPPED.replace(optimizer="beta-lasso", l1=2e-3, beta=10.0, frozen_zeros=True),
    CROPPED.replace(base_channels=2, precision="fp32", optimizer="proximal-l1", l1=1e-3),
]


def test_runs_that_see_the_same_images_go_in_step():
    apart = [CROPPED.replace(seed=1), CROPPED.replace(dropout=0.5), CROPPED.replace(epochs=5), BASE]
    alone = [[config] for config in apart]
    assert groups([*MIXED, *apart], torch.device("cpu")) == [MIXED, *alone]  # four at once
    fifth = CROPPED.replace(lr=0.05)
    found = groups([*MIXED, fifth, *apart], torch.device("cpu"))
    assert found == [MIXED[:2], [*MIXED[2:], fifth], *alone]  # five in about equal parts


def test_every_worker_has_something_to_do():
    cpu = torch.device("cpu")
    for count, workers in itertools.product(range(12), range(1, 6)):
        configs = [CROPPED.replace(lr=0.1 / (1 + i)) for i in range(count)]
        parts = groups(configs, cpu, workers)
        assert list(itertools.chain(*parts)) == configs
        assert len(parts) >= min(count, workers)


def test_wide_networks_go_alone():
    wide = [CROPPED.replace(dataset="cifar10", base_channels=32, lr=lr) for lr in (0.1, 0.05)]
    assert [len(part) for part in groups(wide, torch.device("cpu"))] == [1, 1]


def test_in_step_each_run_has_the_bits_that_it_has_alone(tmp_path):
    records = train_together(MIXED, store=RunStore(tmp_path / "together"), device="cpu")
    for record in records:
        alone = train(record.config, store=RunStore(tmp_path / "alone"), device="cpu")
        assert (record.history, record.final) == (alone.history, alone.final)
        assert record.provenance["modes"] == alone.provenance["modes"]
        assert record.provenance["seconds"] > 0


def test_in_step_an_epoch_is_augmented_once(tmp_path, monkeypatch):
    epochs, prepare = [], inputs.apply

    def counted(*args, **options):
        epochs.append(1)
        return prepare(*args, **options)

    monkeypatch.setattr(inputs, "apply", counted)
    train_together(MIXED, store=RunStore(tmp_path), device="cpu")
    assert len(epochs) == CROPPED.epochs


def test_in_step_a_stopped_group_goes_on_with_the_same_bits(tmp_path, monkeypatch):
    whole = train_together(MIXED, store=RunStore(tmp_path / "whole"), device="cpu")
    store = RunStore(tmp_path / "stopped")
    with monkeypatch.context() as patch:
        patch.setattr("lcs.loop.Clock.over", lambda clock: len(clock.recent) == 2)
        with pytest.raises(Paused, match="4 runs paused"):
            train_together(MIXED, store=store, device="cpu")
    after = train_together(MIXED, store=store, device="cpu")
    for one, other in zip(whole, after, strict=True):
        assert (one.history, one.final) == (other.history, other.final)


@pytest.mark.usefixtures("batched")
def test_what_has_a_record_is_not_trained_again(tmp_path):
    store = RunStore(tmp_path)
    first = train(GRID[0], store=store, device="cpu")
    records = train_together(GRID[:3], store=store, device="cpu")
    assert records[0].path.read_bytes() == first.path.read_bytes()
    assert [record.config for record in records] == GRID[:3]
    assert records[2].load_filters().shape[1:] == (1, 8, 8)


@pytest.mark.usefixtures("batched")
def test_a_stopped_group_goes_on_with_the_same_bits(tmp_path, monkeypatch):
    whole = train_together(GRID[:4], store=RunStore(tmp_path / "whole"), device="cpu")
    store = RunStore(tmp_path / "stopped")
    with monkeypatch.context() as patch:
        run_epoch, done = Batched.run_epoch, []

        def counted(group, epoch, *, record):
            done.append(epoch)
            run_epoch(group, epoch, record=record)

        patch.setattr(Batched, "run_epoch", counted)
        patch.setattr("lcs.loop.Clock.over", lambda clock: len(done) == 2)
        with pytest.raises(Paused, match="4 runs paused at epoch 2 of 4"):
            train_together(GRID[:4], store=store, device="cpu")
    after = train_together(GRID[:4], store=store, device="cpu")
    for one, other in zip(whole, after, strict=True):
        assert one.history == other.history
        assert one.final == other.final


@pytest.mark.usefixtures("batched")
def test_runs_that_have_come_less_far_are_trained_too(tmp_path, monkeypatch):
    whole = train_together(GRID[:4], store=RunStore(tmp_path / "whole"), device="cpu")
    store = RunStore(tmp_path / "stopped")
    with monkeypatch.context() as patch:
        patch.setattr("lcs.loop.Clock.over", lambda clock: bool(clock.recent))
        with pytest.raises(Paused):
            train_together(GRID[1:3], store=store, device="cpu")
    after = train_together(GRID[:4], store=store, device="cpu")
    for one, other in zip(whole, after, strict=True):
        close(other, one)
        resumed = one.config in GRID[1:3]
        assert other.provenance["resumes"] == resumed


@pytest.mark.parametrize("kind", [Group, Batched])
def test_a_run_that_fails_does_not_take_the_others_with_it(kind, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(together.KINDS, "cpu", kind)
    wild = BASE.replace(lr=1e3, loss="bce", epochs=4)
    tame = [config.replace(loss="bce") for config in GRID[:2]]
    store = RunStore(tmp_path)
    with pytest.MonkeyPatch.context() as patch:
        checked = Run._require_finite

        def fails(run, name, numbers, epoch):
            wrong = run.config == wild and epoch == 1
            checked(run, name, [float("nan")] if wrong else numbers, epoch)

        patch.setattr(Run, "_require_finite", fails)
        with pytest.raises(TrainingError, match=f"run {wild.run_id}: the loss is not finite"):
            train_together([tame[0], wild, tame[1]], store=store, device="cpu")
    assert store.find(wild) is None
    assert (
        f"run {wild.run_id}: the loss is not finite in epoch 2; try a lower lr; the other runs"
        in (capsys.readouterr().err)
    )
    for config in tame:
        close(store.find(config), train(config, store=RunStore(tmp_path / "alone"), device="cpu"))


def test_a_run_of_the_group_that_is_in_progress_is_refused(tmp_path):
    with (
        Checkpoint(GRID[1], tmp_path).locked(),
        pytest.raises(CheckpointError, match="in progress in another process"),
    ):
        train_together(GRID, store=RunStore(tmp_path), device="cpu")
