"""How few weights does it take? Accuracy against remaining weights, of runs of all chapters.

With the bound from description length (Neyshabur 2020, Theorem 2), whose formula is
`lcs.theory.mdl_bound`. The chapter trains nothing of its own. `results` has what comes out, the
tables and claims, `figures` the figure.
"""

from lcs.exhibits.fewest_weights.results import CLAIMS

STUDIES = ()

__all__ = ["CLAIMS", "STUDIES"]
