"""What the chapter `scaling` shows: the paper's recipe at growing width."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from lcs import cost, measure
from lcs.config import Config
from lcs.exhibits import find_study, plots, published, tables
from lcs.exhibits.compare import (
    LABELS,
    PENDING,
    Cell,
    accuracies,
    as_sgd,
    by_condition,
    by_field,
    by_method,
    by_seed,
    by_width,
    comparison,
    conditions,
    field_text,
    fit_text,
    layers_text,
    mean_text,
    method_text,
    of,
    paired,
    remaining,
    remaining_text,
    setting_text,
    signed_or_pending,
    spread_text,
    sweep_frame,
    train_accuracies,
    without_threshold,
    zeros_text,
)
from lcs.exhibits.figure3 import leaves_fewer_than_local
from lcs.exhibits.figure4 import eligible_text, pair_correlation, window_text
from lcs.exhibits.methods import B0, B1, B50, LOCAL, NETWORKS, PROXIMAL, SGD, Method, method
from lcs.exhibits.settings import (
    CHOSEN,
    DESK_SCALES,
    RECIPE,
    SHARE_AT_WIDTH,
    WIDTH_BEYOND,
    WIDTHS,
    beta_lasso,
    chosen,
    paper_recipe,
    raised,
    regularised,
    sgd,
)
from lcs.exhibits.tables import LAYERS, Table, signed
from lcs.exhibits.verdicts import Claim, Finding, Judge, beats
from lcs.measure import MIN_NONZEROS
from lcs.runs import Record
from lcs.stats import Interval, mean_interval, paired_difference
from lcs.study import Study

# Studies

# candidates for λ of the first layer, and of the others
FIRST, REST = (5e-6, 2e-5, 5e-5, 1e-4, 2e-4), (1e-6, 1e-5)
# candidates for how much of the chosen λ stays at the whole length, and at each width
SHARES, WIDTH_SHARES = (1.0, 0.5, 0.25), (1.0, 0.5, 0.25, 0.125)
# candidates for weight decay or λ: the best lies between two that do worse
AROUND = (0.5, 1.0, 2.0)


def _search(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return the candidates for the paper's recipe, judged on validation images.

    From one base channel at twice the width and an eighth of the length; from the paper's width
    at this width, and a tenth of the length: its shorter training.
    """
    factor, part = (2, 8) if base.base_channels == 1 else (1, 10)
    here = paper_recipe(base, factor, base.epochs // part).replace(validation=True)
    decays = [
        sgd(here, model).replace(momentum=momentum, weight_decay=decay)
        for model in ("s-fc", "s-local", "s-conv", "3-fc")
        for momentum in (0.0, 0.9)
        for decay in (0.0, 5e-4)
    ]
    pairs = [{"l1": first, "l1_rest": rest} for first in FIRST for rest in REST]
    lasso = [here.replace(model="s-fc", optimizer="proximal-l1", **pair) for pair in pairs]
    sparse = [beta_lasso(here, beta, **pair) for beta in betas for pair in pairs]
    return [*decays, *lasso, *sparse]


def _search_long(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return the ℓ1 methods at the length of `scaling`, on validation images, over parts of λ.

    λ pulls four times as long as in `search`, so that what was best there may be too much here.
    """
    here = paper_recipe(base, 2, base.epochs // 2).replace(validation=True)
    methods = [("proximal-l1", 0.0), *(("beta-lasso", float(beta)) for beta in betas)]
    return [
        chosen(here, "s-fc", optimizer, beta, share=share)
        for optimizer, beta in methods
        for share in SHARES
    ]


def _search_wide(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return the largest β on validation images, over parts of its λ, at every width."""
    return [
        chosen(here.replace(validation=True), "s-fc", "beta-lasso", betas[-1], share=share)
        for here in _widths(base)
        for share in WIDTH_SHARES
    ]


def _search_beyond(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return the largest β on validation images, over parts of its λ, at a width beyond."""
    here = paper_recipe(base, WIDTH_BEYOND, base.epochs // 2).replace(validation=True)
    return [chosen(here, "s-fc", "beta-lasso", betas[-1], share=share) for share in SHARES]


def _search_rivals(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return SGD and β = 0 on validation images, regularised as was best, by half and by twice.

    At the width at which they were chosen, and at the largest.
    """
    runs = []
    for factor in (2, WIDTHS[-1]):
        here = paper_recipe(base, factor, base.epochs // 2).replace(validation=True)
        for config in (chosen(here, "s-fc"), chosen(here, "s-fc", "beta-lasso", 0.0)):
            runs += _around(config, CHOSEN["search-rivals"][f"{factor} {config.optimizer}"])
    return runs


def _search_augment(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return SGD and the largest β on validation images, with AutoAugment and without.

    At the largest width, with the λ that `search-wide` chose there; flips and crops are in both.
    Without AutoAugment, where networks overfit more, with half and twice the best too.
    """
    here, share = _widths(base)[-1].replace(validation=True), SHARE_AT_WIDTH[WIDTHS[-1]]
    pair = [chosen(here, "s-fc"), chosen(here, "s-fc", "beta-lasso", betas[-1], share=share)]
    runs = []
    for config in pair:
        weak = config.replace(augment="flip-crop")
        runs += [config, *_around(weak, CHOSEN["search-augment"][config.optimizer])]
    return runs


def _around(config: Config, best: float) -> list[Config]:
    """Return a run regularised as was best, by half as much and by twice."""
    return [regularised(config, best * factor) for factor in AROUND]


def _widths(base: Config) -> list[Config]:
    """Return the setting of `scaling` and `scaling-wide` at each of their widths."""
    return [paper_recipe(base, factor, base.epochs // 2) for factor in WIDTHS]


def _scaling(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return all methods by the paper's recipe at growing width, and half of the length."""
    return [run for here in _widths(base)[:-1] for run in _all_methods(here, betas)]


def _scaling_wide(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return the same at the largest width, apart, for it takes as long as all others."""
    return _all_methods(_widths(base)[-1], betas)


def _scaling_own(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return the largest β with the λ that `search-wide` chose at each width, and its rivals."""
    runs = []
    for factor, here in zip(WIDTHS, _widths(base), strict=True):
        rivals = [chosen(here, model) for model in ("s-local", "s-fc")]
        zero = chosen(here, "s-fc", "beta-lasso", 0.0)
        runs += [
            *rivals,
            zero,
            chosen(here, "s-fc", "beta-lasso", betas[-1], share=SHARE_AT_WIDTH[factor]),
        ]
    return runs


def _scaling_beyond(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return the same without S-LOCAL at a width beyond, which tests what these lead to."""
    here = paper_recipe(base, WIDTH_BEYOND, base.epochs // 2)
    rivals = [chosen(here, "s-fc"), chosen(here, "s-fc", "beta-lasso", 0.0)]
    return [
        *rivals,
        chosen(here, "s-fc", "beta-lasso", betas[-1], share=SHARE_AT_WIDTH[WIDTH_BEYOND]),
    ]


def _all_methods(here: Config, betas: Sequence[float]) -> list[Config]:
    nets = [chosen(here, model) for model in ("s-conv", "s-local", "3-fc", "s-fc")]
    sparse = [chosen(here, "s-fc", "beta-lasso", beta) for beta in betas]
    return [*nets, chosen(here, "s-fc", "proximal-l1"), *sparse]


def _reach(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return three lengths by the paper's recipe, and the shorter ones with as much reach.

    Where the length is shorter by a factor, λ is larger and β smaller by it: the threshold βλ is
    that of the longest, and so is, nearly, the sum of all ℓ1 steps. β = 0 has the λ of the other.
    """
    lengths = [max(1, base.epochs // part) for part in (8, 4, 2)]
    runs = []
    for epochs in lengths:
        here = paper_recipe(base, 2, epochs)
        sparse = chosen(here, "s-fc", "beta-lasso", betas[-1])
        pair = [sparse.replace(beta=0.0), sparse]
        factor = lengths[-1] / epochs
        runs += [chosen(here, "s-fc"), *pair, *(raised(config, factor) for config in pair)]
    return runs


def _momentum(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return SGD by parts of what was chosen for it, and both methods with η ten times as large.

    With momentum 0.9 a gradient moves a weight by η times 1 + 0.9 + 0.9² + … = 10 in the end: the
    larger η has that step without momentum. β-LASSO keeps its pull λη and its threshold βλ.
    """
    here = paper_recipe(base, 2, base.epochs // 2)
    plain, tuned = sgd(here, "s-fc"), chosen(here, "s-fc")
    parts = [plain, plain.replace(weight_decay=5e-4), tuned.replace(weight_decay=0.0), tuned]
    sparse = chosen(here, "s-fc", "beta-lasso", betas[-1])
    step = 10 * here.lr
    return [*parts, plain.replace(lr=step), sparse, raised(sparse, 0.1).replace(lr=step)]


def _showpiece(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return β-LASSO with zeros that stay at α = 32, by what `search-augment` chose."""
    (strong,) = _showpiece_autoaugment(base, betas)
    return [
        regularised(strong.replace(augment="flip-crop"), CHOSEN["search-augment"]["beta-lasso"])
    ]


def _showpiece_sgd(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return SGD at this size, by what `search-augment` chose."""
    weak = paper_recipe(base, 32, base.epochs).replace(augment="flip-crop")
    return [regularised(chosen(weak, "s-fc"), CHOSEN["search-augment"]["sgd"])]


def _showpiece_autoaugment(base: Config, betas: Sequence[float]) -> list[Config]:
    """Return β-LASSO with zeros that stay at α = 32 with AutoAugment, and the λ of `l1_of`."""
    return [beta_lasso(paper_recipe(base, 32, base.epochs), betas[-1], frozen_zeros=True)]


STUDIES = (
    Study("search", "Hyperparameters of the paper's recipe, on validation", RECIPE, _search, 1),
    Study(
        "search-long",
        "λ at the whole length, on validation",
        RECIPE,
        _search_long,
        1,
        scales=DESK_SCALES,
    ),
    Study(
        "search-wide", "λ at each width, on validation", RECIPE, _search_wide, 1, scales=DESK_SCALES
    ),
    Study(
        "search-beyond", "λ at α = 16, on validation", RECIPE, _search_beyond, 1, scales=DESK_SCALES
    ),
    Study(
        "search-rivals",
        "Regularisation of the baselines",
        RECIPE,
        _search_rivals,
        1,
        scales=DESK_SCALES,
    ),
    Study("search-augment", "AutoAugment, or less", RECIPE, _search_augment, 1, scales=DESK_SCALES),
    Study("scaling", "The paper's recipe at growing width", RECIPE, _scaling, scales=DESK_SCALES),
    Study("scaling-wide", "The paper's recipe at α = 8", RECIPE, _scaling_wide, scales=DESK_SCALES),
    Study(
        "scaling-own", "λ of β = 50 chosen at each width", RECIPE, _scaling_own, scales=DESK_SCALES
    ),
    Study("scaling-beyond", "The law at α = 16", RECIPE, _scaling_beyond, 1, scales=DESK_SCALES),
    Study(
        "reach", "Training length, or a larger λ", RECIPE, _reach, betas=(0, 50), scales=DESK_SCALES
    ),
    Study(
        "momentum", "Momentum, weight decay or a larger step", RECIPE, _momentum, scales=DESK_SCALES
    ),
    Study(
        "showpiece-sgd", "α = 32 on two cores: SGD", RECIPE, _showpiece_sgd, 1, scales=DESK_SCALES
    ),
    Study("showpiece", "α = 32 on two cores: β = 50", RECIPE, _showpiece, 1, scales=DESK_SCALES),
    Study(
        "showpiece-autoaugment",
        "The same with AutoAugment",
        RECIPE,
        _showpiece_autoaugment,
        1,
        scales=DESK_SCALES,
    ),
)


# hyperparameters that the search varies
SEARCHED = ("momentum", "weight_decay", "l1", "l1_rest")


# The search on validation images


class Choice(NamedTuple):
    """The best candidate of a method, its runs, and the mean accuracy of each candidate."""

    config: Config
    runs: list[Record]
    means: list[float]


def choices(records: Sequence[Record]) -> dict[Method, Choice]:
    """Return the candidate of each method that is best on the validation images."""
    found = {}
    for name, group in by_method(records).items():
        candidates = conditions(group)
        means = {config: _mean(runs) for config, runs in candidates.items()}
        best = max(means, key=means.__getitem__)
        found[name] = Choice(best, candidates[best], list(means.values()))
    return found


def choices_table(records: Sequence[Record]) -> Table:
    """Return what was chosen for each method, beside the worst and the best of its candidates."""
    name, what = "tab-choices", "hyperparameters of each method, chosen on validation images"
    if not records:
        return tables.pending_table(name, what, "lcs study search")
    rows = [
        [
            method_name,
            f"{len(choice.means)}",
            _chosen_text(choice.config),
            f"{min(choice.means):.2f}",
            f"{max(choice.means):.2f}",
            tables.links(choice.runs),
        ]
        for method_name, choice in choices(records).items()
    ]
    caption = (
        "Hyperparameters of each method, chosen on validation images, the last tenth of each class "
        f"of the training images. {setting_text(records)}; accuracy on the validation images, of "
        "the worst and of the best candidate, in per cent."
    )
    columns = ["method", "candidates", "chosen", "worst", "best", "seeds"]
    return Table(name, caption, columns, rows, text=["chosen"])


def _chosen_text(config: Config) -> str:
    texts = {LABELS[name]: field_text(config, name) for name in SEARCHED}
    return "; ".join(f"{label}: {text}" for label, text in texts.items() if text != tables.NONE)


def long_table(records: Sequence[Record]) -> Table:
    """Return the accuracy of every candidate for λ at the whole length, best of a method bold."""
    lead = (
        "λ searched again at the whole length: what the search at a quarter of it had chosen, a "
        "half and a quarter of that"
    )
    return _candidates("search-long", records, METHOD, PULL, lead)


def widths_table(records: Sequence[Record]) -> Table:
    """Return the accuracy of every candidate for λ of β = 50 at every width, best of each bold."""
    return _candidates("search-wide", records, WIDTH, PULL, "λ of β = 50 at each width")


def rivals_table(records: Sequence[Record]) -> Table:
    """Return the accuracy of SGD and of β = 0 with half, all and twice the best regularisation."""
    lead = "SGD and β = 0 at two widths: weight decay or λ around the best"
    return _candidates("search-rivals", records, WIDTH | METHOD, REGULARISATION, lead)


def augment_table(records: Sequence[Record]) -> Table:
    """Return the accuracy of SGD and of β = 50 with AutoAugment, and with flips and crops alone."""
    lead = "AutoAugment with flips and crops, as chosen, and flips and crops alone, around the best"
    return _candidates("search-augment", records, METHOD, ("augment", *REGULARISATION), lead)


def augment_numbers(records: Sequence[Record]) -> dict[str, str]:
    """Return by how much β = 50 is ahead of SGD with each augmentation, in words.

    Each with the best of its candidates, on the validation images; "pending" without any runs.
    """
    words = {}
    for augment in ("autoaugment", "flip-crop"):
        best = choices([record for record in records if record.config.augment == augment])
        gain = paired(best[B50].runs, best[SGD].runs) if best else None
        words[f"gain-{augment}"] = signed_or_pending(gain)
    return words


METHOD = {"method": method_text}
WIDTH = {"α": lambda config: f"{config.base_channels}"}
PULL = ("l1", "l1_rest")
REGULARISATION = ("weight_decay", "l1")


def _candidates(
    study: str,
    records: Sequence[Record],
    heads: Mapping[str, Callable[[Config], str]],
    fields: Sequence[str],
    lead: str,
) -> Table:
    """Return a row for each candidate, the best of those that share all heads bold."""
    tops: dict[tuple[str, ...], float] = {}
    for config, runs in conditions(records).items():
        group = _heads_of(config, heads)
        tops[group] = max(tops.get(group, 0), _mean(runs))

    def marked(runs: Sequence[Record]) -> str:
        best = _mean(runs) == tops[_heads_of(runs[0].config, heads)]
        return f"**{mean_text(runs)}**" if best else mean_text(runs)

    columns: dict[str, Cell] = {
        **{head: of(say) for head, say in heads.items()},
        **by_field(fields),
        "validation (%)": marked,
        "training (%)": fit_text,
        "first layer left (%)": remaining_text,
        "seeds": tables.links,
    }
    note = (
        f"; accuracy on the validation images, the best of each {' and '.join(heads)} bold, and on "
        "the training images, without augmentation"
    )
    text, command = [*heads, LABELS["augment"]], f"lcs study {study}"
    return by_condition(f"tab-{study}", lead, command, records, columns, note=note, text=text)


def _heads_of(config: Config, heads: Mapping[str, Callable[[Config], str]]) -> tuple[str, ...]:
    return tuple(text(config) for text in heads.values())


def _mean(runs: Sequence[Record]) -> float:
    return float(np.mean(accuracies(runs)))


def search_frame(records: Sequence[Record]) -> pd.DataFrame:
    """Return `sweep_frame` over λ of the first layer, a series for each method that has one."""
    sparse = [record for record in records if record.config.optimizer != "sgd"]
    return sweep_frame(sparse, lambda config: config.l1, method_text)


# Growing width


def scaling_table(records: Sequence[Record]) -> Table:
    """Return the accuracy of every method at every width, and the paper's."""
    name, what = "tab-scaling", "test accuracy by the paper's recipe at growing width"
    if not records:
        return tables.pending_table(name, what, "lcs study scaling")
    widths, dataset = by_width(records), records[0].config.dataset
    lengths = (published.SHORT_EPOCHS, published.PAPER_EPOCHS)
    rows = [
        [
            method_name,
            *(mean_text(at[method_name]) for at in widths.values()),
            *(tables.published(published.accuracy(method_name, dataset, n)) for n in lengths),
        ]
        for method_name in by_method(records)
    ]
    caption = (
        "Test accuracy by the paper's recipe at growing width, in per cent. "
        f"{setting_text(records)}{spread_text(records)}. The paper's: "
        f"α ≈ {published.PAPER_BASE_CHANNELS}."
    )
    theirs = [f"paper, {epochs} epochs" for epochs in lengths]
    columns = ["method", *_heads(widths), *theirs]
    return Table(name, caption, columns, rows)


def _heads(widths: Mapping[int, object]) -> list[str]:
    return [f"α = {width}" for width in widths]


PAPER = f"paper, α ≈ {published.PAPER_BASE_CHANNELS}"


def left_table(records: Sequence[Record]) -> Table:
    """Return what is left of each layer at every width, for the methods that make zeros."""
    name, what = "tab-scaling-left", "weights left at growing width"
    if not records:
        return tables.pending_table(name, what, "lcs study scaling")
    widths = by_width(records)
    sparse = [m for m, runs in by_method(records).items() if _makes_zeros(runs[0].config)]
    rows = [
        [m, title, *(f"{np.mean(remaining(at[m], layer)):.2f}" for at in widths.values())]
        for m in sparse
        for layer, title in LAYERS.items()
    ]
    caption = (
        "Weights left at growing width, per cent of each layer after the last epoch, mean over "
        f"seeds. {setting_text(records)}."
    )
    columns = ["method", "layer", *_heads(widths)]
    return Table(name, caption, columns, rows, text=["layer"])


def _makes_zeros(config: Config) -> bool:
    return config.optimizer == "proximal-l1" or config.beta > 0


CONTRASTS = {
    "β = 50 over SGD": (B50, SGD),
    "β = 50 over β = 0": (B50, B0),
    "β = 50 over β = 1": (B50, B1),
    "β = 50 over proximal ℓ1": (B50, PROXIMAL),
    "β = 0 over SGD": (B0, SGD),
    "S-LOCAL over β = 50": (LOCAL, B50),
}


def gains_table(records: Sequence[Record]) -> Table:
    """Return differences between methods at every width, and the paper's."""
    name, what = "tab-scaling-gains", "who is ahead of whom at growing width"
    if not records:
        return tables.pending_table(name, what, "lcs study scaling")
    widths, dataset = by_width(records), records[0].config.dataset
    rows = [
        [
            contrast,
            *(_bold(paired(at[one], at[other])) for at in widths.values()),
            _theirs(one, other, dataset),
        ]
        for contrast, (one, other) in CONTRASTS.items()
    ]
    caption = (
        "Who is ahead of whom at growing width, in points of test accuracy, paired by seed. "
        f"{setting_text(records)}{_known_text(records)}."
    )
    return Table(name, caption, ["difference", *_heads(widths), PAPER], rows)


def _known_text(records: Sequence[Record]) -> str:
    """Say what is bold; single runs have no interval."""
    spread = spread_text(records)
    return spread and f"{spread}, bold where it leaves out zero, as one in twenty does by chance"


def _bold(gain: Interval) -> str:
    known = gain.half_width is not None and abs(gain.mean) > gain.half_width
    return f"**{tables.signed(gain)}**" if known else tables.signed(gain)


def _of_paper(one: Method, other: Method, dataset: str = "cifar10") -> float:
    """Return by how many points a method is ahead of another in the paper; NaN if it is silent."""
    found = (published.accuracy(name, dataset) for name in (one, other))
    first, second = (math.nan if value is None else value for value in found)
    return first - second


def _theirs(one: Method, other: Method, dataset: str) -> str:
    gain = _of_paper(one, other, dataset)
    return tables.NONE if math.isnan(gain) else tables.published(_signed(gain))


def _signed(gain: float) -> str:
    return tables.signed(Interval(gain, None, 1))


def _closed(groups: Mapping[Method, Sequence[Record]]) -> str:
    """Return the share of means; over a few images S-LOCAL may gain nothing in a single run."""
    gain, whole = (paired(groups[name], groups[SGD]).mean for name in (B50, LOCAL))
    return f"{100 * gain / whole:.0f}" if whole and gain > 0 else tables.NONE


def fit_table(records: Sequence[Record]) -> Table:
    """Return how well each method fits its training images, and how far ahead of the test that is.

    Both without augmentation, after the last epoch.
    """
    name, what = "tab-scaling-fit", "accuracy on the training images at growing width"
    if not records:
        return tables.pending_table(name, what, "lcs study scaling")
    widths = by_width(records)
    rows = [
        [method_name, *(_fit_text(at[method_name]) for at in widths.values())]
        for method_name in by_method(records)
    ]
    caption = (
        "Accuracy on the training images at growing width, without augmentation and after the last "
        "epoch, in per cent; in brackets, by how many points it is above that on the test images, "
        "in the mean. "
        f"{setting_text(records)}{spread_text(records)}."
    )
    return Table(name, caption, ["method", *_heads(widths)], rows)


def _fit_text(runs: Sequence[Record]) -> str:
    fit, more = mean_interval(train_accuracies(runs)), Interval(_overfit(runs).mean, None, 1)
    return f"{tables.interval(fit, 1)} ({tables.signed(more, 1)})"


def _overfit(runs: Sequence[Record]) -> Interval:
    """Return the accuracy on the training images less that on the test images, in points."""
    return paired_difference(train_accuracies(runs), accuracies(runs))


def width_frame(records: Sequence[Record]) -> pd.DataFrame:
    """Return `sweep_frame` over the width, a series for each method."""
    return sweep_frame(
        records, lambda config: config.base_channels, lambda config: str(method(config))
    )


# The gain as a law of the width


class Law(NamedTuple):
    """A straight line through gains against log₂ α: slope, height at α = 1 and at the paper's α."""

    slope: Interval
    start: Interval
    forecast: Interval


def gains_by_width(records: Sequence[Record], other: Method = SGD) -> pd.DataFrame:
    """Return the gain of β = 50 over another method: columns `x` (α), `seed`, `gain` (points)."""
    rows = []
    for width, groups in by_width(records).items():
        one, two = by_seed(groups[B50]), by_seed(groups[other])
        rows += [{"x": width, "seed": s, "gain": one[s] - two[s]} for s in one.keys() & two.keys()]
    return pd.DataFrame(rows, columns=["x", "seed", "gain"])


def law(gains: pd.DataFrame, width: float = published.PAPER_BASE_CHANNELS) -> Law | None:
    """Fit gain = a + b log₂ α by least squares to each seed; intervals are over seeds.

    Only seeds that have every width count. None without any, or where there is only one width.
    """
    widths = gains["x"].nunique()
    whole = [runs for _, runs in gains.groupby("seed") if len(runs) == widths]
    if widths < 2 or not whole:
        return None
    fits = [np.polyfit(np.log2(runs["x"]), runs.gain, 1) for runs in whole]
    slopes, starts = np.array(fits).T
    return Law(*map(mean_interval, (slopes, starts, starts + slopes * np.log2(width))))


def gains_figure(records: Sequence[Record]) -> Figure:
    """Draw the gains over SGD and over β = 0 at every width, their lines, and the paper's gains."""
    frames = {name: gains_by_width(records, other) for name, other in CONTRASTED.items()}
    fits = {name: law(frame) for name, frame in frames.items()}
    table = pd.concat([frame.assign(contrast=name) for name, frame in frames.items()])
    lines = {name: (fit.slope.mean, fit.start.mean) for name, fit in fits.items() if fit}
    known = {name: _of_paper(B50, other) for name, other in CONTRASTED.items()}
    return plots.gains(table, lines, known, published.PAPER_BASE_CHANNELS)


CONTRASTED = {"over SGD": SGD, "over β = 0": B0}
OVER = {"sgd": SGD, "zero": B0}


def numbers(records: Sequence[Record]) -> dict[str, str]:
    """Return the numbers of the chapter's prose, in words: "pending" where there are no runs.

    The length; at the first and the last width the gain over SGD, and by how much SGD overfits; at
    the last the gain over β = 0 and over proximal ℓ1; of the lines over SGD and over β = 0 the
    slope; the paper's gains.
    """
    words = {"epochs": f"{records[0].config.epochs}" if records else PENDING}
    widths = [*by_width(records).values()]
    for short, other in {"zero": B0, "proximal": PROXIMAL}.items():
        more = paired(widths[-1][B50], widths[-1][other]) if widths else None
        words[f"{short}-last"] = signed_or_pending(more)
    words |= _at_both_ends(records)
    for short, other in OVER.items():
        found = law(gains_by_width(records, other))
        words[f"law-slope-{short}"] = signed_or_pending(found and found.slope)
        words[f"law-paper-{short}"] = _signed(_of_paper(B50, other))
    return words


def own_numbers(own: Sequence[Record], common: Sequence[Record]) -> dict[str, str]:
    """Return the numbers of the prose on λ of each width, in words: "pending" without any runs.

    Of the lines over SGD and over β = 0 slope, forecast and where they cross zero; the gains of
    β = 50, and how far S-LOCAL is ahead of it, at the first and the last width; at the last what
    its own λ gains over the common one; the weights of S-LOCAL as a share of S-FC's.
    """
    named = {name: (B50, other) for name, other in OVER.items()} | {"local": (LOCAL, B50)}
    widths, others = [*by_width(own).values()], [*by_width(common).values()]
    words = {"local-share": f"{_local_share(widths[-1]):.1f}" if widths else PENDING}
    known = widths and others
    words["own-common"] = signed_or_pending(
        paired(widths[-1][B50], others[-1][B50]) if known else None
    )
    for name, (one, other) in named.items():
        for end, place in {"first": 0, "last": -1}.items():
            gain = paired(widths[place][one], widths[place][other]) if widths else None
            words[f"own-{name}-{end}"] = signed_or_pending(gain)
    for short, other in OVER.items():
        found = law(gains_by_width(own, other))
        words[f"own-slope-{short}"] = signed_or_pending(found and found.slope)
        words[f"own-forecast-{short}"] = signed_or_pending(found and found.forecast)
        words[f"own-crossing-{short}"] = _crossing(found)
    return words


def _local_share(at: Mapping[Method, Sequence[Record]]) -> float:
    local, whole = (at[name][0].final["weights"]["conv1"] for name in (LOCAL, SGD))
    return 100 * local / whole


def _crossing(found: Law | None) -> str:
    """Return α where the line through the means crosses zero, if it rises to it somewhere near."""
    if found is None:
        return PENDING
    doublings = -found.start.mean / max(found.slope.mean, 1e-9)
    return f"{2**doublings:.1f}" if abs(doublings) < 20 else tables.NONE


def _at_both_ends(records: Sequence[Record]) -> dict[str, str]:
    if not records:
        keys = ("width", "gain", "overfit")
        return {f"{key}-{end}": PENDING for key in keys for end in ("first", "last")}
    widths, words = [*by_width(records).items()], {}
    for end, (width, at) in {"first": widths[0], "last": widths[-1]}.items():
        words[f"width-{end}"] = f"{width}"
        words[f"gain-{end}"] = tables.signed(paired(at[B50], at[SGD]))
        words[f"overfit-{end}"] = tables.interval(_overfit(at[SGD]))
    return words


# λ chosen at each width


def own_table(own: Sequence[Record], common: Sequence[Record]) -> Table:
    """Return what β = 50 does with the λ chosen at each width, and with one λ for all of them.

    Args:
        own: records of `scaling-own`.
        common: records of `scaling` and `scaling-wide`.
    """
    name, what = "tab-own", "β = 50 with λ chosen at each width"
    widths, others = by_width(own), by_width(common)
    if not own or not widths.keys() <= others.keys():
        return tables.pending_table(name, what, "lcs study scaling-own")
    at = [(groups, others[width]) for width, groups in widths.items()]
    sparse = [groups[B50] for groups, _ in at]
    dataset = own[0].config.dataset
    theirs = tables.published(published.accuracy(B50, dataset))
    share = 100 * _of_paper(B50, SGD, dataset) / _of_paper(LOCAL, SGD, dataset)
    closed = tables.published(None if math.isnan(share) else share, 0)
    rows = [
        [LABELS["l1"], *(field_text(runs[0].config, "l1") for runs in sparse), tables.NONE],
        ["left in the first layer (%)", *map(remaining_text, sparse), tables.NONE],
        ["training accuracy (%)", *map(fit_text, sparse), tables.NONE],
        [
            "training above test (points)",
            *(tables.signed(_overfit(runs)) for runs in sparse),
            tables.NONE,
        ],
        ["test accuracy (%)", *map(mean_text, sparse), theirs],
        [
            "over the same with one λ",
            *(_own_gain(groups, same) for groups, same in at),
            tables.NONE,
        ],
        *(
            [
                text,
                *(_bold(paired(groups[B50], groups[other])) for groups, _ in at),
                _theirs(B50, other, dataset),
            ]
            for text, other in (CONTRASTED | {"over S-LOCAL": LOCAL}).items()
        ),
        [
            "over proximal ℓ1",
            *(_bold(paired(groups[B50], same[PROXIMAL])) for groups, same in at),
            tables.NONE,
        ],
        ["gap to S-LOCAL that it closes (%)", *(_closed(groups) for groups, _ in at), closed],
    ]
    caption = (
        f"{what}, and by how many points of test accuracy it is ahead, paired by seed: of itself "
        "with the λ that was chosen at α = 2, and of the others. Training accuracy is without "
        "augmentation. "
        f"{setting_text(own)}{_known_text(own)}. The last row is the gain over SGD as a share of "
        "S-LOCAL's, from the means, where there is a gain."
    )
    return Table(name, caption, ["", *_heads(widths), PAPER], rows)


def _own_gain(own: Mapping[Method, list[Record]], common: Mapping[Method, list[Record]]) -> str:
    one, other = own[B50], common[B50]
    same = one[0].config.l1 == other[0].config.l1
    return "same λ" if same else _bold(paired(one, other))


def beyond_table(own: Sequence[Record], beyond: Sequence[Record]) -> Table:
    """Return what a wider network gains, beside what the lines through narrower ones say of it.

    Args:
        own: records of `scaling-own`, through which the lines go.
        beyond: records of `scaling-beyond`.
    """
    name, what = "tab-beyond", "the lines of {numref}`fig-law` at α = 16, and runs"
    if not own or not beyond:
        return tables.pending_table(name, what, "lcs study scaling-beyond")
    groups, width = by_method(beyond), beyond[0].config.base_channels
    rows = [[text, *_foretold(own, groups, other, width)] for text, other in CONTRASTED.items()]
    caption = (
        f"What the lines through the gains up to α = {max(by_width(own))} say of β = 50 at "
        f"α = {width}, in points{spread_text(own)}, and what it gains there. "
        f"{setting_text(beyond)}. β = 50 reaches {mean_text(groups[B50])} %, with "
        f"{remaining_text(groups[B50])} % of the first layer left."
    )
    columns = ["gain of β = 50", "the line", "the runs", "the other's test accuracy (%)", "seeds"]
    return Table(name, caption, columns, rows)


def _foretold(
    own: Sequence[Record], groups: Mapping[Method, list[Record]], other: Method, width: int
) -> list[str]:
    line = law(gains_by_width(own, other), width)
    return [
        signed_or_pending(line and line.forecast),
        _bold(paired(groups[B50], groups[other])),
        mean_text(groups[other]),
        tables.links(groups[other]),
    ]


# What SGD's own gain is made of


def momentum_table(records: Sequence[Record]) -> Table:
    """Compare SGD by parts of what was chosen for it, and both methods by the size of a step."""
    usual = min((record.config.lr for record in records), default=math.nan)

    def plain(config: Config) -> Config:
        return as_sgd(config).replace(lr=usual, momentum=0.0, weight_decay=0.0)

    fields = ["lr", "momentum", "weight_decay", "l1"]
    what, against = "What makes SGD strong here", {"plain SGD": plain}
    return comparison("tab-momentum", records, fields, against, "lcs study momentum", what)


# Length, and λ in its place


def reach_table(records: Sequence[Record]) -> Table:
    """Compare three lengths, and short runs that have the reach of the longest."""
    name, what = "tab-reach", "Training length, or a larger λ, in all layers, in its place"
    references: dict[str, Callable[[Config], Config]] = {
        "SGD": lambda config: chosen(as_sgd(config), "s-fc"),
        "β = 0, same λ": without_threshold,
    }
    fields = ["epochs", "l1", "reach"]
    return comparison(name, records, fields, references, "lcs study reach", what)


# What the units look at


def sparsest(records: Sequence[Record]) -> list[Record]:
    """Return the runs with the largest β, the smallest network first, then the shortest run."""
    largest = max((record.config.beta for record in records), default=0.0)
    sparse = [record for record in records if record.config.beta == largest > 0]
    return sorted(sparse, key=lambda r: (r.config.base_channels, r.config.epochs))


def size_text(config: Config) -> str:
    """Name a run's width and length, and in what else it is not like most runs of the chapter."""
    net = "" if config.model == "s-fc" else f"{NETWORKS[config.model]}, "
    images = "" if config.augment == "autoaugment" else f", {field_text(config, 'augment')}"
    return f"{net}α = {config.base_channels}, {config.epochs} epochs{zeros_text(config)}{images}"


def fan_in_frame(records: Sequence[Record]) -> pd.DataFrame:
    """Return how many weights first-layer units have: `series`, `weights`, `share` (per cent).

    Runs of one size are taken together.
    """
    rows = []
    for config, runs in conditions(records).items():
        counts = np.sum([_padded(run.final["fan_in"]["conv1"]) for run in runs], axis=0)
        shares = 100 * np.trim_zeros(counts, "b") / counts.sum()
        rows += [
            {"series": size_text(config), "weights": _binary_range(k), "share": share}
            for k, share in enumerate(shares)
        ]
    return pd.DataFrame(rows, columns=["series", "weights", "share"])


def _padded(counts: Sequence[int], digits: int = 32) -> list[int]:
    return [*counts, *[0] * (digits - len(counts))]


def _binary_range(digits: int) -> str:
    """Name the numbers that have so many binary digits."""
    low, high = 2**digits // 2, 2**digits - 1
    return f"{low}" if low == high else f"{low}–{high}"


def units_numbers(records: Sequence[Record]) -> dict[str, str]:
    """Return what the prose says of the first of some runs, in words: "pending" without any.

    `units-run`: which; `units-range`: its `measure.clustering_range`, in pixels; `units-dead`: per
    cent of units without a weight.
    """
    if not records:
        return dict.fromkeys((f"units-{key}" for key in ("run", "range", "dead")), PENDING)
    run, *_ = records
    ratios, counts = pair_correlation(run) or [math.nan], run.final["fan_in"]["conv1"]
    return {
        "units-run": size_text(run.config),
        "units-range": f"{measure.clustering_range(ratios):.1f}",
        "units-dead": f"{100 * counts[0] / sum(counts):.1f}",
    }


def widest(records: Sequence[Record], method_name: Method) -> list[Record]:
    """Return the first run of a method at the largest width; none without any runs."""
    widths = [*by_width(records).values()]
    return widths[-1][method_name][:1] if widths else []


def near_numbers(named: Mapping[str, Sequence[Record]]) -> dict[str, str]:
    """Return how frequent pairs of neighbouring pixels are in named runs, over chance, in words.

    Of several runs the first; "pending" without any.
    """
    return {
        f"near-{name}": f"{(pair_correlation(runs[0]) or [math.nan])[0]:.1f}" if runs else PENDING
        for name, runs in named.items()
    }


def locality_table(own: Sequence[Record], common: Sequence[Record]) -> Table:
    """Return how much of a filter's mass is in its best window, beyond chance, at every width.

    Args:
        own: records of `scaling-own`.
        common: records of `scaling` and `scaling-wide`.
    """
    name, what = "tab-scaling-locality", "locality by the paper's recipe at growing width"
    widths, others = by_width(own), by_width(common)
    if not own or not widths.keys() <= others.keys():
        return tables.pending_table(name, what, "lcs study scaling-own")
    rows = [
        [method_name, *(window_text(others[width][method_name]) for width in widths)]
        for method_name in (LOCAL, SGD, B0, B50)
    ]
    sparse = [at[B50] for at in widths.values()]
    side = own[0].final["locality"]["window"]
    measured = max(record.final["locality"]["filters"] for record in own)
    rows += [
        [f"{B50}, λ of the width", *map(window_text, sparse)],
        [f"its units with {MIN_NONZEROS} weights or more", *map(eligible_text, sparse)],
    ]
    caption = (
        f"Mass in a filter's best window of {side} × {side} pixels, less that of its own "
        f"permutations, in points. {setting_text([*own, *common])}{spread_text([*own, *common])}. "
        f"Measured are units with {MIN_NONZEROS} weights or more, at most {measured} of each run."
    )
    return Table(name, caption, ["method", *_heads(widths)], rows)


def shown_filters(records: Sequence[Record]) -> dict[str, np.ndarray]:
    """Return the stored filters (n, C, H, W) of the first seeds, by method and size."""
    return {
        f"{method_text(r.config)}, {size_text(r.config)}": r.load_filters().numpy()
        for r in records
        if r.filters is not None
    }


# A large network on two cores

# the studies that this takes, one run each
SHOWPIECE = ("showpiece-sgd", "showpiece", "showpiece-autoaugment")


def showpiece_table(runs: Mapping[str, Sequence[Record]]) -> Table:
    """Return accuracy, fit, weights left and time of the largest runs, and the paper's.

    Args:
        runs: the records of each study of `SHOWPIECE`; of one that has none it shows the command.
    """
    name, what = "tab-showpiece", "S-FC at α = 32, with SGD and with β-LASSO"
    records = showpiece(runs)
    if not records:
        return tables.pending_table(name, what, "lcs study showpiece")
    rows = [_largest(study, runs[study]) for study in SHOWPIECE]
    width, epochs = published.PAPER_BASE_CHANNELS, published.SHORT_EPOCHS
    known = (f"{width}", published.SHORT[SGD])
    theirs = ["SGD", *(tables.published(value) for value in known), *[tables.NONE] * 5]
    caption = (
        f"{what}. {setting_text(records)}{spread_text(records)}; training accuracy as in "
        "{numref}`tab-scaling-fit`; the last row is the paper's shorter training, "
        f"{epochs} epochs."
    )
    columns = ["method", "α", "test accuracy (%)", LABELS["augment"]]
    columns += ["training accuracy (%)", "left in layers 1, 2, 3 (%)", "time", "seeds"]
    return Table(name, caption, columns, [*rows, theirs], text=[LABELS["augment"], "seeds"])


def showpiece_numbers(
    runs: Mapping[str, Sequence[Record]], own: Sequence[Record]
) -> dict[str, str]:
    """Return what the prose says of each of these studies, in words: "pending" without any runs.

    Accuracy, time, and of the sparse ones what is left of the first layer; the paper's accuracy,
    with SGD; `showpiece-gain`: by how many points β = 50 is ahead of SGD with the same images;
    `showpiece-line`: what the line through the gains of `own`, records of `scaling-own`, says of
    that width; `showpiece-work`: which part of the dense network's operations an image takes, in
    per cent.
    """
    flops = [run.final["flops"] for run in runs["showpiece"]]
    work = [100 * one["sparse"] / one["dense"] for one in flops]
    words = {
        "showpiece-paper": f"{published.SHORT[SGD]:.2f}",
        "showpiece-work": f"{np.mean(work):.1f}" if work else PENDING,
    }
    for study in SHOWPIECE:
        words |= {f"{study}-{key}": value for key, value in _largest_words(runs[study]).items()}
    del words["showpiece-sgd-left"]  # all of it
    sparse, dense = runs["showpiece"], runs["showpiece-sgd"]
    gain = paired(sparse, dense) if sparse and dense else None
    line = law(gains_by_width(own), sparse[0].config.base_channels) if sparse else None
    words["showpiece-line"] = signed_or_pending(line and line.forecast)
    return words | {"showpiece-gain": signed_or_pending(gain)}


def _largest_words(records: Sequence[Record]) -> dict[str, str]:
    if not records:
        return dict.fromkeys(("accuracy", "time", "left"), PENDING)
    seconds = float(np.mean([run.provenance["seconds"] for run in records]))
    return {
        "accuracy": mean_text(records),
        "time": cost.duration(seconds),
        "left": remaining_text(records),
    }


def showpiece(runs: Mapping[str, Sequence[Record]]) -> list[Record]:
    """Return the records of all studies of `SHOWPIECE`."""
    return [record for study in SHOWPIECE for record in runs[study]]


def _largest(study: str, runs: Sequence[Record]) -> list[str]:
    if not runs:
        waits = tables.pending(f"pending: `lcs study {study}`")
        return [find_study(study).title, *[tables.NONE] * 6, waits]
    config, words = runs[0].config, _largest_words(runs)
    return [
        method_text(config) + zeros_text(config),
        f"{config.base_channels}",
        words["accuracy"],
        field_text(config, "augment"),
        _fit_text(runs),
        layers_text(runs),
        words["time"],
        tables.links(runs),
    ]


# Claims


def _gain_grows(other: Method) -> Judge:
    """Judge whether the gain of β = 50 over another method grows with the width."""

    def judge(records: list[Record]) -> Finding:
        found = law(gains_by_width(records, other))
        assert found is not None
        return Finding(f"{signed(found.slope)} points a doubling", found.slope)

    return judge


CLAIMS: tuple[Claim, ...] = (
    Claim(
        "B",
        "By the paper's recipe (200 epochs), both as chosen on validation images, β = 50 is "
        "better than SGD at α = 8",
        tables.NONE,
        "scaling",
        "scaling-wide",
        beats(B50, SGD),
    ),
    *(
        Claim(
            "B",
            f"With λ of β = 50 chosen at each width, its gain over {name} grows (α = 1, 2, 4, 8)",
            tables.NONE,
            "scaling",
            "scaling-own",
            _gain_grows(other),
        )
        for name, other in (("SGD", SGD), ("β = 0", B0))
    ),
    *(
        Claim(
            "B",
            f"With λ of β = 50 chosen at α = 8, it is better than {name} there",
            tables.NONE,
            "scaling",
            "scaling-own",
            beats(B50, other),
        )
        for name, other in (("SGD", SGD), ("β = 0", B0))
    ),
    Claim(
        "B",
        "With λ of β = 50 chosen at α = 8, it leaves fewer weights in the first layer than "
        "S-LOCAL has",
        tables.NONE,
        "scaling",
        "scaling-own",
        leaves_fewer_than_local,
    ),
)
