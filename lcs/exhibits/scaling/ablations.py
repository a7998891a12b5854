"""What single parts of the recipe change: SGD's step, length or λ, precision, order, data."""

from __future__ import annotations

import math
from collections.abc import Sequence

from lcs.config import Config
from lcs.exhibits.compare import (
    PENDING,
    as_sgd,
    by_method,
    comparison,
    paired,
    without_threshold,
)
from lcs.exhibits.methods import B50, SGD
from lcs.exhibits.settings import (
    FLIP_CROP,
    RECIPE,
    SHARE_AT_WIDTH,
    WIDTHS,
    chosen,
    chosen_flip_crop,
    desk_study,
    flip_crop_methods,
    flip_crop_recipe,
    paper_recipe,
    raised,
    sgd,
)
from lcs.exhibits.tables import Table, signed
from lcs.runs import Record


def _reach(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return three lengths by the paper's recipe, and the shorter ones with as much reach.

    Where the length is shorter by a factor, λ is larger and β smaller by it: the threshold βλ is
    that of the longest, and so is, nearly, the sum of all ℓ1 steps. β = 0 has the λ of the other.
    """
    lengths = [max(1, base.epochs // part) for part in (8, 4, 2)]
    runs = []
    for epochs in lengths:
        here = paper_recipe(base, 2, epochs)
        sparse = chosen(here, "s-fc", "beta-lasso", betas[-1])
        pair = [sparse.replace(beta=0.0), sparse]
        factor = lengths[-1] / epochs
        runs += [chosen(here, "s-fc"), *pair, *(raised(config, factor) for config in pair)]
    return runs


def _momentum(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return SGD by parts of what was chosen for it, and both methods with η ten times as large.

    With momentum 0.9 a gradient moves a weight by η times 1 + 0.9 + 0.9² + … = 10 in the end: the
    larger η has that step without momentum. β-LASSO keeps its pull λη and its threshold βλ.
    """
    here = paper_recipe(base, 2, base.epochs // 2)
    plain, tuned = sgd(here, "s-fc"), chosen(here, "s-fc")
    parts = [plain, plain.replace(weight_decay=5e-4), tuned.replace(weight_decay=0.0), tuned]
    sparse = chosen(here, "s-fc", "beta-lasso", betas[-1])
    step = 10 * here.lr
    return [*parts, plain.replace(lr=step), sparse, raised(sparse, 0.1).replace(lr=step)]


def _precision(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return SGD and the largest β at the largest width, products in bfloat16 and in float32."""
    here = flip_crop_recipe(base, WIDTHS[-1], base.epochs // 2)
    runs = flip_crop_methods(here, ("s-fc",), betas[-1:])
    return [run.replace(precision=precision) for run in runs for precision in ("bf16", "fp32")]


def _scale_and_shift(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return both at α = 4, with batch normalisation that scales and shifts, and with biases."""
    runs = flip_crop_methods(flip_crop_recipe(base, 4, base.epochs // 2), ("s-fc",), betas[-1:])
    return [
        *runs,
        *(run.replace(affine=True) for run in runs),
        *(r.replace(bias=True) for r in runs),
    ]


def _order(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return both at α = 2, with AutoAugment after flips and crops, and before them."""
    here = paper_recipe(base, 2, base.epochs // 2)
    sparse = chosen(here, "s-fc", "beta-lasso", betas[-1], share=SHARE_AT_WIDTH[2])
    runs = [chosen(here, "s-fc"), sparse]
    return [*runs, *(run.replace(augment="autoaugment-first") for run in runs)]


def _other_data(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return CIFAR-100 at the largest width, with the hyperparameters of CIFAR-10."""
    here = flip_crop_recipe(base, WIDTHS[-1], base.epochs // 2)
    here = here if base.dataset == "digits" else here.replace(dataset="cifar100")
    return flip_crop_methods(here, ("s-conv", "s-local", "s-fc"), (0, betas[-1]))


STUDIES = (
    desk_study("recipe-precision", "bfloat16 or float32, at α = 8", FLIP_CROP, _precision, 2),
    desk_study("recipe-affine", "Scale, shift and bias, at α = 4", FLIP_CROP, _scale_and_shift),
    desk_study("augment-order", "AutoAugment after or before the crop", RECIPE, _order),
    desk_study("recipe-cifar100", "CIFAR-100, at α = 8", FLIP_CROP, _other_data),
    desk_study("reach", "Training length, or a larger λ", RECIPE, _reach, betas=(0, 50)),
    desk_study("momentum", "Momentum, weight decay or a larger step", RECIPE, _momentum),
)


def momentum_table(records: Sequence[Record]) -> Table:
    """Compare SGD by parts of what was chosen for it, and both methods by the size of a step."""
    usual = min((record.config.lr for record in records), default=math.nan)

    def plain(config: Config) -> Config:
        return as_sgd(config).replace(lr=usual, momentum=0.0, weight_decay=0.0)

    fields = ["lr", "momentum", "weight_decay", "l1"]
    what, against = "What makes SGD strong here", {"plain SGD": plain}
    return comparison("momentum", records, fields, against, what)


def reach_table(records: Sequence[Record]) -> Table:
    """Compare three lengths, and short runs that have the reach of the longest."""
    what = "Training length, or a larger λ, in all layers, in its place"
    references = {
        "SGD": lambda config: chosen(as_sgd(config), "s-fc"),
        "β = 0, same λ": without_threshold,
    }
    fields = ["epochs", "l1", "reach"]
    return comparison("reach", records, fields, references, what)


def changed_table(study: str, records: Sequence[Record]) -> Table:
    """Compare SGD and β = 50 with what the study changes, each with the run without the change.

    Args:
        study: `recipe-precision`, `recipe-affine`, `augment-order` or `recipe-cifar100`; in the
            last, each method is compared with SGD.
        records: its records.
    """
    plain: dict[str, dict[str, object]] = {
        "recipe-precision": {"precision": "bf16"},
        "recipe-affine": {"affine": False, "bias": False},
        "augment-order": {"augment": "autoaugment"},
    }
    if study == "recipe-cifar100":
        against = {"SGD": lambda config: chosen_flip_crop(as_sgd(config), "s-fc")}
        return comparison(study, records, ["lr", "l1"], against, "CIFAR-100, flips and crops")
    what = {
        "recipe-precision": "Matrix products in bfloat16 and in float32",
        "recipe-affine": "Batch normalisation with scale and shift, and layers with biases",
        "augment-order": "AutoAugment after flips and crops, as in this book, and before them",
    }
    references = {"the usual": lambda config: config.replace(**plain[study])}
    fields = [*plain[study]]
    return comparison(study, records, fields, references, what[study])


def order_numbers(records: Sequence[Record]) -> dict[str, str]:
    """Return what AutoAugment before flips and crops changes, in points; "pending" without runs.

    `order-sgd` and `order-beta`: the accuracy of SGD and of β = 50; `order-gain-after` and
    `order-gain-before`: the gain of β = 50 over SGD with AutoAugment after and before them.
    """
    names = ("sgd", "beta", "gain-after", "gain-before")
    if not records:
        return {f"order-{name}": PENDING for name in names}
    after, before = (
        by_method([run for run in records if run.config.augment == order])
        for order in ("autoaugment", "autoaugment-first")
    )
    changes = [paired(before[name], after[name]) for name in (SGD, B50)]
    changes += [paired(groups[B50], groups[SGD]) for groups in (after, before)]
    return {f"order-{name}": signed(change) for name, change in zip(names, changes, strict=True)}
