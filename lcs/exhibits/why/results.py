"""Tables and frames of the chapter `why`, in the order of its questions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lcs.exhibits import tables
from lcs.exhibits.compare import (
    AGAINST,
    Cell,
    accuracies,
    by_condition,
    by_field,
    comparison,
    conditions,
    less,
    method_text,
    of,
    remaining_text,
    sweep_frame,
    without_threshold,
)
from lcs.exhibits.settings import REPRODUCTION_L1
from lcs.exhibits.tables import Table
from lcs.exhibits.why.width import REFERENCES
from lcs.runs import Record
from lcs.stats import mean_interval

if TYPE_CHECKING:
    import pandas as pd

# βλ of the largest β in Table 2
THRESHOLD = 50 * REPRODUCTION_L1["l1"]


class Control(NamedTuple):
    """A study that changes one field: its usual value, that value's name, and what is compared."""

    field: str
    usual: object
    name: str
    what: str


CONTROLS = {
    "precision": Control("precision", "bf16", "bfloat16", "Products in float32 and in bfloat16"),
    "frozen": Control(
        "frozen_zeros", False, "zeros that may return", "Zeros that may return, and zeros that stay"
    ),
    "schedule": Control(
        "schedule",
        "cosine-epoch",
        "the cosine",
        "A learning rate that goes to zero, and a constant one",
    ),
}


def control_table(study: str, records: Sequence[Record]) -> Table:
    """Compare the runs of one of `CONTROLS` with those at the usual value, seed by seed."""
    field, usual, name, what = CONTROLS[study]
    references = {name: lambda config: config.replace(**{field: usual})}
    return comparison(f"tab-{study}", records, [field], references, f"lcs study {study}", what)


def period_table(records: Sequence[Record]) -> Table:
    """Compare a cosine that rises again with the one of Table 2, seed by seed."""
    references = {"one fall": lambda config: config.replace(period=None)}
    what = "A cosine that falls to zero within its period, and then rises as it fell"
    return comparison("tab-period", records, ["period"], references, "lcs study period", what)


def first_layer_table(records: Sequence[Record]) -> Table:
    """Compare with λ everywhere, with zeros that may return, and with β = 0."""
    references = {
        "λ everywhere": lambda config: config.replace(l1_rest=None),
        "zeros that may return": lambda config: config.replace(frozen_zeros=False),
        "β = 0": without_threshold,
    }
    what = "λ on all layers, and on the first one alone"
    fields = ["l1_rest", "frozen_zeros"]
    return comparison("tab-first-layer", records, fields, references, "lcs study first-layer", what)


def beta_frame(records: Sequence[Record]) -> pd.DataFrame:
    """Return `sweep_frame` over β."""
    sparse = [record for record in records if record.config.optimizer != "sgd"]
    return sweep_frame(sparse, lambda config: config.beta, lambda _: "β-LASSO")


def mean_of_sgd(records: Sequence[Record]) -> dict[str, float]:
    """Return the mean accuracy of SGD, as a named reference; none where it was not run."""
    runs = [record for record in records if record.config.optimizer == "sgd"]
    return {"SGD": mean_interval(accuracies(runs)).mean} if runs else {}


def returns_table(records: Sequence[Record]) -> Table:
    """Return what each β costs at its λ, what it leaves, and how often weights return."""
    found = conditions(record for record in records if record.config.optimizer != "sgd")

    def returns(runs: Sequence[Record]) -> str:
        return f"{np.mean([sum(run.history['revived']['conv1']) for run in runs]):,.0f}"

    columns: dict[str, Cell] = {
        "λ": of(lambda config: tables.number(config.l1)),
        **by_field(["beta"]),
        "difference from β = 0": less(found, without_threshold),
        "first layer left (%)": remaining_text,
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
    return by_condition("tab-returns", what, "lcs study betas", sparse, columns, note=note)


def lambda_frame(records: Sequence[Record]) -> pd.DataFrame:
    """Return `sweep_frame` over λ at β = 50, at β = 0, and at the threshold βλ of Table 2."""
    import pandas as pd

    at_one = [r for beta in (50, 0) for r in records if r.config.beta == beta]
    at_threshold = [r for r in records if math.isclose(r.config.beta * r.config.l1, THRESHOLD)]
    parts = [
        sweep_frame(at_one, lambda config: config.l1, method_text),
        sweep_frame(at_threshold, lambda config: config.l1, lambda _: f"βλ = {THRESHOLD:g}"),
    ]
    shown = [part for part in parts if len(part)]
    return pd.concat(shown) if shown else parts[0]


def length_table(records: Sequence[Record]) -> Table:
    """Compare every method with SGD and with β = 0 of the same length."""
    what = "Training length"
    return comparison("tab-length", records, ["epochs"], AGAINST, "lcs study longer", what)


def length_frame(records: Sequence[Record]) -> pd.DataFrame:
    """Return `sweep_frame` over the length, a series for each method."""
    return sweep_frame(records, lambda config: config.epochs, method_text)


def recipe_table(records: Sequence[Record]) -> Table:
    """Compare every method and λ with SGD and with β = 0."""
    what, fields = "A range of λ", ["l1", "l1_rest"]
    return comparison("tab-recipe", records, fields, REFERENCES, "lcs study recipe", what)


def reproduction_table(records: Sequence[Record]) -> Table:
    """Compare every method with SGD and with β = 0."""
    name, what = "tab-reproduction", "The reproduction's setting, wider"
    return comparison(name, records, ["l1"], AGAINST, "lcs study reproduction", what)
