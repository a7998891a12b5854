"""What the page fewest_weights says of results."""

import functools

from checks import ahead, check
from lcs.exhibits.fewest_weights import results
from lcs.exhibits.shared import compare
from lcs.exhibits.shared.compare import differences
from lcs.exhibits.shared.methods import CONV, LOCAL, SGD, method
from lcs.exhibits.shared.settings import RECIPE, REPRODUCTION
from lcs.runs import RunStore

# of a store, which is read once
gather = functools.cache(results.gather)


def recipe(store: RunStore):
    return gather(store)[RECIPE.name]


def reproduction(store: RunStore):
    return gather(store)[REPRODUCTION.name]


def networks_on_front(found, cost):
    return set(results.front(results.frame(found), cost).model)


@check
def as_good_as_dense_with_a_tenth(store):
    """β = 50 with its own λ is ahead of SGD in the mean, and at most half a point behind.

    It has less than a tenth of its weights and of its operations.
    """
    found = recipe(store)
    own, sgd = found[results.own_lambda()], found[results.searched_sgd()]
    gain = compare.paired(own, sgd)
    few = [10 * max(map(count, own)) < min(map(count, sgd))
           for count in (results.weights, results.operations)]  # fmt: skip
    return all(few) and gain.mean > 0 and gain.mean - gain.half_width > -0.5


@check
def windows_are_ahead_with_as_few(store):
    """S-LOCAL with fewer weights, S-LOCAL and S-CONV are ahead of β = 50; α is 4, else 8.

    At α = 8 S-LOCAL has more than twice as many weights and is more than five points ahead; S-CONV
    has up to a quarter more.
    """
    found, own = recipe(store), results.own_lambda()
    count = results.mean_weights(found[own])
    locals_ = (runs for config, runs in found.items() if method(config) == LOCAL)
    local = results.nearest(locals_, count)
    sgd = results.searched_sgd()
    wide = [found[sgd.replace(model=model)] for model in ("s-local", "s-conv")]
    widths = (own.base_channels, local[0].config.base_channels) == (8, 4)
    lead = compare.paired(wide[0], found[own])
    return (
        widths
        and lead.mean - lead.half_width > 5
        and results.mean_weights(local) < count
        and all(ahead(compare.paired(runs, found[own])) for runs in (local, *wide))
        and results.mean_weights(wide[0]) > 2 * count
        and count < results.mean_weights(wide[1]) < 1.25 * count
    )


@check
def front_of_the_recipe(store):
    """On the front of the recipe are S-CONV and S-LOCAL alone; by operations, S-LOCAL alone."""
    found = recipe(store)
    return networks_on_front(found, "weights") == {"s-conv", "s-local"} and networks_on_front(
        found, "flops"
    ) == {"s-local"}


@check
def thresholds_are_the_front_of_s_fc(store):
    """With AutoAugment, every condition on the front of S-FC is β = 50."""
    sparse = {c: runs for c, runs in recipe(store).items() if c.model == "s-fc"}
    conditions = [*sparse]
    best = results.front(results.frame(sparse)).index
    return {conditions[number].beta for number in best} == {50}


@check
def front_of_the_reproduction(store):
    """Without augmentation S-FC, sparse, and S-LOCAL make the front, by both counts.

    With about as many weights, S-FC is more than nine points ahead of S-CONV in every seed. S-LOCAL
    has more than eight times as many, and is ahead by less than two points. This S-FC, of β = 10
    and the largest λ, is on the front, and so are the fewest weights that exceed SGD, less than
    1/300 of SGD's.
    """
    found = reproduction(store)
    few, least = results.sparse_like_conv(found), results.sparsest_above_sgd(found)
    sgd, conv, local = (next(c for c in found if method(c) == name) for name in (SGD, CONV, LOCAL))
    over_sgd, over_conv = (differences(few, found[other]) for other in (sgd, conv))
    behind = differences(found[local], few)
    count = results.mean_weights
    front = results.front(results.frame(found))
    return (
        (few[0].config.beta, few[0].config.l1) == (10, max(config.l1 for config in found))
        and min(over_sgd) > 0
        and min(over_conv) > 9
        and 0 < min(behind) <= max(behind) < 2
        and 0.8 < count(few) / count(found[conv]) < 1.25
        and count(found[local]) > 8 * count(few)
        and count(few) in {*front.weights}
        and count(least) == min(front.weights) < count(found[sgd]) / 300
        and all(
            networks_on_front(found, cost) == {"s-fc", "s-local"} for cost in ("weights", "flops")
        )
    )


@check
def bounds_are_vacuous(store):
    """By both readings, and for every run, the bound on the test error is at least 1."""
    runs = [r for found in gather(store).values() for group in found.values() for r in group]
    bounds = [results.bound(run) for run in runs]
    return min(b.structure for b in bounds) >= 1


@check
def gaps_are_far_below_their_bounds(store):
    """With AutoAugment, every measured gap is less than a hundredth of its bound."""
    runs = [run for group in recipe(store).values() for run in group]
    bounds = [(results.bound(run), 1 - run.final["clean_train_accuracy"]) for run in runs]
    return all(100 * bound.gap < bound.structure - error for bound, error in bounds)
