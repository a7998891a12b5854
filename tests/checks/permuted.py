"""What the page permuted says of results."""

from checks import ahead, behind, check, only, records
from lcs.exhibits.shared.compare import by_method, by_width, mean, paired
from lcs.exhibits.shared.locality import beyond_chance
from lcs.exhibits.shared.methods import B50, CONV, LOCAL, SGD, THREE
from lcs.exhibits.shared.verdicts import MARGIN


def changes(store):
    """Return what the permutation changes in accuracy, by width and method."""
    found = by_width(records(store, "permuted"))
    return {
        width: {
            name: paired(only(runs, permute_pixels=True), only(runs, permute_pixels=False))
            for name, runs in groups.items()
        }
        for width, groups in found.items()
    }


@check
def dense_networks_do_not_change(store):
    """At both widths the intervals of S-FC with SGD and β = 50, and of 3-FC, lie within a point."""
    return all(
        abs(at[name].mean) + at[name].half_width < MARGIN
        for at in changes(store).values()
        for name in (SGD, B50, THREE)
    )


@check
def windows_lose_accuracy(store):
    """S-LOCAL loses at both widths, S-CONV at α = 4, where S-LOCAL is no longer ahead of S-FC."""
    wide = by_method(records(store, "permuted", permute_pixels=True, base_channels=4))
    found = changes(store)
    lost = [found[1][LOCAL], found[4][LOCAL], found[4][CONV]]
    return all(map(behind, lost)) and not ahead(paired(wide[LOCAL], wide[SGD]))


@check
def narrow_convolution_gains(store):
    """At α = 1 S-CONV is better on permuted images."""
    return ahead(changes(store)[1][CONV])


@check
def filters_are_local_again(store):
    """At α = 4 filters of β = 50 are far beyond chance, and as much after permuted images."""
    runs = by_method(records(store, "permuted", base_channels=4))[B50]
    one, other = (mean(only(runs, permute_pixels=p), beyond_chance) for p in (False, True))
    return min(one, other) > 10 and abs(one - other) < 3


@check
def lambda_is_half_of_that_of_origin(store):
    """At α = 4, as many epochs; there filters of β = 50 are more local."""
    fields = {"beta": 50, "base_channels": 4}
    plain = records(store, "permuted", permute_pixels=False, **fields)
    natural = records(store, "origin-data", images="natural", labels="true", **fields)
    longs = {r.config.epochs for r in (*plain, *natural)}
    strengths = 2 * plain[0].config.l1 == natural[0].config.l1
    local = [mean(runs, beyond_chance) for runs in (plain, natural)]
    return len(longs) == 1 and strengths and local[0] < local[1]
