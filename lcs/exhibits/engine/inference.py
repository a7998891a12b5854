"""A trained network in use: time of a forward pass, size of its file, and operations, by way."""

from __future__ import annotations

import math
import statistics
from typing import TYPE_CHECKING, Any, NamedTuple

from lcs.exhibits import tables
from lcs.exhibits.engine.benchmarks import find, median_ratio, ratio_text
from lcs.exhibits.tables import PENDING, Table

if TYPE_CHECKING:
    import pandas as pd

# ways to compute the same outputs, as `tests/benchmarks/inference.py` names them
DENSE = "dense, float32"
DENSE_BF16 = "dense, bfloat16"
EXPORTED = "exported"
WITHOUT_DEAD = "without dead units"
CSR = "CSR (torch)"
CSR_BF16 = "CSR (torch), others in bfloat16"
CSR_SCIPY = "CSR (SciPy)"
DENSE_WAYS = (DENSE, DENSE_BF16, EXPORTED, WITHOUT_DEAD)
SPARSE_WAYS = (CSR, CSR_BF16, CSR_SCIPY)

# numbers of images in one pass
BATCHES = (1, 512)


class Against(NamedTuple):
    """The fastest sparse way in one table of the benchmark beside the fastest dense one.

    Attributes:
        sparse: the first of them.
        dense: the other.
        ratio: of their times, in the median over rounds.
        low: end of its 95 % interval; nan where the rounds are too few.
        high: its other end.
    """

    sparse: str
    dense: str
    ratio: float
    low: float
    high: float


def passes(found: dict[str, Any] | None, **fields: Any) -> list[dict[str, Any]]:
    """Return the tables of the benchmark with these fields.

    They are `batch` (images), `threads`, `places` ("trained", where the first layer's weights are
    those of a stored run, or "random") and `density` (a share).
    """
    return find(found, measured="inference", **fields)


def fastest(one: dict[str, Any]) -> Against:
    """Compare the fastest ways of one of the `passes`."""
    sparse, dense = (
        min(ways, key=lambda way: statistics.median(one["times"][way]))
        for ways in (SPARSE_WAYS, DENSE_WAYS)
    )
    return Against(sparse, dense, **median_ratio(one["times"][sparse], one["times"][dense]))


def over_dense(one: dict[str, Any], way: str) -> dict[str, float]:
    """Return `ratio`, `low` and `high` of a way's time over the dense one's in float32."""
    return median_ratio(one["times"][way], one["times"][DENSE])


def crossing(found: dict[str, Any] | None, batch: int, threads: int = 1) -> float:
    """Return the density (per cent) below which the fastest sparse way takes less than any dense.

    Of networks with weights at random places; between two densities interpolated, both densities
    and ratios being logarithmic. The largest density measured if sparse is faster throughout, 0 if
    it never is; nan if nothing was measured.
    """
    every = passes(found, batch=batch, threads=threads, places="random")
    at = sorted((one["density"], fastest(one).ratio) for one in every)
    faster = 0.0 if at else math.nan
    for number, (density, ratio) in enumerate(at):
        if ratio < 1:
            faster = density
            continue
        if number:
            before, below = at[number - 1]
            share = math.log(1 / below) / math.log(ratio / below)
            faster = before * (density / before) ** share
        break
    return 100 * faster


def latency_frame(found: dict[str, Any] | None) -> pd.DataFrame:
    """Return each way's time over the dense one's in float32, one thread: `figures.inference`."""
    columns = ["batch", "density", "places", "way", "is_sparse", "ratio", "low", "high"]
    rows = [
        {
            "batch": one["batch"],
            "density": 100 * one["density"],
            "places": one["places"],
            "way": way,
            "is_sparse": way in SPARSE_WAYS,
            **over_dense(one, way),
        }
        for one in passes(found, threads=1)
        for way in one["times"]
        if way != DENSE
    ]
    return tables.data_frame(rows, columns=columns)


def inference_table(found: dict[str, Any] | None) -> Table:
    """Return each way of the trained network: its file, its operations, its times."""
    what = "A trained S-FC in use"
    shown = passes(found, places="trained")
    if found is None or not shown:
        return tables.pending_table("tab-inference", what, "make bench")
    first = shown[0]
    rows = [
        [
            way,
            f"{first['bytes'][way] / 1e6:,.1f}",
            f"{first['operations'][way] / 1e6:,.1f}",
            *(f"{statistics.median(one['times'][way]):.3g}" for one in shown),
        ]
        for way in first["times"]
    ]
    caption = (
        f"{what} (α = {first['base_channels']}, {tables.rounded(100 * first['density'])} % of the "
        f"first layer left, {first['dead']} of {first['units']:,} units dead): its weights as a "
        "file of safetensors, operations for an image, and the time of a pass, in milliseconds, in "
        f"the median of {first['repeats']} rounds; SciPy's product always has one thread. "
        f"{found['machine']['hardware']}, torch {found['machine']['torch']}."
    )
    columns = ["way", "file (MB)", "MFLOP an image"]
    columns += [
        f"{_counted(one['batch'], 'image')}, {_counted(one['threads'], 'thread')}" for one in shown
    ]
    return Table("tab-inference", caption, columns, rows)


def numbers(found: dict[str, Any] | None, threads: int = 1) -> dict[str, str]:
    """Return what the prose says, in words.

    `inference-`: `alpha`; `density`, per cent of the trained network's first layer; `dead`, of its
    units; `file` and `operations`, how many times as small they are as those of the dense one in
    float32; and by number of images `speed-`, the fastest sparse way's time over that of the
    fastest dense one, and `crossing-`, per cent (`crossing`). `speed-512-two`: with two threads.
    """
    names = ["alpha", "density", "dead", "file", "operations"]
    names += [f"{what}-{batch}" for what in ("speed", "crossing") for batch in BATCHES]
    words = {f"inference-{name}": PENDING for name in (*names, "speed-512-two")}
    for one in passes(found, threads=threads, places="trained"):
        words["inference-alpha"] = f"{one['base_channels']}"
        words["inference-density"] = tables.rounded(100 * one["density"], 1)
        words["inference-dead"] = f"{one['dead']} of {one['units']:,}"
        for name, counted in (("file", one["bytes"]), ("operations", one["operations"])):
            words[f"inference-{name}"] = f"{counted[DENSE] / counted[CSR]:.1f}"
        words[f"inference-speed-{one['batch']}"] = ratio_text(fastest(one)._asdict())
    for one in passes(found, threads=2, places="trained", batch=512):
        words["inference-speed-512-two"] = ratio_text(fastest(one)._asdict())
    for batch in BATCHES:
        density = crossing(found, batch, threads)
        if not math.isnan(density):
            words[f"inference-crossing-{batch}"] = tables.rounded(density)
    return words


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" + "s" * (number > 1)
