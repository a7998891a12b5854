"""Runs that checks of several pages share."""

from checks import records
from lcs.exhibits.shared.compare import by_width


def common(store):
    """Return the runs with one λ, by width and method."""
    return by_width(records(store, "scaling", "scaling-wide"))


def own(store):
    """Return the runs with the λ of each width, by width and method."""
    return by_width(records(store, "scaling-own"))
