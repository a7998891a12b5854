"""Local, or only smooth and sparse? Filters beside those of SGD that have as many weights."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from lcs import measure
from lcs.config import Config
from lcs.exhibits import compare, tables
from lcs.exhibits.compare import PENDING
from lcs.exhibits.methods import B0, B50, method
from lcs.exhibits.tables import Table
from lcs.measure.sharing import randomise_phases
from lcs.runs import Record
from lcs.stats import Interval, mean_interval
from lcs.train.recording import STORED_FILTERS

if TYPE_CHECKING:
    import pandas as pd

DRAWS = 10  # of permutations, and of phases
# filters in whose best window the mass is measured: a run's own, and what they are compared with
KINDS = ("own", "pixels", "pruned", "smooth")


def compared(filters: Tensor, dense: Tensor) -> dict[str, Interval]:
    """Return the share of the mass in the best window, in per cent, of filters and of surrogates.

    Args:
        filters: (n, C, H, W), as sparse as they are.
        dense: at least as many of another network, none of them sparse.

    Returns:
        Means with 95 % intervals over filters: of the filters' `own`; of the same with `pixels`
        permuted; of the dense ones, `pruned` to as many weights each, the largest; and of those
        with random phases, pruned alike: as `smooth`, and at no place in particular.
    """
    filters, dense = filters.double(), dense[: len(filters)].double()
    counts = torch.count_nonzero(filters.flatten(1), 1)
    window = measure.window_size(*filters.shape[2:])
    generator = torch.Generator().manual_seed(measure.SEED)

    def share(surrogates: Iterable[Tensor]) -> Interval:
        shares = torch.stack([measure.window_mass(each, window) for each in surrogates])
        return mean_interval(100 * shares.mean(0))

    return {
        "own": share([filters]),
        "pixels": share(measure.permute_pixels(filters, generator) for _ in range(DRAWS)),
        "pruned": share([largest(dense, counts)]),
        "smooth": share(largest(randomise_phases(dense, generator), counts) for _ in range(DRAWS)),
    }


def largest(filters: Tensor, counts: Tensor) -> Tensor:
    """Return each filter with so many of its weights, the largest, and zeros for the others."""
    ranks = filters.abs().flatten(1).argsort(1, descending=True).argsort(1)
    return torch.where((ranks < counts[:, None]).view(filters.shape), filters, 0.0)


def more(one: Interval, other: Interval) -> bool:
    """Whether one interval lies above another."""
    assert one.half_width is not None
    assert other.half_width is not None
    return one.mean - one.half_width > other.mean + other.half_width


def setting_text(config: Config) -> str:
    """Say width, length and augmentation."""
    images = compare.field_text(config, "augment")
    return f"α = {config.base_channels}, {config.epochs} epochs, {images}"


def frame(
    groups: Iterable[Sequence[Record]], name: Callable[[Config], str] = setting_text
) -> pd.DataFrame:
    """Return a row for each S-FC with a λ, beside SGD of the same group and setting.

    Args:
        groups: records; in a group there is one SGD in each setting.
        name: says the setting of a run.

    Returns:
        Of runs with stored filters. Columns `setting`, `series` (the method), `l1`, `width`,
        `augment`, `momentum` of SGD, `weights` (of a filter, the median), and `KINDS`, each an
        `Interval` over filters.
    """
    rows = []
    for records in groups:
        stored = [r for r in records if r.has_filters and r.config.model == "s-fc"]
        dense = {name(r.config): r for r in stored if r.config.optimizer == "sgd"}
        for run in stored:
            config, beside = run.config, dense.get(name(run.config))
            if not config.l1 or beside is None:
                continue
            filters = run.load_filters()[:STORED_FILTERS]
            counts = torch.count_nonzero(filters.flatten(1), 1)
            row = {
                "setting": name(config),
                "series": method(config).shortest,
                "l1": config.l1,
                "width": config.base_channels,
                "augment": config.augment,
                "momentum": beside.config.momentum,
                "weights": int(counts.double().median()),
            }
            rows.append(row | compared(filters, beside.load_filters()))
    return tables.data_frame(rows)


def table(found: pd.DataFrame, name: str = "tab-smooth") -> Table:
    """Return what `compared` finds for each row of `frame`."""
    if found.empty:
        what = "filters, and surrogates with as many weights"
        return tables.pending_table(name, what, "lcs study showpiece")
    rows = [
        [
            row["setting"],
            f"{row['series']}, λ = {tables.number(row['l1'])}",
            f"{row['weights']:,}",
            *(f"{row[kind].mean:.1f} ± {row[kind].half_width:.1f}" for kind in KINDS[:2]),
            "momentum and decay" if row["momentum"] else "plain",
            *(f"{row[kind].mean:.1f} ± {row[kind].half_width:.1f}" for kind in KINDS[2:]),
        ]
        for row in found.to_dict("records")
    ]
    caption = (
        "Share of a filter's mass in its best window, in per cent, over the stored filters of one "
        f"run each, at most {STORED_FILTERS}; ± 95 % interval over filters. Beside it: the same "
        "filters with permuted pixels; filters of SGD in the same setting, each pruned to as many "
        "weights; and these with random phases, pruned alike."
    )
    columns = ["setting", "filters of", "weights, median", "share", "pixels permuted"]
    columns += ["SGD has", "SGD, pruned", "SGD, random phases, pruned"]
    return Table(name, caption, columns, rows, text=("filters of", "SGD has"))


def numbers(found: pd.DataFrame) -> dict[str, str]:
    """Return shares in per cent for the prose; "pending" without runs.

    `smooth-zero`, `smooth-zero-pruned`: of β = 0 with flips and crops, at its largest width and λ,
    and of SGD pruned; `smooth-sparse` and `-pruned` the same of β = 50 at that width;
    `smooth-largest` and `-pruned`, `-phases` of the widest β = 50.
    """
    names: Mapping[str, tuple[str, str]] = {
        "smooth-zero": ("zero", "own"),
        "smooth-zero-pruned": ("zero", "pruned"),
        "smooth-sparse": ("sparse", "own"),
        "smooth-sparse-pruned": ("sparse", "pruned"),
        "smooth-largest": ("largest", "own"),
        "smooth-largest-pruned": ("largest", "pruned"),
        "smooth-largest-phases": ("largest", "smooth"),
    }
    rows = chosen(found)
    return {
        name: f"{rows[row][kind].mean:.0f}" if row in rows else PENDING
        for name, (row, kind) in names.items()
    }


def chosen(found: pd.DataFrame) -> dict[str, Mapping[Any, Any]]:
    """Return the rows of `frame` that the prose names: `zero`, `sparse` and `largest`."""
    if found.empty:
        return {}
    rows = sorted(found.to_dict("records"), key=lambda row: (row["width"], row["l1"]))
    cropped = [row for row in rows if row["augment"] == "flip-crop"]
    zero = [row for row in cropped if row["series"] == B0.shortest]
    sparse = [row for row in cropped if row["series"] == B50.shortest]
    if not (zero and sparse):
        return {}
    beside = [row for row in sparse if row["width"] == zero[-1]["width"]]
    return {"zero": zero[-1], "sparse": beside[-1], "largest": sparse[-1]}
