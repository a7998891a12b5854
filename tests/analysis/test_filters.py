"""Filters beside surrogates with as many weights, and how they are drawn."""

import json

import numpy as np
import pytest
import torch

from lcs.analysis.filters import (
    COLUMNS,
    MARGIN,
    as_image,
    best_windows,
    filters_figure,
    filters_slider,
    largest,
    mean_map,
    window_shares,
)


def bumps(count: int, width: float) -> torch.Tensor:
    """Filters (count, 3, 32, 32) with a smooth bump of their own, in float64."""
    at = torch.linspace(8, 24, count, dtype=torch.float64)[:, None, None]
    place = torch.arange(32, dtype=torch.float64)
    squares = (place[:, None] - at) ** 2 + (place - at) ** 2
    return torch.exp(-squares / (2 * width**2))[:, None].repeat(1, 3, 1, 1)


def test_so_many_weights_stay_and_they_are_the_largest():
    filters = torch.randn(3, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    kept = largest(filters, torch.tensor([0, 20, 192]))
    assert torch.count_nonzero(kept.flatten(1), 1).tolist() == [0, 20, 192]
    size = filters[1].abs()
    assert size[kept[1] != 0].min() > size[kept[1] == 0].max()


def test_local_filters_differ_from_smooth_ones_with_as_many_weights():
    local = largest(bumps(8, 2.0), torch.full((8,), 60))
    found = window_shares(local, bumps(8, 2.0))
    assert found["own"].mean == found["pruned"].mean == pytest.approx(100)
    assert found["pruned phases"].mean < 80
    assert found["pixels"].mean < 60
    assert found["phases"].mean < 60
    # smooth filters without a place, pruned, gather more than their pixels permuted
    assert found["pruned phases"].mean > found["pixels"].mean + found["pixels"].half_width


def test_zero_is_white_and_opacity_is_the_squared_weight():
    image = as_image(np.array([[[0.0, -2.0], [1.0, 0.0]]] * 3), 4.0)
    assert image[0, 0].tolist() == [1.0] * 3
    assert image[0, 1].tolist() == [0.0] * 3, "negative in all channels, at full opacity"
    assert 1 - image[1, 0] == pytest.approx(0.75 * (1 - 0.7)), "half the weight, in all channels"
    red = as_image(np.array([[[0.0, -2.0], [1.0, 2.0]]]), 4.0)
    assert red[1, 1][0] > red[1, 1][2], "red above zero"
    assert red[0, 1][0] < red[0, 1][2], "blue below"


def test_the_map_of_local_filters_has_their_weights_in_its_window():
    local = largest(bumps(8, 2.0), torch.full((8,), 60))
    _, shares, side = best_windows(local)
    assert min(shares) == pytest.approx(1)
    found = mean_map(local)
    assert found.shape == (side + 2 * MARGIN,) * 2
    inside = found[MARGIN : MARGIN + side, MARGIN : MARGIN + side]
    assert np.nansum(found) == pytest.approx(inside.sum()) == pytest.approx(1)
    figure = filters_figure({"local": local, "none": local[:0]})
    assert [text.get_text() for text in figure.texts] == ["local"]
    assert len(figure.axes) == COLUMNS + 1


def test_a_slider_has_a_frame_for_each_group():
    draws = torch.randn(9, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    chart = filters_slider({"a": (draws, "first"), "b": (draws, "second")}, "data", "Filters.")
    assert [row["frame"] for row in chart.spec["data"]["values"]] == [0, 1]
    assert "second" in json.dumps(chart.spec)
