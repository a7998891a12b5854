"""What the chapter `figure4` shows: filters, how local they are, and what makes them so."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from lcs import data, measure
from lcs.config import Config
from lcs.exhibits import tables
from lcs.exhibits.compare import (
    PENDING,
    WORDS,
    Cell,
    Conditions,
    Numbers,
    Values,
    as_sgd,
    by_condition,
    by_method,
    by_seed,
    conditions,
    count_text,
    largest_beta,
    loss_text,
    mean_text,
    of,
    paired,
    pick,
    remaining,
    remaining_text,
    scale_text,
    setting_text,
    signed_or_none,
    spread_text,
    without_threshold,
)
from lcs.exhibits.methods import B50, LOCAL, SGD, beta_lasso_method, method
from lcs.exhibits.settings import (
    DESK_SCALES,
    REPRODUCTION,
    STRONGER_L1,
    baseline,
    beta_lasso,
    sgd_and_betas,
    short_recipe,
)
from lcs.exhibits.tables import NONE, Table, signed
from lcs.exhibits.verdicts import UNMEASURED, Claim, Finding, Judge, verdict
from lcs.exhibits.why import CROSSED, LOSSES, is_strong
from lcs.runs import Record, RunStore
from lcs.stats import Interval, mean_interval
from lcs.study import Study

# Studies


def _figure4(base: Config, betas: Sequence[float]) -> list[Config]:
    return [baseline(base, "s-local"), *sgd_and_betas(base, betas)]


def _crops(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return the largest β by the recipe: no crops, half as far as usual, as far, twice as far.

    λ of the first layer is larger than elsewhere, so that few enough weights are left to say where
    they are.
    """
    wide = short_recipe(base, 4)
    sparse = beta_lasso(wide, betas[-1], l1=1e-4, l1_rest=1e-5)
    usual = sparse.crop_shift
    return [sparse.replace(crop_padding=shift) for shift in (0, usual // 2, usual, 2 * usual)]


STUDIES = (
    Study("figure4", "Figure 4: filters and their locality", REPRODUCTION, _figure4, 5),
    Study("crops", "How far crops shift", REPRODUCTION, _crops, scales=DESK_SCALES),
)


LOCALITY = {
    "spread": "spread (pixels)",
    "window_mass": "share in a window (%)",
    "morans_i": "Moran's I",
}


def frame(records: Sequence[Record]) -> pd.DataFrame:
    """Return what `plots.locality` draws: a row for each method and measure."""
    rows = [
        {"method": name, "measure": title, **_in_unit(key, _over_seeds(runs, key))}
        for name, runs in by_method(records).items()
        for key, title in LOCALITY.items()
    ]
    return pd.DataFrame(rows).dropna()


def _factor(measure: str) -> int:
    """Return what brings a measure to the unit in which it is shown: a share to per cent."""
    return 100 if measure == "window_mass" else 1


def _in_unit(key: str, summary: dict[str, float | None]) -> dict[str, float | None]:
    factor = _factor(key)
    return {kind: value if value is None else factor * value for kind, value in summary.items()}


def _over_seeds(runs: Sequence[Record], measure: str) -> dict[str, float | None]:
    """Return a measure's summary over runs: of one run its own, with its interval over filters.

    All None if a run has too few weights to measure it.
    """
    found = [run.final["locality"][measure] for run in runs]
    if any(summary["mean"] is None for summary in found):
        return dict.fromkeys(found[0])
    if len(found) == 1:
        return dict(found[0])
    summary: dict[str, float | None] = {}
    for kind in ("", "null_", "excess_"):
        value = mean_interval([one[f"{kind}mean"] for one in found])
        summary |= {f"{kind}mean": value.mean, f"{kind}ci95": value.half_width}
    return summary


def fully_connected(store: RunStore, dataset: str = "cifar10") -> list[Record]:
    """Return every stored run of S-FC on a data set, in the order of their files."""
    records = (record for place in store.chain() for record in place.records())
    return [r for r in records if r.kind != "toy" and _is_s_fc(r.config, dataset)]


def _is_s_fc(config: Config, dataset: str) -> bool:
    plain = not (config.validation or config.permute_pixels)
    return plain and config.model == "s-fc" and config.dataset == dataset


def against_sparsity(records: Sequence[Record], measure: str) -> pd.DataFrame:
    """Return what `plots.scatter` draws: locality beyond chance against weights per filter.

    Args:
        records: of S-FC with any method.
        measure: a key of `LOCALITY`; the window's share is in per cent.
    """
    factor = _factor(measure)
    rows = []
    for record in records:
        found, config = record.final["locality"][measure], record.config
        if found["excess_mean"] is not None:
            rows.append(
                {
                    "x": record.final["nonzeros"]["conv1"] / _units(record),
                    "y": factor * found["excess_mean"],
                    "ci95": factor * found["excess_ci95"],
                    "method": _family(config),
                    "augmented": config.augment != "none",
                    "loss": loss_text(config),
                    "run_id": record.run_id,
                }
            )
    columns = ["x", "y", "ci95", "method", "augmented", "loss", "run_id"]
    return pd.DataFrame(rows, columns=columns).drop_duplicates("run_id")


def _units(record: Record) -> float:
    """Return how many units the first layer has."""
    image = data.spec(record.config.dataset).image_shape
    return record.final["weights"]["conv1"] / math.prod(image)


def _family(config: Config) -> str:
    """Name a run's kind of method: without ℓ1, with it, and with a threshold."""
    if config.optimizer == "sgd":
        return "SGD"
    return "β-LASSO, β > 0" if config.beta else "ℓ1 alone: β = 0, proximal"


def table(records: Sequence[Record], scale: str, name: str = "tab-locality") -> Table:
    """Return the locality of first-layer filters beside their null model."""
    if not records:
        what = f"locality at the scale {scale}"
        return tables.pending_table(name, what, f"lcs study figure4 --scale {scale}")
    rows = []
    for title, runs in by_method(records).items():
        cells = [_locality_cell(key, runs) for key in LOCALITY]
        counts = [run.final["locality"]["eligible"] for run in runs]
        rows.append([title, f"{mean_interval(counts).mean:,.0f}", *cells, tables.links(runs)])
    locality = records[0].final["locality"]
    window, n = locality["window"], max(map(len, by_method(records).values()))
    caption = (
        f"Locality of first-layer filters, at most {max(_measured(records)):,} of each run "
        f"({scale_text(records, scale)}): mean, and in brackets the mean difference between a "
        "filter and its own permutations, with a 95 % interval over "
        f"{'seeds' if n > 1 else 'filters'}. The window has {window} × {window} pixels."
    )
    columns = ["method", f"with ≥ {measure.MIN_NONZEROS} weights", *LOCALITY.values(), "seeds"]
    return Table(name, caption, columns, rows)


def _measured(records: Sequence[Record]) -> list[int]:
    return [record.final["locality"]["filters"] for record in records]


def numbers(records: Sequence[Record]) -> Numbers:
    """Return the numbers of the prose, for the largest β (`sparse-…`) and SGD (`dense-…`).

    `…-mean` is of the filters, `…-null_mean` of their permutations, where it is not about 0.
    """
    groups, beta = by_method(records), largest_beta(records)
    numbers: Numbers = {"beta": beta, "n": len(groups[SGD])}
    for short, name in {"sparse": beta_lasso_method(beta), "dense": SGD}.items():
        for key in LOCALITY:
            found = _in_unit(key, _over_seeds(groups[name], key))
            for kind in ("mean",) if key == "morans_i" else ("mean", "null_mean"):
                value = found[kind]
                numbers[f"{short}-{key}-{kind}"] = math.nan if value is None else value
    return numbers


def _locality_cell(key: str, runs: Sequence[Record]) -> str:
    shown = _in_unit(key, _over_seeds(runs, key))
    mean, excess, half = (shown[name] for name in ("mean", "excess_mean", "excess_ci95"))
    if mean is None or excess is None or half is None:
        return tables.NONE
    digits = 3 if key == "morans_i" else 2
    beyond = tables.signed(Interval(excess, half, len(runs)), digits)
    return f"{mean:.{digits}f} ({beyond})"


def shown_filters(records: Sequence[Record]) -> dict[str, np.ndarray]:
    """Return the filters that Figure 4 shows, (n, C, H, W) by method: dense, sparse, patches."""
    groups = by_method(records)
    names = (SGD, beta_lasso_method(largest_beta(records)), LOCAL)
    return {str(name): groups[name][0].load_filters().numpy() for name in names}


def filters_by_l1(records: Sequence[Record]) -> dict[str, np.ndarray]:
    """Return stored filters, (n, C, H, W), of SGD and of the largest β at growing λ: first seed."""
    largest = max((r.config.beta for r in records), default=0)
    shown = [r for r in records if r.filters and r.config.beta in (0, largest)]
    shown = [r for r in shown if r.config.optimizer == "sgd" or r.config.beta]
    return {_titled(r): r.load_filters().numpy() for r in sorted(shown, key=_strength)}


def pair_correlation(record: Record) -> list[float] | None:
    """Return a run's `measure.pair_correlation`: of all units, else of its stored filters.

    None where it has neither: records before this measure, of seeds without filters.
    """
    if "pair_correlation" in record.final:
        return [math.nan if r is None else r for r in record.final["pair_correlation"]]
    return measure.pair_correlation(record.load_filters()).tolist() if record.filters else None


def pair_correlation_frame(
    records: Sequence[Record], series: Callable[[Config], str]
) -> pd.DataFrame:
    """Return one row per run and distance: `series`, `run_id`, `distance` (pixels), `ratio`."""
    rows = [
        {"series": series(r.config), "run_id": r.run_id, "distance": distance, "ratio": ratio}
        for r in records
        for distance, ratio in enumerate(pair_correlation(r) or [], 1)
    ]
    return pd.DataFrame(rows, columns=["series", "run_id", "distance", "ratio"])


def _strength(record: Record) -> tuple[float, float]:
    return record.config.l1, record.config.l1_rest or 0.0


def _titled(record: Record) -> str:
    config: Config = record.config
    l1 = f", λ = {_lambdas_text(config)}"
    name = str(method(config)) + ("" if config.optimizer == "sgd" else l1)
    return f"{name}: {remaining([record])[0]:.1f} % left"


def factorial_numbers(records: Sequence[Record]) -> dict[str, str]:
    """Return what augmentation does to locality, from the factorial with cross-entropy, in words.

    For SGD, β = 0 and β = 50 with the stronger λ: points of the window's share beyond chance with
    augmentation (`window-…-flip-crop`); of β = 50 also without it (`window-strong-none`), and the
    paired difference (`window-strong-more`). `window-threshold`: β = 50 less β = 0, augmented.
    """
    found = conditions(records)
    sgd, zero, sparse = (
        pick(found, **CROSSED, **fields)
        for fields in (
            {"optimizer": "sgd"},
            {"beta": 0, **STRONGER_L1},
            {"beta": 50, **STRONGER_L1},
        )
    )
    if not (sgd and zero and sparse):
        return dict.fromkeys(FACTORIAL_WORDS, PENDING)
    augmented, plain = found[sparse], found[sparse.replace(augment="none")]
    return {
        "window-sgd-flip-crop": window_text(found[sgd]),
        "window-zero-strong-flip-crop": window_text(found[zero]),
        "window-strong-flip-crop": window_text(augmented),
        "window-strong-none": window_text(plain),
        "window-strong-more": signed_or_none(compared(augmented, plain, beyond_chance)),
        "window-threshold": signed_or_none(compared(augmented, found[zero], beyond_chance)),
        **_pruned(found[zero][0], augmented[0]),
    }


def _pruned(dense: Record, sparse: Record) -> dict[str, str]:
    """Return the locality of stored filters pruned to as many weights as another run has left."""
    if not dense.filters:
        return dict.fromkeys(FACTORIAL_WORDS[-3:], PENDING)
    measured = measure.locality(measure.prune(dense.load_filters(), remaining([sparse])[0] / 100))
    return {
        "window-pruned": _over_filters(measured),
        "window-rival": _over_filters(sparse.final["locality"]),
        "pruned-filters": f"{measured['filters']}",
    }


FACTORIAL_WORDS = (
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
    name = "tab-locality-factorial"
    if not records:
        what = "locality with and without augmentation"
        return tables.pending_table(name, what, "lcs study factorial")
    found = conditions(records)
    rows = []
    for loss in ("bce", "equal", "ce"):
        for augment in ("none", "flip-crop"):
            here = {c: r for c, r in found.items() if _in_cell(c, augment, loss)}
            row = f"{LOSS_NAMES[loss]}, {WORDS[augment]}"
            rows.append([row, *map(window_text, _by_strength(here))])
    caption = (
        "Mass in a filter's best window, less that of its own permutations, in points: "
        f"{setting_text(records)}{spread_text(records)}. Stronger λ: "
        f"{tables.number(STRONGER_L1['l1'])} on the first layer, {tables.number(STRONGER_L1['l1_rest'])} on "
        "the others. At equal rates η is a tenth, λ ten times as large, and β = 5 stands "
        "for β = 50, so that ηλ and βλ are as with the binary cross-entropy."
    )
    sparse = [f"β = {beta}{l1}" for beta in (0, 50) for l1 in ("", ", stronger λ")]
    return Table(name, caption, ["loss and images", "SGD", *sparse], rows)


def width_table(records: Sequence[Record]) -> Table:
    """Return the window's share beyond chance of each method at growing width."""
    name, what = "tab-locality-width", "locality at growing width"
    if not records:
        return tables.pending_table(name, what, "lcs study width")
    found = conditions(records)
    widths = sorted({config.base_channels for config in found})
    by_width = [{c: r for c, r in found.items() if c.base_channels == width} for width in widths]
    rows = [
        [str(width), *map(window_text, _by_strength(here))]
        for width, here in zip(widths, by_width, strict=True)
    ]
    caption = (
        "Mass in a filter's best window, less that of its own permutations, in points: "
        f"{setting_text(records)}{spread_text(records)}."
    )
    columns = ["α", "SGD", "β = 0", "β = 0, stronger λ", "β = 50, stronger λ"]
    return Table(name, caption, columns, rows)


def crops_table(records: Sequence[Record]) -> Table:
    """Return accuracy, sparsity and locality against how far crops shift the images."""
    columns: dict[str, Cell] = {
        "shift": of(lambda config: f"{config.crop_shift}"),
        "test accuracy (%)": mean_text,
        "first layer left (%)": remaining_text,
        "neighbours": _neighbours,
        "half": _half_distance,
        "range": _clustering_range,
        "seeds": tables.links,
    }
    what = (
        "Locality against how far crops shift the images at most, in pixels along each axis; 0 "
        "leaves only flips"
    )
    setting = f"; β = 50, λ = {_lambdas_text(records[0].config)}" if records else ""
    note = (
        f"{setting}. Neighbours: pairs of neighbouring pixels of one unit, over chance. Half: the "
        "distance, in pixels, at which their excess over chance is half of that. Range: the one "
        "up to which pairs are more frequent than by chance"
    )
    return by_condition("tab-crops", what, "lcs study crops", records, columns, note=note)


def crop_text(config: Config) -> str:
    """Name a run by its method, if it is not S-FC, or by how far its crops shift."""
    if config.model != "s-fc":
        return str(method(config))
    return f"crops of ±{config.crop_shift} pixels" if config.crop_shift else "flips alone"


def _lambdas_text(config: Config) -> str:
    return f"{tables.number(config.l1)} and {tables.number(config.rest_l1)}"


def _neighbours(runs: Sequence[Record]) -> str:
    return _known([ratios[0] for ratios in _ratios(runs)], 2)


def _clustering_range(runs: Sequence[Record]) -> str:
    return _known(ranges(runs), 1)


def _half_distance(runs: Sequence[Record]) -> str:
    return _known([measure.half_distance(ratios) for ratios in _ratios(runs)], 1)


def ranges(runs: Sequence[Record]) -> list[float]:
    """Return each run's `measure.clustering_range`, in pixels; NaN if it cannot be measured."""
    return [measure.clustering_range(ratios) for ratios in _ratios(runs)]


def _ratios(runs: Sequence[Record]) -> list[list[float]]:
    return [pair_correlation(run) or [math.nan] for run in runs]


def _known(values: Sequence[float], digits: int) -> str:
    """Return mean and interval; the mark of what does not exist if a run has no such value."""
    unknown = any(map(math.isnan, values)) or not values
    return NONE if unknown else tables.interval(mean_interval(values), digits)


def by_shift(records: Sequence[Record]) -> dict[str, list[Record]]:
    """Return the runs with flips alone, `none`, with the `usual` crops, and with the `far` ones."""
    found = list(conditions(records).values())
    usual = next(runs for runs in found if runs[0].config.crop_padding is None)
    return {"none": found[0], "usual": usual, "far": found[-1]}


def range_difference(one: Sequence[Record], other: Sequence[Record]) -> Interval | None:
    """Return the clustering range of some runs less that of others, in pixels, paired by seed."""
    return compared(one, other, ranges)


def crops_numbers(records: Sequence[Record], local: Sequence[Record] = ()) -> dict[str, str]:
    """Return what the shift of crops does, in words: of flips alone, the usual one, and the most.

    `half-…` of `none`, `usual` and `far` is the half distance, in pixels; `near-…` and `range-…`
    of the first two, how frequent neighbours are, over chance, and the range; `range-far-more` and
    `range-none-more`, paired differences from the usual crops; `crop-far`, the largest shift.
    `near-local`, `half-local` and `range-local`: of runs of S-LOCAL.
    """
    seen = [run for run in local if pair_correlation(run)]
    words = {"near-local": _neighbours(seen), "half-local": _half_distance(seen)}
    words["range-local"] = _clustering_range(seen)
    if not records:
        return words | dict.fromkeys(CROP_WORDS, PENDING)
    shown = by_shift(records)
    words["crop-far"] = f"{shown['far'][0].config.crop_shift}"
    words |= {f"half-{name}": _half_distance(runs) for name, runs in shown.items()}
    for name in ("none", "usual"):
        words[f"near-{name}"] = _neighbours(shown[name])
        words[f"range-{name}"] = _clustering_range(shown[name])
    for name in ("none", "far"):
        more = range_difference(shown[name], shown["usual"])
        words[f"range-{name}-more"] = NONE if more is None else tables.signed(more)
    return words


CROP_WORDS = (
    "crop-far",
    *(f"half-{name}" for name in ("none", "usual", "far")),
    *(f"{key}-{name}" for key in ("near", "range") for name in ("none", "usual")),
    "range-none-more",
    "range-far-more",
)
LOSS_NAMES = {
    "bce": "binary cross-entropy",
    "equal": "cross-entropy, equal rates",
    "ce": "cross-entropy",
}


def _in_cell(config: Config, augment: str, loss: str) -> bool:
    fields = {"augment": augment, **LOSSES[loss]}
    return all(getattr(config, name) == value for name, value in fields.items())


def _by_strength(found: Conditions) -> list[list[Record]]:
    """Runs of SGD, of β = 0 and of the largest β, each at both λ."""
    return [found[c] for c in sorted(found, key=lambda c: (c.optimizer != "sgd", c.beta, c.l1))]


def window_text(runs: Sequence[Record]) -> str:
    """Return the window's share beyond chance, in points; a dash if weights are too few."""
    excess = beyond_chance(runs)
    return NONE if any(map(math.isnan, excess)) else tables.signed(mean_interval(excess))


def sparsity_numbers(records: Sequence[Record]) -> dict[str, str]:
    """Return locality at the smallest and the largest λ of the recipe's largest β, in words.

    `window-few`, `window-many`: points of the window's share beyond chance; `left-few`,
    `left-many`: per cent of the first layer that is left; `eligible-few`: filters that are
    measured; `runs-recipe`: how many runs each has.
    """
    found = conditions([r for r in records if r.config.beta == 50])
    ends = sorted(found, key=lambda config: (config.l1, config.l1_rest or 0))[
        :: max(1, len(found) - 1)
    ]
    words = {}
    for name, config in zip(("many", "few"), ends or (None, None), strict=False):
        words[f"window-{name}"] = window_text(found[config]) if config else PENDING
        words[f"left-{name}"] = remaining_text(found[config]) if config else PENDING
    words["eligible-few"] = eligible_text(found[ends[-1]]) if ends else PENDING
    return words | {"runs-recipe": count_text(found)}


def eligible_text(runs: Sequence[Record]) -> str:
    """Say how many filters, of how many, have enough weights to be measured, on average."""
    counts = [run.final["locality"]["eligible"] for run in runs]
    return f"{np.mean(counts):,.0f} of {_units(runs[0]):,.0f}"


def compared(one: Sequence[Record], other: Sequence[Record], of: Values) -> Interval | None:
    """Return some runs' values less those of others, by seed; None if one cannot be measured."""
    known = np.isfinite([*of(one), *of(other)]).all()
    return paired(one, other, of) if known else None


def beyond_chance(records: Sequence[Record], measure: str = "window_mass") -> list[float]:
    """Return how much more local runs are than their permutations; a share in points.

    NaN where a run has too few weights.
    """
    found = [record.final["locality"][measure]["excess_mean"] for record in records]
    return [math.nan if value is None else _factor(measure) * value for value in found]


# Claims


def _local_filters(records: list[Record]) -> Finding:
    each = beyond_chance(by_method(records)[B50])
    if not np.isfinite(each).all():
        return UNMEASURED
    excess = mean_interval(each)
    return Finding(f"{signed(excess)} points of the mass in a window beyond chance", excess)


def _more_local_than_sgd(records: list[Record]) -> Finding:
    """Judge by both measures of locality; where they agree, the evidence is the weaker one.

    The spread is smaller in a local filter. Moran's I, of smoothness, is said beside them.
    """
    groups = by_method(records)
    window, more_spread, moran = (
        compared(groups[B50], groups[SGD], partial(beyond_chance, measure=measure))
        for measure in ("window_mass", "spread", "morans_i")
    )
    if window is None or more_spread is None or moran is None:
        return UNMEASURED
    spread = more_spread._replace(mean=-more_spread.mean)
    value = f"window {signed(window)} points, spread {signed(spread)} px less; smoothness: "
    more, value = (window, spread), f"{value}Moran's I {signed(moran, 3)}"
    if len({verdict(Finding("", one)) for one in more}) > 1:
        return Finding(value, said="depends on the measure")
    return Finding(value, min(more, key=lambda one: abs(one.mean) / (one.half_width or 1)))


def _more_local(reference: Callable[[Config], Config], *, worse: bool = False) -> Judge:
    """Judge whether β = 50 with the stronger λ puts more (or less) of a filter's mass in a window.

    In the mean over losses and images of the factorial.
    """

    def judge(records: list[Record]) -> Finding:
        found = conditions(records)
        cells = [c for c in found if c.beta and is_strong(c)]
        more = [
            [by_seed(found[c], beyond_chance) for c in (cell, reference(cell))] for cell in cells
        ]
        seeds = sorted(set.intersection(*(set(one) for pair in more for one in pair)))
        each = [[one[s] - other[s] for s in seeds] for one, other in more]
        if not np.isfinite(each).all():
            return UNMEASURED
        difference = mean_interval(np.mean(each, axis=0))
        claimed = difference._replace(mean=-difference.mean) if worse else difference
        return Finding(f"{signed(difference)} points of the mass", claimed)

    return judge


def _wider_range(one: str, other: str) -> Judge:
    """Judge whether weights gather over a wider range where crops shift further."""

    def judge(records: list[Record]) -> Finding:
        shown = by_shift(records)
        more = range_difference(shown[one], shown[other])
        if more is None:
            return UNMEASURED
        return Finding(f"{signed(more)} pixels", more)

    return judge


CLAIMS: tuple[Claim, ...] = (
    Claim(
        "P",
        "The filters of β = 50 are more local than their own permutations",
        "pictures",
        "figure4",
        "table2",
        _local_filters,
    ),
    Claim(
        "P",
        "The filters of β = 50 are more local than those of SGD",
        "pictures",
        "figure4",
        "table2",
        _more_local_than_sgd,
    ),
    Claim(
        "B",
        "With the stronger λ, the filters of β = 50 are more local than those of SGD, by "
        "the window (100 epochs, mean over losses and images)",
        tables.NONE,
        "figure4",
        "factorial",
        _more_local(as_sgd),
    ),
    Claim(
        "B",
        "With the stronger λ, the filters of β = 50 are less local than those of β = 0 "
        "with the same λ, by the window (100 epochs, mean over losses and images)",
        tables.NONE,
        "figure4",
        "factorial",
        _more_local(without_threshold, worse=True),
    ),
    Claim(
        "B",
        "Weights of a filter gather over a wider range with crops than with flips alone "
        "(β = 50, α = 4)",
        tables.NONE,
        "figure4",
        "crops",
        _wider_range("usual", "none"),
    ),
    Claim(
        "B",
        "Weights of a filter gather over a wider range where crops shift twice as far "
        "(β = 50, α = 4)",
        tables.NONE,
        "figure4",
        "crops",
        _wider_range("far", "usual"),
    ),
)
