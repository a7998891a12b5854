"""Sharing of banks of filters that are made up, so that it is known whether they share weights."""

import math

import pytest
import torch
from torch import Tensor

from lcs import measure
from lcs.errors import ConfigError
from lcs.measure import local_parts, sharing, weight_sharing


@pytest.fixture(autouse=True)
def few_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weight_sharing, "DRAWS", 3)


def bank(units: int = 12, *, kernels: int, kept: float = 1.0, smooth: bool = False) -> Tensor:
    """Kernels of 9 x 9 pixels at random places of 32 x 32, each pixel kept by chance."""
    generator = torch.Generator().manual_seed(1)
    drawn = torch.randn(kernels, 3, 11, 11, generator=generator, dtype=torch.float64)
    drawn = torch.nn.functional.avg_pool2d(drawn, 3, 1) if smooth else drawn[..., 1:-1, 1:-1]
    filters = torch.zeros(units, 3, 32, 32, dtype=torch.float64)
    for unit in range(units):
        row, column = torch.randint(24, (2,), generator=generator).tolist()
        seen = torch.rand(9, 9, generator=generator) < kept
        filters[unit, :, row : row + 9, column : column + 9] = drawn[unit % kernels] * seen
    return filters


@pytest.mark.parametrize("smooth", [False, True])
def test_shifted_copies_share_all_their_weights(smooth: bool) -> None:
    found = sharing(bank(kernels=1, smooth=smooth), 1)
    assert found["filters"] == 12
    assert found["mean"] == pytest.approx(1)
    assert found["unaligned"] < 0.5
    for null in ("pixels", "phases", "rearranged"):
        assert found[f"{null}_excess"] == pytest.approx(1 - found[null])
        assert found[null] < 0.6
    assert found["shared"] > 0.9


def test_copies_are_found_among_several_kernels() -> None:
    found = sharing(bank(kernels=4), 100)
    assert found["mean"] == pytest.approx(1)
    assert found["rearranged"] < 0.4
    assert found["shared"] < 0.4, "of so many kernels each has one of its own"


def test_a_null_is_the_nearest_of_the_others_surrogates_over_draws() -> None:
    filters, draws = bank(5, kernels=5), torch.Generator().manual_seed(0)
    others = ~torch.eye(5, dtype=torch.bool)
    values = [
        weight_sharing.aligned_correlation(f[None], surrogates[other])
        for surrogates in (measure.permute_filters(filters, draws) for _ in range(3))
        for f, other in zip(filters, others, strict=True)
    ]
    expected = torch.stack([value.max() for value in values]).mean()
    assert sharing(filters, 1)["pixels"] == pytest.approx(float(expected))


@pytest.mark.parametrize("kept", [1.0, 0.3, 0.1])
@pytest.mark.parametrize("smooth", [False, True])
def test_filters_of_their_own_are_as_alike_as_chance(kept: float, smooth: bool) -> None:
    found = sharing(bank(kernels=12, kept=kept, smooth=smooth), 1)
    assert abs(found["rearranged_excess"]) < 0.05


def test_sparse_filters_look_alike_only_to_a_null_that_is_not_sparse() -> None:
    found = sharing(bank(kernels=12, kept=0.1), 1)
    assert found["phases_excess"] > 0.1
    assert abs(found["pixels_excess"]) < 0.05


def test_a_convolution_with_gaps_reaches_what_shared_kernels_do() -> None:
    found = sharing(bank(kernels=1, kept=0.3), 1)
    assert found["mean"] == pytest.approx(found["shared"], abs=0.1)
    assert found["rearranged_excess"] > 0.2


def test_correlation_is_the_largest_over_shifts_without_wrapping_around() -> None:
    filters = torch.zeros(3, 2, 4, 4)
    filters[0, :, 0, 0] = torch.tensor([3.0, 4.0])
    filters[1, :, 3, 2] = torch.tensor([6.0, 8.0])
    filters[2, 0, 1, 0], filters[2, 0, 1, 3] = 1.0, 1.0  # three apart; one apart if it wrapped
    correlations = weight_sharing.aligned_correlation(filters, filters)
    assert correlations.diagonal().tolist() == pytest.approx([1] * 3)
    assert correlations[0, 1].item() == pytest.approx(1)
    assert correlations[0, 2].item() == pytest.approx(0.6 / math.sqrt(2))
    near = torch.zeros(1, 2, 4, 4)
    near[0, 0, 0, 0], near[0, 0, 0, 1] = 1.0, 1.0
    assert weight_sharing.aligned_correlation(near, filters[2:]).item() == pytest.approx(0.5)


def test_a_negative_is_no_copy() -> None:
    filters = torch.ones(1, 1, 4, 4)
    assert weight_sharing.aligned_correlation(filters, -filters).item() < 1e-9


def test_only_local_filters_and_their_windows_are_kept() -> None:
    filters = torch.nn.functional.pad(bank(4, kernels=4), (0, 5))
    filters[0, :, 0, 0] = 1e-3  # a trace elsewhere
    filters[1:] = 0
    filters[1:3, :, :4, 20:24] = filters[1:3, :, -4:, -4:] = 1.0  # half of it each
    filters[2, 0, 16, 0] = 1.0  # and elsewhere
    filters[3, :, 5, 5:11] = 1.0  # 18 weights
    parts = local_parts(filters, 13)
    assert len(parts) == 2
    assert parts[1].sum() == 48
    assert torch.count_nonzero(parts[0]) == 9 * 9 * 3
    assert parts[0].square().sum() == pytest.approx((filters[0].square().sum() - 3e-6).item())


def test_rearranged_weights_are_the_same_at_the_same_places() -> None:
    filters = bank(4, kernels=4, kept=0.5)
    new = weight_sharing.rearrange(filters, torch.Generator().manual_seed(0))
    assert torch.equal(new != 0, filters != 0)
    assert torch.equal(new.flatten(2).sort(2).values, filters.flatten(2).sort(2).values)
    assert not torch.equal(new, filters)


def test_rearranged_weights_stay_smooth() -> None:
    filters = bank(24, kernels=24, smooth=True)
    new = weight_sharing.rearrange(filters, torch.Generator().manual_seed(0))
    shuffled = filters.clone()
    order = torch.randperm(81, generator=torch.Generator().manual_seed(0))
    for unit in shuffled:
        seen = (unit != 0).any(0)
        unit[:, seen] = unit[:, seen][:, order]
    smoothness = [measure.morans_i(f).mean() for f in (filters, new, shuffled)]
    assert smoothness[1] > (smoothness[0] + smoothness[2]) / 2


def test_random_phases_keep_the_spectrum() -> None:
    filters = bank(4, kernels=4)
    new = weight_sharing.randomise_phases(filters, torch.Generator().manual_seed(0))
    before, after = (torch.fft.rfft2(f).abs() for f in (filters, new))
    # the four real coefficients may change their sign only
    assert torch.allclose(before, after, atol=1e-9)
    assert not torch.allclose(filters, new, atol=0.1)
    # and across channels
    before, after = (
        torch.fft.rfft2(f[:, 0]) * torch.fft.rfft2(f[:, 1]).conj() for f in (filters, new)
    )
    assert torch.allclose(before[..., 1:-1], after[..., 1:-1], atol=1e-9)


def test_it_is_the_same_each_time_and_leaves_the_global_stream_alone() -> None:
    filters, state = bank(5, kernels=5).float(), torch.get_rng_state()
    assert sharing(filters, 2) == sharing(filters, 2)
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("units", [0, 1])
def test_too_few_filters_are_refused(units: int) -> None:
    with pytest.raises(ConfigError, match=f"^filters: there .* {units}; give two or more"):
        sharing(bank(units, kernels=1), 1)


def test_no_kernels_and_bad_filters_are_refused() -> None:
    with pytest.raises(ConfigError, match="kernels: 0 is out of range; give 1 or more"):
        sharing(bank(3, kernels=1), 0)
    with pytest.raises(ConfigError, match="not finite"):
        sharing(torch.full((2, 3, 8, 8), math.nan), 1)


def test_filters_of_two_shapes_are_refused() -> None:
    with pytest.raises(ConfigError, match="different shapes"):
        weight_sharing.aligned_correlation(torch.ones(2, 1, 4, 4), torch.ones(2, 3, 4, 4))
