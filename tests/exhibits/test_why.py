"""What the chapter `why` computes, on records made up so that every answer is known."""

import dataclasses
import functools

import pytest
from helpers.made_up_records import made_up, study

from lcs.config import Config
from lcs.exhibits import find_study, why
from lcs.exhibits.shared import compare, plots
from lcs.exhibits.shared.settings import has_stronger_l1
from lcs.exhibits.why import results
from lcs.exhibits.why.studies import equal_rates
from lcs.runs import Record, RunStore
from lcs.stats import Interval
from lcs.study import gather

NOTHING = {one.name: [] for one in why.STUDIES}


def known_gain(config: Config) -> float:
    """Accuracy in which β = 50 gains 1, and 2 more by augmentation, 4 more by a stronger λ."""
    gain = 0.0
    if config.beta:
        gain = 1.0 + 2.0 * (config.augment != "none") + 4.0 * (config.l1_rest is not None)
        gain += 8.0 * (config.loss == "cross-entropy" and config.lr == 0.1)
    return 50.0 + config.seed + gain


FACTORIAL = study("factorial", known_gain)


# The factorial and the gains


@pytest.mark.parametrize(
    ("change", "where", "expected"),
    [
        ({"augment": "flip-crop"}, lambda _: True, 2.0),
        ({"loss": "cross-entropy"}, lambda _: True, 8.0),
        (equal_rates, lambda c: c.loss == "bce", 0.0),
    ],
)
@pytest.mark.parametrize("reference", [compare.as_sgd, compare.without_threshold])
def test_an_effect_is_what_a_factor_adds_to_the_gain(change, where, expected, reference):
    effect = results.effect(compare.conditions(FACTORIAL), change, reference, where)
    assert effect == Interval(pytest.approx(expected), pytest.approx(0, abs=1e-9), 3)


def test_an_effect_may_be_of_some_cells_alone():
    more = lambda c: 3.0 * (has_stronger_l1(c) and bool(c.beta) and c.augment != "none")  # noqa: E731
    found = compare.conditions(study("factorial", lambda c: known_gain(c) + more(c)))
    change = {"augment": "flip-crop"}
    effect = functools.partial(results.effect, found, change, compare.without_threshold)
    assert effect(has_stronger_l1).mean == pytest.approx(5.0)
    assert effect(lambda c: c.l1_rest is None).mean == pytest.approx(2.0)
    assert effect(lambda _: False) is None


def test_steps_at_equal_rates_are_as_large():
    mean = Config(loss="bce", optimizer="beta-lasso", l1=2e-5, beta=50.0)
    equal = equal_rates(mean)
    assert equal.lr * equal.l1 == pytest.approx(mean.lr * mean.l1)
    assert equal.beta * equal.l1 == pytest.approx(mean.beta * mean.l1)


def test_gains_by_change_start_at_the_reproduction_and_leave_out_what_was_not_run():
    length = study("length", lambda c: 50 + c.seed - (c.beta > 0) - (c.epochs == 100))
    runs = NOTHING | {"frozen": study("frozen", known_gain), "length": length}
    rows = results.by_change(runs)
    start, short = rows[0], [row for row in rows if row.label == "length alone"]
    assert start.label == "none: α = 1, no augmentation"
    assert {row.contrast for row in short} == {"over SGD", "over β = 0"}
    assert all(row.values == pytest.approx([-1.0] * 3) for row in short)
    assert "augmentation" not in {row.label for row in rows}
    assert results.by_change(NOTHING) == []


def test_pruned_weights_that_return_and_that_cannot():
    def accuracy(config: Config) -> float:
        return 50 + config.seed - config.beta / 10 - 2 * config.frozen_zeros

    first = study("first-layer", accuracy, 2)
    rows = results.by_return(NOTHING | {"first-layer": first})
    assert len(rows) == 8
    alone = {row.label: row.values for row in rows if row.group.endswith("alone")}
    assert alone["β = 50 (50.0 % remain)"] == pytest.approx([-5.0] * 2)
    assert alone["β = 1, frozen zeros (50.0 % remain)"] == pytest.approx([-2.1] * 2)


# Tables and frames


def test_each_beta_has_its_cost_and_its_returns():
    def with_returns(config: Config) -> Record:
        run = made_up(config, 50.0 + config.seed - config.beta / 100, left=900)
        returned = {"epoch": [1, 2], "revived": {"conv1": [10_000, 1_000_000 * int(config.beta)]}}
        return dataclasses.replace(run, history=returned)

    records = [with_returns(config) for config in find_study("betas").configs("desk", 2)]
    rows = results.returns_table(records).rows
    assert [row[1] for row in rows] == ["1", "2", "5", "10", "20", "50", "100", "200"]
    assert rows[2][:5] == ["2e-5", "5", "−0.05 and −0.05", "90.0", "5,010,000"]
    assert results.returns_table(records[::-1]).rows[2][:5] == rows[2][:5]


def test_each_length_has_its_gains():
    runs = study("length", lambda c: 50 + c.seed - (c.beta > 0) + (c.optimizer == "sgd"), 3)
    rows = results.length_table(runs).rows
    assert [row[:2] for row in rows[::3]] == [["SGD", "100"], ["SGD", "400"]]
    assert rows[0][3:5] == ["–", "–"]
    assert rows[2][:2] == ["β-LASSO, β = 50", "100"]
    assert rows[2][3:6] == ["−2.00 ± 0.00", "−1.00 ± 0.00", "50.0"]


def test_each_change_of_the_gain_has_a_row():
    (_, _, *every), strong, _, usual, loss, equal = results.changes_table(FACTORIAL).rows
    assert every == strong[2:] == usual[2:] == ["+2.00 ± 0.00"] * 2
    assert loss == ["cross-entropy", "any", "+8.00 ± 0.00", "+8.00 ± 0.00"]
    assert {value.strip("+−") for value in equal[2:]} == {"0.00 ± 0.00"}


def test_a_sweep_draws_every_run_and_the_reference():
    records = study("betas", lambda c: 50 + c.beta / 100, 2)
    table, reference = results.by_beta(records), results.mean_of_sgd(records)
    assert reference == {"SGD": pytest.approx(50)}
    figure = plots.sweep(table, "β", references=reference, linear_below=1)
    drawn = [line for line in figure.axes[0].lines if line.get_marker() == "o"]
    assert sorted(drawn[0].get_xdata()) == sorted(table.x)
    assert len(table) == 9 * 2


def test_the_two_series_over_lambda_share_a_run():
    table = results.by_lambda(study("lambdas", lambda c: 50, 1))
    series = {name: len(rows) for name, rows in table.groupby("series")}
    assert series == {"β-LASSO, β = 50": 5, "βλ = 0.001": 5}
    assert sorted(table.x.value_counts()) == [2] * 5


# Numbers


def test_numbers_of_the_prose():
    runs = {
        "frozen": study("frozen", lambda c: 50 + c.seed - c.frozen_zeros - (c.beta > 0) * 2),
        "recipe": study("recipe", lambda c: 50 + c.seed + (c.beta == 50) * (c.l1_rest == 1e-5)),
        "precision": study("precision", lambda c: 50 + c.seed + (c.precision == "fp32")),
        # the largest λ is best: of every β by three points, of β = 50 by two
        "lambdas": study("lambdas", lambda c: 50 + (c.l1 == 1e-4) * (3 - (c.beta == 50)), 2),
    }
    ends = study("table2", lambda c: 50 + 10 * (c.model == "s-local"), 2)
    assert results.numbers(NOTHING | runs, ends) == {
        "stronger-l1": "5e-5 on the first layer and 1e-5 on the others",
        "over-zero": "−2.00 ± 0.00",
        "betas-n": "0",
        "runs-l1": "2",
        "gap-own": "20 and 20",
        "gap-best": "30 and 30",
        "best-beta": "10",
        "strong-over-usual": "+1.00 ± 0.00",
        "fp32-sgd": "+1.00 ± 0.00",
        "fp32-50": "+1.00 ± 0.00",
    }
    assert results.numbers(NOTHING, [])["over-zero"] == "pending"


# Runs


def test_gathering_trains_nothing(tmp_path):
    assert gather(why.STUDIES, "smoke", store=RunStore(tmp_path)) == NOTHING
    assert not list(tmp_path.iterdir())
