"""Steps in pieces and compiled, beside the steps operation by operation."""

import functools
from collections.abc import Callable
from typing import Any

import pytest
import torch
from helpers.objectives import CHUNK, DTYPES, SETTINGS, layouts, normal, parameter
from torch import Tensor, nn

from lcs.optim import FULL_PRECISION, SGD, BetaLasso, beta_lasso

# The paths


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
        monkeypatch.setattr(beta_lasso, "CHUNK", chunk)
        optimizer = BetaLasso(params, lr=lr, l1=l1, beta=beta)
        for _ in range(3):
            optimizer.step()
    assert all(torch.equal(*pair) for pair in zip(whole, pieces, strict=True))
    if dtype != torch.bfloat16:
        assert torch.equal(torch.cat([p.detach().flatten() for p in whole]), vector.detach())


# each variant that is compiled takes seconds: one without copies, two with, one of SGD
RATES = (0.1, torch.tensor(0.05), 0.02)


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
            with torch._dynamo.config.patch(error_on_recompile=compiled and lr is not RATES[0]):
                optimizer.step()
        results.append([param.detach() for param in params])
    return results[0], results[1]


def share_that_differs(one: Tensor, other: Tensor) -> float:
    """Few weights do: by rounding they fall on the other side of the threshold."""
    return 1 - torch.isclose(one, other, rtol=1e-5, atol=1e-6).double().mean().item()


@pytest.mark.usefixtures("needs_compiler")
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
    BetaLasso([still], lr=1e-30, l1=l1, beta=beta, compiled=True).step()
    assert (still != 0).tolist() == [True, True, False, False, True]
    still = parameter(edge, torch.ones(5))
    BetaLasso([still], lr=0.0, l1=l1, beta=beta, compiled=True).step()
    assert torch.equal(still, edge), "at a learning rate of zero nothing changes"


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


@pytest.mark.usefixtures("needs_compiler")
def test_compiled_frozen_zeros_and_rounded_copies() -> None:
    weight, grad = 0.1 * normal(90, 40, dtype=torch.float32), normal(90, 40, seed=1).float()
    weight[::7] = 0
    make = rounded(functools.partial(BetaLasso, l1=0.01, beta=3.0, frozen_zeros=True))
    (ours,), (eager,) = compiled_and_eager(make, [weight], [grad])
    assert not ours[::7].any()
    assert not torch.equal(ours, weight)
    assert share_that_differs(ours, eager) < 1e-3


@pytest.mark.usefixtures("needs_compiler")
def test_compiled_relative_l1_and_rounded_copies() -> None:
    weight, grad = 0.1 * normal(90, 40, dtype=torch.float32), normal(90, 40, seed=1).float()
    relative = 3 * normal(90, 40, seed=2).float().abs()
    relative[:2], grad[:2] = 2.0, -1 / 64  # these stand still: at their threshold, and below
    weight[0], weight[1] = 1 / 16, 1 / 16 - 2**-20

    def of_groups(params: list[nn.Parameter], **settings: Any) -> BetaLasso:
        groups = [{"params": params, "relative_l1": relative}]
        return BetaLasso(groups, l1=1 / 128, beta=4.0, **settings)

    (ours,), (eager,) = compiled_and_eager(rounded(of_groups), [weight], [grad])
    assert 500 < int((ours == 0).sum()) < 3000, "the threshold is to bite"
    assert share_that_differs(ours, eager) < 1e-3
    for found in (ours, eager):
        assert torch.equal(found[:2], torch.stack([weight[0], torch.zeros(40)]))


@pytest.mark.usefixtures("needs_compiler")
def test_compiled_sgd_with_rounded_copies() -> None:
    weight, grad = normal(90, 40, dtype=torch.float32), normal(90, 40, seed=1).float()
    make = rounded(functools.partial(SGD, momentum=0.9, weight_decay=0.1))
    (ours,), (eager,) = compiled_and_eager(make, [weight], [grad])
    assert not torch.equal(ours, weight)
    assert share_that_differs(ours, eager) == 0


@pytest.mark.usefixtures("needs_compiler")
def test_compiled_sgd_of_two_types_without_momentum() -> None:
    weights = [normal(90, dtype=dtype) for dtype in (torch.float32, torch.float64)]
    grads = [normal(90, seed=1, dtype=weight.dtype) for weight in weights]
    ours = [parameter(*pair) for pair in zip(weights, grads, strict=True)]
    SGD(ours, lr=0.1, weight_decay=0.1, compiled=True).step()
    for param, weight, grad in zip(ours, weights, grads, strict=True):
        least = 4 * torch.finfo(weight.dtype).eps
        expected = weight - 0.1 * (grad + 0.1 * weight)
        torch.testing.assert_close(param.detach(), expected, rtol=least, atol=least)


def test_without_a_compiler_it_says_so_once_and_steps_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fails(update: Callable[..., None]) -> None:
        raise RuntimeError("no C++ compiler\nand a long trace")

    monkeypatch.setattr(beta_lasso, "_compiled", fails)
    beta_lasso.compiler_works.cache_clear()
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
        assert "no C++ compiler" in str(caught[0].message)
        compiled[1].step()  # a second warning would be an error
        assert torch.equal(params[0], params[1])
        assert torch.equal(params[0], params[2])
    finally:
        beta_lasso.compiler_works.cache_clear()
