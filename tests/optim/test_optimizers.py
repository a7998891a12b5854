"""What all optimizers are: checked, and citizens of torch.optim."""

import copy
import json
import math
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from helpers.objectives import (
    SETTINGS,
    assert_same_steps,
    gradient_of,
    layouts,
    normal,
    parameter,
    quadratic,
)
from torch import Tensor, nn
from torch.optim.lr_scheduler import CosineAnnealingLR

from lcs.optim import (
    FULL_PRECISION,
    SGD,
    BetaLasso,
    ProximalL1,
    Spred,
    algorithm_1,
    replace_parameter,
)

OPTIMIZERS = {"beta-lasso": BetaLasso, "proximal-l1": ProximalL1, "sgd": SGD, "spred": Spred}
SOME: dict[str, dict[str, float]] = {
    "beta-lasso": {"lr": 0.1, "l1": 0.02, "beta": 0.0},
    "proximal-l1": {"lr": 0.1, "l1": 0.02},
    "sgd": {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.02},
    "spred": {"lr": 0.1, "l1": 0.02, "momentum": 0.9},
}


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
def test_sgd_is_that_of_torch_bit_for_bit(
    momentum: float, weight_decay: float, dtype: torch.dtype
) -> None:
    ours, theirs = (
        partial(make, lr=0.1, momentum=momentum, weight_decay=weight_decay)
        for make in (SGD, torch.optim.SGD)
    )
    assert_same_steps(ours, theirs, dtype)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_parameter_without_gradient_is_untouched(name: str) -> None:
    still, moving = parameter(normal(30)), parameter(normal(30), normal(30, seed=1))
    optimizer = OPTIMIZERS[name]([still, moving], **SOME[name])
    for group in optimizer.param_groups:
        group["beta"] = 10.0
    optimizer.step()
    assert torch.equal(still.detach(), normal(30))
    assert not torch.equal(moving.detach(), normal(30))
    still.grad = moving.grad = None
    before = moving.detach().clone()
    optimizer.step()  # nothing has a gradient
    assert torch.equal(moving.detach(), before)


@pytest.mark.parametrize("setting", SETTINGS)
def test_gradients_are_never_written(setting: tuple[float, float, float]) -> None:
    lr, l1, beta = setting
    params = [parameter(*pair) for pair in layouts(torch.float32)]
    optimizers = [
        BetaLasso(params, lr=lr, l1=l1, beta=beta),
        ProximalL1(params, lr=lr, l1=l1),
        SGD(params, lr=lr, momentum=0.9, weight_decay=0.1),
    ]
    grads = [param.grad for param in params]
    copies = [grad.clone() for grad in grads if grad is not None]
    for optimizer in optimizers:
        optimizer.step()
    for param, grad, values in zip(params, grads, copies, strict=True):
        assert param.grad is grad
        assert torch.equal(grad, values)


# What is refused


BAD = [
    -0.1,
    math.nan,
    math.inf,
    -math.inf,
    True,
    "0.1",
    1j,
    [0.1],
    torch.tensor(-1.0),
    torch.tensor([0.1, 0.2]),
    torch.tensor(True),
]


@pytest.mark.parametrize("value", BAD, ids=str)
@pytest.mark.parametrize(
    ("optimizer", "name"),
    [("beta-lasso", name) for name in ("lr", "l1", "beta")]
    + [("proximal-l1", name) for name in ("lr", "l1")]
    + [("sgd", name) for name in ("lr", "momentum", "weight_decay")],
)
def test_bad_hyperparameters_are_refused_by_name(optimizer: str, name: str, value: object) -> None:
    make: Any = OPTIMIZERS[optimizer]
    param = parameter(normal(3))
    with pytest.raises(ValueError, match=f"^{name}: "):
        make([param], **{name: value})
    with pytest.raises(ValueError, match=f"^{name}: "):
        make([{"params": [param], name: value}])
    result = make([param], **SOME[optimizer])
    with pytest.raises(ValueError, match=f"^{name}: "):
        result.add_param_group({"params": [parameter(normal(3))], name: value})
    assert len(result.param_groups) == 1


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_sparse_gradients_are_refused_by_name(name: str) -> None:
    table = nn.Embedding(10, 3, sparse=True)
    table(torch.tensor([1, 2])).sum().backward()
    before = table.weight.detach().clone()
    optimizer = OPTIMIZERS[name](table.parameters(), **SOME[name])
    with pytest.raises(RuntimeError, match=f"^{type(optimizer).__name__} .*sparse"):
        optimizer.step()
    assert torch.equal(table.weight.detach(), before)


# A citizen of torch.optim


def test_groups_have_their_own_hyperparameters() -> None:
    settings = [{"lr": 0.1, "l1": 0.02, "beta": 10.0}, {"lr": 0.3, "l1": 0.0, "beta": 3.0}, {}]
    defaults: Any = {"lr": 0.2, "l1": 0.1, "beta": 5.0}
    together, alone = ([parameter(normal(50), normal(50, seed=1)) for _ in range(3)] for _ in "ab")
    groups = [{"params": [p], **s} for p, s in zip(together, settings, strict=True)]
    optimizer = BetaLasso(groups[:2], **defaults)
    optimizer.add_param_group(groups[2])
    optimizer.step()
    for param, setting in zip(alone, settings, strict=True):
        BetaLasso([param], **{**defaults, **setting}).step()
    assert all(torch.equal(*pair) for pair in zip(together, alone, strict=True))
    assert [int((p == 0).sum()) > 0 for p in together] == [True, False, True]


@pytest.mark.parametrize("tensor", [False, True], ids=["number", "tensor"])
def test_learning_rate_schedules(tensor: bool) -> None:
    objective, start = quadratic(0)
    gradient = gradient_of(objective)
    param = parameter(start)
    rate: Any = torch.tensor(0.1, dtype=torch.float64) if tensor else 0.1
    optimizer = BetaLasso([param], lr=rate, l1=0.02, beta=10)
    schedule = CosineAnnealingLR(optimizer, T_max=20)
    θ = start
    for step in range(20):
        param.grad = gradient(param)
        optimizer.step()
        schedule.step()
        θ = algorithm_1(gradient, θ, 0.02, 10, 0.05 * (1 + math.cos(math.pi * step / 20)), 1)
        torch.testing.assert_close(param.detach(), θ, rtol=1e-11, atol=1e-12)
    assert float(optimizer.param_groups[0]["lr"]) == pytest.approx(0, abs=1e-12)


def test_hyperparameters_may_be_tensors_that_change() -> None:
    l1, beta = torch.tensor(0.25), torch.tensor(1.0)
    param = parameter(torch.tensor([0.3, 0.6, 1.2]), torch.zeros(3))
    optimizer = BetaLasso([param], lr=1e-9, l1=l1, beta=beta)  # type: ignore[arg-type]
    optimizer.step()
    assert param.count_nonzero() == 3
    beta.fill_(2)
    optimizer.step()
    assert param.count_nonzero() == 2
    l1.fill_(0.5)
    optimizer.step()
    assert param.count_nonzero() == 1


def test_state_dict_round_trip() -> None:
    """Through JSON: an optimizer without state of its own has nothing else to keep."""

    def make(lr: float, l1: float, beta: float, **path: bool) -> tuple[list[Tensor], BetaLasso]:
        params = [parameter(normal(50, seed=s), normal(50, seed=s + 5)) for s in range(2)]
        groups = [{"params": params[:1], "l1": l1 / 2}, {"params": params[1:]}]
        return params, BetaLasso(groups, lr=lr, l1=l1, beta=beta, **path)

    first_params, first = make(0.1, 0.02, 10.0)
    second_params, second = make(0.7, 0.1, 0.0, compiled=True)
    second.load_state_dict(json.loads(json.dumps(first.state_dict())))
    for name in ("lr", "l1", "beta"):
        assert [g[name] for g in second.param_groups] == [g[name] for g in first.param_groups]
    assert second.compiled, "how to compute is not part of the state"
    second.compiled = False
    first.step()
    second.step()
    assert all(torch.equal(*pair) for pair in zip(first_params, second_params, strict=True))


@pytest.mark.parametrize("compiled", [False, True])
def test_a_copy_is_whole_and_separate(compiled: bool) -> None:
    param = parameter(normal(50), normal(50, seed=1))
    optimizer = BetaLasso([param], lr=0.1, l1=0.02, beta=10, compiled=compiled)
    twin = copy.deepcopy(optimizer)
    assert twin.compiled == compiled
    [copied] = twin.param_groups[0]["params"]
    copied.grad = normal(50, seed=1)
    twin.compiled = optimizer.compiled = False
    twin.step()
    assert torch.equal(param.detach(), normal(50))
    optimizer.step()
    assert torch.equal(param, copied)


def test_a_parameter_is_replaced_with_its_state_and_given_back() -> None:
    old, new, other = (parameter(normal(5), normal(5, seed=1)) for _ in range(3))
    optimizer = SGD([{"params": [other]}, {"params": [old], "lr": 0.5}], momentum=0.9)
    optimizer.step()
    state = dict(optimizer.state[old])
    for here, there in ((old, new), (new, old)):
        assert replace_parameter(optimizer, here, there)["lr"] == 0.5
        assert optimizer.param_groups[1]["params"] == [there]
        assert optimizer.state[there] == state
        assert here not in optimizer.state
    with pytest.raises(RuntimeError, match="does not hold"):
        replace_parameter(optimizer, new, old)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_closures(name: str) -> None:
    objective, start = quadratic(0)
    params = [parameter(start), parameter(start)]
    with_closure, without = (OPTIMIZERS[name]([p], **SOME[name]) for p in params)

    def closure() -> float:
        with_closure.zero_grad()
        loss = objective(params[0])
        loss.backward()
        return loss.item()

    loss = objective(params[1])
    loss.backward()
    assert without.step() is None
    assert with_closure.step(closure) == loss.item()
    assert torch.equal(*params)
    assert not torch.equal(params[0].detach(), start)


@pytest.mark.parametrize("name", ["sgd", "beta-lasso"])
def test_weights_in_full_precision_are_loaded_as_they_were(name: str) -> None:
    params = [nn.Parameter(normal(50).bfloat16()) for _ in range(2)]
    first, second = (OPTIMIZERS[name]([param], **SOME[name]) for param in params)
    first.state[params[0]][FULL_PRECISION] = normal(50).float()
    for _ in range(2):
        params[0].grad = normal(50, seed=1).bfloat16()
        first.step()
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    ours, loaded = first.state[params[0]], second.state[params[1]]
    assert ours.keys() == loaded.keys()
    for key, value in ours.items():
        assert loaded[key].dtype == torch.float32
        assert torch.equal(loaded[key], value)


def test_a_state_of_torchs_sgd_can_be_loaded() -> None:
    param = parameter(normal(50), normal(50, seed=1))
    optimizer = BetaLasso([param], lr=0.5, l1=0.02, beta=0.0)
    optimizer.load_state_dict(torch.optim.SGD([parameter(normal(50))], lr=0.1).state_dict())
    assert optimizer.param_groups[0]["lr"] == 0.1
    assert optimizer.param_groups[0]["l1"] == 0.02, "its own default"
    optimizer.step()


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_bad_state_is_refused_and_changes_nothing(name: str) -> None:
    optimizer = OPTIMIZERS[name]([parameter(normal(50))], **SOME[name])
    state = copy.deepcopy(before := optimizer.state_dict())
    state["param_groups"][0]["lr"] = -0.1
    with pytest.raises(ValueError, match="lr"):
        optimizer.load_state_dict(state)
    assert optimizer.state_dict() == before


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_groups_may_have_names(name: str) -> None:
    group = {"params": [parameter(normal(5))], "name": "first"}
    optimizer = OPTIMIZERS[name]([group], **SOME[name])
    assert optimizer.param_groups[0]["name"] == "first"


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_loading_a_state_adds_nothing(name: str) -> None:
    optimizer = OPTIMIZERS[name]([parameter(normal(50))], **SOME[name])
    before = optimizer.state_dict()
    optimizer.load_state_dict(before)
    assert optimizer.state_dict() == before
    twin = copy.deepcopy(optimizer)
    twin.add_param_group({**twin.param_groups[0], "params": [parameter(normal(5))]})
    assert twin.param_groups[1].keys() == optimizer.param_groups[0].keys()


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_numbers_of_numpy_are_numbers(name: str) -> None:
    ours, theirs = (parameter(normal(5), normal(5, seed=1)) for _ in range(2))
    as_numpy = {key: np.float64(value) for key, value in SOME[name].items()}
    OPTIMIZERS[name]([ours], **as_numpy).step()
    OPTIMIZERS[name]([theirs], **SOME[name]).step()
    assert torch.equal(ours, theirs)
    OPTIMIZERS[name]([ours], **SOME[name] | {"lr": np.float32(0.5)})


def test_sgd_without_momentum_keeps_no_state() -> None:
    param = parameter(normal(50), torch.full_like(normal(50), math.inf))
    optimizer = SGD([param], lr=0.1, weight_decay=0.02)
    optimizer.step()
    param.data, param.grad = normal(50), normal(50, seed=1)
    optimizer.step()
    assert not optimizer.state_dict()["state"].get(0)
    theirs = parameter(normal(50), normal(50, seed=1))
    torch.optim.SGD([theirs], lr=0.1, weight_decay=0.02).step()
    assert torch.equal(param, theirs)
