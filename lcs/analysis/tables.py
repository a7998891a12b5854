"""Tables and numbers of the book, as MyST Markdown: captioned, numbered, and typeset by origin.

Published values carry a class of their own, so that they are not mistaken for ours.
"""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lcs.runs import BOOK_RUNS, Record

if TYPE_CHECKING:
    from pandas import DataFrame
else:  # importing an exhibit does not load pandas
    DataFrame = Any

NONE, PENDING = "–", "pending"


@dataclass(frozen=True)
class Table:
    """A numbered table; in a notebook, the last expression of a cell shows it.

    Caption and cells are Markdown. The first column and those of `text` are aligned left.
    """

    name: str  # label for `numref`
    caption: str = field(repr=False)  # what is shown need not be stored twice
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]] = field(repr=False)
    text: Sequence[str] = ()
    style: str = ""  # class of the table, known to the book's style sheet

    def __post_init__(self) -> None:
        """Turn every cell into text."""
        object.__setattr__(self, "rows", [[str(cell) for cell in row] for row in self.rows])

    def _repr_markdown_(self) -> str:
        lines = [f":::{{table}} {self.caption}", f":name: {self.name}"]
        lines += [*([f":class: {self.style}"] if self.style else []), ""]
        return "\n".join([*lines, self.body(), ":::"])

    def body(self) -> str:
        """Return the rows under their headings, as plain Markdown."""
        left = {self.columns[0], *self.text}
        marks = [":--" if heading in left else "--:" for heading in self.columns]
        return "\n".join(f"| {' | '.join(cells)} |" for cells in (self.columns, marks, *self.rows))


def table(
    rows: Any, name: str, caption: str, *, text: Sequence[str] = (), style: str = ""
) -> Table:
    """Return a numbered table.

    Args:
        rows: a DataFrame, whose index comes first if it has a name, or a mapping from the first
            cell of each row to the others by their headings.
        name: label for `numref`, `tab-…`.
        caption: Markdown.
        text: headings of columns that are aligned left, beside the first.
        style: class, known to the book's style sheet.
    """
    import pandas as pd

    if isinstance(rows, Mapping):
        rows = pd.DataFrame.from_dict(dict(rows), orient="index").rename_axis("")
    found = rows.reset_index() if rows.index.names != [None] else rows
    if found.empty:
        return Table(name, f"Not run yet. {caption}", ["state"], [[pending()]])
    cells = [[_cell(value) for value in row] for row in found.itertuples(index=False)]
    return Table(name, caption, [*map(str, found.columns)], cells, text=text, style=style)


def _cell(value: Any) -> str:
    if isinstance(value, float | np.floating):
        return rounded(float(value), 3) if np.isfinite(value) else NONE
    if isinstance(value, int | np.integer) and not isinstance(value, bool | np.bool_):
        return f"{value:,}"
    return NONE if value is None else f"{value}"


def glue(name: str, value: object) -> None:
    """Make a number or a text available to the prose of a page as ``{glue:text}`name:format```."""
    import myst_nb

    number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    myst_nb.glue(name, float(value) if number else f"{value}", display=False)  # type: ignore[arg-type]


def published(value: float | str | None, digits: int = 2, *, source: str = "") -> str:
    """Return a value of the paper, or of another source, marked as such."""
    if value is None:
        return NONE
    shown = value if isinstance(value, str) else f"{value:,.{digits}f}"
    return f"[{shown}]{{{' .'.join(filter(None, ('.published', source)))}}}"


# the same of the EPFL reproduction, and statements of the forum thread
reproduction = partial(published, source="reproduction")
forum = partial(published, source="forum")


def as_typed(command: str) -> str:
    """Return a command as code that runs as it stands, from the root of the project."""
    return "`" + re.sub(r"(?<![\w/-])(?=(lcs|python) )", ".venv/bin/", command) + "`"


def pending(reason: str = PENDING) -> str:
    """Return the mark of what has not been run."""
    return f"[{reason}]{{.pending}}"


def minus(text: str) -> str:
    """Return a number in words with the sign of a minus in the place of hyphens."""
    return text.replace("-", "−")


def number(value: float) -> str:
    """Return a number as one writes it: 2e-5, not 2e-05 or 0.00002."""
    return re.sub(r"\.?0+e-0?", "e-", f"{value:e}") if 0 < value < 1e-3 else f"{value:g}"


def rounded(value: float, digits: int = 2) -> str:
    """Return a number with so many significant digits, as one writes it: 100, not 1e+02."""
    close = float(f"{value:.{digits}g}")
    return number(close) if close < 1000 else f"{close:,.0f}"


def plain(text: object) -> str:
    """Return what a record says, such as its hardware, as one line without Markdown or HTML in it.

    A record is data that others may have made.
    """
    return re.sub(r"([\\`*_{}\[\]<>|$~^&#!])", r"\\\1", " ".join(str(text).split()))


def link(record: Record, text: str = "") -> str:
    """Return a link from a page to the record behind it; plain text where it is not the book's.

    In the built book it leads to the page of the run (`lcs.exhibits.records`).
    """
    shown, place = text or record.run_id, page(record, ".json")
    return f"[{shown}]({place})" if place else f"`{shown}`"


def page(record: Record, ending: str = ".html") -> str:
    """Return the address of a run's page, or of its record, which ends otherwise, from a chapter.

    "" where it is not the book's.
    """
    if not record.path.resolve().is_relative_to(BOOK_RUNS.resolve()):
        return ""
    place = os.path.relpath(record.path.with_suffix(ending), BOOK_RUNS.parent)
    return Path(place).as_posix()


def links(records: Sequence[Record]) -> str:
    """Return links to the runs of one method: their seeds."""
    return " ".join(link(record, record.run_id.rpartition("-s")[2]) for record in records)
