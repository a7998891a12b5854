"""What the page why says of results."""

import functools

import numpy as np

from checks import ahead, behind, check, judged, level, records
from lcs.exhibits import why
from lcs.exhibits.shared.compare import (
    accuracies,
    as_sgd,
    by_method,
    conditions,
    difference,
    mean,
    paired,
    pick,
    remaining,
    train_accuracies,
    without_threshold,
)
from lcs.exhibits.shared.gap import gap_closed
from lcs.exhibits.shared.methods import B0, B1, B50
from lcs.exhibits.shared.settings import REPRODUCTION_L1, STRONGER_L1, has_stronger_l1
from lcs.exhibits.shared.verdicts import sign
from lcs.exhibits.why import results
from lcs.exhibits.why.results import gain, returns
from lcs.exhibits.why.studies import equal_rates
from lcs.study import gather

SETTING_L1 = REPRODUCTION_L1["l1"]


def found_in(store, *studies):
    """The runs of some studies by condition."""
    return conditions(records(store, *studies))


def at_growing_width(store):
    """All runs at growing width, with those seeds of them that other studies have."""
    runs = gather(why.STUDIES, "desk", store=store)
    sizes = conditions([*runs["width"], *runs["wider"]])
    everything = conditions(record for records in runs.values() for record in records)
    return {config: everything[config] for config in sizes}


def mean_left(runs):
    return mean(runs, remaining)


def ranges_of_beta(store):
    """The runs of β-LASSO by λ and β, and the conditions themselves, in the setting of Table 2."""
    found = found_in(store, "betas", "lambdas", "lambdas-zero")
    return found, {(c.l1, c.beta): runs for c, runs in found.items() if c.optimizer != "sgd"}


def cost(found, l1, beta):
    """What a threshold costs at this λ, in points."""
    return -gain(found, l1=l1, beta=beta, optimizer="beta-lasso").mean


@check
def augmentation_makes_up_for_a_larger_lambda(store):
    """A larger λ makes β = 50 lose more without augmentation; with it no loss is seen."""
    found = found_in(store, "factorial")
    at = functools.partial(gain, found, beta=50, loss="bce")
    usual, strong = at(augment="none", **REPRODUCTION_L1), at(augment="none", **STRONGER_L1)
    return strong.mean < usual.mean < 0 and level(at(augment="flip-crop", **STRONGER_L1))


@check
def about_a_point_at_4_and_8(store):
    """At α = 4 and 8 the threshold gains about a point over β = 0 of the same λ."""
    found = at_growing_width(store)
    gains = [gain(found, beta=50, base_channels=width) for width in (4, 8)]
    return all(ahead(one) and 0.5 < one.mean < 1.5 for one in gains)


@check
def sparing_the_upper_layers_does_not_help(store):
    """β = 50 with λ on the first layer alone is worse than with λ everywhere."""
    found = found_in(store, "first-layer")
    alone = pick(found, beta=50, l1_rest=0, frozen_zeros=False)
    more = difference(found, alone, alone.replace(l1_rest=None))
    return behind(more)


@check
def a_threshold_costs_where_weights_may_not_return(store):
    """With λ on the first layer, frozen zeros cost β = 1 what β = 50 loses, and β = 50 no more.

    β = 1 then leaves about as few weights. With λ on every layer they cost β = 50 more.
    """
    found = found_in(store, "first-layer")
    at = functools.partial(gain, found, l1_rest=0)
    free, *costly = (
        at(beta=beta, frozen_zeros=stay)
        for beta, stay in ((1, False), (50, False), (1, True), (50, True))
    )
    equal = all(abs(one.mean - costly[0].mean) < 0.5 for one in costly)
    one, fifty = (pick(found, beta=b, l1_rest=0, frozen_zeros=b == 1) for b in (1, 50))
    as_few = abs(mean_left(found[one]) - mean_left(found[fifty])) < 2
    staying = fifty.replace(frozen_zeros=True)
    first = level(difference(found, staying, fifty))
    every = found_in(store, "frozen")
    whole = pick(every, beta=50, frozen_zeros=True)
    lost = behind(difference(every, whole, whole.replace(frozen_zeros=False)))
    usual = pick(every, beta=1, frozen_zeros=False)
    near = abs(free.mean) < 0.2 and level(free)
    near = near and level(difference(every, usual, without_threshold(usual)))
    return near and equal and as_few and first and lost and all(map(behind, costly))


@check
def every_run_from_beta_5_on_is_below_those_up_to_2(store):
    """Every run with β = 5 or more lies below every run with β up to 2; it leaves a quarter.

    That is of the seeds that all have; with more, the runs of β = 1 and 50 overlap.
    """
    runs = results.by_beta(records(store, "betas"))
    more = by_method(records(store, "table2"))
    overlap = min(accuracies(more[B1])) < max(accuracies(more[B50]))
    small, large = runs[runs.x <= 2], runs[runs.x >= 5]
    quarter = abs(runs[runs.x == 5].left.mean() - 25) < 2
    return quarter and overlap and large.accuracy.max() < small.accuracy.min()


@check
def a_larger_beta_leaves_fewer_weights(store):
    """What is left of the first layer falls over the whole range of β."""
    left = results.by_beta(records(store, "betas")).groupby("x").left.mean()
    return left.is_monotonic_decreasing


@check
def it_is_not_the_returns_alone(store):
    """With β = 5 weights return most often, in every run, and most of the cost of β = 50 is there.

    With a quarter of that λ and β = 200 hardly any returns, and little is lost.
    """
    found, runs = ranges_of_beta(store)
    often = {b: returns(at) for (l1, b), at in runs.items() if l1 == SETTING_L1 and b}
    every = min(returns([run]) for run in runs[SETTING_L1, 5])
    most = cost(found, SETTING_L1, 5) > cost(found, SETTING_L1, 50) / 2 > 0
    few = returns(runs[SETTING_L1 / 4, 200]) < 10 and cost(found, SETTING_L1 / 4, 200) < 0.35
    return max(often, key=often.get) == 5 and every > 2e6 and most and few


@check
def it_is_not_the_number_of_weights_alone(store):
    """With the largest λ, β = 10 leaves less than a hundredth of the layer, and loses little."""
    found, runs = ranges_of_beta(store)
    largest = max(l1 for l1, _ in runs)
    return mean_left(runs[largest, 10]) < 1 and cost(found, largest, 10) < 0.35


@check
def a_larger_lambda_is_better_than_the_papers(store):
    """At β = 50 a λ above the paper's is best; at a fixed threshold and at β = 0 the largest.

    At the threshold it leaves less than a hundredth of the first layer.
    """
    _, runs = ranges_of_beta(store)
    means = {key: mean(at) for key, at in runs.items()}
    largest = max(l1 for l1, _ in runs)
    best = max((key for key in means if key[1] == 50), key=means.get)[0]
    fixed = max((key for key in means if np.isclose(np.prod(key), 50 * SETTING_L1)), key=means.get)
    zero = max((key for key in means if not key[1]), key=means.get)
    few = mean_left(runs[fixed]) < 1
    return best > SETTING_L1 and fixed[0] == zero[0] == largest and few


@check
def a_larger_lambda_overfits_less(store):
    """From the smallest λ to the largest, β = 0 fits worse by over twenty points, and tests better.

    At β = 50 both fall to the largest λ.
    """
    _, runs = ranges_of_beta(store)
    zero, fifty = ([at for (_, b), at in sorted(runs.items()) if b == beta] for beta in (0, 50))
    fits = [[mean(at, train_accuracies) for at in line] for line in (zero, fifty)]
    tests = [[mean(at) for at in line] for line in (zero, fifty)]
    last = all(values[1][-1] < values[1][-2] for values in (fits, tests))
    return last and fits[0][0] - fits[0][-1] > 20 and tests[0] == sorted(tests[0])


@check
def no_difference_outlasts_the_correction(store):
    """No claim of this page is more than undecided, or decided before the correction only."""
    found = [one for one in judged(store) if one.chapter == "why"]
    signs = [sign(each.verdict) for one in found for each in one.evidence]
    decided = [one for one in signs if one.kind != "undecided" and not one.weak]
    return len(found) == len(why.CLAIMS) and not decided


@check
def own_setting_at_width_4(store):
    """Without augmentation β = 50 is behind β = 0 at α = 4 too."""
    runs = by_method(records(store, "reproduction"))
    return behind(paired(runs[B50], runs[B0]))


@check
def no_growth_is_seen_from_width_4_to_8(store):
    """The gain of β = 50 over β = 0 is undecided at α = 1, and so is its growth from α = 4 to 8."""
    found = at_growing_width(store)
    one, *wider = (pick(found, beta=50, base_channels=alpha) for alpha in (1, 4, 8))
    growth = results.contrast(found, [tuple(wider)], without_threshold)
    return level(difference(found, one, without_threshold(one))) and level(growth)


@check
def short_runs_need_a_larger_lambda(store):
    """At α = 4, up to the end of the paper's λ, β = 50 is behind β = 0 with the reproduction's λ.

    With the stronger λ it gains less on that than on β = 0 with the stronger λ: it is undecided.
    """
    found = found_in(store, "recipe")
    usual = pick(found, beta=0, **REPRODUCTION_L1)
    up_to = [c for c in found if c.beta == 50 and c.l1_rest == 1e-6 and c.l1 <= SETTING_L1]
    own = pick(found, beta=50, **STRONGER_L1)
    over_usual = difference(found, own, usual)
    over_same = gain(found, beta=50, **STRONGER_L1)
    return (
        len(up_to) == 3
        and all(behind(difference(found, config, usual)) for config in up_to)
        and level(over_usual)
        and over_usual.mean < over_same.mean
    )


@check
def a_wider_network_keeps_a_smaller_share(store):
    """At the stronger λ the share that β = 50 leaves falls with the width."""
    found = at_growing_width(store)
    sparse = sorted((c for c in found if c.beta), key=lambda config: config.base_channels)
    left = [mean_left(found[config]) for config in sparse]
    return left == sorted(left, reverse=True)


@check
def longer_training_empties_the_layer_at_the_same_cost(store):
    """From 100 to 400 epochs much less is left, and what β = 50 loses to β = 0 hardly changes."""
    found = found_in(store, "length")
    short, long = (pick(found, beta=50, epochs=epochs) for epochs in (100, 400))
    emptied = mean_left(found[long]) < mean_left(found[short]) / 2
    costs = [difference(found, config, without_threshold(config)) for config in (short, long)]
    return emptied and abs(costs[0].mean - costs[1].mean) < max(one.half_width for one in costs)


@check
def sgd_overfits_most_as_it_trains_longer(store):
    """Without augmentation every method is worse after 400 epochs than after 100, SGD most."""
    found = found_in(store, "length")
    falls = {
        config: mean(runs) - mean(found[config.replace(epochs=400)])
        for config, runs in found.items()
        if config.epochs == 100
    }
    return min(falls.values()) > 0 and max(falls, key=falls.get).optimizer == "sgd"


@check
def ahead_only_after_long_training(store):
    """β = 50 is level with SGD after 100 epochs, and ahead after 400.

    SGD after 100 is ahead of β = 50 after 400. β = 0 is ahead of SGD after either.
    """
    found = found_in(store, "length")
    sparse = {at: found[pick(found, beta=50, epochs=at)] for at in (100, 400)}
    dense = {at: found[pick(found, optimizer="sgd", epochs=at)] for at in (100, 400)}
    long, short = (paired(sparse[at], dense[at]) for at in (400, 100))
    zero = [found[pick(found, beta=0, optimizer="beta-lasso", epochs=at)] for at in (100, 400)]
    ahead_too = [paired(runs, dense[at]) for runs, at in zip(zero, (100, 400), strict=True)]
    later = paired(dense[100], sparse[400])
    return level(short) and all(map(ahead, [long, later, *ahead_too]))


@check
def a_shorter_training_closes_more(store):
    """SGD after 100 epochs closes about half of the gap between SGD and S-LOCAL after 400.

    β = 50 after 400 epochs closes less: the intervals of the two shares are apart.
    """
    found = found_in(store, "length")
    shorter = found[pick(found, optimizer="sgd", epochs=100)]
    groups = by_method(records(store, "table2"))
    share, low, _ = gap_closed(groups, shorter)
    return 45 < share < 60 and low > gap_closed(groups)[2]


@check
def what_augmentation_and_the_loss_add(store):
    """Augmentation adds more than two points to the gain over β = 0 with the stronger λ.

    With the reproduction's λ the change is undecided, in the mean over losses and with its own
    loss; over SGD it is undecided at any λ. Cross-entropy adds about a point over β = 0. At equal
    rates that is undecided.
    """
    effect = functools.partial(results.effect, found_in(store, "factorial"))
    augment = functools.partial(effect, {"augment": "flip-crop"})
    cells = (
        has_stronger_l1,
        lambda c: c.l1_rest is None,
        lambda c: c.loss == "bce" and c.l1_rest is None,
    )
    strong, *undecided = (augment(without_threshold, where) for where in cells)
    undecided += [augment(as_sgd), *(augment(as_sgd, where) for where in cells)]
    loss = effect({"loss": "cross-entropy"}, without_threshold)
    equal = effect(equal_rates, without_threshold, lambda c: c.loss == "bce")
    more = ahead(strong) and strong.mean > 2 and ahead(loss) and 0.5 < loss.mean < 1.5
    return more and all(map(level, [*undecided, equal]))


@check
def with_augmentation_no_cost_is_seen_at_the_stronger_lambda(store):
    """β = 50 is level with β = 0, within half a point; with BCE β = 0 gets worse."""
    found = found_in(store, "factorial")
    zero = {"beta": 0, "loss": "bce", **STRONGER_L1}
    bare, cropped = (found[pick(found, augment=a, **zero)] for a in ("none", "flip-crop"))
    at = functools.partial(pick, found, beta=50, augment="flip-crop", **STRONGER_L1)
    both = [at(loss=loss) for loss in ("bce", "cross-entropy")]
    gains = [difference(found, config, without_threshold(config)) for config in both]
    near = all(level(one) and abs(one.mean) < 0.5 for one in gains)
    return near and mean(cropped) < mean(bare)


@check
def returns_and_numbers_both_play_a_part(store):
    """At λ = 5e-5 β = 20 and 50 leave about as many weights; those that return are ahead."""
    _, runs = ranges_of_beta(store)
    one, other = runs[5e-5, 20], runs[5e-5, 50]
    as_many = abs(mean_left(one) - mean_left(other)) < 0.5
    better = min(run.accuracy for run in one) > max(run.accuracy for run in other)
    return as_many and returns(one) > 1e6 and returns(other) < 200 and better


@check
def precision_does_not_matter(store):
    """β = 50 has the same accuracy in bfloat16 and in float32, within a point."""
    found = found_in(store, "precision")
    config = pick(found, beta=50, precision="fp32")
    change = difference(found, config, config.replace(precision="bf16"))
    return abs(change.mean) + change.half_width < 1
