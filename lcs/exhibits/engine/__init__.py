"""The engine: a training step counted, the least time that it can take, and what was measured.

`counts` has operations and bytes, `benchmarks` what `make bench` measured, `sparsity` steps and
runs with a first layer that is mostly zero.
"""

from __future__ import annotations

from lcs.exhibits.engine.benchmarks import find, load, ratio_text
from lcs.exhibits.engine.sparsity import sparse_steps
from lcs.exhibits.verdicts import BENCHMARK, UNDECIDED, Claim, Finding, Judge
from lcs.runs import Record

# the engine is timed by `make bench`, not by studies
STUDIES = ()


def _faster(mode: str) -> Judge:
    """Judge whether a sparse step takes less time than a dense one, at 1 % left, by the median."""

    def judge(_: list[Record]) -> Finding | None:
        found = load("parts")
        there = [row for row in sparse_steps(found) if (row["mode"], row["density"]) == (mode, 1)]
        if not there:
            return None
        widest = max(there, key=lambda row: row["base_channels"])
        share, width = ratio_text(widest), widest["base_channels"]
        slower = "contradicted" if widest["low"] > 1 else UNDECIDED
        return Finding(
            f"{share} of a dense step's time at 1 % left, α = {width}",
            short=f"{share} of the time",
            said="holds" if widest["high"] < 1 else slower,
            n=min(one["repeats"] for one in find(found, measured="sparse step")),
        )

    return judge


def _proved(_: list[Record]) -> Finding | None:
    """Judge whether a quarter of the terms proves nine units in ten along whole runs."""
    shares: dict[tuple[int, int], float] = {}
    for one in find(load("unproved"), measured="unproved"):
        quarter = str(one["images"] // 4)
        proved = [share for name, share in one["shares"].items() if name.endswith(f": {quarter}")]
        shares[one["base_channels"], one["epoch"]] = 100 * min(proved)
    if not shares:
        return None
    (width, epoch), worst = max(shares.items(), key=lambda item: item[1])
    return Finding(
        f"up to {worst:.2g} % of the units not proved (α = {width}, after {epoch} epochs)",
        said="contradicted" if worst > 10 else "holds",
        n=len({width for width, _ in shares}),
    )


EXACT = "Sparsity can be used for speed, with the algorithm as it is"
FROZEN = "Sparse weights in dense layers can be used for speed (zeros that stay)"
PROVED = "A quarter of the gradient's terms proves of nine units in ten that no zero returns"
CLAIMS: tuple[Claim, ...] = (
    Claim("P", EXACT, BENCHMARK, _faster("exact"), "future work"),
    Claim("F", FROZEN, BENCHMARK, _faster("frozen"), "a question"),
    Claim("B", PROVED, BENCHMARK, _proved),
)
