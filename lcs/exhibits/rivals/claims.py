"""Claims on connections: of other ways to as few, of masks trained anew, and of windows."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from lcs.analysis.claims import (
    MARGIN,
    Finding,
    Judge,
    Measure,
    closes_most,
    equals,
    exceeds,
    meant,
    ours,
)
from lcs.analysis.ladder import ways
from lcs.config import Config
from lcs.exhibits.rivals.window_studies import GROWTHS, WIDTH
from lcs.exhibits.shared import settings
from lcs.exhibits.shared.methods import B50

if TYPE_CHECKING:
    import pandas as pd

    Chosen = Callable[[pd.DataFrame], pd.Series[bool]]


def way(name: str, dataset: str = "") -> Chosen:
    """Return what chooses the runs of a way by its name (see `ways`), on a data set if given."""
    return lambda runs: (ways(runs) == name) & ((runs.dataset == dataset) | (not dataset))


# Pruning and sparse training with about as many weights

LARGER, SMALLER = "larger budget", "smaller budget"
SAID = {
    "one-shot pruning": "one-shot pruning",
    "gradual pruning": "gradual magnitude pruning",
    "SET": "SET",
    "RigL": "RigL",
    "random mask": "a random mask",
}
# those that have no search of their own at α = 4
OTHERS = ("SET", "RigL")


def _more(name: str, of: Measure = "accuracy") -> Judge:
    return exceeds(way("β-LASSO"), way(name), of=of)


PRUNING = {
    **{
        f"With about as many weights in each layer, β = 50 is better than {said} ({budget})": ours(
            study,
            _more(name),
            # the budget there is nearer to the larger one
            also=("rivals-wider-others" if name in OTHERS else "rivals-wider",)
            * (study == "rivals"),
        )
        for study, budget in (("rivals", LARGER), ("rivals-few", SMALLER))
        for name, said in SAID.items()
    },
    **{
        "With about as many weights in each layer, filters of β = 50 are more local than those of "
        f"{SAID[name]} ({LARGER})": ours("rivals", _more(name, "excess"))
        for name in ("one-shot pruning", "gradual pruning", "RigL")
    },
}

# Masks, trained anew

WIDER = "transfer-wider"
_on10 = partial(way, dataset="cifar10")
_masks, _rewired, _ticket, _frozen, _frozen_sgd = (
    _on10(f"{taken} on CIFAR-100")
    for taken in (
        "masks of β-LASSO",
        "rewired masks of β-LASSO",
        "masks and initial weights of β-LASSO",
        "frozen first layer of β-LASSO",
        "frozen first layer of tuned SGD",
    )
)
_anew, _sgd = _on10("masks of β-LASSO"), _on10("tuned SGD")

TRANSFER = {
    "With masks found on CIFAR-100, SGD is better on CIFAR-10 than without masks": ours(
        "transfer", exceeds(_masks, _sgd), also=(WIDER,)
    ),
    "These masks are better than masks rewired at random, whose places are not local": ours(
        "transfer", exceeds(_masks, _rewired), also=(WIDER,)
    ),
    f"A new initialisation of these masks changes the accuracy by less than {MARGIN:g} point": ours(
        "transfer", equals(_masks, _ticket)
    ),
    "A frozen first layer is better on CIFAR-10 if β = 50 trained it on CIFAR-100 than if SGD "
    "did": ours("transfer", exceeds(_frozen, _frozen_sgd), also=(WIDER,)),
    **{
        f"Trained anew by SGD on the masks that β = 50 left, S-FC is better than {said}": ours(
            WIDER, exceeds(_anew, other)
        )
        for said, other in (("dense S-FC by SGD", _sgd), ("by β = 50", _on10("β-LASSO")))
    },
    "Trained anew by SGD, masks of β = 50 are better than masks of one-shot pruning": ours(
        f"{WIDER} + pruned-masks", exceeds(_anew, _on10("masks of one-shot pruning"))
    ),
}

# Windows

_BASE = settings.FLIP_CROP_SHORT.configs["desk"]
# the larger λ of `banded`, alone and with a growth of a tenth
_L1 = settings.chosen_flip_crop(settings.sized(_BASE, WIDTH, 1 / 8), *B50).l1
_ONE_L1: dict[str, object] = {"method": "β-LASSO", "l1": _L1, "l1_growth": 0.0}
_GROWN = _ONE_L1 | {"l1_growth": GROWTHS[1], "l1_window": "grid"}
_GRID, _RANDOM, _FOLLOWING = (
    {"l1_growth": GROWTHS[-1], "l1_window": name} for name in ("grid", "initial", "learned")
)
_SGD = way("tuned SGD")


def _masked(like: Config) -> dict[str, object]:
    """Return S-FC with a fixed mask of S-LOCAL's windows, with the learning rate of a network."""
    return {"pruning": "windows", "lr": like.lr}


_MASKED, _MASKED_AS_LOCAL = map(
    _masked,
    settings.flip_crop_methods(settings.sized(_BASE, settings.WIDEST, 1 / 8), ("s-fc", "s-local")),
)


def _following_closes_most(runs: pd.DataFrame) -> Finding:
    import pandas as pd

    ends = runs[_SGD(runs) | (runs.model == "s-local")]
    return closes_most(pd.concat([ends, meant(runs, _FOLLOWING)]))


GROWTH = {
    "A λ that grows by a tenth with each pixel outside a window raises the accuracy of "
    "β = 50": ours("banded", exceeds(_GROWN, _ONE_L1)),
    "A λ that grows with distance raises accuracy more than one as large on average": ours(
        "banded + banded-uniform",
        exceeds(_GROWN, lambda runs: way("β-LASSO")(runs) & (runs.l1 > _L1)),
    ),
    "A λ that grows outside windows that follow the weights raises the accuracy of β = 50": ours(
        "banded + banded-learned", exceeds(_GROWN | {"l1_window": "learned"}, _ONE_L1)
    ),
    "A λ that grows by its own value with each pixel from a random one, for each unit, raises "
    "the accuracy of β = 50": ours(
        "banded + banded-pixel", exceeds(_ONE_L1 | _RANDOM | {"l1_window_size": 1}, _ONE_L1)
    ),
    "With λ that doubles with the first pixel outside windows that follow the weights, β = 50 "
    "is better than SGD at α = 8": ours("banded-wide", exceeds(_FOLLOWING, _SGD)),
    "At α = 8, windows that follow the weights are better than random ones": ours(
        "banded-wide", exceeds(_FOLLOWING, _RANDOM)
    ),
    "With λ that doubles with the first pixel outside windows that follow the weights, β = 50 "
    "closes most of the gap between SGD and S-LOCAL at α = 8": ours(
        "banded-wide", _following_closes_most, also=("banded-long",)
    ),
    "As searched on validation images, β = 50 with λ that grows outside random windows is "
    "better than SGD at α = 8": ours("banded-searched", exceeds("β-LASSO", "SGD")),
    "As searched on validation images, β = 50 with λ that grows outside random windows closes "
    "most of the gap between SGD and S-LOCAL at α = 8": ours("banded-searched", closes_most),
    "Random windows of neighbouring pixels are better than those of scattered ones": ours(
        "banded-wide + banded-scattered",
        exceeds(_RANDOM | {"permute_pixels": False}, {"permute_pixels": True}),
    ),
    "At α = 8, S-LOCAL's windows as a fixed mask of S-FC, by SGD, are better than β = 50 with "
    "λ that grows outside them": ours("masked + banded-wide", exceeds(_MASKED, _GRID)),
    "At α = 8, S-LOCAL's windows as a fixed mask of S-FC, by SGD, are better than β = 50 with "
    "λ that grows outside random windows, as searched": ours(
        "masked + banded-searched", exceeds(_MASKED, lambda runs: runs.l1_growth > 0)
    ),
    "At α = 8, S-LOCAL is better than S-FC by SGD with S-LOCAL's windows as a fixed mask and "
    "its learning rate and weight decay": ours(
        "masked + banded-wide", exceeds("S-LOCAL", _MASKED_AS_LOCAL)
    ),
    "S-LOCAL is better than β = 50 with λ that grows by a tenth outside S-LOCAL's windows": ours(
        "banded", exceeds("S-LOCAL", _GROWN)
    ),
}

CLAIMS = PRUNING | TRANSFER | GROWTH
