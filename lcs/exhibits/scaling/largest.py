"""The largest networks that two cores train: S-FC at α = 32, with SGD and with β = 50."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np

from lcs import cost
from lcs.config import Config
from lcs.exhibits import compare, published, tables
from lcs.exhibits.compare import LABELS, PENDING
from lcs.exhibits.methods import SGD
from lcs.exhibits.scaling.width import fit_and_gap_text
from lcs.exhibits.settings import (
    CHOSEN,
    FLIP_CROP,
    RECIPE,
    beta_lasso,
    chosen,
    chosen_flip_crop,
    desk_study,
    flip_crop_methods,
    flip_crop_recipe,
    paper_recipe,
    regularised,
)
from lcs.exhibits.tables import Table
from lcs.runs import Record

WIDTH = 32


def _sgd(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return SGD with flips and crops, and the weight decay that `search-augment` chose."""
    weak = flip_crop_recipe(base, WIDTH, base.epochs)
    return [regularised(chosen(weak, "s-fc"), CHOSEN["search-augment"]["sgd"])]


def _beta_lasso(base: Config, betas: Sequence[float], *, augment: str) -> list[Config]:
    """Return the largest β with zeros that stay; λ is that of `l1_of`.

    With flips and crops alone by the factor that `search-augment` chose.
    """
    here = paper_recipe(base, WIDTH, base.epochs).replace(augment=augment)
    factor = CHOSEN["search-augment"]["beta-lasso"] if augment == "flip-crop" else 1.0
    return [regularised(beta_lasso(here, betas[-1], frozen_zeros=True), factor)]


def _half_decay(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return SGD with half the weight decay: chosen for half the length, it may be too much."""
    return [regularised(config, 0.5) for config in _sgd(base, betas)]


def _searched(base: Config, betas: Sequence[float], *, width: int = WIDTH) -> list[Config]:
    """Return the largest β with what `search-flips` chose for it, and zeros that stay."""
    here = flip_crop_recipe(base, width, base.epochs)
    sparse = chosen_flip_crop(here, "s-fc", "beta-lasso", betas[-1])
    return [sparse.replace(frozen_zeros=True)]


def _free_zeros(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return the same as in the paper: zeros may return."""
    return [run.replace(frozen_zeros=False) for run in _searched(base, betas)]


def _zero(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return β = 0 with the λ of the largest β."""
    return [compare.without_threshold(run) for run in _free_zeros(base, betas)]


def _windows(base: Config, betas: Sequence[float]) -> list[Config]:
    return flip_crop_methods(flip_crop_recipe(base, WIDTH, base.epochs), ("s-local", "s-conv"))


def _pair(base: Config, betas: Sequence[float], *, width: int, length: int) -> list[Config]:
    """Return β = 50 with zeros that stay, and SGD, wider or longer by a factor.

    SGD has half the weight decay that was chosen at α = 8, which was better at α = 32.
    """
    here = base.replace(epochs=length * base.epochs)
    dense = chosen_flip_crop(flip_crop_recipe(here, width * WIDTH, here.epochs), "s-fc")
    return [*_searched(here, betas, width=width * WIDTH), regularised(dense, 0.5)]


_one_seed = partial(desk_study, setting=FLIP_CROP, seeds=1)

STUDIES = (
    _one_seed(
        "showpiece", "α = 32 on two cores: β = 50", make=partial(_beta_lasso, augment="flip-crop")
    ),
    _one_seed("showpiece-searched", "α = 32: β = 50 with η and λ of α = 8", make=_searched),
    _one_seed("showpiece-free", "α = 32: the same, and zeros may return", make=_free_zeros),
    _one_seed("showpiece-zero", "α = 32: β = 0 with the same η and λ", make=_zero),
    _one_seed("showpiece-sgd", "α = 32 on two cores: SGD", make=_sgd),
    _one_seed("showpiece-decay", "α = 32: SGD with half the weight decay", make=_half_decay),
    _one_seed(
        "showpiece-autoaugment",
        "α = 32 on two cores: β = 50 with AutoAugment",
        setting=RECIPE,
        make=partial(_beta_lasso, augment="autoaugment"),
    ),
    _one_seed("showpiece-windows", "α = 32: S-LOCAL and S-CONV", make=_windows),
    _one_seed(
        "showpiece-long",
        "α = 32: β = 50 and SGD, four times as long",
        make=partial(_pair, width=1, length=4),
    ),
    _one_seed("showpiece-wide", "α = 64: β = 50 and SGD", make=partial(_pair, width=2, length=1)),
)


def all_records(runs: Mapping[str, Sequence[Record]]) -> list[Record]:
    """Return the records of all studies of the largest networks."""
    return [record for study in STUDIES for record in runs[study.name]]


def table(runs: Mapping[str, Sequence[Record]]) -> Table:
    """Return accuracy, fit, weights left and time of the largest runs, and the paper's accuracy.

    Args:
        runs: the records of each study by its name; of one without records it shows the command.
    """
    name, what = "tab-showpiece", "S-FC at α = 32, with SGD and with β-LASSO"
    records = all_records(runs)
    if not records:
        return tables.pending_table(name, what, "lcs study showpiece")
    rows = []
    for study in STUDIES:
        if not runs[study.name]:
            state = tables.pending(f"pending: {tables.as_typed(f'lcs study {study.name}')}")
            rows.append([study.title, *[tables.NONE] * 6, state])
        for config, found in compare.conditions(runs[study.name]).items():
            seconds = float(np.mean([run.provenance["seconds"] for run in found]))
            rows.append(
                [
                    compare.method_text(config) + compare.zeros_text(config),
                    compare.field_text(config, "weight_decay"),
                    compare.mean_text(found),
                    compare.field_text(config, "augment"),
                    fit_and_gap_text(found),
                    compare.layers_text(found),
                    cost.duration(seconds),
                    tables.links(found),
                ]
            )
    width, epochs = published.PAPER_BASE_CHANNELS, published.SHORT_EPOCHS
    known = tables.published(published.SHORT[SGD])
    theirs = [f"SGD, α ≈ {width}", tables.NONE, known, *[tables.NONE] * 5]
    caption = (
        f"{what}. {compare.setting_text(records)}{compare.spread_text(records)}; accuracy on the "
        "training images without augmentation, and in brackets by how many points it is above that "
        f"on the test images; the last row is the paper's shorter training, {epochs} epochs."
    )
    columns = ["method", LABELS["weight_decay"], "test accuracy (%)", LABELS["augment"]]
    columns += ["training accuracy (%)", "left in layers 1, 2, 3 (%)", "time", "seeds"]
    return Table(name, caption, columns, [*rows, theirs], text=[LABELS["augment"], "seeds"])


def numbers(runs: Mapping[str, Sequence[Record]]) -> dict[str, str]:
    """Return what the prose says of the largest networks, in words: "pending" without any runs.

    `showpiece-paper`: the paper's accuracy with SGD; `showpiece-accuracy` and `showpiece-left`: of
    β = 50 with flips and crops, the accuracy and the share of the first layer that remains;
    `showpiece-gain`: by how many points it is ahead of SGD with the same images;
    `showpiece-decay`: the same of SGD with half the weight decay.

    Args:
        runs: the records of each study by its name.
    """
    sparse, dense = runs["showpiece"], runs["showpiece-sgd"]
    half = runs["showpiece-decay"]
    gain = compare.paired(sparse, dense) if sparse and dense else None
    over_half = compare.paired(sparse, half) if sparse and half else None
    return {
        "showpiece-paper": f"{published.SHORT[SGD]:.2f}",
        "showpiece-accuracy": compare.mean_text(sparse) if sparse else PENDING,
        "showpiece-left": compare.remaining_text(sparse) if sparse else PENDING,
        "showpiece-gain": compare.signed_text(gain),
        "showpiece-decay": compare.signed_text(over_half),
    }
