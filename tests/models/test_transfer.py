"""Runs that start from another's network: what they take, what they leave, and where it is kept."""

from types import SimpleNamespace

import pytest
import torch

from lcs import models, train
from lcs.config import Config
from lcs.errors import ConfigError, Paused, TrainingError
from lcs.models.transfer import apply_source, rewired
from lcs.runs import RunStore
from lcs.seeds import generator_for
from lcs.study import Setting, Study
from lcs.train.checkpoint import Checkpoint
from lcs.train.clock import Clock
from lcs.train.loop import start_run
from lcs.train.replay import replay
from lcs.train.run import Run
from lcs.train.setup import build_model

CPU = torch.device("cpu")
SPARSE = Config(
    dataset="digits", base_channels=2, epochs=3, batch_size=256, lr=0.1,
    optimizer="beta-lasso", l1=2e-3, beta=20.0,
)  # fmt: skip
SOURCE = SPARSE.file.removesuffix("-s0")
HERE = Config(dataset="digits", base_channels=2, epochs=2, batch_size=256, lr=0.1, momentum=0.9)
MASKS = ("ticket", "mask", "first-mask", "rewired-mask", "rewired-first-mask", "random-mask")
FOREVER = Clock(None, 60.0)


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
    """Return the trained network of the source."""
    found = []
    with pytest.MonkeyPatch.context() as patch:
        own = Run.start
        patch.setattr(
            Run,
            "start",
            lambda c, d, like=None, net=None: found.append(net) or own(c, d, like, net),
        )
        start_run(target("mask"), store, CPU, FOREVER)
    return found[-1]


def weights(model):
    return {name: weight.detach().clone() for name, weight in models.layer_weights(model).items()}


def test_the_source_is_the_network_of_its_record_and_is_kept(store, source, capsys):
    record = store.named(f"{SOURCE}-s0")
    counts = {name: int(w.count_nonzero()) for name, w in models.layer_weights(source).items()}
    assert counts == record.final["nonzeros"]
    assert counts["conv1"] < 0.7 * source.conv1.weight.numel()
    capsys.readouterr()
    again = start_run(target("mask"), store, CPU, FOREVER)
    assert "trained first" not in capsys.readouterr().err
    assert again.provenance["source_as_recorded"] is True
    assert torch.equal(again.pruning.masks["conv1"], source.conv1.weight != 0)
    other = start_run(target("mask", seed=1), store, CPU, FOREVER)
    assert not torch.equal(other.pruning.masks["conv1"], source.conv1.weight != 0), "its own seed's"


def test_a_source_that_is_not_as_recorded_is_noted(store, tmp_path, monkeypatch):
    monkeypatch.setenv("LCS_CHECKPOINTS", str(tmp_path))
    monkeypatch.setattr("lcs.train.run.learning_rate", lambda *_: 0.05)
    run = start_run(target("mask"), store, CPU, FOREVER)
    assert run.provenance["source_as_recorded"] is False


@pytest.mark.parametrize("start", MASKS)
def test_masks_are_where_the_source_has_weights(source, start):
    config = target(start, seed=1)
    masks = apply_source(config, build_model(config), source)
    found = {name: w != 0 for name, w in weights(source).items()}
    assert list(masks) == (["conv1"] if start.endswith("first-mask") else ["conv1", "fc1"])
    for name, mask in masks.items():
        assert mask.sum() == found[name].sum(), "as many weights"
        changed = start == "random-mask" or (start.startswith("rewired") and name == "conv1")
        assert torch.equal(mask, found[name]) != changed
        if start == "random-mask":
            draws = generator_for(1, f"mask of {name}")
            order = torch.randperm(mask.numel(), generator=draws)
            assert torch.equal(mask.flatten(), found[name].flatten()[order])
    margins = [torch.equal(masks["conv1"].sum(n), found["conv1"].sum(n)) for n in (0, 1)]
    assert margins == [start != "random-mask"] * 2, "of every input and of every unit"


def test_a_source_without_masks_stops_its_own_run(tmp_path, store, monkeypatch, capsys):
    """How it has trained, as another seed of it might not have, is no fault of the study."""
    monkeypatch.setenv("LCS_CHECKPOINTS", str(tmp_path / "checkpoints"))
    dense, empty = HERE.replace(epochs=1), SPARSE.replace(beta=1000.0, epochs=1)
    after_dense = target("mask").replace(source=dense.as_source)
    after_empty = target("first-mask").replace(source=empty.as_source)
    own = RunStore(tmp_path / "runs", fallback=store)
    with pytest.warns(UserWarning, match="exceeds the largest weight"):
        train.train(empty, store=own, device="cpu")
    study = study_of(dense, after_dense, after_empty, target("mask"))
    with pytest.raises(TrainingError, match="no zeros in conv1, fc1"):
        study.train("smoke", store=own, device="cpu")
    assert own.find(target("mask")) is not None
    said = capsys.readouterr().err
    assert f"run {after_dense.run_id}: its source {dense.file} has no zeros in conv1, fc1" in said
    assert f"run {after_empty.run_id}: its source {empty.file} has no weights left in conv1" in said


@pytest.mark.parametrize(
    "changes",
    [{"bias": True}, {"start": "mask", "source": SOURCE}, {"model": "s-local"}, {"model": "3-fc"}],
    ids=["biases", "a start of its own", "a local net", "another net"],
)
def test_a_ticket_is_of_a_run_from_the_weights_that_it_has_itself(store, monkeypatch, changes):
    """The initial weights of a LOCAL net, say, are not those of the FC net that it embeds in."""
    plain = {} if "source" not in changes else {"optimizer": "sgd", "l1": 0.0, "beta": 0.0}
    other = SPARSE.replace(**plain, **changes)
    record = SimpleNamespace(kind=other.kind, config=other)
    monkeypatch.setattr(store, "named", lambda file: record)
    monkeypatch.setattr("lcs.train.loop.fit", lambda *_args, **_options: pytest.fail("trained"))
    with pytest.raises(ConfigError, match=r"ticket .* name a run of the same model"):
        start_run(target("ticket").replace(source=other.as_source), store, CPU, FOREVER)


@pytest.mark.parametrize("model", ["s-local", "s-conv"])
def test_a_dense_net_with_windows_has_the_masks_that_these_are(tmp_path, monkeypatch, model):
    monkeypatch.setenv("LCS_CHECKPOINTS", str(tmp_path / "checkpoints"))
    store, dense = RunStore(tmp_path / "runs"), HERE.replace(model=model, kernel_size=3, epochs=1)
    train.train(dense, store=store, device="cpu")
    run = start_run(target("first-mask").replace(source=dense.as_source), store, CPU, FOREVER)
    assert 0 < run.pruning.masks["conv1"].float().mean() < 9 / 64 + 1e-6


def test_rewiring_keeps_nothing_but_the_margins():
    draws = torch.Generator().manual_seed(0)
    local = torch.zeros(200, 100, dtype=torch.bool)
    for unit in range(200):
        local[unit, unit % 90 : unit % 90 + 10] = True
    mask = rewired(local, draws)
    assert torch.equal(mask.sum(0), local.sum(0))
    assert torch.equal(mask.sum(1), local.sum(1))
    assert 0.05 < (mask & local).sum() / local.sum() < 0.2, "a tenth by chance"
    assert torch.equal(rewired(torch.ones(1, 5, dtype=torch.bool), draws), torch.ones(1, 5) > 0)
    halves = torch.tensor([[True] * 5 + [False] * 5, [False] * 5 + [True] * 5])
    places = {tuple(rewired(halves, draws)[0].tolist()) for _ in range(40)}
    assert len(places) > 30, "any of the 252 is as likely"


def test_starts_have_other_initial_weights_than_their_source_but_for_a_ticket():
    initial = build_model(SPARSE)
    for start in (*MASKS, "first-layer", "frozen-first-layer"):
        for layer in ("conv1", "fc1"):
            own, theirs = (m.get_submodule(layer) for m in (build_model(target(start)), initial))
            assert torch.equal(own.weight, theirs.weight) == (start == "ticket")


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("start", [*MASKS, "pruned-network"])
def test_nothing_outside_a_mask_is_trained(source, start, precision):
    run = Run.start(target(start, precision=precision, weight_decay=1e-3), CPU, source=source)
    before = weights(run.model)
    run.replay(2)
    for name, weight in models.layer_weights(run.model).items():
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
        plain = Run.start(target(start, momentum=0.0), CPU, source=source)
        plain.replay(1)
        assert torch.equal(plain.model.conv1.weight, source.conv1.weight) == (
            start == "frozen-first-layer"
        )
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


def test_a_pruned_network_is_its_source_with_the_masks_of_it(source):
    config = target("pruned-network")
    run = Run.start(config, CPU, source=source)
    x = torch.randn(64, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    assert torch.equal(run.model.eval()(x), source.eval()(x))
    masks = {name: source.get_submodule(name).weight != 0 for name in ("conv1", "fc1")}
    assert run.pruning.masks.keys() == masks.keys()
    assert all(torch.equal(run.pruning.masks[name], mask) for name, mask in masks.items())
    other = build_model(HERE.replace(base_channels=3))
    with pytest.raises(ConfigError, match="another shape"):
        apply_source(config, build_model(config), other)


@pytest.mark.parametrize("start", ["mask", "frozen-first-layer"])
def test_a_run_that_was_stopped_ends_with_the_same_bits(store, tmp_path, monkeypatch, start):
    config = target(start, epochs=3, seed=1)
    whole = train.train(config, store=RunStore(tmp_path / "one", fallback=store), device="cpu")
    again, run_epoch = RunStore(tmp_path / "two", fallback=store), Run.run_epoch

    def killed(run, epoch, *, record):
        if run.config == config and epoch == 2:
            raise KeyboardInterrupt
        run_epoch(run, epoch, record=record)

    with monkeypatch.context() as patch:
        patch.setattr(Run, "run_epoch", killed)
        with pytest.raises(KeyboardInterrupt):
            train.train(config, store=again, device="cpu", checkpoint_seconds=0)
    stopped = train.train(config, store=again, device="cpu")
    assert stopped.provenance["resumes"] == 1
    assert stopped.history == whole.history
    assert stopped.final == whole.final


def test_a_resumed_run_tells_of_the_source_that_it_began_with(store, source):
    run = Run.start(target("mask"), CPU, source=source)
    run.provenance["source_as_recorded"] = False
    run.checkpoint = Checkpoint(run.config, store.root)
    run.replay(1)
    run.epoch = 1
    with run.checkpoint.locked():
        run.save()
        later = Run.start(target("mask"), CPU, source=source)
        later.provenance["source_as_recorded"] = True
        later.resume(Checkpoint(run.config, store.root))
    assert later.provenance["source_as_recorded"] is False


def test_a_network_that_is_trained_on_sees_other_batches_than_its_source(source):
    def first(config):
        run = Run.start(config, CPU, source=source if config.source else None)
        return next(run.training.batches(0))[1]

    assert torch.equal(first(target("mask")), first(HERE))
    for start in ("network", "pruned-network"):
        assert not torch.equal(first(target(start)), first(HERE))


def test_a_budget_is_that_of_the_source_too(store, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("LCS_CHECKPOINTS", str(tmp_path))
    with pytest.raises(Paused):
        train.train(target("mask"), store=store, device="cpu", budget_minutes=0)
    config = store.named(f"{SOURCE}-s0").config
    held = f"run {config.run_id} is in progress in another process"
    with Checkpoint(config, store.root / "sources").locked(), pytest.raises(Paused, match=held):
        start_run(target("mask"), store, CPU, Clock(1e-3, 60.0))
    assert f"{held}; waiting for it to end" in capsys.readouterr().err


def test_a_record_of_such_a_run_can_be_replayed(store):
    record = train.train(target("mask"), store=store, device="cpu")
    before = torch.get_rng_state()
    assert replay(record, 1, "cpu").agrees
    assert torch.equal(torch.get_rng_state(), before), "its source's random numbers are its own"


def study_of(*configs):
    return Study("x", "X", Setting("test", {"smoke": HERE}), lambda base: [*configs])


@pytest.mark.parametrize("workers", [1, 2])
def test_a_study_trains_sources_first_and_once(tmp_path, capfd, workers, quick_start):
    study = study_of(target("mask", augment="flip-crop"), target("ticket"), SPARSE)
    records = study.train("smoke", store=RunStore(tmp_path), device="cpu", workers=workers)
    assert [record.config.start for record in records] == ["mask", "ticket", "initial"]
    assert all(record.provenance["source_as_recorded"] for record in records[:2])
    assert "trained first" not in capfd.readouterr().err


def test_a_source_may_be_in_the_store_that_another_falls_back_on(store, tmp_path):
    own = RunStore(tmp_path, fallback=store)
    (record,) = study_of(target("mask", epochs=1)).train("smoke", store=own, device="cpu")
    assert record.path.is_relative_to(tmp_path)


def test_a_run_and_its_source_are_in_different_groups():
    augmented = SPARSE.replace(augment="flip-crop")
    after = target("mask", augment="flip-crop", epochs=3).replace(source=augmented.as_source)
    assert train.groups([after, augmented]) == [[after], [augmented]]


def test_a_failure_stops_no_other_run(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("LCS_CHECKPOINTS", str(tmp_path / "checkpoints"))
    wild, store = HERE.replace(lr=1e3, weight_decay=1.0), RunStore(tmp_path)
    lost = HERE.replace(start="mask", source=wild.as_source)
    with pytest.raises(TrainingError):
        study_of(wild, SPARSE, target("mask"), lost).train("smoke", store=store, device="cpu")
    assert store.find(target("mask")) is not None
    assert f"it starts from {wild.file}, which has no record" in capsys.readouterr().err


def test_the_file_of_a_source_is_of_the_same_seed():
    assert target("mask", seed=1).source_file == SPARSE.replace(seed=1).file
    assert HERE.source_file is None


@pytest.mark.parametrize("forward", [True, False])
def test_an_option_of_a_study_changes_its_sources_too(forward):
    middle = target("mask")
    chain = [SPARSE, middle, HERE.replace(start="ticket", source=middle.as_source)]
    made = study_of(*(chain if forward else chain[::-1])).configs("smoke", 1, l1=3e-3)
    source, masked, last = made if forward else made[::-1]
    assert source.l1 == 3e-3
    assert masked.source == source.as_source != SPARSE.as_source
    assert last.source == masked.as_source != middle.as_source


def test_a_first_layer_is_taken_with_its_bias(store):
    source = build_model(SPARSE.replace(bias=True))
    for start in ("first-layer", "frozen-first-layer"):
        config = target(start, bias=True, seed=1)
        model = build_model(config)
        apply_source(config, model, source)
        for name, parameter in model.conv1.named_parameters():
            assert torch.equal(parameter, source.conv1.get_parameter(name))
            assert parameter.requires_grad == (start == "first-layer")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"source": "toy/lasso-0123456789"}, "name a training run of another model"),
        (
            {"source": HERE.replace(model="resnet18").as_source},
            "name a training run of another model",
        ),
        ({"base_channels": 3}, "conv1.weight of digits/.* has another shape"),
        (
            {"start": "network", "momentum": 0.0, "base_channels": 3},
            "name a run with the same layers",
        ),
        ({"start": "network", "momentum": 0.0, "bias": True}, "digits/.* has no conv1.bias"),
        ({"start": "first-layer", "bias": True}, "digits/.* has no conv1.bias"),
        ({"start": "network", "momentum": 0.0, "model": "s-local"}, "a LOCAL net cannot start"),
        ({"normalize": "standard"}, "has another normalize"),
    ],
)
def test_a_source_that_does_not_fit_is_refused_before_it_is_trained(
    store, tmp_path, monkeypatch, changes, reason
):
    monkeypatch.setenv("LCS_CHECKPOINTS", str(tmp_path / "checkpoints"))
    monkeypatch.setattr("lcs.train.loop.fit", lambda *_args, **_options: pytest.fail("trained"))
    own = RunStore(tmp_path / "runs", fallback=store)
    other, named = HERE.replace(model="resnet18"), own.named
    others = {
        "toy/lasso-0123456789-s0": SimpleNamespace(kind="toy", config={}),
        other.file: SimpleNamespace(kind=other.kind, config=other),
    }

    def stored(file):
        return others.get(file) or named(file)

    monkeypatch.setattr(own, "named", stored)
    with pytest.raises(ConfigError, match=reason):
        train.train(target("mask").replace(**changes), store=own, device="cpu")


def test_what_does_not_fit_is_refused(store, source):
    missing = target("mask").replace(source="digits/s-fc-a2-sgd-0123456789")
    with pytest.raises(TrainingError, match=r"digits/.*-s0, which has no record; train that first"):
        train.train(missing, store=store, device="cpu")
    for name in ("validation", "permute_pixels"):
        with pytest.raises(ConfigError, match=f"another {name} than this run; give both the same"):
            train.train(target("mask", **{name: True}), store=store, device="cpu")
    for start in ("mask", "first-layer", "network"):
        wider = target(start, base_channels=3, momentum=0.0)
        with pytest.raises(ConfigError, match="another shape"):
            apply_source(wider, build_model(wider), source)
    biased = build_model(SPARSE.replace(bias=True))
    plain = target("network", momentum=0.0)
    with pytest.raises(ConfigError, match=r"this run has no conv1\.bias"):
        apply_source(plain, build_model(plain), biased)
    shared = target("network", model="s-conv", momentum=0.0)
    with pytest.raises(ConfigError, match=r"a CONV net cannot start from digits/.* its own kind"):
        apply_source(shared, build_model(shared), source)
