"""Pairs of pixels by their distance, on filters that can be counted by hand."""

import itertools
import math

import pytest
import torch
from helpers.objectives import seeded

from lcs import measure


@pytest.mark.parametrize("shared", [True, False])
def test_what_all_filters_share_makes_no_correlation(shared):
    filters = torch.zeros(4000, 1, 16, 16)
    filters[:, :, 4:12, 4:12] = (torch.rand(4000, 1, 8, 8, generator=seeded()) < 0.1).float()
    if not shared:  # half of the filters look elsewhere
        filters[::2] = filters[::2].roll((6, 6), (2, 3))
    ratios = measure.pair_correlation(filters)[:7]
    assert bool((ratios - 1).abs().max() < 0.03) == shared


def test_pairs_are_counted_one_by_one():
    filters = (torch.rand(4, 2, 5, 6, generator=seeded()) < 0.2).float()
    places = [filters[unit].any(0).nonzero().tolist() for unit in range(4)]
    own, others = [0] * 10, [0] * 10
    for (u, here), (v, there) in itertools.product(enumerate(places), repeat=2):
        for one, two in itertools.product(here, there):
            (own if u == v else others)[round(math.dist(one, two))] += 1
    expected = [own[r] / sum(own[1:]) / (others[r] / sum(others[1:])) for r in range(1, 5)]
    assert measure.pair_correlation(filters).tolist() == pytest.approx(expected)


@pytest.mark.parametrize(
    ("ratios", "reach", "half"),
    [
        ([5.0, 4.0, 2.0, 0.5], 3 + 2 / 3, 2.5),
        ([3.0, 1.5, 0.5, 2.0], 2.5, 1 + 2 / 3),
        ([1.5, 1.25, 1.0], 3.0, 2.0),
        ([0.9, 1.5], 0.0, 0.0),
        ([3.0, math.nan, 0.5], math.nan, math.nan),
        ([3.0, 2.5], math.nan, math.nan),
        ([], math.nan, math.nan),
    ],
)
def test_ratios_fall_to_one_and_to_half_of_their_excess(ratios, reach, half):
    assert measure.clustering_range(ratios) == pytest.approx(reach, nan_ok=True)
    assert measure.half_distance(ratios) == pytest.approx(half, nan_ok=True)


@pytest.mark.parametrize(
    "filters", [torch.eye(16).view(16, 1, 4, 4), torch.ones(1, 1, 4, 4), torch.ones(0, 3, 4, 4)]
)
def test_without_pairs_there_is_no_correlation(filters):
    assert measure.pair_correlation(filters).isnan().all()
