"""What the page transfer says of results."""

from checks import Checks, records
from lcs.exhibits import transfer
from lcs.exhibits.compare import differences
from lcs.exhibits.transfer import FROZEN, FROZEN_OF_SGD, LOCAL_NET, MASK, NOTHING, REWIRED

CHECKS = Checks()


def gains(store, one, other):
    """Return the gains of one start over another by seed, of what comes from the other data set."""
    runs = [r for r in records(store, "transfer") if r.config.dataset != transfer.origin(r.config)]
    found = []
    for name in transfer.DATASETS:
        here = [r for r in runs if r.config.dataset == name]
        first, second = (
            [r for r in here if transfer.start_of(r.config) == start] for start in (one, other)
        )
        found.append(differences(first, second))
    return found


@CHECKS.add
def two_seeds_decide_neither(store):
    """There are two seeds. Masks are within a point of none, in one seed below and in one above.

    They are better than rewired ones in every run, on CIFAR-100 by less than a quarter of a point
    in one. A frozen first layer of β = 50 is behind that of SGD, on CIFAR-100 by less than half a
    point. S-LOCAL is ahead of SGD by less than 1.5 points on CIFAR-10, and behind it on CIFAR-100.
    """
    masks = gains(store, MASK, NOTHING)
    rewired, frozen = gains(store, MASK, REWIRED), gains(store, FROZEN, FROZEN_OF_SGD)
    local10, local100 = gains(store, LOCAL_NET, NOTHING)
    return (
        all(len(gain) == 2 and -1 < min(gain) < 0 < max(gain) < 1 for gain in masks)
        and all(min(gain) > 0 for gain in rewired)
        and min(rewired[1]) < 0.25
        and all(max(gain) < 0 for gain in frozen)
        and min(frozen[1]) > -0.5
        and all(0 < gain < 1.5 for gain in local10)
        and max(local100) < 0
    )
