"""What Figure 3 shows: counts beside the published ones, and the law beside them."""

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
        figure3.law_frame(records)


def test_a_published_count_stands_beside_runs_of_its_setting_only():
    records = find_study("figure3").stored("desk", STORE, 1)
    known = {(row[0], row[1]): row[2] for row in figure3.nonzeros_table(records).rows}
    assert known[str(B50), "first layer"] == "[71,737]{.published .reproduction}"
    other = [dataclasses.replace(r, config=r.config.replace(loss="cross-entropy")) for r in records]
    assert {row[2] for row in figure3.nonzeros_table(other).rows} == {"–"}


def test_half_time_is_the_last_recorded_epoch_of_the_first_half():
    history = {"epoch": [1, 10, 19, 21, 40], "nonzeros": {"conv1": [900, 800, 700, 600, 500]}}
    lasso = Config(optimizer="beta-lasso", l1=2e-5, beta=1.0, epochs=40)
    run = dataclasses.replace(made_up(lasso, 50.0), history=history)
    found = figure3.count_numbers([run])
    assert (found["one-half"], found["one-end"]) == (pytest.approx(70), pytest.approx(50))
    assert math.isnan(found["share-conv1"])


def test_shares_are_of_the_schedule_that_is_named():
    def counted(config: Config):
        return made_up(
            config, 50, 100 + 300 * (config.schedule == "constant") + (config.period or 0)
        )

    runs = {
        name: [counted(c) for c in find_study(name).configs("desk", 2)]
        for name in ("schedule", "period")
    }
    found = figure3.schedule_numbers(runs)
    assert (found["schedule-50"], found["period-1"]) == ("40.0", "20.0")
    assert found["schedule-n"] == "2"
    nothing = figure3.schedule_numbers({"schedule": [], "period": []})
    assert nothing["period-50"] == "pending"


def test_half_is_reached_only_if_every_seed_reaches_it():
    curves = {0: [80, 40], 1: [90, 30]}
    history = pd.DataFrame(
        {"run_id": seed, "epoch": epoch, "left": left}
        for seed, curve in curves.items()
        for epoch, left in enumerate(curve, 1)
    )
    assert figure3._first_epoch_below(history, 50) == 2
    assert math.isnan(figure3._first_epoch_below(history, 35))
