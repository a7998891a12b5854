"""What all optimizers are: checked, and citizens of torch.optim."""

import copy
import math
from functools import partial

import numpy as np
import pytest
import torch
from helpers.objectives import MAKE, SETTINGS, assert_same_steps, every, layouts, normal, parameter
from torch import nn

from lcs.optim import FULL_PRECISION, SGD, BetaLasso, ProximalL1, Spred, replace_parameter


def with_gradient(count=1):
    return [parameter(normal(50), normal(50, seed=1)) for _ in range(count)]


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
def test_sgd_is_that_of_torch_bit_for_bit(momentum, weight_decay, dtype):
    settings = {"lr": 0.1, "momentum": momentum, "weight_decay": weight_decay}
    assert_same_steps(*(partial(make, **settings) for make in (SGD, torch.optim.SGD)), dtype)


@every
def test_a_parameter_without_gradient_is_untouched(make):
    still, (moving,) = parameter(normal(50)), with_gradient()
    make([still, moving]).step()
    make([still]).step()  # nothing has a gradient
    assert torch.equal(still.detach(), normal(50))
    assert not torch.equal(moving.detach(), normal(50))


@pytest.mark.parametrize("setting", SETTINGS)
def test_gradients_are_never_written(setting):
    lr, l1, beta = setting
    params = [parameter(*pair) for pair in layouts(torch.float32)]
    grads = [param.grad for param in params]
    copies = [grad.clone() for grad in grads]
    BetaLasso(params, lr=lr, l1=l1, beta=beta).step()
    ProximalL1(params, lr=lr, l1=l1).step()
    SGD(params, lr=lr, momentum=0.9, weight_decay=0.1).step()
    assert all(param.grad is grad for param, grad in zip(params, grads, strict=True))
    assert all(map(torch.equal, grads, copies))


# What is refused

BAD = [-0.1, math.nan, math.inf, -math.inf, True, "0.1", 1j, [0.1], torch.tensor(-1.0),
       torch.tensor([0.1, 0.2]), torch.tensor(True)]  # fmt: skip
NAMES = {BetaLasso: ("lr", "l1", "beta"), ProximalL1: ("lr", "l1"), Spred: ("lr", "l1", "momentum"),
         SGD: ("lr", "momentum", "weight_decay")}  # fmt: skip
CASES = [(kind, name, value) for kind, names in NAMES.items() for name in names for value in BAD]


@pytest.mark.parametrize(
    ("kind", "name", "value"), [*CASES, *((BetaLasso, "frozen_zeros", bad) for bad in (1, "yes"))]
)
def test_bad_hyperparameters_are_refused_by_name(kind, name, value):
    params = with_gradient(2)
    with pytest.raises(ValueError, match=f"^{name}: "):
        kind(params, **{name: value})
    optimizer = next(make for make in MAKE.values() if make.func is kind)(params[:1])
    with pytest.raises(ValueError, match=f"^{name}: "):
        optimizer.add_param_group({"params": params[1:], name: value})
    assert len(optimizer.param_groups) == 1
    state = copy.deepcopy(before := optimizer.state_dict())
    state["param_groups"][0][name] = value
    with pytest.raises(ValueError, match=f"^{name}: "):
        optimizer.load_state_dict(state)
    assert optimizer.state_dict() == before


@every
def test_sparse_gradients_are_refused_by_name(make):
    table = nn.Embedding(10, 3, sparse=True)
    table(torch.tensor([1, 2])).sum().backward()
    before = table.weight.detach().clone()
    with pytest.raises(RuntimeError, match=f"^{make.func.__name__} .*sparse"):
        make(table.parameters()).step()
    assert torch.equal(table.weight.detach(), before)


def test_what_is_missing_is_named_unless_groups_bring_it():
    weights = [parameter(torch.ones(3)) for _ in range(3)]
    for settings, missing in (({}, "l1, beta"), ({"l1": 2e-5}, "beta"), ({"beta": 50}, "l1")):
        with pytest.raises(ValueError, match=f"^{missing}: missing"):
            BetaLasso(weights, **settings)
    for make in (ProximalL1, Spred):
        with pytest.raises(ValueError, match=r"^l1: missing"):
            make(weights)
    optimizer = BetaLasso([{"params": weights[:1], "l1": 0.1, "beta": 0.5}])
    with pytest.raises(ValueError, match=r"^l1, beta: missing"):
        optimizer.add_param_group({"params": weights[1:]})
    assert len(optimizer.param_groups) == 1
    by_place = BetaLasso(weights[2:], 0.2, 0.3, 0.4).param_groups[0]
    assert [by_place[name] for name in ("lr", "l1", "beta")] == [0.2, 0.3, 0.4]


@pytest.mark.parametrize("key", ["betta", "Beta", "l1_", "lrs"])
def test_a_misspelt_key_is_refused(key):
    with pytest.raises(ValueError, match=f"^{key}: unknown; did you mean"):
        BetaLasso([{"params": with_gradient(), key: 0.1}], l1=0.01, beta=0.1)


# A citizen of torch.optim


def test_groups_have_their_own_hyperparameters():
    settings = [{"lr": 0.1, "l1": 0.02, "beta": 10.0}, {"lr": 0.3, "l1": 0.0, "beta": 3.0}, {}]
    defaults = {"lr": 0.2, "l1": 0.1, "beta": 5.0}
    together, alone = with_gradient(3), with_gradient(3)
    groups = [{"params": [p], **s} for p, s in zip(together, settings, strict=True)]
    optimizer = BetaLasso(groups[:2], **defaults)
    optimizer.add_param_group(groups[2])
    optimizer.step()
    for param, setting in zip(alone, settings, strict=True):
        BetaLasso([param], **{**defaults, **setting}).step()
    assert all(map(torch.equal, together, alone))
    assert [int((p == 0).sum()) > 0 for p in together] == [True, False, True]


@pytest.mark.parametrize("compiled", [False, True])
def test_a_copy_is_whole_and_separate(compiled):
    (param,) = with_gradient()
    optimizer = BetaLasso([param], lr=0.1, l1=0.02, beta=10, compiled=compiled)
    twin = copy.deepcopy(optimizer)
    assert twin.compiled == compiled
    twin.load_state_dict(BetaLasso(with_gradient(), lr=0.1, l1=0.02, beta=10).state_dict())
    assert twin.compiled == compiled, "how to compute is not part of the state"
    [copied] = twin.param_groups[0]["params"]
    copied.grad = normal(50, seed=1)
    twin.compiled = optimizer.compiled = False
    twin.step()
    assert torch.equal(param.detach(), normal(50))
    optimizer.step()
    assert torch.equal(param, copied)


@every
def test_loading_a_state_adds_nothing(make):
    optimizer = make([parameter(normal(50))])
    before = optimizer.state_dict()
    optimizer.load_state_dict(before)
    assert optimizer.state_dict() == before
    twin = copy.deepcopy(optimizer)
    twin.add_param_group({**twin.param_groups[0], "params": [parameter(normal(5))]})
    assert twin.param_groups[1].keys() == optimizer.param_groups[0].keys()


@pytest.mark.parametrize("name", ["sgd", "beta-lasso"])
def test_weights_in_full_precision_are_loaded_as_they_were(name):
    params = [nn.Parameter(normal(50).bfloat16()) for _ in range(2)]
    first, second = (MAKE[name]([param]) for param in params)
    first.state[params[0]][FULL_PRECISION] = normal(50).float()
    params[0].grad = normal(50, seed=1).bfloat16()
    first.step()
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    ours, loaded = first.state[params[0]], second.state[params[1]]
    assert ours.keys() == loaded.keys()
    for key, value in ours.items():
        assert loaded[key].dtype == torch.float32
        assert torch.equal(loaded[key], value)


def test_a_parameter_is_replaced_with_its_state_and_given_back():
    other, old, new = with_gradient(3)
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


@every
@pytest.mark.parametrize("number", [np.float32, np.float64])
def test_numbers_of_numpy_are_numbers(make, number):
    ours, theirs = with_gradient(2)
    for param, kind in ((ours, number), (theirs, float)):
        make([param], lr=kind(0.5)).step()
    assert torch.equal(ours, theirs)
