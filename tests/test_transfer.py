"""Runs that start from another's network: what they take, what they leave, and where it is kept."""

import pytest
import torch

from lcs import models, train
from lcs.base_study import Setting
from lcs.config import Config
from lcs.errors import ConfigError, Paused
from lcs.replay import replay
from lcs.run import Run, build_model
from lcs.runs import RunStore
from lcs.study import Study
from lcs.train import Clock
from lcs.transfer import take_over

CPU = torch.device("cpu")
SPARSE = Config(
    dataset="digits", base_channels=2, epochs=3, batch_size=256, lr=0.1,
    optimizer="beta-lasso", l1=2e-3, beta=20.0,
)  # fmt: skip
SOURCE = SPARSE.file.removesuffix("-s0")
HERE = Config(dataset="digits", base_channels=2, epochs=2, batch_size=256, lr=0.1, momentum=0.9)
MASKS = ("ticket", "mask", "first-mask", "shuffled-mask", "shuffled-pixels")


def target(start, **changes):
    return HERE.replace(start=start, source=SOURCE, **changes)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """Return a store with the record of the source, and of another seed of it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LCS_CHECKPOINTS", str(tmp_path_factory.mktemp("checkpoints")))
        found = RunStore(tmp_path_factory.mktemp("runs"))
        for seed in (0, 1):
            train.train(SPARSE.replace(seed=seed), store=found, device="cpu")
        yield found


@pytest.fixture(scope="module")
def source(store):
    return train.source_network(target("mask"), store, CPU, Clock(None, 60.0))


def weights(model):
    return {name: weight.detach().clone() for name, weight in models.layers(model).items()}


def test_the_source_is_the_network_of_its_record_and_is_kept(store, source, capsys):
    record = store.named(f"{SOURCE}-s0")
    counts = {name: int(w.count_nonzero()) for name, w in models.layers(source).items()}
    assert counts == record.final["nonzeros"]
    assert counts["conv1"] < 0.7 * source.conv1.weight.numel()
    capsys.readouterr()
    again = train.source_network(target("ticket"), store, CPU, Clock(None, 60.0))
    assert "trained first" not in capsys.readouterr().err
    assert all(torch.equal(w, weights(source)[n]) for n, w in weights(again).items())
    other = train.source_network(target("mask", seed=1), store, CPU, Clock(None, 60.0))
    assert not torch.equal(other.conv1.weight, source.conv1.weight), "a run has its own seed's"


@pytest.mark.parametrize("start", MASKS)
def test_masks_are_where_the_source_has_weights(source, start):
    masks = take_over(target(start), build_model(target(start)), source)
    found = {name: w != 0 for name, w in weights(source).items()}
    assert list(masks) == (["conv1"] if start == "first-mask" else ["conv1", "fc1"])
    for name, mask in masks.items():
        assert mask.sum() == found[name].sum(), "as many weights"
        assert torch.equal(mask, found[name]) == (not start.startswith("shuffled"))
    if start.startswith("shuffled"):
        per_input = torch.equal(masks["conv1"].sum(0), found["conv1"].sum(0))
        assert per_input == (start == "shuffled-pixels")


def test_a_ticket_alone_has_the_initial_weights_of_its_source():
    initial = build_model(SPARSE)
    for start in MASKS:
        same = torch.equal(build_model(target(start)).conv1.weight, initial.conv1.weight)
        assert same == (start == "ticket")


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("start", MASKS)
def test_nothing_outside_a_mask_is_trained(source, start, precision):
    run = Run.start(target(start, precision=precision, weight_decay=1e-3), CPU, source=source)
    before = weights(run.model)
    run.replay(2)
    for name, weight in models.layers(run.model).items():
        if name in run.pruning.masks:
            mask = run.pruning.masks[name]
            assert not weight[~mask].any()
            assert weight[mask].count_nonzero() > 0.9 * mask.sum()
        else:
            assert weight.all()
        assert not torch.equal(weight, before[name])


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_frozen_layer_stays_and_a_free_one_is_trained(source, precision):
    for start in ("first-layer", "frozen-first-layer"):
        changes = {"precision": precision, "weight_decay": 1e-3}
        run = Run.start(target(start, **changes), CPU, source=source)
        assert torch.equal(run.model.conv1.weight, source.conv1.weight)
        assert not torch.equal(run.model.fc1.weight, source.fc1.weight)
        run.replay(1)
        stays = torch.equal(run.model.conv1.weight, source.conv1.weight)
        assert stays == (start == "frozen-first-layer")


@pytest.mark.parametrize(
    ("kind", "above"),
    [("conv", "conv"), ("conv", "local"), ("conv", "fc"), ("local", "fc"), ("fc", "fc")],
)
def test_a_whole_network_computes_what_its_source_does(kind, above):
    changes = {"optimizer": "beta-lasso", "l1": 1e-4, "momentum": 0.0}
    config = target("network", model=f"s-{above}", **changes)
    origin = build_model(HERE.replace(model=f"s-{kind}", momentum=0.0))
    x = torch.randn(64, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    origin(x)  # statistics of batch normalisation
    run = Run.start(config, CPU, source=origin)
    torch.testing.assert_close(run.model.eval()(x), origin.eval()(x))


@pytest.mark.parametrize("start", ["mask", "frozen-first-layer"])
def test_a_run_that_was_stopped_ends_with_the_same_bits(store, tmp_path, start):
    config = target(start, epochs=3, seed=1)
    whole = train.train(config, store=RunStore(tmp_path / "one", fallback=store), device="cpu")
    again = RunStore(tmp_path / "two", fallback=store)
    with pytest.raises(Paused):
        train.train(config, store=again, device="cpu", budget_minutes=0)
    stopped = train.train(config, store=again, device="cpu")
    assert stopped.history == whole.history
    assert stopped.final == whole.final


def test_a_record_of_such_a_run_can_be_replayed(store):
    record = train.train(target("mask"), store=store, device="cpu")
    assert record.filters is None
    assert replay(record, 1, "cpu").agrees


@pytest.mark.parametrize("workers", [1, 2])
def test_a_study_trains_sources_first(tmp_path, monkeypatch, workers):
    monkeypatch.setenv("LCS_CHECKPOINTS", str(tmp_path / "checkpoints"))
    setting = Setting("test", {"smoke": HERE})
    study = Study("x", "X", setting, lambda base, _: [target("mask"), target("ticket"), SPARSE])
    records = study.train("smoke", store=RunStore(tmp_path), device="cpu", workers=workers)
    assert [record.config.start for record in records] == ["mask", "ticket", "initial"]


def test_what_does_not_fit_is_refused(store, source):
    missing = target("mask").replace(source="digits/s-fc-a2-sgd-0123456789")
    with pytest.raises(ConfigError, match=r"no record digits/.*-s0; train that run first"):
        train.train(missing, store=store, device="cpu")
    for start in ("mask", "first-layer", "network"):
        wider = target(start, base_channels=3, momentum=0.0)
        with pytest.raises(ConfigError, match="another shape"):
            take_over(wider, build_model(wider), source)
    shared = target("network", model="s-conv", momentum=0.0)
    with pytest.raises(ConfigError, match="another shape"):
        take_over(shared, build_model(shared), source)
