"""What the chapter `sample_size` computes, on records made up so that every answer is known."""

import math

import pytest
from helpers.made_up_records import made_up

from lcs.data.batches import steps_per_epoch
from lcs.exhibits import find_study, sample_size
from lcs.exhibits.shared.methods import B50, CONV, LOCAL, SGD, method
from lcs.runs import Record

# accuracy with all images; each halving of their number costs five points
FULL = {CONV: 75.0, LOCAL: 69.0, B50: 60.0, SGD: 59.0}


def record(config) -> Record:
    accuracy = FULL[method(config)] + 5 * math.log2(config.train_share)
    found = {"window_mass": {"excess_mean": 0.2 + 0.1 * config.train_share + config.seed / 1e3}}
    return made_up(config, accuracy + config.seed, locality=found)


@pytest.fixture
def records():
    return [record(config) for config in find_study("sample-size").configs("desk", 3)]


def test_every_run_takes_about_as_many_steps():
    configs = find_study("sample-size").configs("desk", 1)
    steps = [steps_per_epoch(sample_size.images(c), c.batch_size) * c.epochs for c in configs]
    assert max(steps) / min(steps) < 1.05
    assert {c.replace(train_share=1.0, epochs=50) for c in configs} == {
        c for c in configs if c.train_share == 1
    }


def test_wider_networks_are_those_of_permuted_pixels_with_few_images():
    plain = {c for c in find_study("permuted").configs("desk", 1) if not c.permute_pixels}
    configs = find_study("sample-size-wide").configs("desk", 1)
    assert {c.train_share for c in configs} == {0.02}
    assert {c.replace(train_share=1.0, epochs=100) for c in configs} < plain


def test_images_needed_is_read_between_the_measured_numbers(records):
    """Five points are a factor of two: S-CONV is fifteen ahead, so that an eighth suffices."""
    assert sample_size.images_needed(records, CONV, B50) == "6,300"
    assert sample_size.images_needed(records, SGD, B50) == "more than 50,000"
    few = [run for run in records if run.config.train_share >= 0.3]
    assert sample_size.images_needed(few, CONV, B50) == "at most 15,000"


def test_exponents_are_those_of_the_error():
    """An error of c n^(−1/4) has the exponent 1/4 with few images and with many."""
    configs = find_study("sample-size").configs("desk", 2)
    error = lambda c: (80 + c.seed) * sample_size.images(c) ** -0.25  # noqa: E731
    runs = [made_up(c, 100 - error(c)) for c in configs if method(c) == SGD]
    assert sample_size.exponents(runs) == pytest.approx([0.25, 0.25])
    table = sample_size.curve_table(runs)
    assert table.columns[1:] == ["1,000 to 5,000 images", "5,000 to 50,000 images"]
    assert table.rows == [[str(SGD), *2 * ["0.25 and 0.25"]]]


def test_times_as_many_images_are_read_for_each_seed(records):
    """Ten points are a factor of four; S-LOCAL with a fiftieth is below what SGD has."""
    times = sample_size.times_as_many(records, SGD, LOCAL)
    assert times[1000] == pytest.approx([4.0, 4.0, 4.0])
    assert all(map(math.isnan, times[50_000]))


def test_words_say_what_the_records_say(records):
    wide = [record(config) for config in find_study("sample-size-wide").configs("desk", 1)]
    words = sample_size.numbers(records, wide)
    assert words["size-wide-local"] == "40.78"
    assert words["size-local-needs"] == "14,000"
    assert words["size-gain-30"].startswith("+1.00")
    assert (words["size-times"], words["size-patches"]) == ("4.0 ± 0.0", "256")
    assert words["size-lead-2"].startswith("10.00")
    assert words["size-window-10"].startswith("+21.1")


def test_table_has_a_row_for_each_condition(records):
    rows = sample_size.size_table(records).rows
    assert len(rows) == 4 * len(sample_size.SHARES)
    assert rows[0][0] == "1,000"
    assert rows[-1][0] == "50,000"


def test_claims_compare_shares(records):
    values = [claim.judge(records).value.split(" ")[0] for claim in sample_size.CLAIMS.values()]
    assert values == ["+1.00", "+0.32", "+9.00"]
