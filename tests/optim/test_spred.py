"""Proximal gradient descent and SGD on factors, beside the solution of the LASSO."""

import numpy as np
import pytest
import torch
from helpers.objectives import DTYPES, normal, parameter
from sklearn.linear_model import Lasso

from lcs.optim import ProximalL1, Spred


@pytest.mark.parametrize("dtype", DTYPES)
def test_proximal_l1_is_a_soft_threshold(dtype):
    lr, l1 = 0.5, 0.25
    values, grad = normal(500, dtype=dtype), normal(500, seed=1, dtype=dtype)
    values[:4] = torch.tensor([0.125, -0.125, 0.0, 0.25])
    grad[:4] = 0
    param = parameter(values, grad)
    ProximalL1([param], lr=lr, l1=l1).step()
    moved = values - lr * grad
    expected = moved.sign() * (moved.abs() - lr * l1).clamp(min=0)
    torch.testing.assert_close(param.detach(), expected)
    assert param[:4].tolist() == [0.0, 0.0, 0.0, 0.125]
    assert 20 < int((param == 0).sum()) < 200


@pytest.mark.parametrize("l1", [0.05, 0.5, 2.0])
@pytest.mark.parametrize("kind", [ProximalL1, Spred])
def test_they_solve_the_lasso(kind, l1):
    """With the mean squared error scikit-learn's alpha is l1 / 2."""
    x = normal(40, 10) + normal(40, 1, seed=10)  # correlated
    y = x[:, :3] @ torch.tensor([1.0, -2.0, 0.5]).double() + 0.3 * normal(40, seed=20)
    largest = 1 / float(torch.linalg.eigvalsh(x.T @ x / 20).max())
    param = parameter(normal(10, seed=30))
    settings = {"lr": largest} if kind is ProximalL1 else {"lr": 0.01, "momentum": 0.9}
    optimizer = kind([param], l1=l1, **settings)
    for _ in range(2000):
        param.grad = x.T @ (x @ param.detach() - y) / 20
        optimizer.step()
    lasso = Lasso(alpha=l1 / 2, fit_intercept=False, tol=1e-14, max_iter=100_000)
    solution, expected = param.detach().numpy(), lasso.fit(x.numpy(), y.numpy()).coef_
    np.testing.assert_allclose(solution, expected, rtol=0, atol=1e-4)
    assert np.any(solution)
    if kind is ProximalL1:
        assert np.array_equal(solution == 0, expected == 0)


def test_spred_is_sgd_with_weight_decay_on_the_factors():
    start, target = normal(30), normal(30, seed=1)
    difference = start.abs().mean()  # of u² and v², whose product is start²
    u = ((difference + (difference**2 + 4 * start**2).sqrt()) / 2).sqrt().requires_grad_()
    v = (start / u.detach()).requires_grad_()
    theirs = torch.optim.SGD([u, v], lr=0.05, momentum=0.9, weight_decay=0.02)
    ours = parameter(start)
    optimizer = Spred([ours], lr=0.05, l1=0.02, momentum=0.9)
    for _ in range(20):
        theirs.zero_grad()
        (u * v - target).square().sum().backward()
        theirs.step()
        ours.grad = 2 * (ours.detach() - target)
        optimizer.step()
    torch.testing.assert_close(ours.detach(), (u * v).detach())


def test_spred_moves_zeros_and_may_gain_and_lose_its_penalty():
    zero, param = (parameter(start, normal(30, seed=1)) for start in (0 * normal(30), normal(30)))
    Spred([zero], lr=0.05, l1=0.02).step()
    assert zero.detach().all()
    optimizer = Spred([param], lr=0.01, l1=0.02)
    for l1 in (0.02, *[0.0] * 30, 0.02):
        before = param.detach().clone()
        optimizer.param_groups[0]["l1"] = l1
        optimizer.step()
        assert (param.detach() - before).abs().max() < 0.1, "no factors of earlier weights"


@pytest.mark.parametrize(("make", "momentum"), [(Spred, {"momentum": 0.9}), (ProximalL1, {})])
def test_without_l1_they_are_sgd(make, momentum):
    ours, theirs = (parameter(normal(30), normal(30, seed=1)) for _ in range(2))
    sgd = torch.optim.SGD([theirs], 0.05, **momentum)
    for optimizer in (make([ours], 0.05, 0.0, **momentum), sgd):
        for _ in range(3):
            optimizer.step()
    assert torch.equal(ours, theirs)
