"""Depth, and starts from trained networks: a convolution, and the mask of a first layer.

S-FC that starts from a trained S-CONV (d'Ascoli et al., 2019), deep networks, as a reviewer asked,
and D-FC with masks made from a first layer that β = 50 has trained. `studies` has the runs,
`results` the tables, figures and claims.
"""

from lcs.exhibits.deeper.results import CLAIMS
from lcs.exhibits.deeper.studies import STUDIES

__all__ = ["CLAIMS", "STUDIES"]
