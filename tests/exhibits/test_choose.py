"""What the searches choose, and how it comes into `chosen.json`."""

import json
import re
import shutil

import pytest
from helpers.made_up_records import made_up

from lcs.errors import ConfigError
from lcs.exhibits import find_study
from lcs.exhibits.choose import choose, rules, write_choice
from lcs.exhibits.shared import settings
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


def test_every_section_is_that_of_a_search():
    assert set(settings.CHOSEN) == set(rules())


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("search-long", dict.fromkeys(settings.CHOSEN["search-long"], 0.25)),
        ("search-wide", {"1": 0.125, "2": 0.125, "4": 0.125, "8": 0.125}),
        ("search-rivals", {k: v / 2 for k, v in settings.CHOSEN["search-rivals"].items()}),
        ("search-augment", {k: v / 2 for k, v in settings.CHOSEN["search-augment"].items()}),
    ],
)
def test_shares_are_of_what_was_chosen_before(name, expected):
    """The weakest regularisation is made the best."""
    configs = find_study(name).configs("desk", 1)
    runs = [made_up(c, 60 - 1e4 * c.weight_decay - 1e5 * c.l1) for c in configs]
    assert choose(name, runs) == pytest.approx(expected)


def test_every_share_of_no_weight_decay_is_1(monkeypatch):
    monkeypatch.setitem(settings.CHOSEN["search"], "s-fc sgd 0", {"weight_decay": 0.0})
    configs = [c for c in find_study("search-rivals").configs("desk", 1) if c.optimizer == "sgd"]
    found = choose("search-rivals", [made_up(config, 60) for config in configs])
    assert set(found.values()) == {1.0}


def test_only_whole_searches_choose(tmp_path):
    file = shutil.copy(settings.CHOSEN_FILE, tmp_path)
    for name, reason in (
        ("table2", "chooses nothing"),
        ("search-flips-edge", "chooses nothing"),
        ("search", "runs are missing"),
    ):
        with pytest.raises(ConfigError, match=reason):
            write_choice(name, RunStore(tmp_path), file=file)


def test_the_command_writes_the_file(command, tmp_path, monkeypatch):
    file = tmp_path / "chosen.json"
    file.write_text(settings.CHOSEN_FILE.read_text().replace('"4": 0.25', '"4": 1.0'))
    monkeypatch.setattr(write_choice, "__defaults__", ("desk", file))
    said = command("study", "search-wide", "--choose", "--store", BOOK_RUNS)
    assert (said.code, json.loads(said.out)) == (0, settings.CHOSEN["search-wide"])
    assert file.read_bytes() == settings.CHOSEN_FILE.read_bytes()
    command("study", "table2", "--choose").refused("chooses nothing")
