"""What Figure 3 shows: counts beside the published ones, and the two laws."""

import dataclasses
import math

import pandas as pd
import pytest
from made_up import made_up

from lcs.config import Config
from lcs.errors import ConfigError
from lcs.exhibits import figure3, find_study
from lcs.exhibits.methods import B50
from lcs.runs import PUBLISHED, RunStore

STORE = RunStore(PUBLISHED)


def test_a_chapter_with_no_threshold_says_what_to_give():
    records = [r for r in find_study("figure3").stored("desk", STORE) if not r.config.beta]
    with pytest.raises(ConfigError, match="betas: none of them has a threshold; give one above 0"):
        figure3.laws_frame(records)


def test_a_published_count_stands_beside_runs_of_its_setting_only():
    records = find_study("figure3").stored("desk", STORE, 1)
    known = {(row[0], row[1]): row[2] for row in figure3.nonzeros_table(records, "desk").rows}
    assert known[str(B50), "first layer"] == "[71,737]{.published .reproduction}"
    other = [dataclasses.replace(r, config=r.config.replace(loss="cross-entropy")) for r in records]
    assert {row[2] for row in figure3.nonzeros_table(other, "desk").rows} == {"–"}


def test_half_time_is_the_last_recorded_epoch_of_the_first_half():
    history = {"epoch": [1, 10, 19, 21, 40], "revived": {"conv1": [0] * 5}}
    counts = {"conv1": [900, 800, 700, 600, 500], "fc1": [300] * 5, "fc2": [40] * 5}
    lasso = Config(optimizer="beta-lasso", l1=2e-5, beta=1.0, epochs=40)
    run = dataclasses.replace(made_up(lasso, 50.0), history=history | {"nonzeros": counts})
    found = figure3.nonzeros_numbers([run])
    assert (found["one-half"], found["one-end"]) == (700, 500)
    assert found["share-conv1"] == pytest.approx(50.0)


def test_half_is_reached_only_if_every_seed_reaches_it():
    curves = {0: [80, 40], 1: [90, 30]}
    history = pd.DataFrame(
        {"run_id": seed, "epoch": epoch, "left": left}
        for seed, curve in curves.items()
        for epoch, left in enumerate(curve, 1)
    )
    assert figure3._first_epoch_below(history, 50) == 2
    assert math.isnan(figure3._first_epoch_below(history, 35))
