"""What tables and prose say of runs: tables by condition, their cells, and texts of the prose.

A cell takes the runs of a condition, a configuration without its seed, and returns text. What has
no runs is `tables.PENDING`.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from lcs import theory
from lcs.config import Config, foreign_fields
from lcs.exhibits.shared import compare, tables
from lcs.exhibits.shared.compare import Conditions, Reference, Values, accuracies, difference
from lcs.exhibits.shared.methods import dataset_name, method
from lcs.exhibits.shared.tables import LAYERS, PENDING, Cell, Table
from lcs.runs import Record
from lcs.stats import Interval, mean_interval

# ends the caption of a table with differences
PAIRED = "; differences are paired by seed"

# Tables by condition


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
    """Return a table with a row for each condition; its last column links the seeds.

    Args:
        study_name: the study whose command is shown where there are no records.
        records: of one study, or of several.
        columns: by its heading, what each column says of a condition's runs.
        what: begins the caption, which `note` ends, before its full stop.
        label: of the table; empty: `tab-` and the study's name.
        text: headings of further columns of text.
    """
    name = label or f"tab-{study_name}"
    if not records:
        return tables.pending_table(name, what, f"lcs study {study_name}")
    says = [*columns.values(), tables.links]
    rows = [[say(runs) for say in says] for runs in compare.conditions(records).values()]
    caption = f"{what}. {setting_text(records)}{note}."
    return Table(name, caption, [*columns, "seeds"], rows, text=text)


def of(say: Callable[[Config], str]) -> Cell:
    """Return the cell that says something of a condition's configuration, without its seed."""
    return lambda runs: say(runs[0].config.replace(seed=0))


def field_columns(names: Sequence[str]) -> dict[str, Cell]:
    """Return columns with the values of fields."""
    return {LABELS[name]: of(partial(field_text, field=name)) for name in names}


def difference_from(found: Conditions, other: Reference) -> Cell:
    """Return the cell with a condition's accuracy minus that of the one it is compared with."""
    return of(lambda config: signed_text(difference(found, config, other(config)), tables.NONE))


# What runs share


def setting_text(records: Sequence[Record]) -> str:
    """Say what runs share of their setting, how many seeds they have, and what stands behind ±."""
    found = compare.conditions(records)
    said = [
        (
            f"α = {c.base_channels}",
            f"{c.epochs} epochs",
            field_text(c, "loss"),
            field_text(c, "augment"),
        )
        for c in found
    ]
    shared = [texts[0] for texts in zip(*said, strict=True) if len(set(texts)) == 1]
    net = "S-FC on " if all(config.model == "s-fc" for config in found) else ""
    datasets = " and ".join(dict.fromkeys(dataset_name(config.dataset) for config in found))
    sizes = {len(runs) for runs in found.values()}
    spread = ""  # there is none where each condition has one run
    if max(sizes, default=1) > 2:
        pairs = ", both values at n = 2" if 2 in sizes else ""
        spread = f"; mean ± 95 % interval over seeds{pairs}"
    elif 2 in sizes:
        spread = "; both seeds, the smaller value first"
    return f"{net}{datasets}: {', '.join(shared)}, n = {count_text(found)}{spread}"


def count_text(found: Mapping[Config, Sequence[Record]]) -> str:
    """Say how many runs each condition has."""
    return " or ".join(map(str, sorted({len(runs) for runs in found.values()}))) or "0"


# What a run is


def size_text(config: Config) -> str:
    """Say how wide a run's network is, and how long its training."""
    return f"α = {config.base_channels}, {config.epochs} epochs"


def trained_text(config: Config) -> str:
    """Say width, length and augmentation of a run."""
    return f"{size_text(config)}, {field_text(config, 'augment')}"


LABELS = {
    "method": "method",
    "base_channels": "α",
    "beta": "β",
    "l1": "λ, first layer",
    "l1_rest": "λ, other layers",
    "l1_growth": "growth of λ",
    "l1_window_size": "window",
    "epochs": "epochs",
    "precision": "precision",
    "affine": "scale and shift",
    "bias": "biases",
    "schedule": "learning rate",
    "period": "cosine's period",
    "augment": "augmentation",
    "lr": "η",
    "frozen_zeros": "zeros",
    "momentum": "momentum",
    "weight_decay": "weight decay",
    "reach": "reach",
}


WORDS: dict[tuple[str, object], str] = {
    ("frozen_zeros", True): "frozen",
    ("frozen_zeros", False): "may return",
    ("augment", "none"): "no augmentation",
    ("augment", "flip-crop"): "flips and crops",
    ("augment", "time-shift"): "shifts in time",
    ("augment", "autoaugment"): "AutoAugment",
    ("augment", "autoaugment-first"): "AutoAugment before flips and crops",
    ("loss", "bce"): "binary cross-entropy",
    ("schedule", "cosine-epoch"): "cosine",
    ("schedule", "cosine-restart"): "cosine, restarted",
    ("precision", "bf16"): "bfloat16",
    ("precision", "fp32"): "float32",
}


def field_text(config: Config, field: str) -> str:
    """Return the value of a field as the tables print it, the method, or λ(β + Ση) of a run."""
    if field == "method":
        return method(config).short
    if field == "reach":
        return f"{theory.total_shrinkage(config)[-1]:.3f}" if config.l1 else tables.NONE
    if field in foreign_fields(config.optimizer):
        return tables.NONE
    value = config.rest_l1 if field == "l1_rest" else getattr(config, field)
    if (field, value) in WORDS:
        return WORDS[field, value]
    if isinstance(value, bool):
        return "yes" if value else "no"
    return tables.number(value) if isinstance(value, float) else str(value)


def penalty_text(config: Config) -> str:
    """Say λ of the first layer, after the name of a method, where there is one."""
    return f", λ = {tables.number(config.l1)}" if config.l1 else ""


def series_text(config: Config) -> str:
    """Return a method's shortest name, with λ of the first layer."""
    return method(config).shortest + penalty_text(config)


def zeros_text(config: Config) -> str:
    """Say that zeros stay, after the name of a method, where they do."""
    return ", frozen zeros" if config.frozen_zeros else ""


# What came out


def mean_text(
    runs: Sequence[Record],
    of: Values = accuracies,
    digits: int = 2,
    say: Callable[[Interval, int], str] = tables.interval,
) -> str:
    """Return mean and interval of the accuracy, in per cent, or of other values.

    "pending" without runs, a dash where a value cannot be measured.
    """
    if not runs:
        return PENDING
    values = of(runs)
    return say(mean_interval(values), digits) if all(map(math.isfinite, values)) else tables.NONE


# the same of the accuracy on the training images
fit_text = partial(mean_text, of=compare.train_accuracies)


def remaining_text(runs: Sequence[Record]) -> str:
    """Return how much of the first layer remains on average, in per cent, or "pending"."""
    return f"{compare.mean(runs, compare.remaining):.1f}" if runs else PENDING


def layers_text(runs: Sequence[Record], rounded: Callable[[float], str] = "{:.1f}".format) -> str:
    """Return how much of each layer remains on average, in per cent."""
    shares = [compare.mean(runs, partial(compare.remaining, layer=layer)) for layer in LAYERS]
    return ", ".join(rounded(share).replace("100.0", "100") for share in shares)


def signed_text(value: Interval | None, missing: str = PENDING) -> str:
    """Return a difference with its sign, or that it is missing."""
    return missing if value is None else tables.signed(value)


def gain_text(
    one: Sequence[Record], other: Sequence[Record], of: Values = accuracies, missing: str = PENDING
) -> str:
    """Return by how many points some runs are ahead of others; a dash as in `mean_text`."""
    if not (one and other):
        return missing
    each = compare.differences(one, other, of)
    return tables.signed(mean_interval(each)) if all(map(math.isfinite, each)) else tables.NONE


def lead_text(one: Sequence[Record], other: Sequence[Record], of: Values = accuracies) -> str:
    """Return `gain_text` without the sign of a lead, which the prose follows by “points ahead”."""
    return gain_text(one, other, of).replace("+", "")
