"""Other ways to as few weights: ℓ1 by other means, pruning and sparse training, layer by layer.

Budgets are β-LASSO's own: so many weights as β = 50 leaves in each of the first two layers.
Modules: `studies` has the runs and what searches choose, `wider` those in a wider network,
`results` the tables and figures.
"""

from lcs.exhibits.rivals import studies, wider
from lcs.exhibits.rivals.results import CLAIMS

STUDIES = (*studies.STUDIES, *wider.STUDIES)

__all__ = ["CLAIMS", "STUDIES"]
