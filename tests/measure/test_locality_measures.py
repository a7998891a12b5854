"""Each measure against a case that can be worked out by hand."""

import json
import math

import pytest
import torch
from helpers.objectives import seeded

from lcs import measure, stats
from lcs.errors import ConfigError
from lcs.measure import locality_measures

MEASURES = ("spread", "window_mass", "morans_i", "row_mass", "column_mass")


def noise(units, channels=3, side=16):
    return torch.randn(units, channels, side, side, generator=seeded())


def checkerboard(height, width):
    squares = torch.arange(height)[:, None] + torch.arange(width)
    return (1.0 - 2.0 * (squares % 2))[None, None]


def blobs(units):
    """Noise under a Gaussian of width 2 pixels at a random place: local, and not smooth."""
    centre = torch.rand(units, 2, 1, 1, generator=seeded(1)) * 32
    rows, columns = torch.arange(32)[:, None], torch.arange(32)
    distance = (rows - centre[:, 0]) ** 2 + (columns - centre[:, 1]) ** 2
    return noise(units, side=32) * torch.exp(-distance / 8)[:, None]


def test_the_centre_of_a_filter_is_where_most_of_its_mass_is():
    """That is its best window's, whatever lies outside: not the centroid of the whole filter."""
    filters = torch.zeros(6, 2, 32, 32)
    filters[0, :, 3:12, 20:29] = 1.0
    filters[0, 1, 25, 5] = -20.0
    filters[1, 0, 10:15, 14:19] = 0.1
    filters[1, 1, 31, 31] = 0.3
    filters[2, 1, 0, 30] = 1.0
    # as far as possible, in the same rows and in the same columns
    filters[4, 0, 12, 12] = 2.0
    filters[4, 0, 12, 31] = filters[4, 0, 31, 12] = 1.0
    # just outside
    filters[5, 0, 10, 8] = filters[5, 0, 18, 16] = 2.0
    filters[5, 0, 19, 16] = filters[5, 0, 18, 17] = 1.0
    centres = measure.centres(filters, 9)
    assert centres.tolist() == [[25, 5], [12, 16], [0, 30], [-1, -1], [12, 12], [14, 12]]


@pytest.mark.parametrize(("height", "width"), [(32, 32), (8, 8), (5, 12), (1, 7)])
def test_a_uniform_filter_has_the_spread_of_a_rectangle(height, width):
    filters = torch.full((2, 3, height, width), -0.1)
    spread = math.sqrt((height**2 + width**2 - 2) / 12)
    assert measure.spread(filters).tolist() == pytest.approx([spread, spread])
    window = min(3, height)
    share = window**2 / (height * width)
    assert measure.window_mass(filters, window).tolist() == pytest.approx([share, share])


def test_mass_is_squared_weights_summed_over_channels():
    filters = torch.zeros(2, 2, 4, 4)  # the second without any
    filters[0, 0, 1, 0], filters[0, 1, 1, 0], filters[0, 0, 1, 3] = 1.0, -1.0, 1.0  # masses 2, 1
    nan = math.nan
    for found, expected in (
        (measure.spread(filters), 3 * math.sqrt(2 / 9)),
        (measure.window_mass(filters, 1), 2 / 3),
        (measure.window_mass(filters, 4), 1),
        (measure.inverse_participation_ratio(filters), 3 / 9),
    ):
        assert found.tolist() == pytest.approx([expected, nan], nan_ok=True)


def test_the_best_window_is_found_anywhere():
    filters = noise(5, channels=2, side=7)
    shares = [float(unit[:, r : r + 3, c : c + 3].square().sum() / unit.square().sum())
              for unit in filters.double() for r in range(5) for c in range(5)]  # fmt: skip
    expected = torch.tensor(shares, dtype=torch.float64).view(5, 5, 5)
    torch.testing.assert_close(locality_measures.window_shares(filters, 3), expected)
    torch.testing.assert_close(measure.window_mass(filters, 3), expected.amax((1, 2)))
    whole = measure.window_mass(noise(200, side=8), 8)
    assert whole.max() <= 1, "never more"


def test_bands_of_rows_and_of_columns():
    filters = torch.zeros(3, 2, 8, 6)
    filters[0, :, 2:4] = 1  # two rows
    filters[1, 0, :, 5] = 1  # a column
    filters[2] = 1
    rows, columns = measure.band_mass(filters, 2)
    assert rows.tolist() == pytest.approx([1, 2 / 8, 2 / 8])
    assert columns.tolist() == pytest.approx([2 / 6, 1, 2 / 6])


def test_morans_i_by_hand():
    """Of smooth filters near one; the image does not wrap around; constant ones have none."""
    for shape in ((32, 32), (8, 6), (1, 10)):
        assert measure.morans_i(checkerboard(*shape)).item() == pytest.approx(-1)
    assert 0.95 < measure.morans_i(torch.arange(32.0).expand(1, 3, 32, 32)).item() < 1
    # deviations 1/2, -1/2, -1/2, 1/2: products -1/4, 1/4, -1/4 over 3 pairs, variance 1/4
    ends = torch.tensor([[[[1.0, 0.0, 0.0, 1.0]]]])
    assert measure.morans_i(ends).item() == pytest.approx(-1 / 3)
    values = torch.tensor([0.1, -0.7, 0.0], dtype=torch.float64)  # their mean rounds otherwise
    assert measure.morans_i(values.view(1, 3, 1, 1).expand(1, 3, 31, 31)).item() == 0


def test_morans_i_pools_channels_by_their_own_means_and_variances():
    board, gradient = checkerboard(8, 8), torch.arange(8.0).expand(1, 1, 8, 8)
    both = torch.cat([3 * board + 100, gradient - 50], dim=1)
    parts = measure.morans_i(board), measure.morans_i(gradient)
    variances = 9.0, (8**2 - 1) / 12
    expected = (parts[0] * variances[0] + parts[1] * variances[1]) / sum(variances)
    assert measure.morans_i(both).item() == pytest.approx(expected.item())


def test_permuted_pixels_keep_their_channels_together():
    filters = noise(4, channels=3, side=6)
    permuted = measure.permute_filters(filters, seeded(3))
    before, after = filters.flatten(2), permuted.flatten(2)
    order = (after[:, 0, :, None] == before[:, 0, None, :]).int().argmax(2)  # (units, pixels)
    assert permuted.shape == filters.shape
    assert all(sorted(unit) == list(range(36)) for unit in order.tolist())
    assert torch.equal(after, before.gather(2, order[:, None].expand(-1, 3, -1)))
    assert len(set(map(tuple, order.tolist()))) == 4, "each filter has an order of its own"


def test_chosen_filters_are_seeded_eligible_and_nested(monkeypatch):
    filters = noise(40, side=8)
    filters[::3] = 0
    filters[0].view(-1)[:19] = 1.0
    filters[3].view(-1)[:20] = 1.0  # enough
    chosen = measure.choose_filters(filters, 100)
    eligible = torch.tensor(sorted({3} | {unit for unit in range(40) if unit % 3}))
    assert chosen.tolist() == eligible[torch.randperm(len(eligible), generator=seeded())].tolist()
    assert measure.choose_filters(filters, 7).tolist() == chosen[:7].tolist()
    assert measure.choose_filters(torch.zeros(4, 3, 8, 8), 7).tolist() == []
    monkeypatch.setattr(locality_measures, "SEED", 6)
    assert measure.choose_filters(filters, 7).tolist() != chosen[:7].tolist()


def test_window_size_follows_the_image():
    sizes = {(32, 32): 9, (8, 8): 3, (28, 28): 7, (64, 40): 11, (1, 10): 1, (64, 64): 17}
    assert {shape: measure.window_size(*shape) for shape in sizes} == sizes


def test_locality_finds_local_filters_local_and_noise_as_its_null():
    result, chance = measure.locality(blobs(24)), measure.locality(noise(60))
    assert (result["eligible"], result["filters"], result["window"]) == (24, 24, 9)
    assert result["permutations"] == 20
    for name, sign in (("spread", -1), ("window_mass", 1)):
        summary = result[name]
        assert sign * summary["excess_mean"] > 5 * summary["excess_ci95"]
    for name in MEASURES:
        assert abs(chance[name]["excess_mean"]) < chance[name]["excess_ci95"]
    expected = -1 / (16**2 - 1)  # Moran's I by chance, exactly
    assert abs(chance["morans_i"]["null_mean"] - expected) < 2 * chance["morans_i"]["null_ci95"]


def test_locality_agrees_with_its_parts(monkeypatch):
    monkeypatch.setattr(locality_measures, "PERMUTATIONS", 2)
    monkeypatch.setattr(locality_measures, "MAX_FILTERS", 4)
    filters = blobs(6)
    result = measure.locality(filters)
    chosen = filters[measure.choose_filters(filters, 4)]
    generator = seeded(measure.SEED)
    permuted = [measure.permute_filters(chosen, generator) for _ in range(2)]
    assert (result["eligible"], result["filters"], result["permutations"]) == (6, 4, 2)
    for name, of in (
        ("spread", measure.spread),
        ("window_mass", lambda f: measure.window_mass(f, 9)),
        ("morans_i", measure.morans_i),
        ("row_mass", lambda f: measure.band_mass(f, 9)[0]),
        ("column_mass", lambda f: measure.band_mass(f, 9)[1]),
    ):
        own, null = of(chosen), sum(map(of, permuted)) / 2
        estimates = stats.mean_interval(own), stats.mean_interval(null)
        expected = [*estimates, stats.paired_difference(own, null)]
        for prefix, (mean, ci95, _) in zip(("", "null_", "excess_"), expected, strict=True):
            found = result[name][f"{prefix}mean"], result[name][f"{prefix}ci95"]
            assert found == pytest.approx((mean, ci95)), name


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_locality_is_the_same_each_time_in_double_precision(dtype):
    filters, state = noise(513, side=8).to(dtype), torch.get_rng_state()
    found = measure.locality(filters)
    assert measure.locality(filters.double()) == found
    assert (found["eligible"], found["filters"]) == (513, 512), "no more are measured"
    assert torch.equal(torch.get_rng_state(), state), "the global stream is left alone"


@pytest.mark.parametrize("local", [0, 1])
def test_locality_of_fewer_than_two_filters_is_null_in_json_and_never_nan(local):
    filters = torch.zeros(5, 3, 8, 8)
    filters[:local] = 1.0
    result = json.loads(json.dumps(measure.locality(filters), allow_nan=False))
    assert (result["eligible"], result["filters"], result["window"]) == (local, 0, 3)
    for name in MEASURES:
        assert (len(result[name]), set(result[name].values())) == (6, {None})
    filters[:4] = 0.1  # constant: Moran's I has no variance to divide by
    filters[4, 0, :3] = 1e-30
    json.dumps(measure.locality(filters), allow_nan=False)


@pytest.mark.parametrize(
    ("of", "fault"),
    [
        (lambda filters: measure.locality(filters / 0), "not finite"),
        (lambda filters: measure.spread(filters.flatten(1)), r"expected \(units, channels"),
        (lambda filters: measure.window_mass(filters, 0), "window: 0 does not fit"),
        (lambda filters: measure.band_mass(filters, 17), "window: 17 does not fit"),
        (lambda filters: measure.centres(filters, 17), "window: 17 does not fit"),
    ],
)
def test_bad_filters_and_windows_are_refused(of, fault):
    with pytest.raises(ConfigError, match=fault):
        of(noise(4))
