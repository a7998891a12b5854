"""Runs by condition, joined and compared."""

import numpy as np
import pytest
from helpers.made_up_records import configs, made_up

from lcs.config import Config
from lcs.exhibits import find_study
from lcs.exhibits.shared import compare
from lcs.runs import BOOK_RUNS, RunStore
from lcs.stats import Interval

STORE = RunStore(BOOK_RUNS)


def test_stored_runs_need_every_method(tmp_path):
    groups = compare.by_method(find_study("table2").stored("desk", STORE))
    assert list(groups) == list(
        compare.by_method(find_study("table2").run("desk", 1, store=STORE)[1])
    )
    assert find_study("table2").stored("desk", RunStore(tmp_path)) == []


def test_smoothing_means_successive_values():
    runs = [made_up(Config(), 50.0)]
    runs[0].history["test_accuracy"] = [1.0, 2.0, 3.0, 4.0]
    runs[0].history["epoch"] = [1, 2, 4, 8]
    epochs, values = compare.course(runs, "test_accuracy", 2)
    assert epochs == [2, 4, 8]
    assert values == pytest.approx(np.array([[1.5, 2.5, 3.5]]))


def test_a_run_that_studies_share_is_joined_once():
    shared, own = made_up(Config(), 50.0), made_up(Config(seed=1), 50.0)
    runs = {"one": [shared], "other": [own, shared], "third": [made_up(Config(seed=2), 50.0)]}
    assert compare.joined(runs, ("one", "other")) == [shared, own]


def test_a_run_that_two_studies_share_counts_once():
    records = [made_up(config, 50.0) for config in configs("length", "longer", seeds=2)]
    found = compare.conditions(reversed(records))
    assert all([r.config.seed for r in runs] == [0, 1] for runs in found.values())
    assert found.keys() == {*configs("length", "longer")}


def test_no_condition_is_picked_by_chance():
    found = compare.conditions(made_up(config, 50.0) for config in configs("factorial"))
    with pytest.raises(ValueError, match="conditions have these values"):
        compare.pick(found, beta=50)
    assert compare.pick(found, beta=7) is None


def test_differences_pair_by_seed():
    sgd, sparse = Config(), Config(optimizer="beta-lasso", l1=2e-5, beta=50.0)
    records = [made_up(sgd.replace(seed=s), 50 + s) for s in (0, 1, 2)]
    records += [made_up(sparse.replace(seed=s), 51.5 + s) for s in (2, 1)]
    found = compare.conditions(records)
    gain = compare.difference(found, sparse, sgd)
    assert gain == Interval(pytest.approx(1.5), pytest.approx(0), 2)
    assert compare.difference(found, sgd, sgd) is None
    assert compare.difference(found, sparse.replace(beta=1.0), sgd) is None
