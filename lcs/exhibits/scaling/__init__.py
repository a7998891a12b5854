"""The paper's recipe at growing width: does the gain of β = 50 grow with it?

Modules follow the chapter `scaling`: `search` chooses hyperparameters on validation images, `width`
has every method with one λ, `tuned` β = 50 with λ chosen at each width, `threshold` what it owes to
λ and what to the threshold, `largest` the runs at α = 32, `ablations` single parts of the recipe,
`flips` flips and crops for AutoAugment, `length` training length with them. `gains` has the
differences between methods and their growth with the width, which several of them show.
"""

from __future__ import annotations

from lcs.exhibits.methods import B0, B50, PROXIMAL, SGD
from lcs.exhibits.scaling import (
    ablations,
    flips,
    gains,
    largest,
    length,
    search,
    threshold,
    tuned,
    width,
)
from lcs.exhibits.verdicts import Claim, beats

STUDIES = (
    *search.STUDIES,
    *width.STUDIES,
    *tuned.STUDIES,
    *threshold.STUDIES,
    *ablations.STUDIES,
    *largest.STUDIES,
    *flips.STUDIES,
    *length.STUDIES,
)

CLAIMS: tuple[Claim, ...] = (
    Claim(
        "B",
        "By the paper's recipe (200 epochs), both as chosen on validation images, β = 50 is "
        "better than SGD at α = 8",
        "scaling-wide",
        beats(B50, SGD),
    ),
    *(
        Claim(
            "B",
            f"With λ of β = 50 chosen at each width, its gain over {name} grows (α = 1, 2, 4, 8)",
            "scaling-own",
            gains.gain_grows(other),
        )
        for name, other in (("SGD", SGD), ("β = 0", B0))
    ),
    *(
        Claim(
            "B",
            f"With λ of β = 50 chosen at α = 8, it is better than {name} there",
            study,
            beats(B50, other),
        )
        for name, study, other in (
            ("β = 0 with a λ of its own", "scaling-own", B0),
            ("β = 0 with the same λ", "scaling-threshold", B0),
            ("proximal ℓ1 with the same λ", "scaling-threshold", PROXIMAL),
        )
    ),
)
