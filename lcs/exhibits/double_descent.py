"""Does test accuracy fall and rise again along the epochs? Epoch-wise double descent, by a rule.

A condition shows it if the mean over seeds of its test accuracy, smoothed, drops from its maximum
so far by more than some points, and later rises above that maximum, both by more than the 95 %
interval of the differences over seeds. The records have no test loss.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from lcs.config import Config
from lcs.exhibits import find_study
from lcs.exhibits.shared import compare, tables
from lcs.exhibits.shared.methods import B0, B50, SGD, method
from lcs.exhibits.shared.plots import style
from lcs.exhibits.shared.settings import RECIPE, REPRODUCTION
from lcs.exhibits.shared.tables import Table
from lcs.runs import Record, RunStore
from lcs.stats import Interval, mean_interval

# of other chapters, by setting
SOURCES = {REPRODUCTION.name: ("length", "table2", "reproduction"), RECIPE.name: ("scaling-own",)}
METHODS = (SGD, B0, B50)
# of the figure: setting, α and epochs
PANELS = ((REPRODUCTION.name, 1, 400), (REPRODUCTION.name, 4, 100), (RECIPE.name, 8, 200))


class Descent(NamedTuple):
    """The drop and the recovery of a course: at which epochs, and in points, paired by seed.

    `peak` is the epoch of the maximum before the drop, `trough` of its end; `recovery` is the later
    maximum less that at `peak`.
    """

    peak: int
    trough: int
    drop: Interval
    recovery: Interval

    def is_double(self, least: float) -> bool:
        """Return whether the drop exceeds `least` points, and both exceed their intervals."""
        found = (self.drop, self.recovery)
        return self.drop.mean > least and all(
            one.half_width is not None and one.mean > one.half_width for one in found
        )


def descent(epochs: Sequence[int], accuracies: npt.NDArray[np.float64], least: float) -> Descent:
    """Return the largest drop of a course that is a double descent, or else the largest of all.

    The accuracies are smoothed, in per cent, shape (seeds, epochs); a drop of fewer than `least`
    points is none.
    """
    mean = accuracies.mean(0)
    found = []
    for trough in range(len(mean)):
        peak = int(mean[: trough + 1].argmax())
        after = trough + int(mean[trough:].argmax())
        start, bottom, end = (accuracies[:, place] for place in (peak, trough, after))
        drop, recovery = mean_interval(start - bottom), mean_interval(end - start)
        found.append(Descent(epochs[peak], epochs[trough], drop, recovery))
    return max(found, key=lambda one: (one.is_double(least), one.drop.mean))


def runs_by_setting(store: RunStore) -> dict[str, list[Record]]:
    """Return the runs of SGD, β = 0 and β = 50 by setting, as far as they have been made."""
    return {
        setting: [
            run
            for study in studies
            for run in find_study(study).stored("desk", store)
            if method(run.config) in METHODS
        ]
        for setting, studies in SOURCES.items()
    }


def descents(
    runs: Mapping[str, Sequence[Record]], window: int, least: float
) -> dict[tuple[str, Config], Descent]:
    """Return the descent of each setting and condition: by setting, width, length and method."""
    found = {}
    for setting, records in runs.items():
        groups = compare.conditions(records)
        for config in sorted(
            groups, key=lambda c: (c.base_channels, c.epochs, METHODS.index(method(c)))
        ):
            epochs, accuracies = compare.course(groups[config], "test_accuracy", window)
            found[setting, config] = descent(epochs, 100 * accuracies, least)
    return found


def descent_table(runs: Mapping[str, Sequence[Record]], window: int, least: float) -> Table:
    """Return the largest drop of each condition and what follows it."""
    name, what = "tab-descent", "the largest drop of the test accuracy along the epochs"
    found = descents(runs, window, least)
    if not found:
        return tables.pending_table(name, what, "lcs study table2")
    rows = [
        [
            setting,
            f"{config.base_channels}",
            f"{config.epochs}",
            method(config).shortest,
            f"{one.peak}, {one.trough}",
            tables.signed(-one.drop),
            tables.signed(one.recovery),
            "yes" if one.is_double(least) else "no",
            f"{one.drop.n}",
        ]
        for (setting, config), one in found.items()
    ]
    caption = (
        f"The largest drop of the smoothed test accuracy (the mean of {window} successive recorded "
        "epochs) below its maximum so far, from and to which epoch, and its later maximum against "
        "that one, in points: means over n seeds of S-FC on CIFAR-10, 95 % intervals. A double "
        f"descent is a drop of more than {least:.1f} points with a recovery above the earlier "
        "maximum, both beyond their intervals."
    )
    columns = ["setting", "α", "epochs", "method", "from, to", "drop"]
    columns += ["later maximum", "double", "n"]
    return Table(name, caption, columns, rows, text=["method", "double"])


def numbers(runs: Mapping[str, Sequence[Record]], window: int, least: float) -> dict[str, str]:
    """Return the numbers of the prose."""
    found = descents(runs, window, least)
    first = {
        method(config): one
        for (setting, config), one in found.items()
        if (setting, config.base_channels, config.epochs) == PANELS[0]
    }
    sgd = first.get(SGD)
    return {
        "descent-conditions": f"{len(found)}",
        "descent-double": f"{sum(one.is_double(least) for one in found.values()) or 'none'}",
        "drop-sgd": tables.interval(sgd.drop) if sgd else tables.PENDING,
    }


def course_figure(runs: Mapping[str, Sequence[Record]], window: int) -> style.Figure:
    """Draw smoothed test accuracy along the epochs, the mean over seeds: a panel each."""
    if not any(runs.values()):
        return style.pending()
    figure, grid = style.subplots(1, len(PANELS), figsize=(style.PAGE_WIDTH, 2.7))
    for axes, panel in zip(grid, PANELS, strict=True):
        setting, alpha, _ = panel
        for config, group in compare.conditions(runs[setting]).items():
            if (setting, config.base_channels, config.epochs) == panel:
                epochs, accuracies = compare.course(group, "test_accuracy", window)
                name, own = method(config).shortest, style.look(method(config))
                line = {"ls": own.line, "color": own.colour, "label": name}
                axes.plot(epochs, 100 * accuracies.mean(0), **line)
        axes.set(xlabel="epoch", xscale="log")
        axes.set_title(f"{setting}, α = {alpha}", fontsize="medium")
        style.label_log_axis(axes.xaxis)
    grid[0].set_ylabel("test accuracy (%)")
    style.add_legend(figure, grid[0], columns=4)
    return figure
