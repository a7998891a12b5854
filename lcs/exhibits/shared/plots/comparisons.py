"""Figures that compare methods: sweeps over one variable, and paired differences."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from lcs.exhibits.shared import tables
from lcs.exhibits.shared.plots import style
from lcs.stats import mean_interval


def sweep(
    table: tables.DataFrame,
    label: str,
    *,
    references: Mapping[str, float] | None = None,
    linear_below: float | None = None,
    log_left: bool = False,
) -> style.Figure:
    """Draw accuracy and the share of weights left against one thing that is varied.

    Args:
        table: of `compare.sweep_frame`, one row per run: dots are runs, lines their means.
        label: of what is varied, with its unit.
        references: named accuracies, drawn as horizontal lines.
        linear_below: x is on a log scale; with zeros among it, linear below this value.
        log_left: whether the share of weights left is on a log scale too.
    """
    if table.empty:
        return style.pending()
    figure, panels = style.subplots(1, 2, figsize=(style.PAGE_WIDTH, 3.2))
    measures = {"accuracy": "test accuracy (%)", "left": "remaining, layer 1 (%)"}
    looks: dict[str, style.Look] = {}
    hollow = set()  # with a dotted line: a second variant of one method
    for name in table.series.unique():
        own = style.look(name)
        if own in looks.values():
            own = own._replace(line=":", colour=style.look(name.partition(",")[0]).colour)
            hollow.add(name)
        looks[name] = own
    for axes, (column, title) in zip(panels, measures.items(), strict=True):
        for name, runs in table.groupby("series", sort=False):
            own = looks[str(name)]
            filling = {"mfc": "none", "ms": 6} if name in hollow else {"ms": 4, "alpha": 0.6}
            axes.plot(runs.x, runs[column], own.marker, color=own.colour, **filling)
            mean = runs.groupby("x")[column].mean()
            axes.plot(mean.index, mean, ls=own.line, color=own.colour, label=name)
        if linear_below is None:
            axes.set_xscale("log")
        else:
            axes.set_xscale("symlog", linthresh=linear_below)
        axes.set(xlabel=label, ylabel=title)
        places = sorted(table.x.unique())
        size = "medium" if len(places) < 8 else "x-small"
        axes.set_xticks(places, [*map(tables.number, places)], minor=False, fontsize=size)
        axes.minorticks_off()
    for name, value in (references or {}).items():
        own = style.look(name)
        panels[0].axhline(value, color=own.colour, ls=own.line, lw=1, label=name)
    if log_left:
        panels[1].set_yscale("log")
        style.label_log_axis(panels[1].yaxis)
    else:
        panels[1].set_ylim(bottom=0)
    style.add_legend(figure, panels[0], columns=4 if table.series.nunique() < 6 else 3)
    return figure


class Differences(NamedTuple):
    """A row of `forest`: what was compared, and the paired differences, one for each seed.

    `contrast` is `over` a method, which gives the colour; several rows may share `group` and
    `label`, one for each contrast.
    """

    label: str
    contrast: str
    values: Sequence[float]
    group: str = ""


def forest(rows: Sequence[Differences], label: str) -> style.Figure:
    """Draw paired differences beside the line of no difference: dots are seeds, with n at the edge.

    From three seeds on a bar is their mean with its 95 % interval. Rows are from top to bottom,
    those of a group, where they have one, together under its name.
    """
    if not rows:
        return style.pending()
    lines: dict[tuple[str, str], list[Differences]] = {}
    groups = list(dict.fromkeys(row.group for row in rows))
    for row in sorted(rows, key=lambda row: groups.index(row.group)):
        if row.group:
            lines.setdefault((row.group, ""), [])
        lines.setdefault((row.group, row.label), []).append(row)
    figure, axes = style.subplots(figsize=(style.PAGE_WIDTH, 0.29 * len(lines) + 1.1))
    edge = axes.get_yaxis_transform()
    for place, shown in enumerate(lines.values()):
        for number, row in enumerate(shown):
            # contrasts of one line, from above
            y = place + 0.36 * ((number + 0.5) / len(shown) - 0.5)
            own, count = style.look(row.contrast), len(row.values)
            axes.plot(row.values, [y] * count, own.marker, color=own.colour, ms=3.5, alpha=0.5)
            if count > 2:
                mean, half_width, _ = mean_interval(row.values)
                axes.errorbar(mean, y, xerr=half_width, fmt="|", ms=8, mew=2, color=own.colour)
        counts = dict.fromkeys(f"{len(row.values)}" for row in shown)
        axes.text(1.01, place, " / ".join(counts), transform=edge, va="center")
    axes.text(1.01, -1, "n", transform=edge, va="center", style="italic")
    contrasts = list(dict.fromkeys(row.contrast for row in rows))
    for contrast in contrasts:
        own = style.look(contrast)
        axes.plot([], [], own.marker, color=own.colour, ms=4, ls="-", label=contrast)
    axes.axvline(0, color="0.4", lw=1, zorder=1)
    axes.set_yticks(range(len(lines)), [name for _, name in lines])
    for place, (group, name) in enumerate(lines):
        if not name:
            style.add_heading(axes, 0.01, place, group, style="italic")
    axes.set_ylim(len(lines) - 0.5, -0.7)
    axes.set_xlabel(label)
    axes.tick_params(axis="y", length=0)
    axes.set_axisbelow(True)
    axes.grid(axis="x", color="0.93")
    if any(row.label != row.contrast for row in rows):
        style.add_legend(figure, axes, columns=len(contrasts))
    return figure
