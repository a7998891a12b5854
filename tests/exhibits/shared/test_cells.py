"""What tables and prose say of runs."""

import pytest
from helpers.made_up_records import made_up

from lcs.config import Config
from lcs.exhibits.shared import cells, tables
from lcs.runs import Record
from lcs.stats import Interval, mean_interval


def test_of_two_runs_both_values_are_shown():
    two = mean_interval([71.5, 70.25])
    assert two.pair == pytest.approx((70.25, 71.5))
    assert mean_interval([1, 2, 3]).pair is None
    assert tables.interval(two) == "70.25 and 71.50"
    assert tables.signed(mean_interval([-0.5, 0.25])) == "−0.50 and +0.25"
    assert tables.signed(Interval(-0.001, 0.2, 3)) == "+0.00 ± 0.20", "zero has no minus"


def test_a_lead_has_no_sign():
    def of(*gains: float) -> list[Record]:
        return [made_up(Config(seed=seed), 50.0 + gain) for seed, gain in enumerate(gains)]

    assert cells.lead_text(of(0.3, 0.5), of(0.0, 0.0)) == "0.30 and 0.50"
    assert cells.lead_text(of(-1.0, 2.0), of(0.0, 0.0)) == "−1.00 and 2.00"


def test_words_of_a_value_are_those_of_its_field():
    config = Config()
    assert cells.field_text(config, "augment") == "no augmentation"
    assert cells.field_text(config, "pruning") == "none"
    assert cells.field_text(config.replace(affine=True), "affine") == "yes"
