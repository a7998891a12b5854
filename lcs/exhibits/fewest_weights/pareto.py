"""Test accuracy against remaining weights and FLOPs, in two settings."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from lcs import cost
from lcs.config import Config
from lcs.exhibits import cells, compare, settings, tables
from lcs.exhibits.compare import Conditions
from lcs.exhibits.methods import CONV, LOCAL, SGD, Method, method
from lcs.exhibits.settings import SHARE_AT_WIDTH, WIDTHS, chosen, sized
from lcs.exhibits.tables import NONE, PENDING, Cell, Table, ahead, number
from lcs.exhibits.verdicts import Finding
from lcs.runs import Record, RunStore
from lcs.stats import mean_interval

if TYPE_CHECKING:
    import pandas as pd

RECIPE, REPRODUCTION = "recipe", "reproduction"
# what all runs of a setting share
SETTINGS = {
    RECIPE: sized(settings.RECIPE.configs["desk"], length=1 / 2),
    REPRODUCTION: settings.DESK,
}
# in what they differ; frozen zeros are another algorithm than the paper's
VARIED = (
    *("model", "base_channels", "optimizer", "lr", "momentum", "weight_decay"),
    *("l1", "l1_rest", "beta", "seed"),
)
# the width at which all methods have runs
WIDTH = WIDTHS[-1]
LEAST_RUNS = 2


def gather(store: RunStore) -> dict[str, Conditions]:
    """Return the stored runs on test images of CIFAR-10 by setting, and by condition.

    Every network, method and width is among them, where it has at least `LEAST_RUNS` seeds.
    """
    stored = (run for place in store.chain() for run in place.records())
    found = compare.conditions(run for run in stored if run.kind != "toy")
    return {
        name: Conditions(
            (config, runs)
            for config, runs in found.items()
            if len(runs) >= LEAST_RUNS and _shared(config) == _shared(base)
        )
        for name, base in SETTINGS.items()
    }


def _shared(config: Config) -> dict[str, object]:
    return {k: v for k, v in dataclasses.asdict(config).items() if k not in VARIED}


def weights(record: Record) -> int:
    """Return the remaining weights of all layers: those that are not zero at the end."""
    return int(sum(record.final["nonzeros"].values()))


def operations(record: Record) -> int:
    """Return the FLOPs of one image's forward pass, products by zeros left out."""
    return int(record.final["flops"]["sparse"])


def mean_weights(runs: Sequence[Record]) -> float:
    """Return the mean of `weights`."""
    return mean_interval([weights(run) for run in runs]).mean


def frame(found: Conditions) -> pd.DataFrame:
    """Return one row per run.

    Columns `method`, `model`, `base_channels`, `condition` (a number), `weights`, `flops` and
    `accuracy` (per cent).
    """
    rows = [
        [
            *(str(method(config)), config.model, config.base_channels, number),
            *(weights(run), operations(run), 100 * run.accuracy),
        ]
        for number, (config, runs) in enumerate(found.items())
        for run in runs
    ]
    columns = ("method", "model", "base_channels", "condition", "weights", "flops", "accuracy")
    return tables.data_frame(rows, columns=columns)


def front(table: pd.DataFrame, cost: str = "weights") -> pd.DataFrame:
    """Return the conditions than which none is both cheaper and more accurate, by their means.

    Args:
        table: as `frame` returns it.
        cost: its column `weights` or `flops`.

    Returns:
        A row for each, by growing cost: `condition` (the index), the cost, `accuracy`, `model`.
    """
    means = table.groupby("condition").agg({cost: "mean", "accuracy": "mean", "model": "first"})
    ordered = means.sort_values([cost, "accuracy"], ascending=[True, False])
    best = ordered.accuracy.cummax().shift(fill_value=-math.inf)
    return ordered[ordered.accuracy > best]


def fewest_table(found: Conditions) -> Table:
    """Return weights, FLOPs and accuracy of every network and method at `WIDTH`."""
    here = [runs for config, runs in found.items() if config.base_channels == WIDTH]
    columns: dict[str, Cell] = {
        "network and method": cells.of(lambda config: str(method(config))),
        "λ": cells.of(lambda c: f"{number(c.l1)} and {number(c.rest_l1)}" if c.l1 else NONE),
        "thousands of weights": lambda runs: f"{mean_weights(runs) / 1e3:,.1f}",
        "remaining, layers 1, 2, 3 (%)": cells.layers_text,
        "MFLOPs": lambda runs: f"{mean_interval([*map(operations, runs)]).mean / 1e6:.2f}",
        "test accuracy (%)": cells.mean_text,
    }
    return cells.by_condition(
        "scaling-wide",
        [run for runs in sorted(here, key=mean_weights) for run in runs],
        columns,
        f"Remaining weights by the paper's recipe at α = {WIDTH}",
        label="tab-fewest",
        note=". λ: of the first and the other layers. FLOPs: of one image's forward pass, without "
        "products by zeros",
        text=["λ"],
    )


# The numbers of the prose


def own_lambda() -> Config:
    """Return β = 50 by the recipe at `WIDTH`, with the λ that was chosen there."""
    here = SETTINGS[RECIPE].replace(base_channels=WIDTH)
    return chosen(here, "s-fc", "beta-lasso", 50, share=SHARE_AT_WIDTH[WIDTH])


def searched_sgd(model: str = "s-fc") -> Config:
    """Return SGD by the recipe at `WIDTH`, as it was chosen."""
    return chosen(SETTINGS[RECIPE].replace(base_channels=WIDTH), model)


def nearest(found: Conditions, candidates: Iterable[Config], size: float) -> Config:
    """Return the condition whose number of weights is nearest to a size, as a ratio."""
    return min(candidates, key=lambda c: abs(math.log(mean_weights(found[c]) / size)))


def sparse_like_conv(found: Conditions) -> Config | None:
    """Return S-FC with about as many weights as S-CONV: of the reproduction."""
    conv = compare.pick(found, model="s-conv")
    if conv is None:
        return None
    return nearest(found, (c for c in found if c.beta), mean_weights(found[conv]))


def sparsest_above_sgd(found: Conditions) -> Config | None:
    """Return S-FC with the fewest weights, of those that are ahead of SGD in every common seed."""
    sgd = _first(found, SGD)
    ahead = [
        config
        for config, runs in found.items()
        if sgd and config.beta and min(compare.differences(runs, sgd)) > 0
    ]
    return min(ahead, key=lambda c: mean_weights(found[c]), default=None)


def _first(found: Conditions, wanted: Method) -> list[Record]:
    """Return the runs of the first condition of a method."""
    return next((runs for config, runs in found.items() if method(config) == wanted), [])


def recipe_numbers(found: Conditions) -> dict[str, str]:
    """Return what β = 50 with its own λ needs at `WIDTH`, beside SGD and S-LOCAL."""
    own, sgd = own_lambda(), searched_sgd()
    sparse, dense = found[own], found[sgd]
    wide, conv = (found[sgd.replace(model=model)] for model in ("s-local", "s-conv"))
    locals_ = [config for config in found if method(config) == LOCAL]
    near = found[nearest(found, locals_, mean_weights(sparse))] if sparse and locals_ else []
    return {
        "own-alpha": f"{own.base_channels}",
        "own-weights": _weights_text(sparse),
        "own-times": _times_text(dense, sparse, 1),
        "own-accuracy": cells.mean_text(sparse),
        "own-fit": cells.fit_text(sparse),
        "own-n": f"{len(sparse)}",
        "own-gain": cells.gain_text(sparse, dense),
        "own-conv-times": _times_text(sparse, conv, 2),
        "sgd-accuracy": cells.mean_text(dense),
        "local-alpha": f"{near[0].config.base_channels}" if near else PENDING,
        "local-gain": ahead(cells.gain_text(near, sparse)),
        "local-n": f"{len(compare.differences(near, sparse))}",
        "wide-local-gain": ahead(cells.gain_text(wide, sparse)),
        "wide-local-times": _times_text(wide, sparse, 1),
        "wide-conv-gain": ahead(cells.gain_text(conv, sparse)),
    }


def reproduction_numbers(found: Conditions) -> dict[str, str]:
    """Return what few weights reach in the reproduction's setting."""
    few, least = (
        [] if config is None else found[config]
        for config in (sparse_like_conv(found), sparsest_above_sgd(found))
    )
    sgd, conv, local = (_first(found, one) for one in (SGD, CONV, LOCAL))
    return {
        "few-method": _method_text(few),
        "few-weights": _weights_text(few),
        "few-accuracy": f"{compare.mean(few):.1f}" if few else PENDING,
        "few-n": f"{len(few)}",
        "few-times": _times_text(sgd, few),
        "few-gain": ahead(cells.gain_text(few, sgd)),
        "few-conv-gain": ahead(cells.gain_text(few, conv)),
        "few-local-behind": ahead(cells.gain_text(local, few)),
        "few-local-times": _times_text(local, few),
        "least-weights": _weights_text(least),
        "least-times": _times_text(sgd, least),
        "least-gain": ahead(cells.gain_text(least, sgd)),
    }


def _weights_text(runs: Sequence[Record]) -> str:
    return f"{mean_weights(runs):,.0f}" if runs else PENDING


def _times_text(one: Sequence[Record], other: Sequence[Record], digits: int = 0) -> str:
    """Return how many times more weights some runs have than others."""
    return f"{mean_weights(one) / mean_weights(other):.{digits}f}" if one and other else PENDING


def _method_text(runs: Sequence[Record]) -> str:
    config = runs[0].config if runs else None
    return method(config).shortest + cells.penalty_text(config) if config else PENDING


# Claims


def fewer_than_s_conv(records: list[Record]) -> Finding:
    """Judge whether every run of the largest β and width has fewer weights than S-CONV."""
    width, beta = max(r.config.base_channels for r in records), compare.largest_beta(records)
    runs = [r for r in records if (r.config.base_channels, r.config.beta) == (width, beta)]
    same = compare.as_sgd(runs[0].config).replace(model="s-conv")
    conv = cost.weights(same)
    said = "holds" if max(map(weights, runs)) < conv else "contradicted"
    return Finding(f"{mean_weights(runs):,.0f} against {conv:,}", said=said)
