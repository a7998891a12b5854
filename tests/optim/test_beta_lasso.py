"""β-LASSO beside the paper's own notation, at the edges of the algorithm, and what it warns of."""

import math
import warnings
from functools import partial

import pytest
import torch
from helpers.objectives import DTYPES, SETTINGS, assert_same_steps, normal, parameter, quadratic
from torch import nn

from lcs.optim import BetaLasso, algorithm_1


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("relative", [False, True])
@pytest.mark.parametrize("frozen", [False, True])
def test_states_are_those_of_algorithm_1(frozen, relative, setting):
    """The optimizer sees several parameters, the paper's notation one vector."""
    lr, l1, beta = setting
    gradient, start = quadratic()
    λ = l1 * (3 * normal(*start.shape, seed=1).abs() if relative else torch.ones_like(start))
    params = [parameter(piece) for piece in start.tensor_split(3)]
    groups = [{"params": [param]} for param in params]
    for group, piece in zip(groups, λ.tensor_split(3), strict=True):
        group |= {"relative_l1": piece / l1} if relative and l1 else {}
    optimizer = BetaLasso(groups, lr=lr, l1=l1, beta=beta, frozen_zeros=frozen)
    θ, zeros = start, 0
    for _ in range(30):
        grads = gradient(torch.cat(params).detach()).tensor_split(3)
        for param, grad in zip(params, grads, strict=True):
            param.grad = grad
        optimizer.step()
        free = algorithm_1(gradient, θ, λ, beta, lr, 1)
        θ = torch.where(θ == 0, θ, free) if frozen and beta * l1 else free
        state = torch.cat(params).detach()
        assert torch.equal(state == 0, θ == 0)
        torch.testing.assert_close(state, θ, rtol=1e-12, atol=1e-13)
        zeros += int((θ == 0).sum())
    assert (zeros > 0) == (beta * l1 > 0)
    if not frozen:
        torch.testing.assert_close(algorithm_1(gradient, start, λ, beta, lr, 30), θ)


def test_algorithm_1_by_hand():
    θ = torch.tensor([1.0, -1.0, 0.3, -0.1, 0.0, 0.0], dtype=torch.float64)
    gradient = torch.tensor([0.0, 0.0, 1.0, 0.0, 1.0, -4.0], dtype=torch.float64)
    result = algorithm_1(lambda _: gradient, θ, λ=0.5, β=0.5, η=0.1, τ=1)
    # steps to 0.95, -0.95, 0.15, -0.05, -0.1 and 0.4; what is below 0.25 becomes zero
    expected = torch.tensor([0.95, -0.95, 0.0, 0.0, 0.0, 0.4], dtype=torch.float64)
    torch.testing.assert_close(result, expected)
    assert θ[0] == 1.0
    # what is exactly at 0.25 stays
    edge = torch.tensor([0.25, -0.25, math.nextafter(0.25, 0)], dtype=torch.float64)
    kept = algorithm_1(torch.zeros_like, edge, λ=0.5, β=0.5, η=0.0, τ=1)
    assert kept.tolist() == [0.25, -0.25, 0.0]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("l1", "beta"), [(0.25, 3.0), (4e-4, 50.0), (2e-5, 50.0), (0.1, 0.1)])
def test_a_weight_at_the_threshold_stays(dtype, l1, beta):
    threshold = torch.tensor(beta * l1, dtype=dtype)
    below = torch.nextafter(threshold, torch.zeros_like(threshold))
    above = torch.nextafter(threshold, torch.ones_like(threshold))
    values = torch.stack([threshold, -threshold, below, -below, above, -above])
    param = parameter(values, torch.zeros_like(values))
    BetaLasso([param], lr=1e-30, l1=l1, beta=beta).step()
    zeroed = torch.tensor([False, False, True, True, False, False])
    assert torch.equal(param.detach(), values.masked_fill(zeroed, 0))


def test_a_weight_at_its_own_threshold_stays():
    """With `relative_l1`: here βλ is 1/2, 1 and 1/4, and the step ends where it began."""
    relative, below = torch.tensor([[1.0], [2.0], [0.5]]).repeat(1, 4), 1 - 2.0**-20
    before = 0.5 * relative * torch.tensor([1.0, -1.0, below, -below])
    param = parameter(before, -0.25 * relative * before.sign())
    BetaLasso([{"params": [param], "relative_l1": relative}], lr=0.5, l1=0.25, beta=2.0).step()
    assert torch.equal(param.detach(), before * torch.tensor([1.0, 1.0, 0.0, 0.0]))


@pytest.mark.parametrize("dtype", DTYPES)
def test_without_l1_it_is_sgd_bit_for_bit(dtype):
    ours = partial(BetaLasso, lr=0.1, l1=0.0, beta=50.0)
    assert_same_steps(ours, partial(torch.optim.SGD, lr=0.1, foreach=False), dtype)


def test_hyperparameters_may_be_tensors_that_change():
    l1, beta = torch.tensor(0.25), torch.tensor(1.0)
    param = parameter(torch.tensor([0.3, 0.6, 1.2]), torch.zeros(3))
    optimizer = BetaLasso([param], lr=1e-9, l1=l1, beta=beta)
    for which, value, left in ((l1, 0.25, 3), (beta, 2, 2), (l1, 0.5, 1)):
        which.fill_(value)
        optimizer.step()
        assert param.count_nonzero() == left


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_neither_threshold_nor_frozen_zeros_hide_a_bad_gradient(value, compiled):
    grad = torch.tensor([value, value, 1.0, 0.0])
    for frozen in (False, True):
        param = parameter(torch.tensor([0.0, 1.0, 0.0, 0.0]), grad)
        optimizer = BetaLasso([param], lr=0.1, l1=0.01, beta=1.0, frozen_zeros=frozen)
        torch._dynamo.reset()
        (torch.compile(optimizer.step, backend="eager") if compiled else optimizer.step)()
        assert param.isfinite().tolist() == [False, False, True, True]
        assert bool(param[2]) != frozen


@pytest.mark.parametrize(
    "relative",
    [2.0, torch.ones(3), torch.full((50,), -1.0), torch.full((50,), math.nan), None],
    ids=["a number", "another shape", "negative", "not finite", "two parameters"],
)
def test_a_relative_l1_that_does_not_fit_is_refused(relative):
    params = [parameter(normal(50)) for _ in range(1 if relative is not None else 2)]
    group = {"params": params, "relative_l1": torch.ones(50) if relative is None else relative}
    with pytest.raises(ValueError, match=r"^relative_l1: "):
        BetaLasso([group], l1=0.1, beta=1)


def test_relative_l1_is_loaded_to_the_device_of_its_weights():
    param, away = parameter(normal(50)), parameter(normal(50).to("meta"))
    here = BetaLasso([{"params": [param], "relative_l1": torch.ones(50)}], l1=0.02, beta=0)
    there = BetaLasso([{"params": [away], "relative_l1": torch.zeros(50)}], l1=0.02, beta=0)
    there.load_state_dict(here.state_dict())
    assert there.param_groups[0]["relative_l1"].device == away.device
    state = here.state_dict()
    state["param_groups"][0] |= {"lr": 0.9, "relative_l1": torch.ones(3)}
    with pytest.raises(ValueError, match=r"^relative_l1: "):
        here.load_state_dict(state)
    assert here.param_groups[0]["lr"] == 0.1, "nothing of it is taken"


# What it warns of


def test_it_warns_of_each_layer_that_the_first_step_empties():
    large, small = parameter(torch.tensor([-0.5, 0.1])), parameter(torch.tensor([[-0.25, 0.1]]))
    with pytest.warns(UserWarning, match=r"largest weight, 0.25: .* parameter \(1, 2\)") as caught:
        BetaLasso([large, small], l1=0.1, beta=3)
    optimizer = BetaLasso([large], l1=0.1, beta=3)
    with pytest.warns(UserWarning, match=r"^beta \* l1 = 0\.3 exceeds") as later:
        optimizer.add_param_group({"params": [small]})
    assert [warning.filename for warning in (*caught, *later)] == [__file__] * 2
    small.grad = torch.zeros(1, 2)
    optimizer.step()
    assert small.count_nonzero() == 0, "the warning is to be true"


@pytest.mark.parametrize(("l1", "beta"), [(0.25, 2.0), (0.2, 2.0), (0.25, 0.0), (0.0, 50.0)])
def test_it_does_not_warn_up_to_the_largest_weight_nor_without_weights(l1, beta):
    with warnings.catch_warnings(action="error"):
        BetaLasso([parameter(torch.tensor([0.1, -0.5])), parameter(torch.zeros(3))], l1, l1, beta)
        BetaLasso([parameter(torch.empty(0)), nn.Parameter(torch.empty(3, device="meta"))], 1, 1, 9)


@pytest.mark.parametrize("key", ["weight_decay", "momentum", "dampening"])
def test_what_would_do_nothing_is_warned_of(key):
    group = {"params": [parameter(torch.ones(3))], key: 0.1}
    with pytest.warns(UserWarning, match=f"^{key}: does nothing in BetaLasso") as caught:
        optimizer = BetaLasso([group], l1=0.01, beta=1.0)
    assert [warning.filename for warning in caught] == [__file__]
    with pytest.raises(UserWarning, match=f"^{key}: "):
        optimizer.add_param_group({"params": [parameter(torch.ones(3))], key: 0.1})
    assert len(optimizer.param_groups) == 1, "refused, warnings being errors"
