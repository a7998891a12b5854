"""Pictures of first-layer filters: of each method by one recipe, and at growing λ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from lcs.exhibits import cells, compare, locality
from lcs.exhibits.methods import B0, B50, LOCAL, SGD, method
from lcs.exhibits.settings import (
    TOWARDS_RECIPE,
    WIDTHS,
    desk_study,
    sgd,
    short_recipe,
)
from lcs.runs import Record

# by title; None: no run of this method has stored its filters
Pictures = Mapping[str, np.ndarray | None]


STUDIES = (
    desk_study(
        "filters",
        "Filters of S-LOCAL beside those of S-FC at α = 8",
        TOWARDS_RECIPE,
        # at the largest width of the study `width`, and by its recipe
        lambda base, betas: [sgd(short_recipe(base, WIDTHS[-1]), "s-local")],
    ),
)


def by_method(records: Sequence[Record]) -> dict[str, np.ndarray | None]:
    """Return the stored filters (n, C, H, W) of SGD, β = 0, β = 50 and S-LOCAL, by title.

    Of runs by one recipe those of the first seed, with the λ of β = 50, at the largest width at
    which S-FC was trained, if it was.
    """
    widest = max((r.config.base_channels for r in records if r.config.model == "s-fc"), default=0)
    stored = [r for r in records if r.has_filters]
    stored = [r for r in stored if r.config.base_channels == widest or not widest]
    penalties = {r.config.l1 for r in stored if method(r.config) == B50}
    shown: dict[str, np.ndarray | None] = {}
    for name in (SGD, B0, B50, LOCAL):
        found = [
            r
            for r in stored
            if method(r.config) == name and (not r.config.l1 or r.config.l1 in penalties)
        ]
        if found:
            shown[_title(found[0])] = found[0].load_filters().numpy()
        elif records:
            shown[f"{name.shortest}: pending"] = None
    return shown


def _title(run: Record) -> str:
    """Say how a run was trained, and how many weights remain: of S-LOCAL within the patches."""
    patches = " of the patches" if run.config.model == "s-local" else ""
    share = f"{compare.remaining([run])[0]:.3g} % of weights{patches} remain"
    return f"{method(run.config).shortest}{cells.penalty_text(run.config)}: {share}"


def by_l1(records: Sequence[Record]) -> dict[str, np.ndarray]:
    """Return stored filters, (n, C, H, W), of SGD and of the largest β at growing λ: first seed."""
    largest = max((r.config.beta for r in records), default=0)
    shown = [r for r in records if r.config.optimizer == "sgd" or r.config.beta == largest > 0]
    ordered = sorted(shown, key=lambda run: (run.config.l1, run.config.l1_rest or 0.0))
    return locality.filters_of(ordered, _title)
