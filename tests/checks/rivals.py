"""What the page rivals says of results, all at the larger budget."""

from checks import Checks, ahead, records
from lcs.exhibits.compare import paired
from lcs.exhibits.locality import beyond_chance, pair_correlation
from lcs.exhibits.rivals.results import by_rival
from lcs.exhibits.rivals.studies import B50, DENSE, NO_L1
from lcs.stats import mean_interval

CHECKS = Checks()


def lead(store, name, other=B50):
    """By how many points a method is ahead of another, on average over seeds."""
    place = by_rival(records(store, "rivals"))
    return paired(place[name], place[other]).mean


@CHECKS.add
def pruning_is_ahead(store):
    """Gradual pruning is clearly ahead of β = 50, and on average not behind dense SGD."""
    place = by_rival(records(store, "rivals"))
    return ahead(paired(place["gradual"], place[B50])) and lead(store, "gradual", DENSE) > 0


@CHECKS.add
def gradual_depends_on_its_rate(store):
    """As the shorter search chose it, gradual pruning is not clearly ahead of β = 50."""
    place = by_rival(records(store, "rivals"))
    first = paired(records(store, "rivals-first-choice"), place[B50])
    return not ahead(first) and first.mean < 0.5 * lead(store, "gradual")


@CHECKS.add
def other_rivals_are_behind(store):
    """Those are RigL, random masks, and the threshold without ℓ1, which leaves more.

    The threshold alone, and the sub-gradient alone, are so clearly.
    """
    place = by_rival(records(store, "rivals"))
    if not all(ahead(paired(place[B50], place[name])) for name in (NO_L1, "ℓ1 sub-gradient, cut")):
        return False
    left = [place[name][0].final["nonzeros"]["conv1"] for name in (NO_L1, B50)]
    behind = ("RigL", "random mask", NO_L1)
    return all(lead(store, name) < 0 for name in behind) and left[0] > 5 * left[1]


@CHECKS.add
def pruned_filters_are_as_local(store):
    """More than those of β = 50; those of dense SGD and of a random mask are less local."""
    place = by_rival(records(store, "rivals"))
    local = {name: mean_interval(beyond_chance(runs)).mean for name, runs in place.items()}
    pruned = min(local[name] for name in ("one-shot", "gradual", "SET", "RigL"))
    return max(local[DENSE], local["random mask"]) < local[B50] < pruned


@CHECKS.add
def pruning_gathers_weights_most(store):
    """Of pixels next to each other, more are in one filter than with β = 50; with SET fewer."""
    place = by_rival(records(store, "rivals"))
    near = {
        name: mean_interval([pair_correlation(run)[0] for run in place[name]]).mean
        for name in ("one-shot", "gradual", B50, "SET", "random mask")
    }
    pruned = min(near["one-shot"], near["gradual"])
    return pruned > near[B50] > near["SET"] > near["random mask"]
