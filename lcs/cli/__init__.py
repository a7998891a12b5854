"""The command line: `lcs data | train | study | runs | doctor | book`.

Results go to stdout, messages to stderr. Exit codes: 0 done, 1 an error, 2 a wrong command line, 75
paused, 130 interrupted, 143 ended. What a command uses is imported inside it: torch takes seconds.
"""

import getpass
import os
import signal
import sys
import warnings
from typing import Annotated

import typer

from lcs.cli import book, data, runs, training
from lcs.cli.options import Device, option, say
from lcs.errors import LcsError, Paused
from lcs.files import is_full

EXIT_PAUSED, EXIT_INTERRUPTED, EXIT_TERMINATED = 75, 130, 143
# typer shows its users no common base of these errors
WrongCommandLine: type[Exception] = typer.BadParameter.__mro__[2]


def doctor(device: Device = "auto") -> None:
    """Say what this machine has and can do, in about a minute; exit 1 if a check fails."""
    from lcs.doctor import examine
    from lcs.train.device import choose_device

    failed = False
    for good, text in examine(choose_device(device)):
        mark = {None: "-", True: "ok", False: "FAIL"}[good]
        print(f"{mark:5}{text}", flush=True)
        failed |= good is False
    raise typer.Exit(failed)


app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)
app.add_typer(data.app, name="data")
app.command()(training.train)
app.command()(training.study)
app.add_typer(runs.app, name="runs")
app.command()(doctor)
app.command()(book.book)


def _version(asked: bool) -> None:
    if asked:
        from importlib import metadata

        try:
            print(metadata.version("lcs"))
        except metadata.PackageNotFoundError:
            raise LcsError("lcs is not installed; pyproject.toml has the version") from None
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, option("Print the version.", "--version", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Learning Convolutions from Scratch: train, study, and keep the records."""


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; every error is one line on stderr."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(EXIT_TERMINATED))  # as Ctrl-C, not at once
    try:  # torch and others ask for a name, which a user of a container may not have
        getpass.getuser()
    except (KeyError, OSError):
        os.environ["LOGNAME"] = str(os.getuid())
    try:
        with warnings.catch_warnings():
            warnings.showwarning = lambda message, *_: say(f"warning: {message}")  # type: ignore
            status = app(arguments, standalone_mode=False, prog_name="lcs")
        sys.stdout.flush()
    except Paused as pause:
        status = say(str(pause), EXIT_PAUSED)
    except LcsError as error:
        status = say(f"error: {error}", 1)
    except WrongCommandLine as error:
        text = error.format_message()  # type: ignore[attr-defined]
        status = say(f"error: {text}", 2) if text else 2  # none where help was printed instead
    except ModuleNotFoundError as error:
        name = str(error.name).partition(".")[0]
        if name == "lcs" or name in sys.stdlib_module_names:
            raise
        advice = "in the checkout: pip install -e '.[book]'"
        status = say(f"error: {name} is not installed; {advice}", 1)
    except OSError as error:
        if error.filename is None and sys.stdout is sys.__stdout__:
            # stdout is full or closed: Python, too, would fail to flush it as it ends
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            if isinstance(error, BrokenPipeError):  # its reader, as `head`, has read enough
                sys.exit(1)
        place = error.filename and f"{error.filename}: "
        advice = f"; {'make room' if is_full(error) else 'check the path'}" if place else ""
        status = say(f"error: {place or ''}{error.strerror or error}{advice}", 1)
    except (KeyboardInterrupt, typer.Abort):
        status = EXIT_INTERRUPTED
    except SystemExit as end:  # by SIGTERM, or by typer: the reader of stdout has read enough
        status = end.code
    if status in (EXIT_INTERRUPTED, EXIT_TERMINATED):  # typer itself returns the first
        say("interrupted; the same command goes on from the last checkpoint, if there is one")
    sys.exit(status if isinstance(status, int) else 0)
