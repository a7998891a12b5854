"""What the page double_descent says of results."""

from checks import ahead, check, level, records
from lcs.exhibits import double_descent
from lcs.exhibits.shared.compare import course
from lcs.exhibits.shared.methods import B0, B50, SGD, method
from lcs.exhibits.shared.settings import RECIPE

WINDOW, LEAST = 10, 1.0


def descents(store, setting, epochs):
    """The descents of each condition in a setting, at one length, by method; of several widths."""
    found = double_descent.descents(double_descent.runs_by_setting(store), WINDOW, LEAST)
    return [
        (method(config), one)
        for (place, config), one in found.items()
        if place == setting and config.epochs == epochs
    ]


@check
def sgd_falls_and_does_not_recover(store):
    """In 400 epochs SGD, and β = 50, drop; SGD stays below its maximum, and β = 50 not above."""
    found = dict(descents(store, "no augmentation", 400))
    sgd, sparse = found[SGD], found[B50]
    stays = ahead(-sgd.recovery)
    drops = sgd.drop.mean > LEAST and ahead(sgd.drop) and ahead(sparse.drop)
    return drops and stays and not ahead(sparse.recovery)


@check
def beta_0_recovers_to_its_maximum_at_most(store):
    """In 400 epochs β = 0 drops and rises again, to about its earlier maximum."""
    zero = dict(descents(store, "no augmentation", 400))[B0]
    return ahead(zero.drop) and level(zero.recovery) and abs(zero.recovery.mean) < LEAST


@check
def by_the_recipe_accuracy_does_not_fall(store):
    """With AutoAugment no method drops by half a point, and every one rises further."""
    found = descents(store, RECIPE.name, 200)
    methods = {who for who, _ in found}
    return methods == {SGD, B0, B50} and all(
        one.drop.mean < 0.5 and ahead(one.recovery) for _, one in found
    )


@check
def with_flips_and_crops_little_is_lost(store):
    """At α = 8 in up to 1600 epochs no method drops by more than two points on average."""
    longer = ("flips", "recipe-length", "recipe-length-long")
    runs = [r for r in records(store, *longer) if method(r.config) in (SGD, B0, B50)]
    found = double_descent.descents({"flips": runs}, WINDOW, LEAST)
    return len(found) > 4 and max(one.drop.mean for one in found.values()) < 2


@check
def double_in_beta_lasso_at_width_4(store):
    """In 100 epochs at α = 4 without augmentation, of β = 0 and β = 50; nowhere else."""
    found = double_descent.descents(double_descent.runs_by_setting(store), WINDOW, LEAST)
    double = {
        (place, config.base_channels, config.epochs, method(config))
        for (place, config), one in found.items()
        if one.is_double(LEAST)
    }
    return double == {("no augmentation", 4, 100, who) for who in (B0, B50)}


@check
def falls_without_overfitting_at_the_papers_size(store):
    """β = 50 before its search: accuracy falls on training images too, and rises above again."""
    (run,) = (
        r for r in records(store, "paper-size") if method(r.config) == B50 and not r.config.seed
    )
    test, train = (
        100 * course([run], f"{name}_accuracy", WINDOW)[1][0] for name in ("test", "train")
    )
    (fall,) = double_descent.descents({"": [run]}, WINDOW, LEAST).values()
    epochs = run.history["epoch"][WINDOW - 1 :]
    peak, trough = epochs.index(fall.peak), epochs.index(fall.trough)
    falls = fall.drop.mean > 2 * LEAST and train[peak] - train[trough] > 2 * LEAST
    return falls and max(test[trough:]) > test[peak]
