"""What the page scaling says of every method at growing width, with one λ."""

import numpy as np

from checks import Checks, records
from checks.scaling_parts import accuracy, common, fit, gain, gaps, is_clear, means, rises, slopes
from lcs.exhibits.compare import remaining
from lcs.exhibits.methods import B0, B1, B50, CONV, LOCAL, PROXIMAL, SGD, THREE

CHECKS = Checks()


@CHECKS.add
def last_at_the_smallest_width(store):
    """At α = 1 β = 50 is the last of all S-FC methods."""
    at = common(store)[1]
    return all(accuracy(at[B50]) <= accuracy(at[name]) for name in at if name.model == "s-fc")


@CHECKS.add
def gains_on_the_other_penalties(store):
    """β = 50 is level with the other ℓ1 methods at α = 2, at α = 4 with proximal ℓ1 alone.

    There it is ahead of β = 0 and β = 1 in the mean, at α = 8 clearly and by more than a point.
    """
    two, four, eight = (common(store)[alpha] for alpha in (2, 4, 8))
    level = [*(gain(two, B50, other) for other in (B0, B1, PROXIMAL)), gain(four, B50, PROXIMAL)]
    at_eight = [gain(eight, B50, other) for other in (B0, B1)]
    return (
        all(abs(one.mean) < 0.25 for one in level)
        and min(gain(four, B50, other).mean for other in (B0, B1)) > 0.25
        and all(one.mean > 1 and is_clear(one) for one in at_eight)
    )


@CHECKS.add
def lead_over_zero_grows(store):
    """With one λ the lead of β = 50 over β = 0 grows with every doubling."""
    return rises(means(common(store), B50, B0))


@CHECKS.add
def sgd_ahead_by_less(store):
    """SGD is ahead of β = 50 at α = 1, 2 and 4, by less at each doubling from α = 2 on."""
    over_sgd = means(common(store), B50, SGD)
    return max(over_sgd[:3]) < 0 and rises(over_sgd[1:])


@CHECKS.add
def zero_behind_sgd(store):
    """β = 0 is behind SGD at every width, from α = 2 on by more than a point."""
    first, *others = means(common(store), B0, SGD)
    return first < 0 and max(others) < -1


@CHECKS.add
def wider_is_sparser(store):
    """At one λ β = 50 leaves a smaller share of a wider network's first layer."""
    return rises([-np.mean(remaining(at[B50])) for at in common(store).values()])


@CHECKS.add
def proximal_nearer_than_zero(store):
    """From α = 4 on proximal ℓ1, with hardly any zeros, is nearer to β = 50 than β = 0 is.

    It has the largest λ in the other layers.
    """
    widths = [at for alpha, at in common(store).items() if alpha >= 4]
    names = (PROXIMAL, B0, B50)
    rest = [{name: at[name][0].config.rest_l1 for name in names} for at in widths]
    return (
        all(abs(gain(at, B50, PROXIMAL).mean) < gain(at, B50, B0).mean for at in widths)
        and all(min(remaining(at[PROXIMAL])) > 99 for at in widths)
        and all(max(values, key=values.get) == PROXIMAL for values in rest)
    )


@CHECKS.add
def convolution_last_then_ahead(store):
    """S-CONV is the last of all at α = 1, and ahead of every S-FC at α = 8."""
    first, last = ({m: accuracy(runs) for m, runs in common(store)[a].items()} for a in (1, 8))
    dense = [value for name, value in last.items() if name.model == "s-fc"]
    return min(first, key=first.get) == CONV and last[CONV] > max(dense)


@CHECKS.add
def three_layers_fall_at_the_largest_width(store):
    """S-FC is behind a 3-FC up to α = 4, ahead at α = 8, where the 3-FC falls, in its fit too."""
    widths = common(store)
    four, eight = widths[4][THREE], widths[8][THREE]
    ahead = [mean > 0 for mean in means(widths, SGD, THREE)]
    return (
        ahead == [False, False, False, True]
        and accuracy(eight) < accuracy(four)
        and fit(eight) < fit(four)
    )


@CHECKS.add
def not_seen_at_these_widths(store):
    """S-CONV is behind S-LOCAL, β = 0 behind SGD; β = 50 falls further behind S-LOCAL."""
    widths = common(store)
    behind = [*means(widths, CONV, LOCAL), *means(widths, B0, SGD)]
    return max(behind) < 0 and rises(means(widths, LOCAL, B50))


@CHECKS.add
def gap_grows_with_the_width(store):
    """The generalisation gap of SGD is larger at α = 8 than at α = 1."""
    widths = common(store)
    return gaps(widths[1][SGD]).mean() < gaps(widths[8][SGD]).mean()


@CHECKS.add
def sgd_wins_by_the_fit(store):
    """The gap of β = 50 is smaller than SGD's, at α = 2 the same; it loses more in the fit."""
    widths = common(store)
    smaller = {alpha: gaps(at[SGD]).mean() - gaps(at[B50]).mean() for alpha, at in widths.items()}
    lost = {alpha: fit(at[SGD]) - fit(at[B50]) for alpha, at in widths.items()}
    return (
        abs(smaller.pop(2)) < 0.25
        and min(smaller.values()) > 0
        and all(smaller[alpha] < lost[alpha] for alpha in smaller)
        and lost[2] > 0.25
    )


@CHECKS.add
def zero_loses_by_the_fit(store):
    """At α = 4 and 8 β = 50 is ahead of β = 0 by the better fit, and not by a smaller gap."""
    return all(
        fit(at[B50]) > fit(at[B0]) and gaps(at[B50]).mean() > gaps(at[B0]).mean()
        for at in (common(store)[alpha] for alpha in (4, 8))
    )


@CHECKS.add
def slopes_with_one_lambda(store):
    """With one λ for all widths both slopes are positive in every seed."""
    runs = records(store, "scaling", "scaling-wide")
    return min([*slopes(runs, SGD), *slopes(runs, B0)]) > 0


@CHECKS.add
def one_lambda_stays_below_sgd(store):
    """With one λ for all widths the mean gain over SGD does not get above zero."""
    return max(means(common(store), B50, SGD)) < 0
