"""What the page paper_size says of results."""

from checks import Checks
from lcs.cost import count_weights
from lcs.exhibits import find_study, published
from lcs.exhibits.compare import by_method, mean_accuracy, nonzeros, remaining, train_accuracies
from lcs.exhibits.locality import beyond_chance
from lcs.exhibits.methods import B50, LOCAL, SGD

CHECKS = Checks()


@CHECKS.add
def ahead_at_the_papers_size(store):
    """β = 50 is ahead of SGD in every seed, by more than two points on average."""
    dense, sparse = _runs(store)
    each = all(a.accuracy > b.accuracy for a, b in zip(sparse, dense, strict=True))
    return each and mean_accuracy(sparse) > mean_accuracy(dense) + 2


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
def local_beyond_chance_and_sgd(store):
    """The window holds far more than by chance, and the excess is over twice that of SGD."""
    dense, sparse = (beyond_chance(runs) for runs in _runs(store))
    return min(sparse) > 20 and min(sparse) > 2 * max(dense)


@CHECKS.add
def sgd_fits_its_images_less_well(store):
    """SGD classifies fewer of its training images, and of the augmented ones, than β = 50."""
    dense, sparse = _runs(store)
    augmented = [mean_accuracy(r, _while_trained) for r in (dense, sparse)]
    plain = [mean_accuracy(r, train_accuracies) for r in (dense, sparse)]
    return augmented[0] < augmented[1] and plain[0] < plain[1]


@CHECKS.add
def behind_the_paper(store):
    """SGD is behind what the paper reports for it after as many epochs."""
    dense, _ = _runs(store)
    return mean_accuracy(dense) < published.SHORT[SGD]


@CHECKS.add
def three_phases(store):
    """Once there are fewer weights than S-LOCAL's, test accuracy collapses and weights return.

    Until then β = 50 leads by less than three points, by the mean of the last ten recorded epochs;
    in the second half of the training no epoch falls behind the one before by five points, and at
    its beginning the lead is larger than at its end.
    """
    dense, sparse = _runs(store)
    local = count_weights(sparse[0].config, LOCAL.model)["conv1"]
    found = []
    for one, other in zip(sparse, dense, strict=True):
        curve = one.history["test_accuracy"]
        lead = [a - b for a, b in zip(curve, other.history["test_accuracy"], strict=True)]
        counts, epochs = one.history["nonzeros"]["conv1"], one.history["epoch"]
        below = next(i for i, count in enumerate(counts) if count < local)
        half = next(i for i, epoch in enumerate(epochs) if epoch > one.config.epochs / 2)
        returned = max(one.history["revived"]["conv1"][below:half])
        falls = [a - b for a, b in zip(curve[half:], curve[half + 1 :], strict=False)]
        found += [
            sum(lead[below - 10 : below]) / 10 < 0.03,
            min(curve[below:half]) < 0.3 and returned > 1e6,
            max(falls) < 0.05,
            sum(lead[half - 5 : half + 5]) / 10 > sum(lead[-10:]) / 10 > 0,
        ]
    return all(found)


@CHECKS.add
def other_layers(store):
    """More of the second layer remains than in the paper's Figure 3, and less of the third."""
    _, sparse = _runs(store)
    shares = {layer: remaining(sparse, layer) for layer in ("fc1", "fc2")}
    weights = sparse[0].final["weights"]
    theirs = {layer: 100 * published.FIGURE3[layer] / weights[layer] for layer in shares}
    return min(shares["fc1"]) > theirs["fc1"] and max(shares["fc2"]) < theirs["fc2"]


def _while_trained(runs):
    return [100 * run.final["train_accuracy"] for run in runs]


def _runs(store):
    """The runs of SGD and of β = 50."""
    groups = by_method(find_study("paper-size").stored("paper", store))
    return groups[SGD], groups[B50]
