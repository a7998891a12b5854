"""The house style, and one function for each kind of figure. Takes arrays and frames, not runs."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator
from matplotlib.typing import ColorType

from lcs.exhibits.methods import B0, B1, B50, CONV, LOCAL, PROXIMAL, SGD, THREE
from lcs.exhibits.published import PAPER_EPOCHS

# width of the page's text, in inches at the size of its letters
WIDTH = 7.2
PALETTE = sns.color_palette("colorblind")
# one colour for each method, on every page; told apart by the colour-blind too
COLOURS = {
    str(CONV): (0.15, 0.15, 0.15),
    str(LOCAL): PALETTE[2],
    str(THREE): PALETTE[7],
    str(SGD): PALETTE[0],
    str(PROXIMAL): PALETTE[5],
    str(B0): PALETTE[9],
    str(B1): PALETTE[1],
    str(B50): PALETTE[4],
}
LAYERS = {"conv1": "first layer", "fc1": "second layer", "fc2": "third layer"}


def use_style() -> None:
    """Set the house style for every figure drawn from here on."""
    sns.set_theme(context="paper", style="ticks", palette="colorblind", font_scale=1.15)
    plt.rcParams.update(
        {
            "figure.dpi": 110,
            "savefig.dpi": 200,
            "figure.constrained_layout.use": True,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.titlelocation": "left",
            "axes.titleweight": "bold",
            "legend.frameon": False,
            "svg.hashsalt": "lcs",
        }
    )


def colour(method: object) -> tuple[float, float, float]:
    """Return the colour of a method; grey for one that has none of its own."""
    return COLOURS.get(str(method), (0.4, 0.4, 0.4))


def accuracies(table: pd.DataFrame, setting: str) -> Figure:
    """Draw accuracies of methods as dots, one column of the frame for each source.

    Args:
        table: index: methods, from top to bottom. Columns `ours` (a list of the seeds' values, in
            per cent), and any further ones: published values, NaN where there is none.
        setting: in which our runs were made, for the legend.
    """
    figure, axes = plt.subplots(figsize=(WIDTH, 0.42 * len(table) + 1.1))
    height = np.arange(len(table))[::-1]
    markers = dict(zip(table.columns.drop("ours"), "Dsv", strict=False))
    for source, marker in markers.items():
        axes.plot(
            table[source], height, marker, mfc="none", mec="0.3", ms=8, label=source, zorder=3
        )
    for y, values in zip(height, table["ours"], strict=True):
        axes.plot(values, [y] * len(values), "o", color=PALETTE[0], ms=5, alpha=0.6)
    axes.plot([], [], "o", color=PALETTE[0], label=f"ours ({setting}), a dot per seed")
    axes.set_yticks(height, table.index)
    axes.set_xlabel("test accuracy (%)")
    axes.grid(axis="y", color="0.9")
    figure.legend(loc="outside upper left", ncols=1)
    return figure


def nonzeros(
    history: pd.DataFrame,
    references: Mapping[str, Mapping[str, float]],
    marks: pd.DataFrame,
) -> Figure:
    """Draw non-zero weights against epochs, a panel for each layer, both axes logarithmic.

    Args:
        history: columns `method`, `run_id`, `epoch` and `nonzeros_<layer>`.
        references: for each layer, named counts drawn as horizontal lines.
        marks: published counts: columns `method`, `epochs` and one for each layer.
    """
    if history.empty:
        return _pending()
    figure, panels = plt.subplots(1, 3, figsize=(WIDTH, 3.1))
    for axes, (layer, title) in zip(panels, LAYERS.items(), strict=True):
        for (method, _), run in history.groupby(["method", "run_id"], sort=False):
            axes.plot(run.epoch, run[f"nonzeros_{layer}"], color=colour(method), label=method)
        for row in marks.itertuples():
            axes.plot(row.epochs, getattr(row, layer), "D", mfc="none", mec=colour(row.method))
        for name, count in references.get(layer, {}).items():
            axes.axhline(count, color="0.5", ls=":", lw=1)
            axes.annotate(name, (1, count), (2, 2), textcoords="offset points", color="0.35")
        axes.set(xscale="log", yscale="log", xlabel="epoch", title=title)
        low, high = axes.get_ylim()
        axes.set_ylim(bottom=min(low, high / 10))
        axes.yaxis.set_major_locator(LogLocator(subs=(1,) if high / low > 100 else (1, 2, 5)))
        axes.yaxis.set_major_formatter(FuncFormatter(_thousands))
        axes.minorticks_off()
    panels[0].set_ylabel("non-zero weights")
    panels[0].plot([], [], "D", mfc="none", mec="0.3", label="published (reproduction)")
    _legend_of(figure, panels[0], columns=3)
    return figure


def curves(history: pd.DataFrame, column: str, label: str, *, scale: float = 1.0) -> Figure:
    """Draw one measure against epochs: a line for each method's mean, a band for its range.

    Args:
        history: columns `method`, `run_id`, `epoch` and the measure's.
        column: the measure.
        label: of its axis, with the unit.
        scale: factor from the stored unit to the one shown.
    """
    figure, axes = plt.subplots(figsize=(WIDTH, 3.4))
    for method, runs in history.groupby("method", sort=False):
        shown = scale * runs.groupby("epoch")[column].agg(["mean", "min", "max"])
        axes.plot(shown.index, shown["mean"], color=colour(method), label=method)
        axes.fill_between(
            shown.index, shown["min"], shown["max"], color=colour(method), alpha=0.2, lw=0
        )
    axes.set(xscale="log", xlabel="epoch", ylabel=label)
    _legend_of(figure, axes, columns=3)
    return figure


def filters(groups: Mapping[str, np.ndarray], *, columns: int = 12) -> Figure:
    """Draw first-layer filters as images, one row of the figure for each group.

    Args:
        groups: for each title, filters (n, C, H, W); zero is grey, and each filter has its own
            scale, the largest absolute weight. Three channels are drawn as red, green and blue.
        columns: filters in a row.
    """
    if not groups:
        return _pending()
    rows = {title: images[: 2 * columns] for title, images in groups.items()}
    figure = plt.figure(figsize=(WIDTH, 1.6 * len(rows)))
    parts = figure.subfigures(len(rows), 1, squeeze=False)[:, 0]
    for part, (title, images) in zip(parts, rows.items(), strict=True):
        part.suptitle(title, x=0.01, ha="left", weight="bold", size="medium")
        for axes, image in zip(part.subplots(2, columns).flat, images, strict=False):
            axes.imshow(as_image(image), interpolation="nearest")
        for axes in part.axes:
            axes.set_axis_off()
    return figure


def as_image(filter_: np.ndarray) -> np.ndarray:
    """Map a filter (C, H, W) to an image (H, W, 3) in [0, 1]; zero becomes the middle grey."""
    largest = np.abs(filter_).max() or 1.0
    image = 0.5 + 0.5 * filter_ / largest
    return np.broadcast_to(image, (3, *image.shape[1:])).transpose(1, 2, 0)


def locality(table: pd.DataFrame) -> Figure:
    """Draw locality measures beside their null model.

    Args:
        table: columns `method`, `measure`, `mean`, `ci95`, `null_mean`, `null_ci95`.
    """
    measures = list(dict.fromkeys(table.measure))
    figure, panels = plt.subplots(1, len(measures), figsize=(WIDTH, 2.9), sharey=True)
    for axes, measure in zip(panels, measures, strict=True):
        rows = table[table.measure == measure].iloc[::-1]
        height = np.arange(len(rows))
        axes.errorbar(
            rows.null_mean, height, xerr=rows.null_ci95, fmt="|", color="0.55", ms=12, lw=1
        )
        for y, row in zip(height, rows.itertuples(), strict=True):
            axes.errorbar(row.mean, y, xerr=row.ci95, fmt="o", color=colour(row.method), ms=6)
        axes.set_yticks(height, rows.method)
        axes.set_title(measure, weight="normal", size="medium")
        axes.grid(axis="x", color="0.92")
    handles = [
        plt.Line2D([], [], marker="o", ls="", color="0.2", label="filters"),
        plt.Line2D([], [], marker="|", ls="", color="0.55", ms=12, label="null: pixels permuted"),
    ]
    figure.legend(handles=handles, loc="outside upper left", ncols=2)
    return figure


def sweep(
    table: pd.DataFrame,
    label: str,
    *,
    accuracy: str = "test accuracy (%)",
    references: Mapping[str, float] | None = None,
    linear_below: float | None = None,
) -> Figure:
    """Draw accuracy and the share of weights left against one thing that is varied.

    Args:
        table: columns `x`, `series`, `seed`, `accuracy` and `left` (both in per cent), one row per
            run: dots are runs, lines their means.
        label: of what is varied, with its unit.
        accuracy: of the first panel: on which images.
        references: named accuracies, drawn as horizontal lines.
        linear_below: x is on a log scale; with zeros among it, linear below this value.
    """
    if table.empty:
        return _pending()
    figure, panels = plt.subplots(1, 2, figsize=(WIDTH, 3.2))
    measures = {"accuracy": accuracy, "left": "first layer left (%)"}
    for axes, (column, title) in zip(panels, measures.items(), strict=True):
        for number, (name, runs) in enumerate(table.groupby("series", sort=False)):
            shade = COLOURS.get(f"S-FC, {name}", COLOURS.get(str(name), PALETTE[number % 10]))
            axes.plot(runs.x, runs[column], "o", color=shade, ms=4, alpha=0.6)
            mean = runs.groupby("x")[column].mean()
            axes.plot(mean.index, mean, color=shade, label=name)
        if linear_below is None:
            axes.set_xscale("log")
        else:
            axes.set_xscale("symlog", linthresh=linear_below)
        axes.set(xlabel=label, ylabel=title)
        places = sorted(table.x.unique())
        labels = [
            f"{place:g}" if place >= 1e-3 or not place else f"{place:.0e}" for place in places
        ]
        labels = [label.replace("e-0", "e-") for label in labels]
        size = "medium" if len(places) < 8 else "x-small"
        axes.set_xticks(places, labels, minor=False, fontsize=size)
        axes.minorticks_off()
    for (name, value), style in zip((references or {}).items(), ("--", ":", "-."), strict=False):
        panels[0].axhline(value, color="0.4", ls=style, lw=1, label=name)
    panels[1].set_ylim(bottom=0)
    _legend_of(figure, panels[0], columns=4)
    return figure


def forest(table: pd.DataFrame, label: str) -> Figure:
    """Draw differences with their intervals, a row for each cell, beside the line of no difference.

    Args:
        table: columns `cell`, `contrast` (a colour each), `mean` and `half_width`.
        label: of the axis, with the unit.
    """
    if table.empty:
        return _pending()
    cells = list(dict.fromkeys(table.cell))
    figure, axes = plt.subplots(figsize=(WIDTH, 0.36 * len(cells) + 1.2))
    contrasts = list(dict.fromkeys(table.contrast))
    for number, contrast in enumerate(contrasts):
        rows = table[table.contrast == contrast]
        height = [len(cells) - cells.index(name) + 0.12 * (1 - 2 * number) for name in rows.cell]
        axes.errorbar(
            rows["mean"], height, xerr=rows.half_width.fillna(0), fmt="os"[number % 2], ms=5,
            color=_shade(number), label=contrast,
        )  # fmt: skip
    axes.axvline(0, color="0.6", lw=1, zorder=0)
    axes.set_yticks(range(len(cells), 0, -1), cells)
    axes.set_xlabel(label)
    axes.grid(axis="y", color="0.93")
    _legend_of(figure, axes, columns=2)
    return figure


def gains(
    table: pd.DataFrame,
    lines: Mapping[str, tuple[float, float]],
    known: Mapping[str, float],
    width: int,
) -> Figure:
    """Draw gains against the width, and the lines through them as far as the paper's width.

    Args:
        table: columns `x` (α), `gain` (points) and `contrast` (a colour each), one row per run.
        lines: for a contrast, slope per doubling of α, and height at α = 1.
        known: for a contrast, the paper's gain at its width.
        width: the paper's.
    """
    if table.empty:
        return _pending()
    figure, axes = plt.subplots(figsize=(WIDTH, 3.4))
    largest = table["x"].max()
    for number, contrast in enumerate(dict.fromkeys(table.contrast)):
        runs, shade = table[table.contrast == contrast], _shade(number)
        axes.plot(runs["x"], runs.gain, "os"[number % 2], color=shade, ms=5, label=contrast)
        if contrast in lines:
            slope, start = lines[contrast]
            for ends, style in (((1, largest), "-"), ((largest, width), "--")):
                axes.plot(ends, start + slope * np.log2(ends), style, color=shade, lw=1)
        if contrast in known:
            axes.plot(width, known[contrast], "x", color=shade, ms=8, mew=2)
    axes.plot([], [], "x", color="0.3", ms=8, mew=2, label=f"the paper, {PAPER_EPOCHS} epochs")
    axes.plot([], [], "--", color="0.3", lw=1, label="the line, where nothing was run")
    axes.axhline(0, color="0.6", lw=1, zorder=0)
    axes.set(xscale="log", xlabel="base channels α", ylabel="gain of β = 50 (points)")
    places = [*sorted(table["x"].unique()), width]
    axes.set_xticks(places, [f"{place:g}" for place in places], minor=False)
    axes.minorticks_off()
    _legend_of(figure, axes, columns=2)
    return figure


def first_layers(units: pd.DataFrame, pairs: pd.DataFrame) -> Figure:
    """Draw how many weights the units of first layers have, and how close together these lie.

    Args:
        units: columns `series`, `weights` (a range, in words) and `share` (per cent of the units).
        pairs: as in `pair_correlation`; a series that is not among the units is drawn in black.
    """
    if units.empty:
        return _pending()
    figure, (left, right) = plt.subplots(1, 2, figsize=(WIDTH, 3.5))
    ranges = list(dict.fromkeys(units.sort_values("weights", key=_lowest).weights))
    names = list(units.series.unique())
    # a scale of colours, for the series have an order; without its yellow, too light for a line
    scale = sns.color_palette("plasma_r", len(names) + 1)[1:]
    shades = dict(zip(names, scale, strict=True))
    for name, here in units.groupby("series", sort=False):
        places, shade = here.weights.map(ranges.index), shades[str(name)]
        left.plot(places, here.share, "o-", ms=4, color=shade, label=name)
    left.set_xticks(range(len(ranges)), ranges, rotation=45, ha="right", fontsize="small")
    left.set(xlabel="weights of a unit", ylabel="units (%)", ylim=(0, None))
    _pair_correlation(right, pairs, dict.fromkeys(pairs.series, "black") | shades)
    _legend_of(figure, right, columns=2)
    return figure


def _lowest(ranges: pd.Series) -> pd.Series:
    return ranges.str.split("–").str[0].astype(int)


def pair_correlation(table: pd.DataFrame) -> Figure:
    """Draw pair correlations: a line for each run, a colour for each series, chance at 1.

    Args:
        table: columns `series`, `run_id`, `distance` (pixels) and `ratio`.
    """
    if table.empty:
        return _pending()
    figure, axes = plt.subplots(figsize=(WIDTH, 3.8))
    names = [str(name) for name in table.series.unique()]
    own = {name: COLOURS[name] for name in names if name in COLOURS}
    others = (shade for shade in PALETTE if shade not in own.values())
    _pair_correlation(axes, table, {name: own.get(name) or next(others) for name in names})
    _legend_of(figure, axes, columns=2)
    return figure


def _pair_correlation(axes: Axes, table: pd.DataFrame, shades: Mapping[str, ColorType]) -> None:
    for name, runs in table.groupby("series", sort=False):
        for _, run in runs.groupby("run_id"):
            axes.plot(run.distance, run.ratio, color=shades[str(name)], lw=1.2, label=name)
    axes.axhline(1, color="0.6", lw=1, zorder=0)
    axes.set(yscale="log", xlabel="distance (pixels)", ylabel="pairs of pixels / chance")
    axes.set_ylim(bottom=max(0.1, axes.get_ylim()[0]))
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.minorticks_off()


def laws(history: pd.DataFrame, forecasts: Mapping[str, pd.DataFrame]) -> Figure:
    """Draw what is left of the first layer, what returns to it, and its norm, beside two laws.

    Args:
        history: columns `method`, `run_id`, `epoch`, `left` (per cent), `revived_conv1` and
            `shrunk` (the layer's norm over its norm at the first recorded epoch).
        forecasts: for a method, columns `epoch`, `left` (per cent) and `dead_zone`.
    """
    figure, panels = plt.subplots(2, 2, figsize=(WIDTH, 5.2), sharex=True)
    shown = {"left": "first layer left (%)", "revived_conv1": "returned in the epoch"}
    for axes, (column, title) in zip(panels.flat, shown.items(), strict=False):
        for (method, _), run in history.groupby(["method", "run_id"], sort=False):
            axes.plot(run.epoch, run[column], color=colour(method), lw=1, label=method)
        axes.set(ylabel=title)
    for (method, _), run in history.groupby(["method", "run_id"], sort=False):
        panels[1, 1].plot(run.epoch, run.shrunk, color=colour(method), lw=1)
    for method, law in forecasts.items():
        panels[0, 0].plot(law.epoch, law.left, "--", color=colour(method), lw=1.3)
        panels[1, 0].plot(law.epoch, law.dead_zone, "--", color=colour(method), lw=1.3)
    panels[0, 0].plot([], [], "k--", lw=1.3, label="the laws, without data")
    panels[0, 1].set_yscale("symlog", linthresh=1)
    panels[1, 0].set(yscale="log", ylabel="gradient needed to return")
    panels[1, 1].set(ylabel="norm / norm after one epoch", ylim=(0, None))
    for axes in panels[1]:
        axes.set_xlabel("epoch")
    _legend_of(figure, panels[0, 0], columns=4)
    return figure


def scatter(table: pd.DataFrame, label: str, unit: str) -> Figure:
    """Draw one number of each run against another, with its interval.

    Args:
        table: columns `x` (logarithmic), `y`, `ci95`, `method` (its colour), `augmented` (filled)
            and `loss` (its marker).
        label: of the horizontal axis.
        unit: of the vertical one.
    """
    if table.empty:
        return _pending()
    figure, axes = plt.subplots(figsize=(WIDTH, 3.8))
    colours = dict(zip(dict.fromkeys(table.method), PALETTE, strict=False))
    markers = dict(zip(dict.fromkeys(table.loss), "oD", strict=False))
    for (method, loss, augmented), runs in table.groupby(["method", "loss", "augmented"]):
        hue = colours[method]
        axes.errorbar(
            runs.x, runs.y, yerr=runs.ci95, fmt=markers[loss], ms=5, lw=0.8, alpha=0.8,
            color=hue, mfc=hue if augmented else "white",
        )  # fmt: skip
    keys = [({"marker": "s", "color": hue}, name) for name, hue in colours.items()]
    keys += [({"marker": m, "color": "0.3", "mfc": "white"}, name) for name, m in markers.items()]
    keys.append(({"marker": "o", "color": "0.3"}, "filled: with augmentation"))
    handles = [plt.Line2D([], [], ls="", label=name, **style) for style, name in keys]
    figure.legend(handles=handles, loc="outside upper left", ncols=3)
    axes.axhline(0, color="0.6", lw=1, zorder=0)
    axes.set(xscale="log", xlabel=label, ylabel=unit)
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.minorticks_off()
    return figure


def speed(table: pd.DataFrame) -> Figure:
    """Draw the time of a step relative to the dense one against the density, both logarithmic.

    Args:
        table: columns `base_channels`, `density` (per cent), `mode` and `ratio`.
    """
    if table.empty:
        return _pending()
    figure, axes = plt.subplots(figsize=(WIDTH, 3.2))
    modes = dict(zip(dict.fromkeys(table["mode"]), PALETTE, strict=False))
    widths = dict(zip(dict.fromkeys(table.base_channels), ("-", "--", ":"), strict=False))
    for (mode, width), runs in table.groupby(["mode", "base_channels"], sort=False):
        axes.plot(
            runs.density, runs.ratio, widths[width], marker="o", ms=4, color=modes[mode],
            label=f"{mode}, α = {width}",
        )  # fmt: skip
    axes.axhline(1, color="0.5", lw=1)
    axes.set(xscale="log", xlabel="weights left in the first layer (%)")
    axes.set(ylabel="time of a step / dense", ylim=(0, None))
    axes.set_xticks(sorted(set(table.density)), [f"{d:g}" for d in sorted(set(table.density))])
    axes.minorticks_off()
    _legend_of(figure, axes, columns=2)
    return figure


def _shade(number: int) -> tuple[float, float, float]:
    """Return the colour of the n-th contrast: colours that no two neighbours share."""
    return PALETTE[(0, 1, 2, 4)[number % 4]]


def _pending() -> Figure:
    """Return a figure that says that its runs have not been made."""
    figure, axes = plt.subplots(figsize=(WIDTH, 0.8))
    axes.text(0.5, 0.5, "pending: not run yet", ha="center", va="center", style="italic")
    axes.set_axis_off()
    return figure


def _thousands(count: float, _: int) -> str:
    for unit, size in (("M", 1_000_000), ("k", 1000)):
        if count >= size:
            return f"{count / size:g} {unit}"
    return f"{count:g}"


def _legend_of(figure: Figure, axes: Axes, *, columns: int) -> None:
    handles, labels = axes.get_legend_handles_labels()
    unique = dict(zip(labels, handles, strict=True))
    figure.legend(unique.values(), unique.keys(), loc="outside upper left", ncols=columns)


def recovery(cells: pd.DataFrame, lines: pd.DataFrame, names: pd.DataFrame) -> Figure:
    """Draw the share recovered over β and λ as a heat map, a panel for each schedule.

    Rows and columns are those of the grid; lines are interpolated between them on log scales.

    Args:
        cells: columns `schedule`, `beta`, `l1` and `recovered`, one row for each cell.
        lines: boundaries between the predicted regions: `schedule`, `line`, `l1`, `beta`.
        names: of the predicted regions, and where they stand: `schedule`, `region`, `l1`, `beta`.
    """
    figure, panels = _panels(cells.schedule, (WIDTH, 4.9))
    colours = ListedColormap(sns.color_palette("Blues", 320)[:256])
    for axes, (schedule, here) in zip(panels, cells.groupby("schedule", sort=False), strict=True):
        grid = here.pivot(index="beta", columns="l1", values="recovered")
        image = axes.imshow(grid, cmap=colours, vmin=0, vmax=1, origin="lower", aspect="auto")
        for name, line in lines[lines.schedule == schedule].groupby("line", sort=False):
            places = np.interp(np.log(line.beta), *_log_places(grid.index))
            axes.plot(np.arange(len(line)), places, LINES[str(name)], color="k", lw=1.3, label=name)
        for row in names[names.schedule == schedule].itertuples():
            place = grid.columns.get_loc(row.l1), grid.index.get_loc(row.beta)
            axes.text(*place, row.region, ha="center", va="center", bbox=LABEL)
        axes.set_xticks(range(grid.shape[1]), [f"{value:g}" for value in grid.columns])
        axes.set_yticks(range(grid.shape[0]), [f"{value:g}" for value in grid.index])
        axes.set(xlabel="penalty λ", title=f"{schedule} step size")
    panels[0].set_ylabel("β: threshold in units of λ")
    figure.colorbar(image, ax=panels, label="share of problems recovered", aspect=40)
    _legend_of(figure, panels[0], columns=4)
    return figure


def support(curves: pd.DataFrame, lr: float) -> Figure:
    """Draw how often which support is found, and how far the solution is, against β.

    Args:
        curves: columns `observations` (a column of panels each), `optimizer`, `schedule`, `beta`,
            `recovered`, `true_support`, `distance_mean`, and `lasso_true_support`, the exact
            LASSO's share of solutions with the true feature alone.
        lr: η, marked on the axis.
    """
    figure, panels = plt.subplots(
        2, curves.observations.nunique(), figsize=(WIDTH, 5.2), sharex=True, sharey="row"
    )
    for (size, here), (above, below) in zip(
        curves.groupby("observations", sort=False), panels.T, strict=True
    ):
        for schedule, style in {"constant": "-", "cosine": "--"}.items():
            run = here[here.schedule == schedule]
            lasso, proximal = (run[run.optimizer == o] for o in ("beta-lasso", "proximal-l1"))
            places = np.arange(len(lasso))
            for column, (label, shade) in SUPPORTS.items():
                width = 3 if column == "recovered" else 1.3
                name = f"{label}, {schedule}"
                above.plot(places, lasso[column], style, color=shade, lw=width, label=name)
            below.plot(places, lasso.distance_mean, style, color=PALETTE[0])
            below.axhline(proximal.distance_mean.item(), color=PALETTE[4], ls=style, lw=1)
        above.axhline(here.lasso_true_support.iloc[0], color="0.4", ls=":", label=EXACT)
        above.set_title(f"N = {size}")
        for axes in (above, below):
            axes.axvline(np.interp(np.log(lr), *_log_places(lasso.beta)), color="0.85", zorder=0)
        below.set_xticks(places[::2], [f"{beta:g}" for beta in lasso.beta[::2]])
        below.set(yscale="log", xlabel="β: threshold in units of λ")
    panels[0, 0].set_ylabel("share of problems")
    panels[1, 0].set_ylabel("mean distance")
    panels[0, 0].plot([], [], color=PALETTE[4], lw=1, label="below: proximal ℓ1")
    _legend_of(figure, panels[0, 0], columns=2)
    return figure


def forecast(cells: pd.DataFrame) -> Figure:
    """Draw the expected against the observed share recovered, a dot for each cell.

    Args:
        cells: columns `observations` (a panel each), `schedule`, `expected`, `recovered`.
    """
    figure, panels = _panels(cells.observations, (WIDTH, 3.6))
    for axes, (size, here) in zip(panels, cells.groupby("observations", sort=False), strict=True):
        axes.plot([0, 1], [0, 1], color="0.8", zorder=0)
        for (schedule, run), marker in zip(
            here.groupby("schedule", sort=False), "ox", strict=False
        ):
            axes.plot(run.expected, run.recovered, marker, mfc="none", ms=5, label=schedule)
        axes.set(xlabel="share expected", title=f"N = {size}", aspect="equal")
    panels[0].set_ylabel("share recovered")
    _legend_of(figure, panels[0], columns=2)
    return figure


def starts(cells: pd.DataFrame, curve: pd.DataFrame) -> Figure:
    """Draw the share recovered against the scale of the start, in units of what survives.

    Args:
        cells: columns `ratio`, `recovered` and `scale` (a colour each).
        curve: what theory says: columns `ratio`, `share`, and `low` and `high`, its interval.
    """
    figure, axes = plt.subplots(figsize=(WIDTH, 3.6))
    axes.fill_between(curve.ratio, curve.low, curve.high, color="0.9", lw=0)
    axes.plot(curve.ratio, curve.share, color="0.4", label="theory, N → ∞")
    for (scale, here), marker in zip(cells.groupby("scale"), "osD^v", strict=False):
        axes.plot(here.ratio, here.recovered, marker, mfc="none", label=f"start of scale {scale:g}")
    axes.set(xscale="log", xlabel="scale of the start / smallest start that survives")
    axes.set_ylabel("share of problems recovered")
    _legend_of(figure, axes, columns=4)
    return figure


LINES = {"β = η/2": "-.", "β = η": "-", "β = η/λ": "--", "β = (2 − 2λ)/λ": ":"}
LABEL = {"boxstyle": "round,pad=0.15", "facecolor": "white", "edgecolor": "none", "alpha": 0.8}
SUPPORTS = {
    "recovered": ("the LASSO's support", PALETTE[0]),
    "true_support": ("the true feature alone", PALETTE[1]),
}
EXACT = "the true feature alone, exact LASSO"


def _panels(values: pd.Series, size: tuple[float, float]) -> tuple[Figure, np.ndarray]:
    """Return a row of panels, one for each value, with one vertical axis."""
    figure, panels = plt.subplots(1, values.nunique(), figsize=size, sharey=True, squeeze=False)
    return figure, panels[0]


def _log_places(values: pd.Index | pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """Return logarithms of a grid's positive values, and their places on its axis."""
    grid = np.asarray(values, dtype=float)
    places = np.arange(len(grid))
    return np.log(grid[grid > 0]), places[grid > 0]
