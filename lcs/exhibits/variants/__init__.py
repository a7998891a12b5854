"""What brings a fully connected network nearer to a convolution than β-LASSO does.

A λ that grows outside a unit's window, as the forum proposed; a start from a trained convolution
(d'Ascoli et al., 2019); and more than one such layer, as a reviewer asked. `studies` has the runs,
`results` what comes out, `claims` what is judged.
"""

from lcs.exhibits.variants import results, studies
from lcs.exhibits.variants.claims import CLAIMS
from lcs.exhibits.variants.studies import CHOICES, STUDIES

__all__ = ["CHOICES", "CLAIMS", "STUDIES", "results", "studies"]
