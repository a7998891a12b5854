"""The engine: a training step counted, its estimated floor, and what was measured.

`benchmarks` reads what `make bench` measured, `steps` has training steps, `inference` trained
networks in use, `figures` what is drawn of them.
"""

from __future__ import annotations

from lcs.exhibits import tables
from lcs.exhibits.engine.benchmarks import find, load, over, ratio_text
from lcs.exhibits.engine.inference import DENSE, EXPORTED, WITHOUT_DEAD, fastest, passes
from lcs.exhibits.engine.steps import sparse_steps, unproved
from lcs.exhibits.verdicts import BENCHMARK, UNDECIDED, Claim, Finding, Judge, ours
from lcs.runs import Record

# the engine is timed by `make bench`, not by studies
STUDIES = ()

# the least share of a pass's time that is a gain worth the effort
LEAST_GAIN = 0.05


def _faster(mode: str) -> Judge:
    """Judge whether a sparse step takes less than a dense one, at 1 % remaining, by the median."""

    def judge(_: list[Record]) -> Finding | None:
        found = load("parts")
        there = [row for row in sparse_steps(found) if (row["mode"], row["density"]) == (mode, 1)]
        if not there:
            return None
        widest = max(there, key=lambda row: row["base_channels"])
        share, width = ratio_text(widest), widest["base_channels"]
        slower = "contradicted" if widest["low"] > 1 else UNDECIDED
        return Finding(
            f"{share} of a dense step's time at 1 % remaining, α = {width}",
            short=f"{share} of the time",
            said="holds" if widest["high"] < 1 else slower,
            n=min(one["repeats"] for one in find(found, measured="sparse step")),
        )

    return judge


def _proved(_: list[Record]) -> Finding | None:
    """Judge whether a quarter of the terms proves nine units in ten along whole runs."""
    shares = unproved(load("unproved"))
    if not shares:
        return None
    (width, epoch), worst = max(shares.items(), key=lambda item: item[1])
    return Finding(
        f"up to {tables.rounded(worst)} % of the units not proved "
        f"(α = {width}, after {epoch} epochs)",
        said="contradicted" if worst > 10 else "holds",
        n=len({width for width, _ in shares}),
    )


def _in_use(_: list[Record]) -> Finding | None:
    """Judge whether a trained sparse network is faster than a dense one, whatever passes it takes.

    The fastest way of each against the fastest of the other, by number of images and of threads.
    """
    shown = passes(load("inference"), places="trained")
    if not shown:
        return None
    found = [fastest(one) for one in shown]
    slowest = max(found, key=lambda row: row["ratio"])
    one = shown[found.index(slowest)]
    slower = "contradicted" if any(row["low"] > 1 for row in found) else UNDECIDED
    return Finding(
        f"at most {ratio_text(slowest)} of the dense time (α = {one['base_channels']}, "
        f"{tables.rounded(100 * one['density'], 1)} % of the first layer left, {one['batch']} "
        "images at once)",
        short=f"{slowest['ratio']:.2f} of the time",
        said="holds" if all(row["high"] < 1 for row in found) else slower,
        n=one["repeats"],
    )


def _no_gain(_: list[Record]) -> Finding | None:
    """Judge whether neither saves more than `LEAST_GAIN` of the dense time in float32."""
    shown = passes(load("inference"), places="trained")
    if not shown:
        return None
    found = {way: [over(one, way, DENSE) for one in shown] for way in (EXPORTED, WITHOUT_DEAD)}
    every = [row for rows in found.values() for row in rows]
    none = "holds" if all(row["low"] > 1 - LEAST_GAIN for row in every) else UNDECIDED
    least = {way: min(rows, key=lambda row: row["ratio"]) for way, rows in found.items()}
    return Finding(
        "; ".join(f"{way}: at least {ratio_text(row)}" for way, row in least.items())
        + " of the dense time",
        said="contradicted" if any(row["high"] < 1 - LEAST_GAIN for row in every) else none,
        n=shown[0]["repeats"],
    )


EXACT = "Sparsity can be used for speed, with the algorithm as it is"
FROZEN = "Sparse weights in dense layers can be used for speed (frozen zeros)"
PROVED = "A quarter of the gradient's terms proves of nine units in ten that no zero returns"
IN_USE = "A sparse network is faster in use than a dense one at the densities that β-LASSO leaves"
NO_GAIN = "Neither exporting nor dropping dead units gains"
CLAIMS: tuple[Claim, ...] = (
    Claim("P", EXACT, BENCHMARK, _faster("exact"), "future work"),
    Claim("F", FROZEN, BENCHMARK, _faster("frozen"), "a question"),
    ours(PROVED, BENCHMARK, _proved),
    ours(IN_USE, BENCHMARK, _in_use),
    ours(NO_GAIN, BENCHMARK, _no_gain),
)
