"""A fair comparison: does the gain of β-LASSO grow with the width, and is the baseline searched?

`search_studies` choose hyperparameters on validation images, `part_studies` change single parts of
the training, `wide_studies` are of the paper's width, `studies` has all other runs.
"""

from lcs.exhibits.scaling import part_studies, search_studies, studies, wide_studies
from lcs.exhibits.scaling.claims import CLAIMS

# in the order in which the pages list them
STUDIES = (
    *search_studies.STUDIES,
    *studies.AUTOAUGMENT,
    *part_studies.STUDIES,
    *studies.LARGEST,
    *studies.FLIPS,
    *wide_studies.STUDIES,
)

__all__ = ["CLAIMS", "STUDIES"]
