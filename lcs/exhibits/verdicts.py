"""Claims and their verdicts: what is judged by which runs, and corrected for many comparisons."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import NamedTuple

from lcs.config import Config
from lcs.exhibits import find_study, tables
from lcs.exhibits.compare import by_width, paired
from lcs.exhibits.methods import Method
from lcs.exhibits.tables import signed
from lcs.runs import Record, RunStore
from lcs.stats import Interval, surviving

# the study of claims about speed
BENCHMARK = "benchmark"
# at which claims are judged, each by itself
SCALES = ("paper", "desk", BENCHMARK)


UNDECIDED = "undecided"


MARKS: dict[str, Callable[[str], str]] = {
    "P": tables.published,
    "R": tables.reproduction,
    "F": tables.forum,
    "B": str,
}


Pick = Callable[[Config], bool]


class Finding(NamedTuple):
    """What runs say of a claim: our value, and the evidence for the verdict.

    `evidence` is a difference that a true claim has above zero, with its interval. Of a claim that
    two things are equal it is at zero: within `margin` for what is to be shown equal, within the
    interval of one more run, and a margin of 0, for a single published run. Without evidence the
    verdict is `said`.
    """

    value: str
    evidence: Interval | None = None
    margin: float | None = None
    said: str = ""
    n: int = 0  # rounds of a benchmark


UNMEASURED = Finding(tables.NONE, said="not measurable: too few weights")


# from the records of a study, for the same seeds of every run, to the finding
Judge = Callable[[list[Record]], Finding | None]


@dataclass(frozen=True)
class Evidence:
    """A finding, in how many runs, at which scale, and the verdict after correction."""

    finding: Finding
    n: int
    scale: str
    verdict: str


@dataclass(frozen=True)
class Claim:
    """A claim: who makes it, what, the value given, and the chapter that looks at it, if any does.

    `judge` takes the records of `study` at one scale; of a `BENCHMARK` it takes none.
    """

    source: str
    text: str
    value: str
    chapter: str
    study: str = ""
    judge: Judge | None = None


def judged(claims: Sequence[Claim], store: RunStore, scale: str) -> list[Evidence | None]:
    """Return the evidence for each claim at one of the `SCALES`; None where there are no runs.

    Verdicts are corrected for many comparisons by Holm's method: those on published claims
    together, and those on this book's own; the pending ones count already, so that no verdict
    weakens when they come.
    """
    # many claims rest on the same runs
    read = cache(lambda study: find_study(study).stored(scale, store))
    found = [_evidence(claim, read, scale) for claim in claims]
    for own in (True, False):
        family = [
            i
            for i, claim in enumerate(claims)
            if (claim.source == "B") == own and _is_asked(claim, scale)
        ]
        known = {i: evidence for i in family if (evidence := found[i])}
        findings = {i: evidence.finding for i, evidence in known.items()}
        pending = sum(_is_pending(claims[i], findings.get(i)) for i in family)
        survives = _surviving(findings, pending)
        for i, evidence in known.items():
            said = verdict(evidence.finding, corrected=survives.get(i, True))
            found[i] = replace(evidence, verdict=said)
    return found


def _is_asked(claim: Claim, scale: str) -> bool:
    """Whether runs of this scale can say anything of a claim."""
    if claim.study in ("", BENCHMARK):
        return claim.study == scale
    # the reproduction's claims are about its own size
    return scale in find_study(claim.study).scales and not (
        scale == "paper" and claim.source == "R"
    )


def _is_pending(claim: Claim, finding: Finding | None) -> bool:
    """Whether a comparison may have an interval once there are runs, or more than one."""
    if finding is None:
        return claim.judge is not None
    return finding.evidence is not None and finding.evidence.half_width is None


def _surviving(findings: Mapping[int, Finding], pending: int) -> dict[int, bool]:
    """Return which comparisons stand after correction; the same one made twice counts once."""
    intervals = {i: v for i, finding in findings.items() if (v := _interval(finding))}
    known = surviving(intervals.values(), pending)
    return {i: value in known for i, value in intervals.items()}


def _evidence(claim: Claim, read: Callable[[str], list[Record]], scale: str) -> Evidence | None:
    if claim.judge is None or not _is_asked(claim, scale):
        return None
    if scale == BENCHMARK:
        measured = claim.judge([])
        return Evidence(measured, measured.n, scale, "") if measured else None
    records = read(claim.study)
    finding = claim.judge(records) if records else None
    return Evidence(finding, _sample_size(records), scale, "") if finding else None


def _interval(finding: Finding) -> Interval | None:
    """Return how far the evidence is from zero, or from the margin, with its interval."""
    found = finding.evidence
    if found is None or found.half_width is None:
        return None
    return found._replace(mean=abs(abs(found.mean) - (finding.margin or 0.0)))


def _sample_size(records: Sequence[Record]) -> int:
    """Return the number of seeds; of random problems in each cell for the toy."""
    return sum(
        run.config.problems if run.kind == "toy" else 1
        for run in records
        if run.kind == "toy" or run.config.replace(seed=0) == records[0].config.replace(seed=0)
    )


def verdict(finding: Finding, *, corrected: bool = True) -> str:
    """Judge a claim by the interval of its evidence, or say what was seen in a single run.

    Args:
        finding: value and evidence.
        corrected: whether the evidence stands after correction for many comparisons.
    """
    value, margin = finding.evidence, finding.margin
    if value is None:
        return finding.said
    if value.half_width is None and margin is not None:
        return UNDECIDED  # one run is never equal to another
    if value.half_width is None:
        return "seen in one run" if value.mean > 0 else "not seen in one run"
    beyond = abs(value.mean) - (margin or 0.0)
    if margin == 0 and _is_equal(value, margin):
        return "compatible"
    if margin and _is_equal(value, margin):
        said = "agrees"
    elif beyond <= value.half_width:
        return UNDECIDED
    else:
        said = "holds" if value.mean > 0 and margin is None else "contradicted"
    return said if corrected else f"{said}, but not after correction"


def _is_equal(value: Interval, margin: float) -> bool:
    """Whether an interval lies within the margin; for a margin of 0, whether it holds zero."""
    assert value.half_width is not None
    if not margin:
        return abs(value.mean) <= value.half_width
    return abs(value.mean) + value.half_width <= margin


def beats(first: Method, second: Method, *, worse: bool = False) -> Judge:
    """Judge whether a method's accuracy is higher (or lower), run for run with the same seed.

    Of several widths, at the largest.
    """

    def judge(records: list[Record]) -> Finding:
        *_, groups = by_width(records).values()
        difference = paired(groups[first], groups[second])
        claimed = difference._replace(mean=-difference.mean) if worse else difference
        return Finding(f"{signed(difference)} points", claimed)

    return judge


def differs(one: Pick, other: Pick, *, margin: float | None = None) -> Judge:
    """Judge whether one condition's accuracy is higher than another's, or equal within points."""

    def judge(records: list[Record]) -> Finding:
        first, second = ([r for r in records if pick(r.config)] for pick in (one, other))
        difference = paired(first, second)
        return Finding(f"{signed(difference)} points", difference, margin)

    return judge


def one_more(ours: Interval, published: float) -> Interval:
    """Return our mean less a published value, with the interval of one more run of ours."""
    half = None if ours.half_width is None else ours.half_width * math.sqrt(1 + ours.n)
    return Interval(ours.mean - published, half, ours.n)


def one_more_text(away: Interval, digits: int = 2) -> str:
    return "" if away.half_width is None else f" (one more run: ± {away.half_width:,.{digits}f})"
