"""What a search chooses, on records made up."""

from helpers.made_up_records import study

from lcs.config import Config
from lcs.exhibits.shared.methods import CONV, LOCAL, method
from lcs.exhibits.shared.searches import choices
from lcs.exhibits.shared.settings import CHOSEN


def test_the_best_candidate_of_each_method_is_chosen():
    def accuracy(config: Config) -> float:
        return 50 - 1e5 * abs(config.l1 - 5e-5) - config.momentum + 1e3 * config.weight_decay

    records = study("search", accuracy, 1)
    found = choices(records, method)
    assert len(found) == len(CHOSEN["search"])
    assert (found[LOCAL].config.momentum, found[LOCAL].config.weight_decay) == (0.0, 5e-4)
    assert {c.config.l1 for name, c in found.items() if name.optimizer != "sgd"} == {5e-5}


def test_a_candidate_is_judged_by_all_its_seeds():
    def accuracy(config: Config) -> float:
        lucky = config.momentum == 0.9 and config.seed == 1
        return 70 if lucky else 60 - 20 * config.momentum

    found = choices(study("search", accuracy, 2), method)[CONV]
    assert found.config.momentum == 0.0
    assert len(found.means) == 4
    assert [run.config.seed for run in found.runs] == [0, 1]
