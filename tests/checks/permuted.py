"""What the page permuted says of results."""

from checks import ahead, behind, check, records
from lcs.exhibits import permuted
from lcs.exhibits.compare import by_method, by_width, paired
from lcs.exhibits.locality import beyond_chance
from lcs.exhibits.methods import B50, CONV, LOCAL, SGD
from lcs.stats import mean_interval


def changes(store):
    """Return what the permutation changes in accuracy, by width and method."""
    found = by_width(records(store, "permuted"))
    return {
        width: {
            name: paired(
                [run for run in runs if run.config.permute_pixels],
                [run for run in runs if not run.config.permute_pixels],
            )
            for name, runs in groups.items()
        }
        for width, groups in found.items()
    }


@check
def dense_networks_do_not_change(store):
    """At both widths the intervals of S-FC with SGD and with β = 50 lie within a point."""
    return all(
        abs(at[name].mean) + at[name].half_width < permuted.MARGIN
        for at in changes(store).values()
        for name in (SGD, B50)
    )


@check
def windows_lose_accuracy(store):
    """S-LOCAL loses at both widths, S-CONV at α = 4, where S-LOCAL is no longer ahead of S-FC."""
    permuted_runs = [r for r in records(store, "permuted") if r.config.permute_pixels]
    wide = by_width(permuted_runs)[4]
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
    runs = by_method([r for r in records(store, "permuted") if r.config.base_channels == 4])[B50]
    one, other = (
        mean_interval(beyond_chance([r for r in runs if r.config.permute_pixels == permuted]))
        for permuted in (False, True)
    )
    return min(one.mean, other.mean) > 10 and abs(one.mean - other.mean) < 3


@check
def lambda_is_half_of_that_of_origin(store):
    """At α = 4, as many epochs; there filters of β = 50 are more local."""
    here, there = (
        [r for r in records(store, name) if r.config.beta == 50 and r.config.base_channels == 4]
        for name in ("permuted", "origin-data")
    )
    plain = [r for r in here if not r.config.permute_pixels]
    natural = [r for r in there if (r.config.images, r.config.labels) == ("natural", "true")]
    longs = {r.config.epochs for r in (*plain, *natural)}
    strengths = 2 * plain[0].config.l1 == natural[0].config.l1
    local = [mean_interval(beyond_chance(runs)).mean for runs in (plain, natural)]
    return len(longs) == 1 and strengths and local[0] < local[1]
