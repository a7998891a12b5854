"""Tables, figures, numbers and claims of the runs with a λ that grows outside a window."""

from collections.abc import Sequence
from functools import partial

import numpy as np

from lcs.config import Config
from lcs.exhibits.banded.studies import GROWTHS, WIDTH
from lcs.exhibits.shared import cells, compare, locality, plots, tables
from lcs.exhibits.shared.compare import ByStudy, Conditions
from lcs.exhibits.shared.gap import closes_most, gap_text
from lcs.exhibits.shared.methods import B50, CONV, LOCAL, SGD, method, shortest_name
from lcs.exhibits.shared.plots.style import Figure
from lcs.exhibits.shared.settings import (
    FLIP_CROP_SHORT,
    WIDEST,
    chosen_flip_crop,
    flip_crop_methods,
    sized,
)
from lcs.exhibits.shared.tables import PENDING, Cell, Table
from lcs.exhibits.shared.verdicts import exceeds, ours
from lcs.runs import Record

# what the page calls `Config.l1_window`
WINDOW_NAMES = {"grid": "as in S-LOCAL", "initial": "at random", "learned": "following the weights"}


def banded_table(records: Sequence[Record], study: str = "banded") -> Table:
    """Return accuracy, remaining weights and locality by λ and its growth.

    Of several lengths also η, and the share of the gap between SGD and S-LOCAL that is closed.
    """
    found = compare.conditions(records)
    several = len({config.epochs for config in found}) > 1
    columns: dict[str, Cell] = {
        "method": cells.of(shortest_name),
        **cells.field_columns(["l1", "l1_growth"]),
        "windows": cells.of(windows_text),
        **cells.field_columns(["lr", "epochs"] if several else []),
        "over no growth (points)": cells.difference_from(
            found,
            lambda config: config.replace(
                l1_growth=0.0, l1_window="grid", l1_window_size=None, permute_pixels=False
            ),
        ),
        **({"gap closed (%)": partial(closed_text, found)} if several else {}),
        **locality.RESULTS,
    }
    what = "A λ that grows outside windows, of 9 × 9 pixels unless they have another size"
    what += ", or a fixed mask of them" * any(config.pruning == "windows" for config in found)
    note = "; over no growth: at the same λ and η"
    note += "; gap: between SGD and S-LOCAL, with intervals by Fieller's method" * several
    return cells.by_condition(study, records, columns, what, note=note, text=("windows",))


def closed_text(found: Conditions, runs: Sequence[Record]) -> str:
    """Return the share of the gap between SGD and S-LOCAL, as long, that S-FC closes, per cent.

    "pending" without runs, a dash for the gap's own ends.
    """
    if not runs:
        return PENDING
    epochs = runs[0].config.epochs
    sgd, local = (
        compare.runs_of(found, epochs=epochs, **WINDOWS[name]) for name in ("SGD", "S-LOCAL")
    )
    if runs in (sgd, local):
        return tables.NONE
    return gap_text({SGD: sgd, LOCAL: local}, runs)


def windows_text(config: Config) -> str:
    """Say where the windows lie outside which λ grows, and their size where it is not the usual."""
    if config.pruning == "windows":
        return f"{WINDOW_NAMES['grid']}, a fixed mask"
    if not config.l1_growth:
        return tables.NONE
    place = "scattered" if config.permute_pixels else WINDOW_NAMES[config.l1_window]
    size = config.l1_window_size
    return f"{place}, {size} × {size}" if size else place


def windows_figure(found: ByStudy) -> Figure:
    """Draw by how much β = 50, with and without λ that grows, and S-LOCAL are ahead of SGD."""
    names = ("banded-wide", "banded-searched", "banded-scattered", "banded-long", "masked")
    shown = compare.conditions(compare.joined(found, names))
    searched = compare.conditions(found["banded-searched"])
    plain = {c.epochs: c for c in shown if method(c) == SGD and c.pruning == "none"}

    def label(config: Config) -> str:
        own = method(config).shortest.removesuffix(", SGD")
        if not config.l1_growth and config.pruning == "none":
            return own
        return (
            f"{own}, windows {windows_text(config)}{', as searched' if config in searched else ''}"
        )

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


def window_filters(records: Sequence[Record]) -> dict[str, np.ndarray]:
    """Return the stored filters, (n, C, H, W), of runs with windows, by title."""
    return locality.filters_of(
        [run for run in records if run.config.l1_growth],
        lambda run: f"windows {windows_text(run.config)}: {cells.remaining_text([run])} % remain",
    )


def numbers(found: ByStudy) -> dict[str, str]:
    """Return the numbers of the prose; "pending" without runs."""
    wide = by_window(found["banded-wide"])
    closed = partial(closed_text, compare.conditions(found["banded-wide"]))
    searched = [run for run in found["banded-searched"] if run.config.l1_growth]
    masked = [run for run in found["masked"] if compare.matches(run.config, _MASKED)]
    return {
        "searched-n": f"{len(searched)}",
        "searched-gap": closed(searched),
        "wide-gap-none": closed(wide["none"]),
        "scattered-none": cells.gain_text(found["banded-scattered"], wide["none"]),
        "masked-gap": closed(masked),
    }


# runs of `banded-wide` and `banded-long`: of β = 50 by the windows outside which λ grows
WINDOWS: dict[str, dict[str, object]] = {
    "SGD": {"model": "s-fc", "optimizer": "sgd", "pruning": "none"},
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
    "β = 50": ours("banded", exceeds(_GROWN, _ONE_L1)),
    "A λ that grows with distance raises accuracy more than one as large on average": ours(
        "banded + banded-uniform",
        exceeds(_GROWN, lambda c: method(c) == B50 and not c.l1_growth and c.l1 > _L1),
    ),
    "A λ that grows outside windows that follow the weights raises the accuracy of β = 50": ours(
        "banded + banded-learned", exceeds(_GROWN | {"l1_window": "learned"}, _ONE_L1)
    ),
    "A λ that grows by its own value with each pixel from a random one, for each unit, raises "
    "the accuracy of β = 50": ours(
        "banded + banded-pixel",
        exceeds(
            _ONE_L1 | {"l1_growth": GROWTHS[-1], "l1_window": "initial", "l1_window_size": 1},
            _ONE_L1,
        ),
    ),
    "With λ that doubles with the first pixel outside windows that follow the weights, β = 50 "
    "is better than SGD at α = 8": ours("banded-wide", exceeds(WINDOWS["learned"], WINDOWS["SGD"])),
    "At α = 8, windows that follow the weights are better than random ones": ours(
        "banded-wide", exceeds(WINDOWS["learned"], WINDOWS["initial"])
    ),
    "With λ that doubles with the first pixel outside windows that follow the weights, β = 50 "
    "closes most of the gap between SGD and S-LOCAL at α = 8": ours(
        "banded-wide",
        lambda records: closes_most(
            [run for name in ("SGD", "S-LOCAL", "learned") for run in by_window(records)[name]]
        ),
        also=("banded-long",),
    ),
    "As searched on validation images, β = 50 with λ that grows outside random windows is "
    "better than SGD at α = 8": ours("banded-searched", exceeds(B50, SGD)),
    "As searched on validation images, β = 50 with λ that grows outside random windows closes "
    "most of the gap between SGD and S-LOCAL at α = 8": ours("banded-searched", closes_most),
    "Random windows of neighbouring pixels are better than those of scattered ones": ours(
        "banded-wide + banded-scattered",
        exceeds(WINDOWS["initial"] | {"permute_pixels": False}, {"permute_pixels": True}),
    ),
    "At α = 8, S-LOCAL's windows as a fixed mask of S-FC, by SGD, are better than β = 50 with "
    "λ that grows outside them": ours("masked + banded-wide", exceeds(_MASKED, WINDOWS["grid"])),
    "At α = 8, S-LOCAL's windows as a fixed mask of S-FC, by SGD, are better than β = 50 with "
    "λ that grows outside random windows, as searched": ours(
        "masked + banded-searched", exceeds(_MASKED, lambda config: config.l1_growth > 0)
    ),
    "At α = 8, S-LOCAL is better than S-FC by SGD with S-LOCAL's windows as a fixed mask and "
    "its learning rate and weight decay": ours(
        "masked + banded-wide", exceeds(WINDOWS["S-LOCAL"], _MASKED_AS_LOCAL)
    ),
    "S-LOCAL is better than β = 50 with λ that grows by a tenth outside S-LOCAL's windows": ours(
        "banded", exceeds({"model": "s-local"}, _GROWN)
    ),
}
