"""Every claim of the paper, the reproduction and the forum, and what the records say of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import pandas as pd

from lcs import tables, toy
from lcs import why_exhibits as why
from lcs.config import Config
from lcs.exhibits import accuracies, beta_lasso_name, by_method
from lcs.measure import (
    Interval,
    binomial_interval,
    holm,
    mean_interval,
    p_value,
    paired_difference,
)
from lcs.runs import Record, RunStore
from lcs.studies import STUDIES, stored
from lcs.tables import Table, signed

# share of problems, in per cent, from which on "almost always" is granted
ALMOST_ALWAYS = 95
# chance of even one false verdict on the page that correction leaves
SIGNIFICANCE = 0.05
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

    `evidence` is a difference that a true claim has above zero, with its interval; of a claim that
    something is `equal`, it is at zero. Without one the verdict is `said`.
    """

    value: str
    evidence: Interval | None = None
    equal: bool = False
    said: str = ""


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
    """A published claim: who says it, what, the value given, and where this book looks at it.

    `judge` takes the records of `study` at one scale.
    """

    source: str
    text: str
    value: str
    chapter: str
    study: str = ""
    judge: Judge | None = None


def judged(claims: Sequence[Claim], store: RunStore) -> list[Evidence | None]:
    """Return the evidence for each claim, at the largest scale that has runs; None: pending.

    Verdicts are corrected for the number of comparisons among the claims, by Holm's method.
    """
    found = [_evidence(claim, store) for claim in claims]
    intervals = {i: v for i, e in enumerate(found) if e and (v := _interval(e.finding))}
    adjusted = holm([p_value(value) for value in intervals.values()])
    survives = {i: p < SIGNIFICANCE for i, p in zip(intervals, adjusted, strict=True)}
    return [
        e and replace(e, verdict=verdict(e.finding, corrected=survives.get(i, True)))
        for i, e in enumerate(found)
    ]


def _evidence(claim: Claim, store: RunStore) -> Evidence | None:
    if claim.judge is None:
        return None
    scales = STUDIES[claim.study].scales
    for scale in [scale for scale in ("paper", "desk") if scale in scales]:
        records = stored(claim.study, scale, store)
        if records:
            return Evidence(claim.judge(records), _sample_size(records), scale, "")
    return None


def _interval(finding: Finding) -> Interval | None:
    found = finding.evidence
    return found if found is not None and found.half_width is not None else None


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
    value = finding.evidence
    if value is None:
        return finding.said
    if value.half_width is None:
        seen = value.mean == 0 if finding.equal else value.mean > 0
        return "seen in one run" if seen else "not seen in one run"
    if abs(value.mean) <= value.half_width:
        return "agrees" if finding.equal else "undecided"
    said = "holds" if value.mean > 0 and not finding.equal else "contradicted"
    return said if corrected else f"{said}, but not after correction"


def _beats(first: str, second: str, *, worse: bool = False) -> Judge:
    """Judge whether a method's accuracy is higher (or lower), run for run with the same seed."""

    def judge(records: list[Record]) -> Finding:
        groups = by_method(records)
        difference = paired_difference(accuracies(groups[first]), accuracies(groups[second]))
        claimed = difference._replace(mean=-difference.mean) if worse else difference
        return Finding(f"{signed(difference)} points", claimed)

    return judge


def _differs(one: Pick, other: Pick, *, equal: bool = False) -> Judge:
    """Judge whether the accuracy of one condition is higher than (or equal to) that of another."""

    def judge(records: list[Record]) -> Finding:
        pair = [accuracies([r for r in records if pick(r.config)]) for pick in (one, other)]
        difference = paired_difference(*pair)
        return Finding(f"{signed(difference)} points", difference, equal)

    return judge


def _is_published(name: str, accuracy: float) -> Judge:
    """Judge whether one published run lies where ours do: seeds and test set both have errors.

    The published number is one draw, as each of ours is: the variance of a new draw is that of
    our seeds, and each number has the sampling error of the test set, which is the same for both.
    """

    def judge(records: list[Record]) -> Finding:
        ours = np.array(accuracies(by_method(records)[name]))
        value = mean_interval(ours)
        if value.half_width is None:
            return Finding(tables.interval(value), value._replace(mean=value.mean - accuracy), True)
        next_draw = value.half_width * math.sqrt(1 + len(ours))
        low, high = binomial_interval(accuracy / 100, records[0].final["evaluation_images"])
        half_width = math.hypot(next_draw, 50 * (high - low))
        evidence = Interval(value.mean - accuracy, half_width, value.n)
        return Finding(tables.interval(value), evidence, equal=True)

    return judge


def _locality_matters_more(records: list[Record]) -> Finding:
    groups = by_method(records)
    conv, local, full = (
        np.array(accuracies(groups[f"S-{kind}, SGD"])) for kind in ("CONV", "LOCAL", "FC")
    )
    lost = mean_interval(conv - local), mean_interval(local - full)
    value = f"{signed(lost[0])} and {signed(lost[1])} points lost"
    return Finding(value, mean_interval((local - full) - (conv - local)))


def _few_weights(records: list[Record]) -> Finding:
    groups = by_method(records)
    left = [run.final["nonzeros"]["conv1"] for run in groups[B50]]
    local = groups["S-LOCAL, SGD"][0].final["weights"]["conv1"]
    value = f"{tables.interval(mean_interval(left), 0)} (S-LOCAL: {local:,})"
    return Finding(value, mean_interval([local - count for count in left]))


def _dense_third_layer(records: list[Record]) -> Finding:
    runs = by_method(records)[B50]
    share = [run.final["nonzeros"]["fc2"] / run.final["weights"]["fc2"] for run in runs]
    value = f"{tables.interval(tables.percent(share), 1)} % left"
    return Finding(value, mean_interval([s - 0.5 for s in share]))


def _local_filters(records: list[Record]) -> Finding:
    found = [run.final["locality"]["window_mass"] for run in by_method(records)[B50]]
    excess = mean_interval([100 * summary["excess_mean"] for summary in found])
    return Finding(f"{signed(excess)} points of the mass in a window beyond chance", excess)


def _leaves(name: str, count: int) -> Judge:
    """Judge whether a published number of weights lies where those of our seeds do."""

    def judge(records: list[Record]) -> Finding:
        left = mean_interval([r.final["nonzeros"]["conv1"] for r in by_method(records)[name]])
        text = f"{tables.interval(left, 0)}, {100 * (left.mean / count - 1):+.0f} %"
        half = None if left.half_width is None else left.half_width * math.sqrt(1 + left.n)
        return Finding(text, Interval(left.mean - count, half, left.n), equal=True)

    return judge


def _gains_by(factor: Change, reference: Callable[[Config], Config]) -> Judge:
    """Judge whether a factor of the factorial raises the gain of β = 50."""

    def judge(records: list[Record]) -> Finding:
        change = why.effect(why.conditions(records), factor, reference)
        assert change is not None
        return Finding(f"{signed(change)} points", change)

    return judge


def _sparse_at_width(base_channels: int) -> Judge:
    """Judge whether β = 50 is better than SGD at a width."""
    return _differs(
        lambda c: c.base_channels == base_channels and c.beta > 0,
        lambda c: c.base_channels == base_channels and c.optimizer == "sgd",
    )


def _keeps_more(records: list[Record]) -> Finding:
    """Judge whether β = 1 keeps more of the first layer where the learning rate stays."""
    runs = [r for r in records if r.config.beta == 1]
    kept = [[x for x in runs if (x.config.schedule == "constant") == stays] for stays in (1, 0)]
    more = paired_difference(*map(why.left, kept))
    return Finding(f"{signed(more, 1)} points of the layer", more)


def _longer_helps(records: list[Record]) -> Finding:
    """Judge whether the gain of β = 50 over β = 0 grows from a quarter of the length to all."""
    found = why.conditions(records)
    gains = {}
    for config, runs in found.items():
        if config.beta:
            without = found[config.replace(beta=0.0)]
            gains[config.epochs] = np.subtract(accuracies(runs), accuracies(without))
    growth = mean_interval(gains[max(gains)] - gains[min(gains)])
    return Finding(f"{signed(growth)} points of the gain over β = 0", growth)


def _lasso_conditions(records: list[Record]) -> Finding:
    """Judge whether β = 1 finds the LASSO's solution almost always, whatever λ."""
    shares = _toy_shares(records, 1.0)
    text = f"{shares.min():.0f} to {shares.max():.0f} % of problems, by λ"
    return Finding(text, said="holds" if shares.min() >= ALMOST_ALWAYS else "contradicted")


def _larger_beta_can_miss(records: list[Record]) -> Finding:
    shares = _toy_shares(records, 50.0)
    text = f"found in {shares.min():.0f} to {shares.max():.0f} % of problems at β = 50, by λ"
    return Finding(text, said="holds" if shares.min() < ALMOST_ALWAYS else "contradicted")


def _toy_shares(records: list[Record], beta: float) -> pd.Series:
    """Share of problems whose LASSO support is recovered, per cent by λ: first N, constant step."""
    cells = toy.frame(records[0].final)
    chosen = cells[
        (cells.optimizer == "beta-lasso")
        & (cells.observations == records[0].config.observations[0])
        & (cells.schedule == "constant")
        & (cells.beta == beta)
    ]
    return 100 * chosen.groupby("l1").recovered.mean()


B0, B1, B50 = (beta_lasso_name(beta) for beta in (0, 1, 50))
SGD = "S-FC, SGD"

CLAIMS: tuple[Claim, ...] = (
    Claim("P", "S-FC with β-LASSO at β = 50 is better than with SGD", "85.19 against 78.63",
          "table2", "table2", _beats(B50, SGD)),
    Claim("P", "β = 50 is better than β = 1", "85.19 against 82.52",
          "table2", "table2", _beats(B50, B1)),
    Claim("P", "β = 0, the plain ℓ1 sub-gradient, is better than SGD", "82.45 against 78.63",
          "table2", "table2", _beats(B0, SGD)),
    Claim("P", "S-FC is better than a 3-FC of its size", "78.63 against 75.12",
          "table2", "table2", _beats(SGD, "3-FC, SGD")),
    Claim("P", "S-LOCAL is better than S-FC with β-LASSO, β = 50", "85.86 against 85.19",
          "table2", "table2", _beats("S-LOCAL, SGD", B50)),
    Claim("P", "Locality matters more than weight sharing", "1.19 and 7.23 points lost",
          "table2", "table2", _locality_matters_more),
    Claim("P", "β = 50 leaves fewer weights in the first layer than S-LOCAL has",
          "about 1.5 · 10⁵ of 1.2 · 10⁸", "figure3", "table2", _few_weights),
    Claim("P", "The third layer stays dense (here: more than half is left)",
          "about 3 · 10⁴ of 3.6 · 10⁴", "figure3", "table2", _dense_third_layer),
    Claim("P", "The filters that β-LASSO learns are local", "pictures",
          "figure4", "table2", _local_filters),
    Claim("P", "A fixed permutation of all images' pixels does not change S-FC's accuracy",
          "by argument", "status"),
    Claim("P", "Shallow networks catch up with deep ones when trained longer", "Table 1", "status"),
    Claim("P", "Without weight sharing, depth does not help", "Table 1", "status"),
    Claim("P", "On ResNet18, β-LASSO is better than SGD at every kernel size",
          "Figure 5", "status"),
    Claim("P", "Sparsity gives the current implementation no advantage", "future work", "status"),
    Claim("F", "With β = 1 the LASSO solution of a linear problem is reached almost always",
          "almost always", "toy", "toy", _lasso_conditions),
    Claim("F", "With larger β it can be missed, depending on initial weights and data",
          "can be missed", "toy", "toy", _larger_beta_can_miss),
    Claim("F", "Sparse weights in dense layers can be used for speed", "a question", "status"),
    Claim("R", "At α = 1, β = 50 is worse than β = 1", "48.9 against 51.2",
          "table2", "table2", _beats(B50, B1, worse=True)),
    Claim("R", "At α = 1, β = 50 is worse than β = 0", "48.9 against 49.6",
          "table2", "table2", _beats(B50, B0, worse=True)),
    Claim("R", "At α = 1, β = 1 is better than SGD", "51.2 against 45.8",
          "table2", "table2", _beats(B1, SGD)),
    Claim("R", "At α = 1, β = 50 leaves this many weights in the first layer", "71,737",
          "figure3", "table2", _leaves(B50, 71_737)),
    Claim("R", "At α = 1, β = 1 leaves this many weights in the first layer", "752,472",
          "figure3", "table2", _leaves(B1, 752_472)),
    *(Claim("R", f"At α = 1, {name.removeprefix('S-FC, ')} reaches this accuracy", f"{value}",
            "table2", "table2", _is_published(name, value))
      for name, value in ((SGD, 45.8), (B0, 49.6), (B1, 51.2), (B50, 48.9))),
    Claim("R", "More training (a question): four times as much lets β = 50 gain on β = 0",
          "a question", "why", "length", _longer_helps),
    Claim("R", "Augmentation (a question): it lets β = 50 gain on β = 0", "a question",
          "why", "factorial", _gains_by(why.augmented, why.as_beta_zero)),
    Claim("B", "Cross-entropy instead of the binary one lets β = 50 gain on β = 0", tables.NONE,
          "why", "factorial", _gains_by(why.crossed, why.as_beta_zero)),
    Claim("B", "By the paper's recipe at α = 1, β = 50 is better than SGD", tables.NONE,
          "why", "width", _sparse_at_width(1)),
    Claim("B", "By the paper's recipe at α = 4, β = 50 is better than SGD", tables.NONE,
          "why", "width", _sparse_at_width(4)),
    Claim("B", "Weights that return to β = 50 do not matter: the same accuracy without",
          tables.NONE, "why", "frozen",
          _differs(lambda c: c.beta == 50 and c.frozen_zeros,
                   lambda c: c.beta == 50 and not c.frozen_zeros, equal=True)),
    Claim("B", "bfloat16 and float32 give β = 50 the same accuracy", tables.NONE,
          "why", "precision",
          _differs(lambda c: c.beta == 50 and c.precision == "bf16",
                   lambda c: c.beta == 50 and c.precision == "fp32", equal=True)),
    Claim("B", "A learning rate that stays leaves more weights with β = 1", tables.NONE,
          "why", "schedule", _keeps_more),
)  # fmt: skip


def table(store: RunStore, claims: Sequence[Claim] = CLAIMS) -> Table:
    """Return every claim beside what came out here."""
    rows, found = [], judged(claims, store)
    for claim, evidence in zip(claims, found, strict=True):
        ours = [tables.pending(), tables.NONE, tables.NONE, tables.pending()]
        if evidence:
            ours = [evidence.finding.value, str(evidence.n), evidence.scale, evidence.verdict]
        where = f"[{claim.chapter}]({claim.chapter}.ipynb)"
        rows.append([claim.text, MARKS[claim.source](claim.value), *ours, where])
    tested = sum(e is not None and _interval(e.finding) is not None for e in found)
    caption = (
        "Claims, their published values, and ours: differences are paired by seed, in points of "
        "test accuracy on CIFAR-10. Verdicts are corrected for the "
        f"{tested} comparisons on this page. For the toy, n is the number of random problems in "
        "each cell."
    )
    columns = ["claim", "published", "ours", "n", "scale", "verdict", "chapter"]
    text = ["published", "ours", "scale", "verdict", "chapter"]
    return Table("tab-claims", caption, columns, rows, text=text)
