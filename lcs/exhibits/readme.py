"""What README and the first page open with: summary, picture and five claims, from the records."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lcs.exhibits import claims, compare, figure4, find_study, plots
from lcs.exhibits.claims import UNTESTED
from lcs.exhibits.compare import Conditions
from lcs.exhibits.fewest_weights import figures, fronts
from lcs.exhibits.methods import B50, LOCAL
from lcs.exhibits.rivals import results as rivals
from lcs.exhibits.scaling import flips, threshold, tuned
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
At the widths that two processor cores can train, β-LASSO makes a fully connected network sparse
and its filters local. At α = {width}, with about {times} times fewer weights, it slightly exceeds
the accuracy of dense SGD. It does not close the gap to S-LOCAL, whose filters are local by design:
S-LOCAL is {same_width} points ahead at the same width, and {local} with as few weights.

- **Accuracy at α = {width}.** By the paper's recipe β-LASSO (β = 50) reaches {accuracy} % on
  CIFAR-10 with {weights} weights, {gain} points more than dense SGD with {dense} (n = {n}). With
  flips and crops, and twelve candidates of hyperparameters for each method, it is {searched} points
  ahead of SGD after {searched_epochs} epochs (n = {searched_n}). The threshold helps: β = 50 is
  {threshold} points ahead of β = 0 with the same λ, and {own_zero} of β = 0 with a λ of its own
  (n = {threshold_n}). None of these gains remains significant after correction for many
  comparisons.
- **Locality.** With augmentation the filters are far more local than chance, and more local than
  those of dense SGD; without it, barely. Within β-LASSO this locality comes from the ℓ1 penalty,
  not from the threshold. But filters of SGD with momentum and weight decay, pruned to as few
  weights, are on average at least as local (single runs at α = 4 and 32).
- **Narrow networks.** By the paper's recipe β = 50 is behind SGD with momentum and weight decay up
  to α = 4, and 3-FC, a plain fully connected network with as many weights as dense S-FC, is ahead
  of both. At α = 1 without augmentation, as in the student reproduction, β-LASSO beats SGD, which
  overfits, but a large β costs accuracy.
- **Pruning at α = 1.** After {rival_epochs} epochs with flips and crops and with about as many
  weights in each layer, gradual magnitude pruning is {rival} points ahead of β = 50
  (n = {rival_n}), without an ℓ1 penalty; this, too, is before the correction. Their filters cannot
  be told apart by their locality. Pruning was tuned at this width, partly after test results had
  been seen, β = 50 at α = 8.
- **The gap to S-LOCAL.** The paper reports that β = 50 closes {published} % of the gap between SGD
  and S-LOCAL at α ≈ 150 after 4000 epochs. Here it closes {closed} %, with the 95 % interval in
  brackets, at α = {width} after {epochs} epochs (n = {closed_n}); with flips and crops after
  {searched_epochs} epochs it closes {searched_closed} % (n = {searched_closed_n}). Nothing has been
  run at the paper's size yet."""
CAPTION = """\
Left: test accuracy on CIFAR-10 against remaining weights by the paper's recipe, {epochs} epochs;
small dots are seeds, large ones their means, numbers the width α; β = 50 has two λ at α = 8. Solid
line: Pareto front of all networks; dotted: of S-FC. Right: first-layer filters at α = {filters},
with flips and crops, 100 epochs, SGD without momentum and weight decay; zero is grey."""


def numbers(store: RunStore) -> dict[str, str]:
    """Return the numbers of `SUMMARY`, in words."""
    found = fronts.gather(store)[fronts.RECIPE]
    own = fronts.recipe_numbers(found)
    runs = {name: _stored(name, store) for name in ("scaling-threshold", "scaling-seeds")}
    sparse = threshold.numbers(runs["scaling-threshold"], runs["scaling-seeds"])
    tuned_runs = _stored("scaling-own", store)
    widths, by_lambda = compare.by_width(tuned_runs), tuned.numbers(tuned_runs)
    alike = _stored("recipe-length-search", store)
    searched = flips.numbers([*alike, *_stored("recipe-length-search-local", store)])
    budget = _stored("rivals", store)
    pruned = rivals.numbers(budget)
    return {
        "times": f"{float(own['own-times']):.0f}",
        "width": own["own-alpha"],
        "local": own["local-gain"],
        "accuracy": own["own-accuracy"],
        "weights": own["own-weights"],
        "gain": sparse["seeds-gain"].removeprefix("+"),
        "dense": own["sgd-weights"],
        "n": sparse["seeds-n"],
        "threshold": sparse["threshold-zero"],
        "own_zero": by_lambda["own-zero-last"].removeprefix("+"),
        "same_width": by_lambda["own-local-last"].removeprefix("+"),
        "threshold_n": f"{len(compare.by_method(runs['scaling-threshold'])[B50])}",
        "searched": searched["searched-gain"],
        "searched_n": searched["searched-n"],
        "searched_closed": searched["searched-gap"],
        "searched_closed_n": searched["searched-local-n"],
        "searched_epochs": f"{alike[0].config.epochs}",
        "rival": pruned["rival-gradual"].replace("+", ""),
        "rival_n": pruned["rival-n"],
        "rival_epochs": f"{budget[0].config.epochs}",
        "published": by_lambda["gap-paper"],
        "closed": by_lambda["gap-last"],
        "closed_n": f"{len(widths[max(widths)][LOCAL])}",
        "epochs": f"{next(iter(found)).epochs}",
        "filters": f"{max(r.config.base_channels for r in _stored('width', store))}",
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
    hero = f"```{{figure}} _static/{PICTURE.name}\n:name: fig-hero\n\n{caption}\n```"
    plain = f"![{_one_line(caption)}](book/_static/{PICTURE.name})\n\n*{_one_line(caption)}*"
    return {
        README: {"summary": f"{first}\n\n{plain}\n\n{bullets}", "table": table(store)},
        INTRO: {"summary": f"{first}\n\n{hero}\n\n{bullets}"},
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


def _shown(store: RunStore) -> tuple[Conditions, Mapping[str, np.ndarray | None]]:
    records = [*_stored("width", store), *_stored("filters", store)]
    rows = figure4.filters.by_method(records)
    shown = {title: images for title, images in rows.items() if not title.startswith("β = 0")}
    return fronts.gather(store)[fronts.RECIPE], shown


def _stored(name: str, store: RunStore) -> Sequence[Record]:
    return find_study(name).stored("desk", store)


def _marks(mark: str) -> tuple[str, str]:
    return f"<!-- {mark}: lcs book --update -->", f"<!-- end of {mark} -->"


def _one_line(text: str) -> str:
    return " ".join(text.split())
