"""What the chapter `why` computes, on records made up so that every answer is known."""

import dataclasses
import functools

import pytest
from made_up import made_up, study

from lcs.config import Config
from lcs.exhibits import compare, find_study, plots, why
from lcs.exhibits.why import factorial, gains, prose, results, studies, summary, width
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


# Conditions


def test_a_run_that_two_studies_share_counts_once():
    records = [*study("length", known_gain, 2), *study("longer", known_gain, 2)]
    found = compare.conditions(reversed(records))
    assert all([r.config.seed for r in runs] == [0, 1] for runs in found.values())
    assert len(compare.conditions(FACTORIAL)) == 30


def test_no_condition_is_picked_by_chance():
    found = compare.conditions(FACTORIAL)
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


# The factorial


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (factorial.add_augmentation, 2.0),
        (factorial.use_cross_entropy, 8.0),
        (factorial.use_cross_entropy_at_equal_rates, 0.0),
        (factorial.use_stronger_l1, 4.0),
    ],
)
@pytest.mark.parametrize("reference", [compare.as_sgd, compare.without_threshold])
def test_an_effect_is_what_a_factor_adds_to_the_gain(change, expected, reference):
    effect = factorial.effect(compare.conditions(FACTORIAL), change, reference)
    assert effect == Interval(pytest.approx(expected), pytest.approx(0, abs=1e-9), 3)


def test_gains_have_a_row_for_each_cell_and_contrast():
    rows = gains.by_cell(FACTORIAL)
    assert len({(row.group, row.label) for row in rows}) == 12
    assert len(rows) == 12 * 2
    (one,) = (
        row
        for row in rows
        if row[:2] == ("binary cross-entropy", "over SGD") and row.group == "flips and crops"
    )
    assert one.values == pytest.approx([3.0] * 3)


def test_gains_by_change_start_at_the_reproduction_and_leave_out_what_was_not_run():
    length = study("length", lambda c: 50 + c.seed - (c.beta > 0) - (c.epochs == 100))
    runs = NOTHING | {"frozen": study("frozen", known_gain), "length": length}
    rows = gains.by_change(runs)
    start, short = rows[0], [row for row in rows if row.label == "length alone"]
    assert start.label == "none: the reproduction's setting"
    assert {row.contrast for row in short} == {"over SGD", "over β = 0"}
    assert all(row.values == pytest.approx([-1.0] * 3) for row in short)
    assert "augmentation" not in {row.label for row in rows}
    assert gains.by_change(NOTHING) == []


def test_pruned_weights_that_return_and_that_cannot():
    def accuracy(config: Config) -> float:
        return 50 + config.seed - config.beta / 10 - 2 * config.frozen_zeros

    first = study("first-layer", accuracy, 2)
    rows = gains.by_return(NOTHING | {"first-layer": first})
    assert len(rows) == 8
    alone = {row.label: row.values for row in rows if row.group.endswith("alone")}
    assert alone["β = 50 (50.0 % remain)"] == pytest.approx([-5.0] * 2)
    assert alone["β = 1, frozen zeros (50.0 % remain)"] == pytest.approx([-2.1] * 2)


def test_cells_at_equal_rates_keep_their_steps_and_have_a_name():
    mean = Config(loss="bce", optimizer="beta-lasso", l1=2e-5, beta=50.0)
    equal = studies.equal_rates(mean)
    assert equal.lr * equal.l1 == pytest.approx(mean.lr * mean.l1)
    assert equal.beta * equal.l1 == pytest.approx(mean.beta * mean.l1)
    assert factorial.cell(mean) == "binary cross-entropy"
    assert factorial.cell(equal) == "cross-entropy, equal rates"
    assert (
        factorial.cell(factorial.use_stronger_l1(equal)) == f"{factorial.cell(equal)}, stronger λ"
    )


# Tables and frames


def test_the_summary_has_the_gain_before_and_after_each_change():
    def accuracy(config: Config) -> float:
        lost = 3.0 if config.l1_rest is None else 0.5
        return 50 + config.seed - (lost + config.frozen_zeros if config.beta else 0)

    runs = NOTHING | {"first-layer": study("first-layer", accuracy), "factorial": FACTORIAL}
    rows = {(row[0], row[1]): row[2:] for row in summary.summary_table(runs).rows}
    change = rows["λ on the first layer alone", "β = 0"]
    assert change == ["−3.00 ± 0.00", "−0.50 ± 0.00", "**+2.50 ± 0.00**", "3"]
    change = rows["augmentation: flips and crops instead of none", "SGD"]
    assert change == ["+5.67 ± 0.00", "+7.67 ± 0.00", "**+2.00 ± 0.00**", "3"]
    assert ".pending" in rows["float32 instead of bfloat16", "SGD"][2]
    single = summary.summary_table(
        NOTHING | {"first-layer": study("first-layer", accuracy, 1)}
    ).rows
    assert single[0][2:] == ["−3.00", "−0.50", "+2.50", "1"]  # one run is not beyond chance


def test_a_table_has_every_condition_beside_its_reference():
    records = study("frozen", lambda c: 50 - 3 * c.frozen_zeros + 0.1 * c.seed)
    table = results.comparison_table("frozen", records)
    assert len(table.rows) == 5
    stay = [row for row in table.rows if row[1] == "frozen"]
    assert [row[3] for row in stay] == ["−3.00 ± 0.00"] * 2
    assert all(row[4] == "50.0, 75.0, 100" for row in table.rows)


def test_what_the_threshold_adds_at_each_width():
    def accuracy(config: Config) -> float:
        sparse = config.optimizer != "sgd"
        gain = 1.0 * sparse + 2.0 * (config.l1 == 5e-5) - 0.5 * (config.beta > 0)
        return 50.0 + config.seed + gain * config.base_channels

    records = study("width", accuracy)
    words = prose.numbers(NOTHING | {"width": records})
    assert words["width-8-zero"] == "−4.00 ± 0.00"
    table = width.width_frame(records)
    assert set(table.groupby(["series", "x"]).size()) == {3}
    assert table.series.nunique() == 4


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


def test_a_sweep_draws_every_run_and_the_reference():
    records = study("betas", lambda c: 50 + c.beta / 100, 2)
    table, reference = results.beta_frame(records), results.mean_of_sgd(records)
    assert reference == {"SGD": pytest.approx(50)}
    figure = plots.sweep(table, "β", references=reference, linear_below=1)
    drawn = [line for line in figure.axes[0].lines if line.get_marker() == "o"]
    assert sorted(drawn[0].get_xdata()) == sorted(table.x)
    assert len(table) == 9 * 2


def test_the_two_series_over_lambda_share_a_run():
    table = results.lambda_frame(study("lambdas", lambda c: 50, 1))
    series = {name: len(rows) for name, rows in table.groupby("series")}
    assert series == {"β-LASSO, β = 50": 5, "βλ = 0.001": 5}
    assert sorted(table.x.value_counts()) == [2] * 5


@pytest.mark.parametrize(
    "table",
    [results.returns_table,
     *(functools.partial(results.comparison_table, name) for name in results.COMPARED)],
)  # fmt: skip
def test_without_runs_a_table_shows_its_command(table):
    shown = table([]).rows[0][0]
    assert ".pending" in shown
    assert "lcs study" in shown


@pytest.mark.parametrize(
    "figure",
    [
        lambda: plots.sweep(results.beta_frame([]), "β"),
        lambda: plots.sweep(results.lambda_frame([]), "λ"),
        lambda: plots.forest(gains.by_change(NOTHING), "points"),
        lambda: plots.forest(gains.by_return(NOTHING), "points"),
        lambda: plots.forest(gains.by_cell([]), "points"),
    ],
)
def test_without_runs_a_figure_says_so(figure):
    assert "pending" in figure().axes[0].texts[0].get_text()


# Numbers


def test_numbers_of_the_first_layer():
    runs = study("first-layer", lambda c: 50 + c.seed - c.frozen_zeros - (c.beta > 0) * 2)
    words = prose.numbers(NOTHING | {"first-layer": runs})
    assert words["first-alone-free-1"] == "−2.00 ± 0.00"
    assert words["first-alone-frozen-1"] == "−3.00 ± 0.00"
    assert words["first-alone-returns-50"] == "−1.00 ± 0.00"
    assert words["over-zero"] == words["width-8-zero"] == "pending"
    assert words["changes"] == "1"  # of those in the table of all
    assert words["changes-known"] == "none"
    assert words["stronger-l1"] == "5e-5 on the first layer and 1e-5 on the others"


def test_the_best_of_each_range_is_named():
    ranges = {
        "betas": study("betas", lambda c: 50 - abs(c.beta - 5) / 100),
        "lambdas": study("lambdas", lambda c: 50 + 1e5 * c.l1 * (c.beta < 50) + (c.l1 == 5e-5)),
        "lambdas-zero": study("lambdas-zero", lambda c: 50 - 1e5 * c.l1),
    }
    words = prose.numbers(NOTHING | ranges)
    assert words["best-beta"] == "5"
    assert (words["best-l1"], words["best-l1-left"]) == ("5e-5", "50.0")
    assert (words["first-l1-zero"], words["last-l1-zero"]) == ("5e-6", "1e-4")
    assert words["last-l1-zero-accuracy"] == "40.00 ± 0.00"
    assert words["last-l1-fixed-accuracy"] == "60.00 ± 0.00"
    assert words["runs-beta"] == "3"


def test_between_which_accuracies_runs_lie_at_their_end():
    run = made_up(find_study("schedule").configs("desk", 1)[0], 50.0)
    curve = [0.9] * 18 + [0.31, 0.52]
    runs = [dataclasses.replace(run, history={"test_accuracy": c}) for c in (curve, [0.4] * 20)]
    assert prose.late_range_text(runs) == "31 and 52"


# Runs


def test_gathering_trains_nothing(tmp_path):
    assert gather(why.STUDIES, "smoke", store=RunStore(tmp_path)) == NOTHING
    assert not list(tmp_path.iterdir())
