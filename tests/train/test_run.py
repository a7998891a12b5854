"""One run: its schedule, loss and optimizer, an epoch of it, and what is recorded."""

import itertools

import pytest
import torch
import torch.nn.functional as F
from helpers.finished_results import assert_equal

import lcs.runs.consistency
import lcs.train
from lcs import data, measure, models
from lcs.config import CHOICES, Config
from lcs.optim.learning_rate import learning_rate
from lcs.runs import RunStore
from lcs.runs.record_format import recorded_epochs
from lcs.train import train
from lcs.train.batches import Batches, split
from lcs.train.loop import Run
from lcs.train.recording import filters_to_store, would_revive
from lcs.train.setup import build_model, make_optimizer
from lcs.train.step import logits as logits_of

CPU = torch.device("cpu")
TINY = Config(dataset="digits", epochs=2, batch_size=128)
LASSO = TINY.replace(optimizer="beta-lasso", l1=2e-4, beta=50.0)


# --- the optimizer and its groups


def named_groups(config, **changes):
    """Each parameter's name with the hyperparameters of its group."""
    model = build_model(config.replace(**changes))
    optimizer = make_optimizer(config.replace(**changes), model)
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    found = {names[id(p)]: group for group in optimizer.param_groups for p in group["params"]}
    assert found.keys() == dict(model.named_parameters()).keys()
    return found


@pytest.mark.parametrize("model", ["s-fc", "s-local", "d-local"])
@pytest.mark.parametrize("optimizer", ["beta-lasso", "proximal-l1"])
def test_l1_of_the_groups(optimizer, model):
    """No bias is shrunk, not even one with positions, and nothing of batch normalisation."""
    config = TINY.replace(optimizer=optimizer, model=model, affine=True, bias=True, l1=2e-5)
    for rest in (5e-6, 0.0, None):
        groups = named_groups(config, l1_rest=rest)
        for name, group in groups.items():
            if name.endswith("bias") or name.startswith("bn"):
                assert group["l1"] == 0.0
            elif name.startswith("conv"):
                assert group["l1"] == 2e-5
            else:
                assert group["l1"] == (2e-5 if rest is None else rest)
        assert {"conv1.bias", "bn1.weight", "fc1.weight"} <= groups.keys()


def test_growing_l1_is_the_first_layers_alone():
    found, narrow = (named_groups(LASSO, l1_growth=0.5, l1_window_size=n) for n in (None, 1))
    assert "relative_l1" not in found["fc1.weight"]
    assert found["conv1.weight"]["relative_l1"].unique().tolist()[:2] == [1, 1.5]
    assert {*(narrow["conv1.weight"]["relative_l1"] == 1).sum(1).tolist()} == {1}


def test_learned_windows_follow_the_weights_once_growth_has_set_in():
    """λ is lowest where each unit had most of its mass when the epoch began, and grows around."""
    config = LASSO.replace(epochs=8, l1_growth=0.5, l1_window="learned", l1_growth_from=0.25)
    run = Run.start(config, CPU)
    relative = run.optimizer.param_groups[0]["relative_l1"].view(-1, 8, 8)
    grid, filters, largest = relative[6].clone(), run.model.conv1.weight.view(-1, 8, 8), []
    for epoch in range(8):
        with torch.no_grad():
            filters[5:7] = 0.0
            filters[5, 0, epoch] = 9.0
        run.run_epoch(epoch, record=True)
        largest.append(relative[5].max().item())
    assert torch.equal(relative[6], grid), "a unit without weights has no window to learn"
    # 9 x 9 pixels around that of the last epoch, of 8 x 8
    assert relative[5, 0].tolist() == [2.5, 2, 1.5, 1, 1, 1, 1, 1]
    assert largest == [1, 1, 1, 1.75, 2.5, 2.5, 2.5, 2.5]
    assert len(run.final(run.filters())["window_centres"]) == len(relative)


def test_initial_windows_stay_where_the_initial_weights_have_their_mass():
    config = LASSO.replace(l1_growth=0.5, l1_window="initial")
    runs = [Run.start(c, CPU) for c in (config, config.replace(l1_window="learned"))]
    initial, learned = (run.optimizer.param_groups[0]["relative_l1"] for run in runs)
    before = initial.clone()
    grid = named_groups(LASSO, l1_growth=0.5)["conv1.weight"]["relative_l1"]
    assert not torch.equal(before, grid)
    for epoch in range(2):
        for run in runs:
            run.run_epoch(epoch, record=False)
            with torch.no_grad():
                run.model.conv1.weight.view(-1, 8, 8)[5, 7, 0] = 9.0
        assert torch.equal(initial, before)
        assert torch.equal(learned, before) == (epoch == 0), "alike in the first epoch"


def test_groups_of_sgd():
    config = TINY.replace(affine=True, bias=True, momentum=0.9, weight_decay=1e-3)
    groups = named_groups(config)
    assert {group["momentum"] for group in groups.values()} == {0.9}
    decayed = {name for name, group in groups.items() if group["weight_decay"]}
    assert decayed == {"conv1.weight", "fc1.weight", "fc2.weight"}


@pytest.mark.parametrize(("base_channels", "compiled"), [(1, False), (15, True)])
def test_large_networks_take_the_compiled_step(base_channels, compiled):
    config = LASSO.replace(dataset="cifar10", model="s-fc", base_channels=base_channels)
    with torch.device("meta"):
        assert make_optimizer(config, build_model(config)).compiled == compiled


def test_initial_weights_depend_on_model_and_seed_alone():
    plain = build_model(TINY).state_dict()
    torch.manual_seed(123)
    other = TINY.replace(optimizer="proximal-l1", l1=0.1, lr=3.0, batch_size=7, augment="flip-crop")
    before = torch.get_rng_state()
    assert_equal(build_model(other).state_dict(), plain)
    assert torch.equal(torch.get_rng_state(), before)
    reseeded = build_model(TINY.replace(seed=1))
    assert not torch.equal(reseeded.conv1.weight, plain["conv1.weight"])


# --- the loop against one in plain PyTorch


@pytest.mark.parametrize(("batch_size", "seen"), [(128, 1442), (131, 1441)])
def test_it_is_the_textbook_loop(batch_size, seen):
    """A last batch of one image, as 131 leaves it, is neither trained on nor counted."""
    config = TINY.replace(batch_size=batch_size, momentum=0.9, weight_decay=1e-3, loss="bce")
    images = data.load("digits")
    inputs = Batches(config, images, split(config, images)[0], CPU)
    test = (torch.from_numpy(images.test_images).permute(0, 3, 1, 2) / 255 - 0.5) / 0.5
    model = build_model(config)
    optimizer = torch.optim.SGD(
        model.parameters(), lr=config.lr, momentum=0.9, weight_decay=1e-3, foreach=False
    )
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=2)
    run = Run.start(config, CPU)
    for epoch in (0, 1):
        model.train()
        loss_sum, hits = 0.0, 0
        for x, labels in inputs.iterate(epoch):
            logits = model(x)
            loss = F.binary_cross_entropy_with_logits(logits, F.one_hot(labels, 10).float())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            loss_sum += loss.item() * len(labels)
            hits += int((logits.argmax(1) == labels).sum())
        schedule.step()
        model.eval()
        with torch.no_grad():
            right = model(test).argmax(1).numpy() == images.test_labels
        run.run_epoch(epoch, record=True)
        history = run.history
        assert history["train_loss"][-1] == pytest.approx(loss_sum / seen, rel=1e-5)
        assert history["train_accuracy"][-1] == pytest.approx(hits / seen, abs=1.01 / seen)
        assert history["test_accuracy"][-1] == pytest.approx(right.mean(), abs=1.01 / 355)
    for name, value in run.model.state_dict().items():
        torch.testing.assert_close(value, model.state_dict()[name], rtol=1e-4, atol=1e-5)


def test_bf16_keeps_weights_and_logits_in_float32():
    run = Run.start(TINY.replace(precision="bf16"), CPU)
    assert run.train_batches.all_normalised.dtype == torch.bfloat16
    run.run_epoch(0, record=True)
    assert {p.dtype for p in run.model.parameters()} == {torch.float32}
    logits = logits_of(run.config, run.model, run.train_batches.all_normalised[:64])
    assert logits.dtype == torch.float32
    assert torch.equal(logits, logits.bfloat16().float())  # computed in bf16


# --- what is recorded


@pytest.mark.parametrize("model", CHOICES["model"])
@pytest.mark.parametrize("optimizer", CHOICES["optimizer"])
def test_every_network_trains_and_its_record_counts_its_weights(model, optimizer, tmp_path):
    sparse = {"beta-lasso": {"l1": 1e-3, "beta": 20.0}, "proximal-l1": {"l1": 0.02}, "sgd": {}}
    sparse |= {"spred": {"l1": 1e-3, "momentum": 0.9}}
    fields = {"model": model, "optimizer": optimizer, **sparse[optimizer]}
    config = TINY.replace(epochs=1, batch_size=512, **fields)
    run = Run.start(config, CPU)
    run.run_epoch(0, record=True)
    run.seconds = 1.0  # which the training loop measures
    record = run.finish(RunStore(tmp_path))
    weights = {n.removesuffix(".weight"): p for n, p in run.model.named_parameters() if p.ndim > 1}
    counts = {name: int((weight != 0).sum()) for name, weight in weights.items()}
    assert record.final["nonzeros"] == counts
    assert {name: column[-1] for name, column in record.history["nonzeros"].items()} == counts
    assert record.final["weights"] == {name: weight.numel() for name, weight in weights.items()}
    flops = record.final["flops"]
    if optimizer in ("sgd", "spred"):
        assert flops["sparse"] == flops["dense"] > 0
    else:
        assert sum(counts.values()) < sum(record.final["weights"].values())
        assert 0 < flops["sparse"] < flops["dense"]
    assert ("locality" in record.final) == (model != "resnet18")


@pytest.mark.parametrize("epochs", [1, 200, 201, 4000, 1_000_000])
def test_recorded_epochs(epochs):
    """All of a short run; of a long one, later epochs are spaced evenly on the log axis."""
    kept = recorded_epochs(epochs)
    dense = min(epochs, 200 if epochs <= 200 else 100)
    assert kept == sorted({*kept})
    assert kept[:dense] == list(range(1, dense + 1))
    assert (kept[-1], len(kept) <= 200) == (epochs, True)
    step = (epochs / 100) ** 0.01 * 1.01 + 0.01
    assert all(later <= step * earlier for earlier, later in itertools.pairwise(kept[99:]))


def test_history_and_final_measures(tmp_path):
    config = LASSO.replace(epochs=5)
    record = train(config, store=RunStore(tmp_path), device="cpu")
    history, final = record.history, record.final
    assert history["epoch"] == [1, 2, 3, 4, 5]
    rates = [learning_rate(config, epoch) for epoch in range(5)]
    assert history["lr"] == [float(f"{rate:.8g}") for rate in rates]
    for name in ("epoch", "lr", "train_loss", "train_accuracy", "test_accuracy"):
        assert final[name] == history[name][-1]
    for column in ("nonzeros", "revived", "norm"):
        assert list(history[column]) == ["conv1", "fc1", "fc2"]
        assert {len(values) for values in history[column].values()} == {5}
    assert final["evaluation_images"] == 355
    units = {"conv1": 16, "fc1": 24, "fc2": 10}
    assert {name: sum(counts) for name, counts in final["fan_in"].items()} == units


def test_the_accuracy_at_the_end_is_that_on_images_as_they_are():
    run = Run.start(LASSO.replace(epochs=5, augment="crop"), CPU)
    run.replay(5)
    images = run.train_batches.all_normalised
    with torch.no_grad():
        hits = run.model.eval()(images).argmax(1) == run.train_batches.labels
    found = run.final(run.filters())["clean_train_accuracy"]
    assert found == int(hits.sum()) / len(images) != run.history["train_accuracy"][-1]


def test_revived_weights_and_norms():
    run = Run.start(LASSO.replace(epochs=9, l1=2e-5), CPU)
    weights = models.layer_weights(run.model)
    for epoch in range(6):
        dead = {name: weight == 0 for name, weight in weights.items()}
        run.run_epoch(epoch, record=True)
        for name, weight in weights.items():
            revived = int(((weight != 0) & dead[name]).sum())
            assert run.history["revived"][name][-1] == revived
            assert run.history["norm"][name][-1] == float(weight.detach().norm())
    assert sum(sum(column) for column in run.history["revived"].values()) > 0


def test_zeros_that_the_last_step_would_have_revived():
    weight = torch.nn.Parameter(torch.tensor([0.0, 0.0, 0.0, 0.5]))
    weight.grad = torch.tensor([3.0, -4.0, 1.0, 9.0])
    optimizer = torch.optim.SGD([{"params": [weight], "l1": 0.1, "beta": 3.0}], lr=7.0)

    def revived(*rates):
        return [would_revive({"fc": weight}, optimizer, lr)["fc"] for lr in rates]

    assert revived(0.1, 0.075, 0.05) == [2, 1, 0]
    optimizer.param_groups[0]["relative_l1"] = torch.tensor([1.0, 1.5, 0.3, 1.0])
    assert revived(0.1, 0.15) == [2, 3], "the first and the third, then all"


def test_only_the_chosen_epochs_are_recorded(tmp_path, monkeypatch):
    for module in (lcs.train.loop, lcs.runs.consistency):
        monkeypatch.setattr(module, "recorded_epochs", lambda epochs: [1, 4, epochs])
    record = train(TINY.replace(epochs=6), store=RunStore(tmp_path), device="cpu")
    assert record.history["epoch"] == [1, 4, 6]
    assert len(record.history["norm"]["fc2"]) == 3


def test_a_validation_run_never_touches_the_test_set(tmp_path):
    config = TINY.replace(validation=True)
    run = Run.start(config, CPU)
    images = data.load("digits")
    seen = {bytes(image.numpy().tobytes()) for image in run.evaluation.images}
    assert seen <= {image.transpose(2, 0, 1).tobytes() for image in images.train_images}
    assert len(run.train_batches) + len(run.evaluation) == len(images.train_images)
    record = train(config, store=RunStore(tmp_path), device="cpu")
    assert "test_accuracy" not in record.path.read_text()
    assert record.final["validation_accuracy"] == record.history["validation_accuracy"][-1]
    assert record.final["evaluation_images"] == len(run.evaluation)


def test_the_first_seed_keeps_filters_for_a_figure(tmp_path):
    wide = TINY.replace(base_channels=2)
    record = train(wide, store=RunStore(tmp_path), device="cpu")
    assert record.load_filters().shape == (24, 1, 8, 8)
    for other in ({"model": "3-fc"}, {"validation": True}, {"seed": 1}):
        assert filters_to_store(TINY.replace(**other), torch.ones(30, 1, 8, 8)) is None


def test_shifts_are_tried_on_images_as_they_are():
    run = Run.start(TINY.replace(permute_pixels=True), CPU)
    run.run_epoch(0, record=True)
    filters, images = run.filters(), Run.start(TINY, CPU).evaluation.all_normalised
    assert run.final(filters)["equivariance"] == measure.equivariance(filters, images)
    assert run.final(torch.zeros_like(filters))["pair_correlation"] == [None] * 7, "no NaN"
