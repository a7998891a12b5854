"""Pairs of pixels by their distance, on filters that can be counted by hand."""

import itertools
import math

import pytest
import torch
from torch import Tensor

from lcs import measure


def noise(units: int, side: int) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(units, 3, side, side, generator=generator)


def test_pairs_of_dense_filters_are_those_of_chance() -> None:
    ratios = measure.pair_correlation(noise(5, side=8))
    assert ratios.tolist() == pytest.approx([1.0] * 7)


@pytest.mark.parametrize("shared", [True, False])
def test_what_all_filters_share_makes_no_correlation(shared: bool) -> None:
    generator = torch.Generator().manual_seed(0)
    filters = torch.zeros(4000, 1, 16, 16)
    filters[:, :, 4:12, 4:12] = (torch.rand(4000, 1, 8, 8, generator=generator) < 0.1).float()
    if not shared:  # half of the filters look elsewhere
        filters[::2] = filters[::2].roll((6, 6), (2, 3))
    ratios = measure.pair_correlation(filters)[:7]
    assert bool((ratios - 1).abs().max() < 0.03) == shared


def test_pairs_are_counted_one_by_one() -> None:
    generator = torch.Generator().manual_seed(0)
    filters = (torch.rand(4, 2, 5, 6, generator=generator) < 0.2).float()
    places = [filters[unit].any(0).nonzero().tolist() for unit in range(4)]
    own, others = [0] * 10, [0] * 10
    for (u, here), (v, there) in itertools.product(enumerate(places), repeat=2):
        for one, two in itertools.product(here, there):
            (own if u == v else others)[round(math.dist(one, two))] += 1
    expected = [own[r] / sum(own[1:]) / (others[r] / sum(others[1:])) for r in range(1, 5)]
    assert measure.pair_correlation(filters).tolist() == pytest.approx(expected)


def test_the_range_of_clusters_is_their_width() -> None:
    filters = torch.zeros(576, 3, 32, 32)
    for unit in range(576):  # a patch of 9 × 9 pixels, each in one channel, at every place
        row, column = divmod(unit, 24)
        filters[unit, unit % 3, row : row + 9, column : column + 9] = 1.0
    ratios = measure.pair_correlation(filters).tolist()
    assert ratios[:12] == sorted(ratios[:12], reverse=True)
    assert ratios[0] > 5
    assert ratios[12:] == [0.0] * 19
    assert 7 < measure.clustering_range(ratios) < 9


def test_the_range_is_where_the_ratios_fall_to_one() -> None:
    assert measure.clustering_range([3.0, 1.5, 0.5, 2.0]) == pytest.approx(2.5)
    assert measure.clustering_range([3.0, 1.0]) == 2.0
    assert measure.clustering_range([0.9, 1.5]) == 0.0
    for ratios in ([2.0, math.nan, 0.5], [2.0, 1.5], []):
        assert math.isnan(measure.clustering_range(ratios))


def test_the_half_distance_is_where_the_excess_is_half_that_of_neighbours() -> None:
    assert measure.half_distance([5.0, 4.0, 2.0, 0.5]) == pytest.approx(2.5)
    assert measure.half_distance([1.5, 1.25, 1.1]) == 2.0
    assert measure.half_distance([1.0, 0.5]) == 0.0
    for ratios in ([3.0, math.nan, 1.0], [3.0, 2.5], [math.nan], []):
        assert math.isnan(measure.half_distance(ratios))


def test_without_pairs_there_is_no_correlation() -> None:
    for filters in (torch.eye(16).reshape(16, 1, 4, 4), torch.ones(1, 1, 4, 4), noise(0, side=4)):
        assert measure.pair_correlation(filters).isnan().all()
