"""`lcs runs`: list, check, move and replay the records of runs."""

import contextlib
import math
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from lcs.cli.options import FOLDER, Device, Stores, argument, option, percent, say, stores_to_read
from lcs.config import Config
from lcs.config.run_config import defaults
from lcs.errors import LcsError, RecordError, did_you_mean

app = typer.Typer(help="List, check and move run records.", no_args_is_help=True)
RunId = Annotated[str, argument("Its id, or the start, or its record's file.", metavar="ID")]
Words = Annotated[
    list[str] | None,
    argument("Only records with all: parts of the path, settings as beta=50.", metavar="[WORD...]"),
]


@app.command("list")
def list_runs(words: Words = None, store: Stores = None) -> None:
    """Print one line for each record: id, accuracy of the last epoch on test images, and path.

    A run on a validation split has the accuracy on that, marked by a v.
    """
    from lcs.runs import read_record

    parts = [word for word in words or [] if "=" not in word]
    settings = [_setting(word) for word in words or [] if "=" in word]
    places = stores_to_read(store)
    every = [(place.root, path) for place in places for path in place.paths()]
    if not every:
        say(f"no records in {' or '.join(str(place.root) for place in places)}")
    bad = listed = 0
    for root, path in every:
        if not all(part in str(path.relative_to(root).with_suffix("")) for part in parts):
            continue
        try:
            record = read_record(path, root)
        except RecordError as error:
            bad = say(f"error: {error}", 1)
            continue
        if all(_has(record.config, name, value) for name, value in settings):
            marked = "v" if getattr(record.config, "validation", False) else " "
            shown = "" if math.isnan(record.accuracy) else f"{percent(record.accuracy):>8}{marked}"
            print(f"{record.run_id:16} {shown:10} {path}")
            listed += 1
    if words and not listed:
        say(f"no record has {' and '.join(words)}")
    raise typer.Exit(bad)


def _setting(word: str) -> tuple[str, str]:
    """Split "crop-padding=2" into the name of a field, and a value in small letters."""
    name, _, value = word.partition("=")
    known, name = defaults(Config), name.replace("-", "_")
    if name not in known:
        close = did_you_mean(name, known)
        raise LcsError(f"{word}: runs have no setting {name!r}{close}; see `lcs train --help`")
    return name, value.lower()


def _has(config: Any, name: str, value: str) -> bool:
    own = getattr(config, name, math.nan)  # which another kind of run lacks
    with contextlib.suppress(ValueError):
        if type(own) in (int, float):
            return bool(own == float(value))
    return value in (("none", "null") if own is None else (str(own).lower(),))


@app.command()
def show(run_id: RunId, store: Stores = None) -> None:
    """Print what came out of a run in a few lines on stderr, and its record, as JSON, on stdout."""
    from lcs.study import cost

    record = stores_to_read(store)[0].by_id(run_id)
    config, final, origin = record.config, record.final, record.provenance
    lines = [config.file]
    time = f"{cost.duration(origin['seconds'])} on {origin['device']} ({origin['hardware']})"
    if isinstance(config, Config):
        name, nonzeros, weights = config.accuracy_name, final["nonzeros"], final["weights"]
        left = percent(sum(nonzeros.values()) / sum(weights.values()))
        layers = ", ".join(f"{n} {nonzeros[n]:,} of {count:,}" for n, count in weights.items())
        trained = f"train accuracy {percent(final['train_accuracy'])}"
        lines.append(f"{name.replace('_', ' ')} {percent(record.accuracy)}, {trained}")
        lines.append(f"weights left: {left} ({layers})")
        time = f"{config.epochs} epochs in {time}"
    print(*lines, time, sep="\n", file=sys.stderr, flush=True)
    print(record.path.read_text(encoding="utf-8"), end="")


@app.command()
def verify(store: Stores = None) -> None:
    """Check every record against its checksum and its id; name the bad ones."""
    from lcs.runs import verify as verify_store

    places = stores_to_read(store)
    if not (count := sum(len(place.paths()) for place in places)):
        raise RecordError(f"{places[0].root}: there are no records; check the path")
    problems = [problem for place in places for problem in verify_store(place)]
    for problem in problems:
        say(f"error: {problem}")
    print(f"{count - len(problems)} records whole, {len(problems)} bad")
    raise typer.Exit(1 if problems else 0)


@app.command("import")
def import_runs(
    sources: Annotated[list[Path], argument("Records, or folders of them.", **FOLDER)],
    store: Annotated[Path | None, option("Their new place; default: the book's.", **FOLDER)] = None,
    filters: Annotated[bool, option("Whether files of filters come with them.")] = True,
) -> None:
    """Copy checked records, with their filters, into a store (default: the book's)."""
    from lcs.runs import BOOK_RUNS, RunStore, record_paths

    if store is None and not BOOK_RUNS.is_dir():
        raise LcsError("the book is not part of the installed package: name a folder by --store")
    place, bad = RunStore(store or BOOK_RUNS), 0
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
    epochs: Annotated[int, option("How many of the first epochs.")] = 3,
    store: Stores = None,
    device: Device = "auto",
    at_commit: Annotated[bool, option("By the record's own commit.", "--at-commit")] = False,
) -> None:
    """Train a run's first epochs anew and compare: can the record have come from this code?

    By the same code, on the same processor, with the same versions, every digit has to be equal;
    elsewhere the numbers have to be close. A line says first which of the two holds, and why.
    Of a run that starts from another network, that one is trained first, from its first epoch on.
    With --at-commit, this clone's git has the code; packages are those that are installed.
    """
    from lcs.train.replay import replay as replay_record

    outcome = replay_record(stores_to_read(store)[0].by_id(run_id), epochs, device, at_commit)
    print(outcome.text)
    raise typer.Exit(0 if outcome.agrees else 1)
