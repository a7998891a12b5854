"""What the page scaling says of the largest networks, and of momentum and training length."""

import numpy as np

from checks import Checks, records
from checks.scaling_parts import accuracy, fit, gains_by_seed, gaps
from checks.scaling_parts.search import augmentations
from lcs.exhibits import published
from lcs.exhibits.compare import by_width, conditions, paired, remaining
from lcs.exhibits.methods import B50, SGD, method
from lcs.exhibits.scaling import gains, search

CHECKS = Checks()


@CHECKS.add
def largest_gains_what_the_line_promises(store):
    """The gain at α = 32 is about that of the line over SGD at the paper's width."""
    line = gains.log_linear_fit(gains.gains_by_width(records(store, "scaling-own")))
    gained = paired(records(store, "showpiece"), records(store, "showpiece-sgd"))
    return abs(gained.mean - line.forecast.mean) < 0.5


@CHECKS.add
def shrinkage_of_the_largest(store):
    """λ times the number of epochs is at α = 32 what was best at the widest search.

    The weight decay of SGD stayed as it was best, with flips and crops.
    """
    searched = by_width(records(store, "search-wide"))
    widest = max(searched)
    best = search.choices(searched[widest][B50], method)[B50].config
    _, weak = augmentations(store)
    decay = search.choices(weak[SGD], method)[SGD].config.weight_decay
    (dense,) = records(store, "showpiece-sgd")
    sparse = records(store, "showpiece", "showpiece-autoaugment")
    return (
        widest == 8
        and all(run.config.epochs == 2 * best.epochs for run in (dense, *sparse))
        and all(np.isclose(run.config.l1, best.l1 / 2) for run in sparse)
        and dense.config.weight_decay == decay
    )


@CHECKS.add
def largest_passes_published_sgd(store):
    """With flips and crops β = 50 at α = 32 passes the paper's SGD after as many epochs.

    Its training accuracy is far above that on the test images.
    """
    (run,) = records(store, "showpiece")
    return (
        run.config.epochs == published.SHORT_EPOCHS
        and accuracy([run]) > published.SHORT[SGD]
        and gaps([run])[0] > 15
    )


@CHECKS.add
def largest_wins_by_the_fit(store):
    """At α = 32 β = 50 is ahead of SGD by more than at α = 8, mostly by a better fit.

    The weight decay of SGD was chosen for half the length.
    """
    (sparse,), (dense,) = records(store, "showpiece"), records(store, "showpiece-sgd")
    gained, fitted = (of([sparse]) - of([dense]) for of in (accuracy, fit))
    before = max(values[-1] for values in gains_by_seed(records(store, "scaling-own"), SGD))
    lengths = {run.config.epochs for run in records(store, "search-augment")}
    return (
        gained > before
        and gained > fitted > 0.75 * gained
        and lengths == {dense.config.epochs // 2}
    )


@CHECKS.add
def momentum_and_decay_together(store):
    """For SGD neither a larger step nor momentum alone helps, weight decay alone less than a point.

    Both together add two. β = 50 lies between plain SGD and this one; a larger step is of no use
    to it either.
    """
    found = {
        (c.beta, c.lr, c.momentum, c.weight_decay): accuracy(runs)
        for c, runs in conditions(records(store, "momentum")).items()
    }
    plain, decayed, both = (found[0, 0.1, *rest] for rest in ((0, 0), (0, 5e-4), (0.9, 5e-4)))
    return (
        max(found[0, 1, 0, 0], found[0, 0.1, 0.9, 0]) < plain
        and 0 < decayed - plain < 1
        and 1.8 < both - plain < 2.2
        and plain < found[50, 0.1, 0, 0] < both
        and found[500, 1, 0, 0] < found[50, 0.1, 0, 0]
    )


@CHECKS.add
def reach_predicts_weights_not_accuracy(store):
    """Short runs with the raised λ leave fewer weights than the longest, by a factor of about two.

    Those with the same λ leave several times as many. Every method is well behind its own longest
    run, and with the raised λ β > 0 is ahead of β = 0, with the usual one behind it.
    """
    runs = conditions(records(store, "reach"))
    found = {(c.optimizer, c.epochs, c.beta, round(c.l1, 12)): r for c, r in runs.items()}
    (longest,) = (r for c, r in runs.items() if (c.beta, c.epochs) == (50, 200))
    l1 = longest[0].config.l1
    longest_sgd, whole = found["sgd", 200, 0, 0], remaining(longest)[0]
    longest_zero = found["beta-lasso", 200, 0, l1]
    for epochs, factor in ((50, 4), (100, 2)):
        pairs = [
            [found["beta-lasso", epochs, beta, round(l1 * more, 12)] for beta in (0, 50 / more)]
            for more in (1, factor)
        ]
        (zero, usual), (raised_zero, raised) = pairs
        behind = [
            accuracy(longest_sgd) - accuracy(found["sgd", epochs, 0, 0]),
            *(accuracy(longest_zero) - accuracy(one) for one in (zero, raised_zero)),
            *(accuracy(longest) - accuracy(one) for one in (usual, raised)),
        ]
        if not (
            whole / 2.3 < remaining(raised)[0] < whole < remaining(usual)[0] / 2
            and min(behind) > 1
            and accuracy(raised) > accuracy(raised_zero)
            and accuracy(usual) < accuracy(zero)
        ):
            return False
    return True
