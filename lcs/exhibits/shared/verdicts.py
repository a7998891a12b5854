"""Claims of pages that are not on `lcs.analysis` yet: their judges take records."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from lcs.analysis import claims
from lcs.analysis.claims import (  # noqa: F401
    BENCHMARK,
    CONTRADICTED,
    CORRECTED,
    HOLDS,
    JUDGED_AT,
    MARGIN,
    SOURCES,
    UNDECIDED,
    UNMEASURED,
    Evidence,
    Finding,
    Sign,
    as_finding,
    holds_if,
    judged,
    marked,
    one_more,
    sign,
    verdict,
)
from lcs.config import Config
from lcs.exhibits.shared import compare
from lcs.exhibits.shared.compare import Values, matches
from lcs.exhibits.shared.methods import Method
from lcs.runs import Record

Judge = Callable[[list[Record]], Finding | None]


@dataclass(frozen=True)
class Claim(claims.Claim):
    """A claim whose `judge` takes records, and runs of `load_runs` too."""

    judge: Any = None

    def __post_init__(self) -> None:
        """Let the judge take either."""
        own = self.judge
        if own and not hasattr(own, "takes_runs"):

            def judge(runs: Any) -> Finding | None:
                found: Finding | None = own(runs if isinstance(runs, list) else [*runs.record])
                return found

            judge.takes_runs = True  # type: ignore[attr-defined]
            object.__setattr__(self, "judge", judge)


ours = partial(Claim, "B")
# a method, the values of a configuration, or whether it is meant
Which = Method | Mapping[str, object] | Callable[[Config], bool]


def exceeds(
    one: Which,
    other: Which,
    *,
    of: Values = compare.accuracies,
    unit: str = "points",
    worse: bool = False,
) -> Judge:
    """Judge whether some runs have more accuracy than others, or more of what `of` returns."""
    return _of_differences(one, other, of, partial(as_finding, unit=unit, worse=worse))


def equals(one: Which, other: Which) -> Judge:
    """Judge whether some runs have the accuracy of others, within `MARGIN`."""
    return _of_differences(one, other, compare.accuracies, partial(as_finding, margin=MARGIN))


def exceeds_zero(which: Which, of: Values, unit: str = "points", *, short: str = "") -> Judge:
    """Judge whether what `of` returns of some runs is above zero."""
    return lambda records: as_finding(of(_meant(records, which)), unit, short=short)


def _of_differences(
    one: Which, other: Which, of: Values, say: Callable[[Sequence[float]], Finding]
) -> Judge:
    def judge(records: list[Record]) -> Finding | None:
        widest = [*itertools.chain(*compare.widest(records).values())]
        first, second = _meant(widest, one), _meant(widest, other)
        return say(compare.differences(first, second, of)) if first and second else None

    return judge


def _meant(records: list[Record], which: Which) -> list[Record]:
    is_meant = which if callable(which) else partial(matches, wanted=which)
    return [run for run in records if is_meant(run.config)]


def as_one_more(
    which: Which, published: float, *, of: Values = compare.accuracies, digits: int = 2
) -> Judge:
    """Judge whether a published value lies where that of one more of ours would."""
    every: Any = lambda runs: runs.method == runs.method  # noqa: E731

    def judge(records: list[Record]) -> Finding | None:
        from lcs.analysis.runs import frame

        own = _meant(records, which)
        measured: Any = lambda runs: of([*runs.record])  # noqa: E731
        return claims.as_one_more(every, published, measured, digits)(frame(own))

    return judge
