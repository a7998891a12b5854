"""What the page scaling says of results."""

import numpy as np

from checks import Checks, records
from checks.scaling_parts import gains_by_seed, tuned, units, width
from checks.scaling_parts import largest as largest_checks
from checks.scaling_parts import search as search_checks
from lcs.exhibits import EXHIBITS, exhibit
from lcs.exhibits.compare import conditions
from lcs.exhibits.methods import B0, SGD
from lcs.exhibits.scaling import largest, search

CHECKS = Checks()
for part in (search_checks, width, tuned, largest_checks, units):
    for check in part.CHECKS.values():
        CHECKS.add(check)


@CHECKS.add
def images_normalised(store):
    """Images have mean 0 and variance 1 here, and are mapped to −1 … 1 in the chapters before."""
    ways = {
        chapter: {
            run.config.normalize
            for study in exhibit(chapter).STUDIES
            for run in records(store, study.name)
            if run.kind == "training"
        }
        for chapter in EXHIBITS[: EXHIBITS.index("scaling") + 1]
    }
    return ways.pop("scaling") == {"standard"} and set().union(*ways.values()) == {"half"}


@CHECKS.add
def seeds(store):
    """Up to α = 8 every method has at least three seeds, the searches and the largest runs one."""
    several = conditions(records(store, "scaling", "scaling-wide", "scaling-own"))
    single = [study.name for study in (*search.STUDIES, *largest.STUDIES)]
    return min(map(len, several.values())) >= 3 and {
        run.config.seed for run in records(store, *single)
    } == {0}


@CHECKS.add
def gains_scatter(store):
    """The gains over SGD and over β = 0 have standard deviations over seeds below half a point."""
    runs = records(store, "scaling-own")
    scatter = [np.std(gains_by_seed(runs, other), axis=0, ddof=1) for other in (SGD, B0)]
    return np.max(scatter) < 0.5
