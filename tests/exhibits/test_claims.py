"""Which runs a claim is judged by, on records made up so that every answer is known."""

import dataclasses
import math

import numpy as np
import pytest
from made_up import made_up, study

from lcs.exhibits import claims
from lcs.exhibits import table2
from lcs.config import Config
from lcs.runs import Record
from lcs.exhibits.methods import method
from lcs.exhibits.settings import STRONGER_L1
from lcs.exhibits import STUDIES

LOCALITY = {
    name: {"excess_mean": 0.1, "excess_ci95": 0.01}
    for name in ("window_mass", "spread", "morans_i")
}
WITH_RUNS = [c for c in claims.CLAIMS if c.judge and c.study not in (claims.BENCHMARK, "toy")]


def judged(beginning: str, records: list[Record]) -> claims.Finding:
    """The finding of the one claim whose text begins so."""
    (claim,) = [claim for claim in claims.CLAIMS if claim.text.startswith(beginning)]
    assert claim.judge is not None
    return claim.judge(records)


def with_final(record: Record, **values: object) -> Record:
    return dataclasses.replace(record, final={**record.final, **values})


@pytest.mark.parametrize("claim", WITH_RUNS, ids=lambda claim: claim.text)
def test_every_claim_finds_its_runs_in_its_study(claim):
    records = study(claim.study, lambda config: 50.0 + config.seed)
    finding = claim.judge([with_final(record, locality=LOCALITY) for record in records])
    assert finding.value
    assert finding.said or finding.evidence.n == 3


def test_the_stronger_lambda_is_compared_with_its_own_reference():
    def accuracy(config: Config) -> float:
        strong = (config.l1, config.l1_rest) == tuple(STRONGER_L1.values())
        gain = 4.0 * (config.beta == 50 and strong) + 1.0 * (config.beta == 0 and strong)
        return 50.0 + config.seed + gain * config.base_channels

    for alpha, name in ((4, "recipe"), (8, "width"), (16, "wider")):
        records = study(name, accuracy)
        start = "With cross-entropy, augmentation and the stronger λ, β = 50 is better than "
        over_sgd = judged(f"{start}plain SGD: α = {alpha}", records).evidence
        over_zero = judged(f"{start}β = 0 at the same λ: α = {alpha}", records).evidence
        assert over_sgd.mean == pytest.approx(4 * alpha)
        assert over_zero.mean == pytest.approx(3 * alpha)


def test_the_gain_is_asked_for_its_growth_and_for_its_sign_at_the_largest_width():
    def accuracy(config: Config) -> float:
        doublings = math.log2(config.base_channels)
        own = {(50, "beta-lasso"): 2 * doublings - 7, (0, "beta-lasso"): doublings}
        return 50 + config.seed + own.get((config.beta, config.optimizer), 0)

    own = study("scaling-own", accuracy)
    for other, growth, last in (("SGD", 2.0, -1.0), ("β = 0", 1.0, -4.0)):
        text = f"With λ of β = 50 chosen at each width, its gain over {other} grows"
        grows = judged(text, own).evidence
        assert (grows.mean, grows.n) == (pytest.approx(growth), 3)
        text = f"With λ of β = 50 chosen at α = 8, it is better than {other}"
        ahead = judged(text, own).evidence
        assert (ahead.mean, ahead.n) == (pytest.approx(last), 3)
    wide = judged("By the paper's recipe (200 epochs), both", study("scaling-wide", accuracy))
    assert (wide.evidence.mean, wide.evidence.n) == (pytest.approx(-1.0), 3)


def test_weights_are_counted_against_those_of_s_local_in_the_widest_network():
    def counted(config: Config) -> Record:
        return made_up(config, 50, 300 if config.base_channels == 8 else 2000)

    own = [counted(config) for config in STUDIES["scaling-own"].configs("desk", 1)]
    finding = judged("With λ of β = 50 chosen at α = 8, it leaves fewer weights", own)
    assert finding.value == "300 (S-LOCAL: 1,000)"
    assert finding.evidence.mean == 700


def test_counts_are_of_runs_of_the_published_length():
    def remaining(config: Config) -> int:
        return 300 + config.seed if config.epochs == 100 else 800

    records = [made_up(c, 50, remaining(c)) for c in STUDIES["length"].configs("desk", 3)]
    text = "At α = 1, β = 50 leaves this many weights in the first layer after 100 epochs"
    assert judged(text, records).value.startswith("301 ± 2")


def test_where_lambda_is_on_the_first_layer_alone():
    def accuracy(config: Config) -> float:
        lost = 3.0 if config.l1_rest is None else 0.5
        return 50 + config.seed - (lost + 0.25 * config.frozen_zeros if config.beta else 0)

    records = study("first-layer", accuracy)
    alone = judged("With λ on the first layer alone, β = 50 is as good as", records)
    stay = judged("With λ on the first layer alone, β = 50 is as good with", records)
    assert (alone.evidence.mean, alone.margin) == (pytest.approx(-0.5), 1.0)
    assert stay.evidence.mean == pytest.approx(-0.25)


def test_a_constant_rate_is_compared_at_beta_1():
    records = [
        made_up(c, 50, 600 if c.beta == 1 and c.schedule == "constant" else 100)
        for c in STUDIES["schedule"].configs("desk", 2)
    ]
    more = judged("A constant learning rate leaves more weights", records).evidence
    assert more.mean == pytest.approx(50.0)


def test_only_the_rate_that_stays_is_held_to_the_published_counts():
    records = [
        made_up(c, 50, 400 if c.schedule == "constant" else 100)
        for c in STUDIES["schedule"].configs("desk", 2)
    ]
    finding = judged("With a constant learning rate, β = 50 ", records)
    assert finding.value.startswith("400")


def test_only_the_cosine_that_rises_again_is_held_to_the_published_counts():
    records = [
        made_up(c, 50, 400 if c.period else 100) for c in STUDIES["period"].configs("desk", 2)
    ]
    finding = judged("With a cosine of period 100, β = 1 ", records)
    assert finding.value.startswith("400")


def test_locality_is_compared_at_the_stronger_lambda():
    def share(config: Config) -> float:
        if config.optimizer == "sgd":
            return 0.05
        return (0.3 if config.beta == 0 else 0.1) if config.l1_rest else 0.9

    records = [
        with_final(r, locality={"window_mass": {"excess_mean": share(r.config)}})
        for r in study("factorial", lambda _: 50.0)
    ]
    over_sgd = judged("With the stronger λ, the filters of β = 50 are more local", records)
    assert over_sgd.evidence.mean == pytest.approx(5.0)
    under_zero = judged("With the stronger λ, the filters of β = 50 are less local", records)
    assert under_zero.evidence.mean == pytest.approx(20.0)
    assert under_zero.value.startswith("−20.00")


def test_augmentation_is_judged_in_the_reproductions_cell_and_with_the_stronger_lambda():
    def accuracy(config: Config) -> float:
        cropped = config.augment == "flip-crop"
        own = config.loss == "bce" and config.l1_rest is None
        more = 2 if own else 0 if config.l1_rest is None else 5
        return 50 + config.seed + more * cropped * (config.beta > 0)

    records = study("factorial", accuracy)
    start = "Augmentation lets β = 50 gain on β = 0"
    assert judged(f"{start} (100 epochs)", records).evidence.mean == pytest.approx(2.0)
    assert judged(f"{start} with the stronger λ", records).evidence.mean == pytest.approx(5.0)


def test_a_layer_loses_most_of_its_weights_if_less_than_half_is_left():
    runs = [
        with_final(r, nonzeros=r.final["nonzeros"] | {"fc1": 120})
        for r in study("table2", lambda _: 50.0)
    ]
    found = judged("The second layer loses most", runs)
    assert found.evidence.mean == pytest.approx(50 - 100 * 120 / 400)
    assert found.value.startswith("30.0")


def test_ranges_are_compared_between_shifts_of_crops():
    def with_range(run: Record) -> Record:
        pixels = run.config.crop_shift + 2 + run.config.seed
        return with_final(run, pair_correlation=[2.0] * pixels + [0.0])

    records = [with_range(run) for run in study("crops", lambda _: 50.0)]
    wider = judged("Weights of a filter gather over a wider range with crops", records)
    assert wider.evidence.mean == pytest.approx(4.0)
    further = judged("Weights of a filter gather over a wider range where", records)
    assert further.evidence.mean == pytest.approx(4.0)
    unknown = [with_final(run, pair_correlation=[None]) for run in records]
    assert judged("Weights of a filter gather over a wider range where", unknown).evidence is None


def test_cifar100_has_the_methods_of_figure_3_with_cross_entropy():
    configs = STUDIES["cifar100"].configs("desk", 1)
    assert {(c.dataset, c.loss) for c in configs} == {("cifar100", "cross-entropy")}
    methods = [method(c) for c in STUDIES["figure3"].configs("desk", 1)]
    assert [method(c) for c in configs] == methods
    assert {c.dataset for c in STUDIES["cifar100"].configs("smoke", 1)} == {"digits"}


def test_gains_on_cifar100_are_paired():
    gain = {0.0: 1.0, 1.0: 2.0, 50.0: 4.0}
    runs = study("cifar100", lambda c: 20 + c.seed + gain[c.beta] * (c.optimizer != "sgd"))
    assert table2.hundred_gains(runs) == {
        "hundred-sgd": "+4.00 ± 0.00", "hundred-one": "+2.00 ± 0.00", "hundred-left": "50",
    }  # fmt: skip
    assert set(table2.hundred_gains([]).values()) == {"–"}
    shown = table2.elsewhere("tab", runs, "desk", "CIFAR-100", "lcs study cifar100")
    assert "reproduction" not in shown.columns
    assert "reproduction" not in shown.caption


def test_what_the_reproductions_loss_reaches_on_cifar100():
    sgd = [made_up(Config(dataset="cifar100", seed=seed), 5.0 + seed) for seed in (0, 1)]
    found = table2.hundred_numbers(sgd)
    assert found == {"hundred-bce": pytest.approx(5.5), "hundred-bce-fit": pytest.approx(75.0)}
    assert all(np.isnan(value) for value in table2.hundred_numbers([]).values())
