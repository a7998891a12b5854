"""What README and the first page open with: the texts of `summary.md`, with values and pictures."""

import hashlib
import re
import textwrap
from pathlib import Path
from typing import Any

import numpy as np

from lcs.exhibits import banded, find_study, paper_size, rivals, scaling, table2
from lcs.exhibits.shared import cells, compare, filter_surrogates, plots, published, tables
from lcs.exhibits.shared.gap import gap_text, gaps_figure
from lcs.exhibits.shared.methods import B0, B50, SGD, THREE
from lcs.exhibits.shared.plots.style import PAGE_WIDTH, Figure
from lcs.exhibits.shared.plots.weights import draw_filter
from lcs.exhibits.shared.settings import REPRODUCTION
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
GROWING = "λ grows with distance"
# settings of the first picture, and the studies of each
SHOWN = {
    REPRODUCTION.name: ("table2",),
    **scaling.BY_SETTING,
    GROWING: ("banded-searched", "banded-long"),
}


def numbers(store: RunStore) -> dict[str, Any]:
    """Return the values that `TEXTS` names: the chapters' numbers, in words."""
    runs = {
        study.name: study.stored("desk", store)
        for chapter in (scaling, rivals, banded)
        for study in chapter.STUDIES
    }
    wide = {study.name: study.stored("paper", store) for study in paper_size.STUDIES}
    largest = wide["paper-size-searched"][0].config
    reproduction, *_ = table2.STUDIES
    plain = compare.by_method(reproduction.stored("desk", store))
    swept, swept_zero = (
        compare.conditions(find_study(name).stored("desk", store))
        for name in ("lambdas", "lambdas-zero")
    )
    best = max(swept.values(), key=compare.mean)
    longest = compare.by_method(runs["recipe-length-long"])[B50]
    as_much = compare.runs_of(swept_zero, l1=best[0].config.l1)
    paper = {"sgd": SGD, "zero": B0, "sparse": B50, "three": THREE}
    return {
        "scaling": scaling.results.numbers(runs),
        "rivals": rivals.results.numbers(runs),
        "banded": banded.results.numbers(runs),
        "size": paper_size.numbers(wide),
        "paper": {name: f"{published.accuracy(of, 'cifar10'):.2f}" for name, of in paper.items()},
        "size_alpha": largest.base_channels,
        "size_epochs": largest.epochs,
        "searched_epochs": runs["recipe-length-search"][0].config.epochs,
        "longest": longest[0].config.epochs,
        "longest_n": len(longest),
        "plain_gap": gap_text(plain),
        "swept_gap": gap_text({**plain, B50: best}),
        "swept_zero": gap_text({**plain, B50: as_much}),
        "swept_beta": f"{best[0].config.beta:g}",
        "swept_n": len(best),
        "plain_gain": cells.lead_text(plain[B50], plain[SGD]),
    }


def sections(store: RunStore) -> dict[Path, str]:
    """Return what stands between the marks of README and of the first page."""
    text = tables.uncommented(TEXTS.read_text())
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
    readme = [_wrapped(opening), pictures, below, _wrapped(notes), answers_there]
    intro = [_wrapped(cited), grid, _wrapped(said["Notes"]), answers]
    return {README: "\n\n".join(readme), INTRO: "\n\n".join(intro)}


def update(store: RunStore) -> None:
    """Write what README and the first page have from the records, and draw the pictures anew."""
    import matplotlib.pyplot as plt

    write(store)
    plots.use_style()
    for name, figure in {
        "gap": gaps_figure(by_setting(store), 0.74 * PAGE_WIDTH),
        "filters": _filters(_pictures(store)),
    }.items():
        picture = PICTURES / f"{name}.png"
        figure.savefig(picture, dpi=200, metadata={"Comment": stamp(store)})
        plt.close(figure)


def write(store: RunStore) -> None:
    """Write the summary into README and the first page."""
    for page, text in sections(store).items():
        page.write_text(updated(page.read_text(), text))


def updated(page: str, summary: str) -> str:
    """Return the text of a page with this summary between its marks."""
    start, end = "<!-- summary: lcs book --update -->", "<!-- end of summary -->"
    before, after = page[: page.index(start)], page[page.index(end) + len(end) :]
    return f"{before}{start}\n{summary}\n{end}{after}"


def stamp(store: RunStore) -> str:
    """Return a hash of our values behind the pictures, however these are drawn."""
    runs = [run for each in by_setting(store).values() for run in each]
    values = [(run.config.run_id, run.accuracy) for run in runs]
    return hashlib.sha256(repr((values, list(_pictures(store)))).encode()).hexdigest()


def by_setting(store: RunStore) -> dict[str, list[Record]]:
    """Return the records of `SHOWN`."""
    found = {}
    for title, names in SHOWN.items():
        studies = [find_study(name) for name in names]
        runs = {study.name: study.stored(study.usual_scale, store) for study in studies}
        found[title] = [
            run
            for run in compare.joined(runs, names)
            if title != GROWING or run.config.l1_growth or not run.config.beta
        ]
    return found


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


def _wrapped(text: str) -> str:
    return "\n\n".join(textwrap.fill(_joined(part), 100) for part in text.split("\n\n"))


def _joined(text: str) -> str:
    # no value is torn from its name or unit, and a line that begins with % would be a comment
    line = " ".join(text.split())
    return re.sub(" (?=[%=≈±×])|(?<=[=≈±×]) ", "\N{NO-BREAK SPACE}", line)
