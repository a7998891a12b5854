"""The comparison in a wider network and a longer training, for fewer methods: α = 4, 200 epochs."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from lcs.config import Config
from lcs.exhibits.rivals.studies import recipe, sparse
from lcs.exhibits.searches import choices, method_key, relative
from lcs.exhibits.settings import FLIP_CROP, desk_study
from lcs.runs import Record

# candidates for β = 50: λ over what `search-flips` chose, at this length
SHARES = (0.5, 1.0, 2.0)


def own_budget(records: Sequence[Record]) -> dict[str, dict[str, float]]:
    """Return what `search-wider-budget` chooses: the best λ, and the density that it leaves."""
    (best,) = choices(records, method_key).values()
    run = best.runs[0]
    left, whole = run.final["nonzeros"], run.final["weights"]
    first, second = (round(left[n] / whole[n], 6) for n in ("conv1", "fc1"))
    share = relative(run.config, sparse(run.config, 1.0, run.config.beta))
    return {"β = 50": {"share": share, "density": first, "density_rest": second}}


CHOICES = {"search-wider-budget": own_budget}

_wide = partial(recipe, factor=4)


def _budgets(base: Config, betas: Sequence[float]) -> list[Config]:
    here = _wide(base, 4).replace(validation=True)
    return [sparse(here, share, betas[-1]) for share in SHARES]


_study = partial(desk_study, setting=FLIP_CROP, betas=(50,))

STUDIES = (
    _study(
        "search-wider-budget", "λ of β = 50 at α = 4, and the weights it leaves",
        make=_budgets, seeds=1,
    ),
)  # fmt: skip
