"""The schedule of the learning rate, beside its formula and PyTorch's."""

import math

import pytest
import torch
from torch.optim.lr_scheduler import CosineAnnealingLR, CosineAnnealingWarmRestarts

from lcs.config import Config
from lcs.optim.learning_rate import learning_rate

CONFIG = Config(dataset="digits", epochs=9, lr=0.3)
CUT = {"density": 0.1, "density_rest": 0.3}


@pytest.mark.parametrize(
    ("changes", "reference"),
    [
        ({}, CosineAnnealingLR),
        ({"period": 3}, CosineAnnealingLR),  # rises as it fell
        ({"period": 3, "schedule": "cosine-restart"}, CosineAnnealingWarmRestarts),
        ({"period": 3, "pruning": "magnitude", **CUT}, CosineAnnealingWarmRestarts),
        ({"period": 3, "pruning": "rewinding", **CUT}, CosineAnnealingWarmRestarts),
    ],
)
def test_schedules_are_pytorchs(changes, reference):
    config = CONFIG.replace(**changes)
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.3)
    scheduler = reference(optimizer, config.period or 9)
    for epoch in range(9):
        (expected,) = scheduler.get_last_lr()
        assert learning_rate(config, epoch) == pytest.approx(expected, abs=1e-12)
        optimizer.step()
        scheduler.step()


def test_a_cosine_falls_from_the_first_epoch_to_the_last():
    """η_t = η/2 (1 + cos(π t/T)), t whole epochs (Loshchilov & Hutter, 2017)."""
    assert learning_rate(CONFIG, 0) == 0.3
    assert learning_rate(CONFIG, 8) == pytest.approx(0.15 * (1 + math.cos(8 / 9 * math.pi)))
    assert learning_rate(CONFIG.replace(schedule="constant"), 8) == 0.3
