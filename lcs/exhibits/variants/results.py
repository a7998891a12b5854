"""Tables, figures and numbers of the chapter."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from lcs import cost
from lcs.config import Config
from lcs.exhibits import cells, compare, locality, plots, published, tables
from lcs.exhibits.compare import ByStudy, Conditions
from lcs.exhibits.gap import gap_text
from lcs.exhibits.methods import B50, CONV, LOCAL, SGD, Method, method
from lcs.exhibits.searches import choices
from lcs.exhibits.tables import PENDING, Cell, Table, ahead
from lcs.exhibits.variants.studies import (
    DEEP_WIDTH,
    FOOTPRINTS,
    GROWTHS,
    MASKS,
    PIXEL_GROWTHS,
    SIZES,
    growth_values,
    key,
)
from lcs.runs import Record
from lcs.shapes import default_kernel

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.figure import Figure


# what the page calls `Config.l1_window`
WINDOW_NAMES = {"grid": "as in S-LOCAL", "initial": "at random", "learned": "with the weights"}
DEEP_FC, DEEP_LOCAL = Method("d-fc"), Method("d-local")
DEEP_B50 = B50._replace(model="d-fc")
# what came out, in each table
RESULTS: dict[str, Cell] = {
    "test accuracy (%)": cells.mean_text,
    "remaining, layer 1 (%)": cells.remaining_text,
    "in a window, beyond chance (points)": locality.excess_text,
}


def banded_table(records: Sequence[Record], study: str = "banded") -> Table:
    """Return accuracy, remaining weights and locality by λ and its growth."""
    lengths = {run.config.epochs for run in records}
    columns: dict[str, Cell] = {
        "method": cells.of(lambda config: method(config).shortest),
        **cells.field_columns(["l1", "l1_growth"]),
        "windows": cells.of(windows_text),
        **cells.field_columns(["lr", "epochs"] if len(lengths) > 1 else []),
        **RESULTS,
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


def from_convolution_table(records: Sequence[Record]) -> Table:
    """Return S-CONV, what was trained on from it, and the same networks from random weights."""
    found = compare.conditions(records)
    columns: dict[str, Cell] = {
        "network": cells.of(lambda config: str(method(config))),
        "starts from": cells.of(lambda config: "S-CONV" if config.source else tables.NONE),
        **cells.field_columns(["epochs", "lr"]),
        "over the same from random weights": cells.less(
            found, partial(_from_random_weights, found)
        ),
        **RESULTS,
    }
    what = "Trained on from S-CONV, and from random weights"
    return cells.by_condition("from-convolution", records, columns, what, text=("starts from",))


def _from_random_weights(found: Conditions, config: Config) -> Config:
    """Return the same network from random weights, as long in all; of such a one itself."""
    alike = (c for c in found if method(c) == method(config) and c.epochs > config.epochs)
    return next(alike, config) if config.source else config


def deeper_table(records: Sequence[Record], study: str = "deeper") -> Table:
    """Return the deep and the shallow networks, or those with masks made from a first layer."""
    what = "Deep and shallow networks"
    masks: dict[str, Cell] = {}
    if study == "footprints":
        what = "D-FC with masks made from the first layer of another"
        masks["masks"] = cells.of(lambda config: MASKS.get(config.start, tables.NONE))
        masks["later layers (%)"] = later_text
    columns: dict[str, Cell] = {
        "network": cells.of(lambda config: str(method(config))),
        **masks,
        **cells.field_columns(["lr", "weight_decay", "l1"]),
        "training accuracy (%)": cells.fit_text,
        **RESULTS,
    }
    return cells.by_condition(study, records, columns, what, text=("masks",))


def later_text(runs: Sequence[Record]) -> str:
    """Return how much remains of the convolution-like layers after the first, in per cent."""
    if not runs:
        return PENDING
    names = {name for name in runs[0].final["weights"] if name.startswith("conv")} - {"conv1"}
    kept, whole = (
        sum(run.final[what][name] for run in runs for name in names)
        for what in ("nonzeros", "weights")
    )
    return f"{100 * kept / whole:.1f}" if whole else tables.NONE


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


def deeper_figure(records: Sequence[Record]) -> Figure:
    """Draw what depth adds to each network's accuracy."""
    found = compare.conditions(records)
    own = {method(config): config for config in found}
    rows = compare.forest_rows(
        found,
        lambda config: own.get(shallow_of(method(config)), config),
        lambda config: str(method(config)),
    )
    return plots.forest(rows, "gain in test accuracy by depth (points)")


def numbers(found: ByStudy) -> dict[str, str]:
    """Return the numbers of the prose, in points; "pending" without runs."""
    banded = compare.conditions(
        [*found["banded"], *found["banded-learned"], *found["banded-initial"]]
    )
    smaller, larger = [0.0, 0.0, *sorted({c.l1 for c in banded if c.beta})][-2:]

    def grown(growth: float, window: str = "grid", l1: float = larger) -> list[Record]:
        return compare.runs_of(banded, beta=50, l1=l1, l1_growth=growth, l1_window=window)

    _, slow, fast = GROWTHS
    followed = grown(fast, "learned")
    local = compare.runs_of(banded, model="s-local")
    sizes, pixel, masked, started = (
        partial(compare.runs_of, compare.conditions(found[name]))
        for name in ("banded-sizes", "banded-pixel", "masked", "from-convolution")
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
    convolution = compare.conditions(found["from-convolution"])
    reference = partial(_from_random_weights, convolution)
    deep = compare.by_method(found["deeper"])
    return {
        "banded-n": f"{len(grown(slow))}",
        "banded-large": cells.gain_text(grown(slow), grown(0.0)),
        **{
            name: cells.gain_text(grown(growth, l1=smaller), grown(0.0, l1=smaller))
            for name, growth in (("banded-small", slow), ("banded-small-fastest", fast))
        },
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
        "from-n": f"{len(started(**SGD._asdict(), start='network'))}",
        **{
            f"from-{name}": cells.signed_text(
                compare.gain(convolution, reference, **own._asdict(), start="network")
            )
            for name, own in {"sgd": SGD, "beta": B50, "local": LOCAL, "conv": CONV}.items()
        },
        **{
            f"published-depth-{one.model[2:]}": tables.minus(
                f"{accuracy - published.SHORT[shallow_of(one)]:+.2f}"
            )
            for one, accuracy in published.DEEP.items()
        },
        "deep-n": f"{len(deep[DEEP_FC])}",
        **{
            f"deep-{one.model[2:]}": ahead(cells.gain_text(deep[one], deep[shallow_of(one)]))
            for one in published.DEEP
        },
        "deep-windows": cells.gain_text(deep[DEEP_FC], deep[DEEP_LOCAL]),
        "deep-beta": cells.gain_text(deep[DEEP_B50], deep[DEEP_FC]),
        "deep-left": cells.remaining_text(deep[DEEP_B50]),
        **_footprint_numbers(found),
        "weights-s-fc": f"{cost.weights(Config(base_channels=DEEP_WIDTH)):,}",
        "weights-d-fc": f"{cost.weights(Config(model='d-fc', base_channels=DEEP_WIDTH)):,}",
    }


def _footprint_numbers(found: ByStudy) -> dict[str, str]:
    """Return what D-FC does with the footprints of a first layer in its later layers."""
    own, scattered, first = (
        [run for run in found["footprints"] if run.config.start == start] for start in FOOTPRINTS
    )
    rewired = [run for run in found["rewired-first-mask"] if run.config.source]
    deep = compare.by_method(found["deeper"])
    best = choices(
        [*found["search-deeper"], *found["search-footprints"]],
        lambda config: config.start if config.source else key(config),
    )

    def searched(name: str) -> str:
        return f"{max(best[name].means):.2f}" if name in best else PENDING

    return {
        "footprint-n": f"{len(own)}",
        "searched-footprints": searched("footprints"),
        "searched-d-fc": searched("d-fc sgd"),
        "searched-d-fc-beta": searched("d-fc beta-lasso"),
        "searched-d-local": searched("d-local sgd"),
        "footprint-accuracy": cells.mean_text(own),
        "footprint-later": later_text(own),
        "footprint-dense": tables.ahead(cells.gain_text(own, deep[DEEP_FC])),
        "footprint-scattered": tables.ahead(cells.gain_text(own, scattered)),
        "footprint-cost": tables.ahead(cells.gain_text(first, own)),
        "footprint-first-accuracy": cells.mean_text(first),
        "footprint-first-dense": tables.ahead(cells.gain_text(first, deep[DEEP_FC])),
        "footprint-first-local": tables.ahead(cells.gain_text(first, deep[DEEP_LOCAL])),
        "rewired-n": f"{len(rewired)}",
        "rewired-accuracy": cells.mean_text(rewired),
        "rewired-first": tables.ahead(cells.gain_text(first, rewired)),
        "rewired-dense": cells.gain_text(rewired, deep[DEEP_FC]),
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


def shallow_of(deep: Method) -> Method:
    """Return the method with the shallow network of its kind."""
    return deep._replace(model=deep.model.replace("d-", "s-"))
