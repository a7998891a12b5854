"""What several commands share: options, the stores that they name, and messages."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lcs.files import expanded

if TYPE_CHECKING:
    from lcs.runs import RunStore


def folder(text: str) -> Path:
    """Return a path of the command line; an empty one would be the current folder."""
    if not text:
        raise typer.BadParameter("the name of the folder is empty")
    return expanded(text)  # in `--store=~/runs` the shell leaves the home folder to the command


def option(meaning: str, *names: str, **more: Any) -> Any:
    """Return an option of a command, named as its argument unless `names` are given."""
    return typer.Option(*names, help=meaning, **more)


def argument(meaning: str, **more: Any) -> Any:
    """Return a positional argument of a command."""
    return typer.Argument(help=meaning, **more)


FOLDER: dict[str, Any] = {"parser": folder, "metavar": "PATH"}
OF_RECORDS = "Folder of records; default: your own"
Store = Annotated[Path | None, option(f"{OF_RECORDS}.", **FOLDER)]
Stores = Annotated[Path | None, option(f"{OF_RECORDS}, and the book's.", **FOLDER)]
Device = Annotated[str, option("auto, cpu, cuda or cuda:N.")]


def store_to_write(named: Path | None) -> RunStore:
    """Return the store that is named, else the reader's own."""
    from lcs.runs import RunStore, default_store

    return default_store() if named is None else RunStore(named)


def stores_to_read(named: Path | None) -> list[RunStore]:
    """Return the store that is named, else the reader's own and the book's."""
    from lcs.runs import default_store, named_store

    return [*(named_store(str(named)) if named else default_store()).chain()]


def percent(share: float) -> str:
    """Return a share in per cent, as accuracies are printed."""
    return f"{100 * share:.2f} %"


def say(text: str, status: int = 0) -> int:
    """Print a message on stderr, in one line; return the exit code."""
    print("lcs:", *text.split(), file=sys.stderr)
    return status
