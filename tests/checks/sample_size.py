"""What the page sample_size says of results."""

from itertools import pairwise
from math import isnan
from statistics import mean

from checks import ahead, behind, check, records
from lcs.exhibits.sample_size import SHARES, exponents, images, times_as_many
from lcs.exhibits.shared import locality
from lcs.exhibits.shared.compare import accuracies, by_method, paired, train_accuracies
from lcs.exhibits.shared.methods import B50, CONV, LOCAL, SGD
from lcs.stats import mean_interval, surviving


def by_share(store):
    """Return the runs by method, for each share of the images, from few to all."""
    shares = sorted(SHARES)
    return [by_method(records(store, "sample-size", train_share=share)) for share in shares]


@check
def no_saving_is_resolved(store):
    """The gains of β = 50 over SGD differ in sign, and none survives Holm's correction.

    Some of their intervals contain gains of more than a point.
    """
    gains = [paired(runs[B50], runs[SGD]) for runs in by_share(store)]
    signs = {gain.mean > 0 for gain in gains}
    return (
        len(signs) == 2
        and not surviving(gains, pending=0)
        and max(g.mean + g.half_width for g in gains) > 1
    )


@check
def built_in_locality_saves_images(store):
    """S-LOCAL is ahead of SGD and of β = 50 with every number of images, by more with few.

    It is behind β = 50 with all images if it has a tenth of them, and ahead with three tenths.
    """
    shares = by_share(store)
    leads = [[paired(runs[LOCAL], runs[who]) for who in (SGD, B50)] for runs in shares]
    above = all(ahead(lead) for both in leads for lead in both)
    more = all(few.mean > every.mean for few, every in zip(leads[0], leads[-1], strict=True))
    tenth, three = (paired(runs[LOCAL], shares[-1][B50]) for runs in shares[2:4])
    return above and more and behind(tenth) and ahead(three)


@check
def locality_is_worth_a_small_factor(store):
    """S-FC by SGD needs less than eight times as many images as S-LOCAL, more than as many.

    That can be read for every seed with up to 5,000 images.
    """
    times = times_as_many(records(store, "sample-size"), SGD, LOCAL)
    few = [ratio for count in sorted(times)[:3] for ratio in times[count]]
    read = [ratio for every in times.values() for ratio in every if not isnan(ratio)]
    at_1000 = mean(times[min(times)])
    return not any(map(isnan, few)) and 2 < at_1000 < 3 and min(read) > 1 and max(read) < 8


@check
def exponents_are_alike_with_few_images(store):
    """Those of S-LOCAL, SGD and β = 50 differ by less than 0.03 up to 5,000 images.

    Beyond, each is smaller, and that of S-LOCAL the smallest.
    """
    runs = records(store, "sample-size")
    groups = [
        by_method([run for run in runs if inside(images(run.config))])
        for inside in (lambda count: count <= 5000, lambda count: count >= 5000)
    ]
    few, many = ({who: mean(exponents(g[who])) for who in (LOCAL, SGD, B50)} for g in groups)
    fall = {who: few[who] - many[who] for who in few}
    apart = max(few.values()) - min(few.values())
    return apart < 0.03 and min(fall.values()) > 0 and min(many, key=many.__getitem__) == LOCAL


@check
def fewer_images_make_it_less_local(store):
    """The filters of β = 50 are the less local the fewer the images, and local with all counts.

    Those of SGD are less local with the fewest than with all.
    """
    shares = by_share(store)
    found = [mean_interval(locality.beyond_chance(runs[B50])) for runs in shares]
    falls = all(few.mean < more.mean for few, more in pairwise(found))
    dense = paired(shares[-1][SGD], shares[0][SGD], locality.beyond_chance)
    return falls and all(ahead(value) for value in found) and ahead(dense)


@check
def s_conv_is_too_small(store):
    """S-CONV answers at most half of its training images rightly from a twentieth of them on."""
    return all(max(train_accuracies(runs[CONV])) < 50 for runs in by_share(store)[1:])


@check
def sharing_is_worth_nothing_seen_at_width_4(store):
    """With a fiftieth of the images every method fits them, in twice the steps of α = 1.

    From the lowest accuracy: SGD, β = 50, S-CONV, S-LOCAL.
    """
    wide = by_method(records(store, "sample-size-wide"))
    narrow = by_share(store)[0][SGD][0].config.epochs
    ordered = sorted(wide, key=lambda who: mean(accuracies(wide[who])))
    return (
        ordered == [SGD, B50, CONV, LOCAL]
        and all(min(train_accuracies(runs)) > 99 for runs in wide.values())
        and all(run.config.epochs == 2 * narrow for runs in wide.values() for run in runs)
    )
