"""Conditions of the studies compared, the largest networks, and the numbers of the prose."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np

from lcs import cost
from lcs.config import Config
from lcs.exhibits import cells, compare, published, tables
from lcs.exhibits.cells import LABELS, Compared
from lcs.exhibits.compare import Reference, as_sgd, by_method, usual, without_threshold
from lcs.exhibits.gap import gains_and_gaps, gap_text
from lcs.exhibits.methods import B0, B50, LOCAL, PROXIMAL, SGD, THREE
from lcs.exhibits.scaling import gains, studies
from lcs.exhibits.scaling.widths import fit_and_gap_text
from lcs.exhibits.settings import DESK, chosen, chosen_flip_crop
from lcs.exhibits.tables import PENDING, Cell, Table, ahead
from lcs.runs import Record
from lcs.stats import lack_of_fit


def _own_zero(config: Config) -> Config:
    """Return β = 0 with its own λ; SGD as it is."""
    if config.optimizer == "sgd":
        return config
    return chosen(without_threshold(config), "s-fc", "beta-lasso", 0.0)


SGD_HERE: dict[str, Reference] = {"SGD": lambda config: chosen(as_sgd(config), "s-fc")}
SGD_FLIPS: dict[str, Reference] = {"SGD": lambda config: chosen_flip_crop(as_sgd(config), "s-fc")}
EVERY = "Every method with flips and crops, its hyperparameters chosen at α = 8"
HYPERPARAMETERS = ["base_channels", "lr", "weight_decay", "l1"]
COMPARED = {
    "scaling-threshold": Compared(
        ["l1"],
        SGD_HERE | {"β = 0": without_threshold, "proximal ℓ1": studies.proximal},
        "The λ of β = 50 with its threshold, without one, and with the LASSO's own step",
    ),
    "scaling-seeds": Compared(
        ["l1"], SGD_HERE, "SGD and β = 50 at the largest width, with more seeds"
    ),
    "scaling-beyond": Compared(
        ["l1"],
        SGD_HERE | {"β = 0": _own_zero},
        "SGD, β = 0 and β = 50 at α = 16",
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
    "recipe-precision": Compared(
        ["precision"],
        usual("the usual", precision="bf16"),
        "Matrix products in bfloat16 and in float32",
    ),
    "recipe-affine": Compared(
        ["affine", "bias"],
        usual("the usual", affine=False, bias=False),
        "Batch normalisation with scale and shift, and layers with biases",
    ),
    "augment-order": Compared(
        ["augment"],
        usual("the usual", augment="autoaugment"),
        "AutoAugment after flips and crops, as in this book, and before them",
    ),
    "recipe-cifar100": Compared(["lr", "l1"], SGD_FLIPS, "CIFAR-100, flips and crops"),
    "recipe-length-search": Compared(HYPERPARAMETERS, SGD_FLIPS, EVERY),
    "flips": Compared(HYPERPARAMETERS, SGD_FLIPS, EVERY),
    "recipe-length": Compared(
        ["epochs", "l1"], SGD_FLIPS, "SGD, S-LOCAL and β = 50 at four lengths"
    ),
}


comparison_table = partial(cells.comparison, COMPARED)


def largest_table(runs: Mapping[str, Sequence[Record]]) -> Table:
    """Return accuracy, fit, remaining weights and time of the largest runs.

    Args:
        runs: the records of each study by its name.
    """

    def time(found: Sequence[Record]) -> str:
        return cost.duration(float(np.mean([run.provenance["seconds"] for run in found])))

    records = [record for study in studies.LARGEST for record in runs[study.name]]
    columns: dict[str, Cell] = {
        "method": cells.of(lambda config: cells.method_text(config) + cells.zeros_text(config)),
        **cells.by_field(["weight_decay"]),
        "test accuracy (%)": cells.mean_text,
        **cells.by_field(["augment"]),
        "training accuracy (%)": fit_and_gap_text,
        "remaining, layers 1, 2, 3 (%)": cells.layers_text,
        "time": time,
        "seeds": tables.links,
    }
    what = "S-FC at α = 32, with SGD and with β-LASSO"
    note = (
        "; accuracy on the training images without augmentation, and in brackets by how many "
        "points it is above that on the test images"
    )
    text = [LABELS["augment"], "seeds"]
    return cells.by_condition("showpiece", records, columns, what, note=note, text=text)


def numbers(runs: Mapping[str, Sequence[Record]]) -> dict[str, str]:
    """Return the numbers of the prose, in per cent and points; "pending" without the runs.

    Args:
        runs: the records of each study by its name.
    """
    own, same, seeds = (runs[f"scaling-{name}"] for name in ("own", "threshold", "seeds"))
    widths = [*compare.by_width(own).values()] or [{}]
    first, last = widths[0], widths[-1]
    over_sgd = gains.gains_by_width(own)
    p = lack_of_fit(np.log2(over_sgd["x"]), over_sgd.gain) if own else math.nan
    at_lambda, more = by_method(same), by_method(seeds)
    shared = {run.config.seed for run in same}
    added = by_method([run for run in seeds if run.config.seed not in shared])
    large = {name: runs[f"showpiece{name}"] for name in ("", "-sgd", "-decay")}
    searched = by_method([*runs["recipe-length-search"], *runs["recipe-length-search-local"]])
    flips = by_method([*runs["flips"], *runs["flips-others"]])
    hundred = by_method(runs["recipe-cifar100"])
    after, before = (
        by_method([run for run in runs["augment-order"] if run.config.augment == order])
        for order in ("autoaugment", "autoaugment-first")
    )
    return {
        "epochs": f"{own[0].config.epochs}" if own else PENDING,
        "own-zero-last": ahead(cells.gain_of(last, B50, B0)),
        "own-local-first": ahead(cells.gain_of(first, LOCAL, B50)),
        "own-local-last": ahead(cells.gain_of(last, LOCAL, B50)),
        "gap-last": gap_text(last),
        "gap-n": f"{len(gains_and_gaps(last)[0])}",
        "gap-paper": f"{100 * published.gap_closed():.0f}",
        "growth-sgd": cells.signed_text(gains.growth(over_sgd)),
        "growth-zero": cells.signed_text(gains.growth(gains.gains_by_width(own, B0))),
        "fit-sgd": PENDING if math.isnan(p) else f"{p:.2g}",
        # "points behind"
        "threshold-zero": ahead(cells.gain_of(at_lambda, B50, B0)),
        "threshold-proximal": ahead(cells.gain_of(at_lambda, B50, PROXIMAL)),
        "seeds-gain": ahead(cells.gain_of(more, B50, SGD)),
        "seeds-added": cells.gain_of(added, B50, SGD),
        "seeds-n": f"{len(more.get(SGD, []))}",
        "showpiece-paper": f"{published.SHORT[SGD]:.2f}",
        "showpiece-accuracy": cells.mean_text(large[""]),
        "showpiece-sgd": cells.mean_text(large["-decay"]),
        "showpiece-left": cells.remaining_text(large[""]),
        "showpiece-gain": cells.gain_text(large[""], large["-sgd"]),
        "showpiece-decay": cells.gain_text(large[""], large["-decay"]),
        "searched-accuracy": cells.mean_text(searched.get(B50, [])),
        "searched-left": cells.remaining_text(searched.get(B50, [])),
        # "points more", and "points ahead"
        "searched-gain": ahead(cells.gain_of(searched, B50, SGD)),
        "searched-n": f"{len(searched.get(B50, []))}",
        "searched-local": ahead(cells.gain_of(searched, LOCAL, B50)),
        "searched-local-n": f"{len(searched.get(LOCAL, []))}",
        "searched-gap": gap_text(searched),
        "flips-n": f"{len(flips.get(B50, []))}",
        "flips-others-n": f"{len(flips.get(THREE, []))}",
        "flips-accuracy": cells.mean_text(flips.get(B50, [])),
        "flips-sgd": ahead(cells.gain_of(flips, B50, SGD)),
        "flips-zero": ahead(cells.gain_of(flips, B50, B0)),
        "flips-three": ahead(cells.gain_of(flips, THREE, B50)),
        "flips-local": ahead(cells.gain_of(flips, LOCAL, B50)),
        "flips-gap": gap_text(flips),
        "hundred-n": f"{len(hundred.get(B50, []))}",
        "hundred-accuracy": cells.mean_text(hundred.get(B50, [])),
        "hundred-left": cells.remaining_text(hundred.get(B50, [])),
        "hundred-sgd": ahead(cells.gain_of(hundred, B50, SGD)),
        "hundred-zero": ahead(cells.gain_of(hundred, B50, B0)),
        "hundred-local": ahead(cells.gain_of(hundred, LOCAL, B50)),
        "hundred-gap": gap_text(hundred),
        "hundred-paper": f"{100 * published.gap_closed('cifar100'):.0f}",
        "order-sgd": cells.gain_text(before.get(SGD, []), after.get(SGD, [])),
        "order-beta": cells.gain_text(before.get(B50, []), after.get(B50, [])),
        "order-gain-after": cells.gain_of(after, B50, SGD),
        "order-gain-before": cells.gain_of(before, B50, SGD),
    }
