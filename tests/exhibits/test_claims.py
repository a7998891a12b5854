"""Which runs each claim is judged by, and what the page Claims shows of it."""

import math

import pytest
from helpers.fake_claims import STORE, claim
from helpers.made_up_records import configs, made_up, study, with_final

from lcs.analysis.claims import BENCHMARK, Finding
from lcs.analysis.runs import frame
from lcs.config import Config
from lcs.exhibits import claims
from lcs.exhibits.shared.settings import STRONGER_L1
from lcs.runs import Record, RunStore

EVERY = [claim for _, claim in claims.claims()]
AS_LONG = "flips and crops, 50 epochs, α = 8"


def test_no_text_is_of_two_claims():
    texts = [one.text for one in EVERY]
    assert len(set(texts)) == len(texts)


def test_a_claim_is_judged_by_each_of_its_studies(monkeypatch):
    gap = next(one for one in EVERY if one.text.startswith("β = 50 closes most of the gap"))
    assert [one.study for one in gap.by_setting()] == ["table2", *gap.also]
    assert len(claim(None, "").by_setting()) == 1, "what is not studied counts once"
    monkeypatch.setattr(claims, "claims", lambda: [("toy", gap)])
    (own,) = claims.judge_all(STORE)
    found = [(each.label, each.chapter) for each in own.evidence]
    assert len(found) == len(gap.also)
    assert found[0] == ("no augmentation, α = 1", "toy"), "that of the claim's own study"
    assert found[1:3] == [("AutoAugment, α = 8", "scaling"), (AS_LONG, "scaling")]


def test_the_share_of_the_gap_that_is_closed():
    def accuracy(config: Config) -> float:
        of_method = {"s-local": 60.0, "beta-lasso": 57.0 if config.beta == 50 else 55.0}
        name = config.model if config.model == "s-local" else config.optimizer
        return of_method.get(name, 50.0) + config.seed

    found = judged("β = 50 closes most of the gap", study("scaling-own", accuracy))
    assert found.value.startswith("70 (70 to 70) %: +7.00")
    assert found.evidence.mean == pytest.approx(2.0)
    equal = judged(ALONE, study("first-layer", lambda config: 50.0 + config.seed))
    assert equal.margin == 1.0, "as good is within a point"


def test_without_runs_all_but_benchmarks_is_pending(tmp_path):
    found = claims.judge_all(RunStore(tmp_path))
    assert [not one.evidence for one in found] == [c.study != BENCHMARK for c in EVERY]


# Judges

LOCALITY = {
    name: {"excess_mean": 0.1, "excess_ci95": 0.01}
    for name in ("window_mass", "spread", "morans_i", "row_mass", "column_mass")
}
WITH_RUNS = [c for c in EVERY if c.judge and c.study not in (BENCHMARK, "toy")]


def judged(beginning: str, records: list[Record]) -> Finding:
    """The finding of the one claim whose text begins so."""
    (found,) = [claim for claim in EVERY if claim.text.startswith(beginning)]
    return found.judge(frame(records))


@pytest.mark.parametrize("claim", WITH_RUNS, ids=lambda claim: claim.text)
def test_every_claim_finds_its_runs_in_its_study(claim):
    names = [found.name for found in claim.studies]
    records = [run for name in names for run in study(name, lambda config: 50.0 + config.seed)]
    finding = claim.judge(frame(with_final(run, locality=LOCALITY) for run in records))
    assert finding.value
    assert finding.said or finding.evidence.n == 3


def strength(config: Config) -> dict:
    """With the stronger λ, β = 50 gains four points for each base channel, and β = 0 one."""
    strong = (config.l1, config.l1_rest) == tuple(STRONGER_L1.values())
    gain = 4.0 * (config.beta == 50 and strong) + 1.0 * (config.beta == 0 and strong)
    return {"accuracy": 50.0 + config.seed + gain * config.base_channels}


def growth(config: Config) -> dict:
    """With each doubling β = 50 gains two points, after a loss of seven, and β = 0 one."""
    doublings = math.log2(config.base_channels)
    own = {(50, "beta-lasso"): 2 * doublings - 7, (0, "beta-lasso"): doublings}
    return {"accuracy": 50 + config.seed + own.get((config.beta, config.optimizer), 0)}


def share(config: Config) -> dict:
    """Filters are the most local without the stronger λ, which is not asked for."""
    sparse = (0.3 if config.beta == 0 else 0.1) if config.l1_rest else 0.9
    excess = 0.05 if config.optimizer == "sgd" else sparse
    return {"locality": {"window_mass": {"excess_mean": excess}}}


def augmented(config: Config) -> dict:
    """What crops add to a sparse network depends on λ and the loss."""
    own = config.loss == "bce" and config.l1_rest is None
    more = 2 if own else 0 if config.l1_rest is None else 5
    gain = more * (config.augment == "flip-crop") * (config.beta > 0)
    return {"accuracy": 50 + config.seed + gain}


STRONG = "With cross-entropy, augmentation and the stronger λ, β = 50 is better than plain SGD"
FEWER = "β = 50 leaves fewer weights in the first layer than S-LOCAL"
MANY = "At α = 1, β = 50 leaves this many weights in the first layer after 100 epochs"
ALONE = "With λ on the first layer alone, β = 50 is as good as"
# as made_up has it: so many weights of the first layer, per mille
SECOND = {"nonzeros": {"conv1": 500, "fc1": 120, "fc2": 40}}
CASES = [
    ("width", strength, f"{STRONG}: α = 8", 32.0),
    ("scaling-own", growth, "With λ of β = 50 chosen at each width, its gain over SGD", 2.0),
    ("scaling-wide", growth, "With AutoAugment (200 epochs), both", -1.0),
    ("scaling-own", lambda c: {"left": 300 + 600 * (c.base_channels < 8)}, FEWER, "300 ± 0 (S-L"),
    ("length", lambda c: {"left": 300 + c.seed if c.epochs == 100 else 800}, MANY, "301 ± 2"),
    # only the rate that stays, and the cosine that rises again, have published counts
    (
        "schedule",
        lambda c: {"left": 400 if c.schedule == "constant" else 100},
        "With a constant learning rate, β = 50 ",
        "400",
    ),
    ("factorial", share, "With the stronger λ, the filters of β = 50 are less local", "−20.00"),
    ("factorial", augmented, "Augmentation lets β = 50 gain on β = 0 (100 epochs)", 2.0),
    # most are lost if less than half is left: 120 of 400
    ("table2", lambda _: SECOND, "The second layer loses most", "30.0"),
    (
        "crops",
        lambda c: {"pair_correlation": [2.0] * (c.crop_shift + 2 + c.seed) + [0.0]},
        "Weights of a filter gather over a wider range where",
        4.0,
    ),
]


@pytest.mark.parametrize(("name", "values", "beginning", "expected"), CASES)
def test_claims_compare_what_they_say(name, values, beginning, expected):
    usual = {"accuracy": 50.0}
    found = judged(beginning, [made_up(c, **usual | values(c)) for c in configs(name, seeds=3)])
    if isinstance(expected, str):
        assert found.value.startswith(expected)
    else:
        assert (found.evidence.mean, found.evidence.n) == (pytest.approx(expected), 3)
