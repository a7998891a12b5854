"""How local the filters of runs are, beyond chance: values over seeds, and differences by seed.

The measures themselves are in `lcs.measure.locality_measures`.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np

from lcs import measure
from lcs.config import Config
from lcs.exhibits.shared import cells, tables
from lcs.exhibits.shared.compare import conditions
from lcs.exhibits.shared.methods import B50, method
from lcs.exhibits.shared.tables import Cell
from lcs.exhibits.shared.verdicts import Judge, exceeds
from lcs.runs import Record
from lcs.stats import mean_interval


def measured(records: Sequence[Record], kind: str, measure: str = "window_mass") -> list[float]:
    """Return each run's `kind` of a `measure`, both keys of what `lcs.measure.locality` returns.

    A share is in per cent. NaN: too few weights.
    """
    found = [record.final["locality"][measure][kind] for record in records]
    unit = 100 if measure.endswith("_mass") else 1
    return [math.nan if value is None else unit * value for value in found]


def beyond_chance(records: Sequence[Record], measure: str = "window_mass") -> list[float]:
    """Return how much more local runs are than their permutations; a share in points."""
    return measured(records, "excess_mean", measure)


def excess_text(runs: Sequence[Record], measure: str = "window_mass") -> str:
    """Return `beyond_chance` over seeds; a dash if weights are too few, "pending" without runs."""
    return cells.mean_text(runs, partial(beyond_chance, measure=measure), say=tables.signed)


def excess_frame(
    records: Sequence[Record],
    setting: Callable[[Config], str],
    series: Callable[[Config], str],
    measures: Mapping[str, str],
) -> tables.DataFrame:
    """Return what `plots.excesses` draws: a row for each condition and measure.

    There is none where a run has too few weights. `setting` and `series` name a condition,
    `measures` each measure by its key in a record. `ci95` is half the interval of the mean of the
    seeds' `values`, of a single run its own over filters.
    """
    rows = []
    for config, runs in conditions(records).items():
        for key, title in measures.items():
            values = beyond_chance(runs, key)
            if not all(map(math.isfinite, values)):
                continue
            single = measured(runs, "excess_ci95", key)[0] if len(values) == 1 else None
            ci95 = mean_interval(values).half_width if single is None else single
            own = setting(config), method(config).shortest, series(config)
            rows.append([*own, title, values, ci95])
    columns = ["setting", "method", "series", "measure", "values", "ci95"]
    return tables.data_frame(rows, columns=columns)


# what came out, as columns of a table
RESULTS: dict[str, Cell] = {
    "test accuracy (%)": cells.mean_text,
    "remaining, layer 1 (%)": cells.remaining_text,
    "excess window share (points)": excess_text,
}


def eligible_text(runs: Sequence[Record]) -> str:
    """Say how many filters of S-FC, of how many, have enough weights to be measured, on average.

    A dash for other networks, whose filters all have.
    """
    counts = [run.final["locality"]["eligible"] for run in runs]
    units = runs[0].config.layer_sizes()["conv1"].units
    return f"{np.mean(counts):,.0f} of {units:,}" if units else tables.NONE


def share_measured(run: Record) -> float:
    """Return the share of first-layer filters that have enough weights; 1 but for S-FC."""
    units = run.config.layer_sizes()["conv1"].units
    return float(run.final["locality"]["eligible"] / units) if units else 1.0


def pair_correlation(record: Record) -> list[float]:
    """Return a run's `measure.pair_correlation`: of all units, else of its stored filters.

    One NaN where it has neither: records before this measure, of seeds without filters.
    """
    if "pair_correlation" in record.final:
        return [math.nan if r is None else r for r in record.final["pair_correlation"]]
    if not record.has_filters:
        return [math.nan]
    return measure.pair_correlation(record.load_filters()).tolist()


def neighbours_text(runs: Sequence[Record]) -> str:
    """Return how often weights of a unit are neighbours, over chance; "pending" without runs."""
    if not runs:
        return tables.PENDING
    ratio = np.mean([pair_correlation(run)[0] for run in runs])
    return f"{ratio:.1f}" if np.isfinite(ratio) else tables.NONE


def clustering_ranges(runs: Sequence[Record]) -> list[float]:
    """Return each run's `measure.clustering_range`, in pixels; NaN if it cannot be measured."""
    return [measure.clustering_range(pair_correlation(run)) for run in runs]


def filters_of(records: Sequence[Record], title: Callable[[Record], str]) -> dict[str, np.ndarray]:
    """Return the filters, (n, C, H, W), of those runs that have stored them, by their titles."""
    return {title(run): run.load_filters().numpy() for run in records if run.has_filters}


def more_local(one: dict[str, object], other: dict[str, object]) -> Judge:
    """Judge whether the filters of β = 50 are more local in some runs than in others."""
    sparse = B50._asdict()
    return exceeds(sparse | one, sparse | other, of=beyond_chance)
