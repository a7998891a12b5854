"""What the page scaling says of hyperparameters and augmentation, searched on validation images."""

from collections import Counter

import numpy as np

from checks import Checks, records
from checks.scaling_parts import accuracy, fit, own
from lcs.exhibits.compare import accuracies, by_method, by_width, remaining
from lcs.exhibits.methods import B0, B1, B50, CONV, LOCAL, PROXIMAL, SGD, THREE, method
from lcs.exhibits.scaling import search
from lcs.exhibits.settings import chosen

CHECKS = Checks()


@CHECKS.add
def momentum_and_decay_for_every_network(store):
    """For every network SGD does best with both momentum and weight decay."""
    best = search.choices(records(store, "search"), method)
    sgd = [choice.config for name, choice in best.items() if name.optimizer == "sgd"]
    return all(config.momentum and config.weight_decay for config in sgd)


@CHECKS.add
def searches_are_uneven(store):
    """β = 50 had over twice as many validation runs as SGD, and S-FC three times the others'."""
    runs = {run.path: run for study in search.STUDIES for run in records(store, study.name)}
    counts = Counter(method(run.config) for run in runs.values())
    others = [counts[name] for name in (LOCAL, CONV, THREE)]
    return counts[B50] > 2 * counts[SGD] and counts[SGD] >= 3 * max(others)


@CHECKS.add
def best_lambdas(store):
    """β = 50 is best at 1e-4 with few weights left, β = 0 and proximal ℓ1 at 2e-5; 2e-4 costs."""
    frame = search.search_frame(records(store, "search"))
    at = frame.groupby(["series", "x"]).mean()
    fifty, zero, proximal = (at.loc[name.short] for name in (B50, B0, PROXIMAL))
    lost = [table.accuracy.max() - table.accuracy[2e-4] for table in (fifty, zero, proximal)]
    return (
        fifty.accuracy.idxmax() == 1e-4
        and fifty.left[1e-4] < 5
        and zero.accuracy.idxmax() == proximal.accuracy.idxmax() == 2e-5
        and proximal.left.min() > 99
        and min(lost) > 3
    )


@CHECKS.add
def lambda_at_the_whole_length(store):
    """β = 50 is best with a quarter of λ, β = 1 with half; β = 0 and proximal ℓ1 keep theirs."""
    runs = records(store, "search-long")
    whole = {name: max(run.config.l1 for run in group) for name, group in by_method(runs).items()}
    best = search.choices(runs, method)
    shares = {name: choice.config.l1 / whole[name] for name, choice in best.items()}
    return shares == {PROXIMAL: 1, B0: 1, B1: 0.5, B50: 0.25}


@CHECKS.add
def lambda_decides_the_order(store):
    """β = 50 is the first of the ℓ1 methods, half a point or less ahead of itself with half of λ.

    With all of its λ it would have been the last.
    """
    best = search.choices(records(store, "search-long"), method)
    whole, half, quarter = best[B50].means
    tops = {name: max(choice.means) for name, choice in best.items()}
    return (
        max(tops, key=tops.get) == B50 and whole < min(tops.values()) and 0 < quarter - half < 0.5
    )


@CHECKS.add
def lambda_grows_at_the_largest_width(store):
    """λ stays up to α = 4, there by a narrow margin; at α = 8 twice as much is best.

    It leaves less than a hundredth of the first layer.
    """
    runs = records(store, "search-wide")
    best = search.choices(runs, lambda config: config.base_channels)
    second, first = sorted(best[4].means)[-2:]
    before = best[2].config.l1
    return (
        {width: choice.config.l1 for width, choice in best.items()}
        == {1: before, 2: before, 4: before, 8: 2 * before}
        and first - second < 0.1
        and max(remaining(own(store)[8][B50])) < 1
    )


@CHECKS.add
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


def augmentations(store):
    """Return the best and all runs of each method with AutoAugment and with flips and crops."""
    runs = records(store, "search-augment")
    return by_method([r for r in runs if r.config.augment == "autoaugment"]), by_method(
        [r for r in runs if r.config.augment == "flip-crop"]
    )


@CHECKS.add
def flips_and_crops_are_better(store):
    """Flips and crops alone gain both methods more than two points at the same regularisation.

    Their training accuracy gains about ten and seven.
    """
    strong, weak = augmentations(store)
    more, fitted = [], []
    for name in (SGD, B50):
        (before,) = strong[name]
        (after,) = (r for r in weak[name] if r.config == before.config.replace(augment="flip-crop"))
        more.append(accuracy([after]) - accuracy([before]))
        fitted.append(fit([after]) - fit([before]))
    return min(more) > 2 and np.allclose(fitted, [10, 7], rtol=0, atol=0.5)


@CHECKS.add
def flips_and_crops_elsewhere(store):
    """With flips and crops, another normalisation and λ, half as many epochs do better up to α = 4.

    At α = 8 they do as well, to a quarter of a point.
    """
    widths, others = own(store), by_width(records(store, "width"))
    pairs = {alpha: (others[alpha][B50], widths[alpha][B50]) for alpha in (1, 4, 8)}
    better = {alpha: accuracy(one) - accuracy(other) for alpha, (one, other) in pairs.items()}
    return (
        all(one[0].config.augment == "flip-crop" for one, _ in pairs.values())
        and all(2 * a[0].config.epochs == b[0].config.epochs for a, b in pairs.values())
        and min(better[1], better[4]) > 0.5
        and abs(better[8]) < 0.25
    )


@CHECKS.add
def gain_hardly_larger_with_less_augmentation(store):
    """β = 50 is ahead of SGD with both augmentations, by almost as much (0.2 points)."""
    strong, weak = (
        max(accuracies(at[B50])) - max(accuracies(at[SGD])) for at in augmentations(store)
    )
    return 0 < strong < weak < strong + 0.2


@CHECKS.add
def regularisation_with_flips_and_crops(store):
    """With flips and crops twice the weight decay is best for SGD, by little.

    β = 50 keeps its λ; twice as much leaves a fifth of its weights and costs a point.
    """
    _, weak = augmentations(store)
    usual, twice, _ = accuracies(sorted(weak[SGD], key=lambda run: run.config.weight_decay))
    less, kept, more = sorted(weak[B50], key=lambda run: run.config.l1)
    share = remaining([more])[0] / remaining([kept])[0]
    lost = accuracy([kept]) - accuracy([more])
    return (
        0 < twice - usual < 0.5
        and accuracy([kept]) > accuracy([less])
        and 0.18 < share < 0.22
        and 0.8 < lost < 1.2
    )
