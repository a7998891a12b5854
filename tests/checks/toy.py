"""What the page toy says of toy."""

from checks import check, records
from lcs.exhibits import toy


def numbers(store):
    return toy.numbers(records(store, "toy"))


def predicted(store):
    """Counts of runs with many observations, by predicted region."""
    runs = records(store, "toy")
    found = toy.counts(runs, "observations", "predicted")
    return found.loc[runs[0].config.observations[0]]


def cells(store, *, few=False, **wanted):
    """Cells with many observations, or with few, and with these values."""
    runs = records(store, "toy")
    size = runs[0].config.observations[-1 if few else 0]
    return toy.cells(runs, observations=size, **wanted)


@check
def agrees_at_eta_and_not_at_1(store):
    """With many observations every run at β = η finds the LASSO's support; at β = 1 few do."""
    (lr,) = {run.config.lr for run in records(store, "toy")}
    return (cells(store, beta=lr).recovered == 1).all() and numbers(store)["one-worst"] < 50


@check
def few_observations_open_the_gap(store):
    """With few observations β = η misses more than a tenth of the solutions in some cell."""
    (lr,) = {run.config.lr for run in records(store, "toy")}
    return cells(store, few=True, beta=lr).recovered.min() < 0.9


@check
def the_prediction_holds(store):
    """The prediction is right in nearly all runs.

    With many observations none succeeds that it says never to.
    """
    return numbers(store)["held"] > 99 and predicted(store).loc["never"].recovered == 0


@check
def one_curve_explains_every_start(store):
    """Between the boundaries the share recovered is Φ(−w*/s), for every β and λ; under one half."""
    decided = toy.share_by_start(records(store, "toy"))
    found = numbers(store)
    return found["start-cells"] > 40 and found["start-off"] < 5 and decided.recovered.max() < 0.5


@check
def a_beta_above_eta_finds_the_truth_more_often(store):
    """With few observations a β above η has the true feature alone more often than the LASSO."""
    found = numbers(store)
    return (
        found["truth-best-beta"] > found["eta"] and found["truth-best"] > found["truth-lasso"] + 10
    )


@check
def as_close_as_the_proximal_step(store):
    """With many observations β = η comes as close to the solution as the proximal step does."""
    (lr,) = {run.config.lr for run in records(store, "toy")}
    ours, proximal = cells(store, beta=lr), cells(store, optimizer="proximal-l1")
    return ours.distance_mean.mean() < proximal.distance_mean.mean() + 1e-3


@check
def small_lambda_shows_what_the_forum_saw(store):
    """With β = 1 and many observations every run with λ < η recovers the support."""
    one = cells(store, beta=1.0)
    small = one[one.l1 < numbers(store)["eta"]]
    return len(small) > 0 and (small.recovered == 1).all()


@check
def a_larger_beta_can_miss_it(store):
    """With β = 50 the solution is missed at some λ in more than a few of the problems.

    Where the start decides, fewer than half of the runs find it, with many observations or few.
    """
    runs = records(store, "toy")
    by_start = toy.counts(runs, "predicted", "observations").loc["depends"]
    shares = toy.recovered_by_l1(runs, 50.0)
    return shares.min() < toy.ALMOST_ALWAYS and (by_start.recovered < by_start.runs / 2).all()
