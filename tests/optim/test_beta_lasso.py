"""β-LASSO beside the paper's own notation, at the edges of the algorithm, and what it warns of."""

import math
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
import torch.distributed as dist
import torch.nn.functional as F
from helpers.objectives import (
    DTYPES,
    SETTINGS,
    assert_same_steps,
    gradient_of,
    normal,
    parameter,
    quadratic,
    small_net,
)
from torch import nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.tensor import distribute_tensor

from lcs.optim import BetaLasso, algorithm_1

# Beside Algorithm 1


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("problem", [quadratic, small_net])
@pytest.mark.parametrize("seed", [0, 1])
def test_states_are_those_of_algorithm_1(
    setting: tuple[float, float, float], problem: Callable[[int], Any], seed: int
) -> None:
    lr, l1, beta = setting
    objective, start = problem(seed)
    gradient = gradient_of(objective)
    # the optimizer sees several parameters, the paper's notation one vector
    params = [parameter(piece) for piece in start.tensor_split(3)]
    optimizer = BetaLasso(params, lr=lr, l1=l1, beta=beta)
    θ, zeros = start, 0
    for _ in range(30):
        optimizer.zero_grad()
        objective(torch.cat(params)).backward()
        optimizer.step()
        θ = algorithm_1(gradient, θ, l1, beta, lr, 1)
        state = torch.cat(params).detach()
        assert torch.equal(state == 0, θ == 0)
        torch.testing.assert_close(state, θ, rtol=1e-12, atol=1e-13)
        zeros += int((θ == 0).sum())
    assert (zeros > 0) == (beta * l1 > 0)
    torch.testing.assert_close(algorithm_1(gradient, start, l1, beta, lr, 30), θ)


@pytest.mark.parametrize("frozen", [False, True])
@pytest.mark.parametrize("setting", SETTINGS)
def test_relative_l1_is_algorithm_1_with_a_lambda_for_each_weight(
    setting: tuple[float, float, float], frozen: bool
) -> None:
    lr, l1, beta = setting
    objective, start = small_net(0)
    gradient, relative = gradient_of(objective), 3 * normal(*start.shape, seed=1).abs()
    param = parameter(start)
    groups = [{"params": [param], "relative_l1": relative}]
    optimizer = BetaLasso(groups, lr=lr, l1=l1, beta=beta, frozen_zeros=frozen)
    θ = start
    for _ in range(30):
        optimizer.zero_grad()
        objective(param).backward()
        optimizer.step()
        free = algorithm_1(gradient, θ, l1 * relative, beta, lr, 1)
        θ = torch.where(θ == 0, θ, free) if frozen and beta * l1 else free
        assert torch.equal(param == 0, θ == 0)
        torch.testing.assert_close(param.detach(), θ, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("setting", SETTINGS)
def test_frozen_zeros_stay_and_the_rest_is_algorithm_1(setting: tuple[float, float, float]) -> None:
    lr, l1, beta = setting
    objective, start = small_net(0)
    gradient = gradient_of(objective)
    start[::7] = 0
    param = parameter(start)
    optimizer = BetaLasso([param], lr=lr, l1=l1, beta=beta, frozen_zeros=True)
    θ = start
    for _ in range(30):
        optimizer.zero_grad()
        objective(param).backward()
        optimizer.step()
        free = algorithm_1(gradient, θ, l1, beta, lr, 1)
        θ = torch.where(θ == 0, θ, free) if beta * l1 else free  # no threshold, nothing to freeze
        torch.testing.assert_close(param.detach(), θ, rtol=1e-12, atol=1e-13)
    assert bool((θ[::7] == 0).all()) == (beta * l1 > 0)


def test_algorithm_1_by_hand() -> None:
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


# Edges of the algorithm


def test_relative_l1_is_loaded_to_the_device_of_its_weights() -> None:
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


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("l1", "beta"), [(0.25, 3.0), (4e-4, 50.0), (2e-5, 50.0), (0.1, 0.1)])
def test_a_weight_at_the_threshold_stays(dtype: torch.dtype, l1: float, beta: float) -> None:
    threshold = torch.tensor(beta * l1, dtype=dtype)
    below = torch.nextafter(threshold, torch.zeros_like(threshold))
    above = torch.nextafter(threshold, torch.ones_like(threshold))
    values = torch.stack([threshold, -threshold, below, -below, above, -above])
    param = parameter(values, torch.zeros_like(values))
    BetaLasso([param], lr=1e-30, l1=l1, beta=beta).step()
    zeroed = torch.tensor([False, False, True, True, False, False])
    assert torch.equal(param.detach(), values.masked_fill(zeroed, 0))


@pytest.mark.parametrize("dtype", DTYPES)
def test_without_l1_it_is_sgd_bit_for_bit(dtype: torch.dtype) -> None:
    ours = partial(BetaLasso, lr=0.1, l1=0.0, beta=50.0)
    assert_same_steps(ours, partial(torch.optim.SGD, lr=0.1, foreach=False), dtype)


def test_what_is_not_a_number_is_not_hidden_by_the_threshold() -> None:
    param = parameter(torch.ones(3), torch.tensor([1.0, float("nan"), 1.0]))
    BetaLasso([param], lr=0.1, l1=0.1, beta=2).step()
    assert torch.isnan(param).tolist() == [False, True, False]


@pytest.mark.parametrize("value", [1, "yes"])
def test_frozen_zeros_are_true_or_false(value: object) -> None:
    with pytest.raises(ValueError, match=r"frozen_zeros: .* is neither True nor False"):
        BetaLasso([parameter(torch.ones(2))], l1=0, beta=0, frozen_zeros=value)  # type: ignore[arg-type]


def test_the_dead_zone() -> None:
    """A zero weight comes back only if one step carries it to the threshold: lr |g| >= beta l1."""
    lr, l1, beta = 0.5, 0.125, 2.0  # exact in binary
    edge = torch.tensor([0.5, -0.5, math.nextafter(0.5, 0)], dtype=torch.float64)
    grad = torch.cat([normal(500), edge])
    param, alive = parameter(torch.zeros_like(grad), grad), parameter(torch.ones(1))
    BetaLasso([param, alive], lr=lr, l1=l1, beta=beta).step()
    leaves = lr * grad.abs() >= beta * l1
    assert leaves[-3:].tolist() == [True, True, False]
    assert torch.equal(param.detach(), torch.where(leaves, -lr * grad, 0.0))


# The warning


def caught_at_construction(*args: Any, **kwargs: Any) -> list[warnings.WarningMessage]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        BetaLasso(*args, **kwargs)
    return caught


def test_it_warns_where_the_first_step_empties_a_group() -> None:
    large, small = parameter(torch.tensor([-0.5, 0.1])), parameter(torch.tensor([-0.25, 0.1]))
    [warning] = caught_at_construction([{"params": [large]}, {"params": [small]}], l1=0.1, beta=3)
    assert issubclass(warning.category, UserWarning)
    assert str(warning.message).startswith("beta * l1 = 0.3 exceeds the largest weight, 0.25: ")
    assert warning.filename == __file__
    optimizer = BetaLasso([large], l1=0.1, beta=3)
    with pytest.warns(UserWarning, match=r"exceeds the largest weight, 0\.25"):
        optimizer.add_param_group({"params": [small]})
    small.grad = torch.zeros(2)
    optimizer.step()
    assert small.count_nonzero() == 0, "the warning is to be true"


@pytest.mark.parametrize(
    ("l1", "beta"), [(0.25, 2.0), (0.2, 2.0), (0.25, 0.0), (0.0, 50.0)], ids=str
)
def test_it_does_not_warn_up_to_the_largest_weight(l1: float, beta: float) -> None:
    params = [parameter(torch.tensor([0.1, -0.5])), parameter(torch.zeros(3))]
    assert not caught_at_construction(params, l1=l1, beta=beta)


def test_a_large_weight_does_not_hide_a_layer_that_is_emptied() -> None:
    first, scale = parameter(torch.tensor([[0.01, -0.02]])), parameter(torch.ones(3))
    assert len(caught_at_construction([first, scale], l1=0.1, beta=1)) == 1


def test_it_does_not_warn_of_weights_without_values() -> None:
    for values in (torch.empty(3, device="meta"), torch.empty(0)):
        assert not caught_at_construction([nn.Parameter(values)], l1=1.0, beta=50)


# Losses


@pytest.mark.parametrize("beta", [0.0, 1.0, 50.0])
def test_mean_and_sum_over_classes_are_the_same_at_scaled_rates(beta: float) -> None:
    """BCE averaged over 10 classes with (η, λ, β) is BCE summed with (η / 10, 10 λ, β / 10)."""
    x, labels = normal(60, 12), torch.arange(60) % 10
    targets = F.one_hot(labels, 10).double()
    start = [0.3 * normal(16, 12, seed=1), 0.3 * normal(10, 16, seed=2)]
    lr, l1 = 0.5, 2e-3
    means, sums = [parameter(w) for w in start], [parameter(w) for w in start]
    runs = [
        (means, BetaLasso(means, lr=lr, l1=l1, beta=beta), 1),
        (sums, BetaLasso(sums, lr=lr / 10, l1=10 * l1, beta=beta / 10), 10),
    ]
    for _ in range(50):
        for (first, last), optimizer, factor in runs:
            logits = torch.tanh(x @ first.T) @ last.T
            loss = factor * F.binary_cross_entropy_with_logits(logits, targets)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        for mean, total in zip(means, sums, strict=True):
            assert torch.equal(mean == 0, total == 0)
            torch.testing.assert_close(mean, total, rtol=1e-11, atol=1e-12)
    assert any((weight == 0).any() for weight in means) == (beta > 0)


@pytest.mark.parametrize(
    "relative",
    [2.0, torch.ones(3), torch.full((50,), -1.0), torch.full((50,), math.nan)],
    ids=["a number", "another shape", "negative", "not finite"],
)
def test_a_relative_l1_that_does_not_fit_is_refused(relative: object) -> None:
    group = {"params": [parameter(normal(50))], "relative_l1": relative}
    with pytest.raises(ValueError, match=r"^relative_l1: "):
        BetaLasso([group], l1=0.1, beta=1)
    group = {"params": [parameter(normal(50)) for _ in range(2)], "relative_l1": torch.ones(50)}
    with pytest.raises(ValueError, match="give one tensor, of the shape of one parameter"):
        BetaLasso([group], l1=0.1, beta=1)


def test_distributed_tensors_step_as_others() -> None:
    plain = parameter(normal(50), normal(50, seed=1))
    store = dist.HashStore()
    dist.init_process_group("gloo", store=store, rank=0, world_size=1)
    try:
        mesh = init_device_mesh("cpu", (1,))
        spread = nn.Parameter(distribute_tensor(normal(50), mesh))
        spread.grad = distribute_tensor(normal(50, seed=1), mesh)
        for param in (plain, spread):
            BetaLasso([param], lr=0.1, l1=0.02, beta=10).step()
        assert torch.equal(spread.to_local(), plain)
        assert 0 < plain.count_nonzero() < 50
    finally:
        dist.destroy_process_group()


def test_a_group_that_is_refused_is_not_added() -> None:
    optimizer = BetaLasso([parameter(normal(50))], l1=0, beta=0)
    with pytest.raises(ValueError, match=r"^relative_l1: "):
        optimizer.add_param_group({"params": [parameter(normal(5))], "relative_l1": torch.ones(2)})
    assert len(optimizer.param_groups) == 1


def test_a_warning_of_a_later_group_is_its_callers() -> None:
    optimizer = BetaLasso([parameter(normal(50))], l1=0.1, beta=10)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        optimizer.add_param_group({"params": [parameter(torch.full((5,), 0.5))]})
    assert [warning.filename for warning in caught] == [__file__]
