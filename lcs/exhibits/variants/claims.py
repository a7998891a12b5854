"""Claims of the chapter."""

from __future__ import annotations

from lcs.exhibits import compare, tables
from lcs.exhibits.gap import closes_most
from lcs.exhibits.methods import B50, Method, method
from lcs.exhibits.settings import DESK, chosen_flip_crop
from lcs.exhibits.variants.results import WINDOWS, as_beta_50, by_window, shallow_of
from lcs.exhibits.variants.studies import GROWTHS, WIDTH, setting
from lcs.exhibits.verdicts import Claim, Finding, differs
from lcs.runs import Record

DEEP_B50 = Method("d-fc", "beta-lasso", 50.0)
# the larger λ of `banded`
_L1 = chosen_flip_crop(setting(DESK, WIDTH, 8), *B50).l1
_AT: dict[str, object] = {**B50._asdict(), "l1": _L1}
_GROWN: dict[str, object] = _AT | {"l1_growth": GROWTHS[1], "l1_window": "grid"}
_SEARCHED: dict[str, object] = {"l1_window": "initial"}
_STARTED: dict[str, object] = {"model": "s-fc", "start": "network"}
_LONG: dict[str, object] = {"model": "s-fc", "start": "initial"}


def _depth_does_not_help(records: list[Record]) -> Finding:
    """Judge whether neither D-LOCAL nor D-FC is better than the shallow network, by SGD."""
    groups = compare.by_method(records)
    deep = Method("d-local"), Method("d-fc")
    local, full = (compare.paired(groups[one], groups[shallow_of(one)]) for one in deep)
    most = max(local, full, key=lambda gain: gain.mean)
    value = f"depth adds {tables.signed(local)} points to LOCAL, {tables.signed(full)} to FC"
    return Finding(value, most._replace(mean=-most.mean))


CLAIMS: tuple[Claim, ...] = (
    Claim(
        "P",
        "Without weight sharing, depth does not help",
        "deeper",
        _depth_does_not_help,
        "Table 1",
    ),
    Claim(
        "B",
        "A λ that grows by a tenth with each pixel outside a window raises the accuracy of β = 50",
        "banded",
        differs(_GROWN, _AT | {"l1_growth": 0.0}),
    ),
    Claim(
        "B",
        "A growing λ raises accuracy more than one as large on average, the same for all weights",
        "banded + banded-uniform",
        differs(_GROWN, lambda c: method(c) == B50 and not c.l1_growth and c.l1 > _L1),
    ),
    Claim(
        "B",
        "A λ that grows outside windows that follow the weights raises the accuracy of β = 50",
        "banded + banded-learned",
        differs(_GROWN | {"l1_window": "learned"}, _AT | {"l1_growth": 0.0}),
    ),
    Claim(
        "B",
        "With λ that doubles with the first pixel outside windows that follow the weights, β = 50 "
        "is better than SGD at α = 8",
        "banded-wide",
        differs(WINDOWS["learned"], WINDOWS["SGD"]),
    ),
    Claim(
        "B",
        "There, windows that follow the weights are better than random ones",
        "banded-wide",
        differs(WINDOWS["learned"], WINDOWS["initial"]),
    ),
    Claim(
        "B",
        "So trained, β = 50 closes most of the gap between SGD and S-LOCAL at α = 8",
        "banded-wide",
        lambda records: closes_most(as_beta_50(by_window(records), "learned")),
        also=("banded-long",),
    ),
    Claim(
        "B",
        "As searched on validation images, β = 50 with λ that grows outside random windows is "
        "better than SGD at α = 8",
        "banded-searched",
        differs(_SEARCHED, WINDOWS["SGD"]),
    ),
    Claim(
        "B",
        "As searched, it closes most of the gap between SGD and S-LOCAL at α = 8",
        "banded-searched",
        lambda records: closes_most(compare.by_method(records)),
    ),
    Claim(
        "B",
        "Random windows of neighbouring pixels are better than those of scattered ones",
        "banded-wide + banded-scattered",
        differs(WINDOWS["initial"] | {"permute_pixels": False}, {"permute_pixels": True}),
    ),
    Claim(
        "B",
        "S-LOCAL is better than β = 50 with λ that grows so from fixed windows",
        "banded",
        differs({"model": "s-local"}, _GROWN),
    ),
    Claim(
        "B",
        "S-FC by SGD is better from S-CONV than from random weights, as long in all",
        "from-convolution",
        differs(_STARTED | {"optimizer": "sgd"}, _LONG | {"optimizer": "sgd"}),
    ),
    Claim(
        "B",
        "S-FC by β = 50 is better from S-CONV than from random weights, as long in all",
        "from-convolution",
        differs(_STARTED | {"optimizer": "beta-lasso"}, _LONG | {"optimizer": "beta-lasso"}),
    ),
    Claim(
        "B",
        "In D-FC, β = 50 is better than SGD",
        "deeper",
        differs(DEEP_B50._asdict(), Method("d-fc")._asdict()),
    ),
    Claim(
        "B",
        "With β = 50, D-FC is better than S-FC",
        "deeper",
        differs(DEEP_B50._asdict(), B50._asdict()),
    ),
)
