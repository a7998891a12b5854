"""Steps: their losses, and, without a GPU, which are captured for an epoch, and their rates."""

from contextlib import nullcontext

import pytest
import torch
import torch.nn.functional as F

from lcs.config import Config
from lcs.optim import FULL_PRECISION, SGD, BetaLasso, ProximalL1
from lcs.train.loop import Run
from lcs.train.step import captures, objective

CONFIG = Config(dataset="digits", epochs=3, batch_size=128, augment="flip-crop")


def test_objectives():
    logits = torch.randn(6, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    labels = torch.tensor([0, 1, 2, 3, 3, 0])
    picked = -logits.log_softmax(1)[range(6), labels]
    torch.testing.assert_close(objective("cross-entropy", logits, labels), picked.mean())
    one_hot = torch.eye(4, dtype=torch.float64)[labels]
    likelihood = one_hot * F.logsigmoid(logits) + (1 - one_hot) * F.logsigmoid(-logits)
    torch.testing.assert_close(objective("bce", logits, labels), -likelihood.mean())


class Repeated:
    """Stands in for `CapturedStep`: takes the step where a GPU would replay it."""

    made = taken = 0

    def __init__(self, step, x, labels, earlier):
        assert (earlier is None) == (Repeated.made == 0)
        Repeated.made += 1
        self.step, self.batch = step, (x, labels)

    def __call__(self, x, labels):
        Repeated.taken += 1
        self.step(x, labels)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize(
    "changes",
    [
        {"momentum": 0.9, "weight_decay": 5e-4},
        {"optimizer": "beta-lasso", "l1": 2e-3, "beta": 10.0, "l1_growth": 0.5},
    ],
    ids=["sgd", "relative-l1"],
)
def test_an_epoch_of_captured_steps_is_an_epoch_of_steps(changes, precision, monkeypatch):
    config = CONFIG.replace(precision=precision, **changes)
    plain = Run.start(config, torch.device("cpu")).replay(3)
    monkeypatch.setattr("lcs.train.step.captures", lambda *_: True)
    monkeypatch.setattr("lcs.train.step.CapturedStep", Repeated)
    monkeypatch.setattr("lcs.train.step.on_own_stream", nullcontext)
    Repeated.made = Repeated.taken = 0
    run = Run.start(config, torch.device("cpu"))
    captured = run.replay(3)
    whole, rest = divmod(len(run.train_batches), config.batch_size)
    assert Repeated.made == 3
    assert Repeated.taken == 3 * (whole - 1), "all but the first batch and a last one"
    assert rest
    assert run.modes == {"captured": 3}
    assert {type(group["lr"]) for group in run.optimizer.param_groups} == {float}
    assert captured["train_loss"] == pytest.approx(plain["train_loss"], rel=1e-4)
    assert captured["nonzeros"]["conv1"] == pytest.approx(plain["nonzeros"]["conv1"], rel=1e-3)


@pytest.mark.usefixtures("needs_compiler")
def test_a_learning_rate_of_a_compiled_step_may_be_a_tensor():
    start, grad = torch.randn(2, 40, 50, generator=torch.Generator().manual_seed(0))
    results = []
    for lr in (0.1, torch.tensor(0.1)):
        param = torch.nn.Parameter(start.bfloat16())  # a rounded copy
        param.grad = grad.bfloat16()
        optimizer = BetaLasso([param], lr=lr, compiled=True, l1=0.01, beta=2.0)
        optimizer.state[param][FULL_PRECISION] = start.clone()
        optimizer.step()
        results.append(optimizer.state[param][FULL_PRECISION])
    torch.testing.assert_close(*results, rtol=2e-7, atol=2e-8)


def test_steps_are_captured_on_a_gpu_where_that_is_asked_for(monkeypatch):
    parameters = [torch.nn.Parameter(torch.ones(2))]
    gpu, cpu = torch.device("cuda"), torch.device("cpu")
    assert not captures(gpu, SGD(parameters))
    monkeypatch.setenv("LCS_CUDA_GRAPHS", "1")
    assert captures(gpu, BetaLasso(parameters, l1=0.0, beta=0.0))
    assert not captures(cpu, SGD(parameters))
    assert not captures(gpu, ProximalL1(parameters, l1=0.0))
