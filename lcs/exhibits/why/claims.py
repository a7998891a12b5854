"""What the chapter `why` judges: the reproduction's questions, and claims of this book's own."""

from __future__ import annotations

from collections.abc import Callable

from lcs.config import Config
from lcs.exhibits import compare, tables
from lcs.exhibits.compare import Reference
from lcs.exhibits.figure3 import leaves
from lcs.exhibits.methods import beta_lasso_method
from lcs.exhibits.published import COUNTS
from lcs.exhibits.settings import STRONGER_L1
from lcs.exhibits.tables import signed
from lcs.exhibits.verdicts import Claim, Finding, Judge, differs
from lcs.exhibits.why import factorial
from lcs.exhibits.why.factorial import AUGMENTED_CROSS_ENTROPY, Change
from lcs.runs import Record


def _raises_gain(
    change: Change, reference: Reference, where: Callable[[Config], bool] = lambda _: True
) -> Judge:
    """Judge whether a factor of the factorial raises the gain of β = 50, in the mean of cells."""

    def judge(records: list[Record]) -> Finding:
        chosen = [r for r in records if r.config.optimizer == "sgd" or where(r.config)]
        more = factorial.effect(compare.conditions(chosen), change, reference)
        assert more is not None
        return Finding(f"{signed(more)} points", more)

    return judge


def _longer_helps(records: list[Record]) -> Finding:
    """Judge whether the gain of β = 50 over β = 0 is larger at the larger of two lengths."""
    found = compare.conditions(records)
    short, *_, long = sorted((c for c in found if c.beta), key=lambda config: config.epochs)
    growth = factorial.contrast(found, [(short, long)], compare.without_threshold)
    assert growth is not None
    return Finding(f"{signed(growth.change)} points", growth.change)


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
            compare.without_threshold,
            lambda c: c.loss == "bce" and not factorial.has_stronger_l1(c),
        ),
        "a question",
    ),
    Claim(
        "B",
        "Augmentation lets β = 50 gain on β = 0 with the stronger λ (100 epochs, mean over losses)",
        "factorial",
        _raises_gain(
            factorial.add_augmentation, compare.without_threshold, factorial.has_stronger_l1
        ),
    ),
    Claim("B", "β = 50 gains more on β = 0 in 400 epochs than in 100", "length", _longer_helps),
    Claim(
        "B",
        "β = 50 gains more on β = 0 with cross-entropy (100 epochs, same η, so data steps "
        "ten times as large)",
        "factorial",
        _raises_gain(factorial.use_cross_entropy, compare.without_threshold),
    ),
    *(
        Claim(
            "B",
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
    Claim(
        "B",
        "With λ on the first layer alone, β = 50 is as good as β = 0, within 1 point",
        "first-layer",
        differs(
            {"beta": 50, "l1_rest": 0, "frozen_zeros": False},
            {"beta": 0, "l1_rest": 0},
            margin=1.0,
        ),
    ),
    Claim(
        "B",
        "Zeros may as well stay: β = 50 is as good with zeros frozen, within 1 point",
        "frozen",
        differs(
            {"beta": 50, "frozen_zeros": True},
            {"beta": 50, "frozen_zeros": False},
            margin=1.0,
        ),
    ),
    Claim(
        "B",
        "With λ on the first layer alone, β = 50 is as good with zeros frozen, within 1 point",
        "first-layer",
        differs(
            {"beta": 50, "l1_rest": 0, "frozen_zeros": True},
            {"beta": 50, "l1_rest": 0, "frozen_zeros": False},
            margin=1.0,
        ),
    ),
    Claim(
        "B",
        "With λ on the first layer alone, frozen zeros cost β = 1 accuracy",
        "first-layer",
        differs(
            {"beta": 1, "l1_rest": 0, "frozen_zeros": False},
            {"beta": 1, "l1_rest": 0, "frozen_zeros": True},
        ),
    ),
    Claim(
        "B",
        "bfloat16 and float32 give β = 50 the same accuracy, within 1 point",
        "precision",
        differs(
            {"beta": 50, "precision": "bf16"},
            {"beta": 50, "precision": "fp32"},
            margin=1.0,
        ),
    ),
    Claim(
        "B",
        "A constant learning rate leaves more weights than a cosine, with β = 1",
        "schedule",
        differs(
            {"beta": 1, "schedule": "constant"},
            {"beta": 1, "schedule": "cosine-epoch"},
            of=compare.remaining,
            unit="points of the layer",
        ),
    ),
    *(
        Claim(
            "B",
            f"With {text}, β = {beta} leaves as many weights as the reproduction's",
            study,
            leaves(beta_lasso_method(beta), **schedule),
            tables.reproduction(f"{COUNTS[beta_lasso_method(beta), 400].conv1:,}"),
        )
        for text, study, schedule in (
            ("a constant learning rate", "schedule", {"schedule": "constant"}),
            ("a cosine of period 100", "period", {"period": 100}),
        )
        for beta in (50, 1)
    ),
)
