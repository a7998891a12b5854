"""What the searches choose, and how it comes into `chosen.json`."""

import json
import re
import shutil

import pytest
from helpers.made_up_records import made_up, study

from lcs.config import Config
from lcs.errors import ConfigError
from lcs.exhibits import find_study
from lcs.exhibits.choose import choose, rules, write_choice
from lcs.exhibits.shared import settings
from lcs.exhibits.shared.methods import CONV, LOCAL, method
from lcs.exhibits.shared.searches import choices
from lcs.runs import BOOK_RUNS, RunStore


@pytest.mark.parametrize("name", rules())
def test_what_is_chosen_agrees_with_the_records(name, tmp_path):
    """Its section of the file, with other numbers, is written again to the same bytes."""
    store, scale = RunStore(BOOK_RUNS), find_study(name).usual_scale
    if not find_study(name).stored(scale, store):
        pytest.skip("the search has not been run")
    sections = json.loads(settings.CHOSEN_FILE.read_text())
    sections[name] = json.loads(re.sub(r"(?<=: )[\d.e-]+", "0.5", json.dumps(sections[name])))
    file = tmp_path / "chosen.json"
    file.write_text(json.dumps(sections))
    assert write_choice(name, store, scale, file) == settings.CHOSEN[name]
    assert file.read_bytes() == settings.CHOSEN_FILE.read_bytes()
    assert set(settings.CHOSEN) == set(rules())


def test_the_best_candidate_of_each_method_is_chosen():
    def accuracy(config: Config) -> float:
        return 50 - 1e5 * abs(config.l1 - 5e-5) - config.momentum + 1e3 * config.weight_decay

    found = choices(study("search", accuracy, 1), method)
    assert len(found) == len(settings.CHOSEN["search"])
    assert (found[LOCAL].config.momentum, found[LOCAL].config.weight_decay) == (0.0, 5e-4)
    assert {c.config.l1 for name, c in found.items() if name.optimizer != "sgd"} == {5e-5}


def test_a_candidate_is_judged_by_all_its_seeds():
    def accuracy(config: Config) -> float:
        lucky = config.momentum == 0.9 and config.seed == 1
        return 70 if lucky else 60 - 20 * config.momentum

    found = choices(study("search", accuracy, 2), method)[CONV]
    assert found.config.momentum == 0.0
    assert [run.config.seed for run in found.runs] == [0, 1]


def halved(name):
    return {key: value / 2 for key, value in settings.CHOSEN[name].items()}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("search-wide", {"1": 0.125, "2": 0.125, "4": 0.125, "8": 0.125}),
        ("search-rivals", halved("search-rivals")),
        ("search-augment", halved("search-augment")),
    ],
)
def test_shares_are_of_what_was_chosen_before(name, expected):
    """The weakest regularisation is made the best."""
    configs = find_study(name).configs("desk", 1)
    runs = [made_up(c, 60 - 1e4 * c.weight_decay - 1e5 * c.l1) for c in configs]
    assert choose(name, runs) == pytest.approx(expected)


def test_only_whole_searches_choose(tmp_path):
    file = shutil.copy(settings.CHOSEN_FILE, tmp_path)
    for name, reason in (("table2", "chooses nothing"), ("search", "runs are missing")):
        with pytest.raises(ConfigError, match=reason):
            write_choice(name, RunStore(tmp_path), file=file)


def test_the_command_writes_the_file(command, tmp_path, monkeypatch):
    file = tmp_path / "chosen.json"
    file.write_text(settings.CHOSEN_FILE.read_text().replace('"4": 0.25', '"4": 1.0'))
    monkeypatch.setattr(write_choice, "__defaults__", ("desk", file))
    said = command("study", "search-wide", "--choose", "--store", BOOK_RUNS)
    assert (said.code, json.loads(said.out)) == (0, settings.CHOSEN["search-wide"])
    assert file.read_bytes() == settings.CHOSEN_FILE.read_bytes()
