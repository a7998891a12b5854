"""What README and the first page open with: the texts of `summary.md`, with values and pictures."""

import hashlib
import math
import re
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lcs.exhibits import banded, find_study, paper_size, rivals, scaling, table2, transfer
from lcs.exhibits.shared import cells, compare, filter_surrogates, plots, published, tables
from lcs.exhibits.shared.gap import by_size, gains_and_gaps, gap_closed, gap_text, size_of_paper
from lcs.exhibits.shared.methods import B0, B50, LOCAL, NETWORKS, SGD, Method
from lcs.exhibits.shared.plots.style import (
    OTHERS,
    PAGE_WIDTH,
    PUBLISHED_MARKERS,
    Figure,
    look,
    subplots,
)
from lcs.exhibits.shared.plots.weights import draw_filter
from lcs.exhibits.shared.settings import FLIP_CROP, REPRODUCTION
from lcs.exhibits.shared.tables import Table
from lcs.runs import Record, RunStore
from lcs.runs.provenance import PACKAGE

README = PACKAGE.parent / "README.md"
INTRO = PACKAGE.parent / "book" / "intro.md"
PICTURES = PACKAGE.parent / "book" / "_static"

# its sentences are held to the records by tests/checks/summary.py
TEXTS = Path(__file__).with_name("summary.md")
# of twelve, how many columns of the first page each picture has, and of README's width, per cent
SHARES = {"gap": (7, 59), "filters": (5, 40)}
# left end of the first picture's axis, in per cent: what lies beyond is an arrow
LEFT_END = -50
# the settings of β = 50, and the studies of each
SETTINGS = {
    REPRODUCTION.name: ("table2",),
    **scaling.BY_SETTING,
    # but for short trainings of narrow networks
    FLIP_CROP.name: tuple(
        name for name in scaling.BY_SETTING[FLIP_CROP.name] if not name.endswith("search-narrow")
    ),
}
# the first picture has no shorter trainings of these
LEAST_EPOCHS = 200

# runs by the methods at the ends of a gap, and those that close a part of it
Closing = tuple[Mapping[Method, Sequence[Record]], Sequence[Record]]


def numbers(store: RunStore) -> dict[str, Any]:
    """Return the values that `TEXTS` names: the chapters' numbers, in words."""
    runs = {
        study.name: study.stored("desk", store)
        for chapter in (scaling, rivals, banded, transfer)
        for study in chapter.STUDIES
    }
    wide = {study.name: study.stored("paper", store) for study in paper_size.STUDIES}
    largest = wide["paper-size-searched"][0].config
    reproduction, *_ = table2.STUDIES
    ends = reproduction.stored("desk", store)
    plain = compare.by_method(ends)

    def paper(method: Method, epochs: int = published.PAPER_EPOCHS) -> str:
        return f"{published.accuracy(method, 'cifar10', epochs):.2f}"

    return {
        "scaling": scaling.results.numbers(runs),
        "rivals": rivals.results.numbers(runs),
        "banded": banded.results.numbers(runs),
        "transfer": transfer.numbers(runs),
        "why": _swept(store),
        "size": paper_size.numbers(wide),
        "paper": {
            **{"sgd": paper(SGD), "zero": paper(B0), "sparse": paper(B50)},
            "sgd_short": paper(SGD, published.SHORT_EPOCHS),
            "local_short": paper(LOCAL, published.SHORT_EPOCHS),
        },
        "size_alpha": largest.base_channels,
        "size_epochs": largest.epochs,
        "searched_epochs": runs["recipe-length-search"][0].config.epochs,
        "plain_gap": gap_text(plain),
        "plain_gain": cells.lead_text(plain[B50], plain[SGD]),
    }


def _swept(store: RunStore) -> dict[str, Any]:
    """Return the shares of the gap that the best λ of a sweep close, at α = 1."""
    from lcs.analysis import closed, load_runs

    ends, swept = load_runs("table2", store=store), load_runs("lambdas", store=store)
    sgd, local = (ends[ends.method == name] for name in ("plain SGD", "S-LOCAL"))
    said: dict[str, Any] = {"runs-l1": swept.seed.nunique()}
    for name, tried in (("own", swept[swept.beta == 50]), ("best", swept)):
        best = tried.groupby("condition", sort=False).accuracy.mean().idxmax()
        said[f"gap-{name}"] = closed(tried[tried.condition == best], sgd, local)
    return said | {"best-beta": f"{best.beta:g}"}  # type: ignore[attr-defined]


def sections(store: RunStore) -> dict[Path, str]:
    """Return what stands between the marks of README and of the first page."""
    text = tables.uncommented(TEXTS.read_text(encoding="utf-8"))
    said = tables.by_heading("# ", text.format(**numbers(store)))
    captions = {name: said[f"Caption of {name}"] for name in SHARES}
    opening = said["Summary"]
    cited = opening.replace("The paper", "The paper {cite}`neyshabur2020`", 1)
    figures = "\n".join(
        f"````{{grid-item}}\n:columns: 12 12 {SHARES[name][0]} {SHARES[name][0]}\n"
        f"```{{figure}} _static/{name}.png\n:name: fig-{name}-first\n\n{_wrapped(text)}\n```\n````"
        for name, text in captions.items()
    )
    grid = f"`````{{grid}} 1 1 2 2\n:gutter: 2\n\n{figures}\n`````"
    pictures = "\n".join(
        f'<img src="book/_static/{name}.png" width="{SHARES[name][1]}%" alt="{_joined(text)}">'
        for name, text in captions.items()
    )
    below = _wrapped("Left: {gap} Right: {filters}".format(**captions))
    rows = [
        list(map(_joined, (question, *answer.split("\n\n"))))
        for question, answer in tables.by_heading("## ", said["Questions"]).items()
    ]
    heads = ["question", "the paper", "this study"]
    answers = Table("tab-answers", "", heads, rows, text=heads).body()
    notes, answers_there = (text.replace("](", "](book/") for text in (said["Notes"], answers))
    readme = [_wrapped(opening), pictures, below, answers_there, _wrapped(notes)]
    intro = [_wrapped(cited), grid, answers, _wrapped(said["Notes"])]
    return {README: "\n\n".join(readme), INTRO: "\n\n".join(intro)}


def update(store: RunStore) -> None:
    """Write what README and the first page have from the records, and draw the pictures anew."""
    import matplotlib.pyplot as plt

    write(store)
    plots.use_style()
    for name, figure in {
        "gap": gaps_figure(_drawn(store), others(store), 0.74 * PAGE_WIDTH),
        "filters": _filters(_pictures(store)),
    }.items():
        picture = PICTURES / f"{name}.png"
        figure.savefig(picture, dpi=200, metadata={"Comment": stamp(store)})
        plt.close(figure)


def write(store: RunStore) -> None:
    """Write the summary into README and the first page."""
    for page, text in sections(store).items():
        page.write_text(updated(page.read_text(encoding="utf-8"), text), encoding="utf-8")


def updated(page: str, summary: str) -> str:
    """Return the text of a page with this summary between its marks."""
    start, end = "<!-- summary: lcs book --update -->", "<!-- end of summary -->"
    before, after = page[: page.index(start)], page[page.index(end) + len(end) :]
    return f"{before}{start}\n{summary}\n{end}{after}"


def stamp(store: RunStore) -> str:
    """Return a hash of our values behind the pictures, however these are drawn."""
    runs = [run for each in _drawn(store).values() for run in each]
    for groups, closing in others(store).values():
        runs += [run for each in (*groups.values(), closing) for run in each]
    values = [(run.config.run_id, run.accuracy) for run in runs]
    return hashlib.sha256(repr((values, list(_pictures(store)))).encode()).hexdigest()


def by_setting(store: RunStore) -> dict[str, list[Record]]:
    """Return the records of `SETTINGS`."""
    found = {}
    for title, names in SETTINGS.items():
        studies = [find_study(name) for name in names]
        runs = {study.name: study.stored(study.usual_scale, store) for study in studies}
        found[title] = compare.joined(runs, names)
    return found


def _drawn(store: RunStore) -> dict[str, list[Record]]:
    every = by_setting(store)
    return {t: [r for r in runs if r.config.epochs >= LEAST_EPOCHS] for t, runs in every.items()}


def others(store: RunStore) -> dict[str, Closing]:
    """Return runs that close more of the gap, beside their SGD and S-LOCAL, by name."""
    place = rivals.results.at_width_4({s.name: s.stored("desk", store) for s in rivals.STUDIES})
    ends = {SGD: place[rivals.methods.DENSE], LOCAL: place[rivals.methods.S_LOCAL]}
    wider = find_study(transfer.WIDER).stored("desk", store)
    grown = find_study("banded-searched").stored("desk", store)
    return {
        "one-shot pruning, α = 4": (ends, place["one-shot"]),
        "its masks, trained anew, α = 4": (ends, place[rivals.methods.ANEW]),
        "β = 50's, trained anew, α = 4": (ends, [r for r in wider if transfer.anew(r.config)]),
        "λ grows with distance, α = 8": (
            compare.by_method(run for run in grown if not run.config.beta),
            [run for run in grown if run.config.l1_growth],
        ),
    }


def _pictures(store: RunStore) -> dict[str, np.ndarray]:
    wide = compare.by_method(find_study("paper-size-searched").stored("paper", store))
    return filter_surrogates.pictures(wide[B50], wide[SGD])


def _filters(filters: dict[str, np.ndarray]) -> Figure:
    """Draw some first-layer filters, a row for each title."""
    import matplotlib.pyplot as plt

    figure = plt.figure(figsize=(0.46 * PAGE_WIDTH, 3.35))
    rows: Any = figure.subfigures(len(filters), 1)
    for row, (title, images) in zip(rows, filters.items(), strict=True):
        row.suptitle(title, fontsize="small", x=0.02, ha="left")
        for panel, image in zip(row.subplots(1, 4), images, strict=False):
            draw_filter(panel, image)
    return figure


def gaps_figure(
    settings: Mapping[str, Sequence[Record]], others: Mapping[str, Closing], width: float
) -> Figure:
    """Draw the share of the gap that β = 50 closes in each setting, with what the paper reports.

    A line for each width and length that has all three methods, and a gap that differs from zero
    where there are several seeds; then one for each of `others`. A dot is a seed, hollow where it
    is the only one; from three seeds on a bar is the mean gain over the mean gap, with its 95 %
    interval, and an arrow where that goes on to the left. `width` is that of the figure, in inches.
    """
    # headings have None, and the paper has no runs
    lines: list[tuple[str, Closing | None]] = []
    for title, records in settings.items():
        sizes = by_size(records).items()
        here = [(s, (own, own[B50])) for s, own in sizes if not math.isinf(gap_closed(own)[1])]
        lines += [(title, None), *here] if here else []
    lines += [("the paper", None), (size_of_paper(published.PAPER_EPOCHS), ({}, ()))]
    of_paper = len(lines) - 1
    lines += [("other methods, flips and crops", None), *others.items()] if others else []
    figure, axes = subplots(figsize=(width, 0.134 * len(lines) + 0.7))
    edge, (own, marker, _) = axes.get_yaxis_transform(), look(B50)
    for place, (_, closing) in enumerate(lines):
        groups, runs = closing or ({}, ())
        if not (runs and all(groups.values())):
            continue
        colour = own if place < of_paper else OTHERS[0]
        gained, gaps = gains_and_gaps(groups, runs)
        shares = [100 * gain / gap for gain, gap in zip(gained, gaps, strict=True)]
        if len(shares) == 1:
            axes.plot(shares, [place], marker, color=colour, mfc="none")
        else:
            axes.plot(shares, [place] * len(shares), marker, color=colour, ms=3.5, alpha=0.5)
        if len(shares) > 2:
            share, low, high = gap_closed(groups, runs)
            axes.plot([low, high], [place, place], color=colour)
            axes.plot(share, place, "|", color=colour, ms=8, mew=2)
            if low < LEFT_END:
                axes.plot(LEFT_END, place, "<", color=colour, ms=5, clip_on=False)
        axes.text(
            1.02, place, gap_text(groups, runs), transform=edge, va="center", fontsize="small"
        )
    share = published.gap_closed()
    axes.plot(share, of_paper, PUBLISHED_MARKERS["paper"], color=own, mfc="none", ms=8)
    axes.text(1.02, of_paper, f"{share:.0f}", transform=edge, va="center", fontsize="small")
    for end, name in ((0, SGD.training), (100, NETWORKS[LOCAL.model])):
        axes.axvline(end, color="0.6", lw=1, zorder=0)
        axes.text(end, -0.8, name, ha="center", va="bottom", fontsize="small")
    axes.set_yticks(range(len(lines)), [text for text, _ in lines], fontsize="small")
    axes.tick_params(axis="y", length=0)
    for text, (_, known) in zip(axes.get_yticklabels(), lines, strict=True):
        text.set_fontstyle("italic" if known is None else "normal")
    axes.set(xlim=(LEFT_END, 110), ylim=(len(lines) - 0.5, -0.7), xticks=range(LEFT_END, 101, 50))
    axes.set_xlabel("share of the gap closed (%)")
    return figure


def _wrapped(text: str) -> str:
    return "\n\n".join(
        textwrap.fill(_joined(part), 100, break_on_hyphens=False) for part in text.split("\n\n")
    )


def _joined(text: str) -> str:
    # no value is torn from its name or unit, and a line that begins with % would be a comment
    line = " ".join(text.split())
    return re.sub(" (?=[%=≈±×])|(?<=[=≈±×]) ", "\N{NO-BREAK SPACE}", line)
