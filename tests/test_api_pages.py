"""The pages of the library: their examples run as printed."""

import re
from pathlib import Path

import pytest

PAGES = sorted((Path(__file__).parents[1] / "book" / "api").glob("*.md"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_an_example_runs_as_printed(page, finished, monkeypatch, capsys):
    monkeypatch.setattr("lcs.runs.store.PUBLISHED", finished)  # few records are quick to read
    (example,) = re.findall(r"^```python\n(.+?)^```", page.read_text(), re.M | re.S)
    exec(compile(example, page.name, "exec"), {})
    assert capsys.readouterr().out


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_documents_its_module(page):
    assert f".. automodule:: lcs.{page.stem}\n" in page.read_text()
