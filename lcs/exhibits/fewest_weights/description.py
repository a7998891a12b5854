"""The bound from description length for trained networks (Neyshabur 2020, Theorem 2)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from lcs import cost, data, theory
from lcs.exhibits import cells, compare, tables
from lcs.exhibits.compare import Conditions
from lcs.exhibits.fewest_weights import pareto
from lcs.exhibits.methods import CONV, LOCAL, SGD, method
from lcs.exhibits.tables import PENDING, Table
from lcs.exhibits.verdicts import Finding
from lcs.runs import Record

# the paper trains in 16 bits; δ is not stated
BITS, DELTA = 16, 0.05


class Bound(NamedTuple):
    """What Theorem 2 says of one run; errors are fractions.

    Attributes:
        values: k, distinct weights that are not zero.
        edges: ‖w‖₀, those of S-FC that computes the same function: a shared weight at each place.
        possible: n, the weights of S-FC at the same α, or of 3-FC.
        training_error: on the training images without augmentation.
        gap: test error less training error.
        whole: bound on the gap, with the bits of the values.
        structure: the same without them.
    """

    values: int
    edges: int
    possible: int
    training_error: float
    gap: float
    whole: float
    structure: float


def bound(record: Record, bits: int = BITS, delta: float = DELTA) -> Bound:
    """Return the bound for a stored run of a shallow network."""
    config = record.config
    model = config.model if config.model == "3-fc" else "s-fc"
    dense = compare.as_sgd(config).replace(model=model, kernel_size=None, padding="same")
    n, m = cost.weights(dense), data.spec(config.dataset).train_size
    k, edges = pareto.weights(record), pareto.operations(record) // 2
    whole, structure = gap_bound(k, edges, n, m, bits, delta)
    error = 1 - record.final["clean_train_accuracy"]
    return Bound(k, edges, n, error, 1 - record.accuracy - error, whole, structure)


def gap_bound(
    values: int, edges: int, possible: int, samples: int, bits: int, delta: float
) -> tuple[float, float]:
    """Return `whole` and `structure` of a `Bound`, for so many training images."""
    whole = theory.mdl_bound(
        0.0,
        samples=samples,
        parameters=possible,
        free_parameters=values,
        nonzero=edges,
        bits=bits,
        delta=delta,
    )
    # less the bits of the values
    return whole, math.sqrt(whole**2 - values * bits / (2 * samples))


def _shown(found: Mapping[str, Conditions]) -> dict[str, list[Record]]:
    """Return the runs of the table by row: of the recipe at `pareto.WIDTH`, and of R's setting."""
    recipe, few = found[pareto.RECIPE], found[pareto.REPRODUCTION]
    dataset = next((config.dataset for config in [*recipe, *few]), "cifar10")
    dense = [pareto.baseline(model=m, dataset=dataset) for m in ("s-conv", "s-local", "s-fc")]
    picked = dict.fromkeys((*dense, pareto.own_lambda(dataset=dataset)), recipe)
    sparse = pareto.sparse_like_conv(few), pareto.sparsest_above_sgd(few)
    networks = [c for c in few if method(c) in (CONV, LOCAL, SGD)]
    picked |= {c: few for c in [*networks, *sparse] if c is not None}
    return {
        f"{method(c)}{cells.penalty_text(c)}, α = {c.base_channels}": runs[c]
        for c, runs in picked.items()
        if c in runs
    }


def bound_table(found: Mapping[str, Conditions], bits: int = BITS, delta: float = DELTA) -> Table:
    """Return the bound on the test error of some networks, beside what was measured."""
    name, what = "tab-description", "the description-length bound of trained networks"
    shown = _shown(found)
    if not shown:
        return tables.pending_table(name, what, "lcs study scaling-wide")
    rows = []
    for title, runs in shown.items():
        bounds = [bound(run, bits, delta) for run in runs]
        mean = _means(bounds)
        upper = [mean["training_error"] + mean[part] for part in ("structure", "whole")]
        rows.append(
            [
                title,
                f"{mean['values']:,.0f}",
                f"{mean['edges']:,.0f}",
                f"{mean['training_error']:.3f}",
                tables.minus(f"{mean['gap']:.3f}"),
                *(f"{value:.2f}" for value in upper),
                "no" if min(upper) < 1 else "yes",
                f"{len(runs)}",
            ]
        )
    dataset = next(iter(shown.values()))[0].config.dataset
    caption = (
        f"The bound of Theorem 2 on the test error, b = {bits}, δ = {delta:g}, m = "
        f"{data.spec(dataset).train_size:,} training images; means over n seeds, errors as "
        f"fractions. α = {pareto.WIDTH}: by the recipe; α = 1: in the reproduction's setting. k: "
        "remaining weights, ‖w‖₀: those of S-FC that computes the same function. Vacuous: at least "
        "1."
    )
    columns = (
        *("network, method and width", "k", "‖w‖₀", "training error", "measured gap"),
        *("bound, structure alone", "bound, Theorem 2", "vacuous", "n"),
    )
    return Table(name, caption, columns, rows)


def numbers(
    found: Mapping[str, Conditions], bits: int = BITS, delta: float = DELTA
) -> dict[str, str]:
    """Return the bound in words.

    `bound-own`, `bound-own-gap`, `gap-own`: of β = 50 with its own λ, the bound on the error and on
    the gap, and the gap. `least-bound`, `least-structure`: the bound on the error of the network
    with the fewest weights, by both readings.
    """
    recipe, few = found[pareto.RECIPE], found[pareto.REPRODUCTION]
    dataset = next((config.dataset for config in recipe), "cifar10")
    own, least = pareto.own_lambda(dataset=dataset), pareto.sparsest_above_sgd(few)
    if own not in recipe or least is None:
        return dict.fromkeys(NUMBERS, PENDING)
    mean = _means([bound(run, bits, delta) for run in recipe[own]])
    small = _means([bound(run, bits, delta) for run in few[least]])
    return {
        "bound-own": f"{mean['training_error'] + mean['whole']:.1f}",
        "bound-own-gap": f"{mean['whole']:.1f}",
        "gap-own": f"{mean['gap']:.3f}",
        "least-bound": f"{small['training_error'] + small['whole']:.2f}",
        "least-structure": f"{small['training_error'] + small['structure']:.2f}",
        "m": f"{data.spec(dataset).train_size:,}",
        "bits": f"{bits}",
        "delta": f"{delta:g}",
    }


NUMBERS = (
    *("bound-own", "bound-own-gap", "gap-own", "least-bound", "least-structure"),
    *("m", "bits", "delta"),
)


def is_below_one(records: list[Record]) -> Finding:
    """Judge whether the bound on the error is below 1 for the largest β at any width."""
    beta = compare.largest_beta(records)
    bounds = [bound(r) for r in records if r.config.beta == beta]
    best = min(b.training_error + b.whole for b in bounds)
    said = "holds" if best < 1 else "contradicted"
    return Finding(f"at least {best:.1f}, at any width", said=said)


def _means(bounds: list[Bound]) -> dict[str, float]:
    rows = np.array(bounds, dtype=np.float64)
    return dict(zip(Bound._fields, rows.mean(0).tolist(), strict=True))
