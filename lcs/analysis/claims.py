"""Claims and their verdicts: what is judged by which runs, and corrected for many comparisons."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import TYPE_CHECKING, NamedTuple

from lcs.analysis import tables
from lcs.config import Config
from lcs.runs import Record, RunStore
from lcs.stats import Interval, mean_interval, surviving
from lcs.study.base_study import BaseStudy

if TYPE_CHECKING:  # an exhibit declares claims, and loads no pandas
    import pandas as pd

HOLDS, CONTRADICTED, UNDECIDED = "holds", "contradicted", "undecided"
# what a verdict adds that holds before correction for many comparisons alone
CORRECTED = ", but not after correction"
# the study of claims about speed
BENCHMARK = "benchmark"
# where claims are judged, each by itself: with its runs at a scale, or by a benchmark
JUDGED_AT = ("paper", "desk", BENCHMARK)
MARGIN = 1.0  # points within which two values are called equal
# who makes a claim, and how the pages mark what they say
SOURCES: dict[str, tuple[str, Callable[[str], str]]] = {
    "P": ("the paper", tables.published),
    "R": ("the reproduction", tables.reproduction),
    "F": ("the forum thread", tables.forum),
    "B": ("this book", str),
}


class Finding(NamedTuple):
    """What runs say of a claim: our value, and the evidence for the verdict.

    `evidence` is a difference with its interval, positive if the claim is true. With a `margin`
    above 0 the claim is that the two are equal within it; with 0, that one published run is
    compatible with ours. Without evidence the verdict is `said`. Where space is scarce, `short`
    stands for the value.
    """

    value: str
    evidence: Interval | None = None
    margin: float | None = None
    said: str = ""
    n: int = 0  # rounds of a benchmark
    short: str = ""


UNMEASURED = Finding(tables.NONE, said="not measurable: too few weights")

# from the runs of a study, as `load_runs` returns them, to the finding
Judge = Callable[["pd.DataFrame"], Finding | None]


@dataclass(frozen=True)
class Evidence:
    """A finding, in how many runs, in which setting, and the verdict after correction.

    At the scale desk `width` is α of the widest run, and `frozen` whether zeros stay in all of
    β-LASSO. `chapter` is that of the study, which `claims.judge_all` adds.
    """

    finding: Finding
    n: int
    setting: str
    width: int | None = None
    frozen: bool = False
    verdict: str = ""
    chapter: str = ""

    @property
    def label(self) -> str:
        """Name of the setting, with the width and whether zeros stay."""
        width = "" if self.width is None else f", α = {self.width}"
        return f"{self.setting}{width}{', frozen zeros' if self.frozen else ''}"

    @property
    def link(self) -> str:
        """Link to the chapter, with the label for a text."""
        return f"[{self.label}]({self.chapter}.ipynb)"


@dataclass(frozen=True)
class Claim:
    """A claim: who makes it, the study that looks at it, if any does, and the value given.

    A chapter's `CLAIMS` has it by its text, which `claims.claims` adds.
    `judge` takes the runs of `study` at one scale; of a `BENCHMARK` it takes none. A claim is
    judged in every setting that has runs: `also` names studies of other ones. Studies that are
    judged together are joined by ` + `.
    """

    source: str
    study: str = ""
    judge: Judge | None = None
    value: str = tables.NONE
    also: tuple[str, ...] = ()
    text: str = ""

    def by_setting(self) -> list[Claim]:
        """Return the claim once for each study that looks at it."""
        return [replace(self, study=study, also=()) for study in (self.study, *self.also)]

    @property
    def studies(self) -> list[BaseStudy]:
        """The studies that are judged together."""
        from lcs.analysis.runs import find_study

        return [find_study(name) for name in self.study.split(" + ")]


# a claim of this book's own
ours = partial(Claim, "B")


def judged(claims: Sequence[Claim], store: RunStore, scale: str) -> list[Evidence | None]:
    """Return the evidence for each claim at one of the `JUDGED_AT`; None where there are no runs.

    Verdicts are corrected for many comparisons by Holm's method: those on published claims
    together, and those on this book's own. Claims that are pending, of one run, or not studied yet
    count already, so that no verdict weakens when their runs come.
    """

    from lcs.analysis.runs import find_study

    # many claims rest on the same runs
    @cache
    def read(name: str) -> list[Record]:
        return find_study(name).stored(scale, store)

    found = [_evidence(claim, read, scale) for claim in claims]
    for own in (True, False):
        family = [
            evidence.finding if evidence else None
            for claim, evidence in zip(claims, found, strict=True)
            if (claim.source == "B") == own and _is_asked(claim, scale)
        ]
        # the same comparison made twice counts once
        distances = [d for finding in family if finding and (d := _distance(finding))]
        # there may be an interval once there are runs, or more than one
        pending = [f for f in family if not f or (f.evidence and f.evidence.half_width is None)]
        known = surviving(distances, pending=len(pending))
        for i, evidence in enumerate(found):
            if evidence and (claims[i].source == "B") == own:
                corrected = _distance(evidence.finding) in {None, *known}
                said = verdict(evidence.finding, corrected=corrected)
                found[i] = replace(evidence, verdict=said)
    return found


def _is_asked(claim: Claim, scale: str) -> bool:
    """Whether runs of this scale can say anything of a claim."""
    if claim.study == BENCHMARK or scale == BENCHMARK:
        return claim.study == scale
    # the reproduction's claims are about its own size
    return not (scale == "paper" and claim.source == "R") and (
        # what is not studied yet could be, at either
        not claim.study or all(scale in study.scales for study in claim.studies)
    )


def _evidence(claim: Claim, read: Callable[[str], list[Record]], scale: str) -> Evidence | None:
    from lcs.analysis.runs import frame

    if claim.judge is None or not _is_asked(claim, scale):
        return None
    if scale == BENCHMARK:
        finding = claim.judge(frame([]))
        return finding and Evidence(finding, finding.n, BENCHMARK)
    by_study = [read(study.name) for study in claim.studies]
    runs = frame(record for records in by_study for record in records)
    finding = claim.judge(runs) if all(by_study) else None
    if finding is None:
        return None
    setting = claim.studies[0].setting.label(scale)
    # at the paper's scale the setting's name says the width
    configs: Iterable[object] = [] if scale == "paper" else runs.condition
    trained = [config for config in configs if isinstance(config, Config)]
    width = max((config.base_channels for config in trained), default=None)
    frozen = {config.frozen_zeros for config in trained if config.beta} == {True}
    if len(by_study) > 1 and finding.evidence:
        n = finding.evidence.n  # the seeds that all of the studies have
    else:  # those that every condition has; of the toy, all random problems in each cell
        count = [record.kind == "training" or record.config["problems"] for record in runs.record]
        n = int(runs.assign(count=count).groupby("condition", sort=False)["count"].sum().min())
    return Evidence(finding, n, setting, width, frozen)


def _distance(finding: Finding) -> Interval | None:
    """Return how far the evidence is from zero, or from the margin, with its interval."""
    found = finding.evidence
    if found is None or found.half_width is None:
        return None
    return found._replace(mean=abs(abs(found.mean) - (finding.margin or 0.0)))


def verdict(finding: Finding, *, corrected: bool = True) -> str:
    """Judge a claim by the interval of its evidence, or say what was seen in a single run.

    `corrected`: whether the evidence stands after correction for many comparisons.
    """
    value, margin = finding.evidence, finding.margin
    if value is None:
        return finding.said
    if value.half_width is None and margin is not None:
        return UNDECIDED  # one run is never equal to another
    if value.half_width is None:
        return "seen in one run" if value.mean > 0 else "not seen in one run"
    beyond = abs(value.mean) - (margin or 0.0)
    if margin == 0 and beyond <= value.half_width:
        return "compatible" if value.n > 2 else UNDECIDED  # two runs are compatible with anything
    if margin and beyond <= -value.half_width:
        said = "agrees"
    elif beyond <= value.half_width:
        return UNDECIDED
    else:
        said = holds_if(value.mean > 0 and margin is None)
    return said if corrected else said + CORRECTED


def holds_if(holds: bool) -> str:
    """Return `HOLDS` or `CONTRADICTED`."""
    return HOLDS if holds else CONTRADICTED


class Sign(NamedTuple):
    """The mark of a verdict, its kind, and whether it is weak.

    That is, with a reservation: it did not stand the correction, rests on one run, or holds in
    part.
    """

    mark: str
    kind: str
    weak: bool = False


def sign(said: str) -> Sign:
    """Return the sign of a verdict in words."""
    for words, mark, kind in (
        ((HOLDS, "agrees", "compatible", "seen"), "✓", HOLDS),
        ((CONTRADICTED, "not seen"), "✗", CONTRADICTED),
        ((UNDECIDED,), "~", "undecided"),
    ):
        if said in words:
            return Sign(mark, kind)
        if said.startswith(words):
            return Sign(mark, kind, weak=True)
    return Sign(tables.NONE, "undecided")


def marked(said: str) -> str:
    """Return a verdict in words with its sign, as the pages show it: in brackets if it is weak."""
    mark, kind, weak = sign(said)
    shown, style = (f"({mark})", f"{kind} .weak") if weak else (mark, kind)
    return f"[{shown} {said}]{{.verdict .{style}}}"


def as_finding(
    values: Iterable[float],
    unit: str = "points",
    *,
    margin: float | None = None,
    short: str = "",
    worse: bool = False,
) -> Finding:
    """Judge whether values, one of each seed, are above zero; with a margin, zero within it.

    `unit` follows the value, and `short` that for where space is scarce. With `worse`, whether they
    are below zero. Not measurable if one is not finite.
    """
    values = [*values]
    if not all(map(math.isfinite, values)):
        return UNMEASURED
    found = mean_interval(values)
    said = f"{found:+}"
    evidence = -found if worse else found
    return Finding(f"{said} {unit}", evidence, margin, short=short and f"{said} {short}")


# a method's name (of S-FC by any SGD: `SGD`), values of columns, or which runs are meant
Which = str | Mapping[str, object] | Callable[["pd.DataFrame"], "pd.Series[bool]"]
# a column of `load_runs`, or what is computed of its runs
Measure = str | Callable[["pd.DataFrame"], "pd.Series[float]"]


def meant(runs: pd.DataFrame, which: Which) -> pd.DataFrame:
    """Return the runs that are meant."""
    if callable(which):
        return runs[which(runs)]
    if isinstance(which, str):
        return runs[runs.method.str.endswith(" SGD") if which == "SGD" else runs.method == which]
    for name, value in which.items():
        runs = runs[runs[name] == value]
    return runs


def exceeds(
    one: Which,
    other: Which,
    of: Measure = "accuracy",
    *,
    unit: str = "points",
    margin: float | None = None,
    worse: bool = False,
) -> Judge:
    """Judge whether some runs have more of a measure than others.

    Runs are paired by seed; of several widths, at the largest. With `worse`, whether they have
    less; with a margin, whether they have as much within it.
    """

    def judge(runs: pd.DataFrame) -> Finding | None:
        from lcs.analysis.compare import by_seed

        widest = runs[runs.base_channels == runs.base_channels.max()]
        first, second = meant(widest, one), meant(widest, other)
        if first.empty or second.empty:
            return None
        values = [side.assign(value=_measured(side, of)) for side in (first, second)]
        own, theirs = by_seed(*values, column="value")
        return as_finding(own - theirs, unit, margin=margin, worse=worse)

    return judge


# whether some runs have the accuracy of others, within `MARGIN`
equals = partial(exceeds, margin=MARGIN)


def exceeds_zero(which: Which, of: Measure, unit: str = "points", *, short: str = "") -> Judge:
    """Judge whether a measure of some runs is above zero."""
    return lambda runs: as_finding(_measured(meant(runs, which), of), unit, short=short)


def _measured(runs: pd.DataFrame, of: Measure) -> pd.Series[float]:
    return of(runs) if callable(of) else runs[of]


def one_more(ours: Interval, published: float) -> Interval:
    """Return our mean less a published value, with the interval of one more run of ours."""
    half = None if ours.half_width is None else ours.half_width * math.sqrt(1 + ours.n)
    return Interval(ours.mean - published, half, ours.n)


def as_one_more(which: Which, published: float, of: Measure = "accuracy", digits: int = 2) -> Judge:
    """Judge whether a published value, of a single run, lies where that of one more of ours would.

    Our values are shown with so many digits after the decimal point.
    """

    def judge(runs: pd.DataFrame) -> Finding:
        ours = mean_interval(_measured(meant(runs, which), of))
        away = one_more(ours, published)
        said = f"{ours:.{digits}f}"
        if away.half_width is not None:
            said += f" (one more run: ± {away.half_width:,.{digits}f})"
        return Finding(said, away, margin=0.0)

    return judge


def closes_most(runs: pd.DataFrame) -> Finding:
    """Judge whether the widest β-LASSO lies above the middle between SGD and S-LOCAL, by seed."""
    from lcs.analysis.compare import by_seed, closed

    widest = runs[runs.base_channels == runs.base_channels.max()]
    groups = [meant(widest, name) for name in ("β-LASSO", "SGD", "S-LOCAL")]
    own, dense, local = by_seed(*groups)
    above = mean_interval(own - dense - (local - dense) / 2)
    gain, gap = mean_interval(own - dense), mean_interval(local - dense)
    value = f"{gain:+} of {gap:+} points"
    if gap.mean <= 0:
        return Finding(value, above)
    share = f"{closed(*groups)} %"
    # of two seeds gains, gaps and shares are each sorted, and would not correspond
    value = share if gain.n == 2 else f"{share}: {value}"
    return Finding(value, above, short=f"{share} of the gap")
