"""What the page convolution says of results."""

import math

from checks import Checks, records
from lcs.exhibits import convolution
from lcs.exhibits.compare import by_method, by_width
from lcs.exhibits.methods import B0, B1, B50, CONV, LOCAL, SGD
from lcs.stats import mean_interval

CHECKS = Checks()


def measured(runs):
    """Return the sharing of the first of some runs that has stored filters."""
    return convolution.measured(next(run for run in runs if run.has_filters))


@CHECKS.add
def sharing_is_partial_at_most(store):
    """β = 0 is beyond chance and nearer to it than to shared kernels; S-LOCAL is at chance.

    Of β = 50 it cannot be told; plain SGD, and every S-FC of the reproduction's setting, has too
    few local filters.
    """
    same = by_method(records(store, "scaling-threshold"))
    first = by_method(records(store, "figure4"))
    zero, local = measured(same[B0]), measured(first[LOCAL])
    plain = by_width(records(store, "width"))[8][SGD]
    dense = [plain, *(first[name] for name in (SGD, B0, B1, B50)), records(store, "showpiece-sgd")]
    return (
        zero["rearranged_excess"] > zero["rearranged_ci95"]
        and convolution.way(zero) < 50
        and abs(local["rearranged_excess"]) < local["rearranged_ci95"]
        and math.isnan(convolution.way(measured(same[B50])))
        and not any("mean" in measured(runs) for runs in dense)
    )


@CHECKS.add
def responses_of_s_fc_do_not_move(store):
    """Beyond shuffled weights S-CONV's successors exceed half, β = 50 has as little as S-LOCAL."""
    runs = [r for r in records(store, "permuted") if not r.config.permute_pixels]
    for groups in by_width(runs).values():
        excess, mean = (
            {
                m: mean_interval([r.final["equivariance"][name] for r in groups[m]]).mean
                for m in groups
            }
            for name in ("excess_mean", "mean")
        )
        few = all(abs(excess[name]) < 0.1 for name in (B50, LOCAL))
        if not (few and excess[CONV] > 0.5 and mean[CONV] > 0.99):
            return False
    return True
