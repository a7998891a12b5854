"""What would close the gap: as few connections by other ways, their transfer, windows built in.

Budgets are β-LASSO's own: so many weights as β = 50 leaves in each of the first two layers.
`methods` has the run of each method at these; `pruning_studies` are trained at them,
`transfer_studies` on masks and weights of other runs, `window_studies` with a λ that grows outside
a window, as the forum proposed, or with a fixed mask of windows.
"""

from lcs.exhibits.rivals import pruning_studies, transfer_studies, window_studies
from lcs.exhibits.rivals.claims import CLAIMS

# in the order in which the pages list them
STUDIES = (*pruning_studies.STUDIES, *transfer_studies.STUDIES, *window_studies.STUDIES)

__all__ = ["CLAIMS", "STUDIES"]
