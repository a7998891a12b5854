"""The schedule of the learning rate, beside its formula and PyTorch's."""

import math

import pytest
import torch
from torch.optim.lr_scheduler import CosineAnnealingLR, CosineAnnealingWarmRestarts

from lcs.config import Config
from lcs.optim.learning_rate import learning_rate

CONFIG = Config(dataset="digits", epochs=9, lr=0.3)


@pytest.mark.parametrize(
    ("schedule", "period", "reference"),
    [
        ("cosine-epoch", 9, CosineAnnealingLR),
        ("cosine-epoch", 3, CosineAnnealingLR),
        ("cosine-restart", 3, CosineAnnealingWarmRestarts),
    ],
)
def test_schedules_are_pytorchs(schedule, period, reference):
    config = CONFIG.replace(schedule=schedule, period=period)
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.3)
    scheduler = reference(optimizer, period)
    for epoch in range(9):
        (expected,) = scheduler.get_last_lr()
        assert learning_rate(config, epoch) == pytest.approx(expected, abs=1e-12)
        optimizer.step()
        scheduler.step()


def test_a_cosine_falls_from_the_first_epoch_to_the_last():
    """η_t = η/2 (1 + cos(π t/T)), t whole epochs (Loshchilov & Hutter, 2017)."""
    config = CONFIG.replace(epochs=10)
    last = 0.15 * (1 + math.cos(0.9 * math.pi))
    for epoch, rate in ((0, 0.3), (5, 0.15), (9, last)):
        assert learning_rate(config, epoch) == pytest.approx(rate)
    assert learning_rate(config.replace(schedule="constant"), 9) == 0.3


@pytest.mark.parametrize("method", ["magnitude", "rewinding"])
def test_after_a_cut_the_learning_rate_begins_anew(method):
    """And falls to zero again: the cosine of other runs with a period rises as it fell."""
    cut = CONFIG.replace(pruning=method, density=0.1, density_rest=0.3, epochs=8, period=4)
    rates = [learning_rate(cut, epoch) for epoch in range(8)]
    assert rates[:4] == rates[4:] == sorted(rates[:4], reverse=True)
    assert rates[4] == 0.3
