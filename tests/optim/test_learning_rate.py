"""The schedule of the learning rate, beside its formula and PyTorch's."""

import pytest
import torch
from torch.optim.lr_scheduler import CosineAnnealingLR, CosineAnnealingWarmRestarts, StepLR

from lcs.config import Config
from lcs.optim.learning_rate import learning_rate

CONFIG = Config(dataset="digits", epochs=9, lr=0.3)
CUT = {"density": 0.1, "density_rest": 0.3}


@pytest.mark.parametrize(
    ("changes", "reference"),
    [
        ({}, CosineAnnealingLR),
        ({"schedule": "constant"}, StepLR),
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
