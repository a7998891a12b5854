"""What the page table2 says of results."""

from checks import ahead, behind, check, level, records
from lcs.exhibits.shared import published
from lcs.exhibits.shared.compare import (
    accuracies,
    by_method,
    course,
    mean,
    paired,
    remaining,
    train_accuracies,
)
from lcs.exhibits.shared.methods import B0, B1, B50, CONV, LOCAL, PROXIMAL, SGD, THREE
from lcs.exhibits.shared.verdicts import one_more
from lcs.stats import mean_interval


def methods(store):
    return by_method(records(store, "table2"))


@check
def large_threshold_costs_accuracy(store):
    """β = 50 is below β = 0 and β = 1, and above SGD."""
    runs = methods(store)
    less = all(behind(paired(runs[B50], runs[other])) for other in (B0, B1))
    return less and ahead(paired(runs[B50], runs[SGD]))


@check
def reproduction_beside_ours(store):
    """One more run of β = 0, 1 or 50 would lie as the reproduction's; of SGD none is as low.

    Its lead of β = 1 over β = 0 lies above the interval of ours, which contains zero. SGD is the
    last there, and β = 50 is below both.
    """
    runs = methods(store)
    last, third, *upper = (published.table2(m).report for m in (SGD, B50, B0, B1))
    near = [
        level(one_more(mean_interval(accuracies(runs[m])), published.table2(m).report))
        for m in (B0, B1, B50)
    ]
    lead = published.table2(B1).report - published.table2(B0).report
    ours = paired(runs[B1], runs[B0])
    lower = published.table2(SGD).report < min(accuracies(runs[SGD]))
    order = last < third < min(upper)
    return order and all(near) and lower and level(ours) and lead > ours.mean + ours.half_width


def at_best(runs):
    """Return each run's best mean of ten successive recorded test accuracies, in per cent."""
    return [100 * course([run], "test_accuracy", 10)[1].max() for run in runs]


@check
def l1_reduces_overfitting(store):
    """SGD fits its training images almost perfectly and falls from its best; others fall less.

    Every method with ℓ1 beats it at the end.
    """
    runs = methods(store)
    fallen = {m: mean(runs[m], at_best) - mean(runs[m]) for m in (SGD, B0, B1, B50, PROXIMAL)}
    return (
        min(train_accuracies(runs[SGD])) > 99
        and max(fallen, key=fallen.get) == SGD
        and fallen[SGD] > 1
        and all(ahead(paired(runs[m], runs[SGD])) for m in (B0, B1, B50, PROXIMAL))
    )


@check
def proximal_is_dense_and_as_good_as_beta_0(store):
    """Proximal ℓ1 is less than a point from β = 0, and leaves nearly all weights.

    β = 50 is behind it.
    """
    runs = methods(store)
    dense = [r.final["nonzeros"]["conv1"] / r.final["weights"]["conv1"] for r in runs[PROXIMAL]]
    near = abs(paired(runs[PROXIMAL], runs[B0]).mean) < 1
    return near and min(dense) > 0.99 and behind(paired(runs[B50], runs[PROXIMAL]))


@check
def conv_is_last_and_underfits(store):
    """S-CONV has the lowest accuracy of all, and the lowest, below one half, on training images.

    S-LOCAL has the highest; 3-FC is ahead of S-FC with SGD, and level with β = 50.
    """
    runs = methods(store)
    means = {m: mean(own) for m, own in runs.items()}
    fits = {m: mean(own, train_accuracies) for m, own in runs.items()}
    return (
        min(means, key=means.get) == min(fits, key=fits.get) == CONV
        and fits[CONV] < 50
        and max(means, key=means.get) == LOCAL
        and ahead(paired(runs[THREE], runs[SGD]))
        and level(paired(runs[THREE], runs[B50]))
    )


@check
def cifar100_cannot_be_told_apart(store):
    """On CIFAR-100, β = 50 cannot be told from SGD, β = 0 or β = 1; it leaves a quarter."""
    runs = by_method(records(store, "cifar100"))
    quarter = abs(mean(runs[B50], remaining) - 25) < 2
    return quarter and all(level(paired(runs[B50], runs[other])) for other in (SGD, B0, B1))
