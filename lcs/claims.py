"""Every claim of the paper, the reproduction and the forum, and what the records say of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pandas as pd

from lcs import tables, toy
from lcs.exhibits import accuracies, beta_lasso_name, by_method
from lcs.measure import Interval, mean_interval, paired_difference
from lcs.runs import Record, RunStore
from lcs.studies import STUDIES
from lcs.tables import Table

MAX_SEEDS = 20
# share of problems, in per cent, from which on "almost always" is granted
ALMOST_ALWAYS = 95
MARKS = {"P": tables.published, "R": tables.reproduction, "F": tables.forum}

# from the runs of each method to our value and the verdict, both in words
Judge = Callable[[dict[str, list[Record]]], tuple[str, str]]


@dataclass(frozen=True)
class Evidence:
    """What our runs say: the value, in how many runs, at which scale, and the verdict."""

    value: str
    n: int
    scale: str
    verdict: str


@dataclass(frozen=True)
class Claim:
    """A published claim: who says it, what, the value given, and where this book looks at it.

    `judge` takes the runs of `study` at one scale, grouped by method and paired by seed.
    """

    source: str
    text: str
    value: str
    chapter: str
    study: str = ""
    judge: Judge | None = None


def judged(claim: Claim, store: RunStore) -> Evidence | None:
    """Return the evidence at the largest scale that has complete runs; None: pending."""
    if claim.judge is None:
        return None
    scales = STUDIES[claim.study].scales
    for scale in [scale for scale in ("paper", "desk") if scale in scales]:
        groups = complete_runs(claim.study, scale, store)
        if groups:
            value, verdict = claim.judge(groups)
            return Evidence(value, _sample_size(groups), scale, verdict)
    return None


def _sample_size(groups: dict[str, list[Record]]) -> int:
    """Return the number of seeds; of random problems in each cell for the toy."""
    runs = next(iter(groups.values()))
    return sum(run.config.problems if run.kind == "toy" else 1 for run in runs)


def complete_runs(study: str, scale: str, store: RunStore) -> dict[str, list[Record]]:
    """Return a study's records by method, for as many seeds as every method has; {} for none."""
    records: list[Record] = []
    for seed in range(MAX_SEEDS):
        configs = [c for c in STUDIES[study].configs(scale, seed + 1) if c.seed == seed]
        found = [store.find(config) for config in configs]
        if None in found:
            break
        records += [record for record in found if record is not None]
    return by_method(records)


def verdict(difference: Interval) -> str:
    """Judge whether a difference is positive: by its interval, or as seen in a single run."""
    if difference.half_width is None:
        return "seen in one run" if difference.mean > 0 else "not seen in one run"
    if difference.mean - difference.half_width > 0:
        return "holds"
    return "contradicted" if difference.mean + difference.half_width < 0 else "undecided"


def _beats(first: str, second: str, *, worse: bool = False) -> Judge:
    """Judge whether a method's accuracy is higher (or lower), run for run with the same seed."""

    def judge(groups: dict[str, list[Record]]) -> tuple[str, str]:
        one, other = accuracies(groups[first]), accuracies(groups[second])
        difference = paired_difference(one, other)
        claimed = paired_difference(other, one) if worse else difference
        return f"{_signed(difference)} points", verdict(claimed)

    return judge


def _locality_matters_more(groups: dict[str, list[Record]]) -> tuple[str, str]:
    conv, local, full = (accuracies(groups[f"S-{kind}, SGD"]) for kind in ("CONV", "LOCAL", "FC"))
    lost = paired_difference(conv, local), paired_difference(local, full)
    more = paired_difference([b - c for b, c in zip(local, full, strict=True)],
                             [a - b for a, b in zip(conv, local, strict=True)])  # fmt: skip
    value = f"{_signed(lost[0])} without sharing, {_signed(lost[1])} without locality"
    return value, verdict(more)


def _few_weights(groups: dict[str, list[Record]]) -> tuple[str, str]:
    runs = groups[beta_lasso_name(50)]
    left = [run.final["nonzeros"]["conv1"] for run in runs]
    local = groups["S-LOCAL, SGD"][0].final["weights"]["conv1"]
    below = mean_interval([local - count for count in left])
    return f"{tables.interval(mean_interval(left), 0)} (S-LOCAL: {local:,})", verdict(below)


def _dense_third_layer(groups: dict[str, list[Record]]) -> tuple[str, str]:
    runs = groups[beta_lasso_name(50)]
    share = [run.final["nonzeros"]["fc2"] / run.final["weights"]["fc2"] for run in runs]
    above_half = mean_interval([s - 0.5 for s in share])
    return f"{tables.interval(tables.percent(share), 1)} % left", verdict(above_half)


def _local_filters(groups: dict[str, list[Record]]) -> tuple[str, str]:
    found = [run.final["locality"]["window_mass"] for run in groups[beta_lasso_name(50)]]
    excess = mean_interval([100 * summary["excess_mean"] for summary in found])
    return f"{_signed(excess)} points of the mass in a window beyond chance", verdict(excess)


def _as_many_as(count: int) -> Judge:
    """Judge whether a published number of weights lies within the interval of ours."""

    def judge(groups: dict[str, list[Record]]) -> tuple[str, str]:
        left = mean_interval([r.final["nonzeros"]["conv1"] for r in groups[beta_lasso_name(50)]])
        text = f"{tables.interval(left, 0)}, {100 * (left.mean / count - 1):+.0f} %"
        if left.half_width is None:
            return text, "other number in one run" if left.mean != count else "seen in one run"
        return text, "holds" if abs(left.mean - count) <= left.half_width else "contradicted"

    return judge


def _lasso_conditions(groups: dict[str, list[Record]]) -> tuple[str, str]:
    """Judge whether β = 1 finds the LASSO's solution almost always, whatever λ."""
    shares = _toy_shares(groups, 1.0)
    text = f"{shares.min():.0f} to {shares.max():.0f} % of problems, by λ"
    return text, "holds" if shares.min() >= ALMOST_ALWAYS else "contradicted"


def _larger_beta_can_miss(groups: dict[str, list[Record]]) -> tuple[str, str]:
    shares = _toy_shares(groups, 50.0)
    text = f"found in {shares.min():.0f} to {shares.max():.0f} % of problems at β = 50, by λ"
    return text, "holds" if shares.min() < ALMOST_ALWAYS else "contradicted"


def _toy_shares(groups: dict[str, list[Record]], beta: float) -> pd.Series:
    """Share of problems whose LASSO support is recovered, per cent by λ: first N, constant step."""
    record = groups["toy LASSO"][0]
    cells = toy.frame(record.final)
    chosen = cells[
        (cells.optimizer == "beta-lasso")
        & (cells.observations == record.config.observations[0])
        & (cells.schedule == "constant")
        & (cells.beta == beta)
    ]
    return 100 * chosen.groupby("l1").recovered.mean()


def _signed(value: Interval, digits: int = 2) -> str:
    shown = f"{value.mean:+.{digits}f}"
    return shown if value.half_width is None else f"{shown} ± {value.half_width:.{digits}f}"


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
          "figure3", "table2", _as_many_as(71_737)),
)  # fmt: skip


def table(store: RunStore, claims: Sequence[Claim] = CLAIMS) -> Table:
    """Return every claim beside what came out here."""
    rows = []
    for claim in claims:
        mark = MARKS[claim.source]
        evidence = judged(claim, store)
        ours = [tables.pending(), tables.NONE, tables.NONE, tables.pending()]
        if evidence:
            ours = [evidence.value, str(evidence.n), evidence.scale, evidence.verdict]
        where = f"[{claim.chapter}]({claim.chapter}.ipynb)"
        rows.append([claim.text, mark(claim.value), *ours, where])
    caption = (
        "Claims, their published values, and ours: differences are paired by seed, in points of "
        "test accuracy on CIFAR-10. With one run there is no interval, and so no verdict beyond "
        "what was seen. For the toy, n is the number of random problems in each cell."
    )
    columns = ["claim", "published", "ours", "n", "scale", "verdict", "chapter"]
    text = ["published", "ours", "scale", "verdict", "chapter"]
    return Table("tab-claims", caption, columns, rows, text=text)
