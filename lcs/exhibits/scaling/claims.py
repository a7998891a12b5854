"""Claims on the gain of β-LASSO over its baselines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lcs.analysis.claims import Finding, Judge, exceeds, meant, ours
from lcs.stats import mean_interval

if TYPE_CHECKING:
    import pandas as pd

# with flips and crops, at growing width, and what was chosen at α = 8
AT_50 = ("recipe-length-search-narrow", "recipe-length-search")
AT_200 = ("flips-narrow", "flips", "flips-beyond-rate")


def gain_grows(other: str) -> Judge:
    """Judge whether the gain of β-LASSO over another method grows with the width.

    That is the slope against log₂ α by least squares, over the seeds that have every width.
    """

    def judge(runs: pd.DataFrame) -> Finding | None:
        import numpy as np
        import pandas as pd

        gains = {}
        for width, own in runs.groupby("base_channels"):
            ends = [meant(own, name) for name in ("β-LASSO", other)]
            first, second = (each.set_index("seed").accuracy for each in ends)
            gains[width] = first - second
        table = pd.DataFrame(gains).dropna()
        if table.empty or len(table.columns) < 2:
            return None
        doublings = np.log2(np.asarray(table.columns, float))
        slope = mean_interval([np.polyfit(doublings, row, 1)[0] for row in table.to_numpy()])
        return Finding(f"{slope:+} points a doubling", slope)

    return judge


CLAIMS = {
    "With AutoAugment (200 epochs), both as chosen on validation images at α = 2, "
    "β = 50 is better than SGD at α = 8": ours("scaling-wide", exceeds("β-LASSO", "SGD")),
    **{
        f"With λ of β = 50 chosen at each width, its gain over {said} grows (α = 1, 2, 4, 8)": ours(
            "scaling-own", gain_grows(other)
        )
        for said, other in (("SGD", "SGD"), ("β = 0", "plain ℓ1"))
    },
    **{
        f"With flips and crops, and what was chosen at α = 8, the gain of β = 50 over SGD grows "
        f"({where})": ours(" + ".join(names), gain_grows("SGD"))
        for names, where in (
            (AT_200, "α = 4, 8, 16; 200 epochs"),
            (AT_50, "α = 1, 2, 4, 8; 50 epochs"),
        )
    },
    **{
        f"With λ of β = 50 chosen at α = 8, it is better than {said} there": ours(
            study, exceeds("β-LASSO", other)
        )
        for said, study, other in (
            ("β = 0 with a λ of its own", "scaling-own", "plain ℓ1"),
            ("β = 0 with the same λ", "scaling-threshold", "plain ℓ1"),
            ("proximal ℓ1 with the same λ", "scaling-threshold", "proximal ℓ1"),
        )
    },
}
