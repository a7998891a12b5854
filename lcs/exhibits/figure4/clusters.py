"""How close together the weights of a unit lie, and what the shift of crops does to that."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from lcs import measure
from lcs.config import Config
from lcs.exhibits import cells, locality
from lcs.exhibits.compare import grouped
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
from lcs.exhibits.verdicts import Claim, differs, ours
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
    known = [run for run in records if locality.pair_correlation(run)]
    if not known:
        return pending()
    figure, axes = subplots(figsize=(PAGE_WIDTH, 3.8))
    groups = grouped(known, crop_text)
    shifts = [name for name in groups if name.split(",")[0] not in NETWORKS.values()]
    colours = dict(zip(shifts, shades("β-LASSO", len(shifts)), strict=True))
    for name, runs in groups.items():
        own = colours[name] if name in colours else colour(name)
        for ratios in locality.pair_ratios(sorted(runs, key=lambda run: run.run_id)):
            axes.plot(range(1, len(ratios) + 1), ratios, color=own, lw=1.2, label=name)
    axes.axhline(1, color="0.6", lw=1, zorder=0)
    axes.set(yscale="log", xlabel="distance (pixels)", ylabel="pairs of pixels / chance")
    axes.set_ylim(bottom=max(0.1, axes.get_ylim()[0]))
    label_log_axis(axes.yaxis)
    add_legend(figure, axes, columns=2)
    return figure


def by_shift(records: Sequence[Record]) -> dict[str, list[Record]]:
    """Return the runs by how far their crops shift, a name in `SHIFTS`."""
    return {name: [r for r in records if _shifts(name)(r.config)] for name in SHIFTS}


def _shifts(name: str) -> Callable[[Config], bool]:
    return lambda config: config.crop_shift == _pixels(config, name)


CLAIMS: tuple[Claim, ...] = tuple(
    ours(
        f"Weights of a filter gather over a wider range {where} (β = 50, α = 4)",
        "crops",
        differs(_shifts(one), _shifts(other), of=locality.clustering_ranges, unit="pixels"),
    )
    for where, one, other in (
        ("with crops than with flips alone", "usual", "none"),
        ("where crops shift twice as far", "far", "usual"),
    )
)
