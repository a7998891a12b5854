"""What the page transfer says of results."""

from checks import Checks, records
from lcs.exhibits import transfer
from lcs.exhibits.compare import paired
from lcs.exhibits.transfer import (
    FROZEN,
    FROZEN_OF_SGD,
    LOCAL_NET,
    MASK,
    NOTHING,
    REWIRED,
    SPARSE,
    TICKET,
)

CHECKS = Checks()


def gains(store, one, other):
    """Return the mean gain of one start over another, of what comes from the other data set."""
    runs = [r for r in records(store, "transfer") if r.config.dataset != transfer.origin(r.config)]
    found = []
    for name in transfer.DATASETS:
        here = [r for r in runs if r.config.dataset == name]
        first, second = (
            [r for r in here if transfer.start_of(r.config) == start] for start in (one, other)
        )
        found.append(paired(first, second).mean)
    return found


@CHECKS.add
def places_transfer(store):
    """Masks of the other data set are as good as none within a point, and better than β = 50.

    They are better than rewired ones, and no worse with new initial weights than with their own.
    S-LOCAL is ahead of SGD by less than 1.5 points on CIFAR-10, and behind it on CIFAR-100.
    """
    little, harmful = gains(store, LOCAL_NET, NOTHING)
    return (
        0 < little < 1.5
        and harmful < 0
        and all(abs(gain) < 1 for gain in gains(store, MASK, NOTHING))
        and min(gains(store, MASK, SPARSE)) > 0
        and min(gains(store, MASK, REWIRED)) > 0
        and min(gains(store, MASK, TICKET)) > -0.25
    )


@CHECKS.add
def values_are_worth_less(store):
    """A frozen first layer of β = 50 is worse than one of SGD, which is worse than none frozen."""
    frozen = gains(store, FROZEN, FROZEN_OF_SGD), gains(store, FROZEN_OF_SGD, NOTHING)
    return all(gain < 0 for both in frozen for gain in both)
