"""The ladder: ways to few connections, and how much of the gap to S-LOCAL each closes."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from lcs.analysis.names import DATASETS, NETWORKS, method_name
from lcs.analysis.style import PAGE_WIDTH, Figure, colour, subplots
from lcs.analysis.tables import NONE
from lcs.config import Config

if TYPE_CHECKING:
    import pandas as pd

    from lcs.analysis.compare import Share

# by `Config.pruning`, of SGD
PRUNINGS = {
    "magnitude": "one-shot pruning",
    "rewinding": "iterative pruning",
    "gradual": "gradual pruning",
    "set": "SET",
    "rigl": "RigL",
    "snip": "SNIP",
    "random": "random mask",
    "windows": "mask of S-LOCAL's windows",
    "random-windows": "mask of windows at random",
}
# by `Config.l1_window`: outside which windows λ grows
WINDOWS = {"grid": "as in S-LOCAL", "initial": "at random", "learned": "that follow"}
# by `Config.start`: what is taken of another run, before its name
TAKEN = {
    "ticket": "masks and initial weights of",
    "mask": "masks of",
    "first-mask": "first layer's mask of",
    "rewired-mask": "rewired masks of",
    "rewired-first-mask": "rewired first mask of",
    "random-mask": "random masks, as many as",
    "first-layer": "first layer of",
    "frozen-first-layer": "frozen first layer of",
}
# a threshold so far above that of β-LASSO has hardly any ℓ1
NO_L1 = 1e4


def ways(runs: pd.DataFrame) -> pd.Series[str]:
    """Return the name of each run's way to its connections: training, pruning, masks or windows.

    Args:
        runs: of `load_runs`, with those that others start from, as far as these shall be named by
            their pruning.
    """
    known = {config.as_source: _way(config) for config in dict.fromkeys(runs.condition)}
    return runs.condition.map(lambda config: _named(config, known)).astype(object)


class Groups(dict[str, "pd.DataFrame"]):
    """Runs by a name; a name that is not there has none."""

    def __missing__(self, name: str) -> pd.DataFrame:
        from lcs.analysis.runs import frame

        return next(iter(self.values())).iloc[:0] if self else frame([])


def by_way(runs: pd.DataFrame) -> Groups:
    """Return the runs of each way, by its name, on the first of their data sets.

    Networks that others start from, shorter than dense SGD, are left out.
    """
    runs = runs[runs.dataset.isin(runs.dataset.iloc[:1])]
    named = runs.assign(way=ways(runs))
    short = named.epochs < named.epochs[named.way == "tuned SGD"].max()
    return Groups(list(named[~short | named.source.notna()].groupby("way", sort=False)))


def _named(config: Config, known: Mapping[str, str]) -> str:
    if config.source is None:
        return _way(config)
    dataset, _, run = config.source.partition("/")
    lasso = "β-LASSO" if "-beta-lasso-" in run else "tuned SGD"
    network = NETWORKS[run.partition("-a")[0]]
    source = known.get(config.source, lasso if network == "S-FC" else network)
    if dataset != config.dataset:
        source += f" on {DATASETS[dataset]}"
    if config.start == "pruned-network":
        return f"{source}, refitted"
    if config.start in TAKEN:
        return f"{TAKEN[config.start]} {source}"
    return f"{method_name(config)}, from {source}"


def _way(config: Config) -> str:
    """Return the name of a run that starts from random weights."""
    name = method_name(config)
    if config.pruning in ("windows", "random-windows"):
        thinned = config.density < 0.99 * config.window_share
        return PRUNINGS[config.pruning] + (", thinned" if thinned else "")
    if config.pruning != "none":
        return PRUNINGS[config.pruning] if config.optimizer == "sgd" else f"{name}, pruned once"
    if config.beta >= NO_L1:
        return "threshold without ℓ1"
    if config.l1_growth:
        size = config.l1_window_size
        place = "scattered" if config.permute_pixels else WINDOWS[config.l1_window]
        name += f", windows {place}" + (f", {size} × {size}" if size else "")
        if config.l1_growth_from:
            name += f", after {100 * config.l1_growth_from:g} %"
    if config.schedule == "cosine-restart":
        name += ", restarted"
    return name + (", frozen zeros" if config.frozen_zeros else "")


def ladder_table(of: Groups) -> pd.DataFrame:
    """Return a row for each way: its weights and cost, what it gains, and its filters' locality."""
    import pandas as pd

    from lcs.analysis import columns
    from lcs.analysis.compare import by_condition, closed

    told: dict[str, Callable[[pd.DataFrame], object]] = {
        "epochs": lambda own: own.epochs.iloc[0],
        "weights, layers 1 and 2": columns.weights,
        "over β-LASSO": lambda own: columns.over(own, of["β-LASSO"]),
        "10¹² FLOPs": columns.flops,
        "excess (points)": columns.excess,
        "filters with no, with 20 weights": columns.units,
        "neighbours": columns.near,
    }
    if "S-LOCAL" in of:
        ends = {name: of[name] for name in ("tuned SGD", "S-LOCAL")}
        told["gap closed (%)"] = lambda own: (
            NONE if own.way.iloc[0] in ends else f"{closed(own, *ends.values())}"
        )
    runs = pd.concat([own.assign(method=way) for way, own in of.items()])
    return by_condition(runs, columns=told)


def draw_ladder(
    shares: Mapping[str, Share],
    runs: Mapping[str, pd.DataFrame] | None = None,
    *,
    title: str,
    also: Mapping[str, Share] | None = None,
) -> Figure:
    """Draw the share of the gap that each way closes, the first at the bottom, and its locality.

    Args:
        shares: of `closed`, by names of `ways` or others that contain one.
        runs: whose excess window share a second panel shows, by the same names.
        title: what the figure shows.
        also: shares at another budget: hollow.
    """
    from lcs.analysis.compare import interval

    figure, panels = subplots(
        1,
        2 if runs else 1,
        figsize=(PAGE_WIDTH, 0.8 + 0.22 * len(shares)),
        sharey=True,
        squeeze=False,
        width_ratios=[3, 1] if runs else [1],
    )
    axes, local = panels[0, 0], panels[0, -1]
    for place, (name, share) in enumerate(shares.items()):
        shade, other = _colour(name), (also or {}).get(name, share)
        if math.isfinite(share.mean):
            axes.barh(place, share.mean, 0.6, color=shade, alpha=0.8)
            ends = [value for value in share[:3] if math.isfinite(value)]
            axes.plot([min(ends), max(ends)], [place, place], color="0.25", lw=1.2)
            shown = f"{share.mean:.0f}".replace("-", "−")
            axes.text(min(max(*ends, 0) + 2, 118), place, shown, va="center")
        if other is not share and math.isfinite(other.mean):
            axes.plot(other.mean, place, "D", ms=6, mfc="white", mec="black")
        elif not math.isfinite(share.mean):
            axes.text(2, place, "pending", va="center", style="italic", color="0.4")
        found = interval(runs[name].excess) if runs and name in runs else None
        if found and math.isfinite(found.mean):
            local.errorbar(found.mean, place, xerr=found.half_width, fmt="o", ms=4.5, color=shade)
    axes.set_yticks(range(len(shares)), shares)
    axes.axvline(0, color="0.4", lw=1)
    xlabel = "gap closed (%)" if runs else "gap closed, from tuned SGD (0) to S-LOCAL (100 %)"
    axes.set(xlim=(-48, 128), ylim=(-0.6, len(shares) - 0.4), xlabel=xlabel)
    if runs:
        local.set(xlabel="excess (points)", xlim=(0, 90))
        local.tick_params(left=False)
        local.grid(axis="x", color="0.93")
    figure.suptitle(title, x=0.01, ha="left", weight="bold", size="medium")
    return figure


def _colour(name: str) -> str:
    """Return the colour of a rung: of windows that of S-LOCAL, else of the method it names."""
    if "windows" in name and "scattered" not in name:
        return colour("S-LOCAL")
    for method in ("β-LASSO", "threshold", "plain ℓ1", "proximal ℓ1", "spred"):
        if method in name:
            return colour("β-LASSO" if method == "threshold" else method)
    return colour("S-CONV" if name.startswith("S-CONV") else "tuned SGD")
