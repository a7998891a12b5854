"""How much of the gap between SGD and S-LOCAL is closed, on records made up."""

import pytest
from helpers.made_up_records import study

from lcs.exhibits.shared.compare import by_width
from lcs.exhibits.shared.gap import gap_closed, gap_text
from lcs.exhibits.shared.methods import B50, LOCAL, method


def test_the_share_of_the_gap_that_is_closed():
    def accuracy(config):
        gain = {LOCAL: 10.0, B50: 4.0 + config.seed / 2}.get(method(config), 0.0)
        return 50.0 + config.seed + gain

    groups = by_width(study("scaling-own", accuracy))[8]
    share, low, high = gap_closed(groups)
    assert share == pytest.approx(45)
    assert low < share < high
    single = {name: runs[:1] for name, runs in groups.items()}
    assert gap_text(single) == "40"
    assert gap_text({}) == "pending"
