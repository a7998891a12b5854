"""Every run as one tidy table: what was configured, what came out, and the record behind it."""

from __future__ import annotations

import dataclasses
import importlib
import math
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from lcs.analysis.names import method_name
from lcs.config import Config
from lcs.errors import ConfigError, LcsError, NotChosen
from lcs.runs import Record, RunStore, default_store
from lcs.study.base_study import BaseStudy

FIELDS = [field.name for field in dataclasses.fields(Config)]
PER_CENT = {
    "accuracy": "share of right answers on test images, or on those held out, in per cent",
    "fit": "the same on the training images, not augmented",
    "left": "share of the first layer's weights that are not zero, in per cent",
    "excess": "share of a filter's squared weights in its best window, above chance, in points",
}


def load_runs(
    *studies: str | BaseStudy,
    scale: str = "desk",
    seeds: int | None = None,
    train: bool | None = None,
    device: str = "auto",
    changes: Mapping[str, Any] | None = None,
    whole: bool = True,
    store: RunStore | None = None,
    **where: Any,
) -> pd.DataFrame:
    """Return one row per run of some studies, each once; without a study, of all that is stored.

    Columns: the fields of `lcs.Config`; the final measures, their names joined by dots
    (`nonzeros.conv1`, `locality.window_mass.excess_mean`); those of `PER_CENT`; `method`, as the
    pages call it; `condition`, the configuration without its seed; and `record`.

    Args:
        studies: names, as `lcs study` lists them, or studies.
        scale: smoke, desk or paper; a study of the paper's size alone has that one for desk.
        seeds: at most so many; None: all that the studies have.
        train: train what is missing; None: at the scale smoke, where it takes seconds.
        device: where to train.
        changes: fields of `Config` that all runs take over the scale's own, and `betas`.
        whole: only seeds that all conditions of a study have; else all that is stored, of a study
            whose training goes on.
        store: default: the reader's own, which falls back on the book's records.
        where: values of columns, or a list of those that count.

    Raises:
        ConfigError: there is no such study, or no such column.
        LcsError: with these changes nothing is stored, and nothing is to be trained.
    """
    store = store or default_store()
    records: list[Record] = []
    if not studies:
        stored = (record for place in store.chain() for record in place.records())
        records = [record for record in stored if record.kind == "training"]
    for given in studies:
        study = find_study(given) if isinstance(given, str) else given
        here = study.usual_scale if scale == "desk" else scale
        if train or (train is None and here == "smoke"):
            try:
                options = dict(changes or {}, device=device)
                records += study.train(here, seeds, store=store, **options)
            except NotChosen:  # a search has still to choose its hyperparameters
                continue
        elif not whole:
            configs = study.configs(here, seeds, **changes or {})
            records += filter(None, map(store.find, configs))
        else:
            records += study.stored(here, store, seeds, **changes or {})
    if studies and changes and not records:
        given = ", ".join(f"{name} = {value}" for name, value in changes.items())
        raise LcsError(f"{studies[0]}: no runs with {given}; give train=True to train them")
    table = frame(records)
    for name, value in where.items():
        if name not in table:
            raise ConfigError(f"{name}: no such column; there are {', '.join(table.columns)}")
        wanted = value if isinstance(value, list | tuple | set) else [value]
        table = table[table[name].isin(wanted)]
    return table


def find_study(name: str) -> BaseStudy:
    """Return a study by its name; the floor above declares them.

    Raises:
        ConfigError: there is none of that name.
    """
    study: BaseStudy = importlib.import_module("lcs.exhibits").find_study(name)
    return study


def frame(records: Iterable[Record]) -> pd.DataFrame:
    """Return one row per record, each run once; see `load_runs`."""
    rows = [_row(record) for record in {record.run_id: record for record in records}.values()]
    # without runs, the columns that cells name are there
    columns = ["method", *PER_CENT, *FIELDS, "condition", "record"]
    return pd.DataFrame(rows, columns=None if rows else columns)


def _row(record: Record) -> dict[str, Any]:
    config, final = record.config, record.final
    if not isinstance(config, Config):  # of other kinds of runs there is nothing else
        return {"condition": condition(record), "seed": config["seed"], "record": record}
    row: dict[str, Any] = {"method": method_name(config)}
    share = final["nonzeros"], final["weights"]
    row["accuracy"] = 100 * record.accuracy
    row["fit"] = 100 * final["clean_train_accuracy"]
    first = next(iter(final["weights"]))
    row["left"] = 100 * share[0][first] / share[1][first]
    excess = final.get("locality", {}).get("window_mass", {}).get("excess_mean")
    row["excess"] = math.nan if excess is None else 100 * excess
    row |= {name: getattr(config, name) for name in FIELDS}
    row |= {name: value for name, value in _flat(final) if name not in row}
    return row | {"condition": condition(record), "record": record}


def condition(record: Record) -> Config | str:
    """Return the configuration without its seed; of other kinds of runs, its id."""
    if isinstance(record.config, Config):
        return record.config.replace(seed=0)
    return record.run_id.rpartition("-")[0]


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield prefix + name, math.nan if value is None else value


def like(runs: pd.DataFrame, config: Config, *varied: str) -> pd.DataFrame:
    """Return the runs that have all values of a configuration, but for the fields that vary."""
    for name in FIELDS:
        if name not in (*varied, "seed"):
            value = getattr(config, name)
            runs = runs[runs[name].isna() if value is None else runs[name] == value]
    return runs


def history(runs: pd.DataFrame, measure: str) -> pd.DataFrame:
    """Return a measure along training, one row per run and recorded epoch.

    Args:
        runs: of `load_runs`.
        measure: of the record's history; of a layer, `nonzeros.conv1`.

    Returns:
        The columns of `runs` with `epoch` and `value`.
    """
    name, _, layer = measure.partition(".")
    parts = []
    for _, run in runs.iterrows():
        told = run.record.history
        values = told[name][layer] if layer else told[name]
        # columns by names that may be written after a dot
        own = {column: run[column] for column in ("method", *FIELDS)}
        parts.append(pd.DataFrame({"epoch": told["epoch"], "value": values}).assign(**own))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=[*runs, "value"])
