"""Why β = 50 loses at α = 1: studies that change one thing at a time, paired by seed.

A condition is a configuration without its seed; two conditions are compared run for run. The gain
of β = 50 is its accuracy minus that of SGD, or of β = 0 with the same λ.

Here is what is judged; `studies` has the runs, `factorial` what each factor adds to the gain,
`results` figures, the table and numbers.
"""

from __future__ import annotations

from collections.abc import Callable

from lcs.config import Config
from lcs.exhibits.compare import conditions, without_threshold
from lcs.exhibits.settings import STRONGER_L1
from lcs.exhibits.tables import signed
from lcs.exhibits.verdicts import Claim, Finding, Judge, differs, ours
from lcs.exhibits.why import factorial
from lcs.exhibits.why.factorial import AUGMENTED_CROSS_ENTROPY, Change, Contrast
from lcs.exhibits.why.studies import STUDIES
from lcs.runs import Record

__all__ = ["CLAIMS", "STUDIES"]


def _raises_gain(change: Change, where: Callable[[Config], bool] = lambda _: True) -> Judge:
    """Judge whether a factor raises the gain of β = 50 over β = 0, in the mean of cells."""
    return lambda records: _more(
        factorial.effect(conditions(records), change, without_threshold, where)
    )


def _longer_helps(records: list[Record]) -> Finding:
    """Judge whether the gain of β = 50 over β = 0 is larger at the larger of two lengths."""
    found = conditions(records)
    short, *_, long = sorted((c for c in found if c.beta), key=lambda config: config.epochs)
    return _more(factorial.contrast(found, [(short, long)], without_threshold))


def _more(gain: Contrast | None) -> Finding:
    assert gain is not None
    return Finding(f"{signed(gain.change)} points", gain.change)


_FIRST, _FREE, _FROZEN = {"l1_rest": 0}, {"frozen_zeros": False}, {"frozen_zeros": True}

CLAIMS: tuple[Claim, ...] = (
    Claim(
        "R",
        "More training, 1600 epochs instead of 400, lets β = 50 gain on β = 0",
        "longer",
        _longer_helps,
        "a question",
    ),
    Claim(
        "R",
        "Augmentation lets β = 50 gain on β = 0 (100 epochs)",
        "factorial",
        _raises_gain(
            factorial.add_augmentation,
            lambda c: c.loss == "bce" and not factorial.has_stronger_l1(c),
        ),
        "a question",
    ),
    ours(
        "Augmentation lets β = 50 gain on β = 0 with the stronger λ (100 epochs, mean over losses)",
        "factorial",
        _raises_gain(factorial.add_augmentation, factorial.has_stronger_l1),
    ),
    ours("β = 50 gains more on β = 0 in 400 epochs than in 100", "length", _longer_helps),
    ours(
        "β = 50 gains more on β = 0 with cross-entropy (100 epochs, same η, so data steps "
        "ten times as large)",
        "factorial",
        _raises_gain(factorial.use_cross_entropy),
    ),
    *(
        ours(
            "With cross-entropy, augmentation and the stronger λ, β = 50 is better than "
            f"{name}: α = {alpha}",
            study,
            differs(
                {"beta": 50, "base_channels": alpha, **STRONGER_L1, **where},
                {"base_channels": alpha, **other, **where},
            ),
        )
        for name, other in (
            ("plain SGD", {"optimizer": "sgd"}),
            ("β = 0 at the same λ", {"optimizer": "beta-lasso", "beta": 0, **STRONGER_L1}),
        )
        for alpha, study, where in (
            (1, "factorial", AUGMENTED_CROSS_ENTROPY),
            (4, "recipe", {}),
            (8, "width", {}),
            (16, "wider", {}),
        )
    ),
    ours(
        "With λ on the first layer alone, β = 50 is as good as β = 0, within 1 point",
        "first-layer",
        differs({"beta": 50, **_FIRST, **_FREE}, {"beta": 0, **_FIRST}, margin=1.0),
    ),
    ours(
        "Zeros may as well stay: β = 50 is as good with zeros frozen, within 1 point",
        "frozen",
        differs({"beta": 50, **_FROZEN}, {"beta": 50, **_FREE}, margin=1.0),
    ),
    ours(
        "With λ on the first layer alone, β = 50 is as good with zeros frozen, within 1 point",
        "first-layer",
        differs({"beta": 50, **_FIRST, **_FROZEN}, {"beta": 50, **_FIRST, **_FREE}, margin=1.0),
    ),
    ours(
        "With λ on the first layer alone, frozen zeros cost β = 1 accuracy",
        "first-layer",
        differs({"beta": 1, **_FIRST, **_FREE}, {"beta": 1, **_FIRST, **_FROZEN}),
    ),
    ours(
        "bfloat16 and float32 give β = 50 the same accuracy, within 1 point",
        "precision",
        differs({"beta": 50, "precision": "bf16"}, {"beta": 50, "precision": "fp32"}, margin=1.0),
    ),
)
