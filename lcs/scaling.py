"""What the chapter `scaling` shows: the paper's recipe, at every width that a laptop holds."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from scipy.special import stdtrit

from lcs import plots, published, tables
from lcs.compare import (
    PENDING,
    Conditions,
    as_sgd,
    by_seed,
    comparison,
    conditions,
    field_text,
    left,
    signed_or_pending,
    sweep_frame,
    without_threshold,
)
from lcs.config import Config
from lcs.exhibits import accuracies, beta_lasso_name, by_method
from lcs.measure import SIGNIFICANCE, Interval, holm, mean_interval, p_value, paired_difference
from lcs.plots import LAYERS
from lcs.runs import Record
from lcs.studies import method
from lcs.tables import Table

SGD, LOCAL = "S-FC, SGD", "S-LOCAL, SGD"
LASSO = "S-FC, proximal ℓ1"
B0, B1, B50 = map(beta_lasso_name, (0, 1, 50))
PAPER_WIDTH = 150
# hyperparameters that the search varies
SEARCHED = ("momentum", "weight_decay", "l1", "l1_rest")


# The search on validation images


def choices(records: Sequence[Record]) -> dict[str, Record]:
    """Return the candidate of each method that is best on the validation images."""
    groups = by_method(records)
    return {name: max(runs, key=lambda run: run.accuracy) for name, runs in groups.items()}


def choices_table(records: Sequence[Record]) -> Table:
    """Return what was chosen for each method, beside the worst and the best of its candidates."""
    name, what = "tab-choices", "hyperparameters of each method, chosen on validation images"
    if not records:
        return tables.pending_table(name, what, "lcs study search")
    groups = by_method(records)
    rows = [
        [
            method_name,
            f"{len(groups[method_name])}",
            *(field_text(best.config, field) for field in SEARCHED),
            f"{min(accuracies(groups[method_name])):.2f}",
            f"{100 * best.accuracy:.2f}",
            tables.link(best),
        ]
        for method_name, best in choices(records).items()
    ]
    config: Config = records[0].config
    caption = (
        "Hyperparameters of each method, chosen on validation images, the last tenth of each "
        f"class of {config.dataset}'s training images. "
        f"α = {config.base_channels}, {config.epochs} epochs, one run for each candidate; "
        "accuracy on the validation images in per cent."
    )
    columns = ["method", "candidates", "momentum", "weight decay"]
    columns += ["λ, first layer", "λ, other layers", "worst", "best", "run"]
    return Table(name, caption, columns, rows)


def search_frame(records: Sequence[Record]) -> pd.DataFrame:
    """Return `sweep_frame` over λ of the first layer, a series for each method that has one."""
    sparse = [record for record in records if record.config.optimizer != "sgd"]
    return sweep_frame(sparse, lambda c: c.l1, lambda c: method(c).removeprefix("S-FC, "))


# Growing width


def by_width(records: Sequence[Record]) -> dict[int, dict[str, list[Record]]]:
    """Group records by width, from the smallest on, and within a width by method."""
    widths = sorted({record.config.base_channels for record in records})
    return {
        width: by_method([r for r in records if r.config.base_channels == width])
        for width in widths
    }


def scaling_table(records: Sequence[Record]) -> Table:
    """Return the accuracy of every method at every width, and the paper's."""
    name, what = "tab-scaling", "test accuracy by the paper's recipe at growing width"
    if not records:
        return tables.pending_table(name, what, "lcs study scaling")
    widths = by_width(records)
    rows = [
        [
            method_name,
            *(
                tables.interval(mean_interval(accuracies(at[method_name])))
                for at in widths.values()
            ),
            tables.published(published.table2(method_name).cifar10),
        ]
        for method_name in by_method(records)
    ]
    columns = ["method", *(f"α = {width}" for width in widths), "paper, α ≈ 150"]
    caption = (
        f"Test accuracy by the paper's recipe at growing width, in per cent. {_setting(records)}; "
        "the paper's: 4000 epochs."
    )
    return Table(name, caption, columns, rows)


def left_table(records: Sequence[Record]) -> Table:
    """Return what is left of each layer at every width, for the methods that make zeros."""
    name, what = "tab-scaling-left", "weights left at growing width"
    if not records:
        return tables.pending_table(name, what, "lcs study scaling")
    widths = by_width(records)
    sparse = [m for m, runs in by_method(records).items() if _makes_zeros(runs[0].config)]
    rows = [
        [m, title, *(f"{np.mean(left(at[m], layer)):.2f}" for at in widths.values())]
        for m in sparse
        for layer, title in LAYERS.items()
    ]
    columns = ["method", "layer", *(f"α = {width}" for width in widths)]
    caption = (
        "Weights left at growing width, per cent of each layer after the last epoch. "
        f"{_setting(records)}."
    )
    return Table(name, caption, columns, rows, text=["layer"])


def _makes_zeros(config: Config) -> bool:
    return config.optimizer == "proximal-l1" or config.beta > 0


def _setting(records: Sequence[Record]) -> str:
    config: Config = records[0].config
    n = len({record.config.seed for record in records})
    return f"{config.dataset}, {config.epochs} epochs, n = {n}, mean ± 95 % interval over seeds"


CONTRASTS = {
    "β = 50 over SGD": (B50, SGD),
    "β = 50 over β = 0": (B50, B0),
    "β = 50 over β = 1": (B50, B1),
    "β = 50 over proximal ℓ1": (B50, LASSO),
    "β = 0 over SGD": (B0, SGD),
    "S-LOCAL over β = 50": (LOCAL, B50),
}


def gains_table(records: Sequence[Record]) -> Table:
    """Return differences between methods at every width, corrected for many comparisons."""
    name, what = "tab-scaling-gains", "who is ahead of whom at growing width"
    if not records:
        return tables.pending_table(name, what, "lcs study scaling")
    widths = by_width(records)
    gains = {
        (contrast, width): paired_difference(*(accuracies(at[name]) for name in pair))
        for contrast, pair in CONTRASTS.items()
        for width, at in widths.items()
    }
    adjusted = dict(zip(gains, holm([p_value(gain) for gain in gains.values()]), strict=True))
    rows = [
        [contrast, *(_bold(gains[contrast, w], adjusted[contrast, w]) for w in widths), theirs]
        for contrast, theirs in zip(CONTRASTS, _published_gains(), strict=True)
    ]
    closed = [*map(_closed, widths.values()), _paper_closed()]
    rows.append(["gap to S-LOCAL that β = 50 closes (%)", *closed])
    columns = ["difference", *(f"α = {width}" for width in widths), "paper, α ≈ 150"]
    caption = (
        "Who is ahead of whom at growing width, in points of test accuracy, paired by seed; bold "
        "where the interval leaves out zero after Holm's correction for the whole table. "
        f"{_setting(records)}. The last row is the gain of β = 50 over SGD as a share of S-LOCAL's."
    )
    return Table(name, caption, columns, rows)


def _bold(gain: Interval, p: float) -> str:
    return f"**{tables.signed(gain)}**" if p < SIGNIFICANCE else tables.signed(gain)


def _published_gains() -> list[str]:
    gains = [_of_paper(*pair) for pair in CONTRASTS.values()]
    return [tables.NONE if math.isnan(gain) else tables.published(_signed(gain)) for gain in gains]


def _signed(gain: float) -> str:
    return tables.signed(Interval(gain, None, 1))


def _closed(groups: Mapping[str, Sequence[Record]]) -> str:
    local, sparse, dense = (np.array(accuracies(groups[name])) for name in (LOCAL, B50, SGD))
    return tables.interval(mean_interval(100 * (sparse - dense) / (local - dense)), 0)


def _paper_closed() -> str:
    return tables.published(100 * _of_paper(B50, SGD) / _of_paper(LOCAL, SGD), 0)


def _of_paper(one: str, other: str) -> float:
    """Return by how many points a method is ahead of another in the paper."""
    found = (published.table2(name).cifar10 for name in (one, other))
    first, second = (math.nan if value is None else value for value in found)
    return first - second


def width_frame(records: Sequence[Record]) -> pd.DataFrame:
    """Return `sweep_frame` over the width, a series for each method."""
    return sweep_frame(records, lambda c: c.base_channels, method)


# The gain as a law of the width


class Law(NamedTuple):
    """A straight line through gains against log₂ α: its slope, and its height at the paper's α."""

    slope: Interval
    intercept: float
    forecast: Interval


def gains_by_width(records: Sequence[Record], other: str = SGD) -> pd.DataFrame:
    """Return the gain of β = 50 over another method: columns `x` (α), `seed`, `gain` (points)."""
    rows = []
    for width, groups in by_width(records).items():
        one, two = by_seed(groups.get(B50, [])), by_seed(groups.get(other, []))
        rows += [{"x": width, "seed": s, "gain": one[s] - two[s]} for s in one.keys() & two.keys()]
    return pd.DataFrame(rows, columns=["x", "seed", "gain"])


def law(gains: pd.DataFrame, width: float = PAPER_WIDTH) -> Law | None:
    """Fit gain = a + b log₂ α by least squares, with 95 % intervals from Student's t.

    Every run counts once. The interval of the forecast is that of the line, not of a single run,
    and holds only as far as the line does. None where fewer than three runs or two widths are.
    """
    x, y = np.log2(gains["x"].to_numpy(float)), gains["gain"].to_numpy(float)
    if len(x) < 3 or len(set(x)) < 2:
        return None
    slope, intercept = np.polyfit(x, y, 1)
    away, spread = np.log2(width) - x.mean(), ((x - x.mean()) ** 2).sum()
    deviation = np.sqrt(((y - intercept - slope * x) ** 2).sum() / (len(x) - 2))
    t = stdtrit(len(x) - 2, 1 - (1 - 0.95) / 2)
    half = t * deviation * np.sqrt([1 / spread, 1 / len(x) + away**2 / spread])
    forecast = intercept + slope * np.log2(width)
    return Law(
        Interval(float(slope), float(half[0]), len(x)),
        float(intercept),
        Interval(float(forecast), float(half[1]), len(x)),
    )


def gains_figure(records: Sequence[Record]) -> Figure:
    """Draw the gains over SGD and over β = 0 at every width, their lines, and the paper's gains."""
    named = {"over SGD": SGD, "over β = 0": B0}
    frames = {name: gains_by_width(records, other) for name, other in named.items()}
    fits = {name: law(frame) for name, frame in frames.items()}
    table = pd.concat([frame.assign(contrast=name) for name, frame in frames.items()])
    lines = {name: (fit.slope.mean, fit.intercept) for name, fit in fits.items() if fit}
    return plots.gains(table, lines, {name: _of_paper(B50, named[name]) for name in named})


def numbers(records: Sequence[Record]) -> dict[str, str]:
    """Return the numbers of the chapter's prose, in words: "pending" where there are no runs.

    The length; slope and forecast over SGD and over β = 0, and the paper's own gains.
    """
    words = {"epochs": f"{records[0].config.epochs}" if records else PENDING}
    for short, other in {"sgd": SGD, "zero": B0}.items():
        found = law(gains_by_width(records, other)) if records else None
        words[f"law-slope-{short}"] = signed_or_pending(found and found.slope)
        words[f"law-forecast-{short}"] = signed_or_pending(found and found.forecast)
        words[f"law-paper-{short}"] = _signed(_of_paper(B50, other))
    return words


# Length, and λ in its place


def reach_table(records: Sequence[Record]) -> Table:
    """Compare three lengths, and short runs that have the reach of the longest."""
    name, what = "tab-reach", "Training length, or a larger λ in its place"
    longest = _longest(conditions(records))
    references: dict[str, Callable[[Config], Config]] = {
        "SGD": as_sgd,
        "β = 0": without_threshold,
        "the longest": lambda config: longest.get(method(config), config),
    }
    fields = ["epochs", "l1", "l1_rest"]
    return comparison(name, records, fields, references, "lcs study reach", what)


def _longest(found: Conditions) -> dict[str, Config]:
    """Return, by the name of a method, the condition to compare with: the longest, by β = 50."""
    epochs = max((config.epochs for config in found), default=0)
    longest = {method(config): config for config in found if config.epochs == epochs}
    raised = {method(config): longest[B50] for config in found if method(config) not in longest}
    return longest | raised
