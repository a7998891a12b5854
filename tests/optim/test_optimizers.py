"""The optimizers: beside the paper's own notation, beside torch's SGD, and beside the LASSO."""

import copy
import functools
import itertools
import json
import math
import shutil
import sysconfig
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from sklearn.linear_model import Lasso
from torch import Tensor, nn
from torch.optim.lr_scheduler import CosineAnnealingLR

from lcs.optim import (
    FULL_PRECISION,
    SGD,
    BetaLasso,
    ProximalL1,
    Spred,
    algorithm_1,
    fused_steps,
    replace_parameter,
)

OPTIMIZERS = {"beta-lasso": BetaLasso, "proximal-l1": ProximalL1, "sgd": SGD, "spred": Spred}
SOME: dict[str, dict[str, float]] = {
    "beta-lasso": {"lr": 0.1, "l1": 0.02},
    "proximal-l1": {"lr": 0.1, "l1": 0.02},
    "sgd": {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.02},
    "spred": {"lr": 0.1, "l1": 0.02, "momentum": 0.9},
}
DTYPES = [torch.float64, torch.float32, torch.bfloat16]
# lr, l1, beta: two with a threshold, plain sub-gradient, plain SGD
SETTINGS = [(0.1, 0.02, 10.0), (0.05, 0.1, 0.5), (0.1, 0.05, 0.0), (0.1, 0.0, 50.0)]
HAS_COMPILER = (
    any(shutil.which(name) for name in ("c++", "g++", "clang++"))
    and (Path(sysconfig.get_path("include")) / "Python.h").exists()
)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def normal(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(shape, generator=seeded(seed), dtype=torch.float64).to(dtype)


def parameter(values: Tensor, grad: Tensor | None = None) -> nn.Parameter:
    """Return a parameter with the strides of the values, and maybe a gradient."""
    result = nn.Parameter(values.clone(memory_format=torch.preserve_format))
    result.grad = None if grad is None else grad.clone(memory_format=torch.preserve_format)
    return result


def quadratic(seed: int) -> tuple[Callable[[Tensor], Tensor], Tensor]:
    """A random convex objective of 40 weights, and a start with exact zeros in it."""
    factor = normal(60, 40, seed=seed)
    target = normal(40, seed=seed + 100)
    start = 0.5 * normal(40, seed=seed + 200)
    start[::7] = 0
    return (lambda θ: ((factor @ (θ - target)) ** 2).sum() / 120), start


SHAPES = ((8, 5), (8,), (3, 8))


def small_net(seed: int) -> tuple[Callable[[Tensor], Tensor], Tensor]:
    """Cross-entropy of a net with one hidden layer, as a function of all its weights in one."""
    x, labels = normal(50, 5, seed=seed), torch.arange(50) % 3
    sizes = [math.prod(shape) for shape in SHAPES]

    def objective(θ: Tensor) -> Tensor:
        pieces = (piece.view(shape) for piece, shape in zip(θ.split(sizes), SHAPES, strict=True))
        first, bias, last = pieces
        return F.cross_entropy(torch.tanh(F.linear(x, first, bias)) @ last.T, labels)

    return objective, 0.5 * normal(sum(sizes), seed=seed + 100)


def gradient_of(objective: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    def gradient(θ: Tensor) -> Tensor:
        θ = θ.detach().requires_grad_()
        return torch.autograd.grad(objective(θ), θ)[0]

    return gradient


# Beside Algorithm 1


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("problem", [quadratic, small_net])
@pytest.mark.parametrize("seed", [0, 1])
def test_states_are_those_of_algorithm_1(
    setting: tuple[float, float, float], problem: Callable[[int], Any], seed: int
) -> None:
    lr, l1, beta = setting
    objective, start = problem(seed)
    gradient = gradient_of(objective)
    # the optimizer sees several parameters, the paper's notation one vector
    params = [parameter(piece) for piece in start.tensor_split(3)]
    optimizer = BetaLasso(params, lr=lr, l1=l1, beta=beta)
    θ, zeros = start, 0
    for _ in range(30):
        optimizer.zero_grad()
        objective(torch.cat(params)).backward()
        optimizer.step()
        θ = algorithm_1(gradient, θ, l1, beta, lr, 1)
        state = torch.cat(params).detach()
        assert torch.equal(state == 0, θ == 0)
        torch.testing.assert_close(state, θ, rtol=1e-12, atol=1e-13)
        zeros += int((θ == 0).sum())
    assert (zeros > 0) == (beta * l1 > 0)
    torch.testing.assert_close(algorithm_1(gradient, start, l1, beta, lr, 30), θ)


@pytest.mark.parametrize("frozen", [False, True])
@pytest.mark.parametrize("setting", SETTINGS)
def test_relative_l1_is_algorithm_1_with_a_lambda_for_each_weight(
    setting: tuple[float, float, float], frozen: bool
) -> None:
    lr, l1, beta = setting
    objective, start = small_net(0)
    gradient, relative = gradient_of(objective), 3 * normal(*start.shape, seed=1).abs()
    param = parameter(start)
    groups = [{"params": [param], "relative_l1": relative}]
    optimizer = BetaLasso(groups, lr=lr, l1=l1, beta=beta, frozen_zeros=frozen)
    θ = start
    for _ in range(30):
        optimizer.zero_grad()
        objective(param).backward()
        optimizer.step()
        free = algorithm_1(gradient, θ, l1 * relative, beta, lr, 1)
        θ = torch.where(θ == 0, θ, free) if frozen and beta * l1 else free
        assert torch.equal(param == 0, θ == 0)
        torch.testing.assert_close(param.detach(), θ, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("setting", SETTINGS)
def test_frozen_zeros_stay_and_the_rest_is_algorithm_1(setting: tuple[float, float, float]) -> None:
    lr, l1, beta = setting
    objective, start = small_net(0)
    gradient = gradient_of(objective)
    start[::7] = 0
    param = parameter(start)
    optimizer = BetaLasso([param], lr=lr, l1=l1, beta=beta, frozen_zeros=True)
    θ = start
    for _ in range(30):
        optimizer.zero_grad()
        objective(param).backward()
        optimizer.step()
        free = algorithm_1(gradient, θ, l1, beta, lr, 1)
        θ = torch.where(θ == 0, θ, free) if beta * l1 else free  # no threshold, nothing to freeze
        torch.testing.assert_close(param.detach(), θ, rtol=1e-12, atol=1e-13)
    assert bool((θ[::7] == 0).all()) == (beta * l1 > 0)


def test_algorithm_1_by_hand() -> None:
    θ = torch.tensor([1.0, -1.0, 0.3, -0.1, 0.0, 0.0], dtype=torch.float64)
    gradient = torch.tensor([0.0, 0.0, 1.0, 0.0, 1.0, -4.0], dtype=torch.float64)
    result = algorithm_1(lambda _: gradient, θ, λ=0.5, β=0.5, η=0.1, τ=1)
    # steps to 0.95, -0.95, 0.15, -0.05, -0.1 and 0.4; what is below 0.25 becomes zero
    expected = torch.tensor([0.95, -0.95, 0.0, 0.0, 0.0, 0.4], dtype=torch.float64)
    torch.testing.assert_close(result, expected)
    assert θ[0] == 1.0
    # what is exactly at 0.25 stays
    edge = torch.tensor([0.25, -0.25, math.nextafter(0.25, 0)], dtype=torch.float64)
    kept = algorithm_1(torch.zeros_like, edge, λ=0.5, β=0.5, η=0.0, τ=1)
    assert kept.tolist() == [0.25, -0.25, 0.0]


# The paths


CHUNK = 1 << 10


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


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("setting", SETTINGS)
def test_pieces_have_the_bits_of_the_whole(
    setting: tuple[float, float, float], dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    lr, l1, beta = setting
    weights, grads = zip(*layouts(dtype), strict=True)
    whole, pieces = (
        [parameter(*pair) for pair in zip(weights, grads, strict=True)] for _ in range(2)
    )
    assert [p.stride() for p in whole[:-1]] == [w.stride() for w in weights[:-1]]
    # in another order in memory: all in one, but for bfloat16, which torch rounds otherwise then
    vector = parameter(torch.cat([w.flatten() for w in weights]))
    vector.grad = torch.cat([g.flatten() for g in grads])
    for params, chunk in ((whole, 1 << 60), (pieces, CHUNK), ([vector], CHUNK)):
        monkeypatch.setattr(fused_steps, "CHUNK", chunk)
        optimizer = BetaLasso(params, lr=lr, l1=l1, beta=beta)
        for _ in range(3):
            optimizer.step()
    assert all(torch.equal(*pair) for pair in zip(whole, pieces, strict=True))
    if dtype != torch.bfloat16:
        assert torch.equal(torch.cat([p.detach().flatten() for p in whole]), vector.detach())


@pytest.fixture(scope="session")
def compiler() -> Iterator[None]:
    """Compile without torch's check of every instruction set, a process for each: that is slow."""
    if not HAS_COMPILER:
        pytest.skip("needs a C++ compiler and Python's headers")
    from torch._inductor import config, cpu_vec_isa

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cpu_vec_isa.VecISA, "check_build", lambda *_: True, raising=False)
        with config.patch({"cpp_cache_precompile_headers": False}):
            yield


# each variant that is compiled takes seconds: one without copies, two with, one of SGD
RATES = (0.1, 0.05, 0.02)


def compiled_and_eager(
    make: Callable[..., Any], weights: list[Tensor], grads: list[Tensor]
) -> tuple[list[Tensor], list[Tensor]]:
    """Return weights after steps at some rates, of which none but the first may compile."""
    results = []
    for compiled in (True, False):
        params = [parameter(*pair) for pair in zip(weights, grads, strict=True)]
        optimizer = make(params, lr=RATES[0], compiled=compiled)
        for lr in RATES:
            optimizer.param_groups[0]["lr"] = lr
            with torch._dynamo.config.patch(error_on_recompile=compiled and lr < RATES[0]):
                optimizer.step()
        results.append([param.detach() for param in params])
    return results[0], results[1]


def share_that_differs(one: Tensor, other: Tensor) -> float:
    """Few weights do: by rounding they fall on the other side of the threshold."""
    return 1 - torch.isclose(one, other, rtol=1e-5, atol=1e-6).double().mean().item()


@pytest.mark.usefixtures("compiler")
def test_compiled_beta_lasso_is_eager_beta_lasso_up_to_rounding() -> None:
    l1, beta = 0.01, 3.0
    threshold = torch.tensor(beta * l1)
    below = torch.nextafter(threshold, torch.zeros_like(threshold))
    edge = torch.stack([threshold, -threshold, below, -below, torch.tensor(1.0)])
    shapes = [(90, 40), (8, 3, 5, 5), (20,)]
    weights = [0.1 * normal(*shape, dtype=torch.float32) for shape in shapes]
    weights += [threshold, 0.1 * normal(30, 20, dtype=torch.float32).t()]
    grads = [normal(*w.shape, seed=1, dtype=torch.float32) for w in weights]
    make = functools.partial(BetaLasso, l1=l1, beta=beta)
    compiled, eager = compiled_and_eager(make, weights, grads)
    assert 500 < int((compiled[0] == 0).sum()) < 3000, "the threshold is to bite"
    for pair in zip(compiled, eager, strict=True):
        assert share_that_differs(*pair) < 1e-3
    still = parameter(edge, torch.zeros(5))
    BetaLasso([still], lr=0.0, l1=l1, beta=beta, compiled=True).step()
    assert (still != 0).tolist() == [True, True, False, False, True]


def rounded(make: Callable[..., Any]) -> Callable[..., Any]:
    """Make an optimizer of rounded copies, which steps on the weights that it was given."""

    def of_copies(params: list[nn.Parameter], **settings: Any) -> Any:
        copies = [parameter(p.detach().bfloat16(), p.grad.bfloat16()) for p in params]
        optimizer = make(copies, **settings)
        for copy_, param in zip(copies, params, strict=True):
            optimizer.state[copy_][FULL_PRECISION] = param.detach()
        optimizer.register_step_post_hook(
            lambda *_: [torch.testing.assert_close(c, p.bfloat16(), rtol=0, atol=0)
                        for c, p in zip(copies, params, strict=True)]
        )  # fmt: skip
        return optimizer

    return of_copies


@pytest.mark.usefixtures("compiler")
def test_compiled_frozen_zeros_and_rounded_copies() -> None:
    weight, grad = 0.1 * normal(90, 40, dtype=torch.float32), normal(90, 40, seed=1).float()
    weight[::7] = 0
    make = rounded(functools.partial(BetaLasso, l1=0.01, beta=3.0, frozen_zeros=True))
    (ours,), (eager,) = compiled_and_eager(make, [weight], [grad])
    assert not ours[::7].any()
    assert not torch.equal(ours, weight)
    assert share_that_differs(ours, eager) < 1e-3


@pytest.mark.usefixtures("compiler")
def test_compiled_relative_l1_and_rounded_copies() -> None:
    weight, grad = 0.1 * normal(90, 40, dtype=torch.float32), normal(90, 40, seed=1).float()
    relative = 3 * normal(90, 40, seed=2).float().abs()

    def of_groups(params: list[nn.Parameter], **settings: Any) -> BetaLasso:
        groups = [{"params": params, "relative_l1": relative}]
        return BetaLasso(groups, l1=0.01, beta=3.0, **settings)

    (ours,), (eager,) = compiled_and_eager(rounded(of_groups), [weight], [grad])
    assert 500 < int((ours == 0).sum()) < 3000, "the threshold is to bite"
    assert share_that_differs(ours, eager) < 1e-3


@pytest.mark.usefixtures("compiler")
def test_compiled_sgd_with_rounded_copies() -> None:
    weight, grad = normal(90, 40, dtype=torch.float32), normal(90, 40, seed=1).float()
    make = rounded(functools.partial(SGD, momentum=0.9, weight_decay=0.1))
    (ours,), (eager,) = compiled_and_eager(make, [weight], [grad])
    assert not torch.equal(ours, weight)
    assert share_that_differs(ours, eager) == 0


def test_without_a_compiler_it_says_so_once_and_steps_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fails(update: Callable[..., None]) -> None:
        raise RuntimeError("no C++ compiler\nand a long trace")

    monkeypatch.setattr(fused_steps, "_compiled", fails)
    fused_steps.compiler_works.cache_clear()
    try:
        values, grad = normal(20), normal(20, seed=1)
        params = [parameter(values, grad) for _ in range(3)]
        loop, *compiled = (
            BetaLasso([param], lr=0.1, l1=0.02, beta=10, compiled=number > 0)
            for number, param in enumerate(params)
        )
        loop.step()
        with pytest.warns(UserWarning, match=r"torch\.compile does not work here") as caught:
            compiled[0].step()
        assert len(caught) == 1
        assert "(no C++ compiler)" in str(caught[0].message)
        compiled[1].step()  # a second warning would be an error
        assert torch.equal(params[0], params[1])
        assert torch.equal(params[0], params[2])
    finally:
        fused_steps.compiler_works.cache_clear()


# Edges of the algorithm


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("l1", "beta"), [(0.25, 3.0), (4e-4, 50.0), (2e-5, 50.0), (0.1, 0.1)])
def test_a_weight_at_the_threshold_stays(dtype: torch.dtype, l1: float, beta: float) -> None:
    threshold = torch.tensor(beta * l1, dtype=dtype)
    below = torch.nextafter(threshold, torch.zeros_like(threshold))
    above = torch.nextafter(threshold, torch.ones_like(threshold))
    values = torch.stack([threshold, -threshold, below, -below, above, -above])
    param = parameter(values, torch.zeros_like(values))
    BetaLasso([param], lr=0.0, l1=l1, beta=beta).step()
    zeroed = torch.tensor([False, False, True, True, False, False])
    assert torch.equal(param.detach(), values.masked_fill(zeroed, 0))


@pytest.mark.parametrize("dtype", DTYPES)
def test_without_l1_it_is_sgd_bit_for_bit(dtype: torch.dtype) -> None:
    weights, grads = zip(*layouts(dtype), strict=True)
    ours, theirs = (
        [parameter(*pair) for pair in zip(weights, grads, strict=True)] for _ in range(2)
    )
    optimizers = [
        BetaLasso(ours, lr=0.1, l1=0.0, beta=50.0),
        torch.optim.SGD(theirs, lr=0.1, foreach=False),
    ]
    for _, optimizer in itertools.product(range(5), optimizers):
        optimizer.step()
    assert all(torch.equal(*pair) for pair in zip(ours, theirs, strict=True))


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
def test_sgd_is_that_of_torch_bit_for_bit(
    momentum: float, weight_decay: float, dtype: torch.dtype
) -> None:
    weights, grads = zip(*layouts(dtype), strict=True)
    ours, theirs = (
        [parameter(*pair) for pair in zip(weights, grads, strict=True)] for _ in range(2)
    )
    optimizers = [
        make(params, lr=0.1, momentum=momentum, weight_decay=weight_decay)
        for make, params in ((SGD, ours), (torch.optim.SGD, theirs))
    ]
    for _, optimizer in itertools.product(range(5), optimizers):
        optimizer.step()
    assert all(torch.equal(*pair) for pair in zip(ours, theirs, strict=True))


def test_what_is_not_a_number_is_not_hidden_by_the_threshold() -> None:
    param = parameter(torch.ones(3), torch.tensor([1.0, float("nan"), 1.0]))
    BetaLasso([param], lr=0.1, l1=0.1, beta=2).step()
    assert torch.isnan(param).tolist() == [False, True, False]


@pytest.mark.parametrize("value", [1, None, "yes"])
def test_frozen_zeros_are_true_or_false(value: object) -> None:
    with pytest.raises(ValueError, match=r"frozen_zeros: .* is neither True nor False"):
        BetaLasso([parameter(torch.ones(2))], frozen_zeros=value)  # type: ignore[arg-type]


def test_the_dead_zone() -> None:
    """A zero weight comes back only if one step carries it to the threshold: lr |g| >= beta l1."""
    lr, l1, beta = 0.5, 0.125, 2.0  # exact in binary
    edge = torch.tensor([0.5, -0.5, math.nextafter(0.5, 0)], dtype=torch.float64)
    grad = torch.cat([normal(500), edge])
    param, alive = parameter(torch.zeros_like(grad), grad), parameter(torch.ones(1))
    BetaLasso([param, alive], lr=lr, l1=l1, beta=beta).step()
    leaves = lr * grad.abs() >= beta * l1
    assert leaves[-3:].tolist() == [True, True, False]
    assert torch.equal(param.detach(), torch.where(leaves, -lr * grad, 0.0))


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_parameter_without_gradient_is_untouched(name: str) -> None:
    still, moving = parameter(normal(30)), parameter(normal(30), normal(30, seed=1))
    optimizer = OPTIMIZERS[name]([still, moving], **SOME[name])
    for group in optimizer.param_groups:
        group["beta"] = 10.0
    optimizer.step()
    assert torch.equal(still.detach(), normal(30))
    assert not torch.equal(moving.detach(), normal(30))
    still.grad = moving.grad = None
    before = moving.detach().clone()
    optimizer.step()  # nothing has a gradient
    assert torch.equal(moving.detach(), before)


@pytest.mark.parametrize("setting", SETTINGS)
def test_gradients_are_never_written(setting: tuple[float, float, float]) -> None:
    lr, l1, beta = setting
    params = [parameter(*pair) for pair in layouts(torch.float32)]
    optimizers = [
        BetaLasso(params, lr=lr, l1=l1, beta=beta),
        ProximalL1(params, lr=lr, l1=l1),
        SGD(params, lr=lr, momentum=0.9, weight_decay=0.1),
    ]
    grads = [param.grad for param in params]
    copies = [grad.clone() for grad in grads if grad is not None]
    for optimizer in optimizers:
        optimizer.step()
    for param, grad, values in zip(params, grads, copies, strict=True):
        assert param.grad is grad
        assert torch.equal(grad, values)


# What is refused


BAD = [
    -0.1,
    math.nan,
    math.inf,
    -math.inf,
    True,
    "0.1",
    None,
    1j,
    [0.1],
    torch.tensor(-1.0),
    torch.tensor([0.1, 0.2]),
    torch.tensor(True),
]


@pytest.mark.parametrize("value", BAD, ids=str)
@pytest.mark.parametrize(
    ("optimizer", "name"),
    [("beta-lasso", name) for name in ("lr", "l1", "beta")]
    + [("proximal-l1", name) for name in ("lr", "l1")]
    + [("sgd", name) for name in ("lr", "momentum", "weight_decay")],
)
def test_bad_hyperparameters_are_refused_by_name(optimizer: str, name: str, value: object) -> None:
    make: Any = OPTIMIZERS[optimizer]
    param = parameter(normal(3))
    with pytest.raises(ValueError, match=f"^{name}: "):
        make([param], **{name: value})
    with pytest.raises(ValueError, match=f"^{name}: "):
        make([{"params": [param], name: value}])
    result = make([param])
    with pytest.raises(ValueError, match=f"^{name}: "):
        result.add_param_group({"params": [parameter(normal(3))], name: value})
    assert len(result.param_groups) == 1


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_sparse_gradients_are_refused_by_name(name: str) -> None:
    table = nn.Embedding(10, 3, sparse=True)
    table(torch.tensor([1, 2])).sum().backward()
    before = table.weight.detach().clone()
    optimizer = OPTIMIZERS[name](table.parameters(), **SOME[name])
    with pytest.raises(RuntimeError, match=f"^{type(optimizer).__name__} .*sparse"):
        optimizer.step()
    assert torch.equal(table.weight.detach(), before)


# A citizen of torch.optim


def test_groups_have_their_own_hyperparameters() -> None:
    settings = [{"lr": 0.1, "l1": 0.02, "beta": 10.0}, {"lr": 0.3, "l1": 0.0, "beta": 3.0}, {}]
    defaults: Any = {"lr": 0.2, "l1": 0.1, "beta": 5.0}
    together, alone = ([parameter(normal(50), normal(50, seed=1)) for _ in range(3)] for _ in "ab")
    groups = [{"params": [p], **s} for p, s in zip(together, settings, strict=True)]
    optimizer = BetaLasso(groups[:2], **defaults)
    optimizer.add_param_group(groups[2])
    optimizer.step()
    for param, setting in zip(alone, settings, strict=True):
        BetaLasso([param], **{**defaults, **setting}).step()
    assert all(torch.equal(*pair) for pair in zip(together, alone, strict=True))
    assert [int((p == 0).sum()) > 0 for p in together] == [True, False, True]


@pytest.mark.parametrize("tensor", [False, True], ids=["number", "tensor"])
def test_learning_rate_schedules(tensor: bool) -> None:
    objective, start = quadratic(0)
    gradient = gradient_of(objective)
    param = parameter(start)
    rate: Any = torch.tensor(0.1, dtype=torch.float64) if tensor else 0.1
    optimizer = BetaLasso([param], lr=rate, l1=0.02, beta=10)
    schedule = CosineAnnealingLR(optimizer, T_max=20)
    θ = start
    for step in range(20):
        param.grad = gradient(param)
        optimizer.step()
        schedule.step()
        θ = algorithm_1(gradient, θ, 0.02, 10, 0.05 * (1 + math.cos(math.pi * step / 20)), 1)
        torch.testing.assert_close(param.detach(), θ, rtol=1e-11, atol=1e-12)
    assert float(optimizer.param_groups[0]["lr"]) == pytest.approx(0, abs=1e-12)


def test_hyperparameters_may_be_tensors_that_change() -> None:
    l1, beta = torch.tensor(0.25), torch.tensor(1.0)
    param = parameter(torch.tensor([0.3, 0.6, 1.2]), torch.zeros(3))
    optimizer = BetaLasso([param], lr=0.0, l1=l1, beta=beta)  # type: ignore[arg-type]
    optimizer.step()
    assert param.count_nonzero() == 3
    beta.fill_(2)
    optimizer.step()
    assert param.count_nonzero() == 2
    l1.fill_(0.5)
    optimizer.step()
    assert param.count_nonzero() == 1


def test_state_dict_round_trip() -> None:
    """Through JSON: an optimizer without state of its own has nothing else to keep."""

    def make(lr: float, l1: float, beta: float, **path: bool) -> tuple[list[Tensor], BetaLasso]:
        params = [parameter(normal(50, seed=s), normal(50, seed=s + 5)) for s in range(2)]
        groups = [{"params": params[:1], "l1": l1 / 2}, {"params": params[1:]}]
        return params, BetaLasso(groups, lr=lr, l1=l1, beta=beta, **path)

    first_params, first = make(0.1, 0.02, 10.0)
    second_params, second = make(0.7, 0.1, 0.0, compiled=True)
    second.load_state_dict(json.loads(json.dumps(first.state_dict())))
    for name in ("lr", "l1", "beta"):
        assert [g[name] for g in second.param_groups] == [g[name] for g in first.param_groups]
    assert second.compiled, "how to compute is not part of the state"
    second.compiled = False
    first.step()
    second.step()
    assert all(torch.equal(*pair) for pair in zip(first_params, second_params, strict=True))


@pytest.mark.parametrize("compiled", [False, True])
def test_a_copy_is_whole_and_separate(compiled: bool) -> None:
    param = parameter(normal(50), normal(50, seed=1))
    optimizer = BetaLasso([param], lr=0.1, l1=0.02, beta=10, compiled=compiled)
    twin = copy.deepcopy(optimizer)
    assert twin.compiled == compiled
    [copied] = twin.param_groups[0]["params"]
    copied.grad = normal(50, seed=1)
    twin.compiled = optimizer.compiled = False
    twin.step()
    assert torch.equal(param.detach(), normal(50))
    optimizer.step()
    assert torch.equal(param, copied)


def test_a_parameter_is_replaced_with_its_state_and_given_back() -> None:
    old, new, other = (parameter(normal(5), normal(5, seed=1)) for _ in range(3))
    optimizer = SGD([{"params": [other]}, {"params": [old], "lr": 0.5}], momentum=0.9)
    optimizer.step()
    state = dict(optimizer.state[old])
    for here, there in ((old, new), (new, old)):
        assert replace_parameter(optimizer, here, there)["lr"] == 0.5
        assert optimizer.param_groups[1]["params"] == [there]
        assert optimizer.state[there] == state
        assert here not in optimizer.state
    with pytest.raises(RuntimeError, match="does not hold"):
        replace_parameter(optimizer, new, old)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_closures(name: str) -> None:
    objective, start = quadratic(0)
    params = [parameter(start), parameter(start)]
    with_closure, without = (OPTIMIZERS[name]([p], **SOME[name]) for p in params)

    def closure() -> float:
        with_closure.zero_grad()
        loss = objective(params[0])
        loss.backward()
        return loss.item()

    loss = objective(params[1])
    loss.backward()
    assert without.step() is None
    assert with_closure.step(closure) == loss.item()
    assert torch.equal(*params)
    assert not torch.equal(params[0].detach(), start)


# The warning


def caught_at_construction(*args: Any, **kwargs: Any) -> list[warnings.WarningMessage]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        BetaLasso(*args, **kwargs)
    return caught


def test_it_warns_where_the_first_step_empties_a_group() -> None:
    large, small = parameter(torch.tensor([-0.5, 0.1])), parameter(torch.tensor([-0.25, 0.1]))
    [warning] = caught_at_construction([{"params": [large]}, {"params": [small]}], l1=0.1, beta=3)
    assert issubclass(warning.category, UserWarning)
    assert str(warning.message).startswith("beta * l1 = 0.3 exceeds the largest weight, 0.25: ")
    assert warning.filename == __file__
    optimizer = BetaLasso([large], l1=0.1, beta=3)
    with pytest.warns(UserWarning, match=r"exceeds the largest weight, 0\.25"):
        optimizer.add_param_group({"params": [small]})
    small.grad = torch.zeros(2)
    optimizer.step()
    assert small.count_nonzero() == 0, "the warning is to be true"


@pytest.mark.parametrize(
    ("l1", "beta"), [(0.25, 2.0), (0.2, 2.0), (0.25, 0.0), (0.0, 50.0)], ids=str
)
def test_it_does_not_warn_up_to_the_largest_weight(l1: float, beta: float) -> None:
    params = [parameter(torch.tensor([0.1, -0.5])), parameter(torch.tensor([0.1]))]
    assert not caught_at_construction(params, l1=l1, beta=beta)


def test_it_does_not_warn_of_weights_without_values() -> None:
    for values in (torch.empty(3, device="meta"), torch.empty(0)):
        assert not caught_at_construction([nn.Parameter(values)], l1=1.0, beta=50)


# The LASSO's own step


@pytest.mark.parametrize("dtype", DTYPES)
def test_proximal_l1_is_a_soft_threshold(dtype: torch.dtype) -> None:
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


def test_proximal_l1_without_l1_is_sgd_bit_for_bit() -> None:
    ours, theirs = (parameter(normal(500), normal(500, seed=1)) for _ in range(2))
    ProximalL1([ours], lr=0.1).step()
    torch.optim.SGD([theirs], lr=0.1).step()
    assert torch.equal(ours, theirs)


@pytest.mark.parametrize("l1", [0.05, 0.5, 2.0])
@pytest.mark.parametrize("seed", range(4))
def test_proximal_l1_solves_the_lasso(seed: int, l1: float) -> None:
    """With the mean squared error scikit-learn's alpha is l1 / 2."""
    x = normal(40, 10, seed=seed) + normal(40, 1, seed=seed + 10)  # correlated features
    y = x[:, :3] @ torch.tensor([1.0, -2.0, 0.5]).double() + 0.3 * normal(40, seed=seed + 20)
    param = parameter(normal(10, seed=seed + 30))
    largest = torch.linalg.eigvalsh(x.T @ x / 20).max()
    optimizer = ProximalL1([param], lr=1 / float(largest), l1=l1)
    for _ in range(3000):
        before = param.detach().clone()
        param.grad = x.T @ (x @ before - y) / 20
        optimizer.step()
        if (param - before).abs().max() < 1e-13:
            break
    lasso = Lasso(alpha=l1 / 2, fit_intercept=False, tol=1e-14, max_iter=100_000)
    expected = lasso.fit(x.numpy(), y.numpy()).coef_
    solution = param.detach().numpy()
    np.testing.assert_allclose(solution, expected, rtol=0, atol=1e-6)
    assert np.array_equal(solution == 0, expected == 0)
    assert np.any(solution)


# The LASSO by factors


def test_spred_is_sgd_with_weight_decay_on_the_factors() -> None:
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


@pytest.mark.parametrize("l1", [0.5, 2.0])
def test_spred_solves_the_lasso(l1: float) -> None:
    x = normal(40, 10) + normal(40, 1, seed=10)
    y = x[:, :3] @ torch.tensor([1.0, -2.0, 0.5]).double() + 0.3 * normal(40, seed=20)
    param = parameter(normal(10, seed=30))
    optimizer = Spred([param], lr=0.01, l1=l1)
    for _ in range(20_000):
        param.grad = x.T @ (x @ param.detach() - y) / 20
        optimizer.step()
    expected = Lasso(alpha=l1 / 2, fit_intercept=False, tol=1e-14, max_iter=100_000)
    expected = expected.fit(x.numpy(), y.numpy()).coef_
    np.testing.assert_allclose(param.detach().numpy(), expected, rtol=0, atol=1e-4)
    assert 0 < np.count_nonzero(expected) < 10


# Losses


@pytest.mark.parametrize("beta", [0.0, 1.0, 50.0])
def test_mean_and_sum_over_classes_are_the_same_at_scaled_rates(beta: float) -> None:
    """BCE averaged over 10 classes with (η, λ, β) is BCE summed with (η / 10, 10 λ, β / 10)."""
    x, labels = normal(60, 12), torch.arange(60) % 10
    targets = F.one_hot(labels, 10).double()
    start = [0.3 * normal(16, 12, seed=1), 0.3 * normal(10, 16, seed=2)]
    lr, l1 = 0.5, 2e-3
    means, sums = [parameter(w) for w in start], [parameter(w) for w in start]
    runs = [
        (means, BetaLasso(means, lr=lr, l1=l1, beta=beta), 1),
        (sums, BetaLasso(sums, lr=lr / 10, l1=10 * l1, beta=beta / 10), 10),
    ]
    for _ in range(50):
        for (first, last), optimizer, factor in runs:
            logits = torch.tanh(x @ first.T) @ last.T
            loss = factor * F.binary_cross_entropy_with_logits(logits, targets)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        for mean, total in zip(means, sums, strict=True):
            assert torch.equal(mean == 0, total == 0)
            torch.testing.assert_close(mean, total, rtol=1e-11, atol=1e-12)
    assert any((weight == 0).any() for weight in means) == (beta > 0)
