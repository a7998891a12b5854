"""What the page scaling says of where units look."""

import numpy as np

from checks import Checks, records
from checks.scaling_parts import common, own, rises, window
from lcs.exhibits.compare import remaining
from lcs.exhibits.locality import pair_correlation
from lcs.exhibits.methods import B0, B50, LOCAL, SGD
from lcs.measure import clustering_range

CHECKS = Checks()


def looked_at(store):
    """Return runs whose units gather ever more: α = 1, 8, 8 with more λ, α = 32, and S-LOCAL."""
    grown, tuned = common(store), own(store)
    widest = [grown[8][B50][0], tuned[8][B50][0]]
    return [grown[1][B50][0], *widest, *records(store, "showpiece-autoaugment"), tuned[8][LOCAL][0]]


@CHECKS.add
def units_gather(store):
    """The fewer weights are left, the more they gather, up to about ten pixels.

    With twice the λ a sixth of the weights is left at α = 8; hardly any unit at α = 32 is dead.
    """
    runs = looked_at(store)
    _, before, more, strong, _ = runs
    near = [pair_correlation(run)[0] for run in runs]
    left = remaining([more])[0] / remaining([before])[0]
    ranges = [clustering_range(pair_correlation(run)) for run in runs]
    counts = strong.final["fan_in"]["conv1"]
    return (
        rises(near)
        and 0.95 / 6 < left < 1.05 / 6
        and np.isclose(more.config.l1, 2 * before.config.l1)
        and all(8 < one < 12 for one in ranges)
        and counts[0] < 0.01 * sum(counts)
    )


@CHECKS.add
def windows_of_the_methods(store):
    """With one λ SGD is a few points less local than β = 50, and β = 0 a little more.

    With twice the λ, at α = 8, β = 50 is far ahead of both.
    """
    widths, at = common(store), own(store)[8]
    ahead = [
        (window(one[B50]) - window(one[SGD]), window(one[B0]) - window(one[B50]))
        for one in widths.values()
    ]
    return (
        all(0.01 < of_sgd < 0.04 and 0 < of_zero < 0.03 for of_sgd, of_zero in ahead)
        and all(one[B0][0].config.l1 < one[B50][0].config.l1 for one in widths.values())
        and window(at[B50]) - max(window(at[SGD]), window(at[B0])) > 0.08
    )


@CHECKS.add
def few_units_have_enough_weights(store):
    """At α = 8 with twice the λ less than half of the units have the 20 weights that it takes."""
    _, _, sparse, _, _ = looked_at(store)
    return sparse.final["locality"]["eligible"] < sum(sparse.final["fan_in"]["conv1"]) / 2


@CHECKS.add
def clusters_looser_than_local(store):
    """S-LOCAL's weights gather over about nine pixels, those of β = 50 much less tightly."""
    *_, sparse, local = looked_at(store)
    range_ = clustering_range(pair_correlation(local))
    return 8.4 < range_ < 9 and pair_correlation(local)[0] > 1.5 * pair_correlation(sparse)[0]
