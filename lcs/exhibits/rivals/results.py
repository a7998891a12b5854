"""What the runs at equal budgets show: a table and a figure, numbers and claims."""

import math
from collections.abc import Sequence

import numpy as np

from lcs import data
from lcs.config import CUT_BETWEEN_PERIODS, Config
from lcs.exhibits.rivals.methods import (
    AIMS,
    ANEW,
    DENSE,
    ITERATIVE,
    MASKED_WIDER,
    OWN,
    REFITTED,
    RESTARTED,
    RIVALS,
    S_LOCAL,
    budget,
    rival,
)
from lcs.exhibits.shared import cells, compare, locality
from lcs.exhibits.shared.compare import ByStudy, Groups, Values
from lcs.exhibits.shared.gap import gap_text
from lcs.exhibits.shared.locality import beyond_chance
from lcs.exhibits.shared.methods import B50, LOCAL, PROXIMAL, SGD, method
from lcs.exhibits.shared.plots import style
from lcs.exhibits.shared.tables import PENDING, Cell, Table
from lcs.exhibits.shared.verdicts import Judge, exceeds, ours
from lcs.runs import Record

# the study of each budget, and its name
BUDGETS = {"rivals": "larger budget", "rivals-few": "smaller budget"}
# with that in a wider network, whose budget is what the best λ of β = 50 leaves
TABLES = BUDGETS | {"rivals-wider": "what its best λ leaves"}
# the studies of the larger budget, of the smaller one, and of the wider network, without those that
# start from its runs
LARGER = ("rivals", "rivals-iterative")
SMALLER = ("rivals-few", "rivals-few-iterative")
WIDER = ("rivals-wider", "rivals-wider-others", "rivals-wider-iterative")


def by_rival(records: Sequence[Record]) -> Groups[str]:
    """Return the runs of each method at one budget, by its name; SGD of all weights comes first.

    S-LOCAL, those with a restart, and what starts from another run come last.
    """
    found = {rival(config): runs for config, runs in compare.conditions(records).items()}
    order = (DENSE, *RIVALS, S_LOCAL, *RESTARTED.values(), ANEW, REFITTED)
    return Groups({name: found[name] for name in order if name in found})


def at_width_4(runs: ByStudy) -> Groups[str]:
    """Return the runs of each method in the wider network, with those that start from them."""
    shown = compare.joined(runs, (*WIDER, "pruned-masks"))
    return by_rival([*shown, *(run for run in runs["rivals-wider-refit"] if run.config.source)])


def sparse_flops(record: Record) -> float:
    """Return the FLOPs of a whole training without products by zeros, and needless gradients.

    A zero that may return needs its gradient at every step; one outside a mask, or frozen, does
    not. Zeros are those after each epoch. The dense gradients of RigL and SNIP, on one batch of an
    epoch, are not counted, nor is the run that a mask was taken from.
    """
    config, history = record.config, record.history
    epochs = np.arange(1, config.epochs + 1)
    unmasked = 0  # epochs in which every zero may return
    if config.pruning in CUT_BETWEEN_PERIODS:
        unmasked = config.cycle_epochs
    elif config.pruning == "none" and not config.frozen_zeros:
        unmasked = config.epochs
    fixed = config.taken.masked  # by the mask of another run
    products = 0.0  # multiply–adds of one image, over the epochs
    for name, counts in history["nonzeros"].items():
        left = np.interp(epochs, history["epoch"], counts)
        every = (epochs <= unmasked) & (name not in fixed)
        gradients = np.where(every, record.final["weights"][name], left)
        # the gradient of the images is not needed
        products += ((1 if name == "conv1" else 2) * left + gradients).sum()
    return 2 * products * data.spec(config.dataset).train_size


def rivals_table(study: str, records: Sequence[Record]) -> Table:
    """Return accuracy, its difference from β = 50, cost and locality at one budget."""
    found, place = compare.conditions(records), by_rival(records)

    def own(config: Config) -> Config:
        return next((one for one in found if rival(one) == OWN), config)

    several = len({config.epochs for config in found}) > 1
    columns: dict[str, Cell] = {
        "method": cells.of(rival),
        **cells.field_columns(["epochs"] if several else []),
        "weights": lambda runs: " and ".join(
            f"{np.mean(compare.nonzeros(runs, layer)):,.0f}" for layer in ("conv1", "fc1")
        ),
        "test accuracy (%)": cells.mean_text,
        "difference from β = 50": cells.difference_from(found, own),
        **({"gap closed (%)": lambda runs: gap_closed(place, runs)} if S_LOCAL in place else {}),
        "10¹² FLOPs": lambda runs: f"{np.mean([*map(sparse_flops, runs)]) / 1e12:,.3g}",
        "excess window share": locality.excess_text,
        "filters with no, with 20 weights": lambda runs: (
            f"{compare.mean(runs, empty_units):,.0f}; {locality.eligible_text(runs)}"
        ),
        "neighbours": locality.neighbours_text,
    }
    what = (
        f"Methods at β-LASSO's own numbers of weights in layers 1 and 2, {TABLES[study]}; FLOPs "
        "of the whole training without products by zeros (without the run that masks trained anew "
        "and a refitted network come from); excess window share of at most 512 filters with 20 "
        "weights, in points; how many filters have none and how many at least 20; and how often "
        "two neighbouring pixels are in one, relative to chance"
    )
    ordered = [run for runs in place.values() for run in runs]
    return cells.by_condition(study, ordered, columns, what, note=cells.PAIRED)


def empty_units(runs: Sequence[Record]) -> list[float]:
    """Return for each run how many units of the first layer have no weight left."""
    # S-LOCAL's are within windows, and all there
    return [run.final["fan_in"].get("conv1", [0])[0] for run in runs]


def gap_closed(place: Groups[str], runs: Sequence[Record]) -> str:
    """Return the share of the gap from dense SGD to S-LOCAL that runs close, in per cent."""
    for end, share in ((DENSE, "0"), (S_LOCAL, "100")):
        if runs and rival(runs[0].config) == end:
            return share
    return gap_text({SGD: place[DENSE], LOCAL: place[S_LOCAL]}, runs)


def dots(budgets: dict[str, Groups[str]]) -> style.Figure:
    """Draw accuracy, weights, cost and locality of each method at named budgets, β = 50 as a line.

    Methods are in the order of their accuracy, at the first budget that has them. A dot is a run,
    hollow at the second budget; locality is drawn where most filters have enough weights, and the
    gap to S-LOCAL where that is there.
    """
    accuracy: dict[str, float] = {}
    for groups in budgets.values():
        for name, own in groups.items():
            accuracy.setdefault(name, compare.mean(own))
    names = sorted(accuracy, key=accuracy.__getitem__, reverse=True)
    if not names:
        return style.pending()
    size = (style.PAGE_WIDTH, 0.27 * len(names) + 1.2)
    values = {
        "test accuracy (%)": compare.accuracies,
        "weights (10³)": lambda own: [n / 1e3 for n in compare.nonzeros(own)],
        "10¹² FLOPs": lambda own: [sparse_flops(run) / 1e12 for run in own],
        "excess (points)": lambda own: [
            value if locality.share_measured(run) > 0.5 else np.nan
            for run, value in zip(own, beyond_chance(own), strict=True)
        ],
    }
    figure, panels = style.subplots(1, len(values), figsize=size, sharey=True)
    # two budgets stand one above the other in a row
    shifts = (-0.15, 0.15) if len(budgets) > 1 else (0.0,)
    fills: tuple[str | None, ...] = (None, "none")
    for (label, groups), shift, fill in zip(budgets.items(), shifts, fills, strict=False):
        for name, own in groups.items():
            y = names.index(name) + shift * (name != DENSE)
            # spred minimises the same penalty as the proximal step
            spred = own[0].config.optimizer == "spred"
            hue = style.colour(PROXIMAL if spred else method(own[0].config))
            for axes, of in zip(panels, values.values(), strict=True):
                axes.plot(of(own), [y] * len(own), "o", color=hue, mfc=fill or hue, ms=4, alpha=0.7)
        panels[0].plot([], [], "o", color="0.3", mfc=fill or "0.3", ms=4, label=label)
        panels[0].axvline(compare.mean(groups[OWN]), color=style.colour(B50), lw=0.8, zorder=0)
    for axes, label in zip(panels, values, strict=True):
        axes.set_xlabel(label)
        axes.grid(axis="y", color="0.9")
    for axes in panels[1:]:
        axes.set_xscale("log")
        style.label_log_axis(axes.xaxis, every=axes is panels[-1])
    panels[0].set_yticks(range(len(names)), names)
    panels[0].invert_yaxis()
    if len(budgets) > 1:
        style.add_legend(figure, panels[0], columns=3)
    dense, local = (compare.mean(groups.get(name, [])) for name in (DENSE, S_LOCAL))
    if local > dense:
        step = (local - dense) / 100
        there_and_back = (lambda x: (x - dense) / step, lambda share: dense + share * step)
        top = panels[0].secondary_xaxis("top", functions=there_and_back)
        top.set(xlabel="gap closed (%)", xticks=[0, 50, 100])
    return figure


def with_accuracy(groups: Groups[str], of: Values) -> tuple[float, float, int]:
    """Return Spearman's correlation of a measure with accuracy, its p, and the number of methods.

    Of the means of those that train once, without built-in locality, and keep half to twice as many
    first-layer weights as β = 50.
    """
    from scipy.stats import spearmanr  # slow to import

    own = compare.mean(groups[OWN], compare.nonzeros)
    left_out = ("S-LOCAL's windows", S_LOCAL, ITERATIVE, ANEW, REFITTED)
    sparse = [
        runs
        for name, runs in groups.items()
        if name not in left_out and own / 2 < compare.mean(runs, compare.nonzeros) < 2 * own
    ]
    both = [[compare.mean(runs, each) for runs in sparse] for each in (compare.accuracies, of)]
    if len(sparse) < 3 or not all(map(np.ptp, both)):  # not defined
        return math.nan, math.nan, len(sparse)
    found = spearmanr(*both)
    return float(found.statistic), float(found.pvalue), len(sparse)


def numbers(runs: ByStudy) -> dict[str, str]:
    """Return what the prose says, given the runs by study, in words; "pending" without runs."""
    many, wider = by_rival(compare.joined(runs, LARGER)), at_width_4(runs)
    rho, p, methods = with_accuracy(wider, beyond_chance)
    return {
        "rival-n": f"{len(many[OWN])}",
        "rival-first-choice": cells.gain_text(runs["rivals-first-choice"], many[OWN]),
        "wider-n": f"{len(wider[OWN])}",
        "anew-n": f"{len(wider[ANEW])}",
        **{
            f"wider-{name}": cells.lead_text(wider[name], wider[OWN])
            for name in ("one-shot", "gradual", "SET")
        },
        "wider-rho": PENDING if math.isnan(rho) else f"{rho:.2f}",
        "wider-p": PENDING if math.isnan(p) else f"{p:.2g}",
        "wider-methods": f"{methods}",
        "wider-gap": gap_closed(wider, wider["one-shot"]),
        "wider-gap-beta": gap_closed(wider, wider[OWN]),
        "wider-gap-anew": gap_closed(wider, wider[ANEW]),
        **{f"share-{name}": f"{100 * budget(name)['density']:.1f}" for name in (*AIMS, "wider")},
        "share-wider-beta": cells.remaining_text(wider[OWN]),
    }


# Claims

SAID = {
    "one-shot": "one-shot pruning",
    "gradual": "gradual magnitude pruning",
    "SET": "SET",
    "RigL": "RigL",
    "random mask": "a random mask",
}


def _more(name: str, of: Values = compare.accuracies) -> Judge:
    """Judge whether β = 50 has more of what `of` returns than a rival."""
    return exceeds(lambda c: rival(c) == OWN, lambda c: rival(c) == name, of=of)


CLAIMS = {
    **{
        "With about as many weights in each layer, β = 50 is better than "
        f"{SAID[name]} ({BUDGETS[study]})": ours(
            study,
            _more(name),
            # the budget there is nearer to the larger one
            also=(WIDER[name not in MASKED_WIDER],) if study == "rivals" else (),
        )
        for study in BUDGETS
        for name in SAID
    },
    **{
        "With about as many weights in each layer, filters of β = 50 are more local than those of "
        f"{SAID[name]} ({BUDGETS['rivals']})": ours("rivals", _more(name, beyond_chance))
        for name in ("one-shot", "gradual", "RigL")
    },
}
