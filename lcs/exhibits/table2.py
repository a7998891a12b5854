"""What the chapter `table2` shows: accuracies beside the published ones."""

from collections.abc import Sequence

import numpy as np

from lcs.config import Config
from lcs.exhibits.shared import cells, compare, published, settings, tables
from lcs.exhibits.shared.claim_settings import (
    ALL_FLIPS,
    AT_32,
    AT_150,
    AT_150_OTHERS,
    AT_4000_EPOCHS,
    ELSEWHERE,
    WITH_LOCAL,
    WITH_ZERO,
)
from lcs.exhibits.shared.declare import Studies
from lcs.exhibits.shared.gap import closes_most, gap_text
from lcs.exhibits.shared.methods import B0, B1, B50, CONV, LOCAL, NETWORKS, SGD, THREE, Method
from lcs.exhibits.shared.plots.style import (
    PAGE_WIDTH,
    Figure,
    add_legend,
    label_log_axis,
    look,
    subplots,
)
from lcs.exhibits.shared.settings import PAPER_BETAS, baseline, beta_lasso, sgd_and_betas
from lcs.exhibits.shared.tables import Numbers, Table, signed
from lcs.exhibits.shared.verdicts import Claim, Finding, as_one_more, exceeds
from lcs.runs import Record
from lcs.stats import binomial_interval, mean_interval
from lcs.study.base_study import SCALES

STUDIES = Studies()


@STUDIES.add(settings.REPRODUCTION, scales=SCALES, seeds=5, betas=PAPER_BETAS)
def table2(base: Config, betas: Sequence[float]) -> list[Config]:
    """Table 2: test accuracy of S-FC under β-LASSO."""
    networks = [baseline(base, model) for model in ("s-conv", "s-local", "3-fc", "s-fc")]
    lasso = base.replace(model="s-fc", optimizer="proximal-l1", **settings.l1_of(base))
    return [*networks, lasso, *(beta_lasso(base, beta) for beta in betas)]


@STUDIES.add(settings.REPRODUCTION_CROSS_ENTROPY, scales=SCALES, betas=PAPER_BETAS)
def cifar100(base: Config, betas: Sequence[float]) -> list[Config]:
    """Table 2 on CIFAR-100.

    With cross-entropy: a binary one averaged over a hundred classes has gradients about a hundred
    times smaller, and at the same learning rate the network barely learns.
    """
    dataset = "cifar100" if base.dataset == "cifar10" else base.dataset
    return sgd_and_betas(base.replace(dataset=dataset), betas)


def accuracy_table(records: Sequence[Record], label: str = "tab-table2") -> Table:
    """Return our test accuracies beside the paper's, and on CIFAR-10 beside the reproduction's.

    Of the records of one data set.
    """
    config: Config = records[0].config
    groups = compare.by_method(records)
    # it has one data set
    reports = {"report": 1, "notebook": 2} if config.dataset == "cifar10" else {}
    report_text = ", and the reproduction (α = 1, 400 epochs)" if reports else ""
    rows = []
    for name, runs in groups.items():
        row = published.table2(name)
        others = groups[B50] if name != B50 else []
        shown = [
            tables.published(published.accuracy(name, config.dataset)),
            *(tables.reproduction(getattr(row, key), digits) for key, digits in reports.items()),
            cells.mean_text(runs),
            cells.gain_text(runs, others, missing=tables.NONE),
            cells.fit_text(runs, digits=1),
            cells.remaining_text(runs),
            tables.links(runs),
        ]
        rows.append([name, *shown])
    caption = (
        "Test accuracy in per cent, published and ours; of ours also the difference from β = 50 "
        "(the method minus β = 50, paired by seed), the accuracy on the training images, and the "
        "weights that remain. "
        f"Published: the paper (α ≈ {published.PAPER_BASE_CHANNELS}, "
        f"{published.PAPER_EPOCHS} epochs, augmentation){report_text}. "
        f"Ours, {cells.setting_text(records)}."
    )
    columns = ["method", "paper", *(f"reproduction, {key}" for key in reports), "ours"]
    columns += ["difference from β = 50", "ours, training", "remaining, layer 1 (%)", "seeds"]
    return Table(label, caption, columns, rows)


def accuracy_figure(records: Sequence[Record]) -> Figure:
    """Draw test accuracy along training: networks by SGD, and the methods that train S-FC.

    Each is the mean of ten successive recorded epochs, and of the seeds.
    """
    figure, panels = subplots(1, 2, figsize=(PAGE_WIDTH, 3.4))
    for name, runs in compare.by_method(records).items():
        window = min(10, len(runs[0].history["epoch"]))
        epochs, accuracies = compare.course(runs, "test_accuracy", window)
        line = {"ls": look(name).line, "color": look(name).colour, "label": str(name)}
        panels[0].plot([], [], **line)
        for axes in panels[[name.optimizer == "sgd", name.model == "s-fc"]]:
            axes.plot(epochs, 100 * accuracies.mean(0), **line)
    # the first epochs are alike
    panels[1].set_ylim(min(line.get_ydata()[-1] for line in panels[1].lines) - 1)
    for axes, title in zip(panels, ("networks, by SGD", "S-FC, by method"), strict=True):
        axes.set(xscale="log", xlabel="epoch")
        axes.set_title(title, fontsize="medium")
        label_log_axis(axes.xaxis)
    panels[0].set_ylabel("test accuracy (%)")
    add_legend(figure, panels[0], columns=3)
    return figure


def cifar100_numbers(binary: Sequence[Record]) -> dict[str, str]:
    """Return what SGD has on CIFAR-100 with binary cross-entropy; "pending" without runs."""
    dense = compare.by_method(binary)[SGD]
    return {
        "hundred-bce": cells.mean_text(dense, digits=1),
        "hundred-bce-fit": cells.fit_text(dense, digits=1),
    }


def accuracy_numbers(records: Sequence[Record], shorter: Sequence[Record] = ()) -> Numbers:
    """Return the numbers of the prose; a dash or "pending" where β = 50 is not among the runs.

    Of `shorter`, those count that have a quarter of the length of SGD, and are like it otherwise.
    """
    groups = compare.by_method(records)
    quarter = {settings.sized(run.config, length=1 / 4) for run in groups[SGD]}
    early = [run for run in shorter if run.config in quarter]
    share, images = compare.mean(groups[SGD]) / 100, records[0].final["evaluation_images"]
    low, high = binomial_interval(share, images)
    return {
        "less-sgd": cells.gain_text(groups[B50], groups[SGD], missing=tables.NONE),
        "early": cells.lead_text(early, groups[B50]),
        "early-n": f"{len(early)}",
        "gap": gap_text(groups),
        "abstract": f"{published.ABSTRACT:g}",
        "n": len(groups[SGD]),
        "half-width": 50 * (high - low),
    }


# Claims


def _locality_matters_more(records: list[Record]) -> Finding:
    groups = compare.widest(records)
    found = compare.by_seed(*(groups[name] for name in (CONV, LOCAL, SGD)))
    conv, local, full = np.array([*found.values()]).T
    lost = mean_interval(conv - local), mean_interval(local - full)
    value = f"S-CONV minus S-LOCAL {signed(lost[0])}, S-LOCAL minus S-FC {signed(lost[1])}"
    # what gains nothing cannot matter more or less
    for gain, (more, less) in zip(lost, ((CONV, LOCAL), (LOCAL, SGD)), strict=True):
        if gain.mean < 0:
            short = (NETWORKS[name.model] for name in (more, less))
            return Finding(value, said="not testable: {} is behind {}".format(*short))
    return Finding(value, mean_interval((local - full) - (conv - local)))


def _better(
    source: str,
    first: Method,
    second: Method,
    *also: str,
    worse: bool = False,
    dataset: str = "cifar10",
) -> Claim:
    """Claim that a method is better (or worse) than another, by the accuracies of its source."""
    column = dataset if source == "P" else "report"
    values = (getattr(published.table2(name), column) for name in (first, second))
    known = " against ".join(f"{value:.2f}" if source == "P" else f"{value}" for value in values)
    study = "table2" if dataset == "cifar10" else dataset
    return Claim(source, study, exceeds(first, second, worse=worse), known, also)


CLAIMS = {
    "S-FC with β-LASSO at β = 50 is better than with SGD": _better(
        "P", B50, SGD, *ELSEWHERE, AT_4000_EPOCHS, AT_150
    ),
    "β = 50 is better than β = 0": _better("P", B50, B0, *WITH_ZERO),
    "β = 50 is better than β = 1": _better("P", B50, B1, "scaling-wide"),
    "β = 0, the plain ℓ1 sub-gradient, is better than SGD": _better("P", B0, SGD, *WITH_ZERO),
    "S-FC is better than a 3-FC of its size": _better(
        "P", SGD, THREE, "scaling-wide", ALL_FLIPS, AT_150_OTHERS
    ),
    "S-LOCAL is better than S-FC with β-LASSO, β = 50": _better("P", LOCAL, B50, *WITH_LOCAL),
    "β = 50 closes most of the gap between S-FC with SGD and S-LOCAL": Claim(
        "P", "table2", closes_most, f"{published.gap_closed():.0f} %", WITH_LOCAL
    ),
    "Locality matters more than weight sharing": Claim(
        "P",
        "table2",
        _locality_matters_more,
        f"{published.gain(CONV, LOCAL):.2f} and {published.gain(LOCAL, SGD):.2f} points lost",
        (
            *("scaling-wide", ALL_FLIPS),
            *(f"{AT_32} + largest-local + largest-conv", f"{AT_150} + paper-size-others"),
        ),
    ),
    **{
        f"On CIFAR-100, β = 50 is better than {other.shortest}": _better(
            "P", B50, other, "recipe-cifar100", dataset="cifar100"
        )
        for other in (SGD, B0)
    },
    "On CIFAR-100, β = 50 closes most of the gap between S-FC with SGD and S-LOCAL": Claim(
        "P", "recipe-cifar100", closes_most, f"{published.gap_closed('cifar100'):.0f} %"
    ),
    "At α = 1, β = 50 is worse than β = 1": _better("R", B50, B1, worse=True),
    "At α = 1, β = 50 is worse than β = 0": _better("R", B50, B0, worse=True),
    "At α = 1, β = 1 is better than SGD": _better("R", B1, SGD),
    # its runs were tested on our images, so that their sampling error is the same for all
    **{
        f"At α = 1, {row.method.training} reaches this accuracy": Claim(
            "R", "table2", as_one_more(row.method, row.report), f"{row.report}"
        )
        for row in published.TABLE2
        if row.report
    },
}
