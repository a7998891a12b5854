"""What makes filters local: augmentation, loss, λ, the threshold and the number of weights."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lcs.exhibits import cells, compare, locality, tables
from lcs.exhibits.compare import Reference
from lcs.exhibits.locality import beyond_chance
from lcs.exhibits.settings import STRONGER_L1
from lcs.exhibits.tables import Table, signed
from lcs.exhibits.verdicts import UNMEASURED, Claim, Finding, Judge, ours
from lcs.exhibits.why.factorial import AUGMENTED_CROSS_ENTROPY, gains, has_stronger_l1
from lcs.runs import Record
from lcs.stats import mean_interval


def numbers(factorial: Sequence[Record], recipe: Sequence[Record]) -> dict[str, str]:
    """Return points of the window's share beyond chance, in words."""
    found = compare.conditions(factorial)

    def runs(**fields: object) -> list[Record]:
        return compare.runs_of(found, **{**AUGMENTED_CROSS_ENTROPY, **fields})

    sparse = runs(beta=50, **STRONGER_L1)
    plain = runs(beta=50, augment="none", **STRONGER_L1)
    zero = runs(beta=0, **STRONGER_L1)
    thresholds = compare.conditions([r for r in recipe if r.config.beta == 50])
    by_l1 = sorted(thresholds, key=lambda config: (config.l1, config.l1_rest or 0))
    many, few = [thresholds[by_l1[place]] if by_l1 else [] for place in (0, -1)]
    return {
        "window-sgd-flip-crop": locality.excess_text(runs(optimizer="sgd")),
        "window-zero-strong-flip-crop": locality.excess_text(zero),
        "window-strong-flip-crop": locality.excess_text(sparse),
        "window-strong-none": locality.excess_text(plain),
        "window-strong-more": cells.gain_text(sparse, plain, beyond_chance),
        "window-threshold": cells.gain_text(sparse, zero, beyond_chance),
        "window-many": locality.excess_text(many),
        "left-many": cells.remaining_text(many),
        "window-few": locality.excess_text(few),
        "left-few": cells.remaining_text(few),
        "eligible-few": locality.eligible_text(few),
        "runs-recipe": cells.count_text(thresholds),
    }


def factorial_table(records: Sequence[Record]) -> Table:
    """Return the window's share beyond chance in every cell of the factorial."""
    name, what = "tab-locality-factorial", "locality with and without augmentation"
    if not records:
        return tables.pending_table(name, what, "lcs study factorial")
    found = compare.conditions(records)
    rows = []
    sgd = [config for config in found if config.optimizer == "sgd"]
    for dense in sgd:
        fields = {"loss": dense.loss, "lr": dense.lr, "augment": dense.augment}
        here = [config for config in found if compare.matches(config, fields)]
        by_strength = sorted(here, key=lambda c: (c.optimizer != "sgd", c.beta, c.l1))
        rates = ", equal rates" if dense.lr < max(c.lr for c in sgd) else ""
        loss, images = (cells.field_text(dense, name) for name in ("loss", "augment"))
        heading = f"{loss}{rates}, {images}"
        rows.append([heading, *(locality.excess_text(found[config]) for config in by_strength)])
    caption = (
        "Share of a filter's mass in its best window, minus that of its own permutations, in "
        f"points: {cells.setting_text(records)}{cells.spread_text(records)}. "
        f"Stronger λ: {tables.number(STRONGER_L1['l1'])} on the first layer, "
        f"{tables.number(STRONGER_L1['l1_rest'])} on the others. At equal rates η is a tenth, "
        "λ ten times as large, and β = 5 stands for β = 50, so that ηλ and βλ are as with the "
        "binary cross-entropy."
    )
    sparse = [f"β = {beta}{l1}" for beta in (0, 50) for l1 in ("", ", stronger λ")]
    columns = ["loss and images", "SGD", *sparse]
    return Table(name, caption, columns, rows)


# Claims


def _more_local(reference: Reference, *, worse: bool = False) -> Judge:
    """Judge whether β = 50 with the stronger λ puts more (or less) of a filter's mass in a window.

    In the mean over losses and images of the factorial.
    """

    def judge(records: list[Record]) -> Finding:
        found = compare.conditions(records)
        sparse = [c for c in found if c.beta and has_stronger_l1(c)]
        more = gains(found, sparse, reference, beyond_chance)
        if not np.isfinite(more).all():
            return UNMEASURED
        difference = mean_interval(more.mean(0))
        claimed = -difference if worse else difference
        return Finding(f"{signed(difference)} points of the mass", claimed)

    return judge


CLAIMS: tuple[Claim, ...] = (
    ours(
        "With the stronger λ, the filters of β = 50 are more local than those of SGD, by "
        "the window (100 epochs, mean over losses and images)",
        "factorial",
        _more_local(compare.as_sgd),
    ),
    ours(
        "With the stronger λ, the filters of β = 50 are less local than those of β = 0 "
        "with the same λ, by the window (100 epochs, mean over losses and images)",
        "factorial",
        _more_local(compare.without_threshold, worse=True),
    ),
)
