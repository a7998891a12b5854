"""Random objectives, parameters and hyperparameters, on which the optimizers are tested."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from lcs.optim import SGD, BetaLasso, ProximalL1, Spred

DTYPES = [torch.float64, torch.float32, torch.bfloat16]
# lr, l1, beta: two with a threshold, plain sub-gradient, plain SGD
SETTINGS = [(0.1, 0.02, 10.0), (0.05, 0.1, 0.5), (0.1, 0.05, 0.0), (0.1, 0.0, 50.0)]
MAKE: dict[str, Any] = {
    "beta-lasso": partial(BetaLasso, lr=0.1, l1=1e-3, beta=0.5),
    "proximal-l1": partial(ProximalL1, lr=0.1, l1=1e-3),
    "sgd": partial(SGD, lr=0.1, momentum=0.9, weight_decay=0.01),
    "spred": partial(Spred, lr=0.1, l1=1e-3, momentum=0.9),
}
every = pytest.mark.parametrize("make", MAKE.values(), ids=MAKE)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def normal(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(shape, generator=seeded(seed), dtype=torch.float64).to(dtype)


def parameter(values: Tensor, grad: Tensor | None = None) -> nn.Parameter:
    """Return a parameter with the strides of the values, and maybe a gradient."""
    result = nn.Parameter(values.clone(memory_format=torch.preserve_format))
    result.grad = None if grad is None else grad.clone(memory_format=torch.preserve_format)
    return result


def quadratic() -> tuple[Callable[[Tensor], Tensor], Tensor]:
    """The gradient of a random convex objective of 40 weights, and a start with zeros in it."""
    factor, target, start = normal(60, 40), normal(40, seed=100), 0.5 * normal(40, seed=200)
    start[::7] = 0
    return (lambda θ: factor.T @ (factor @ (θ - target)) / 60), start


def conv_net() -> nn.Sequential:
    with torch.random.fork_rng([]):
        torch.manual_seed(0)
        return nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(144, 5))


def train(model: nn.Module, optimizer: Any, steps: int = 3) -> list[Tensor]:
    """Train with a closure, as Lightning and skorch do, and return copies of the parameters."""
    for step in range(steps):

        def closure(step: int = step) -> Tensor:
            optimizer.zero_grad()
            loss = model(normal(8, 3, 8, 8, seed=step).float()).square().mean()
            loss.backward()
            return loss

        assert isinstance(optimizer.step(closure), Tensor), "what the closure returns"
    return [p.detach().clone() for p in model.parameters()]


CHUNK = 1 << 10  # size of the pieces in which weights are stepped


def layouts(dtype: torch.dtype) -> Iterator[tuple[Tensor, Tensor]]:
    """Weights and gradients of all sizes, and of all orders in memory."""
    for seed, shape in enumerate([(), (0,), (1,), (5, 7), (3 * CHUNK + 13,), (2, CHUNK)]):
        yield normal(*shape, seed=seed, dtype=dtype), normal(*shape, seed=seed + 50, dtype=dtype)
    wide, tall = normal(300, 500, dtype=dtype), normal(500, 300, seed=1, dtype=dtype)
    yield wide, tall.t()
    yield tall.t(), wide
    yield tall.t(), wide.t().contiguous().t()
    images = normal(4, 3, 6, 6, dtype=dtype)
    yield images.to(memory_format=torch.channels_last), images
    yield wide[:, ::2], tall.t()[:, ::2]


Make = Callable[[list[nn.Parameter]], Optimizer]


def assert_same_steps(ours: Make, theirs: Make, dtype: torch.dtype) -> None:
    """Two optimizers step weights of all layouts alike, to the bit."""
    both = [[parameter(*pair) for pair in layouts(dtype)] for _ in range(2)]
    optimizers = [make(params) for make, params in zip((ours, theirs), both, strict=True)]
    for _ in range(5):
        for optimizer in optimizers:
            optimizer.step()
    assert all(torch.equal(*pair) for pair in zip(*both, strict=True))
