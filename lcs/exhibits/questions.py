"""The page Questions: what the forum, the reproduction and the reviewers asked, and the answers.

`questions.md` has the questions, in our words, by who asked: how well each is answered, and an
answer. In braces is the text of a claim, in whose place stand its values and verdicts as the page
Claims has them. A sentence that depends on results is held by the check of a page where it is said
too: `% holds: check`.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from lcs.exhibits import claims, tables
from lcs.exhibits.verdicts import CORRECTED, UNDECIDED, marked
from lcs.runs import RunStore

TEXTS = Path(__file__).with_name("questions.md")
ANSWERED, IN_PART, NOT_STUDIED = STATUSES = ("answered", "in part", "not studied here yet")

# in more of them, values of a claim are left to the page Claims
MANY_SETTINGS = 3
# the text of a claim within an answer
CLAIM = re.compile("{(.+?)}")
# from the text of a claim to its rows on the page Claims, each by column
Verdicts = Mapping[str, Sequence[Mapping[str, str]]]


class Question(NamedTuple):
    """A question, how well it is declared to be answered, and an answer with texts of claims."""

    text: str
    status: str
    answer: str

    @property
    def claims(self) -> list[str]:
        """Texts of the claims that the answer rests on."""
        return CLAIM.findall(self.answer)


@dataclass(frozen=True)
class Answers:
    """Questions with their answers; in a notebook, the last expression of a cell shows them."""

    entries: Sequence[tuple[str, str, str]]  # question, status, answer

    def _repr_markdown_(self) -> str:
        shown = []
        for question, status, answer in self.entries:
            said = "Answered in part." if status == IN_PART else f"{status.capitalize()}."
            mark = tables.pending(said) if status == NOT_STUDIED else f"*{said}*"
            shown.append(f"{question}\n: {mark} {answer}")
        return "\n\n".join(shown)


def asked() -> dict[str, list[Question]]:
    """Return the questions by who asked them: The forum, The reproduction, Reviewer 1, …"""
    found: dict[str, list[Question]] = {}
    texts = tables.uncommented(TEXTS.read_text())
    for source, text in tables.by_heading("# ", texts).items():
        found[source] = []
        for question, said in tables.by_heading("## ", text).items():
            status, answer = said.split("\n\n")
            found[source].append(Question(question, status, " ".join(answer.splitlines())))
    return found


def verdicts(store: RunStore) -> Verdicts:
    """Return what the page Claims says of every claim."""
    table = claims.table(claims.judge_all(store))
    found: dict[str, list[dict[str, str]]] = {}
    for row in table.rows:
        found.setdefault(row[0], []).append(dict(zip(table.columns, row, strict=True)))
    return found


def status(question: Question, known: Verdicts) -> str:
    """Return how well a question is answered.

    What rests on a claim that is pending or undecided is not answered, whatever it declares, and
    what rests on pending ones alone is not studied yet.
    """
    said = [row["verdict"] for text in question.claims for row in known[text]]
    if said and all(".pending" in verdict for verdict in said):
        return NOT_STUDIED
    open_ = any(verdict == marked(UNDECIDED) or ".pending" in verdict for verdict in said)
    return IN_PART if question.status == ANSWERED and open_ else question.status


def answers(known: Verdicts, source: str) -> Answers:
    """Return the questions of a source, with their answers."""

    def text(question: Question) -> str:
        return CLAIM.sub(lambda claim: _said(known[claim[1]]), question.answer)

    return Answers([(one.text, status(one, known), text(one)) for one in asked()[source]])


def numbers(known: Verdicts) -> dict[str, float]:
    """Return how many questions there are, and how many are answered, fully and in part."""
    every = [status(one, known) for questions in asked().values() for one in questions]
    named = {f"questions-{name.split()[0]}": float(every.count(name)) for name in STATUSES[:2]}
    return {"questions": float(len(every)), **named}


def _said(rows: Sequence[Mapping[str, str]]) -> str:
    """Say what came of a claim: each value and whether it is significant.

    In many settings, only where it has which verdict.
    """
    found: dict[str, list[str]] = {}
    for row in rows:
        found.setdefault(row["verdict"], []).append(row["setting"])
    if len(rows) > MANY_SETTINGS:
        return "; ".join(f"{verdict} in {', '.join(where)}" for verdict, where in found.items())

    def value(row: Mapping[str, str]) -> str:
        said = row["verdict"]
        if ".pending" in said:
            return said
        weak = ", not significant" * (said == marked(UNDECIDED) or CORRECTED in said)
        weak += " after correction" * (CORRECTED in said)
        return f"{row['ours']} ({row['setting']}, n = {row['n']}{weak})"

    return " and ".join(map(value, rows))
