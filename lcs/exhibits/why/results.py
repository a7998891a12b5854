"""What changes add to the gain of β = 50: figures' rows and frames, tables, numbers and claims."""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np

from lcs.config import Config
from lcs.exhibits.shared import cells, compare, tables
from lcs.exhibits.shared.compare import (
    ByStudy,
    Conditions,
    Reference,
    as_sgd,
    conditions,
    difference,
    pick,
    runs_of,
    without_threshold,
)
from lcs.exhibits.shared.gap import gap_text
from lcs.exhibits.shared.plots import Differences
from lcs.exhibits.shared.settings import REPRODUCTION_L1, STRONGER_L1, has_stronger_l1, sized
from lcs.exhibits.shared.tables import Cell, Table, signed
from lcs.exhibits.shared.verdicts import Claim, Finding, Judge, equals, exceeds, ours
from lcs.exhibits.why.studies import LAMBDAS, equal_rates
from lcs.runs import Record
from lcs.stats import Interval, mean_interval

# βλ of the largest β in Table 2
THRESHOLD = 50 * REPRODUCTION_L1["l1"]
AUGMENTED_CROSS_ENTROPY: dict[str, object] = {
    "loss": "cross-entropy",
    "lr": 0.1,
    "augment": "flip-crop",
}

# the values that a factor changes, or from a cell to the one with the factor changed
Change = Mapping[str, object] | Callable[[Config], Config]


def by_change(runs: ByStudy) -> list[Differences]:
    """Return the gains of β = 50 with each change of the training that has been run."""
    found = conditions(record for records in runs.values() for record in records)
    frozen = [config for config in found if config.frozen_zeros and config.l1_rest is None]
    if not frozen:
        return []
    # the reproduction's setting with β = 50: of what was run, the plain one
    start = max(frozen, key=lambda config: config.beta).replace(frozen_zeros=False)
    short, most = sized(start, length=1 / 4), LAMBDAS[-1]
    milder = start.beta * start.l1 / most  # the threshold of `start` at the largest λ
    changed: dict[str, dict[str, Config]] = {
        f"{start.epochs} epochs, one change": {
            "none: α = 1, no augmentation": start,
            "float32 instead of bfloat16": start.replace(precision="fp32"),
            "λ on the first layer alone": start.replace(l1_rest=0.0),
            "frozen zeros": start.replace(frozen_zeros=True),
            f"λ = {tables.number(most)}": start.replace(l1=most),
            f"λ = {tables.number(most)}, β = {milder:g}": start.replace(l1=most, beta=milder),
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


def by_beta(records: Sequence[Record]) -> tables.DataFrame:
    """Return `sweep_frame` over β."""
    sparse = [record for record in records if record.config.optimizer != "sgd"]
    return compare.sweep_frame(sparse, "beta", lambda _: "β-LASSO")


def by_lambda(records: Sequence[Record]) -> tables.DataFrame:
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
    found = conditions([*runs["frozen"], *runs["first-layer"]])
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
    found = conditions(record for record in records if record.config.optimizer != "sgd")
    columns: dict[str, Cell] = {
        "λ": cells.of(lambda config: tables.number(config.l1)),
        **cells.field_columns(["beta"]),
        "difference from β = 0": cells.difference_from(found, without_threshold),
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


def length_table(records: Sequence[Record]) -> Table:
    """Return what each method reaches, and leaves, at each length of training."""
    found = conditions(records)
    columns: dict[str, Cell] = {
        **cells.field_columns(["method", "epochs"]),
        "test accuracy (%)": cells.mean_text,
        "difference from SGD": cells.difference_from(found, as_sgd),
        "difference from β = 0": cells.difference_from(found, without_threshold),
        "remaining, layer 1 (%)": cells.remaining_text,
    }
    what = "Test accuracy after a short and a long training, each with a schedule of its own"
    return cells.by_condition("length", records, columns, what, note=cells.PAIRED)


def changes_table(records: Sequence[Record]) -> Table:
    """Return how much augmentation and loss change the gain of β = 50, over β = 0 and over SGD."""
    name, what = "tab-changes", "By how many points a change raises the gain of β = 50"
    if not records:
        return tables.pending_table(name, what, "lcs study factorial")
    found = conditions(records)
    crops, entropy = {"augment": "flip-crop"}, {"loss": "cross-entropy"}
    changes: list[tuple[str, str, Change, Callable[[Config], bool]]] = [
        ("flips and crops", "any", crops, lambda _: True),
        ("flips and crops", "stronger λ", crops, has_stronger_l1),
        ("flips and crops", "reproduction's λ", crops, lambda c: c.l1_rest is None),
        (
            "flips and crops",
            "reproduction's λ, binary cross-entropy",
            crops,
            lambda c: c.l1_rest is None and c.loss == "bce",
        ),
        ("cross-entropy", "any", entropy, lambda _: True),
        ("cross-entropy, equal rates", "any", equal_rates, lambda c: c.loss == "bce"),
    ]
    rows = [
        [
            label,
            cell,
            *(
                cells.signed_text(effect(found, change, reference, where))
                for reference in (without_threshold, as_sgd)
            ),
        ]
        for label, cell, change, where in changes
    ]
    caption = (
        f"{what}: the mean over the settings of λ, loss and augmentation that are not named. "
        f"{cells.setting_text(records)}."
    )
    columns = ["change", "settings", "over β = 0", "over SGD"]
    return Table(name, caption, columns, rows, text=columns[1:2])


def returns(runs: Sequence[Record]) -> float:
    """Return how many weights of the first layer return in a run, on average."""
    return compare.mean(runs, lambda runs: [sum(run.history["revived"]["conv1"]) for run in runs])


# Numbers


def numbers(runs: ByStudy, ends: Sequence[Record]) -> dict[str, str]:
    """Return the numbers of the chapter's prose.

    `gap-…`: the share of the gap closed by the most accurate runs of the sweep over λ, of β = 50
    and of every β > 0; `ends`: runs of SGD and S-LOCAL, trained in the same way.
    """
    found = {name: conditions(records) for name, records in runs.items()}
    swept = found["lambdas"]
    best = max(swept.values(), key=compare.mean, default=[])
    of_50 = (group for config, group in swept.items() if config.beta == 50)
    own = max(of_50, key=compare.mean, default=[])
    groups = compare.by_method(ends)
    at_4 = partial(runs_of, found["recipe"], optimizer="beta-lasso")
    fp32, bf16 = (partial(runs_of, found["precision"], precision=p) for p in ("fp32", "bf16"))
    return {
        "stronger-l1": f"{tables.number(STRONGER_L1['l1'])} on the first layer and "
        f"{tables.number(STRONGER_L1['l1_rest'])} on the others",
        "over-zero": cells.signed_text(gain(found["frozen"], beta=50, frozen_zeros=False)),
        "betas-n": cells.count_text(found["betas"]),
        "runs-l1": cells.count_text(found["lambdas"]),
        "gap-own": gap_text(groups, own),
        "gap-best": gap_text(groups, best),
        "best-beta": f"{best[0].config.beta:g}" if best else tables.PENDING,
        "strong-over-usual": cells.gain_text(
            at_4(beta=50, **STRONGER_L1), at_4(beta=0, **REPRODUCTION_L1)
        ),
        "fp32-50": cells.gain_text(fp32(beta=50), bf16(beta=50)),
        "fp32-sgd": cells.gain_text(fp32(beta=0), bf16(beta=0)),
    }


# What a change adds


def gain(found: Conditions, **fields: object) -> Interval | None:
    """Return the accuracy of the condition with these values minus that without a threshold."""
    config = pick(found, **fields)
    return None if config is None else difference(found, config, without_threshold(config))


def contrast(
    found: Conditions, pairs: Sequence[tuple[Config, Config]], reference: Reference
) -> Interval | None:
    """Return how much a change adds to the gain of β = 50: the mean over pairs of conditions."""
    configs = [one for one, _ in pairs] + [other for _, other in pairs]
    if not pairs or any(c not in found or reference(c) not in found for c in configs):
        return None
    before, after = (half.mean(0) for half in np.split(compare.gains(found, configs, reference), 2))
    return mean_interval(after - before)


def effect(
    found: Conditions,
    change: Change,
    reference: Reference,
    where: Callable[[Config], bool] = lambda _: True,
) -> Interval | None:
    """Return `contrast` over all pairs of cells that differ by `change`, from those `where`."""
    largest: dict[tuple[str, float], float] = {}  # β = 50, as each loss and learning rate has it
    for config in found:
        key = config.loss, config.lr
        largest[key] = max(config.beta, largest.get(key, 0.0))
    sparse = [c for c in found if c.beta and c.beta == largest[c.loss, c.lr] and where(c)]
    pairs = [(one, change(one) if callable(change) else one.replace(**change)) for one in sparse]
    known = [(one, other) for one, other in pairs if other in found and other != one]
    return contrast(found, known, reference)


# Claims


def _raises_gain(change: Change, where: Callable[[Config], bool] = lambda _: True) -> Judge:
    """Judge whether a factor raises the gain of β = 50 over β = 0, in the mean of cells."""
    return lambda records: _more(effect(conditions(records), change, without_threshold, where))


def _longer_helps(records: list[Record]) -> Finding:
    """Judge whether the gain of β = 50 over β = 0 is larger at the larger of two lengths."""
    found = conditions(records)
    short, *_, long = sorted((c for c in found if c.beta), key=lambda config: config.epochs)
    return _more(contrast(found, [(short, long)], without_threshold))


def _more(change: Interval | None) -> Finding:
    assert change is not None
    return Finding(f"{signed(change)} points", change)


_FIRST, _FREE, _FROZEN = {"l1_rest": 0}, {"frozen_zeros": False}, {"frozen_zeros": True}

CLAIMS = {
    "More training, 1600 epochs instead of 400, lets β = 50 gain on β = 0": Claim(
        "R", "longer", _longer_helps, "a question"
    ),
    "Augmentation lets β = 50 gain on β = 0 (100 epochs)": Claim(
        "R",
        "factorial",
        _raises_gain(
            {"augment": "flip-crop"}, lambda c: c.loss == "bce" and not has_stronger_l1(c)
        ),
        "a question",
    ),
    "Augmentation lets β = 50 gain on β = 0 with the stronger λ "
    "(100 epochs, mean over losses)": ours(
        "factorial", _raises_gain({"augment": "flip-crop"}, has_stronger_l1)
    ),
    "β = 50 gains more on β = 0 in 400 epochs than in 100": ours("length", _longer_helps),
    "β = 50 gains more on β = 0 with cross-entropy (100 epochs, same η, so data steps "
    "ten times as large)": ours("factorial", _raises_gain({"loss": "cross-entropy"})),
    **{
        "With cross-entropy, augmentation and the stronger λ, β = 50 is better than "
        f"{name}: α = {alpha}": ours(
            study,
            exceeds(
                {"beta": 50, "base_channels": alpha, **STRONGER_L1, **where},
                {"base_channels": alpha, **other, **where},
            ),
        )
        for name, other in (
            ("plain SGD", {"optimizer": "sgd"}),
            ("β = 0 at the same λ", {"optimizer": "beta-lasso", "beta": 0, **STRONGER_L1}),
        )
        for alpha, study, where in (
            (1, "factorial", AUGMENTED_CROSS_ENTROPY),
            (4, "recipe", {}),
            (8, "width", {}),
            (16, "wider", {}),
        )
    },
    "With λ on the first layer alone, β = 50 is as good as β = 0, within 1 point": ours(
        "first-layer", equals({"beta": 50, **_FIRST, **_FREE}, {"beta": 0, **_FIRST})
    ),
    "Zeros may as well stay: β = 50 is as good with zeros frozen, within 1 point": ours(
        "frozen", equals({"beta": 50, **_FROZEN}, {"beta": 50, **_FREE})
    ),
    "With λ on the first layer alone, β = 50 is as good with zeros frozen, within 1 point": ours(
        "first-layer", equals({"beta": 50, **_FIRST, **_FROZEN}, {"beta": 50, **_FIRST, **_FREE})
    ),
    "With λ on the first layer alone, frozen zeros cost β = 1 accuracy": ours(
        "first-layer", exceeds({"beta": 1, **_FIRST, **_FREE}, {"beta": 1, **_FIRST, **_FROZEN})
    ),
    "bfloat16 and float32 give β = 50 the same accuracy, within 1 point": ours(
        "precision", equals({"beta": 50, "precision": "bf16"}, {"beta": 50, "precision": "fp32"})
    ),
}
