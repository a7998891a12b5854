"""`lcs runs`: list, check, move and replay the records of runs."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lcs.cli.options import FOLDER, Device, StoreRead, say, store_to_write, stores_to_read
from lcs.config import Config, ToyConfig
from lcs.config.run_config import defaults
from lcs.errors import LcsError, RecordError

if TYPE_CHECKING:  # for annotations alone
    from lcs.runs import Record

app = typer.Typer(help="List, check and move run records.", no_args_is_help=True)


@app.command("list")
def list_runs(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            help="Only records with all of these: a part of the path, or a setting, as beta=50.",
            metavar="[WORD...]",
        ),
    ] = None,
    store: StoreRead = None,
) -> None:
    """Print one line for each record: id, accuracy of the last epoch on test images, and path.

    A run on a validation split has the accuracy on that, marked by a v.
    """
    from lcs.runs import read_record

    places = stores_to_read(store)
    if not any(place.paths() for place in places):
        say(f"no records in {' or '.join(str(place.root) for place in places)}")
    bad = shown_runs = 0
    for owner, path in [(each, path) for each in places for path in each.paths()]:
        try:
            record = read_record(path, owner.root)
        except RecordError as error:
            bad = say(f"error: {error}", 1)
            continue
        found = [_has(record, word) for word in words or []]  # so that each is checked
        if not all(found):
            continue
        validated = "v" if getattr(record.config, "validation", False) else " "
        shown = "" if math.isnan(record.accuracy) else f"{100 * record.accuracy:6.2f} %{validated}"
        print(f"{record.run_id:16} {shown:10} {record.path}")
        shown_runs += 1
    if words and not shown_runs:
        say(f"no record has {' and '.join(words)}")
    raise typer.Exit(bad)


def _has(record: Record, word: str) -> bool:
    name, equals, value = word.partition("=")
    if not equals:
        return word in f"{record.path.parent.name}/{record.path.stem}"
    name = name.replace("-", "_")
    if name not in defaults(Config) | defaults(ToyConfig):
        raise LcsError(f"{word}: runs have no setting {name!r}; `lcs train --help` lists them")
    values = vars(record.config) if isinstance(record.config, Config) else record.config
    if name not in values:
        return False  # of another kind of run
    own, empty = values[name], value.lower() in ("none", "null")
    if own is None:
        return empty
    if type(own) in (int, float) and not empty:
        try:
            return bool(own == float(value))
        except ValueError:
            raise LcsError(f"{word}: {value!r} is not a number") from None
    return value.lower() == str(own).lower()


RunId = Annotated[
    str, typer.Argument(help="Its id or the start of it, or the file of its record.", metavar="ID")
]


@app.command()
def show(run_id: RunId, store: StoreRead = None) -> None:
    """Print a record."""
    print(stores_to_read(store)[0].by_id(run_id).path.read_text(encoding="utf-8"), end="")


@app.command()
def verify(store: StoreRead = None) -> None:
    """Check every record against its checksum and its id; name the bad ones."""
    from lcs.runs import verify as verify_store

    places = stores_to_read(store)
    problems = [problem for place in places for problem in verify_store(place)]
    for problem in problems:
        say(f"error: {problem}")
    count = sum(len(place.paths()) for place in places)
    if not count:
        roots = " or ".join(str(place.root) for place in places)
        raise RecordError(f"{roots}: there are no records; check the path")
    print(f"{count - len(problems)} records whole, {len(problems)} bad")
    raise typer.Exit(1 if problems else 0)


@app.command("import")
def import_runs(
    sources: Annotated[list[Path], typer.Argument(help="Records, or folders of them.", **FOLDER)],
    store: Annotated[
        Path | None, typer.Option(help="Their new place; default: the book's.", **FOLDER)
    ] = None,
    filters: Annotated[
        bool, typer.Option(help="Whether files of filters come with them, for figures.")
    ] = True,
) -> None:
    """Copy checked records, with their filters, into a store (default: the book's)."""
    from lcs.runs import BOOK_RUNS, record_paths

    if store is None and not BOOK_RUNS.is_dir():
        raise LcsError("the book is not part of the installed package: name a folder by --store")
    place, bad = store_to_write(store or BOOK_RUNS), 0
    for source in sources:
        try:
            paths = record_paths(source)
        except RecordError as error:  # the others are taken
            bad = say(f"error: {error}", 1)
            continue
        for path in paths:
            try:
                print(place.import_record(path, filters=filters).path)
            except RecordError as error:
                bad = say(f"error: {error}", 1)
    raise typer.Exit(bad)


@app.command()
def replay(
    run_id: RunId,
    epochs: Annotated[int, typer.Option(help="How many of the first epochs.")] = 3,
    store: StoreRead = None,
    device: Device = "auto",
    at_commit: Annotated[
        bool, typer.Option("--at-commit", help="By the code of the record's own commit.")
    ] = False,
) -> None:
    """Train a run's first epochs anew and compare: can the record have come from this code?

    By the same code, on the same processor, with the same versions, every digit has to be equal;
    elsewhere the numbers have to be close, and those of another seed or of similar settings may be
    close too. A line says first which of the two holds, and why.
    Of a run that starts from another network, that one is trained first, from its first epoch on.
    With --at-commit, this clone's git has the code; packages are those that are installed.
    """
    from lcs.train.replay import replay as replay_record

    outcome = replay_record(stores_to_read(store)[0].by_id(run_id), epochs, device, at_commit)
    print(outcome.text)
    raise typer.Exit(0 if outcome.agrees else 1)
