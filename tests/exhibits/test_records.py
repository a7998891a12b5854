"""The table of runs and their pages: order, commands, curves, and records that are not trusted."""

import dataclasses
import itertools
import math
import re
import shlex
from html.parser import HTMLParser
from types import SimpleNamespace

import pytest
from helpers import finished_results
from markdown_it.renderer import RendererHTML
from myst_parser.config.main import MdParserConfig
from myst_parser.parsers.mdit import create_md_parser

from lcs import cost
from lcs.config import Config
from lcs.errors import printable
from lcs.exhibits import exhibit
from lcs.exhibits.records import book_runs, run_pages
from lcs.exhibits.shared import tables
from lcs.runs import BOOK_RUNS, RunStore

EVIL = (
    '<script>alert("1")</script>\n```{include} secret\n```\n'
    "| `x` | $y$ [z](javascript:0) {ref}`a` **b** &amp; ![i](j) \\"
)


def test_every_run_that_a_study_lists_has_a_place_and_a_title(studied):
    assert len(studied) > 200
    for run in studied:
        assert run.order
        assert run.config.optimizer == "sgd" or str(run.config.epochs) in run.title
    pruned = {run.title for run in studied if run.config.pruning == "rigl"}
    assert pruned
    assert all("rigl" in title for title in pruned)


@pytest.fixture(scope="module")
def studied():
    """A run of each configuration that the chapters with networks list at the desk scale."""
    names = ("rivals", "transfer", "banded", "deeper", "origin", "sample_size")
    configs = [
        config
        for name in names
        for study in exhibit(name).STUDIES
        for config in study.configs("desk", 1)
    ]
    return [book_runs.BookRun(SimpleNamespace(config=config), ()) for config in configs]


@pytest.fixture(scope="module")
def runs():
    """Every run of the book."""
    return book_runs.all_runs(RunStore(BOOK_RUNS))


class _Page(HTMLParser):
    """Collects tags, attributes and text."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.text = [], [], ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data):
        self.text += data


def write(store, config, **changes):
    results = finished_results.results(config)
    results["provenance"] = results["provenance"] | changes
    return store.write(config, **results)


def test_runs_stand_in_one_order_whatever_that_of_the_files(runs, monkeypatch):
    few = {run.place: run.record for run in runs[::40]}
    backwards = [*few.values()][::-1]
    monkeypatch.setattr(RunStore, "records", lambda self: iter(backwards))
    assert [run.place for run in book_runs.all_runs(RunStore(BOOK_RUNS))] == [*few]
    assert len({run.order for run in runs}) == len(runs)
    training = [run.config for run in runs if isinstance(run.config, Config)]
    assert [c.dataset for c in training] == sorted(c.dataset for c in training)
    for one, other in itertools.pairwise(training):
        if one.replace(seed=0) == other.replace(seed=0):
            assert one.seed < other.seed
    conditions = [config.replace(seed=0) for config in training]
    changes = sum(a != b for a, b in itertools.pairwise(conditions))
    assert changes + 1 == len({*conditions}), "the seeds of a configuration stand together"


EVERY_OPTION = Config(
    dataset="cifar100",
    model="s-local",
    base_channels=3,
    kernel_size=5,
    padding="none",
    affine=True,
    bias=True,
    dropout=0.1,
    optimizer="beta-lasso",
    lr=0.1 + 0.2,
    l1=2.5000000000000004e-07,
    l1_rest=0.0,
    beta=12.5,
    frozen_zeros=True,
    loss="bce",
    period=7,
    epochs=21,
    batch_size=100,
    augment="flip-crop",
    crop_padding=3,
    normalize="standard",
    permute_pixels=True,
    validation=True,
    precision="bf16",
    seed=4,
)


def test_command_of_a_run_gives_its_configuration(runs, command, monkeypatch):
    taken = []

    def train(config, **_):
        taken.append(config)
        return SimpleNamespace(path="", accuracy=0.5)

    monkeypatch.setattr("lcs.train.train", train)
    training = [run.config for run in runs if isinstance(run.config, Config)]
    # one for each option, and for each value of those that are words
    book = {
        (name, value if isinstance(value, str | bool) else None): config
        for config in training
        for name, value in book_runs.changed(config).items()
    }
    sgd = Config(momentum=0.9, weight_decay=5e-4, schedule="constant")
    configs = [Config(), sgd, EVERY_OPTION, *dict.fromkeys(book.values())]
    for config in configs:
        run = book_runs.BookRun(SimpleNamespace(config=config), ())
        program, *arguments = shlex.split(
            book_runs.rerun_command(run).removesuffix(book_runs.RERUN_STORE)
        )
        assert program == "lcs"
        assert command(*arguments).code == 0
    assert taken == configs


def test_a_run_is_made_again_where_the_books_records_are_not(runs):
    for run in runs:
        assert book_runs.rerun_command(run).endswith(" --store _build/again")


def test_setting_is_that_of_the_first_study(tmp_path):
    store = RunStore(tmp_path)
    declared = Config(loss="bce", precision="bf16")
    alien = Config(augment="autoaugment", normalize="standard", lr=0.3, epochs=7, precision="bf16")
    for config in (declared, alien):
        write(store, config)
    first, second = book_runs.all_runs(store)
    assert (first.config, first.setting, first.differing_fields) == (
        declared,
        "no augmentation",
        [],
    )
    assert "table2" in {use.study for use in first.uses}
    assert (second.config, second.uses, second.setting) == (alien, (), "none of the book's")
    assert second.differing_fields == ["lr", "augment", "normalize", "precision"]
    assert "η 0.3, AutoAugment" in run_pages.table([second]), "what is no default"


def test_settings_say_how_long_and_how_augmented_their_runs_are(runs):
    def settings(study):
        return {run.setting for run in runs if study in {use.study for use in run.uses}}

    assert settings("recipe-length-long") == {"flips and crops, 1600 epochs"}
    assert settings("recipe-length-search") == {"flips and crops, 50 epochs"}
    assert settings("flips") == {"flips and crops"}
    assert settings("origin-plain") == {"varied conditions"}
    weak = [
        run for run in runs if run.setting == "AutoAugment" and "augment" in run.differing_fields
    ]
    own = {"search-augment", "augment-order"}
    assert all(own & {use.study for use in run.uses} for run in weak)


def test_a_run_of_other_data_or_length_belongs_to_the_study_that_makes_it(tmp_path):
    other = Config(loss="bce", precision="bf16", dataset="svhn", epochs=30)
    write(RunStore(tmp_path), other)
    (run,) = book_runs.all_runs(RunStore(tmp_path))
    assert "figure3" in {use.study for use in run.uses}


def test_page_of_a_run_says_what_its_record_says(runs):
    chosen = next(run for run in runs if run.record.has_filters and run.record.config.beta == 50)
    seeds = [run for run in runs if run.config.replace(seed=0) == chosen.config.replace(seed=0)]
    page = _Page(run_pages.page(chosen, seeds, {f"book/{use.chapter}" for use in chosen.uses}))
    links = [value for name, value in page.attributes if name == "href"]
    name = chosen.record.path.stem
    assert {f"{name}.json", f"{name}.safetensors"} <= set(links)
    assert {f"{s.record.path.stem}.html" for s in seeds if s is not chosen} <= set(links)
    assert {f"../../../book/{use.chapter}.html" for use in chosen.uses} <= set(links)
    assert f"{100 * chosen.record.accuracy:.2f} %" in page.text
    assert chosen.record.provenance["commit"] in page.text
    assert chosen.record.provenance["hardware"] in page.text
    assert cost.duration(chosen.record.provenance["seconds"]) in page.text
    configuration = page.text.partition("Configuration")[2]
    places = [configuration.index(field) for field in book_runs.changed(chosen.config)]
    assert max(places) < configuration.index("kernel_size"), "what is no default comes first"


def test_unlinked_chapters_are_named_without_a_link(runs):
    run = next(run for run in runs if run.uses)
    links = [v for k, v in _Page(run_pages.page(run, [run], ())).attributes if k == "href"]
    assert not [link for link in links if run.uses[0].chapter in link]


def test_whatever_a_record_says_is_text(tmp_path):
    store = RunStore(tmp_path)
    changes = {
        "commit": EVIL,
        "hardware": EVIL,
        "command": EVIL,
        "device": EVIL,
        EVIL: EVIL,
        "packages": dict.fromkeys(("python", "torch", "torchvision", "numpy", EVIL), EVIL),
        "before_resume": [{EVIL: [EVIL]}],
        "modes": {EVIL: 1},
    }
    write(store, Config(epochs=3), **changes)
    write(store, Config(epochs=3, seed=1))
    evil, good = book_runs.all_runs(store)
    page, usual = (_Page(run_pages.page(run, [evil, good], ())) for run in (evil, good))
    assert page.tags.count("script") == usual.tags.count("script") == 1
    assert set(page.tags) == set(usual.tags)
    assert {name for name, _ in page.attributes} == {name for name, _ in usual.attributes}
    assert page.text.count(printable(EVIL)) >= 8
    assert _Page(run_pages.table([evil])).tags == _Page(run_pages.table([good])).tags


def test_whatever_a_record_says_is_text_in_a_chapter():
    table = tables.Table("tab-evil", "What.", ["hardware"], [[tables.plain(EVIL)]])
    extensions = {"amsmath", "attrs_inline", "colon_fence", "deflist", "dollarmath"}
    parser = create_md_parser(MdParserConfig(enable_extensions=extensions), RendererHTML)
    (fence,) = parser.parse(table._repr_markdown_())
    *_, cell = (token for token in parser.parse(fence.content) if token.type == "inline")
    assert {child.type for child in cell.children} == {"text"}
    assert "".join(child.content for child in cell.children) == " ".join(EVIL.split())


def test_curves_end_at_the_final_values_and_stay_in_their_frame(runs):
    run = next(run for run in runs if run.config.run_id.startswith("0195e287c1"))
    (first, second, third) = _lines(run_pages.weight_curves(run.record))
    low, high = run_pages.HEIGHT - run_pages.BOTTOM, run_pages.TOP
    share = run.record.final["nonzeros"]["conv1"] / run.record.final["weights"]["conv1"]
    assert first[-1][0] == run_pages.WIDTH - run_pages.RIGHT
    # three decades, from 0.1 to 100 %
    assert first[-1][1] == pytest.approx(high - math.log10(share) * (low - high) / 3, abs=0.06)
    for x, y in [*first, *second, *third]:
        assert run_pages.LEFT <= x <= run_pages.WIDTH - run_pages.RIGHT
        assert high <= y <= low
    (train, test) = _lines(run_pages.accuracy_curves(run.record))
    assert len(train) == len(test) == len(run.record.history["epoch"])
    assert test[-1][1] == pytest.approx(low - run.record.accuracy * (low - high), abs=0.06)


def test_a_layer_without_weights_leaves_a_gap(runs):
    record = next(run.record for run in runs if run.record.history)
    counts = [50, 0, 5, 5]
    history = {"epoch": [1, 2, 3, 4], "nonzeros": {"conv1": counts}}
    gap = dataclasses.replace(record, history=history, final={"weights": {"conv1": 100}})
    assert [len(line) for line in _lines(run_pages.weight_curves(gap))] == [2, 2]
    history = {"epoch": [1, 2], "nonzeros": {"conv1": [0, 0]}}
    empty = dataclasses.replace(gap, history=history)
    assert _lines(run_pages.weight_curves(empty)) == []


def _lines(svg):
    found = re.findall(r'points="([^"]*)"', svg)
    return [[tuple(map(float, point.split(","))) for point in line.split()] for line in found]
