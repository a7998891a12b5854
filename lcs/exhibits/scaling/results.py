"""The gain of β = 50 over other methods, conditions compared, numbers of the prose, and claims.

The gain is a difference in test accuracy, in points, paired by seed.
"""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from lcs.exhibits.scaling import studies
from lcs.exhibits.shared import cells, compare, published, tables
from lcs.exhibits.shared.compare import ByStudy, Reference, as_sgd, by_method, without_threshold
from lcs.exhibits.shared.gap import by_size, gap_closed, gap_text, size_of_paper
from lcs.exhibits.shared.methods import B0, B50, LOCAL, PROXIMAL, SGD, Method, method
from lcs.exhibits.shared.settings import (
    DESK,
    FLIP_CROP,
    RECIPE,
    chosen,
    chosen_flip_crop,
    regularised,
)
from lcs.exhibits.shared.tables import PENDING, Cell, Table
from lcs.exhibits.shared.verdicts import Finding, Judge, exceeds, ours
from lcs.runs import Record
from lcs.stats import Interval, lack_of_fit, mean_interval

# with flips and crops, at growing width, and what was chosen at α = 8
AT_50 = ("recipe-length-search-narrow", "recipe-length-search")
AT_200 = ("flips-narrow", "flips", "flips-beyond-rate")
# the studies of each setting, by its name, for the table of gains and the first picture
BY_SETTING = {
    RECIPE.name: ("scaling-own", "scaling-seeds", "paper-size-searched"),
    FLIP_CROP.name: (
        *(f"recipe-length-search{end}" for end in ("-narrow", "", "-local")),
        *("flips-narrow", "flips", "flips-others", "flips-beyond"),
        *("recipe-length", "recipe-length-long"),
        *("largest-free", "largest-decay", "largest-local", "largest-zero"),
    ),
}


def gains_by_width(records: Sequence[Record], other: Method = SGD) -> tables.DataFrame:
    """Return the gain of β = 50 over another method: columns `x` (α), `seed`, `gain` (points)."""
    rows = []
    for width, groups in compare.by_width(records).items():
        found = compare.by_seed(groups[B50], groups[other])
        rows += [{"x": width, "seed": s, "gain": one - two} for s, (one, two) in found.items()]
    return tables.data_frame(rows, columns=["x", "seed", "gain"])


def growth(gains: tables.DataFrame) -> Interval | None:
    """Return how much a gain grows with each doubling of the width, in points.

    That is the slope of `gains_by_width` against log₂ α by least squares, over the seeds that have
    every width. None without any, or where there is only one width.
    """
    widths = gains["x"].nunique()
    whole = [runs for _, runs in gains.groupby("seed") if len(runs) == widths]
    if widths < 2 or not whole:
        return None
    return mean_interval([np.polyfit(np.log2(runs["x"]), runs.gain, 1)[0] for runs in whole])


def gain_grows(other: Method) -> Judge:
    """Judge whether the gain of β = 50 over another method grows with the width."""

    def judge(records: list[Record]) -> Finding | None:
        slope = growth(gains_by_width(records, other))
        return slope and Finding(f"{tables.signed(slope)} points a doubling", slope)

    return judge


def gains_table(settings: Mapping[str, Sequence[Record]]) -> Table:
    """Return accuracies of each setting, leads of β = 50, and the share of the gap that it closes.

    A line for each width and length that has SGD, β = 50 and S-LOCAL; then the paper's.
    """
    name, what = "tab-gains", "Accuracy, gain of β = 50, and share of the gap that it closes"
    if not any(settings.values()):
        return tables.pending_table(name, what, "lcs study scaling-own")
    shown, others = (SGD, B0, B50, LOCAL), (SGD, B0)
    columns = [
        "setting", "n", *(one.shortest for one in (SGD, B0, B50)), "S-LOCAL",
        *(f"{B50.shortest} − {one.shortest}" for one in others),
        "gap closed (%)", "weights left (%)",
    ]  # fmt: skip
    rows = []
    blank = [""] * (len(columns) - 1)
    for title, records in settings.items():
        rows.append([f"*{title}*", *blank])
        for size, groups in by_size(records).items():
            means = [compare.mean(groups[one]) for one in shown]
            values = [tables.NONE if math.isnan(mean) else f"{mean:.2f}" for mean in means]
            gains = [
                cells.gain_text(groups[B50], groups[one], missing=tables.NONE) for one in others
            ]
            # of a gap that may be zero no share is known
            closed = tables.NONE if math.isinf(gap_closed(groups)[1]) else gap_text(groups)
            last = closed, cells.remaining_text(groups[B50])
            n = len(compare.by_seed(groups[SGD], groups[B50]))
            rows.append([size, f"{n}", *values, *gains, *last])
    rows.append(["*the paper*", *blank])
    for dataset, epochs in (
        ("cifar10", published.SHORT_EPOCHS),
        ("cifar10", published.PAPER_EPOCHS),
        ("cifar100", published.PAPER_EPOCHS),
    ):
        theirs = [published.accuracy(one, dataset, epochs) for one in shown]
        leads = [published.gain(B50, one, dataset, epochs) for one in others]
        quoted = [None if math.isnan(value) else value for value in leads]
        share = None if theirs[2] is None else f"{published.gap_closed(dataset):.0f}"
        size = size_of_paper(epochs) + ("" if dataset == "cifar10" else ", CIFAR-100")
        rows.append([size, "", *map(tables.published, [*theirs, *quoted, share]), ""])
    caption = (
        f"{what}: mean test accuracy in per cent of S-FC trained by SGD, β = 0 and β = 50, and of "
        "S-LOCAL trained by SGD; differences in points, paired by seed, with 95 % intervals; share "
        "of the gap between SGD and S-LOCAL, where the interval of this gap excludes zero, with an "
        "interval by Fieller's method (of two seeds both values, the smaller first); first-layer "
        "weights that remain with β = 50. Differences and shares are over the seeds that all the "
        "methods compared have. "
        "CIFAR-10 where not said otherwise. There are n seeds of SGD and β = 50, of other methods "
        "at most three. At α = 32 the weight decay of SGD was chosen on test images."
    )
    return Table(name, caption, columns, rows, style="results")


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
        ["augment", "lr", "weight_decay", "l1", "frozen_zeros"],
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
        "One part of the training changed at a time",
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
            f"difference from {against}": cells.difference_from(found, other)
            for against, other in references.items()
        },
        "remaining, layers 1, 2, 3 (%)": cells.layers_text,
    }
    text = [*cells.field_columns(fields)]
    return cells.by_condition(
        study, records, columns, what, label=label, note=cells.PAIRED, text=text
    )


def numbers(runs: ByStudy) -> dict[str, str]:
    """Return the numbers of the prose, in per cent and points; "pending" without the runs."""
    own = runs["scaling-own"]
    last = compare.widest(own)
    over_sgd = gains_by_width(own)
    p = lack_of_fit(np.log2(over_sgd["x"]), over_sgd.gain) if own else math.nan
    seeds, shared = runs["scaling-seeds"], {run.config.seed for run in runs["scaling-threshold"]}
    added = by_method([run for run in seeds if run.config.seed not in shared])
    # the best of three variants at α = 32
    frozen = by_method(compare.joined(runs, ("largest", "largest-decay", "largest-local")))
    free = by_method(runs["largest-free"])
    beyond, usual = (by_method(runs[f"flips-beyond{end}"]) for end in ("", "-rate"))
    return {
        "own-zero-last": cells.lead_text(last[B50], last[B0]),
        "gap-last": gap_text(last),
        "gap-paper": f"{published.gap_closed():.0f}",
        "growth-sgd": cells.signed_text(growth(over_sgd)),
        "growth-flips": cells.signed_text(growth(gains_by_width(compare.joined(runs, AT_200)))),
        "growth-zero": cells.signed_text(growth(gains_by_width(own, B0))),
        "fit-sgd": PENDING if math.isnan(p) else f"{p:.2g}",
        "seeds-gain": cells.lead_text(by_method(seeds)[B50], by_method(seeds)[SGD]),
        "seeds-added": cells.gain_text(added[B50], added[SGD]),
        "seeds-n": f"{len({run.config.seed for run in seeds})}",
        "large-n": f"{len(compare.by_seed(free[B50], frozen[SGD]))}",
        "large-frozen-gap": gap_text(frozen),
        "beyond-n": f"{len(beyond[B50])}",
        "beyond-gain": cells.lead_text(beyond[B50], beyond[SGD]),
        "beyond-zero": cells.lead_text(beyond[B50], beyond[B0]),
        "beyond-gap": gap_text(beyond),
        "beyond-usual": cells.lead_text(usual[B50], usual[SGD]),
        "beyond-rate": cells.lead_text(beyond[SGD], usual[SGD]),
        "rate-8": cells.gain_text(runs["flips-rate"], by_method(runs["flips"])[SGD]),
    }


CLAIMS = {
    "With AutoAugment (200 epochs), both as chosen on validation images at α = 2, "
    "β = 50 is better than SGD at α = 8": ours("scaling-wide", exceeds(B50, SGD)),
    **{
        f"With λ of β = 50 chosen at each width, its gain over {name} grows (α = 1, 2, 4, 8)": ours(
            "scaling-own", gain_grows(other)
        )
        for name, other in (("SGD", SGD), ("β = 0", B0))
    },
    **{
        f"With flips and crops, and what was chosen at α = 8, the gain of β = 50 over SGD grows "
        f"({where})": ours(" + ".join(names), gain_grows(SGD))
        for names, where in (
            (AT_200, "α = 4, 8, 16; 200 epochs"),
            (AT_50, "α = 1, 2, 4, 8; 50 epochs"),
        )
    },
    **{
        f"With λ of β = 50 chosen at α = 8, it is better than {name} there": ours(
            study, exceeds(B50, other)
        )
        for name, study, other in (
            ("β = 0 with a λ of its own", "scaling-own", B0),
            ("β = 0 with the same λ", "scaling-threshold", B0),
            ("proximal ℓ1 with the same λ", "scaling-threshold", PROXIMAL),
        )
    },
}
