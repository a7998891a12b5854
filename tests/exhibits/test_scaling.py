"""What the chapter `scaling` computes, on records made up so that every answer is known."""

import math
from collections import Counter

import numpy as np
import pytest
from helpers.made_up_records import configs, made_up, study
from scipy import stats

from lcs.config import Config
from lcs.exhibits import find_study, scaling
from lcs.exhibits.scaling import figures, results, search_studies, studies
from lcs.exhibits.shared import cells, gap, published, tables
from lcs.exhibits.shared.compare import by_method, by_width, mean, paired
from lcs.exhibits.shared.methods import B0, B50, CONV, LOCAL, PROXIMAL, SGD, THREE, method
from lcs.exhibits.shared.plots.style import PUBLISHED_MARKERS
from lcs.exhibits.shared.settings import CHOSEN, chosen, regularised, scaled_l1

BONUS = {LOCAL: 10.0, B50: 1.0, PROXIMAL: 0.5}
NO_RUNS = {one.name: () for one in scaling.STUDIES} | {"paper-size-searched": ()}
LARGEST = [one.name for one in studies.LARGEST]


def growing(config: Config) -> float:
    """Accuracy in which β = 50 gains one point and another for each doubling of the width."""
    doublings = math.log2(config.base_channels) if config.beta == 50 else 0
    return 50.0 + config.seed + BONUS.get(method(config), 0.0) + doublings


RUNS = study("scaling", growing) + study("scaling-wide", growing)


# What is chosen


def test_augmentations_are_searched_around_the_best_and_share_runs():
    found = configs("search-augment")
    assert len(set(found) & set(configs("search-wide", "search-rivals"))) == 2
    for strong, *weak in (found[:4], found[4:]):
        best = CHOSEN["search-augment"][strong.optimizer]
        flips = strong.replace(augment="flip-crop")
        assert weak == [regularised(flips, best * factor) for factor in search_studies.AROUND]


# Flips and crops, every method searched


def test_every_method_is_searched_alike_with_flips_and_crops():
    found = configs("search-flips")
    assert {(c.augment, c.epochs, c.validation) for c in found} == {("flip-crop", 50, True)}
    candidates = Counter(map(method, found))
    assert set(candidates) == {LOCAL, CONV, THREE, SGD, B0, B50}
    assert set(candidates.values()) == {12}
    assert len(set(found)) == len(found)


def test_runs_on_test_images_have_what_the_search_chose(monkeypatch):
    best = {"lr": 0.3, "factor": 0.5}
    own = {B50.key: best, "s-local sgd 0": best}
    monkeypatch.setitem(CHOSEN, "search-flips", CHOSEN["search-flips"] | own)
    found = {method(config): config for config in configs("flips")}
    others = {method(config): config for config in configs("flips-others")}
    assert (set(found), set(others)) == ({SGD, B50, LOCAL}, {CONV, THREE, B0})
    searched = CHOSEN["search"][B50.key]["l1"]
    assert found[B50].lr == found[LOCAL].lr == 0.3
    assert found[B50].l1 == pytest.approx(searched * 0.5 / 2), "four times as long"
    assert found[LOCAL].weight_decay == pytest.approx(2.5e-4)
    table = results.comparison_table("flips", study("flips", growing))
    differences = {row[0]: row[[*table.columns].index("difference from SGD")] for row in table.rows}
    assert differences["SGD"] == "–"
    assert differences["β = 50"].startswith("+")


def test_two_seeds_are_two_values_and_all_studies_fill_the_prose():
    two = results.numbers(NO_RUNS | {"flips-beyond": study("flips-beyond", growing, seeds=2)})
    assert (two["beyond-gain"], two["beyond-gap"]) == ("5.00 and 5.00", "50 and 50")
    filled = results.numbers(
        NO_RUNS | {one.name: study(one.name, growing) for one in scaling.STUDIES}
    )
    # all seeds are shared, and gains that are made up lie on a line
    assert [n for n, word in filled.items() if word == "pending"] == ["fit-sgd", "seeds-added"]


# Growing width


def test_the_prose_has_the_gains_with_lambda_of_each_width():
    own = study("scaling-own", lambda c: growing(c) + (0.1 * c.seed if c.beta == 50 else 0))
    words = results.numbers(NO_RUNS | {"scaling-own": own})
    assert words["own-zero-last"] == "4.10 ± 0.25"
    assert words["gap-last"].startswith("41 (")
    assert words["gap-paper"] == "91"
    assert float(words["fit-sgd"]) > 0.99  # the gains lie on a line


# The gains against the width


def test_growth_is_the_slope_over_seeds():
    assert results.growth(results.gains_by_width(RUNS)).mean == pytest.approx(1.0)
    noise = np.random.default_rng(0).normal(0, 0.5, (3, 4))
    table = results.gains_by_width(RUNS).sort_values(["seed", "x"])
    table["gain"] = noise.ravel()
    slopes = [stats.linregress(range(4), values).slope for values in noise]
    found = results.growth(table)
    assert found.mean == pytest.approx(np.mean(slopes))
    assert found.half_width == pytest.approx(stats.t.ppf(0.975, 2) * stats.sem(slopes))


def test_only_seeds_that_have_every_width_count():
    some = [run for run in RUNS if run.config.beta != 50 or run.config.seed > 0]
    assert set(results.gains_by_width(some).seed) == {1, 2}
    lopsided = study("scaling", growing) + study("scaling-wide", growing, 1)
    assert results.growth(results.gains_by_width(lopsided)).n == 1
    apart = [run for run in RUNS if (run.config.base_channels == 8) == (run.config.seed == 0)]
    assert results.growth(results.gains_by_width(apart)) is None
    table = results.gains_by_width(RUNS)
    assert results.growth(table[table.x == 1]) is None


def test_the_figure_draws_gains_against_the_width_and_the_papers():
    runs = NO_RUNS | {name: study(name, growing) for name in ("scaling-own", "scaling-threshold")}
    runs |= {"scaling-seeds": study("scaling-seeds", growing, 5)}
    axes, paper = figures.gains_figure(runs).axes
    at_eight = [line for line in axes.lines if len(line.get_xdata()) == 5]
    assert len(at_eight) == 1, "all seeds of the last width"
    assert np.allclose(at_eight[0].get_ydata(), 4)
    marks = [line for line in paper.lines if line.get_marker() == PUBLISHED_MARKERS["paper"]]
    assert any(6.56 in np.round(line.get_ydata(), 2) for line in marks)


def test_leads_over_sgd_are_drawn_setting_by_setting():
    points = {SGD: 60.0, B50: 61.0, LOCAL: 68.0}

    def runs(width, seeds, **fields):
        return [
            made_up(Config(**named, base_channels=width, seed=seed, **fields), points[name] + seed)
            for seed in range(seeds)
            for name, named in (
                (SGD, {"model": "s-fc"}),
                (LOCAL, {"model": "s-local"}),
                (B50, {"model": "s-fc", "optimizer": "beta-lasso", "l1": 1e-4, "beta": 50.0}),
            )
        ]

    whole, single = runs(1, 3, augment="flip-crop"), runs(150, 1, epochs=published.SHORT_EPOCHS)
    many, one, paper = figures.leads_figure([whole, [], single]).axes
    assert len(many.containers) == 2, "means with their intervals"
    assert {*many.containers[0].lines[0].get_ydata()} == {1.0}
    hollow = [line for line in one.lines if line.get_mfc() == "none" and len(line.get_xdata())]
    ours = [float(line.get_ydata()[0]) for line in hollow if line.get_marker() != "v"]
    assert ours == [1.0, 8.0]
    theirs = [line.get_ydata()[0] for line in hollow if line.get_marker() == "v"]
    assert theirs == [pytest.approx(published.SHORT[LOCAL] - published.SHORT[SGD])]
    assert len([line for line in paper.lines if line.get_marker() == "v"]) == 2
    longer = runs(1, 2, epochs=400)
    (axes,) = figures.lengths_figure([*runs(1, 3, epochs=100), *longer]).axes
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["100", "400"]
    assert np.ptp(axes.get_xticks()) == pytest.approx(2), "in doublings"
    assert len(axes.containers) == 2, "an interval of three seeds, none of two"


def test_the_table_of_gains_has_a_line_for_each_size():
    wide = [r for runs in by_width(study("scaling-own", growing))[8].values() for r in runs]
    alone = [run for run in wide if run.config.seed == 0 and method(run.config) != B0]
    no_gap = study("flips", lambda c: 50.0 + c.seed)
    table = results.gains_table({"one": wide, "first seed": alone, "none": no_gap})
    assert {len(row) for row in table.rows} == {len(table.columns)}
    heading, three, _, single, _, level, _, short, paper, hundred = table.rows
    assert level[2] == level[4], "where the figure has no line"
    assert short[4:8] == [tables.NONE, tables.published(published.SHORT[LOCAL]), *[tables.NONE] * 2]
    assert short[8] == tables.NONE
    assert heading == ["*one*", *[""] * 9]
    runs = by_method(wide)
    assert three[:3] == ["α = 8, 200 epochs", "3", f"{mean(runs[SGD]):.2f}"]
    assert three[6] == tables.signed(paired(runs[B50], runs[SGD]))
    assert three[7] == tables.signed(paired(runs[B50], runs[B0]))
    assert three[8:] == [gap.gap_text(runs), cells.remaining_text(runs[B50])]
    assert (single[1], single[3], single[7]) == ("1", tables.NONE, tables.NONE)
    assert paper[4] == tables.published(published.accuracy(B50, "cifar10"))
    assert paper[8] == tables.published(f"{published.gap_closed():.0f}")
    assert hundred[4] == tables.published(published.accuracy(B50, "cifar100"))


# The largest networks


def test_the_largest_runs_are_what_was_chosen():
    weak, best, free, zero, sgd, decay, strong, local, conv, *pairs = configs(*LARGEST)
    assert (sgd.augment, sgd.momentum, sgd.weight_decay) == ("flip-crop", 0.9, 1e-3)
    assert decay == sgd.replace(weight_decay=5e-4)
    assert weak == strong.replace(augment="flip-crop")
    assert strong.frozen_zeros
    assert strong.augment == "autoaugment"
    assert best.frozen_zeros
    assert best.lr == CHOSEN["search-flips"][B50.key]["lr"]
    assert free == best.replace(frozen_zeros=False)
    assert zero == free.replace(beta=0.0)
    assert [local.model, conv.model] == ["s-local", "s-conv"]
    longer, wider = {"epochs": 4 * best.epochs}, {"base_channels": 2 * best.base_channels}
    for lasso, dense, changed in zip(pairs[::2], pairs[1::2], (longer, wider), strict=True):
        assert lasso.replace(l1=best.l1, l1_rest=best.l1_rest) == best.replace(**changed)
        assert dense == decay.replace(**changed)


def test_the_largest_runs_stand_side_by_side():
    def accuracy(config: Config) -> float:
        better = (config.optimizer == "sgd") * (1 + (config.weight_decay < 1e-3))
        return 57 + (config.augment == "flip-crop") + better

    found = {
        name: [made_up(config, accuracy(config)) for config in configs(name)] for name in LARGEST
    }
    table = results.comparison_table("largest", [run for runs in found.values() for run in runs])
    place = [*table.columns].index("difference from the better SGD")
    sparse, _, free, _, sgd, decay, strong, *_ = table.rows
    assert [row[place] for row in (sparse, sgd, decay, strong)] == ["−2.00", "−1.00", "–", "–"]
    assert [row[place - 2] for row in (sparse, free, sgd)] == ["frozen", "may return", "–"]
    assert results.numbers(NO_RUNS | found)["large-n"] == "1"
    without = results.numbers(NO_RUNS | found | {"largest-decay": []})
    assert without["large-frozen-gap"] == "pending"


# Momentum and length


def test_a_larger_step_keeps_shrinkage_and_threshold_of_beta_lasso():
    small, large = (config for config in configs("momentum") if config.beta)
    assert large.lr == 10 * small.lr
    assert large.lr * large.l1 == pytest.approx(small.lr * small.l1)
    assert large.lr * large.rest_l1 == pytest.approx(small.lr * small.rest_l1)
    assert large.beta * large.l1 == pytest.approx(small.beta * small.l1)


def test_the_parts_of_sgd_are_compared_with_none():
    def accuracy(config: Config) -> float:
        return 50 + 2 * (config.momentum > 0) + (config.weight_decay > 0) + 3 * (config.lr > 0.5)

    table = results.comparison_table("momentum", study("momentum", accuracy))
    column = list(table.columns).index("difference from plain SGD")
    shown = {tuple(row[:4]): row[column] for row in table.rows}
    assert shown["SGD", "0.1", "0", "0"] == "–"
    assert shown["SGD", "0.1", "0.9", "0"] == "+2.00 ± 0.00"
    assert shown["SGD", "0.1", "0.9", "5e-4"] == "+3.00 ± 0.00"
    assert shown["β = 50", "0.1", "–", "–"] == "+0.00 ± 0.00"
    assert shown["β = 500", "1", "–", "–"] == "+3.00 ± 0.00"


def test_raising_lambda_keeps_the_threshold():
    long = chosen(Config(epochs=200), "s-fc", "beta-lasso", 50)
    short = scaled_l1(long.replace(epochs=50), 4)
    assert short.l1 * short.beta == pytest.approx(long.l1 * long.beta)
    assert short.l1 * short.epochs == pytest.approx(long.l1 * long.epochs)
    assert short.l1_rest * short.epochs == pytest.approx(long.l1_rest * long.epochs)


def test_short_runs_with_the_reach_of_the_longest_are_compared_with_others_as_short():
    records = study("reach", lambda c: 50 + c.seed + c.epochs / 100 + (c.beta % 50 > 0))
    table = results.comparison_table("reach", records)
    differences = {(row[0], row[1]): row[5:7] for row in table.rows}
    assert differences["SGD", "50"] == ["–", "–"]
    assert differences["β = 50", "50"] == ["+0.00 ± 0.00", "+0.00 ± 0.00"]
    assert differences["β = 12.5", "50"] == ["+1.00 ± 0.00", "+1.00 ± 0.00"]
    reaches = [float(row[3]) for row in table.rows if row[0] in ("β = 12.5", "β = 25")]
    longest = [float(row[3]) for row in table.rows if row[:2] == ["β = 50", "200"]]
    assert reaches == pytest.approx(longest * 2, rel=0.02)


def test_the_studies_share_the_runs_that_they_can():
    widths = set(configs("scaling", "scaling-wide"))
    assert {(c.base_channels, c.epochs) for c in widths} == {(a, 200) for a in (1, 2, 4, 8)}
    lengths = configs("reach")
    assert {c.epochs for c in lengths} == {50, 100, 200}
    assert {c for c in lengths if c.epochs == 200 and c.beta == 50} <= widths
    assert len(set(configs("momentum")) & widths) == 2


# Without runs, and the page


def test_the_threshold_is_taken_away_and_lambda_stays():
    sgd, sparse, zero, proximal = find_study("scaling-threshold").configs("desk", 1)
    assert sparse == find_study("scaling-own").configs("desk", 1)[-1]
    assert (sgd.optimizer, zero.beta, proximal.optimizer) == ("sgd", 0.0, "proximal-l1")
    assert len({(config.l1, config.rest_l1) for config in (sparse, zero, proximal)}) == 1

    def accuracy(config: Config) -> float:
        gain = {("beta-lasso", 50.0): 4.0, ("beta-lasso", 0.0): 1.0, ("proximal-l1", 0.0): 2.0}
        return 50.0 + config.seed + gain.get((config.optimizer, config.beta), 0.0)

    records = study("scaling-threshold", accuracy)
    rows = results.comparison_table("scaling-threshold", records).rows
    assert [row[3:6] for row in rows] == [
        ["–", "–", "–"],
        ["+4.00 ± 0.00", "+3.00 ± 0.00", "+2.00 ± 0.00"],
        ["+1.00 ± 0.00", "–", "−1.00 ± 0.00"],
        ["+2.00 ± 0.00", "–", "–"],
    ]
    more = study("scaling-seeds", accuracy)
    runs = NO_RUNS | {"scaling-threshold": records, "scaling-seeds": more}
    words = results.numbers(runs)
    assert {name: word for name, word in words.items() if name.startswith("seeds")} == {
        "seeds-gain": "4.00 ± 0.00", "seeds-n": "3", "seeds-added": "pending",
    }  # fmt: skip
    runs["scaling-threshold"] = [run for run in records if run.config.seed < 2]
    assert results.numbers(runs)["seeds-added"] == "+4.00"
