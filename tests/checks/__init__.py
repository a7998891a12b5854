"""What the pages say of results, as predicates over the records of a store: a module per page.

Beside a sentence that depends on results stands the id of a check: a comment in a line of its own,
directly before the paragraph, `% holds: gap-not-closed`, in the book and in the texts from which
pages are made, `summary.md` and `questions.md`. A paragraph may have several, one per line;
paragraphs and pages that say the same share one. A list has them before its first item, for a
comment between two items ends a list. The predicate is in the module of the page that says most of
it; its id is its name, which no other check has:

    @check
    def gap_not_closed(store: RunStore) -> bool:
        '''At every width β = 50 closes less than half of the gap between SGD and S-LOCAL.'''
        shares = ...
        return max(shares) < 0.5

It recomputes the statement and returns whether it holds, of these records and of more: with
another seed, or at another width, it fails only if the statement is no longer true. Where a page
has no results yet it says so, and the predicate is written for those that it has.
"""

from __future__ import annotations

import functools
import importlib
import itertools
import json
import math
import pkgutil
import re
from collections.abc import Callable, Iterable
from fnmatch import fnmatchcase
from pathlib import Path

from lcs.exhibits import find_study
from lcs.exhibits.claims import Judged, judge_all
from lcs.exhibits.shared.compare import matches
from lcs.runs import Record, RunStore
from lcs.stats import Interval

Check = Callable[[RunStore], bool]

ROOT = Path(__file__).parents[2]
# from which README and the first page, and Questions, are made
TEXTS = {path.name: path for path in sorted((ROOT / "lcs/exhibits").glob("*.md"))}
PAGES = TEXTS | {
    path.stem: path
    for path in sorted((ROOT / "book").glob("*"))
    if path.suffix in (".md", ".ipynb") and "start(" not in path.read_text()
}
# of all pages, by their ids
CHECKS: dict[str, Check] = {}


def check(holds: Check) -> Check:
    """Register a predicate; its id is its name, with hyphens."""
    name = holds.__name__.replace("_", "-")
    assert name not in CHECKS, f"{name}: no two checks have one name"
    assert holds.__doc__, f"{name}: a check says in its docstring what is claimed"
    CHECKS[name] = holds
    return holds


@functools.cache
def judged(store: RunStore) -> list[Judged]:
    """Return all claims with their evidence: once for a store."""
    return judge_all(store)


def ids_on(page: Path) -> set[str]:
    """Return the ids of the checks that a page names."""
    text = page.read_text()
    if page.suffix == ".ipynb":
        cells = json.loads(text)["cells"]
        text = "\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "markdown")
    return set(re.findall(r"^ *% holds: ([\w-]+)$", text, re.MULTILINE))


@functools.cache
def held() -> frozenset[str]:
    """Return the statements that cells of pages hold to their runs."""
    code = [
        "".join(cell["source"])
        for path in sorted((ROOT / "book").glob("*.ipynb"))
        for cell in json.loads(path.read_text())["cells"]
        if cell["cell_type"] == "code"
    ]
    return frozenset(re.findall(r"\bholds\(\s*\"([\w-]+)\"", "\n".join(code)))


def verdicts(store: RunStore, pattern: str) -> list[dict[str, str]]:
    """Return the verdicts, by setting, on each claim whose text is as a pattern with asterisks."""
    found = [one for one in judged(store) if fnmatchcase(one.claim.text, pattern)]
    return [{each.label: each.verdict for each in one.evidence} for one in found]


def records(store: RunStore, *studies: str, **fields: object) -> list[Record]:
    """Return the records of some studies at their usual scale, of runs with these values."""
    found = [study.stored(study.usual_scale, store) for study in map(find_study, studies)]
    return only(itertools.chain(*found), **fields)


def only(runs: Iterable[Record], **fields: object) -> list[Record]:
    """Return those of some runs whose configuration has these values."""
    return [run for run in runs if matches(run.config, fields)]


def ahead(gain: Interval) -> bool:
    """Return whether the interval of a difference lies above zero."""
    return gain.half_width is not None and gain.mean > gain.half_width


def above(one: Interval, other: Interval) -> bool:
    """Return whether a mean lies above another of other filters, beyond the interval of both."""
    assert one.half_width is not None
    assert other.half_width is not None
    return one.mean - other.mean > math.hypot(one.half_width, other.half_width)


def behind(gain: Interval) -> bool:
    """Return whether the interval of a difference lies below zero."""
    return ahead(-gain)


def level(gain: Interval) -> bool:
    """Return whether the interval of a difference contains zero."""
    return gain.half_width is not None and abs(gain.mean) <= gain.half_width


# at the end, since the modules need what is above
for module in pkgutil.walk_packages(__path__, "checks."):
    importlib.import_module(module.name)
