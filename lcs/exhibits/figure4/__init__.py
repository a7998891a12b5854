"""The paper's Figure 4: are the filters local, and what makes them so?

Modules follow the chapter: `filters` are the pictures, `local` how local filters are in every
setting, `causes` what makes them so, `smooth` whether they are more than smooth and sparse,
`crop_shift` how far crops shift, `units` where all units of the sparse layers look. `local`,
`filters` and `crop_shift` declare the runs that they show.
"""

from __future__ import annotations

from lcs.exhibits.figure4 import causes, crop_shift, figures, filters, local, smooth, units

STUDIES = (*local.STUDIES, *filters.STUDIES, *crop_shift.STUDIES)

CLAIMS = (*local.CLAIMS, *causes.CLAIMS, *crop_shift.CLAIMS)

__all__ = [
    "CLAIMS",
    "STUDIES",
    "causes",
    "crop_shift",
    "figures",
    "filters",
    "local",
    "smooth",
    "units",
]
