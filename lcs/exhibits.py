"""What each chapter shows, computed from records: its tables, and the numbers of its prose.

A number that a page prints is made here, or in a test it is recomputed from here.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from lcs import published, tables
from lcs.config import Config
from lcs.cost import count_weights
from lcs.measure import binomial_interval, mean_interval, paired_difference
from lcs.plots import LAYERS
from lcs.runs import Record
from lcs.studies import frame, last_epochs, method
from lcs.tables import Table

LOCALITY = {
    "spread": "spread (pixels)",
    "window_mass": "share in a window",
    "morans_i": "Moran's I",
}
FORMULAS = {"conv1": "3 s⁴ α / 4", "fc1": "6 s² α²", "fc2": "24 c α"}

Numbers = dict[str, float | str]


def by_method(records: Sequence[Record]) -> dict[str, list[Record]]:
    """Group records by method, in their order."""
    groups: dict[str, list[Record]] = {}
    for record in records:
        groups.setdefault(method(record.config), []).append(record)
    return groups


def accuracies(records: Sequence[Record]) -> list[float]:
    """Test accuracies of the last epoch, in per cent."""
    return [100 * record.final["test_accuracy"] for record in records]


def setting_text(records: Sequence[Record], scale: str) -> str:
    """Say under which conditions runs were made: data set, scale, width, length, n."""
    config: Config = records[0].config
    n = max(len(group) for group in by_method(records).values())
    text = f"scale {scale}, {config.dataset}, α = {config.base_channels}, {config.epochs} epochs"
    return text + f", n = {n}" + (", mean ± 95 % interval over seeds" if n > 1 else "")


def table2(records: Sequence[Record], scale: str) -> Table:
    """Return the paper's Table 2 with our column: every published method, then those of ours."""
    config: Config = records[0].config
    groups = by_method(records)
    others = [row.method for row in published.TABLE2 if row.method not in groups]
    rows = []
    for name in [*others, *groups]:
        known, runs = published.table2(name), groups.get(name, [])
        ours = tables.interval(mean_interval(accuracies(runs))) if runs else tables.NONE
        report = known.report if config.dataset == "cifar10" else None
        paper = getattr(known, config.dataset, None)
        row = [name, tables.published(paper), tables.reproduction(report, 1), ours]
        rows.append([*row, tables.links(runs)])
    caption = (
        "Test accuracy in per cent. Published: the paper (α ≈ 150, 4000 epochs, augmentation) and "
        "the reproduction's report (CIFAR-10, α = 1, 400 epochs). "
        f"Ours: {setting_text(records, scale)}."
    )
    columns = ["method", "paper", "reproduction", "ours", "runs"]
    return Table("tab-table2", caption, columns, rows)


def accuracy_frame(records: Sequence[Record]) -> pd.DataFrame:
    """Return what `plots.accuracies` draws: our values and the published ones by method."""
    groups = by_method(records)
    known = [published.table2(name) for name in groups]
    dataset = records[0].config.dataset
    columns = {"published: paper": [getattr(row, dataset, None) for row in known]}
    if dataset == "cifar10":
        columns["published: reproduction"] = [row.report for row in known]
    theirs = pd.DataFrame(columns, index=list(groups), dtype=float)
    ours = pd.Series({name: accuracies(runs) for name, runs in groups.items()}, name="ours")
    return pd.concat([ours, theirs], axis=1)


def table2_numbers(records: Sequence[Record], betas: Sequence[float]) -> Numbers:
    """Return the numbers of the chapter's prose: mean accuracies in per cent, and differences."""
    groups = by_method(records)
    mean = {name: mean_interval(accuracies(runs)).mean for name, runs in groups.items()}
    largest = groups[beta_lasso_name(betas[-1])]
    difference = paired_difference(accuracies(largest), accuracies(groups["S-FC, SGD"]))
    images = records[0].final["evaluation_images"]
    low, high = binomial_interval(mean["S-FC, SGD"] / 100, images)
    named = {
        "sgd": "S-FC, SGD",
        "conv": "S-CONV, SGD",
        "local": "S-LOCAL, SGD",
        "three": "3-FC, SGD",
        "proximal": "S-FC, proximal ℓ1",
    }
    return {
        **{short: mean[name] for short, name in named.items()},
        **{f"beta-{b:g}": mean.get(beta_lasso_name(b), math.nan) for b in (0, 1, 50, *betas)},
        "difference": tables.interval(difference),
        "n": len(largest),
        "half-width": 50 * (high - low),
        "left": mean_interval([r.final["nonzeros"]["conv1"] for r in largest]).mean,
    }


def nonzeros_table(records: Sequence[Record], scale: str) -> Table:
    """Return the non-zero weights after the last epoch, layer by layer, with the published ones."""
    rows = []
    for name, runs in by_method(records).items():
        known = _published_counts(name, runs[0].config)
        for layer, title in LAYERS.items():
            counts = [run.final["nonzeros"][layer] for run in runs]
            share = 100 * mean_interval(counts).mean / runs[0].final["weights"][layer]
            theirs = tables.reproduction(getattr(known, layer, None), 0)
            ours = tables.interval(mean_interval(counts), 0)
            first = layer == "conv1"
            row = [name if first else "", title, theirs, ours, f"{share:.1f}"]
            rows.append([*row, tables.links(runs) if first else ""])
    caption = (
        "Non-zero weights of S-FC after the last epoch. Published: the reproduction (CIFAR-10, "
        f"α = 1, 400 epochs). Ours: {setting_text(records, scale)}."
    )
    columns = ["method", "layer", "reproduction", "ours", "share (%)", "runs"]
    return Table("tab-nonzeros", caption, columns, rows, text=["layer"])


def ranges_table(config: Config) -> Table:
    """Return the size of S-FC's layers, here and in the paper: it explains the figures' ranges."""
    wide = config.replace(base_channels=published.PAPER_BASE_CHANNELS, dataset="cifar10")
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
        "and so approximate (CIFAR-10, β = 50, 4000 epochs)."
    )
    columns = ["layer", "formula", f"α = {config.base_channels}", "α = 150", "left in the paper"]
    return Table("tab-ranges", caption, columns, rows, text=["formula"])


def nonzeros_references(config: Config) -> dict[str, dict[str, float]]:
    """Return the reference lines of Figure 3: how many weights S-CONV and S-LOCAL have."""
    conv, local = count_weights(config, "s-conv"), count_weights(config, "s-local")
    return {"conv1": {"S-LOCAL": local["conv1"], "S-CONV": conv["conv1"]}}


def published_counts(config: Config) -> pd.DataFrame:
    """Return the reproduction's counts, or none where the runs are not in its setting."""
    rows = published.NONZEROS if _is_reproduction(config) else ()
    return pd.DataFrame(rows, columns=published.Counts._fields)


def nonzeros_numbers(records: Sequence[Record], beta: float) -> Numbers:
    """Return the numbers of the chapter's prose: shares in per cent, and revived weights."""
    runs = by_method(records)[beta_lasso_name(beta)]
    history = frame(runs)
    end, start = last_epochs(history), history[history.epoch == history.epoch.min()]
    total = runs[0].final["weights"]
    wide = runs[0].config.replace(base_channels=published.PAPER_BASE_CHANNELS)
    shares = {
        f"share-{layer}": 100 * end[f"nonzeros_{layer}"].mean() / total[layer] for layer in LAYERS
    }
    return {
        **shares,
        "beta": beta,
        "left": end.nonzeros_conv1.mean(),
        "after-first": 100 * start.nonzeros_conv1.mean() / total["conv1"],
        "revived": history.revived_conv1.max(),
        "revived-never": 100 * (history.revived_conv1 == 0).mean(),
        "fc2": total["fc2"],
        "fc2-wide": count_weights(wide, "s-fc")["fc2"],
        **_late_fall(records),
    }


def _late_fall(records: Sequence[Record]) -> Numbers:
    """Return how the first layer's count falls with β = 1: at half time, at the end, and in R."""
    runs = by_method(records).get(beta_lasso_name(1), [])
    half = [run.history["nonzeros"]["conv1"][_half_time(run)] for run in runs]
    end = [run.final["nonzeros"]["conv1"] for run in runs]
    known = published.NONZEROS[2]
    return {
        "one-half": mean_interval(half).mean if runs else math.nan,
        "one-end": mean_interval(end).mean if runs else math.nan,
        "one-published": known.conv1,
    }


def _half_time(run: Record) -> int:
    """Index of the last recorded epoch in the first half of training."""
    return sum(epoch <= run.config.epochs / 2 for epoch in run.history["epoch"]) - 1


def locality_frame(records: Sequence[Record]) -> pd.DataFrame:
    """Return what `plots.locality` draws: a row for each method and measure."""
    rows = [
        {"method": name, "measure": title, **runs[0].final["locality"][key]}
        for name, runs in by_method(records).items()
        for key, title in LOCALITY.items()
    ]
    return pd.DataFrame(rows).dropna()


def locality_table(records: Sequence[Record], scale: str) -> Table:
    """Return the locality of first-layer filters beside their null model."""
    rows = []
    for name, runs in by_method(records).items():
        found = runs[0].final["locality"]
        cells = [_locality_cell(found[key]) for key in LOCALITY]
        counts = [f"{found['eligible']:,}", f"{found['filters']:,}"]
        rows.append([name, *counts, *cells, tables.link(runs[0])])
    window = records[0].final["locality"]["window"]
    caption = (
        f"Locality of first-layer filters ({setting_text(records, scale)}): mean, and in brackets "
        "the mean difference between a filter and its own permutations, with a 95 % interval over "
        f"filters. The window has {window} × {window} pixels."
    )
    columns = ["method", "with ≥ 20 weights", "measured", *LOCALITY.values(), "run"]
    return Table("tab-locality", caption, columns, rows)


def locality_numbers(records: Sequence[Record], beta: float) -> Numbers:
    """Return the numbers of the chapter's prose, for β-LASSO (`sparse-…`) and SGD (`dense-…`)."""
    groups = by_method(records)
    numbers: Numbers = {"beta": beta}
    for short, name in {"sparse": beta_lasso_name(beta), "dense": "S-FC, SGD"}.items():
        found = groups[name][0].final["locality"]
        for key in LOCALITY:
            for kind in ("mean", "null_mean"):
                value = found[key][kind]
                shown = float("nan") if value is None else value
                numbers[f"{short}-{key}-{kind}"] = 100 * shown if key == "window_mass" else shown
        numbers[f"{short}-eligible"] = found["eligible"]
        numbers[f"{short}-left"] = groups[name][0].final["nonzeros"]["conv1"]
    return numbers


def _locality_cell(summary: dict[str, float | None]) -> str:
    if summary["mean"] is None:
        return tables.NONE
    return f"{summary['mean']:.3f} ({summary['excess_mean']:+.3f} ± {summary['excess_ci95']:.3f})"


def beta_lasso_name(beta: float) -> str:
    """Name of a β-LASSO run of S-FC, as `studies.method` gives it."""
    return f"S-FC, β-LASSO, β = {beta:g}"


def _is_reproduction(config: Config) -> bool:
    return config.dataset == "cifar10" and config.base_channels == 1 and config.loss == "bce"


def _published_counts(name: str, config: Config) -> published.Counts | None:
    known = [c for c in published.NONZEROS if c.method == name and c.epochs == config.epochs]
    return known[0] if known and _is_reproduction(config) else None


def shown_filters(records: Sequence[Record], beta: float) -> dict[str, np.ndarray]:
    """Return the filters that Figure 4 shows, (n, C, H, W) by method: dense, sparse, patches."""
    groups = by_method(records)
    return {
        name: groups[name][0].load_filters().numpy()
        for name in ("S-FC, SGD", beta_lasso_name(beta), "S-LOCAL, SGD")
    }
