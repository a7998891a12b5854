"""What README and the first page open with: summary, pictures and answers, from the records."""

from __future__ import annotations

import hashlib
import re
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lcs.exhibits import (
    cells,
    compare,
    figure3,
    figure4,
    find_study,
    paper_size,
    plots,
    published,
    rivals,
    scaling,
    tables,
    variants,
)
from lcs.exhibits.fewest_weights import pareto
from lcs.exhibits.gap import gaps_figure
from lcs.exhibits.methods import B0, B50, LOCAL, SGD
from lcs.exhibits.plots.style import WIDTH
from lcs.exhibits.plots.weights import as_image
from lcs.runs import Record, RunStore
from lcs.runs.provenance import PACKAGE

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.figure import Figure

README = PACKAGE.parent / "README.md"
INTRO = PACKAGE.parent / "book" / "intro.md"
PICTURES = PACKAGE.parent / "book" / "_static"

# its sentences, as those below, are held to the records by tests/checks/readme.py
SUMMARY = """\
The paper reports that β-LASSO, SGD with an ℓ1 penalty λ and a threshold βλ below which weights
become zero, raises the accuracy of a fully connected network, S-FC, on CIFAR-10 from {paper[sgd]}
to {paper[sparse]} %. At width α ≈ 150 and after 4000 epochs this closes {scaling[gap-paper]} % of
the gap to S-LOCAL, the same network with local filters. That training has not been run here. In
shorter ones β-LASSO closes about a quarter of the gap at most, and {size[size-closed]} % at α =
{size_alpha} after {size_epochs} epochs (n = {size[size-n]}). Of the variants tried, only a penalty
that grows with the distance from a window, and so builds locality in, closes most of it:
{variants[searched-gap]} % at α = {own[own-alpha]} after {searched_epochs} epochs (95 % interval,
n = {variants[searched-n]}). With crops the filters of β-LASSO become sparse and far more local than
by chance, but on average no more local than those of pruned SGD."""
# a question, what the paper has, the answer of this study, and what it rests on
ROWS = (
    (
        "[Is β-LASSO better than SGD?](scaling.ipynb)",
        "{paper[sparse]} against {paper[sgd]} %",
        "In wide networks, by little; not significant after correction (below).",
        """\
[α = {size_alpha}](paper_size.ipynb): {size[size-sparse]} against {size[size-sgd]} %
(AutoAugment, {size_epochs} epochs, n = {size[size-n]}; the paper's SGD at that length:
{size[size-paper-sgd]}); ahead by {size[size-before-gain]} points before both were tuned at this
width
<br>α = 32: ahead by {scaling[large-gain]} (flips and crops, {large_epochs} epochs, n = {large_n})
<br>α = 16: ahead by {scaling[beyond-gain]} (flips and crops, n = {scaling[beyond-n]})
<br>α = {own[own-alpha]}: ahead by {scaling[seeds-gain]} (AutoAugment; n = {scaling[seeds-n]},
raised from {scaling[gap-n]}, which had left it undecided); difference {scaling[flips-gain]} (flips
and crops, n = {scaling[flips-n]})
<br>α = {own[own-alpha]}, {longest} epochs: behind by {scaling[longest-lead]} (flips and crops; λ
not searched at that length)
<br>α = 1 to 4: behind (AutoAugment, n = {narrow_n})
<br>[α = 1, without augmentation](table2.ipynb): ahead of SGD without momentum and weight decay by
{plain_gain} ({plain_epochs} epochs, n = {plain_n}; significant after correction)""",
    ),
    (
        "[Does it close the gap to S-LOCAL?](scaling.ipynb)",
        "{scaling[gap-paper]} % of it (S-LOCAL: {paper[local]} %)",
        "About a quarter of it at most (figure above).",
        """\
α = {size_alpha}: S-LOCAL has {size[size-local]} % (the paper: {size[size-paper-local]};
{size_epochs} epochs, n = {size[size-n]})
<br>α = 16: S-LOCAL is ahead by {scaling[beyond-local]} (flips and crops, n = {scaling[beyond-n]})
<br>α = {own[own-alpha]}: S-LOCAL is ahead by {scaling[flips-local]} (flips and crops, n =
{scaling[flips-n]})
<br>3-FC, three fully connected layers with about as many weights as S-FC, is ahead of β-LASSO by
{scaling[flips-three]} at α = {own[own-alpha]} (flips and crops, n = {scaling[flips-others-n]})""",
    ),
    (
        "[Does a variant close it?](variants.ipynb)",
        "not in the paper",
        "Most of it, if λ grows with the distance from a 9 × 9 window, one window for each unit.",
        """\
α = {own[own-alpha]}: β = 50 is then ahead of SGD by {variants[searched-sgd]}, behind S-LOCAL by
{variants[searched-local]} (flips and crops, {searched_epochs} epochs, n = {variants[searched-n]})
<br>Where windows lie matters little, but their pixels must be neighbours: windows of scattered
pixels change accuracy by {variants[scattered-none]} compared with a uniform λ ({searched_epochs}
epochs, n = {variants[scattered-n]}).""",
    ),
    (
        "[Does the threshold help?](scaling.ipynb)",
        "{paper[sparse]} against {paper[zero]} % at β = 0",
        "In wide networks; not significant after correction.",
        """\
α = 16: β = 50 is ahead of β = 0 by {scaling[beyond-zero]} (flips and crops, n =
{scaling[beyond-n]})
<br>α = {own[own-alpha]}: by {scaling[flips-zero]} (flips and crops, n = {scaling[flips-others-n]})
and {scaling[own-zero-last]} (AutoAugment, n = {scaling[gap-n]})
<br>[α = 1, without augmentation](why.ipynb): behind by {plain_zero} ({plain_epochs} epochs, n =
{plain_n})""",
    ),
    (
        "[How many weights remain?](paper_size.ipynb)",
        "fewer than in S-LOCAL",
        "In wide networks fewer than in S-LOCAL.",
        """\
α = {size_alpha}: {size[size-left]} of {size[size-all]} million of the first layer (S-LOCAL:
{size[size-local-left]} million; {size_epochs} epochs, n = {size[size-n]})
<br>α = {own[own-alpha]}: {own_left}; AutoAugment, n = {scaling[seeds-n]}
<br>[α = 1, without augmentation](figure3.ipynb): {plain_left}; {plain_epochs} epochs, n =
{plain_n}""",
    ),
    (
        "[Are the filters local?](figure4.ipynb)",
        "shown by examples",
        "With crops and a large enough λ, but those of pruned SGD are, too.",
        """\
Filters of β = 50 with at least 20 weights are then far more local than with their pixels permuted;
without augmentation, hardly. The ℓ1 penalty and augmentation raise this locality, the threshold
does not. Filters of SGD with momentum and weight decay, pruned by magnitude, are on average at
least as local.
<br>α = {size_alpha}: {size[size-pruned]} % of a filter's squared weights in its best 9 × 9 window
for pruned SGD, {size[size-window]} % for β = 50 (± over the filters of one run each)
<br>α = 1: one-shot pruning more local than β = 50 by {rivals[local-one-shot]} points
({rival_epochs} epochs, n = {rivals[rival-n]})""",
    ),
    (
        "[Is it better than magnitude pruning?](rivals.ipynb)",
        "not compared",
        "No, except for one-shot pruning to very few weights.",
        """\
SGD is pruned to about as many weights, with flips and crops:
<br>α = 4, {rivals[share-wider]} % of the first layer: gradual pruning ahead by
{rivals[wider-gradual]}, one-shot by {rivals[wider-one-shot]} (n = {rivals[wider-n]})
<br>α = 1, {rivals[share-many]} %: gradual ahead by {rivals[rival-gradual]} (after a second search,
added when test results were known), one-shot differs by {rivals[rival-one-shot]} ({rival_epochs}
epochs, n = {rivals[rival-n]})
<br>α = 1, {rivals[share-few]} %: gradual ahead by {rivals[few-gradual]}, one-shot behind by
{rivals[few-one-shot]} ({rival_epochs} epochs, n = {rivals[few-n]})""",
    ),
)
# what stands below the table
NOTES = """\
Differences are in points of test accuracy, except for locality. Runs have {flips_epochs} epochs
unless stated, and n is the number of seeds. After Holm's correction for many comparisons these are
among the findings that hold in [Claims](claims.ipynb): the lead of β-LASSO over SGD without
momentum and weight decay at α = 1, that it closes less than half of the gap there and at α = 16,
the leads of S-LOCAL over it with flips and crops ({flips_epochs} epochs), that of the λ that grows
with distance over SGD, and locality beyond chance. Not significant after it are the leads of
β-LASSO with a uniform λ over SGD with momentum and weight decay and over β = 0, the lead of β = 0
at α = 1, and the differences from pruning."""
CAPTIONS = {
    "gap": """\
Share of the gap in test accuracy between S-FC and S-LOCAL, both by SGD, that β = 50 closes on
CIFAR-10, where the gap is significant. Dots: seeds; bars: mean gain over mean gap, 95 % interval;
hollow: one run; arrow: beyond the axis; triangle: the paper.""",
    "filters": """\
Random first-layer filters at α = {size_alpha} (of β = 50, with at least 20 weights). Second row:
the first, pruned by magnitude.""",
}
# of twelve, how many columns of the first page each picture has, and of README's width, per cent
SHARES = {"gap": (7, 59), "filters": (5, 40)}
# settings of the first picture, and the studies that share each
SETTINGS = {
    "no augmentation": ("table2",),
    "AutoAugment": ("scaling-own", "scaling-seeds", "paper-size-searched"),
    "flips and crops": (
        "recipe-length-search",
        "recipe-length-search-local",
        "flips",
        "flips-beyond",
        "recipe-length",
        "recipe-length-long",
        "largest-free",
        "largest-decay",
        "largest-local",
    ),
    "the same, λ grows with distance": ("banded-searched",),
}


def numbers(store: RunStore) -> dict[str, Any]:
    """Return what the texts above name: the chapters' numbers, in words."""
    runs = {
        study.name: study.stored("desk", store)
        for chapter in (scaling, rivals, variants)
        for study in chapter.STUDIES
    }
    chapters = {
        "own": pareto.recipe_numbers(pareto.gather(store)[pareto.RECIPE]),
        "scaling": scaling.results.numbers(runs),
        "rivals": rivals.results.numbers(runs),
        "variants": variants.results.numbers(runs),
    }
    wide = {study.name: study.stored("paper", store) for study in paper_size.STUDIES}
    largest = wide["paper-size-searched"][0].config
    unaugmented = find_study("table2").stored("desk", store)
    plain = compare.by_method(unaugmented)
    paper = {"sgd": SGD, "zero": B0, "sparse": B50, "local": LOCAL}
    return {
        "paper": {name: f"{published.accuracy(of, 'cifar10'):.2f}" for name, of in paper.items()},
        "size": paper_size.numbers(wide),
        "size_alpha": largest.base_channels,
        "size_epochs": largest.epochs,
        "searched_epochs": runs["recipe-length-search"][0].config.epochs,
        "large_epochs": runs["largest-free"][0].config.epochs,
        "large_n": len(runs["largest-free"]),
        "longest": max(run.config.epochs for run in runs["recipe-length-long"]),
        "flips_epochs": runs["flips"][0].config.epochs,
        "rival_epochs": runs["rivals"][0].config.epochs,
        "plain_gain": tables.ahead(cells.gain_text(plain[B50], plain[SGD])),
        "narrow_n": len({run.config.seed for run in runs["scaling"]}),
        "plain_zero": tables.ahead(cells.gain_text(plain[B0], plain[B50])),
        "plain_left": figure3.fewer_than_local(unaugmented).value,
        "own_left": figure3.fewer_than_local(runs["scaling-seeds"]).value,
        "plain_n": len(plain[SGD]),
        "plain_epochs": plain[SGD][0].config.epochs,
        **chapters,
    }


def sections(store: RunStore) -> dict[Path, str]:
    """Return what stands between the marks of README and of the first page."""
    known = numbers(store)
    captions = {name: text.format(**known) for name, text in CAPTIONS.items()}
    opening = SUMMARY.format(**known)
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
    rows: list[tuple[str, ...]] = [("question", "the paper", "this study"), ("---", "---", "---")]
    rows += [(*words, f"{answer}<br><small>{lines}</small>") for *words, answer, lines in ROWS]
    table = "\n".join(_joined(f"| {' | '.join(row)} |".format(**known)) for row in rows)
    said = NOTES.format(**known)
    inside, outside = (
        f"{table.replace('](', link)}\n\n{_wrapped(said.replace('](', link))}"
        for link in ("](", "](book/")
    )
    return {
        README: f"{_wrapped(opening)}\n\n{pictures}\n\n{below}\n\n{outside}",
        INTRO: f"{_wrapped(cited)}\n\n{grid}\n\n{inside}",
    }


def update(store: RunStore) -> None:
    """Write what README and the first page have from the records, and draw the pictures anew."""
    import matplotlib.pyplot as plt

    write(store)
    plots.use_style()
    settings, filters = _shown(store)
    for name, figure in {
        "gap": gaps_figure(settings, 0.74 * WIDTH),
        "filters": _filters(filters),
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
    """Return a hash of our values that the pictures show."""
    settings, filters = _shown(store)
    values = [(run.config.run_id, run.accuracy) for runs in settings.values() for run in runs]
    return hashlib.sha256(repr((values, list(filters))).encode()).hexdigest()


def _shown(store: RunStore) -> tuple[dict[str, list[Record]], dict[str, np.ndarray]]:
    """Return the records of `SETTINGS`, and filters by title."""
    found = {}
    for title, names in SETTINGS.items():
        studies = map(find_study, names)
        runs = [run for study in studies for run in study.stored(study.usual_scale, store)]
        found[title] = [*{run.config: run for run in runs}.values()]  # studies share runs
    wide = compare.by_method(find_study("paper-size-searched").stored("paper", store))
    return found, figure4.smooth.pictures(wide[B50], wide[SGD])


def _filters(filters: dict[str, np.ndarray]) -> Figure:
    """Draw some first-layer filters, a row for each title."""
    import matplotlib.pyplot as plt

    figure = plt.figure(figsize=(0.46 * WIDTH, 3.35))
    rows: Any = figure.subfigures(len(filters), 1)
    for row, (title, images) in zip(rows, filters.items(), strict=True):
        row.suptitle(title, fontsize="small", x=0.02, ha="left")
        for panel, image in zip(row.subplots(1, 4), images, strict=False):
            panel.imshow(as_image(image), interpolation="nearest")
            panel.set_axis_off()
    return figure


def _wrapped(text: str) -> str:
    return textwrap.fill(_joined(text), 100)


def _joined(text: str) -> str:
    # no value is torn from its name or unit, and a line that begins with % would be a comment
    line = " ".join(text.split()).replace(" <br>", "<br>")
    return re.sub(" (?=[%=≈±×])|(?<=[=≈±×]) ", "\N{NO-BREAK SPACE}", line)
