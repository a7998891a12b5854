"""Where all units of the sparse first layers look: how many weights they have, how far apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from lcs.config import Config
from lcs.exhibits import cells, compare, locality, tables
from lcs.exhibits.methods import NETWORKS, Method
from lcs.exhibits.tables import PENDING
from lcs.runs import Record

if TYPE_CHECKING:
    import pandas as pd


def sparsest(records: Sequence[Record]) -> list[Record]:
    """Return the runs with the largest β, the smallest network first, then the shortest run."""
    largest = max((record.config.beta for record in records), default=0.0)
    sparse = [record for record in records if record.config.beta == largest > 0]
    return sorted(sparse, key=lambda r: (r.config.base_channels, r.config.epochs))


def widest(records: Sequence[Record], method: Method) -> list[Record]:
    """Return the first run of a method at the largest width; none without any runs."""
    return compare.widest(records).get(method, [])[:1]


def run_text(config: Config) -> str:
    """Name a run's width and length, and in what else it is not like most runs of the chapter."""
    net = "" if config.model == "s-fc" else f"{NETWORKS[config.model]}, "
    images = "" if config.augment == "autoaugment" else f", {cells.field_text(config, 'augment')}"
    zeros = cells.zeros_text(config)
    return f"{net}{cells.size_text(config)}{zeros}{images}"


def fan_in_frame(records: Sequence[Record]) -> pd.DataFrame:
    """Return how many weights first-layer units have: `series`, `weights`, `share` (per cent).

    Runs of one size are taken together. `weights` is a range of numbers with as many binary digits.
    """
    rows = []
    for config, runs in compare.conditions(records).items():
        counts = np.zeros(32)
        for run in runs:
            found = run.final["fan_in"]["conv1"]
            counts[: len(found)] += found
        shares = 100 * np.trim_zeros(counts, "b") / counts.sum()
        for digits, share in enumerate(shares):
            low, high = 2**digits // 2, 2**digits - 1
            weights = f"{low}" if low == high else f"{low}–{high}"
            rows.append({"series": run_text(config), "weights": weights, "share": share})
    return tables.data_frame(rows, columns=["series", "weights", "share"])


def numbers(records: Sequence[Record]) -> dict[str, str]:
    """Return what the prose says of the first of some runs, in words: "pending" without any.

    `units-run`: which; `units-range`: its `measure.clustering_range`, in pixels; `units-dead`: per
    cent of units without a weight.
    """
    if not records:
        return dict.fromkeys((f"units-{key}" for key in ("run", "range", "dead")), PENDING)
    run, *_ = records
    counts = run.final["fan_in"]["conv1"]
    return {
        "units-run": run_text(run.config),
        "units-range": f"{locality.clustering_ranges([run])[0]:.1f}",
        "units-dead": tables.rounded(100 * counts[0] / sum(counts)),
    }


def neighbour_numbers(named: Mapping[str, Sequence[Record]]) -> dict[str, str]:
    """Return how frequent pairs of neighbouring pixels are in named runs, over chance, in words.

    `near-<name>`: of several runs the first; "pending" without any.
    """
    return {
        f"near-{name}": f"{locality.pair_ratios(runs[:1])[0][0]:.1f}" if runs else PENDING
        for name, runs in named.items()
    }
