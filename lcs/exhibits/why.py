"""What the chapter `why` shows: studies that change one thing at a time, paired by seed.

A condition is a configuration without its seed; two conditions are compared run for run.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Container, Mapping, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
import pandas as pd

from lcs import data
from lcs.config import Config
from lcs.exhibits import published, tables
from lcs.exhibits.compare import (
    AGAINST,
    PENDING,
    Cell,
    Conditions,
    accuracies,
    as_sgd,
    by_condition,
    by_field,
    by_seed,
    comparison,
    conditions,
    count_text,
    difference,
    difference_of,
    field_text,
    fit_text,
    left_of,
    less,
    loss_text,
    mean_text,
    method_text,
    of,
    paired,
    pick,
    remaining,
    remaining_text,
    said_of,
    signed_or_none,
    signed_or_pending,
    sweep_frame,
    without_threshold,
    would_revive_text,
)
from lcs.exhibits.figure3 import leaves
from lcs.exhibits.methods import SGD, beta_lasso_method, method
from lcs.exhibits.plots import LAYERS
from lcs.exhibits.published import COUNTS
from lcs.exhibits.settings import (
    BETAS,
    DESK_SCALES,
    LAMBDAS,
    REPRODUCTION,
    REPRODUCTION_L1,
    STRONGER_L1,
    beta_lasso,
    l1_of,
    quarter_length,
    sgd,
    sgd_and_betas,
    short_recipe,
)
from lcs.exhibits.tables import Table, signed
from lcs.exhibits.verdicts import Claim, Finding, Judge, Pick, differs
from lcs.runs import Record
from lcs.stats import Interval, mean_interval, surviving
from lcs.study import Study

# Studies


def _precision(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return SGD and the largest β in both precisions."""
    both = [base.replace(precision=precision) for precision in ("bf16", "fp32")]
    return [run for here in both for run in (sgd(here, "s-fc"), beta_lasso(here, betas[-1]))]


def _schedule(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return the β that make zeros, with the learning rate going to zero and without."""
    both = [base.replace(schedule=schedule) for schedule in (base.schedule, "constant")]
    return [beta_lasso(here, beta) for here in both for beta in betas if beta]


def _period(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return all methods with a cosine that falls once, and with one that falls and rises again."""
    again = base.replace(period=quarter_length(base).epochs)
    return [*sgd_and_betas(base, betas), *sgd_and_betas(again, betas)]


def _first_layer(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return the same as `_frozen` with λ everywhere, and with λ on the first layer alone."""
    alone = [run.replace(l1_rest=0.0) for run in _frozen(base, betas)]
    return [*_frozen(base, betas), *alone]


def _frozen(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return all β, and those that make zeros once more with zeros that stay."""
    free = [beta_lasso(base, beta) for beta in betas]
    return [*free, *(run.replace(frozen_zeros=True) for run in free if run.beta)]


def _lambdas(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return a range of λ at the largest β, and at the threshold βλ that it has in Table 2."""
    beta, own = betas[-1], l1_of(base)["l1"]
    at_beta = [beta_lasso(base, beta, l1=l1, l1_rest=None) for l1 in LAMBDAS]
    at_threshold = [beta_lasso(base, beta * own / l1, l1=l1, l1_rest=None) for l1 in LAMBDAS]
    return [*at_beta, *at_threshold]


def _lambdas_zero(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return the same range of λ without a threshold."""
    return [beta_lasso(base, 0, l1=l1, l1_rest=None) for l1 in LAMBDAS]


def _length(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return a quarter of the length, and the length."""
    return [*sgd_and_betas(quarter_length(base), betas), *sgd_and_betas(base, betas)]


def _longer(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return the length, and four times it."""
    return [
        *sgd_and_betas(base, betas),
        *sgd_and_betas(base.replace(epochs=4 * base.epochs), betas),
    ]


def _factorial(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return every combination of augmentation, loss and method, at a quarter of the length.

    Cross-entropy comes twice: with the rates as they are, and with those at which it would be the
    same as binary cross-entropy if the two were proportional (see `equal_rates`).
    """
    short = quarter_length(base).replace(loss="bce")
    runs = []
    for augment in ("none", "flip-crop"):
        here = short.replace(augment=augment)
        methods = [sgd(here, "s-fc"), *(beta_lasso(here, beta) for beta in betas)]
        methods += [beta_lasso(here, beta, **STRONGER_L1) for beta in (0, betas[-1])]
        crossed = [run.replace(loss="cross-entropy") for run in methods]
        runs += [*methods, *crossed, *map(equal_rates, methods)]
    return runs


def equal_rates(config: Config) -> Config:
    """Return a run with cross-entropy whose steps are as large as those of the mean over classes.

    Averaging a loss over c classes with (η, λ, β) takes the same steps as summing it with
    (η / c, cλ, β / c): ηλ and βλ stay, and η shrinks as the gradient grows.
    """
    classes = len(data.spec(config.dataset).classes)
    rest = None if config.l1_rest is None else config.l1_rest * classes
    return config.replace(
        loss="cross-entropy",
        lr=config.lr / classes,
        l1=config.l1 * classes,
        l1_rest=rest,
        beta=config.beta / classes,
    )


def _recipe(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return all methods at four times the width and a quarter of the length, over a range of λ."""
    wide = short_recipe(base, 4)
    plain = [beta_lasso(wide, beta, **REPRODUCTION_L1) for beta in betas[:-1]]
    sparse = [beta_lasso(wide, betas[-1], l1=l1, l1_rest=1e-6) for l1 in LAMBDAS]
    strong = [beta_lasso(wide, beta, **STRONGER_L1) for beta in (0, betas[-1])]
    return [sgd(wide, "s-fc"), *plain, *sparse, *strong]


def _width(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return SGD, β = 0 at both λ, and the largest β, at growing width, by the recipe."""
    return [run for factor in (1, 4, 8) for run in _at_width(base, factor, betas[-1])]


def _wider(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return the same at twice the largest of these widths."""
    return _at_width(base, 16, betas[-1])


def _at_width(base: Config, factor: int, beta: float) -> list[Config]:
    wide = short_recipe(base, factor)
    plain = beta_lasso(wide, 0, **REPRODUCTION_L1)
    return [sgd(wide, "s-fc"), plain, *(beta_lasso(wide, b, **STRONGER_L1) for b in (0, beta))]


def _reproduction(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return Table 2's setting at four times the width and a quarter of the length."""
    wide = quarter_length(base).replace(base_channels=4 * base.base_channels)
    return [sgd(wide, "s-fc"), *(beta_lasso(wide, beta, **REPRODUCTION_L1) for beta in betas)]


STUDIES = (
    Study("precision", "bfloat16 against float32", REPRODUCTION, _precision, scales=DESK_SCALES),
    Study("schedule", "A constant learning rate", REPRODUCTION, _schedule, 2, scales=DESK_SCALES),
    Study(
        "period",
        "A cosine of a quarter of the length",
        REPRODUCTION,
        _period,
        2,
        scales=DESK_SCALES,
    ),
    Study(
        "first-layer", "λ on the first layer alone", REPRODUCTION, _first_layer, scales=DESK_SCALES
    ),
    Study("frozen", "Zeros that stay zero", REPRODUCTION, _frozen, 5),
    Study("betas", "A range of β", REPRODUCTION, sgd_and_betas, 2, betas=BETAS, scales=DESK_SCALES),
    Study("lambdas", "A range of λ", REPRODUCTION, _lambdas, 2, scales=DESK_SCALES),
    Study(
        "lambdas-zero", "A range of λ at β = 0", REPRODUCTION, _lambdas_zero, 2, scales=DESK_SCALES
    ),
    Study("length", "Training length", REPRODUCTION, _length, 2, betas=(0, 50), scales=DESK_SCALES),
    Study(
        "longer",
        "Four times the length",
        REPRODUCTION,
        _longer,
        2,
        betas=(0, 50),
        scales=DESK_SCALES,
    ),
    Study(
        "factorial",
        "Augmentation × loss × method",
        REPRODUCTION,
        _factorial,
        betas=(0, 50),
        scales=DESK_SCALES,
    ),
    Study(
        "recipe",
        "Cross-entropy and augmentation at α = 4",
        REPRODUCTION,
        _recipe,
        scales=DESK_SCALES,
    ),
    Study(
        "reproduction",
        "The reproduction's setting at α = 4",
        REPRODUCTION,
        _reproduction,
        betas=(0, 50),
        scales=DESK_SCALES,
    ),
    Study(
        "width",
        "Cross-entropy and augmentation at growing width",
        REPRODUCTION,
        _width,
        scales=DESK_SCALES,
    ),
    Study(
        "wider",
        "Cross-entropy and augmentation at α = 16",
        REPRODUCTION,
        _wider,
        scales=DESK_SCALES,
    ),
)


QUESTIONS = tuple(study.name for study in STUDIES)

# βλ of the largest β in Table 2
THRESHOLD = 50 * REPRODUCTION_L1["l1"]

Change = Callable[[Config], Config | None]


# What the figures draw


def lambda_frame(records: Sequence[Record]) -> pd.DataFrame:
    """Return `sweep_frame` over λ at β = 50, at β = 0, and at the threshold βλ of Table 2."""
    if not records:
        return sweep_frame([], _l1, method_text)
    plain = [r for r in records if r.config.beta == 0]
    at_threshold = [r for r in records if math.isclose(r.config.beta * r.config.l1, THRESHOLD)]
    at_beta = [r for r in records if r.config.beta == 50]
    at_one = sweep_frame([*at_beta, *plain], _l1, method_text)
    return pd.concat([at_one, sweep_frame(at_threshold, _l1, lambda _: f"βλ = {THRESHOLD:g}")])


def _l1(config: Config) -> float:
    return config.l1


def gains_frame(records: Sequence[Record]) -> pd.DataFrame:
    """Return the gain of β = 50 in each cell: `cell`, `contrast`, `mean`, `half_width`, `n`."""
    found = conditions(records)
    rows = []
    for config in _sparse(found):
        for contrast, reference in AGAINST.items():
            value = difference(found, config, reference(config))
            if value is not None:
                rows.append(
                    {"cell": cell(config), "contrast": f"over {contrast}", **value._asdict()}
                )
    return pd.DataFrame(rows, columns=["cell", "contrast", "mean", "half_width", "n"])


def _sparse(found: Conditions) -> list[Config]:
    """Conditions with the largest threshold coefficient of their loss and rate."""
    largest: dict[tuple[str, float], float] = {}
    for config in found:
        key = config.loss, config.lr
        largest[key] = max(config.beta, largest.get(key, 0.0))
    return [c for c in found if c.beta and c.beta == largest[c.loss, c.lr]]


def cell(config: Config) -> str:
    """Name a cell of the factorial: augmentation, loss, and λ where it is the stronger one."""
    loss = loss_text(config) + (", equal rates" if _unit(config) > 1 else "")
    strong = math.isclose(config.l1, STRONGER_L1["l1"] * _unit(config))
    return f"{field_text(config, 'augment')}, {loss}" + (", stronger λ" if strong else "")


def _unit(config: Config) -> float:
    """Return by how much η is less than usual, and λ more, in the cells at equal rates."""
    return round(Config().lr / config.lr, 9)


def effect(
    found: Conditions, change: Change, reference: Callable[[Config], Config]
) -> Interval | None:
    """Return the mean change of the gain over all pairs of cells that differ by `change`."""
    gain = contrast(found, _pairs(found, change), reference)
    return None if gain is None else gain.change


class Contrast(NamedTuple):
    """The gain of β = 50 before and after a change, and how much the change adds, in points."""

    before: Interval
    after: Interval
    change: Interval


def contrast(
    found: Conditions,
    pairs: Sequence[tuple[Config, Config]],
    reference: Callable[[Config], Config],
) -> Contrast | None:
    """Return the mean gain over pairs of conditions, before and after, paired by seed.

    Args:
        found: the runs of each condition.
        pairs: conditions with β = 50, before and after a change.
        reference: from a condition to the one that it gains on.
    """
    cells = [(one, reference(one), other, reference(other)) for one, other in pairs]
    if not cells or any(config not in found for cell in cells for config in cell):
        return None
    runs = [[by_seed(found[config]) for config in cell] for cell in cells]
    seeds = sorted(set.intersection(*(set(one) for cell in runs for one in cell)))
    values = np.array([[[one[seed] for seed in seeds] for one in cell] for cell in runs])
    before = (values[:, 0] - values[:, 1]).mean(0)
    after = (values[:, 2] - values[:, 3]).mean(0)
    return Contrast(*map(mean_interval, (before, after, after - before)))


def augmented(config: Config) -> Config | None:
    """Return the same cell with flips and crops."""
    return config.replace(augment="flip-crop") if config.augment == "none" else None


def crossed(config: Config) -> Config | None:
    """Return the same cell with cross-entropy, at the same learning rate and λ."""
    return config.replace(loss="cross-entropy") if config.loss == "bce" else None


def crossed_at_equal_rates(config: Config) -> Config | None:
    """Return the same cell with cross-entropy, and steps of the same size."""
    return equal_rates(config) if config.loss == "bce" else None


def stronger(config: Config) -> Config | None:
    """Return the same cell with the stronger λ."""
    if config.l1_rest is not None:
        return None
    return config.replace(**{n: round(_unit(config) * l1, 12) for n, l1 in STRONGER_L1.items()})


class Factor(NamedTuple):
    """A factor of the factorial: its name and two levels, and the change from one to the other.

    `change` returns None where a cell is not at the level to start from.
    """

    name: str
    start: str
    end: str
    change: Change


FACTORS = {
    "augmentation": Factor("augmentation", "none", "flips and crops", augmented),
    "loss": Factor("loss", "binary cross-entropy", "cross-entropy", crossed),
    "equal": Factor(
        "loss, at equal rates", "binary cross-entropy", "cross-entropy", crossed_at_equal_rates
    ),
    "l1": Factor("λ", "2e-5", "5e-5, others 1e-5", stronger),
}


# The chapter in short


class Question(NamedTuple):
    """One change of the training, in which study, and over what β = 50 is to gain.

    `before` and `after` are fields of the two conditions with β = 50.
    """

    text: str
    study: str
    over: str
    before: Mapping[str, object]
    after: Mapping[str, object]


ASKED = (
    Question("λ on the first layer alone", "first-layer", "β = 0",
             {"l1_rest": None, "frozen_zeros": False}, {"l1_rest": 0.0, "frozen_zeros": False}),
    Question("zeros that stay zero", "frozen", "β = 0",
             {"frozen_zeros": False}, {"frozen_zeros": True}),
    Question("float32 instead of bfloat16", "precision", "SGD",
             {"precision": "bf16"}, {"precision": "fp32"}),
    Question("400 epochs instead of 100", "length", "β = 0", {"epochs": 100}, {"epochs": 400}),
    Question("1600 epochs instead of 400", "longer", "β = 0", {"epochs": 400}, {"epochs": 1600}),
)  # fmt: skip
STEPS = tuple(
    Question(f"width: α = {to} instead of {start}", study, over,
             {"base_channels": start}, {"base_channels": to})
    for study, start, to in (("width", 1, 4), ("width", 4, 8), ("wider", 8, 16))
    for over in ("β = 0", "SGD")
)  # fmt: skip


def _found(runs: Mapping[str, Sequence[Record]]) -> dict[str, Conditions]:
    """Group every study's records; where one goes on from another, with those of that one."""
    found = {name: conditions(records) for name, records in runs.items()}
    found["longer"] = conditions([*runs["length"], *runs["longer"]])
    found["width"] = found["wider"] = conditions(at_each_width(runs))
    return found


def summary_table(runs: Mapping[str, Sequence[Record]]) -> Table:
    """Return what each change of the training adds to the gain of β = 50."""
    asked = _all_asked(_found(runs))
    changes = [gain.change for _, gain in asked if gain]
    compared = [change for change in changes if change.half_width is not None]
    known = surviving(compared, pending=len(asked) - len(compared))
    rows = [_summary(question, gain, known) for question, gain in asked]
    caption = (
        "What each change of the training adds to the gain of β = 50 over SGD, or over β = 0 at "
        "the same λ, in points of test accuracy: differences paired by seed, 95 % intervals over "
        "seeds; bold where they leave out zero after Holm's correction for all rows. The first "
        "changes are of the setting of Table 2; those of the factorial are means over its other "
        "factors, at 100 epochs; those of the width are with cross-entropy, flips and crops and "
        "the stronger λ, at 100 epochs."
    )
    columns = ["change", "gain over", "before", "after", "change of the gain", "n"]
    return Table("tab-summary", caption, columns, rows, text=["gain over"])


def _asked(
    found: Conditions, question: Question, reference: Callable[[Config], Config]
) -> Contrast | None:
    pair = [pick(found, beta=50, **fields) for fields in (question.before, question.after)]
    return contrast(found, [(pair[0], pair[1])], reference) if pair[0] and pair[1] else None


def _all_asked(found: dict[str, Conditions]) -> list[tuple[Question, Contrast | None]]:
    """Return every question of the summary with its answer, in their order."""
    asked = [(q, _asked(found[q.study], q, AGAINST[q.over])) for q in (*ASKED, *STEPS)]
    crossed = found["factorial"]
    of_factors = [
        (
            Question(
                f"{factor.name}: {factor.end} instead of {factor.start}", "factorial", over, {}, {}
            ),
            contrast(crossed, _pairs(crossed, factor.change), AGAINST[over]),
        )
        for factor in FACTORS.values()
        for over in ("β = 0", "SGD")
    ]
    return [*asked[: len(ASKED)], *of_factors, *asked[len(ASKED) :]]


def _summary(question: Question, gain: Contrast | None, known: Container[Interval]) -> list[str]:
    text, over = question.text, question.over
    if gain is None:
        return [text, over, tables.NONE, tables.NONE, tables.pending(), tables.NONE]
    shown = [tables.signed(value) for value in gain]
    if gain.change in known:
        shown[-1] = f"**{shown[-1]}**"
    return [text, over, *shown, str(gain.change.n)]


def _pairs(found: Conditions, change: Change) -> list[tuple[Config, Config]]:
    """Return the cells with β = 50 from which a change leads to another cell, and that one."""
    pairs = ((one, change(one)) for one in _sparse(found))
    return [(one, other) for one, other in pairs if other is not None and other in found]


# The chapter's tables and figures, one after the other


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
        "λ everywhere": everywhere,
        "zeros that may return": lambda config: config.replace(frozen_zeros=False),
        "β = 0": without_threshold,
    }
    what = "λ on all layers, and on the first one alone"
    fields = ["l1_rest", "frozen_zeros"]
    return comparison("tab-first-layer", records, fields, references, "lcs study first-layer", what)


def everywhere(config: Config) -> Config:
    """Return the same run with one λ for all layers."""
    return config.replace(l1_rest=None)


def length_table(records: Sequence[Record]) -> Table:
    """Compare every method with SGD and with β = 0 of the same length."""
    what = "Training length"
    return comparison("tab-length", records, ["epochs"], AGAINST, "lcs study longer", what)


def factorial_table(records: Sequence[Record]) -> Table:
    """Compare every method with SGD and with β = 0 in its cell of the factorial."""
    what = (
        "Every cell. At equal rates η is a tenth, λ ten times as large, and β = 5 stands for "
        "β = 50; where λ is stronger in the first layer it is weaker in the others, 1e-5"
    )
    fields = ["augment", "loss", "lr", "l1"]
    return comparison("tab-factorial", records, fields, AGAINST, "lcs study factorial", what)


def at_one_l1(config: Config) -> Config:
    """Return the same run with β = 0, at the reproduction's λ in every layer."""
    return without_threshold(config).replace(optimizer="beta-lasso", **REPRODUCTION_L1)


# from β = 0 at one λ to another λ, and from there to β = 50
STEPWISE = {
    "SGD": as_sgd,
    "β = 0, λ = 2e-5": at_one_l1,
    "β = 0, same λ": without_threshold,
}


def recipe_table(records: Sequence[Record]) -> Table:
    """Compare every method and λ with SGD and with β = 0."""
    what, fields = "A range of λ", ["l1", "l1_rest"]
    return comparison("tab-recipe", records, fields, STEPWISE, "lcs study recipe", what)


def reproduction_table(records: Sequence[Record]) -> Table:
    """Compare every method with SGD and with β = 0."""
    name, what = "tab-reproduction", "The reproduction's setting, wider"
    return comparison(name, records, ["l1"], AGAINST, "lcs study reproduction", what)


def width_table(records: Sequence[Record]) -> Table:
    """Compare every method with SGD and with β = 0 of the same width."""
    what, fields = "Growing width", ["base_channels", "l1"]
    return comparison("tab-width", records, fields, STEPWISE, "lcs study width", what)


class Step(NamedTuple):
    """A step on the way from SGD to β = 50: its name, and from which condition to which."""

    name: str
    start: Callable[[Config], Config]
    end: Callable[[Config], Config]


STAIRS = {
    "l1": Step("ℓ1, λ = 2e-5", as_sgd, at_one_l1),
    "stronger": Step("stronger λ", at_one_l1, without_threshold),
    "zero": Step("threshold", without_threshold, lambda config: config),
    "sgd": Step("all three", as_sgd, lambda config: config),
}


def at_each_width(runs: Mapping[str, Sequence[Record]]) -> list[Record]:
    """Return all runs at growing width, with those seeds of them that other studies have."""
    sizes = conditions([*runs["width"], *runs["wider"]])
    everything = conditions([record for records in runs.values() for record in records])
    return [record for config in sizes for record in everything[config]]


def stairs_table(records: Sequence[Record]) -> Table:
    """Return what ℓ1, a stronger λ and the threshold each add to the step before, from SGD on."""
    what = (
        "From SGD to β = 50 in three steps: what each adds to the one before, in points of test "
        "accuracy, paired by seed"
    )
    found = conditions(records)
    columns: dict[str, Cell] = {
        **by_field(["base_channels"]),
        **{step.name: of(partial(_climb_text, found, step)) for step in STAIRS.values()},
        "n": of(lambda config: _count(_climb(found, STAIRS["sgd"], config))),
    }
    sparse = [record for record in records if record.config.beta]
    return by_condition("tab-stairs", what, "lcs study width", sparse, columns)


def _count(gain: Interval | None) -> str:
    """Return how many pairs of runs stand behind a difference."""
    return "0" if gain is None else f"{gain.n}"


def _climb_text(found: Conditions, step: Step, config: Config) -> str:
    return signed_or_none(_climb(found, step, config))


def _climb(found: Conditions, step: Step, config: Config) -> Interval | None:
    return difference(found, step.end(config), step.start(config))


def beta_frame(records: Sequence[Record]) -> pd.DataFrame:
    """Return `sweep_frame` over β."""
    sparse = [record for record in records if record.config.optimizer != "sgd"]
    return sweep_frame(sparse, lambda config: config.beta, lambda _: "β-LASSO")


def returns_table(records: Sequence[Record]) -> Table:
    """Return what each β costs at its λ, what it leaves, and how often weights return."""
    found = conditions(record for record in records if record.config.optimizer != "sgd")
    columns: dict[str, Cell] = {
        "λ": of(lambda config: tables.number(config.l1)),
        **by_field(["beta"]),
        "difference from β = 0": less(found, without_threshold),
        "first layer left (%)": remaining_text,
        "returns": lambda runs: f"{np.mean([_returns(run) for run in runs]):,.0f}",
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


def _returns(run: Record) -> int:
    return sum(run.history["revived"]["conv1"])


def length_frame(records: Sequence[Record]) -> pd.DataFrame:
    """Return `sweep_frame` over the length, a series for each method."""
    return sweep_frame(records, lambda config: config.epochs, method_text)


def width_frame(records: Sequence[Record]) -> pd.DataFrame:
    """Return `sweep_frame` over the width, a series for each method."""
    return sweep_frame(records, lambda config: config.base_channels, _with_l1)


def _with_l1(config: Config) -> str:
    """Name of a run's method, with λ where it is not the stronger one."""
    weak = config.optimizer != "sgd" and config.l1 != STRONGER_L1["l1"]
    return method_text(config) + (f", λ = {tables.number(config.l1)}" if weak else "")


def mean_of_sgd(records: Sequence[Record]) -> dict[str, float]:
    """Return the mean accuracy of SGD, as a named reference; none where it was not run."""
    runs = [record for record in records if record.config.optimizer == "sgd"]
    return {"SGD": mean_interval(accuracies(runs)).mean} if runs else {}


# The numbers of the chapter's prose


def numbers(runs: Mapping[str, Sequence[Record]]) -> dict[str, str]:
    """Return the numbers of the chapter's prose, in words: "pending" where there are no runs."""
    found = _found(runs)
    return {
        **_single_changes(found),
        **_of_the_reproduction(),
        **_period_numbers(found["period"]),
        **_first_layers(found["first-layer"]),
        **_ranges(found),
        **_lengths(found["longer"]),
        "left-100": left_of(found["length"], beta=50, epochs=100),
        **_effects(found["factorial"]),
        **_cells(found["factorial"]),
        **_widths(found["wider"]),
    }


def _single_changes(found: Mapping[str, Conditions]) -> dict[str, str]:
    """Return what one change does: precision, zeros that stay, a constant learning rate."""
    precision, frozen, schedule = (found[name] for name in ("precision", "frozen", "schedule"))
    usual = {"precision": "bf16"}
    words = {
        "fp32-sgd": difference_of(precision, {"beta": 0, "precision": "fp32"}, usual),
        "fp32-50": difference_of(precision, {"beta": 50, "precision": "fp32"}, usual),
        "free-left-50": left_of(frozen, beta=50, frozen_zeros=False),
    }
    for beta in (1, 50):
        stay = {"beta": beta, "frozen_zeros": True}
        constant = {"beta": beta, "schedule": "constant"}
        words |= {
            f"frozen-{beta}": difference_of(frozen, stay, {"frozen_zeros": False}),
            f"forgone-{beta}": said_of(frozen, would_revive_text, **stay),
            f"constant-left-{beta}": left_of(schedule, **constant),
            f"constant-swing-{beta}": said_of(schedule, _swing, **constant),
            f"cosine-left-{beta}": left_of(schedule, beta=beta, schedule="cosine-epoch"),
        }
    return words


def _of_the_reproduction() -> dict[str, str]:
    """Return what the reproduction had left after 400 epochs, in per cent of each layer."""
    whole, words = published.COUNTS[SGD, 400], {}
    for beta in (1, 50):
        counts = published.COUNTS[beta_lasso_method(beta), 400]
        shares = [100 * getattr(counts, layer) / getattr(whole, layer) for layer in LAYERS]
        words[f"published-left-{beta}"] = f"{shares[0]:.1f}"
        words[f"published-layers-{beta}"] = ", ".join(f"{share:.1f}" for share in shares)
    return words


def _swing(runs: Sequence[Record]) -> str:
    """Return between which test accuracies, in per cent, runs lie in the last tenth of epochs."""
    last = [100 * x for r in runs for x in _late(r)]
    return f"{min(last):.0f} and {max(last):.0f}"


def _late(run: Record) -> list[float]:
    accuracy = run.history["test_accuracy"]
    return accuracy[-max(1, len(accuracy) // 10) :]


def _period_numbers(found: Conditions) -> dict[str, str]:
    """Return what a cosine that rises again leaves of the first layer."""
    words = {"runs-period": count_text(found)}
    for beta in (1, 50):
        name = beta_lasso_method(beta)
        again = [r for c, r in found.items() if c.period is not None and method(c) == name]
        words[f"period-left-{beta}"] = remaining_text(again[0]) if again else PENDING
    return words


def _first_layers(found: Conditions) -> dict[str, str]:
    """Return what λ on the first layer alone does: its gain over β = 0, and what it leaves there.

    Keys end in β: `first-alone-free-50`, and `…-frozen-…` with zeros that stay, `…-returns-…` for
    the difference of the two, `first-alone-left-free-50` for what is left of the layer;
    `first-everywhere-…` with λ on all layers.
    """
    free: dict[str, object] = {"l1_rest": 0.0, "frozen_zeros": False}
    frozen = free | {"frozen_zeros": True}

    def gain(**fields: object) -> str:
        return signed_or_pending(_gain(found, without_threshold, **fields))

    return {
        "first-everywhere-free-50": gain(beta=50, l1_rest=None, frozen_zeros=False),
        "first-alone-free-1": gain(beta=1, **free),
        "first-alone-free-50": gain(beta=50, **free),
        "first-alone-frozen-1": gain(beta=1, **frozen),
        "first-alone-left-free-1": left_of(found, beta=1, **free),
        "first-alone-left-frozen-1": left_of(found, beta=1, **frozen),
        "first-alone-left-free-50": left_of(found, beta=50, **free),
        "first-alone-returns-50": difference_of(found, {"beta": 50, **frozen}, free),
    }


def _ranges(found: Mapping[str, Conditions]) -> dict[str, str]:
    """Return the first, the last and the best of ranges of β and λ, and what each comes to.

    Mean accuracies on the test and (`-fit`) on the training images, and what is left of the layer.
    """
    betas = {c: runs for c, runs in found["betas"].items() if c.optimizer != "sgd"}
    lambdas, zero = found["lambdas"], found["lambdas-zero"]
    at_beta = {c: runs for c, runs in lambdas.items() if c.beta == 50}
    fixed = {c: runs for c, runs in lambdas.items() if math.isclose(c.beta * c.l1, THRESHOLD)}
    places: tuple[tuple[str, Conditions, Callable[[Conditions], Config], Cell], ...] = (
        ("best-beta", betas, _best, _beta_text),
        ("best-beta-accuracy", betas, _best, mean_text),
        ("last-beta", betas, _last, _beta_text),
        ("last-beta-accuracy", betas, _last, mean_text),
        ("best-l1", at_beta, _best, _l1_text),
        ("best-l1-accuracy", at_beta, _best, mean_text),
        ("best-l1-left", at_beta, _best, remaining_text),
        ("first-l1-fit", at_beta, _first, fit_text),
        ("last-l1-fit", at_beta, _last, fit_text),
        ("last-l1-fixed-accuracy", fixed, _last, mean_text),
        ("last-l1-fixed-left", fixed, _last, remaining_text),
        ("first-l1-zero", zero, _first, _l1_text),
        ("first-l1-zero-fit", zero, _first, fit_text),
        ("last-l1-zero", zero, _last, _l1_text),
        ("last-l1-zero-accuracy", zero, _last, mean_text),
        ("last-l1-zero-fit", zero, _last, fit_text),
    )
    counts = {"beta": betas, "l1": at_beta, "l1-zero": zero}
    return {f"runs-{name}": count_text(among) for name, among in counts.items()} | {
        word: say(among[place(among)]) if among else PENDING for word, among, place, say in places
    }


def _best(among: Conditions) -> Config:
    return max(among, key=lambda config: np.mean(accuracies(among[config])))


def _first(among: Conditions) -> Config:
    return min(among, key=lambda config: (config.l1, config.beta))


def _last(among: Conditions) -> Config:
    return max(among, key=lambda config: (config.l1, config.beta))


def _beta_text(runs: Sequence[Record]) -> str:
    return tables.number(runs[0].config.beta)


def _l1_text(runs: Sequence[Record]) -> str:
    return tables.number(runs[0].config.l1)


def _lengths(found: Conditions) -> dict[str, str]:
    """Return the gain of β = 50 over β = 0 and over SGD at the two shortest lengths, in order."""
    lengths, words = [*sorted({config.epochs for config in found}), 0, 0], {}
    for place, epochs in enumerate(lengths[:2]):
        words[f"length-{place}"] = f"{epochs}" if epochs else PENDING
        for short, reference in REFERENCES.items():
            gain = _gain(found, reference, beta=50, epochs=epochs)
            words[f"length-{place}-{short}"] = signed_or_pending(gain)
    return words


REFERENCES = {"sgd": as_sgd, "zero": without_threshold}


def _effects(found: Conditions) -> dict[str, str]:
    """Return what factors of the factorial add to the gain of β = 50, and before and after."""
    cropped = _pairs(found, augmented)
    gain = contrast(found, cropped, without_threshold)
    by_l1 = {
        "weak": [pair for pair in cropped if pair[0].l1_rest is None],
        "strong": [pair for pair in cropped if pair[0].l1_rest is not None],
    }
    by_l1["own"] = [pair for pair in by_l1["weak"] if pair[0].loss == "bce"]
    words = {
        "before-augmentation-zero": signed_or_pending(gain and gain.before),
        "after-augmentation-zero": signed_or_pending(gain and gain.after),
        "effect-augmentation-sgd": signed_or_pending(effect(found, augmented, as_sgd)),
    }
    for name, pairs in by_l1.items():
        gain = contrast(found, pairs, without_threshold)
        words[f"effect-augmentation-{name}-zero"] = signed_or_pending(gain and gain.change)
    for name, change in {"loss": crossed, "equal": crossed_at_equal_rates}.items():
        for short, reference in REFERENCES.items():
            words[f"effect-{name}-{short}"] = signed_or_pending(effect(found, change, reference))
    return words


def _cells(found: Conditions) -> dict[str, str]:
    """Return β = 50 in some cells of the factorial, and SGD with augmentation: `sgd-flip-crop-…`.

    `cell-zero-…`: the gain over β = 0; `cell-left-…`: what is left of the first layer.
    """
    words = {}
    for name, fields in CELLS.items():
        words[f"cell-zero-{name}"] = signed_or_pending(_gain(found, without_threshold, **fields))
        words[f"cell-left-{name}"] = left_of(found, **fields)
    for name, fields in LOSSES.items():
        sgd = {"optimizer": "sgd", "augment": "flip-crop", **fields}
        words[f"sgd-flip-crop-{name}"] = said_of(found, mean_text, **sgd)
    return words


LOSSES: dict[str, dict[str, object]] = {
    "bce": {"loss": "bce"},
    "ce": {"loss": "cross-entropy", "lr": 0.1},
    "equal": {"loss": "cross-entropy", "lr": 0.01},
}
# the cell with cross-entropy at the same rates, and augmentation
CROSSED: dict[str, object] = {**LOSSES["ce"], "augment": "flip-crop"}
# cells of the factorial that the prose names, with the stronger λ: the reproduction's, there with
# augmentation, and the one nearest to the paper's
CELLS: dict[str, dict[str, object]] = {
    "bare": {"beta": 50, "loss": "bce", "augment": "none", **STRONGER_L1},
    "cropped": {"beta": 50, "loss": "bce", "augment": "flip-crop", **STRONGER_L1},
    "strong": {"beta": 50, **CROSSED, **STRONGER_L1},
}


def _gain(
    found: Conditions, reference: Callable[[Config], Config], **fields: object
) -> Interval | None:
    config = pick(found, **fields)
    return None if config is None else difference(found, config, reference(config))


def _widths(found: Conditions) -> dict[str, str]:
    """Return what each step adds at each width: `width-4-zero`; `width-4-n`: in how many runs."""
    words: dict[str, str] = {}
    for alpha in (1, 4, 8):
        sparse = pick(found, beta=50, base_channels=alpha)
        gains = {name: _climb(found, step, sparse) if sparse else None
                 for name, step in STAIRS.items()}  # fmt: skip
        whole = gains.pop("sgd")
        words |= {f"width-{alpha}-{name}": signed_or_pending(g) for name, g in gains.items()}
        words[f"width-{alpha}-n"] = _count(whole)
    return words


# Claims


def gains_by(
    factor: Change, reference: Callable[[Config], Config], where: Pick = lambda _: True
) -> Judge:
    """Judge whether a factor of the factorial raises the gain of β = 50, in the mean of cells."""

    def judge(records: list[Record]) -> Finding:
        chosen = [r for r in records if r.config.optimizer == "sgd" or where(r.config)]
        change = effect(conditions(chosen), factor, reference)
        assert change is not None
        return Finding(f"{signed(change)} points", change)

    return judge


def _stronger_beats(reference: Callable[[Config], Config], **where: object) -> Judge:
    """Judge whether β = 50 with the stronger λ is better than its reference, in these runs."""

    def judge(records: list[Record]) -> Finding:
        found = conditions(records)
        sparse = pick(found, beta=50, **STRONGER_L1, **where)
        assert sparse is not None
        gain = difference(found, sparse, reference(sparse))
        assert gain is not None
        return Finding(f"{signed(gain)} points", gain)

    return judge


def is_strong(config: Config) -> bool:
    return config.optimizer == "beta-lasso" and config.l1_rest is not None


def _keeps_more(records: list[Record]) -> Finding:
    """Judge whether β = 1 keeps more of the first layer with a constant learning rate."""
    runs = [r for r in records if r.config.beta == 1]
    stays = [run for run in runs if run.config.schedule == "constant"]
    falls = [run for run in runs if run.config.schedule != "constant"]
    more = paired(stays, falls, remaining)
    return Finding(f"{signed(more, 1)} points of the layer", more)


def _longer_helps(records: list[Record]) -> Finding:
    """Judge whether the gain of β = 50 over β = 0 is larger at the larger of two lengths."""
    found = conditions(records)
    short, *_, long = sorted((c for c in found if c.beta), key=lambda config: config.epochs)
    growth = contrast(found, [(short, long)], without_threshold)
    assert growth is not None
    return Finding(f"{signed(growth.change)} points", growth.change)


CLAIMS: tuple[Claim, ...] = (
    Claim(
        "R",
        "More training, 1600 epochs instead of 400, lets β = 50 gain on β = 0",
        "a question",
        "why",
        "longer",
        _longer_helps,
    ),
    Claim(
        "R",
        "Augmentation lets β = 50 gain on β = 0 (100 epochs)",
        "a question",
        "why",
        "factorial",
        gains_by(augmented, without_threshold, lambda c: c.loss == "bce" and not is_strong(c)),
    ),
    Claim(
        "B",
        "Augmentation lets β = 50 gain on β = 0 with the stronger λ (100 epochs, mean over losses)",
        tables.NONE,
        "why",
        "factorial",
        gains_by(augmented, without_threshold, is_strong),
    ),
    Claim(
        "B",
        "β = 50 gains more on β = 0 in 400 epochs than in 100",
        tables.NONE,
        "why",
        "length",
        _longer_helps,
    ),
    Claim(
        "B",
        "β = 50 gains more on β = 0 with cross-entropy (100 epochs, same η, so data steps "
        "ten times as large)",
        tables.NONE,
        "why",
        "factorial",
        gains_by(crossed, without_threshold),
    ),
    *(
        Claim(
            "B",
            "With cross-entropy, augmentation and the stronger λ, β = 50 is better than "
            f"{name}: α = {alpha}",
            tables.NONE,
            "why",
            study,
            _stronger_beats(reference, base_channels=alpha, **where),
        )
        for name, reference in (("plain SGD", as_sgd), ("β = 0 at the same λ", without_threshold))
        for alpha, study, where in (
            (1, "factorial", CROSSED),
            (4, "recipe", {}),
            (8, "width", {}),
            (16, "wider", {}),
        )
    ),
    Claim(
        "B",
        "With λ on the first layer alone, β = 50 is as good as β = 0, within 1 point",
        tables.NONE,
        "why",
        "first-layer",
        differs(
            lambda c: c.beta == 50 and c.l1_rest == 0 and not c.frozen_zeros,
            lambda c: c.beta == 0 and c.l1_rest == 0,
            margin=1.0,
        ),
    ),
    Claim(
        "B",
        "Zeros may as well stay: β = 50 is as good with zeros frozen, within 1 point",
        tables.NONE,
        "why",
        "frozen",
        differs(
            lambda c: c.beta == 50 and c.frozen_zeros,
            lambda c: c.beta == 50 and not c.frozen_zeros,
            margin=1.0,
        ),
    ),
    Claim(
        "B",
        "With λ on the first layer alone, β = 50 is as good with zeros frozen, within 1 point",
        tables.NONE,
        "why",
        "first-layer",
        differs(
            lambda c: c.beta == 50 and c.l1_rest == 0 and c.frozen_zeros,
            lambda c: c.beta == 50 and c.l1_rest == 0 and not c.frozen_zeros,
            margin=1.0,
        ),
    ),
    Claim(
        "B",
        "With λ on the first layer alone, zeros that stay cost β = 1 accuracy",
        tables.NONE,
        "why",
        "first-layer",
        differs(
            lambda c: c.beta == 1 and c.l1_rest == 0 and not c.frozen_zeros,
            lambda c: c.beta == 1 and c.l1_rest == 0 and c.frozen_zeros,
        ),
    ),
    Claim(
        "B",
        "bfloat16 and float32 give β = 50 the same accuracy, within 1 point",
        tables.NONE,
        "why",
        "precision",
        differs(
            lambda c: c.beta == 50 and c.precision == "bf16",
            lambda c: c.beta == 50 and c.precision == "fp32",
            margin=1.0,
        ),
    ),
    Claim(
        "B",
        "A constant learning rate leaves more weights than a cosine, with β = 1",
        tables.NONE,
        "why",
        "schedule",
        _keeps_more,
    ),
    *(
        Claim(
            "B",
            f"With {text}, β = {beta} leaves as many weights as the reproduction's",
            tables.reproduction(f"{COUNTS[beta_lasso_method(beta), 400].conv1:,}"),
            "why",
            study,
            leaves(beta_lasso_method(beta), **schedule),
        )
        for text, study, schedule in (
            ("a constant learning rate", "schedule", {"schedule": "constant"}),
            ("a cosine of period 100", "period", {"period": 100}),
        )
        for beta in (50, 1)
    ),
)
