"""The ladder: ways to few connections, and how much of the gap to S-LOCAL each closes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from lcs.analysis.names import DATASETS, NETWORKS, method_name
from lcs.analysis.style import PAGE_WIDTH, Axes, Figure, colour, subplots
from lcs.config import Config

if TYPE_CHECKING:
    import pandas as pd

    from lcs.analysis.compare import Share
    from lcs.stats import Interval

# by `Config.pruning`, of SGD
PRUNINGS = {
    "magnitude": "one-shot pruning",
    "rewinding": "iterative pruning",
    "gradual": "gradual pruning",
    "set": "SET",
    "rigl": "RigL",
    "snip": "SNIP",
    "random": "random mask",
    "windows": "S-LOCAL's windows",
    "random-windows": "windows at random",
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


def _named(config: Config, known: Mapping[str, str]) -> str:
    if config.source is None:
        return _way(config)
    data, _, run = config.source.partition("/")
    lasso = "β-LASSO" if "-beta-lasso-" in run else "tuned SGD"
    network = NETWORKS[run.partition("-a")[0]]
    source = known.get(config.source, lasso if network == "S-FC" else network)
    if data != config.dataset:
        source += f" on {DATASETS[data]}"
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
        name += f", from {config.l1_growth_from:.0%} on" if config.l1_growth_from else ""
    if config.schedule == "cosine-restart":
        name += ", restarted"
    return name + (", frozen zeros" if config.frozen_zeros else "")


def draw_ladder(
    shares: Mapping[str, Share],
    excess: Mapping[str, Interval] | None = None,
    *,
    also: Mapping[str, Share] | None = None,
) -> tuple[Figure, Axes]:
    """Draw the share of the gap that each way closes, the first at the bottom, and its locality.

    Args:
        shares: of `closed`, by names of `ways` or others that contain one.
        excess: the excess window share of some, in points: a second panel.
        also: shares at another budget: hollow.

    Returns:
        The figure, and the panel of the shares.
    """
    size = PAGE_WIDTH, 0.7 + 0.235 * len(shares)
    if excess is None:
        figure, axes = subplots(figsize=size)
    else:
        grid = {"width_ratios": [3, 1]}
        figure, (axes, local) = subplots(1, 2, figsize=size, sharey=True, gridspec_kw=grid)
        local.set(xlabel="excess window share", xlim=(0, 95))
        local.grid(axis="x", color="0.93")
    for place, (name, share) in enumerate(shares.items()):
        shade = _colour(name)
        if not math.isfinite(share.mean):
            axes.text(1, place, "pending", va="center", style="italic", color="0.4")
            continue
        axes.barh(place, share.mean, 0.6, color=shade, alpha=0.8)
        ends = [value for value in (share.low, share.high, share.mean) if math.isfinite(value)]
        axes.plot([min(ends), max(ends)], [place, place], color="0.25", lw=1.2)
        axes.text(max(*ends, 0) + 2, place, f"{share.mean:.0f}".replace("-", "−"), va="center")
        if also and name in also and math.isfinite(also[name].mean):
            axes.plot(also[name].mean, place, "D", ms=6, mfc="white", mec="black")
        if excess is not None and name in excess and math.isfinite(excess[name].mean):
            found = excess[name]
            local.errorbar(found.mean, place, xerr=found.half_width, fmt="o", ms=4.5, color=shade)
    axes.set_yticks(range(len(shares)), shares)
    axes.axvline(0, color="0.4", lw=1)
    axes.set(xlim=(-48, 128), xlabel="gap closed, from tuned SGD (0) to S-LOCAL (100 %)")
    return figure, axes


def _colour(name: str) -> str:
    """Return the colour of a rung: of windows that of S-LOCAL, else of the method it names."""
    if "windows" in name and "scattered" not in name:
        return colour("S-LOCAL")
    for method in ("β-LASSO", "plain ℓ1", "proximal ℓ1", "spred"):
        if method in name:
            return colour(method)
    return colour("S-CONV" if name.startswith("S-CONV") else "tuned SGD")
