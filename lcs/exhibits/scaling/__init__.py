"""Does the gain of β = 50 grow with the width, with AutoAugment and with flips and crops?

`search_studies` choose hyperparameters on validation images, `studies` has all other runs,
`results` what comes out, the tables and claims, `figures` the figures.
"""

from lcs.exhibits.scaling import search_studies, studies
from lcs.exhibits.scaling.results import BY_SETTING, CLAIMS

STUDIES = (*search_studies.STUDIES, *studies.STUDIES)

__all__ = ["BY_SETTING", "CLAIMS", "STUDIES"]
