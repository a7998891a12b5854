"""A trained network in use: time of a forward pass, size of its file, and operations, by way."""

import math
from typing import Any

from lcs.exhibits.engine.benchmarks import (
    find,
    load,
    machine_text,
    medians,
    over,
    ratio_text,
    takes_less,
)
from lcs.exhibits.shared import tables
from lcs.exhibits.shared.plots import style
from lcs.exhibits.shared.tables import PENDING, Table
from lcs.exhibits.shared.verdicts import CONTRADICTED, HOLDS, UNDECIDED, Finding
from lcs.runs import Record

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

# fields of a table: `batch`, the number of images in a pass, is one of these; `places` is "trained"
# where the first layer's weights are those of a stored run, else "random"
BATCHES = (1, 512)


def fastest(one: dict[str, Any]) -> dict[str, Any]:
    """Return the fastest `sparse` and `dense` ways of a table, and `over` of them."""
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
    every = find(found, batch=batch, threads=1, places="random")
    at = sorted((100 * one["density"], fastest(one)["ratio"]) for one in every)
    slower = next((n for n, (_, ratio) in enumerate(at) if ratio >= 1), len(at))
    if not 0 < slower < len(at):
        return (at[-1][0] if slower else 0.0) if at else math.nan
    (before, below), (after, above) = at[slower - 1 : slower + 1]
    return before * (after / before) ** (math.log(1 / below) / math.log(above / below))


def inference_table(found: dict[str, Any] | None) -> Table:
    """Return each way of the trained network: its file, its operations, its times."""
    what = "A trained S-FC in use"
    shown = find(found, places="trained")
    if found is None or not shown:
        return tables.pending_table("tab-inference", what, "make bench")
    first = shown[0]
    rows = []
    for way in first["times"]:
        counts = (f"{first[each][way] / 1e6:,.1f}" for each in ("bytes", "operations"))
        rows.append([way, *counts, *(f"{medians(one)[way]:.3g}" for one in shown)])
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


def inference_figure(found: dict[str, Any] | None) -> style.Figure:
    """Draw the time of a pass over that of the dense one in float32, on one thread, by density.

    A panel for each number of images. Weights at random places are lines, those of a trained
    network single hollow marks. Exporting and dropping dead units are left out.
    """
    if not find(found, threads=1):
        return style.pending()
    figure, panels = style.subplots(1, len(BATCHES), figsize=(style.PAGE_WIDTH, 3.8), sharey=True)
    colours = ["0.3", *style.shades("β-LASSO", len(SPARSE_WAYS))]
    for axes, batch in zip(panels, BATCHES, strict=True):
        for way, colour in zip((DENSE_BF16, *SPARSE_WAYS), colours, strict=True):
            for places, mark in (("random", "-o"), ("trained", "s")):
                shown = find(found, threads=1, batch=batch, places=places)
                shown.sort(key=lambda one: float(one["density"]))
                densities = [100 * one["density"] for one in shown]
                ratios = [over(one, way, DENSE)["ratio"] for one in shown]
                fill, label = (colour, way) if places == "random" else ("white", "")
                axes.plot(densities, ratios, mark, color=colour, mfc=fill, ms=5, label=label)
        axes.axhline(1, color="0.5", lw=1)
        axes.set(xscale="log", yscale="log", title=f"images at once: {batch}")
        axes.set_xlabel("remaining weights, layer 1 (%)")
        style.label_log_axis(axes.xaxis, every=False)
    style.label_log_axis(panels[0].yaxis)
    panels[0].set_ylabel("time of a pass / dense, float32")
    panels[0].plot([], [], "s", color="0.3", mfc="white", ms=5, label="a trained network")
    style.add_legend(figure, panels[0], columns=2)
    return figure


def numbers(folder: str = "") -> dict[str, str]:
    """Return what the prose says, in words; on one thread."""
    found = load("inference", folder)
    names = ["alpha", "density"]
    names += [f"{what}-{batch}" for what in ("speed", "crossing") for batch in BATCHES]
    words = dict.fromkeys(names, PENDING)
    for one in find(found, threads=1, places="trained"):
        words["alpha"] = f"{one['base_channels']}"
        words["density"] = tables.rounded(100 * one["density"], 1)
        words[f"speed-{one['batch']}"] = ratio_text(fastest(one))
    for batch in BATCHES:
        density = crossing(found, batch)
        if not math.isnan(density):
            words[f"crossing-{batch}"] = tables.rounded(density)
    return {f"inference-{name}": said for name, said in words.items()}


# Claims


def in_use(_: list[Record]) -> Finding | None:
    """Judge whether a trained sparse network is faster than a dense one, whatever passes it takes.

    The fastest way of each against the fastest of the other, by number of images and of threads.
    """
    shown = find(load("inference"), places="trained")
    if not shown:
        return None
    found = [fastest(one) for one in shown]
    slowest = max(found, key=lambda row: row["ratio"])
    one = shown[found.index(slowest)]
    return Finding(
        f"at most {ratio_text(slowest)} of the dense time (α = {one['base_channels']}, "
        f"{tables.rounded(100 * one['density'], 1)} % of the first layer left, {one['batch']} "
        "images at once)",
        short=f"{slowest['ratio']:.2f} of the time",
        said=takes_less(found),
        n=one["repeats"],
    )


# the least share of a pass's time that is a gain worth the effort
LEAST_GAIN = 0.05


def no_gain(_: list[Record]) -> Finding | None:
    """Judge whether exporting and dropping dead units save less than `LEAST_GAIN`, in float32."""
    shown = find(load("inference"), places="trained")
    if not shown:
        return None
    found = {way: [over(one, way, DENSE) for one in shown] for way in (EXPORTED, WITHOUT_DEAD)}
    every = [row for rows in found.values() for row in rows]
    none = HOLDS if all(row["low"] > 1 - LEAST_GAIN for row in every) else UNDECIDED
    least = {way: min(rows, key=lambda row: row["ratio"]) for way, rows in found.items()}
    return Finding(
        "; ".join(f"{way}: at least {ratio_text(row)}" for way, row in least.items())
        + " of the dense time",
        said=CONTRADICTED if any(row["high"] < 1 - LEAST_GAIN for row in every) else none,
        n=shown[0]["repeats"],
    )
