"""What the page shows: its figures' rows and frames, a table, and the numbers of its prose."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from lcs.config import Config
from lcs.exhibits import cells, compare, tables
from lcs.exhibits.cells import signed_text
from lcs.exhibits.compare import ByStudy, Conditions, as_sgd, gain, runs_of, without_threshold
from lcs.exhibits.plots import Differences
from lcs.exhibits.settings import LAMBDAS, REPRODUCTION_L1, STRONGER_L1, sized
from lcs.exhibits.tables import PENDING, Cell, Table, ahead
from lcs.exhibits.why import effect, equal_rates, has_stronger_l1
from lcs.runs import Record

if TYPE_CHECKING:
    import pandas as pd

# βλ of the largest β in Table 2
THRESHOLD = 50 * REPRODUCTION_L1["l1"]


def by_change(runs: ByStudy) -> list[Differences]:
    """Return the gains of β = 50 with each change of the training that has been run."""
    found = compare.conditions(record for records in runs.values() for record in records)
    frozen = [config for config in found if config.frozen_zeros and config.l1_rest is None]
    if not frozen:
        return []
    # the reproduction's setting with β = 50: of what was run, the plain one
    start = max(frozen, key=lambda config: config.beta).replace(frozen_zeros=False)
    short, most = sized(start, length=1 / 4), LAMBDAS[-1]
    changed: dict[str, dict[str, Config]] = {
        f"{start.epochs} epochs, one change": {
            "none: α = 1, no augmentation": start,
            "float32 instead of bfloat16": start.replace(precision="fp32"),
            "λ on the first layer alone": start.replace(l1_rest=0.0),
            "frozen zeros": start.replace(frozen_zeros=True),
            f"λ = {tables.number(most)}": start.replace(l1=most),
            f"λ = {tables.number(most)}, βλ as before": start.replace(
                l1=most, beta=start.beta * start.l1 / most
            ),
            f"{4 * start.epochs} epochs": start.replace(epochs=4 * start.epochs),
        },
        f"{short.epochs} epochs, one further change": {
            "length alone": short,
            "width: α = 4": short.replace(base_channels=4 * start.base_channels),
            "augmentation": short.replace(augment="flip-crop"),
            "cross-entropy": short.replace(loss="cross-entropy"),
            "stronger λ": short.replace(**STRONGER_L1),
        },
        f"{short.epochs} epochs, augmentation, cross-entropy, stronger λ": {
            f"α = {factor * start.base_channels}": sized(start, factor, 1 / 4).replace(
                loss="cross-entropy", augment="flip-crop", **STRONGER_L1
            )
            for factor in (1, 4, 8, 16)
        },
    }
    return [
        Differences(label, f"over {name}", compare.differences(found[one], found[other]), group)
        for group, by_label in changed.items()
        for label, one in by_label.items()
        for name, reference in (("SGD", as_sgd), ("β = 0", without_threshold))
        if one in found and (other := reference(one)) in found
    ]


def by_beta(records: Sequence[Record]) -> pd.DataFrame:
    """Return `sweep_frame` over β."""
    sparse = [record for record in records if record.config.optimizer != "sgd"]
    return compare.sweep_frame(sparse, "beta", lambda _: "β-LASSO")


def by_lambda(records: Sequence[Record]) -> pd.DataFrame:
    """Return `sweep_frame` over λ at β = 50, at β = 0, and at the threshold βλ of Table 2."""
    import pandas as pd

    at_one = [r for beta in (50, 0) for r in records if r.config.beta == beta]
    at_threshold = [r for r in records if math.isclose(r.config.beta * r.config.l1, THRESHOLD)]
    parts = [
        compare.sweep_frame(at_one, "l1"),
        compare.sweep_frame(at_threshold, "l1", lambda _: f"βλ = {THRESHOLD:g}"),
    ]
    return pd.concat([part for part in parts if len(part)] or parts[:1])


def mean_of_sgd(records: Sequence[Record]) -> dict[str, float]:
    """Return the mean accuracy of SGD, as a named reference; none where it was not run."""
    runs = [record for record in records if record.config.optimizer == "sgd"]
    return {"SGD": compare.mean(runs)} if runs else {}


def by_return(runs: ByStudy) -> list[Differences]:
    """Return the gains over β = 0 of each β, with zeros that may return and with frozen ones."""
    found = compare.conditions([*runs["frozen"], *runs["first-layer"]])
    order = sorted(found, key=lambda c: (c.l1_rest is not None, c.beta, c.frozen_zeros))
    return compare.forest_rows(
        {config: found[config] for config in order},
        without_threshold,
        lambda config: (
            f"β = {config.beta:g}{cells.zeros_text(config)} "
            f"({cells.remaining_text(found[config])} % remain)"
        ),
        lambda _: "over β = 0",
        lambda c: "λ on every layer" if c.l1_rest is None else "λ on the first layer alone",
    )


def returns_table(records: Sequence[Record]) -> Table:
    """Return what each β costs at its λ, what it leaves, and how often weights return."""
    found = compare.conditions(record for record in records if record.config.optimizer != "sgd")
    columns: dict[str, Cell] = {
        "λ": cells.of(lambda config: tables.number(config.l1)),
        **cells.field_columns(["beta"]),
        "difference from β = 0": cells.less(found, without_threshold),
        "remaining, layer 1 (%)": cells.remaining_text,
        "returns": lambda runs: f"{returns(runs):,.0f}",
    }
    sparse = [record for record in records if record.config.beta]
    sparse.sort(key=lambda record: (record.config.l1, record.config.beta))
    note = (
        ". Returns: how often a weight of the first layer is zero before a recorded epoch and not "
        "after it"
    )
    what = "The cost of β at each λ, and how often weights return"
    return cells.by_condition("betas", sparse, columns, what, label="tab-returns", note=note)


def runs_at_each_width(runs: ByStudy) -> list[Record]:
    """Return all runs at growing width, with those seeds of them that other studies have."""
    sizes = compare.conditions([*runs["width"], *runs["wider"]])
    everything = compare.conditions([record for records in runs.values() for record in records])
    return [record for config in sizes for record in everything[config]]


def returns(runs: Sequence[Record]) -> float:
    """Return how many weights of the first layer return in a run, on average."""
    return compare.mean(runs, lambda runs: [sum(run.history["revived"]["conv1"]) for run in runs])


# Numbers

RETURN, STAY = {"frozen_zeros": False}, {"frozen_zeros": True}


def numbers(runs: ByStudy) -> dict[str, str]:
    """Return the numbers of the chapter's prose."""
    found = {name: compare.conditions(records) for name, records in runs.items()}
    precision, length = found["precision"], found["length"]
    wide = compare.conditions(runs_at_each_width(runs))
    widths = {alpha: gain(wide, beta=50, base_channels=alpha) for alpha in (1, 4, 8)}
    at_4 = partial(runs_of, found["recipe"], optimizer="beta-lasso")
    usual = at_4(beta=0, **REPRODUCTION_L1)
    return {
        "stronger-l1": f"{tables.number(STRONGER_L1['l1'])} on the first layer and "
        f"{tables.number(STRONGER_L1['l1_rest'])} on the others",
        "over-zero": signed_text(gain(found["frozen"], beta=50, frozen_zeros=False)),
        "frozen-50": _change(found["frozen"], RETURN, STAY, beta=50),
        "fp32-50": _change(precision, {"precision": "bf16"}, {"precision": "fp32"}, beta=50),
        "fp32-sgd": _change(precision, {"precision": "bf16"}, {"precision": "fp32"}, beta=0),
        **_length(length),
        "betas-n": cells.count_text(found["betas"]),
        "strong-over-usual": cells.gain_text(at_4(beta=50, **STRONGER_L1), usual),
        "usual-behind": ahead(
            cells.gain_text(usual, at_4(beta=50, l1=REPRODUCTION_L1["l1"], l1_rest=1e-6))
        ),
        **{f"width-{alpha}": signed_text(one) for alpha, one in widths.items()},
        "width-n": " or ".join(sorted({f"{one.n if one else 0}" for one in widths.values()})),
        **_first_layer(found["first-layer"]),
        **_lambdas(found),
        **_factorial(found["factorial"]),
    }


def _length(found: Conditions) -> dict[str, str]:
    """Return the gains of β = 50 after 100 and 400 epochs, and what each method loses between."""
    sparse, dense = (
        {epochs: runs_of(found, beta=beta, optimizer=name, epochs=epochs) for epochs in (100, 400)}
        for beta, name in ((50, "beta-lasso"), (0, "sgd"))
    )
    return {
        "length-n": cells.count_text(found),
        "length-fall": ahead(cells.gain_text(sparse[100], sparse[400])),
        "length-fall-sgd": ahead(cells.gain_text(dense[100], dense[400])),
        "length-lead": ahead(cells.gain_text(dense[100], sparse[400])),
        **{
            f"length-{name}{epochs}": signed_text(gain(found, other, beta=50, epochs=epochs))
            for name, other in (("", without_threshold), ("sgd-", as_sgd))
            for epochs in (100, 400)
        },
    }


def _change(
    found: Conditions, one: Mapping[str, object], other: Mapping[str, object], **fields: object
) -> str:
    """Return by how many points the accuracy changes from some values to others."""
    return cells.gain_text(runs_of(found, **fields, **other), runs_of(found, **fields, **one))


def _first_layer(found: Conditions) -> dict[str, str]:
    """Return what λ on the first layer alone does: its gain over β = 0, and what remains there."""
    words = {}
    for name, beta, frozen in (("1", 1, False), ("frozen-1", 1, True), ("50", 50, False)):
        fields: dict[str, Any] = {"beta": beta, "l1_rest": 0.0, "frozen_zeros": frozen}
        words[f"alone-{name}"] = signed_text(gain(found, **fields))
        words[f"alone-left-{name}"] = cells.remaining_text(runs_of(found, **fields))
    return words | {"alone-returns-50": _change(found, RETURN, STAY, beta=50, l1_rest=0.0)}


def _lambdas(found: Mapping[str, Conditions]) -> dict[str, str]:
    """Return the best λ of β = 50, and the results of the largest without and at one threshold."""
    at_beta = {c: runs for c, runs in found["lambdas"].items() if c.beta == 50}
    fixed = {c: r for c, r in found["lambdas"].items() if math.isclose(c.beta * c.l1, THRESHOLD)}
    zero = found["lambdas-zero"]
    best = max(at_beta, key=lambda c: compare.mean(at_beta[c]), default=None)
    least, most, most_fixed = (
        runs[pick(runs, key=lambda config: config.l1)] if runs else []
        for pick, runs in ((min, zero), (max, zero), (max, fixed))
    )
    return {
        "runs-l1": cells.count_text(at_beta),
        "largest-l1": tables.number(max(LAMBDAS)),
        "best-l1": tables.number(best.l1) if best else PENDING,
        "fixed-accuracy": cells.mean_text(most_fixed),
        "fixed-left": cells.remaining_text(most_fixed),
        "zero-accuracy": cells.mean_text(most),
        "zero-fit-least": cells.fit_text(least),
        "zero-fit-most": cells.fit_text(most),
    }


def _factorial(found: Conditions) -> dict[str, str]:
    """Return what augmentation and loss add to the gain of β = 50, over β = 0 unless over SGD."""
    augment = partial(effect, found, {"augment": "flip-crop"})
    changes = {
        "augmentation-sgd": augment(as_sgd),
        "loss": effect(found, {"loss": "cross-entropy"}, without_threshold),
        "loss-equal": effect(found, equal_rates, without_threshold, lambda c: c.loss == "bce"),
    }
    for name, where in {
        "strong": has_stronger_l1,
        "weak": lambda c: c.l1_rest is None,
        "own": lambda c: c.l1_rest is None and c.loss == "bce",
    }.items():
        changes[f"augmentation-{name}"] = augment(without_threshold, where)
    cell = {"beta": 50, "loss": "bce", "augment": "flip-crop", **STRONGER_L1}
    return {
        **{name: signed_text(one) for name, one in changes.items()},
        "cell-left": cells.remaining_text(runs_of(found, **cell)),
        "factorial-n": cells.count_text(found),
    }
