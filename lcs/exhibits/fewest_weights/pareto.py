"""Test accuracy against remaining weights and FLOPs, in two settings."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from lcs import cost
from lcs.config import Config
from lcs.exhibits import cells, compare, locality, tables
from lcs.exhibits.compare import Conditions
from lcs.exhibits.methods import CONV, LOCAL, SGD, Method, method
from lcs.exhibits.settings import DESK, SHARE_AT_WIDTH, WIDTHS, chosen, paper_recipe
from lcs.exhibits.tables import NONE, PENDING, Table, ahead
from lcs.exhibits.verdicts import Finding
from lcs.runs import Record, RunStore
from lcs.stats import mean_interval

if TYPE_CHECKING:
    import pandas as pd

RECIPE, REPRODUCTION = "recipe", "reproduction"
# what all runs of a setting share
SETTINGS = {RECIPE: paper_recipe(DESK, 1, DESK.epochs // 2), REPRODUCTION: DESK}
# in what they differ; frozen zeros are another algorithm than the paper's
VARIED = (
    *("model", "base_channels", "optimizer", "lr", "momentum", "weight_decay"),
    *("l1", "l1_rest", "beta", "seed"),
)
# the width at which all methods have runs
WIDTH = WIDTHS[-1]
LEAST_RUNS = 2


def gather(store: RunStore, dataset: str = "cifar10") -> dict[str, Conditions]:
    """Return the stored runs on test images by setting, and by condition.

    Every network, method and width is among them, where it has at least `LEAST_RUNS` seeds.
    """
    runs = compare.network_runs(store)
    found = compare.conditions(r for r in runs if r.config.dataset == dataset)
    return {
        name: {
            config: runs
            for config, runs in found.items()
            if len(runs) >= LEAST_RUNS and _shared(config) == _shared(base.replace(dataset=dataset))
        }
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

    Columns `method`, `model`, `base_channels`, `condition` (a number), `weights`, `flops`,
    `accuracy` (per cent), `seed`, `run_id` and `link` (to the record's page; "" without one).
    """
    rows = [
        {
            "method": str(method(config)),
            "model": config.model,
            "base_channels": config.base_channels,
            "condition": number,
            "weights": weights(run),
            "flops": operations(run),
            "accuracy": 100 * run.accuracy,
            "seed": run.config.seed,
            "run_id": run.run_id,
            "link": tables.page(run),
        }
        for number, (config, runs) in enumerate(found.items())
        for run in runs
    ]
    columns = [
        "method", "model", "base_channels", "condition", "weights", "flops", "accuracy", "seed",
        "run_id", "link",
    ]  # fmt: skip
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
    name, what = "tab-fewest", f"remaining weights and FLOPs by the paper's recipe at α = {WIDTH}"
    here = {c: runs for c, runs in found.items() if c.base_channels == WIDTH}
    if not here:
        return tables.pending_table(name, what, "lcs study scaling-wide")
    rows = []
    for config, runs in sorted(here.items(), key=lambda item: mean_weights(item[1])):
        layers = [list(run.final["nonzeros"].values()) for run in runs]
        each = [f"{mean_interval(layer).mean / 1e3:,.1f}" for layer in zip(*layers, strict=True)]
        whole = sum(runs[0].final["weights"].values())
        sparse = mean_interval([operations(run) for run in runs]).mean
        rows.append(
            [
                str(method(config)),
                locality.lambdas_text(config).replace(" and ", ", ") if config.l1 else NONE,
                " / ".join(each),
                f"{mean_weights(runs) / 1e3:,.1f}",
                f"{100 * mean_weights(runs) / whole:.3g}",
                f"{runs[0].final['flops']['dense'] / 1e6:.2f} / {sparse / 1e6:.2f}",
                f"{cells.mean_text(runs)} ({len(runs)})",
            ]
        )
    records = [run for runs in here.values() for run in runs]
    caption = (
        f"R{what[1:]}: mean over n seeds, n in brackets, and 95 % interval. "
        f"{cells.setting_text(records)}. λ: of the first and the other layers. "
        "Share: of the network's own weights. FLOPs: of one image's forward pass, with "
        "every weight (dense) and without the zeros (sparse)."
    )
    columns = (
        *("network and method", "λ", "thousands of weights in layers 1 / 2 / 3", "in all"),
        *("share (%)", "MFLOPs, dense / sparse", "test accuracy (%)"),
    )
    return Table(name, caption, columns, rows, text=["λ"])


# The numbers of the prose


def own_lambda(dataset: str = "cifar10") -> Config:
    """Return β = 50 by the recipe at `WIDTH`, with the λ that was chosen there."""
    here = SETTINGS[RECIPE].replace(base_channels=WIDTH, dataset=dataset)
    return chosen(here, "s-fc", "beta-lasso", 50, share=SHARE_AT_WIDTH[WIDTH])


def baseline(width: int = WIDTH, model: str = "s-fc", dataset: str = "cifar10") -> Config:
    """Return SGD by the recipe, as it was chosen."""
    here = SETTINGS[RECIPE].replace(base_channels=width, dataset=dataset)
    return chosen(here, model)


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
    """Return what β = 50 with its own λ needs at `WIDTH`, beside SGD and S-LOCAL.

    `own-…` are of β = 50, `sgd-…` of SGD, `wide-…` of S-LOCAL and S-CONV at the same width, and
    `local-…` of S-LOCAL at the width at which it has about as many weights.
    """
    dataset = next(iter(found)).dataset if found else "cifar10"
    own, sgd = own_lambda(dataset=dataset), baseline(dataset=dataset)
    sparse, dense = found.get(own, []), found.get(sgd, [])
    wide, conv = (found.get(sgd.replace(model=model), []) for model in ("s-local", "s-conv"))
    locals_ = [config for config in found if method(config) == LOCAL]
    near = found[nearest(found, locals_, mean_weights(sparse))] if sparse and locals_ else []
    return {
        "own-alpha": f"{own.base_channels}",
        "own-l1": locality.lambdas_text(own),
        "own-weights": _weights_text(sparse),
        "own-share": _times_text(sparse, dense, 1, percent=True),
        "own-times": _times_text(dense, sparse, 1),
        "own-operations-times": _times_text(dense, sparse, 1, of=operations),
        "own-accuracy": cells.mean_text(sparse),
        "own-fit": cells.fit_text(sparse),
        "own-n": f"{len(sparse)}",
        "own-gain": cells.gain_text(sparse, dense),
        "own-conv-times": _times_text(sparse, conv, 2),
        "sgd-weights": _weights_text(dense),
        "sgd-accuracy": cells.mean_text(dense),
        "local-alpha": f"{near[0].config.base_channels}" if near else PENDING,
        "local-weights": _weights_text(near),
        "local-accuracy": cells.mean_text(near),
        "local-gain": ahead(cells.gain_text(near, sparse)),
        "local-n": f"{len(compare.differences(near, sparse))}",
        "wide-local-gain": ahead(cells.gain_text(wide, sparse)),
        "wide-local-times": _times_text(wide, sparse, 1),
        "wide-conv-gain": ahead(cells.gain_text(conv, sparse)),
    }


def reproduction_numbers(found: Conditions) -> dict[str, str]:
    """Return what few weights reach in the reproduction's setting.

    `few-…` are of S-FC with about as many weights as S-CONV, `least-…` of that with the fewest that
    is ahead of SGD.
    """
    few, least = (
        [] if config is None else found[config]
        for config in (sparse_like_conv(found), sparsest_above_sgd(found))
    )
    sgd, conv, local = (_first(found, one) for one in (SGD, CONV, LOCAL))
    return {
        "few-method": _penalty_text(few),
        "few-weights": _weights_text(few),
        "few-accuracy": f"{compare.mean_accuracy(few):.1f}" if few else PENDING,
        "few-n": f"{len(few)}",
        "few-times": _times_text(sgd, few),
        "few-gain": ahead(cells.gain_text(few, sgd)),
        "few-conv-gain": ahead(cells.gain_text(few, conv)),
        "few-local-behind": ahead(cells.gain_text(local, few)),
        "few-local-times": _times_text(local, few),
        "repro-conv-weights": _weights_text(conv),
        "least-method": _penalty_text(least),
        "least-weights": _weights_text(least),
        "least-times": _times_text(sgd, least),
        "least-gain": ahead(cells.gain_text(least, sgd)),
        "least-n": f"{len(least)}",
    }


def _weights_text(runs: Sequence[Record]) -> str:
    return f"{mean_weights(runs):,.0f}" if runs else PENDING


def _times_text(
    one: Sequence[Record],
    other: Sequence[Record],
    digits: int = 0,
    *,
    of: Callable[[Record], int] = weights,
    percent: bool = False,
) -> str:
    """Return how many times more weights, or of something else, some runs have than others."""
    if not (one and other):
        return PENDING
    first, second = (mean_interval([of(run) for run in runs]).mean for runs in (one, other))
    return f"{(100 if percent else 1) * first / second:.{digits}f}"


def _penalty_text(runs: Sequence[Record]) -> str:
    config = runs[0].config if runs else None
    return f"β = {config.beta:g}, λ = {tables.number(config.l1)}" if config else PENDING


# Claims


def fewer_than_s_conv(records: list[Record]) -> Finding:
    """Judge whether every run of the largest β and width has fewer weights than S-CONV."""
    width, beta = max(r.config.base_channels for r in records), compare.largest_beta(records)
    runs = [r for r in records if (r.config.base_channels, r.config.beta) == (width, beta)]
    same = compare.as_sgd(runs[0].config).replace(model="s-conv")
    conv = cost.weights(same)
    said = "holds" if max(map(weights, runs)) < conv else "contradicted"
    return Finding(f"{mean_weights(runs):,.0f} against {conv:,}", said=said)
