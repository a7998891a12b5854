"""The page Questions: what it links and names exists, and nothing is answered without a verdict."""

import dataclasses
import importlib

import nbformat
import pytest
from checks import PAGES, ids_on
from myst_parser.mdit_to_docutils.base import default_slugify

from lcs.exhibits import book, claims, questions
from lcs.exhibits.questions.asked import (
    ANSWERED,
    IN_PART,
    NOT_STUDIED,
    QUESTIONS,
    SOURCES,
    STATUSES,
    Question,
)
from lcs.exhibits.verdicts import UNDECIDED, marked
from lcs.runs import PUBLISHED, RunStore

ROW = {"ours": "+1.0 points", "setting": "desk", "n": "3", "verdict": "holds"}
PENDING = ROW | {"verdict": "[pending]{.pending}"}
ONE = Question("F", "Is it so?", ANSWERED, "It is {0}.", "toy#start", claims=("a claim",))
# by question, checks of the words of its answer that depend on results
HOLDS = {
    "Does β-LASSO with β = 1 reach the solution of the LASSO almost always?": (
        "toy:agrees-at-eta-and-not-at-1",
    ),
    "Can sparse weights in dense layers be used for speed, also on a GPU?": (
        "engine:whole-run-gains-little",
    ),
    "Why does β = 50 do worse than β = 0 and β = 1 at α = 1?": (
        "why:it-is-not-the-number-of-weights-alone",
        "why:it-is-not-the-returns-alone",
    ),
    "Would more training help β = 50?": ("scaling:behind-after-1600-epochs",),
    "Why are the filters less local than in the paper?": (
        "figure4:augmentation-raises-locality",
        "figure4:stronger-lambda-or-cross-entropy",
    ),
    "Does it work on data other than images, such as text or audio?": (
        "sound:penalty-makes-filters-local-in-time",
        "sound:chosen-beta-50-is-hardly-local",
    ),
    "Is β-LASSO better than the plain LASSO?": ("scaling:own-lambda-of-proximal",),
    "Why can the LASSO not do the same?": ("scaling:threshold-at-the-same-lambda",),
    "How does it compare with other regularisers?": (
        "scaling:ahead-at-the-largest-width",
        "scaling:behind-sgd-up-to-width-4",
    ),
    "Does it hold in wider networks?": (
        "scaling:gain-below-a-point-too",
        "scaling:wider-with-flips-and-crops",
        "scaling:ahead-at-width-32",
        "paper_size:far-behind-local-at-the-papers-size",
    ),
    "Does it hold on harder data?": ("table2:cifar100-cannot-be-told-apart",),
    "Is locality due to the shift-invariance of natural images?": (
        "figure4:crops-make-weights-gather",
        "figure4:range-does-not-follow-the-shift",
        "origin:crops-make-filters-local",
        "permuted:filters-are-local-again",
    ),
    "Would other data give local filters?": ("origin:smooth-filters-gather-as-much",),
    "Are the two lengths of training a case of epoch-wise double descent?": (
        "double_descent:sgd-falls-and-does-not-recover",
        "double_descent:by-the-recipe-accuracy-does-not-fall",
        "double_descent:double-in-beta-lasso-at-width-4",
    ),
}


@pytest.fixture(scope="module")
def known():
    return questions.verdicts(RunStore(PUBLISHED))


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
    assert (question.status == NOT_STUDIED) != bool(question.place)
    assert set(question.claims) <= {claim.text for _, claim in claims.claims()}
    assert all(f"{{{place}}}" in question.answer for place in range(len(question.claims)))
    if question.place:
        page, _, section = question.place.partition("#")
        assert page in book.chapters()
        assert page in questions.PAGES
        assert section in sections(page)
    for check in HOLDS.get(question.text, ()):
        page, _, name = check.partition(":")
        assert name in importlib.import_module(f"checks.{page}").CHECKS
        assert name in ids_on(PAGES[page])


def test_every_source_asks_and_every_question_is_asked_once():
    assert {one.source for one in QUESTIONS} == set(SOURCES)
    assert {one.text for one in QUESTIONS} >= set(HOLDS)
    assert len({one.text for one in QUESTIONS}) == len(QUESTIONS)


def test_with_the_records_of_the_book_every_question_is_as_it_is_declared(known):
    for one in QUESTIONS:
        said = [row["verdict"] for text in one.claims for row in known[text]]
        pending = bool(said) and all(".pending" in verdict for verdict in said)
        assert questions.status(one, known) == (NOT_STUDIED if pending else one.status)


def test_without_records_no_question_about_runs_is_answered(tmp_path):
    known = questions.verdicts(RunStore(tmp_path))
    about_runs = [one for one in QUESTIONS if one.claims]
    said = {one.text: questions.status(one, known) for one in about_runs}
    assert ANSWERED not in said.values()
    assert ".pending" in questions.answers(known, "V2")._repr_markdown_()


@pytest.mark.parametrize(
    ("verdict", "status"),
    [
        (marked("holds"), ANSWERED),
        (marked("contradicted, but not after correction"), ANSWERED),
        (marked(UNDECIDED), IN_PART),
        ("[pending]{.pending}", IN_PART),
        ("[not studied yet]{.pending}", IN_PART),
    ],
)
def test_answered_is_refused_without_a_verdict(verdict, status):
    assert questions.status(ONE, {"a claim": [ROW, ROW | {"verdict": verdict}]}) == status


def test_an_answer_has_the_values_of_its_claims(monkeypatch):
    later = dataclasses.replace(ONE, text="When?", status=NOT_STUDIED, answer="Later.", place="")
    later = dataclasses.replace(later, claims=())
    monkeypatch.setattr(questions, "QUESTIONS", (ONE, later))
    shown = questions.answers({"a claim": [ROW, PENDING]}, "F")._repr_markdown_()
    assert "Is it so?\n: *In part.* It is +1.0 points (desk, n = 3: holds) and [pending]" in shown
    assert "(toy.ipynb#start)" in shown
    assert "When?\n: [Not studied here yet.]{.pending} Later." in shown
    assert set(questions.numbers({"a claim": [ROW]}).values()) == {2.0, 1.0, 0.0}
