"""What the text of a page states is what its cells hold, and pages take their parameters alone."""

import json
import re
from pathlib import Path

import pytest

from lcs.analysis import pages
from lcs.errors import ConfigError, LcsError
from lcs.exhibits import book

BOOK = Path(__file__).parents[1] / "book"
NOTEBOOKS = [path for path in sorted(BOOK.glob("*.ipynb")) if "start(" in path.read_text()]
MOST_LINES, MOST_WORDS = 240, 1500


def sources(path, kind):
    cells = json.loads(path.read_text())["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == kind]


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def notebook(request):
    return request.param


def held(path):
    return re.findall(r"\bholds\(\s*\"([\w-]+)\"", "\n".join(sources(path, "code")))


def test_sentences_are_held_by_cells_and_every_statement_has_a_sentence(notebook):
    text = "\n".join(sources(notebook, "markdown"))
    stated = {*re.findall(r"^ *% holds: ([\w-]+)$", text, re.MULTILINE)}
    own, every = held(notebook), {name for path in NOTEBOOKS for name in held(path)}
    assert {*own} <= stated <= every, "a sentence may rest on another page's cell"
    assert len(own) == len({*own})


def test_a_page_can_be_read_and_its_code_too(notebook):
    cells = json.loads(notebook.read_text())["cells"]
    shown = [cell for cell in cells if "remove-cell" not in cell["metadata"].get("tags", [])]
    code = "\n".join("".join(cell["source"]) for cell in shown if cell["cell_type"] == "code")
    words = re.sub(r"^ *%.*$", "", "\n".join(sources(notebook, "markdown")), flags=re.M).split()
    assert len(code.splitlines()) <= MOST_LINES
    assert len(words) <= MOST_WORDS


def test_readme_opens_with_the_first_page():
    text, svg = book.first_screen()
    assert f"{book.START}\n{text}\n{book.END}" in (book.ROOT / "README.md").read_text()
    assert (BOOK / "_static" / "ladder.svg").read_text() == svg
    assert not re.search(r"glue|numref|cite|^ *%", text, re.MULTILINE)
    assert len(text.split()) <= 500


def page(tmp_path, monkeypatch, defaults="scale = 'desk'\nseeds = 0\nlr = 0.1"):
    cell = {"cell_type": "code", "metadata": {"tags": ["parameters"]}, "source": [defaults]}
    (tmp_path / "page.ipynb").write_text(json.dumps({"cells": [cell]}))
    monkeypatch.setattr(pages, "BOOK", tmp_path)


def test_parameters_become_what_load_runs_takes(tmp_path, monkeypatch):
    page(tmp_path, monkeypatch)
    found = pages.start("page", {"scale": "smoke", "seeds": 0, "lr": 1, "_": 3, "PI": 3.1})
    assert found == {"scale": "smoke", "changes": {"lr": 1}, "train": True}
    for given, advice in (({"sedes": 3}, "did you mean seeds"), ({"seeds": "3"}, "must be int")):
        with pytest.raises(ConfigError, match=advice):
            pages.start("page", {"scale": "desk", "seeds": 0, "lr": 0.1} | given)


def test_a_false_statement_stops_the_book_and_is_listed_by_a_rerun(tmp_path, monkeypatch, capsys):
    page(tmp_path, monkeypatch)
    pages.start("page", {"scale": "desk", "seeds": 0, "lr": 0.1})
    pages.holds("it-is-so", True)
    with pytest.raises(LcsError, match="it-is-not-so"):
        pages.holds("it-is-not-so", False)
    pages.start("page", {"scale": "desk", "seeds": 1, "lr": 0.1})
    pages.holds("it-is-not-so", False)
    pages.not_held()
    assert "Markdown" in capsys.readouterr().out
