"""Sharing of banks of filters that are made up, so that it is known whether they share weights."""

import math

import pytest
import torch
from helpers.objectives import seeded

from lcs import measure
from lcs.errors import ConfigError
from lcs.measure import local_parts, sharing, weight_sharing


@pytest.fixture(autouse=True)
def few_draws(monkeypatch):
    monkeypatch.setattr(weight_sharing, "DRAWS", 3)


def bank(units=12, *, kernels, kept=1.0, smooth=False):
    """Kernels of 9 x 9 pixels at random places of 32 x 32, each pixel kept by chance."""
    generator = seeded(1)
    drawn = torch.randn(kernels, 3, 11, 11, generator=generator, dtype=torch.float64)
    drawn = torch.nn.functional.avg_pool2d(drawn, 3, 1) if smooth else drawn[..., 1:-1, 1:-1]
    filters = torch.zeros(units, 3, 32, 32, dtype=torch.float64)
    for unit in range(units):
        row, column = torch.randint(24, (2,), generator=generator).tolist()
        seen = torch.rand(9, 9, generator=generator) < kept
        filters[unit, :, row : row + 9, column : column + 9] = drawn[unit % kernels] * seen
    return filters


@pytest.mark.parametrize("smooth", [False, True])
def test_shifted_copies_share_all_their_weights(smooth):
    found = sharing(bank(kernels=1, smooth=smooth), 1)
    assert found["filters"] == 12
    assert found["mean"] == pytest.approx(1)
    assert found["unaligned"] < 0.5
    for null in ("pixels", "phases", "rearranged"):
        assert found[f"{null}_excess"] == pytest.approx(1 - found[null])
        assert found[null] < 0.6
    assert found["shared"] > 0.9


def test_copies_are_found_among_several_kernels_and_with_gaps():
    found = sharing(bank(kernels=4), 100)
    assert found["mean"] == pytest.approx(1)
    assert found["rearranged"] < 0.4
    assert found["shared"] < 0.4, "of so many kernels each has one of its own"
    found = sharing(bank(kernels=1, kept=0.3), 1)
    assert found["mean"] == pytest.approx(found["shared"], abs=0.1)
    assert found["rearranged_excess"] > 0.2


def test_a_null_is_the_nearest_of_the_others_surrogates_over_draws():
    filters, draws, values = bank(5, kernels=5), seeded(), []
    for surrogates in (measure.permute_filters(filters, draws) for _ in range(3)):
        for f, others in zip(filters, ~torch.eye(5, dtype=torch.bool), strict=True):
            values.append(weight_sharing.aligned_correlation(f[None], surrogates[others]).max())
    expected = torch.stack(values).mean()
    state = torch.get_rng_state()
    assert sharing(filters, 1)["pixels"] == pytest.approx(float(expected))
    assert torch.equal(torch.get_rng_state(), state), "the global stream is left alone"


@pytest.mark.parametrize("kept", [1.0, 0.3, 0.1])
@pytest.mark.parametrize("smooth", [False, True])
def test_filters_of_their_own_are_as_alike_as_chance(kept, smooth):
    found = sharing(bank(kernels=12, kept=kept, smooth=smooth), 1)
    assert abs(found["rearranged_excess"]) < 0.05
    if kept == 0.1 and not smooth:  # only to a null that is not sparse they look alike
        assert found["phases_excess"] > 0.1
        assert abs(found["pixels_excess"]) < 0.05


def test_correlation_is_the_largest_over_shifts_without_wrapping_around():
    filters = torch.zeros(4, 2, 4, 4)
    filters[0, :, 0, 0] = torch.tensor([3.0, 4.0])
    filters[1, :, 3, 2] = torch.tensor([6.0, 8.0])
    filters[2, 0, 1, 0], filters[2, 0, 1, 3] = 1.0, 1.0  # three apart; one apart if it wrapped
    filters[3, 0, 0, 0], filters[3, 0, 0, 1] = 1.0, 1.0
    correlations = weight_sharing.aligned_correlation(filters, filters)
    assert correlations.diagonal().tolist() == pytest.approx([1] * 4)
    assert correlations[0, 1].item() == pytest.approx(1)
    assert correlations[0, 2].item() == pytest.approx(0.6 / math.sqrt(2))
    assert correlations[3, 2].item() == pytest.approx(0.5)
    assert weight_sharing.aligned_correlation(filters, -filters).max() < 1e-9, "it is no copy"


def test_only_local_filters_and_their_windows_are_kept():
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


def test_rearranged_weights_are_the_same_at_the_same_places_and_stay_smooth():
    filters = bank(24, kernels=24, smooth=True)
    filters[:4] = bank(4, kernels=4, kept=0.5)
    new = weight_sharing.rearrange(filters, seeded())
    assert torch.equal(new != 0, filters != 0)
    assert torch.equal(new.flatten(2).sort(2).values, filters.flatten(2).sort(2).values)
    assert not torch.equal(new, filters)
    shuffled, order = filters[4:].clone(), torch.randperm(81, generator=seeded())
    for unit in shuffled:
        seen = (unit != 0).any(0)
        unit[:, seen] = unit[:, seen][:, order]
    smoothness = [measure.morans_i(f).mean() for f in (filters[4:], new[4:], shuffled)]
    assert smoothness[1] > (smoothness[0] + smoothness[2]) / 2


def test_random_phases_keep_the_spectrum():
    filters = bank(4, kernels=4)
    new = weight_sharing.randomise_phases(filters, seeded())
    before, after = map(torch.fft.rfft2, (filters, new))
    # the four real coefficients may change their sign only
    assert torch.allclose(before.abs(), after.abs(), atol=1e-9)
    assert not torch.allclose(filters, new, atol=0.1)
    across = [f[:, 0] * f[:, 1].conj() for f in (before, after)]  # channels
    assert torch.allclose(across[0][..., 1:-1], across[1][..., 1:-1], atol=1e-9)


@pytest.mark.parametrize("filters", [bank(1, kernels=1), torch.full((2, 3, 8, 8), math.nan)])
def test_too_few_and_bad_filters_are_refused(filters):
    with pytest.raises(ConfigError, match=r"^filters: "):
        sharing(filters, 1)
