"""The gain of β = 50 over other methods, conditions compared, and the numbers of the prose.

The gain is a difference in test accuracy, in points, paired by seed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from lcs.exhibits import cells, compare, published, tables
from lcs.exhibits.compare import ByStudy, Reference, as_sgd, by_method, without_threshold
from lcs.exhibits.gap import gains_and_gaps, gap_text
from lcs.exhibits.methods import B0, B50, CONV, LOCAL, PROXIMAL, SGD, THREE, Method, method
from lcs.exhibits.plots import style
from lcs.exhibits.scaling import studies
from lcs.exhibits.searches import choices
from lcs.exhibits.settings import DESK, chosen, chosen_flip_crop, regularised
from lcs.exhibits.tables import PENDING, Cell, Table, ahead
from lcs.exhibits.verdicts import Finding, Judge
from lcs.runs import Record
from lcs.stats import Interval, lack_of_fit, mean_interval

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# methods of `leads_figure`, with their shift along x
LEADS = {B50: -0.15, LOCAL: 0.15}


def gains_by_width(records: Sequence[Record], other: Method = SGD) -> pd.DataFrame:
    """Return the gain of β = 50 over another method: columns `x` (α), `seed`, `gain` (points)."""
    rows = []
    for width, groups in compare.by_width(records).items():
        found = compare.by_seed(groups[B50], groups[other])
        rows += [{"x": width, "seed": s, "gain": one - two} for s, (one, two) in found.items()]
    return tables.data_frame(rows, columns=["x", "seed", "gain"])


def growth(gains: pd.DataFrame) -> Interval | None:
    """Return how much a gain grows with each doubling of the width, in points.

    That is the slope of `gains_by_width` against log₂ α by least squares, over the seeds that have
    every width. None without any, or where there is only one width.
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


def gains_figure(runs: ByStudy) -> Figure:
    """Draw the gains of β = 50 against the width, with AutoAugment, and the paper's in a panel.

    A small dot is a seed; beside three or more of a width stands their mean with its 95 % interval.
    """
    own, same, seeds = (runs[f"scaling-{name}"] for name in ("own", "threshold", "seeds"))
    more_seeds = {run.config: run for run in (*own, *seeds)}  # which share runs
    contrasts = {
        "over SGD": gains_by_width([*more_seeds.values()]),
        "over β = 0": gains_by_width(own, B0),
        "over β = 0, same λ": gains_by_width(same, B0),
        "over proximal ℓ1, same λ": gains_by_width(same, PROXIMAL),
    }
    widths = {width for table in contrasts.values() for width in table["x"]}
    if not widths:
        return style.pending()
    ratios = [len(widths), 1]
    size: dict[str, Any] = {"figsize": (style.PAGE_WIDTH, 3.4), "width_ratios": ratios}
    figure, (axes, last) = style.subplots(1, 2, sharey=True, **size)
    places = {x: place for place, x in enumerate(sorted(widths))}
    shifts = (-0.3, -0.1, 0.1, 0.3)
    for shift, (contrast, table) in zip(shifts, contrasts.items(), strict=True):
        found = table.groupby("x").gain
        _add_gains(axes, contrast, shift, {float(places[x]): [*gains] for x, gains in found})
    paper = {"marker": style.PUBLISHED_MARKERS["paper"], "ms": 8, "mfc": "none", "ls": ""}
    for shift, contrast, other in zip(shifts, ("over SGD", "over β = 0"), (SGD, B0), strict=False):
        gain = published.gain(B50, other)
        last.plot(shift, gain, color=style.look(contrast).colour, **paper)
    axes.plot([], [], color="0.3", label="the paper", **paper)
    axes.set_ylabel("gain of β = 50 (points)")
    axes.set_xticks([*places.values()], [f"{x:g}" for x in places])
    last.set_xticks([0], [f"{published.PAPER_BASE_CHANNELS}"])
    last.set_xlim(-0.6, 0.6)
    ours, *_ = [*own, *same, *seeds]
    for panel, epochs in ((axes, ours.config.epochs), (last, published.PAPER_EPOCHS)):
        panel.set_title(f"{epochs} epochs", fontsize="x-small", fontweight="normal")
        panel.axhline(0, color="0.6", lw=1, zorder=0)
    figure.supxlabel("base channels α", fontsize="medium")
    style.add_legend(figure, axes, columns=3)
    return figure


def leads_figure(settings: Sequence[Sequence[Record]]) -> Figure:
    """Draw how far β = 50 and S-LOCAL are ahead of SGD, at each width of each setting.

    A setting is one augmentation and length. A small dot is a seed; beside three or more stands
    their mean with its 95 % interval. Hollow: single runs, and what the paper reports.
    """
    if not any(settings):
        return style.pending()
    kept = [records for records in settings if records]
    at_widths = [compare.by_width(records) for records in kept]
    counts = [*map(len, at_widths), 1]
    size, ratios = (style.PAGE_WIDTH, 3.4), [count + 1.5 for count in counts]
    figure, panels = style.subplots(1, len(counts), figsize=size, sharey=True, width_ratios=ratios)
    *ours, last = panels
    title: dict[str, Any] = {"fontsize": "x-small", "fontweight": "normal"}
    for axes, records, widths in zip(ours, kept, at_widths, strict=True):
        config = records[0].config
        augment = cells.field_text(config, "augment").replace(" and", ",")
        axes.set_title(f"{augment}\n{config.epochs} epochs", **title)
        axes.set_xticks(range(len(widths)), [f"{width}" for width in widths])
        _add_leads(axes, dict(enumerate(widths.values())))
        if published.PAPER_BASE_CHANNELS in widths and config.epochs == published.SHORT_EPOCHS:
            _add_published(axes, published.SHORT_EPOCHS)
    last.set_title(f"the paper\n{published.PAPER_EPOCHS} epochs", **title)
    last.set_xticks([0], [f"{published.PAPER_BASE_CHANNELS}"])
    _add_published(last, published.PAPER_EPOCHS)
    ours[0].plot([], [], style.PUBLISHED_MARKERS["paper"], mfc="none", mec="0.3", label="the paper")
    for axes, count in zip(panels, counts, strict=True):
        axes.axhline(0, color="0.6", lw=1, zorder=0)
        axes.set_xlim(-0.5, count - 0.5)
    ours[0].set(ylabel="points ahead of S-FC, SGD")
    figure.supxlabel("base channels α", fontsize="medium")
    style.add_legend(figure, ours[0], columns=3)
    return figure


def lengths_figure(records: Sequence[Record]) -> Figure:
    """Draw how far β = 50 and S-LOCAL are ahead of SGD after each training length, at one width.

    As in `leads_figure`.
    """
    if not records:
        return style.pending()
    lengths = compare.by_length(records)
    figure, axes = style.subplots(figsize=(style.PAGE_WIDTH, 3))
    places = [math.log2(length) for length in lengths]
    _add_leads(axes, dict(zip(places, lengths.values(), strict=True)))
    axes.axhline(0, color="0.6", lw=1, zorder=0)
    axes.set_xticks(places, [*map(str, lengths)])
    axes.set(xlabel="epochs", ylabel="points ahead of S-FC, SGD")
    style.add_legend(figure, axes, columns=2)
    return figure


def _add_leads(axes: Axes, places: Mapping[float, Mapping[Method, Sequence[Record]]]) -> None:
    """Draw the leads of each method at each place along x, and name the methods."""
    for name, shift in LEADS.items():
        leads = {x: compare.differences(runs[name], runs[SGD]) for x, runs in places.items()}
        _add_gains(axes, str(name), shift, leads)


def _add_gains(
    axes: Axes, label: str, shift: float, gains: Mapping[float, Sequence[float]]
) -> None:
    """Draw gains of seeds beside places along x: a single one hollow, by three or more the mean."""
    colour, marker, _ = style.look(label)
    marks: dict[str, Any] = {"color": colour, "marker": marker, "ls": ""}
    axes.plot([], [], label=label, **marks)
    for place, each in gains.items():
        if len(each) < 2:
            axes.plot([place + shift] * len(each), each, mfc="none", **marks)
            continue
        axes.plot([place + shift - 0.05] * len(each), each, ms=3, alpha=0.5, **marks)
        if len(each) > 2:
            mean, half_width, _ = mean_interval(each)
            axes.errorbar(place + shift + 0.05, mean, half_width, ms=6, capsize=2, **marks)


def _add_published(axes: Axes, epochs: int) -> None:
    """Draw what the paper reports after so many epochs; after the fewer it has no β-LASSO."""
    for name, shift in LEADS.items():
        gain = published.gain(name, SGD, epochs=epochs)
        if math.isfinite(gain):
            marker, colour = style.PUBLISHED_MARKERS["paper"], style.look(name).colour
            axes.plot(2 * shift, gain, marker, color=colour, mfc="none", ms=8)  # beside ours


class Compared(NamedTuple):
    """What the table of a study compares: by which fields, with what, and in words.

    `fields` are names in `cells.LABELS`; `references` by their names in the headings; `label` is of
    the table, where it is not `tab-` and the study's name.
    """

    fields: Sequence[str]
    references: Mapping[str, Reference]
    what: str
    label: str = ""


SGD_HERE: dict[str, Reference] = {"SGD": lambda config: chosen(as_sgd(config), "s-fc")}
SGD_FLIPS: dict[str, Reference] = {"SGD": lambda config: chosen_flip_crop(as_sgd(config), "s-fc")}
COMPARED = {
    "scaling": Compared(["base_channels", "l1"], SGD_HERE, "Every method at every width"),
    "scaling-threshold": Compared(
        ["l1"],
        SGD_HERE | {"β = 0": without_threshold, "proximal ℓ1": studies.proximal},
        "The λ of β = 50 with its threshold, without one, and with the LASSO's own step",
    ),
    "momentum": Compared(
        ["lr", "momentum", "weight_decay", "l1"],
        {"plain SGD": lambda c: as_sgd(c).replace(lr=DESK.lr, momentum=0.0, weight_decay=0.0)},
        "What makes SGD strong here",
    ),
    "reach": Compared(
        ["epochs", "l1", "reach"],
        SGD_HERE | {"β = 0, same λ": without_threshold},
        "Training length, or a larger λ, in all layers, in its place",
    ),
    "flips": Compared(
        ["base_channels", "epochs", "lr", "weight_decay", "l1"],
        SGD_FLIPS,
        "Every method with flips and crops, its hyperparameters chosen at α = 8",
    ),
    "largest": Compared(
        ["base_channels", "epochs", "augment", "weight_decay", "l1", "frozen_zeros"],
        {"the better SGD": lambda config: regularised(SGD_FLIPS["SGD"](config), 0.5)},
        "The largest networks, with SGD and with β-LASSO",
    ),
    "recipe-cifar100": Compared(["lr", "l1"], SGD_FLIPS, "CIFAR-100, flips and crops"),
    "augment-order": Compared(
        ["base_channels", "augment", "precision", "affine", "bias"],
        {
            "the usual": lambda c: c.replace(
                augment=c.augment.removesuffix("-first"), precision="bf16", affine=False, bias=False
            )
        },
        "One part of the training changed at a time",
        label="tab-parts",
    ),
}


def comparison_table(study: str, records: Sequence[Record]) -> Table:
    """Return every condition of a study beside the one that it is compared with."""
    fields, references, what, label = COMPARED[study]
    found = compare.conditions(records)
    columns: dict[str, Cell] = {
        "method": cells.of(lambda config: method(config).shortest),
        **cells.field_columns(fields),
        "test accuracy (%)": cells.mean_text,
        **{
            f"difference from {against}": cells.less(found, other)
            for against, other in references.items()
        },
        "remaining, layers 1, 2, 3 (%)": cells.layers_text,
    }
    note = "; differences are paired by seed"
    text = [*cells.field_columns(fields)]
    return cells.by_condition(study, records, columns, what, label=label, note=note, text=text)


def numbers(runs: ByStudy) -> dict[str, str]:
    """Return the numbers of the prose, in per cent and points; "pending" without the runs."""
    own = runs["scaling-own"]
    last = compare.widest(own)
    shared_l1 = compare.widest(runs["scaling-wide"])
    over_sgd = gains_by_width(own)
    p = lack_of_fit(np.log2(over_sgd["x"]), over_sgd.gain) if own else math.nan
    seeds, shared = runs["scaling-seeds"], {run.config.seed for run in runs["scaling-threshold"]}
    added = by_method([run for run in seeds if run.config.seed not in shared])
    large, dense = runs["largest"], runs["largest-decay"]
    free = by_method([*runs["largest-free"], *dense, *runs["largest-local"]])
    frozen = by_method([*large, *free[SGD], *free[LOCAL]])
    searched = by_method([*runs["recipe-length-search"], *runs["recipe-length-search-local"]])
    flips = by_method([*runs["flips"], *runs["flips-others"]])
    beyond = by_method(runs["flips-beyond"])
    lengths = compare.by_length([*runs["recipe-length"], *runs["recipe-length-long"]])
    before_longest, longest = [by_method([]), by_method([]), *lengths.values()][-2:]
    one_lambda = compare.by_length(runs["recipe-length-l1"])
    convs = [
        cells.gain_text(groups[LOCAL], groups[CONV])
        for groups in compare.by_width([*runs["scaling"], *runs["scaling-wide"]]).values()
    ]
    hundred = by_method(runs["recipe-cifar100"])
    after, before = (
        by_method([run for run in runs["augment-order"] if run.config.augment == order])
        for order in ("autoaugment", "autoaugment-first")
    )
    return {
        "epochs": f"{own[0].config.epochs}" if own else PENDING,
        # "points ahead", "behind" or "more"
        "own-zero-last": ahead(cells.gain_text(last[B50], last[B0])),
        "own-proximal-last": cells.gain_text(last[B50], shared_l1[PROXIMAL]),
        "own-local-last": ahead(cells.gain_text(last[LOCAL], last[B50])),
        "conv-first": ahead(convs[0]) if convs else PENDING,
        "conv-last": ahead(convs[-1]) if convs else PENDING,
        "gap-last": gap_text(last),
        "gap-n": f"{len(gains_and_gaps(last)[0])}",
        "gap-paper": f"{published.gap_closed():.0f}",
        "growth-sgd": cells.signed_text(growth(over_sgd)),
        "growth-zero": cells.signed_text(growth(gains_by_width(own, B0))),
        "fit-sgd": PENDING if math.isnan(p) else f"{p:.2g}",
        "seeds-gain": ahead(cells.gain_text(by_method(seeds)[B50], by_method(seeds)[SGD])),
        "seeds-added": cells.gain_text(added[B50], added[SGD]),
        "seeds-n": f"{len({run.config.seed for run in seeds})}",
        "largest-paper": f"{published.SHORT[SGD]:.2f}",
        "largest-accuracy": cells.mean_text(large),
        "largest-sgd": cells.mean_text(dense),
        "largest-left": cells.remaining_text(large),
        "largest-fit": cells.fit_text(large),
        "largest-sgd-fit": cells.fit_text(dense),
        "large-gain": ahead(cells.gain_text(free[B50], free[SGD])),
        "large-gap": gap_text(free),
        "large-local": cells.mean_text(free[LOCAL]),
        "large-frozen-gain": ahead(cells.gain_text(frozen[B50], frozen[SGD])),
        "large-frozen-gap": gap_text(frozen),
        "large-freezing": cells.gain_text(runs["largest-searched"], runs["largest-free"]),
        "large-zero": ahead(cells.gain_text(runs["largest-free"], runs["largest-zero"])),
        "beyond-n": f"{len(beyond[B50])}",
        "beyond-gain": ahead(cells.gain_text(beyond[B50], beyond[SGD])),
        "beyond-zero": ahead(cells.gain_text(beyond[B50], beyond[B0])),
        "beyond-local": ahead(cells.gain_text(beyond[LOCAL], beyond[B50])),
        "beyond-gap": gap_text(beyond),
        "length-gaps": "; ".join(
            f"{gap_text(groups)} % after {length}" for length, groups in lengths.items()
        )
        or PENDING,
        "one-lambda": " and ".join(
            f"{cells.gain_text(groups[B50], lengths[length][B50])} after {length}"
            for length, groups in one_lambda.items()
            if length in lengths
        )
        or PENDING,
        "longest-lead": ahead(cells.gain_text(longest[SGD], longest[B50])),
        "longest-change": cells.gain_text(longest[B50], before_longest[B50]),
        "longest-fit": cells.fit_text(longest[B50]),
        "longest-sgd-fit": cells.fit_text(longest[SGD]),
        "longest-left": cells.remaining_text(longest[B50]),
        **_at_rates(runs["search-flips"]),
        "searched-n": f"{len(searched[B50])}",
        "searched-gain": ahead(cells.gain_text(searched[B50], searched[SGD])),
        "searched-left": cells.remaining_text(searched[B50]),
        "searched-local": ahead(cells.gain_text(searched[LOCAL], searched[B50])),
        "searched-gap": gap_text(searched),
        "flips-gain": ahead(cells.gain_text(flips[B50], flips[SGD])),
        "flips-zero": ahead(cells.gain_text(flips[B50], flips[B0])),
        "flips-three": ahead(cells.gain_text(flips[THREE], flips[B50])),
        "flips-n": f"{len(flips[B50])}",
        "flips-others-n": f"{len(flips[THREE])}",
        "flips-local": ahead(cells.gain_text(flips[LOCAL], flips[B50])),
        "flips-gap": gap_text(flips),
        "hundred-n": f"{len(hundred[B50])}",
        "hundred-gain": cells.gain_text(hundred[B50], hundred[SGD]),
        "hundred-zero": ahead(cells.gain_text(hundred[B50], hundred[B0])),
        "hundred-gap": gap_text(hundred),
        "hundred-paper": f"{published.gap_closed('cifar100'):.0f}",
        "order-sgd": cells.gain_text(before[SGD], after[SGD]),
        "order-beta": cells.gain_text(before[B50], after[B50]),
        "order-gain": cells.gain_text(before[B50], before[SGD]),
    }


def _at_rates(searched: Sequence[Record]) -> dict[str, str]:
    """Return how far the best β = 50 is ahead of the best SGD, and behind it at that rate."""
    best = choices(searched, method)
    if not best.keys() >= {B50, SGD}:
        return {"rate-ahead": PENDING, "rate-behind": PENDING}
    dense = best[SGD]
    alike = choices([run for run in searched if run.config.lr == dense.config.lr], method)
    return {
        "rate-ahead": ahead(cells.gain_text(best[B50].runs, dense.runs)),
        "rate-behind": ahead(cells.gain_text(dense.runs, alike[B50].runs)),
    }
