"""Steps that are captured for an epoch, without a GPU: which ones are, and with what rates."""

import pytest
import torch

from lcs.config import Config
from lcs.optim import SGD, BetaLasso, ProximalL1
from lcs.train.captured import captures
from lcs.train.run import Run

CONFIG = Config(dataset="digits", epochs=3, batch_size=128, augment="flip-crop")


class Repeated:
    """Stands in for `CapturedStep`: takes the step where a GPU would replay it."""

    made = 0

    def __init__(self, step, optimizer, x, labels, earlier):
        assert (earlier is None) == (Repeated.made == 0)
        Repeated.made += 1
        self.step, self.shape, self.optimizer = step, x.shape, optimizer

    def fits(self, x):
        return x.shape == self.shape

    def __call__(self, x, labels):
        for group in self.optimizer.param_groups:
            group["lr"] = torch.tensor(group["lr"])  # as a captured step holds it
        self.step(x, labels)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize(
    "config",
    [
        CONFIG.replace(momentum=0.9, weight_decay=5e-4),
        CONFIG.replace(optimizer="beta-lasso", l1=2e-3, beta=10.0),
        CONFIG.replace(optimizer="beta-lasso", l1=2e-3, beta=10.0, l1_growth=0.5),
    ],
    ids=["sgd", "beta-lasso", "relative-l1"],
)
def test_an_epoch_of_captured_steps_is_an_epoch_of_steps(config, precision, monkeypatch):
    config = config.replace(precision=precision)
    plain = Run.start(config, torch.device("cpu")).replay(3)
    monkeypatch.setattr("lcs.train.run.captures", lambda *_: True)
    monkeypatch.setattr("lcs.train.run.CapturedStep", Repeated)
    monkeypatch.setattr("torch.cuda.Stream", lambda device: None)
    Repeated.made = 0
    captured = Run.start(config, torch.device("cpu")).replay(3)
    assert Repeated.made == 3
    assert captured["train_loss"] == pytest.approx(plain["train_loss"], rel=1e-4)
    assert captured["nonzeros"]["conv1"] == pytest.approx(plain["nonzeros"]["conv1"], rel=1e-3)


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("make", [BetaLasso, SGD])
def test_a_learning_rate_may_be_a_tensor(make, compiled):
    options = {"l1": 0.01, "beta": 2.0} if make is BetaLasso else {"momentum": 0.9}
    start, grad = torch.randn(2, 40, 50, generator=torch.Generator().manual_seed(0))
    results = []
    for lr in (0.1, torch.tensor(0.1)):
        param = torch.nn.Parameter(start.clone())
        param.grad = grad
        make([param], lr=lr, compiled=compiled, **options).step()
        results.append(param.detach())
    torch.testing.assert_close(*results)


def test_steps_are_captured_on_a_gpu_where_that_is_asked_for(monkeypatch):
    parameters = [torch.nn.Parameter(torch.ones(2))]
    gpu, cpu = torch.device("cuda"), torch.device("cpu")
    assert not captures(gpu, SGD(parameters))
    monkeypatch.setenv("LCS_CUDA_GRAPHS", "1")
    assert captures(gpu, SGD(parameters))
    assert captures(gpu, BetaLasso(parameters))
    assert not captures(cpu, SGD(parameters))
    assert not captures(gpu, ProximalL1(parameters))
