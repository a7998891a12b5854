"""What a search chooses, and the table of what it tried, on records made up."""

from helpers.made_up_records import configs, made_up, study

from lcs.config import Config
from lcs.exhibits.shared import tables
from lcs.exhibits.shared.methods import CONV, LOCAL, PROXIMAL, method
from lcs.exhibits.shared.searches import choices, searched_table
from lcs.exhibits.shared.settings import CHOSEN


def test_the_best_candidate_of_each_method_is_chosen():
    def accuracy(config: Config) -> float:
        return 50 - 1e5 * abs(config.l1 - 5e-5) - config.momentum + 1e3 * config.weight_decay

    records = study("search", accuracy, 1)
    found = choices(records, method)
    assert len(found) == len(CHOSEN["search"])
    assert (found[LOCAL].config.momentum, found[LOCAL].config.weight_decay) == (0.0, 5e-4)
    assert {c.config.l1 for name, c in found.items() if name.optimizer != "sgd"} == {5e-5}
    shown = {row[2]: row[3:] for row in searched_table({"search-long": [], "search": records}).rows}
    sgd = ["4", "momentum: 0 (0 to 0.9); weight decay: 5e-4 (0 to 5e-4)", "45.50", "45.00", "`0`"]
    assert shown["SGD"] == sgd
    assert shown[PROXIMAL.short][1].startswith("λ, first layer: 5e-5 (5e-6 to 2e-4); λ, other")


def test_a_candidate_is_judged_by_all_its_seeds():
    def accuracy(config: Config) -> float:
        lucky = config.momentum == 0.9 and config.seed == 1
        return 70 if lucky else 60 - 20 * config.momentum

    found = choices(study("search", accuracy, 2), method)[CONV]
    assert found.config.momentum == 0.0
    assert len(found.means) == 4
    assert [run.config.seed for run in found.runs] == [0, 1]


def test_a_search_has_a_row_for_each_setting_and_method():
    best = {1: 2.5e-5, 2: 2.5e-5, 4: 5e-5, 8: 1e-4}
    wide = study("search-wide", lambda c: 60 - 1e5 * abs(c.l1 - best[c.base_channels]), 1)
    augment = study("search-augment", lambda c: 60 + 1e3 * c.weight_decay - 1e5 * c.l1, 1)
    found = searched_table({"search-wide": wide, "search-augment": augment}).rows
    for row, (width, value) in zip(found, best.items(), strict=False):
        assert row[1:4] == [f"α = {width}, 200 epochs, AutoAugment", "β = 50", "4"]
        assert row[4].startswith(f"λ, first layer: {tables.number(value)} (1.25e-5 to 1e-4)")
        assert row[5] == "60.00"
    alone, decays, *_ = found[4:]
    assert alone[1:7] == ["α = 8, 200 epochs, AutoAugment", "SGD", "1", "–", "60.50", "–"]
    assert decays[4:7] == ["weight decay: 0.002 (5e-4 to 0.002)", "62.00", "61.00"]


def test_a_network_and_what_is_trained_on_from_it_are_not_candidates_of_one_choice():
    records = [made_up(config, 50.0) for config in configs("search-convolution")]
    rows = searched_table({"search-convolution": records}).rows
    counts = {row[2]: row[3] for row in rows}
    assert counts["S-CONV, SGD"] == "1"
    assert {count for name, count in counts.items() if name.endswith(", from another network")} == {
        "4"
    }
