"""What brings a fully connected network nearer to a convolution than β-LASSO does.

A λ that grows outside a unit's window, as the forum proposed; a start from a trained convolution
(d'Ascoli et al., 2019); and more than one such layer, as a reviewer asked. Here is what is judged;
`studies` has the runs, `results` what comes out.
"""

from __future__ import annotations

from lcs.exhibits import compare, tables
from lcs.exhibits.gap import closes_most
from lcs.exhibits.methods import B50, SGD, method
from lcs.exhibits.settings import FLIP_CROP_SHORT, chosen_flip_crop, flip_crop_methods, sized
from lcs.exhibits.variants import results, studies
from lcs.exhibits.variants.results import DEEP_B50, DEEP_FC, WINDOWS, as_beta_50, shallow_of
from lcs.exhibits.variants.studies import GROWTHS, STUDIES, WIDEST, WIDTH
from lcs.exhibits.verdicts import Claim, Finding, differs, ours
from lcs.runs import Record

__all__ = ["CLAIMS", "STUDIES", "results", "studies"]

_BASE = FLIP_CROP_SHORT.configs["desk"]
# the larger λ of `banded`, alone and with a growth of a tenth
_L1 = chosen_flip_crop(sized(_BASE, WIDTH, 1 / 8), *B50).l1
_ONE_L1: dict[str, object] = {**B50._asdict(), "l1": _L1, "l1_growth": 0.0}
_GROWN = _ONE_L1 | {"l1_growth": GROWTHS[1], "l1_window": "grid"}
_STARTED: dict[str, object] = {"model": "s-fc", "start": "network"}
_LONG: dict[str, object] = {"model": "s-fc", "start": "initial"}
# S-LOCAL's windows as a fixed mask, with the learning rate of S-FC and of S-LOCAL
_MASKED, _MASKED_AS_LOCAL = (
    {"pruning": "windows", "lr": run.lr}
    for run in flip_crop_methods(sized(_BASE, WIDEST, 1 / 8), ("s-fc", "s-local"))
)


def _depth_does_not_help(records: list[Record]) -> Finding:
    """Return what depth adds to LOCAL and FC, by SGD.

    There is no verdict: the claim is of 4000 epochs, and after 400 depth helps LOCAL in the paper
    too. D-FC and S-FC, which the paper has of one size, are not of one size here.
    """
    groups = compare.by_method(records)
    local, full = (
        tables.signed(compare.paired(groups[deep], groups[shallow_of(deep)]))
        for deep in (results.DEEP_LOCAL, DEEP_FC)
    )
    value = f"depth adds {local} points to LOCAL (to FC, with more weights, {full})"
    return Finding(value, said="not testable: the claim is of longer training")


CLAIMS: tuple[Claim, ...] = (
    Claim(
        "P",
        "Without weight sharing, depth does not help",
        "deeper",
        _depth_does_not_help,
        "Table 1",
    ),
    ours(
        "A λ that grows by a tenth with each pixel outside a window raises the accuracy of β = 50",
        "banded",
        differs(_GROWN, _ONE_L1),
    ),
    ours(
        "A λ that grows with distance raises accuracy more than one as large on average",
        "banded + banded-uniform",
        differs(_GROWN, lambda c: method(c) == B50 and not c.l1_growth and c.l1 > _L1),
    ),
    ours(
        "A λ that grows outside windows that follow the weights raises the accuracy of β = 50",
        "banded + banded-learned",
        differs(_GROWN | {"l1_window": "learned"}, _ONE_L1),
    ),
    ours(
        "A λ that grows by its own value with each pixel from a random one, for each unit, raises "
        "the accuracy of β = 50",
        "banded + banded-pixel",
        differs(
            _ONE_L1 | {"l1_growth": GROWTHS[-1], "l1_window": "initial", "l1_window_size": 1},
            _ONE_L1,
        ),
    ),
    ours(
        "With λ that doubles with the first pixel outside windows that follow the weights, β = 50 "
        "is better than SGD at α = 8",
        "banded-wide",
        differs(WINDOWS["learned"], WINDOWS["SGD"]),
    ),
    ours(
        "At α = 8, windows that follow the weights are better than random ones",
        "banded-wide",
        differs(WINDOWS["learned"], WINDOWS["initial"]),
    ),
    ours(
        "With λ that doubles with the first pixel outside windows that follow the weights, β = 50 "
        "closes most of the gap between SGD and S-LOCAL at α = 8",
        "banded-wide",
        lambda records: closes_most(as_beta_50(records, "learned")),
        also=("banded-long",),
    ),
    ours(
        "As searched on validation images, β = 50 with λ that grows outside random windows is "
        "better than SGD at α = 8",
        "banded-searched",
        differs(B50, SGD),
    ),
    ours(
        "As searched on validation images, β = 50 with λ that grows outside random windows closes "
        "most of the gap between SGD and S-LOCAL at α = 8",
        "banded-searched",
        lambda records: closes_most(compare.by_method(records)),
    ),
    ours(
        "Random windows of neighbouring pixels are better than those of scattered ones",
        "banded-wide + banded-scattered",
        differs(WINDOWS["initial"] | {"permute_pixels": False}, {"permute_pixels": True}),
    ),
    ours(
        "At α = 8, S-LOCAL's windows as a fixed mask of S-FC, by SGD, are better than β = 50 with "
        "λ that grows outside them",
        "masked + banded-wide",
        differs(_MASKED, WINDOWS["grid"]),
    ),
    ours(
        "At α = 8, S-LOCAL's windows as a fixed mask of S-FC, by SGD, are better than β = 50 with "
        "λ that grows outside random windows, as searched",
        "masked + banded-searched",
        differs(_MASKED, lambda config: config.l1_growth > 0),
    ),
    ours(
        "At α = 8, S-LOCAL is better than S-FC by SGD with S-LOCAL's windows as a fixed mask and "
        "its learning rate and weight decay",
        "masked + banded-wide",
        differs(WINDOWS["S-LOCAL"], _MASKED_AS_LOCAL),
    ),
    ours(
        "S-LOCAL is better than β = 50 with λ that grows by a tenth outside S-LOCAL's windows",
        "banded",
        differs({"model": "s-local"}, _GROWN),
    ),
    ours(
        "S-FC by SGD is better from S-CONV than from random weights, as long in all",
        "from-convolution",
        differs(_STARTED | {"optimizer": "sgd"}, _LONG | {"optimizer": "sgd"}),
    ),
    ours(
        "S-FC by β = 50 is better from S-CONV than from random weights, as long in all",
        "from-convolution",
        differs(_STARTED | {"optimizer": "beta-lasso"}, _LONG | {"optimizer": "beta-lasso"}),
    ),
    *(
        ours(
            f"In D-FC by SGD, footprints of the first layer in later ones are better than {text}",
            "footprints",
            differs({"start": "footprints"}, {"start": start}),
        )
        for start, text in (
            ("scattered-footprints", "scattered ones"),
            ("first-mask", "all of their weights"),
        )
    ),
    ours(
        "D-FC by SGD is better with the first layer's mask of β = 50 than with this mask rewired",
        "footprints + rewired-first-mask",
        differs({"start": "first-mask"}, {"start": "rewired-first-mask"}),
    ),
    ours("In D-FC, β = 50 is better than SGD", "deeper", differs(DEEP_B50, DEEP_FC)),
    ours("With β = 50, D-FC is better than S-FC", "deeper", differs(DEEP_B50, B50)),
)
