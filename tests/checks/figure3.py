"""What the page figure3 says of results."""

import numpy as np

from checks import check, records
from checks.scaling_runs import own
from lcs.cost import weights_by_layer
from lcs.exhibits import figure3, find_study
from lcs.exhibits.shared.compare import (
    accuracies,
    by_method,
    by_width,
    conditions,
    mean,
    nonzeros,
    remaining,
    runs_of,
)
from lcs.exhibits.shared.methods import B1, B50, LOCAL, SGD, beta_lasso_method
from lcs.exhibits.shared.published import COUNTS
from lcs.exhibits.shared.tables import LAYERS


@check
def counts_of_the_reproduction(store):
    """After 100 epochs its first layer is ours, to a tenth of a per cent; after 400 it is not.

    Then β = 50 has more weights left in the first layer and fewer in the others; β = 1 far fewer.
    """
    runs = by_method(records(store, "table2"))
    same = mean(records(store, "length", beta=50, epochs=100), nonzeros) / COUNTS[B50, 100].conv1
    more = all(count > COUNTS[B50, 400].conv1 for count in nonzeros(runs[B50]))
    fewer = all(
        np.mean(nonzeros(runs[B50], layer)) < getattr(COUNTS[B50, 400], layer)
        for layer in ("fc1", "fc2")
    )
    far_fewer = max(nonzeros(runs[B1])) < COUNTS[B1, 400].conv1 / 2
    return abs(same - 1) < 2e-3 and more and fewer and far_fewer


@check
def beta_1_falls_late(store):
    """With β = 1 nearly all of the first layer is left at half time, less than half at the end."""
    runs = by_method(records(store, "table2"))[B1]
    early = [2 * np.array(run.history["epoch"]) <= run.config.epochs for run in runs]
    half = [figure3.left(run)[at][-1] for run, at in zip(runs, early, strict=True)]
    return min(half) > 90 and max(remaining(runs)) < 50


@check
def first_layer_and_local(store):
    """β = 50 leaves more weights than S-LOCAL has; with AutoAugment, from α = 4 on, fewer."""
    table = by_method(records(store, "table2"))
    wide = [at for width, at in own(store).items() if width >= 4]
    more, *fewer = (
        min(nonzeros(at[B50])) > at[LOCAL][0].final["weights"]["conv1"] for at in (table, *wide)
    )
    return more and wide and not any(fewer)


@check
def second_layer_more_than_half(store):
    """More than half of the second layer is left, and in wide networks it depends on λ.

    At α = 32 it is more than half, with frozen zeros a fifth to two fifths, at α = 150 half or an
    eighth.
    """
    returning = remaining(records(store, "largest-free"), "fc1")
    widest = remaining(records(store, "largest", "largest-autoaugment", "largest-searched"), "fc1")
    half = min(remaining(by_method(records(store, "table2"))[B50], "fc1")) > 50
    after, before = (
        by_method(records(store, name))[B50] for name in ("paper-size-searched", "paper-size")
    )
    return (
        half
        and min(returning) > 50
        and 15 < min(widest) < 25
        and 30 < max(widest) < 40
        and all(45 < share < 55 for share in remaining(after, "fc1"))
        and all(10 < share < 15 for share in remaining(before, "fc1"))
    )


@check
def some_of_local_sees_padding_alone(store):
    """About an eighth of S-LOCAL's first layer; without it β = 50 keeps more after 1600 epochs.

    With AutoAugment more at α = 4, and less at α = 8 and 150.
    """
    plain, *_ = find_study("masked").configs("desk", 1)
    whole = weights_by_layer(plain, "s-local")["conv1"] / weights_by_layer(plain, "s-fc")["conv1"]
    long = by_method(records(store, "recipe-length-long"))[B50]
    assert {run.config.base_channels for run in long} == {plain.base_channels}
    kept = min(remaining(long)) / 100
    own = by_width(records(store, "scaling-own"))
    wide = by_method(records(store, "paper-size-searched"))
    four, eight, widest = (remaining(runs[B50]) for runs in (own[4], own[8], wide))
    with_policy = min(four) / 100 > plain.density > max(*eight, *widest) / 100
    eighth = 1 / 9 < 1 - plain.density / whole < 1 / 7
    return eighth and with_policy and plain.density < kept < whole


@check
def a_constant_rate_is_noisy_at_the_end(store):
    """With β = 1 the seeds are more than four points apart, further than the means of the β.

    β = 50 is ahead of it in every seed.
    """
    found = conditions(records(store, "schedule"))
    noisy, sparse = (accuracies(runs_of(found, beta=beta, schedule="constant")) for beta in (1, 50))
    apart = max(noisy) - min(noisy)
    more = all(fifty > one for one, fifty in zip(noisy, sparse, strict=True))
    return more and apart > 4 and apart > abs(np.mean(noisy) - np.mean(sparse))


@check
def third_layer_loses_a_third(store):
    """Of the third layer almost a third is lost."""
    return 65 < np.mean(remaining(by_method(records(store, "table2"))[B50], "fc2")) < 75


@check
def a_constant_rate_leaves_what_the_reproduction_reports(store):
    """In each layer, within five points of its size, at β = 1 and 50; in the first within one."""
    for beta in (1, 50):
        runs = records(store, "schedule", beta=beta, schedule="constant")
        for layer in LAYERS:
            theirs, whole = COUNTS[beta_lasso_method(beta), 400], COUNTS[SGD, 400]
            share = 100 * getattr(theirs, layer) / getattr(whole, layer)
            if not abs(np.mean(remaining(runs, layer)) - share) <= (1 if layer == "conv1" else 5):
                return False
    return True


@check
def only_a_constant_rate_fits_both_counts(store):
    """Both published counts fit a constant rate, and not both fit a rising cosine.

    This leaves as many at β = 1, to a point, and three points more at β = 50.
    """

    def fits(study):
        findings = [
            claim.judge(records(store, study))
            for text, claim in figure3.CLAIMS.items()
            if claim.study == study and "as many weights" in text
        ]
        return [abs(one.evidence.mean) <= one.evidence.half_width for one in findings]

    found = conditions(records(store, "period"))
    one, fifty = (
        mean(runs_of(found, beta=beta, period=100), remaining)
        - 100 * COUNTS[beta_lasso_method(beta), 400].conv1 / COUNTS[SGD, 400].conv1
        for beta in (1, 50)
    )
    constant = fits("schedule")
    alone = len(constant) == 2 and all(constant) and not all(fits("period"))
    return alone and abs(one) < 1 and fifty > 3


@check
def law_fits_until_half_is_pruned(store):
    """With β = 50 the law predicts when half of the layer is pruned; with β = 1 it fails."""
    found = figure3.numbers(records(store, "figure3"))
    half = abs(found["half-50"] / found["half-law-50"] - 1) < 0.2
    return half and found["half-1"] > 3 * found["half-law-1"]


@check
def few_weights_return_with_beta_50(store):
    """With β = 50 at most half a per cent in an epoch, and none in the last tenth of training.

    With β = 1 the most in an epoch is more than ten times as many.
    """
    runs = by_method(records(store, "figure3"))
    most, most_of_one = (
        max(max(run.history["revived"]["conv1"]) for run in runs[of]) for of in (B50, B1)
    )
    late = [
        count
        for run in runs[B50]
        for epoch, count in zip(run.history["epoch"], run.history["revived"]["conv1"], strict=True)
        if epoch > 0.9 * run.config.epochs
    ]
    half_a_per_cent = runs[B50][0].final["weights"]["conv1"] / 200
    return not any(late) and most < half_a_per_cent and most_of_one > 10 * most
