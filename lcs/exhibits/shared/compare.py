"""Runs grouped by what was done, and compared seed by seed.

A condition is a configuration without its seed; two conditions are compared run for run. What
tables and prose say of them is in `cells`.
"""

import math
import operator
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from functools import partial
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from lcs.config import Config
from lcs.cost import weights_by_layer
from lcs.errors import ConfigError
from lcs.exhibits.shared import tables
from lcs.exhibits.shared.methods import LOCAL, SGD, Method, method
from lcs.exhibits.shared.plots import Differences
from lcs.runs import Record
from lcs.stats import Interval, mean_interval

Key = TypeVar("Key", bound=Hashable)


# Groups


class Groups(dict[Key, list[Record]]):
    """Records by a key; a group that is not there has none."""

    def __missing__(self, key: Key) -> list[Record]:
        return []


ByStudy = Mapping[str, Sequence[Record]]  # the records of each study by its name


def joined(runs: ByStudy, names: Iterable[str]) -> list[Record]:
    """Return the records of some studies, each run once, as studies share runs."""
    return [*{run.config: run for name in names for run in runs[name]}.values()]


def grouped(records: Iterable[Record], key: Callable[[Config], Key]) -> Groups[Key]:
    """Group records by what `key` returns of their configuration, in their order."""
    groups: Groups[Key] = Groups()
    for record in records:
        groups.setdefault(key(record.config), []).append(record)
    return groups


def by_method(records: Iterable[Record]) -> Groups[Method]:
    """Group records by method, in their order."""
    return grouped(records, method)


def by_number(records: Iterable[Record], *, field: str) -> dict[int, Groups[Method]]:
    """Group records by the number in a field, from the smallest on, and then by method."""
    groups: Groups[int] = grouped(records, operator.attrgetter(field))
    return {number: by_method(groups[number]) for number in sorted(groups)}


by_width = partial(by_number, field="base_channels")
by_length = partial(by_number, field="epochs")


def widest(records: Iterable[Record]) -> Groups[Method]:
    """Return the runs of the widest network by method; nothing without records."""
    return next(reversed(by_width(records).values()), by_method([]))


Conditions = Groups[Config]


def conditions(records: Iterable[Record]) -> Conditions:
    """Group records by their configuration without the seed: each seed once, in their order."""
    groups = grouped(records, lambda config: config.replace(seed=0))
    for config, runs in groups.items():
        by_seed = {run.config.seed: run for run in runs}
        groups[config] = [by_seed[seed] for seed in sorted(by_seed)]
    return groups


def matches(config: Config, wanted: Method | Mapping[str, object]) -> bool:
    """Whether a configuration is of this method, or has these values."""
    if isinstance(wanted, Method):
        return method(config) == wanted
    return all(getattr(config, name) == value for name, value in wanted.items())


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


# Values, one of each run


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


def mean(runs: Sequence[Record], of: Values = accuracies) -> float:
    """Return the mean accuracy, or mean of what `of` returns; NaN without runs."""
    return float(np.mean(of(runs))) if runs else math.nan


def course(
    runs: Sequence[Record], measure: str, window: int
) -> tuple[list[int], npt.NDArray[np.float64]]:
    """Return what runs of a condition recorded of a measure along the epochs, smoothed.

    The epochs, and for each the mean of so many recorded values up to it, shape (runs, epochs); the
    first window - 1 epochs are left out.

    Raises:
        ConfigError: the window is longer than the values.
    """
    epochs = runs[0].history["epoch"]
    if not 0 < window <= len(epochs):
        raise ConfigError(f"window: {window} is out of range; give 1 to {len(epochs)} epochs")
    weights = np.full(window, 1 / window)
    values = [np.convolve(run.history[measure], weights, "valid") for run in runs]
    return epochs[window - 1 :], np.array(values)


def largest_beta(records: Sequence[Record]) -> float:
    """Return the largest β of some runs."""
    return float(max(record.config.beta for record in records))


def local_weights(config: Config) -> int:
    """Return the weights of S-LOCAL's first layer, as wide and on the same data."""
    return weights_by_layer(config, LOCAL.model)["conv1"]


# Differences, paired by seed


def by_seed(*groups: Sequence[Record], of: Values = accuracies) -> dict[int, tuple[float, ...]]:
    """Return a value of each group's run by seed, of the seeds of all groups, in their order.

    Raises:
        ValueError: a group has a seed twice.
    """
    values = []
    for records in groups:
        seeds = [record.config.seed for record in records]
        if len(set(seeds)) < len(seeds):
            raise ValueError(f"seeds: {seeds} come twice; group the runs by condition first")
        values.append(dict(zip(seeds, of(records), strict=True)))
    shared = sorted(set.intersection(*map(set, values)))
    return {seed: tuple(one[seed] for one in values) for seed in shared}


def differences(
    one: Sequence[Record], other: Sequence[Record], of: Values = accuracies
) -> list[float]:
    """Return some runs' values minus those of others, one for each seed of both, in their order."""
    return [first - second for first, second in by_seed(one, other, of=of).values()]


def paired(one: Sequence[Record], other: Sequence[Record], of: Values = accuracies) -> Interval:
    """Return the mean of `differences`, with its interval: of accuracies, in points."""
    return mean_interval(differences(one, other, of))


def difference(found: Conditions, one: Config, other: Config) -> Interval | None:
    """Return the accuracy of one condition minus that of another, in points, paired by seed."""
    if one == other or one not in found or other not in found:
        return None
    return paired(found[one], found[other])


# from a condition to the one that it is compared with
Reference = Callable[[Config], Config]


def sgd_with_same(found: Conditions, field: str) -> Reference:
    """Return the reference to SGD, S-FC without a mask or source, of the same value of a field.

    Where there is none, to the run itself.
    """
    dense = [c for c in found if method(c) == SGD and c.source is None and c.pruning == "none"]
    plain = {getattr(c, field): c for c in dense}
    return lambda config: plain.get(getattr(config, field), config)


def gains(
    found: Conditions, configs: Sequence[Config], reference: Reference, of: Values = accuracies
) -> npt.NDArray[np.float64]:
    """Return conditions minus their references, in the seeds that all have: (conditions, seeds)."""
    runs = (found[c] for config in configs for c in (config, reference(config)))
    values = np.array([*by_seed(*runs, of=of).values()]).T.reshape(len(configs), 2, -1)
    return values[:, 0] - values[:, 1]


def forest_rows(
    found: Mapping[Config, Sequence[Record]],
    reference: Reference,
    label: Callable[[Config], str],
    look: Callable[[Config], object] = method,
    group: Callable[[Config], str] = lambda _: "",
) -> list[Differences]:
    """Return a row of `plots.forest` for each condition whose reference is another one, and known.

    A row has a label, the colour of the method `look`, and a heading, the group, above it.
    """
    return [
        Differences(label(one), str(look(one)), differences(runs, found[other]), group(one))
        for one, runs in found.items()
        if (other := reference(one)) != one and other in found
    ]


# Frames


def sweep_frame(
    records: Sequence[Record],
    field: str | Callable[[Config], float],
    series: Callable[[Config], str] = lambda config: method(config).short,
) -> tables.DataFrame:
    """Return one row per run: columns `x`, `series`, `seed`, `accuracy` and `left`, in per cent.

    `field` is the name of the field that x is, or what x is of a run.
    """
    x_of = field if callable(field) else operator.attrgetter(field)
    rows = [
        (x_of(run.config), series(run.config), run.config.seed, accuracy, left)
        for run, accuracy, left in zip(
            records, accuracies(records), remaining(records), strict=True
        )
    ]
    return tables.data_frame(rows, columns=["x", "series", "seed", "accuracy", "left"])
