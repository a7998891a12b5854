"""Ways to few connections: what they are called, what they cost, and how they are drawn."""

import dataclasses

import pandas as pd
import pytest
from helpers.made_up_records import configs, made_up

from lcs import data
from lcs.analysis import by_way, closed, draw_ladder, load_runs, ways
from lcs.analysis.columns import over, sparse_flops
from lcs.analysis.ladder import ladder_table
from lcs.analysis.runs import frame
from lcs.runs import RunStore


def named(*studies):
    found = configs(*studies)
    return dict(zip(ways(pd.DataFrame({"condition": found})), found, strict=True))


def test_a_way_is_named_by_what_pruned_its_source_and_by_its_windows():
    names = named(
        "ladder", "from-convolution-wide", "banded-late", "masked", "banded-sizes", "rivals-wider"
    )
    assert {
        "masks of one-shot pruning",
        "β-LASSO, refitted",
        "tuned SGD, from S-CONV",
        "β-LASSO, windows that follow, after 25 %",
        "β-LASSO, windows at random, 5 × 5",
        "mask of S-LOCAL's windows",
        "mask of S-LOCAL's windows, thinned",
        "mask of windows at random",
    } <= {*names}
    assert named("transfer")["masks of β-LASSO on CIFAR-100"].dataset == "cifar10"
    # without its source a mask of SGD is named as SGD's
    (*_, alone) = configs("pruned-masks")
    assert [*ways(pd.DataFrame({"condition": [alone]}))] == ["masks of tuned SGD"]


def records(*studies, seeds=2):
    """Runs in which S-LOCAL is ten points ahead of all, and masks five."""
    for config in configs(*studies, seeds=seeds):
        gain = 10 if config.model == "s-local" else 5 * (config.start == "mask")
        yield made_up(config, 50 + config.seed + gain)


def test_networks_that_others_start_from_are_left_out_where_they_are_shorter():
    of = by_way(frame(records("rivals-wider", "rivals-wider-refit")))
    assert of["β-LASSO"].epochs.nunique() == len(of["β-LASSO, refitted"].epochs.unique()) == 1
    assert of["β-LASSO, refitted"].epochs.max() < of["β-LASSO"].epochs.min()
    assert of["no such way"].empty


def test_a_rung_is_drawn_pending_or_hollow_where_its_runs_are_missing():
    of = by_way(frame(records("pruned-masks", "rivals-wider")))
    ends = of["tuned SGD"], of["S-LOCAL"]
    names = ("random mask", "masks of one-shot pruning", "SET")
    shares = {name: closed(of[name], *ends) for name in names}
    axes = draw_ladder(shares, of, title="A ladder").axes[0]
    assert [text.get_text() for text in axes.texts] == ["0", "50", "pending"]
    again = draw_ladder(shares, title="Hollow", also={"SET": shares["random mask"]})
    assert "pending" not in [text.get_text() for text in again.axes[0].texts]


def test_the_table_of_a_ladder_has_its_gap_where_it_has_s_local():
    wide = by_way(load_runs("rivals-wider", seeds=1))
    table = ladder_table(wide)
    assert table["gap closed (%)"]["S-LOCAL"] == "–"
    assert table["weights, layers 1 and 2"]["random mask"] == "113,275 and 95,997"
    assert "gap closed (%)" not in ladder_table(by_way(load_runs("rivals-few", seeds=1)))
    assert over(wide["β-LASSO"], wide["β-LASSO"]) == over(wide["β-LASSO"], wide["SET"]) == "–"


@pytest.mark.parametrize(
    ("name", "dense"),
    [("β-LASSO", 1), ("SET", 0), ("one-shot pruning", 0.5), ("masks of one-shot pruning", None)],
)
def test_zeros_cost_nothing_but_the_gradient_of_those_that_may_return(name, dense):
    record = made_up(named("rivals", "pruned-masks")[name], 60)
    counts = {layer: [count, count] for layer, count in record.final["nonzeros"].items()}
    history = {"epoch": [1, record.config.epochs], "nonzeros": counts}
    first, *others = record.final["nonzeros"].values()
    left, whole = first + sum(others), sum(record.final["weights"].values())
    if dense is None:  # no mask is on the last layer
        dense = (record.final["weights"]["fc2"] - others[-1]) / (whole - left)
    gradients = dense * whole + (1 - dense) * left
    expected = 2 * (first + 2 * sum(others) + gradients) * record.config.epochs
    images = data.spec(record.config.dataset).train_size
    found = sparse_flops(dataclasses.replace(record, history=history))
    assert found == pytest.approx(expected * images)


def test_a_study_in_training_has_what_is_there(tmp_path):
    assert load_runs("ladder", whole=False, store=RunStore(tmp_path)).empty
    book = load_runs("ladder", whole=False)
    assert len(load_runs("ladder")) <= len(book)
    assert {"masks of β-LASSO", "masks of one-shot pruning"} <= {*ways(book)}
