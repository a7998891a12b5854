"""AutoAugment at growing width: does the gain of β = 50 grow with it?

`search_studies` choose hyperparameters on validation images, `studies` has all other runs,
`results` what comes out.
"""

from lcs.exhibits.methods import B0, B50, PROXIMAL, SGD
from lcs.exhibits.scaling import results, search_studies, studies
from lcs.exhibits.verdicts import differs, ours

STUDIES = (*search_studies.STUDIES, *studies.STUDIES)

CLAIMS = {
    "With AutoAugment (200 epochs), both as chosen on validation images at α = 2, "
    "β = 50 is better than SGD at α = 8": ours("scaling-wide", differs(B50, SGD)),
    **{
        f"With λ of β = 50 chosen at each width, its gain over {name} grows (α = 1, 2, 4, 8)": ours(
            "scaling-own", results.gain_grows(other)
        )
        for name, other in (("SGD", SGD), ("β = 0", B0))
    },
    **{
        f"With λ of β = 50 chosen at α = 8, it is better than {name} there": ours(
            study, differs(B50, other)
        )
        for name, study, other in (
            ("β = 0 with a λ of its own", "scaling-own", B0),
            ("β = 0 with the same λ", "scaling-threshold", B0),
            ("proximal ℓ1 with the same λ", "scaling-threshold", PROXIMAL),
        )
    },
}

__all__ = ["CLAIMS", "STUDIES", "results", "search_studies", "studies"]
