"""Other ways to as few weights: ℓ1 by other means, pruning and sparse training, layer by layer.

Budgets are β-LASSO's own: so many weights as β = 50 leaves in each of the first two layers.
`methods` has the run of each method, `studies` which are trained and what searches choose,
`results` the tables, figures and claims.
"""

from lcs.exhibits.rivals.results import CLAIMS
from lcs.exhibits.rivals.studies import STUDIES

__all__ = ["CLAIMS", "STUDIES"]
