"""The README's table and picture: made from the records, so that they cannot fall behind them."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import matplotlib.pyplot as plt
from PIL import Image

from lcs.exhibits import claims, compare, find_study, plots, table2
from lcs.exhibits.claims import UNTESTED
from lcs.runs import PACKAGE, RunStore

README = PACKAGE.parent / "README.md"
PICTURE = PACKAGE.parent / "book" / "_static" / "headline.png"
START, END = "<!-- table: lcs book --update -->", "<!-- end of table -->"


# the claims that tell the story
SHOWN = (
    "S-FC with β-LASSO at β = 50 is better than with SGD",
    "β = 50 is better than β = 0",
    "β = 50 closes most of the gap between S-FC with SGD and S-LOCAL",
    "β = 50 leaves fewer weights in the first layer than S-LOCAL has",
    "The filters of β = 50 are more local than their own permutations",
)


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


def update(store: RunStore, readme: Path = README, picture: Path = PICTURE) -> None:
    """Write the table into the README, and draw the picture anew."""
    text = readme.read_text()
    before, after = text[: text.index(START)], text[text.index(END) + len(END) :]
    readme.write_text(f"{before}{START}\n{table(store)}\n{END}{after}")
    records = find_study("table2").stored("desk", store)
    if records:
        plots.use_style()
        figure = plots.accuracies(table2.accuracy_frame(records), compare.size_text(records))
        figure.savefig(picture, dpi=150, metadata={"Comment": stamp(store)})
        plt.close(figure)


def is_current(store: RunStore, readme: Path = README, picture: Path = PICTURE) -> bool:
    """Whether README and picture are those that the records give."""
    if f"{START}\n{table(store)}\n{END}" not in readme.read_text():
        return False
    with Image.open(picture) as image:
        return image.info.get("Comment") == stamp(store)


def stamp(store: RunStore) -> str:
    """Return a hash of our values that the picture shows."""
    groups = compare.by_method(find_study("table2").stored("desk", store))
    values = {str(name): compare.accuracies(runs) for name, runs in groups.items()}
    return hashlib.sha256(repr(values).encode()).hexdigest()
