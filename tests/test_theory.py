"""The laws against steps of the optimizer itself, and the bound by hand."""

import math

import numpy as np
import pytest
import torch

from lcs import theory
from lcs.config import Config
from lcs.errors import ConfigError
from lcs.optim import BetaLasso

DESK = Config(loss="bce", optimizer="beta-lasso", l1=2e-5, beta=50.0)


def test_rates_are_those_of_every_step():
    rates = theory.rates(DESK)
    assert rates.shape == (400, 98)
    assert rates[0, 0] == 0.1
    # the mean of a cosine is half of its start
    assert rates.sum() == pytest.approx(98 * 400 * 0.05, rel=0.01)


def test_without_gradients_the_optimizer_keeps_what_total_shrinkage_leaves():
    config = Config(dataset="digits", optimizer="beta-lasso", l1=2e-3, beta=5.0, epochs=12)
    fan_in = 64
    bound = 1 / math.sqrt(fan_in)
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


BOUND = {"samples": 50_000, "parameters": 1024, "free_parameters": 64, "nonzero": 100}


def test_mdl_bound_equals_the_sum_done_by_hand() -> None:
    # k b = 64 * 16 = 1024; |d(g)| = 100 * (6 + 10) + 2 * 10 = 1620; log(2048 / 0.05) = 10.62035
    expected = 0.1 + math.sqrt((1024 + 1620 + 10.62035) / 100_000)
    assert theory.mdl_bound(0.1, **BOUND, bits=16, delta=0.05) == pytest.approx(expected, abs=1e-8)


@pytest.mark.parametrize("name", ["parameters", "free_parameters", "nonzero", "bits"])
def test_mdl_bound_grows_with_the_description(name: str) -> None:
    arguments = {**BOUND, "bits": 16}
    larger = {**arguments, name: arguments[name] + 1}
    assert theory.mdl_bound(0.1, **larger) > theory.mdl_bound(0.1, **arguments)


def test_mdl_bound_shrinks_with_data_and_with_less_confidence() -> None:
    bound = theory.mdl_bound(0.1, **BOUND)
    assert theory.mdl_bound(0.1, **{**BOUND, "samples": 60_000}) < bound
    assert theory.mdl_bound(0.1, **BOUND, delta=0.1) < bound
    assert theory.mdl_bound(0.0, **BOUND) == pytest.approx(bound - 0.1)


def test_sharing_weights_tightens_the_bound() -> None:
    local = theory.mdl_bound(0.0, **{**BOUND, "free_parameters": 100})
    convolution = theory.mdl_bound(0.0, **{**BOUND, "free_parameters": 10})
    assert convolution < local


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("training_error", 45.8),
        ("training_error", math.nan),
        ("samples", 0),
        ("parameters", 0),
        ("free_parameters", 0),
        ("free_parameters", 1025),
        ("nonzero", 1025),
        ("bits", 0),
        ("delta", 0.0),
        ("delta", 1.5),
    ],
)
def test_mdl_bound_refuses_numbers_out_of_range(name: str, value: float) -> None:
    with pytest.raises(ConfigError, match=f"^{name}: expected"):
        theory.mdl_bound(**{"training_error": 0.1, **BOUND, name: value})


@pytest.mark.parametrize(
    "changes", [{"train_share": 0.1}, {"validation": True}, {"l1_growth": 1.0}, {"model": "s-conv"}]
)
def test_the_law_is_refused_where_it_does_not_hold(changes):
    config = Config(optimizer="beta-lasso", l1=1e-5, beta=50)
    with pytest.raises(ConfigError, match=next(iter(changes))):
        theory.remaining_share(config.replace(**changes))
