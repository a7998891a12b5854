"""What Table 2 shows, on records made up so that every answer is known, and on the book's."""

import math

import numpy as np
import pytest
import scipy.stats
from helpers.made_up_records import made_up, study

from lcs.config import Config
from lcs.exhibits import find_study, table2
from lcs.exhibits.shared import published
from lcs.exhibits.shared.compare import accuracies, by_method
from lcs.exhibits.shared.methods import B50, SGD, Method, method
from lcs.runs import BOOK_RUNS, RunStore

STORE = RunStore(BOOK_RUNS)


def test_cifar100_has_the_methods_of_figure_3_with_cross_entropy():
    configs = find_study("cifar100").configs("desk", 1)
    assert {(c.dataset, c.loss) for c in configs} == {("cifar100", "cross-entropy")}
    methods = [method(c) for c in find_study("figure3").configs("desk", 1)]
    assert [method(c) for c in configs] == methods
    assert {c.dataset for c in find_study("cifar100").configs("smoke", 1)} == {"digits"}


def test_what_is_said_of_cifar100():
    sgd = [made_up(Config(dataset="cifar100", seed=seed), 5.0 + seed) for seed in (0, 1)]
    assert table2.cifar100_numbers(sgd) == {
        "hundred-bce": "5.0 and 6.0", "hundred-bce-fit": "75.0 and 75.0",
    }  # fmt: skip
    assert set(table2.cifar100_numbers([]).values()) == {"pending"}


def test_the_table_of_other_data_has_no_reproduction():
    gain = {0.0: 1.0, 1.0: 2.0, 50.0: 4.0}
    runs = study("cifar100", lambda c: 20 + c.seed + gain[c.beta] * (c.optimizer != "sgd"))
    shown = table2.accuracy_table(runs, "tab")
    assert "reproduction" not in shown.caption
    assert [row[1:6] for row in shown.rows[::3]] == [
        ["[51.43]{.published}", "21.00 ± 2.48", "−4.00 ± 0.00", "75.0 ± 0.0", "50.0"],
        ["[59.56]{.published}", "25.00 ± 2.48", "–", "75.0 ± 0.0", "50.0"],
    ]


def test_our_methods_alone_stand_in_the_table_of_other_data():
    records = find_study("figure3").stored("desk", STORE)
    rows = table2.accuracy_table(records, "tab-x").rows
    assert [row[0] for row in rows] == [str(name) for name in by_method(records)]


def test_published_accuracies_are_of_their_data_set():
    assert published.accuracy(SGD, "cifar10") == 78.63
    assert published.accuracy(SGD, "cifar10", 400) == 72.77
    assert published.accuracy(SGD, "cifar100") == 51.43
    assert published.accuracy(SGD, "cifar100", 400) is None
    assert published.accuracy(SGD, "digits") is None


def test_table2_quotes_the_published_rows():
    row = published.table2(B50)
    assert row[1:] == (85.19, 59.56, 94.07, 48.9, 48.54)
    assert published.table2(Method("resnet18")).cifar10 is None
    shown = table2.accuracy_table(find_study("table2").stored("desk", STORE))
    assert [*zip(shown.columns, shown.rows[-1], strict=True)][2:4] == [
        ("reproduction, report", "[48.9]{.published .reproduction}"),
        ("reproduction, notebook", "[48.54]{.published .reproduction}"),
    ]


def test_numbers_of_a_beta_that_was_not_run_are_missing_and_no_others():
    records = [r for r in find_study("table2").stored("desk", STORE) if r.config.beta < 50]
    found = table2.accuracy_numbers(records)
    assert (found["less-sgd"], found["gap"]) == ("–", "pending")
    assert {row[5] for row in table2.accuracy_table(records).rows} == {"–"}
    every = table2.accuracy_numbers(find_study("table2").stored("desk", STORE))
    assert found["half-width"] == every["half-width"]
    assert every["less-sgd"] != "–"


def test_a_shorter_training_is_compared_with_the_long_one():
    records = find_study("table2").stored("desk", STORE)
    dense = [run for run in records if method(run.config) == SGD]
    early = [made_up(run.config.replace(epochs=100), 100 * run.accuracy + 9) for run in dense]
    other = made_up(dense[0].config.replace(epochs=50), 99.0)
    words = table2.accuracy_numbers(records, [*early[1:], other])
    assert words["early-n"] == f"{len(dense) - 1}"
    gains = [9 + 100 * run.accuracy for run in dense[1:]]
    sparse = [run for run in records if method(run.config) == B50][1:]
    lead = np.mean(gains) - np.mean(accuracies(sparse))
    assert float(words["early"].split()[0]) == pytest.approx(lead, abs=0.01)


def test_a_published_run_is_compared_as_one_more_draw():
    judge = table2.CLAIMS["At α = 1, SGD reaches this accuracy"].judge
    records = find_study("table2").stored("desk", STORE)
    finding = judge(records)
    values = accuracies(by_method(records)[SGD])
    n, spread = len(values), float(np.std(values, ddof=1))
    assert finding.margin == 0
    assert finding.evidence.mean == pytest.approx(np.mean(values) - 45.8)
    next_draw = scipy.stats.t.ppf(0.975, n - 1) * spread * math.sqrt(1 + 1 / n)
    assert finding.evidence.half_width == pytest.approx(next_draw)


def test_locality_against_sharing_is_paired_where_networks_have_unequal_seeds():
    claim = table2.CLAIMS["Locality matters more than weight sharing"]
    accuracy = {"s-conv": 70.0, "s-local": 69.0, "s-fc": 60.0}
    runs = [
        made_up(Config(model=model, seed=seed), value + 5 * seed)
        for model, value in accuracy.items()
        for seed in range(2 if model == "s-conv" else 3)
    ]
    assert claim.judge(runs).evidence.n == 2
    assert claim.judge(runs).evidence.mean == pytest.approx(8.0)
    assert claim.judge(runs[::-1]).evidence.mean == pytest.approx(8.0)
