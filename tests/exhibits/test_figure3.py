"""What Figure 3 shows: counts beside the published ones, and the law beside them."""

import dataclasses
import math

import pytest
from helpers.made_up_records import made_up

from lcs.config import Config
from lcs.errors import ConfigError
from lcs.exhibits import figure3, find_study
from lcs.exhibits.shared.methods import B50
from lcs.runs import BOOK_RUNS, RunStore

STORE = RunStore(BOOK_RUNS)


def test_a_chapter_with_no_threshold_says_what_to_give():
    records = [r for r in find_study("figure3").stored("desk", STORE) if not r.config.beta]
    with pytest.raises(ConfigError, match="betas: none of them has a threshold; give one above 0"):
        figure3.law_figure(records)


def test_a_published_count_stands_beside_runs_of_its_setting_only():
    records = find_study("figure3").stored("desk", STORE, 1)
    known = {(row[0], row[1]): row[2] for row in figure3.nonzeros_table(records).rows}
    assert known[str(B50), "first layer"] == "[71,737]{.published .reproduction}"
    other = [dataclasses.replace(r, config=r.config.replace(loss="cross-entropy")) for r in records]
    assert {row[2] for row in figure3.nonzeros_table(other).rows} == {"–"}


def test_numbers_of_a_method_without_runs_are_not_known():
    records = [r for r in find_study("figure3").stored("desk", STORE) if r.config.beta == 50]
    found = figure3.numbers(records)
    assert {name for name, value in found.items() if math.isnan(value)} == {"half-1", "half-law-1"}


def test_shares_are_of_each_schedule_beside_the_published():
    def counted(config: Config):
        left = 100 + 300 * (config.schedule == "constant") + (config.period or 0)
        return made_up(config, 50 + config.seed, left)

    runs = {
        name: [counted(c) for c in find_study(name).configs("desk", 2)]
        for name in ("schedule", "period")
    }
    rows = figure3.schedules_table(runs).rows
    assert len(rows) == 6
    assert [row[:5] for row in rows if row[1] != "cosine" and B50.short in row[0]] == [
        [B50.short, kind, "[9.1]{.published .reproduction}", share, "50.00 and 51.00"]
        for kind, share in (("constant", "40.0"), ("cosine, period 100", "20.0"))
    ]
    assert "pending" in figure3.schedules_table({"schedule": [], "period": []}).rows[0][0]


def test_half_is_reached_only_if_every_seed_reaches_it():
    assert figure3.first_below_half([1, 2], [80, 40]) == 2
    records = [r for r in find_study("figure3").stored("desk", STORE) if r.config.beta == 50]
    assert figure3.numbers(records)["half-50"] > 1
    kept = {"conv1": [records[0].final["weights"]["conv1"]] * len(records[0].history["epoch"])}
    records[0] = dataclasses.replace(records[0], history=records[0].history | {"nonzeros": kept})
    assert math.isnan(figure3.numbers(records)["half-50"])
