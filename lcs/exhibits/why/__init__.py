"""Why β = 50 loses at α = 1: studies that change one thing at a time, paired by seed.

A condition is a configuration without its seed; two conditions are compared run for run. The gain
of β = 50 is its accuracy minus that of SGD, or of β = 0 with the same λ. `studies` has the runs,
`results` what a change adds to the gain, the figures, tables and claims.
"""

from lcs.exhibits.why.results import CLAIMS
from lcs.exhibits.why.studies import STUDIES

__all__ = ["CLAIMS", "STUDIES"]
