"""Sparse products against dense ones: the same training, step by step; and dead units."""

import copy
import functools
from contextlib import suppress

import pytest
import torch
import torch.nn.functional as F

from lcs import models
from lcs.config import Config
from lcs.errors import Paused
from lcs.optim import SGD, BetaLasso, ProximalL1, Spred, sparse_products
from lcs.optim.pruning import Masks
from lcs.optim.sparse_products import sparse_first_layer
from lcs.runs import RunStore
from lcs.train import train
from lcs.train.loop import TimeBudget

PAYS_BELOW = dict(sparse_products.PAYS_BELOW)
choose_mode = functools.partial(sparse_products.choose_mode, precision="fp32")
# a penalty at which digits leave 1 to 3 % of the first layer
SPARSE = Config(
    dataset="digits", base_channels=2, epochs=6, batch_size=128, optimizer="beta-lasso", l1=2e-2,
    l1_rest=1e-5, beta=3.0, frozen_zeros=True,
)  # fmt: skip
# sparse from the first epoch on, unless the mask is cut later
MASKED = Config(
    dataset="digits", base_channels=8, epochs=4, batch_size=128, density=0.07, momentum=0.9,
    weight_decay=5e-4, pruning="random",
)  # fmt: skip


@pytest.fixture(autouse=True)
def _small_layers_too(monkeypatch):
    """And on processors with bfloat16 from the same density on."""
    monkeypatch.setattr(sparse_products, "PAYS_FROM", 0)
    limits = dict.fromkeys(PAYS_BELOW, PAYS_BELOW["cpu, fp32"])
    monkeypatch.setattr(sparse_products, "PAYS_BELOW", limits)


def s_fc(density=0.02, **options):
    """S-FC for 8 × 8 images, its first layer thinned out at random; unit 3 is dead."""
    torch.manual_seed(0)
    net = models.build("s-fc", image_size=8, in_channels=1, base_channels=2, **options)
    with torch.no_grad():
        net.conv1.weight[torch.rand_like(net.conv1.weight) > density] = 0
        net.conv1.weight[3] = 0
        net.conv1.weight[4, :5] = 0.1
    return net


def optimizer_of(net, l1=1e-3, beta=20.0):
    groups = [{"params": [net.conv1.weight]}, {"params": [net.fc1.weight, net.fc2.weight]}]
    return BetaLasso(groups, lr=0.1, l1=l1, beta=beta, frozen_zeros=True)


def batches(count):
    draws = torch.Generator().manual_seed(1)
    for _ in range(count):
        yield torch.randn(64, 1, 8, 8, generator=draws), torch.randint(10, (64,), generator=draws)


def fit(forward, optimizer, count=10):
    for x, labels in batches(count):
        optimizer.zero_grad()
        F.cross_entropy(forward(x), labels).backward()
        optimizer.step()


def test_in_bfloat16_gradients_are_those_of_a_dense_layer():
    gradients = []
    for mode in ("frozen", "dense"):
        optimizer = optimizer_of(net := s_fc(density=0.1))
        ((x, labels),) = batches(1)
        with sparse_first_layer(net, optimizer, mode) as forward:
            with torch.autocast("cpu", torch.bfloat16):
                logits = forward(x.bfloat16())
            F.cross_entropy(logits.float(), labels).backward()
            gradients.append(optimizer.param_groups[0]["params"][0].grad)
    sparse, dense = gradients[0], gradients[1][net.conv1.weight != 0]
    assert len(sparse) == len(dense) > 150
    # a sum in another order may round to the next number, of which bfloat16 has 256 an octave
    assert (sparse - dense).abs().max() < 0.01 * dense.abs().max()
    assert torch.equal(sparse, sparse.bfloat16().float())


@pytest.mark.parametrize(("l1", "beta"), [(1e-3, 20.0), (1e-3, 2.0), (1e-2, 5.0)])
def test_sparse_steps_are_dense_steps(l1, beta):
    dense, other = s_fc(), s_fc()
    fit(dense, optimizer_of(dense, l1, beta))
    with sparse_first_layer(other, optimizer := optimizer_of(other, l1, beta), "frozen") as forward:
        fit(forward, optimizer)
    state = other.state_dict()
    for name, value in dense.state_dict().items():
        # a ReLU at its kink makes of rounding a hundred times as much
        torch.testing.assert_close(state[name], value, rtol=1e-3, atol=1e-5, msg=name)
    assert torch.equal(dense.conv1.weight == 0, other.conv1.weight == 0)


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_steps_within_a_mask_are_those_of_a_dense_layer(momentum):
    net, twin = s_fc(0.1), s_fc(0.1)
    mask = net.conv1.weight != 0
    mask[5] = True  # zeros that a mask has taken in are trained
    sparse, dense = (SGD(n.parameters(), 0.1, momentum, weight_decay=1e-3) for n in (net, twin))
    for some, optimizer in ((net, sparse), (twin, dense)):
        Masks({"conv1": mask}, some, optimizer)
    for mode in ("frozen", "dense", "frozen"):  # the buffer is made in an epoch of either
        with sparse_first_layer(net, sparse, mode, mask) as forward:
            fit(forward, sparse, 3)
        fit(twin, dense, 3)
        ours, theirs = net.conv1.weight, twin.conv1.weight
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-6)
        torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-3, atol=1e-6)
    assert net.conv1.weight[5].all()
    for key, value in dense.state[twin.conv1.weight].items():
        torch.testing.assert_close(sparse.state[net.conv1.weight][key], value, rtol=1e-4, atol=1e-6)


def test_the_optimizer_holds_the_matrix_again_even_after_an_interrupt():
    optimizer = optimizer_of(net := s_fc())
    with suppress(KeyboardInterrupt), sparse_first_layer(net, optimizer, "frozen") as forward:
        fit(forward, optimizer, 2)
        raise KeyboardInterrupt
    assert optimizer.param_groups[0]["params"][0] is net.conv1.weight
    before = copy.deepcopy(net.conv1.weight)
    fit(net, optimizer, 1)
    assert not torch.equal(before, net.conv1.weight)


def test_a_dead_unit_is_dead_for_good():
    """Its output and all gradients that touch it are exactly zero, as batch norm is not affine."""
    net, seen = s_fc(), {}
    net.bn1.register_forward_hook(lambda *hook: seen.update(output=hook[2]))
    ((x, labels),) = batches(1)
    F.cross_entropy(net(x), labels).backward()
    assert not seen["output"][:, 3].any()
    assert not net.conv1.weight.grad[3].any()
    assert not net.fc1.weight.grad[:, 3].any()
    assert net.conv1.weight.grad[4].any()


# Where it pays


def test_sparse_where_it_pays_and_nowhere_else(monkeypatch):
    net, dense = s_fc(0.01), s_fc(0.5)
    frozen = functools.partial(BetaLasso, frozen_zeros=True)
    settings = {"l1": 1e-3, "beta": 20.0}
    cases = [(net, frozen(net.parameters(), **settings), "frozen")]
    cases += [(n, frozen(n.parameters(), **settings), "dense")
              for n in (dense, s_fc(0.01, dropout=0.5), s_fc(0.01, bias=True))]  # fmt: skip
    cases += [(net, frozen(net.parameters(), **settings | zero), "dense")
              for zero in ({"l1": 0.0}, {"beta": 0.0})]  # fmt: skip
    cases.append((net, BetaLasso(net.parameters(), **settings), "dense"))  # zeros may return
    cases.append((net, ProximalL1(net.parameters(), l1=1e-3), "dense"))
    cases.append((net, frozen(net.fc1.parameters(), **settings), "dense"))  # it is not trained
    growing = {"params": [net.conv1.weight], "relative_l1": torch.ones_like(net.conv1.weight)}
    cases.append((net, frozen([growing], **settings), "dense"))
    for name in ("d-fc", "3-fc"):
        other = models.build(name, image_size=8, in_channels=1, base_channels=1)
        torch.nn.init.zeros_(other.conv1.weight)
        cases.append((other, frozen(other.parameters(), l1=1e-3, beta=1.0), "dense"))
    for number, (model, optimizer, expected) in enumerate(cases):
        assert choose_mode(model, optimizer) == expected, number
    monkeypatch.setattr(sparse_products, "PAYS_FROM", net.conv1.weight.numel() + 1)
    assert choose_mode(*cases[0][:2]) == "dense", "a small layer"


def test_a_layer_with_a_mask_is_sparse_with_sgd_and_beta_lasso():
    net, biased = s_fc(0.5), s_fc(0.5, bias=True)
    few, many = (torch.rand_like(net.conv1.weight) < density for density in (0.01, 0.5))
    for optimizer in (SGD(net.parameters()), BetaLasso(net.parameters(), l1=0.0, beta=0.0)):
        assert choose_mode(net, optimizer, mask=few) == "frozen"
        assert choose_mode(net, optimizer, mask=many) == choose_mode(net, optimizer) == "dense"
    for make in (ProximalL1, Spred):
        assert choose_mode(net, make(net.parameters(), l1=1e-3), mask=few) == "dense"
    assert choose_mode(biased, SGD(biased.parameters(), 0.1), mask=few) == "dense"


def test_the_speed_of_dense_products_decides_where_sparse_ones_pay(monkeypatch):
    optimizer = optimizer_of(net := s_fc(0.05))
    limits = {"cpu, bf16": 0.1, "cpu, bf16, matrix": 0.01, "cpu, fp32": 0.2}
    monkeypatch.setattr(sparse_products, "PAYS_BELOW", limits)
    kinds = {"cpu, bf16, matrix": (True, True), "cpu, bf16": (True, False), "cpu, fp32": (0, 0)}
    for name, (native, matrix) in kinds.items():
        monkeypatch.setattr(sparse_products, "has_bf16", lambda _, native=native: native)
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda has=matrix: {"amx_bf16": has})
        assert sparse_products.limits_name(torch.device("cpu"), "bf16") == name
        expected = "dense" if matrix else "frozen"
        assert choose_mode(net, optimizer, precision="bf16") == expected
        assert choose_mode(net, optimizer, precision="fp32") == "frozen"
        on_gpu = "cuda, bf16" if native else "cuda, fp32"
        assert sparse_products.limits_name(torch.device("cuda"), "bf16") == on_gpu


# Whole runs


def both_ways(config, folder, monkeypatch, fallback=None):
    """Return a run's record with sparse products where they pay, and with dense ones alone."""
    record = train(config, store=RunStore(folder / "sparse", fallback=fallback), device="cpu")
    monkeypatch.setattr(sparse_products, "PAYS_BELOW", dict.fromkeys(PAYS_BELOW, 0.0))
    dense = train(config, store=RunStore(folder / "dense", fallback=fallback), device="cpu")
    assert dense.provenance["modes"] == {"dense": config.epochs}
    return record, dense


FROZEN = {"optimizer": "beta-lasso", "momentum": 0.0, "weight_decay": 0.0, "l1": 2e-3, "beta": 3.0,
          "frozen_zeros": True}  # fmt: skip
RUNS = {
    "frozen": (SPARSE, {"dense", "frozen"}),
    "random": (MASKED, {"frozen"}),
    "gradual": (MASKED.replace(pruning="gradual", epochs=6), {"dense", "frozen"}),
    "set": (MASKED.replace(pruning="set"), {"frozen"}),
    "both": (MASKED.replace(**FROZEN), {"frozen"}),
}


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("kind", RUNS)
def test_a_sparse_run_has_the_numbers_of_dense_products(kind, precision, tmp_path, monkeypatch):
    """Roundings differ, and where they decide which weight moves, so do later epochs."""
    config, modes = RUNS[kind][0].replace(precision=precision), RUNS[kind][1]
    record, dense = both_ways(config, tmp_path, monkeypatch)
    assert set(record.provenance["modes"]) == modes
    assert sum(record.provenance["modes"].values()) == config.epochs
    ours, theirs = record.history, dense.history
    chaotic = precision == "bf16" or config.pruning == "set"
    assert ours["train_loss"][0] == pytest.approx(theirs["train_loss"][0], rel=1e-3)
    assert ours["train_loss"] == pytest.approx(theirs["train_loss"], rel=0.15 if chaotic else 1e-3)
    allowed = 0.03 * theirs["nonzeros"]["conv1"][0] if config.pruning == "set" else 0
    if config.frozen_zeros:
        allowed = 3 if precision == "fp32" else 10  # bf16 rounds by 1 in 256
        forgone = [one["forgone"]["conv1"] for one in (ours, theirs)]
        assert any(forgone[1]), "returns that frozen zeros forgo, within the mask"
        share = 0.25 if precision == "bf16" else 0  # processors round bf16 products differently
        assert forgone[0] == pytest.approx(forgone[1], abs=allowed, rel=share)
    expected = pytest.approx(theirs["nonzeros"]["conv1"], abs=allowed)
    assert ours["nonzeros"]["conv1"] == expected


def test_a_network_on_the_mask_of_another_is_sparse(tmp_path, monkeypatch):
    store, first = RunStore(tmp_path / "sources"), MASKED.replace(epochs=1)
    train(first, store=store, device="cpu")
    fields = {"pruning": "none", "density": 1.0, "start": "mask", "epochs": 2}
    config = MASKED.replace(source=first.as_source, **fields)
    record, dense = both_ways(config, tmp_path, monkeypatch, fallback=store)
    assert record.provenance["modes"] == {"frozen": 2}
    assert record.history["nonzeros"] == dense.history["nonzeros"]
    assert record.history["train_loss"] == pytest.approx(dense.history["train_loss"], rel=1e-4)


@pytest.mark.parametrize(
    "config",
    [SPARSE, SPARSE.replace(precision="bf16"), MASKED.replace(pruning="rigl", precision="bf16")],
)
def test_a_stopped_sparse_run_ends_with_the_same_bits(tmp_path, config, monkeypatch):
    whole = train(config, store=RunStore(tmp_path / "whole"), device="cpu")
    assert whole.provenance["modes"].get("frozen", 0) > 1
    store = RunStore(tmp_path / "stopped")
    with monkeypatch.context() as patch:
        patch.setattr(TimeBudget, "over", lambda clock: bool(clock.epochs))
        for _ in range(config.epochs - 1):
            with pytest.raises(Paused):
                train(config, store=store, device="cpu")
    record = train(config, store=store, device="cpu")
    assert record.history == whole.history
    assert record.provenance["modes"] == whole.provenance["modes"]
    assert record.final == whole.final
