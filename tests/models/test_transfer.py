"""Runs that start from another's network: what they take, what they leave, and where it is kept."""

from types import SimpleNamespace

import pytest
import torch

from lcs import models, train
from lcs.config import Config
from lcs.errors import ConfigError, Paused, TrainingError
from lcs.models import build
from lcs.models.transfer import apply_source, footprint_masks, rewired
from lcs.runs import RunStore
from lcs.seeds import generator_for
from lcs.study import Setting, Study
from lcs.train.checkpoint import Checkpoint
from lcs.train.loop import Run, TimeBudget
from lcs.train.replay import replay
from lcs.train.setup import build_model
from lcs.train.training import start_run

CPU = torch.device("cpu")
SPARSE = Config(
    dataset="digits", base_channels=2, epochs=3, batch_size=256, lr=0.1,
    optimizer="beta-lasso", l1=2e-3, beta=20.0,
)  # fmt: skip
SOURCE = SPARSE.as_source
HERE = Config(dataset="digits", base_channels=2, epochs=2, batch_size=256, lr=0.1, momentum=0.9)
MASKS = ("ticket", "mask", "first-mask", "rewired-mask", "rewired-first-mask", "random-mask")
FOREVER = TimeBudget(None, 60.0)


def target(start, **changes):
    return HERE.replace(start=start, **({"source": SOURCE} | changes))


def study_of(*configs):
    return Study("x", "X", Setting("test", {"smoke": HERE}), lambda base: [*configs])


def draws(seed=0):
    return torch.Generator().manual_seed(seed)


def images():
    return torch.randn(64, 1, 8, 8, generator=draws())


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
    run = Run.start(SPARSE, CPU)
    run.replay(SPARSE.epochs)
    return run.model


# What is taken


def test_the_source_is_the_network_of_its_record_and_is_kept(store, source, capsys):
    counts = {name: int(w.count_nonzero()) for name, w in models.layer_weights(source).items()}
    assert counts == store.named(f"{SOURCE}-s0").final["nonzeros"]
    assert counts["conv1"] < 0.7 * source.conv1.weight.numel()
    for said in (True, False):
        run = start_run(target("mask"), store, CPU, FOREVER)
        assert ("trained first" in capsys.readouterr().err) == said, "again it is there"
        assert run.provenance["source_as_recorded"] is True
        assert torch.equal(run.pruning.masks["conv1"], source.conv1.weight != 0)
    other = start_run(target("mask", seed=1), store, CPU, FOREVER)
    assert not torch.equal(other.pruning.masks["conv1"], source.conv1.weight != 0), "its own seed's"


@pytest.mark.parametrize("start", MASKS)
def test_masks_are_where_the_source_has_weights(source, start):
    config = target(start, seed=1)
    masks = apply_source(config, build_model(config), source)
    found = {name: w != 0 for name, w in models.layer_weights(source).items()}
    assert list(masks) == (["conv1"] if start.endswith("first-mask") else ["conv1", "fc1"])
    for name, mask in masks.items():
        assert mask.sum() == found[name].sum(), "as many weights"
        changed = start == "random-mask" or (start.startswith("rewired") and name == "conv1")
        assert torch.equal(mask, found[name]) != changed
        if start == "random-mask":
            order = torch.randperm(mask.numel(), generator=generator_for(1, f"mask of {name}"))
            assert torch.equal(mask.flatten(), found[name].flatten()[order])
    margins = [torch.equal(masks["conv1"].sum(n), found["conv1"].sum(n)) for n in (0, 1)]
    assert margins == [start != "random-mask"] * 2, "of every input and of every unit"


def test_rewiring_keeps_nothing_but_the_margins():
    generator = draws()
    local = torch.zeros(200, 100, dtype=torch.bool)
    for unit in range(200):
        local[unit, unit % 90 : unit % 90 + 10] = True
    mask = rewired(local, generator)
    assert torch.equal(mask.sum(0), local.sum(0))
    assert torch.equal(mask.sum(1), local.sum(1))
    assert 0.05 < (mask & local).sum() / local.sum() < 0.2, "a tenth by chance"
    assert rewired(torch.ones(1, 5, dtype=torch.bool), generator).all()
    halves = torch.tensor([[True] * 5 + [False] * 5, [False] * 5 + [True] * 5])
    places = {tuple(rewired(halves, generator)[0].tolist()) for _ in range(40)}
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
    before = {name: w.detach().clone() for name, w in models.layer_weights(run.model).items()}
    run.replay(2)
    for name, weight in models.layer_weights(run.model).items():
        mask = run.pruning.masks.get(name, torch.ones_like(weight, dtype=torch.bool))
        assert not weight[~mask].any()
        assert weight[mask].count_nonzero() > 0.9 * mask.sum()
        assert not torch.equal(weight, before[name])


@pytest.mark.parametrize("changes", [{"precision": "bf16", "weight_decay": 1e-3}, {"momentum": 0}])
@pytest.mark.parametrize("start", ["first-layer", "frozen-first-layer"])
def test_a_frozen_layer_stays_and_a_free_one_is_trained(source, start, changes):
    run = Run.start(target(start, **changes), CPU, source=source)
    assert torch.equal(run.model.conv1.weight, source.conv1.weight)
    assert not torch.equal(run.model.fc1.weight, source.fc1.weight)
    run.replay(1)
    stays = torch.equal(run.model.conv1.weight, source.conv1.weight)
    assert stays == (start == "frozen-first-layer")


@pytest.mark.parametrize("start", ["first-layer", "frozen-first-layer"])
def test_a_first_layer_is_taken_with_its_bias(start):
    source, model = build_model(SPARSE.replace(bias=True)), build_model(HERE.replace(bias=True))
    apply_source(target(start, bias=True), model, source)
    for name, parameter in model.conv1.named_parameters():
        assert torch.equal(parameter, source.conv1.get_parameter(name))
        assert parameter.requires_grad == (start == "first-layer")


@pytest.mark.parametrize(
    ("kind", "above"),
    [("conv", "conv"), ("conv", "local"), ("conv", "fc"), ("local", "fc"), ("fc", "fc")],
)
def test_a_whole_network_computes_what_its_source_does(kind, above):
    changes = {"optimizer": "beta-lasso", "l1": 1e-4, "momentum": 0.0}
    config = target("network", model=f"s-{above}", **changes)
    origin = build_model(HERE.replace(model=f"s-{kind}", momentum=0.0))
    origin(images())  # statistics of batch normalisation
    run = Run.start(config, CPU, source=origin)
    torch.testing.assert_close(run.model.eval()(images()), origin.eval()(images()))


def test_a_pruned_network_is_its_source_with_the_masks_of_it(source):
    run = Run.start(target("pruned-network"), CPU, source=source)
    assert torch.equal(run.model.eval()(images()), source.eval()(images()))
    assert [*run.pruning.masks] == ["conv1", "fc1"]
    for name, mask in run.pruning.masks.items():
        assert torch.equal(mask, source.get_submodule(name).weight != 0)


def test_a_network_that_is_trained_on_sees_other_batches_than_its_source(source):
    def first(config):
        run = Run.start(config, CPU, source=source if config.source else None)
        return next(run.train_batches.iterate(0))[1]

    assert torch.equal(first(target("mask")), first(HERE))
    for start in ("network", "pruned-network"):
        assert not torch.equal(first(target(start)), first(HERE))


# Masks of later layers

SIDE, CHANNELS, ALPHA = 16, 3, 2
SIZES = {"num_classes": 10, "image_size": SIDE, "in_channels": CHANNELS, "base_channels": ALPHA}
with torch.device("meta"):
    GEOMETRIES = build("d-fc", **SIZES).geometries
START = Config(model="d-fc", start="footprints", source="cifar10/d-fc-a2-beta-lasso-0123456789")
CROSS = [(0, 0), (1, 0), (-1, 0), (0, 1), (0, -1)]


def first_layer(offsets, centres):
    """Return weights whose units look at these offsets from their centres, in one channel each."""
    weight = torch.zeros(len(centres), CHANNELS, SIDE, SIDE)
    for unit, (row, column) in enumerate(centres):
        for y, x in offsets:
            if 0 <= row + y < SIDE and 0 <= column + x < SIDE:
                weight[unit, unit % CHANNELS, row + y, column + x] = 1.0 + unit
    return weight.flatten(1)


INSIDE = torch.randint(1, SIDE - 1, (ALPHA * SIDE**2, 2), generator=draws(1))


def test_a_unit_sees_the_units_around_its_place_whose_centres_the_footprint_covers():
    masks = footprint_masks(first_layer(CROSS, INSIDE.tolist()), GEOMETRIES, draws())
    assert list(masks) == [f"conv{number}" for number in range(2, 9)]
    _, second, third, *_ = GEOMETRIES
    for unit, row in enumerate(masks["conv2"]):
        place = torch.tensor(divmod(unit % second.out_size**2, second.out_size)) * second.stride
        near = (INSIDE - place).abs().sum(1) <= 1  # the cross
        assert torch.equal(row, near)
    # inputs of the third layer lie on a grid, whose steps are those of the footprint
    wide = masks["conv3"].view(-1, third.out_size, third.out_size, third.in_channels, 8, 8)
    assert wide[0, 4, 4].sum() == 5 * third.in_channels
    seen = wide[1, 4, 4].any(0).nonzero() - 4
    assert sorted(map(tuple, seen.tolist())) == sorted(CROSS)


def test_each_unit_has_the_footprint_of_a_unit_that_was_drawn():
    line, dot = [(0, x) for x in range(-2, 3)], [(0, 0)]
    shapes = first_layer(line, INSIDE.tolist())
    shapes[::2] = first_layer(dot, INSIDE.tolist())[::2]
    shapes[:100] = 0  # without weights
    third = GEOMETRIES[2]
    masks = footprint_masks(shapes, GEOMETRIES, draws())
    assert not masks["conv2"][:, :100].any(), "such units are connected with none"
    counts = masks["conv3"].view(-1, 8, 8, third.in_channels, 8, 8)[:, 4, 4, 0].sum((1, 2))
    assert {*counts.tolist()} <= {1, 3, 4, 5}, "and lend no footprint; lines are cut by the edge"
    assert not torch.equal(footprint_masks(shapes, GEOMETRIES, draws(5))["conv3"], masks["conv3"])


def test_scattered_inputs_keep_the_number_of_weights_of_every_unit():
    weight = first_layer(CROSS, INSIDE.tolist())
    local, apart = (
        footprint_masks(weight, GEOMETRIES, draws(), scattered=s) for s in (False, True)
    )
    assert all(torch.equal(apart[name].sum(1), mask.sum(1)) for name, mask in local.items())
    assert not torch.equal(apart["conv2"], local["conv2"])
    order = [sorted(map(tuple, one["conv2"].T.tolist())) for one in (local, apart)]
    assert order[0] == order[1], "the same inputs in another order"


def test_a_network_takes_the_first_mask_and_those_of_the_later_layers():
    torch.manual_seed(0)
    source, model = (build("d-fc", **SIZES) for _ in range(2))
    source.conv1.weight.data *= torch.rand_like(source.conv1.weight) < 0.1
    masks = apply_source(START, model, source)
    later = footprint_masks(source.conv1.weight, source.geometries, generator_for(0, "footprints"))
    assert list(masks) == ["conv1", *later]
    assert torch.equal(masks["conv1"], source.conv1.weight != 0)
    assert all(torch.equal(masks[name], mask) for name, mask in later.items())
    assert all(m.shape == model.get_submodule(n).weight.shape for n, m in masks.items())
    for changes in ({"seed": 1}, {"start": "scattered-footprints"}):
        other = apply_source(START.replace(**changes), model, source)
        assert torch.equal(other["conv1"], masks["conv1"])
        assert not torch.equal(other["conv3"], masks["conv3"])


def test_a_source_with_other_layers_has_no_footprint_masks():
    """S-FC of four times the width has a first layer of the same shape."""
    source = build("s-fc", **(SIZES | {"base_channels": 4 * ALPHA}))
    model = build("d-fc", **SIZES)
    with pytest.raises(ConfigError, match=r"conv[0-9].weight has the shape"):
        apply_source(START, model, source)
    assert list(apply_source(START.replace(start="first-mask"), model, source)) == ["conv1"]


# What is refused


@pytest.mark.parametrize(
    ("changes", "origin", "reason"),
    [
        *(({"start": start, "base_channels": 3}, {}, "conv1.weight has the shape")
          for start in ("mask", "first-layer", "network")),
        ({"start": "first-layer", "bias": True}, {}, "conv1.bias"),
        ({"start": "network"}, {"bias": True}, "conv1.bias"),
        ({"start": "network", "model": "s-local"}, {}, "conv1.weight"),
        ({"start": "mask", "normalize": "standard"}, {}, "another normalize"),
        ({"start": "mask", "validation": True}, {}, "another validation"),
        ({"start": "mask", "permute_pixels": True}, {}, "another permute_pixels"),
        ({"start": "mask"}, {"model": "resnet18"}, "another model than resnet18"),
        ({"start": "mask"}, {"kind": "toy"}, "name a training run"),
        # the initial weights of a LOCAL net, say, are not those of the FC net that it embeds in
        *(({"start": "ticket"}, other, "ticket .* name a run of the same model")
          for other in ({"bias": True}, {"model": "s-local"}, {"model": "3-fc"},
                        {"start": "mask", "source": SOURCE})),
    ],
)  # fmt: skip
def test_a_source_that_does_not_fit_is_refused_before_it_is_trained(
    store, monkeypatch, changes, origin, reason
):
    kind = origin.get("kind", "training")
    other = HERE.replace(**{name: value for name, value in origin.items() if name != "kind"})
    monkeypatch.setattr(store, "named", lambda file: SimpleNamespace(kind=kind, config=other))
    monkeypatch.setattr("lcs.train.training.fit", lambda *_args, **_options: pytest.fail("trained"))
    with pytest.raises(ConfigError, match=reason):
        start_run(target(**changes, source=other.as_source), store, CPU, FOREVER)


def test_a_source_without_masks_or_record_stops_its_own_run(tmp_path, store, monkeypatch, capsys):
    """How it has trained, as another seed of it might not have, is no fault of the study."""
    monkeypatch.setenv("LCS_CHECKPOINTS", str(tmp_path / "checkpoints"))
    dense, empty = HERE.replace(epochs=1), SPARSE.replace(beta=1000.0, epochs=1)
    wild = HERE.replace(lr=1e3, weight_decay=1.0)  # it diverges
    after_dense, lost = (target("mask", source=c.as_source) for c in (dense, wild))
    after_empty = target("first-mask", source=empty.as_source)
    own = RunStore(tmp_path / "runs", fallback=store)
    with pytest.warns(UserWarning, match="exceeds the largest weight"):
        train.train(empty, store=own, device="cpu")
    study = study_of(dense, after_dense, after_empty, wild, lost, target("mask"))
    with pytest.raises(TrainingError):
        study.train("smoke", store=own, device="cpu")
    assert own.find(target("mask")).path.is_relative_to(own.root)
    said = capsys.readouterr().err
    assert f"run {after_dense.run_id}: its source {dense.file} has no zeros in conv1, fc1" in said
    assert f"run {after_empty.run_id}: its source {empty.file} has no weights left in conv1" in said
    assert f"its source {wild.file} has no record" in said


# Whole runs


def test_a_source_that_is_not_as_recorded_is_noted(store, tmp_path, monkeypatch):
    monkeypatch.setenv("LCS_CHECKPOINTS", str(tmp_path))
    monkeypatch.setattr("lcs.train.loop.learning_rate", lambda *_: 0.05)
    run = start_run(target("mask"), store, CPU, FOREVER)
    assert run.provenance["source_as_recorded"] is False
    run.checkpoint = Checkpoint(run.config, store.root)
    with run.checkpoint.locked():
        run.save()
        later = Run.start(target("mask"), CPU, source=run.model)
        later.provenance["source_as_recorded"] = True
        later.resume(Checkpoint(run.config, store.root))
    assert later.provenance["source_as_recorded"] is False, "of the source that it began with"


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


def test_a_budget_is_that_of_the_source_too(store, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("LCS_CHECKPOINTS", str(tmp_path))
    with pytest.raises(Paused):
        train.train(target("mask"), store=store, device="cpu", budget_minutes=0)
    held = f"run {SPARSE.run_id} is in progress in another process"
    with Checkpoint(SPARSE, store.root / "sources").locked(), pytest.raises(Paused, match=held):
        start_run(target("mask"), store, CPU, TimeBudget(1e-3, 60.0))
    assert f"{held}; waiting for it to end" in capsys.readouterr().err


def test_a_record_of_such_a_run_can_be_replayed(store):
    record = train.train(target("mask"), store=store, device="cpu")
    before = torch.get_rng_state()
    assert replay(record, 1, "cpu").agrees
    assert torch.equal(torch.get_rng_state(), before), "its source's random numbers are its own"


@pytest.mark.parametrize("forward", [True, False])
def test_an_option_of_a_study_changes_its_sources_too(forward):
    middle = target("mask")
    chain = [SPARSE, middle, target("ticket", source=middle.as_source)]
    made = study_of(*(chain if forward else chain[::-1])).configs("smoke", 1, l1=3e-3)
    source, masked, last = made if forward else made[::-1]
    assert source.l1 == 3e-3
    assert masked.source == source.as_source != SPARSE.as_source
    assert last.source == masked.as_source != middle.as_source
