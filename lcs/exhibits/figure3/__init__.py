"""What the chapter `figure3` shows: non-zero weights over the epochs, and laws for them.

Its figures are in `figures`.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from lcs import theory
from lcs.config import Config
from lcs.cost import count_weights
from lcs.errors import ConfigError
from lcs.exhibits import cells, compare, published, tables
from lcs.exhibits.methods import B1, B50, LOCAL, Method, beta_lasso_method, method
from lcs.exhibits.published import COUNTS
from lcs.exhibits.settings import REPRODUCTION, sgd_and_betas
from lcs.exhibits.tables import LAYERS, Numbers, Table
from lcs.exhibits.verdicts import Claim, Finding, Judge, one_more, one_more_text
from lcs.runs import Record
from lcs.stats import mean_interval
from lcs.study import Study
from lcs.study.base_study import last_epochs

if TYPE_CHECKING:
    import pandas as pd

STUDIES = (
    Study("figure3", "Figure 3: non-zero weights along training", REPRODUCTION, sgd_and_betas, 5),
)


def nonzeros_table(records: Sequence[Record], scale: str, name: str = "tab-nonzeros") -> Table:
    """Return the non-zero weights after the last epoch, layer by layer, with the published ones."""
    if not records:
        return tables.pending_table(name, "the same after 100 epochs", "lcs study length")
    rows = []
    for title, runs in compare.by_method(records).items():
        config = runs[0].config
        known = COUNTS.get((title, config.epochs)) if _is_reproduction(config) else None
        for layer, place in LAYERS.items():
            share = np.mean(compare.remaining(runs, layer))
            theirs = tables.reproduction(getattr(known, layer, None), 0)
            ours = tables.interval(mean_interval(compare.nonzeros(runs, layer)), 0)
            first = layer == "conv1"
            row = [title if first else "", place, theirs, ours, f"{share:.1f}"]
            rows.append([*row, tables.links(runs) if first else ""])
    caption = (
        "Non-zero weights of S-FC after the last epoch. Published: the reproduction (CIFAR-10, "
        f"α = 1, {records[0].config.epochs} epochs). Ours: {cells.scale_text(records, scale)}."
    )
    columns = ["method", "layer", "reproduction", "ours", "share (%)", "seeds"]
    return Table(name, caption, columns, rows, text=["layer"])


def nonzeros_references(config: Config) -> dict[str, dict[str, float]]:
    """Return the reference lines of Figure 3: how many weights S-CONV and S-LOCAL have."""
    conv, local = count_weights(config, "s-conv"), count_weights(config, "s-local")
    return {"conv1": {"S-LOCAL": local["conv1"], "S-CONV": conv["conv1"]}}


def published_counts(config: Config) -> pd.DataFrame:
    """Return the reproduction's counts after as many epochs, if the runs are in its setting."""
    rows = [c for c in published.NONZEROS if c.epochs == config.epochs and _is_reproduction(config)]
    return tables.data_frame(rows, columns=published.Counts._fields)


def nonzeros_numbers(records: Sequence[Record]) -> Numbers:
    """Return the numbers of the prose, of the largest β: shares in per cent, revived weights.

    `one-half`, `one-end`: weights of the first layer with β = 1 at half time and at the end.
    """
    beta = compare.largest_beta(records)
    runs = compare.by_method(records)[beta_lasso_method(beta)]
    history = compare.frame(runs)
    end, start = last_epochs(history), history[history.epoch == history.epoch.min()]
    total = runs[0].final["weights"]
    wide = runs[0].config.replace(base_channels=published.PAPER_BASE_CHANNELS)
    ones = compare.by_method(records).get(B1, [])
    # up to the last recorded epoch of the first half of training
    halves = [bisect_right(run.history["epoch"], run.config.epochs / 2) for run in ones]
    counts = {
        "one-half": [
            r.history["nonzeros"]["conv1"][n - 1] for r, n in zip(ones, halves, strict=True)
        ],
        "one-end": compare.nonzeros(ones),
    }
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
        **{name: mean_interval(n).mean if n else math.nan for name, n in counts.items()},
        "one-published": COUNTS[B1, 400].conv1,
    }


def laws_frame(records: Sequence[Record]) -> pd.DataFrame:
    """Return what `figures.laws_figure` draws of the runs that have a threshold."""
    sparse = [run for run in records if run.config.beta]
    if not sparse:
        raise ConfigError("betas: none of them has a threshold; give one above 0")
    history = compare.frame(sparse)
    weights = records[0].final["weights"]["conv1"]
    first_norm = history.groupby("run_id").norm_conv1.transform("first")
    return history.assign(
        left=100 * history.nonzeros_conv1 / weights, shrunk=history.norm_conv1 / first_norm
    )


def laws_forecasts(records: Sequence[Record]) -> dict[str, pd.DataFrame]:
    """Return what the two laws say of each method that has a threshold, epoch by epoch."""
    import pandas as pd

    configs = {str(method(r.config)): r.config for r in records if r.config.beta}
    return {
        name: pd.DataFrame(
            {
                "epoch": np.arange(1, config.epochs + 1),
                "left": 100 * theory.remaining_share(config),
                "dead_zone": theory.dead_zone(config),
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
        runs = compare.by_method(records).get(beta_lasso_method(beta))
        values = _law_numbers(runs) if runs else {}
        numbers |= {f"{name}-{beta}": values.get(name, math.nan) for name in names.split()}
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
    1: "half half-law returned needed",
    50: "gone-first gone-first-law half half-law left empty-law returned last shrunk",
}


def _first_epoch_below(curve: pd.DataFrame, share: float) -> float:
    """Mean over runs of the first recorded epoch with less than this share left, in per cent.

    NaN if one of them never has.
    """
    first = curve[curve.left < share].groupby("run_id").epoch.min()
    return first.mean() if len(first) == curve.run_id.nunique() else math.nan


def _is_reproduction(config: Config) -> bool:
    return config.dataset == "cifar10" and config.base_channels == 1 and config.loss == "bce"


# Claims


def leaves_fewer_than_local(records: list[Record]) -> Finding:
    """Judge the widest network."""
    groups = compare.widest(records)
    counts = compare.nonzeros(groups[B50])
    local = count_weights(groups[B50][0].config, LOCAL.model)["conv1"]
    value = f"{tables.interval(mean_interval(counts), 0)} (S-LOCAL: {local:,})"
    return Finding(value, mean_interval([local - count for count in counts]))


def _keeps(layer: str, share: float, *, more: bool) -> Judge:
    """Judge whether β = 50 keeps more, or less, than a share of a layer (%), at the widest."""

    def judge(records: list[Record]) -> Finding:
        kept = compare.remaining(compare.widest(records)[B50], layer)
        beyond = [one - share if more else share - one for one in kept]
        return Finding(
            f"{tables.interval(mean_interval(kept), 1)} % remaining", mean_interval(beyond)
        )

    return judge


def leaves(name: Method, epochs: int = 400, **changed: object) -> Judge:
    """Judge whether a published number of weights lies where those of our seeds do.

    Args:
        name: the method.
        epochs: length of both trainings.
        changed: values of our runs that are to explain the published number.
    """
    wanted = changed | {"epochs": epochs}

    def judge(records: list[Record]) -> Finding:
        runs = [
            run for run in compare.by_method(records)[name] if compare.matches(run.config, wanted)
        ]
        ours = mean_interval(compare.nonzeros(runs))
        away = one_more(ours, COUNTS[name, epochs].conv1)
        return Finding(f"{tables.interval(ours, 0)}{one_more_text(away, 0)}", away, margin=0.0)

    return judge


# least share of the third layer that is left in the paper's Figure 3, in per cent, read off its log
# axes to one digit: 3 · 10⁴ is 2.5 · 10⁴ or more
THIRD_LAYER = 100 * 2.5e4 / 36_000


CLAIMS: tuple[Claim, ...] = (
    Claim(
        "P",
        "β = 50 leaves fewer weights in the first layer than S-LOCAL has",
        "table2",
        leaves_fewer_than_local,
        "about 1.5 · 10⁵ against 9.3 · 10⁶",
        ("scaling-seeds", "recipe-length-search", "showpiece", "paper-size"),
    ),
    Claim(
        "P",
        "The second layer loses most of its weights",
        "table2",
        _keeps("fc1", 50, more=False),
        "about 5 · 10⁶ of 1.4 · 10⁸",
        ("scaling-seeds", "recipe-length-search", "showpiece", "paper-size"),
    ),
    Claim(
        "P",
        f"The third layer stays dense: more than {THIRD_LAYER:.0f} % remain",
        "table2",
        _keeps("fc2", THIRD_LAYER, more=True),
        "about 3 · 10⁴ of 3.6 · 10⁴",
        ("scaling-seeds", "recipe-length-search", "showpiece", "paper-size"),
    ),
    *(
        Claim(
            "R", f"At α = 1, {text}", study, leaves(name, epochs), f"{COUNTS[name, epochs].conv1:,}"
        )
        for name, epochs, study, text in (
            (
                B50,
                100,
                "length",
                "β = 50 leaves this many weights in the first layer after 100 epochs",
            ),
            (B50, 400, "table2", "β = 50 leaves this many weights in the first layer"),
            (B1, 400, "table2", "β = 1 leaves this many weights in the first layer"),
        )
    ),
)
