"""Runs grouped by what was done, and compared seed by seed: the tables and numbers of studies.

A condition is a configuration without its seed; two conditions are compared run for run.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from lcs import theory
from lcs.config import Config, foreign_fields
from lcs.errors import ConfigError
from lcs.exhibits import tables
from lcs.exhibits.methods import Method, method
from lcs.exhibits.plots import Differences
from lcs.exhibits.tables import LAYERS, Table
from lcs.runs import Record, RunStore
from lcs.stats import Interval, mean_interval
from lcs.study import base_study

if TYPE_CHECKING:
    import pandas as pd

Numbers = dict[str, float | str]

PENDING = "pending"

Key = TypeVar("Key", bound=Hashable)


def by_method(records: Sequence[Record]) -> dict[Method, list[Record]]:
    """Group records by method, in their order."""
    groups: dict[Method, list[Record]] = {}
    for record in records:
        groups.setdefault(method(record.config), []).append(record)
    return groups


def by_width(records: Sequence[Record]) -> dict[int, dict[Method, list[Record]]]:
    """Group records by width, from the smallest on, and within a width by method."""
    widths = sorted({record.config.base_channels for record in records})
    return {w: by_method([r for r in records if r.config.base_channels == w]) for w in widths}


def widest(records: Sequence[Record]) -> dict[Method, list[Record]]:
    """Return the runs of the widest network by method; nothing without records."""
    return next(reversed(by_width(records).values()), {})


def network_runs(store: RunStore) -> list[Record]:
    """Return every run of a network in a store and those behind it, in the order of their files."""
    return [run for place in store.chain() for run in place.records() if run.kind != "toy"]


def accuracies(records: Sequence[Record]) -> list[float]:
    """Accuracies of the last epoch, in per cent."""
    return [100 * record.accuracy for record in records]


def train_accuracies(records: Sequence[Record]) -> list[float]:
    """Accuracies on the training images, not augmented, after the last epoch, in per cent."""
    return [100 * record.final["clean_train_accuracy"] for record in records]


def nonzeros(records: Sequence[Record], layer: str = "conv1") -> list[int]:
    """Weights of a layer that are not zero at the end."""
    return [record.final["nonzeros"][layer] for record in records]


def remaining(records: Sequence[Record], layer: str = "conv1") -> list[float]:
    """Share of a layer's weights that are not zero at the end, in per cent."""
    return [100 * r.final["nonzeros"][layer] / r.final["weights"][layer] for r in records]


Values = Callable[[Sequence[Record]], Sequence[float]]


def by_seed(records: Sequence[Record], of: Values = accuracies) -> dict[int, float]:
    """Return a value of each run by its seed; none may come twice."""
    seeds = [record.config.seed for record in records]
    if len(set(seeds)) < len(seeds):
        raise ValueError(f"seeds: {seeds} come twice; group the runs by condition first")
    return dict(zip(seeds, of(records), strict=True))


def differences(
    one: Sequence[Record], other: Sequence[Record], of: Values = accuracies
) -> list[float]:
    """Return some runs' values less those of others, one for each seed of both, in their order."""
    first, second = by_seed(one, of), by_seed(other, of)
    return [first[seed] - second[seed] for seed in sorted(first.keys() & second.keys())]


def paired(one: Sequence[Record], other: Sequence[Record], of: Values = accuracies) -> Interval:
    """Return the mean of `differences`, with its interval: of accuracies, in points."""
    return mean_interval(differences(one, other, of))


def mean_accuracy(runs: Sequence[Record], of: Values = accuracies) -> float:
    """Return the mean accuracy, or mean of what `of` returns; NaN without runs."""
    return float(np.mean(of(runs))) if runs else math.nan


def moving_mean(values: Sequence[float], window: int) -> npt.NDArray[np.float64]:
    """Return the mean of each value and those before it, `window` in all; the first ones lack.

    Raises:
        ConfigError: the window is longer than the values.
    """
    if not 0 < window <= len(values):
        raise ConfigError(f"window: {window} is out of range; give 1 to {len(values)} epochs")
    return np.convolve(values, np.full(window, 1 / window), "valid")


def size_text(config: Config) -> str:
    """Say how wide a run's network is, and how long its training."""
    return f"α = {config.base_channels}, {config.epochs} epochs"


def trained_text(config: Config) -> str:
    """Say width, length and augmentation of a run."""
    return f"{size_text(config)}, {field_text(config, 'augment')}"


def scale_text(records: Sequence[Record], scale: str) -> str:
    """Say under which conditions runs were made: data set, scale, width, length, n."""
    config: Config = records[0].config
    n = max(len(group) for group in by_method(records).values())
    text = f"scale {scale}, {config.dataset}, {size_text(config)}"
    return text + f", n = {n}" + (", mean ± 95 % interval over seeds" if n > 2 else "")


def largest_beta(records: Sequence[Record]) -> float:
    """Return the largest β of some runs."""
    return float(max(record.config.beta for record in records))


LABELS = {
    "base_channels": "α",
    "beta": "β",
    "l1": "λ, first layer",
    "l1_rest": "λ, other layers",
    "epochs": "epochs",
    "precision": "precision",
    "affine": "scale and shift",
    "bias": "biases",
    "schedule": "learning rate",
    "period": "cosine's period",
    "augment": "augmentation",
    "loss": "loss",
    "lr": "η",
    "frozen_zeros": "zeros",
    "momentum": "momentum",
    "weight_decay": "weight decay",
    "reach": "reach",
}

Conditions = dict[Config, list[Record]]


def conditions(records: Iterable[Record]) -> Conditions:
    """Group records by their configuration without the seed: each seed once, in their order."""
    groups: dict[Config, dict[int, Record]] = {}
    for record in records:
        groups.setdefault(record.config.replace(seed=0), {})[record.config.seed] = record
    return {config: [runs[seed] for seed in sorted(runs)] for config, runs in groups.items()}


def difference(found: Conditions, one: Config, other: Config) -> Interval | None:
    """Return the accuracy of one condition less that of another, in points, paired by seed."""
    if one == other or one not in found or other not in found:
        return None
    return paired(found[one], found[other])


def as_sgd(config: Config) -> Config:
    """Return the same run with plain SGD."""
    plain: dict[str, object] = {"l1": 0.0, "l1_rest": None, "l1_growth": 0.0, "l1_window": "grid"}
    return config.replace(optimizer="sgd", beta=0.0, frozen_zeros=False, **plain)


def without_threshold(config: Config) -> Config:
    """Return the same run with β = 0, and the same λ."""
    return config.replace(beta=0.0, frozen_zeros=False)


# from a condition to the one that it is compared with
Reference = Callable[[Config], Config]
AGAINST: dict[str, Reference] = {"SGD": as_sgd, "β = 0": without_threshold}


class Compared(NamedTuple):
    """What the table of a study compares: by which fields, with what, and in words.

    `fields` are names in `LABELS`; `references` by their names in the headings; `label` is of the
    table, where it is not `tab-` and the study's name.
    """

    fields: Sequence[str]
    references: Mapping[str, Reference]
    what: str
    label: str = ""


def usual(name: str, **fields: object) -> dict[str, Reference]:
    """Return the reference with the usual values of some fields, by its name."""
    return {name: lambda config: config.replace(**fields)}


def comparison(
    compared: Mapping[str, Compared], study_name: str, records: Sequence[Record]
) -> Table:
    """Return every condition of a study in `compared` beside the one that it is compared with."""
    fields, references, what, label = compared[study_name]
    found = conditions(records)
    columns: dict[str, Cell] = {
        "method": of(lambda config: method(config).shortest),
        **by_field(fields),
        "test accuracy (%)": mean_text,
        **{
            f"difference from {against}": less(found, other)
            for against, other in references.items()
        },
        "remaining, layers 1, 2, 3 (%)": layers_text,
        "seeds": tables.links,
    }
    note = "; differences are paired by seed"
    text = [*by_field(fields)]
    return by_condition(study_name, records, columns, what, label=label, note=note, text=text)


Cell = Callable[[Sequence[Record]], str]


def by_condition(
    study_name: str,
    records: Sequence[Record],
    columns: Mapping[str, Cell],
    what: str,
    *,
    label: str = "",
    note: str = "",
    text: Sequence[str] = (),
) -> Table:
    """Return a table with a row for each condition.

    Args:
        study_name: the study whose command is shown where there are no records.
        records: of one study, or of several.
        columns: by its heading, what each column says of a condition's runs.
        what: begins the caption: what is shown.
        label: of the table; empty: `tab-` and the study's name.
        note: ends the caption, before its full stop.
        text: headings of further columns of text.
    """
    name = label or f"tab-{study_name}"
    if not records:
        return tables.pending_table(name, what, f"lcs study {study_name}")
    rows = [[say(runs) for say in columns.values()] for runs in conditions(records).values()]
    caption = f"{what}. {setting_text(records)}{spread_text(records)}{note}."
    return Table(name, caption, [*columns], rows, text=text)


def of(say: Callable[[Config], str]) -> Cell:
    """Return the cell that says something of a condition's configuration, without its seed."""
    return lambda runs: say(runs[0].config.replace(seed=0))


def by_field(names: Sequence[str]) -> dict[str, Cell]:
    """Return columns with the values of fields."""
    return {LABELS[name]: of(partial(field_text, field=name)) for name in names}


def less(found: Conditions, other: Reference) -> Cell:
    """Return the cell with a condition's accuracy less that of the one it is compared with."""
    return of(lambda config: signed_text(difference(found, config, other(config)), tables.NONE))


def setting_text(records: Sequence[Record]) -> str:
    """Say what runs share of their setting, and how many seeds they have."""
    found = conditions(records)
    configs = list(found)
    shared = {
        "base_channels": lambda c: f"α = {c.base_channels}",
        "epochs": lambda c: f"{c.epochs} epochs",
        "loss": loss_text,
        "augment": lambda c: field_text(c, "augment"),
    }
    parts = [say(configs[0]) for say in shared.values() if len({say(c) for c in configs}) == 1]
    net = "S-FC on " if all(config.model == "s-fc" for config in configs) else ""
    datasets = " and ".join(dict.fromkeys(config.dataset for config in configs))
    return f"{net}{datasets}: {', '.join(parts)}, n = {count_text(found)}"


def count_text(found: Conditions) -> str:
    """Say how many runs each condition has."""
    return " or ".join(map(str, sorted({len(runs) for runs in found.values()}))) or "0"


def spread_text(records: Sequence[Record]) -> str:
    """Say what stands behind ±, where a table has it: not where each condition has one run."""
    sizes = {len(runs) for runs in conditions(records).values()}
    if max(sizes, default=1) > 2:
        return "; mean ± 95 % interval over seeds" + (
            ", both values at n = 2" if 2 in sizes else ""
        )
    return "; both seeds, the smaller value first" if 2 in sizes else ""


def method_text(config: Config) -> str:
    """Name of a run's method, without the network where it is S-FC."""
    return method(config).short


def field_text(config: Config, field: str) -> str:
    """Return the value of a field as the tables print it, or λ(β + Ση) of a run."""
    if field == "reach":
        return f"{theory.total_shrinkage(config)[-1]:.3f}" if config.l1 else tables.NONE
    value = getattr(config, field)
    if field in foreign_fields(config.optimizer):
        return tables.NONE
    if field == "frozen_zeros":
        return "frozen" if value else "may return"
    if field == "l1_rest":
        value = config.rest_l1
    if field == "period":
        value = value or config.epochs
    return WORDS.get((field, value)) or (
        tables.number(value) if isinstance(value, float) else str(value)
    )


WORDS = {
    ("augment", "none"): "no augmentation",
    ("augment", "flip-crop"): "flips and crops",
    ("augment", "time-shift"): "shifts in time",
    ("augment", "autoaugment"): "AutoAugment",
    ("augment", "autoaugment-first"): "AutoAugment before flips and crops",
    ("loss", "bce"): "binary cross-entropy",
    ("schedule", "cosine-epoch"): "cosine",
    ("precision", "bf16"): "bfloat16",
    ("precision", "fp32"): "float32",
}


def loss_text(config: Config) -> str:
    """Name of a run's loss."""
    return field_text(config, "loss")


def sweep_frame(
    records: Iterable[Record],
    field: str | Callable[[Config], float],
    series: Callable[[Config], str] = method_text,
) -> pd.DataFrame:
    """Return one row per run: columns `x`, `series`, `seed`, `accuracy` and `left`, in per cent.

    Args:
        records: of a study.
        field: the name of the field that x is, or what x is of a run.
        series: the name of a run's series.
    """
    rows = [
        {
            "x": field(record.config) if callable(field) else getattr(record.config, field),
            "series": series(record.config),
            "seed": record.config.seed,
            "accuracy": accuracies([record])[0],
            "left": remaining([record])[0],
        }
        for record in records
    ]
    return tables.data_frame(rows, columns=["x", "series", "seed", "accuracy", "left"])


def matches(config: Config, fields: Mapping[str, object]) -> bool:
    """Whether a configuration has these values."""
    return all(getattr(config, name) == value for name, value in fields.items())


def pick(found: Conditions, **fields: object) -> Config | None:
    """Return the condition with these values, or None; there must not be two."""
    picked = [config for config in found if matches(config, fields)]
    if len(picked) > 1:
        raise ValueError(f"{fields}: {len(picked)} conditions have these values; give more")
    return picked[0] if picked else None


def runs_of(found: Conditions, **fields: object) -> list[Record]:
    """Return the runs of the condition with these values; none without it."""
    config = pick(found, **fields)
    return [] if config is None else found[config]


def gain(
    found: Conditions, reference: Reference = without_threshold, **fields: object
) -> Interval | None:
    """Return the accuracy of the condition with these values less that of its reference."""
    config = pick(found, **fields)
    return None if config is None else difference(found, config, reference(config))


def signed_text(value: Interval | None, missing: str = PENDING) -> str:
    """Return a difference with its sign, or that it is missing."""
    return missing if value is None else tables.signed(value)


def gain_text(
    one: Sequence[Record], other: Sequence[Record], of: Values = accuracies, missing: str = PENDING
) -> str:
    """Return by how many points some runs are ahead of others, or that either are missing.

    Of values that cannot be measured, a dash.
    """
    if not (one and other):
        return missing
    each = differences(one, other, of)
    return tables.signed(mean_interval(each)) if all(map(math.isfinite, each)) else tables.NONE


def gain_of(
    groups: Mapping[Key, Sequence[Record]], one: Key, other: Key, missing: str = PENDING
) -> str:
    """Return `gain_text` of one group over another, either of which may be missing."""
    return gain_text(groups.get(one, ()), groups.get(other, ()), missing=missing)


def forest_rows(
    found: Conditions,
    reference: Reference,
    label: Callable[[Config], str],
    look: Callable[[Config], object] = method,
    group: Callable[[Config], str] = lambda _: "",
) -> list[Differences]:
    """Return a row of `plots.forest` for each condition that is compared with another.

    Args:
        found: the runs of each condition.
        reference: from a condition to the other; of those that are not compared to itself.
        label: of a row.
        look: the method whose colour it has.
        group: the heading under which it stands.
    """
    return [
        Differences(label(one), str(look(one)), differences(runs, found[other]), group(one))
        for one, runs in found.items()
        if (other := reference(one)) != one and other in found
    ]


def mean_text(runs: Sequence[Record]) -> str:
    """Return mean and interval of the accuracy, in per cent; "pending" without runs."""
    return tables.interval(mean_interval(accuracies(runs))) if runs else PENDING


def l1_text(config: Config) -> str:
    """Return λ of the first layer, as the tables print it."""
    return tables.number(config.l1) if config.l1 else tables.NONE


def remaining_text(runs: Sequence[Record]) -> str:
    """Return how much of the first layer remains on average, in per cent, or "pending"."""
    return f"{mean_interval(remaining(runs)).mean:.1f}" if runs else PENDING


def layers_text(runs: Sequence[Record]) -> str:
    """Return how much of each layer remains on average, in per cent."""
    shares = (f"{mean_interval(remaining(runs, layer)).mean:.1f}" for layer in LAYERS)
    return ", ".join(share.replace("100.0", "100") for share in shares)


def penalty_text(config: Config) -> str:
    """Say λ of the first layer, after the name of a method, where there is one."""
    return f", λ = {tables.number(config.l1)}" if config.l1 else ""


def zeros_text(config: Config) -> str:
    """Say that zeros stay, after the name of a method, where they do."""
    return ", frozen zeros" if config.frozen_zeros else ""


def would_revive_text(runs: Sequence[Record]) -> str:
    """Return which share of the first layer one step would have let return, had zeros been free.

    In per cent, the largest of the steps that were looked at: the last of each recorded epoch, in
    the runs that counted it.
    """
    return _most_forgone(runs, lambda run: itertools.repeat(run.final["weights"]["conv1"]))


def would_revive_of_remaining_text(runs: Sequence[Record]) -> str:
    """Return the same as a share of the weights of the layer that remained at that step."""
    return _most_forgone(runs, lambda run: run.history["nonzeros"]["conv1"])


def _most_forgone(runs: Sequence[Record], of: Callable[[Record], Iterable[int]]) -> str:
    shares = [
        count / whole
        for run in runs
        if "forgone" in run.history
        for count, whole in zip(run.history["forgone"]["conv1"], of(run), strict=False)
        if whole
    ]
    return tables.rounded(100 * max(shares)) if shares else PENDING


def fit_text(runs: Sequence[Record]) -> str:
    """Return mean and interval of the accuracy on the training images; "pending" without runs."""
    return tables.interval(mean_interval(train_accuracies(runs))) if runs else PENDING


def frame(records: Sequence[Record]) -> pd.DataFrame:
    """Return `base_study.frame` with the name of each run's method in a column `method`."""
    table = base_study.frame(records)
    names = {record.run_id: str(method(record.config)) for record in records}
    return table.assign(method=table["run_id"].map(names)) if records else table
