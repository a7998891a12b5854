"""What the page convolution says of results."""

import math

from checks import Checks, ahead, level, records
from lcs.exhibits import convolution
from lcs.exhibits.compare import by_method, by_width, paired
from lcs.exhibits.methods import B0, B1, B50, CONV, LOCAL, SGD
from lcs.stats import mean_interval

CHECKS = Checks()


def measured(runs):
    """Return the sharing of the first of some runs that has stored filters."""
    return convolution.measured(next(run for run in runs if run.has_filters))


@CHECKS.add
def sharing_is_partial_at_most(store):
    """Every run of β = 0 is beyond chance and nearer to it than to shared kernels, or not measured.

    That of the page is the nearest. S-LOCAL is at chance. Of β = 50 it cannot be told; plain SGD,
    and every S-FC of the reproduction's setting, has too few compact filters, at α = 8 none.
    """
    same = by_method(records(store, "scaling-threshold"))
    first = by_method(records(store, "figure4"))
    width = records(store, "width")
    zero, local = measured(same[B0]), measured(first[LOCAL])
    stored = [run for run in by_method(width)[B0] if run.has_filters]
    other = [found for run in stored if "mean" in (found := convolution.measured(run))]
    plain = [by_width(width)[8][SGD], records(store, "showpiece-sgd")]
    dense = [*plain, *(first[name] for name in (SGD, B0, B1, B50))]
    return (
        all(found["rearranged_excess"] > found["rearranged_ci95"] for found in [zero, *other])
        and max(convolution.way(found) for found in other) < convolution.way(zero) < 50
        and abs(local["rearranged_excess"]) < local["rearranged_ci95"]
        and math.isnan(convolution.way(measured(same[B50])))
        and not any("mean" in measured(runs) for runs in dense)
        and measured(plain[0])["filters"] == 0
    )


def beyond_shuffled(runs):
    """Return how far the responses of runs exceed those with shuffled weights."""
    return [run.final["equivariance"]["excess_mean"] for run in runs]


@CHECKS.add
def responses_of_s_fc_hardly_move(store):
    """Beyond shuffled weights S-CONV's successors exceed half, β = 50 and S-LOCAL not a tenth.

    β = 50 exceeds shuffled weights at both widths, S-LOCAL at α = 4 alone, and β = 50 S-LOCAL at 1.
    """
    runs = [r for r in records(store, "permuted") if not r.config.permute_pixels]
    excess, nearer = {}, {}
    for width, groups in by_width(runs).items():
        for who in (B50, LOCAL, CONV):
            excess[width, who] = mean_interval(beyond_shuffled(groups[who]))
        if any(r.final["equivariance"]["mean"] < 0.99 for r in groups[CONV]):
            return False
        nearer[width] = paired(groups[B50], groups[LOCAL], beyond_shuffled)
    return (
        all((value.mean > 0.5) == (who == CONV) for (_, who), value in excess.items())
        and all(abs(value.mean) < 0.1 for (_, who), value in excess.items() if who != CONV)
        and all(map(ahead, (excess[1, B50], excess[4, B50], excess[4, LOCAL], nearer[1])))
        and all(map(level, (excess[1, LOCAL], nearer[4])))
    )
