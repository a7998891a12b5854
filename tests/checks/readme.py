"""What README.md says of results."""

import numpy as np

from checks import Checks, ahead, behind, level, records
from checks.reproduce import nothing_at_the_papers_size
from lcs.exhibits import published
from lcs.exhibits.compare import (
    accuracies,
    as_sgd,
    by_method,
    by_width,
    conditions,
    difference,
    paired,
    remaining,
    without_threshold,
)
from lcs.exhibits.locality import beyond_chance
from lcs.exhibits.methods import B0, B50, LOCAL, PROXIMAL, SGD

CHECKS = Checks()
CHECKS.add(nothing_at_the_papers_size)


@CHECKS.add
def beta_lasso_beats_sgd(store):
    """At α = 1, after 400 epochs, every β-LASSO is better than SGD."""
    runs = by_method(records(store, "table2"))
    return all(ahead(paired(runs[m], runs[SGD])) for m in runs if m.optimizer == "beta-lasso")


@CHECKS.add
def after_100_epochs_level_with_sgd(store):
    """After 100 epochs β = 50 cannot be told from SGD."""
    found = conditions(records(store, "length"))
    (short,) = (config for config in found if config.beta == 50 and config.epochs == 100)
    return level(difference(found, short, as_sgd(short)))


@CHECKS.add
def large_beta_costs_accuracy(store):
    """β = 50 is below β = 0 and below β = 1."""
    runs = by_method(records(store, "table2"))
    smaller = [m for m in runs if m.optimizer == "beta-lasso" and m.beta < 50]
    return all(behind(paired(runs[B50], runs[m])) for m in smaller)


@CHECKS.add
def local_only_a_little(store):
    """The window of β = 50 holds less than five points more than by chance."""
    each = beyond_chance(by_method(records(store, "table2"))[B50])
    return 0 < min(each) <= max(each) < 5


@CHECKS.add
def lost_where_a_quarter_is_left(store):
    """Every β that leaves about a quarter of the first layer, or less, is below every other."""
    by_beta = {}
    for run in records(store, "betas"):
        if run.config.optimizer != "sgd":
            by_beta.setdefault(run.config.beta, []).append(run)
    few = {beta for beta, runs in by_beta.items() if np.mean(remaining(runs)) < 27}
    mean = {beta: np.mean(accuracies(runs)) for beta, runs in by_beta.items()}
    return min(mean[b] for b in mean.keys() - few) > max(mean[b] for b in few) and min(few) == 5


def alone(store):
    """Differences from β = 0 with λ on the first layer alone, by β and whether zeros stay."""
    runs = [run for run in records(store, "first-layer") if run.config.l1_rest == 0]
    found = conditions(runs)
    return {
        (config.beta, config.frozen_zeros): difference(found, config, without_threshold(config))
        for config in found
        if config.beta
    }


@CHECKS.add
def beta_1_costs_if_zeros_stay(store):
    """β = 1 costs nothing to be seen, but about as much as β = 50 once zeros stay zero."""
    cost = alone(store)
    frozen = all(behind(cost[one]) for one in ((1, True), (50, False), (50, True)))
    free = level(cost[1, False]) and abs(cost[1, False].mean) < 0.2
    return free and frozen and abs(cost[1, True].mean - cost[50, False].mean) < 0.5


@CHECKS.add
def beta_5_costs_although_weights_return(store):
    """With β = 5 weights return millions of times, and more than half of β = 50's cost is there."""
    found = conditions(records(store, "betas"))
    (five,), (fifty,) = ([c for c in found if c.beta == beta] for beta in (5, 50))
    returns = np.mean([sum(run.history["revived"]["conv1"]) for run in found[five]])
    cost, most = (difference(found, c, without_threshold(c)).mean for c in (five, fifty))
    return returns > 2e6 and cost < most / 2 < 0


@CHECKS.add
def no_cost_at_width_1_gain_beyond(store):
    """By the recipe with the stronger λ: no cost at α = 1; a gain at α = 4 and 8.

    Over β = 0 of the same λ, and over plain SGD.
    """
    found = conditions(records(store, "factorial", "recipe", "width"))
    sparse = {c.base_channels: c for c in conditions(records(store, "width")) if c.beta}
    gains = {
        width: [difference(found, c, other(c)) for other in (without_threshold, as_sgd)]
        for width, c in sparse.items()
    }
    return not behind(gains[1][0]) and all(ahead(g) for w in (4, 8) for g in gains[w])


@CHECKS.add
def threshold_undoes_locality(store):
    """By the window, β = 50 is less local than β = 0 of the same λ in every cell."""
    found = conditions(records(store, "factorial"))
    return all(
        paired(runs, found[without_threshold(config)], beyond_chance).mean < 0
        for config, runs in found.items()
        if config.beta
    )


@CHECKS.add
def sgd_ahead_up_to_width_4(store):
    """By the paper's recipe SGD is ahead at α = 1, 2 and 4, by less at each step from 2 on.

    At α = 8 the two cannot be told apart.
    """
    grown = by_width(records(store, "scaling", "scaling-wide"))
    lead = {width: paired(at[SGD], at[B50]) for width, at in grown.items()}
    return (
        all(ahead(lead[width]) for width in (1, 2, 4))
        and lead[2].mean > lead[4].mean > lead[8].mean
        and level(lead[8])
    )


@CHECKS.add
def own_lambda_ahead_at_width_8(store):
    """With λ of its own, β = 50 is ahead of SGD at α = 8 by about half a point, of many seeds."""
    groups = by_method(records(store, "scaling-seeds"))
    gain = paired(groups[B50], groups[SGD])
    return len(groups[SGD]) >= 5 and 0.25 < gain.mean < 0.75 and ahead(gain)


@CHECKS.add
def threshold_does_it(store):
    """At the λ of β = 50, β = 0 and proximal ℓ1 are clearly behind SGD, and β = 50 is not."""
    groups = by_method(records(store, "scaling-threshold"))
    gains = {name: paired(groups[name], groups[SGD]) for name in (B0, PROXIMAL, B50)}
    return behind(gains[B0]) and behind(gains[PROXIMAL]) and gains[B50].mean > 0


@CHECKS.add
def gap_hardly_closed(store):
    """Of the gap between SGD and S-LOCAL β = 50 closes a quarter at α = 1, under a tenth at 8."""

    def closed(study):
        *_, groups = by_width(records(store, study)).values()
        gain, gap = (paired(groups[name], groups[SGD]).mean for name in (B50, LOCAL))
        return gain / gap

    return 0.2 < closed("table2") < 0.3 and 0 < closed("scaling-own") < 0.1


@CHECKS.add
def less_augmentation_is_better_at_this_length(store):
    """At α = 8, on validation images, both gain over two points, and stay as close."""
    best = {}
    for run in records(store, "search-augment"):
        key = run.config.augment, run.config.optimizer
        best[key] = max(best.get(key, 0.0), 100 * run.accuracy)
    weak, strong = (
        {m: best[augment, m] for m in ("sgd", "beta-lasso")}
        for augment in ("flip-crop", "autoaugment")
    )
    gaps = [at["beta-lasso"] - at["sgd"] for at in (weak, strong)]
    return min(weak[m] - strong[m] for m in weak) > 2 and abs(gaps[0] - gaps[1]) < 0.3


@CHECKS.add
def width_32_on_two_cores(store):
    """β = 50 at α = 32, with flips and crops and zeros that stay, in less than two hours.

    It passes the paper's SGD at α = 150 after as many epochs, and is almost three points ahead of
    SGD at α = 32; with AutoAugment it stays just below. All in one seed.
    """
    (run,), (dense,), (strong,) = (
        records(store, name) for name in ("showpiece", "showpiece-sgd", "showpiece-autoaugment")
    )
    config, paper = run.config, published.SHORT[SGD]
    gain = 100 * (run.accuracy - dense.accuracy)
    return (
        (config.base_channels, config.epochs, config.augment) == (32, 400, "flip-crop")
        and config.frozen_zeros
        and run.provenance["seconds"] < 2 * 3600
        and 100 * run.accuracy > paper
        and (dense.config.augment, dense.config.epochs) == (config.augment, config.epochs)
        and 2.5 < gain < 3
        and 0 < paper - 100 * strong.accuracy < 0.5
    )
