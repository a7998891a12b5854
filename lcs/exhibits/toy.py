"""The toy LASSO, where the solution is known, and the forum's claims about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lcs.analysis.claims import CONTRADICTED, HOLDS, Claim, Finding, holds_if
from lcs.toy import ToyStudy, pooled

if TYPE_CHECKING:
    import pandas as pd

STUDIES = (ToyStudy(),)

# share of problems, in per cent, from which on "almost always" is granted
ALMOST_ALWAYS = 95


def _recovered_by_l1(runs: pd.DataFrame, beta: float) -> pd.Series[float]:
    """Return the share of problems whose LASSO support is found at a β, per cent by λ: first N."""
    cells = pooled([*runs.record], "cells")
    chosen = cells[(cells.optimizer == "beta-lasso") & (cells.beta == beta)]
    chosen = chosen[chosen.observations == runs.record.iloc[0].config["observations"][0]]
    return 100 * chosen.groupby("l1").recovered.mean()


def _one_finds_it(runs: pd.DataFrame) -> Finding:
    """Judge whether β = 1 finds the LASSO's solution almost always, whatever λ."""
    shares = _recovered_by_l1(runs, 1.0)
    text = f"{shares.min():.0f} to {shares.max():.0f} % of problems, by λ"
    if shares.min() >= ALMOST_ALWAYS:
        return Finding(text, said=HOLDS)
    some = shares.max() >= ALMOST_ALWAYS
    return Finding(text, said=f"{HOLDS} for small λ only" if some else CONTRADICTED)


def _larger_can_miss(runs: pd.DataFrame) -> Finding:
    """Judge whether β = 50 misses the LASSO's solution at some λ."""
    shares = _recovered_by_l1(runs, 50.0)
    text = f"found in {shares.min():.0f} to {shares.max():.0f} % of problems at β = 50, by λ"
    text += ", over all starts"
    return Finding(text, said=holds_if(shares.min() < ALMOST_ALWAYS))


CLAIMS = {
    "With β = 1 the LASSO solution of a linear problem is reached almost always": Claim(
        "F", "toy", _one_finds_it, "almost always"
    ),
    "With larger β it can be missed, depending on initial weights and data": Claim(
        "F", "toy", _larger_can_miss, "can be missed"
    ),
}
