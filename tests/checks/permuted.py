"""What the page permuted says of results."""

from checks import Checks, ahead, behind, records
from lcs.exhibits import compare, permuted
from lcs.exhibits.compare import by_method, by_width, paired
from lcs.exhibits.locality import beyond_chance
from lcs.exhibits.methods import B50, CONV, LOCAL, SGD
from lcs.stats import mean_interval

CHECKS = Checks()


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


@CHECKS.add
def dense_networks_do_not_change(store):
    """With SGD and with β = 50, at both widths, S-FC changes by less than a point."""
    return all(
        abs(at[name].mean) < permuted.MARGIN
        for at in changes(store).values()
        for name in (SGD, B50)
    )


@CHECKS.add
def windows_lose_at_width_4(store):
    """S-LOCAL and S-CONV lose points, and S-LOCAL is no longer ahead of S-FC."""
    found = compare.by_method([r for r in records(store, "permuted") if r.config.permute_pixels])
    wide = {name: [r for r in runs if r.config.base_channels == 4] for name, runs in found.items()}
    lost = [changes(store)[4][name] for name in (LOCAL, CONV)]
    return all(map(behind, lost)) and not ahead(paired(wide[LOCAL], wide[SGD]))


@CHECKS.add
def narrow_convolution_gains(store):
    """At α = 1 S-CONV is better on permuted images."""
    return ahead(changes(store)[1][CONV])


@CHECKS.add
def filters_are_local_again(store):
    """At α = 4 filters of β = 50 are far beyond chance, and as much after permuted images."""
    runs = by_method([r for r in records(store, "permuted") if r.config.base_channels == 4])[B50]
    one, other = (
        mean_interval(beyond_chance([r for r in runs if r.config.permute_pixels == permuted]))
        for permuted in (False, True)
    )
    return min(one.mean, other.mean) > 10 and abs(one.mean - other.mean) < 3
