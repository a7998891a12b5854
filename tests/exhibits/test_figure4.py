"""What the chapter `figure4` computes, on records made up so that every answer is known."""

import dataclasses
import math

import pytest
import torch
from helpers.made_up_records import configs, made_up, with_filters, with_final

from lcs import measure
from lcs.config import Config
from lcs.exhibits import figure4, find_study
from lcs.exhibits.shared import locality as measures
from lcs.exhibits.shared import plots, tables
from lcs.exhibits.shared.methods import SGD, method
from lcs.exhibits.shared.verdicts import verdict
from lcs.runs import BOOK_RUNS, Record, RunStore

STORE = RunStore(BOOK_RUNS)


def test_pairs_are_those_of_all_units_or_of_stored_filters():
    run = made_up(Config(), 50.0)
    assert math.isnan(*measures.pair_correlation(run))
    assert "pending" in figure4.pairs_figure([run]).axes[0].texts[0].get_text()
    known = with_final(run, pair_correlation=[2.0, None])
    found = measures.pair_correlation(known)
    assert found[0] == 2.0
    assert math.isnan(found[1])
    runs = find_study("figure4").stored("desk", STORE, 1)
    kept = dataclasses.replace(next(run for run in runs if run.has_filters), final={})
    ratios = measure.pair_correlation(kept.load_filters()).tolist()
    assert measures.pair_correlation(kept) == ratios
    lines = figure4.pairs_figure([known, kept]).axes[0].lines
    assert [line.get_xdata().tolist() for line in lines[:2]] == [[1, 2], [*range(1, 32)]]


def cropped(config: Config) -> Record:
    """A run whose pairs are more frequent than by chance up to one pixel beyond its crops."""
    ratios = [2.0] * (config.crop_shift + 1 + config.seed) + [0.0] * 20
    return made_up(config, 60.0, pair_correlation=ratios)


def local_net(record: Record) -> list[Record]:
    return [dataclasses.replace(record, config=Config(model="s-local"))]


def test_how_far_crops_shift_and_how_far_filters_reach():
    records = [cropped(config) for config in find_study("crops").configs("desk", 2)]
    rows = [row[:1] + row[2:5] for row in figure4.crops_table(records).rows]
    assert rows == [
        ["flips alone", "2.0", "1.5 and 2.5", "1.2 and 2.2"],
        ["crops of ±2 pixels", "2.0", "3.5 and 4.5", "3.2 and 4.2"],
        ["crops of ±4 pixels", "2.0", "5.5 and 6.5", "5.2 and 6.2"],
        ["crops of ±8 pixels", "2.0", "9.5 and 10.5", "9.2 and 10.2"],
    ]
    lines = figure4.pairs_figure([*local_net(records[0]), *records]).axes[0].lines
    assert len({line.get_color() for line in lines if not line.get_label().startswith("_")}) == 5
    unknown = with_final(records[0], pair_correlation=[None])
    first, *_ = figure4.crops_table([unknown, *records[1:]]).rows
    assert first[2:5] == ["–"] * 3


def test_crops_are_told_apart_on_images_of_any_size():
    records = [cropped(config) for config in find_study("crops").configs("smoke", 1)]
    claims = [claim for claim in figure4.CLAIMS.values() if claim.study == "crops"]
    assert [claim.judge(records).value for claim in claims] == ["+1.00 pixels"] * 2


def test_locality_is_judged_by_both_measures():
    records = find_study("table2").stored("desk", STORE)
    assert verdict(figure4._more_local_than_sgd(records)) == "holds"
    one = [r for r in records if r.config.seed == 0]
    found = figure4._more_local_than_sgd(one)
    assert verdict(found) == "seen in one run"
    assert found.value.startswith(f"window {tables.signed(found.evidence)} ")
    spread = [{"excess_mean": 1.0 if r.config.beta else r.config.seed / 9} for r in records]
    wide = [
        with_final(r, locality=r.final["locality"] | {"spread": own})
        for r, own in zip(records, spread, strict=True)
    ]
    assert figure4._more_local_than_sgd(wide).said == "depends on the measure"
    sparse = [r for r in records if r.config.beta == 50]
    same = [dataclasses.replace(r, config=r.config.replace(
        optimizer="sgd", l1=0.0, beta=0.0)) for r in sparse]  # fmt: skip
    assert verdict(figure4._more_local_than_sgd([*sparse, *same])) == "undecided"
    none = {name: {"excess_mean": None} for name in ("window_mass", "spread", "morans_i")}
    dead = [with_final(r, locality=none) for r in records]
    of_chance = figure4.CLAIMS["The filters of β = 50 are more local than their own permutations"]
    for judge in (figure4._more_local_than_sgd, of_chance.judge):
        assert judge(dead).said == "not measurable: too few weights"
    conv = [r for r in records if r.config.model == "s-local"]
    sgd = [r for r in records if method(r.config) == SGD]
    as_sparse = [
        dataclasses.replace(r, config=r.config.replace(
            model="s-fc", optimizer="beta-lasso", l1=2e-5, beta=50.0)) for r in conv
    ]  # fmt: skip
    found = figure4._more_local_than_sgd([*as_sparse, *sgd])
    assert verdict(found) == "holds"  # patches are local, though not smooth


# All settings


def windowed(config: Config) -> Record:
    """A run whose window holds α points more than chance, and half of all where β is not 0."""
    value = config.base_channels / 100 + (config.beta > 0) / 2
    one = {"mean": 1.0, "null_mean": 1.0 - value, "excess_mean": value}
    one |= {"ci95": 0.1, "null_ci95": 0.1, "excess_ci95": 0.1}
    return made_up(config, 60.0, locality=dict.fromkeys(("window_mass", "spread", "morans_i"), one))


def test_each_setting_has_the_runs_of_its_largest_width():
    width, own = ([windowed(c) for c in configs(n, seeds=2)] for n in ("width", "scaling-own"))
    frame = figure4.excess_frame([width, [], own])
    assert [title[:5] for title in frame.setting.unique()] == ["α = 8", "α = 8"]
    assert set(frame["values"].map(len)) == {2}
    assert list(frame.series.unique())[:4] == [
        "plain SGD", "β = 0, λ = 2e-5", "β = 0, λ = 5e-5", "β = 50, λ = 5e-5"
    ]  # fmt: skip
    assert frame["values"].iloc[0] == pytest.approx([8.0, 8.0])
    assert frame[frame.series == "β = 50, λ = 5e-5"]["values"].iloc[0] == pytest.approx([58, 58])
    assert len(plots.excesses(frame).axes) == 2
    for run in width:
        if run.config.l1 == 2e-5 and run.config.seed == 0:  # too few weights
            for found in run.final["locality"].values():
                found["excess_mean"] = None
    frame = figure4.excess_frame([width, own])
    labels = [label.get_text() for label in plots.excesses(frame).axes[0].get_yticklabels()]
    assert labels[:4] == ["", "plain SGD", "β = 0, λ = 5e-5", "β = 50, λ = 5e-5"]
    recipe = [run for run in width if run.config.beta]
    random = {"random": [1.0, 0.5]}  # how often weights are neighbours, and further apart
    budget = [
        with_final(windowed(c), pair_correlation=random.get(c.pruning, [2.0, 1.0]))
        for c in configs("rivals-wider", seeds=2)
    ]
    words = figure4.numbers({"rivals-wider": budget, "recipe": recipe})
    assert {name: value for name, value in words.items() if name.startswith("open")} == {
        "open-sparse": "+54.00 and +54.00",
        "open-dense": "+4.00 and +4.00",
        "open-random": "+4.00 and +4.00",
        "open-near-sparse": "2.0",
        "open-near-random": "1.0",
        "open-n": "2",
    }
    assert words["window-few"] == "+58.00 and +58.00"
    assert words["runs-recipe"] == "2"


# Pictures


def test_filters_are_those_of_one_recipe_at_the_largest_width():
    known = figure4.pictures(find_study("width").stored("desk", STORE))
    titles = [title.split(":")[0] for title in known]
    assert titles == ["SGD", "β = 0, λ = 5e-5", "β = 50, λ = 5e-5", "S-LOCAL, SGD"]
    assert [*known.values()][-1] is None
    assert figure4.pictures([made_up(Config(), 50.0)]).keys() == {
        f"{name}: pending" for name in ("SGD", "β = 0", "β = 50", "S-LOCAL, SGD")
    }


def test_filters_of_windows_alone_are_shown():
    filters = torch.ones(12, 3, 32, 32)
    runs = [with_filters(made_up(config, 50.0), filters) for config in configs("filters")]
    known = figure4.pictures(runs)
    title, *others = [*known][::-1]
    assert title.startswith("S-LOCAL, SGD: 50 % of weights of the patches")
    assert known[title] is not None
    assert [known[name] for name in others] == [None] * 3
