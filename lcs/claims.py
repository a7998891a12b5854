"""Every claim of the paper, the reproduction and the forum, and what the records say of it."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import NamedTuple

import numpy as np
import pandas as pd

from lcs import compare, engine, scaling, tables, toy_exhibits
from lcs import locality_exhibits as locality
from lcs import why_exhibits as why
from lcs.compare import as_sgd, without_threshold
from lcs.config import Config
from lcs.exhibits import accuracies, by_method, by_seed, left, paired
from lcs.measure import Interval, mean_interval, surviving
from lcs.published import COUNTS, table2
from lcs.runs import Record, RunStore
from lcs.studies import (
    B0,
    B1,
    B50,
    CONV,
    LOCAL,
    SGD,
    STRONG,
    STUDIES,
    THREE,
    beta_lasso_name,
    stored,
)
from lcs.tables import Table, signed

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

Change = why.Change
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


UNMEASURED = Finding(tables.NONE, said="not measurable: too few weights")
# from the records of a study, for the same seeds of every run, to the finding
Judge = Callable[[list[Record]], Finding]


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
    read = cache(lambda study: stored(study, scale, store))
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
    return scale in STUDIES[claim.study].scales and not (scale == "paper" and claim.source == "R")


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
        found = engine.load("parts")
        return Evidence(claim.judge([]), engine.rounds(found), scale, "") if found else None
    records = read(claim.study)
    return Evidence(claim.judge(records), _sample_size(records), scale, "") if records else None


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


def _beats(first: str, second: str, *, worse: bool = False) -> Judge:
    """Judge whether a method's accuracy is higher (or lower), run for run with the same seed.

    Of several widths, at the largest.
    """

    def judge(records: list[Record]) -> Finding:
        *_, groups = scaling.by_width(records).values()
        difference = paired(groups[first], groups[second])
        claimed = difference._replace(mean=-difference.mean) if worse else difference
        return Finding(f"{signed(difference)} points", claimed)

    return judge


def _differs(one: Pick, other: Pick, *, margin: float | None = None) -> Judge:
    """Judge whether one condition's accuracy is higher than another's, or equal within points."""

    def judge(records: list[Record]) -> Finding:
        first, second = ([r for r in records if pick(r.config)] for pick in (one, other))
        difference = paired(first, second)
        return Finding(f"{signed(difference)} points", difference, margin)

    return judge


def _is_published(name: str) -> Judge:
    """Judge whether the reproduction's run lies where one more of ours would.

    It was measured on the same test images, so their sampling error is the same for all.
    """
    accuracy = table2(name).report
    assert accuracy is not None

    def judge(records: list[Record]) -> Finding:
        ours = mean_interval(accuracies(by_method(records)[name]))
        away = _one_more(ours, accuracy)
        return Finding(f"{tables.interval(ours)}{_further(away)}", away, margin=0.0)

    return judge


def _one_more(ours: Interval, published: float) -> Interval:
    """Return our mean less a published value, with the interval of one more run of ours."""
    half = None if ours.half_width is None else ours.half_width * math.sqrt(1 + ours.n)
    return Interval(ours.mean - published, half, ours.n)


def _further(away: Interval, digits: int = 2) -> str:
    return "" if away.half_width is None else f" (one more run: ± {away.half_width:,.{digits}f})"


def _locality_matters_more(records: list[Record]) -> Finding:
    groups = by_method(records)
    conv, local, full = (np.array(accuracies(groups[name])) for name in (CONV, LOCAL, SGD))
    lost = mean_interval(conv - local), mean_interval(local - full)
    value = f"S-CONV minus S-LOCAL {signed(lost[0])}, S-LOCAL minus S-FC {signed(lost[1])}"
    # what gains nothing cannot matter more or less
    for gain, (more, less) in zip(lost, ((CONV, LOCAL), (LOCAL, SGD)), strict=True):
        if gain.mean < 0:
            short = (name.removesuffix(", SGD") for name in (more, less))
            return Finding(value, said="not testable: {} is behind {}".format(*short))
    return Finding(value, mean_interval((local - full) - (conv - local)))


def _few_weights(records: list[Record]) -> Finding:
    """Judge the widest network."""
    *_, groups = scaling.by_width(records).values()
    counts = [run.final["nonzeros"]["conv1"] for run in groups[B50]]
    local = groups[LOCAL][0].final["weights"]["conv1"]
    value = f"{tables.interval(mean_interval(counts), 0)} (S-LOCAL: {local:,})"
    return Finding(value, mean_interval([local - count for count in counts]))


def _keeps(layer: str, share: float, *, more: bool) -> Judge:
    """Judge whether β = 50 keeps more, or less, than a share of a layer, in per cent."""

    def judge(records: list[Record]) -> Finding:
        kept = left(by_method(records)[B50], layer)
        beyond = [one - share if more else share - one for one in kept]
        return Finding(f"{tables.interval(mean_interval(kept), 1)} % left", mean_interval(beyond))

    return judge


def _local_filters(records: list[Record]) -> Finding:
    each = locality.beyond_chance(by_method(records)[B50])
    if not np.isfinite(each).all():
        return UNMEASURED
    excess = mean_interval(each)
    return Finding(f"{signed(excess)} points of the mass in a window beyond chance", excess)


def _more_local_than_sgd(records: list[Record]) -> Finding:
    """Judge by both measures of locality; where they agree, the evidence is the weaker one.

    The spread is smaller in a local filter. Moran's I, of smoothness, is said beside them.
    """
    groups = by_method(records)
    window, more_spread, moran = (
        locality.compared(
            groups[B50], groups[SGD], partial(locality.beyond_chance, measure=measure)
        )
        for measure in ("window_mass", "spread", "morans_i")
    )
    if window is None or more_spread is None or moran is None:
        return UNMEASURED
    spread = more_spread._replace(mean=-more_spread.mean)
    value = f"window {signed(window)} points, spread {signed(spread)} px less; smoothness: "
    more, value = (window, spread), f"{value}Moran's I {signed(moran, 3)}"
    if len({verdict(Finding("", one)) for one in more}) > 1:
        return Finding(value, said="depends on the measure")
    return Finding(value, min(more, key=lambda one: abs(one.mean) / (one.half_width or 1)))


def _leaves(name: str, epochs: int = 400, **changed: object) -> Judge:
    """Judge whether a published number of weights lies where those of our seeds do.

    Args:
        name: the method.
        epochs: length of both trainings.
        changed: values of our runs that are to explain the published number.
    """
    wanted = changed | {"epochs": epochs}

    def judge(records: list[Record]) -> Finding:
        runs = [
            r for r in by_method(records)[name]
            if all(getattr(r.config, field) == value for field, value in wanted.items())
        ]  # fmt: skip
        ours = mean_interval([r.final["nonzeros"]["conv1"] for r in runs])
        away = _one_more(ours, COUNTS[name, epochs].conv1)
        return Finding(f"{tables.interval(ours, 0)}{_further(away, 0)}", away, margin=0.0)

    return judge


def _gains_by(
    factor: Change, reference: Callable[[Config], Config], where: Pick = lambda _: True
) -> Judge:
    """Judge whether a factor of the factorial raises the gain of β = 50, in the mean of cells."""

    def judge(records: list[Record]) -> Finding:
        chosen = [r for r in records if r.config.optimizer == "sgd" or where(r.config)]
        change = why.effect(compare.conditions(chosen), factor, reference)
        assert change is not None
        return Finding(f"{signed(change)} points", change)

    return judge


def _stronger_beats(reference: Callable[[Config], Config], **where: object) -> Judge:
    """Judge whether β = 50 with the stronger λ is better than its reference, in these runs."""

    def judge(records: list[Record]) -> Finding:
        found = compare.conditions(records)
        sparse = compare.pick(found, beta=50, **STRONG, **where)
        assert sparse is not None
        gain = compare.difference(found, sparse, reference(sparse))
        assert gain is not None
        return Finding(f"{signed(gain)} points", gain)

    return judge


def _gain_grows(other: str) -> Judge:
    """Judge whether the gain of β = 50 over another method grows with the width."""

    def judge(records: list[Record]) -> Finding:
        found = scaling.law(scaling.gains_by_width(records, other))
        assert found is not None
        return Finding(f"{signed(found.slope)} points a doubling", found.slope)

    return judge


def _more_local(reference: Callable[[Config], Config], *, worse: bool = False) -> Judge:
    """Judge whether β = 50 with the stronger λ puts more (or less) of a filter's mass in a window.

    In the mean over losses and images of the factorial.
    """

    def judge(records: list[Record]) -> Finding:
        found = compare.conditions(records)
        cells = [c for c in found if c.beta and _is_strong(c)]
        more = [
            [by_seed(found[c], locality.beyond_chance) for c in (cell, reference(cell))]
            for cell in cells
        ]
        seeds = sorted(set.intersection(*(set(one) for pair in more for one in pair)))
        each = [[one[s] - other[s] for s in seeds] for one, other in more]
        if not np.isfinite(each).all():
            return UNMEASURED
        difference = mean_interval(np.mean(each, axis=0))
        claimed = difference._replace(mean=-difference.mean) if worse else difference
        return Finding(f"{signed(difference)} points of the mass", claimed)

    return judge


def _is_strong(config: Config) -> bool:
    return config.optimizer == "beta-lasso" and config.l1_rest is not None


def _wider_range(one: str, other: str) -> Judge:
    """Judge whether weights gather over a wider range where crops shift further."""

    def judge(records: list[Record]) -> Finding:
        shown = locality.by_shift(records)
        more = locality.range_difference(shown[one], shown[other])
        if more is None:
            return UNMEASURED
        return Finding(f"{signed(more)} pixels", more)

    return judge


def _keeps_more(records: list[Record]) -> Finding:
    """Judge whether β = 1 keeps more of the first layer with a constant learning rate."""
    runs = [r for r in records if r.config.beta == 1]
    stays = [run for run in runs if run.config.schedule == "constant"]
    falls = [run for run in runs if run.config.schedule != "constant"]
    more = paired(stays, falls, left)
    return Finding(f"{signed(more, 1)} points of the layer", more)


def _longer_helps(records: list[Record]) -> Finding:
    """Judge whether the gain of β = 50 over β = 0 is larger at the larger of two lengths."""
    found = compare.conditions(records)
    short, *_, long = sorted((c for c in found if c.beta), key=lambda config: config.epochs)
    growth = why.contrast(found, [(short, long)], without_threshold)
    assert growth is not None
    return Finding(f"{signed(growth.change)} points", growth.change)


def _faster(mode: str, less: str, more: str) -> Judge:
    """Judge whether a sparse step takes less time than a dense one, at 1 % left, by the median."""

    def judge(_: list[Record]) -> Finding:
        times = engine.density_frame(engine.load("parts")).to_dict("records")
        there = [row for row in times if row["mode"] == mode and row["density"] == 1]
        widest = max(there, key=lambda row: row["base_channels"])
        low, high = widest["low"], widest["high"]
        share = f"{engine.ratio_text(widest)} of a dense step's time at 1 % left"
        return Finding(
            f"{share}, α = {widest['base_channels']}",
            said=less if high < 1 else more if low > 1 else UNDECIDED,
        )

    return judge


def _lasso_conditions(records: list[Record]) -> Finding:
    """Judge whether β = 1 finds the LASSO's solution almost always, whatever λ."""
    shares = toy_exhibits.recovered_by_l1(records, 1.0)
    text = f"{shares.min():.0f} to {shares.max():.0f} % of problems, by λ"
    if shares.min() < toy_exhibits.ALMOST_ALWAYS <= shares.max():
        return Finding(text, said="holds for small λ only")
    return Finding(text, said=_almost_always(shares, "holds", "contradicted"))


def _larger_beta_can_miss(records: list[Record]) -> Finding:
    shares = toy_exhibits.recovered_by_l1(records, 50.0)
    text = f"found in {shares.min():.0f} to {shares.max():.0f} % of problems at β = 50, by λ"
    return Finding(text, said=_almost_always(shares, "contradicted", "holds"))


def _almost_always(shares: pd.Series, yes: str, no: str) -> str:
    return yes if shares.min() >= toy_exhibits.ALMOST_ALWAYS else no


def _against(first: str, second: str) -> str:
    """Return two accuracies of the paper's Table 2."""
    return " against ".join(f"{table2(name).cifar10:.2f}" for name in (first, second))


def _lost(*names: str) -> str:
    """Return by how many points each method of the paper's Table 2 is behind the one before it."""
    means = [table2(name).cifar10 or math.nan for name in names]
    return f"{' and '.join(f'{a - b:.2f}' for a, b in itertools.pairwise(means))} points lost"


def _reported(first: str, second: str) -> str:
    """Return two accuracies of the reproduction's report."""
    return " against ".join(f"{table2(name).report}" for name in (first, second))


# least share of the third layer that is left in the paper's Figure 3, in per cent, read off its log
# axes to one digit: 3 · 10⁴ is 2.5 · 10⁴ or more
THIRD_LAYER = 100 * 2.5e4 / 36_000

CLAIMS: tuple[Claim, ...] = (
    Claim("P", "S-FC with β-LASSO at β = 50 is better than with SGD", _against(B50, SGD),
          "table2", "table2", _beats(B50, SGD)),
    Claim("P", "β = 50 is better than β = 1", _against(B50, B1),
          "table2", "table2", _beats(B50, B1)),
    Claim("P", "β = 0, the plain ℓ1 sub-gradient, is better than SGD", _against(B0, SGD),
          "table2", "table2", _beats(B0, SGD)),
    Claim("P", "S-FC is better than a 3-FC of its size", _against(SGD, THREE),
          "table2", "table2", _beats(SGD, THREE)),
    Claim("P", "S-LOCAL is better than S-FC with β-LASSO, β = 50", _against(LOCAL, B50),
          "table2", "table2", _beats(LOCAL, B50)),
    Claim("P", "Locality matters more than weight sharing", _lost(CONV, LOCAL, SGD),
          "table2", "table2", _locality_matters_more),
    Claim("P", "β = 50 leaves fewer weights in the first layer than S-LOCAL has",
          "about 1.5 · 10⁵ against 9.3 · 10⁶", "figure3", "table2", _few_weights),
    Claim("P", "The second layer loses most of its weights", "about 5 · 10⁶ of 1.4 · 10⁸",
          "figure3", "table2", _keeps("fc1", 50, more=False)),
    Claim("P", f"The third layer stays dense: more than {THIRD_LAYER:.0f} % are left",
          "about 3 · 10⁴ of 3.6 · 10⁴", "figure3", "table2",
          _keeps("fc2", THIRD_LAYER, more=True)),
    Claim("P", "The filters of β = 50 are more local than their own permutations", "pictures",
          "figure4", "table2", _local_filters),
    Claim("P", "The filters of β = 50 are more local than those of SGD", "pictures",
          "figure4", "table2", _more_local_than_sgd),
    Claim("P", "A fixed permutation of all images' pixels does not change S-FC's accuracy",
          "by argument", ""),
    Claim("P", "Shallow networks catch up with deep ones when trained longer", "Table 1", ""),
    Claim("P", "Without weight sharing, depth does not help", "Table 1", ""),
    Claim("P", "On ResNet18, β-LASSO is better than SGD at every kernel size",
          "Figure 5", ""),
    Claim("P", "Sparsity can be used for speed, with the algorithm as it is", "future work",
          "engine", BENCHMARK, _faster("exact", "holds", "contradicted")),
    Claim("F", "With β = 1 the LASSO solution of a linear problem is reached almost always",
          "almost always", "toy", "toy", _lasso_conditions),
    Claim("F", "With larger β it can be missed, depending on initial weights and data",
          "can be missed", "toy", "toy", _larger_beta_can_miss),
    Claim("F", "Sparse weights in dense layers can be used for speed (zeros that stay)",
          "a question", "engine", BENCHMARK, _faster("frozen", "holds", "contradicted")),
    Claim("R", "At α = 1, β = 50 is worse than β = 1", _reported(B50, B1),
          "table2", "table2", _beats(B50, B1, worse=True)),
    Claim("R", "At α = 1, β = 50 is worse than β = 0", _reported(B50, B0),
          "table2", "table2", _beats(B50, B0, worse=True)),
    Claim("R", "At α = 1, β = 1 is better than SGD", _reported(B1, SGD),
          "table2", "table2", _beats(B1, SGD)),
    *(Claim("R", f"At α = 1, {text}", f"{COUNTS[name, epochs].conv1:,}", "figure3", study,
            _leaves(name, epochs))
      for name, epochs, study, text in (
          (B50, 100, "length",
           "β = 50 leaves this many weights in the first layer after 100 epochs"),
          (B50, 400, "table2", "β = 50 leaves this many weights in the first layer"),
          (B1, 400, "table2", "β = 1 leaves this many weights in the first layer"))),
    *(Claim("R", f"At α = 1, {name.removeprefix('S-FC, ')} reaches this accuracy",
            f"{table2(name).report}", "table2", "table2", _is_published(name))
      for name in (SGD, B0, B1, B50)),
    Claim("R", "More training, 1600 epochs instead of 400, lets β = 50 gain on β = 0", "a question",
          "why", "longer", _longer_helps),
    Claim("R", "Augmentation lets β = 50 gain on β = 0 (100 epochs)", "a question", "why",
          "factorial",
          _gains_by(why.augmented, without_threshold,
                    lambda c: c.loss == "bce" and not _is_strong(c))),
    Claim("B", "Augmentation lets β = 50 gain on β = 0 with the stronger λ (100 epochs, mean over "
          "losses)", tables.NONE, "why", "factorial",
          _gains_by(why.augmented, without_threshold, _is_strong)),
    Claim("B", "β = 50 gains more on β = 0 in 400 epochs than in 100",
          tables.NONE, "why", "length", _longer_helps),
    Claim("B", "β = 50 gains more on β = 0 with cross-entropy (100 epochs, same η, so data steps "
          "ten times as large)", tables.NONE, "why", "factorial",
          _gains_by(why.crossed, without_threshold)),
    *(Claim("B", "With cross-entropy, augmentation and the stronger λ, β = 50 is better than "
            f"{name}: α = {alpha}", tables.NONE, "why", study,
            _stronger_beats(reference, base_channels=alpha, **where))
      for name, reference in (("plain SGD", as_sgd),
                              ("β = 0 at the same λ", without_threshold))
      for alpha, study, where in ((1, "factorial", why.CROSSED), (4, "recipe", {}),
                                  (8, "width", {}), (16, "wider", {}))),
    Claim("B", "By the paper's recipe (200 epochs), both as chosen on validation images, β = 50 is "
          "better than SGD at α = 8", tables.NONE, "scaling", "scaling-wide",
          _beats(B50, SGD)),
    *(Claim("B", f"With λ of β = 50 chosen at each width, its gain over {name} grows (α = 1, 2, 4, "
            "8)", tables.NONE, "scaling", "scaling-own", _gain_grows(other))
      for name, other in (("SGD", SGD), ("β = 0", B0))),
    *(Claim("B", f"With λ of β = 50 chosen at α = 8, it is better than {name} there", tables.NONE,
            "scaling", "scaling-own", _beats(B50, other))
      for name, other in (("SGD", SGD), ("β = 0", B0))),
    Claim("B", "With λ of β = 50 chosen at α = 8, it leaves fewer weights in the first layer than "
          "S-LOCAL has", tables.NONE, "scaling", "scaling-own", _few_weights),
    Claim("B", "With the stronger λ, the filters of β = 50 are more local than those of SGD, by "
          "the window (100 epochs, mean over losses and images)", tables.NONE, "figure4",
          "factorial", _more_local(as_sgd)),
    Claim("B", "With the stronger λ, the filters of β = 50 are less local than those of β = 0 "
          "with the same λ, by the window (100 epochs, mean over losses and images)", tables.NONE,
          "figure4", "factorial", _more_local(without_threshold, worse=True)),
    Claim("B", "Weights of a filter gather over a wider range with crops than with flips alone "
          "(β = 50, α = 4)", tables.NONE, "figure4", "crops", _wider_range("usual", "none")),
    Claim("B", "Weights of a filter gather over a wider range where crops shift twice as far "
          "(β = 50, α = 4)", tables.NONE, "figure4", "crops", _wider_range("far", "usual")),
    Claim("B", "With λ on the first layer alone, β = 50 is as good as β = 0, within 1 point",
          tables.NONE, "why", "first-layer",
          _differs(lambda c: c.beta == 50 and c.l1_rest == 0 and not c.frozen_zeros,
                   lambda c: c.beta == 0 and c.l1_rest == 0, margin=1.0)),
    Claim("B", "Zeros may as well stay: β = 50 is as good with zeros frozen, within 1 point",
          tables.NONE, "why", "frozen",
          _differs(lambda c: c.beta == 50 and c.frozen_zeros,
                   lambda c: c.beta == 50 and not c.frozen_zeros, margin=1.0)),
    Claim("B", "With λ on the first layer alone, β = 50 is as good with zeros frozen, "
          "within 1 point", tables.NONE, "why", "first-layer",
          _differs(lambda c: c.beta == 50 and c.l1_rest == 0 and c.frozen_zeros,
                   lambda c: c.beta == 50 and c.l1_rest == 0 and not c.frozen_zeros, margin=1.0)),
    Claim("B", "With λ on the first layer alone, zeros that stay cost β = 1 accuracy", tables.NONE,
          "why", "first-layer",
          _differs(lambda c: c.beta == 1 and c.l1_rest == 0 and not c.frozen_zeros,
                   lambda c: c.beta == 1 and c.l1_rest == 0 and c.frozen_zeros)),
    Claim("B", "bfloat16 and float32 give β = 50 the same accuracy, within 1 point", tables.NONE,
          "why", "precision",
          _differs(lambda c: c.beta == 50 and c.precision == "bf16",
                   lambda c: c.beta == 50 and c.precision == "fp32", margin=1.0)),
    Claim("B", "A constant learning rate leaves more weights than a cosine, with β = 1",
          tables.NONE, "why", "schedule", _keeps_more),
    *(Claim("B", f"With {text}, β = {beta} leaves as many weights as the reproduction's",
            tables.reproduction(f"{COUNTS[beta_lasso_name(beta), 400].conv1:,}"), "why", study,
            _leaves(beta_lasso_name(beta), **schedule))
      for text, study, schedule in (
          ("a constant learning rate", "schedule", {"schedule": "constant"}),
          ("a cosine of period 100", "period", {"period": 100}))
      for beta in (50, 1)),
)  # fmt: skip


def table(store: RunStore, sources: str = "PRFB") -> Table:
    """Return the claims of some sources beside what came out here, a row for each scale."""
    rows = []
    by_scale = [judged(CLAIMS, store, scale) for scale in SCALES]
    for claim, *found in zip(CLAIMS, *by_scale, strict=True):
        if claim.source not in sources:
            continue
        state = tables.pending("pending" if claim.judge else "not studied yet")
        all_ours = [
            [evidence.finding.value, str(evidence.n), evidence.scale, evidence.verdict]
            for evidence in found
            if evidence
        ] or [[tables.NONE, tables.NONE, tables.NONE, state]]
        where = f"[{claim.chapter}]({claim.chapter}.ipynb)" if claim.chapter else tables.NONE
        theirs = MARKS[claim.source](claim.value)
        rows += [[claim.text, theirs, *ours, where] for ours in all_ours]
    caption = (
        "Claims, their published values, and ours: differences are paired by seed, in points of "
        "test accuracy on CIFAR-10. At the desk scale ours is the reproduction's setting unless "
        "the claim names another: α = 1, 400 epochs, binary cross-entropy, no augmentation, "
        "λ = 2e-5. Verdicts with an interval over seeds are corrected for many comparisons. n is "
        "the number of runs of each condition, for the toy that of random problems in each cell, "
        "for a benchmark that of rounds, whose median is shown with its 95 % interval."
    )
    columns = ["claim", "published", "ours", "n", "scale", "verdict", "chapter"]
    text = ["published", "ours", "scale", "verdict", "chapter"]
    return Table("tab-claims", caption, columns, rows, text=text)
