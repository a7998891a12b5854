"""The pages of the library: their examples run as printed."""

import re
from pathlib import Path

import pytest

PAGES = sorted((Path(__file__).parents[1] / "book" / "api").glob("*.md"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_an_example_runs_as_printed(page, finished, monkeypatch, capsys):
    monkeypatch.setattr("lcs.runs.store.BOOK_RUNS", finished)  # few records are quick to read
    (example,) = re.findall(r"^```python\n(.+?)^```", page.read_text(), re.M | re.S)
    exec(compile(example, page.name, "exec"), {})
    assert capsys.readouterr().out


def test_the_example_of_readme_runs_as_printed():
    text = (Path(__file__).parents[1] / "README.md").read_text()
    (example,) = re.findall(r"^```python\n(.+?)^```", text, re.M | re.S)
    names = {}
    exec(compile(example, "README.md", "exec"), names)
    assert [group["l1"] for group in names["optimizer"].param_groups] == [2e-5, 0.0]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_documents_its_module(page):
    assert f".. automodule:: lcs.{page.stem}\n" in page.read_text()
