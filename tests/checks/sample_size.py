"""What the page sample_size says of results."""

from itertools import pairwise

from checks import Checks, ahead, level, records
from lcs.exhibits import locality
from lcs.exhibits.compare import by_method, paired, train_accuracies
from lcs.exhibits.methods import B50, CONV, LOCAL, SGD
from lcs.exhibits.sample_size import SHARES
from lcs.stats import mean_interval

CHECKS = Checks()


def by_share(store):
    """Return the runs by method, for each share of the images, from few to all."""
    runs = records(store, "sample-size")
    return [by_method([r for r in runs if r.config.train_share == s]) for s in sorted(SHARES)]


@CHECKS.add
def beta_lasso_saves_no_images(store):
    """β = 50 and SGD are within a point of each other on average, and S-LOCAL is above both.

    By more with few images than with all, where β = 50 cannot be told from SGD.
    """
    shares = by_share(store)
    near = all(abs(paired(runs[B50], runs[SGD]).mean) < 1 for runs in shares)
    leads = [[paired(runs[LOCAL], runs[who]) for who in (SGD, B50)] for runs in shares]
    above = all(lead.mean > 0 for both in leads for lead in both)
    grows = all(few.mean > every.mean for few, every in zip(leads[0], leads[-1], strict=True))
    return near and above and grows and level(paired(shares[-1][B50], shares[-1][SGD]))


@CHECKS.add
def fewer_images_make_it_less_local(store):
    """The filters of β = 50 are the less local the fewer the images, and local with all counts."""
    found = [mean_interval(locality.beyond_chance(runs[B50])) for runs in by_share(store)]
    falls = all(few.mean < more.mean for few, more in pairwise(found))
    return falls and all(ahead(value) for value in found)


@CHECKS.add
def s_conv_is_too_small(store):
    """S-CONV answers at most half of its training images rightly from a twentieth of them on."""
    return all(max(train_accuracies(runs[CONV])) < 50 for runs in by_share(store)[1:])
