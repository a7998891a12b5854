"""What the page sound says of results."""

from functools import partial

from checks import ahead, behind, check, level, only, records
from lcs.exhibits import sound
from lcs.exhibits.shared import locality
from lcs.exhibits.shared.compare import by_method, mean, paired, remaining
from lcs.exhibits.shared.methods import B0, B50, CONV, LOCAL, SGD
from lcs.exhibits.shared.verdicts import MARGIN
from lcs.stats import mean_interval


def runs_with(store, images):
    return by_method(records(store, "sound", augment=images))


def beyond_chance(runs, key):
    return mean_interval(locality.beyond_chance(runs, key))


@check
def no_method_of_s_fc_beats_sgd(store):
    """β = 0 is behind SGD, with shifts and without, and β = 50 cannot be told from it."""
    return all(
        behind(paired(runs[B0], runs[SGD])) and level(paired(runs[B50], runs[SGD]))
        for runs in (runs_with(store, images) for images in sound.IMAGES)
    )


@check
def built_in_locality_gains(store):
    """S-LOCAL is ahead of SGD by about one to two points; S-CONV is without shifts alone."""
    shared = [runs_with(store, images) for images in sound.IMAGES]
    gains = [paired(runs[LOCAL], runs[SGD]) for runs in shared]
    still, shifted = (paired(runs[CONV], runs[SGD]) for runs in shared)
    local = all(ahead(gain) and 0.5 < gain.mean < 2.5 for gain in gains)
    return local and ahead(still) and level(shifted)


@check
def penalty_makes_filters_local_in_time(store):
    """β = 0 is local in both directions and more in time, with shifts and without."""
    for images in sound.IMAGES:
        runs = runs_with(store, images)[B0]
        time, frequency = (locality.beyond_chance(runs, key) for key in ("column_mass", "row_mass"))
        more = mean_interval([one - two for one, two in zip(time, frequency, strict=True)])
        if not (mean_interval(frequency).mean > 15 and ahead(more)):
            return False
    return True


@check
def chosen_beta_50_is_hardly_local(store):
    """β = 50 has less than a point, less than SGD, and the search's smallest learning rate."""
    runs = runs_with(store, "time-shift")
    sparse, dense = (
        [beyond_chance(runs[who], key).mean for key in sound.BANDS] for who in (B50, SGD)
    )
    less = all(one < other for one, other in zip(sparse, dense, strict=True))
    smallest = runs[B50][0].config.lr == min(sound.LEARNING_RATES)
    return max(sparse) < MARGIN and less and smallest


@check
def sgd_is_hardly_local(store):
    """SGD has fewer than two points in frames and bands; β = 50 keeps over a quarter of weights."""
    runs = runs_with(store, "time-shift")
    points = [beyond_chance(runs[SGD], key).mean for key in ("column_mass", "row_mass")]
    return max(points) < 2 and mean(runs[B50], remaining) > 25


@check
def shuffled_columns_change_no_accuracy(store):
    """S-FC by each method is level with itself on shuffled columns."""
    in_order, shuffled = runs_with(store, "time-shift"), by_method(records(store, "sound-shuffled"))
    return set(shuffled) == {SGD, B0, B50} and all(
        level(paired(runs, in_order[who])) for who, runs in shuffled.items()
    )


@check
def nothing_is_local_in_shuffled_columns(store):
    """As trained no measure differs from chance, with β = 0 by ten points at most.

    Put back, β = 0 is beyond chance by over twenty, and within a point of before.
    """
    in_order, shuffled = runs_with(store, "time-shift"), by_method(records(store, "sound-shuffled"))
    as_trained = [v for runs in shuffled.values() for v in sound.as_shuffled(runs).values()]
    before, after = (
        [beyond_chance(runs[B0], key).mean for key in sound.BANDS] for runs in (in_order, shuffled)
    )
    return (
        None not in as_trained
        and all(map(level, as_trained))
        and all(abs(v.mean) + v.half_width < 10 for v in sound.as_shuffled(shuffled[B0]).values())
        and min(after) > 20
        and max(abs(one - other) for one, other in zip(before, after, strict=True)) < 1
    )


@check
def shifts_help(store):
    """SGD, β = 0 and β = 50 are better with shifts in time, by two to four points on average."""
    still, shifted = (runs_with(store, augment) for augment in ("none", "time-shift"))
    gains = [paired(shifted[who], still[who]) for who in (B50, B0, SGD)]
    return ahead(gains[0]) and all(2 < gain.mean < 4 for gain in gains)


@check
def locality_grows_with_rate_and_penalty(store):
    """It grows with η at each λ and decay, and with these at each η; with ηλ in rank, β = 0 and 50.

    β = 50 with the largest λ removes every weight. SGD with the largest η has more than twelve
    points in frames, and β = 0 with the largest η and λ about twice as many.
    """
    found = records(store, "search-sound")
    table = sound.rates_frame(found)
    penalised = table[table.method != str(SGD)]
    over_rates = [
        rows.sort_values("rate").time.is_monotonic_increasing
        for _, rows in table.groupby(["method", "penalty"])
    ]
    over_penalties = [
        rows.sort_values("penalty").time.is_monotonic_increasing
        for _, rows in table.groupby(["method", "rate"])
    ]
    fastest = table[table.rate == max(sound.LEARNING_RATES)]
    dense = fastest[fastest.method == str(SGD)].time
    emptied = only(by_method(found)[B50], l1=max(sound.LAMBDAS))
    shrinkage = penalised.rate * penalised.penalty
    return (
        all(over_rates)
        and all(over_penalties)
        and shrinkage.rank().corr(penalised.time.rank()) > 0.9
        and dense.min() > 12
        and 1.8 < fastest[fastest.method == str(B0)].time.max() / dense.max() < 2.5
        and all(r.final["nonzeros"]["conv1"] == 0 for r in emptied)
    )


@check
def equal_candidates_are_local(store):
    """As good on validation, the last instead of the first: SGD is local, and β = 50 more so.

    SGD has over fifteen points in frames, β = 50 a few more, β = 0 about twice as many as SGD. Less
    than one per cent of β = 50 remains, less than a tenth of its filters can be measured, and those
    of SGD all. Both are behind what was chosen, which has the smallest η, by about one point and by
    about two. β = 0 is level with this SGD, of the same η.
    """
    found = by_method(records(store, "search-sound"))
    chosen, equals = runs_with(store, "time-shift"), by_method(records(store, "sound-equals"))
    tied = []
    for who, values in sound.EQUALS.items():
        best = [r for r in found[who] if r.accuracy == max(r.accuracy for r in found[who])]
        first = chosen[who][0].config
        same = {name: getattr(first, name) for name in values}
        tied += [only(best, **same) == best[:1], only(best, **values) == best[-1:]]
        tied += [first.lr == min(sound.LEARNING_RATES)]
    dense, sparse = (beyond_chance(equals[who], "column_mass") for who in (SGD, B50))
    zero = beyond_chance(chosen[B0], "column_mass")
    losses = [paired(equals[who], chosen[who]) for who in (SGD, B50)]
    more = paired(equals[B50], equals[SGD], partial(locality.beyond_chance, measure="column_mass"))
    return (
        all(tied)
        and dense.mean > 15
        and ahead(more)
        and sparse.mean - dense.mean < 6
        and 1.8 < zero.mean / dense.mean < 2.2
        and max(remaining(equals[B50])) < 1
        and max(map(locality.share_measured, equals[B50])) < 0.1
        and min(map(locality.share_measured, equals[SGD])) == 1
        and all(behind(lost) for lost in losses)
        and [round(lost.mean) for lost in losses] == [-1, -2]
        and level(paired(chosen[B0], equals[SGD]))
        and chosen[B0][0].config.lr == equals[SGD][0].config.lr == max(sound.LEARNING_RATES)
    )
