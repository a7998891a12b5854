"""The gap in accuracy between S-FC and S-LOCAL, by SGD, and how much of it β = 50 closes."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from lcs.exhibits.shared import published, tables
from lcs.exhibits.shared.cells import size_text
from lcs.exhibits.shared.compare import Groups, by_method, by_seed, grouped, widest
from lcs.exhibits.shared.methods import B50, LOCAL, NETWORKS, SGD, Method
from lcs.exhibits.shared.plots.style import PUBLISHED_MARKERS, Figure, look, subplots
from lcs.exhibits.shared.tables import PENDING
from lcs.exhibits.shared.verdicts import Finding
from lcs.runs import Record
from lcs.stats import mean_interval, ratio_interval

# left end of the figure's axis, in per cent: what lies beyond is an arrow
LEFT_END = -50


def gap_closed(groups: Mapping[Method, Sequence[Record]]) -> tuple[float, float, float]:
    """Return the share of the gap between SGD and S-LOCAL that β = 50 closes, in per cent.

    With its 95 % interval (low, high) over seeds, from `ratio_interval`.
    """
    share, low, high = ratio_interval(*gains_and_gaps(groups))
    return 100 * share, 100 * low, 100 * high


def gains_and_gaps(groups: Mapping[Method, Sequence[Record]]) -> tuple[list[float], list[float]]:
    """Return by how much β = 50 and S-LOCAL are ahead of SGD, in points, by seed."""
    found = by_seed(*(groups[name] for name in (B50, SGD, LOCAL))).values()
    gained = [sparse - dense for sparse, dense, _ in found]
    return gained, [local - dense for _, dense, local in found]


def gap_text(groups: Mapping[Method, Sequence[Record]]) -> str:
    """Return the share of the gap closed, in per cent, with its interval; "pending" without runs.

    Of two seeds both values, the smaller first.
    """
    if not groups.keys() >= {B50, SGD, LOCAL}:
        return PENDING
    gained, gaps = gains_and_gaps(groups)
    if len(gaps) == 2:
        if not all(gaps):
            return tables.NONE
        return " and ".join(map(_whole, sorted(100 * np.divide(gained, gaps))))
    shares = gap_closed(groups)
    if math.isnan(shares[0]):
        return tables.NONE
    share, low, high = map(_whole, shares)
    if low == "nan":
        return share
    return f"{share} (unbounded)" if low == "−inf" else f"{share} ({low} to {high})"


def _whole(per_cent: float) -> str:
    return tables.minus(f"{per_cent:z.0f}")  # without a negative zero


def by_size(records: Sequence[Record]) -> dict[str, Groups[Method]]:
    """Return runs by width and length, in words, and by method, where there are all three."""
    ordered = sorted(records, key=lambda run: (run.config.base_channels, run.config.epochs))
    sizes = {size: by_method(runs) for size, runs in grouped(ordered, size_text).items()}
    return {size: runs for size, runs in sizes.items() if {B50, SGD, LOCAL} <= runs.keys()}


def size_of_paper(epochs: int) -> str:
    """Return the paper's width, and the length of one of its trainings, as `size_text` does."""
    return f"α ≈ {published.PAPER_BASE_CHANNELS}, {epochs} epochs"


def closes_most(records: list[Record]) -> Finding:
    """Judge whether the widest β = 50 lies above the middle between SGD and S-LOCAL, by seed."""
    groups = widest(records)
    gained, gaps = gains_and_gaps(groups)
    above = mean_interval(np.subtract(gained, np.divide(gaps, 2)))
    gain, gap = mean_interval(gained), mean_interval(gaps)
    value = f"{tables.signed(gain)} of {tables.signed(gap)} points"
    if gap.mean <= 0:
        return Finding(value, above)
    share = f"{gap_text(groups)} %"
    # of two seeds gains, gaps and shares are each sorted, and would not correspond
    value = share if gain.n == 2 else f"{share}: {value}"
    return Finding(value, above, short=f"{share} of the gap")


def gaps_figure(settings: Mapping[str, Sequence[Record]], width: float) -> Figure:
    """Draw the share of the gap that β = 50 closes in each setting, with what the paper reports.

    A line for each width and length that has all three methods, and a gap that differs from zero
    where there are several seeds. A dot is a seed, hollow where it is the only one; from three
    seeds on a bar is the mean gain over the mean gap, with its 95 % interval, and an arrow where
    that goes on to the left. `width` is that of the figure, in inches.
    """
    # headings have None, and the paper has no runs
    lines: list[tuple[str, Mapping[Method, Sequence[Record]] | None]] = []
    for title, records in settings.items():
        sizes = by_size(records).items()
        here = [(size, runs) for size, runs in sizes if not math.isinf(gap_closed(runs)[1])]
        lines += [(title, None), *here] if here else []
    lines += [("the paper", None), (size_of_paper(published.PAPER_EPOCHS), {})]
    figure, axes = subplots(figsize=(width, 0.155 * len(lines) + 0.7))
    edge, (colour, marker, _) = axes.get_yaxis_transform(), look(B50)
    for place, (_, groups) in enumerate(lines):
        if not groups:
            continue
        shares = [100 * gain / gap for gain, gap in zip(*gains_and_gaps(groups), strict=True)]
        if len(shares) == 1:
            axes.plot(shares, [place], marker, color=colour, mfc="none")
        else:
            axes.plot(shares, [place] * len(shares), marker, color=colour, ms=3.5, alpha=0.5)
        if len(shares) > 2:
            share, low, high = gap_closed(groups)
            axes.plot([low, high], [place, place], color=colour)
            axes.plot(share, place, "|", color=colour, ms=8, mew=2)
            if low < LEFT_END:
                axes.plot(LEFT_END, place, "<", color=colour, ms=5, clip_on=False)
        axes.text(1.02, place, gap_text(groups), transform=edge, va="center", fontsize="small")
    share = published.gap_closed()
    axes.plot(share, len(lines) - 1, PUBLISHED_MARKERS["paper"], color=colour, mfc="none", ms=8)
    axes.text(1.02, len(lines) - 1, f"{share:.0f}", transform=edge, va="center", fontsize="small")
    for end, name in ((0, SGD.training), (100, NETWORKS[LOCAL.model])):
        axes.axvline(end, color="0.6", lw=1, zorder=0)
        axes.text(end, -0.8, name, ha="center", va="bottom", fontsize="small")
    axes.set_yticks(range(len(lines)), [text for text, _ in lines], fontsize="small")
    axes.tick_params(axis="y", length=0)
    for text, (_, known) in zip(axes.get_yticklabels(), lines, strict=True):
        text.set_fontstyle("italic" if known is None else "normal")
    axes.set(xlim=(LEFT_END, 110), ylim=(len(lines) - 0.5, -0.7), xticks=range(LEFT_END, 101, 50))
    axes.set_xlabel("share of the gap closed by β = 50 (%)")
    return figure
