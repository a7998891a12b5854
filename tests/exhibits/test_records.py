"""The table of runs and their pages: order, commands, and records that are not trusted."""

import json
import shlex
from html.parser import HTMLParser
from types import SimpleNamespace

import pytest
from helpers import finished_results

from lcs.analysis.runs import condition
from lcs.config import Config
from lcs.exhibits import records
from lcs.runs import BOOK_RUNS, RunStore
from lcs.study import cost

EVIL = '<script>alert("1")</script> &amp;'


@pytest.fixture(scope="module")
def book():
    """Every run of the book, and the studies that have each."""
    return records.all_runs(BOOK_RUNS)


class _Page(HTMLParser):
    """Collects tags, attributes and text."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.text, self.scripts = [], [], "", {}
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data):
        self.text += data
        if data.startswith('{"epochs"'):
            self.scripts["history"] = data


def write(store, config, **changes):
    results = finished_results.results(config)
    results["provenance"] = results["provenance"] | changes
    return store.write(config, **results)


def test_command_of_a_run_gives_its_configuration(book, command, monkeypatch):
    taken = []

    def train(config, **_):
        taken.append(config)
        return SimpleNamespace(path="", accuracy=0.5)

    monkeypatch.setattr("lcs.train.train", train)
    # one for each option, and for each value of those that are words
    every = {
        (name, value if isinstance(value, str | bool) else None): run.config
        for run in book[0]
        if isinstance(run.config, Config)
        for name, value in records.changed(run.config).items()
    }
    configs = [Config(), *dict.fromkeys(every.values())]
    for config in configs:
        program, *arguments = shlex.split(records.rerun_command(config, []))
        assert (program, arguments[-2:]) == ("lcs", ["--store", "_build/again"])
        assert command(*arguments[:-2]).code == 0
    assert taken == configs


def test_a_run_has_the_setting_of_its_first_study(tmp_path):
    declared = Config(loss="bce", precision="bf16")
    alien = Config(augment="autoaugment", normalize="standard", lr=0.3, epochs=7, precision="bf16")
    other = declared.replace(dataset="svhn", epochs=30)
    for config in (declared, alien, other):
        write(RunStore(tmp_path), config)
    found, uses = records.all_runs(tmp_path)
    assert uses[declared][0][:3] == ("table2", "table2", "no augmentation")
    assert "figure3" in {use.study for use in uses[other]}, "with another data set and length"
    assert not uses[alien]
    row = _Page(records.table([run for run in found if run.config == alien], uses)).text
    assert "none of the book's" in row
    assert "lr 0.3, augment autoaugment" in row, "what is no default"


def test_page_of_a_run_says_what_its_record_says(book):
    every, uses = book
    run = next(r for r in every if r.has_filters and r.config.beta == 50)
    seeds = [r for r in every if condition(r) == condition(run)]
    own = uses[condition(run)]
    page = _Page(records.page(run, seeds, uses, {f"book/{use.chapter}" for use in own}))
    links = {value for name, value in page.attributes if name == "href"}
    assert {f"{run.path.stem}.json", f"{run.path.stem}.safetensors"} <= links
    assert {f"{other.path.stem}.html" for other in seeds if other is not run} <= links
    assert {f"../../../book/{use.chapter}.html" for use in own} <= links
    for said in (run.accuracy, run.provenance["commit"], run.provenance["hardware"]):
        assert f"{said}" in page.text
    assert cost.duration(run.provenance["seconds"]) in page.text
    curves = json.loads(page.scripts["history"])
    left = [100 * n / run.final["weights"]["conv1"] for n in run.history["nonzeros"]["conv1"]]
    assert curves["remaining weights (%)"]["first layer"] == pytest.approx(left, rel=1e-3)


def test_whatever_a_record_says_is_text(tmp_path):
    changes = {
        **dict.fromkeys(("commit", "hardware", "command", "device", EVIL), EVIL),
        "packages": dict.fromkeys(("python", "torch", "torchvision", "numpy", EVIL), EVIL),
        "before_resume": [{EVIL: [EVIL]}],
        "modes": {EVIL: 1},
    }
    write(RunStore(tmp_path), Config(epochs=3), **changes)
    write(RunStore(tmp_path), Config(epochs=3, seed=1))
    (evil, good), uses = records.all_runs(tmp_path)
    page, usual = (_Page(records.page(run, [evil, good], uses, ())) for run in (evil, good))
    assert page.tags.count("script") == usual.tags.count("script") == 4
    assert set(page.tags) == set(usual.tags)
    assert {name for name, _ in page.attributes} == {name for name, _ in usual.attributes}
    assert page.text.count(EVIL) >= 8
    assert _Page(records.table([evil], uses)).tags == _Page(records.table([good], uses)).tags
