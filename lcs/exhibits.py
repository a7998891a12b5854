"""What each chapter shows, computed from records: its tables, and the numbers of its prose.

A number that a page prints is made here, or in a test it is recomputed from here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd

from lcs import laws, published, tables
from lcs.config import Config
from lcs.cost import count_weights
from lcs.errors import ConfigError
from lcs.measure import Interval, binomial_interval, mean_interval, paired_difference
from lcs.plots import LAYERS
from lcs.runs import Record
from lcs.studies import (
    B0,
    B1,
    B50,
    CONV,
    LOCAL,
    PROXIMAL,
    SGD,
    THREE,
    beta_lasso_name,
    frame,
    last_epochs,
    method,
)
from lcs.tables import Table

PAPER = f"α ≈ {published.PAPER_BASE_CHANNELS}, {published.PAPER_EPOCHS} epochs"
FORMULAS = {"conv1": "3 s⁴ α / 4", "fc1": "6 s² α²", "fc2": "24 c α"}

Numbers = dict[str, float | str]


def by_method(records: Sequence[Record]) -> dict[str, list[Record]]:
    """Group records by method, in their order."""
    groups: dict[str, list[Record]] = {}
    for record in records:
        groups.setdefault(method(record.config), []).append(record)
    return groups


def accuracies(records: Sequence[Record]) -> list[float]:
    """Accuracies of the last epoch, in per cent."""
    return [100 * record.accuracy for record in records]


def train_accuracies(records: Sequence[Record]) -> list[float]:
    """Accuracies on the training images, not augmented, after the last epoch, in per cent."""
    return [100 * record.final["clean_train_accuracy"] for record in records]


def left(records: Sequence[Record], layer: str = "conv1") -> list[float]:
    """Share of a layer's weights that are not zero at the end, in per cent."""
    return [100 * r.final["nonzeros"][layer] / r.final["weights"][layer] for r in records]


Values = Callable[[Sequence[Record]], Sequence[float]]


def by_seed(records: Sequence[Record], of: Values = accuracies) -> dict[int, float]:
    """Return a value of each run by its seed; none may come twice."""
    seeds = [record.config.seed for record in records]
    assert len(set(seeds)) == len(seeds), seeds
    return dict(zip(seeds, of(records), strict=True))


def paired(one: Sequence[Record], other: Sequence[Record], of: Values = accuracies) -> Interval:
    """Return some runs' values less those of others, for the seeds of both: accuracy, in points."""
    first, second = by_seed(one, of), by_seed(other, of)
    seeds = sorted(first.keys() & second.keys())
    return paired_difference([first[s] for s in seeds], [second[s] for s in seeds])


def size_text(records: Sequence[Record]) -> str:
    """Say how wide a network and how long a training the runs have."""
    config: Config = records[0].config
    return f"α = {config.base_channels}, {config.epochs} epochs"


def setting_text(records: Sequence[Record], scale: str) -> str:
    """Say under which conditions runs were made: data set, scale, width, length, n."""
    config: Config = records[0].config
    n = max(len(group) for group in by_method(records).values())
    text = f"scale {scale}, {config.dataset}, α = {config.base_channels}, {config.epochs} epochs"
    return text + f", n = {n}" + (", mean ± 95 % interval over seeds" if n > 1 else "")


def table2(records: Sequence[Record], scale: str) -> Table:
    """Return the paper's Table 2 with our column: every published method, then those of ours."""
    groups = by_method(records)
    others = [row.method for row in published.TABLE2 if row.method not in groups]
    return _accuracy_table("tab-table2", [*others, *groups], records, scale)


def elsewhere(name: str, records: Sequence[Record], scale: str, what: str, command: str) -> Table:
    """Return our methods on other data or at another size beside the paper's, or the command."""
    if not records:
        return tables.pending_table(name, what, command)
    return _accuracy_table(name, list(by_method(records)), records, scale)


def _accuracy_table(
    label: str, names: Sequence[str], records: Sequence[Record], scale: str
) -> Table:
    config: Config = records[0].config
    groups = by_method(records)
    wide = config.base_channels == published.PAPER_BASE_CHANNELS
    short = wide and config.epochs == published.SHORT_EPOCHS
    epochs = published.SHORT_EPOCHS if short else published.PAPER_EPOCHS
    paper_text = f"α ≈ {published.PAPER_BASE_CHANNELS}, {epochs} epochs"
    # the reproduction has one data set, and one width
    reports = ["reproduction"] if config.dataset == "cifar10" and not wide else []
    report_text = " and the reproduction's report (α = 1, 400 epochs)" if reports else ""
    rows = []
    for name in names:
        runs = groups.get(name, [])
        ours = tables.interval(mean_interval(accuracies(runs))) if runs else tables.NONE
        paper = published.accuracy(name, config.dataset, epochs)
        fit = tables.interval(mean_interval(train_accuracies(runs)), 1) if runs else tables.NONE
        report = [tables.reproduction(published.table2(name).report, 1) for _ in reports]
        rows.append([name, tables.published(paper), *report, ours, fit, tables.links(runs)])
    caption = (
        "Test accuracy in per cent, and ours on the training images, without augmentation. "
        f"Published: the paper ({paper_text}, augmentation){report_text}. "
        f"Ours: {setting_text(records, scale)}."
    )
    columns = ["method", "paper", *reports, "ours", "ours, training", "seeds"]
    return Table(label, caption, columns, rows)


def hundred_numbers(records: Sequence[Record]) -> Numbers:
    """Return what SGD reaches on CIFAR-100 with the reproduction's loss, in per cent; or NaN."""
    runs = by_method(records).get(SGD, [])
    return {
        "hundred-bce": float(np.mean(accuracies(runs))) if runs else math.nan,
        "hundred-bce-fit": float(np.mean(train_accuracies(runs))) if runs else math.nan,
    }


def hundred_gains(records: Sequence[Record]) -> dict[str, str]:
    """Return the gains of β = 50 over SGD and over β = 1 on CIFAR-100, and what it leaves."""
    groups = by_method(records)
    sparse = groups.get(B50, [])
    words = {
        f"hundred-{key}": _less(groups, other) for key, other in {"sgd": SGD, "one": B1}.items()
    }
    return words | {"hundred-left": f"{np.mean(left(sparse)):.0f}" if sparse else tables.NONE}


def accuracy_frame(records: Sequence[Record]) -> pd.DataFrame:
    """Return what `plots.accuracies` draws: our values and the published ones by method."""
    groups = by_method(records)
    dataset = records[0].config.dataset
    columns = {f"the paper ({PAPER})": [published.accuracy(name, dataset) for name in groups]}
    if dataset == "cifar10":
        known = [published.table2(name).report for name in groups]
        columns["the reproduction (α = 1, 400 epochs)"] = known
    theirs = pd.DataFrame(columns, index=list(groups), dtype=float)
    ours = pd.Series({name: accuracies(runs) for name, runs in groups.items()}, name="ours")
    return pd.concat([ours, theirs], axis=1)


def variants_table() -> Table:
    """Return the values that a source gives in two places, which differ."""
    rows = [
        [
            row.method,
            tables.reproduction(row.report, 1),
            tables.reproduction(row.notebook),
            tables.published(row.cifar10) if row.method == published.ABSTRACT.method else "",
            tables.published(published.ABSTRACT.cifar10)
            if row.method == published.ABSTRACT.method
            else "",
        ]
        for row in published.TABLE2
        if row.notebook is not None
    ]
    caption = (
        "Test accuracy on CIFAR-10 where a source gives two values: the reproduction's report and "
        "its notebook; the paper's Table 2 and the abstract of its NeurIPS version. This book "
        "compares with the report and the table."
    )
    columns = ["method", "report", "notebook", "paper, table", "paper, abstract"]
    return Table("tab-variants", caption, columns, rows)


def table2_numbers(records: Sequence[Record]) -> Numbers:
    """Return the numbers of the chapter's prose: mean accuracies in per cent, and differences.

    What it says of a β that is not among the runs is NaN, or a dash.
    """
    groups = by_method(records)
    mean = {name: mean_interval(accuracies(runs)).mean for name, runs in groups.items()}
    sparse = groups.get(B50, [])
    images = records[0].final["evaluation_images"]
    low, high = binomial_interval(mean[SGD] / 100, images)
    named = {
        "sgd": SGD,
        "conv": CONV,
        "local": LOCAL,
        "three": THREE,
        "proximal": PROXIMAL,
    }
    return {
        **{short: mean[name] for short, name in named.items()},
        **{f"beta-{b}": mean.get(beta_lasso_name(b), math.nan) for b in (0, 1, 50)},
        **_differences(groups),
        "early-sgd": _less(groups, SGD, _best_stretches),
        "n": len(groups[SGD]),
        "half-width": 50 * (high - low),
        **{f"fit-{k}": np.mean(train_accuracies(groups[named[k]])) for k in ("sgd", "conv")},
        "proximal-left": mean_interval(_first_layer(groups[PROXIMAL])).mean,
        "first-layer": groups[PROXIMAL][0].final["weights"]["conv1"],
        "left": mean_interval(_first_layer(sparse)).mean if sparse else math.nan,
    }


def _best_stretches(runs: Sequence[Record]) -> list[float]:
    return [_best_stretch(run) for run in runs]


def _best_stretch(run: Record, epochs: int = 10) -> float:
    """Return the best mean of so many successive recorded test accuracies, in per cent."""
    curve = run.history["test_accuracy"]
    window = min(epochs, len(curve))
    return 100 * float(np.convolve(curve, np.full(window, 1 / window), "valid").max())


def _first_layer(records: Sequence[Record]) -> list[int]:
    """Non-zero weights of the first layer after the last epoch."""
    return [record.final["nonzeros"]["conv1"] for record in records]


def _differences(groups: Mapping[str, Sequence[Record]]) -> Numbers:
    """Return β = 50 less other methods, in points, in words: `less-…`."""
    others = {"beta-0": B0, "beta-1": B1, "sgd": SGD, "proximal": PROXIMAL}
    return {f"less-{short}": _less(groups, name) for short, name in others.items()}


def _less(groups: Mapping[str, Sequence[Record]], other: str, values: Values = accuracies) -> str:
    """Return β = 50 less another method; a dash if one of them was not run."""
    known = B50 in groups and other in groups
    return tables.signed(paired(groups[B50], groups[other], values)) if known else tables.NONE


def largest_beta(records: Sequence[Record]) -> float:
    """Return the largest β of some runs."""
    return float(max(record.config.beta for record in records))


def nonzeros_table(records: Sequence[Record], scale: str, name: str = "tab-nonzeros") -> Table:
    """Return the non-zero weights after the last epoch, layer by layer, with the published ones."""
    if not records:
        return tables.pending_table(name, "the same after 100 epochs", "lcs study length")
    rows = []
    for title, runs in by_method(records).items():
        known = _published_counts(title, runs[0].config)
        for layer, place in LAYERS.items():
            counts = [run.final["nonzeros"][layer] for run in runs]
            share = np.mean(left(runs, layer))
            theirs = tables.reproduction(getattr(known, layer, None), 0)
            ours = tables.interval(mean_interval(counts), 0)
            first = layer == "conv1"
            row = [title if first else "", place, theirs, ours, f"{share:.1f}"]
            rows.append([*row, tables.links(runs) if first else ""])
    caption = (
        "Non-zero weights of S-FC after the last epoch. Published: the reproduction (CIFAR-10, "
        f"α = 1, {records[0].config.epochs} epochs). Ours: {setting_text(records, scale)}."
    )
    columns = ["method", "layer", "reproduction", "ours", "share (%)", "seeds"]
    return Table(name, caption, columns, rows, text=["layer"])


def ranges_table(config: Config) -> Table:
    """Return the size of S-FC's layers, here and in the paper: it explains the figures' ranges."""
    wide = _as_wide_as_the_papers(config.replace(dataset="cifar10"))
    here, there = count_weights(config, "s-fc"), count_weights(wide, "s-fc")
    rows = [
        [
            title,
            FORMULAS[layer],
            f"{here[layer]:,}",
            f"{there[layer]:,}",
            tables.published(published.FIGURE3[layer], 0),
        ]
        for layer, title in LAYERS.items()
    ]
    caption = (
        "Weights of S-FC in each layer, by the formulas of the paper's Table 3 (image side s, "
        "c classes), and what is left at the end of the paper's Figure 3, read off its log axes "
        f"and so approximate (CIFAR-10, β = 50, {published.PAPER_EPOCHS} epochs)."
    )
    widths = [f"α = {c.base_channels}" for c in (config, wide)]
    columns = ["layer", "formula", *widths, "left in the paper"]
    return Table("tab-ranges", caption, columns, rows, text=["formula"])


def _as_wide_as_the_papers(config: Config) -> Config:
    return config.replace(base_channels=published.PAPER_BASE_CHANNELS)


def nonzeros_references(config: Config) -> dict[str, dict[str, float]]:
    """Return the reference lines of Figure 3: how many weights S-CONV and S-LOCAL have."""
    conv, local = count_weights(config, "s-conv"), count_weights(config, "s-local")
    return {"conv1": {"S-LOCAL": local["conv1"], "S-CONV": conv["conv1"]}}


def published_counts(config: Config) -> pd.DataFrame:
    """Return the reproduction's counts after as many epochs, if the runs are in its setting."""
    rows = [c for c in published.NONZEROS if c.epochs == config.epochs and _is_reproduction(config)]
    return pd.DataFrame(rows, columns=published.Counts._fields)


def nonzeros_numbers(records: Sequence[Record]) -> Numbers:
    """Return the numbers of the prose, of the largest β: shares in per cent, revived weights."""
    beta = largest_beta(records)
    runs = by_method(records)[beta_lasso_name(beta)]
    history = frame(runs)
    end, start = last_epochs(history), history[history.epoch == history.epoch.min()]
    total = runs[0].final["weights"]
    wide = _as_wide_as_the_papers(runs[0].config)
    shares = {
        f"share-{layer}": 100 * end[f"nonzeros_{layer}"].mean() / total[layer] for layer in LAYERS
    }
    return {
        **shares,
        "beta": beta,
        "left": end.nonzeros_conv1.mean(),
        "after-first": 100 * start.nonzeros_conv1.mean() / total["conv1"],
        "revived": history.revived_conv1.max(),
        "revived-sum": history.groupby("run_id").revived_conv1.sum().mean(),
        "recorded": history.epoch.nunique(),
        "revived-never": 100 * (history.revived_conv1 == 0).mean(),
        "fc2": total["fc2"],
        "fc2-wide": count_weights(wide, "s-fc")["fc2"],
        **_late_fall(records),
    }


def laws_frame(records: Sequence[Record]) -> pd.DataFrame:
    """Return what `plots.laws` draws of the runs that have a threshold."""
    sparse = [run for run in records if run.config.beta]
    if not sparse:
        raise ConfigError("betas: none of them has a threshold; give one above 0")
    history = frame(sparse)
    weights = records[0].final["weights"]["conv1"]
    first_norm = history.groupby("run_id").norm_conv1.transform("first")
    return history.assign(
        left=100 * history.nonzeros_conv1 / weights, shrunk=history.norm_conv1 / first_norm
    )


def laws_forecasts(records: Sequence[Record]) -> dict[str, pd.DataFrame]:
    """Return what the two laws say of each method that has a threshold, epoch by epoch."""
    configs = {method(r.config): r.config for r in records if r.config.beta}
    return {
        name: pd.DataFrame(
            {
                "epoch": np.arange(1, config.epochs + 1),
                "left": 100 * laws.share_left(config),
                "dead_zone": laws.dead_zone(config),
            }
        )
        for name, config in configs.items()
    }


def laws_numbers(records: Sequence[Record]) -> Numbers:
    """Return what was measured beside what the laws say, for β = 1 and 50; NaN if not run.

    `gone-first` and `gone-first-law`: per cent of the first layer after one epoch; `half` and
    `half-law`: the first epoch with less than half of it; `left`: at the end; `empty-law`: the
    epoch by which nothing would be; `returned`: at most in an epoch; `last`: learning rate, in per
    cent of the first one, at which a weight last returned; `shrunk`: lowest norm of the layer, in
    per cent of that after one epoch; `needed`: gradient needed to return, at first.
    """
    numbers: Numbers = {}
    for beta, names in LAW_NUMBERS.items():
        runs = by_method(records).get(beta_lasso_name(beta))
        values = _law_numbers(runs) if runs else dict.fromkeys(names, math.nan)
        numbers |= {f"{name}-{beta}": values[name] for name in names}
    return numbers


def _law_numbers(runs: Sequence[Record]) -> dict[str, float]:
    history, (law,) = laws_frame(runs), laws_forecasts(runs).values()
    first, returned = history[history.epoch == 1], history[history.revived_conv1 > 0]
    return {
        "gone-first": 100 - first.left.mean(),
        "gone-first-law": 100 - law.left.iloc[0],
        "half": _first_epoch_below(history, 50),
        "half-law": _first_epoch_below(law.assign(run_id=0), 50),
        "left": history.groupby("run_id").left.last().mean(),
        "empty-law": _first_epoch_below(law.assign(run_id=0), 1e-9),
        "returned": history.revived_conv1.max(),
        "last": 100 * returned.lr.min() / history.lr.max(),
        "shrunk": 100 * history.shrunk.min(),
        "needed": law.dead_zone.iloc[0],
    }


# those of each β that the prose names
LAW_NUMBERS = {
    1: ("half", "half-law", "returned", "needed"),
    50: (
        "gone-first",
        "gone-first-law",
        "half",
        "half-law",
        "left",
        "empty-law",
        "returned",
        "last",
        "shrunk",
    ),
}


def _first_epoch_below(curve: pd.DataFrame, share: float) -> float:
    """Mean over runs of the first recorded epoch with less than this share left, in per cent."""
    below = curve[curve.left < share]
    return below.groupby("run_id").epoch.min().mean()


def _late_fall(records: Sequence[Record]) -> Numbers:
    """Return how the first layer's count falls with β = 1: at half time, at the end, and in R."""
    runs = by_method(records).get(B1, [])
    half = [run.history["nonzeros"]["conv1"][_half_time(run)] for run in runs]
    end = [run.final["nonzeros"]["conv1"] for run in runs]
    return {
        "one-half": mean_interval(half).mean if runs else math.nan,
        "one-end": mean_interval(end).mean if runs else math.nan,
        "one-published": published.COUNTS[B1, 400].conv1,
    }


def _half_time(run: Record) -> int:
    """Index of the last recorded epoch in the first half of training."""
    return sum(epoch <= run.config.epochs / 2 for epoch in run.history["epoch"]) - 1


def _is_reproduction(config: Config) -> bool:
    return config.dataset == "cifar10" and config.base_channels == 1 and config.loss == "bce"


def _published_counts(name: str, config: Config) -> published.Counts | None:
    return published.COUNTS.get((name, config.epochs)) if _is_reproduction(config) else None
