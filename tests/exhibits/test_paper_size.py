"""The page of the paper's size: pending until its runs are there, and a search that must choose."""

import dataclasses

import pytest
from helpers.made_up_records import Memory, made_up

from lcs.exhibits import find_study, paper_size, status
from lcs.exhibits.choose import choose
from lcs.exhibits.shared import settings, verdicts
from lcs.exhibits.shared.methods import B50, LOCAL, SGD, method
from lcs.exhibits.shared.verdicts import Claim, Finding

SEARCHES = ("search-paper-size-rate", "search-paper-size")
ACCURACY = {SGD: 60.0, B50: 70.0, LOCAL: 80.0}


def whole(config, accuracy):
    """A made-up record with all that the page reads."""
    run, share = made_up(config, accuracy), {"mean": 0.5, "ci95": 0.1}
    window = share | {
        f"{kind}_{name}": share[name] for kind in ("null", "excess") for name in share
    }
    final = {"fan_in": {"conv1": [1, 2, 3]}, "locality": {"eligible": 2, "window_mass": window}}
    counts = {layer: [900, 500] for layer in ("conv1", "fc1", "fc2")}
    history = {"epoch": [1, config.epochs], "test_accuracy": [0.1, 0.6], "nonzeros": counts}
    origin = {"hardware": "a GPU", "seconds": 120.0}
    final |= {"pair_correlation": [3.0, 0.5]}
    return dataclasses.replace(run, final=run.final | final, history=history, provenance=origin)


def runs(name="paper-size-searched", seeds=1):
    configs = find_study(name).configs("paper", seeds)
    return [whole(c, ACCURACY[method(c)] + c.seed) for c in configs]


def test_methods_without_runs_are_pending_beside_what_is_published():
    rows = paper_size.results_table(runs()).rows
    pending = [row[0] for row in rows if ".pending" in row[3]]
    assert len(rows) == 6
    assert len(pending) == 3
    assert all(".published" in row[2] for row in rows)


def numbers(**changed):
    """The numbers of the prose of one run each, or of other records of a study."""
    stored = {name: runs(name) for name in ("paper-size", "paper-size-searched")}
    return paper_size.numbers(stored | {n.replace("_", "-"): r for n, r in changed.items()})


@pytest.mark.parametrize("some", [[], runs()[:2], runs()[1:]])
def test_numbers_are_pending_until_all_methods_have_runs(some):
    words = numbers(paper_size_searched=some)
    assert set(words.values()) == {"pending"}
    assert words == numbers(paper_size=runs("paper-size")[:1])
    assert words.keys() == numbers().keys()


def test_numbers_are_means_over_seeds():
    words = numbers(paper_size_searched=runs(seeds=3))
    assert words["size-n"] == "3"
    assert (words["size-sgd"], words["size-sparse"], words["size-local"]) == (
        "61.00", "71.00", "81.00",
    )  # fmt: skip
    assert words["size-closed"].startswith("50")
    assert words["size-before-gain"] == "10.00"


def test_a_figure_for_digits():
    digits = [whole(c, 50.0) for c in find_study("paper-size-searched").configs("smoke", 1)]
    axes = paper_size.training_figure(digits).axes[0]
    assert not [line for line in axes.lines if line.get_marker() == "v"], "published for CIFAR-10"


def counts(configs):
    return {method(c): sum(method(o) == method(c) for o in configs) for c in configs}


def test_every_method_has_as_many_candidates():
    rates, factors = (find_study(name).configs("paper", 1) for name in SEARCHES)
    assert counts(rates) == {SGD: 3, B50: 3, LOCAL: 3}
    assert counts(factors) == {SGD: 2, B50: 2, LOCAL: 2}
    assert counts({*rates, *factors}) == {SGD: 4, B50: 4, LOCAL: 4}, "one is in both"
    assert all(c.validation and c.epochs == 100 for c in (*rates, *factors))


def test_the_choice_comes_into_the_runs_that_take_it(monkeypatch):
    def weak(config):  # the smaller of both factors
        return config.weight_decay + config.l1 < {"sgd": 5e-4, "beta-lasso": 1e-4}[config.optimizer]

    for search, is_best in zip(SEARCHES, (lambda config: config.lr == 0.03, weak), strict=True):
        candidates = find_study(search).configs("paper", 1)
        records = [made_up(c, 60.0 + is_best(c)) for c in candidates]
        monkeypatch.setitem(settings.CHOSEN, search, choose(search, records))
    chosen = settings.CHOSEN[SEARCHES[1]]
    assert {values["lr"] for values in chosen.values()} == {0.03}
    assert {values["factor"] for values in chosen.values()} == {0.25, 0.5}
    usual = {method(c): c for c in find_study("paper-size").configs("paper", 1)}
    for config in find_study("paper-size-searched").configs("paper", 1):
        assert config.lr == 0.03
        if config.model == "s-fc":
            name, factor = method(config), chosen[method(config).key]["factor"]
            assert config.l1 == pytest.approx(factor * usual[name].l1)
            assert config.weight_decay == pytest.approx(factor * usual[name].weight_decay)


def test_a_longer_training_takes_the_same_choices_and_lambda_by_its_length():
    short, longer = (
        find_study(name).configs("paper", 1) for name in ("paper-size-searched", "paper-length")
    )
    for one, other in zip(short, longer, strict=True):
        assert (other.base_channels, other.epochs) == (32, 10 * one.epochs)
        assert (other.l1, other.rest_l1) == pytest.approx((one.l1 / 10, one.rest_l1 / 10))
        at = {name: getattr(one, name) for name in ("base_channels", "epochs", "l1", "l1_rest")}
        assert other.replace(**at) == one
    (larger,) = find_study("paper-length-l1").configs("paper", 1)
    (sparse,) = (config for config in longer if config.beta)
    assert (larger.l1, larger.rest_l1) == pytest.approx((4 * sparse.l1, 4 * sparse.rest_l1))


def test_longer_trainings_have_a_row_each():
    found = [*runs("paper-length"), *runs("paper-length-l1")]
    assert [row[0] for row in paper_size.networks_table("paper-length", found).rows].count(
        B50.short
    ) == 2


def test_what_a_search_is_to_choose_is_not_done_before_it_has(monkeypatch):
    asked = find_study("paper-size-searched")
    stored = runs(asked.name)
    monkeypatch.delitem(settings.CHOSEN, "search-paper-size")
    title = [row[0] for row in status.done_table(status.progress(Memory(stored))).rows]
    assert not any("as searched" in text for text in title)
    claim = Claim("B", asked.name, lambda records: Finding("", said=f"{len(records)}"))
    assert verdicts.judged([claim], Memory(stored), "paper") == [None]
    monkeypatch.undo()
    assert not settings.missing_choices(asked)
    (judged,) = verdicts.judged([claim], Memory(stored), "paper")
    assert judged.finding.said == "3"


def test_a_study_of_the_papers_size_alone_needs_no_scale(command, tmp_path):
    planned = command("study", "paper-size", "--plan", "--store", tmp_path)
    assert not planned.code
    assert "α = 150" in planned.out
    assert find_study("table2").usual_scale == "desk"
