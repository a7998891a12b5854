"""What β = 50 gains over SGD, and over β = 0 with the same λ: rows of forest plots, by seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lcs.config import Config
from lcs.exhibits import cells, compare, tables
from lcs.exhibits.compare import AGAINST, Conditions
from lcs.exhibits.plots import Differences
from lcs.exhibits.settings import LAMBDAS, STRONGER_L1, quarter_length
from lcs.exhibits.why.factorial import cell, largest_thresholds
from lcs.runs import Record


def by_change(runs: Mapping[str, Sequence[Record]]) -> list[Differences]:
    """Return the gains of β = 50 with each change of the training that has been run.

    Args:
        runs: of the chapter's studies by name.
    """
    found = compare.conditions(record for records in runs.values() for record in records)
    frozen = [config for config in found if config.frozen_zeros and config.l1_rest is None]
    if not frozen:
        return []
    # the reproduction's setting with β = 50: of what was run, the plain one
    start = max(frozen, key=lambda config: config.beta).replace(frozen_zeros=False)
    return [
        row
        for group, changed in _changes(start).items()
        for label, config in changed.items()
        for row in _gains(found, config, label, group)
    ]


def by_return(runs: Mapping[str, Sequence[Record]]) -> list[Differences]:
    """Return the gains over β = 0 of each β, with zeros that may return and with frozen ones."""
    found = compare.conditions([*runs["frozen"], *runs["first-layer"]])
    groups = {True: "λ on every layer", False: "λ on the first layer alone"}
    pruning = [config for config in found if config.beta]
    return [
        Differences(
            f"β = {config.beta:g}{cells.zeros_text(config)} "
            f"({cells.remaining_text(found[config])} % remain)",
            "over β = 0",
            compare.differences(found[config], found[compare.without_threshold(config)]),
            groups[everywhere],
        )
        for everywhere in groups
        for config in sorted(pruning, key=lambda c: (c.beta, c.frozen_zeros))
        if (config.l1_rest is None) == everywhere
    ]


def by_cell(records: Sequence[Record]) -> list[Differences]:
    """Return the gains of β = 50 in each cell of the factorial, grouped by augmentation."""
    found = compare.conditions(records)
    return [
        row
        for config in largest_thresholds(found)
        for row in _gains(found, config, cell(config), cells.field_text(config, "augment"))
    ]


def _changes(start: Config) -> dict[str, dict[str, Config]]:
    """Return what is changed from the reproduction's setting on, in groups."""
    short, most = quarter_length(start), LAMBDAS[-1]
    crops, loss = {"augment": "flip-crop"}, {"loss": "cross-entropy"}
    all_three = {**crops, **loss, **STRONGER_L1}
    alone = {
        "none: the reproduction's setting": start,
        "float32 instead of bfloat16": start.replace(precision="fp32"),
        "λ on the first layer alone": start.replace(l1_rest=0.0),
        "frozen zeros": start.replace(frozen_zeros=True),
        f"λ = {tables.number(most)}": start.replace(l1=most),
        f"λ = {tables.number(most)}, βλ as before": start.replace(
            l1=most, beta=start.beta * start.l1 / most
        ),
        f"{4 * start.epochs} epochs": start.replace(epochs=4 * start.epochs),
    }
    shorter = {
        "length alone": short,
        "width: α = 4": short.replace(base_channels=4 * start.base_channels),
        "augmentation": short.replace(**crops),
        "cross-entropy": short.replace(**loss),
        "stronger λ": short.replace(**STRONGER_L1),
    }
    widths = [factor * start.base_channels for factor in (1, 4, 8, 16)]
    return {
        f"{start.epochs} epochs, one change": alone,
        f"{short.epochs} epochs, one further change": shorter,
        f"{short.epochs} epochs, augmentation, cross-entropy, stronger λ": {
            f"α = {width}": short.replace(base_channels=width, **all_three) for width in widths
        },
    }


def _gains(found: Conditions, config: Config, label: str, group: str = "") -> list[Differences]:
    return [
        Differences(label, f"over {name}", compare.differences(found[config], found[other]), group)
        for name, reference in AGAINST.items()
        if config in found and (other := reference(config)) in found
    ]
