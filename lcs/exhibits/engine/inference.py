"""A trained network in use: time of a forward pass, size of its file, and operations, by way."""

from __future__ import annotations

import math
from typing import Any

from lcs.exhibits import tables
from lcs.exhibits.engine.benchmarks import find, load, machine_text, medians, over, ratio_text
from lcs.exhibits.tables import PENDING, Table

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


def passes(found: dict[str, Any] | None, **fields: Any) -> list[dict[str, Any]]:
    """Return the tables of the benchmark with these fields.

    They are `batch` (images), `threads`, `places` ("trained", where the first layer's weights are
    those of a stored run, or "random") and `density` (a share).
    """
    return find(found, measured="inference", **fields)


def fastest(one: dict[str, Any]) -> dict[str, Any]:
    """Return the fastest `sparse` and `dense` ways of one of the `passes`, and `over` of them."""
    sparse, dense = (
        min(ways, key=lambda way: medians(one)[way]) for ways in (SPARSE_WAYS, DENSE_WAYS)
    )
    return {"sparse": sparse, "dense": dense, **over(one, sparse, dense)}


def crossing(found: dict[str, Any] | None, batch: int) -> float:
    """Return the density (per cent) below which the fastest sparse way takes less than any dense.

    On one thread, of networks with weights at random places; between two densities interpolated,
    both densities and ratios being logarithmic. The largest density measured if sparse is faster
    throughout, 0 if it never is; nan if nothing was measured.
    """
    every = passes(found, batch=batch, threads=1, places="random")
    at = sorted((100 * one["density"], fastest(one)["ratio"]) for one in every)
    slower = next((n for n, (_, ratio) in enumerate(at) if ratio >= 1), len(at))
    if not 0 < slower < len(at):
        return (at[-1][0] if slower else 0.0) if at else math.nan
    (before, below), (after, above) = at[slower - 1 : slower + 1]
    return before * (after / before) ** (math.log(1 / below) / math.log(above / below))


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
            *(f"{medians(one)[way]:.3g}" for one in shown),
        ]
        for way in first["times"]
    ]
    caption = (
        f"{what} (α = {first['base_channels']}, {tables.rounded(100 * first['density'])} % of the "
        f"first layer left, {first['dead']} of {first['units']:,} units dead): its weights as a "
        "file of safetensors, operations for an image, and the time of a pass, in milliseconds, in "
        f"the median of {first['repeats']} rounds; SciPy's product always has one thread. "
        f"{machine_text(found)}."
    )
    columns = ["way", "file (MB)", "MFLOP an image"]
    columns += [f"images: {one['batch']}, threads: {one['threads']}" for one in shown]
    return Table("tab-inference", caption, columns, rows)


def numbers(folder: str = "") -> dict[str, str]:
    """Return what the prose says, in words; on one thread if not said otherwise."""
    found = load("inference", folder)
    names = ["alpha", "density", "dead", "file", "operations", "speed-512-two"]
    names += [f"{what}-{batch}" for what in ("speed", "crossing") for batch in BATCHES]
    words = dict.fromkeys(names, PENDING)
    for one in passes(found, threads=1, places="trained"):
        words["alpha"] = f"{one['base_channels']}"
        words["density"] = tables.rounded(100 * one["density"], 1)
        words["dead"] = f"{one['dead']} of {one['units']:,}"
        for name, counted in (("file", one["bytes"]), ("operations", one["operations"])):
            words[name] = f"{counted[DENSE] / counted[CSR]:.1f}"
        words[f"speed-{one['batch']}"] = ratio_text(fastest(one))
    for one in passes(found, threads=2, places="trained", batch=512):
        words["speed-512-two"] = ratio_text(fastest(one))
    for batch in BATCHES:
        density = crossing(found, batch)
        if not math.isnan(density):
            words[f"crossing-{batch}"] = tables.rounded(density)
    return {f"inference-{name}": said for name, said in words.items()}
