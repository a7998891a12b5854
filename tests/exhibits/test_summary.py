"""What README and the first page open with is what the records give."""

import re

import numpy as np
import pytest
from helpers.made_up_records import study
from PIL import Image

from lcs.exhibits import summary
from lcs.exhibits.shared import gap, published
from lcs.exhibits.shared.compare import by_method
from lcs.exhibits.shared.methods import B50, LOCAL, SGD, method
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


def test_no_link_is_broken_by_a_line(sections):
    for said in sections.values():
        assert not re.search(r"\]\([^)\s]*\s", said)


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


def test_the_figure_of_the_gap_has_a_line_for_each_size_that_has_one():
    def accuracy(config):
        return 50.0 + config.seed + {LOCAL: 10.0, B50: 4.0}.get(method(config), 0.0)

    wide = [run for run in study("scaling-own", accuracy) if run.config.base_channels == 8]
    no_gap = study("flips", lambda c: 50.0 + c.seed)
    alone = [run for run in study("flips", accuracy) if run.config.seed == 0]
    groups = by_method(wide)
    others = {"another": (groups, groups[B50]), "pending": ({SGD: [], LOCAL: []}, [])}
    settings = {"one": wide, "none": no_gap, "first seed": alone}
    (axes,) = summary.gaps_figure(settings, others, 5).axes
    lines = [tick.get_text() for tick in axes.get_yticklabels()]
    assert lines[:4] == ["one", "α = 8, 200 epochs", "first seed", "α = 8, 200 epochs"]
    assert lines[-2:] == ["another", "pending"]
    dots, bar, mean = axes.lines[:3]
    share, *ends = gap.gap_closed(by_method(wide))
    gained, gaps = gap.gains_and_gaps(by_method(wide))
    assert dots.get_xdata() == pytest.approx(100 * np.divide(gained, gaps))
    assert [*mean.get_xdata(), *bar.get_xdata()] == pytest.approx([share, *ends])
    said = [text.get_text() for text in axes.texts]
    assert gap.gap_text(by_method(wide)) in said
    assert f"{published.gap_closed():.0f}" in said
    hollow = [line for line in axes.lines if line.get_mfc() == "none"]
    assert [len(line.get_xdata()) for line in hollow] == [1, 1], "a single run, and the paper"
