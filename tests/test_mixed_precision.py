"""Rounded copies of the weights: the same bits as autocast, and nothing left behind."""

from contextlib import nullcontext

import pytest
import torch

from lcs import mixed_precision, models
from lcs.config import Config
from lcs.mixed_precision import bf16_weights
from lcs.optim import FULL_PRECISION, SGD, BetaLasso, ProximalL1
from lcs.runs import RunStore
from lcs.sparse import sparse_first_layer
from lcs.train import train

BASE = Config(dataset="digits", epochs=3, batch_size=128, precision="bf16")
LASSO = BASE.replace(optimizer="beta-lasso", l1=2e-3, beta=10.0)


def s_fc():
    torch.manual_seed(0)
    return models.build("s-fc", num_classes=10, image_size=8, in_channels=1, base_channels=2)


@pytest.mark.parametrize(
    "config",
    [
        BASE,
        LASSO,
        LASSO.replace(frozen_zeros=True),
        LASSO.replace(l1_growth=0.5),
        LASSO.replace(beta=0.0, loss="bce"),
        BASE.replace(momentum=0.9, weight_decay=5e-4),
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


def test_the_copy_follows_the_weight():
    net = s_fc()
    weight = net.conv1.weight
    optimizer = BetaLasso(net.parameters(), lr=0.1, l1=1e-3, beta=20)
    with bf16_weights(net, optimizer):
        copy = net.conv1.weight
        assert copy.dtype == torch.bfloat16
        assert optimizer.state[copy][FULL_PRECISION].data_ptr() == weight.data_ptr()
        before = weight.detach().clone()
        net(torch.randn(8, 1, 8, 8, dtype=torch.bfloat16)).float().square().sum().backward()
        optimizer.step()
        assert not torch.equal(weight, before)
        assert torch.equal(copy, weight.bfloat16())


def test_nothing_is_left_behind_even_after_an_error():
    net = s_fc()
    optimizer = BetaLasso(net.parameters(), lr=0.1)
    weights = list(net.parameters())
    with pytest.raises(KeyboardInterrupt):
        _interrupted(net, optimizer)
    assert all(a is b for a, b in zip(net.parameters(), weights, strict=True))
    assert all(a is b for a, b in zip(optimizer.param_groups[0]["params"], weights, strict=True))
    assert not optimizer.state


def _interrupted(net, optimizer):
    with bf16_weights(net, optimizer):
        raise KeyboardInterrupt


def test_momentum_stays_with_the_weights():
    net = s_fc()
    optimizer = SGD(net.parameters(), lr=0.1, momentum=0.9)
    for _ in range(2):
        with bf16_weights(net, optimizer):
            net(torch.randn(8, 1, 8, 8, dtype=torch.bfloat16)).float().square().sum().backward()
            optimizer.step()
    assert optimizer.state.keys() == set(net.parameters())
    for weight, state in optimizer.state.items():
        assert state.keys() == {"momentum_buffer"}
        assert state["momentum_buffer"].dtype == weight.dtype == torch.float32


def test_other_optimizers_keep_autocast():
    net = s_fc()
    with bf16_weights(net, ProximalL1(net.parameters(), lr=0.1)):
        assert net.conv1.weight.dtype == torch.float32


@pytest.mark.parametrize("mode", ["exact", "frozen"])
def test_a_wrong_order_is_refused_before_anything_is_lost(mode):
    """A sparse layer cannot be made of rounded copies, nor a copy of a copy."""
    net = s_fc()
    optimizer = BetaLasso(net.parameters(), lr=0.1, frozen_zeros=mode == "frozen")
    before = [weight.detach().clone() for weight in net.parameters()]
    weights = list(net.parameters())
    for inner in (sparse_first_layer(net, optimizer, mode), bf16_weights(net, optimizer)):
        with (
            pytest.raises(RuntimeError, match="rounded copy"),
            bf16_weights(net, optimizer),
            inner,
        ):
            pass
    assert all(a is b for a, b in zip(net.parameters(), weights, strict=True))
    assert all(map(torch.equal, net.parameters(), before))
    assert all(a is b for a, b in zip(optimizer.param_groups[0]["params"], weights, strict=True))
