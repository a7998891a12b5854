"""`lcs runs`: list, check, move and replay the records of runs."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated

import typer

from lcs.cli.options import Device, Store, folder, say, store_to_write, stores_to_read
from lcs.errors import LcsError

app = typer.Typer(help="List, check and move run records.", no_args_is_help=True)


@app.command("list")
def list_runs(store: Store = None) -> None:
    """Print one line for each record: id, path, and the accuracy of the last epoch."""
    from lcs.errors import RecordError
    from lcs.runs import read_record

    places = stores_to_read(store)
    if not any(place.paths() for place in places):
        say(f"no records in {' or '.join(str(place.root) for place in places)}")
    bad = 0
    for owner, path in [(each, path) for each in places for path in each.paths()]:
        try:
            record = read_record(path, owner.root)
        except RecordError as error:
            bad = say(f"error: {error}", 1)
            continue
        shown = "" if math.isnan(record.accuracy) else f"{100 * record.accuracy:6.2f} %"
        print(f"{record.run_id:16} {shown:9} {record.path}")
    raise typer.Exit(bad)


@app.command()
def show(run_id: str, store: Store = None) -> None:
    """Print a record."""
    print(stores_to_read(store)[0].by_id(run_id).path.read_text(encoding="utf-8"), end="")


@app.command()
def verify(store: Store = None) -> None:
    """Check every record against its checksum and its id; name the bad ones."""
    from lcs.runs import verify as verify_store

    places = stores_to_read(store)
    problems = [problem for place in places for problem in verify_store(place)]
    for problem in problems:
        say(f"error: {problem}")
    count = sum(len(place.paths()) for place in places)
    print(f"{count - len(problems)} records whole, {len(problems)} bad")
    raise typer.Exit(1 if problems else 0)


@app.command("import")
def import_runs(
    sources: Annotated[
        list[Path],
        typer.Argument(help="Records, or folders of them.", parser=folder, metavar="PATH"),
    ],
    store: Annotated[
        Path | None,
        typer.Option(help="Their new place; default: the book's.", parser=folder, metavar="PATH"),
    ] = None,
    filters: Annotated[
        bool, typer.Option(help="Whether files of filters come with them, for figures.")
    ] = True,
) -> None:
    """Copy checked records, with their filters, into a store (default: the book's)."""
    from lcs.runs import PUBLISHED, paths_in

    if store is None and not PUBLISHED.is_dir():
        raise LcsError("the book is not part of the installed package: name a folder by --store")
    place = store_to_write(store or PUBLISHED)
    for path in [path for source in sources for path in paths_in(source)]:
        print(place.take(path, filters=filters).path)


@app.command()
def replay(
    run_id: str,
    epochs: Annotated[int, typer.Option(help="How many of the first epochs.")] = 3,
    store: Store = None,
    device: Device = "auto",
) -> None:
    """Train a run's first epochs anew and compare: proof that the record came from this code.

    Of a run that starts from another network, that one is trained first, from its first epoch on.
    """
    from lcs.train.replay import replay as replay_record

    outcome = replay_record(stores_to_read(store)[0].by_id(run_id), epochs, device)
    print(outcome.text)
    raise typer.Exit(0 if outcome.agrees else 1)
