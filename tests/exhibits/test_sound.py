"""What the chapter `sound` computes, on records made up so that every answer is known."""

import pytest
import torch
from helpers.made_up_records import made_up, with_filters, with_final

from lcs.data.batches import pixel_order
from lcs.exhibits import find_study, sound
from lcs.exhibits.choose import choose
from lcs.exhibits.shared.methods import B0, B50, CONV, LOCAL, SGD, method
from lcs.exhibits.shared.plots.style import look
from lcs.runs import Record


def record(config) -> Record:
    """A run whose accuracy and locality follow from its method and its shifts."""
    shifted = config.augment == "time-shift"
    gain = {B0: 3 - shifted, B50: 5}.get(method(config), 0)
    share = 0.2 if method(config) == B50 else 0.1
    bands = {"window_mass": share, "column_mass": 2 * share, "row_mass": share}
    found = {name: {"mean": 0.5, "null_mean": 0.3, "excess_mean": v} for name, v in bands.items()}
    return made_up(config, 80.0 + gain + 2 * shifted + config.seed, locality=found)


def made_up_less(config) -> Record:
    """The same, 1.5 points less accurate."""
    run = record(config)
    return with_final(run, test_accuracy=run.accuracy - 0.015)


@pytest.fixture
def records():
    return [record(config) for config in find_study("sound").configs("desk", 3)]


def test_every_method_has_as_many_candidates_on_validation():
    configs = find_study("search-sound").configs("desk")
    counts = {who: sum(method(c) == who for c in configs) for who in sound.METHODS}
    assert set(counts.values()) == {9}
    assert all(c.validation and c.dataset == "fsdd" for c in configs)


def test_what_the_search_chooses_is_what_is_run(monkeypatch):
    configs = find_study("search-sound").configs("desk")
    best = {who: [c for c in configs if method(c) == who][2] for who in sound.METHODS}
    runs = [made_up(c, 50.0 + 9 * (c in best.values())) for c in configs]
    monkeypatch.setitem(sound.CHOSEN, "search-sound", choose("search-sound", runs))
    chosen = find_study("sound").configs("desk", 1)
    shifted = {method(c): c for c in chosen if c.augment == "time-shift"}
    assert shifted == {who: c.replace(validation=False) for who, c in best.items()}


def test_differences_are_from_sgd_on_the_same_clips(records):
    table = sound.sound_table(records)
    assert len(table.rows) == 10
    column = table.columns.index("difference from SGD")
    rows = {(row[0].partition(",")[0], row[1]): row for row in table.rows}
    assert rows[B50.shortest, "shifts in time"][column].startswith("+5.00")
    assert rows[SGD.shortest, "shifts in time"][column] == "–"
    assert rows[B50.shortest, "no augmentation"][column + 3].startswith("+40.0")
    axes = sound.accuracy_figure(records).axes[0]
    assert sum(str(CONV) == label.get_text() for label in axes.get_yticklabels()) == 2


def test_numbers_are_differences_from_sgd_and_bands_with_shifts(records):
    configs = find_study("sound-equals").configs("desk", 3)
    equals = [record(c) if method(c) != B50 else made_up_less(c) for c in configs]
    words = sound.numbers(records, equals)
    assert words["sound-zero"] == "+2.00 ± 0.00"
    assert words["sound-local"].startswith("0.00")
    assert words["sound-equal-time"].startswith("+40.0")
    assert words["sound-chosen-lead"] == "1.50 ± 0.00"
    assert words["sound-zero-frequency"].startswith("+10.0")


def test_locality_is_shown_by_method_and_images(records):
    frame = sound.excess_frame(records)
    assert len(frame) == 2 * 5 * 3
    here = frame[(frame.series == B50.shortest) & (frame.measure == "in nine frames (points)")]
    assert here["values"].tolist() == [pytest.approx([40] * 3)] * 2
    equals = [record(config) for config in find_study("sound-equals").configs("desk", 3)]
    frame = sound.excess_frame([*records, *equals])
    shifted = frame[frame.setting == "shifts in time"].series.unique().tolist()
    assert shifted[:5] == ["SGD", "SGD, η = 0.3", "β = 0", "β = 50", "β = 50, η = 0.1"]
    shown = sound.filters_shown(records)
    assert list(shown) == [who.shortest for who in (*sound.METHODS[:3], LOCAL)]
    assert set(shown.values()) == {None}


def test_claims_compare_bands_and_accuracies(records):
    found = [claim.judge(records) for claim in sound.CLAIMS.values()]
    values = [one.value.split(" ")[0] for one in found]
    assert values == ["+20.00", "+10.00", "+2.00", "+5.00"]


def test_candidates_of_the_search_are_shown_by_their_learning_rate():
    configs = find_study("search-sound").configs("desk")
    table = sound.rates_frame([record(config) for config in configs])
    assert len(table) == 27
    assert set(table.penalty) == {*sound.DECAYS, *sound.LAMBDAS}
    assert set(table.rate) == {*sound.LEARNING_RATES}
    shown = sound.rates_chart([record(config) for config in configs]).spec["encoding"]
    assert shown["color"]["scale"]["range"] == [look(name).colour for name in table.method.unique()]
    assert shown["href"]["field"] == "link"
    assert [shown[axis]["field"] for axis in "xy"] == ["rate", "time"]


def test_equal_candidates_are_compared_with_the_chosen_sgd(records):
    equals = find_study("sound-equals").configs("desk", 3)
    assert {config.replace(seed=0, augment="time-shift", validation=True) for config in equals} < {
        *find_study("search-sound").configs("desk")
    }
    table = sound.sound_table(records, [record(c) for c in equals])
    assert len(table.rows) == 12
    column = table.columns.index("difference from SGD")
    assert [row[column].split(" ")[0] for row in table.rows[-2:]] == ["+0.00", "+5.00"]


def test_shuffled_runs_are_those_of_s_fc_with_shifts():
    configs = find_study("sound-shuffled").configs("desk", 1)
    in_order = [config.replace(permute_pixels=False) for config in configs]
    assert all(config.permute_pixels for config in configs)
    assert set(in_order) < set(find_study("sound").configs("desk", 1))
    assert [method(config) for config in configs] == [SGD, B0, B50]


def test_filters_are_measured_in_the_order_in_which_they_were_trained(records):
    """Bands of frames, in the images' order, are scattered by the shuffle; and the other way."""
    frames = torch.zeros(8, 1, 32, 32)
    frames[..., 3:12] = 1.0
    undone = frames.flatten(2)[:, :, pixel_order(32 * 32).argsort()].view_as(frames)
    in_order, scattered = (
        sound.as_shuffled([records[0], with_filters(records[0], filters)])["column_mass"]
        for filters in (undone, frames)
    )
    assert in_order.mean > 60 > 5 > abs(scattered.mean)
    assert in_order.n == 8
    assert set(sound.as_shuffled(records).values()) == {None}


def test_the_table_of_shuffled_columns_has_filters_put_back_and_as_trained(records):
    shuffled = [record(config) for config in find_study("sound-shuffled").configs("desk", 3)]
    table = sound.shuffled_table([*records, *shuffled])
    orders = ["in order", "shuffled, put back in order", "shuffled, as trained"]
    assert [row[1] for row in table.rows] == 3 * orders
    assert [len(row) for row in table.rows] == 9 * [len(table.columns)]
    assert "pending" in sound.shuffled_table(records).body()
