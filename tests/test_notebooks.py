"""Every notebook as it is committed, executed afresh at smoke scale, and on its rendered page.

That the committed outputs are what the code now gives is nbval's part of `make test`.
"""

import ast
import dataclasses
import functools
import itertools
import json
import re
import subprocess
import sysconfig
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import matplotlib.pyplot as plt
import nbformat
import papermill
import pytest
import yaml

from lcs.errors import ConfigError, LcsError
from lcs.exhibits import book
from lcs.runs import BOOK_RUNS, RunStore
from lcs.study import Study
from lcs.train import train

CHAPTERS = book.chapters()
GIVEN = [chapter for chapter in CHAPTERS if book.parameters(chapter)]
# where the code is what the page teaches: it is seen
TAUGHT = ("from_scratch", "lab", "explore")
# what makes a chapter train all of its runs, and none for long
SMOKE = {"scale": "smoke", "epochs": 2, "train": True}
SCALED = [chapter for chapter in GIVEN if "scale" in book.parameters(chapter)]


def _read(chapter):
    return nbformat.read(book.ROOT / "book" / f"{chapter}.ipynb", as_version=4)


def _code(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def _pages():
    toc = yaml.safe_load((book.ROOT / "_toc.yml").read_text())
    return [toc["root"]] + [c["file"] for part in toc["parts"] for c in part["chapters"]]


# As committed


def test_every_notebook_is_a_chapter():
    assert {path.stem for path in (book.ROOT / "book").glob("*.ipynb")} == {*CHAPTERS}


TRACES = re.compile(
    r"/home/|/root/|/tmp/|/Users/|/work/|(?<![A-Z])[A-Z]:\\\\|site-packages"
    r"|ipykernel_\d|0x[0-9a-f]{8}"
)


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_notebook_was_executed_in_order_and_holds_nothing_of_the_machine_or_the_hour(chapter):
    notebook = _read(chapter)
    cells = _code(notebook)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell.outputs]
    assert not [o for o in outputs if o.output_type == "error" or o.get("name") == "stderr"]
    assert not TRACES.findall(json.dumps(notebook))
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    assert "version" not in notebook.metadata.language_info
    for cell in notebook.cells:
        assert not {"papermill", "execution"} & set(cell.metadata)


def test_every_number_of_the_prose_is_made():
    cells = [cell for chapter in CHAPTERS for cell in _read(chapter).cells]
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    made = {o.get("metadata", {}).get("scrapbook", {}).get("name") for o in outputs}
    text = "".join(cell.source for cell in cells if cell.cell_type == "markdown")
    assert made >= set(re.findall(r"\{glue:text\}`([\w-]+)", text))


@pytest.mark.parametrize("chapter", GIVEN)
def test_parameters_are_few_commented_literals(chapter):
    cells = _code(_read(chapter))
    (cell,) = (c for c in cells if "parameters" in c.metadata.get("tags", []))
    parameters = book.parameters(chapter)
    assert 0 < len(parameters) <= 10
    assert len(parameters) == len(ast.parse(cell.source).body), "nothing but assignments"
    assert all(value is not None for value in parameters.values()), "None says no type"
    for line in cell.source.splitlines():
        assert re.fullmatch(r"\w+ = .+  # \S.*", line), f"no comment: {line}"
    # what `papermill --help-notebook` shows; it stumbles over a comment with an equals sign
    path = str(book.ROOT / "book" / f"{chapter}.ipynb")
    assert list(papermill.inspect_notebook(path)) == list(parameters)


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_code_is_seen_only_where_it_teaches(chapter):
    for cell in _code(_read(chapter)):
        tags = set(cell.metadata.get("tags", []))
        shown = [o for o in cell.outputs if "scrapbook" not in o.get("metadata", {})]
        if "parameters" in tags:
            assert tags == {"parameters", "hide-input"}, "a reader can look at what can be changed"
        elif re.search(r"^(import|from) ", cell.source, re.M) and not shown:
            assert chapter in TAUGHT or tags & {"remove-cell", "hide-cell"}, "set-up"
        elif chapter not in TAUGHT and shown:
            assert tags & {"hide-input", "hide-cell", "remove-cell"}, f"draws: {cell.source}"
        assert "remove-input" not in tags, "the way of every number can be seen"
        if "remove-cell" in tags:
            computed = re.search(
                r"^(?!from|import)[^#]*\b(load_runs|holds|glue|table|def)\b *[(\w]",
                cell.source,
                re.M,
            )
            assert not computed, f"set-up alone is hidden: {computed}"


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "book/reproduce.md", *CHAPTERS])
def test_commands_run_as_printed_from_the_root(name):
    cells = _read(name).cells if name in CHAPTERS else []
    text = "".join(cell.source for cell in cells if cell.cell_type == "markdown")
    text = text or (book.ROOT / name).read_text()
    assert not re.findall(r"(?:^|`|&& )(?:lcs|python) [a-z].*", text, re.MULTILINE)


# Executed afresh


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """A store, empty at first, which the notebooks take instead of the committed one."""
    folder = tmp_path_factory.mktemp("store") / "runs"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LCS_STORE", str(folder))
        patch.setenv("TQDM_DISABLE", "1")
        yield folder


def _run(chapter, **changes):
    """Run a chapter's cells in this process, which starts no kernel, and draw its figures."""
    namespace = {}
    for cell in _code(_read(chapter)):
        exec(compile(cell.source, chapter, "exec"), namespace)
        if "parameters" in cell.metadata.get("tags", []):
            namespace |= {name: value for name, value in changes.items() if name in namespace}
    for number in plt.get_fignums():
        plt.figure(number).canvas.draw()
    plt.close("all")


# runs that differ in nothing else have as many weights, and the same measures
NUMBERS = (
    *("seed", "epochs", "train_share", "batch_size", "lr", "momentum", "weight_decay", "l1"),
    *("l1_rest", "beta", "l1_growth", "schedule", "period", "loss", "precision", "augment"),
    *("crop_padding", "crop_fill", "normalize", "images", "labels", "permute_pixels"),
)


@pytest.fixture(scope="module")
def _few_trained():
    """Let runs that differ in `NUMBERS` alone have one result, but for the accuracy."""
    trained, places = {}, itertools.count()

    def lasting(history, epochs):
        if isinstance(history, dict):
            return {name: lasting(values, epochs) for name, values in history.items()}
        return [history[0]] * (epochs - 1) + history[-1:]

    def train_all(self, scale, seeds=None, *, store, device="auto", **changes):
        configs = self.configs(scale, seeds, **{"epochs": 2} | changes)
        sources = {config.source for config in configs}
        for config in sorted(configs, key=lambda config: config.source is not None):
            if store.find(config):
                continue
            values = dataclasses.asdict(config)
            key = bool(config.beta), *(v for name, v in values.items() if name not in NUMBERS)
            if key not in trained or config.as_source in sources:
                trained[key] = train(config, store=store, device="cpu")
                continue
            like, name = trained[key], config.accuracy_name
            accuracy = (like.accuracy + next(places) / 1000) % 1
            history = lasting(like.history, config.epochs)
            own = {"epoch": [*range(1, config.epochs + 1)], name: [*history[name][:-1], accuracy]}
            store.write(
                config,
                history=history | own,
                final=like.final | {"epoch": config.epochs, name: accuracy},
                provenance=like.provenance,
                filters=like.load_filters() if like.has_filters else None,
            )
        return [record for config in configs if (record := store.find(config))]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Study, "train", train_all)
        yield


@pytest.mark.usefixtures("_few_trained", "store")
@pytest.mark.filterwarnings("ignore:An input array is constant")  # of equal filters
@pytest.mark.parametrize("chapter", SCALED)
def test_smoke_copy_runs_from_nothing(chapter):
    _run(chapter, **SMOKE)


def test_a_page_without_runs_says_what_to_give(store):
    with pytest.raises(LcsError, match="train=True"):
        _run("sample_size", epochs=17)


@pytest.mark.parametrize("chapter", SCALED)
def test_chapter_itself_refuses_a_wrong_value(chapter, store):
    with pytest.raises(ConfigError, match="scale"):
        _run(chapter, scale="huge")


def test_plain_papermill_runs_a_chapter(tmp_path, monkeypatch):
    """The command that the book gives, from the project's root; it trains."""
    monkeypatch.setenv("LCS_STORE", str(tmp_path / "runs"))
    output, given = tmp_path / "out.ipynb", ["-p", "scale", "smoke", "-p", "epochs", "1"]
    script = Path(sysconfig.get_path("scripts")) / "papermill"
    command = [script, "book/sound.ipynb", output, *given, "--no-progress-bar"]
    finished = subprocess.run(command, cwd=book.ROOT, capture_output=True, text=True)
    assert finished.returncode == 0, finished.stderr
    assert output.exists()
    assert list((tmp_path / "runs").rglob("*.json"))


# On the page


class _Links(HTMLParser):
    """Collects what a page refers to, and what within it can be referred to."""

    def __init__(self, page):
        super().__init__()
        self.page, self.images, self.links, self.places = page, [], [], set()
        self.feed(page.read_text())

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.places.add(attributes.get("id"))
        if tag == "img":
            self.images.append(attributes["src"])
        elif tag == "a" and attributes.get("href"):
            self.links.append(attributes["href"])

    def lost(self):
        """Addresses within the book that lead nowhere."""
        for address in {*self.images, *self.links}:
            parts = urlsplit(address)
            path = self.page.parent / unquote(parts.path) if parts.path else self.page
            if parts.scheme:
                continue
            fragment = unquote(parts.fragment) if path.suffix == ".html" else ""
            if not path.exists() or (fragment and fragment not in _links(path.resolve()).places):
                yield address


_links = functools.cache(_Links)


@pytest.mark.parametrize("name", _pages())
def test_page_is_there_and_all_it_refers_to(name, built):
    assert not [*_links((built / f"{name}.html").resolve()).lost()]


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_page_shows_every_figure_of_its_notebook_and_links_the_pages_of_runs(chapter, built):
    """Where the notebook has a link to the JSON file."""
    outputs = [output for cell in _code(_read(chapter)) for output in cell.outputs]
    figures = [o for o in outputs if {"image/png", "image/svg+xml"} & set(o.get("data", {}))]
    page = _links((built / "book" / f"{chapter}.html").resolve())
    assert len([image for image in page.images if "_images/" in image]) >= len(figures)
    linked = re.findall(r"\(runs/([\w./-]+)\.json\)", json.dumps(_read(chapter)))
    assert {f"runs/{place}.html" for place in linked} <= set(page.links)
    assert not [link for link in page.links if link.endswith(".json")]


def test_every_record_has_its_row_and_its_page(built):
    places = {r.path.relative_to(BOOK_RUNS).with_suffix("") for r in RunStore(BOOK_RUNS).records()}
    rows = re.findall(r'<tr id="(.+?)"', (built / "book/records.html").read_text())
    assert sorted(map(Path, rows)) == sorted(places)
    pages = [built / "book" / "runs" / f"{place}.html" for place in sorted(places, reverse=True)]
    assert all(page.exists() for page in pages)
    for page in pages[::40]:  # all from one template; the toy's is the first
        assert not [*_Links(page.resolve()).lost()]
