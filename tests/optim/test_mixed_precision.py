"""Rounded copies of the weights, and products on a CPU without instructions for bfloat16."""

from contextlib import contextmanager, nullcontext
from functools import partial

import pytest
import torch
import torch.nn.functional as F

from lcs import models
from lcs.config import Config
from lcs.optim import FULL_PRECISION, SGD, BetaLasso, ProximalL1, mixed_precision
from lcs.optim.mixed_precision import bf16_products, bf16_weights
from lcs.optim.sparse_products import sparse_first_layer
from lcs.runs import RunStore
from lcs.train import train

BASE = Config(dataset="digits", epochs=2, batch_size=128, precision="bf16")
LASSO = BASE.replace(optimizer="beta-lasso", l1=2e-3, beta=10.0)


def s_fc():
    torch.manual_seed(0)
    return models.build("s-fc", num_classes=10, image_size=8, in_channels=1, base_channels=2)


def rounded(*shape):
    return torch.randn(shape).bfloat16()


@pytest.mark.parametrize(
    "config",
    [
        BASE.replace(momentum=0.9, weight_decay=5e-4),
        LASSO.replace(frozen_zeros=True),
        LASSO.replace(l1_growth=0.5),
        LASSO.replace(beta=0.0, loss="bce"),
        BASE.replace(model="s-local"),
        BASE.replace(model="s-conv", bias=True, affine=True),
    ],
    ids=lambda config: config.name,
)
def test_the_bits_are_those_of_autocast(config, tmp_path, monkeypatch):
    record = train(config, store=RunStore(tmp_path / "copies"), device="cpu")
    entered = []
    monkeypatch.setattr(
        mixed_precision, "bf16_weights", lambda *_: entered.append(1) or nullcontext()
    )
    plain = train(config, store=RunStore(tmp_path / "autocast"), device="cpu")
    assert len(entered) == config.epochs
    assert record.history == plain.history
    assert record.final == plain.final


def test_the_copy_follows_the_weight_and_momentum_stays_with_it():
    net = s_fc()
    weight, optimizer = net.conv1.weight, SGD(net.parameters(), lr=0.1, momentum=0.9)
    for _ in range(2):
        before = weight.detach().clone()
        with bf16_weights(net, optimizer):
            copy = net.conv1.weight
            assert copy.dtype == torch.bfloat16
            assert optimizer.state[copy][FULL_PRECISION].data_ptr() == weight.data_ptr()
            optimizer.zero_grad()
            net(rounded(8, 1, 8, 8)).float().square().sum().backward()
            optimizer.step()
            assert torch.equal(copy, weight.bfloat16())
        assert not torch.equal(weight, before)
        assert weight.grad.dtype == torch.float32
    with bf16_weights(net, ProximalL1(net.parameters(), lr=0.1, l1=0.0)):
        assert net.conv1.weight is weight, "other optimizers keep autocast"
    assert optimizer.state.keys() == set(net.parameters())
    for param, state in optimizer.state.items():
        assert state.keys() == {"momentum_buffer"}
        assert state["momentum_buffer"].dtype == param.dtype == torch.float32


@contextmanager
def broken(net, optimizer):
    raise RuntimeError("in the loop: no rounded copy stays")
    yield


@pytest.mark.parametrize(
    "inner", [broken, partial(sparse_first_layer, mode="frozen"), bf16_weights]
)
def test_nothing_is_left_behind_even_after_an_error(inner):
    """A sparse layer cannot be made of rounded copies, nor a copy of a copy."""
    net = s_fc()
    optimizer = BetaLasso(net.parameters(), l1=0.0, beta=0.0)
    weights, before = list(net.parameters()), [w.detach().clone() for w in net.parameters()]
    error = pytest.raises(RuntimeError, match="rounded copy")
    with error, bf16_weights(net, optimizer), inner(net, optimizer):
        pass
    for found in (list(net.parameters()), optimizer.param_groups[0]["params"]):
        assert all(a is b for a, b in zip(found, weights, strict=True))
    assert all(map(torch.equal, weights, before))
    assert not optimizer.state


def test_products_and_their_gradients_are_sums_in_float32_rounded_once(monkeypatch):
    monkeypatch.setattr(mixed_precision, "has_bf16", lambda _: False)
    torch.manual_seed(0)
    cases = {
        "linear": (F.linear, rounded(7, 40), rounded(5, 40)),
        "with bias": (F.linear, rounded(7, 40), rounded(5, 40), rounded(5)),
        "bmm": (torch.bmm, rounded(3, 5, 40), rounded(3, 40, 7)),
        "conv": (F.conv2d, rounded(2, 3, 8, 8), rounded(4, 3, 3, 3)),
    }
    for name, (product, *operands) in cases.items():
        halves = [operand.requires_grad_() for operand in operands]
        singles = [operand.detach().float().requires_grad_() for operand in operands]
        with bf16_products(torch.device("cpu")):
            result = product(*halves)
            direction = torch.randn_like(result)
            found = torch.autograd.grad(result, halves, direction)
        exact = product(*singles)
        wanted = torch.autograd.grad(exact, singles, direction.float())
        for half, single in zip((result, *found), (exact, *wanted), strict=True):
            assert half.dtype == torch.bfloat16, name
            # half a unit in the last place, and what the order of the sums may do
            assert torch.allclose(half.float(), single, rtol=2**-8, atol=1e-5), name
    with bf16_products(torch.device("cpu")):  # other numbers are left alone
        assert torch.equal(torch.ones(2, 3) @ torch.ones(3, 2), torch.full((2, 2), 3.0))
        assert (rounded(4) + rounded(4)).dtype == torch.bfloat16


@pytest.mark.parametrize("model", ["s-fc", "s-local", "s-conv"])
def test_a_run_learns_the_same_without_instructions_for_bf16(model, tmp_path, monkeypatch):
    config, losses = BASE.replace(model=model), []
    for has in (True, False):
        monkeypatch.setattr(mixed_precision, "has_bf16", lambda _, has=has: has)
        record = train(config, store=RunStore(tmp_path / str(has)), device="cpu")
        losses.append(record.history["train_loss"])
    assert losses[0] == pytest.approx(losses[1], rel=0.02)
