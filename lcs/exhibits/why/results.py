"""Tables and frames of the chapter `why`, in the order of its questions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from lcs.exhibits import cells, compare, tables
from lcs.exhibits.cells import Compared
from lcs.exhibits.compare import AGAINST, usual
from lcs.exhibits.settings import REPRODUCTION_L1
from lcs.exhibits.tables import Cell, Table
from lcs.exhibits.why.width import REFERENCES
from lcs.runs import Record

if TYPE_CHECKING:
    import pandas as pd

# βλ of the largest β in Table 2
THRESHOLD = 50 * REPRODUCTION_L1["l1"]


MAY_RETURN = usual("zeros that may return", frozen_zeros=False)
COMPARED = {
    "precision": Compared(
        ["precision"],
        usual("bfloat16", precision="bf16"),
        "Products in float32 and in bfloat16",
    ),
    "frozen": Compared(["frozen_zeros"], MAY_RETURN, "Zeros that may return, and frozen zeros"),
    "first-layer": Compared(
        ["l1_rest", "frozen_zeros"],
        {**usual("λ everywhere", l1_rest=None), **MAY_RETURN, "β = 0": compare.without_threshold},
        "λ on all layers, and on the first one alone",
    ),
    "schedule": Compared(
        ["schedule"],
        usual("the cosine", schedule="cosine-epoch"),
        "A learning rate that goes to zero, and a constant one",
    ),
    "period": Compared(
        ["period"],
        usual("one fall", period=None),
        "A cosine that falls to zero within its period, and then rises as it fell",
    ),
    "longer": Compared(["epochs"], AGAINST, "Training length", "tab-length"),
    "factorial": Compared(
        ["augment", "loss", "lr", "l1"],
        AGAINST,
        "Every cell. At equal rates η is a tenth, λ ten times as large, and β = 5 stands for "
        "β = 50; where λ is stronger in the first layer it is weaker in the others, 1e-5",
    ),
    "recipe": Compared(["l1", "l1_rest"], REFERENCES, "A range of λ"),
    "reproduction": Compared(["l1"], AGAINST, "The reproduction's setting, wider"),
    "width": Compared(["base_channels", "l1"], REFERENCES, "Growing width"),
}


comparison_table = partial(cells.comparison, COMPARED)


def beta_frame(records: Sequence[Record]) -> pd.DataFrame:
    """Return `sweep_frame` over β."""
    sparse = [record for record in records if record.config.optimizer != "sgd"]
    return compare.sweep_frame(sparse, "beta", lambda _: "β-LASSO")


def mean_of_sgd(records: Sequence[Record]) -> dict[str, float]:
    """Return the mean accuracy of SGD, as a named reference; none where it was not run."""
    runs = [record for record in records if record.config.optimizer == "sgd"]
    return {"SGD": compare.mean_accuracy(runs)} if runs else {}


def returns_table(records: Sequence[Record]) -> Table:
    """Return what each β costs at its λ, what it leaves, and how often weights return."""
    found = compare.conditions(record for record in records if record.config.optimizer != "sgd")

    def returns(runs: Sequence[Record]) -> str:
        return f"{np.mean([sum(run.history['revived']['conv1']) for run in runs]):,.0f}"

    columns: dict[str, Cell] = {
        "λ": cells.of(lambda config: tables.number(config.l1)),
        **cells.by_field(["beta"]),
        "difference from β = 0": cells.less(found, compare.without_threshold),
        "remaining, layer 1 (%)": cells.remaining_text,
        "returns": returns,
        "seeds": tables.links,
    }
    sparse = sorted(
        (record for record in records if record.config.beta),
        key=lambda record: (record.config.l1, record.config.beta),
    )
    recorded = len(sparse[0].history["epoch"]) if sparse else 0
    note = (
        ". Returns: how often a weight of the first layer is zero before an epoch and not after "
        f"it, in the {recorded} epochs that are recorded"
    )
    what = "The cost of β at each λ, and how often weights return"
    return cells.by_condition("betas", sparse, columns, what, label="tab-returns", note=note)


def lambda_frame(records: Sequence[Record]) -> pd.DataFrame:
    """Return `sweep_frame` over λ at β = 50, at β = 0, and at the threshold βλ of Table 2."""
    import pandas as pd

    at_one = [r for beta in (50, 0) for r in records if r.config.beta == beta]
    at_threshold = [r for r in records if math.isclose(r.config.beta * r.config.l1, THRESHOLD)]
    parts = [
        compare.sweep_frame(at_one, "l1"),
        compare.sweep_frame(at_threshold, "l1", lambda _: f"βλ = {THRESHOLD:g}"),
    ]
    shown = [part for part in parts if len(part)]
    return pd.concat(shown) if shown else parts[0]
