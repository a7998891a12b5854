"""What the page scaling says of flips and crops in wider networks and in longer trainings."""

from checks import ahead, behind, level, records
from checks.scaling_parts import fit, gain
from lcs.exhibits import gap
from lcs.exhibits.compare import (
    by_length,
    by_method,
    by_seed,
    conditions,
    differences,
    mean,
    remaining,
)
from lcs.exhibits.methods import B0, B50, LOCAL, SGD
from lcs.stats import mean_interval


def ahead_at_width_32(store):
    """β = 50 is ahead of SGD, and of β = 0 with the same λ; S-LOCAL is far ahead of it."""
    groups = _at_width_32(store)
    (sparse,), zero = conditions(groups[B50]), records(store, "showpiece-zero")
    return (
        sparse == zero[0].config.replace(beta=50.0, seed=0)
        and mean(groups[SGD]) > mean(records(store, "showpiece-sgd"))
        and mean(groups[B50]) > max(mean(groups[SGD]), mean(zero))
        and mean(groups[LOCAL]) - mean(groups[B50]) > 5
    )


def freezing_costs_nothing(store):
    """Frozen zeros change accuracy by less than a quarter of a point at α = 32.

    The earlier run is better than either, with a third of the learning rate and a larger λ.
    """
    free, frozen, earlier = (
        records(store, name) for name in ("showpiece-free", "showpiece-searched", "showpiece")
    )
    before, after = earlier[0].config, free[0].config
    return (
        abs(mean(free) - mean(frozen)) < 0.25
        and mean(earlier) > max(mean(free), mean(frozen))
        and abs(after.lr / before.lr - 3) < 1e-6
        and before.l1 > after.l1
        and before.frozen_zeros
    )


def more_in_wider_networks_but_not_in_longer_trainings(store):
    """The share of the gap rises from α = 8 over 16 to 32; after 1600 epochs it is below zero."""
    groups = [by_method(records(store, name)) for name in ("flips", "flips-beyond")]
    shares = [gap.gap_closed(each)[0] for each in (*groups, _at_width_32(store))]
    return shares == sorted(shares) and behind_after_1600_epochs(store)


def wider_with_flips_and_crops(store):
    """At α = 16 β = 50 is ahead of SGD and of β = 0, and behind S-LOCAL.

    Its lead over SGD cannot be told from that at α = 8. At α = 32 half the decay is better for SGD.
    """
    wide, usual = (by_method(records(store, name)) for name in ("flips-beyond", "flips"))
    found = by_seed(wide[B50], wide[SGD], usual[B50], usual[SGD])
    growth = mean_interval([(a - b) - (c - d) for a, b, c, d in found.values()])
    more, less = (records(store, name) for name in ("showpiece-sgd", "showpiece-decay"))
    return (
        all(ahead(gain(wide, B50, name)) for name in (SGD, B0))
        and behind(gain(wide, B50, LOCAL))
        and level(growth)
        and mean(less) > mean(more)
        and wide[SGD][0].config.weight_decay == more[0].config.weight_decay
    )


def behind_after_1600_epochs(store):
    """At α = 8 β = 50 is ahead of SGD in every seed up to 400 epochs, and behind after 1600.

    It is no better than after 400 epochs, fits better than SGD, and keeps twice the weights.
    """
    shorter = by_length(records(store, "recipe-length"))
    long = by_method(records(store, "recipe-length-long"))
    *_, before = shorter.values()
    return (
        all(min(differences(at[B50], at[SGD])) > 0 for at in shorter.values())
        and max(differences(long[B50], long[SGD])) < 0
        and mean(long[B50]) <= mean(before[B50])
        and fit(long[B50]) > fit(long[SGD])
        and min(remaining(long[B50])) > 2 * max(remaining(before[B50]))
    )


def lead_of_local_hardly_moves(store):
    """S-LOCAL is seven to eight points ahead of SGD at each length (rounded)."""
    lengths = by_length(records(store, "recipe-length", "recipe-length-long"))
    leads = [differences(at[LOCAL], at[SGD]) for at in lengths.values()]
    return all(6.5 < sum(each) / len(each) < 8.5 for each in leads)


def _at_width_32(store):
    """Return the runs of each method at α = 32, with zeros that may return."""
    return by_method(records(store, "showpiece-free", "showpiece-decay", "showpiece-local"))
