"""What the appendix of the page scaling says of results."""

import numpy as np

from checks import ahead, check, only, records
from checks.scaling_runs import common, fit, gain, means
from lcs.exhibits.shared import searches
from lcs.exhibits.shared.compare import accuracies, by_method, by_width, conditions, mean, remaining
from lcs.exhibits.shared.methods import B0, B1, B50, CONV, LOCAL, PROXIMAL, SGD, THREE, method
from lcs.exhibits.shared.settings import chosen


@check
def momentum_and_decay_for_every_network(store):
    """For every network SGD does best with both momentum and weight decay."""
    best = searches.choices(records(store, "search"), method)
    sgd = [choice.config for name, choice in best.items() if name.optimizer == "sgd"]
    return all(config.momentum and config.weight_decay for config in sgd)


@check
def lambda_at_the_whole_length(store):
    """β = 50 is best with a quarter of λ, β = 1 with half; β = 0 and proximal ℓ1 keep theirs."""
    runs = records(store, "search-long")
    whole = {name: max(run.config.l1 for run in group) for name, group in by_method(runs).items()}
    best = searches.choices(runs, method)
    shares = {name: choice.config.l1 / whole[name] for name, choice in best.items()}
    return shares == {PROXIMAL: 1, B0: 1, B1: 0.5, B50: 0.25}


@check
def lambda_decides_the_order(store):
    """β = 50 is the first of the ℓ1 methods, half a point or less ahead of itself with half of λ.

    With all of its λ it would have been the last.
    """
    best = searches.choices(records(store, "search-long"), method)
    whole, half, quarter = best[B50].means
    tops = {name: max(choice.means) for name, choice in best.items()}
    return (
        max(tops, key=tops.get) == B50 and whole < min(tops.values()) and 0 < quarter - half < 0.5
    )


@check
def baselines_keep_their_regularisation(store):
    """The best weight decay of SGD and λ of β = 0 lies between two that are worse.

    At α = 2 twice the λ is better for β = 0, by a tenth of a point; at α = 8 both keep what they
    have, and lose more than half a point with half or twice as much.
    """
    found = by_width(records(store, "search-rivals"))
    runs = {
        (alpha, name): sorted(group, key=lambda run: (run.config.weight_decay, run.config.l1))
        for alpha, at in found.items()
        for name, group in at.items()
    }
    margins = {
        key: accuracies([best])[0] - max(accuracies([less, more]))
        for key, (less, best, more) in runs.items()
    }
    less, twice, _ = accuracies(runs[2, B0])
    kept = (run.config for key, (_, run, _) in runs.items() if key[0] == 8)
    return (
        min(margins.values()) > 0
        and 0.05 < twice - less < 0.15
        and all(config == chosen(config, "s-fc", config.optimizer) for config in kept)
        and min(margins[8, SGD], margins[8, B0]) > 0.5
    )


@check
def gains_on_the_other_penalties(store):
    """β = 50 is level with the other ℓ1 methods at α = 2, at α = 4 with proximal ℓ1 alone.

    There it is ahead of β = 0 and β = 1 in the mean, at α = 8 clearly and by more than a point.
    """
    two, four, eight = (common(store)[alpha] for alpha in (2, 4, 8))
    level = [*(gain(two, B50, other) for other in (B0, B1, PROXIMAL)), gain(four, B50, PROXIMAL)]
    at_eight = [gain(eight, B50, other) for other in (B0, B1)]
    return (
        all(abs(one.mean) < 0.25 for one in level)
        and min(gain(four, B50, other).mean for other in (B0, B1)) > 0.25
        and all(ahead(one) and one.mean > 1 for one in at_eight)
    )


@check
def zero_behind_sgd(store):
    """β = 0 is behind SGD at every width, from α = 2 on by more than a point."""
    first, *others = means(common(store), B0, SGD)
    return first < 0 and max(others) < -1


@check
def convolution_last_then_ahead(store):
    """S-CONV is the last of all at α = 1, and ahead of every S-FC at α = 8."""
    first, last = ({m: mean(runs) for m, runs in common(store)[a].items()} for a in (1, 8))
    dense = [value for name, value in last.items() if name.model == "s-fc"]
    return min(first, key=first.get) == CONV and last[CONV] > max(dense)


@check
def three_layers_fall_at_the_largest_width(store):
    """S-FC is behind a 3-FC up to α = 4, ahead at α = 8, where the 3-FC falls, in its fit too."""
    widths = common(store)
    four, eight = widths[4][THREE], widths[8][THREE]
    ahead = [mean > 0 for mean in means(widths, SGD, THREE)]
    return (
        ahead == [False, False, False, True] and mean(eight) < mean(four) and fit(eight) < fit(four)
    )


@check
def momentum_and_decay_together(store):
    """For SGD neither a larger step nor momentum alone helps, weight decay alone less than a point.

    Both together add two. β = 50 lies between plain SGD and this one; a larger step is of no use
    to it either.
    """
    found = {
        (c.beta, c.lr, c.momentum, c.weight_decay): mean(runs)
        for c, runs in conditions(records(store, "momentum")).items()
    }
    plain, decayed, both = (found[0, 0.1, *rest] for rest in ((0, 0), (0, 5e-4), (0.9, 5e-4)))
    return (
        max(found[0, 1, 0, 0], found[0, 0.1, 0.9, 0]) < plain
        and 0 < decayed - plain < 1
        and 1.8 < both - plain < 2.2
        and plain < found[50, 0.1, 0, 0] < both
        and found[500, 1, 0, 0] < found[50, 0.1, 0, 0]
    )


@check
def reach_predicts_weights_not_accuracy(store):
    """Short runs with the raised λ leave fewer weights than the longest, by a factor of about two.

    Those with the same λ leave several times as many. Every method is well behind its own longest
    run, and with the raised λ β > 0 is ahead of β = 0, with the usual one behind it.
    """
    runs = conditions(records(store, "reach"))
    found = {(c.optimizer, c.epochs, c.beta, round(c.l1, 12)): r for c, r in runs.items()}
    (longest,) = (r for c, r in runs.items() if (c.beta, c.epochs) == (50, 200))
    l1 = longest[0].config.l1
    longest_sgd, whole = found["sgd", 200, 0, 0], remaining(longest)[0]
    longest_zero = found["beta-lasso", 200, 0, l1]
    for epochs, factor in ((50, 4), (100, 2)):
        pairs = [
            [found["beta-lasso", epochs, beta, round(l1 * more, 12)] for beta in (0, 50 / more)]
            for more in (1, factor)
        ]
        (zero, usual), (raised_zero, raised) = pairs
        behind = [
            mean(longest_sgd) - mean(found["sgd", epochs, 0, 0]),
            *(mean(longest_zero) - mean(one) for one in (zero, raised_zero)),
            *(mean(longest) - mean(one) for one in (usual, raised)),
        ]
        if not (
            whole / 2.3 < remaining(raised)[0] < whole < remaining(usual)[0] / 2
            and min(behind) > 1
            and mean(raised) > mean(raised_zero)
            and mean(usual) < mean(zero)
        ):
            return False
    return True


def _value(config):
    return config.l1 if config.optimizer == "beta-lasso" else config.weight_decay


@check
def best_of_twelve_still_at_the_edge(store):
    """Of η, and of decay or λ, tried with it: inside for S-FC and S-CONV, not for two others."""
    runs = records(store, "search-flips")
    at_edge = set()
    for name, choice in searches.choices(runs, method).items():
        tried = [run.config for run in runs if method(run.config) == name]
        rates = {config.lr for config in tried}
        values = {_value(config) for config in tried if config.lr == choice.config.lr}
        ends = (min(rates), max(rates), min(values), max(values))
        if choice.config.lr in ends[:2] or _value(choice.config) in ends[2:]:
            at_edge.add(name)
    return at_edge == {LOCAL, THREE}


@check
def beyond_the_edge(store):
    """Further candidates of S-LOCAL are no better; of 3-FC one is, with the largest decay."""
    known, beyond = (
        searches.choices(records(store, name), method)
        for name in ("search-flips", "search-flips-edge")
    )
    better = {name for name in beyond if max(beyond[name].means) > max(known[name].means)}
    decays = {run.config.weight_decay for run in records(store, "search-flips-edge")}
    return better == {THREE} and beyond[THREE].config.weight_decay == max(decays)


@check
def half_of_lambda_at_four_times_the_length(store):
    """With flips and crops at α = 8, at the same η: half for β = 50, as much decay for SGD."""
    short = records(store, "search-flips", lr=0.1)
    long = records(store, "search-augment", augment="flip-crop")
    first, later = (searches.choices(runs, method) for runs in (short, long))
    ratio = {name: _value(later[name].config) / _value(first[name].config) for name in (B50, SGD)}
    return abs(ratio[B50] - 0.5) < 1e-6 and ratio[SGD] == 1


@check
def precision_hardly_matters_at_width_8(store):
    """In every seed float32 changes SGD and β = 50 by less than a point, over bfloat16."""
    exact, rounded = (
        by_method(records(store, "recipe-precision", precision=precision))
        for precision in ("fp32", "bf16")
    )
    changes = [
        change
        for name in (SGD, B50)
        for change in np.subtract(*map(accuracies, (exact[name], rounded[name])))
    ]
    return max(map(abs, changes)) < 1


@check
def scale_and_biases_hardly_matter(store):
    """At α = 4 each changes SGD and β = 50 by less than a point, and the gain by less than half."""
    found = records(store, "recipe-affine")
    usual, affine, biased = (
        by_method(only(found, affine=scaled, bias=shifted))
        for scaled, shifted in ((False, False), (True, False), (False, True))
    )
    changes = [
        [mean(other[name]) - mean(usual[name]) for name in (SGD, B50)] for other in (affine, biased)
    ]
    return all(
        max(abs(sgd), abs(sparse)) < 1 and abs(sparse - sgd) < 0.5 for sgd, sparse in changes
    )
