"""What makes filters local: augmentation, loss, λ, the threshold and the number of weights."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from lcs import measure
from lcs.config import Config
from lcs.exhibits import cells, compare, locality, tables
from lcs.exhibits.cells import WORDS
from lcs.exhibits.locality import beyond_chance
from lcs.exhibits.settings import STRONGER_L1
from lcs.exhibits.tables import NONE, PENDING, Table, signed
from lcs.exhibits.verdicts import UNMEASURED, Claim, Finding, Judge
from lcs.exhibits.why.factorial import AUGMENTED_CROSS_ENTROPY, LOSSES, has_stronger_l1
from lcs.runs import Record
from lcs.stats import Interval, mean_interval


def factorial_numbers(records: Sequence[Record]) -> dict[str, str]:
    """Return what augmentation does to locality, from the factorial with cross-entropy, in words.

    Points of the window's share beyond chance, of SGD, and of β = 0 and β = 50 with the stronger λ.
    `window-pruned` is of stored filters of β = 0, pruned to as many weights as the run of β = 50
    with the same seed has (`window-rival`).
    """
    found = compare.conditions(records)

    def runs(**fields: object) -> list[Record]:
        return compare.runs_of(found, **{**AUGMENTED_CROSS_ENTROPY, **fields})

    sparse = runs(beta=50, **STRONGER_L1)
    plain = runs(beta=50, augment="none", **STRONGER_L1)
    zero = runs(beta=0, **STRONGER_L1)
    words = {
        "window-sgd-flip-crop": locality.excess_text(runs(optimizer="sgd")),
        "window-zero-strong-flip-crop": locality.excess_text(zero),
        "window-strong-flip-crop": locality.excess_text(sparse),
        "window-strong-none": locality.excess_text(plain),
        "window-strong-more": cells.gain_text(sparse, plain, beyond_chance),
        "window-threshold": cells.gain_text(sparse, zero, beyond_chance),
    }
    pruned: dict[str, Any] | None = None
    if sparse and zero and zero[0].has_filters:
        share = compare.remaining(sparse)[0] / 100
        pruned = measure.locality(measure.prune(zero[0].load_filters(), share))
    return words | {
        "window-pruned": _over_filters(pruned),
        "window-rival": _over_filters(sparse[0].final["locality"] if pruned else None),
        "pruned-filters": f"{pruned['filters']}" if pruned else PENDING,
    }


def _over_filters(found: Mapping[str, Any] | None) -> str:
    """Return the share beyond chance of one run, in points, with its interval over filters."""
    if found is None:
        return PENDING
    window = found["window_mass"]
    mean, half = window["excess_mean"], window["excess_ci95"]
    if mean is None or half is None:
        return NONE
    return tables.signed(Interval(100 * mean, 100 * half, found["filters"]))


def factorial_table(records: Sequence[Record]) -> Table:
    """Return the window's share beyond chance in every cell of the factorial."""
    name, what = "tab-locality-factorial", "locality with and without augmentation"
    if not records:
        return tables.pending_table(name, what, "lcs study factorial")
    found = compare.conditions(records)
    rows = []
    for loss, augment in itertools.product(("bce", "equal", "ce"), ("none", "flip-crop")):
        fields = {"augment": augment, **LOSSES[loss]}
        here = {config: runs for config, runs in found.items() if compare.matches(config, fields)}
        heading = f"{LOSS_NAMES[loss]}, {WORDS['augment', augment]}"
        by_strength = sorted(here, key=lambda c: (c.optimizer != "sgd", c.beta, c.l1))
        rows.append([heading, *(locality.excess_text(here[config]) for config in by_strength)])
    caption = (
        "Share of a filter's mass in its best window, less that of its own permutations, in "
        f"points: {cells.setting_text(records)}{cells.spread_text(records)}. "
        f"Stronger λ: {tables.number(STRONGER_L1['l1'])} on the first layer, "
        f"{tables.number(STRONGER_L1['l1_rest'])} on the others. At equal rates η is a tenth, "
        "λ ten times as large, and β = 5 stands for β = 50, so that ηλ and βλ are as with the "
        "binary cross-entropy."
    )
    sparse = [f"β = {beta}{l1}" for beta in (0, 50) for l1 in ("", ", stronger λ")]
    columns = ["loss and images", "SGD", *sparse]
    return Table(name, caption, columns, rows)


LOSS_NAMES = {
    "bce": "binary cross-entropy",
    "equal": "cross-entropy, equal rates",
    "ce": "cross-entropy",
}


def sparsity_numbers(records: Sequence[Record]) -> dict[str, str]:
    """Return locality at the smallest (`-many`) and the largest λ (`-few`) of β = 50, in words.

    Points of the window's share beyond chance, remaining weights of the first layer in per cent,
    filters that are measured, and runs of each.
    """
    found = compare.conditions([r for r in records if r.config.beta == 50])
    by_l1 = sorted(found, key=lambda config: (config.l1, config.l1_rest or 0))
    many, few = [found[by_l1[place]] if found else [] for place in (0, -1)]
    return {
        "window-many": locality.excess_text(many),
        "left-many": cells.remaining_text(many),
        "window-few": locality.excess_text(few),
        "left-few": cells.remaining_text(few),
        "eligible-few": locality.eligible_text(few),
        "runs-recipe": cells.count_text(found),
    }


# Claims


def _more_local(reference: Callable[[Config], Config], *, worse: bool = False) -> Judge:
    """Judge whether β = 50 with the stronger λ puts more (or less) of a filter's mass in a window.

    In the mean over losses and images of the factorial.
    """

    def judge(records: list[Record]) -> Finding:
        found = compare.conditions(records)
        sparse = [c for c in found if c.beta and has_stronger_l1(c)]
        more = [
            [compare.by_seed(found[c], beyond_chance) for c in (cell, reference(cell))]
            for cell in sparse
        ]
        seeds = sorted(set.intersection(*(set(one) for pair in more for one in pair)))
        each = [[one[s] - other[s] for s in seeds] for one, other in more]
        if not np.isfinite(each).all():
            return UNMEASURED
        difference = mean_interval(np.mean(each, axis=0))
        claimed = difference._replace(mean=-difference.mean) if worse else difference
        return Finding(f"{signed(difference)} points of the mass", claimed)

    return judge


CLAIMS: tuple[Claim, ...] = (
    Claim(
        "B",
        "With the stronger λ, the filters of β = 50 are more local than those of SGD, by "
        "the window (100 epochs, mean over losses and images)",
        "factorial",
        _more_local(compare.as_sgd),
    ),
    Claim(
        "B",
        "With the stronger λ, the filters of β = 50 are less local than those of β = 0 "
        "with the same λ, by the window (100 epochs, mean over losses and images)",
        "factorial",
        _more_local(compare.without_threshold, worse=True),
    ),
)
