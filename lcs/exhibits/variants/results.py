"""Tables, figures and numbers of the chapter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from lcs import cost
from lcs.config import Config
from lcs.exhibits import cells, compare, locality, plots, published, tables
from lcs.exhibits.compare import Conditions
from lcs.exhibits.gap import gap_text
from lcs.exhibits.methods import B50, CONV, LOCAL, SGD, Method, method
from lcs.exhibits.searches import choices_table
from lcs.exhibits.tables import PENDING, Cell, Table, ahead
from lcs.exhibits.variants.studies import (
    DEEP,
    DEEP_WIDTH,
    GROWTHS,
    SEARCHED,
    growth_values,
)
from lcs.runs import Record
from lcs.stats import Interval

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.figure import Figure


# what the page calls `Config.l1_window`
WINDOW_NAMES = {"grid": "as in S-LOCAL", "initial": "at random", "learned": "with the weights"}


def banded_table(records: Sequence[Record], study: str = "banded") -> Table:
    """Return accuracy, remaining weights and locality by λ and its growth."""
    columns: dict[str, Cell] = {
        "method": cells.of(lambda config: method(config).shortest),
        "λ": cells.of(cells.l1_text),
        "growth": cells.of(lambda c: f"{c.l1_growth:g}" if c.l1 else tables.NONE),
        "windows": cells.of(windows_text),
        **(cells.by_field(["epochs"]) if len({run.config.epochs for run in records}) > 1 else {}),
        **_results(),
    }
    what = "A λ that grows outside a window of 9 × 9"
    return cells.by_condition(study, records, columns, what, text=("windows",))


def windows_text(config: Config) -> str:
    """Say where the windows lie outside which λ grows."""
    if not config.l1_growth:
        return tables.NONE
    return "scattered" if config.permute_pixels else WINDOW_NAMES[config.l1_window]


def search_table(study: str, records: Sequence[Record]) -> Table:
    """Return what one of the searches chose for each network."""
    # the network that others start from is no candidate
    candidates = [run for run in records if study != "search-convolution" or run.config.source]
    return choices_table(candidates, study, SEARCHED[study])


def from_convolution_table(records: Sequence[Record]) -> Table:
    """Return S-CONV, what was trained on from it, and the same networks from random weights."""
    found = compare.conditions(records)
    columns: dict[str, Cell] = {
        "network": cells.of(lambda config: str(method(config))),
        "starts from": cells.of(lambda config: "S-CONV" if config.source else tables.NONE),
        **cells.by_field(["epochs", "lr"]),
        "over the same from random weights": cells.less(
            found, partial(_from_random_weights, found)
        ),
        **_results(),
    }
    what = "Trained on from S-CONV, and from random weights"
    return cells.by_condition("from-convolution", records, columns, what, text=("starts from",))


def _from_random_weights(found: Conditions, config: Config) -> Config:
    """Return the same network from random weights, as long in all; of such a one itself."""
    alike = (c for c in found if method(c) == method(config) and c.epochs == _longest(found))
    return next(alike, config) if config.source else config


def _longest(found: Conditions) -> int:
    return max((config.epochs for config in found), default=0)


def deeper_table(records: Sequence[Record]) -> Table:
    """Return the deep and the shallow networks."""
    columns: dict[str, Cell] = {
        "network": cells.of(lambda config: str(method(config))),
        **cells.by_field(["lr", "weight_decay"]),
        "λ": cells.of(cells.l1_text),
        "training accuracy (%)": cells.fit_text,
        **_results(),
    }
    return cells.by_condition("deeper", records, columns, "Deep and shallow networks")


def _results() -> dict[str, Cell]:
    return {
        "test accuracy (%)": cells.mean_text,
        "remaining, layer 1 (%)": cells.remaining_text,
        "in a window, beyond chance (points)": locality.excess_text,
        "seeds": tables.links,
    }


def windows_figure(found: Mapping[str, Sequence[Record]]) -> Figure:
    """Draw by how much β = 50, with and without a growing λ, and S-LOCAL are ahead of SGD.

    Args:
        found: the records of each study by its name.
    """
    names = ("banded-wide", "banded-searched", "banded-scattered", "banded-long")
    shown = compare.conditions([run for name in names for run in found[name]])
    searched = compare.conditions(found["banded-searched"])
    plain = {config.epochs: config for config in shown if method(config) == SGD}

    def label(config: Config) -> str:
        own = method(config).shortest.removesuffix(", SGD")
        if not config.l1_growth:
            return own
        return f"{own}, windows {windows_text(config)}{', as searched' * (config in searched)}"

    rows = compare.forest_rows(
        shown,
        lambda config: plain.get(config.epochs, config),
        label,
        group=lambda config: f"{config.epochs} epochs",
    )
    return plots.forest(rows, "test accuracy less that of SGD (points)")


def banded_figure(records: Sequence[Record]) -> Figure:
    """Draw accuracy and remaining weights against the growth of λ."""
    plain = [run for run in records if not run.config.l1]
    references = {
        "SGD" if name == SGD else str(name).removesuffix(", SGD"): compare.mean_accuracy(runs)
        for name, runs in compare.by_method(plain).items()
    }
    grown = [run for run in records if run.config.l1]
    largest = max((run.config.l1 for run in grown), default=0.0)

    def series(config: Config) -> str:
        grid = config.l1_window == "grid"
        window = "" if grid else f", windows {WINDOW_NAMES[config.l1_window]}"
        return f"{method(config).shortest}{'' if config.l1 == largest else ', smaller λ'}{window}"

    frame = compare.sweep_frame(grown, "l1_growth", series)
    return plots.sweep(frame, "growth g of λ", references=references, linear_below=GROWTHS[0])


def window_filters(records: Sequence[Record]) -> dict[str, np.ndarray]:
    """Return the stored filters, (n, C, H, W), of runs with windows, by title."""

    def title(run: Record) -> str:
        left = f"{cells.remaining_text([run])} % of weights remain"
        return f"{method(run.config).shortest}, windows {windows_text(run.config)}: {left}"

    return locality.filters_of([run for run in records if run.config.l1_growth], title)


def from_convolution_figure(records: Sequence[Record]) -> Figure:
    """Draw what each network gains by a start from S-CONV."""
    found = compare.conditions(records)
    rows = compare.forest_rows(
        found, partial(_from_random_weights, found), lambda config: str(method(config))
    )
    return plots.forest(rows, "gain in test accuracy by a start from S-CONV (points)")


def deeper_figure(records: Sequence[Record]) -> Figure:
    """Draw what depth adds to each network's accuracy."""
    groups = compare.by_method(records)
    rows = [
        plots.Differences(
            f"{name} less {shallow}",
            str(name),
            compare.differences(runs, groups[shallow]),
        )
        for name, runs in groups.items()
        if (shallow := shallow_of(name)) != name
    ]
    return plots.forest(rows, "gain in test accuracy by depth (points)")


def numbers(found: Mapping[str, Sequence[Record]]) -> dict[str, str]:
    """Return the numbers of the prose, in points; "pending" without runs.

    Args:
        found: the records of each study by its name.
    """
    banded = compare.conditions(
        [*found["banded"], *found["banded-learned"], *found["banded-initial"]]
    )
    levels = sorted({config.l1 for config in banded if config.beta}) or [0.0]

    def grown(growth: float = GROWTHS[1], l1: float = levels[-1], **fields: object) -> list[Record]:
        return compare.runs_of(
            banded, **{"beta": 50, "l1": l1, "l1_growth": growth, "l1_window": "grid"} | fields
        )

    learned, fastest = grown(l1_window="learned"), grown(GROWTHS[-1])
    learned_fastest = grown(GROWTHS[-1], l1_window="learned")
    dense, local = (compare.runs_of(banded, model=m, optimizer="sgd") for m in ("s-fc", "s-local"))
    wide = by_window(found["banded-wide"])
    long = by_window(found["banded-long"])
    searched = [run for run in found["banded-searched"] if run.config.l1_growth]
    values = growth_values(searched[0].config) if searched else None
    scattered = found["banded-scattered"]
    started = compare.conditions(found["from-convolution"])
    half = {m: compare.runs_of(started, **m._asdict(), start="network") for m in (SGD, B50, CONV)}
    whole = {
        m: compare.runs_of(started, **m._asdict(), start="initial", epochs=_longest(started))
        for m in half
    }
    theirs = {
        f"published-depth-{one.model[2:]}": published.DEEP[one] - published.SHORT[shallow_of(one)]
        for one in map(Method, DEEP)
    }
    return {
        "banded-n": f"{len(grown())}",
        "banded-large": cells.gain_text(grown(), grown(0.0)),
        "banded-small": cells.gain_text(grown(l1=levels[0]), grown(0.0, l1=levels[0])),
        "banded-uniform": cells.gain_text(grown(), found["banded-uniform"]),
        "banded-fastest": cells.gain_text(fastest, grown(0.0)),
        "banded-fastest-left": cells.remaining_text(fastest),
        "banded-local": ahead(cells.gain_text(local, fastest)),
        "learned": cells.gain_text(learned, grown(0.0)),
        "learned-grid": cells.gain_text(learned, grown()),
        "learned-fastest": cells.gain_text(learned_fastest, grown(0.0)),
        "learned-fastest-grid": cells.gain_text(learned_fastest, fastest),
        "learned-fastest-left": cells.remaining_text(learned_fastest),
        "learned-fastest-window": cells.gain_text(
            learned_fastest, grown(0.0), locality.beyond_chance
        ),
        "learned-initial": cells.gain_text(learned, grown(l1_window="initial")),
        "learned-fastest-initial": cells.gain_text(
            learned_fastest, grown(GROWTHS[-1], l1_window="initial")
        ),
        "learned-sgd": ahead(cells.gain_text(learned_fastest, dense)),
        "learned-local": ahead(cells.gain_text(local, learned_fastest)),
        "searched-n": f"{len(searched)}",
        "searched-accuracy": cells.mean_text(searched),
        "searched-left": cells.remaining_text(searched),
        "searched-none": ahead(cells.gain_text(searched, wide["none"])),
        "searched-sgd": ahead(cells.gain_text(searched, wide["SGD"])),
        "searched-local": ahead(cells.gain_text(wide["S-LOCAL"], searched)),
        "searched-initial": cells.gain_text(searched, wide["initial"]),
        "searched-gap": gap_text(as_beta_50(wide | {"searched": searched}, "searched")),
        "wide-n": f"{len(wide['initial'])}",
        "wide-gap-none": gap_text(as_beta_50(wide, "none")),
        "searched-growth": tables.number(values["l1_growth"]) if values else PENDING,
        "searched-share": tables.number(values["share"]) if values else PENDING,
        "scattered-n": f"{len(scattered)}",
        "scattered-accuracy": cells.mean_text(scattered),
        "scattered-initial": cells.gain_text(scattered, wide["initial"]),
        "scattered-none": cells.gain_text(scattered, wide["none"]),
        # how far other windows are ahead of random ones
        "wide-moved": cells.gain_text(wide["learned"], wide["initial"]),
        "wide-grid": cells.gain_text(wide["grid"], wide["initial"]),
        "long-n": f"{len(long['learned'])}",
        "long-accuracy": cells.mean_text(long["learned"]),
        "long-sgd": ahead(cells.gain_text(long["learned"], long["SGD"])),
        "long-gap": gap_text(as_beta_50(long, "learned")),
        "from-n": f"{len(half[SGD])}",
        "from-sgd": cells.gain_text(half[SGD], whole[SGD]),
        "from-beta": cells.gain_text(half[B50], whole[B50]),
        "conv-on": cells.gain_text(half[CONV], whole[CONV]),
        "from-window-sgd": locality.excess_text(half[SGD]),
        "from-window-beta": locality.excess_text(half[B50]),
        **{name: tables.signed(Interval(gain, None, 1)) for name, gain in theirs.items()},
        "weights-d-fc": f"{cost.weights(Config(model='d-fc', base_channels=DEEP_WIDTH)):,}",
    }


# runs of `banded-wide` and `banded-long`: of β = 50 by the windows outside which λ grows
WINDOWS: dict[str, dict[str, object]] = {
    "SGD": {"model": "s-fc", "optimizer": "sgd"},
    "S-LOCAL": {"model": "s-local"},
    "none": {"beta": 50, "l1_growth": 0.0},
    "grid": {"l1_growth": GROWTHS[-1], "l1_window": "grid"},
    "initial": {"l1_growth": GROWTHS[-1], "l1_window": "initial"},
    "learned": {"l1_growth": GROWTHS[-1], "l1_window": "learned"},
}


def by_window(records: Sequence[Record]) -> dict[str, list[Record]]:
    """Group runs by the names in `WINDOWS`."""
    return {
        name: [run for run in records if compare.matches(run.config, fields)]
        for name, fields in WINDOWS.items()
    }


def as_beta_50(runs: Mapping[str, list[Record]], window: str) -> dict[Method, list[Record]]:
    """Return the runs with some windows in the place of β = 50, beside SGD and S-LOCAL."""
    groups = {SGD: runs["SGD"], LOCAL: runs["S-LOCAL"], B50: runs[window]}
    return {name: own for name, own in groups.items() if own}


def shallow_of(deep: Method) -> Method:
    """Return the method with the shallow network of its kind."""
    return deep._replace(model=deep.model.replace("d-", "s-"))
