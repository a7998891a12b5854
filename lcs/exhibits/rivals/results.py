"""What the runs at equal budgets show: tables, figures, numbers and claims."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from lcs import cost, data
from lcs.exhibits import compare, locality, plots, tables
from lcs.exhibits.compare import PENDING, Cell
from lcs.exhibits.rivals.studies import AIMS, B50, NO_L1, RIVALS, rival
from lcs.exhibits.tables import LAYERS, Table
from lcs.exhibits.verdicts import Claim, Finding
from lcs.runs import Record

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

# in the figure of locality
WITH_DISTANCES = ("S-LOCAL's windows", B50, "one-shot", "spred, cut", "RigL", "random mask")


def by_budget(records: Sequence[Record]) -> list[dict[str, list[Record]]]:
    """Return the runs of each method, by its name, at the larger and at the smaller budget."""
    found = compare.conditions(records)
    places: list[dict[str, list[Record]]] = [{} for _ in AIMS]
    for name in RIVALS:
        own = sorted((c for c in found if rival(c) == name), key=lambda c: (-c.density, c.l1))
        for place, config in zip(places, own, strict=False):
            place[name] = found[config]
    return places


def sparse_flops(record: Record) -> float:
    """Return the FLOPs of a whole training, products by zeros left out.

    Zeros are those after each epoch. What is needed to choose new weights is not counted.
    """
    config, history = record.config, record.history
    epochs = np.arange(1, config.epochs + 1)
    first, *others = (
        float(np.interp(epochs, history["epoch"], counts).sum())
        for counts in history["nonzeros"].values()
    )
    return 2 * (2 * first + 3 * sum(others)) * data.spec(config.dataset).train_size


def rivals_table(records: Sequence[Record]) -> Table:
    """Return accuracy, its difference from β = 50, cost and locality at both budgets."""
    reference = {
        runs[0].config.replace(seed=0): place[B50][0].config.replace(seed=0)
        for place in by_budget(records)
        for runs in place.values()
    }
    found = compare.conditions(records)
    columns: dict[str, Cell] = {
        "method": compare.of(rival),
        "weights": _weights_text,
        "test accuracy (%)": compare.mean_text,
        "less β = 50": compare.less(found, lambda config: reference[config]),
        "10¹² FLOPs, dense": compare.of(lambda c: f"{cost.training_flops(c) / 1e12:,.3g}"),
        "sparse": lambda runs: f"{np.mean([sparse_flops(r) for r in runs]) / 1e12:,.3g}",
        "window": locality.window_text,
        "seeds": tables.links,
    }
    what = (
        "Methods at β-LASSO's own numbers of weights in layers 1 and 2, at the larger and then at "
        "the smaller budget; FLOPs of the whole training as it runs here, and with products by "
        "zeros left out; share of a filter's mass in its best window beyond chance, in points"
    )
    ordered = [run for place in by_budget(records) for runs in place.values() for run in runs]
    return compare.by_condition(
        "rivals", ordered, columns, what, note="; differences are paired by seed"
    )


def _weights_text(runs: Sequence[Record]) -> str:
    kept = (np.mean(compare.nonzeros(runs, layer)) for layer in [*LAYERS][:2])
    return ", ".join(f"{count:,.0f}" for count in kept)


def allocation_table(records: Sequence[Record], others: Sequence[Record]) -> Table:
    """Compare the Erdős–Rényi allocation with β-LASSO's own counts.

    Args:
        records: of `rivals-er`.
        others: of `rivals`.
    """
    own = {
        id(runs[0]): other[name]
        for place, other in zip(by_budget(records), by_budget(others), strict=True)
        for name, runs in place.items()
        if name in other
    }

    def less(runs: Sequence[Record]) -> str:
        other = own.get(id(runs[0]))
        return tables.signed(compare.paired(runs, other)) if other else PENDING

    columns: dict[str, Cell] = {
        "method": compare.of(rival),
        "weights": _weights_text,
        "test accuracy (%)": compare.mean_text,
        "less β-LASSO's allocation": less,
        "seeds": tables.links,
    }
    what = "As many weights, allocated to layers 1 and 2 by the rule of Erdős and Rényi"
    return compare.by_condition("rivals-er", records, columns, what)


def search_table(study: str, records: Sequence[Record]) -> Table:
    """Return the candidates of a search: `search-budgets` or `search-pruning`."""
    columns: dict[str, Cell] = {
        "method": compare.of(rival),
        **compare.by_field(["lr", "weight_decay", "l1"]),
        "validation (%)": compare.mean_text,
        "weights": _weights_text,
        "seeds": tables.links,
    }
    return compare.by_condition(study, records, columns, "Candidates, on the validation images")


def rivals_frame(records: Sequence[Record]) -> pd.DataFrame:
    """Return one row per run.

    Columns `method`, `budget`, `accuracy` (per cent), `weights` (of layers 1 and 2), `dense` and
    `sparse` (10¹² FLOPs of the training).
    """
    rows = [
        {
            "method": name,
            "budget": budget,
            "accuracy": 100 * run.accuracy,
            "weights": sum(compare.nonzeros([run], layer)[0] for layer in ("conv1", "fc1")),
            "dense": cost.training_flops(run.config) / 1e12,
            "sparse": sparse_flops(run) / 1e12,
        }
        for budget, place in zip(("larger budget", "smaller"), by_budget(records), strict=True)
        for name, runs in place.items()
        for run in runs
    ]
    return tables.data_frame(rows)


def distances_figure(records: Sequence[Record]) -> Figure:
    """Draw the pair correlation of first layers at the larger budget, by method."""
    place = by_budget(records)[0]
    rows = [
        {"series": name, "run_id": run.run_id, "distance": distance, "ratio": ratio}
        for name in WITH_DISTANCES
        for run in place.get(name, [])
        for distance, ratio in enumerate(locality.pair_correlation(run) or [], 1)
    ]
    return plots.pair_correlation(tables.data_frame(rows))


# what the page says of β = 50, by the end of a number's name
COMPARED = {
    "threshold": NO_L1, "l1": "ℓ1 sub-gradient, cut", "spred": "spred, cut",
    "one-shot": "one-shot", "gradual": "gradual", "rigl": "RigL", "random": "random mask",
}  # fmt: skip


def numbers(records: Sequence[Record]) -> dict[str, str]:
    """Return how far β = 50 is ahead of others, in points, and its weights, in words.

    `ahead-…-many` and `ahead-…-few` by the keys of `COMPARED`; `weights-many`, `weights-few`.
    """
    words = {}
    for budget, place in zip(AIMS, by_budget(records), strict=True):
        for end, name in COMPARED.items():
            found = compare.paired(place[B50], place[name]) if name in place else None
            words[f"ahead-{end}-{budget}"] = compare.signed_text(found)
        words[f"weights-{budget}"] = _weights_text(place[B50]) if place else PENDING
    return words


# Claims


def _ahead_at_both(name: str) -> Callable[[list[Record]], Finding | None]:
    """Judge whether β = 50 is better at both budgets: by the one with less evidence for it."""

    def judge(records: list[Record]) -> Finding | None:
        found = [compare.paired(place[B50], place[name]) for place in by_budget(records)]
        weaker = min(found, key=lambda value: value.mean - (value.half_width or 0.0))
        return Finding(f"{' and '.join(map(tables.signed, found))} points", weaker)

    return judge


CLAIMS: tuple[Claim, ...] = tuple(
    Claim(
        "B",
        f"With as many weights in each layer, β = 50 is better than {said}, at both budgets",
        "rivals",
        _ahead_at_both(name),
    )
    for name, said in (
        ("one-shot", "one-shot pruning"),
        ("gradual", "gradual magnitude pruning"),
        ("RigL", "RigL"),
        ("random mask", "a random mask"),
    )
)
