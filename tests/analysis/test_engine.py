"""Benchmarks as tables, and ratios of their times."""

import json

import pytest

from lcs.analysis import claims
from lcs.analysis.benchmarks import fastest, load_benchmark, over
from lcs.errors import RecordError
from lcs.exhibits import engine
from lcs.exhibits.claims import claims as every_claim
from lcs.runs import BOOK_RUNS, RunStore

TIMES = {"dense": [10.0] * 9, "slow": [20.0] * 9, "fast": [4.0, 5.0, 6.0] * 3}


def test_a_ratio_has_an_interval_of_its_median_unless_rounds_are_few():
    assert str(over(TIMES, "fast")) == "0.50 (0.40 – 0.60)"
    few = over({"dense": [10.0], "fast": [4.0]}, "fast")
    assert engine._takes_less([few]) == "undecided"
    assert str(few) == "0.40"
    assert fastest(TIMES, ["slow", "fast"], ["dense", "slow"]) == over(TIMES, "fast", "dense")


def test_what_is_missing_is_empty_and_what_is_broken_an_error(tmp_path):
    assert load_benchmark("parts", str(tmp_path)).empty
    (tmp_path / "parts-cpu.json").write_text(json.dumps({"tables": []}))
    with pytest.raises(RecordError, match="make bench"):
        load_benchmark("parts", str(tmp_path))


def test_speed_is_judged_by_benchmarks_alone(monkeypatch, tmp_path):
    speed = [one for _, one in every_claim() if one.study == claims.BENCHMARK]
    found = claims.judged(speed, RunStore(BOOK_RUNS), claims.BENCHMARK)
    assert [one.verdict for one in found] == ["holds"] * 3 + ["undecided", "holds"]
    monkeypatch.setattr("lcs.analysis.benchmarks.BENCHMARKS", tmp_path)
    unmeasured = claims.judged(speed, RunStore(BOOK_RUNS), claims.BENCHMARK)
    assert {*unmeasured} == {None}
