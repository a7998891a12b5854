"""What the page figure4 says of results."""

import functools

import numpy as np

from checks import above, ahead, behind, check, only, records
from checks.scaling_runs import common, own
from lcs.exhibits.shared import filter_surrogates
from lcs.exhibits.shared.compare import (
    as_sgd,
    by_method,
    conditions,
    matches,
    mean,
    paired,
    remaining,
    runs_of,
    widest,
    without_threshold,
)
from lcs.exhibits.shared.locality import (
    beyond_chance,
    clustering_ranges,
    pair_correlation,
    share_measured,
)
from lcs.exhibits.shared.methods import B0, B1, B50, LOCAL, SGD
from lcs.exhibits.shared.settings import STRONGER_L1
from lcs.exhibits.table2 import AUGMENTED_CROSS_ENTROPY
from lcs.measure import half_distance, locality


def spread(runs):
    return beyond_chance(runs, "spread")


def window(runs):
    """Mean of the excess window share, in points."""
    return mean(runs, beyond_chance)


def sparse_cells(store):
    """Conditions of the factorial with a threshold, of all conditions of it."""
    found = conditions(records(store, "factorial"))
    return found, [config for config in found if config.beta]


@check
def threshold_makes_filters_less_local(store):
    """β = 50 is behind β = 0 of the same λ in every cell, clearly so with the stronger λ."""
    found, sparse = sparse_cells(store)
    return all(
        behind(less) if config.l1_rest else less.mean < 0
        for config in sparse
        for less in [paired(found[config], found[without_threshold(config)], beyond_chance)]
    )


@check
def shares_themselves_differ_less(store):
    """With cross-entropy, augmentation and the stronger λ: β = 50 less β = 0, without the null."""
    found, cells = sparse_cells(store)
    wanted = {"loss": "cross-entropy", "augment": "flip-crop", "lr": 0.1, **STRONGER_L1}
    (sparse,) = (config for config in cells if matches(config, wanted))
    runs, dense = found[sparse], found[without_threshold(sparse)]

    def share(run):
        return 100 * run.final["locality"]["window_mass"]["mean"]

    raw = np.mean([share(r) for r in runs]) - np.mean([share(r) for r in dense])
    return window(runs) - window(dense) < raw < 0


@check
def augmentation_raises_locality(store):
    """Flips and crops raise the excess window share in every cell of the factorial.

    By more than ten points for β = 50 with cross-entropy at the usual η and the stronger λ.
    """
    found = conditions(records(store, "factorial"))
    more = {
        config: paired(found[config.replace(augment="flip-crop")], found[config], beyond_chance)
        for config in found
        if config.augment == "none"
    }
    both = {"loss": "cross-entropy", "lr": 0.1, "beta": 50, **STRONGER_L1}
    (largest,) = (gain for config, gain in more.items() if matches(config, both))
    return all(gain.mean > 0 for gain in more.values()) and largest.mean > 10 + largest.half_width


@check
def penalty_and_augmentation_need_each_other(store):
    """With augmentation β = 0 gains more over SGD than without it: the stronger λ, each loss.

    With cross-entropy at the usual η it has about three times the points of SGD there.
    """
    found = conditions(records(store, "factorial"))
    strong = [config for config in found if config.l1_rest and not config.beta]
    bare = [config for config in strong if config.augment == "none"]

    def gain(config):
        return window(found[config]) - window(found[as_sgd(config)])

    (usual,) = (c for c in strong if c not in bare and (c.loss, c.lr) == ("cross-entropy", 0.1))
    times = window(found[usual]) / window(found[as_sgd(usual)])
    return 2.8 < times < 3.2 and all(
        gain(config.replace(augment="flip-crop")) > gain(config) > 0 for config in bare
    )


@check
def stronger_lambda_or_cross_entropy(store):
    """With augmentation the window of β = 50 gains little only with both binary loss and weak λ."""
    found, sparse = sparse_cells(store)
    cropped = [c for c in sparse if c.augment == "flip-crop" and (c.loss == "bce" or c.lr == 0.1)]
    faint = {c: window(found[c]) for c in cropped if c.loss == "bce" and not c.l1_rest}
    return max(faint.values()) * 2 < min(window(found[c]) for c in cropped if c not in faint)


@check
def sgd_with_momentum_and_decay(store):
    """With one λ for all widths it is up to four points behind β = 50; with λ of α = 8, far."""
    gaps = [window(at[B50]) - window(at[SGD]) for at in common(store).values()]
    tuned = own(store)[8]
    return min(gaps) > 0 and max(gaps) < 4 and window(tuned[B50]) - window(tuned[SGD]) > 10


@check
def local_but_barely(store):
    """β = 50 is local beyond chance, by less than 5 points, and a little more than SGD."""
    runs = by_method(records(store, "table2"))
    more = paired(runs[B50], runs[SGD], beyond_chance)
    closer = paired(runs[B50], runs[SGD], spread)
    return 0 < window(runs[B50]) < 5 and ahead(more) and more.mean < 2 and behind(closer)


@check
def smaller_beta_is_more_local(store):
    """The runs with β = 0 and β = 1 are more local than those of β = 50, by window and spread."""
    runs = by_method(records(store, "figure4"))
    return all(
        ahead(paired(runs[other], runs[B50], lambda one: sign * np.array(beyond_chance(one, name))))  # noqa: B023
        for other in (B0, B1)
        for name, sign in (("window_mass", 1), ("spread", -1))
    )


@check
def beta_0_is_local_without_zeros(store):
    """With every weight left, β = 0 has more than twenty points beyond chance in some cell."""
    found = conditions(records(store, "factorial"))
    zero = [runs for c, runs in found.items() if c.optimizer == "beta-lasso" and not c.beta]
    best = max(zero, key=window)
    return window(best) > 20 and min(remaining(best)) > 99.9


@check
def locality_grows_with_lambda(store):
    """At α = 4 β = 50 has the more points, the larger λ, and the fewer weights remain.

    About three quarters with the smallest, less than one per cent with the largest, where less than
    a third of the filters can be measured.
    """
    found = conditions(records(store, "recipe", beta=50.0))
    weaker, *_, strongest = ordered = sorted(found, key=lambda c: (c.l1, c.l1_rest))
    points = [window(found[config]) for config in ordered]
    most, least = (mean(found[config], remaining) for config in (weaker, strongest))
    measured = [share_measured(run) for run in found[strongest]]
    return (
        points == sorted(points)
        and {config.base_channels for config in found} == {4}
        and 72 < most < 78
        and least < 1
        and max(measured) < 1 / 3
    )


@check
def crops_make_weights_gather(store):
    """Neighbours are twice as frequent with crops, and two pixels do most of that already.

    With flips alone more weights are left.
    """
    shifts = sorted(conditions(records(store, "crops")).items(), key=lambda one: one[0].crop_shift)
    near = [np.mean([pair_correlation(run)[0] for run in runs]) for _, runs in shifts]
    kept = [np.mean(remaining(runs)) for _, runs in shifts]
    return (
        2 * near[0] < near[2]
        and near[1] - near[0] > 2 * (max(near) - near[1])
        and kept[0] == max(kept)
    )


@check
def range_does_not_follow_the_shift(store):
    """The range is larger without crops, and differs by less than a pixel with twice the shift."""
    found = conditions(records(store, "crops"))
    shown = {config.crop_shift: runs for config, runs in found.items()}
    narrower = paired(shown[0], shown[4], clustering_ranges)
    wider = paired(shown[8], shown[4], clustering_ranges)
    return ahead(narrower) and abs(wider.mean) + wider.half_width < 1


@check
def only_the_core_grows(store):
    """The half distance grows by a pixel from no crops to any, and not with their shift."""
    shifts = conditions(records(store, "crops"))
    half = {
        config.crop_shift: np.mean([half_distance(pair_correlation(run)) for run in runs])
        for config, runs in shifts.items()
    }
    some = [value for shift, value in half.items() if shift]
    return half[0] + 1 <= min(some) and max(some) - min(some) < 0.3


@check
def random_positions_reach_most_of_the_excess(store):
    """SGD on random positions, and dense, has over two thirds of the excess of β = 50, not all.

    At α = 1 and 4. Neighbours are as frequent as by chance at random positions, with β = 50 more.
    """
    for study in ("rivals", "rivals-wider"):
        runs = records(store, study, pruning="none", frozen_zeros=False, model="s-fc")
        sparse, dense = only(runs, beta=50.0), only(runs, optimizer="sgd")
        random = records(store, study, pruning="random")
        near, chance = (
            np.mean([pair_correlation(run)[0] for run in group]) for group in (sparse, random)
        )
        for group in (random, dense):
            share = window(group) / window(sparse)
            if not (share > 2 / 3 and ahead(paired(sparse, group, beyond_chance))):
                return False
        if not (abs(chance - 1) < 0.1 and near > 1.5):
            return False
    return True


@check
def open_order(store):
    """At the largest width SGD is far less local than β = 50, and that less than β = 0 of its λ.

    The window of β = 50 holds ten times as many points beyond chance as by the reproduction.
    """
    wide = widest(records(store, "width"))
    sparse = wide[B50]
    zero = only(wide[B0], l1=sparse[0].config.l1)
    first = by_method(records(store, "figure4"))[B50]
    least = max(5 * window(wide[SGD]), 10 * window(first))
    return least < window(sparse) < window(zero)


@check
def windows_of_the_recipe(store):
    """With its own λ β = 50 is more than ten points ahead of SGD, β = 0 with that λ of β = 50.

    SGD is more local than without augmentation by ten points, S-LOCAL than all by twenty.
    """
    tuned, same = own(store)[8], by_method(records(store, "scaling-threshold"))
    first = by_method(records(store, "figure4"))[SGD]
    sgd, sparse, zero = window(tuned[SGD]), window(tuned[B50]), window(same[B0])
    return (
        sparse > sgd + 10
        and zero > sparse
        and sgd > window(first) + 10
        and window(tuned[LOCAL]) > zero + 20
    )


@check
def few_units_have_enough_weights(store):
    """At α = 8 with twice the λ less than half of the units have the 20 weights that it takes."""
    run = own(store)[8][B50][0]
    return run.final["locality"]["eligible"] < sum(run.final["fan_in"]["conv1"]) / 2


@check
def zero_pruned_is_more_local_at_width_1(store):
    """With flips and crops and cross-entropy, pruned to as many weights in the layer."""
    found = conditions(records(store, "factorial"))
    fields = {**AUGMENTED_CROSS_ENTROPY, **STRONGER_L1}
    zero, sparse = (runs_of(found, beta=beta, **fields)[0] for beta in (0, 50))
    filters = zero.load_filters()
    sizes = filters.abs().flatten()
    kept = round(remaining([sparse])[0] / 100 * len(sizes))
    pruned = filters * (filters.abs() >= sizes.topk(kept).values[-1])
    one, other = (each["window_mass"] for each in (locality(pruned), sparse.final["locality"]))
    spreads = one["excess_ci95"] + other["excess_ci95"]
    return one["excess_mean"] - other["excess_mean"] > spreads


@check
def zero_pruned_is_as_local(store):
    """At α = 4 and 8 filters of β = 0, pruned as those of β = 50 are, cannot be told from them."""
    runs = [r for r in records(store, "width", l1=STRONGER_L1["l1"]) if r.has_filters]
    at = {r.config.base_channels: r for r in runs if r.config.beta}
    pairs = [
        (at[r.config.base_channels], r)
        for r in runs
        if not r.config.beta and r.config.base_channels in at
    ]
    found = [filter_surrogates.compared(*(r.load_filters() for r in pair)) for pair in pairs]
    return at.keys() == {4, 8} and not any(
        above(one["own"], one["pruned"]) or above(one["pruned"], one["own"]) for one in found
    )


@functools.cache
def smooth_rows(store):
    """Return the rows of `filter_surrogates.frame`: once for a store, as this takes seconds."""
    groups = (["width"], ["largest", "largest-sgd"], ["paper-size-searched"], ["paper-size"])
    return filter_surrogates.frame([records(store, *names) for names in groups])


@check
def penalty_is_beyond_smoothness(store):
    """β = 0 with the stronger λ is clearly more local than with pixels or phases at random.

    At α = 8 its window holds more than three times as much as with random phases.
    """
    rows = smooth_rows(store)
    zero = rows[rows.method == B0.shortest]
    strong = zero[zero.l1 == zero.l1.max()].to_dict("records")
    return {row["width"] for row in strong} == {4, 8} and all(
        above(row["own"], row[kind])
        and (row["width"] == 4 or row["own"].mean > 3 * row["phases"].mean)
        for row in strong
        for kind in ("pixels", "phases")
    )


@check
def random_phases_are_weak_for_sparse_filters(store):
    """The window of β = 50 holds no more with random phases than with permuted pixels."""
    rows = smooth_rows(store)
    sparse = rows[rows.method == B50.shortest].to_dict("records")
    return len(sparse) > 2 and all(row["phases"].mean <= row["pixels"].mean for row in sparse)


@check
def beside_plain_sgd_at_8(store):
    """At α = 8 β = 50 is clearly more local than every reference; at 4 not than pruned SGD.

    At α = 8 its window holds more than twice as much as with random phases, and the stored filters
    more than all of the run.
    """
    rows = smooth_rows(store)
    (run,) = records(store, "width", base_channels=8, beta=50, seed=0, l1=STRONGER_L1["l1"])
    every = 100 * run.final["locality"]["window_mass"]["mean"]
    plain = rows[(rows.method == B50.shortest) & (rows.momentum == 0)]
    at = {row["width"]: row for row in plain.to_dict("records")}
    references = [kind for kind in filter_surrogates.KINDS if kind != "own"]
    return (
        all(above(at[8]["own"], at[8][kind]) for kind in references)
        and at[8]["own"].mean > max(every, 2 * at[8]["phases"].mean)
        and not above(at[4]["own"], at[4]["pruned"])
        and not above(at[4]["pruned"], at[4]["own"])
    )


@check
def pruned_sgd_is_as_local(store):
    """Filters of SGD with momentum and decay, pruned, are on average at least as local as β = 50's.

    At α = 32 and at 150. At α = 32 β = 50 cannot be told from those with random phases either.
    """
    rows = smooth_rows(store)
    tuned = rows[rows.momentum > 0].to_dict("records")
    return {row["width"] for row in tuned} == {32, 150} and all(
        row["pruned"].mean >= row["own"].mean
        and not (row["width"] == 32 and above(row["own"], row["pruned_phases"]))
        for row in tuned
    )
