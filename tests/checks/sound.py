"""What the page sound says of results."""

from checks import Checks, ahead, records
from lcs.exhibits import locality, sound
from lcs.exhibits.compare import by_method, paired
from lcs.exhibits.methods import B0, B50, SGD
from lcs.stats import mean_interval

CHECKS = Checks()


def runs_with(store, images):
    return by_method([r for r in records(store, "sound") if r.config.augment == images])


def beyond_chance(runs, key):
    return mean_interval(locality.beyond_chance(runs, key))


@CHECKS.add
def no_method_of_s_fc_beats_sgd(store):
    """With shifts β = 50 cannot be told from SGD; β = 0 is behind, or cannot be told from it."""
    runs = runs_with(store, "time-shift")
    return not any(ahead(paired(runs[who], runs[SGD])) for who in (B0, B50))


@CHECKS.add
def penalty_makes_filters_local_in_time(store):
    """β = 0 is local in both directions and more in time, with shifts and without."""
    for images in sound.IMAGES:
        runs = runs_with(store, images)[B0]
        time, frequency = (locality.beyond_chance(runs, key) for key in ("column_mass", "row_mass"))
        more = mean_interval([one - two for one, two in zip(time, frequency, strict=True)])
        if not (mean_interval(frequency).mean > 15 and ahead(more)):
            return False
    return True


@CHECKS.add
def chosen_beta_50_is_hardly_local(store):
    """β = 50 has less than a point, and the smallest learning rate of the search."""
    runs = runs_with(store, "time-shift")[B50]
    small = all(beyond_chance(runs, key).mean < 1 for key in sound.BANDS)
    return small and runs[0].config.lr == min(sound.LEARNING_RATES)


@CHECKS.add
def shifts_help(store):
    """β = 50 is better with shifts in time than without."""
    return ahead(paired(runs_with(store, "time-shift")[B50], runs_with(store, "none")[B50]))


@CHECKS.add
def locality_grows_with_the_penalty(store):
    """Ranks of ηλ and locality agree; β = 50 with the largest λ removes every weight.

    Of its candidates with the highest accuracy one has few weights and is local.
    """
    found = records(store, "search-sound")
    table = sound.penalty_frame(found)
    sparse = table[table.method == str(B50)]
    best = sparse[sparse.accuracy == sparse.accuracy.max()]
    emptied = [r for r in by_method(found)[B50] if r.config.l1 == max(sound.LAMBDAS)]
    return (
        table.penalty.rank().corr(table.time.rank()) > 0.9
        and len(best) > 2
        and bool(((best.left < 5) & (best.time > 15)).any())
        and all(r.final["nonzeros"]["conv1"] == 0 for r in emptied)
    )
