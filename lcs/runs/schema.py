"""What a record may hold: the parts that are read by name and their types, and bounds on all else.

Nothing in a record can hold a reader up: texts are printable, and texts, lists, numbers and depths
have bounds. Every function raises ValueError with a reason in one line.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import NoneType
from typing import Any, NamedTuple

from lcs.runs.provenance import NUMERIC_PACKAGES

PARTS = {"schema", "kind", "id", "config", "history", "final", "filters", "provenance"}

MAX_TEXT, MAX_NAME = 10_000, 200
MAX_PARTS, MAX_DEPTH = 20_000, 8  # lists and mappings in all, and how deep they may be
# values of a list or mapping: in results, as of a toy's grid, and elsewhere
MAX_RESULTS, MAX_FEW = 100_000, 1000
LOWEST, HIGHEST = -1e300, 1e300


class Kind(NamedTuple):
    """Types that a value may have, and the lowest and highest number."""

    types: tuple[type, ...]
    lowest: float = 0
    highest: float = HIGHEST


COUNT, SHARE, TEXT, MAPPING = Kind((int,)), Kind((float,), 0, 1), Kind((str,)), Kind((dict,))
MEASURE = Kind((float, NoneType), LOWEST)  # None: nothing was measurable

# columns of a history, with a value for each recorded epoch, and those with such a list by layer
COLUMNS = {
    "epoch": COUNT,
    "lr": Kind((float,), 0, 1e3),
    "train_loss": Kind((float,)),
    "train_accuracy": SHARE,
    "test_accuracy": SHARE,
    "validation_accuracy": SHARE,
}
LAYER_COLUMNS = {"nonzeros": COUNT, "revived": COUNT, "forgone": COUNT, "norm": Kind((float,))}
OTHER_COLUMN = Kind((int, float), LOWEST)  # of another lcs
NEEDED = ("epoch", "lr", "train_loss", "train_accuracy", "nonzeros", "revived", "norm")

_OVER_FILTERS = {
    f"{of}{value}": MEASURE for of in ("", "null_", "excess_") for value in ("mean", "ci95")
}
_LOCALITY = ("spread", "window_mass", "morans_i", "row_mass", "column_mass")
# final measures of a training, with the last ones of its history
FINAL = {
    **{name: COLUMNS[name] for name in ("epoch", "lr", "train_loss", "train_accuracy")},
    "nonzeros": MAPPING,
    "weights": MAPPING,
    "flops": {"dense": COUNT, "sparse": COUNT},
    "evaluation_images": COUNT,
    "clean_train_accuracy": SHARE,
    "fan_in": MAPPING,
    "locality": {
        **dict.fromkeys(("eligible", "filters", "permutations", "window"), COUNT),
        **dict.fromkeys(_LOCALITY, _OVER_FILTERS),
    },
    "pair_correlation": [MEASURE],
    "equivariance": {
        "units": COUNT,
        **dict.fromkeys(("mean", "ci95", "null_mean", "excess_mean", "excess_ci95"), MEASURE),
    },
}
ORIGIN = {
    "commit": Kind((str, NoneType)),
    "unmodified": Kind((bool, NoneType)),
    "code": TEXT,
    "packages": dict.fromkeys(("python", *NUMERIC_PACKAGES), TEXT),
    "device": TEXT,
    "hardware": TEXT,
    "threads": Kind((int, NoneType)),
    "seconds": Kind((int, float)),
    "resumes": COUNT,
    "time": TEXT,
    "command": TEXT,
    "modes": MAPPING,
    "before_resume": [MAPPING],
    "code_before_resume": TEXT,
    "source_as_recorded": Kind((bool,)),
}
# what a record may lack: some of the book do
NOT_IN_ALL = {
    "time", "command", "modes", "before_resume", "code_before_resume", "source_as_recorded",
    "fan_in", "locality", "row_mass", "column_mass", "pair_correlation", "equivariance",
}  # fmt: skip


def check(name: str, value: Any, shape: Any) -> None:
    """Refuse a value of another shape.

    Args:
        name: what the value is called in a refusal.
        value: as JSON has it.
        shape: a `Kind`; a mapping of keys, beside which a value may have more, to shapes; or a list
            with the kind of every element.
    """
    if type(shape) is dict:
        require(type(value) is dict, f"{name}: not a mapping")
        for key, inner in shape.items():
            if key in value:
                check(key, value[key], inner)
            elif key not in NOT_IN_ALL:
                raise ValueError(f"{name}: lacks {key}")
    elif type(shape) is list:
        (kind,) = shape
        right = type(value) is list and {*map(type, value)} <= {*kind.types}
        require(right, f"{name}: not a list of values of its type")
        _check_range(name, [each for each in value if type(each) in (int, float)], kind)
    elif type(value) not in shape.types:
        raise ValueError(f"{name}: of type {type(value).__name__}")
    elif type(value) in (int, float):
        _check_range(name, [value], shape)


def check_column(name: str, values: Any, length: int, kind: Kind) -> None:
    """Refuse what is not a list of so many numbers of this kind."""
    require(type(values) is list and len(values) == length, f"{name}: not {length} values")
    check(name, values, [kind])


def _check_range(name: str, numbers: Sequence[float], kind: Kind) -> None:
    if numbers and not kind.lowest <= min(numbers) <= max(numbers) <= kind.highest:
        possible = f"{kind.lowest:g} to {kind.highest:g}"
        raise ValueError(f"{name}: out of range; {possible} is possible")


def check_bounds(name: str, value: Any, longest: int = MAX_FEW) -> None:
    """Refuse what no reader should have to read: texts, lists, numbers and depths out of bounds."""
    level, parts = [[value]], 0
    for _ in range(MAX_DEPTH):
        below: list[Any] = []
        for part in level:
            below += _check_part(name, part, longest)
        level, parts = below, parts + len(below)
        require(parts <= MAX_PARTS, f"{name}: holds more than {MAX_PARTS:,} lists")
        if not level:
            return
    raise ValueError(f"{name}: holds lists within lists too deep")


def _check_part(name: str, part: Any, longest: int) -> list[Any]:
    """Check the values of a list or mapping, but lists and mappings in it: these are returned."""
    items, texts = part, []
    if type(part) is dict:
        items, texts = [*part.values()], [*part]
        require(max(map(len, texts), default=0) <= MAX_NAME, f"{name}: holds too long a name")
    require(len(items) <= longest, f"{name}: holds a list of {len(items):,} values")
    kinds = {*map(type, items)}
    if str in kinds:
        texts += [item for item in items if type(item) is str]
        short = max(map(len, texts)) <= MAX_TEXT
        require(short, f"{name}: holds a text of more than {MAX_TEXT:,} letters")
    require("".join(texts).isprintable(), f"{name}: holds a text that is not printable")
    below: list[Any] = []
    if not kinds <= {int, float}:
        below = [item for item in items if type(item) is dict or type(item) is list]
        items = [item for item in items if type(item) is float or type(item) is int]
    within = not items or LOWEST <= min(items) <= max(items) <= HIGHEST
    require(within, f"{name}: holds a number out of range")
    return below


def require(condition: bool, reason: str) -> None:
    """Raise a ValueError unless a condition holds."""
    if not condition:
        raise ValueError(reason)
