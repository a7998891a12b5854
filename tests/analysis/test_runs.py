"""Every run as one table, and what is computed from it."""

import math

import pandas as pd
import pytest
from helpers.made_up_records import made_up

from lcs.analysis import by_condition, closed, history, interval, load_runs, paired, surely
from lcs.analysis.runs import frame
from lcs.config import Config
from lcs.errors import ConfigError
from lcs.runs import RunStore
from lcs.stats import Interval

SGD = Config(model="s-fc")
LASSO = Config(model="s-fc", optimizer="beta-lasso", l1=2e-5, beta=50.0)
LOCAL = Config(model="s-local")


def runs(config, accuracies):
    return frame(made_up(config.replace(seed=seed), a) for seed, a in enumerate(accuracies))


def test_a_row_has_the_configuration_the_measures_and_the_record():
    (row,) = load_runs("table2", method="β-LASSO", seed=0).to_dict("records")
    record = row["record"]
    assert row["beta"] == record.config.beta == 50
    assert row["accuracy"] == pytest.approx(100 * record.accuracy)
    left = record.final["nonzeros"]["conv1"] / record.final["weights"]["conv1"]
    assert row["left"] == pytest.approx(100 * left)
    assert row["nonzeros.fc1"] == record.final["nonzeros"]["fc1"]
    assert row["condition"] == record.config.replace(seed=0)


def test_runs_that_studies_share_come_once_and_every_run_is_there():
    both = load_runs("table2", "figure3")
    assert both.record.map(lambda record: record.run_id).is_unique
    assert {*load_runs("table2").condition} <= {*both.condition}
    assert len(load_runs()) > 1900


def test_an_unknown_study_or_column_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="did you mean table2"):
        load_runs("tabel2")
    with pytest.raises(ConfigError, match="betta"):
        load_runs("table2", betta=50)
    assert load_runs("table2", store=RunStore(tmp_path)).empty


def test_differences_are_paired_by_seed_in_any_order():
    one = runs(LASSO, [51.0, 53.0, 55.0])
    other = runs(SGD, [50.0, 51.0, 52.0, 99.0]).iloc[::-1]
    found = paired(one, other)
    assert (found.mean, found.n) == (pytest.approx(2.0), 3)
    assert f"{found:+.1f}" == "+2.0 ± 2.5"
    assert surely(found) == 0
    assert surely(Interval(2.0, 1.0, 3)) == -surely(Interval(-2.0, 1.0, 3)) == 1
    with pytest.raises(ConfigError, match="twice"):
        paired(pd.concat([one, other]), other)


def test_what_is_missing_is_pending_and_what_cannot_be_measured_a_dash():
    assert f"{paired(runs(LASSO, []), runs(SGD, [1.0]))}" == "pending"
    assert f"{interval(pd.Series([1.0, math.nan]))}" == "–"
    assert f"{closed(*(runs(c, []) for c in (LASSO, SGD, LOCAL)))}" == "pending"


def test_the_share_of_a_gap_has_the_values_of_two_seeds_and_else_an_interval():
    dense, local = runs(SGD, [50.0, 51.0, 52.0]), runs(LOCAL, [60.0, 61.0, 62.0])
    half = runs(LASSO, [55.0, 56.5, 56.5])
    assert closed(half, dense, local).mean == pytest.approx(50)
    assert f"{closed(half, dense, local)}".startswith("50 (38 to 6")
    assert f"{closed(half.head(2), dense, local)}" == "50 and 55"
    assert "unbounded" in f"{closed(half, dense, runs(SGD, [50.0, 51.7, 52.0]))}"


def test_conditions_are_told_by_the_fields_in_which_they_differ():
    table = by_condition(pd.concat([runs(SGD, [50.0, 52.0]), runs(SGD.replace(lr=0.3), [40.0])]))
    assert [*table.columns] == ["η", "accuracy (%)", "remaining (%)", "seeds"]
    assert f"{table['accuracy (%)'].iloc[0]}" == "50.00 and 52.00"


def test_history_is_long():
    run = load_runs("table2", method="β-LASSO", seed=0)
    along = history(run, "nonzeros.conv1")
    assert [*along.value] == run.record.iloc[0].history["nonzeros"]["conv1"]
    assert {*along.method} == {"β-LASSO"}
