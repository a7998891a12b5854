"""What the book shows: a module for each of its pages.

An exhibit is a module of this package, its `STUDIES` and its `CLAIMS`, and a notebook of the same
name, whose cells make tables and figures by `lcs.analysis`. It imports no other exhibit.

- Pages that are no exhibits gather from all of them: `claims`, `status`, `records`.
- `book`: how chapters are rerun with other parameters, executed in place, and rendered, and what
  README takes of the first page; `environment`: in which; `skeleton`: a new exhibit;
  `typography`: numbers that do not break over lines; `choose`: what a search chose is written.
"""

from __future__ import annotations

import functools
import importlib
from types import ModuleType
from typing import TYPE_CHECKING

from lcs.errors import ConfigError, did_you_mean

if TYPE_CHECKING:
    from lcs.study import Study

# in the order in which Claims, Status and the command line list what they declare
EXHIBITS = (
    "toy", "table2", "scaling", "rivals", "figure3", "figure4", "origin", "deeper", "sample_size",
    "sound", "engine",
)  # fmt: skip


def exhibit(name: str) -> ModuleType:
    """Return the module of an exhibit."""
    return importlib.import_module(f"lcs.exhibits.{name}")


def by_chapter() -> list[tuple[str, Study]]:
    """Return every study of the book after the name of its exhibit."""
    return [(name, study) for name in EXHIBITS for study in exhibit(name).STUDIES]


@functools.cache
def studies() -> dict[str, Study]:
    """Return every study of the book by its name, in the order of the exhibits."""
    return {study.name: study for _, study in by_chapter()}


def find_study(name: str) -> Study:
    """Return a study by its name.

    Raises:
        ConfigError: there is none of that name.
    """
    if name not in studies():
        if name in EXHIBITS:
            own = ", ".join(study.name for chapter, study in by_chapter() if chapter == name)
            raise ConfigError(f"study: {name} is a chapter; its studies: {own or 'none'}")
        close = did_you_mean(name, studies())
        raise ConfigError(f"study: unknown name {name!r}{close}; `lcs study` lists all")
    return studies()[name]
