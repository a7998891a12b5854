"""The pages of the library: their examples run as printed."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# what --strict adds to the configuration, for the example alone
STRICT = (
    "disallow-any-generics, disallow-incomplete-defs, disallow-subclassing-any, extra-checks, "
    "disallow-untyped-calls, disallow-untyped-decorators, strict-equality, warn-return-any"
)
PAGES = sorted((ROOT / "book" / "api").glob("*.md"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_an_example_runs_as_printed(page, finished, monkeypatch, capsys):
    monkeypatch.setattr("lcs.runs.store.BOOK_RUNS", finished)  # few records are quick to read
    (example,) = re.findall(r"^```python\n(.+?)^```", page.read_text(), re.M | re.S)
    exec(compile(example, page.name, "exec"), {})
    assert capsys.readouterr().out


def test_the_example_of_readme_runs_as_printed():
    text = (ROOT / "README.md").read_text()
    (example,) = re.findall(r"^```python\n(.+?)^```", text, re.M | re.S)
    names = {}
    exec(compile(example, "README.md", "exec"), names)
    assert [group["l1"] for group in names["optimizer"].param_groups] == [2e-5, 0.0]


def test_the_examples_pass_mypy_strict(tmp_path, monkeypatch):
    mypy = pytest.importorskip("mypy.api", reason="mypy is not installed")
    for page in (*PAGES, ROOT / "README.md"):
        (example,) = re.findall(r"^```python\n(.+?)^```", page.read_text(), re.M | re.S)
        (tmp_path / f"{page.stem}_example.py").write_text(f"# mypy: {STRICT}\n{example}")
    monkeypatch.chdir(ROOT)  # of the configuration and of the cache, which saves minutes
    said, errors, status = mypy.run([*map(str, tmp_path.iterdir())])
    assert (status, errors) == (0, ""), said


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_documents_its_module(page):
    assert f".. automodule:: lcs.{page.stem}\n" in page.read_text()
