"""A λ that grows outside a window, as the forum proposed, and a fixed mask of windows.

`studies` has the runs and what a search chooses, `results` the tables, figures and claims.
"""

from lcs.exhibits.banded.results import CLAIMS
from lcs.exhibits.banded.studies import STUDIES

__all__ = ["CLAIMS", "STUDIES"]
