"""What the chapter `origin` computes, on records made up so that every answer is known."""

import pytest
import torch
from helpers.made_up_records import made_up, with_filters

from lcs.exhibits import find_study, origin
from lcs.exhibits.shared.methods import B50, method
from lcs.runs import Record

NAMES = tuple(study.name for study in origin.STUDIES)


def record(config) -> Record:
    """A run whose locality follows from its method, its augmentation and its images."""
    excess = 0.1 * (method(config) == B50) + 0.05 * (config.augment != "none")
    excess -= 0.02 * (config.images == "gaussian")
    one = {"mean": 0.5, "null_mean": 0.1, "excess_mean": excess + config.seed / 1000}
    found = {"window_mass": one | {"excess_ci95": 0.03}}
    accuracy = 60.0 + config.seed - 20 * (config.augment == "none")
    left = 300 if config.labels == "shuffled-first" else 500
    return made_up(config, accuracy, left, locality={"eligible": 9, **found})


@pytest.fixture
def records():
    return {
        name: [record(config) for config in find_study(name).configs("desk", 3)] for name in NAMES
    }


@pytest.mark.parametrize("name", NAMES)
def test_conditions_have_names_of_their_own(records, name):
    conditions = {
        (origin.seen_text(r.config), method(r.config), r.config.l1, r.config.run_id[:10])
        for r in records[name]
    }
    assert len({condition[:3] for condition in conditions}) == len(conditions)
    assert len(origin.origin_table(name, records[name], "What").rows) == len(conditions)


def test_conditions_of_different_studies_have_names_of_their_own(records):
    on_images = [run.config for name in NAMES if "process" not in name for run in records[name]]
    names = {(origin.seen_text(c), method(c)): c.replace(seed=0) for c in on_images}
    assert len(names) == len({c.replace(seed=0) for c in on_images})
    estimated = find_study("origin-process-estimated").configs("desk", 1)
    assert {(c.dataset, c.images) for c in estimated} == {("process-3", "gaussian")}
    assert not {origin.seen_text(c) for c in estimated} & {
        origin.seen_text(run.config) for run in records["origin-process"]
    }


def test_only_what_is_named_differs():
    """All runs of β = 50 on images share λ, width and length, and those of SGD theirs."""
    names = {name for name in NAMES if "process" not in name}
    runs = {c for name in names for c in find_study(name).configs("desk", 1)}
    free = {"augment": "none", "crop_padding": None, "crop_fill": 0}
    free |= {"images": "natural", "labels": "true"}
    assert len({c.replace(**free) for c in runs}) == 2


def test_words_are_of_beta_50_by_augmentation(records):
    permuted = [record(config) for config in find_study("permuted").configs("desk", 3)]
    half = origin.at_half_l1(permuted)
    changed = {"l1": 1e-4, "l1_rest": 1e-5}
    assert {run.config.replace(**changed) for run in half} < {
        run.config for run in records["origin-augmentation"]
    }, "nothing but λ differs"
    words = origin.numbers(records, half)
    assert words["origin-no-augmentation"].startswith("+10.1")
    assert words["origin-half"].startswith("+15.1")
    assert words["origin-gain-half"].startswith("5.00 ±")
    assert words["origin-gain-sgd"].startswith("5.00 ±")
    assert words["origin-over-gaussian"].startswith("−2.00 ±")
    assert words["origin-over-ranks"].startswith("+0.00 ±")
    assert words["origin-classes-plain"].startswith("+8.10 ±")
    assert words["origin-classes-accuracy"].startswith("61.00 ±")
    assert words["origin-classes-plain-accuracy"].startswith("41.00 ±")
    assert words["origin-classes-left"].startswith("300 ")
    assert words["origin-labels-left"].endswith("± 0")
    assert words["origin-n"] == "3"
    first = {name: [run for run in runs if not run.config.seed] for name, runs in records.items()}
    assert origin.numbers(first, [])["origin-no-augmentation"] == "+10.00"
    assert origin.numbers(first, [])["origin-half"] == "pending"


def test_locality_is_shown_by_condition(records):
    frame = origin.excess_frame(records["origin-process"])
    assert len(frame) == 4 * 4
    assert sum(", λ = " in name for name in frame.series) == 12
    frame = origin.excess_frame(records["origin-data"])
    assert len(frame) == 10
    row = frame[(frame.setting == "natural images, flips and crops") & (frame.series == "β = 50")]
    assert row["values"].tolist() == [pytest.approx([15, 15.1, 15.2])]
    assert row["ci95"].tolist() == [pytest.approx(0.248, abs=1e-3)], "over seeds"
    one = [run for run in records["origin-data"] if not run.config.seed]
    frame = origin.excess_frame(one)
    assert frame["ci95"].tolist() == pytest.approx([3.0] * 10), "over filters"
    assert origin.excess_frame([]).empty


def test_the_switch_shows_the_same_data(records, monkeypatch):
    monkeypatch.setattr(origin, "filters_slider", lambda every, *_, **__: list(every))
    first = {
        name: [with_filters(run, torch.zeros(1, 3, 8, 8)) for run in runs if not run.config.seed]
        for name, runs in records.items()
    }
    titles = origin.filters_chart(first)
    sparse, dense = titles[: len(titles) // 2], titles[len(titles) // 2 :]
    assert [title.removeprefix("β = 50, ") for title in sparse] == [
        title.removeprefix("SGD, ") for title in dense
    ]
    assert "β = 50, shuffled labels, flips and crops" in sparse
    assert "β = 50, shuffled labels, no augmentation" not in sparse  # SGD has no such run


def test_claims_compare_locality(records):
    values = [claim.judge(records[claim.study]).value for claim in origin.CLAIMS.values()]
    assert [value.split(" ")[0] for value in values] == [
        *("+10.10", "+5.00", "+13.10", "+2.00", "+15.10")
    ]
