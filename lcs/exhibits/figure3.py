"""Figure 3: how many weights remain? Studies of the count, and claims about it.

With the bound from description length (Neyshabur 2020, Theorem 2).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from lcs import data
from lcs.analysis import paper, theory
from lcs.analysis.claims import Claim, Finding, Judge, as_one_more, exceeds, holds_if, meant, ours
from lcs.analysis.interactive import Interactive, interactive
from lcs.analysis.style import shades
from lcs.analysis.tables import number, reproduction
from lcs.config import Config
from lcs.exhibits.shared.claim_settings import SPARSE_ELSEWHERE
from lcs.exhibits.shared.declare import Studies
from lcs.exhibits.shared.settings import PAPER_BETAS, REPRODUCTION, beta_lasso, sgd_and_betas, sized
from lcs.study import SCALES

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd

FAN_IN = 3 * 32 * 32  # inputs of a unit

STUDIES = Studies()
_study = partial(STUDIES.add, setting=REPRODUCTION, betas=PAPER_BETAS)


@_study(scales=SCALES, seeds=5)
def figure3(base: Config, betas: Sequence[float]) -> list[Config]:
    """Figure 3: non-zero weights along training."""
    return sgd_and_betas(base, betas)


@_study(seeds=2)
def schedule(base: Config, betas: Sequence[float]) -> list[Config]:
    """A constant learning rate."""
    both = [base, base.replace(schedule="constant")]
    return [beta_lasso(here, beta) for here in both for beta in betas if beta]


@_study(seeds=2)
def period(base: Config, betas: Sequence[float]) -> list[Config]:
    """A cosine of a quarter of the length."""
    again = base.replace(period=sized(base, length=1 / 4).epochs)
    return [*sgd_and_betas(base, betas), *sgd_and_betas(again, betas)]


def halves(runs: pd.DataFrame) -> pd.DataFrame:
    """Add when half of the first layer is pruned: epochs `predicted`, `actual`, and their `ratio`.

    Epochs are interpolated; NaN where it never is. The prediction is `theory.remaining_share`.
    """

    def half(epochs: Sequence[int], shares: npt.ArrayLike) -> float:
        below = np.flatnonzero(np.asarray(shares) < 0.5)
        if not len(below):
            return math.nan
        here = slice(max(below[0] - 1, 0), below[0] + 1)
        return float(np.interp(0.5, np.asarray(shares)[here][::-1], epochs[here][::-1]))

    predicted = [half(range(1, c.epochs + 1), theory.remaining_share(c)) for c in runs.condition]
    actual = [
        half(record.history["epoch"], np.divide(record.history["nonzeros"]["conv1"], every))
        for record, every in zip(runs.record, runs["weights.conv1"], strict=True)
    ]
    return runs.assign(predicted=predicted, actual=actual, ratio=np.divide(actual, predicted))


def reach_calculator(along: pd.DataFrame) -> Interactive:
    """Return the prediction of the reach for values that sliders choose, over stored runs.

    Args:
        along: of `history`, the non-zero weights of the first layer.
    """
    import altair as alt
    import pandas as pd

    points = pd.DataFrame(
        {
            "epoch": along.epoch,
            "remaining": 100 * along.value / (FAN_IN * 256 * along.base_channels),
            "run": [
                f"α = {alpha}, λ = {number(l1)}"
                for alpha, l1 in zip(along.base_channels, along.l1, strict=True)
            ],
        }
    )
    sliders = {  # first value, smallest, largest, step
        "η": (0.1, 0.02, 0.3, 0.02),
        "λ in millionths": (20, 1, 100, 1),
        "β": (50, 0, 200, 5),
        "epochs": (400, 20, 4000, 20),
    }
    chosen = [
        alt.param(
            name=f"p{i}",
            value=first,
            bind=alt.binding_range(min=low, max=high, step=step, name=name),
        )
        for i, (name, (first, low, high, step)) in enumerate(sliders.items())
    ]
    # the sum of a cosine's learning rates, 98 steps an epoch
    rates = "98 * p0 / 2 * (datum.epoch + p3 / PI * sin(PI * datum.epoch / p3))"
    share = f"1 - sqrt({FAN_IN}) * p1 * 1e-6 * (p2 + {rates})"
    law = (
        alt.Chart(alt.Data(sequence=alt.SequenceParams(start=0, stop=501)))
        .transform_calculate(epoch="datum.data / 500 * p3")
        .transform_calculate(remaining=f"100 * max(0, {share})")
        .mark_line(strokeDash=[5, 3], color="black")
        .encode(alt.X("epoch:Q", title="epoch"), alt.Y("remaining:Q", title="first layer (%)"))
    )
    runs = alt.Chart(alt.Data(values=points.to_dict("records"))).mark_line()
    colours = alt.Color("run:N").scale(range=shades("β-LASSO", 3))
    return interactive(
        alt.layer(law, runs.encode(x="epoch:Q", y="remaining:Q", color=colours))
        .add_params(*chosen)
        .properties(height=240),
        "Remaining weights of the first layer against the epoch: dashed, what the reach leaves for "
        "the chosen values; the others are stored runs.",
    )


def description_bound(run: pd.Series, bits: int = 16, delta: float = 0.05) -> float:
    """Return the bound of Theorem 2 on the error of a run of S-FC, a fraction.

    Args:
        run: a row of `load_runs`.
        bits: for the value of a weight; the paper trains in 16.
        delta: the bound holds with probability 1 - delta.
    """
    kept, every = (int(run.filter(regex=rf"^{of}\.").sum()) for of in ("nonzeros", "weights"))
    return theory.mdl_bound(
        1 - run.fit / 100,
        samples=data.spec(run.dataset).train_size,
        parameters=every,
        free_parameters=kept,
        nonzero=kept,
        bits=bits,
        delta=delta,
    )


def _widest(runs: pd.DataFrame) -> pd.DataFrame:
    """Return the runs of β-LASSO at the largest width."""
    return meant(runs[runs.base_channels == runs.base_channels.max()], "β-LASSO")


def weights_of(runs: pd.DataFrame, model: str) -> dict[str, int]:
    """Return the weights by layer of a network of the same width, on the same data set."""
    run = runs.condition.iloc[0]
    plain = Config(dataset=run.dataset, model=model, base_channels=run.base_channels)
    return {name: layer.weights for name, layer in plain.layer_sizes().items()}


def _fewer_than_local(runs: pd.DataFrame) -> Finding:
    """Judge whether β-LASSO keeps fewer weights in the first layer than S-LOCAL."""
    from lcs.analysis.compare import interval

    widest = _widest(runs)
    counts = widest["nonzeros.conv1"]
    local = weights_of(widest, "s-local")["conv1"]
    return Finding(f"{interval(counts):.0f} (S-LOCAL: {local:,})", interval(local - counts))


def _keeps(layer: str, share: float, *, more: bool) -> Judge:
    """Judge whether β-LASSO keeps more, or less, than a share of a layer (%)."""

    def judge(runs: pd.DataFrame) -> Finding:
        from lcs.analysis.compare import interval

        widest = _widest(runs)
        kept = 100 * widest[f"nonzeros.{layer}"] / widest[f"weights.{layer}"]
        beyond = kept - share if more else share - kept
        return Finding(f"{interval(kept):.1f} % remaining", interval(beyond))

    return judge


def _leaves(beta: int, epochs: int = 400, **changed: object) -> Judge:
    """Judge whether a published number of weights lies where the counts of our seeds do.

    Values of ours that are `changed` are to explain the published number.
    """
    wanted = {"optimizer": "beta-lasso", "beta": beta, "epochs": epochs, **changed}
    return as_one_more(wanted, paper.COUNTS[beta, epochs]["conv1"], "nonzeros.conv1", digits=0)


def _fewer_than_s_conv(runs: pd.DataFrame) -> Finding:
    """Judge whether every run of β-LASSO has fewer weights in all layers than S-CONV."""
    widest = _widest(runs)
    kept = widest.filter(regex=r"^nonzeros\.").sum(axis=1)
    conv = sum(weights_of(widest, "s-conv").values())
    return Finding(f"{kept.mean():,.0f} against {conv:,}", said=holds_if(kept.max() < conv))


def _bound_is_below_one(runs: pd.DataFrame) -> Finding:
    """Judge whether the bound on the error is below 1 for β-LASSO at any width."""
    best = min(description_bound(run) for _, run in meant(runs, "β-LASSO").iterrows())
    return Finding(f"at least {best:.1f}, at any width", said=holds_if(best < 1))


# least share of the third layer that is left in the paper's Figure 3, in per cent, read off its log
# axes to one digit: 3 · 10⁴ is 2.5 · 10⁴ or more
THIRD_LAYER = 100 * 2.5e4 / 36_000

CLAIMS = {
    **{
        text: Claim("P", "table2", judge, value, SPARSE_ELSEWHERE)
        for text, judge, value in (
            (
                "β = 50 leaves fewer weights in the first layer than S-LOCAL has",
                _fewer_than_local,
                "about 1.5 · 10⁵ against 9.3 · 10⁶",
            ),
            (
                "The second layer loses most of its weights",
                _keeps("fc1", 50, more=False),
                "about 5 · 10⁶ of 1.4 · 10⁸",
            ),
            (
                f"The third layer stays dense: more than {THIRD_LAYER:.0f} % remain",
                _keeps("fc2", THIRD_LAYER, more=True),
                "about 3 · 10⁴ of 3.6 · 10⁴",
            ),
        )
    },
    **{
        f"At α = 1, β = {beta} leaves this many weights in the first layer{after}": Claim(
            "R", study, _leaves(beta, epochs), f"{paper.COUNTS[beta, epochs]['conv1']:,}"
        )
        for beta, epochs, study, after in (
            (50, 100, "length", " after 100 epochs"),
            (50, 400, "table2", ""),
            (1, 400, "table2", ""),
        )
    },
    "A constant learning rate leaves more weights than a cosine, with β = 1": ours(
        "schedule",
        exceeds(
            {"beta": 1, "schedule": "constant"},
            {"beta": 1, "schedule": "cosine-epoch"},
            "left",
            unit="points of the layer",
        ),
    ),
    **{
        f"With {text}, β = {beta} leaves as many weights as the reproduction's": ours(
            study, _leaves(beta, **schedule), reproduction(f"{paper.COUNTS[beta, 400]['conv1']:,}")
        )
        for text, study, schedule in (
            ("a constant learning rate", "schedule", {"schedule": "constant"}),
            ("a cosine of period 100", "period", {"period": 100}),
        )
        for beta in (50, 1)
    },
    "With AutoAugment, β = 50 at the largest width has fewer remaining weights, in all "
    "layers, than S-CONV": ours("scaling-own", _fewer_than_s_conv),
    "The paper's Theorem 2 bounds the test error of β = 50 below 1": ours(
        "scaling-own", _bound_is_below_one
    ),
}
