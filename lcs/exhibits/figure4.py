"""The paper's Figure 4: are the filters local, and what makes them so?

Here are the pictures, how local filters are in every setting beyond chance, what makes them so and
how close together the weights of a unit lie; `filter_surrogates` has whether they are more than
smooth and sparse. The pictures are of the studies `width` (`lcs.exhibits.why`) and `filters`;
augmentation, loss and λ are those of the study `factorial` there.
"""

import itertools
from collections.abc import Callable, Iterable, Sequence
from functools import partial

import numpy as np

from lcs import measure
from lcs.config import Config
from lcs.exhibits.shared import cells, compare, locality, plots, settings, tables, verdicts
from lcs.exhibits.shared.claim_settings import AT_150, ELSEWHERE, SPARSE_ELSEWHERE
from lcs.exhibits.shared.compare import ByStudy, Reference, grouped
from lcs.exhibits.shared.declare import Studies
from lcs.exhibits.shared.locality import beyond_chance, excess_text
from lcs.exhibits.shared.methods import B0, B1, B50, LOCAL, NETWORKS, SGD, method
from lcs.exhibits.shared.plots import style
from lcs.exhibits.shared.settings import SHORT_RECIPE, STRONGER_L1, has_stronger_l1, sized
from lcs.exhibits.shared.tables import Cell, Numbers, Table, signed
from lcs.exhibits.shared.verdicts import (
    Claim,
    Finding,
    Judge,
    as_finding,
    exceeds,
    exceeds_zero,
    ours,
)
from lcs.runs import Record
from lcs.stats import mean_interval
from lcs.study.base_study import SCALES

# Studies

# whose filters stand beside each other in the figure of locality
COMPARED = (
    *("figure4", "width", "filters"),
    *("scaling-wide", "scaling-own", "scaling-threshold"),
    *("largest-sgd", "largest", "largest-autoaugment"),
)
# how far crops shift images at most, in units of the usual shift
SHIFTS = {"none": 0.0, "half": 0.5, "usual": 1.0, "far": 2.0}
STUDIES = Studies()


@STUDIES.add(settings.REPRODUCTION, scales=SCALES, seeds=5, betas=settings.PAPER_BETAS)
def figure4(base: Config, betas: Sequence[float]) -> list[Config]:
    """Figure 4: filters and their locality."""
    return [settings.baseline(base, "s-local"), *settings.sgd_and_betas(base, betas)]


@STUDIES.add(SHORT_RECIPE)
def filters(base: Config) -> list[Config]:
    """Filters of S-LOCAL beside those of S-FC at α = 8.

    Return it at the largest width of the study `width`, trained as there.
    """
    return [settings.sgd(sized(base, settings.WIDEST, 1 / 4), "s-local")]


@STUDIES.add(settings.varied(SHORT_RECIPE))
def crops(base: Config) -> list[Config]:
    """How far crops shift.

    Return β = 50: no crops, half as far as usual, as far, twice as far.

    λ of the first layer is larger than elsewhere, so that few enough weights are left to say where
    they are.
    """
    sparse = settings.beta_lasso(sized(base, 4, 1 / 4), 50, l1=1e-4, l1_rest=1e-5)
    return [sparse.replace(crop_padding=_pixels(sparse, name)) for name in SHIFTS]


def _pixels(config: Config, name: str) -> int:
    return int(SHIFTS[name] * config.replace(crop_padding=None).crop_shift)


# What is shown


def pictures(records: Sequence[Record]) -> dict[str, np.ndarray | None]:
    """Return the stored filters (n, C, H, W) of SGD, β = 0, β = 50 and S-LOCAL, by title.

    Of runs trained alike those of the first seed, with the λ of β = 50, at the largest width at
    which S-FC was trained, if it was. None: no run of this method has stored its filters.
    """
    widest = max((r.config.base_channels for r in records if r.config.model == "s-fc"), default=0)
    stored = [r for r in records if r.has_filters]
    stored = [r for r in stored if r.config.base_channels == widest or not widest]
    penalties = {0.0, *(r.config.l1 for r in stored if method(r.config) == B50)}
    shown: dict[str, np.ndarray | None] = {}
    for name in (SGD, B0, B50, LOCAL) if records else ():
        found = [r for r in stored if method(r.config) == name and r.config.l1 in penalties]
        if not found:
            shown[f"{name.shortest}: pending"] = None
            continue
        patches = " of the patches" if name == LOCAL else ""
        share = f"{compare.remaining(found[:1])[0]:.3g} % of weights{patches} remain"
        title = f"{name.shortest}{cells.penalty_text(found[0].config)}: {share}"
        shown[title] = found[0].load_filters().numpy()
    return shown


def excess_frame(studies: Iterable[Sequence[Record]]) -> tables.DataFrame:
    """Return what `plots.excesses` draws: a series for each method and λ of a setting.

    Of the records of each study those at its largest width with S-LOCAL, SGD, β = 0, β = 1 and
    β = 50; studies that share a width, a length, the loss and the images are one setting. Each SGD
    is named by its momentum, since settings differ in it.
    """

    def series(config: Config) -> str:
        sgd = "SGD, momentum" if config.momentum else "plain SGD"
        return cells.series_text(config).replace("SGD", sgd)

    runs = itertools.chain(*(group for each in studies for group in compare.widest(each).values()))
    by_setting = compare.grouped(
        (run for run in runs if method(run.config) in SHOWN), _setting_text
    )
    ranked = [
        run
        for runs in by_setting.values()
        for run in sorted(runs, key=lambda r: (SHOWN.index(method(r.config)), r.config.l1))
    ]
    return locality.excess_frame(ranked, _setting_text, series, EXCESSES)


def _setting_text(config: Config) -> str:
    images = cells.field_text(config, "augment")
    return f"{cells.size_text(config)}, {cells.field_text(config, 'loss')}, {images}"


SHOWN = (LOCAL, SGD, B0, B1, B50)
EXCESSES = {"window_mass": "excess window share (points)", "spread": "excess spread (pixels)"}


def factorial_table(records: Sequence[Record]) -> Table:
    """Return the excess window share in every cell of the factorial."""
    name, what = "tab-locality-factorial", "locality with and without augmentation"
    if not records:
        return tables.pending_table(name, what, "lcs study factorial")
    found = compare.conditions(records)
    rows = []
    every_sgd = [config for config in found if config.optimizer == "sgd"]
    for dense in every_sgd:
        fields = {"loss": dense.loss, "lr": dense.lr, "augment": dense.augment}
        here = [config for config in found if compare.matches(config, fields)]
        by_strength = sorted(here, key=lambda c: (c.optimizer != "sgd", c.beta, c.l1))
        rates = ", equal rates" if dense.lr < max(c.lr for c in every_sgd) else ""
        loss, images = (cells.field_text(dense, field) for field in ("loss", "augment"))
        heading = f"{loss}{rates}, {images}"
        rows.append([heading, *(excess_text(found[config]) for config in by_strength)])
    caption = (
        f"Excess window share, in points: {cells.setting_text(records)}. "
        f"Stronger λ: {tables.number(STRONGER_L1['l1'])} on the first layer, "
        f"{tables.number(STRONGER_L1['l1_rest'])} on the others. At equal rates η is a tenth, "
        "λ ten times as large, and β = 5 stands for β = 50, so that ηλ and βλ are as with the "
        "binary cross-entropy."
    )
    sparse = [f"β = {beta}{l1}" for beta in (0, 50) for l1 in ("", ", stronger λ")]
    columns = ["loss and images", "SGD", *sparse]
    return Table(name, caption, columns, rows)


def numbers(runs: ByStudy) -> Numbers:
    """Return the excess window share in words, in points.

    `open-…` is of β = 50, of dense SGD, and of SGD on as many weights at random positions,
    `open-near-…` how often weights are neighbours there; `window-many` and `window-few`: β = 50
    with the smallest and the largest λ. "pending" without runs.
    """
    wider = [run for run in runs["rivals-wider"] if run.config.model == "s-fc"]
    budget = grouped(wider, lambda config: (config.optimizer, config.pruning))
    own, dense, random = (
        budget[kind] for kind in (("beta-lasso", "none"), ("sgd", "none"), ("sgd", "random"))
    )
    thresholds = compare.conditions(run for run in runs["recipe"] if run.config.beta == 50)
    by_l1 = [thresholds[config] for config in sorted(thresholds, key=lambda config: config.l1)]
    return {
        "open-sparse": excess_text(own),
        "open-dense": excess_text(dense),
        "open-random": excess_text(random),
        "open-near-sparse": locality.neighbours_text(own),
        "open-near-random": locality.neighbours_text(random),
        "open-n": cells.count_text(compare.conditions([*own, *dense, *random])),
        "window-many": excess_text(by_l1[0] if by_l1 else []),
        "window-few": excess_text(by_l1[-1] if by_l1 else []),
        "runs-recipe": cells.count_text(thresholds),
    }


# How close together the weights of a unit lie


def crop_text(config: Config) -> str:
    """Name a run by its method, if it is not S-FC, or by how far its crops shift."""
    if config.model != "s-fc":
        return str(method(config))
    return f"crops of ±{config.crop_shift} pixels" if config.crop_shift else "flips alone"


def crops_table(records: Sequence[Record]) -> Table:
    """Return how close together the weights of a unit lie, by how far crops shift."""

    def half_distances(runs: Sequence[Record]) -> list[float]:
        return [measure.half_distance(locality.pair_correlation(run)) for run in runs]

    columns: dict[str, Cell] = {
        "crops": cells.of(crop_text),
        "remaining, layer 1 (%)": cells.remaining_text,
        "neighbours / chance": locality.neighbours_text,
        "range (pixels)": partial(cells.mean_text, of=locality.clustering_ranges, digits=1),
        "half distance (pixels)": partial(cells.mean_text, of=half_distances, digits=1),
    }
    what = "How close together the weights of a unit lie, with β = 50, by how far crops shift"
    return cells.by_condition("crops", records, columns, what)


def pairs_figure(records: Sequence[Record]) -> style.Figure:
    """Draw pair correlations: a line for each run, a colour for each network or shift of crops."""
    known = [run for run in records if np.isfinite(locality.pair_correlation(run)).any()]
    curves = {
        name: [*map(locality.pair_correlation, sorted(runs, key=lambda run: run.run_id))]
        for name, runs in grouped(known, crop_text).items()
    }
    shifts = [name for name in curves if name.split(",")[0] not in NETWORKS.values()]
    colours = dict(zip(shifts, style.shades("β-LASSO", len(shifts)), strict=True))
    networks = {name: style.colour(name) for name in curves if name not in colours}
    return plots.pair_curves(curves, colours | networks)


def _shifts(name: str) -> Callable[[Config], bool]:
    return lambda config: config.crop_shift == _pixels(config, name)


# Claims


def _more_local_than_sgd(records: list[Record]) -> Finding:
    """Judge by both measures of locality; where they agree, the evidence is the weaker one.

    The spread is smaller in a local filter.
    """
    groups = compare.by_method(records)
    each = [
        compare.differences(groups[B50], groups[SGD], partial(beyond_chance, measure=key))
        for key in ("window_mass", "spread")
    ]
    if not np.isfinite(each).all():
        return verdicts.UNMEASURED
    window, more_spread = map(mean_interval, each)
    more = (window, -more_spread)
    value = f"window {signed(window)} points, spread {signed(-more_spread)} px less"
    if len({verdicts.verdict(Finding("", one)) for one in more}) > 1:
        return Finding(value, said="depends on the measure")
    # points and pixels are compared by their intervals, which single runs lack
    known = all(one.half_width for one in more)
    weaker = min(more, key=lambda one: abs(one.mean) / (one.half_width or 1)) if known else window
    return Finding(value, weaker, short=f"window {signed(window)}")


def _more_local(reference: Reference, *, worse: bool = False) -> Judge:
    """Judge whether β = 50 with the stronger λ puts more (or less) of a filter's mass in a window.

    In the mean over losses and images of the factorial.
    """

    def judge(records: list[Record]) -> Finding:
        found = compare.conditions(records)
        sparse = [c for c in found if c.beta and has_stronger_l1(c)]
        more = compare.gains(found, sparse, reference, beyond_chance).mean(0)
        return as_finding(more, "points of the excess window share", worse=worse)

    return judge


CLAIMS = {
    "The filters of β = 50 are more local than their own permutations": Claim(
        "P",
        "table2",
        exceeds_zero(B50, beyond_chance, "points of the excess window share", short="excess"),
        "pictures",
        SPARSE_ELSEWHERE,
    ),
    "The filters of β = 50 are more local than those of SGD": Claim(
        "P", "table2", _more_local_than_sgd, "pictures", (*ELSEWHERE, AT_150)
    ),
    **{
        f"With the stronger λ, the filters of β = 50 are {than}, by the window "
        "(100 epochs, mean over losses and images)": ours("factorial", judge)
        for than, judge in (
            ("more local than those of SGD", _more_local(compare.as_sgd)),
            (
                "less local than those of β = 0 with the same λ",
                _more_local(compare.without_threshold, worse=True),
            ),
        )
    },
    **{
        f"Weights of a filter gather over a wider range {where} (β = 50, α = 4)": ours(
            "crops",
            exceeds(_shifts(one), _shifts(other), of=locality.clustering_ranges, unit="pixels"),
        )
        for where, one, other in (
            ("with crops than with flips alone", "usual", "none"),
            ("where crops shift twice as far", "far", "usual"),
        )
    },
}
