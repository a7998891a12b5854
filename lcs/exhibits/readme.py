"""What README and the first page open with: summary, picture and five claims, from the records."""

from __future__ import annotations

import hashlib
import re
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lcs.exhibits import (
    claims,
    compare,
    figure4,
    find_study,
    paper_size,
    plots,
    published,
    variants,
)
from lcs.exhibits.claims import UNTESTED
from lcs.exhibits.compare import Conditions
from lcs.exhibits.fewest_weights import figures, pareto
from lcs.exhibits.methods import B50, LOCAL, SGD
from lcs.exhibits.rivals import STUDIES as RIVALS
from lcs.exhibits.rivals import results as rivals
from lcs.exhibits.scaling import STUDIES as SCALING
from lcs.exhibits.scaling import results as scaling
from lcs.exhibits.tables import ahead
from lcs.runs import Record, RunStore
from lcs.runs.provenance import PACKAGE

if TYPE_CHECKING:
    import numpy as np

README = PACKAGE.parent / "README.md"
INTRO = PACKAGE.parent / "book" / "intro.md"
PICTURE = PACKAGE.parent / "book" / "_static" / "hero.png"

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
The paper reports that β-LASSO raises the accuracy of a fully connected network, S-FC, on CIFAR-10
from {paper_sgd} to {paper_sparse} %, close to the {paper_local} % of S-LOCAL, whose filters are
local by design (width α ≈ 150, 4000 epochs). Here, at α = 150 after {size_epochs} epochs,
S-FC reaches {size_sparse} % with β-LASSO, which keeps {size_first} % of its first layer, and
{size_sgd} % with SGD (one run each; the paper's SGD: {size_paper} %). At α = {width} β-LASSO is at
least as accurate as SGD, but closes {searched_closed} %, not {published} %, of the gap from SGD to
S-LOCAL (flips and crops, {searched_epochs} epochs; 95 % interval, n = {searched_closed_n}), and
{variant_gap} % with a λ that also grows outside a window at a random place.

- **The paper's size.** At α = 150 β-LASSO (β = 50) is {size_gain} points ahead of SGD
  ({size_epochs} epochs, AutoAugment, one run each), on training images as much as on test images.
  Hyperparameters are those of smaller networks; SGD with those of its own size may come nearer.
  {size_left} of {size_all} million first-layer weights remain, fewer than S-LOCAL has and about as
  many as in the paper after 4000 epochs, and {size_share} % of all. Weights of a unit lie close
  together, but so do the largest ones of SGD. The paper's 4000 epochs have not been run.
- **Accuracy.** At α = {width} β-LASSO is ahead of SGD with momentum and weight decay, by
  {gain} points with AutoAugment (n = {n}) and by {searched} with flips and crops
  ({searched_epochs} epochs, n = {searched_n}); neither gain is significant after correction for
  many comparisons. Up to α = 4 SGD is ahead (AutoAugment). At α = 32 β-LASSO whose zeros never
  return reaches {widest} % in one run, and SGD {widest_sgd} % in the better of two (flips and
  crops, 400 epochs).
- **Other networks.** S-LOCAL is {same_width} points ahead of β-LASSO at the same width
  (AutoAugment, n = {closed_n}), which closes {closed} % of the gap, and {local} with as few weights
  (n = {local_n}). 3-FC, a plain
  fully connected network of the same size, is {three} points ahead of β-LASSO (flips and crops,
  {three_epochs} epochs, n = {three_n}).
- **Threshold.** At α = {width} β = 50 is {own_zero} points ahead of β = 0, each with its own λ
  (n = {closed_n}, before the correction). In the setting of an earlier student reproduction (α = 1,
  no augmentation) a large β costs accuracy instead, also before the correction. There plain SGD
  overfits and ends behind β = 50; if each run were stopped at its best, SGD would be ahead.
- **Locality.** With crops and a large enough λ, filters of β = 50 with at least 20 weights are far
  more local than chance, and than those of dense SGD; without augmentation, hardly. The ℓ1 penalty
  makes them local, not the threshold. Filters of SGD with momentum and weight decay, pruned by
  size, are on average as local (single runs); those of plain SGD are not (one run).
- **Pruning.** Gradual magnitude pruning to as few weights as β-LASSO keeps, {rival_share} % of the
  first layer, is {rival} points ahead of it, with a learning rate from a search that was extended
  when test results were known; with {rival_fewer} % it is {fewer_gradual} points ahead. One-shot
  pruning is level in the first case and {fewer_one_shot} points behind in the second (α = 1,
  {rival_epochs} epochs, n = {rival_n} and {fewer_n}, all before the correction).
- **A growing λ.** With λ(1 + d) at a distance of d pixels from a window of 9 × 9 pixels, at a
  random place for each unit, β = 50 reaches {variant} % with {variant_left} % of its first layer
  (α = {width}, {searched_epochs} epochs, n = {variant_n}), {variant_sgd} points more than SGD.
  With λ and η as without growth, windows of as many scattered pixels gain nothing ({scattered}
  points), and windows as in S-LOCAL differ from random ones by {variant_grid} points. So the gain
  comes from restricting each unit to neighbouring pixels, wherever they lie; S-LOCAL remains
  {variant_local} points ahead."""
CAPTION = """\
Left: test accuracy on CIFAR-10 against remaining weights (AutoAugment, {epochs} epochs); small dots
are seeds, numbers the width α; β = 50 has two λ at α = 8; lines: Pareto fronts of all networks and,
dotted, of S-FC. Right: first-layer filters of S-FC at α = {filters} (AutoAugment,
{size_epochs} epochs); second row: the first, pruned to as many weights as the third."""


def numbers(store: RunStore) -> dict[str, str]:
    """Return the numbers of `SUMMARY`, in words."""
    found = pareto.gather(store)[pareto.RECIPE]
    own = pareto.recipe_numbers(found)
    runs = {study.name: _stored(study.name, store) for study in SCALING}
    grown, budget = scaling.numbers(runs), _stored("rivals", store)
    pruned = rivals.numbers(budget)
    fewer = rivals.other_numbers({one.name: _stored(one.name, store) for one in RIVALS})
    penalties = variants.results.numbers(
        {one.name: _stored(one.name, store) for one in variants.STUDIES}
    )
    wide = find_study("paper-size").stored("paper", store)
    size = paper_size.numbers(wide)
    paper = {row.method: row.cifar10 for row in published.TABLE2}
    return {
        "paper_sgd": f"{paper[SGD]:.2f}",
        "paper_sparse": f"{paper[B50]:.2f}",
        "paper_local": f"{paper[LOCAL]:.2f}",
        "size_epochs": f"{wide[0].config.epochs}",
        **{
            f"size_{name}": size[f"size-{name}"]
            for name in ("sgd", "sparse", "gain", "first", "left", "all", "share")
        },
        "size_paper": size["size-paper-sgd"],
        "width": own["own-alpha"],
        "local": own["local-gain"],
        "gain": ahead(grown["seeds-gain"]),
        "n": grown["seeds-n"],
        "searched_closed": grown["searched-gap"],
        "searched_closed_n": grown["searched-local-n"],
        "own_zero": ahead(grown["own-zero-last"]),
        "same_width": ahead(grown["own-local-last"]),
        "searched": grown["searched-gain"],
        "searched_n": grown["searched-n"],
        "searched_epochs": f"{runs['recipe-length-search'][0].config.epochs}",
        "three": grown["flips-three"],
        "three_n": grown["flips-others-n"],
        "three_epochs": f"{runs['flips'][0].config.epochs}",
        "widest": grown["showpiece-accuracy"],
        "widest_sgd": grown["showpiece-sgd"],
        "rival": pruned["rival-gradual"],
        "rival_n": pruned["rival-n"],
        "rival_share": pruned["share-many"],
        "rival_fewer": pruned["share-few"],
        "fewer_gradual": fewer["few-gradual"],
        "fewer_one_shot": fewer["few-one-shot"],
        "fewer_n": fewer["few-n"],
        "rival_epochs": f"{budget[0].config.epochs}",
        "variant": penalties["searched-accuracy"],
        "variant_left": penalties["searched-left"],
        "variant_sgd": penalties["searched-sgd"],
        "variant_gap": penalties["searched-gap"],
        "variant_n": penalties["searched-n"],
        "variant_local": penalties["searched-local"],
        "variant_grid": penalties["wide-grid"],
        "scattered": penalties["scattered-none"],
        "published": grown["gap-paper"],
        "closed": grown["gap-last"],
        "closed_n": grown["gap-n"],
        "local_n": own["local-n"],
        "epochs": f"{next(iter(found)).epochs}",
        "filters": f"{wide[0].config.base_channels}",
    }


def table(store: RunStore) -> str:
    """Return the claims that are `SHOWN`, by setting, as a plain Markdown table."""
    source = claims.matrix(store)
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
    (first, bullets), caption = SUMMARY.format(**known).split("\n\n"), CAPTION.format(**known)
    cited = _wrapped(first.replace("The paper", "The paper {cite}`neyshabur2020`", 1))
    first, caption = _wrapped(first), _wrapped(caption)
    bullets = "\n".join(_wrapped(f"- {one}") for one in bullets.removeprefix("- ").split("\n- "))
    hero = f"```{{figure}} _static/{PICTURE.name}\n:name: fig-hero\n\n{caption}\n```"
    plain = f"![{_one_line(caption)}](book/_static/{PICTURE.name})\n\n*{_one_line(caption)}*"
    return {
        README: {"summary": f"{first}\n\n{plain}\n\n{bullets}", "table": table(store)},
        INTRO: {"summary": f"{cited}\n\n{hero}\n\n{bullets}"},
    }


def update(store: RunStore) -> None:
    """Write what README and the first page have from the records, and draw the picture anew."""
    import matplotlib.pyplot as plt

    write(store)
    plots.use_style()
    figure = figures.hero(*_shown(store))
    figure.savefig(PICTURE, dpi=200, metadata={"Comment": stamp(store)})
    plt.close(figure)


def write(store: RunStore) -> None:
    """Write the summary into README and the first page, and the table into README."""
    for page, parts in sections(store).items():
        text = page.read_text()
        for mark, content in parts.items():
            start, end = _marks(mark)
            before, after = text[: text.index(start)], text[text.index(end) + len(end) :]
            text = f"{before}{start}\n{content}\n{end}{after}"
        page.write_text(text)


def is_current(store: RunStore) -> bool:
    """Whether README, first page and picture are those that the records give."""
    from PIL import Image

    for page, parts in sections(store).items():
        text = page.read_text()
        for mark, content in parts.items():
            start, end = _marks(mark)
            if f"{start}\n{content}\n{end}" not in text:
                return False
    with Image.open(PICTURE) as image:
        return image.info.get("Comment") == stamp(store)


def stamp(store: RunStore) -> str:
    """Return a hash of our values that the picture shows."""
    found, filters = _shown(store)
    values = [(config.run_id, compare.accuracies(runs)) for config, runs in found.items()]
    return hashlib.sha256(repr((values, list(filters))).encode()).hexdigest()


def _shown(store: RunStore) -> tuple[Conditions, Mapping[str, np.ndarray]]:
    wide = compare.by_method(find_study("paper-size").stored("paper", store))
    shown = figure4.smooth.pictures(wide[B50], wide[SGD])
    return pareto.gather(store)[pareto.RECIPE], shown


def _stored(name: str, store: RunStore) -> Sequence[Record]:
    return find_study(name).stored("desk", store)


def _marks(mark: str) -> tuple[str, str]:
    return f"<!-- {mark}: lcs book --update -->", f"<!-- end of {mark} -->"


def _wrapped(text: str) -> str:
    # a line that begins with % would be a comment
    whole = " ".join(text.split()).replace(" %", "\N{NO-BREAK SPACE}%")
    return textwrap.fill(whole, 100, subsequent_indent="  " if text.startswith("- ") else "")


def _one_line(text: str) -> str:
    return " ".join(text.split())
