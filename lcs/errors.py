"""The errors that a user can meet: each is one line that says what is wrong and what to do."""

import difflib
from collections.abc import Iterable


class LcsError(Exception):
    """Base of every error that the command line prints as one line, without a traceback."""


class ConfigError(LcsError, ValueError):
    """A parameter is unknown, of the wrong type, or out of range."""


class NotChosen(ConfigError):  # noqa: N818 - a search may still choose
    """Hyperparameters of a study are not chosen yet, so that its runs are not known."""


class DataError(LcsError):
    """A data set is missing, truncated, altered or unreadable."""


class RecordError(LcsError):
    """A run record does not parse, or does not match its id or its checksum."""


class CheckpointError(LcsError):
    """A checkpoint cannot be read or written, or its run is already in progress."""


class InProgress(CheckpointError):  # noqa: N818 - it may end well
    """Another process trains the run."""


class DiskError(CheckpointError):
    """The checkpoint folder cannot be written; this stops every run."""


class TrainingError(LcsError):
    """A run cannot go on, for example because its loss is not finite."""

    run_id = ""  # of the run that failed within an epoch: it, or the source that it starts from


class Diverged(TrainingError):  # noqa: N818 - the state of a run
    """The loss or a weight of a run is not finite; trained again, it would end in the same way."""


class Paused(LcsError):  # noqa: N818 - not a failure
    """A run stopped at a checkpoint because its time budget is spent; the same command goes on."""


# what reading an ill-formed document can raise
ILL_FORMED = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError)


def did_you_mean(name: object, known: Iterable[str]) -> str:
    """Return "; did you mean x?" with the known name that is closest, "" where none is close."""
    close = difflib.get_close_matches(str(name).lower(), known, 1)
    return f"; did you mean {close[0]}?" if close else ""


def one_line(error: Exception) -> str:
    """Return what an error says, shortened to one line; the name of its type if that is nothing."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 160 else f"{text[:159]}…"


def shown(value: object) -> str:
    """Return a value as it stands in a message: on one line, and cut where it is long."""
    text = " ".join(repr(value).split())
    return text if len(text) <= 60 else f"{text[:57]}..."
