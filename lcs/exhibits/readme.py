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

- **[The paper's size](paper_size.ipynb).** At α = 150 β-LASSO (β = 50) is {size_gain} points ahead
  of SGD, on training images as much as on test images ({size_epochs} epochs, AutoAugment, one run
  each). {size_left} first-layer weights remain, about as many as in the paper. They lie close
  together, but so do the largest ones of SGD. Hyperparameters are those of smaller networks, and
  the paper's 4000 epochs have not been run.
- **[Accuracy](scaling.ipynb).** At α = {width} β-LASSO is ahead of SGD with momentum and weight
  decay, by {gain} points with AutoAugment (n = {n}) and by {searched} with flips and crops
  ({searched_epochs} epochs, n = {searched_n}), before a correction for many comparisons. Up to
  α = 4 SGD is ahead (AutoAugment). At α = 32 β-LASSO whose zeros never return reaches {widest} % in
  one run, and SGD {widest_sgd} % in the better of two (flips and crops, 400 epochs).
- **[Other networks](scaling.ipynb).** S-LOCAL is {same_width} points ahead of β-LASSO at the same
  width and {local} with as few weights (AutoAugment, n = {closed_n} and {local_n}). 3-FC, a plain
  fully connected network of the same size, is {three} points ahead (flips and crops,
  {three_epochs} epochs, n = {three_n}).
- **[Threshold](why.ipynb).** At α = {width} β = 50 is {own_zero} points ahead of β = 0, each with
  its own λ (n = {closed_n}). In the setting of an earlier student reproduction (α = 1, no
  augmentation) a large β costs accuracy instead; both are before the correction. SGD overfits there
  and ends behind β = 50.
- **[Locality](figure4.ipynb).** With crops and a large enough λ, filters of β = 50 with at least 20
  weights are far more local than chance; without augmentation, hardly. The ℓ1 penalty makes them
  local, not the threshold. Filters of SGD with momentum and weight decay, pruned by size, are on
  average as local (single runs).
- **[Pruning](rivals.ipynb).** Gradual magnitude pruning to as few weights is ahead of β-LASSO, by
  {rival} points with {rival_share} % of the first layer and by {fewer_gradual} with
  {rival_fewer} %. One-shot pruning is level in the first case and {fewer_one_shot} points behind in
  the second (α = 1, {rival_epochs} epochs, n = {rival_n} and {fewer_n}, before the correction).
- **[A growing λ](variants.ipynb).** With λ(1 + d) at a distance of d pixels from a window of 9 × 9
  pixels, at a random place for each unit, β = 50 is {variant_sgd} points ahead of SGD and
  {variant_local} behind S-LOCAL (α = {width}, {searched_epochs} epochs, n = {variant_n}). With λ
  and η as without growth, windows of as many scattered pixels gain nothing ({scattered} points): it
  helps to restrict each unit to neighbouring pixels, wherever they lie."""
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
            for name in ("sgd", "sparse", "gain", "first", "left")
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
        "variant_sgd": penalties["searched-sgd"],
        "variant_gap": penalties["searched-gap"],
        "variant_n": penalties["searched-n"],
        "variant_local": penalties["searched-local"],
        "scattered": penalties["scattered-none"],
        "published": grown["gap-paper"],
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
    outside = bullets.replace("](", "](book/")
    hero = f"```{{figure}} _static/{PICTURE.name}\n:name: fig-hero\n\n{caption}\n```"
    plain = f"![{_one_line(caption)}](book/_static/{PICTURE.name})\n\n*{_one_line(caption)}*"
    return {
        README: {"summary": f"{first}\n\n{plain}\n\n{outside}", "table": table(store)},
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
    # no value is torn from its name or unit, and a line that begins with % would be a comment
    whole = re.sub(" (?=[%=≈])|(?<=[=≈]) ", "\N{NO-BREAK SPACE}", " ".join(text.split()))
    return textwrap.fill(whole, 100, subsequent_indent="  " if text.startswith("- ") else "")


def _one_line(text: str) -> str:
    return " ".join(text.split())
