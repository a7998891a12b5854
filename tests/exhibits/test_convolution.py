"""What the chapter `convolution` computes, on records made up so that every answer is known."""

import math

import pytest
import torch
from helpers.made_up_records import configs, made_up, with_filters

from lcs.config import Config
from lcs.exhibits import convolution, find_study
from lcs.exhibits.shared.methods import LOCAL
from lcs.runs import BOOK_RUNS, RunStore

STORE = RunStore(BOOK_RUNS)


def test_sharing_is_of_the_compact_filters_of_runs_that_stored_some(monkeypatch):
    monkeypatch.setattr("lcs.measure.weight_sharing.DRAWS", 2)
    kernel = torch.randn(3, 9, 9, generator=torch.Generator().manual_seed(0))
    images = torch.zeros(30, 3, 32, 32)
    for unit in range(20):
        images[unit, :, unit : unit + 9, 3:12] = kernel
    images[20:] = 1.0
    records = [with_filters(made_up(c, 60.0), images) for c in configs("filters")]
    found = convolution.frame([*records, *records, made_up(Config(), 50.0)])
    (row,) = found
    assert (row["filters"], row["mean"]) == (20, pytest.approx(1))
    assert 90 < convolution.share_of_way(row) < 300
    words = convolution.numbers(found, {"local": records, "none": []})
    assert words["sharing-local-excess"].startswith("+0.")
    assert words["sharing-none-excess"] == words["sharing-zero-ways"] == "pending"
    (label,) = convolution.sharing_figure(found).axes[0].get_yticklabels()
    assert label.get_text().endswith(f": {LOCAL.shortest}")
    scarce = with_filters(records[0], images[13:])
    few = convolution.frame([scarce])
    assert few[0]["filters"] == 7
    assert "mean" not in few[0]
    other = with_filters(made_up(scarce.config.replace(seed=1), 60.0), images[13:])
    both = convolution.frame([records[0], other])
    assert len(both) == 2
    assert len(convolution.sharing_figure(both).axes[0].get_yticklabels()) == 1
    assert "pending" in convolution.sharing_figure(few).axes[0].texts[0].get_text()
    assert convolution.numbers(few, {"local": []})["sharing-local-excess"] == "pending"
    assert convolution.numbers(few, {"local": [scarce]})["sharing-local-excess"] == "–"


def test_nothing_is_said_where_a_shared_kernel_would_not_show():
    row = {"shared": 0.25, "rearranged": 0.2, "rearranged_excess": 0.05}
    assert math.isnan(convolution.share_of_way(row))
    assert convolution.share_of_way(row | {"shared": 0.7}) == pytest.approx(10)


def test_sharing_of_the_books_runs_is_seen_in_no_run():
    records = find_study("scaling-threshold").stored("desk", STORE)
    found = convolution._shares_kernels(records)
    assert found.evidence is None
    assert found.said == "not seen in one run of each"
    assert found.value.endswith("β = 50: cannot be told")


def test_responses_are_of_four_methods_that_measured_them_on_plain_images():
    values = {"units": 64, "mean": 0.9, "ci95": 0.1, "null_mean": 0.5, "excess_ci95": 0.1}
    runs = []
    for config in configs("permuted"):
        found = values | {"excess_mean": 0.4 if config.model == "s-conv" else 0.1}
        runs.append(made_up(config, 50.0, equivariance=found))
    shown = convolution.responding([*reversed(runs), made_up(Config(seed=9), 50.0)])
    table = convolution.equivariance_table(shown)
    assert [row[:2] for row in table.rows] == [
        [name, width]
        for width in ("1", "4")
        for name in ("S-CONV, SGD", "S-LOCAL, SGD", "SGD", "β-LASSO, β = 50")
    ]
    assert [row[2:5] for row in table.rows[:2]] == [
        ["0.90", "0.50", "+0.40"],
        ["0.90", "0.50", "+0.10"],
    ]
    (axes,) = convolution.responses_figure(shown).axes
    assert [label.get_text()[:5] for label in axes.get_xticklabels()] == ["α = 1", "α = 4"]
    dots = [line.get_ydata()[0] for line in axes.lines if line.get_label() == "S-CONV"]
    assert dots == [0.4, 0.4]
