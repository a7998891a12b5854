"""Does the gain of β = 50 grow with the width, with AutoAugment and with flips and crops?

`search_studies` choose hyperparameters on validation images, `part_studies` change single parts of
the training, `studies` has all other runs, `results` what comes out, the tables and claims, and
`figures` the figures.
"""

from lcs.exhibits.scaling import part_studies, search_studies, studies
from lcs.exhibits.scaling.results import BY_SETTING, CLAIMS

# in the order in which the pages list them
STUDIES = (
    *search_studies.STUDIES,
    *studies.AUTOAUGMENT,
    *part_studies.STUDIES,
    *studies.LARGEST,
    *studies.FLIPS,
)

__all__ = ["BY_SETTING", "CLAIMS", "STUDIES"]
