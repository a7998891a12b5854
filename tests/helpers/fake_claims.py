"""Studies that have runs or none, and claims with a known finding, for the tests of verdicts."""

import dataclasses

import pytest

from helpers.made_up_records import made_up
from lcs.analysis import claims as verdicts
from lcs.analysis import runs
from lcs.analysis.claims import Claim, Finding
from lcs.config import Config
from lcs.exhibits.shared.settings import REPRODUCTION
from lcs.runs import BOOK_RUNS, RunStore
from lcs.stats import Interval

STORE = RunStore(BOOK_RUNS)
WEAK = Finding("1.0", Interval(1.0, 0.9, 5))  # not after correction for four comparisons
ONE = Finding("1.0", Interval(1.0, None, 1))


@dataclasses.dataclass(eq=False)
class Fake:
    """A study of five runs, or of one on another network, at some scales."""

    name: str
    has: tuple[str, ...]
    scales: tuple[str, ...] = ("smoke", "desk", "paper")
    setting = REPRODUCTION
    after = ()

    def stored(self, scale, store):
        if self.name == "few":
            return [made_up(Config(model="s-conv"), 50.0)]
        return [made_up(Config(seed=seed), 50.0) for seed in range(5 * (scale in self.has))]


FAKES = [
    Fake("run", ("desk",)),
    Fake("wide", ("desk", "paper")),
    Fake("missing", ()),
    Fake("small", (), scales=("smoke", "desk")),
    Fake("few", ("desk",)),
]


@pytest.fixture(autouse=True)
def fake_studies(monkeypatch):
    known, real = {fake.name: fake for fake in FAKES}, runs.find_study
    monkeypatch.setattr(runs, "find_study", lambda name: known.get(name) or real(name))


def claim(finding, study="run", source="P", judge=True):
    return Claim(source, study, (lambda _: finding) if judge else None, text="It is so")


def said(made, scale="desk"):
    """The verdicts of claims at a scale."""
    return [e and e.verdict for e in verdicts.judged(made, STORE, scale)]


def weak(shift):
    return Finding("", Interval(1.0 + shift, 0.9, 5))
