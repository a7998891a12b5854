"""How far the shift of crops makes the weights of a filter gather: a part of the page `figure4`."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from lcs import measure
from lcs.config import Config
from lcs.exhibits import cells, locality, tables
from lcs.exhibits.methods import method
from lcs.exhibits.settings import REPRODUCTION, beta_lasso, desk_study, short_recipe
from lcs.exhibits.tables import NONE, PENDING, Cell, Table
from lcs.exhibits.verdicts import Claim, Judge, differs
from lcs.runs import Record
from lcs.stats import mean_interval

# Studies


def _crops(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return the largest β by the recipe: no crops, half as far as usual, as far, twice as far.

    λ of the first layer is larger than elsewhere, so that few enough weights are left to say where
    they are.
    """
    wide = short_recipe(base, 4)
    sparse = beta_lasso(wide, betas[-1], l1=1e-4, l1_rest=1e-5)
    return [sparse.replace(crop_padding=_pixels(sparse, name)) for name in SHIFTS]


# how far crops shift images at most, in units of the usual shift
SHIFTS = {"none": 0.0, "half": 0.5, "usual": 1.0, "far": 2.0}


def _pixels(config: Config, name: str) -> int:
    return int(SHIFTS[name] * config.replace(crop_padding=None).crop_shift)


STUDIES = (desk_study("crops", "How far crops shift", REPRODUCTION, _crops),)


def crops_table(records: Sequence[Record]) -> Table:
    """Return accuracy, sparsity and locality against how far crops shift the images."""
    columns: dict[str, Cell] = {
        "shift": cells.of(lambda config: f"{config.crop_shift}"),
        "test accuracy (%)": cells.mean_text,
        "remaining, layer 1 (%)": cells.remaining_text,
        "neighbours": _neighbours,
        "half": _half_distance,
        "range": _clustering_range,
        "seeds": tables.links,
    }
    what = (
        "Locality against how far crops shift the images at most, in pixels along each axis; 0 "
        "leaves only flips"
    )
    setting = f"; β = 50, λ = {locality.lambdas_text(records[0].config)}" if records else ""
    note = (
        f"{setting}. Neighbours: pairs of neighbouring pixels of one unit, over chance. Half: the "
        "distance, in pixels, at which their excess over chance is half of that. Range: the one "
        "up to which pairs are more frequent than by chance"
    )
    return cells.by_condition("crops", records, columns, what, note=note)


def crop_text(config: Config) -> str:
    """Name a run by its method, if it is not S-FC, or by how far its crops shift."""
    if config.model != "s-fc":
        return str(method(config))
    return f"crops of ±{config.crop_shift} pixels" if config.crop_shift else "flips alone"


def crops_numbers(records: Sequence[Record], local: Sequence[Record] = ()) -> dict[str, str]:
    """Return what the shift of crops does, in words: of flips alone, the usual one, and the most.

    `half-…` of `none`, `usual` and `far` is the half distance, in pixels; `near-…` and `range-…`
    of the first two, how frequent neighbours are, over chance, and the range; `range-far-more` and
    `range-none-more`, paired differences from the usual crops; `crop-far`, the largest shift.
    `near-local`, `half-local` and `range-local`: of runs of S-LOCAL.
    """
    seen = [run for run in local if locality.pair_correlation(run)]
    words = {"near-local": _neighbours(seen), "half-local": _half_distance(seen)}
    words["range-local"] = _clustering_range(seen)
    shown = by_shift(records)

    def said(text: Cell, name: str) -> str:
        return text(shown[name]) if shown else PENDING

    words["crop-far"] = said(cells.of(lambda config: f"{config.crop_shift}"), "far")
    words |= {f"half-{name}": said(_half_distance, name) for name in ("none", "usual", "far")}
    for name in ("none", "usual"):
        words[f"near-{name}"] = said(_neighbours, name)
        words[f"range-{name}"] = said(_clustering_range, name)
    for name in ("none", "far"):
        words[f"range-{name}-more"] = cells.gain_text(
            shown.get(name, []), shown.get("usual", []), locality.clustering_ranges
        )
    return words


def by_shift(records: Sequence[Record]) -> dict[str, list[Record]]:
    """Return the runs by how far their crops shift, a name in `SHIFTS`; nothing without runs."""
    return {name: [r for r in records if _shifts(name)(r.config)] for name in SHIFTS if records}


def _shifts(name: str) -> Callable[[Config], bool]:
    return lambda config: config.crop_shift == _pixels(config, name)


def _neighbours(runs: Sequence[Record]) -> str:
    return _known([ratios[0] for ratios in locality.pair_ratios(runs)], 2)


def _half_distance(runs: Sequence[Record]) -> str:
    return _known([measure.half_distance(ratios) for ratios in locality.pair_ratios(runs)], 1)


def _clustering_range(runs: Sequence[Record]) -> str:
    return _known(locality.clustering_ranges(runs), 1)


def _known(values: Sequence[float], digits: int) -> str:
    """Return mean and interval; the mark of what does not exist if a run has no such value."""
    unknown = any(map(math.isnan, values)) or not values
    return NONE if unknown else tables.interval(mean_interval(values), digits)


# Claims


def _wider(one: str, other: str) -> Judge:
    """Judge whether weights gather over a wider range with the crops of one name in `SHIFTS`."""
    return differs(_shifts(one), _shifts(other), of=locality.clustering_ranges, unit="pixels")


CLAIMS: tuple[Claim, ...] = (
    Claim(
        "B",
        "Weights of a filter gather over a wider range with crops than with flips alone "
        "(β = 50, α = 4)",
        "crops",
        _wider("usual", "none"),
    ),
    Claim(
        "B",
        "Weights of a filter gather over a wider range where crops shift twice as far "
        "(β = 50, α = 4)",
        "crops",
        _wider("far", "usual"),
    ),
)
