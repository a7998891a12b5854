"""What the page figure3 says of results."""

from checks import Checks, records
from lcs.exhibits.compare import by_method, remaining
from lcs.exhibits.methods import B50

CHECKS = Checks()


@CHECKS.add
def second_layer_more_than_half(store):
    """In the reproduction's setting β = 50 keeps more than half of the second layer."""
    return min(remaining(by_method(records(store, "table2"))[B50], "fc1")) > 50
