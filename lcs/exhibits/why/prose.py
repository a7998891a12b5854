"""The numbers of the page's prose, in words: "pending" where there are no runs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from lcs.exhibits import cells, compare, tables
from lcs.exhibits.cells import signed_text
from lcs.exhibits.compare import (
    ByStudy,
    Conditions,
    as_sgd,
    conditions,
    gain,
    runs_of,
    without_threshold,
)
from lcs.exhibits.settings import LAMBDAS, STRONGER_L1
from lcs.exhibits.tables import PENDING
from lcs.exhibits.why.factorial import (
    add_augmentation,
    effect,
    has_stronger_l1,
    use_cross_entropy,
    use_cross_entropy_at_equal_rates,
)
from lcs.exhibits.why.results import THRESHOLD, runs_at_each_width

RETURN, STAY = {"frozen_zeros": False}, {"frozen_zeros": True}


def numbers(runs: ByStudy) -> dict[str, str]:
    """Return the numbers of the chapter's prose, by name."""
    found = {name: conditions(records) for name, records in runs.items()}
    precision, length = found["precision"], found["length"]
    wide = conditions(runs_at_each_width(runs))
    widths = {alpha: gain(wide, beta=50, base_channels=alpha) for alpha in (1, 4, 8)}
    return {
        "stronger-l1": f"{tables.number(STRONGER_L1['l1'])} on the first layer and "
        f"{tables.number(STRONGER_L1['l1_rest'])} on the others",
        "over-zero": signed_text(gain(found["frozen"], beta=50, frozen_zeros=False)),
        "frozen-50": _change(found["frozen"], RETURN, STAY, beta=50),
        "fp32-50": _change(precision, {"precision": "bf16"}, {"precision": "fp32"}, beta=50),
        "fp32-sgd": _change(precision, {"precision": "bf16"}, {"precision": "fp32"}, beta=0),
        **{
            f"length-{epochs}": signed_text(gain(length, beta=50, epochs=epochs))
            for epochs in (100, 400)
        },
        **{f"width-{alpha}": signed_text(one) for alpha, one in widths.items()},
        "width-n": " or ".join(sorted({f"{one.n if one else 0}" for one in widths.values()})),
        **_first_layer(found["first-layer"]),
        **_lambdas(found),
        **_factorial(found["factorial"]),
    }


def _change(
    found: Conditions, one: Mapping[str, object], other: Mapping[str, object], **fields: object
) -> str:
    """Return by how many points the accuracy changes from some values to others."""
    return cells.gain_text(runs_of(found, **fields, **other), runs_of(found, **fields, **one))


def _first_layer(found: Conditions) -> dict[str, str]:
    """Return what λ on the first layer alone does: its gain over β = 0, and what remains there."""
    words = {}
    for name, beta, frozen in (("1", 1, False), ("frozen-1", 1, True), ("50", 50, False)):
        fields: dict[str, Any] = {"beta": beta, "l1_rest": 0.0, "frozen_zeros": frozen}
        words[f"alone-{name}"] = signed_text(gain(found, **fields))
        words[f"alone-left-{name}"] = cells.remaining_text(runs_of(found, **fields))
    return words | {"alone-returns-50": _change(found, RETURN, STAY, beta=50, l1_rest=0.0)}


def _lambdas(found: Mapping[str, Conditions]) -> dict[str, str]:
    """Return the best λ of β = 50, and the results of the largest without and at one threshold."""
    at_beta = {c: runs for c, runs in found["lambdas"].items() if c.beta == 50}
    fixed = {c: r for c, r in found["lambdas"].items() if math.isclose(c.beta * c.l1, THRESHOLD)}
    zero = found["lambdas-zero"]
    best = max(at_beta, key=lambda c: compare.mean(at_beta[c]), default=None)
    least, most, most_fixed = (
        runs[pick(runs, key=lambda config: config.l1)] if runs else []
        for pick, runs in ((min, zero), (max, zero), (max, fixed))
    )
    return {
        "runs-l1": cells.count_text(at_beta),
        "largest-l1": tables.number(max(LAMBDAS)),
        "best-l1": tables.number(best.l1) if best else PENDING,
        "fixed-accuracy": cells.mean_text(most_fixed),
        "fixed-left": cells.remaining_text(most_fixed),
        "zero-accuracy": cells.mean_text(most),
        "zero-fit-least": cells.fit_text(least),
        "zero-fit-most": cells.fit_text(most),
    }


def _factorial(found: Conditions) -> dict[str, str]:
    """Return what augmentation and loss add to the gain of β = 50, over β = 0 unless over SGD."""
    augmented = effect(found, add_augmentation, without_threshold)
    changes = {
        "augmentation-sgd": effect(found, add_augmentation, as_sgd),
        "loss": effect(found, use_cross_entropy, without_threshold),
        "loss-equal": effect(found, use_cross_entropy_at_equal_rates, without_threshold),
    }
    for name, where in {
        "strong": has_stronger_l1,
        "weak": lambda c: c.l1_rest is None,
        "own": lambda c: c.l1_rest is None and c.loss == "bce",
    }.items():
        changes[f"augmentation-{name}"] = effect(found, add_augmentation, without_threshold, where)
    cell = {"beta": 50, "loss": "bce", "augment": "flip-crop", **STRONGER_L1}
    return {
        "before-augmentation": signed_text(augmented and augmented.before),
        "after-augmentation": signed_text(augmented and augmented.after),
        **{name: signed_text(one and one.change) for name, one in changes.items()},
        "cell-left": cells.remaining_text(runs_of(found, **cell)),
        "factorial-n": cells.count_text(found),
    }
