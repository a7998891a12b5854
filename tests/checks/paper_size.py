"""What the page paper_size says of results."""

import itertools

from checks import Checks
from lcs.cost import count_weights
from lcs.exhibits import find_study, published
from lcs.exhibits.compare import (
    by_method,
    differences,
    mean,
    nonzeros,
    remaining,
    train_accuracies,
)
from lcs.exhibits.figure4 import smooth
from lcs.exhibits.locality import pair_ratios
from lcs.exhibits.methods import B50, LOCAL, SGD

CHECKS = Checks()


@CHECKS.add
def ahead_at_the_papers_size(store):
    """β = 50 is ahead of SGD in every seed, by more than two points on average."""
    dense, sparse = _runs(store)
    gains = differences(sparse, dense)
    return min(gains) > 0 and sum(gains) / len(gains) > 2


@CHECKS.add
def fewer_weights_than_local(store):
    """β = 50 keeps less than a tenth of S-LOCAL's weights in the first layer."""
    _, sparse = _runs(store)
    return 10 * max(nonzeros(sparse)) < count_weights(sparse[0].config, LOCAL.model)["conv1"]


@CHECKS.add
def as_many_as_the_paper_shows(store):
    """They are within a half of the number in the paper's Figure 3, which is read off its axis."""
    counts = nonzeros(_runs(store)[1])
    return all(2 / 3 < count / published.FIGURE3["conv1"] < 3 / 2 for count in counts)


@CHECKS.add
def as_local_as_pruned_sgd(store):
    """Filters of β = 50 hold far more in the window than by chance, and weights are neighbours.

    Those of SGD, pruned to as many weights, hold as much: their interval contains the other's mean.
    """
    dense, sparse = (runs[0].load_filters() for runs in _runs(store))
    count = min(len(dense), len(sparse))
    found = smooth.compared(sparse[:count], dense[:count])
    own, pruned, chance = (found[kind] for kind in ("own", "pruned", "pixels"))
    ratios = pair_ratios(_runs(store)[1])
    return (
        own.mean - own.half_width > chance.mean + chance.half_width + 10
        and abs(own.mean - pruned.mean) < min(own.half_width, pruned.half_width)
        and min(each[0] for each in ratios) > 4
    )


@CHECKS.add
def lead_is_one_of_fit(store):
    """Test accuracy lies about as far below that on the training images with both methods.

    β = 50 is ahead on the training images, and the differences are within a point.
    """
    dense, sparse = _runs(store)
    fits = differences(sparse, dense, train_accuracies)
    gains = differences(sparse, dense)
    return min(fits) > 0 and all(abs(f - g) < 1 for f, g in zip(fits, gains, strict=True))


@CHECKS.add
def behind_the_paper(store):
    """SGD is behind what the paper reports for it after as many epochs, and β = 50 is not."""
    dense, sparse = map(mean, _runs(store))
    return dense < published.SHORT[SGD] < sparse


@CHECKS.add
def unstable_at_first(store):
    """Test accuracy of both methods falls by ten points between recorded epochs in the first half.

    It does so once β = 50 has fewer weights than S-LOCAL, when over a million of them return in an
    epoch and are pruned again; in the second half it falls by less than six.
    """
    found = []
    local = count_weights(_runs(store)[1][0].config, LOCAL.model)["conv1"]
    for run in (*_runs(store)[0], *_runs(store)[1]):
        curve, epochs = run.history["test_accuracy"], run.history["epoch"]
        half = next(i for i, epoch in enumerate(epochs) if epoch > run.config.epochs / 2)
        falls = [a - b for a, b in itertools.pairwise(curve)]
        found += [max(falls[:half]) > 0.1, max(falls[half:]) < 0.06]
        if run.config.beta:
            counts = run.history["nonzeros"]["conv1"]
            below = next(i for i, count in enumerate(counts) if count < local)
            found += [max(falls[below:half]) > 0.1, counts[-1] < 1e6]
            found.append(max(run.history["revived"]["conv1"][below:half]) > 1e6)
    return all(found)


@CHECKS.add
def lead_at_half_time(store):
    """The lead at the end is 0.4 to 0.6 of that in the ten recorded epochs around half time."""
    dense, sparse = _runs(store)
    epochs = sparse[0].history["epoch"]
    half = next(i for i, epoch in enumerate(epochs) if epoch > sparse[0].config.epochs / 2)
    middle = slice(half - 5, half + 5)
    leads = differences(sparse, dense, lambda runs: [_mean(r, middle) for r in runs])
    return 0.4 < sum(differences(sparse, dense)) / sum(leads) < 0.6


@CHECKS.add
def few_weights_each(store):
    """Most units have one to seven weights, and few have none or at least 20."""
    _, sparse = _runs(store)
    for run in sparse:
        units = run.final["fan_in"]["conv1"]
        few = sum(units[1:4]) / sum(units)
        if not (few > 0.6 and units[0] < 0.2 * sum(units)):
            return False
    return all(
        r.final["locality"]["eligible"] < 0.1 * sum(r.final["fan_in"]["conv1"]) for r in sparse
    )


@CHECKS.add
def other_layers(store):
    """More of the second layer remains than in the paper's Figure 3, and less of the third.

    The second has over nine tenths of all weights that remain.
    """
    _, sparse = _runs(store)
    left = sparse[0].final["nonzeros"]
    if left["fc1"] < 0.9 * sum(left.values()):
        return False
    shares = {layer: remaining(sparse, layer) for layer in ("fc1", "fc2")}
    weights = sparse[0].final["weights"]
    theirs = {layer: 100 * published.FIGURE3[layer] / weights[layer] for layer in shares}
    return min(shares["fc1"]) > theirs["fc1"] and max(shares["fc2"]) < theirs["fc2"]


def _mean(run, epochs):
    """Mean test accuracy over some recorded epochs, in per cent."""
    values = run.history["test_accuracy"][epochs]
    return 100 * sum(values) / len(values)


def _runs(store):
    """The runs of SGD and of β = 50."""
    groups = by_method(find_study("paper-size").stored("paper", store))
    return groups[SGD], groups[B50]
