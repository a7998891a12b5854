"""The command line: `lcs data | train | study | runs | doctor | book`.

Results go to stdout, messages to stderr. Exit codes: 0 done, 1 an error said in one line, 2 a wrong
command line, 75 paused because the time budget is spent (the same command goes on), 130
interrupted, 143 ended by SIGTERM.

Only what a command uses is imported, inside it: torch alone takes seconds to import.
"""

from __future__ import annotations

import dataclasses
import inspect
import io
import json
import math
import os
import signal
import sys
import typing
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

try:
    import typer

    from lcs.config import CHOICES, RANGES, Config
    from lcs.errors import LcsError, Paused
except KeyboardInterrupt:
    sys.exit(130)

EXIT_PAUSED = 75
EXIT_INTERRUPTED = 130
EXIT_TERMINATED = 143
# typer shows its users no common base of these errors
WrongCommandLine: type[Exception] = typer.BadParameter.__mro__[2]

app = typer.Typer(
    help="Learning Convolutions from Scratch: train, study, and keep the records.",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
data_app = typer.Typer(help="Obtain and check data sets.", no_args_is_help=True)
runs_app = typer.Typer(help="List, check and move run records.", no_args_is_help=True)
app.add_typer(data_app, name="data")
app.add_typer(runs_app, name="runs")


def _folder(text: str) -> Path:
    """Return a path that is given; an empty one would be the current folder.

    In `--store=~/runs` the shell leaves the home folder to the command.
    """
    from lcs.files import expanded

    if not text:
        raise typer.BadParameter("the name of the folder is empty")
    return expanded(text)


Store = Annotated[
    Path | None,
    typer.Option(help="Folder of records; default: your own.", parser=_folder, metavar="PATH"),
]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")]
Budget = Annotated[float | None, typer.Option(help="Stop at a checkpoint within so many minutes.")]
Seconds = Annotated[float, typer.Option(help="Least time between checkpoints.")]
Seeds = Annotated[
    int | None, typer.Option(help="Seeds 0, 1, … of each run; default: as many as in the book.")
]


def _version(asked: bool) -> None:
    if not asked:
        return
    from importlib import metadata

    try:
        print(metadata.version("lcs"))
    except metadata.PackageNotFoundError:
        raise LcsError("lcs is not installed; pyproject.toml has the version") from None
    raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Learning Convolutions from Scratch: train, study, and keep the records."""


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; every error is one line on stderr."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(EXIT_TERMINATED))  # as Ctrl-C, not at once
    for stream in (sys.stdout, sys.stderr):  # a terminal may lack letters such as α
        if isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
            stream.reconfigure(errors="backslashreplace")
    try:
        status = app(arguments, standalone_mode=False, prog_name="lcs")
        sys.stdout.flush()
    except Paused as pause:
        sys.exit(_say(str(pause), EXIT_PAUSED))
    except LcsError as error:
        sys.exit(_say(f"error: {error}", 1))
    except WrongCommandLine as error:
        text = str(error.format_message())  # type: ignore[attr-defined]
        sys.exit(_say(f"error: {text}", 2) if text else 2)  # none where help was printed instead
    except ModuleNotFoundError as error:
        if (error.name or "lcs").partition(".")[0] == "lcs":
            raise
        text = f"error: {error.name} is not installed; in the checkout, pip install -e '.[book]'"
        sys.exit(_say(f"{text} brings all packages", 1))
    except OSError as error:
        if error.filename is None and sys.stdout is sys.__stdout__:
            # stdout is full or closed: Python, too, would fail to flush it as it ends
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            if isinstance(error, BrokenPipeError):  # its reader, as `head`, has read enough
                sys.exit(1)
        place = "" if error.filename is None else f"{error.filename}: "
        sys.exit(_say(f"error: {place}{error.strerror or error}", 1))
    except (KeyboardInterrupt, typer.Abort):
        status = EXIT_INTERRUPTED
    except SystemExit as end:  # by SIGTERM, or by typer: the reader of stdout has read enough
        status = end.code
    if status in (EXIT_INTERRUPTED, EXIT_TERMINATED):  # typer itself returns the first
        _say("interrupted; the same command goes on from the last checkpoint")
    sys.exit(status if isinstance(status, int) else 0)


def _say(text: str, status: int = 0) -> int:
    print(f"lcs: {' '.join(text.split())}", file=sys.stderr)
    return status


def _train(
    store: Store = None,
    device: Device = "auto",
    budget_minutes: Budget = None,
    checkpoint_seconds: Seconds = 60.0,
    **fields: Any,
) -> None:
    """Train one network, or go on with it; the last line printed is its record's path."""
    from lcs.train import train

    record = train(
        Config.from_dict(fields),
        store=_store(store),
        device=device,
        budget_minutes=budget_minutes,
        checkpoint_seconds=checkpoint_seconds,
    )
    print(record.path)


def _with_config_options(function: Callable[..., None]) -> Callable[..., None]:
    """Replace `**fields` by one option for each field of `Config`, with its meaning as help."""
    allowed = {name: f"{low:.10g} to {high:.10g}" for name, (low, high) in RANGES.items()}
    allowed |= {name: ", ".join(choices) for name, choices in CHOICES.items()}
    hints = typing.get_type_hints(Config, include_extras=True)
    options = []
    for field in dataclasses.fields(Config):
        kind, meaning = typing.get_args(hints[field.name])
        text = f"{meaning[0].upper()}{meaning[1:]}."
        if field.name in allowed:
            text += f" Values: {allowed[field.name]}."
        options.append(
            inspect.Parameter(
                field.name,
                inspect.Parameter.KEYWORD_ONLY,
                default=field.default,
                annotation=Annotated[kind, typer.Option(help=text)],
            )
        )
    own = inspect.signature(function, eval_str=True)
    kept = [p for p in own.parameters.values() if p.kind is not inspect.Parameter.VAR_KEYWORD]
    parameters = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in kept] + options
    function.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    function.__annotations__ = {p.name: p.annotation for p in parameters}
    return function


app.command("train")(_with_config_options(_train))


@app.command()
def study(
    name: Annotated[
        str, typer.Argument(help="The study, for example table2; the page Status lists all.")
    ],
    scale: Annotated[
        str | None,
        typer.Option(help="smoke, desk or paper; default: desk, of the paper's size alone paper."),
    ] = None,
    seeds: Seeds = None,
    betas: Annotated[
        list[float] | None, typer.Option(help="A β of its runs; may be repeated.")
    ] = None,
    store: Store = None,
    device: Device = "auto",
    dataset: Annotated[str | None, typer.Option(help="Default: the scale's own.")] = None,
    base_channels: Annotated[int | None, typer.Option(help="Default: the scale's own.")] = None,
    epochs: Annotated[int | None, typer.Option(help="Default: the scale's own.")] = None,
    plan: Annotated[bool, typer.Option("--plan", help="Only say what is missing.")] = False,
    choose: Annotated[
        bool, typer.Option("--choose", help="Write what a search found best to chosen.json.")
    ] = False,
    budget_minutes: Budget = None,
    checkpoint_seconds: Seconds = 60.0,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Runs that train at once on a machine.")
    ] = None,
    on: Annotated[
        str | None, typer.Option(help="processes (of this machine) or ray; default: $LCS_ON.")
    ] = None,
    address: Annotated[
        str | None, typer.Option(help="Ray's cluster; default: $RAY_ADDRESS, or one made here.")
    ] = None,
    gpus_per_run: Annotated[float, typer.Option(help="Share of a GPU for a run on Ray.")] = 1.0,
    shard: Annotated[
        str | None, typer.Option(help="i/n: part i of n alone, i from 1, for array jobs.")
    ] = None,
) -> None:
    """Train the runs of a study that the store lacks; print the paths of all its records."""
    from lcs.errors import ConfigError
    from lcs.exhibits import find_study
    from lcs.exhibits.settings import undecided

    place, chosen = _store(store), find_study(name)
    scale = scale or chosen.usual_scale
    if choose:
        others = (seeds, dataset, base_channels, epochs, budget_minutes, shard)
        if plan or betas or any(value is not None for value in others):
            raise typer.BadParameter("--choose trains nothing: it takes --scale and --store only")
        from lcs.exhibits.searches import write_choice

        print(json.dumps(write_choice(name, place, scale)))
        return
    changes: dict[str, Any] = {"dataset": dataset, "base_channels": base_channels, "epochs": epochs}
    changes |= {"betas": betas} if betas else {}
    options = {"store": place, "device": device, "workers": workers, "on": on, "address": address}
    options |= {"gpus_per_run": gpus_per_run, "shard": shard, **changes}
    if scale != "smoke" and (searches := undecided(chosen)):
        raise ConfigError(
            f"{name}: {searches[0]} has not chosen its hyperparameters yet; "
            f"run `lcs study {searches[0]}`, then `lcs study {searches[0]} --choose`"
        )
    if plan:
        from lcs.study.base_study import check_options

        check_options("cpu", budget_minutes, checkpoint_seconds, workers, on, gpus_per_run)
        print(chosen.plan(scale, seeds, **options))
        return
    options |= {"budget_minutes": budget_minutes, "checkpoint_seconds": checkpoint_seconds}
    for record in chosen.train(scale, seeds, **options):
        print(record.path)


@runs_app.command("list")
def list_runs(store: Store = None) -> None:
    """Print one line for each record: id, path, and the accuracy of the last epoch."""
    from lcs.errors import RecordError
    from lcs.runs import read_record

    places = _stores(store)
    if not any(place.paths() for place in places):
        _say(f"no records in {' or '.join(str(place.root) for place in places)}")
    bad = 0
    for owner, path in [(each, path) for each in places for path in each.paths()]:
        try:
            record = read_record(path, owner.root)
        except RecordError as error:
            bad = _say(f"error: {error}", 1)
            continue
        shown = "" if math.isnan(record.accuracy) else f"{100 * record.accuracy:6.2f} %"
        print(f"{record.run_id:16} {shown:9} {record.path}")
    raise typer.Exit(bad)


@runs_app.command()
def show(run_id: str, store: Store = None) -> None:
    """Print a record."""
    print(_stores(store)[0].by_id(run_id).path.read_text(encoding="utf-8"), end="")


@runs_app.command()
def verify(store: Store = None) -> None:
    """Check every record against its checksum and its id; name the bad ones."""
    from lcs.runs import verify as verify_store

    places = _stores(store)
    problems = [problem for place in places for problem in verify_store(place)]
    for problem in problems:
        _say(f"error: {problem}")
    count = sum(len(place.paths()) for place in places)
    print(f"{count - len(problems)} records whole, {len(problems)} bad")
    raise typer.Exit(1 if problems else 0)


@runs_app.command("import")
def import_runs(
    sources: Annotated[
        list[Path],
        typer.Argument(help="Records, or folders of them.", parser=_folder, metavar="PATH"),
    ],
    store: Annotated[
        Path | None,
        typer.Option(help="Their new place; default: the book's.", parser=_folder, metavar="PATH"),
    ] = None,
    filters: Annotated[
        bool, typer.Option(help="Whether files of filters come with them, for figures.")
    ] = True,
) -> None:
    """Copy checked records, with their filters, into a store (default: the book's)."""
    from lcs.runs import PUBLISHED, paths_in

    if store is None and not PUBLISHED.is_dir():
        raise LcsError("the book is not part of the installed package: name a folder by --store")
    place = _store(store or PUBLISHED)
    for path in [path for source in sources for path in paths_in(source)]:
        print(place.take(path, filters=filters).path)


@runs_app.command()
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

    outcome = replay_record(_stores(store)[0].by_id(run_id), epochs, device)
    print(outcome.text)
    raise typer.Exit(0 if outcome.agrees else 1)


@data_app.command("get")
def get_data(name: str) -> None:
    """Obtain a data set, check it, and print where it is."""
    from lcs.data import download

    print(download.get(name))


@data_app.command("import")
def import_data(name: str, file: Path) -> None:
    """Check a prepared .npz and take it over."""
    from lcs.data import download

    print(download.import_npz(name, file))


@data_app.command("verify")
def verify_data(name: str) -> None:
    """Check a data set's file against its pinned checksums."""
    from lcs import data

    print(data.verify(name))


@data_app.command("list")
def list_data() -> None:
    """Print every data set, its state and its file."""
    from lcs import data

    for name, path, state in data.available():
        print(f"{name:11} {state:12} {path or ''}")


@app.command()
def doctor(device: Device = "auto") -> None:
    """Say what this machine has and can do, in about a minute; exit 1 if a check fails."""
    from lcs.doctor import examine
    from lcs.exhibits import find_study
    from lcs.train.device import choose_device

    desk: dict[str, Any] = {"table2": find_study("table2").configs("desk")}
    failed = False
    for finding in examine(choose_device(device), desk):
        print(finding, flush=True)
        failed |= finding.good is False
    raise typer.Exit(failed)


@app.command()
def book(
    chapter: Annotated[str | None, typer.Argument(help="A chapter to run anew.")] = None,
    parameter: Annotated[
        list[str] | None, typer.Option("-p", "--parameter", help="name=value; may be repeated.")
    ] = None,
    update: Annotated[
        bool, typer.Option("--update", help="Execute in place with the stored parameters.")
    ] = False,
) -> None:
    """Render the book from stored outputs; with a chapter, run that anew and render it alone."""
    if parameter and (update or chapter is None):
        raise typer.BadParameter("-p is for running one chapter anew: name it, without --update")
    words = {}
    for text in parameter or []:
        name, equals, word = text.partition("=")
        if not equals:
            raise typer.BadParameter(f"parameter {text!r}: give name=value")
        words[name] = word

    from lcs.exhibits import book as pages

    if update:
        from lcs.exhibits import summary
        from lcs.runs import PUBLISHED, RunStore

        for name in pages.chapters() if chapter is None else [chapter]:
            print(pages.update(name))
        summary.update(RunStore(PUBLISHED))
    elif chapter is not None:
        print(pages.rerun(chapter, pages.parse(chapter, words)))
    else:
        print(pages.render())


def _store(folder: Path | None) -> Any:
    from lcs.runs import RunStore, default_store

    return default_store() if folder is None else RunStore(folder)


def _stores(folder: Path | None) -> list[Any]:
    """Return the stores to read: the one that is named, else the reader's own and the book's."""
    from lcs.runs import named_store

    return [*_store(None).chain()] if folder is None else [named_store(str(folder))]
