"""Sparse products against dense ones: the same training, step by step; and dead units."""

import copy
import functools

import pytest
import torch
import torch.nn.functional as F

from lcs import models
from lcs.config import Config
from lcs.errors import Paused
from lcs.optim import SGD, BetaLasso, ProximalL1, Spred, sparse_products
from lcs.optim.pruning import Masks
from lcs.runs import RunStore
from lcs.train import train
from lcs.train.time_budget import TimeBudget

PAYS_BELOW = dict(sparse_products.PAYS_BELOW)
choose_mode = functools.partial(sparse_products.choose_mode, precision="fp32")
# a penalty at which digits leave 1 to 3 % of the first layer
SPARSE = Config(
    dataset="digits", base_channels=2, epochs=8, batch_size=128, optimizer="beta-lasso", l1=2e-2,
    l1_rest=1e-5, beta=3.0, frozen_zeros=True,
)  # fmt: skip
# sparse from the first epoch on, unless the mask is cut later
MASKED = Config(
    dataset="digits", base_channels=8, epochs=6, batch_size=128, density=0.07, momentum=0.9,
    weight_decay=5e-4, pruning="random",
)  # fmt: skip


@pytest.fixture(autouse=True)
def _small_layers_too(monkeypatch):
    """And on processors with bfloat16 from the same density on."""
    monkeypatch.setattr(sparse_products, "PAYS_FROM", 0)
    limits = sparse_products.PAYS_BELOW["cpu, fp32"]
    monkeypatch.setattr(sparse_products, "PAYS_BELOW", dict.fromkeys(PAYS_BELOW, limits))


def s_fc(density=0.02, seed=0, **options):
    """S-FC for 8 × 8 images, its first layer thinned out at random; unit 3 is dead."""
    torch.manual_seed(seed)
    net = models.build(
        "s-fc", num_classes=10, image_size=8, in_channels=1, base_channels=2, **options
    )
    with torch.no_grad():
        net.conv1.weight[torch.rand_like(net.conv1.weight) > density] = 0
        net.conv1.weight[3] = 0
        net.conv1.weight[4, :5] = 0.1
    return net


def optimizer_of(net, l1=1e-3, beta=20.0, lr=0.1):
    groups = [{"params": [net.conv1.weight]}, {"params": [net.fc1.weight, net.fc2.weight]}]
    return BetaLasso(groups, lr=lr, l1=l1, beta=beta, frozen_zeros=True)


def batches(count, seed=1):
    generator = torch.Generator().manual_seed(seed)
    for _ in range(count):
        yield (
            torch.randn(64, 1, 8, 8, generator=generator),
            torch.randint(10, (64,), generator=generator),
        )


def fit(forward, optimizer, count=10):
    for x, labels in batches(count):
        optimizer.zero_grad()
        F.cross_entropy(forward(x), labels).backward()
        optimizer.step()


def test_in_bfloat16_gradients_are_those_of_a_dense_layer():
    net, twin = s_fc(density=0.1), s_fc(density=0.1)
    ((x, labels),) = batches(1)
    x, optimizer = x.bfloat16(), optimizer_of(net)
    with sparse_products.sparse_first_layer(net, optimizer, "frozen") as forward:
        with torch.autocast("cpu", torch.bfloat16):
            logits = forward(x)
        F.cross_entropy(logits.float(), labels).backward()
        gradient = optimizer.param_groups[0]["params"][0].grad
    with torch.autocast("cpu", torch.bfloat16):
        logits = twin(x)
    F.cross_entropy(logits.float(), labels).backward()
    expected = twin.conv1.weight.grad[twin.conv1.weight != 0]
    assert len(gradient) == len(expected) > 150
    # a sum in another order may round to the next number, of which bfloat16 has 256 an octave
    assert (gradient - expected).abs().max() < 0.01 * expected.abs().max()
    assert torch.equal(gradient, gradient.bfloat16().float())


@pytest.mark.parametrize(("l1", "beta"), [(1e-3, 20.0), (1e-3, 2.0), (1e-2, 5.0)])
def test_sparse_steps_are_dense_steps(l1, beta):
    dense, other = s_fc(), s_fc()
    fit(dense, optimizer_of(dense, l1, beta))
    optimizer = optimizer_of(other, l1, beta)
    with sparse_products.sparse_first_layer(other, optimizer, "frozen") as forward:
        fit(forward, optimizer)
    for (name, value), twin in zip(
        dense.state_dict().items(), other.state_dict().values(), strict=True
    ):
        # a ReLU at its kink makes of rounding a hundred times as much
        torch.testing.assert_close(twin, value, rtol=1e-3, atol=1e-5, msg=name)
    assert torch.equal(dense.conv1.weight == 0, other.conv1.weight == 0)


def test_the_optimizer_holds_the_matrix_again_afterwards():
    net = s_fc()
    optimizer = optimizer_of(net)
    with pytest.raises(KeyboardInterrupt):
        _interrupted_epoch(net, optimizer)
    assert optimizer.param_groups[0]["params"][0] is net.conv1.weight
    before = copy.deepcopy(net.state_dict())
    fit(net, optimizer, 1)
    assert not torch.equal(before["conv1.weight"], net.conv1.weight)


def _interrupted_epoch(net, optimizer):
    with sparse_products.sparse_first_layer(net, optimizer, "frozen") as forward:
        fit(forward, optimizer, 2)
        raise KeyboardInterrupt


def test_sparse_where_it_pays_and_nowhere_else():
    for density, expected in ((0.01, "frozen"), (0.5, "dense")):
        net = s_fc(density)
        assert choose_mode(net, optimizer_of(net)) == expected
    free = BetaLasso(net.parameters(), l1=1e-3, beta=20.0)
    assert choose_mode(net, free) == "dense", "zeros may return"
    for net in (s_fc(0.01, dropout=0.5), s_fc(0.01, bias=True)):
        assert choose_mode(net, optimizer_of(net)) == "dense"
    net = s_fc(0.01)
    assert choose_mode(net, ProximalL1(net.parameters(), l1=1e-3)) == "dense"
    frozen = functools.partial(BetaLasso, frozen_zeros=True)
    for without in ({"l1": 0.0, "beta": 50.0}, {"l1": 1e-3, "beta": 0.0}):
        assert choose_mode(net, frozen(net.parameters(), **without)) == "dense"
    for name in ("d-fc", "3-fc"):
        other = models.build(name, num_classes=10, image_size=8, in_channels=1, base_channels=1)
        torch.nn.init.zeros_(other.conv1.weight)
        assert choose_mode(other, frozen(other.parameters(), l1=1e-3, beta=1.0)) == "dense"


def test_a_lambda_for_each_weight_and_a_small_layer_stay_dense(monkeypatch):
    net = s_fc(0.01)
    optimizer = optimizer_of(net)
    optimizer.param_groups[0]["relative_l1"] = torch.ones_like(net.conv1.weight)
    assert choose_mode(net, optimizer) == "dense"
    monkeypatch.setattr(sparse_products, "PAYS_FROM", net.conv1.weight.numel() + 1)
    assert choose_mode(net, optimizer_of(net)) == "dense"


def test_a_layer_with_a_mask_is_sparse_with_sgd_and_beta_lasso():
    net = s_fc(0.5)
    few, many = (torch.rand_like(net.conv1.weight) < density for density in (0.01, 0.5))
    sgd, plain = SGD(net.parameters(), 0.1, 0.9), BetaLasso(net.parameters(), l1=0.0, beta=0.0)
    for optimizer in (sgd, plain):
        assert choose_mode(net, optimizer, mask=few) == "frozen"
        assert choose_mode(net, optimizer, mask=many) == choose_mode(net, optimizer) == "dense"
    growing = optimizer_of(net)
    growing.param_groups[0]["relative_l1"] = torch.ones_like(net.conv1.weight)
    proximal, product = ProximalL1(net.parameters(), l1=1e-3), Spred(net.parameters(), l1=1e-3)
    for optimizer in (growing, proximal, product):
        assert choose_mode(net, optimizer, mask=few) == "dense"
    biased = s_fc(0.5, bias=True)
    assert choose_mode(biased, SGD(biased.parameters(), 0.1), mask=few) == "dense"


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_steps_within_a_mask_are_those_of_a_dense_layer(momentum):
    net, twin = s_fc(0.1), s_fc(0.1)
    mask = net.conv1.weight != 0
    mask[5] = True  # zeros that a mask has taken in are trained
    sparse, dense = (
        SGD(some.parameters(), 0.1, momentum, weight_decay=1e-3) for some in (net, twin)
    )
    for some, optimizer in ((net, sparse), (twin, dense)):
        Masks({"conv1": mask}, some, optimizer)
    for mode in ("frozen", "dense", "frozen"):  # the buffer is made in an epoch of either
        with sparse_products.sparse_first_layer(net, sparse, mode, mask) as forward:
            fit(forward, sparse, 3)
        fit(twin, dense, 3)
        torch.testing.assert_close(net.conv1.weight, twin.conv1.weight, rtol=1e-4, atol=1e-6)
    assert net.conv1.weight[5].all()
    for key, value in dense.state[twin.conv1.weight].items():
        torch.testing.assert_close(sparse.state[net.conv1.weight][key], value, rtol=1e-4, atol=1e-6)


def test_the_speed_of_dense_products_decides_where_sparse_ones_pay(monkeypatch):
    net = s_fc(0.05)
    optimizer = optimizer_of(net)
    limits = {"cpu, bf16": 0.1, "cpu, bf16, matrix": 0.01, "cpu, fp32": 0.2}
    monkeypatch.setattr(sparse_products, "PAYS_BELOW", limits)
    for native, matrix, name in (
        (True, True, "cpu, bf16, matrix"),
        (True, False, "cpu, bf16"),
        (False, False, "cpu, fp32"),
    ):
        monkeypatch.setattr(sparse_products, "has_bf16", lambda _, native=native: native)
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda has=matrix: {"amx_bf16": has})
        assert sparse_products.limits_name(torch.device("cpu"), "bf16") == name
        expected = "dense" if matrix else "frozen"
        assert choose_mode(net, optimizer, precision="bf16") == expected
        assert choose_mode(net, optimizer, precision="fp32") == "frozen"
        assert sparse_products.limits_name(torch.device("cuda"), "bf16") == (
            "cuda, bf16" if native else "cuda, fp32"
        )


def test_a_dead_unit_is_dead_for_good():
    """Its output and all gradients that touch it are exactly zero, as batch norm is not affine."""
    net = s_fc()
    seen = {}
    net.bn1.register_forward_hook(lambda *hook: seen.update(output=hook[2]))
    ((x, labels),) = batches(1)
    F.cross_entropy(net(x), labels).backward()
    assert not seen["output"][:, 3].any()
    assert not net.conv1.weight.grad[3].any()
    assert not net.fc1.weight.grad[:, 3].any()
    assert net.conv1.weight.grad[4].any()


def dense_always(monkeypatch):
    monkeypatch.setattr(sparse_products, "PAYS_BELOW", dict.fromkeys(PAYS_BELOW, 0.0))


def outcome(record):
    return record.history["train_loss"], record.history["nonzeros"]


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_run_turns_sparse_and_says_so(precision, tmp_path, monkeypatch):
    config = SPARSE.replace(precision=precision)
    record, dense = both_ways(config, tmp_path, monkeypatch)
    modes = record.provenance["modes"]
    assert set(modes) == {"dense", "frozen"}
    assert sum(modes.values()) == config.epochs
    (losses, counts), (expected, dense_counts) = outcome(record), outcome(dense)
    assert losses == pytest.approx(expected, rel=1e-3 if precision == "fp32" else 0.15)
    allowed = 3 if precision == "fp32" else 10  # bf16 rounds by 1 in 256
    assert counts["conv1"] == pytest.approx(dense_counts["conv1"], abs=allowed)
    forgone = record.history["forgone"]["conv1"], dense.history["forgone"]["conv1"]
    assert any(forgone[1])
    share = 0 if precision == "fp32" else 0.25  # processors round bf16 products differently
    assert forgone[0] == pytest.approx(forgone[1], abs=allowed, rel=share)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("pruning", ["random", "gradual", "set"])
def test_a_masked_run_has_the_numbers_of_dense_products(pruning, precision, tmp_path, monkeypatch):
    config = MASKED.replace(pruning=pruning, precision=precision)
    record, dense = both_ways(config, tmp_path, monkeypatch)
    modes = {"dense", "frozen"} if pruning == "gradual" else {"frozen"}
    assert set(record.provenance["modes"]) == modes
    (losses, counts), (expected, dense_counts) = outcome(record), outcome(dense)
    # roundings differ, and where they decide which weight moves, so do later epochs
    chaotic = precision == "bf16" or pruning == "set"
    assert losses[0] == pytest.approx(expected[0], rel=1e-3 if chaotic else 1e-5)
    assert losses == pytest.approx(expected, rel=0.1 if chaotic else 1e-3)
    allowed = 0.03 * dense_counts["conv1"][0] if pruning == "set" else 0
    assert counts["conv1"] == pytest.approx(dense_counts["conv1"], abs=allowed)


def test_returns_that_frozen_zeros_forgo_are_those_within_the_mask(tmp_path, monkeypatch):
    config = MASKED.replace(
        optimizer="beta-lasso", momentum=0.0, weight_decay=0.0, l1=2e-3, beta=3.0,
        frozen_zeros=True,
    )  # fmt: skip
    record, dense = both_ways(config, tmp_path, monkeypatch)
    forgone, expected = (one.history["forgone"]["conv1"] for one in (record, dense))
    assert any(expected)
    assert forgone == pytest.approx(expected, abs=2)


def test_a_network_on_the_mask_of_another_is_sparse(tmp_path, monkeypatch):
    store = RunStore(tmp_path / "sources")
    first = MASKED.replace(epochs=1)
    train(first, store=store, device="cpu")
    config = MASKED.replace(
        pruning="none", density=1.0, start="mask", source=first.as_source, epochs=2
    )
    record, dense = both_ways(config, tmp_path, monkeypatch, fallback=store)
    assert record.provenance["modes"] == {"frozen": 2}
    assert outcome(record)[1] == outcome(dense)[1]
    assert outcome(record)[0] == pytest.approx(outcome(dense)[0], rel=1e-4)


def both_ways(config, folder, monkeypatch, fallback=None):
    """Return a run's record with sparse products where they pay, and with dense ones alone."""
    record = train(config, store=RunStore(folder / "sparse", fallback=fallback), device="cpu")
    dense_always(monkeypatch)
    dense = train(config, store=RunStore(folder / "dense", fallback=fallback), device="cpu")
    assert dense.provenance["modes"] == {"dense": config.epochs}
    return record, dense


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
