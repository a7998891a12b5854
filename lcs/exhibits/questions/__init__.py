"""The page Questions: what the forum, the reproduction and the reviewers asked, and the answers.

`asked` has the questions, in our words. A number of an answer is that of a claim, as the page
Claims has it; a sentence that depends on results is held by a check of the page where it is said
too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lcs.exhibits import claims, tables
from lcs.exhibits.questions.asked import (
    ANSWERED,
    IN_PART,
    NOT_STUDIED,
    QUESTIONS,
    STATUSES,
    Question,
)
from lcs.exhibits.verdicts import UNDECIDED, marked
from lcs.runs import RunStore

# what the book calls its pages
PAGES = {
    "toy": "Toy LASSO",
    "table2": "Table 2",
    "figure3": "Figure 3",
    "figure4": "Figure 4",
    "convolution": "Are the filters a convolution?",
    "fewest_weights": "Fewest weights",
    "why": "Why",
    "double_descent": "Double descent",
    "scaling": "Scaling",
    "rivals": "Pruning and sparse training at equal budgets",
    "origin": "Where locality comes from",
    "transfer": "Transfer",
    "variants": "Variants",
    "sound": "Sound",
    "scaling_details": "Scaling, appendix",
    "engine": "The engine",
}

# from the text of a claim to its rows on the page Claims, each by column
Verdicts = Mapping[str, Sequence[Mapping[str, str]]]


@dataclass(frozen=True)
class Answers:
    """Questions with their answers; in a notebook, the last expression of a cell shows them."""

    entries: Sequence[tuple[str, str, str]]  # question, status, answer

    def _repr_markdown_(self) -> str:
        shown = []
        for question, status, answer in self.entries:
            said = status.capitalize() + "."
            mark = tables.pending(said) if status == NOT_STUDIED else f"*{said}*"
            shown.append(f"{question}\n: {mark} {answer}")
        return "\n\n".join(shown)


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
    """Return the questions of a source; "V" are those of all reviewers."""
    return Answers(
        [
            (one.text, status(one, known), _answer(one, known))
            for one in QUESTIONS
            if one.source.startswith(source)
        ]
    )


def numbers(known: Verdicts) -> dict[str, float]:
    """Return how many questions there are, and how many of each status."""
    found = Counter(status(one, known) for one in QUESTIONS)
    named = {f"questions-{name.split()[0]}": float(found[name]) for name in STATUSES}
    return {"questions": float(len(QUESTIONS)), **named}


def _answer(question: Question, known: Verdicts) -> str:
    said = question.answer
    # by hand: an answer may have other braces
    for place, text in enumerate(question.claims):
        said = said.replace(f"{{{place}}}", " and ".join(map(_said, known[text])))
    if not question.place:
        return said
    page, _, section = question.place.partition("#")
    return f"{said} ([{PAGES[page]}]({page}.ipynb#{section}))"


def _said(row: Mapping[str, str]) -> str:
    if ".pending" in row["verdict"]:
        return row["verdict"]
    return f"{row['ours']} ({row['setting']}, n = {row['n']}: {row['verdict']})"
