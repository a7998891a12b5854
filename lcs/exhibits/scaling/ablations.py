"""What makes SGD strong here, and whether a larger λ replaces a longer training."""

from __future__ import annotations

import math
from collections.abc import Sequence

from lcs.config import Config
from lcs.exhibits.compare import as_sgd, comparison, without_threshold
from lcs.exhibits.settings import RECIPE, chosen, desk_study, paper_recipe, raised, sgd
from lcs.exhibits.tables import Table
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


STUDIES = (
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
