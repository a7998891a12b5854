"""The page of the engine, which `make bench` times: it has no studies, and claims on speed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from lcs.analysis.benchmarks import Ratio, fastest, load_benchmark, over
from lcs.analysis.claims import (
    BENCHMARK,
    CONTRADICTED,
    HOLDS,
    UNDECIDED,
    Claim,
    Finding,
    Judge,
    holds_if,
    ours,
)
from lcs.analysis.tables import rounded

if TYPE_CHECKING:
    import pandas as pd

STUDIES = ()

# ways to compute the same outputs, as `tests/benchmarks/inference.py` names them
DENSE, DENSE_BF16 = "dense, float32", "dense, bfloat16"
EXPORTED, WITHOUT_DEAD = "exported", "without dead units"
CSR, CSR_BF16, CSR_SCIPY = "CSR (torch)", "CSR (torch), others in bfloat16", "CSR (SciPy)"
DENSE_WAYS = (DENSE, DENSE_BF16, EXPORTED, WITHOUT_DEAD)
SPARSE_WAYS = (CSR, CSR_BF16, CSR_SCIPY)
# the least share of a pass's time that is a gain worth the effort
LEAST_GAIN = 0.05


def _takes_less(ratios: Sequence[Ratio]) -> str:
    """Return the verdict on the claim that every ratio lies below 1."""
    if all(ratio.high < 1 for ratio in ratios):
        return HOLDS
    return CONTRADICTED if any(ratio.low > 1 for ratio in ratios) else UNDECIDED


def _faster(mode: str) -> Judge:
    """Judge whether a sparse step takes less than a dense one, at 1 % remaining, by the median."""

    def judge(_: pd.DataFrame) -> Finding | None:
        steps = load_benchmark("parts").to_dict("records")
        steps = [row for row in steps if row["measured"] == "sparse step"]
        there = [row for row in steps if row["density"] == 0.01 and mode in row["times"]]
        if not there:
            return None
        widest = max(there, key=lambda row: row["base_channels"])
        share = over(widest["times"], mode)
        return Finding(
            f"{share} of a dense step's time at 1 % remaining, α = {widest['base_channels']}",
            short=f"{share} of the time",
            said=_takes_less([share]),
            n=int(min(row["repeats"] for row in steps)),
        )

    return judge


def _proved(_: pd.DataFrame) -> Finding | None:
    """Judge whether a quarter of the terms proves nine units in ten along whole runs.

    By the better weights of the images.
    """
    shares = {}
    for row in load_benchmark("unproved").to_dict("records"):
        quarter = f": {row['images'] // 4}"
        left = [share for name, share in row["shares"].items() if name.endswith(quarter)]
        shares[row["base_channels"], row["epoch"]] = 100 * min(left)
    if not shares:
        return None
    (width, epoch), worst = max(shares.items(), key=lambda item: item[1])
    return Finding(
        f"up to {rounded(worst)} % of the units not proved (α = {width}, after {epoch} epochs)",
        said=holds_if(worst <= 10),
        n=len({width for width, _ in shares}),
    )


def _trained() -> list[Any]:
    """Return the passes of a trained network that were timed."""
    found = load_benchmark("inference")
    return found[found.places == "trained"].to_dict("records") if len(found) else []


def _in_use(_: pd.DataFrame) -> Finding | None:
    """Judge whether a trained sparse network is faster than a dense one, whatever passes it takes.

    The fastest way of each against the fastest of the other, by number of images and of threads.
    """
    shown = _trained()
    if not shown:
        return None
    found = [fastest(row["times"], SPARSE_WAYS, DENSE_WAYS) for row in shown]
    slowest = max(found)
    row = shown[found.index(slowest)]
    return Finding(
        f"at most {slowest} of the dense time (α = {row['base_channels']}, "
        f"{rounded(100 * row['density'], 1)} % of the first layer left, {row['batch']} images at "
        "once)",
        short=f"{slowest.median:.2f} of the time",
        said=_takes_less(found),
        n=row["repeats"],
    )


def _no_gain(_: pd.DataFrame) -> Finding | None:
    """Judge whether exporting and dropping dead units save less than `LEAST_GAIN`, in float32."""
    shown = _trained()
    if not shown:
        return None
    found = {
        way: [over(row["times"], way, DENSE) for row in shown] for way in (EXPORTED, WITHOUT_DEAD)
    }
    every = [ratio for ratios in found.values() for ratio in ratios]
    none = HOLDS if all(ratio.low > 1 - LEAST_GAIN for ratio in every) else UNDECIDED
    return Finding(
        "; ".join(f"{way}: at least {min(ratios)}" for way, ratios in found.items())
        + " of the dense time",
        said=CONTRADICTED if any(ratio.high < 1 - LEAST_GAIN for ratio in every) else none,
        n=shown[0]["repeats"],
    )


CLAIMS = {
    "Sparsity can be used for speed, with the algorithm as it is": Claim(
        "P", BENCHMARK, _faster("exact"), "future work"
    ),
    "Sparse weights in dense layers can be used for speed (frozen zeros)": Claim(
        "F", BENCHMARK, _faster("frozen"), "a question"
    ),
    "A quarter of the gradient's terms proves of nine units in ten that no zero returns": ours(
        BENCHMARK, _proved
    ),
    "A sparse network is faster in use than a dense one at the densities that β-LASSO leaves": (
        ours(BENCHMARK, _in_use)
    ),
    "Neither exporting nor dropping dead units gains": ours(BENCHMARK, _no_gain),
}
