"""What comes out of the runs of all chapters: weights, the bound of Theorem 2, tables, claims."""

import dataclasses
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from lcs import cost, data, theory
from lcs.config import Config
from lcs.exhibits.shared import cells, compare, published, tables
from lcs.exhibits.shared.compare import Conditions
from lcs.exhibits.shared.methods import B50, CONV, LOCAL, SGD, Method, method
from lcs.exhibits.shared.settings import (
    DESK,
    RECIPE,
    REPRODUCTION,
    SHARE_AT_WIDTH,
    WIDEST,
    chosen,
    sized,
)
from lcs.exhibits.shared.tables import NONE, PENDING, Cell, Table, number
from lcs.exhibits.shared.verdicts import Finding, holds_if, ours
from lcs.runs import Record, RunStore

# what all runs of a setting share, by its name
SHARED = {RECIPE.name: sized(RECIPE.configs["desk"], length=1 / 2), REPRODUCTION.name: DESK}
# in what they differ; frozen zeros are another algorithm than the paper's
VARIED = (
    *("model", "base_channels", "optimizer", "lr", "momentum", "weight_decay"),
    *("l1", "l1_rest", "beta", "seed"),
)
LEAST_RUNS = 2


def gather(store: RunStore) -> dict[str, Conditions]:
    """Return the stored runs on test images of CIFAR-10 by setting, and by condition.

    Every network, method and width is among them, where it has at least `LEAST_RUNS` seeds.
    """
    stored = (run for place in store.chain() for run in place.records())
    found = compare.conditions(run for run in stored if run.kind != "toy")

    def shared(config: Config) -> dict[str, object]:
        return {k: v for k, v in dataclasses.asdict(config).items() if k not in VARIED}

    return {
        name: Conditions(
            (config, runs)
            for config, runs in found.items()
            if len(runs) >= LEAST_RUNS and shared(config) == shared(base)
        )
        for name, base in SHARED.items()
    }


def weights(record: Record) -> int:
    """Return the remaining weights of all layers: those that are not zero at the end."""
    return int(sum(record.final["nonzeros"].values()))


def operations(record: Record) -> int:
    """Return the FLOPs of one image's forward pass, products by zeros left out."""
    return int(record.final["flops"]["sparse"])


def mean_weights(runs: Sequence[Record]) -> float:
    """Return the mean of `weights`."""
    return compare.mean(runs, lambda runs: [*map(weights, runs)])


def recipe_table(found: Mapping[str, Conditions]) -> Table:
    """Return every network and method with AutoAugment at `WIDEST`, the fewest weights first."""
    here = found[RECIPE.name]
    shown = [runs for config, runs in here.items() if config.base_channels == WIDEST]
    what = f"Remaining weights with AutoAugment at α = {WIDEST}"
    return _weights_table("tab-fewest", "scaling-wide", here, shown, searched_sgd(), what)


def plain_table(found: Mapping[str, Conditions]) -> Table:
    """Return every network by SGD and what is on the front, without augmentation.

    There β and λ were swept. The fewest weights first.
    """
    here = found[REPRODUCTION.name]
    best = front(frame(here)).index
    shown = [
        runs
        for place, (config, runs) in enumerate(here.items())
        if config.optimizer == "sgd" or place in best
    ]
    what = "Remaining weights without augmentation: all networks by SGD, and the Pareto front"
    return _weights_table(
        "tab-fewest-plain", "table2", here, shown, SHARED[REPRODUCTION.name], what
    )


def _weights_table(
    label: str, study: str, here: Conditions, shown: list[list[Record]], sgd: Config, what: str
) -> Table:
    """Return weights, FLOPs, accuracy and gain over a condition of SGD."""
    columns: dict[str, Cell] = {
        "network and method": cells.of(lambda config: str(method(config))),
        "λ": cells.of(lambda c: f"{number(c.l1)} and {number(c.rest_l1)}" if c.l1 else NONE),
        "thousands of weights": lambda runs: f"{mean_weights(runs) / 1e3:,.1f}",
        "remaining, layers 1, 2, 3 (%)": cells.layers_text,
        "MFLOPs": lambda runs: tables.rounded(
            compare.mean(runs, lambda runs: [*map(operations, runs)]) / 1e6, 3
        ),
        "test accuracy (%)": cells.mean_text,
        "over S-FC, SGD (points)": cells.difference_from(here, lambda _: sgd),
    }
    note = (
        ". λ: of the first and the other layers. FLOPs: of one image's forward pass, without "
        "products by zeros. Differences are paired by seed"
    )
    ordered = [run for runs in sorted(shown, key=mean_weights) for run in runs]
    return cells.by_condition(study, ordered, columns, what, label=label, note=note, text=["λ"])


# Fronts


def frame(found: Conditions) -> tables.DataFrame:
    """Return one row per run; `condition` is a number, `accuracy` in per cent."""
    rows = [
        [
            *(str(method(config)), config.model, config.base_channels, place),
            *(weights(run), operations(run), 100 * run.accuracy),
        ]
        for place, (config, runs) in enumerate(found.items())
        for run in runs
    ]
    columns = ("method", "model", "base_channels", "condition", "weights", "flops", "accuracy")
    return tables.data_frame(rows, columns=columns)


def front(table: tables.DataFrame, counted: str = "weights") -> tables.DataFrame:
    """Return the conditions than which none is both cheaper and more accurate, by their means.

    Of what `frame` returns, by its column `weights` or `flops`. A row for each condition, the
    index, by growing cost: the cost, `accuracy` and `model`.
    """
    means = table.groupby("condition").agg({counted: "mean", "accuracy": "mean", "model": "first"})
    ordered = means.sort_values([counted, "accuracy"], ascending=[True, False])
    best = ordered.accuracy.cummax().shift(fill_value=-math.inf)
    return ordered[ordered.accuracy > best]


# Networks of about as many weights


def own_lambda() -> Config:
    """Return β = 50 with AutoAugment at `WIDEST`, with the λ that was chosen there."""
    here = SHARED[RECIPE.name].replace(base_channels=WIDEST)
    return chosen(here, "s-fc", "beta-lasso", 50, share=SHARE_AT_WIDTH[WIDEST])


def searched_sgd(model: str = "s-fc") -> Config:
    """Return SGD with AutoAugment at `WIDEST`, as it was chosen."""
    return chosen(SHARED[RECIPE.name].replace(base_channels=WIDEST), model)


def nearest(groups: Iterable[list[Record]], size: float) -> list[Record]:
    """Return the runs whose number of weights is nearest to a size, as a ratio."""
    return min(groups, key=lambda runs: abs(math.log(mean_weights(runs) / size)), default=[])


def sparse_like_conv(found: Conditions) -> list[Record]:
    """Return the runs of S-FC with about as many weights as S-CONV: of the reproduction."""
    conv = _first(found, CONV)
    sparse = (runs for config, runs in found.items() if config.beta)
    return nearest(sparse, mean_weights(conv)) if conv else []


def sparsest_above_sgd(found: Conditions) -> list[Record]:
    """Return the fewest weights of S-FC with which it is ahead of SGD in every common seed."""
    sgd = _first(found, SGD)
    better = (
        runs
        for config, runs in found.items()
        if sgd and config.beta and min(compare.differences(runs, sgd)) > 0
    )
    return min(better, key=mean_weights, default=[])


def _first(found: Conditions, wanted: Method) -> list[Record]:
    """Return the runs of the first condition of a method."""
    return next((runs for config, runs in found.items() if method(config) == wanted), [])


# Numbers


def numbers(found: Mapping[str, Conditions], bits: int, delta: float) -> dict[str, str]:
    """Return what the prose says, in words; weights of the paper's networks in millions."""
    recipe, plain = found[RECIPE.name], found[REPRODUCTION.name]
    like_conv, sgd = sparse_like_conv(plain), _first(plain, SGD)
    return {
        **recipe_numbers(recipe),
        "few-n": f"{len(like_conv)}",
        "few-times": _times_text(sgd, like_conv),
        **bound_numbers(recipe, plain, bits, delta),
        "paper-weights": f"{sum(published.FIGURE3.values()) / 1e6:.0f}",
        "paper-local-weights": f"{count_weights('s-local') / 1e6:.0f}",
        "paper-behind": f"{published.gain(LOCAL, B50):.2f}",
    }


def recipe_numbers(found: Conditions) -> dict[str, str]:
    """Return what β = 50 with its own λ needs at `WIDEST`, beside SGD and S-LOCAL."""
    own, sgd = own_lambda(), searched_sgd()
    sparse, dense = found[own], found[sgd]
    wide, conv = (found[searched_sgd(model)] for model in ("s-local", "s-conv"))
    locals_ = (runs for config, runs in found.items() if method(config) == LOCAL)
    near = nearest(locals_, mean_weights(sparse)) if sparse else []
    return {
        "own-alpha": f"{own.base_channels}",
        "own-weights": f"{mean_weights(sparse):,.0f}" if sparse else PENDING,
        "own-times": _times_text(dense, sparse, 1),
        "own-accuracy": cells.mean_text(sparse),
        "own-fit": cells.fit_text(sparse),
        "own-n": f"{len(sparse)}",
        "sgd-accuracy": cells.mean_text(dense),
        "local-alpha": f"{near[0].config.base_channels}" if near else PENDING,
        "local-gain": cells.lead_text(near, sparse),
        "local-n": f"{len(compare.differences(near, sparse))}",
        "wide-local-gain": cells.lead_text(wide, sparse),
        "wide-conv-gain": cells.lead_text(conv, sparse),
    }


def _times_text(one: Sequence[Record], other: Sequence[Record], digits: int = 0) -> str:
    """Return how many times more weights some runs have than others."""
    return f"{mean_weights(one) / mean_weights(other):.{digits}f}" if one and other else PENDING


# Published sizes


def count_weights(model: str) -> int:
    """Return how many weights the paper's network has by its layers' shapes, on CIFAR-10."""
    return cost.total_weights(Config(model=model, base_channels=published.ALPHA[model]))


def size_table() -> Table:
    """Return the weights of each network by the layers' shapes beside the published count."""
    rows = []
    for model, alpha in published.ALPHA.items():
        own, theirs = count_weights(model) / 1e6, published.PARAMETERS.get(model)
        away = NONE if theirs is None else tables.minus(f"{100 * (theirs / own - 1):+.1f}")
        shown = tables.published(None if theirs is None else f"{theirs:g}")
        name = "ResNet18" if model == "resnet18" else model.upper()
        rows.append([name, f"{alpha}", f"{own:.2f}", shown, away])
    caption = (
        "Millions of weights for images of 32 × 32 pixels and 10 classes, without batch "
        "normalisation, by the layers' shapes and as published (Table 1)."
    )
    columns = ["network", "α", "by the shapes", "published", "difference (%)"]
    return Table("tab-sizes", caption, columns, rows)


# The bound


class Bound(NamedTuple):
    """What Theorem 2 says of one run; errors are fractions."""

    gap: float  # test error less training error, on the training images without augmentation
    whole: float  # bound on the test error
    structure: float  # the same without the bits of the weights' values


# the paper trains in 16 bits; δ is not stated
def bound(record: Record, bits: int = 16, delta: float = 0.05) -> Bound:
    """Return the bound for a stored run of a shallow network.

    With so many bits for the value of a weight it holds with probability 1 - δ. A shared weight
    counts once among the values, and at each place in the structure: that of S-FC which computes
    the same function.
    """
    config = record.config
    model = config.model if config.model == "3-fc" else "s-fc"
    dense = compare.as_sgd(config).replace(model=model, kernel_size=None, padding="same")
    samples, values = data.spec(config.dataset).train_size, weights(record)
    gap_bound = theory.mdl_bound(
        0.0,
        samples=samples,
        parameters=cost.total_weights(dense),
        free_parameters=values,
        nonzero=operations(record) // 2,
        bits=bits,
        delta=delta,
    )
    structure = math.sqrt(gap_bound**2 - values * bits / (2 * samples))
    error = 1 - record.final["clean_train_accuracy"]
    return Bound(1 - record.accuracy - error, error + gap_bound, error + structure)


def bound_numbers(recipe: Conditions, few: Conditions, bits: int, delta: float) -> dict[str, str]:
    """Return the bound of β = 50 with AutoAugment, and of the sparsest network without."""

    def mean(runs: Sequence[Record], digits: int) -> str:
        bounds = [bound(run, bits, delta).whole for run in runs]
        return f"{np.mean(bounds):.{digits}f}" if bounds else PENDING

    return {
        "bound-own": mean(recipe[own_lambda()], 1),
        "bound-least": mean(sparsest_above_sgd(few), 2),
        "bits": f"{bits}",
        "delta": f"{delta:g}",
    }


# Claims


def _fewer_than_s_conv(records: list[Record]) -> Finding:
    """Judge whether every run of the largest β and width has fewer weights than S-CONV."""
    width, beta = max(r.config.base_channels for r in records), compare.largest_beta(records)
    runs = [r for r in records if (r.config.base_channels, r.config.beta) == (width, beta)]
    conv = cost.total_weights(compare.as_sgd(runs[0].config).replace(model="s-conv"))
    said = holds_if(max(map(weights, runs)) < conv)
    return Finding(f"{mean_weights(runs):,.0f} against {conv:,}", said=said)


def _bound_is_below_one(records: list[Record]) -> Finding:
    """Judge whether the bound on the error is below 1 for the largest β at any width."""
    beta = compare.largest_beta(records)
    best = min(bound(record).whole for record in records if record.config.beta == beta)
    return Finding(f"at least {best:.1f}, at any width", said=holds_if(best < 1))


CLAIMS = {
    "With AutoAugment, β = 50 at the largest width has fewer remaining weights, in all "
    "layers, than S-CONV": ours("scaling-own", _fewer_than_s_conv),
    "The paper's Theorem 2 bounds the test error of β = 50 below 1": ours(
        "scaling-own", _bound_is_below_one
    ),
}
