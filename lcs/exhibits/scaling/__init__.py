"""Does the gain of β = 50 grow with the width, with AutoAugment and with flips and crops?

`search_studies` choose hyperparameters on validation images, `studies` has all other runs,
`results` what comes out, the tables and claims, `figures` the figures.
"""

from lcs.exhibits.scaling import search_studies, studies
from lcs.exhibits.scaling.results import CLAIMS
from lcs.exhibits.shared.settings import FLIP_CROP, RECIPE

STUDIES = (*search_studies.STUDIES, *studies.STUDIES)
# the studies of each setting, by its name, for the table of gains and the first picture
BY_SETTING = {
    RECIPE.name: ("scaling-own", "scaling-seeds", "paper-size-searched"),
    FLIP_CROP.name: (
        *("recipe-length-search", "recipe-length-search-local"),
        *("flips", "flips-others", "flips-beyond"),
        *("recipe-length", "recipe-length-long"),
        *("largest-free", "largest-decay", "largest-local", "largest-zero"),
    ),
}

__all__ = ["BY_SETTING", "CLAIMS", "STUDIES"]
