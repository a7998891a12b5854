"""What the chapter `why` shows: studies that change one thing at a time, paired by seed.

A condition is a configuration without its seed; two conditions are compared run for run.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from lcs import data, measure, published, tables
from lcs.compare import (
    AGAINST,
    PENDING,
    WORDS,
    Conditions,
    as_sgd,
    by_seed,
    comparison,
    conditions,
    difference,
    difference_of,
    field_text,
    left,
    left_of,
    left_text,
    loss_text,
    mean_text,
    method_text,
    pick,
    said_of,
    setting_text,
    signed_or_none,
    signed_or_pending,
    spread_text,
    sweep_frame,
    without_threshold,
)
from lcs.config import Config
from lcs.exhibits import accuracies, beta_lasso_name, pair_correlation, train_accuracies
from lcs.measure import SIGNIFICANCE, Interval, holm, mean_interval, p_value, paired_difference
from lcs.plots import LAYERS
from lcs.runs import Record
from lcs.studies import CHAPTERS, STRONG, equal_rates, method
from lcs.tables import NONE, Table

QUESTIONS = tuple(study.name for study in CHAPTERS["why"])

# βλ of the largest β in Table 2
THRESHOLD = 50 * 2e-5

Change = Callable[[Config], Config | None]


# What the figures draw


def lambda_frame(records: Sequence[Record], beta: float) -> pd.DataFrame:
    """Return `sweep_frame` over λ at this β, at β = 0, and at the threshold βλ of Table 2."""
    if not records:
        return sweep_frame([], _l1, method_text)
    plain = [r for r in records if r.config.beta == 0]
    at_threshold = [r for r in records if math.isclose(r.config.beta * r.config.l1, THRESHOLD)]
    at_beta = [r for r in records if r.config.beta == beta]
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
    strong = math.isclose(config.l1, STRONG["l1"] * _unit(config))
    return f"{field_text(config, 'augment')}, {loss}" + (", stronger λ" if strong else "")


def _unit(config: Config) -> float:
    """Return by how much η is less than usual, and λ more, in the cells at equal rates."""
    return round(Config().lr / config.lr, 9)


def effect(
    found: Conditions, change: Change, reference: Callable[[Config], Config]
) -> Interval | None:
    """Return the mean change of the gain over all pairs of cells that differ by `change`."""
    gain = _contrast(found, _pairs(found, change), reference)
    return None if gain is None else gain.change


class Contrast(NamedTuple):
    """The gain of β = 50 before and after a change, and how much the change adds, in points."""

    before: Interval
    after: Interval
    change: Interval


def _contrast(
    found: Conditions,
    pairs: Sequence[tuple[Config, Config]],
    reference: Callable[[Config], Config],
) -> Contrast | None:
    """Return the mean over pairs of conditions, before and after, paired by seed."""
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
    return config.replace(**{n: round(_unit(config) * l1, 12) for n, l1 in STRONG.items()})


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
    Question("float32 for bfloat16", "precision", "SGD",
             {"precision": "bf16"}, {"precision": "fp32"}),
    Question("400 epochs for 100", "length", "β = 0", {"epochs": 100}, {"epochs": 400}),
    Question("1600 epochs for 400", "longer", "β = 0", {"epochs": 400}, {"epochs": 1600}),
)  # fmt: skip
STEPS = tuple(
    Question(f"width: α = {to} for {start}", study, over,
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
    waiting = [1.0] * (len(asked) - len(compared))
    adjusted = dict(zip(compared, holm([*map(p_value, compared), *waiting]), strict=False))
    rows = [_summary(question, gain, adjusted) for question, gain in asked]
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
    return _contrast(found, [(pair[0], pair[1])], reference) if pair[0] and pair[1] else None


def _all_asked(found: dict[str, Conditions]) -> list[tuple[Question, Contrast | None]]:
    """Return every question of the summary with its answer, in their order."""
    asked = [(q, _asked(found[q.study], q, AGAINST[q.over])) for q in (*ASKED, *STEPS)]
    crossed = found["factorial"]
    of_factors = [
        (
            Question(f"{factor.name}: {factor.end} for {factor.start}", "factorial", over, {}, {}),
            _contrast(crossed, _pairs(crossed, factor.change), AGAINST[over]),
        )
        for factor in FACTORS.values()
        for over in ("β = 0", "SGD")
    ]
    return [*asked[: len(ASKED)], *of_factors, *asked[len(ASKED) :]]


def _summary(
    question: Question, gain: Contrast | None, adjusted: Mapping[Interval, float]
) -> list[str]:
    text, over = question.text, question.over
    if gain is None:
        return [text, over, tables.NONE, tables.NONE, tables.pending(), tables.NONE]
    shown = [tables.signed(value) for value in gain]
    if adjusted.get(gain.change, 1.0) < SIGNIFICANCE:
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
        "A learning rate that goes to zero, and one that stays",
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
    """Compare λ on the first layer alone with λ everywhere, and every β with β = 0."""
    references = {"λ everywhere": everywhere, "β = 0": without_threshold}
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
    return without_threshold(config).replace(optimizer="beta-lasso", l1=2e-5, l1_rest=None)


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
    name, what = "tab-stairs", "From SGD to β = 50 in three steps: what each adds to the one before"
    if not records:
        return tables.pending_table(name, what[0].lower() + what[1:], "lcs study width")
    found = conditions(records)
    rows = [
        [
            f"{config.base_channels}",
            *(signed_or_none(_climb(found, config, step)) for step in STAIRS.values()),
            f"{len(runs)}",
        ]
        for config, runs in found.items()
        if config.beta
    ]
    columns = ["α", *(step.name for step in STAIRS.values()), "n"]
    caption = (
        f"{what}, in points of test accuracy, paired by seed. {setting_text(records)}"
        f"{spread_text(records)}."
    )
    return Table(name, caption, columns, rows)


def _climb(found: Conditions, config: Config, step: Step) -> Interval | None:
    return difference(found, step.end(config), step.start(config))


def beta_frame(records: Sequence[Record]) -> pd.DataFrame:
    """Return `sweep_frame` over β."""
    sparse = [record for record in records if record.config.optimizer != "sgd"]
    return sweep_frame(sparse, lambda config: config.beta, lambda _: "β-LASSO")


def returns_table(records: Sequence[Record]) -> Table:
    """Return what each β costs at its λ, what it leaves, and how often weights return."""
    name, what = "tab-returns", "the cost of β at each λ, and how often weights return"
    if not records:
        return tables.pending_table(name, what, "lcs study betas")
    found = {c: runs for c, runs in conditions(records).items() if c.optimizer != "sgd"}
    rows = [
        [
            tables.number(config.l1),
            tables.number(config.beta),
            signed_or_none(difference(found, config, without_threshold(config))),
            left_text(runs),
            f"{np.mean([_returns(run) for run in runs]):,.0f}",
            tables.links(runs),
        ]
        for config, runs in sorted(found.items(), key=lambda one: (one[0].l1, one[0].beta))
        if config.beta
    ]
    caption = (
        f"The cost of β at each λ. {setting_text(records)}{spread_text(records)}. Returns: how "
        "often a weight of the first layer is zero before an epoch and not after it, in the "
        f"{len(records[0].history['epoch'])} epochs that are recorded."
    )
    columns = ["λ", "β", "difference from β = 0", "first layer left (%)", "returns", "seeds"]
    return Table(name, caption, columns, rows)


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
    weak = config.optimizer != "sgd" and config.l1 != STRONG["l1"]
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
        **_first_layers(found["first-layer"]),
        **_ranges(found),
        **_lengths(found["longer"]),
        "left-100": left_of(found["length"], beta=50, epochs=100),
        **_effects(found["factorial"]),
        **_widths(found["wider"], found["reproduction"]),
    }


def _single_changes(found: Mapping[str, Conditions]) -> dict[str, str]:
    """Return what one change does: precision, zeros that stay, a learning rate that stays."""
    precision, frozen, schedule = (found[name] for name in ("precision", "frozen", "schedule"))
    counts = {c.method: c for c in published.NONZEROS if c.epochs == 400}
    weights = counts["S-FC, SGD"].conv1
    words = {
        f"published-left-{beta}": f"{100 * counts[beta_lasso_name(beta)].conv1 / weights:.1f}"
        for beta in (1, 50)
    }
    words |= {
        "fp32-sgd": difference_of(
            precision, {"beta": 0, "precision": "fp32"}, {"precision": "bf16"}
        ),
        "fp32-50": difference_of(
            precision, {"beta": 50, "precision": "fp32"}, {"precision": "bf16"}
        ),
    }
    words |= _layers_of_the_reproduction()
    words |= _period_numbers(found["period"])
    for beta in (1, 50):
        stay = {"beta": beta, "frozen_zeros": True}
        constant = {"beta": beta, "schedule": "constant"}
        words |= {
            f"frozen-{beta}": difference_of(frozen, stay, {"frozen_zeros": False}),
            f"frozen-left-{beta}": left_of(frozen, **stay),
            f"free-left-{beta}": left_of(frozen, **{**stay, "frozen_zeros": False}),
            f"constant-{beta}": difference_of(schedule, constant, {"schedule": "cosine-epoch"}),
            f"constant-left-{beta}": left_of(schedule, **constant),
            f"constant-swing-{beta}": said_of(schedule, _swing, **constant),
            f"cosine-left-{beta}": left_of(schedule, **{**constant, "schedule": "cosine-epoch"}),
        }
    return words


def _layers_of_the_reproduction() -> dict[str, str]:
    """Return what the reproduction had left in layers 1, 2, 3 after 400 epochs, in per cent."""
    full, *some = (c for c in published.NONZEROS if c.epochs == 400)
    return {
        f"published-layers-{beta}": ", ".join(
            f"{100 * getattr(counts, layer) / getattr(full, layer):.1f}" for layer in LAYERS
        )
        for beta in (1, 50)
        for counts in some
        if counts.method == beta_lasso_name(beta)
    }


def _swing(runs: Sequence[Record]) -> str:
    """Return between which test accuracies, in per cent, runs lie in the last tenth of epochs."""
    last = [100 * x for r in runs for x in _late(r)]
    return f"{min(last):.0f} and {max(last):.0f}"


def _late(run: Record) -> list[float]:
    accuracy = run.history["test_accuracy"]
    return accuracy[-max(1, len(accuracy) // 10) :]


def _period_numbers(found: Conditions) -> dict[str, str]:
    """Return what a cosine that rises again leaves of the first layer, and how accurate it is."""
    words = {"runs-period": f"{max(map(len, found.values()), default=0)}"}
    for beta in (0, 1, 50):
        name = beta_lasso_name(beta)
        again = [r for c, r in found.items() if c.period is not None and method(c) == name]
        words[f"period-left-{beta}"] = left_text(again[0]) if again else PENDING
        words[f"period-mean-{beta}"] = mean_text(again[0]) if again else PENDING
        words[f"published-mean-{beta}"] = f"{published.table2(name).report}"
    return words


def _first_layers(found: Conditions) -> dict[str, str]:
    """Return by where λ is, at β = 1 and 50: gain over β = 0, and what forbidding returns does.

    Keys end in β: `first-alone-free-50`, and `…-frozen-…` with zeros that stay, `…-returns-…` for
    the difference of the two, `first-alone-left-free-50` for what is left of the layer.
    """
    words = {}
    for place, rest in {"everywhere": None, "alone": 0.0}.items():
        for beta in (1, 50):
            fields: dict[str, object] = {"beta": beta, "l1_rest": rest}
            for name, frozen in {"free": False, "frozen": True}.items():
                here = {**fields, "frozen_zeros": frozen}
                gain = _gain(found, without_threshold, **here)
                words[f"first-{place}-{name}-{beta}"] = signed_or_pending(gain)
                words[f"first-{place}-left-{name}-{beta}"] = left_of(found, **here)
            stay = {**fields, "frozen_zeros": True}
            returns = difference_of(found, stay, {"frozen_zeros": False})
            words[f"first-{place}-returns-{beta}"] = returns
    return words


def _ranges(found: Mapping[str, Conditions]) -> dict[str, str]:
    """Return the mean accuracy at the first, the last and the best of each range of β and λ.

    With it, what is left of the first layer, and the accuracy on the training images.
    """
    betas = {c: runs for c, runs in found["betas"].items() if c.optimizer != "sgd"}
    at_beta = {c: runs for c, runs in found["lambdas"].items() if c.beta == 50}
    fixed = {
        c: runs for c, runs in found["lambdas"].items() if math.isclose(c.beta * c.l1, THRESHOLD)
    }
    ranges = {"beta": betas, "l1": at_beta, "l1-fixed": fixed, "l1-zero": found["lambdas-zero"]}
    words: dict[str, str] = {}
    for name, among in ranges.items():
        field = name.partition("-")[0]
        ordered = sorted(among, key=lambda c: float(getattr(c, field)))
        words[f"runs-{name}"] = str(max(map(len, among.values()), default=0))
        places = {
            "first": ordered[0] if ordered else None,
            "last": ordered[-1] if ordered else None,
            "best": max(among, key=lambda c: np.mean(accuracies(among[c])), default=None),
        }
        for place, config in places.items():
            key = f"{place}-{name}"
            words[key] = PENDING if config is None else tables.number(getattr(config, field))
            for what, say in {"accuracy": mean_text, "left": left_text, "fit": _fit}.items():
                words[f"{key}-{what}"] = PENDING if config is None else say(among[config])
    return words


def _lengths(found: Conditions) -> dict[str, str]:
    """Return the gain of β = 50 over β = 0 and over SGD at each length: `length-0-…`, in order."""
    lengths = sorted({config.epochs for config in found})
    words: dict[str, str] = {}
    lengths += [4 * lengths[-1]] if len(lengths) == 2 else []  # of runs that are pending
    for place in range(3):
        epochs = lengths[place] if place < len(lengths) else -1
        sparse = {"beta": 50, "epochs": epochs}
        words |= {
            f"length-{place}": f"{epochs}" if epochs > 0 else PENDING,
            f"length-{place}-zero": signed_or_pending(_gain(found, without_threshold, **sparse)),
            f"length-{place}-sgd": signed_or_pending(_gain(found, as_sgd, **sparse)),
        }
    return words


def _effects(found: Conditions) -> dict[str, str]:
    """Return the gain of β = 50 in each cell, and before and after each factor of the factorial."""
    references = {"sgd": as_sgd, "zero": without_threshold}
    effects: dict[str, str] = {}
    changed = {name: _pairs(found, factor.change) for name, factor in FACTORS.items()}
    by_l1: dict[str, list[tuple[Config, Config]]] = {"weak": [], "strong": []}
    for pair in changed["augmentation"]:
        by_l1["weak" if pair[0].l1_rest is None else "strong"].append(pair)
    by_l1["own"] = [pair for pair in by_l1["weak"] if pair[0].loss == "bce"]
    changed |= {f"augmentation-{strength}": pairs for strength, pairs in by_l1.items()}
    for name, pairs in changed.items():
        for short, reference in references.items():
            gain = _contrast(found, pairs, reference)
            effects |= {
                f"{when}-{name}-{short}": signed_or_pending(gain and getattr(gain, field))
                for when, field in (("before", "before"), ("after", "after"), ("effect", "change"))
            }
    gains = {
        f"cell-{short}-{name}": signed_or_pending(_gain(found, reference, **fields))
        for name, fields in CELLS.items()
        for short, reference in references.items()
    }
    left = {f"cell-left-{name}": left_of(found, **fields) for name, fields in CELLS.items()}
    return effects | gains | left | _sgd_in_cells(found)


def _sgd_in_cells(found: Conditions) -> dict[str, str]:
    """Return the mean accuracy of SGD in each cell: `sgd-augment-loss`, in words."""
    words = {}
    for augment in ("none", "flip-crop"):
        for name, fields in LOSSES.items():
            sgd = {"optimizer": "sgd", "augment": augment, **fields}
            words[f"sgd-{augment}-{name}"] = said_of(found, mean_text, **sgd)
            words[f"fit-{augment}-{name}"] = said_of(found, _fit, **sgd)
    return words


LOSSES: dict[str, dict[str, object]] = {
    "bce": {"loss": "bce"},
    "ce": {"loss": "cross-entropy", "lr": 0.1},
    "equal": {"loss": "cross-entropy", "lr": 0.01},
}
# the cell with cross-entropy at the same rates, and augmentation
CROSSED: dict[str, object] = {**LOSSES["ce"], "augment": "flip-crop"}


def _gain(
    found: Conditions, reference: Callable[[Config], Config], **fields: object
) -> Interval | None:
    config = pick(found, **fields)
    return None if config is None else difference(found, config, reference(config))


# cells of the factorial that the prose names: β = 50 with both λ in the reproduction's setting,
# there with augmentation, and in the cell nearest to the paper's
CELLS: dict[str, dict[str, object]] = {
    "reproduction": {"beta": 50, "loss": "bce", "augment": "none", "l1_rest": None},
    "bare": {"beta": 50, "loss": "bce", "augment": "none", "l1": 5e-5},
    "cropped": {"beta": 50, "loss": "bce", "augment": "flip-crop", "l1": 5e-5},
    "paper": {
        "beta": 50, "loss": "cross-entropy", "lr": 0.1, "augment": "flip-crop", "l1_rest": None
    },
    "strong": {
        "beta": 50, "loss": "cross-entropy", "lr": 0.1, "augment": "flip-crop", "l1": 5e-5
    },
}  # fmt: skip


def _widths(found: Conditions, reproduction: Conditions) -> dict[str, str]:
    """Return what each step adds at each width, and β = 50 in the reproduction's setting at 4."""
    words = {
        f"reproduction-4-{short}": signed_or_pending(_gain(reproduction, reference, beta=50))
        for short, reference in {"sgd": as_sgd, "zero": without_threshold}.items()
    }
    for alpha in (1, 4, 8, 16):
        sparse = pick(found, beta=50, base_channels=alpha)
        for short, step in STAIRS.items():
            gain = _climb(found, sparse, step) if sparse else None
            words[f"width-{alpha}-{short}"] = signed_or_pending(gain)
        words[f"width-{alpha}-n"] = f"{len(found[sparse])}" if sparse else "0"
    return words


def _fit(runs: Sequence[Record]) -> str:
    """Return the accuracy on the training images, not augmented, at the end."""
    return tables.interval(mean_interval(train_accuracies(runs)))


def locality_numbers(records: Sequence[Record]) -> dict[str, str]:
    """Return what augmentation does to locality, from the factorial with cross-entropy, in words.

    For SGD, and for β = 0 and β = 50 with either λ: points of the window's share beyond chance
    without augmentation (`window-…-none`), with it (`window-…-flip-crop`), and the paired
    difference (`window-…-more`). `window-threshold`: β = 50 less β = 0 with the stronger λ and
    augmentation.
    """
    found = conditions(records)
    shares: dict[tuple[str, str], list[float]] = {}
    for name, fields in LOCAL.items():
        for augment in ("none", "flip-crop"):
            config = pick(found, **{**CROSSED, "augment": augment}, **fields)
            shares[name, augment] = _beyond_chance(found[config]) if config else []
    words = {
        f"window-{name}-{augment}": tables.signed(mean_interval(values)) if values else PENDING
        for (name, augment), values in shares.items()
    }
    words |= {
        f"window-{name}-more": _more(shares[name, "flip-crop"], shares[name, "none"])
        for name in LOCAL
    }
    pair = (shares[name, "flip-crop"] for name in ("strong", "zero-strong"))
    return words | {"window-threshold": _more(*pair), **_pruned(found)}


def _pruned(found: Conditions) -> dict[str, str]:
    """Return the locality of the stored filters of β = 0, pruned to as many weights as β = 50 has.

    Cross-entropy, augmentation and the stronger λ, the first seed.
    """
    dense, sparse = (pick(found, **CROSSED, beta=beta, l1=STRONG["l1"]) for beta in (0, 50))
    words = dict.fromkeys(("window-pruned", "window-rival", "pruned-filters"), PENDING)
    if not (dense and sparse and found[dense][0].filters):
        return words
    filters = found[dense][0].load_filters()
    measured = measure.locality(measure.prune(filters, left(found[sparse][:1])[0] / 100))
    return {
        "window-pruned": _over_filters(measured["window_mass"]),
        "window-rival": _over_filters(found[sparse][0].final["locality"]["window_mass"]),
        "pruned-filters": f"{measured['filters']}",
    }


def _more(one: Sequence[float], other: Sequence[float]) -> str:
    return tables.signed(paired_difference(one, other)) if one and other else PENDING


def _over_filters(window: measure.Summary) -> str:
    """Return the share beyond chance of one run, in points, with its interval over filters."""
    mean, half = window["excess_mean"], window["excess_ci95"]
    if mean is None or half is None:
        return PENDING
    return tables.signed(Interval(100 * mean, 100 * half, 2))


def locality_table(records: Sequence[Record]) -> Table:
    """Return the window's share beyond chance in every cell of the factorial."""
    name = "tab-locality-factorial"
    if not records:
        what = "locality with and without augmentation"
        return tables.pending_table(name, what, "lcs study factorial")
    found = conditions(records)
    rows = []
    for loss in ("bce", "equal", "ce"):
        for augment in ("none", "flip-crop"):
            here = {c: r for c, r in found.items() if _in_cell(c, augment, loss)}
            row = f"{LOSS_NAMES[loss]}, {WORDS[augment]}"
            rows.append([row, *map(_local, _by_strength(here))])
    caption = (
        "Mass in a filter's best window, less that of its own permutations, in points: "
        f"{setting_text(records)}{spread_text(records)}. At equal rates, cross-entropy has the "
        "steps of the binary one."
    )
    sparse = [f"β = {beta}{l1}" for beta in (0, 50) for l1 in ("", ", stronger λ")]
    return Table(name, caption, ["loss and images", "SGD", *sparse], rows)


def locality_by_width_table(records: Sequence[Record]) -> Table:
    """Return the window's share beyond chance of each method at growing width."""
    name, what = "tab-locality-width", "locality at growing width"
    if not records:
        return tables.pending_table(name, what, "lcs study width")
    found = conditions(records)
    widths = sorted({config.base_channels for config in found})
    by_width = [{c: r for c, r in found.items() if c.base_channels == width} for width in widths]
    rows = [
        [str(width), *map(_local, _by_strength(here))]
        for width, here in zip(widths, by_width, strict=True)
    ]
    caption = (
        "Mass in a filter's best window, less that of its own permutations, in points: "
        f"{setting_text(records)}{spread_text(records)}."
    )
    columns = ["α", "SGD", "β = 0", "β = 0, stronger λ", "β = 50, stronger λ"]
    return Table(name, caption, columns, rows)


def crops_table(records: Sequence[Record]) -> Table:
    """Return accuracy, sparsity and locality against how far crops shift the images."""
    name, what = "tab-crops", "locality against how far crops shift the images"
    if not records:
        return tables.pending_table(name, what, "lcs study crops")
    rows = [
        [
            f"{config.crop_shift}",
            mean_text(runs),
            left_text(runs),
            _neighbours(runs),
            _half_distance(runs),
            _clustering_range(runs),
            tables.links(runs),
        ]
        for config, runs in conditions(records).items()
    ]
    caption = (
        "Locality against how far crops shift the images at most, in pixels along each axis; 0 "
        f"leaves only flips. {setting_text(records)}; β = 50, λ = {_lambdas_text(records[0])}"
        f"{spread_text(records)}. Neighbours: pairs of neighbouring pixels of one unit, over "
        "chance. Half: the distance, in pixels, at which their excess over chance is half of that. "
        "Range: the one up to which pairs are more frequent than by chance."
    )
    columns = ["shift", "test accuracy (%)", "first layer left (%)", "neighbours", "half", "range"]
    return Table(name, caption, [*columns, "seeds"], rows)


def crop_text(config: Config) -> str:
    """Name a run by its method, if it is not S-FC, or by how far its crops shift."""
    if config.model != "s-fc":
        return method(config)
    return f"crops of ±{config.crop_shift} pixels" if config.crop_shift else "flips alone"


def _lambdas_text(record: Record) -> str:
    config: Config = record.config
    return f"{tables.number(config.l1)} and {tables.number(config.rest_l1)}"


def _neighbours(runs: Sequence[Record]) -> str:
    return _known([ratios[0] for ratios in map(pair_correlation, runs) if ratios], 2)


def _clustering_range(runs: Sequence[Record]) -> str:
    return _known(_ranges_of(runs), 1)


def _half_distance(runs: Sequence[Record]) -> str:
    return _known([measure.half_distance(pair_correlation(run) or []) for run in runs], 1)


def _ranges_of(runs: Sequence[Record]) -> list[float]:
    return [measure.clustering_range(pair_correlation(run) or []) for run in runs]


def _known(values: Sequence[float], digits: int) -> str:
    """Return mean and interval; the mark of what does not exist if a run has no such value."""
    unknown = any(map(math.isnan, values)) or not values
    return NONE if unknown else tables.interval(mean_interval(values), digits)


def by_shift(records: Sequence[Record]) -> dict[str, list[Record]]:
    """Return the runs with flips alone, `none`, with the `usual` crops, and with the `far` ones."""
    found = list(conditions(records).values())
    usual = next(runs for runs in found if runs[0].config.crop_padding is None)
    return {"none": found[0], "usual": usual, "far": found[-1]}


def range_difference(one: Sequence[Record], other: Sequence[Record]) -> Interval | None:
    """Return the clustering range of some runs less that of others, in pixels, paired by seed."""
    more = np.subtract(_ranges_of(one), _ranges_of(other))
    return mean_interval(more) if np.isfinite(more).all() else None


def crops_numbers(records: Sequence[Record], local: Sequence[Record] = ()) -> dict[str, str]:
    """Return what the shift of crops does, in words: of flips alone, the usual one, and the most.

    For each of `none`, `usual` and `far`: `crop-…`, the shift in pixels; `near-…`, how frequent
    neighbours are, over chance; `half-…`, the half distance, and `range-…`, both in pixels; and
    `range-far-more` and `range-none-more`, paired differences from the usual one. `near-local`,
    `half-local` and `range-local`: of runs of S-LOCAL.
    """
    seen = [run for run in local if pair_correlation(run)]
    words = {"near-local": _neighbours(seen), "half-local": _half_distance(seen)}
    words["range-local"] = _clustering_range(seen)
    if not records:
        return words | dict.fromkeys(CROP_WORDS, PENDING)
    shown = by_shift(records)
    for name, runs in shown.items():
        words[f"crop-{name}"] = f"{runs[0].config.crop_shift}"
        words[f"near-{name}"] = _neighbours(runs)
        words[f"half-{name}"] = _half_distance(runs)
        words[f"range-{name}"] = _clustering_range(runs)
    for name in ("none", "far"):
        more = range_difference(shown[name], shown["usual"])
        words[f"range-{name}-more"] = NONE if more is None else tables.signed(more)
    return words


SHIFTS = ("none", "usual", "far")
CROP_WORDS = [
    *(f"{k}-{name}" for k in ("crop", "near", "half", "range") for name in SHIFTS),
    "range-none-more",
    "range-far-more",
]
LOSS_NAMES = {
    "bce": "binary cross-entropy",
    "equal": "cross-entropy, equal rates",
    "ce": "cross-entropy",
}


def _in_cell(config: Config, augment: str, loss: str) -> bool:
    fields = {"augment": augment, **LOSSES[loss]}
    return all(getattr(config, name) == value for name, value in fields.items())


def _by_strength(found: Conditions) -> list[list[Record]]:
    """Runs of SGD, of β = 0 and of the largest β, each at both λ."""
    return [found[c] for c in sorted(found, key=lambda c: (c.optimizer != "sgd", c.beta, c.l1))]


def _local(runs: Sequence[Record]) -> str:
    return tables.signed(mean_interval(_beyond_chance(runs)))


def sparsity_numbers(records: Sequence[Record]) -> dict[str, str]:
    """Return locality at the smallest and the largest λ of the recipe's largest β, in words.

    `window-few`, `window-many`: points of the window's share beyond chance; `left-few`,
    `left-many`: per cent of the first layer that is left; `eligible-…`: filters that are measured.
    """
    found = conditions([r for r in records if r.config.beta == 50])
    ends = sorted(found, key=lambda config: (config.l1, config.l1_rest or 0))[
        :: max(1, len(found) - 1)
    ]
    words = {}
    for name, config in zip(("many", "few"), ends or (None, None), strict=False):
        words[f"window-{name}"] = _local(found[config]) if config else PENDING
        words[f"left-{name}"] = left_text(found[config]) if config else PENDING
        words[f"eligible-{name}"] = _eligible(found[config]) if config else PENDING
    words["runs-recipe"] = str(max(map(len, found.values()), default=0))
    return words


def _eligible(runs: Sequence[Record]) -> str:
    """Say how many filters, of how many, have enough weights to be measured, on average."""
    counts = [run.final["locality"]["eligible"] for run in runs]
    units = runs[0].final["weights"]["conv1"] / math.prod(
        data.facts(runs[0].config.dataset).image_shape
    )
    return f"{np.mean(counts):,.0f} of {units:,.0f}"


def _beyond_chance(records: Sequence[Record]) -> list[float]:
    found = [record.final["locality"]["window_mass"]["excess_mean"] for record in records]
    return [100 * value for value in found]


LOCAL: dict[str, dict[str, object]] = {
    "sgd": {"optimizer": "sgd"},
    "zero": {"optimizer": "beta-lasso", "beta": 0, "l1": 2e-5},
    "zero-strong": {"beta": 0, "l1": 5e-5},
    "fifty": {"beta": 50, "l1": 2e-5},
    "strong": {"beta": 50, "l1": 5e-5},
}
