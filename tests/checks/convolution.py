"""What the page convolution says of results."""

import math

from checks import ahead, check, level, records
from lcs.exhibits import convolution
from lcs.exhibits.shared.compare import by_method, by_width, mean, paired
from lcs.exhibits.shared.methods import B0, B50, CONV, LOCAL, SGD, method
from lcs.stats import mean_interval


def measured(runs):
    """Return the sharing of the first of some runs that has stored filters."""
    return convolution.measured(next(run for run in runs if run.has_filters))


@check
def sharing_is_partial_at_most(store):
    """Every run of β = 0 is beyond chance and nearer to it than to shared kernels, or not measured.

    That of the page is the nearest. S-LOCAL is at chance. Of β = 50 it cannot be told; plain SGD
    has too few compact filters, at α = 8 none.
    """
    same = by_method(records(store, "scaling-threshold"))
    width = records(store, "width")
    zero, local = measured(same[B0]), measured(by_method(records(store, "figure4"))[LOCAL])
    stored = [run for run in by_method(width)[B0] if run.has_filters]
    other = [found for run in stored if "mean" in (found := convolution.measured(run))]
    plain = [by_width(width)[8][SGD], records(store, "largest-sgd")]
    return (
        all(found["rearranged_excess"] > found["rearranged_ci95"] for found in [zero, *other])
        and max(convolution.share_of_way(found) for found in other)
        < convolution.share_of_way(zero)
        < 50
        and abs(local["rearranged_excess"]) < local["rearranged_ci95"]
        and math.isnan(convolution.share_of_way(measured(same[B50])))
        and not any("mean" in measured(runs) for runs in plain)
        and measured(plain[0])["filters"] == 0
    )


@check
def beta_50_exceeds_but_hardly_overlaps(store):
    """Most runs of β = 50 exceed rearranged weights; in none do shared kernels exceed them much."""
    names = ("width", "filters", "scaling-own", "largest", "largest-autoaugment")
    runs = [r for r in records(store, *names) if method(r.config) == B50 and r.has_filters]
    found = [one for run in runs if "mean" in (one := convolution.measured(run))]
    beyond = [one["rearranged_excess"] > one["rearranged_ci95"] for one in found]
    return (
        convolution.MIN_CONTRAST == 1 / 5
        and len(found) > 3
        and 2 * sum(beyond) > len(found)
        and all(math.isnan(convolution.share_of_way(one)) for one in found)
    )


@check
def dense_responses_are_below_chance(store):
    """At α = 1 filters of SGD respond less alike to shifted images than with shuffled weights."""
    plain = records(store, "permuted", base_channels=1, permute_pixels=False)
    return max(beyond_shuffled(by_method(plain)[SGD])) < 0


def beyond_shuffled(runs):
    """Return how far the responses of runs exceed those with shuffled weights."""
    return [run.final["equivariance"]["excess_mean"] for run in runs]


@check
def responses_of_s_fc_hardly_move(store):
    """S-CONV's successors respond exactly, over half more than with shuffled weights.

    Those of β = 50 exceed shuffled weights at both widths, by less than a tenth, those of S-LOCAL
    at α = 4 alone. β = 50 exceeds S-LOCAL at α = 1, and cannot be told from it at α = 4.
    """
    runs = records(store, "permuted", permute_pixels=False)
    narrow, wide = (by_width(runs)[width] for width in (1, 4))
    exact = [r.final["equivariance"]["mean"] for at in (narrow, wide) for r in at[CONV]]
    groups = [at[who] for at in (narrow, wide) for who in (B50, LOCAL)]
    over = [mean_interval(beyond_shuffled(runs)) for runs in groups]
    shared = [mean(at[CONV], beyond_shuffled) for at in (narrow, wide)]
    nearer, level_with = (paired(at[B50], at[LOCAL], beyond_shuffled) for at in (narrow, wide))
    return (
        min(exact) > 0.99
        and min(shared) > 0.5
        and [ahead(one) for one in over] == [True, False, True, True]
        and max(one.mean for one in over) < 0.1
        and ahead(nearer)
        and level(level_with)
    )
