"""What the page figure3 says of results."""

import functools

import numpy as np
import pandas

from checks import check, only, records
from checks.scaling_runs import own
from lcs import theory
from lcs.cost import weights_by_layer
from lcs.exhibits import figure3, find_study
from lcs.exhibits.shared.compare import (
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
from lcs.runs import readable


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


@functools.cache
def tested(store):
    """Return the runs that the law of the reach is compared with, and their ratios to it."""
    table = figure3.law_frame(readable(store))
    width = [config.base_channels for config in table.config]
    return table.assign(width=width, ratio=table.actual / table.predicted)


@check
def wide_networks_follow_the_reach(store):
    """Half is pruned within a twentieth of the predicted epoch from α = 16 on, at 8 in a tenth.

    Until then, from α = 16 on, two points of the layer or less lie between the shares.
    """
    table = tested(store)
    half = all(
        abs(runs.ratio - 1).max() < most
        for runs, most in ((table[table.width >= 16], 0.05), (table[table.width == 8], 0.1))
    )
    wide = set(table[table.width >= 16].config)
    away = []
    for run in readable(store):
        if run.kind != "toy" and run.config.replace(seed=0) in wide:
            kept = figure3.left(run)
            law = 100 * theory.remaining_share(run.config)[np.array(run.history["epoch"]) - 1]
            away += [*abs(kept - law)[kept > 50]]
    return half and {config.base_channels for config in wide} == {16, 32, 150} and max(away) < 2


@check
def narrow_networks_lose_weights_earlier(store):
    """Up to α = 4 more than 98 % of runs prune half before the predicted epoch.

    At α = 1 and 2 all do with cross-entropy on CIFAR, by more than a tenth; the least ratio is
    between a half and 0.6.
    """
    table = tested(store)
    narrow = table[table.width <= 4]
    photos = narrow[(narrow.width <= 2) & (narrow.data == "cross-entropy")]
    early = (narrow.ratio < 1).mean() > 0.98 and photos.ratio.max() < 0.9
    return early and 0.5 < narrow.ratio.min() < 0.6


@check
def wider_networks_are_nearer_to_the_reach(store):
    """Of conditions that differ in width alone the wider is nearer to the prediction, always."""
    table = tested(store)
    rest = [config.replace(base_channels=1) for config in table.config]
    away = [
        [*abs(runs.groupby("width").ratio.mean() - 1)]
        for _, runs in table.groupby(pandas.Series(rest, table.index), sort=False)
    ]
    several = [group for group in away if len(group) > 1]
    return bool(several) and all(group == sorted(group, reverse=True) for group in several)


@check
def smaller_gradients_are_nearer_to_the_reach(store):
    """With cross-entropy at η/10, 10λ and β/10, and with the binary one, half is pruned later.

    In every run, with and without augmentation and with both λ, and within a tenth of the
    prediction; with cross-entropy as it is, more than a fifth too early.
    """
    runs = conditions(only(records(store, "factorial"), optimizer="beta-lasso"))
    ratios = {"usual": [], "equal": [], "bce": []}
    for config, group in runs.items():
        if config.beta:
            name = "equal" if config.beta < 50 else "bce" if config.loss == "bce" else "usual"
            predicted = figure3.half_pruned(*figure3.law(config))
            ratios[name] += [half / predicted for half in figure3.halves(group)]
    weak = [*ratios["equal"], *ratios["bce"]]
    return max(ratios["usual"]) < 0.8 and 0.9 < min(weak) <= max(weak) < 1


@check
def beta_1_follows_the_reach_with_frozen_zeros(store):
    """Half is pruned within a tenth of the prediction; without, after more than three times it."""
    found = conditions(only(records(store, "frozen"), beta=1))
    ratios = {
        config.frozen_zeros: np.array(figure3.halves(runs))
        / figure3.half_pruned(*figure3.law(config))
        for config, runs in found.items()
    }
    return max(abs(ratios[True] - 1)) < 0.1 and min(ratios[False]) > 3


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
