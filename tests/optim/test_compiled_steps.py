"""Steps in pieces and compiled, beside the steps operation by operation."""

import functools

import pytest
import torch
from helpers.objectives import CHUNK, DTYPES, SETTINGS, layouts, normal, parameter

from lcs.optim import FULL_PRECISION, SGD, BetaLasso, beta_lasso


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("setting", SETTINGS)
def test_pieces_have_the_bits_of_the_whole(setting, dtype, monkeypatch):
    lr, l1, beta = setting
    weights, grads = zip(*layouts(dtype), strict=True)
    whole, pieces = (list(map(parameter, weights, grads)) for _ in range(2))
    # in another order in memory: all in one, but for bfloat16, which torch rounds otherwise then
    vector = parameter(*(torch.cat([t.flatten() for t in tensors]) for tensors in (weights, grads)))
    for params, chunk in ((whole, 1 << 60), (pieces, CHUNK), ([vector], CHUNK)):
        monkeypatch.setattr(beta_lasso, "CHUNK", chunk)
        optimizer = BetaLasso(params, lr=lr, l1=l1, beta=beta)
        for _ in range(3):
            optimizer.step()
    assert all(map(torch.equal, whole, pieces))
    if dtype != torch.bfloat16:
        assert torch.equal(torch.cat([p.detach().flatten() for p in whole]), vector.detach())


# each variant that is compiled takes seconds: one without copies, two with, one of SGD
RATES = (0.1, torch.tensor(0.05), 0.02)


def compiled_and_eager(make, weights, grads):
    """Return weights after steps at some rates, of which none but the first may compile."""
    results = []
    for compiled in (True, False):
        params = list(map(parameter, weights, grads))
        optimizer = make(params, lr=RATES[0], compiled=compiled)
        for lr in RATES:
            optimizer.param_groups[0]["lr"] = lr
            with torch._dynamo.config.patch(error_on_recompile=compiled and lr is not RATES[0]):
                optimizer.step()
        results.append([param.detach() for param in params])
    return results


def share_that_differs(one, other):  # by rounding, some fall on the other side of the threshold
    return 1 - torch.isclose(one, other, rtol=1e-5, atol=1e-6).double().mean().item()


@pytest.mark.usefixtures("needs_compiler")
def test_compiled_beta_lasso_is_eager_beta_lasso_up_to_rounding():
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
    assert max(map(share_that_differs, compiled, eager)) < 1e-3
    for lr, kept in ((1e-30, [True, True, False, False, True]), (0.0, [True] * 5)):
        still = parameter(edge, torch.ones(5))
        make([still], lr=lr, compiled=True).step()
        assert (still != 0).tolist() == kept


def rounded(make):
    """Make an optimizer of rounded copies, which steps on the weights that it was given."""

    def of_copies(params, **settings):
        copies = [parameter(p.detach().bfloat16(), p.grad.bfloat16()) for p in params]
        optimizer = make(copies, **settings)
        for copy, param in zip(copies, params, strict=True):
            optimizer.state[copy][FULL_PRECISION] = param.detach()

        def compare(*_):
            assert all(torch.equal(c, p.bfloat16()) for c, p in zip(copies, params, strict=True))

        optimizer.register_step_post_hook(compare)
        return optimizer

    return of_copies


@pytest.mark.usefixtures("needs_compiler")
@pytest.mark.parametrize("kind", ["frozen", "relative", "sgd"])
def test_compiled_steps_of_rounded_copies(kind):
    weight, grad = 0.1 * normal(90, 40, dtype=torch.float32), normal(90, 40, seed=1).float()
    relative = 3 * normal(90, 40, seed=2).float().abs()
    if kind == "frozen":
        weight[:2] = 0
        make = functools.partial(BetaLasso, l1=0.01, beta=3.0, frozen_zeros=True)
    elif kind == "relative":
        relative[:2], grad[:2] = 2.0, -1 / 64  # these stand still: at their threshold, and below
        weight[0], weight[1] = 1 / 16, 1 / 16 - 2**-20

        def make(params, **settings):
            groups = [{"params": params, "relative_l1": relative}]
            return BetaLasso(groups, l1=1 / 128, beta=4.0, **settings)

    else:
        make = functools.partial(SGD, momentum=0.9, weight_decay=0.1)
    (ours,), (eager,) = compiled_and_eager(rounded(make), [weight], [grad])
    assert share_that_differs(ours, eager) < (1e-9 if kind == "sgd" else 1e-3)
    assert share_that_differs(ours, weight) > 0.9
    if kind == "relative":
        assert torch.equal(ours[:2], torch.stack([weight[0], torch.zeros(40)]))
        assert torch.equal(eager[:2], ours[:2])
    assert kind != "frozen" or not ours[:2].any()
    assert kind == "sgd" or 500 < int((ours == 0).sum()) < 3000, "the threshold is to bite"


@pytest.mark.usefixtures("needs_compiler")
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_compiled_sgd_without_momentum(dtype):
    weight, grad = normal(90, dtype=dtype), normal(90, seed=1, dtype=dtype)
    SGD([ours := parameter(weight, grad)], lr=0.1, weight_decay=0.1, compiled=True).step()
    least, expected = 4 * torch.finfo(dtype).eps, weight - 0.1 * (grad + 0.1 * weight)
    torch.testing.assert_close(ours.detach(), expected, rtol=least, atol=least)


def test_without_a_compiler_it_says_so_once_and_steps_all_the_same(monkeypatch):
    def fails(_):
        raise RuntimeError("no C++ compiler\nand a long trace")

    monkeypatch.setattr(beta_lasso, "_compiled", fails)
    beta_lasso.compiler_works.cache_clear()
    try:
        params = [parameter(normal(20), normal(20, seed=1)) for _ in range(3)]
        make = functools.partial(BetaLasso, lr=0.1, l1=0.02, beta=10)
        first, second = (make([param], compiled=True) for param in params[1:])
        make(params[:1]).step()
        with pytest.warns(UserWarning, match=r"torch\.compile does not work .*no C\+\+ compiler"):
            first.step()
        second.step()  # a second warning would be an error
        assert torch.equal(params[0], params[1])
        assert torch.equal(params[0], params[2])
    finally:
        beta_lasso.compiler_works.cache_clear()
