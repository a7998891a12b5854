"""What the chapter `figure3` shows: non-zero weights along training, and a law for them."""

import math
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from lcs import theory
from lcs.config import Config
from lcs.cost import weights_by_layer
from lcs.errors import ConfigError
from lcs.exhibits.shared import cells, compare, settings, tables
from lcs.exhibits.shared.claim_settings import SPARSE_ELSEWHERE
from lcs.exhibits.shared.compare import ByStudy
from lcs.exhibits.shared.declare import Studies
from lcs.exhibits.shared.methods import B1, B50, SGD, Method, method
from lcs.exhibits.shared.plots import style
from lcs.exhibits.shared.published import COUNTS
from lcs.exhibits.shared.settings import PAPER_BETAS, REPRODUCTION, beta_lasso, sgd_and_betas
from lcs.exhibits.shared.tables import LAYERS, PENDING, Cell, DataFrame, Numbers, Table
from lcs.exhibits.shared.verdicts import Claim, Finding, Judge, as_one_more, exceeds, ours
from lcs.runs import Record
from lcs.stats import mean_interval
from lcs.study.base_study import SCALES

# of the runs that the law is compared with: by their loss on CIFAR, or by their data
MARKERS: dict[str, dict[str, Any]] = {
    "cross-entropy": {"marker": "o"},
    "binary cross-entropy": {"marker": "o", "mfc": "none"},
    "other data": {"marker": "x"},
}

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
    again = base.replace(period=settings.sized(base, length=1 / 4).epochs)
    return [*sgd_and_betas(base, betas), *sgd_and_betas(again, betas)]


# Non-zero weights


def nonzeros_table(records: Sequence[Record]) -> Table:
    """Return the non-zero weights after the last epoch, layer by layer, with the published ones."""
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
        f"α = 1, {records[0].config.epochs} epochs). "
        f"Ours, {cells.setting_text(records)}."
    )
    columns = ["method", "layer", "reproduction", "ours", "share (%)", "seeds"]
    return Table("tab-nonzeros", caption, columns, rows, text=["layer"])


def nonzeros_figure(records: Sequence[Record]) -> style.Figure:
    """Draw non-zero weights against epochs, a panel for each layer, the first one logarithmic.

    With the weights of S-CONV and S-LOCAL in the first layer, and the reproduction's counts after
    as many epochs, if the runs are in its setting.
    """
    config, marker = records[0].config, style.PUBLISHED_MARKERS["reproduction"]
    marks = [c for c in COUNTS.values() if c.epochs == config.epochs and _is_reproduction(config)]
    figure, panels = style.subplots(1, 3, figsize=(style.PAGE_WIDTH, 3.1))
    for axes, (layer, title) in zip(panels, LAYERS.items(), strict=True):
        for run in records:
            name, counts = str(method(run.config)), run.history["nonzeros"][layer]
            own = style.look(name)
            axes.plot(run.history["epoch"], counts, ls=own.line, color=own.colour, label=name)
        for mark in marks:
            own = style.look(mark.method)
            axes.plot(mark.epochs, getattr(mark, layer), marker, mfc="none", mec=own.colour)
        for model in ("s-local", "s-conv") if layer == "conv1" else ():
            count = weights_by_layer(config, model)[layer]
            axes.axhline(count, color="0.5", ls=":", lw=1)
            where = {"xytext": (2, 2), "textcoords": "offset points", "color": "0.35"}
            axes.annotate(model.upper(), (1, count), **where)
        first = layer == "conv1"
        axes.set(xscale="log", yscale="log" if first else "linear", xlabel="epoch", title=title)
        axes.set_ylim(None if first else 0)
        axes.yaxis.set_major_formatter("{x:,.0f}")
    panels[0].set_ylabel("non-zero weights")
    panels[0].plot([], [], marker, mfc="none", mec="0.3", label="published (reproduction)")
    style.add_legend(figure, panels[0], columns=3)
    return figure


def schedules_table(runs: ByStudy) -> Table:
    """Return what β-LASSO leaves of the first layer by its learning-rate schedule.

    Beside it: what the reproduction reports for the same β, after as many epochs.
    """

    def published_share(config: Config) -> str:
        known, whole = (COUNTS.get((who, config.epochs)) for who in (method(config), SGD))
        share = 100 * known.conv1 / whole.conv1 if known and whole else None
        return tables.reproduction(share, 1)

    both = [run for name in ("schedule", "period") for run in runs[name] if run.config.beta]
    columns: dict[str, Cell] = {
        **cells.field_columns(["method"]),
        "learning rate": cells.of(
            lambda c: cells.field_text(c, "schedule") + (f", period {c.period}" if c.period else "")
        ),
        "reproduction, layer 1 (%)": cells.of(published_share),
        "ours, layer 1 (%)": cells.remaining_text,
        "test accuracy (%)": cells.mean_text,
    }
    what = "Weights that remain in the first layer, by the schedule of the learning rate"
    return cells.by_condition(
        "schedule", both, columns, what, label="tab-schedules", text=["learning rate"]
    )


def _is_reproduction(config: Config) -> bool:
    return config.dataset == "cifar10" and config.base_channels == 1 and config.loss == "bce"


# The law of the reach


def left(run: Record) -> npt.NDArray[np.float64]:
    """Return which share of the first layer is left at a run's recorded epochs, in per cent."""
    return 100 * np.array(run.history["nonzeros"]["conv1"]) / run.final["weights"]["conv1"]


def half_pruned(epochs: Sequence[int], shares: npt.NDArray[np.float64]) -> float:
    """Return when a share falls below half, interpolated between epochs; NaN if it never does."""
    if not (shares < 50).any():
        return math.nan
    below = int(np.argmax(shares < 50))
    here = slice(max(below - 1, 0), below + 1)
    return float(np.interp(50, shares[here][::-1], epochs[here][::-1]))


def halves(runs: Sequence[Record]) -> list[float]:
    """Return the epochs at which half of the first layer is pruned."""
    return [half_pruned(run.history["epoch"], left(run)) for run in runs]


def law(config: Config) -> tuple[range, npt.NDArray[np.float64]]:
    """Return epochs, and the share of the first layer that the reach leaves after each (%)."""
    return range(1, config.epochs + 1), 100 * theory.remaining_share(config)


def law_frame(records: Iterable[Record]) -> DataFrame:
    """Return one row per run of β = 50 that the law is of: when half of the first layer is pruned.

    These are runs of S-FC from random weights, on all training images; those in which the law has
    half of the layer pruned within the first epoch, or never, are left out. Columns: `config`
    without its seed, `data` (a key of `MARKERS`), `predicted` and `actual`, epochs.
    """
    wanted = {"model": "s-fc", "optimizer": "beta-lasso", "beta": 50, "start": "initial"}
    wanted |= {"l1_growth": 0, "validation": False, "train_share": 1}
    of_law = (r for r in records if r.kind != "toy" and compare.matches(r.config, wanted))
    rows = []
    for config, runs in compare.conditions(of_law).items():
        usual = (config.images, config.labels) == ("natural", "true") and "cifar" in config.dataset
        data = cells.field_text(config, "loss") if usual else "other data"
        if (predicted := half_pruned(*law(config))) > 1:
            rows += [(config, data, predicted, half) for half in halves(runs)]
    return tables.data_frame(rows, columns=["config", "data", "predicted", "actual"])


def law_figure(records: Sequence[Record], tested: DataFrame) -> style.Figure:
    """Draw the first layer's remaining share beside the law, and how well it was met by width."""
    sparse = {method(run.config).shortest: run.config for run in records if run.config.beta}
    if not sparse:
        raise ConfigError("betas: none of them has a threshold; give one above 0")
    figure, (course, ratios) = style.subplots(1, 2, figsize=(style.PAGE_WIDTH, 3))
    for run in records:
        if (name := method(run.config).shortest) in sparse:
            look = {"color": style.colour(name), "lw": 1, "label": name}
            course.plot(run.history["epoch"], left(run), **look)
    for name, config in sparse.items():
        course.plot(*law(config), "--", color=style.colour(name), lw=1.3)
    course.plot([], [], "k--", lw=1.3, label="predicted by the reach")
    course.set(xlabel="epoch", ylabel="remaining, layer 1 (%)")
    style.add_legend(figure, course, columns=3)
    table = tested.assign(
        ratio=tested.actual / tested.predicted,
        width=[config.base_channels for config in tested.config],
        rest=[config.replace(base_channels=1) for config in tested.config],
    )
    shade = style.colour(B50.shortest)
    for data, look in MARKERS.items():
        runs = table[table.data == data]
        ratios.plot(runs.width, runs.ratio, ls="", ms=4, color=shade, label=data, **look)
    for _, runs in table.groupby("rest", sort=False):
        ratios.plot(runs.groupby("width").ratio.mean(), color=shade, lw=0.8, alpha=0.6)
    ratios.axhline(1, color="0.4", lw=1, zorder=0)
    ratios.set(xscale="log", xlabel="α")
    ratios.set_ylabel("half of layer 1 pruned:\nactual / predicted epoch")
    ratios.set_xticks(widths := sorted(set(table.width)), [*map(str, widths)])
    ratios.minorticks_off()
    ratios.legend(fontsize="x-small", loc="lower right", handletextpad=0)
    return figure


# Numbers


def numbers(records: Sequence[Record], tested: DataFrame, losses: Sequence[Record]) -> Numbers:
    """Return shares in per cent, what the law was compared with, and epochs; NaN if not run.

    `share-…`: of a layer, what β = 50 leaves. `law-…`: of the runs in `tested`. `half-…`: when half
    of the first layer is pruned, by the law, and in the runs of the study `factorial` with
    cross-entropy, as usual and with the same reach and a tenth of the gradient.
    """
    runs = compare.by_method(records)[B50]
    plain = partial(compare.runs_of, compare.conditions(losses), augment="none", l1_rest=None)
    usual, weak = (plain(beta=beta, loss="cross-entropy") for beta in (50, 5))

    def extent(field: str) -> str:
        values = sorted(getattr(config, field) for config in tested.config)
        return " to ".join(map(tables.number, (values[0], values[-1]))) if values else PENDING

    shares = {layer: partial(compare.remaining, layer=layer) for layer in LAYERS}
    return {
        **{f"share-{layer}": compare.mean(runs, share) for layer, share in shares.items()},
        "law-n": f"{len(tested)}",
        "law-wide-n": f"{sum(config.base_channels >= 16 for config in tested.config)}",
        "law-conditions": f"{tested.config.nunique()}",
        **{f"law-{field}": extent(field) for field in ("lr", "l1", "epochs")},
        "half-n": f"{len(weak)}",
        "half-usual": compare.mean(usual, halves),
        "half-weak": compare.mean(weak, halves),
        "half-law": compare.mean(usual[:1], lambda runs: [half_pruned(*law(runs[0].config))]),
    }


# Claims


def _fewer_than_local(records: list[Record]) -> Finding:
    """Judge whether β = 50 keeps fewer weights in the first layer than S-LOCAL, at most width."""
    groups = compare.widest(records)
    counts = compare.nonzeros(groups[B50])
    local = compare.local_weights(groups[B50][0].config)
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


def _leaves(who: Method, epochs: int = 400, **changed: object) -> Judge:
    """Judge whether a published number of weights lies where those of our seeds do.

    Values of ours that are `changed` are to explain the published number.
    """
    wanted = {**who._asdict(), "epochs": epochs, **changed}
    return as_one_more(wanted, COUNTS[who, epochs].conv1, of=compare.nonzeros, digits=0)


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
        f"At α = 1, {who.shortest} leaves this many weights in the first layer{after}": Claim(
            "R", study, _leaves(who, epochs), f"{COUNTS[who, epochs].conv1:,}"
        )
        for who, epochs, study, after in (
            (B50, 100, "length", " after 100 epochs"),
            (B50, 400, "table2", ""),
            (B1, 400, "table2", ""),
        )
    },
    "A constant learning rate leaves more weights than a cosine, with β = 1": ours(
        "schedule",
        exceeds(
            {"beta": 1, "schedule": "constant"},
            {"beta": 1, "schedule": "cosine-epoch"},
            of=compare.remaining,
            unit="points of the layer",
        ),
    ),
    **{
        f"With {text}, {who.shortest} leaves as many weights as the reproduction's": ours(
            study, _leaves(who, **schedule), tables.reproduction(f"{COUNTS[who, 400].conv1:,}")
        )
        for text, study, schedule in (
            ("a constant learning rate", "schedule", {"schedule": "constant"}),
            ("a cosine of period 100", "period", {"period": 100}),
        )
        for who in (B50, B1)
    },
}
