"""What the page claims says of results."""

from checks import check, records
from lcs.exhibits import published
from lcs.exhibits.compare import accuracies, by_method, mean
from lcs.exhibits.methods import SGD
from lcs.exhibits.verdicts import one_more
from lcs.stats import mean_interval


@check
def searches_have_the_first_seed(store):
    """Runs on a validation split have seed 0, which the compared runs have too."""
    runs = (run for place in store.chain() for run in place.records())
    seeds = {run.config.seed for run in runs if getattr(run.config, "validation", False)}
    return seeds == {0}


@check
def sgd_in_float32(store):
    """In float32 SGD is no nearer to the reproduction in the mean, but one more run reaches it."""
    theirs = published.table2(SGD).report
    usual, plain = (
        by_method(runs)[SGD]
        for runs in (records(store, "table2"), records(store, "precision", precision="fp32"))
    )
    ours = mean_interval(accuracies(plain))
    away = one_more(ours, theirs)
    return theirs < mean(usual) <= ours.mean and away.mean < away.half_width


@check
def sgd_of_the_reproduction_is_contradicted(store):
    """The reproduction's accuracy of SGD lies outside the interval of one more run of ours."""
    ours = mean_interval(accuracies(by_method(records(store, "table2"))[SGD]))
    away = one_more(ours, published.table2(SGD).report)
    return abs(away.mean) > away.half_width


@check
def svhn_and_resnet_are_not_run(store):
    """Of the paper's data sets and networks, there is no run on SVHN and none of a ResNet18."""
    networks = [run.config for run in store.records() if run.kind != "toy"]
    return not any(c.dataset == "svhn" or c.model == "resnet18" for c in networks)
