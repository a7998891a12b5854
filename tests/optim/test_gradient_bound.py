"""No entry of a gradient that reaches the bound is missed, and hardly any other is named."""

import itertools

import pytest
import torch

from lcs.optim import gradient_bound
from lcs.optim.gradient_bound import GradientBound

PRECISIONS = [torch.float32, torch.bfloat16]
DIRECTIONS = (1, 5, 20, 40)
WHOLE = len(DIRECTIONS)
LEVELS = range(WHOLE + 1)


@pytest.fixture(autouse=True)
def _all_levels_for_small_layers(monkeypatch):
    monkeypatch.setattr(gradient_bound, "DIRECTIONS", DIRECTIONS)
    monkeypatch.setattr(gradient_bound, "UNITS_EACH", 1)
    monkeypatch.setattr(gradient_bound, "UNITS", {"cpu": 20})  # several parts


def batch(dtype, seed=0, units=48, images=96, inputs=80, offset=0.0):
    """Inputs that vary along few axes, and gradients that are large in few images."""
    generator = torch.Generator().manual_seed(seed)
    draw = lambda *shape: torch.randn(*shape, generator=generator)  # noqa: E731
    x = draw(images, 6) @ draw(6, inputs) + 0.3 * draw(images, inputs) + offset
    delta = draw(units, images) * draw(images).exp() * draw(units, 1).exp()
    delta -= delta.mean(1, keepdim=True)  # as batch normalisation does
    return 1e-3 * delta, x.to(dtype)


def at(level):
    """Return a bound that starts from this level."""
    bound = GradientBound()
    bound.level = level
    return bound


def missed(bound, delta, x, value):
    """Return how many entries reach a value and are no candidates, and the number of candidates."""
    reaching = (delta.double() @ x.double()).abs() >= value
    units, inputs = bound.candidates(delta, x, value)
    named = torch.zeros_like(reaching)
    named[units, inputs] = True
    assert int(named.sum()) == len(units), "an entry is named once"
    return int((reaching & ~named).sum()), len(units)


@pytest.mark.parametrize("dtype", PRECISIONS)
@pytest.mark.parametrize("level", LEVELS)
def test_no_entry_that_reaches_the_bound_is_missed(level, dtype, monkeypatch):
    monkeypatch.setattr(gradient_bound, "CANDIDATES", 2.0)
    for seed, offset in itertools.product(range(3), (0.0, 2.0)):
        delta, x = batch(dtype, seed, offset=offset)
        exact = (delta.double() @ x.double()).abs().flatten().sort().values
        # exactly at the bound: of the largest entries, and of some among the others
        for value in (*exact[-8:], *exact[:: len(exact) // 5]):
            assert missed(at(level), delta, x, value.item())[0] == 0


@pytest.mark.parametrize("dtype", PRECISIONS)
@pytest.mark.parametrize("level", LEVELS[:-1])
def test_none_is_missed_where_the_inequality_is_nearly_an_equality(level, dtype, monkeypatch):
    """A unit's δ is one of the inputs, as Cauchy and Schwarz have it, and of equal weight."""
    monkeypatch.setattr(gradient_bound, "CANDIDATES", 2.0)
    delta, x = batch(dtype, 1)
    inputs = x.float() - x.float().mean(0)
    for unit in range(len(delta)):
        delta[unit] = 1e-4 * inputs[:, unit] * inputs.square().sum(1).rsqrt()
    exact = (delta.double() @ x.double()).abs()
    for value in exact.amax(1):
        assert missed(at(level), delta, x, value.item())[0] == 0


def test_none_is_missed_that_float32_sums_to_less(monkeypatch):
    """Terms that are lost one by one: the sum of float32 stays below the bound."""
    monkeypatch.setattr(gradient_bound, "CANDIDATES", 2.0)
    x = torch.full((8192, 64), 0.7 * 2.0**-12)
    delta = torch.full((64, 8192), 0.7 * 2.0**-12)
    x[0], delta[:, 0] = 1.0, 1.0
    value = (delta.double() @ x.double()).max().item()
    assert (delta @ x).max().double() < value - 1e-6, "float32 is to lose some"
    for level in LEVELS:
        assert missed(at(level), delta, x, value)[0] == 0


@pytest.mark.parametrize("level", LEVELS)
def test_none_is_missed_that_bfloat16_rounds_down(level, monkeypatch):
    """Factors, and then their product, lose nearly half of a unit in the last place each."""
    monkeypatch.setattr(gradient_bound, "CANDIDATES", 2.0)
    x = torch.ones(257, 64, dtype=torch.bfloat16)
    delta = torch.full((64, 257), 1 + 0.99 * 2.0**-8)
    value = (delta.double() @ x.double()).max().item()
    assert (delta.bfloat16() @ x).max().item() < 0.993 * value
    assert missed(at(level), delta, x, value)[0] == 0


def test_none_is_missed_where_each_rounding_is_down(monkeypatch):
    """Of δ, of its projection, which lies half way, and of the product: almost half a unit each."""
    monkeypatch.setattr(gradient_bound, "CANDIDATES", 2.0)
    last = 2.0**-7
    column = 1 + last * torch.arange(0, 128, 2)
    x = column.expand(256, 64).bfloat16()
    for even in range(0, 16, 2):
        first = torch.full((256,), 1 + last * even)
        first[::2] += last
        delta = torch.stack([first, first.roll(1)]) + 0.49 * last
        energy = column.square().sum() - delta[:, 0].square().sum()  # so that all weights are one
        delta = torch.cat([delta, energy.sqrt().expand(1, 256)])
        exact = (delta.double() @ x.double())[0]
        for value in exact:
            assert missed(at(0), delta, x, value.item())[0] == 0


@pytest.mark.parametrize("level", LEVELS[:-1])
@pytest.mark.parametrize("alike", [True, False])
def test_none_is_missed_whatever_is_rounded_down(level, alike, monkeypatch):
    """Inputs in one direction, so that hardly anything is left of them, of many lengths."""
    monkeypatch.setattr(gradient_bound, "CANDIDATES", 2.0)
    for seed in range(20):
        draws = 1 + torch.rand(3, 96, generator=torch.Generator().manual_seed(seed))
        images = draws[0, :1].expand(96) if alike else draws[0]
        x = torch.outer(images, draws[1, :64]).bfloat16()
        delta = torch.outer(draws[2, :64], images)
        exact = (delta.double() @ x.double()).abs()
        for value in exact.flatten()[:: len(exact) * 8]:
            assert missed(at(level), delta, x, value.item())[0] == 0


@pytest.mark.parametrize("setting", ["medium", "high"])
def test_products_of_low_precision_are_allowed_for(setting):
    before = torch.get_float32_matmul_precision()
    try:
        torch.set_float32_matmul_precision(setting)
        delta, x = batch(torch.float32)
        value = (delta.double() @ x.double()).abs().max().item()
        assert missed(at(WHOLE), delta, x, value)[0] == 0
        assert missed(at(WHOLE), delta, x, 1.01 * value)[1] > 0
    finally:
        torch.set_float32_matmul_precision(before)


@pytest.mark.parametrize("dtype", PRECISIONS)
def test_far_from_the_bound_nothing_is_named_and_little_computed(dtype):
    bound = GradientBound()
    delta, x = batch(dtype)
    units, inputs = bound.candidates(delta, x, 100.0)
    assert (len(units), len(inputs), bound.level) == (0, 0, 0)


@pytest.mark.parametrize("dtype", PRECISIONS)
def test_as_much_is_computed_as_the_bound_needs(dtype, monkeypatch):
    monkeypatch.setattr(gradient_bound, "CANDIDATES", 1 / 4096)
    delta, x = batch(dtype, units=256, images=256, inputs=256)
    largest = (delta.double() @ x.double()).abs().max().item()
    levels = []
    for factor in (0.2, 0.9, 1.3, 2.0, 4.0, 20.0):
        bound = GradientBound()
        lost, named = missed(bound, delta, x, factor * largest)
        assert lost == 0
        assert named <= gradient_bound.CANDIDATES * 256 * 256 or bound.level == WHOLE
        levels.append(bound.level)
    assert levels == sorted(levels, reverse=True)
    assert levels[0] == WHOLE
    assert levels[-1] == 0
    assert set(levels) & set(LEVELS[1:-1]), "some bound lies between nothing and everything"


def test_the_level_stays_for_some_batches(monkeypatch):
    monkeypatch.setattr(gradient_bound, "PATIENCE", 3)
    monkeypatch.setattr(gradient_bound, "CANDIDATES", 1 / 4096)
    bound = GradientBound()
    delta, x = batch(torch.float32, units=256)
    bound.candidates(delta, x, 1.2 * (delta @ x).abs().max().item())
    level, levels = bound.level, []
    assert level > 0
    for _ in range(5):
        bound.candidates(delta, x, 100.0)
        levels.append(bound.level)
    assert levels == [level, level - 1, level - 1, level - 1, max(0, level - 2)]


def test_what_is_not_finite_is_no_candidate():
    """Training ends by the loss, and not by an error of linear algebra."""
    delta, x = batch(torch.bfloat16)
    delta[:, 3] = float("nan")
    assert len(GradientBound().candidates(delta, x, 1.0)[0]) == 0


@pytest.mark.parametrize("level", LEVELS)
def test_images_and_units_that_are_zero(level):
    delta, x = batch(torch.float32)
    delta[3], delta[:, 5], x[7], x[:, 2] = 0.0, 0.0, 0.0, 0.0
    value = (delta.double() @ x.double()).abs().max().item()
    assert missed(at(level), delta, x, value)[0] == 0
    zero = torch.zeros_like(delta)
    assert len(at(level).candidates(zero, x, value)[0]) == 0


def test_small_layers_go_without_directions(monkeypatch):
    monkeypatch.setattr(gradient_bound, "UNITS_EACH", 1000)
    bound = GradientBound()
    delta, x = batch(torch.float32)
    bound.candidates(delta, x, 100.0)
    assert bound.axes is None
