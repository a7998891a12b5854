"""What the chapter `scaling` computes, on records made up so that every answer is known."""

import dataclasses
import math

import numpy as np
import pandas as pd
import pytest
from made_up import made_up, study
from scipy import stats

from lcs.config import Config
from lcs.exhibits import STUDIES, plots, scaling, tables
from lcs.exhibits import figure4 as locality
from lcs.exhibits.methods import method
from lcs.exhibits.settings import CHOSEN, chosen, raised, regularised
from lcs.runs import PUBLISHED, Record, RunStore
from lcs.study import stored

BONUS = {"S-LOCAL, SGD": 10.0, "S-FC, β-LASSO, β = 50": 1.0, "S-FC, proximal ℓ1": 0.5}


def growing(config: Config) -> float:
    """Accuracy in which β = 50 gains one point and another for each doubling of the width."""
    gain = BONUS.get(method(config), 0.0)
    if config.beta == 50:
        gain += math.log2(config.base_channels)
    return 50.0 + config.seed + gain


RUNS = study("scaling", growing) + study("scaling-wide", growing)


def rows(table) -> dict[str, list[str]]:
    return {row[0]: list(row[1:]) for row in table.rows}


# --- what is chosen


def held_out(config: Config, accuracy: float) -> Record:
    record = made_up(config, accuracy)
    final = dict(record.final)
    final["validation_accuracy"] = final.pop("test_accuracy")
    return dataclasses.replace(record, final=final)


def searched(seeds: int, accuracy) -> list[Record]:
    return [held_out(c, accuracy(c)) for c in STUDIES["search"].configs("desk", seeds)]


def test_the_best_candidate_of_each_method_is_chosen():
    def accuracy(config: Config) -> float:
        return 50 - 1e5 * abs(config.l1 - 5e-5) - config.momentum + 1e3 * config.weight_decay

    records = searched(1, accuracy)
    found = scaling.choices(records)
    assert len(found) == len(CHOSEN)
    sgd = found["S-LOCAL, SGD"].config
    assert (sgd.momentum, sgd.weight_decay) == (0.0, 5e-4)
    assert {choice.config.l1 for name, choice in found.items() if "SGD" not in name} == {5e-5}
    shown = rows(scaling.choices_table(records))
    assert shown["S-FC, SGD"] == ["4", "momentum: 0; weight decay: 5e-4", "44.10", "45.50", "`0`"]
    lasso = shown["S-FC, proximal ℓ1"]
    assert lasso[1].startswith("λ, first layer: 5e-5; λ, other layers: 1e-")
    assert set(scaling.search_frame(records).x) == {5e-6, 2e-5, 5e-5, 1e-4, 2e-4}


def test_a_candidate_is_judged_by_all_its_seeds():
    def accuracy(config: Config) -> float:
        lucky = config.momentum == 0.9 and config.seed == 1
        return 70 if lucky else 60 - 20 * config.momentum

    found = scaling.choices(searched(2, accuracy))["S-CONV, SGD"]
    assert found.config.momentum == 0.0
    assert len(found.means) == 4
    assert [run.config.seed for run in found.runs] == [0, 1]


def test_what_is_chosen_is_what_the_search_found():
    found = stored("search", "desk", RunStore(PUBLISHED))
    if not found:
        pytest.skip("the search has not been run")
    best = scaling.choices(found)
    for key in CHOSEN:
        here = chosen(Config(), *key, share=1.0)
        for name in scaling.SEARCHED:
            assert getattr(here, name) == getattr(best[method(here)].config, name), (key, name)


def test_the_share_of_lambda_is_what_the_longer_search_found():
    found = stored("search-long", "desk", RunStore(PUBLISHED))
    if not found:
        pytest.skip("the longer search has not been run")
    best = scaling.choices(found)
    sparse = [key for key, values in CHOSEN.items() if "l1" in values]
    assert {method(chosen(Config(), *key)) for key in sparse} == set(best)
    for key in sparse:
        here = chosen(Config(), *key)
        there = best[method(here)].config
        assert (here.l1, here.l1_rest) == (there.l1, there.l1_rest), key


def test_the_best_share_of_lambda_is_bold():
    records = [
        held_out(c, 60 - 1e5 * abs(c.l1 - 5e-5)) for c in STUDIES["search-long"].configs("desk", 1)
    ]
    shown = scaling.long_table(records).rows
    assert len(shown) == 12
    bold = [row for row in shown if row[3].startswith("**")]
    assert [row[0] for row in bold] == [
        "proximal ℓ1", "β-LASSO, β = 0", "β-LASSO, β = 1", "β-LASSO, β = 50",
    ]  # fmt: skip
    assert bold[-1][1:4] == ["5e-5", "5e-6", "**60.00**"]
    assert [row[1] for row in shown if row[0] == "β-LASSO, β = 50"] == ["1e-4", "5e-5", "2.5e-5"]


def test_each_width_has_its_best_lambda_bold():
    best = {1: 2.5e-5, 2: 2.5e-5, 4: 5e-5, 8: 1e-4}
    records = [
        held_out(c, 60 - 1e5 * abs(c.l1 - best[c.base_channels]))
        for c in STUDIES["search-wide"].configs("desk", 1)
    ]
    shown = scaling.widths_table(records).rows
    assert [row[0] for row in shown] == [width for width in "1248" for _ in range(4)]
    top = [row[:2] for row in shown if row[3] == "**60.00**"]
    assert top == [["1", "2.5e-5"], ["2", "2.5e-5"], ["4", "5e-5"], ["8", "1e-4"]]
    assert "**" not in "".join(row[3] for row in shown if row[3] != "**60.00**")


def test_the_baselines_are_regularised_by_half_and_by_twice_and_the_best_of_each_is_bold():
    configs = STUDIES["search-rivals"].configs("desk", 1)
    records = [held_out(c, 60 + 1e4 * c.weight_decay + 1e5 * c.l1) for c in configs]
    shown = scaling.rivals_table(records)
    assert list(shown.columns)[:4] == ["α", "method", "weight decay", "λ, first layer"]
    assert [row[:5] for row in shown.rows if row[4].startswith("**")] == [
        ["2", "SGD", "0.001", tables.NONE, "**70.00**"],
        ["2", "β-LASSO, β = 0", tables.NONE, "8e-5", "**68.00**"],
        ["8", "SGD", "0.001", tables.NONE, "**70.00**"],
        ["8", "β-LASSO, β = 0", tables.NONE, "4e-5", "**64.00**"],
    ]
    decays = [row[2] for row in shown.rows if row[:2] == ["8", "SGD"]]
    assert decays == ["2.5e-4", "5e-4", "0.001"]
    assert {row[5] for row in shown.rows} == {"75.00"}  # of the training images, made up
    assert scaling.rivals_table([]).rows == [["[pending: `lcs study search-rivals`]{.pending}"]]


def test_augmentations_are_compared_for_each_method():
    configs = STUDIES["search-augment"].configs("desk", 1)
    shared = [
        *STUDIES["search-wide"].configs("desk", 1),
        *STUDIES["search-rivals"].configs("desk", 1),
    ]
    assert len(set(configs) & set(shared)) == 2  # those with AutoAugment, as chosen at α = 8
    records = [
        held_out(c, 60 + (c.augment == "flip-crop") * (1 - c.beta + 1e3 * c.weight_decay))
        for c in configs
    ]
    shown = scaling.augment_table(records)
    assert [row[:5] for row in shown.rows if row[4].startswith("**")] == [
        ["SGD", "flips and crops", "0.002", tables.NONE, "**63.00**"],
        ["β-LASSO, β = 50", "AutoAugment", tables.NONE, "5e-5", "**60.00**"],
    ]
    for strong, *weak in (configs[:4], configs[4:]):
        assert strong.replace(augment="flip-crop") in weak
        assert weak == [regularised(weak[0], factor) for factor in (1, 2, 4)]


def test_gains_are_of_the_best_with_each_augmentation():
    def accuracy(config: Config) -> float:
        return 60 + (config.augment == "flip-crop") + 1e3 * (config.weight_decay + config.l1)

    records = [held_out(c, accuracy(c)) for c in STUDIES["search-augment"].configs("desk", 1)]
    words = scaling.augment_numbers(records)
    assert words == {"gain-autoaugment": "−0.45", "gain-flip-crop": "−1.90"}
    assert scaling.augment_numbers([]) == dict.fromkeys(words, "pending")


def test_a_beta_that_was_not_searched_has_the_values_of_the_largest():
    largest = chosen(Config(), "s-fc", "beta-lasso", 50)
    assert chosen(Config(), "s-fc", "beta-lasso", 7.0) == largest.replace(beta=7.0)


# --- growing width


def test_every_method_has_its_accuracy_at_every_width():
    table = scaling.scaling_table(RUNS)
    assert list(table.columns)[1:5] == ["α = 1", "α = 2", "α = 4", "α = 8"]
    shown = rows(table)
    assert set(shown) == {method(run.config) for run in RUNS}
    assert shown["S-FC, β-LASSO, β = 50"][:2] == ["52.00 ± 2.48", "53.00 ± 2.48"]
    assert "78.63" in shown["S-FC, SGD"][-1]


def test_gains_are_paired():
    shown = rows(scaling.gains_table(RUNS))
    assert shown["β = 50 over SGD"][:4] == [f"**+{gain}.00 ± 0.00**" for gain in (1, 2, 3, 4)]
    assert shown["β = 0 over SGD"][0] == "+0.00 ± 0.00"
    assert "+6.56" in shown["β = 50 over SGD"][-1]


def test_the_fit_is_set_against_the_test_images():
    shown = rows(scaling.fit_table(RUNS))  # 75 % of the training images, made up
    assert shown["S-LOCAL, SGD"][0] == "75.0 ± 0.0 (+14.0)"
    assert shown["S-FC, β-LASSO, β = 50"][3] == "75.0 ± 0.0 (+20.0)"


def test_only_methods_that_make_zeros_are_asked_what_they_left():
    shown = scaling.left_table(RUNS).rows
    assert {row[0] for row in shown} == {
        "S-FC, proximal ℓ1", "S-FC, β-LASSO, β = 1", "S-FC, β-LASSO, β = 50",
    }  # fmt: skip
    assert shown[0][1:3] == ["first layer", "50.00"]


def test_lambda_of_the_width_is_set_against_one_lambda(monkeypatch):
    monkeypatch.setitem(SHARE_AT_WIDTH, 4, 0.5)

    def better(config: Config) -> float:
        return growing(config) + (config.beta == 50 and config.l1 == 5e-5)

    own = study("scaling-own", better)
    shown = rows(scaling.own_table(own, RUNS))
    assert shown["λ, first layer"][2] == "5e-5"
    assert shown["over the same with one λ"][1:3] == ["same λ", "**+1.00 ± 0.00**"]
    assert shown["training accuracy (%)"][0] == "75.00 ± 0.00"
    assert shown["training above test (points)"][0] == "+23.00 ± 2.48"
    assert shown["over SGD"][:3] == [f"**+{gain}.00 ± 0.00**" for gain in (1, 2, 4)]
    assert "+6.56" in shown["over SGD"][-1]
    assert shown["over S-LOCAL"][0] == "**−9.00 ± 0.00**"
    assert shown["over proximal ℓ1"][2] == "**+3.50 ± 0.00**"
    closed = shown["gap to S-LOCAL that it closes (%)"]
    assert closed[:4] == ["10", "20", "40", "50"]
    assert "91" in closed[-1]  # (85.19 − 78.63) / (85.86 − 78.63)
    worse = study("scaling-own", lambda c: 50.0 - c.beta + 10 * (c.model == "s-local"))
    closed = rows(scaling.own_table(worse, RUNS))["gap to S-LOCAL that it closes (%)"]
    assert closed[:4] == ["–"] * 4
    assert "85.19" in shown["test accuracy (%)"][-1]
    waits = [["[pending: `lcs study scaling-own`]{.pending}"]]
    assert scaling.own_table([], RUNS).rows == waits
    assert scaling.own_table(own, study("scaling", growing)).rows == waits


def test_beyond_the_widths_runs_stand_beside_the_lines():
    own = study("scaling-own", growing)
    beyond = study("scaling-beyond", lambda config: growing(config) - 1, seeds=1)
    waits = [["[pending: `lcs study scaling-beyond`]{.pending}"]]
    assert scaling.beyond_table(own, []).rows == scaling.beyond_table([], beyond).rows == waits
    table = scaling.beyond_table(own, beyond)
    assert [row[0] for row in table.rows] == ["over SGD", "over β = 0"]
    line = scaling.law(scaling.gains_by_width(own), 16)
    assert table.rows[0][1] == tables.signed(line.forecast)
    made = {method(r.config): r.accuracy for r in beyond}
    assert table.rows[0][2] == f"{100 * (made[scaling.B50] - made[scaling.SGD]):+.2f}"
    assert "up to α = 8 say of β = 50 at α = 16" in table.caption


@pytest.mark.parametrize("name", ["search-wide", "search-beyond"])
def test_each_width_has_the_share_of_lambda_that_was_best_there(name):
    found = stored(name, "desk", RunStore(PUBLISHED))
    if not found:
        pytest.skip("the search has not been run")
    for factor, at in scaling.by_width(found).items():
        best = max(at[scaling.B50], key=lambda run: run.accuracy)
        here = chosen(Config(), "s-fc", "beta-lasso", 50, share=SHARE_AT_WIDTH[factor])
        assert (here.l1, here.l1_rest) == (best.config.l1, best.config.l1_rest), factor


@pytest.mark.parametrize(
    ("name", "augment"), [("search-rivals", "autoaugment"), ("search-augment", "flip-crop")]
)
def test_each_method_is_regularised_as_was_best_and_worse_with_half_and_with_twice(name, augment):
    found = stored(name, "desk", RunStore(PUBLISHED))
    if not found:
        pytest.skip("the search has not been run")
    table = scaling.by_width([r for r in found if r.config.augment == augment])
    for width, at in table.items():
        for key, runs in at.items():
            half, best, twice = sorted(
                runs, key=lambda run: (run.config.weight_decay, run.config.l1)
            )
            assert best.accuracy > max(half.accuracy, twice.accuracy), (width, key)


# --- the law


def test_a_law_without_noise_is_found_exactly():
    found = scaling.law(scaling.gains_by_width(RUNS))
    assert found is not None
    assert found.slope.mean == pytest.approx(1.0)
    assert found.start.mean == pytest.approx(1.0)
    assert found.forecast.mean == pytest.approx(1 + math.log2(150))


def test_the_intervals_of_the_law_are_over_seeds():
    noise = np.random.default_rng(0).normal(0, 0.5, (3, 4))
    widths = np.array([1, 2, 4, 8])
    gains = pd.DataFrame(
        [
            {"x": x, "seed": seed, "gain": value}
            for seed, values in enumerate(noise)
            for x, value in zip(widths, values, strict=True)
        ]
    )
    slopes = [stats.linregress(np.log2(widths), values).slope for values in noise]
    found = scaling.law(gains)
    assert found is not None
    assert found.slope.mean == pytest.approx(np.mean(slopes))
    half = stats.t.ppf(0.975, 2) * stats.sem(slopes)
    assert found.slope.half_width == pytest.approx(half)


def test_gains_are_of_the_seeds_that_both_methods_have():
    some = [r for r in RUNS if r.config.beta != 50 or r.config.seed > 0]
    assert set(scaling.gains_by_width(some).seed) == {1, 2}


@pytest.mark.parametrize("table", [scaling.scaling_table, scaling.gains_table, scaling.fit_table])
def test_a_caption_names_the_interval_only_where_there_is_one(table):
    assert "95 % interval" in table(RUNS).caption
    assert "95 %" not in table(study("scaling", growing, 1)).caption


def test_one_seed_fills_every_table():
    alone = study("scaling", growing, 1)
    assert rows(scaling.gains_table(alone))["β = 50 over SGD"][:2] == ["+1.00", "+2.00"]
    assert rows(scaling.scaling_table(alone))["S-LOCAL, SGD"][0] == "60.00"
    assert scaling.numbers(alone)["law-slope-sgd"] == "+1.00"
    flat = study("scaling-own", lambda config: 50.0, 1)
    assert rows(scaling.own_table(flat, RUNS))["gap to S-LOCAL that it closes (%)"][0] == "–"


def test_a_seed_without_the_largest_width_has_no_part_in_the_law():
    lopsided = study("scaling", growing) + study("scaling-wide", growing, 1)
    found = scaling.law(scaling.gains_by_width(lopsided))
    assert found is not None
    assert found.slope.n == 1
    assert rows(scaling.gains_table(lopsided))["β = 50 over SGD"][3] == "+4.00"
    apart = [run for run in RUNS if (run.config.base_channels == 8) == (run.config.seed == 0)]
    assert scaling.law(scaling.gains_by_width(apart)) is None


def test_one_width_makes_no_law():
    gains = scaling.gains_by_width(RUNS)
    assert scaling.law(gains[gains.x == 1]) is None
    assert scaling.numbers([])["law-slope-sgd"] == "pending"
    assert scaling.numbers(RUNS)["law-slope-sgd"] == "+1.00 ± 0.00"
    assert scaling.numbers(RUNS)["law-paper-sgd"] == "+6.56"


def test_the_prose_has_both_ends_of_the_widths():
    words = scaling.numbers(RUNS)
    assert (words["width-first"], words["width-last"]) == ("1", "8")
    assert (words["gain-first"], words["gain-last"]) == ("+1.00 ± 0.00", "+4.00 ± 0.00")
    assert words["overfit-last"] == "24.00 ± 2.48"
    assert scaling.numbers([]).keys() == words.keys()


def test_the_prose_has_the_gains_with_lambda_of_each_width():
    common = study("scaling", growing) + study("scaling-wide", lambda c: growing(c) - 0.5)
    words = scaling.own_numbers(study("scaling-own", growing), common)
    assert (words["own-sgd-first"], words["own-sgd-last"]) == ("+1.00 ± 0.00", "+4.00 ± 0.00")
    assert (words["own-local-first"], words["own-local-last"]) == ("+9.00 ± 0.00", "+6.00 ± 0.00")
    assert words["own-slope-zero"] == "+1.00 ± 0.00"
    assert words["own-common"] == "+0.50 ± 0.00"


def test_the_line_crosses_zero_where_the_gain_begins():
    def crossing(gain) -> str:
        records = study("scaling-own", lambda c: 50 + (c.beta == 50) * gain(c.base_channels))
        return scaling.own_numbers(records, [])["own-crossing-sgd"]

    assert crossing(lambda width: 2 * math.log2(width) - 6) == "8.0"
    assert crossing(lambda width: -math.log2(2 * width)) == "–"


def test_the_figure_draws_runs_lines_and_the_paper():
    axes = scaling.gains_figure(RUNS).axes[0]
    heights = {(line.get_xdata()[-1], round(line.get_ydata()[-1], 2)) for line in axes.lines[:4]}
    assert (150, round(1 + math.log2(150), 2)) in heights
    assert any(
        line.get_marker() == "x" and 6.56 in line.get_ydata().round(2) for line in axes.lines
    )


def test_the_largest_runs_are_what_was_chosen():
    (sgd,), (weak,), (strong,) = (STUDIES[name].configs("desk", 1) for name in scaling.SHOWPIECE)
    assert (sgd.augment, sgd.momentum, sgd.weight_decay) == ("flip-crop", 0.9, 1e-3)
    assert weak == strong.replace(augment="flip-crop")
    assert strong.frozen_zeros
    assert strong.augment == "autoaugment"


def test_the_largest_runs_stand_beside_the_papers():
    def record(config: Config) -> Record:
        weak = config.augment == "flip-crop"
        run = made_up(config, 57 + weak + (config.optimizer == "sgd"))
        return dataclasses.replace(run, provenance={"seconds": 3600.0 * (1 + weak)})

    timed = {
        name: [record(config) for config in STUDIES[name].configs("desk", 1)]
        for name in scaling.SHOWPIECE
    }
    sgd, sparse, strong, paper = scaling.showpiece_table(timed).rows
    assert sgd[:3] == ["SGD", "32", "59.00"]
    for row, images, gap, time in (
        (sparse, "flips and crops", "+17.0", "2.0 h"),
        (strong, "AutoAugment", "+18.0", "1.0 h"),
    ):
        assert row[:2] == ["β-LASSO, β = 50, zeros stay", "32"]
        assert [row[3], row[4], row[6]] == [images, f"75.0 ({gap})", time]
    assert "72.77" in paper[2]
    waits, *others = scaling.showpiece_table(timed | {"showpiece-sgd": []}).rows
    assert waits[-1] == "[pending: `lcs study showpiece-sgd`]{.pending}"
    assert others == [sparse, strong, paper]
    words = scaling.showpiece_numbers(timed, RUNS)
    assert (words["showpiece-paper"], words["showpiece-work"]) == ("72.77", "25.0")
    for name, values in {
        "showpiece-sgd": ["59.00", "2.0 h"],
        "showpiece": ["58.00", "2.0 h", "50.0"],
        "showpiece-autoaugment": ["57.00", "1.0 h", "50.0"],
    }.items():
        keys = ("accuracy", "time", "left")[: len(values)]
        assert [words[f"{name}-{key}"] for key in keys] == values
    assert words["showpiece-gain"] == "−1.00"
    assert words["showpiece-line"] == "+6.00 ± 0.00"  # a point at α = 1, one more each doubling
    none = dict.fromkeys(scaling.SHOWPIECE, ())
    assert "lcs study showpiece" in scaling.showpiece_table(none).rows[0][0]
    for lacking in (none, timed | {"showpiece-sgd": []}):
        words_without = scaling.showpiece_numbers(lacking, RUNS)
        assert words_without["showpiece-sgd-time"] == words_without["showpiece-gain"] == "pending"
    assert scaling.showpiece_numbers(none, []).keys() == words.keys()


# --- what the units look at


def looked_at(config: Config) -> Record:
    """A run in which one unit in four has no weight, and the others have four to seven."""
    record, ratios = made_up(config, 60.0), [3.0, 1.5, 0.5, None]
    more = {"fan_in": {"conv1": [1, 0, 0, 3]}, "pair_correlation": ratios}
    return dataclasses.replace(record, final=record.final | more)


def test_the_largest_threshold_is_looked_at_by_size():
    records = [looked_at(c) for name in scaling.SHOWPIECE for c in STUDIES[name].configs("desk", 1)]
    records += [looked_at(config) for config in STUDIES["scaling"].configs("desk", 2)]
    sparse = scaling.sparsest(records)
    assert {record.config.beta for record in sparse} == {50}
    assert scaling.units_numbers(sparse[-1:]) == {
        "units-run": "α = 32, 400 epochs, zeros stay",
        "units-range": "2.5",
        "units-dead": "25.0",
    }
    sizes = [scaling.size_text(run.config) for run in sparse]
    assert "α = 32, 400 epochs, zeros stay, flips and crops" in sizes
    table = scaling.fan_in_frame(sparse)
    assert list(table.series.unique())[:2] == ["α = 1, 200 epochs", "α = 2, 200 epochs"]
    one = table[table.series == "α = 1, 200 epochs"]
    assert dict(zip(one.weights, one.share, strict=True)) == {
        "0": 25, "1": 0, "2–3": 0, "4–7": 75,
    }  # fmt: skip
    local = looked_at(STUDIES["scaling-own"].configs("desk", 1)[0])
    pairs = locality.pair_correlation_frame([*sparse, local], scaling.size_text)
    figure = plots.first_layers(table, pairs)
    left, right = figure.axes
    shades = {line.get_label(): line.get_color() for line in left.lines}
    *drawn, _ = right.lines
    assert len(drawn) == len(sparse) + 1
    for line in drawn:
        assert line.get_color() == shades.get(line.get_label(), "black")
    assert {line.get_label() for line in drawn} - shades.keys() == {"S-LOCAL, α = 1, 200 epochs"}
    assert [t.get_text() for t in figure.axes[0].get_xticklabels()] == list(one.weights)


def test_neighbours_are_of_the_first_run_at_the_largest_width():
    def seen(config: Config) -> Record:
        run, ratio = looked_at(config), 10.0 * config.base_channels + config.seed
        return dataclasses.replace(run, final=run.final | {"pair_correlation": [ratio, 1.0]})

    records = [seen(config) for config in STUDIES["scaling-own"].configs("desk", 2)]
    local = scaling.widest(records, scaling.LOCAL)
    assert [scaling.size_text(run.config) for run in local] == ["S-LOCAL, α = 8, 200 epochs"]
    named = {"local": local, "first": scaling.sparsest(records), "none": ()}
    words = {"near-local": "80.0", "near-first": "10.0", "near-none": "pending"}
    assert scaling.near_numbers(named) == words
    assert scaling.widest([], scaling.LOCAL) == []


def test_the_weights_of_s_local_are_a_share_of_those_of_s_fc():
    def sized(config: Config) -> Record:
        record = made_up(config, 60.0)
        count = 3 if config.model == "s-local" else 40
        more = {"nonzeros": {"conv1": count}, "weights": {"conv1": count}}
        return dataclasses.replace(record, final=record.final | more)

    records = [sized(config) for config in STUDIES["scaling-own"].configs("desk", 1)]
    words = scaling.own_numbers(records, [])
    assert words["local-share"] == "7.5"
    assert set(scaling.own_numbers([], []).values()) == {"pending"}
    assert scaling.own_numbers([], []).keys() == words.keys()


def test_windows_are_compared_at_every_width():
    def local(config: Config) -> Record:
        run = made_up(config, 60.0)
        share = 0.01 * config.base_channels + config.l1
        seen = {"window_mass": {"excess_mean": share}, "eligible": 3, "window": 9, "filters": 2}
        weights = run.final["weights"] | {"conv1": 3072 * 7}
        return dataclasses.replace(run, final=run.final | {"locality": seen, "weights": weights})

    grown = [local(c) for n in ("scaling", "scaling-wide") for c in STUDIES[n].configs("desk", 1)]
    own = [
        local(c.replace(l1=0.5)) if c.beta else local(c)
        for c in STUDIES["scaling-own"].configs("desk", 1)
    ]
    table = scaling.locality_table(own, grown)
    assert list(table.columns)[1:] == ["α = 1", "α = 2", "α = 4", "α = 8"]
    shown = rows(table)
    assert shown["S-FC, SGD"] == ["+1.00", "+2.00", "+4.00", "+8.00"]
    assert shown["S-FC, β-LASSO, β = 50, λ of the width"] == [
        "+51.00",
        "+52.00",
        "+54.00",
        "+58.00",
    ]
    assert set(shown["its units with 20 weights or more"]) == {"3 of 7"}
    waits = [["[pending: `lcs study scaling-own`]{.pending}"]]
    assert scaling.locality_table([], grown).rows == waits
    assert scaling.locality_table(own, grown[:8]).rows == waits


def test_without_runs_nothing_is_looked_at():
    assert scaling.sparsest([]) == []
    assert set(scaling.units_numbers([]).values()) == {"pending"}
    dense = [made_up(config, 60.0) for config in STUDIES["scaling"].configs("desk", 1)][:4]
    assert scaling.sparsest(dense) == []


# --- momentum, weight decay or a larger step


def test_a_larger_step_keeps_pull_and_threshold_of_beta_lasso():
    small, large = (c for c in STUDIES["momentum"].configs("desk", 1) if c.beta)
    assert large.lr == 10 * small.lr
    assert large.lr * large.l1 == pytest.approx(small.lr * small.l1)
    assert large.lr * large.rest_l1 == pytest.approx(small.lr * small.rest_l1)
    assert large.beta * large.l1 == pytest.approx(small.beta * small.l1)


def test_the_parts_of_sgd_are_compared_with_none():
    def accuracy(config: Config) -> float:
        return 50 + 2 * (config.momentum > 0) + (config.weight_decay > 0) + 3 * (config.lr > 0.5)

    table = scaling.momentum_table(study("momentum", accuracy))
    column = list(table.columns).index("difference from plain SGD")
    shown = {tuple(row[:4]): row[column] for row in table.rows}
    assert shown["SGD", "0.1", "0", "0"] == "–"
    assert shown["SGD", "0.1", "0.9", "0"] == "+2.00 ± 0.00"
    assert shown["SGD", "0.1", "0.9", "5e-4"] == "+3.00 ± 0.00"
    assert shown["SGD", "1", "0", "0"] == "+3.00 ± 0.00"
    assert shown["β = 50", "0.1", "–", "–"] == "+0.00 ± 0.00"
    assert shown["β = 500", "1", "–", "–"] == "+3.00 ± 0.00"


def test_the_strongest_sgd_is_the_one_of_the_widths():
    parts = STUDIES["momentum"].configs("desk", 1)
    assert len(set(parts) & set(STUDIES["scaling"].configs("desk", 1))) == 2


# --- length, or λ


def test_raising_lambda_keeps_threshold_and_reach():
    long = chosen(Config(epochs=200), "s-fc", "beta-lasso", 50)
    short = raised(long.replace(epochs=50), 4)
    assert short.l1 * short.beta == pytest.approx(long.l1 * long.beta)
    assert short.l1 * short.epochs == pytest.approx(long.l1 * long.epochs)
    assert short.l1_rest * short.epochs == pytest.approx(long.l1_rest * long.epochs)


def test_short_runs_with_the_reach_of_the_longest_are_compared_with_others_as_short(monkeypatch):
    monkeypatch.setitem(CHOSEN, ("s-fc", "sgd", 0.0), {"momentum": 0.9})
    monkeypatch.setitem(CHOSEN, ("s-fc", "beta-lasso", 0.0), {"l1": 1e-6})
    records = study("reach", lambda c: 50 + c.seed + c.epochs / 100 + (c.beta % 50 > 0))
    table = scaling.reach_table(records)
    differences = {(row[0], row[1]): row[5:7] for row in table.rows}
    assert differences["SGD", "50"] == ["–", "–"]
    assert differences["β = 50", "50"] == ["+0.00 ± 0.00", "+0.00 ± 0.00"]
    assert differences["β = 12.5", "50"] == ["+1.00 ± 0.00", "+1.00 ± 0.00"]
    missing = [row[5:7].count("–") for row in table.rows if row[0] != "SGD"]
    assert missing.count(0) == 5  # of β > 0, with SGD and β = 0 of the same λ and length
    reaches = [float(row[3]) for row in table.rows if row[0] in ("β = 12.5", "β = 25")]
    longest = [float(row[3]) for row in table.rows if row[:2] == ["β = 50", "200"]]
    assert reaches == pytest.approx(longest * 2, rel=0.02)


def test_the_studies_share_the_runs_that_they_can():
    widths = [c for name in ("scaling", "scaling-wide") for c in STUDIES[name].configs("desk", 1)]
    assert {(c.base_channels, c.epochs) for c in widths} == {(a, 200) for a in (1, 2, 4, 8)}
    assert {c.augment for c in widths} == {"autoaugment"}
    lengths = STUDIES["reach"].configs("desk", 1)
    assert {c.epochs for c in lengths} == {50, 100, 200}
    shared = {c for c in lengths if c.epochs == 200 and c.beta == 50}
    assert shared <= set(widths)


def test_a_method_has_its_own_colour_on_every_page():
    figure = plots.sweep(scaling.width_frame(RUNS), "α", accuracy="test")
    drawn = {line.get_label(): line.get_color() for line in figure.axes[0].lines}
    assert drawn["S-CONV, SGD"] == plots.COLOURS["S-CONV, SGD"]
    assert figure.axes[0].get_ylabel() == "test"


@pytest.mark.parametrize(
    "table",
    [scaling.choices_table, scaling.long_table, scaling.scaling_table, scaling.left_table,
     scaling.gains_table, scaling.fit_table, scaling.momentum_table, scaling.reach_table,
     scaling.augment_table],
)  # fmt: skip
def test_without_runs_a_table_shows_its_command(table):
    assert "lcs study" in table([]).rows[0][0]


def test_without_runs_a_figure_says_so():
    for figure in (
        scaling.gains_figure([]),
        plots.sweep(scaling.width_frame([]), "α"),
        plots.sweep(scaling.search_frame([]), "λ"),
        plots.first_layers(scaling.fan_in_frame([]), pd.DataFrame()),
        plots.filters(scaling.shown_filters([])),
    ):
        assert "pending" in figure.axes[0].texts[0].get_text()
