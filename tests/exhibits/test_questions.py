"""The page Questions: what it links and names exists, and nothing is answered without a verdict."""

import re

import nbformat
import pytest
from checks import PAGES
from myst_parser.mdit_to_docutils.base import default_slugify

from lcs.exhibits import book, claims, questions
from lcs.exhibits.claims import Judged
from lcs.exhibits.questions import ANSWERED, IN_PART, NOT_STUDIED, STATUSES, Question
from lcs.exhibits.shared.verdicts import CORRECTED, UNDECIDED, Claim, Evidence, Finding, marked
from lcs.runs import BOOK_RUNS, RunStore


def judged(*said: str) -> Judged:
    """A claim with a verdict of each setting; without one it is pending."""
    evidence = [
        Evidence(Finding("+1.0 points"), 3, f"setting {i}", verdict=one, chapter="toy")
        for i, one in enumerate(said)
    ]
    return Judged(Claim("P", judge=lambda _: None), evidence, "toy")


ONE = Question("Is it so?", ANSWERED, "It is {a claim}.")
QUESTIONS = [one for every in questions.asked().values() for one in every]


@pytest.fixture(scope="module")
def known():
    return questions.verdicts(RunStore(BOOK_RUNS))


def sections(page):
    """The anchors of a page."""
    text = PAGES[page].read_text()
    if PAGES[page].suffix == ".ipynb":
        cells = nbformat.reads(text, as_version=4).cells
        text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    headings = [line.lstrip("# ") for line in text.splitlines() if line.startswith("#")]
    return {default_slugify(heading) for heading in headings}


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda one: one.text)
def test_what_a_question_names_exists(question):
    assert question.status in STATUSES
    assert set(question.claims) <= {claim.text for _, claim in claims.claims()}
    places = re.findall(r"\]\((\w+)\.ipynb(?:#([^)]+))?\)", question.answer)
    assert bool(places) == (question.status != NOT_STUDIED)
    for page, section in places:
        assert page in book.chapters()
        assert not section or section in sections(page)


def test_every_source_asks_and_every_question_is_asked_once():
    assert all(questions.asked().values())
    asked = re.findall("^## (.+)$", questions.TEXTS.read_text(), re.MULTILINE)
    assert len(set(asked)) == len(asked) == len(QUESTIONS)
    cells = nbformat.read(PAGES["questions"], as_version=4).cells
    shown = re.findall(r'answers\(known, "(.+)"\)', "\n".join(cell.source for cell in cells))
    assert shown == [*questions.asked()]


def test_with_the_records_of_the_book_every_question_is_as_it_is_declared(known):
    for one in QUESTIONS:
        found = [known[text].evidence for text in one.claims]
        pending = bool(found) and not any(found)
        assert questions.status(one, known) == (NOT_STUDIED if pending else one.status)


def test_without_records_no_question_about_runs_is_answered(tmp_path):
    known = questions.verdicts(RunStore(tmp_path))
    about_runs = [one for one in QUESTIONS if one.claims]
    said = {one.text: questions.status(one, known) for one in about_runs}
    assert ANSWERED not in said.values()
    assert ".pending" in questions.answers(known, "Reviewer 2")._repr_markdown_()


@pytest.mark.parametrize(
    ("verdicts", "status"),
    [
        (["holds", "holds"], ANSWERED),
        (["holds", f"contradicted{CORRECTED}"], ANSWERED),
        (["holds", UNDECIDED], IN_PART),
        ([], NOT_STUDIED),
    ],
)
def test_answered_is_refused_without_a_verdict(verdicts, status):
    assert questions.status(ONE, {"a claim": judged(*verdicts)}) == status


def test_an_answer_is_in_part_where_one_of_its_claims_is_pending():
    two = ONE._replace(answer="It is {a claim}, and {another}.")
    known = {"a claim": judged("holds"), "another": judged()}
    assert questions.status(two, known) == IN_PART


def test_an_answer_has_the_values_of_its_claims(monkeypatch, tmp_path):
    monkeypatch.setattr(questions, "TEXTS", tmp_path / "questions.md")
    questions.TEXTS.write_text(
        "# A reader\n\n## Is it so?\n\nanswered\n\n% holds: it-is\nIt is {a\nclaim} and {b}.\n\n"
        "## When?\n\nnot studied here yet\n\nLater.\n"
    )
    known = {"a claim": judged("holds", UNDECIDED, f"holds{CORRECTED}"), "b": judged()}
    shown = questions.answers(known, "A reader")._repr_markdown_()
    values = [
        f"+1.0 points ([setting {i}](toy.ipynb), n = 3{reservation})"
        for i, reservation in enumerate(
            ["", ", not significant", ", not significant after correction"]
        )
    ]
    assert f"*Answered in part.* It is {' and '.join(values)} and [pending]{{.pending}}." in shown
    assert "When?\n: [Not studied here yet.]{.pending} Later." in shown
    expected = {"questions": 2.0, "questions-answered": 0.0, "questions-in": 1.0}
    assert questions.numbers(known) == expected


def test_in_many_settings_an_answer_has_only_the_verdicts():
    said = questions._said(judged("holds", "holds", "contradicted", "holds"))
    first, second, third, fourth = (f"[setting {i}](toy.ipynb)" for i in range(4))
    assert said == (
        f"{marked('holds')} in {first}, {second}, {fourth}; {marked('contradicted')} in {third}"
    )
