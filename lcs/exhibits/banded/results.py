"""Tables, figures, numbers and claims of the runs with a λ that grows outside a window."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from lcs.config import Config
from lcs.exhibits import cells, compare, locality, plots, tables
from lcs.exhibits.banded.studies import GROWTHS, PIXEL_GROWTHS, SIZES, WIDEST, WIDTH, growth_values
from lcs.exhibits.compare import ByStudy
from lcs.exhibits.gap import closes_most, gap_text
from lcs.exhibits.methods import B50, CONV, LOCAL, SGD, Method, method
from lcs.exhibits.settings import FLIP_CROP_SHORT, chosen_flip_crop, flip_crop_methods, sized
from lcs.exhibits.tables import PENDING, Cell, Table, ahead
from lcs.exhibits.verdicts import differs, ours
from lcs.runs import Record
from lcs.shapes import default_kernel

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.figure import Figure

# what the page calls `Config.l1_window`
WINDOW_NAMES = {"grid": "as in S-LOCAL", "initial": "at random", "learned": "with the weights"}


def banded_table(records: Sequence[Record], study: str = "banded") -> Table:
    """Return accuracy, remaining weights and locality by λ and its growth."""
    lengths = {run.config.epochs for run in records}
    columns: dict[str, Cell] = {
        "method": cells.of(lambda config: method(config).shortest),
        **cells.field_columns(["l1", "l1_growth"]),
        "windows": cells.of(windows_text),
        **cells.field_columns(["lr", "epochs"] if len(lengths) > 1 else []),
        **locality.RESULTS,
    }
    what = "A λ that grows outside windows, of 9 × 9 pixels unless they have another size"
    what += ", or a fixed mask of them" * any(run.config.pruning == "windows" for run in records)
    return cells.by_condition(study, records, columns, what, text=("windows",))


def windows_text(config: Config) -> str:
    """Say where the windows lie outside which λ grows, and their size where it is not the usual."""
    if config.pruning == "windows":
        return f"{WINDOW_NAMES['grid']}, a fixed mask (η = {config.lr:g})"
    if not config.l1_growth:
        return tables.NONE
    place = "scattered" if config.permute_pixels else WINDOW_NAMES[config.l1_window]
    size = config.l1_window_size
    return f"{place}, {size} × {size}" if size else place


def windows_figure(found: ByStudy) -> Figure:
    """Draw by how much β = 50, with and without λ that grows, and S-LOCAL are ahead of SGD."""
    names = ("banded-wide", "banded-searched", "banded-scattered", "banded-long", "masked")
    shown = compare.conditions([run for name in names for run in found[name]])
    searched = compare.conditions(found["banded-searched"])
    plain = {c.epochs: c for c in shown if method(c) == SGD and c.pruning == "none"}

    def label(config: Config) -> str:
        own = method(config).shortest.removesuffix(", SGD")
        if not config.l1_growth and config.pruning == "none":
            return own
        return f"{own}, windows {windows_text(config)}{', as searched' * (config in searched)}"

    rows = compare.forest_rows(
        shown,
        lambda config: plain.get(config.epochs, config),
        label,
        group=lambda config: f"{config.epochs} epochs",
    )
    return plots.forest(rows, "test accuracy minus that of SGD (points)")


def banded_figure(records: Sequence[Record]) -> Figure:
    """Draw accuracy and remaining weights against the growth of λ."""
    grown = [run for run in records if run.config.l1]
    others = compare.by_method([run for run in records if not run.config.l1])
    references = {
        name.short.removesuffix(", SGD"): compare.mean(runs)
        for name, runs in others.items()
        if name != CONV  # far below
    }
    largest = max((run.config.l1 for run in grown), default=0.0)

    def series(config: Config) -> str:
        window = "" if config.l1_window == "grid" else f", windows {WINDOW_NAMES[config.l1_window]}"
        return f"{method(config).shortest}{'' if config.l1 == largest else ', smaller λ'}{window}"

    frame = compare.sweep_frame(grown, "l1_growth", series)
    return plots.sweep(
        frame, "growth g of λ", references=references, linear_below=GROWTHS[0], log_left=True
    )


def sizes_figure(found: ByStudy) -> Figure:
    """Draw accuracy and remaining weights against the size of random windows."""
    usual, pixel = (
        compare.runs_of(compare.conditions(found[f"banded-{name}"]), l1_growth=GROWTHS[-1])
        for name in ("initial", "pixel")
    )
    frame = compare.sweep_frame(
        [*found["banded-sizes"], *usual, *pixel],
        lambda config: config.l1_window_size or default_kernel(config.model),
        lambda config: method(config).shortest,
    )
    banded = compare.conditions(found["banded"])
    ungrown = {**B50._asdict(), "l1_growth": 0.0, "l1": usual[0].config.l1 if usual else 0}
    lines = {
        "S-LOCAL": compare.runs_of(banded, model="s-local"),
        "SGD": compare.runs_of(banded, **SGD._asdict()),
        "β = 50, no growth": compare.runs_of(banded, **ungrown),
    }
    references = {name: compare.mean(runs) for name, runs in lines.items() if runs}
    return plots.sweep(frame, "side of a window (pixels)", references=references)


def window_filters(records: Sequence[Record]) -> dict[str, np.ndarray]:
    """Return the stored filters, (n, C, H, W), of runs with windows, by title."""
    return locality.filters_of(
        [run for run in records if run.config.l1_growth],
        lambda run: f"windows {windows_text(run.config)}: {cells.remaining_text([run])} % remain",
    )


def numbers(found: ByStudy) -> dict[str, str]:
    """Return the numbers of the prose, in points; "pending" without runs."""
    banded = compare.conditions(
        [*found["banded"], *found["banded-learned"], *found["banded-initial"]]
    )
    larger = max((c.l1 for c in banded if c.beta), default=0.0)

    def grown(growth: float, window: str = "grid") -> list[Record]:
        return compare.runs_of(banded, beta=50, l1=larger, l1_growth=growth, l1_window=window)

    _, slow, fast = GROWTHS
    followed = grown(fast, "learned")
    local = compare.runs_of(banded, model="s-local")
    sizes, pixel, masked = (
        partial(compare.runs_of, compare.conditions(found[name]))
        for name in ("banded-sizes", "banded-pixel", "masked")
    )
    wide = by_window(found["banded-wide"])
    long = by_window(found["banded-long"])["learned"]
    searched = [run for run in found["banded-searched"] if run.config.l1_growth]
    values = growth_values(searched[0].config) if searched else None
    scattered = found["banded-scattered"]
    # with the learning rate and the weight decay of S-FC, and with those of S-LOCAL
    as_dense, as_local = (
        masked(lr=runs[0].config.lr) if (runs := wide[name]) else [] for name in ("SGD", "S-LOCAL")
    )
    return {
        "banded-n": f"{len(grown(slow))}",
        "banded-large": cells.gain_text(grown(slow), grown(0.0)),
        "banded-uniform": cells.gain_text(grown(slow), found["banded-uniform"]),
        "banded-fastest": cells.gain_text(grown(fast), grown(0.0)),
        "banded-fastest-left": cells.remaining_text(grown(fast)),
        **{
            f"size-{size}": cells.gain_text(sizes(l1_window_size=size), grown(fast, "initial"))
            for size in SIZES
        },
        "size-n": f"{len(sizes(l1_window_size=SIZES[0]))}",
        **{
            f"pixel-{100 * growth:.0f}": cells.gain_text(pixel(l1_growth=growth), grown(0.0))
            for growth in PIXEL_GROWTHS
        },
        "banded-local": ahead(cells.gain_text(local, grown(fast))),
        "learned": cells.gain_text(grown(slow, "learned"), grown(0.0)),
        "learned-fastest": cells.gain_text(followed, grown(0.0)),
        "learned-fastest-initial": cells.gain_text(followed, grown(fast, "initial")),
        "learned-local": ahead(cells.gain_text(local, followed)),
        "searched-n": f"{len(searched)}",
        "searched-accuracy": cells.mean_text(searched),
        "searched-left": cells.remaining_text(searched),
        "searched-none": ahead(cells.gain_text(searched, wide["none"])),
        "searched-sgd": ahead(cells.gain_text(searched, wide["SGD"])),
        "searched-local": ahead(cells.gain_text(wide["S-LOCAL"], searched)),
        "searched-initial": cells.gain_text(searched, wide["initial"]),
        "searched-gap": gap_text(compare.by_method(found["banded-searched"])),
        "searched-growth": tables.number(values["l1_growth"]) if values else PENDING,
        "searched-share": tables.number(values["share"]) if values else PENDING,
        "wide-n": f"{len(wide['initial'])}",
        "wide-gap-none": gap_text(as_beta_50(found["banded-wide"], "none")),
        # how far other windows are ahead of random ones
        "wide-moved": cells.gain_text(wide["learned"], wide["initial"]),
        "wide-grid": cells.gain_text(wide["grid"], wide["initial"]),
        "scattered-n": f"{len(scattered)}",
        "scattered-initial": cells.gain_text(scattered, wide["initial"]),
        "scattered-none": cells.gain_text(scattered, wide["none"]),
        "masked-n": cells.count_text(compare.conditions(found["masked"])),
        "masked-accuracy": cells.mean_text(as_dense),
        "masked-gap": gap_text(
            {B50: as_dense, SGD: wide["SGD"], LOCAL: wide["S-LOCAL"]} if as_dense else {}
        ),
        "masked-grid": ahead(cells.gain_text(as_dense, wide["grid"])),
        "masked-searched": cells.gain_text(as_dense, searched),
        "masked-local": ahead(cells.gain_text(wide["S-LOCAL"], as_local)),
        "masked-other": cells.gain_text(as_local, as_dense),
        "long-n": f"{len(long)}",
        "long-accuracy": cells.mean_text(long),
        "long-gap": gap_text(as_beta_50(found["banded-long"], "learned")),
    }


# runs of `banded-wide` and `banded-long`: of β = 50 by the windows outside which λ grows
WINDOWS: dict[str, dict[str, object]] = {
    "SGD": {"model": "s-fc", "optimizer": "sgd"},
    "S-LOCAL": {"model": "s-local"},
    "none": {"beta": 50, "l1_growth": 0.0},
    **{name: {"l1_growth": GROWTHS[-1], "l1_window": name} for name in WINDOW_NAMES},
}


def by_window(records: Sequence[Record]) -> dict[str, list[Record]]:
    """Group runs by the names in `WINDOWS`."""
    return {
        name: [run for run in records if compare.matches(run.config, fields)]
        for name, fields in WINDOWS.items()
    }


def as_beta_50(records: Sequence[Record], window: str) -> dict[Method, list[Record]]:
    """Return SGD, S-LOCAL and, in the place of β = 50, the runs with some windows."""
    runs = by_window(records)
    return compare.by_method([run for name in ("SGD", "S-LOCAL", window) for run in runs[name]])


# Claims

_BASE = FLIP_CROP_SHORT.configs["desk"]
# the larger λ of `banded`, alone and with a growth of a tenth
_L1 = chosen_flip_crop(sized(_BASE, WIDTH, 1 / 8), *B50).l1
_ONE_L1: dict[str, object] = {**B50._asdict(), "l1": _L1, "l1_growth": 0.0}
_GROWN = _ONE_L1 | {"l1_growth": GROWTHS[1], "l1_window": "grid"}
# S-LOCAL's windows as a fixed mask, with the learning rate of S-FC and of S-LOCAL
_MASKED, _MASKED_AS_LOCAL = (
    {"pruning": "windows", "lr": run.lr}
    for run in flip_crop_methods(sized(_BASE, WIDEST, 1 / 8), ("s-fc", "s-local"))
)

CLAIMS = {
    "A λ that grows by a tenth with each pixel outside a window raises the accuracy of "
    "β = 50": ours("banded", differs(_GROWN, _ONE_L1)),
    "A λ that grows with distance raises accuracy more than one as large on average": ours(
        "banded + banded-uniform",
        differs(_GROWN, lambda c: method(c) == B50 and not c.l1_growth and c.l1 > _L1),
    ),
    "A λ that grows outside windows that follow the weights raises the accuracy of β = 50": ours(
        "banded + banded-learned", differs(_GROWN | {"l1_window": "learned"}, _ONE_L1)
    ),
    "A λ that grows by its own value with each pixel from a random one, for each unit, raises "
    "the accuracy of β = 50": ours(
        "banded + banded-pixel",
        differs(
            _ONE_L1 | {"l1_growth": GROWTHS[-1], "l1_window": "initial", "l1_window_size": 1},
            _ONE_L1,
        ),
    ),
    "With λ that doubles with the first pixel outside windows that follow the weights, β = 50 "
    "is better than SGD at α = 8": ours("banded-wide", differs(WINDOWS["learned"], WINDOWS["SGD"])),
    "At α = 8, windows that follow the weights are better than random ones": ours(
        "banded-wide", differs(WINDOWS["learned"], WINDOWS["initial"])
    ),
    "With λ that doubles with the first pixel outside windows that follow the weights, β = 50 "
    "closes most of the gap between SGD and S-LOCAL at α = 8": ours(
        "banded-wide",
        lambda records: closes_most(as_beta_50(records, "learned")),
        also=("banded-long",),
    ),
    "As searched on validation images, β = 50 with λ that grows outside random windows is "
    "better than SGD at α = 8": ours("banded-searched", differs(B50, SGD)),
    "As searched on validation images, β = 50 with λ that grows outside random windows closes "
    "most of the gap between SGD and S-LOCAL at α = 8": ours(
        "banded-searched", lambda records: closes_most(compare.by_method(records))
    ),
    "Random windows of neighbouring pixels are better than those of scattered ones": ours(
        "banded-wide + banded-scattered",
        differs(WINDOWS["initial"] | {"permute_pixels": False}, {"permute_pixels": True}),
    ),
    "At α = 8, S-LOCAL's windows as a fixed mask of S-FC, by SGD, are better than β = 50 with "
    "λ that grows outside them": ours("masked + banded-wide", differs(_MASKED, WINDOWS["grid"])),
    "At α = 8, S-LOCAL's windows as a fixed mask of S-FC, by SGD, are better than β = 50 with "
    "λ that grows outside random windows, as searched": ours(
        "masked + banded-searched", differs(_MASKED, lambda config: config.l1_growth > 0)
    ),
    "At α = 8, S-LOCAL is better than S-FC by SGD with S-LOCAL's windows as a fixed mask and "
    "its learning rate and weight decay": ours(
        "masked + banded-wide", differs(WINDOWS["S-LOCAL"], _MASKED_AS_LOCAL)
    ),
    "S-LOCAL is better than β = 50 with λ that grows by a tenth outside S-LOCAL's windows": ours(
        "banded", differs({"model": "s-local"}, _GROWN)
    ),
}
