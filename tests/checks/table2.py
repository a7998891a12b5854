"""What pages that are not on lcs.analysis yet say of Table 2."""

from checks import check
from lcs.analysis import load_runs, paired, surely


def by_method(store, study):
    return dict(list(load_runs(study, store=store).groupby("method", sort=False)))


@check
def large_threshold_costs_accuracy(store):
    """β = 50 is below β = 0 and β = 1, and above SGD."""
    of = by_method(store, "table2")
    others = ("plain ℓ1", "β-LASSO, β = 1", "plain SGD")
    return [surely(paired(of["β-LASSO"], of[other])) for other in others] == [-1, -1, 1]


@check
def ahead_only_after_long_training(store):
    """β = 50 is ahead of SGD after 400 epochs, and behind SGD after 100."""
    of = by_method(store, "table2")
    early = load_runs("length", store=store, method="plain SGD", epochs=100)
    lead = surely(paired(of["β-LASSO"], of["plain SGD"]))
    return lead == 1 and paired(early, of["β-LASSO"]).mean > 0


@check
def a_larger_lambda_is_better_than_the_papers(store):
    """Without a threshold, and at a fixed one, the largest λ is the best."""
    free = load_runs("lambdas-zero", store=store)
    swept = load_runs("lambdas", store=store)
    fixed = swept[(swept.beta * swept.l1).round(9) == 1e-3]
    means = [runs.groupby("l1").accuracy.mean() for runs in (free, fixed)]
    return all(mean.idxmax() == mean.index.max() for mean in means)


@check
def svhn_and_resnet_are_not_run(store):
    """Of the paper's data sets and networks, there is no run on SVHN and none of a ResNet18."""
    every = load_runs(store=store)
    return not ((every.dataset == "svhn") | (every.model == "resnet18")).any()
