"""The page Questions: what the forum, the reproduction and the reviewers asked, and the answers.

`questions.md` has the questions, in our words, by who asked: how well each is answered, and an
answer. In braces is the text of a claim, in whose place stand its values and verdicts as the page
Claims has them. A sentence that depends on results is held by the check of a page where it is said
too: `% holds: check`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from lcs.exhibits import claims
from lcs.exhibits.claims import Judged
from lcs.exhibits.shared import tables
from lcs.exhibits.shared.settings import VARIED
from lcs.exhibits.shared.verdicts import CORRECTED, UNDECIDED, Evidence, marked
from lcs.runs import RunStore

if TYPE_CHECKING:
    from IPython.display import Markdown

TEXTS = Path(__file__).with_name("questions.md")
ANSWERED, IN_PART, NOT_STUDIED = STATUSES = ("answered", "in part", "not studied here yet")

# in more of them, values of a claim are left to the page Claims
MANY_SETTINGS = 3
# the text of a claim within an answer
CLAIM = re.compile("{(.+?)}")
# what came out, by the text of a claim
Known = Mapping[str, Judged]


class Question(NamedTuple):
    """A question, how well it is declared to be answered, and an answer with texts of claims."""

    text: str
    status: str
    answer: str

    @property
    def claims(self) -> list[str]:
        """Texts of the claims that the answer rests on."""
        return CLAIM.findall(self.answer)


def asked() -> dict[str, list[Question]]:
    """Return the questions by who asked them: The forum, The reproduction, Reviewer 1, …"""
    found: dict[str, list[Question]] = {}
    texts = tables.uncommented(TEXTS.read_text(encoding="utf-8"))
    for source, text in tables.by_heading("# ", texts).items():
        found[source] = []
        for question, said in tables.by_heading("## ", text).items():
            status, answer = said.split("\n\n")
            found[source].append(Question(question, status, " ".join(answer.splitlines())))
    return found


def verdicts(store: RunStore) -> Known:
    """Return what came out of every claim, by its text."""
    return {one.claim.text: one for one in claims.judge_all(store)}


def status(question: Question, known: Known) -> str:
    """Return how well a question is answered.

    What rests on a claim that is pending or undecided is not answered, whatever it declares, and
    what rests on pending ones alone is not studied yet.
    """
    found = [known[text].evidence for text in question.claims]
    if found and not any(found):
        return NOT_STUDIED
    undecided = any(each.verdict == UNDECIDED for evidence in found for each in evidence)
    is_open = undecided or not all(found)
    return IN_PART if question.status == ANSWERED and is_open else question.status


def answers(known: Known, source: str) -> Markdown:
    """Return the questions of a source with their answers, as a notebook shows them."""
    from IPython.display import Markdown

    shown = []
    for one in asked()[source]:
        how = status(one, known)
        said = "Answered in part." if how == IN_PART else f"{how.capitalize()}."
        mark = tables.pending(said) if how == NOT_STUDIED else f"*{said}*"
        answer = CLAIM.sub(lambda claim: _said(known[claim[1]]), one.answer)
        shown.append(f"{one.text}\n: {mark} {answer}")
    return Markdown("\n\n".join(shown))


def numbers(known: Known) -> dict[str, float]:
    """Return how many questions there are, and how many are answered, fully and in part."""
    every = [status(one, known) for questions in asked().values() for one in questions]
    named = {f"questions-{name.split()[0]}": float(every.count(name)) for name in STATUSES[:2]}
    return {"questions": float(len(every)), **named}


def _said(one: Judged) -> str:
    """Say what came of a claim: each value and whether it is significant.

    In many settings, only where it has which verdict.
    """
    if not one.evidence:
        return one.state
    if len(one.evidence) > MANY_SETTINGS:
        where: dict[str, list[str]] = {}
        for each in one.evidence:
            where.setdefault(marked(each.verdict), []).append(each.link)
        return "; ".join(f"{verdict} in {', '.join(links)}" for verdict, links in where.items())

    def value(each: Evidence) -> str:
        reservation = ""
        if each.verdict == UNDECIDED:
            reservation = ", not significant"
        elif CORRECTED in each.verdict:
            reservation = ", not significant after correction"
        link = each.link.replace(f"[{VARIED}, ", "[")  # the answer names the conditions
        return f"{each.finding.value} ({link}, n = {each.n}{reservation})"

    return " and ".join(map(value, one.evidence))
