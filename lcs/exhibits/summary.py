"""What README and the first page open with: summary, picture and five claims, from the records."""

from __future__ import annotations

import hashlib
import re
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lcs.exhibits import (
    cells,
    claims,
    compare,
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
from lcs.exhibits.claims import UNTESTED
from lcs.exhibits.fewest_weights import pareto
from lcs.exhibits.gap import gaps_figure
from lcs.exhibits.methods import B50, LOCAL, SGD
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

# the claims that tell the story
SHOWN = (
    "S-FC with β-LASSO at β = 50 is better than with SGD",
    "β = 50 is better than β = 0",
    "β = 50 closes most of the gap between S-FC with SGD and S-LOCAL",
    "β = 50 leaves fewer weights in the first layer than S-LOCAL has",
    "The filters of β = 50 are more local than their own permutations",
)
# each number stands in a sentence, which tests/checks/readme.py holds to the records
SUMMARY = """\
The paper reports that β-LASSO, SGD with an ℓ1 penalty and a large threshold, raises the accuracy of
a fully connected network, S-FC, on CIFAR-10 from {paper[sgd]} to {paper[sparse]} %. This closes
{scaling[gap-paper]} % of the gap to S-LOCAL, whose filters are local by design, at width α ≈ 150
and after 4000 epochs. That training has not been run here. In shorter ones β-LASSO closes about a
quarter of the gap at most, and {size[size-closed]} % at α = {size_alpha} after {size_epochs} epochs
(one run of each method). Of the variants tried, only a penalty that grows with the distance from a
window, and so builds locality in, closes most of it: {variants[searched-gap]} % at α =
{own[own-alpha]} (95 % interval, n = {variants[searched-n]}). With crops the filters of β-LASSO
become sparse and far more local than by chance, but in single runs no more local than those of SGD
with momentum and weight decay after magnitude pruning.

- **[The paper's size](paper_size.ipynb).** Once both are tuned, β-LASSO is little ahead of SGD. At
  α = {size_alpha}, after {size_epochs} epochs, S-FC has {size[size-sparse]} % with β-LASSO (β = 50)
  and {size[size-sgd]} % with SGD (the paper: {size[size-paper-sgd]}), S-LOCAL {size[size-local]} %
  (the paper: {size[size-paper-local]}; one run each). β-LASSO keeps {size[size-left]} of the
  {size[size-all]} million weights of the first layer; S-LOCAL has {size[size-local-left]} million.
  With the hyperparameters of narrower networks β-LASSO led by {size[size-before-gain]} points.
- **[SGD](scaling.ipynb).** In wide networks β-LASSO is ahead of SGD with momentum and weight decay.
  With AutoAugment it is behind up to α = 4 (n = {scaling[gap-n]}). At α = {own[own-alpha]} it is
  ahead by {scaling[seeds-gain]} points (n = {scaling[seeds-n]}; seeds were added, as three had left
  it undecided), and with flips and crops instead of AutoAugment by {scaling[beyond-gain]} at α = 16
  (n = {scaling[beyond-n]}; {flips_epochs} epochs). After 1600 epochs at α = {own[own-alpha]} SGD
  leads in both of two seeds, with a λ for β-LASSO that was not searched at that length. Over plain
  SGD without augmentation β-LASSO is ahead by [{plain_gain} points](table2.ipynb) (α = 1, the
  setting of an earlier student reproduction).
- **[The gap to S-LOCAL](scaling.ipynb).** It remains large. S-LOCAL is {scaling[flips-local]}
  points ahead of β-LASSO at α = {own[own-alpha]} and {scaling[beyond-local]} at α = 16; 3-FC, a
  plain network of the size of S-FC, is {scaling[flips-three]} ahead of it at α = {own[own-alpha]}
  (flips and crops, {flips_epochs} epochs, n = {each[wider]}).
- **[λ that grows with distance](variants.ipynb).** If λ grows with the distance from a window of 9
  × 9 pixels, one for each unit, β = 50 is {variants[searched-sgd]} points ahead of SGD and
  {variants[searched-local]} behind S-LOCAL (flips and crops, α = {own[own-alpha]},
  {searched_epochs} epochs, n = {variants[searched-n]}). Where windows lie matters little, but their
  pixels must be neighbours: windows of scattered pixels change accuracy by
  {variants[scattered-none]} points against the same λ for all weights.
- **[Locality](figure4.ipynb).** Filters become local, but those of pruned SGD do, too. With crops
  and a large enough λ, filters of β = 50 with at least 20 weights are far more local than with
  their pixels permuted; without augmentation, hardly. The ℓ1 penalty and augmentation raise this
  locality, the threshold does not. Filters of SGD with momentum and weight decay, pruned by
  magnitude, are on average at least as local: at α = {size_alpha} they have {size[size-pruned]} %
  of their squared weights in the best window, those of β = 50 {size[size-window]} % (± over the
  filters of one run each); at α = 1 those of one-shot pruning are more local than those of β = 50
  by {rivals[local-one-shot]} points (n = {rivals[rival-n]}).
- **[Threshold](scaling.ipynb).** In wide networks it adds to the ℓ1 penalty. β = 50 is ahead of β =
  0 by {scaling[own-zero-last]} points with AutoAugment at α = {own[own-alpha]}, and with flips and
  crops by {scaling[flips-zero]} at α = {own[own-alpha]} and {scaling[beyond-zero]} at α = 16
  ({flips_epochs} epochs, n = {each[zero]}). In the reproduction's setting it is [behind β =
  0](why.ipynb).
- **[Pruning](rivals.ipynb).** Magnitude pruning of SGD is as accurate or better, but for one case.
  At about as many weights gradual pruning is ahead of β-LASSO: at α = 1 by {rivals[rival-gradual]}
  points with {rivals[share-many]} % of the first layer (after a second search, added when test
  results were known) and by {rivals[few-gradual]} with {rivals[share-few]} % ({rival_epochs}
  epochs, n = {each[rivals]}); at α = 4 by {rivals[wider-gradual]} with {rivals[share-wider]} %
  ({flips_epochs} epochs, n = {rivals[wider-n]}). One-shot pruning does not differ significantly
  from β-LASSO in the first case, is {rivals[few-one-shot]} points behind it in the second and
  {rivals[wider-one-shot]} ahead of it in the third (flips and crops).

After Holm's correction for many comparisons these are among the findings that hold in
[Claims](claims.ipynb): the lead of β-LASSO over plain SGD at α = 1, that it closes less than half
of the gap there and at α = 16, the leads of S-LOCAL over it with flips and crops ({flips_epochs}
epochs), that of the λ that grows with distance over SGD, and locality beyond chance. Not
significant after it are the leads of β-LASSO with one λ for all weights over SGD with momentum and
weight decay and over β = 0, and its differences from pruning."""
CAPTIONS = {
    "gap": """\
CIFAR-10: share of the gap in test accuracy between S-FC and S-LOCAL, both by SGD, that β = 50
closes, where Claims judges it and the gap is significant. Dots: seeds; bars: mean gain over mean
gap, 95 % interval; hollow: one run; arrow: goes on; triangle: paper.""",
    "filters": """\
Random first-layer filters at α = {size_alpha} (of β = 50, with at least 20 weights). Second row:
the largest weights of the first.""",
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
        "showpiece-free",
        "showpiece-decay",
        "showpiece-local",
    ),
    "the same, λ grows with distance": ("banded-searched",),
}


def numbers(store: RunStore) -> dict[str, Any]:
    """Return what `SUMMARY` and `CAPTIONS` name: the chapters' numbers, in words."""
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
    # of comparisons that stand together, in how many seeds
    each = {
        "wider": [chapters["scaling"][f"{name}-n"] for name in ("flips", "flips-others", "beyond")],
        "zero": [chapters["scaling"][f"{name}-n"] for name in ("gap", "flips-others", "beyond")],
        "rivals": [chapters["rivals"][f"{name}-n"] for name in ("rival", "few")],
    }
    wide = {study.name: study.stored("paper", store) for study in paper_size.STUDIES}
    largest = wide["paper-size-searched"][0].config
    plain = compare.by_method(find_study("table2").stored("desk", store))
    paper = {"sgd": SGD, "sparse": B50, "local": LOCAL}
    return {
        "paper": {name: f"{published.accuracy(of, 'cifar10'):.2f}" for name, of in paper.items()},
        "size": paper_size.numbers(wide),
        "size_alpha": largest.base_channels,
        "size_epochs": largest.epochs,
        "each": {
            name: f"{counts[0]} each" if len({*counts}) == 1 else " and ".join(counts)
            for name, counts in each.items()
        },
        "searched_epochs": runs["recipe-length-search"][0].config.epochs,
        "flips_epochs": runs["flips"][0].config.epochs,
        "rival_epochs": runs["rivals"][0].config.epochs,
        "plain_gain": tables.ahead(cells.gain_text(plain[B50], plain[SGD])),
        **chapters,
    }


def table(store: RunStore) -> str:
    """Return the claims that are `SHOWN`, by setting, as a plain Markdown table."""
    source = claims.matrix(claims.judge_all(store))
    found = [row for row in source.rows if row[0].startswith(SHOWN)]
    # settings in which one of them has been tested
    kept = [i for i in range(len(source.columns)) if any(row[i] != UNTESTED for row in found)]
    lines = [source.columns, ["---"] * len(source.columns), *found]
    text = "\n".join(f"| {' | '.join(line[i] for i in kept)} |" for line in lines)
    text = re.sub(r"([)}]) \[", r"\1<br>[", text.replace(UNTESTED, "·"))
    # classes of words are known to the book's Markdown alone, and so are links within the book
    return re.sub(r"\[([^\]]*)\](\{[^}]*\}|\([^)]*\.ipynb\))", r"\1", text)


def sections(store: RunStore) -> dict[Path, dict[str, str]]:
    """Return what stands between the marks of README and of the first page, by the mark."""
    known = numbers(store)
    first, rest = SUMMARY.format(**known).split("\n\n", 1)
    cited = _wrapped(first.replace("The paper", "The paper {cite}`neyshabur2020`", 1))
    first = _wrapped(first)
    captions = {name: _wrapped(text.format(**known)) for name, text in CAPTIONS.items()}
    inside, outside = (
        "\n\n".join(
            "\n".join(map(_wrapped, re.split(r"\n(?=- )", part))) for part in text.split("\n\n")
        )
        for text in (rest, rest.replace("](", "](book/"))
    )
    figures = "\n".join(
        f"````{{grid-item}}\n:columns: 12 12 {SHARES[name][0]} {SHARES[name][0]}\n"
        f"```{{figure}} _static/{name}.png\n:name: fig-{name}-first\n\n{caption}\n```\n````"
        for name, caption in captions.items()
    )
    beside = f"`````{{grid}} 1 1 2 2\n:gutter: 2\n\n{figures}\n`````"
    plain = "\n".join(
        f'<img src="book/_static/{name}.png" width="{SHARES[name][1]}%" alt="{_one_line(caption)}">'
        for name, caption in captions.items()
    )
    said = _wrapped("Left: {gap} Right: {filters}".format(**captions))
    return {
        README: {"summary": f"{first}\n\n{plain}\n\n{said}\n\n{outside}", "table": table(store)},
        INTRO: {"summary": f"{cited}\n\n{beside}\n\n{inside}"},
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
    """Write the summary into README and the first page, and the table into README."""
    for page, parts in sections(store).items():
        page.write_text(updated(page.read_text(), parts))


def updated(text: str, parts: dict[str, str]) -> str:
    """Return the text of a page with these parts between their marks."""
    for mark, content in parts.items():
        start, end = f"<!-- {mark}: lcs book --update -->", f"<!-- end of {mark} -->"
        before, after = text[: text.index(start)], text[text.index(end) + len(end) :]
        text = f"{before}{start}\n{content}\n{end}{after}"
    return text


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
    # no value is torn from its name or unit, and a line that begins with % would be a comment
    whole = re.sub(" (?=[%=≈±×])|(?<=[=≈±×]) ", "\N{NO-BREAK SPACE}", " ".join(text.split()))
    return textwrap.fill(whole, 100, subsequent_indent="  " if text.startswith("- ") else "")


def _one_line(text: str) -> str:
    return " ".join(text.split())
