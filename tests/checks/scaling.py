"""What pages that are not on lcs.analysis yet say of widths and lengths."""

from checks import check
from lcs.analysis import closed, load_runs, paired
from lcs.exhibits.shared import filter_surrogates


def by_method(store, *studies):
    return dict(list(load_runs(*studies, store=store).groupby("method", sort=False)))


@check
def behind_after_1600_epochs(store):
    """β = 50 is behind SGD after 1600 epochs, in each of two seeds."""
    of = by_method(store, "recipe-length-long")
    one, other = (of[name].set_index("seed").accuracy for name in ("β-LASSO", "tuned SGD"))
    return (one - other).max() < 0


@check
def far_behind_local_at_the_papers_size(store):
    """S-LOCAL is five points ahead of β = 50, which closes 3 to 20 % of the gap."""
    of = by_method(store, "paper-size-searched")
    share = closed(of["β-LASSO"], of["tuned SGD"], of["S-LOCAL"])
    return paired(of["S-LOCAL"], of["β-LASSO"]).mean > 5 and 3 < share.mean < 20


@check
def less_local_than_pruned_sgd(store):
    """Filters of SGD, pruned to as many weights, hold more of their mass in a window."""
    of = by_method(store, "paper-size-searched")
    sparse, dense = (of[name].record.iloc[0].load_filters() for name in ("β-LASSO", "tuned SGD"))
    count = min(len(dense), len(sparse))
    found = filter_surrogates.compared(sparse[:count], dense[:count])
    return found["pruned"].mean - found["own"].mean > 10
