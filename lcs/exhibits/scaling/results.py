"""Conditions of the studies compared, and the numbers of the prose."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from lcs.exhibits import cells, compare, published
from lcs.exhibits.compare import ByStudy, Reference, as_sgd, by_method, without_threshold
from lcs.exhibits.gap import gains_and_gaps, gap_text
from lcs.exhibits.methods import B0, B50, CONV, LOCAL, PROXIMAL, SGD, THREE, method
from lcs.exhibits.scaling import gains, studies
from lcs.exhibits.searches import choices
from lcs.exhibits.settings import DESK, chosen, chosen_flip_crop, regularised
from lcs.exhibits.tables import PENDING, Cell, Table, ahead
from lcs.runs import Record
from lcs.stats import lack_of_fit


class Compared(NamedTuple):
    """What the table of a study compares: by which fields, with what, and in words.

    `fields` are names in `cells.LABELS`; `references` by their names in the headings; `label` is of
    the table, where it is not `tab-` and the study's name.
    """

    fields: Sequence[str]
    references: Mapping[str, Reference]
    what: str
    label: str = ""


SGD_HERE: dict[str, Reference] = {"SGD": lambda config: chosen(as_sgd(config), "s-fc")}
SGD_FLIPS: dict[str, Reference] = {"SGD": lambda config: chosen_flip_crop(as_sgd(config), "s-fc")}
COMPARED = {
    "scaling": Compared(["base_channels", "l1"], SGD_HERE, "Every method at every width"),
    "scaling-threshold": Compared(
        ["l1"],
        SGD_HERE | {"β = 0": without_threshold, "proximal ℓ1": studies.proximal},
        "The λ of β = 50 with its threshold, without one, and with the LASSO's own step",
    ),
    "momentum": Compared(
        ["lr", "momentum", "weight_decay", "l1"],
        {"plain SGD": lambda c: as_sgd(c).replace(lr=DESK.lr, momentum=0.0, weight_decay=0.0)},
        "What makes SGD strong here",
    ),
    "reach": Compared(
        ["epochs", "l1", "reach"],
        SGD_HERE | {"β = 0, same λ": without_threshold},
        "Training length, or a larger λ, in all layers, in its place",
    ),
    "flips": Compared(
        ["base_channels", "epochs", "lr", "weight_decay", "l1"],
        SGD_FLIPS,
        "Every method with flips and crops, its hyperparameters chosen at α = 8",
    ),
    "largest": Compared(
        ["base_channels", "epochs", "augment", "weight_decay", "l1", "frozen_zeros"],
        {"the better SGD": lambda config: regularised(SGD_FLIPS["SGD"](config), 0.5)},
        "The largest networks, with SGD and with β-LASSO",
    ),
    "recipe-cifar100": Compared(["lr", "l1"], SGD_FLIPS, "CIFAR-100, flips and crops"),
    "augment-order": Compared(
        ["base_channels", "augment", "precision", "affine", "bias"],
        {
            "the usual": lambda c: c.replace(
                augment=c.augment.removesuffix("-first"), precision="bf16", affine=False, bias=False
            )
        },
        "Single parts of the recipe, otherwise than in this book",
        label="tab-parts",
    ),
}


def comparison_table(study: str, records: Sequence[Record]) -> Table:
    """Return every condition of a study beside the one that it is compared with."""
    fields, references, what, label = COMPARED[study]
    found = compare.conditions(records)
    columns: dict[str, Cell] = {
        "method": cells.of(lambda config: method(config).shortest),
        **cells.field_columns(fields),
        "test accuracy (%)": cells.mean_text,
        **{
            f"difference from {against}": cells.less(found, other)
            for against, other in references.items()
        },
        "remaining, layers 1, 2, 3 (%)": cells.layers_text,
    }
    note = "; differences are paired by seed"
    text = [*cells.field_columns(fields)]
    return cells.by_condition(study, records, columns, what, label=label, note=note, text=text)


def numbers(runs: ByStudy) -> dict[str, str]:
    """Return the numbers of the prose, in per cent and points; "pending" without the runs."""
    own = runs["scaling-own"]
    last = compare.widest(own)
    shared_l1 = compare.widest(runs["scaling-wide"])
    over_sgd = gains.gains_by_width(own)
    p = lack_of_fit(np.log2(over_sgd["x"]), over_sgd.gain) if own else math.nan
    seeds, shared = runs["scaling-seeds"], {run.config.seed for run in runs["scaling-threshold"]}
    added = by_method([run for run in seeds if run.config.seed not in shared])
    large, dense = runs["largest"], runs["largest-decay"]
    free = by_method([*runs["largest-free"], *dense, *runs["largest-local"]])
    frozen = by_method([*large, *free[SGD], *free[LOCAL]])
    searched = by_method([*runs["recipe-length-search"], *runs["recipe-length-search-local"]])
    flips = by_method([*runs["flips"], *runs["flips-others"]])
    beyond = by_method(runs["flips-beyond"])
    lengths = compare.by_length([*runs["recipe-length"], *runs["recipe-length-long"]])
    before_longest, longest = [by_method([]), by_method([]), *lengths.values()][-2:]
    one_lambda = compare.by_length(runs["recipe-length-l1"])
    convs = [
        cells.gain_text(groups[LOCAL], groups[CONV])
        for groups in compare.by_width([*runs["scaling"], *runs["scaling-wide"]]).values()
    ]
    hundred = by_method(runs["recipe-cifar100"])
    after, before = (
        by_method([run for run in runs["augment-order"] if run.config.augment == order])
        for order in ("autoaugment", "autoaugment-first")
    )
    return {
        "epochs": f"{own[0].config.epochs}" if own else PENDING,
        # "points ahead", "behind" or "more"
        "own-zero-last": ahead(cells.gain_text(last[B50], last[B0])),
        "own-proximal-last": cells.gain_text(last[B50], shared_l1[PROXIMAL]),
        "own-local-last": ahead(cells.gain_text(last[LOCAL], last[B50])),
        "conv-first": ahead(convs[0]) if convs else PENDING,
        "conv-last": ahead(convs[-1]) if convs else PENDING,
        "gap-last": gap_text(last),
        "gap-n": f"{len(gains_and_gaps(last)[0])}",
        "gap-paper": f"{published.gap_closed():.0f}",
        "growth-sgd": cells.signed_text(gains.growth(over_sgd)),
        "growth-zero": cells.signed_text(gains.growth(gains.gains_by_width(own, B0))),
        "fit-sgd": PENDING if math.isnan(p) else f"{p:.2g}",
        "seeds-gain": ahead(cells.gain_text(by_method(seeds)[B50], by_method(seeds)[SGD])),
        "seeds-added": cells.gain_text(added[B50], added[SGD]),
        "seeds-n": f"{len({run.config.seed for run in seeds})}",
        "largest-paper": f"{published.SHORT[SGD]:.2f}",
        "largest-accuracy": cells.mean_text(large),
        "largest-sgd": cells.mean_text(dense),
        "largest-left": cells.remaining_text(large),
        "largest-fit": cells.fit_text(large),
        "largest-sgd-fit": cells.fit_text(dense),
        "large-gain": ahead(cells.gain_text(free[B50], free[SGD])),
        "large-gap": gap_text(free),
        "large-local": cells.mean_text(free[LOCAL]),
        "large-frozen-gain": ahead(cells.gain_text(frozen[B50], frozen[SGD])),
        "large-frozen-gap": gap_text(frozen),
        "large-freezing": cells.gain_text(runs["largest-searched"], runs["largest-free"]),
        "large-zero": ahead(cells.gain_text(runs["largest-free"], runs["largest-zero"])),
        "beyond-n": f"{len(beyond[B50])}",
        "beyond-gain": ahead(cells.gain_text(beyond[B50], beyond[SGD])),
        "beyond-zero": ahead(cells.gain_text(beyond[B50], beyond[B0])),
        "beyond-local": ahead(cells.gain_text(beyond[LOCAL], beyond[B50])),
        "beyond-gap": gap_text(beyond),
        "length-gaps": "; ".join(
            f"{gap_text(groups)} % after {length}" for length, groups in lengths.items()
        )
        or PENDING,
        "one-lambda": " and ".join(
            f"{cells.gain_text(groups[B50], lengths[length][B50])} after {length}"
            for length, groups in one_lambda.items()
            if length in lengths
        )
        or PENDING,
        "longest-lead": ahead(cells.gain_text(longest[SGD], longest[B50])),
        "longest-change": cells.gain_text(longest[B50], before_longest[B50]),
        "longest-fit": cells.fit_text(longest[B50]),
        "longest-sgd-fit": cells.fit_text(longest[SGD]),
        "longest-left": cells.remaining_text(longest[B50]),
        **_at_rates(runs["search-flips"]),
        "searched-n": f"{len(searched[B50])}",
        "searched-gain": ahead(cells.gain_text(searched[B50], searched[SGD])),
        "searched-left": cells.remaining_text(searched[B50]),
        "searched-local": ahead(cells.gain_text(searched[LOCAL], searched[B50])),
        "searched-gap": gap_text(searched),
        "flips-gain": ahead(cells.gain_text(flips[B50], flips[SGD])),
        "flips-zero": ahead(cells.gain_text(flips[B50], flips[B0])),
        "flips-three": ahead(cells.gain_text(flips[THREE], flips[B50])),
        "flips-n": f"{len(flips[B50])}",
        "flips-others-n": f"{len(flips[THREE])}",
        "flips-local": ahead(cells.gain_text(flips[LOCAL], flips[B50])),
        "flips-gap": gap_text(flips),
        "hundred-n": f"{len(hundred[B50])}",
        "hundred-gain": cells.gain_text(hundred[B50], hundred[SGD]),
        "hundred-zero": ahead(cells.gain_text(hundred[B50], hundred[B0])),
        "hundred-gap": gap_text(hundred),
        "hundred-paper": f"{published.gap_closed('cifar100'):.0f}",
        "order-sgd": cells.gain_text(before[SGD], after[SGD]),
        "order-beta": cells.gain_text(before[B50], after[B50]),
        "order-gain": cells.gain_text(before[B50], before[SGD]),
    }


def _at_rates(searched: Sequence[Record]) -> dict[str, str]:
    """Return how far the best β = 50 is ahead of the best SGD, and behind it at that rate."""
    best = choices(searched, method)
    lead = behind = PENDING
    if best.keys() >= {B50, SGD}:
        dense = best[SGD]
        alike = [run for run in searched if run.config.lr == dense.config.lr]
        lead, behind = (
            ahead(cells.gain_text(one.runs, other.runs))
            for one, other in ((best[B50], dense), (dense, choices(alike, method)[B50]))
        )
    return {"rate-ahead": lead, "rate-behind": behind}
