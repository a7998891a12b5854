"""What the checks of the page scaling share: its runs, and how they are compared."""

import itertools

from checks import only, records
from lcs.exhibits.scaling import results
from lcs.exhibits.shared.compare import by_method, by_width, mean, paired, train_accuracies


def common(store):
    """Return the runs with one λ, by width and method."""
    return by_width(records(store, "scaling", "scaling-wide"))


def own(store):
    """Return the runs with the λ of each width, by width and method."""
    return by_width(records(store, "scaling-own"))


def augmentations(store):
    """Return the candidates with AutoAugment, and those with flips and crops, by method."""
    runs = records(store, "search-augment")
    return [by_method(only(runs, augment=name)) for name in ("autoaugment", "flip-crop")]


def gain(groups, one, other):
    return paired(groups[one], groups[other])


def means(widths, one, other):
    return [gain(at, one, other).mean for at in widths.values()]


def rises(values):
    return all(before < after for before, after in itertools.pairwise(values))


def gains_by_seed(runs, other):
    """Return the gains of β = 50 in each seed that has every width, from the smallest width on."""
    table = results.gains_by_width(runs, other)
    seeds = [at.sort_values("x").gain.tolist() for _, at in table.groupby("seed")]
    return [values for values in seeds if len(values) == table.x.nunique()]


def fit(runs):
    return mean(runs, train_accuracies)
