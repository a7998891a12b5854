"""What Figure 3 shows: counts beside the published ones, and the law beside them."""

import dataclasses
import math

import numpy as np
import pytest
from helpers.made_up_records import made_up

from lcs.config import Config
from lcs.errors import ConfigError
from lcs.exhibits import figure3, find_study
from lcs.exhibits.shared import tables
from lcs.exhibits.shared.methods import B50
from lcs.runs import BOOK_RUNS, Record, RunStore

STORE = RunStore(BOOK_RUNS)


def test_a_chapter_with_no_threshold_says_what_to_give():
    records = [r for r in find_study("figure3").stored("desk", STORE) if not r.config.beta]
    with pytest.raises(ConfigError, match="betas: none of them has a threshold; give one above 0"):
        figure3.law_figure(records, figure3.law_frame([]))


def test_a_published_count_stands_beside_runs_of_its_setting_only():
    records = find_study("figure3").stored("desk", STORE, 1)
    known = {(row[0], row[1]): row[2] for row in figure3.nonzeros_table(records).rows}
    assert known[str(B50), "first layer"] == "[71,737]{.published .reproduction}"
    other = [dataclasses.replace(r, config=r.config.replace(loss="cross-entropy")) for r in records]
    assert {row[2] for row in figure3.nonzeros_table(other).rows} == {"–"}


def following(config: Config, slower: float = 1.0) -> Record:
    """A run whose first layer shrinks as the reach says, or so many times slower."""
    epochs, shares = figure3.law(config)
    kept = np.interp(np.array(epochs) / slower, epochs, shares)
    history = {"epoch": [*epochs], "nonzeros": {"conv1": [*(10 * kept)]}}
    return dataclasses.replace(made_up(config, 50), history=history, kind="training")


def test_the_law_is_compared_with_runs_that_it_is_of():
    base = Config(optimizer="beta-lasso", beta=50.0, l1=2e-5, epochs=100)
    others = [
        base.replace(beta=1.0),
        base.replace(validation=True),
        base.replace(start="network", source="cifar10/s-conv-a1-sgd-0123456789"),
        base.replace(l1=1e-3),  # more than half start below the threshold
        base.replace(l1=1e-6),  # half is never pruned
    ]
    wide = base.replace(base_channels=8, loss="bce", seed=1)
    runs = [following(base), following(wide, 0.5), following(base.replace(labels="shuffled"))]
    table = figure3.law_frame([*runs, *(made_up(config, 50) for config in others)])
    assert [*table.data] == ["cross-entropy", "binary cross-entropy", "other data"]
    assert [*table.config] == [run.config.replace(seed=0) for run in runs]
    assert [*(table.actual / table.predicted)] == pytest.approx([1, 0.5, 1], abs=0.02)
    drawn = figure3.law_figure([following(base)], table).axes[1]
    assert [text.get_text() for text in drawn.get_xticklabels()] == ["1", "8"]
    found = figure3.numbers([], table, [following(base), following(base.replace(seed=1), 0.5)])
    assert (found["law-n"], found["law-wide-n"], found["law-conditions"]) == ("3", "0", "3")
    assert found["half-usual"] == pytest.approx(0.75 * found["half-law"], abs=0.5)


def test_numbers_of_runs_that_are_not_there_are_not_known():
    found = figure3.numbers([], figure3.law_frame([]), [])
    unknown = {name for name, value in found.items() if isinstance(value, float)}
    assert all(math.isnan(found[name]) for name in unknown)
    assert {found[name] for name in found.keys() - unknown} == {"0", tables.PENDING}


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


def test_half_is_reached_between_two_epochs_or_never():
    def half(*shares):
        return figure3.half_pruned([1, 2, 4], np.array(shares))

    assert half(80, 60, 40) == 3
    assert half(40, 60, 30) == 1
    assert math.isnan(half(90, 80, 50))
