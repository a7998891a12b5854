"""How few weights does it take? Accuracy against remaining weights, of runs of all chapters.

`pareto` gathers the runs and compares them, `figures` draws them, `description` has the bound from
description length (Neyshabur 2020, Theorem 2), `sizes` the weights of the networks.
The chapter trains nothing of its own.
"""

from __future__ import annotations

from lcs.exhibits.fewest_weights import description, pareto
from lcs.exhibits.verdicts import Claim, ours

STUDIES = ()

CLAIMS: tuple[Claim, ...] = (
    ours(
        "By the paper's recipe, β = 50 at the largest width has fewer remaining weights, in all "
        "layers, than S-CONV",
        "scaling-own",
        pareto.fewer_than_s_conv,
    ),
    ours(
        "The paper's Theorem 2 bounds the test error of β = 50 below 1",
        "scaling-own",
        description.is_below_one,
    ),
)
