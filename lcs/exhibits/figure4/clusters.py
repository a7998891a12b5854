"""How close together the weights of a unit lie, and what the shift of crops does to that."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from lcs import measure
from lcs.config import Config
from lcs.exhibits import cells, locality
from lcs.exhibits.compare import Groups
from lcs.exhibits.methods import NETWORKS, method
from lcs.exhibits.plots.style import (
    PAGE_WIDTH,
    add_legend,
    colour,
    label_log_axis,
    pending,
    shades,
    subplots,
)
from lcs.exhibits.settings import SHORT_RECIPE, beta_lasso, desk_study, sized, varied
from lcs.exhibits.verdicts import Claim, Judge, differs, ours
from lcs.runs import Record

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Studies


def _crops(base: Config) -> list[Config]:
    """Return β = 50 by the recipe: no crops, half as far as usual, as far, twice as far.

    λ of the first layer is larger than elsewhere, so that few enough weights are left to say where
    they are.
    """
    sparse = beta_lasso(sized(base, 4, 1 / 4), 50, l1=1e-4, l1_rest=1e-5)
    return [sparse.replace(crop_padding=_pixels(sparse, name)) for name in SHIFTS]


# how far crops shift images at most, in units of the usual shift
SHIFTS = {"none": 0.0, "half": 0.5, "usual": 1.0, "far": 2.0}


def _pixels(config: Config, name: str) -> int:
    return int(SHIFTS[name] * config.replace(crop_padding=None).crop_shift)


STUDIES = (desk_study("crops", "How far crops shift", varied(SHORT_RECIPE), _crops),)


def crop_text(config: Config) -> str:
    """Name a run by its method, if it is not S-FC, or by how far its crops shift."""
    if config.model != "s-fc":
        return str(method(config))
    return f"crops of ±{config.crop_shift} pixels" if config.crop_shift else "flips alone"


def numbers(records: Sequence[Record]) -> dict[str, str]:
    """Return what the shift of crops does, in words: with flips alone, and with the usual crops."""
    shown = by_shift(records)
    usual = shown["usual"]
    words = {"range-usual": cells.mean_text(usual, locality.clustering_ranges, 1)}
    for name in ("none", "usual"):
        words[f"near-{name}"] = cells.mean_text(
            shown[name], lambda runs: [ratios[0] for ratios in locality.pair_ratios(runs)]
        )
        words[f"half-{name}"] = cells.mean_text(
            shown[name], lambda runs: [*map(measure.half_distance, locality.pair_ratios(runs))], 1
        )
    for name in ("none", "far"):
        words[f"range-{name}-more"] = cells.gain_text(
            shown[name], usual, locality.clustering_ranges
        )
    return words


def pairs_figure(records: Sequence[Record]) -> Figure:
    """Draw pair correlations: a line for each run, a colour for each network or shift of crops."""
    lines = [(crop_text(r.config), r.run_id, locality.pair_correlation(r)) for r in records]
    names = list(dict.fromkeys(name for name, _, ratios in lines if ratios))
    if not names:
        return pending()
    figure, axes = subplots(figsize=(PAGE_WIDTH, 3.8))
    networks = [name for name in names if name.split(",")[0] in NETWORKS.values()]
    shifts = [name for name in names if name not in networks]
    colours = dict(zip(shifts, shades("β-LASSO", len(shifts)), strict=True))
    colours |= {name: colour(name) for name in networks}
    for name in names:
        for ratios in (ratios for each, _, ratios in sorted(lines) if each == name and ratios):
            distances = range(1, len(ratios) + 1)
            axes.plot(distances, ratios, color=colours[name], lw=1.2, label=name)
    axes.axhline(1, color="0.6", lw=1, zorder=0)
    axes.set(yscale="log", xlabel="distance (pixels)", ylabel="pairs of pixels / chance")
    axes.set_ylim(bottom=max(0.1, axes.get_ylim()[0]))
    label_log_axis(axes.yaxis)
    add_legend(figure, axes, columns=2)
    return figure


def by_shift(records: Sequence[Record]) -> Groups[str]:
    """Return the runs by how far their crops shift, a name in `SHIFTS`; nothing without runs."""
    groups = {name: [r for r in records if _shifts(name)(r.config)] for name in SHIFTS}
    return Groups({name: runs for name, runs in groups.items() if runs})


def _shifts(name: str) -> Callable[[Config], bool]:
    return lambda config: config.crop_shift == _pixels(config, name)


# Claims


def _wider(one: str, other: str) -> Judge:
    """Judge whether weights gather over a wider range with the crops of one name in `SHIFTS`."""
    return differs(_shifts(one), _shifts(other), of=locality.clustering_ranges, unit="pixels")


CLAIMS: tuple[Claim, ...] = (
    ours(
        "Weights of a filter gather over a wider range with crops than with flips alone "
        "(β = 50, α = 4)",
        "crops",
        _wider("usual", "none"),
    ),
    ours(
        "Weights of a filter gather over a wider range where crops shift twice as far "
        "(β = 50, α = 4)",
        "crops",
        _wider("far", "usual"),
    ),
)
