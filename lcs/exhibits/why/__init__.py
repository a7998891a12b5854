"""Why β = 50 loses at α = 1: studies that change one thing at a time, paired by seed.

A condition is a configuration without its seed; two conditions are compared run for run. The gain
of β = 50 is its accuracy minus that of SGD, or of β = 0 with the same λ.

Modules: `studies` has the runs, `claims` what is judged by them, `factorial` what each factor adds
to the gain, `results` figures and the table, `prose` numbers.
"""

from lcs.exhibits.why.claims import CLAIMS
from lcs.exhibits.why.studies import STUDIES

__all__ = ["CLAIMS", "STUDIES"]
