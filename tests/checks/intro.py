"""What the page intro says of results."""

from checks import Checks, behind, level, readme, records
from lcs.exhibits.compare import by_width, paired
from lcs.exhibits.methods import B50, SGD

CHECKS = Checks()

SHARED = (
    "beta-lasso-beats-sgd",
    "large-beta-costs-accuracy",
    "local-only-a-little",
    "no-cost-at-width-1-gain-beyond",
    "nothing-at-the-papers-size",
    "own-lambda-ahead-at-width-8",
    "threshold-does-it",
    "gap-hardly-closed",
)
CHECKS.update({name: readme.CHECKS[name] for name in SHARED})


@CHECKS.add
def behind_sgd_then_level_then_ahead(store):
    """β = 50 is behind SGD with momentum in narrow networks, about level at α = 8.

    At α = 32 it is ahead.
    """
    grown = by_width(records(store, "scaling", "scaling-wide"))
    gains = {width: paired(at[B50], at[SGD]) for width, at in grown.items()}
    last = paired(records(store, "showpiece"), records(store, "showpiece-sgd"))
    return all(behind(gains[w]) for w in (1, 2, 4)) and level(gains[8]) and last.mean > 0
