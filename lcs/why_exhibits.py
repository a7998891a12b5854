"""What the chapter `why` shows: studies that change one thing at a time, paired by seed.

A condition is a configuration without its seed; two conditions are compared run for run.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from lcs import published, tables
from lcs.config import Config
from lcs.exhibits import accuracies, beta_lasso_name
from lcs.measure import SIGNIFICANCE, Interval, holm, mean_interval, p_value, paired_difference
from lcs.plots import LAYERS
from lcs.runs import Record, RunStore, default_store
from lcs.studies import STRONG, STUDIES, Study, equal_rates, method, stored
from lcs.tables import Table

QUESTIONS = (
    "precision",
    "schedule",
    "period",
    "frozen",
    "first-layer",
    "betas",
    "lambdas",
    "lambdas-zero",
    "length",
    "longer",
    "factorial",
    "recipe",
    "reproduction",
    "width",
    "wider",
)
LABELS = {
    "base_channels": "α",
    "beta": "β",
    "l1": "λ, first layer",
    "l1_rest": "λ, other layers",
    "epochs": "epochs",
    "precision": "precision",
    "schedule": "learning rate",
    "period": "cosine's period",
    "augment": "augmentation",
    "loss": "loss",
    "lr": "η",
    "frozen_zeros": "zeros",
}

# βλ of the largest β in Table 2
THRESHOLD = 50 * 2e-5

Conditions = dict[Config, list[Record]]
Change = Callable[[Config], Config | None]


def gather(
    scale: str,
    seeds: int,
    *,
    train: bool,
    device: str = "auto",
    epochs: int = 0,
    store: RunStore | None = None,
) -> dict[str, list[Record]]:
    """Return the records of every question's study: what is stored, or all of it once trained.

    Without `train`, a study that is not complete for at least one seed has none.
    """
    store = store or default_store()
    found = {}
    for name in QUESTIONS:
        study = STUDIES[name]
        if train and isinstance(study, Study):
            found[name] = study.run(scale, seeds, store=store, device=device, epochs=epochs).records
        else:
            found[name] = stored(name, scale, store, seeds, epochs=epochs)
    return found


def conditions(records: Iterable[Record]) -> Conditions:
    """Group records by their configuration without the seed, each group in the order of seeds."""
    groups: Conditions = {}
    for record in records:
        groups.setdefault(record.config.replace(seed=0), []).append(record)
    return {c: sorted(runs, key=lambda run: run.config.seed) for c, runs in groups.items()}


def difference(found: Conditions, one: Config, other: Config) -> Interval | None:
    """Return the accuracy of one condition less that of another, in points, paired by seed."""
    if one == other or one not in found or other not in found:
        return None
    first, second = _by_seed(found[one]), _by_seed(found[other])
    seeds = sorted(first.keys() & second.keys())
    return paired_difference([first[s] for s in seeds], [second[s] for s in seeds])


def as_sgd(config: Config) -> Config:
    """Return the same run with plain SGD."""
    none = Config()
    names = ("optimizer", "l1", "l1_rest", "beta", "frozen_zeros")
    return config.replace(**{name: getattr(none, name) for name in names})


def left(records: Sequence[Record], layer: str = "conv1") -> list[float]:
    """Share of a layer's weights that are not zero at the end, in per cent."""
    return [100 * r.final["nonzeros"][layer] / r.final["weights"][layer] for r in records]


def comparison(
    name: str,
    records: Sequence[Record],
    fields: Sequence[str],
    references: Mapping[str, Callable[[Config], Config]],
    command: str,
    what: str,
) -> Table:
    """Return a table of conditions, each beside the one that it is compared with.

    Args:
        name: label of the table.
        records: of one study, or of several.
        fields: of `Config`, the columns that tell the conditions apart.
        references: by its name in the heading, from a condition to what it is compared with.
        command: of the study, shown where there are no records.
        what: begins the caption: what is compared.
    """
    columns = ["method", *(LABELS[field] for field in fields)]
    columns += ["test accuracy (%)", *(f"difference from {against}" for against in references)]
    columns += ["left in layers 1, 2, 3 (%)", "seeds"]
    text = columns[1 : len(fields) + 1]
    if not records:
        return tables.pending_table(name, what[0].lower() + what[1:], command)
    found = conditions(records)
    rows = [
        [
            _method(config).removeprefix("β-LASSO, "),
            *(_shown(config, field) for field in fields),
            tables.interval(mean_interval(accuracies(runs))),
            *(_signed(difference(found, config, other(config))) for other in references.values()),
            ", ".join(f"{mean_interval(left(runs, layer)).mean:.1f}" for layer in LAYERS),
            tables.links(runs),
        ]
        for config, runs in found.items()
    ]
    return Table(name, f"{what}. {_caption(found)}", columns, rows, text=text)


def _caption(found: Conditions) -> str:
    configs, ns = list(found), sorted({len(runs) for runs in found.values()})
    shared = {
        "base_channels": lambda c: f"α = {c.base_channels}",
        "epochs": lambda c: f"{c.epochs} epochs",
        "loss": lambda c: _loss(c),
        "augment": lambda c: _shown(c, "augment"),
    }
    parts = [say(configs[0]) for say in shared.values() if len({say(c) for c in configs}) == 1]
    count = " or ".join(map(str, ns))
    return (
        f"S-FC on {configs[0].dataset}: {', '.join(parts)}, n = {count}; "
        "mean ± 95 % interval over seeds, differences paired by seed."
    )


def _method(config: Config) -> str:
    return method(config).removeprefix("S-FC, ")


def _shown(config: Config, field: str) -> str:
    value = getattr(config, field)
    if field == "frozen_zeros":
        return "stay" if value else "may return"
    if config.optimizer == "sgd" and field in ("beta", "l1", "l1_rest"):
        return tables.NONE
    if field == "l1_rest":
        value = config.rest_l1
    if field == "period":
        value = value or config.epochs
    return _number(value) if isinstance(value, float) else WORDS.get(value, str(value))


def _number(value: float) -> str:
    """Return a number as one writes it: 2e-5, not 2e-05 or 0.00002."""
    return re.sub(r"\.?0+e-0?", "e-", f"{value:e}") if 0 < value < 1e-3 else f"{value:g}"


WORDS = {
    "none": "no augmentation",
    "flip-crop": "flips and crops",
    "bce": "binary cross-entropy",
    "cosine-epoch": "cosine",
    "bf16": "bfloat16",
    "fp32": "float32",
}


def _loss(config: Config) -> str:
    return _shown(config, "loss")


def _signed(value: Interval | None) -> str:
    return tables.NONE if value is None else tables.signed(value)


# What the figures draw


def sweep_frame(
    records: Iterable[Record], x: Callable[[Config], float], series: Callable[[Config], str]
) -> pd.DataFrame:
    """Return one row per run: columns `x`, `series`, `seed`, `accuracy` and `left`, in per cent."""
    rows = [
        {
            "x": x(record.config),
            "series": series(record.config),
            "seed": record.config.seed,
            "accuracy": accuracies([record])[0],
            "left": left([record])[0],
        }
        for record in records
    ]
    return pd.DataFrame(rows, columns=["x", "series", "seed", "accuracy", "left"])


def lambda_frame(records: Sequence[Record], beta: float) -> pd.DataFrame:
    """Return `sweep_frame` over λ at this β, at β = 0, and at the threshold βλ of Table 2."""
    if not records:
        return sweep_frame([], _l1, _method)
    plain = [r for r in records if r.config.beta == 0]
    at_threshold = [r for r in records if math.isclose(r.config.beta * r.config.l1, THRESHOLD)]
    at_beta = [r for r in records if r.config.beta == beta]
    one = sweep_frame(at_beta, _l1, lambda _: f"β = {beta:g}")
    other = sweep_frame(at_threshold, _l1, lambda _: f"βλ = {THRESHOLD:g}")
    return pd.concat([one, other, sweep_frame(plain, _l1, lambda _: "β = 0")])


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
    loss = _loss(config) + (", equal rates" if _unit(config) > 1 else "")
    strong = math.isclose(config.l1, STRONG["l1"] * _unit(config))
    return f"{_shown(config, 'augment')}, {loss}" + (", stronger λ" if strong else "")


def _unit(config: Config) -> float:
    """Return by how much η is less than usual, and λ more, in the cells at equal rates."""
    return round(Config().lr / config.lr, 9)


def as_beta_zero(config: Config) -> Config:
    """Return the same run without a threshold, at the λ of Table 2 for its rate, in every layer."""
    l1 = round(2e-5 * _unit(config), 12)
    plain = as_sgd(config)
    return plain.replace(optimizer="beta-lasso", l1=l1)


AGAINST: dict[str, Callable[[Config], Config]] = {"SGD": as_sgd, "β = 0": as_beta_zero}


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
    runs = [[_by_seed(found[config]) for config in cell] for cell in cells]
    seeds = sorted(set.intersection(*(set(one) for cell in runs for one in cell)))
    values = np.array([[[one[seed] for seed in seeds] for one in cell] for cell in runs])
    before = (values[:, 0] - values[:, 1]).mean(0)
    after = (values[:, 2] - values[:, 3]).mean(0)
    return Contrast(*map(mean_interval, (before, after, after - before)))


def _by_seed(records: Sequence[Record]) -> dict[int, float]:
    seeds = (record.config.seed for record in records)
    return dict(zip(seeds, accuracies(records), strict=True))


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
    Question("λ on the first layer alone", "first-layer", "β = 0 alike",
             {"l1_rest": None, "frozen_zeros": False}, {"l1_rest": 0.0, "frozen_zeros": False}),
    Question("zeros that stay zero", "frozen", "β = 0 alike",
             {"frozen_zeros": False}, {"frozen_zeros": True}),
    Question("float32 for bfloat16", "precision", "SGD",
             {"precision": "bf16"}, {"precision": "fp32"}),
    Question("400 epochs for 100", "length", "β = 0", {"epochs": 100}, {"epochs": 400}),
    Question("1600 epochs for 400", "longer", "β = 0", {"epochs": 400}, {"epochs": 1600}),
)  # fmt: skip
STEPS = (
    Question("width: α = 4 for 1", "width", "SGD", {"base_channels": 1}, {"base_channels": 4}),
    Question("width: α = 8 for 4", "width", "SGD", {"base_channels": 4}, {"base_channels": 8}),
    Question("width: α = 16 for 8", "wider", "SGD", {"base_channels": 8}, {"base_channels": 16}),
)


def summary_table(runs: Mapping[str, Sequence[Record]]) -> Table:
    """Return what each change of the training adds to the gain of β = 50."""
    asked = _all_asked({name: conditions(records) for name, records in runs.items()})
    changes = [gain.change for _, gain in asked if gain]
    compared = [change for change in changes if change.half_width is not None]
    waiting = [1.0] * (len(asked) - len(compared))
    adjusted = dict(zip(compared, holm([*map(p_value, compared), *waiting]), strict=False))
    rows = [_summary(question, gain, adjusted) for question, gain in asked]
    caption = (
        "What each change of the training adds to the gain of β = 50 over β = 0 or SGD, in points "
        "of test accuracy: differences paired by seed, 95 % intervals over seeds; bold where they "
        "leave out zero after Holm's correction for all rows. The first changes are of the setting "
        "of Table 2; those of the factorial are means over its other factors, at 100 epochs; those "
        "of the width are with cross-entropy, flips and crops and the stronger λ, at 100 epochs."
    )
    columns = ["change", "gain over", "before", "after", "change of the gain", "n"]
    return Table("tab-summary", caption, columns, rows, text=["gain over"])


def _asked(
    found: Conditions, question: Question, reference: Callable[[Config], Config]
) -> Contrast | None:
    pair = [_pick(found, beta=50, **fields) for fields in (question.before, question.after)]
    return _contrast(found, [(pair[0], pair[1])], reference) if pair[0] and pair[1] else None


def _all_asked(found: dict[str, Conditions]) -> list[tuple[Question, Contrast | None]]:
    """Return every question of the summary with its answer, in their order."""
    found["wider"] = _joined(found["width"], found["wider"])
    references = {**AGAINST, "β = 0 alike": without_threshold}
    asked = [(q, _asked(found[q.study], q, references[q.over])) for q in (*ASKED, *STEPS)]
    crossed = found["factorial"]
    of_factors = [
        (
            Question(f"{factor.name}: {factor.end} for {factor.start}", "factorial", over, {}, {}),
            _contrast(crossed, _pairs(crossed, factor.change), AGAINST[over]),
        )
        for factor in FACTORS.values()
        for over in ("β = 0", "SGD")
        if (factor.name, over) != ("λ", "β = 0")  # β = 0 has one λ: its part would cancel
    ]
    return [*asked[: len(ASKED)], *of_factors, *asked[len(ASKED) :]]


def _summary(
    question: Question, gain: Contrast | None, adjusted: Mapping[Interval, float]
) -> list[str]:
    text, over = question.text, question.over.removesuffix(" alike")
    if gain is None:
        pending = tables.pending(f"pending: `lcs study {question.study}`")
        return [text, over, tables.NONE, tables.NONE, pending, tables.NONE]
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


def without_threshold(config: Config) -> Config:
    """Return the same run with β = 0."""
    return config.replace(beta=0.0, frozen_zeros=False)


def length_table(records: Sequence[Record]) -> Table:
    """Compare every method with SGD and with β = 0 of the same length."""
    what = "Training length"
    return comparison("tab-length", records, ["epochs"], AGAINST, "lcs study longer", what)


def factorial_table(records: Sequence[Record]) -> Table:
    """Compare every method with SGD and with β = 0 in its cell of the factorial."""
    what = (
        "Every cell. At equal rates η is a tenth, λ ten times as large, and β = 5 stands for "
        "β = 50; where λ is stronger in the first layer it is weaker in the others, 1e-5, and "
        "compared with β = 0 at the usual 2e-5"
    )
    fields = ["augment", "loss", "lr", "l1"]
    return comparison("tab-factorial", records, fields, AGAINST, "lcs study factorial", what)


def recipe_table(name: str, records: Sequence[Record], study: str) -> Table:
    """Compare every method and λ with SGD and with β = 0."""
    what = {"recipe": "A range of λ", "reproduction": "The reproduction's setting, wider"}[study]
    return comparison(name, records, ["l1", "l1_rest"], AGAINST, f"lcs study {study}", what)


def width_table(records: Sequence[Record]) -> Table:
    """Compare every method with SGD and with β = 0 of the same width."""
    what = "Growing width"
    return comparison("tab-width", records, ["base_channels"], AGAINST, "lcs study width", what)


def beta_frame(records: Sequence[Record]) -> pd.DataFrame:
    """Return `sweep_frame` over β."""
    sparse = [record for record in records if record.config.optimizer != "sgd"]
    return sweep_frame(sparse, lambda config: config.beta, lambda _: "β-LASSO")


def length_frame(records: Sequence[Record]) -> pd.DataFrame:
    """Return `sweep_frame` over the length, a series for each method."""
    return sweep_frame(records, lambda config: config.epochs, _method)


def width_frame(records: Sequence[Record]) -> pd.DataFrame:
    """Return `sweep_frame` over the width, a series for each method."""
    return sweep_frame(records, lambda config: config.base_channels, _method)


def mean_of_sgd(records: Sequence[Record]) -> dict[str, float]:
    """Return the mean accuracy of SGD, as a named reference; none where it was not run."""
    runs = [record for record in records if record.config.optimizer == "sgd"]
    return {"SGD": mean_interval(accuracies(runs)).mean} if runs else {}


# The numbers of the chapter's prose


def numbers(runs: Mapping[str, Sequence[Record]]) -> dict[str, str]:
    """Return the numbers of the chapter's prose, in words: "pending" where there are no runs."""
    found = {name: conditions(records) for name, records in runs.items()}
    return {
        **_single_changes(found),
        **_first_layers(found["first-layer"]),
        **_ranges(found),
        **_lengths(_joined(found["length"], found["longer"])),
        "left-100": _left_of(found["length"], beta=50, epochs=100),
        **_effects(found["factorial"]),
        **_widths(_joined(found["width"], found["wider"]), found["reproduction"]),
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
        "fp32-sgd": _less(precision, {"beta": 0, "precision": "fp32"}, {"precision": "bf16"}),
        "fp32-50": _less(precision, {"beta": 50, "precision": "fp32"}, {"precision": "bf16"}),
    }
    words |= _period_numbers(found["period"])
    for beta in (1, 50):
        stay = {"beta": beta, "frozen_zeros": True}
        constant = {"beta": beta, "schedule": "constant"}
        words |= {
            f"frozen-{beta}": _less(frozen, stay, {"frozen_zeros": False}),
            f"frozen-left-{beta}": _left_of(frozen, **stay),
            f"free-left-{beta}": _left_of(frozen, **{**stay, "frozen_zeros": False}),
            f"constant-{beta}": _less(schedule, constant, {"schedule": "cosine-epoch"}),
            f"constant-left-{beta}": _left_of(schedule, **constant),
            f"cosine-left-{beta}": _left_of(schedule, **{**constant, "schedule": "cosine-epoch"}),
        }
    return words


def _period_numbers(found: Conditions) -> dict[str, str]:
    """Return what a cosine that rises again leaves of the first layer, and how accurate it is."""
    words = {}
    for beta in (0, 1, 50):
        name = beta_lasso_name(beta)
        again = [r for c, r in found.items() if c.period is not None and method(c) == name]
        words[f"period-left-{beta}"] = _share(again[0]) if again else PENDING
        words[f"period-mean-{beta}"] = _mean(again[0]) if again else PENDING
        words[f"published-mean-{beta}"] = f"{published.table2(name).report}"
    return words


def _first_layers(found: Conditions) -> dict[str, str]:
    """Return the gain of β = 50 over β = 0 by where λ is, and what forbidding returns changes."""
    words = {}
    for place, rest in {"everywhere": None, "alone": 0.0}.items():
        fields: dict[str, object] = {"beta": 50, "l1_rest": rest}
        for name, frozen in {"free": False, "frozen": True}.items():
            gain = _gain(found, without_threshold, frozen_zeros=frozen, **fields)
            words[f"first-{place}-{name}"] = _words(gain)
        stay: dict[str, object] = {"beta": 50, "l1_rest": rest, "frozen_zeros": True}
        words[f"first-{place}-returns"] = _less(found, stay, {"frozen_zeros": False})
    return words


def _ranges(found: Mapping[str, Conditions]) -> dict[str, str]:
    """Return where along β and λ the mean accuracy is highest, and how high."""
    betas = {c: runs for c, runs in found["betas"].items() if c.optimizer != "sgd"}
    at_beta = {c: runs for c, runs in found["lambdas"].items() if c.beta == 50}
    fixed = {
        c: runs for c, runs in found["lambdas"].items() if math.isclose(c.beta * c.l1, THRESHOLD)
    }
    ranges = {"beta": betas, "l1": at_beta, "l1-fixed": fixed, "l1-zero": found["lambdas-zero"]}
    words: dict[str, str] = {}
    for name, among in ranges.items():
        field = name.partition("-")[0]
        best = max(among, key=lambda c: np.mean(accuracies(among[c])), default=None)
        words |= {
            f"runs-{name}": str(max(map(len, among.values()), default=0)),
            f"best-{name}": PENDING if best is None else _number(getattr(best, field)),
            f"best-{name}-accuracy": PENDING if best is None else _mean(among[best]),
            f"best-{name}-left": PENDING if best is None else _share(among[best]),
        }
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
            f"length-{place}-zero": _words(_gain(found, as_beta_zero, **sparse)),
            f"length-{place}-sgd": _words(_gain(found, as_sgd, **sparse)),
        }
    return words


def _effects(found: Conditions) -> dict[str, str]:
    """Return what each factor of the factorial does to the gain of β = 50."""
    references = {"sgd": as_sgd, "zero": as_beta_zero}
    effects = {
        f"effect-{name}-{short}": _words(effect(found, factor.change, reference))
        for name, factor in FACTORS.items()
        for short, reference in references.items()
    }
    gains = {
        f"cell-{short}-{name}": _words(_gain(found, reference, **fields))
        for name, fields in CELLS.items()
        for short, reference in references.items()
    }
    return effects | gains | _sgd_in_cells(found)


def _sgd_in_cells(found: Conditions) -> dict[str, str]:
    """Return the mean accuracy of SGD in each cell: `sgd-augment-loss`, in words."""
    words = {}
    for augment in ("none", "flip-crop"):
        for name, fields in LOSSES.items():
            config = _pick(found, optimizer="sgd", augment=augment, **fields)
            words[f"sgd-{augment}-{name}"] = PENDING if config is None else _mean(found[config])
            words[f"fit-{augment}-{name}"] = PENDING if config is None else _fit(found[config])
    return words


LOSSES: dict[str, dict[str, object]] = {
    "bce": {"loss": "bce"},
    "ce": {"loss": "cross-entropy", "lr": 0.1},
    "equal": {"loss": "cross-entropy", "lr": 0.01},
}


def _gain(
    found: Conditions, reference: Callable[[Config], Config], **fields: object
) -> Interval | None:
    config = _pick(found, **fields)
    return None if config is None else difference(found, config, reference(config))


# cells of the factorial that the prose names: β = 50 in the reproduction's setting and, with both
# λ, in the one nearest to the paper's
CELLS: dict[str, dict[str, object]] = {
    "reproduction": {"beta": 50, "loss": "bce", "augment": "none", "l1_rest": None},
    "paper": {
        "beta": 50, "loss": "cross-entropy", "lr": 0.1, "augment": "flip-crop", "l1_rest": None
    },
    "strong": {
        "beta": 50, "loss": "cross-entropy", "lr": 0.1, "augment": "flip-crop", "l1": 5e-5
    },
}  # fmt: skip


def _widths(found: Conditions, reproduction: Conditions) -> dict[str, str]:
    """Return the gain of β = 50 at each width, and in the reproduction's setting at α = 4."""
    words = {}
    for short, reference in {"sgd": as_sgd, "zero": as_beta_zero}.items():
        words[f"reproduction-4-{short}"] = _words(_gain(reproduction, reference, beta=50))
        for alpha in (1, 4, 8, 16):
            gain = _gain(found, reference, beta=50, base_channels=alpha)
            words[f"width-{alpha}-{short}"] = _words(gain)
    return words


def _joined(one: Conditions, other: Conditions) -> Conditions:
    """Return the conditions of two studies, those of both with the runs of the larger sample."""
    return {c: max(one.get(c, []), other.get(c, []), key=len) for c in {**one, **other}}


PENDING = "pending"


def _pick(found: Conditions, **fields: object) -> Config | None:
    """Return the first condition with these values."""
    matches = (c for c in found if all(getattr(c, n) == v for n, v in fields.items()))
    return next(matches, None)


def _less(found: Conditions, one: Mapping[str, object], change: Mapping[str, object]) -> str:
    """Return the accuracy of a condition less that of the same with some values changed."""
    first, second = _pick(found, **one), _pick(found, **{**one, **change})
    if first is None or second is None:
        return PENDING
    return _words(difference(found, first, second))


def _words(value: Interval | None) -> str:
    return PENDING if value is None else tables.signed(value)


def _mean(runs: Sequence[Record]) -> str:
    return tables.interval(mean_interval(accuracies(runs)))


def _fit(runs: Sequence[Record]) -> str:
    """Return the accuracy on the training images, not augmented, at the end."""
    return tables.interval(tables.percent([r.final["clean_train_accuracy"] for r in runs]))


def _left_of(found: Conditions, **fields: object) -> str:
    """Return how much of the first layer is left, in per cent."""
    config = _pick(found, **fields)
    return PENDING if config is None else _share(found[config])


def _share(runs: Sequence[Record]) -> str:
    return f"{mean_interval(left(runs)).mean:.1f}"


def locality_numbers(records: Sequence[Record]) -> dict[str, str]:
    """Return what augmentation does to locality, from the factorial with cross-entropy, in words.

    For SGD, β = 0, β = 50 and β = 50 with the stronger λ: points of the window's share beyond
    chance without augmentation (`window-…-none`), with it (`window-…-flip-crop`), and the paired
    difference (`window-…-more`).
    """
    found = conditions(records)
    words = {}
    for name, fields in LOCAL.items():
        pair = []
        for augment in ("none", "flip-crop"):
            known = {"loss": "cross-entropy", "lr": 0.1, "augment": augment}
            config = _pick(found, **known, **fields)
            pair.append([] if config is None else _beyond_chance(found[config]))
            shown = tables.signed(mean_interval(pair[-1])) if pair[-1] else PENDING
            words[f"window-{name}-{augment}"] = shown
        more = paired_difference(pair[1], pair[0]) if all(pair) else None
        words[f"window-{name}-more"] = _words(more)
    return words


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
            rows.append([LOSS_NAMES[loss], WORDS[augment], *map(_local, _by_strength(here))])
    caption = (
        "Mass in a filter's best window, less that of its own permutations, in points: "
        f"{_caption(found)} At equal rates, cross-entropy has the steps of the binary one."
    )
    columns = ["loss", "images", "SGD", "β = 0", "β = 50", "β = 50, stronger λ"]
    return Table(name, caption, columns, rows, text=["images"])


LOSS_NAMES = {
    "bce": "binary cross-entropy",
    "equal": "cross-entropy, equal rates",
    "ce": "cross-entropy",
}


def _in_cell(config: Config, augment: str, loss: str) -> bool:
    fields = {"augment": augment, **LOSSES[loss]}
    return all(getattr(config, name) == value for name, value in fields.items())


def _by_strength(found: Conditions) -> list[list[Record]]:
    """Runs of SGD, β = 0, the largest β, and this with the stronger λ."""
    return [found[c] for c in sorted(found, key=lambda c: (c.optimizer != "sgd", c.beta, c.l1))]


def _local(runs: Sequence[Record]) -> str:
    return tables.signed(mean_interval(_beyond_chance(runs)))


def sparsity_numbers(records: Sequence[Record]) -> dict[str, str]:
    """Return locality at the smallest and the largest λ of the recipe's largest β, in words.

    `window-few`, `window-many`: points of the window's share beyond chance; `left-few`,
    `left-many`: per cent of the first layer that is left.
    """
    found = conditions([r for r in records if r.config.beta == 50])
    ends = sorted(found, key=lambda config: (config.l1, config.l1_rest or 0))[
        :: max(1, len(found) - 1)
    ]
    words = {}
    for name, config in zip(("many", "few"), ends or (None, None), strict=False):
        words[f"window-{name}"] = _local(found[config]) if config else PENDING
        words[f"left-{name}"] = _share(found[config]) if config else PENDING
    return words


def _beyond_chance(records: Sequence[Record]) -> list[float]:
    found = [record.final["locality"]["window_mass"]["excess_mean"] for record in records]
    return [100 * value for value in found]


LOCAL: dict[str, dict[str, object]] = {
    "sgd": {"optimizer": "sgd"},
    "zero": {"optimizer": "beta-lasso", "beta": 0},
    "fifty": {"beta": 50, "l1": 2e-5},
    "strong": {"beta": 50, "l1": 5e-5},
}
