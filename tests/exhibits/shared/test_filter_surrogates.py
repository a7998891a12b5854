"""Filters beside surrogates with as many weights, of filters made up and of stored ones."""

import pytest
import torch
from checks import above
from helpers.made_up_records import made_up, with_filters

from lcs.config import Config
from lcs.exhibits.shared.filter_surrogates import compared, frame, largest, shares_figure, table
from lcs.exhibits.shared.plots.style import look
from lcs.runs import Record


def bumps(count: int, width: float) -> torch.Tensor:
    """Filters (count, 3, 32, 32) with a smooth bump of their own, in float64."""
    at = torch.linspace(8, 24, count, dtype=torch.float64)[:, None, None]
    place = torch.arange(32, dtype=torch.float64)
    squares = (place[:, None] - at) ** 2 + (place - at) ** 2
    return torch.exp(-squares / (2 * width**2))[:, None].repeat(1, 3, 1, 1)


def test_so_many_weights_stay_and_they_are_the_largest():
    filters = torch.randn(4, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    counts = torch.tensor([0, 1, 20, 192])
    kept = largest(filters, counts)
    assert torch.equal(torch.count_nonzero(kept.flatten(1), 1), counts)
    assert kept[2].abs().amin() == 0
    left = filters[2].abs()[kept[2] != 0]
    assert left.min() > filters[2].abs()[kept[2] == 0].max()


def test_local_filters_differ_from_smooth_ones_with_as_many_weights():
    local = largest(bumps(8, 2.0), torch.full((8,), 60))
    found = compared(local, bumps(8, 2.0))
    assert found["own"].mean == found["pruned"].mean == pytest.approx(100)
    assert found["pruned_phases"].mean < 80
    assert found["pixels"].mean < 60
    assert found["phases"].mean < 60
    assert above(found["own"], found["pruned_phases"])
    # smooth filters without a place, pruned, gather more than their pixels permuted
    assert above(found["pruned_phases"], found["pixels"])


def kept(config: Config, count: int = 12) -> Record:
    """A run that stored so many filters."""

    return with_filters(made_up(config, 50.0), bumps(count, 3.0))


def test_filters_stand_beside_those_of_sgd_in_the_same_setting():
    sgd, wide = Config(), Config(base_channels=2)
    sparse = Config(optimizer="beta-lasso", beta=50.0, l1=2e-5)
    found = frame([[kept(sgd), kept(sparse, 5)], [kept(wide), kept(sparse)]])
    assert len(found) == 1, "in the second group SGD has another width"
    assert found.iloc[0]["method"] == "β = 50"
    (row,) = table(found).rows
    assert len(row) == len(table(found).columns)
    (axes,) = shares_figure(found).axes
    assert [tick.get_text() for tick in axes.get_yticklabels()] == [row[0]], "no heading for one"
    means = [bar.lines[0].get_xdata()[0] for bar in axes.containers]
    assert means == [found[kind][0].mean for kind in ("own", "pruned", "phases", "pixels")]
    alone = frame([[kept(sgd), kept(sparse, 1)]])
    assert alone.empty, "one filter has no interval"


def test_filters_stand_below_their_setting():
    group = [kept(Config(base_channels=width)) for width in (1, 2, 4)]
    for width, l1, beta in ((1, 1e-5, 0), (2, 1e-5, 0), (2, 2e-5, 0), (2, 1e-5, 50), (4, 1e-5, 50)):
        lasso = {"optimizer": "beta-lasso", "beta": float(beta), "l1": l1}
        group.append(kept(Config(base_channels=width, **lasso)))
    found = frame([group])
    (axes,) = shares_figure(found).axes
    ticks = [tick.get_text() for tick in axes.get_yticklabels()]
    at_two = ["", "β = 0, λ = 1e-5", "β = 0, λ = 2e-5", "β = 50, λ = 1e-5"]
    assert ticks == ["", "β = 0, λ = 1e-5", *at_two, "", "β = 50, λ = 1e-5"]
    labels = axes.get_legend_handles_labels()[1]
    assert labels[:2] == ["β = 0", "β = 50"]
    assert axes.containers[0].lines[0].get_color() == look("β = 0").colour
