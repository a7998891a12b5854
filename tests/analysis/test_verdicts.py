"""Verdicts by the interval and after correction, in words and signs."""

import dataclasses

import pytest
from helpers.fake_claims import ONE, STORE, WEAK, claim, fake_studies, said, weak  # noqa: F401

from lcs.analysis import claims as verdicts
from lcs.analysis.claims import BENCHMARK, Finding, verdict
from lcs.stats import Interval


@pytest.mark.parametrize(
    ("difference", "margin", "said"),
    [
        (Interval(-1.0, 0.5, 3), None, "contradicted"),
        (Interval(0.4, 0.5, 3), None, "undecided"),
        (Interval(0.4, None, 1), None, "seen in one run"),
        (Interval(-0.4, None, 1), None, "not seen in one run"),
        (Interval(0.4, None, 1), 0.0, "undecided"),
        # a published run, which lies within the interval of one more run or does not
        (Interval(0.4, 0.5, 3), 0.0, "compatible"),
        (Interval(-1.0, 0.5, 3), 0.0, "contradicted"),
        # to be equal within a margin takes an interval that lies within it
        (Interval(0.4, 0.5, 3), 1.0, "agrees"),
        (Interval(0.4, 0.7, 3), 1.0, "undecided"),
        (Interval(-2.29, 0.24, 3), 1.0, "contradicted"),
        (None, None, "as said"),
    ],
)
def test_verdicts_follow_the_interval(difference, margin, said):
    assert verdict(Finding("", difference, margin, said="as said")) == said


def test_a_verdict_that_correction_takes_away_says_so():
    assert verdict(WEAK, corrected=False) == "holds, but not after correction"
    equal = Finding("", Interval(0.1, 0.8, 3), margin=1.0)
    assert verdict(equal, corrected=False) == "agrees, but not after correction"
    assert verdict(Finding("", Interval(1.0, 1.1, 3)), corrected=False) == "undecided"


@pytest.mark.parametrize(
    ("others", "corrected"),
    [
        ([claim(WEAK)] * 5, False),  # the same comparison twice is one
        ([claim(weak(0.01)), claim(weak(0.02)), claim(weak(0.03))], True),
        # this book's own claims are a family of their own
        ([claim(weak(i / 100), source="B") for i in range(1, 4)], False),
        # runs that are to come count: none yet, or one only
        ([claim(WEAK, "missing")] * 5, True),
        ([claim(ONE)] * 5, True),
        # so do claims that nothing judges yet, without a study
        ([claim(None, "", judge=False)] * 5, True),
        # but not what has a verdict in words, or a benchmark
        ([claim(Finding("", said="not testable"))] * 5, False),
        ([claim(None, BENCHMARK, judge=False)] * 5, False),
    ],
)
def test_comparisons_count_in_the_correction(others, corrected):
    word = "holds, but not after correction" if corrected else "holds"
    assert said([claim(WEAK), *others])[0] == word


def test_each_scale_is_corrected_by_itself():
    made = [claim(WEAK, "wide"), *[claim(WEAK, "small")] * 5]
    assert said(made, "desk") == ["holds, but not after correction", *[None] * 5]
    # a study without the paper's size is not pending there, one without runs is
    assert said(made, "paper") == ["holds", *[None] * 5]
    assert said([*made, claim(WEAK)], "paper")[0] == "holds, but not after correction"
    # what the reproduction says is judged at its own size
    assert said([claim(WEAK, "wide", source="R")], "paper") == [None]


@pytest.mark.parametrize(
    ("said", "mark", "kind"),
    [
        ("compatible", "✓", "holds"),
        ("holds, but not after correction", "(✓)", "holds .weak"),
        ("contradicted", "✗", "contradicted"),
        ("not seen in one run", "(✗)", "contradicted .weak"),
        ("undecided", "~", "undecided"),
        ("not testable: S-CONV is behind S-LOCAL", "–", "undecided"),
    ],
)
def test_verdicts_are_told_by_sign_and_kind(said, mark, kind):
    assert verdicts.marked(said) == f"[{mark} {said}]{{.verdict .{kind}}}"


def test_a_setting_is_shown_with_its_width_and_frozen_zeros():
    found = verdicts.Evidence(ONE, 3, "flips", 32, frozen=True, chapter="toy")
    assert found.link == "[flips, α = 32, frozen zeros](toy.ipynb)"


def test_two_studies_that_are_judged_together():
    seen = []
    both = dataclasses.replace(claim(None, "run + wide"), judge=lambda runs: seen.append(len(runs)))
    assert said([both, claim(WEAK, "run + missing")]) == [None, None]
    assert seen == [5], "each of the runs that both have once; without those of one, nothing"
    three = Finding("1.0", Interval(1.0, 0.1, 3))
    alone, both = verdicts.judged([claim(three), claim(three, "run + wide")], STORE, "desk")
    assert (alone.n, both.n) == (5, 3), "of two studies the seeds of the difference count"
    (words,) = verdicts.judged([claim(Finding("", said="so"), "run + few")], STORE, "desk")
    assert words.n == 1, "without a difference, the scarcest runs"
