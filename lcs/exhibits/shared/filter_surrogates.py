"""Local, or only smooth and sparse? Filters beside others that have as many weights."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lcs import measure
from lcs.config import Config
from lcs.exhibits.shared import cells, compare, tables
from lcs.exhibits.shared.methods import SGD, method
from lcs.exhibits.shared.plots.style import PAGE_WIDTH, Figure, add_legend, look, pending, subplots
from lcs.exhibits.shared.tables import Table
from lcs.measure.weight_sharing import randomise_phases
from lcs.runs import Record
from lcs.stats import Interval, mean_interval
from lcs.train.recording import STORED_FILTERS

DRAWS = 10  # of permutations, and of phases
# what `compared` returns, and its heads in a table
KINDS = {
    "own": "share",
    "pixels": "pixels permuted",
    "phases": "random phases",
    "pruned": "SGD, pruned",
    "pruned_phases": "SGD, random phases, pruned",
}


def compared(filters: Tensor, dense: Tensor) -> dict[str, Interval]:
    """Return the share of the mass in the best window, in per cent, of filters and of surrogates.

    Means with 95 % intervals over filters: of the `own`; of these with `pixels` permuted, and with
    random `phases`; of the dense ones `pruned`, the largest weights of each, and with random phases
    before that, `pruned_phases`. All have as many weights each. Random phases keep how smooth a
    filter is, and leave it at no place in particular.

    Args:
        filters: (n, C, H, W), at least two, as sparse as they are.
        dense: as many of another network, without zeros.
    """
    filters, dense = filters.double(), dense.double()
    counts = torch.count_nonzero(filters.flatten(1), 1)
    window = measure.window_size(*filters.shape[2:])
    generator = torch.Generator().manual_seed(measure.SEED)

    def share(surrogates: Iterable[Tensor]) -> Interval:
        shares = torch.stack([measure.window_mass(each, window) for each in surrogates])
        return mean_interval(100 * shares.mean(0))

    def without_place(images: Tensor) -> Iterable[Tensor]:
        return (largest(randomise_phases(images, generator), counts) for _ in range(DRAWS))

    return {
        "own": share([filters]),
        "pixels": share(measure.permute_filters(filters, generator) for _ in range(DRAWS)),
        "phases": share(without_place(filters)),
        "pruned": share([largest(dense, counts)]),
        "pruned_phases": share(without_place(dense)),
    }


def largest(filters: Tensor, counts: Tensor) -> Tensor:
    """Return each filter with so many of its weights, the largest, and zeros for the others."""
    ranks = filters.abs().flatten(1).argsort(1, descending=True).argsort(1)
    return torch.where((ranks < counts[:, None]).view(filters.shape), filters, 0.0)


def pictures(sparse: Sequence[Record], dense: Sequence[Record]) -> dict[str, np.ndarray]:
    """Return stored filters (n, C, H, W) by title: of SGD, these pruned, and of β-LASSO.

    Of the first run of each; nothing unless both have stored filters. The second row has as many
    weights in each filter as the third, the largest ones.
    """
    if not (sparse and dense and sparse[0].has_filters and dense[0].has_filters):
        return {}
    own, others = sparse[0].load_filters(), dense[0].load_filters()
    count = min(len(own), len(others))
    pruned = largest(others[:count], torch.count_nonzero(own[:count].flatten(1), 1))
    sgd = f"{method(dense[0].config).shortest} with momentum and weight decay"
    share = f"{tables.rounded(compare.remaining(sparse)[0])} % of weights remain"
    return {
        sgd: others.numpy(),
        "these filters, pruned to as many weights as below": pruned.numpy(),
        f"{method(sparse[0].config).shortest}: {share}": own.numpy(),
    }


def frame(
    groups: Iterable[Sequence[Record]], name: Callable[[Config], str] = cells.trained_text
) -> tables.DataFrame:
    """Return a row for each S-FC with a λ, beside SGD of the same group and setting.

    Of runs with at least two stored filters. `series` is method and λ, `momentum` that of SGD,
    `weights` the median of a filter, and each of `KINDS` an `Interval` over filters.

    Args:
        groups: records; in a group there is one SGD of the first seed in each setting.
        name: says the setting of a run.
    """
    rows = []
    for records in groups:
        stored = [r for r in records if r.has_filters and r.config.model == "s-fc"]
        dense = {name(r.config): r for r in stored if r.config.optimizer == "sgd"}
        for run in (r for r in stored if r.config.l1 and name(r.config) in dense):
            config, beside = run.config, dense[name(run.config)]
            filters, others = (r.load_filters()[:STORED_FILTERS] for r in (run, beside))
            count = min(len(filters), len(others))
            if count < 2:
                continue
            row = {
                "setting": name(config),
                "method": method(config).shortest,
                "series": cells.series_text(config) + cells.zeros_text(config),
                "l1": config.l1,
                "width": config.base_channels,
                "momentum": beside.config.momentum,
                "weights": int(torch.count_nonzero(filters.flatten(1), 1).median()),
            }
            rows.append(row | compared(filters[:count], others[:count]))
    return tables.data_frame(rows)


def shares_figure(found: tables.DataFrame) -> Figure:
    """Draw what `compared` finds of filters, and of three references with as many weights.

    Means with 95 % intervals over filters, a line for each row of `frame`; below its setting, where
    one has several.
    """
    if found.empty:
        return pending()
    lines: list[tuple[str, dict[str, Any] | None]] = []  # headings have no row
    headed = found["setting"].duplicated().any()
    for setting, rows in found.groupby("setting", sort=False):
        dense = "with" if rows.momentum.max() else "without"
        lines += [(f"{setting}; SGD {dense} momentum", None)] if headed else []
        named = rows.series if headed else rows["setting"]
        lines += [(name, dict(row)) for name, (_, row) in zip(named, rows.iterrows(), strict=True)]
    figure, axes = subplots(figsize=(PAGE_WIDTH, 0.24 * len(lines) + 0.9))
    sgd, grey = look(SGD).colour, "0.55"
    edge = axes.get_yaxis_transform()
    for place, (text, row) in enumerate(lines):
        if row is None:
            axes.text(0.01, place, text, transform=edge, va="center", style="italic", size="small")
            continue
        own = look(row["method"]).colour
        for kind, marker, colour, filled, shift in (
            ("own", "o", own, own, -0.12),
            ("pruned", "o", sgd, sgd, 0.12),
            ("phases", "d", own, "none", 0),
            ("pixels", "|", grey, grey, 0),
        ):
            share = row[kind]
            axes.errorbar(
                share.mean, place + shift, xerr=share.half_width, fmt=marker, color=colour,
                mfc=filled, ms=9 if marker == "|" else 5, capsize=0,
            )  # fmt: skip
    for name in found.method.unique():
        axes.plot([], [], "o", color=look(name).colour, label=name)
    axes.plot([], [], "d", color="0.3", mfc="none", label="with random phases")
    axes.plot([], [], "|", color=grey, label="with pixels permuted")
    axes.plot([], [], "o", color=sgd, label="SGD, pruned")
    axes.set_yticks(range(len(lines)), ["" if row is None else text for text, row in lines])
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", color="0.93")
    axes.set_axisbelow(True)
    axes.set(
        xlim=(0, 100), ylim=(len(lines) - 0.5, -0.5),
        xlabel="share of the squared weights in the best window (%)",
    )  # fmt: skip
    add_legend(figure, axes, columns=5)
    return figure


def table(found: tables.DataFrame, name: str = "tab-smooth") -> Table:
    """Return what `compared` finds for each row of `frame`."""
    if found.empty:
        what = "filters, and surrogates with as many weights"
        return tables.pending_table(name, what, "lcs study largest")
    rows = []
    for row in found.to_dict("records"):
        setting = row["setting"] + ("; SGD has momentum and decay" if row["momentum"] else "")
        shares = (tables.interval(row[kind], 1) for kind in KINDS)
        rows.append([setting, row["series"], f"{row['weights']:,}", *shares])
    caption = (
        "Share of a filter's mass in its best window, in per cent, over the stored filters of one "
        f"run each, at most {STORED_FILTERS}; ± 95 % interval over filters. Beside it: the same "
        "filters with permuted pixels, and with random phases; filters of SGD in the same setting; "
        "and these with random phases. All are pruned to as many weights as the filters have. "
        "So few filters may differ from all that a run has."
    )
    columns = ["setting", "filters of", "weights, median", *KINDS.values()]
    return Table(name, caption, columns, rows, text=("filters of",))
