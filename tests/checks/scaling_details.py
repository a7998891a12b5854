"""What the page scaling says of 3-FC."""

from checks import check
from checks.scaling_runs import common, fit, means
from lcs.exhibits.shared.compare import mean
from lcs.exhibits.shared.methods import SGD, THREE


@check
def three_layers_fall_at_the_largest_width(store):
    """S-FC is behind a 3-FC up to α = 4, ahead at α = 8, where the 3-FC falls, in its fit too."""
    widths = common(store)
    four, eight = widths[4][THREE], widths[8][THREE]
    ahead = [mean > 0 for mean in means(widths, SGD, THREE)]
    return (
        ahead == [False, False, False, True] and mean(eight) < mean(four) and fit(eight) < fit(four)
    )
