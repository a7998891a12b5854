"""The two laws, against steps taken by hand and by the optimizer itself."""

import math

import numpy as np
import pytest
import torch

from lcs import theory
from lcs.config import Config
from lcs.optim import BetaLasso

DESK = Config(loss="bce", optimizer="beta-lasso", l1=2e-5, beta=50.0)


def test_rates_are_those_of_every_step():
    rates = laws.rates(DESK)
    assert rates.shape == (400, 98)
    assert rates[0, 0] == 0.1
    # the mean of a cosine is half of its start
    assert rates.sum() == pytest.approx(98 * 400 * 0.05, rel=0.01)


def test_without_gradients_the_optimizer_keeps_what_the_reach_leaves():
    config = Config(dataset="digits", optimizer="beta-lasso", l1=2e-3, beta=5.0, epochs=12)
    fan_in = 64
    bound = 1 / math.sqrt(fan_in)
    weights = torch.nn.Parameter(torch.linspace(-bound, bound, 20_001, dtype=torch.float64))
    weights.grad = torch.zeros_like(weights)
    optimizer = BetaLasso([weights], lr=config.lr, l1=config.l1, beta=config.beta)
    left = []
    for epoch in laws.rates(config):
        for rate in epoch:
            optimizer.param_groups[0]["lr"] = rate
            optimizer.step()
        left.append(float((weights != 0).double().mean()))
    np.testing.assert_allclose(left, laws.remaining_share(config), atol=5e-4)
    assert 0.3 < left[-1] < left[0] < 1


def test_the_dead_zone_is_the_threshold_over_the_rate():
    zone = laws.dead_zone(DESK)
    assert zone[0] == pytest.approx(50 * 2e-5 / 0.1)
    assert (np.diff(zone) > 0).all()


def test_a_gradient_returns_a_weight_just_outside_the_dead_zone():
    zone = laws.dead_zone(DESK)[0]
    for factor, returns in ((0.999, False), (1.001, True)):
        weight = torch.nn.Parameter(torch.tensor([0.0, 1.0], dtype=torch.float64))
        weight.grad = torch.tensor([factor * zone, 0.0], dtype=torch.float64)
        BetaLasso([weight], lr=DESK.lr, l1=DESK.l1, beta=DESK.beta).step()
        assert bool(weight[0] != 0) == returns
