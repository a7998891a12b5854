"""What the chapter `figure4` shows: filters, how local they are, and what makes them so."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from lcs import measure
from lcs.config import Config
from lcs.exhibits import compare, crop_shift, locality, tables
from lcs.exhibits.compare import PENDING, WORDS, Cell, Conditions, Numbers
from lcs.exhibits.locality import MEASURES
from lcs.exhibits.methods import B50, LOCAL, SGD, beta_lasso_method, method
from lcs.exhibits.settings import (
    REPRODUCTION,
    STRONGER_L1,
    baseline,
    sgd_and_betas,
)
from lcs.exhibits.tables import NONE, Table, signed
from lcs.exhibits.verdicts import UNMEASURED, Claim, Finding, Judge, verdict
from lcs.exhibits.why.factorial import AUGMENTED_CROSS_ENTROPY, LOSSES, has_stronger_l1
from lcs.runs import Record, RunStore
from lcs.stats import Interval, mean_interval
from lcs.study import Study

if TYPE_CHECKING:
    import pandas as pd

# Studies


def _figure4(base: Config, betas: Sequence[float]) -> list[Config]:
    return [baseline(base, "s-local"), *sgd_and_betas(base, betas)]


STUDIES = (
    Study("figure4", "Figure 4: filters and their locality", REPRODUCTION, _figure4, 5),
    *crop_shift.STUDIES,
)


def locality_frame(records: Sequence[Record]) -> pd.DataFrame:
    """Return what `plots.locality` draws: a row for each method and measure."""
    rows = [
        {"method": name, "measure": title, **locality.summary(runs, key)}
        for name, runs in compare.by_method(records).items()
        for key, title in MEASURES.items()
    ]
    return tables.data_frame(rows).dropna()


def fully_connected(store: RunStore, dataset: str = "cifar10") -> list[Record]:
    """Return every stored run of S-FC on a data set, in the order of their files."""
    records = (record for place in store.chain() for record in place.records())
    return [
        r
        for r in records
        if r.kind != "toy"
        and (r.config.model, r.config.dataset) == ("s-fc", dataset)
        and not (r.config.validation or r.config.permute_pixels)
    ]


def against_sparsity(records: Sequence[Record], measure: str) -> pd.DataFrame:
    """Return what `plots.scatter` draws: locality beyond chance against weights per filter.

    Args:
        records: of S-FC with any method.
        measure: a key of `locality.MEASURES`; the window's share is in per cent.
    """
    factor = locality.unit_factor(measure)
    rows = []
    for record in records:
        found, config = record.final["locality"][measure], record.config
        if found["excess_mean"] is None:
            continue
        penalised = "β-LASSO, β > 0" if config.beta else "ℓ1 alone: β = 0, proximal"
        rows.append(
            {
                "x": record.final["nonzeros"]["conv1"] / locality.units(record),
                "y": factor * found["excess_mean"],
                "ci95": factor * found["excess_ci95"],
                "method": "SGD" if config.optimizer == "sgd" else penalised,
                "augmented": config.augment != "none",
                "loss": compare.loss_text(config),
                "run_id": record.run_id,
            }
        )
    columns = ["x", "y", "ci95", "method", "augmented", "loss", "run_id"]
    return tables.data_frame(rows, columns=columns).drop_duplicates("run_id")


def locality_table(records: Sequence[Record], scale: str, name: str = "tab-locality") -> Table:
    """Return the locality of first-layer filters beside their null model."""
    if not records:
        what = f"locality at the scale {scale}"
        return tables.pending_table(name, what, f"lcs study figure4 --scale {scale}")
    rows = []
    for title, runs in compare.by_method(records).items():
        cells = [_beside_null(key, runs) for key in MEASURES]
        counts = [run.final["locality"]["eligible"] for run in runs]
        rows.append([title, f"{mean_interval(counts).mean:,.0f}", *cells, tables.links(runs)])
    window, n = (
        records[0].final["locality"]["window"],
        max(map(len, compare.by_method(records).values())),
    )
    measured = max(record.final["locality"]["filters"] for record in records)
    caption = (
        f"Locality of first-layer filters, at most {measured:,} of each run "
        f"({compare.scale_text(records, scale)}): mean, and in brackets the mean difference "
        "between a filter and its own permutations, with a 95 % interval over "
        f"{'seeds' if n > 1 else 'filters'}. The window has {window} × {window} pixels."
    )
    columns = ["method", f"with ≥ {measure.MIN_NONZEROS} weights", *MEASURES.values(), "seeds"]
    return Table(name, caption, columns, rows)


def locality_numbers(records: Sequence[Record]) -> Numbers:
    """Return the numbers of the prose, for the largest β (`sparse-…`) and SGD (`dense-…`).

    `…-mean` is of the filters, `…-null_mean` of their permutations, where it is not about 0.
    """
    groups, beta = compare.by_method(records), compare.largest_beta(records)
    numbers: Numbers = {"beta": beta, "n": len(groups[SGD])}
    for short, name in {"sparse": beta_lasso_method(beta), "dense": SGD}.items():
        for key in MEASURES:
            found = locality.summary(groups[name], key)
            for kind in ("mean",) if key == "morans_i" else ("mean", "null_mean"):
                value = found[kind]
                numbers[f"{short}-{key}-{kind}"] = math.nan if value is None else value
    return numbers


def _beside_null(key: str, runs: Sequence[Record]) -> str:
    """Return a measure's mean and, in brackets, its excess over the null model."""
    shown = locality.summary(runs, key)
    mean, excess, half = (shown[name] for name in ("mean", "excess_mean", "excess_ci95"))
    if mean is None or excess is None or half is None:
        return tables.NONE
    digits = 3 if key == "morans_i" else 2
    beyond = tables.signed(Interval(excess, half, len(runs)), digits)
    return f"{mean:.{digits}f} ({beyond})"


def shown_filters(records: Sequence[Record]) -> dict[str, np.ndarray]:
    """Return the filters that Figure 4 shows, (n, C, H, W) by method: dense, sparse, patches."""
    groups = compare.by_method(records)
    names = (SGD, beta_lasso_method(compare.largest_beta(records)), LOCAL)
    return locality.filters_of(
        [groups[name][0] for name in names], lambda run: str(method(run.config))
    )


def filters_by_l1(records: Sequence[Record]) -> dict[str, np.ndarray]:
    """Return stored filters, (n, C, H, W), of SGD and of the largest β at growing λ: first seed."""
    largest = max((r.config.beta for r in records), default=0)
    shown = [r for r in records if r.config.optimizer == "sgd" or r.config.beta == largest > 0]

    def title(run: Record) -> str:
        l1 = "" if run.config.optimizer == "sgd" else f", λ = {locality.lambdas_text(run.config)}"
        return f"{method(run.config)}{l1}: {compare.remaining([run])[0]:.1f} % left"

    by_l1 = sorted(shown, key=lambda run: (run.config.l1, run.config.l1_rest or 0.0))
    return locality.filters_of(by_l1, title)


def pair_correlation_frame(
    records: Sequence[Record], series: Callable[[Config], str]
) -> pd.DataFrame:
    """Return one row per run and distance: `series`, `run_id`, `distance` (pixels), `ratio`."""
    rows = [
        {"series": series(r.config), "run_id": r.run_id, "distance": distance, "ratio": ratio}
        for r in records
        for distance, ratio in enumerate(locality.pair_correlation(r) or [], 1)
    ]
    return tables.data_frame(rows, columns=["series", "run_id", "distance", "ratio"])


def factorial_numbers(records: Sequence[Record]) -> dict[str, str]:
    """Return what augmentation does to locality, from the factorial with cross-entropy, in words.

    For SGD, β = 0 and β = 50 with the stronger λ: points of the window's share beyond chance with
    augmentation (`window-…-flip-crop`); of β = 50 also without it (`window-strong-none`), and the
    paired difference (`window-strong-more`). `window-threshold`: β = 50 less β = 0, augmented.
    `window-pruned`: stored filters of β = 0, pruned to as many weights as the run of β = 50 with
    the same seed has left, and `window-rival`, those of that run.
    """
    found = compare.conditions(records)
    methods = {"optimizer": "sgd"}, {"beta": 0, **STRONGER_L1}, {"beta": 50, **STRONGER_L1}
    sgd, zero, sparse = (
        compare.pick(found, **AUGMENTED_CROSS_ENTROPY, **fields) for fields in methods
    )
    if not (sgd and zero and sparse):
        return dict.fromkeys(FACTORIAL_NUMBERS, PENDING)
    augmented, plain = found[sparse], found[sparse.replace(augment="none")]
    first, pruned = found[zero][0], None
    if first.filters:
        share = compare.remaining(augmented)[0] / 100
        pruned = measure.locality(measure.prune(first.load_filters(), share))
    values = (
        locality.window_text(found[sgd]),
        locality.window_text(found[zero]),
        locality.window_text(augmented),
        locality.window_text(plain),
        compare.signed_text(locality.compared(augmented, plain, locality.beyond_chance), NONE),
        compare.signed_text(
            locality.compared(augmented, found[zero], locality.beyond_chance), NONE
        ),
        _over_filters(pruned) if pruned else PENDING,
        _over_filters(augmented[0].final["locality"]) if pruned else PENDING,
        f"{pruned['filters']}" if pruned else PENDING,
    )
    return dict(zip(FACTORIAL_NUMBERS, values, strict=True))


FACTORIAL_NUMBERS = (
    "window-sgd-flip-crop",
    "window-zero-strong-flip-crop",
    "window-strong-flip-crop",
    "window-strong-none",
    "window-strong-more",
    "window-threshold",
    "window-pruned",
    "window-rival",
    "pruned-filters",
)


def _over_filters(found: Mapping[str, Any]) -> str:
    """Return the share beyond chance of one run, in points, with its interval over filters."""
    window = found["window_mass"]
    mean, half = window["excess_mean"], window["excess_ci95"]
    if mean is None or half is None:
        return NONE
    return tables.signed(Interval(100 * mean, 100 * half, found["filters"]))


def factorial_table(records: Sequence[Record]) -> Table:
    """Return the window's share beyond chance in every cell of the factorial."""
    cells = {
        f"{LOSS_NAMES[loss]}, {WORDS[augment]}": {"augment": augment, **LOSSES[loss]}
        for loss in ("bce", "equal", "ce")
        for augment in ("none", "flip-crop")
    }
    note = (
        f". Stronger λ: {tables.number(STRONGER_L1['l1'])} on the first layer, "
        f"{tables.number(STRONGER_L1['l1_rest'])} on the others. At equal rates η is a tenth, "
        "λ ten times as large, and β = 5 stands for β = 50, so that ηλ and βλ are as with the "
        "binary cross-entropy"
    )
    sparse = [f"β = {beta}{l1}" for beta in (0, 50) for l1 in ("", ", stronger λ")]
    columns = ["loss and images", "SGD", *sparse]
    what = "locality with and without augmentation"
    return _window_table("factorial", records, cells, columns, what, note)


def width_table(records: Sequence[Record]) -> Table:
    """Return the window's share beyond chance of each method at growing width."""
    widths = sorted({record.config.base_channels for record in records})
    cells = {f"{width}": {"base_channels": width} for width in widths}
    columns = ["α", "SGD", "β = 0", "β = 0, stronger λ", "β = 50, stronger λ"]
    return _window_table("width", records, cells, columns, "locality at growing width")


def _window_table(
    study: str,
    records: Sequence[Record],
    cells: Mapping[str, Mapping[str, object]],
    columns: Sequence[str],
    what: str,
    note: str = "",
) -> Table:
    """Return the window's share beyond chance, a row for the runs with each of these values."""
    name = f"tab-locality-{study}"
    if not records:
        return tables.pending_table(name, what, f"lcs study {study}")
    found = compare.conditions(records)
    rows = []
    for heading, fields in cells.items():
        here = {config: runs for config, runs in found.items() if compare.matches(config, fields)}
        rows.append([heading, *map(locality.window_text, _by_strength(here))])
    caption = (
        "Mass in a filter's best window, less that of its own permutations, in points: "
        f"{compare.setting_text(records)}{compare.spread_text(records)}{note}."
    )
    return Table(name, caption, columns, rows)


LOSS_NAMES = {
    "bce": "binary cross-entropy",
    "equal": "cross-entropy, equal rates",
    "ce": "cross-entropy",
}


def _by_strength(found: Conditions) -> list[list[Record]]:
    """Runs of SGD, of β = 0 and of the largest β, each at both λ."""
    return [found[c] for c in sorted(found, key=lambda c: (c.optimizer != "sgd", c.beta, c.l1))]


def sparsity_numbers(records: Sequence[Record]) -> dict[str, str]:
    """Return locality at the smallest and the largest λ of the recipe's largest β, in words.

    `window-few`, `window-many`: points of the window's share beyond chance; `left-few`,
    `left-many`: per cent of the first layer that is left; `eligible-few`: filters that are
    measured; `runs-recipe`: how many runs each has.
    """
    found = compare.conditions([r for r in records if r.config.beta == 50])
    by_l1 = sorted(found, key=lambda config: (config.l1, config.l1_rest or 0))

    def said(text: Cell, place: int) -> str:
        return text(found[by_l1[place]]) if found else PENDING

    return {
        "window-many": said(locality.window_text, 0),
        "left-many": said(compare.remaining_text, 0),
        "window-few": said(locality.window_text, -1),
        "left-few": said(compare.remaining_text, -1),
        "eligible-few": said(locality.eligible_text, -1),
        "runs-recipe": compare.count_text(found),
    }


# Claims


def _local_filters(records: list[Record]) -> Finding:
    each = locality.beyond_chance(compare.by_method(records)[B50])
    if not np.isfinite(each).all():
        return UNMEASURED
    excess = mean_interval(each)
    value = f"{signed(excess)} points of the mass in a window beyond chance"
    return Finding(value, excess, short=f"{signed(excess)} of the mass")


def _more_local_than_sgd(records: list[Record]) -> Finding:
    """Judge by both measures of locality; where they agree, the evidence is the weaker one.

    The spread is smaller in a local filter. Moran's I, of smoothness, is said beside them.
    """
    groups = compare.by_method(records)
    window, more_spread, moran = (
        locality.compared(
            groups[B50], groups[SGD], partial(locality.beyond_chance, measure=measure)
        )
        for measure in ("window_mass", "spread", "morans_i")
    )
    if window is None or more_spread is None or moran is None:
        return UNMEASURED
    spread = more_spread._replace(mean=-more_spread.mean)
    value = f"window {signed(window)} points, spread {signed(spread)} px less; smoothness: "
    more, value = (window, spread), f"{value}Moran's I {signed(moran, 3)}"
    if len({verdict(Finding("", one)) for one in more}) > 1:
        return Finding(value, said="depends on the measure")
    # points and pixels are compared by their intervals, which single runs lack
    known = all(one.half_width for one in more)
    weaker = min(more, key=lambda one: abs(one.mean) / (one.half_width or 1)) if known else window
    return Finding(value, weaker, short=f"window {signed(window)}")


def _more_local(reference: Callable[[Config], Config], *, worse: bool = False) -> Judge:
    """Judge whether β = 50 with the stronger λ puts more (or less) of a filter's mass in a window.

    In the mean over losses and images of the factorial.
    """

    def judge(records: list[Record]) -> Finding:
        found = compare.conditions(records)
        cells = [c for c in found if c.beta and has_stronger_l1(c)]
        more = [
            [compare.by_seed(found[c], locality.beyond_chance) for c in (cell, reference(cell))]
            for cell in cells
        ]
        seeds = sorted(set.intersection(*(set(one) for pair in more for one in pair)))
        each = [[one[s] - other[s] for s in seeds] for one, other in more]
        if not np.isfinite(each).all():
            return UNMEASURED
        difference = mean_interval(np.mean(each, axis=0))
        claimed = difference._replace(mean=-difference.mean) if worse else difference
        return Finding(f"{signed(difference)} points of the mass", claimed)

    return judge


CLAIMS: tuple[Claim, ...] = (
    Claim(
        "P",
        "The filters of β = 50 are more local than their own permutations",
        "table2",
        _local_filters,
        "pictures",
    ),
    Claim(
        "P",
        "The filters of β = 50 are more local than those of SGD",
        "table2",
        _more_local_than_sgd,
        "pictures",
    ),
    Claim(
        "B",
        "With the stronger λ, the filters of β = 50 are more local than those of SGD, by "
        "the window (100 epochs, mean over losses and images)",
        "factorial",
        _more_local(compare.as_sgd),
    ),
    Claim(
        "B",
        "With the stronger λ, the filters of β = 50 are less local than those of β = 0 "
        "with the same λ, by the window (100 epochs, mean over losses and images)",
        "factorial",
        _more_local(compare.without_threshold, worse=True),
    ),
    *crop_shift.CLAIMS,
)
