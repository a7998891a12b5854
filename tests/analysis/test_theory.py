"""The laws against steps of the optimizer itself, and the bound by hand."""

import math

import numpy as np
import pytest
import torch

from lcs.analysis import theory
from lcs.config import Config
from lcs.errors import ConfigError
from lcs.optim import BetaLasso

BOUND = {"samples": 50_000, "parameters": 1024, "free_parameters": 64, "nonzero": 100, "bits": 16}


def test_without_gradients_the_optimizer_keeps_what_total_shrinkage_leaves():
    config = Config(dataset="digits", optimizer="beta-lasso", l1=2e-3, beta=5.0, epochs=12)
    bound = 1 / math.sqrt(64)  # of the fan-in
    weights = torch.nn.Parameter(torch.linspace(-bound, bound, 20_001, dtype=torch.float64))
    weights.grad = torch.zeros_like(weights)
    optimizer = BetaLasso([weights], lr=config.lr, l1=config.l1, beta=config.beta)
    left = []
    for epoch in theory.rates(config):
        for rate in epoch:
            optimizer.param_groups[0]["lr"] = rate
            optimizer.step()
        left.append(float((weights != 0).double().mean()))
    np.testing.assert_allclose(left, theory.remaining_share(config), atol=5e-4)
    assert 0.3 < left[-1] < left[0] < 1


def test_mdl_bound_equals_the_sum_done_by_hand():
    # k b = 64 * 16 = 1024; |d(g)| = 100 * (6 + 10) + 2 * 10 = 1620; log(2048 / 0.05) = 10.62035
    expected = 0.1 + math.sqrt((1024 + 1620 + 10.62035) / 100_000)
    assert theory.mdl_bound(0.1, **BOUND, delta=0.05) == pytest.approx(expected, abs=1e-8)
    more = theory.mdl_bound(0.1, **BOUND | {"samples": 60_000}, delta=0.1)
    assert more < theory.mdl_bound(0.1, **BOUND, delta=0.1) < expected


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("training_error", 45.8),
        ("training_error", math.nan),
        ("free_parameters", 1025),
        ("nonzero", 1025),
        ("samples", 0),
        ("delta", 1.5),
    ],
)
def test_mdl_bound_refuses_numbers_out_of_range(name, value):
    with pytest.raises(ConfigError, match=f"^{name}: expected"):
        theory.mdl_bound(**{"training_error": 0.1, **BOUND, name: value})


@pytest.mark.parametrize(
    "changes", [{"train_share": 0.1}, {"validation": True}, {"l1_growth": 1.0}, {"model": "s-conv"}]
)
def test_the_law_is_refused_where_it_does_not_hold(changes):
    config = Config(optimizer="beta-lasso", l1=1e-5, beta=50)
    with pytest.raises(ConfigError, match=next(iter(changes))):
        theory.remaining_share(config.replace(**changes))
