"""What README and the first page open with is what the records give."""

import re

import pytest
from PIL import Image

from lcs.exhibits import summary
from lcs.runs import BOOK_RUNS, RunStore

STORE = RunStore(BOOK_RUNS)


@pytest.fixture(scope="module")
def known():
    """What README and the first page have from the records."""
    return summary.sections(STORE)


@pytest.fixture
def sections(known, monkeypatch):
    own = dict(known)
    monkeypatch.setattr(summary, "sections", lambda _: own)
    return own


def is_current():
    """Whether pages and pictures are those that the records give."""
    for page, said in summary.sections(STORE).items():
        if summary.updated(text := page.read_text(), said) != text:
            return False
    stamps = set()
    for name in summary.SHARES:
        with Image.open(summary.PICTURES / f"{name}.png") as image:
            stamps.add(image.info.get("Comment"))
    return stamps == {summary.stamp(STORE)}


def test_readme_and_the_first_page_are_current(sections):
    assert is_current()


def test_no_line_of_the_summary_is_a_comment_or_too_long(sections):
    for said in sections.values():
        lines = said.splitlines()
        assert not any(line.lstrip().startswith("%") for line in lines)
        assert max(len(line) for line in lines if not line.startswith(("<img", "| ", ":::"))) <= 100


def test_each_question_is_a_row_of_three_cells(sections):
    questions = summary.TEXTS.read_text().count("\n## ")
    for said in sections.values():
        rows = [line.count("|") - 1 for line in said.splitlines() if line.startswith("|")]
        assert rows == [3] * (2 + questions)


def test_every_value_is_named_in_the_texts():
    named = set(re.findall(r"\{(\w+)", summary.TEXTS.read_text()))
    assert named == summary.numbers(STORE).keys()


def test_readme_has_no_markup_of_the_book_and_its_links_lead_into_the_book(sections):
    said = sections[summary.README]
    assert not re.search(r"\{[.a-z]|:::", said)
    linked = re.findall(r"\]\(([^)#]+)", said)
    assert linked
    assert all((summary.README.parent / place).is_file() for place in linked)


@pytest.mark.parametrize("page", ["README", "INTRO"])
def test_an_edited_page_is_noticed_and_mended(page, sections, tmp_path):
    path = getattr(summary, page)
    original, edited = path.read_text(), tmp_path / "page.md"
    sections[edited] = sections.pop(path)
    start = original.index("<!-- summary:")
    edited.write_text(original[:start] + original[start:].replace("5", "7", 1))
    assert not is_current()
    summary.write(STORE)
    assert edited.read_text() == original
