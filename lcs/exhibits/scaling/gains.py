"""The gain of β = 50 over another method, and how it grows with the width.

The gain is a difference in test accuracy, in points, paired by seed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from lcs.exhibits import published, tables
from lcs.exhibits.cells import spread_text
from lcs.exhibits.compare import by_method, by_seed, paired
from lcs.exhibits.methods import B0, B50, PROXIMAL, SGD, Method
from lcs.exhibits.plots.style import PUBLISHED_MARKERS, WIDTH, add_legend, look, pending, subplots
from lcs.exhibits.verdicts import Finding, Judge
from lcs.runs import Record
from lcs.stats import Interval, mean_interval

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

# the methods over which the gain of β = 50 is shown at every width
BASELINES = {"over SGD": SGD, "over β = 0": B0}
# the studies that train to several lengths
LENGTHS = ("recipe-length-search", "recipe-length")


def gains_by_width(
    records: Sequence[Record], other: Method = SGD, *, x: str = "base_channels"
) -> pd.DataFrame:
    """Return the gain of β = 50 over another method: columns `x` (α), `seed`, `gain` (points).

    With `x="epochs"`, x is the length of the training.
    """
    rows = []
    for place in sorted({getattr(record.config, x) for record in records}):
        groups = by_method([r for r in records if getattr(r.config, x) == place])
        one, two = by_seed(groups[B50]), by_seed(groups[other])
        seeds = sorted(one.keys() & two.keys())
        rows += [{"x": place, "seed": s, "gain": one[s] - two[s]} for s in seeds]
    return tables.data_frame(rows, columns=["x", "seed", "gain"])


def growth(gains: pd.DataFrame) -> Interval | None:
    """Return how much a gain grows with each doubling of the width, in points.

    That is the slope against log₂ α by least squares, over the seeds that have every width. None
    without any, or where there is only one width.

    Args:
        gains: of `gains_by_width`.
    """
    widths = gains["x"].nunique()
    whole = [runs for _, runs in gains.groupby("seed") if len(runs) == widths]
    if widths < 2 or not whole:
        return None
    return mean_interval([np.polyfit(np.log2(runs["x"]), runs.gain, 1)[0] for runs in whole])


def gain_grows(other: Method) -> Judge:
    """Judge whether the gain of β = 50 over another method grows with the width."""

    def judge(records: list[Record]) -> Finding | None:
        slope = growth(gains_by_width(records, other))
        return slope and Finding(f"{tables.signed(slope)} points a doubling", slope)

    return judge


def gains_figure(runs: Mapping[str, Sequence[Record]]) -> Figure:
    """Draw the gains of β = 50 against the width, and against the length, with the paper's.

    Args:
        runs: the records of each study by its name: at each width with λ chosen there, with the
            same λ at the largest, more seeds of it, at α = 32 and 150, and at several lengths.
    """
    import pandas as pd

    own, same, seeds = (runs[f"scaling-{name}"] for name in ("own", "threshold", "seeds"))
    largest = [*runs["showpiece"], *runs["showpiece-decay"], *runs["paper-size"]]
    more = {record.config.base_channels for record in seeds}
    fewer = [record for record in own if record.config.base_channels not in more]
    parts = [
        ("over SGD", gains_by_width([*fewer, *seeds]), False),
        ("over SGD", gains_by_width(largest), True),
        ("over β = 0", gains_by_width(own, B0), False),
        ("over β = 0, same λ", gains_by_width(same, B0), False),
        ("over proximal ℓ1, same λ", gains_by_width(same, PROXIMAL), False),
    ]
    widths = pd.concat([frame.assign(contrast=name, other=other) for name, frame, other in parts])
    trained = {run.config: run for name in LENGTHS for run in runs[name]}
    lengths = gains_by_width([*trained.values()], x="epochs")
    if lengths["x"].nunique() < 2:
        lengths = lengths[:0]
    known = {label: published.gain(B50, other) for label, other in BASELINES.items()}
    frames = {
        "base channels α": widths,
        "epochs, at α = 8": lengths.assign(contrast="over SGD", other=False),
    }
    return _draw(frames, known, published.PAPER_BASE_CHANNELS)


def _draw(frames: Mapping[str, pd.DataFrame], known: Mapping[str, float], width: int) -> Figure:
    """Draw gains in test accuracy: a panel for each thing that grows, a dot for each seed.

    Beside the dots of a group stand their mean and its 95 % interval.

    Args:
        frames: by the label of x; columns `x`, `gain` (points), `contrast` (`over` a method) and
            `other` (whether it was trained in another setting: hollow). Empty ones are left out.
        known: for a contrast, the paper's gain, drawn in the first panel.
        width: the paper's α.
    """
    frames = {label: table for label, table in frames.items() if not table.empty}
    if not frames:
        return pending()
    figure, panels = subplots(1, len(frames), figsize=(WIDTH, 3.6), sharey=True, squeeze=False)
    for number, (axes, (label, table)) in enumerate(zip(panels[0], frames.items(), strict=True)):
        contrasts = list(dict.fromkeys(table.contrast))
        for place, contrast in enumerate(contrasts):
            shade, marker, _ = look(contrast)
            beside = 1.03 ** (2 * place - len(contrasts) + 1)
            rows = table[table.contrast == contrast]
            for (x, other), group in rows.groupby(["x", "other"]):
                mean = mean_interval(group.gain)
                filling = {"mfc": "none", "ms": 6} if other else {"ms": 3.5, "alpha": 0.5}
                at = [x if other else x * beside / 1.01] * len(group)
                axes.plot(at, group.gain, marker, color=shade, **filling)
                if len(group) > 2:
                    axes.errorbar(
                        x * beside * 1.01, mean.mean, mean.half_width, fmt=marker, color=shade,
                        ms=6, capsize=2,
                    )  # fmt: skip
            axes.plot([], [], marker, color=shade, label=contrast)
            if contrast in known and not number:
                axes.plot(
                    width,
                    known[contrast],
                    PUBLISHED_MARKERS["paper"],
                    color=shade,
                    mfc="none",
                    ms=8,
                )
        axes.axhline(0, color="0.6", lw=1, zorder=0)
        places = sorted({*table["x"], *([width] if known and not number else [])})
        axes.set(xscale="log", xlabel=label)
        axes.set_xticks(places, [f"{place:g}" for place in places], minor=False)
        axes.minorticks_off()
    panels[0, 0].set_ylabel("gain of β = 50 (points)")
    if any(table.other.any() for table in frames.values()):
        panels[0, 0].plot([], [], "o", color="0.3", mfc="none", label="another setting, one seed")
    panels[0, 0].plot(
        [], [], PUBLISHED_MARKERS["paper"], color="0.3", mfc="none", ms=8,
        label=f"the paper, {published.PAPER_EPOCHS} epochs",
    )  # fmt: skip
    add_legend(figure, panels[0, 0], columns=2)
    return figure


# Cells of tables, and words of the prose


def bold_gain(one: Sequence[Record], other: Sequence[Record]) -> str:
    """Return the gain of some runs over others, bold where its interval leaves out zero."""
    gain = paired(one, other)
    known = gain.half_width is not None and abs(gain.mean) > gain.half_width
    return f"**{tables.signed(gain)}**" if known else tables.signed(gain)


def bold_note(records: Sequence[Record]) -> str:
    """Say in a caption what is bold; single runs have no interval."""
    spread = spread_text(records)
    return spread and f"{spread}, bold where it leaves out zero, as one in twenty does by chance"


def published_gain_text(one: Method, other: Method, dataset: str = "cifar10") -> str:
    """Return the paper's gain with its sign, marked as published."""
    gain = published.gain(one, other, dataset)
    if math.isnan(gain):
        return tables.NONE
    return tables.published(tables.signed(Interval(gain, None, 1)))
