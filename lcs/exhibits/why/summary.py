"""What each change of the training adds to the gain of β = 50: a table of all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from lcs.exhibits import tables
from lcs.exhibits.compare import AGAINST, Conditions, conditions, pick
from lcs.exhibits.settings import STRONGER_L1
from lcs.exhibits.tables import Table
from lcs.exhibits.why.factorial import FACTORS, Contrast, changed_pairs, contrast
from lcs.exhibits.why.width import at_each_width
from lcs.runs import Record
from lcs.stats import Interval, surviving


class Comparison(NamedTuple):
    """One change of the training, in which study, and over what β = 50 is to gain.

    `before` and `after` are fields of the two conditions with β = 50.
    """

    text: str
    study: str
    over: str
    before: Mapping[str, object]
    after: Mapping[str, object]


STRONGER_L1_TEXT = (
    f"{tables.number(STRONGER_L1['l1'])} on the first layer and "
    f"{tables.number(STRONGER_L1['l1_rest'])} on the others"
)
_FREE, _STAY = {"frozen_zeros": False}, {"frozen_zeros": True}
SINGLE_CHANGES = (
    Comparison(
        "λ on the first layer alone",
        "first-layer",
        "β = 0",
        {"l1_rest": None, **_FREE},
        {"l1_rest": 0.0, **_FREE},
    ),
    Comparison("frozen zeros", "frozen", "β = 0", _FREE, _STAY),
    Comparison(
        "float32 instead of bfloat16",
        "precision",
        "SGD",
        {"precision": "bf16"},
        {"precision": "fp32"},
    ),
    Comparison("400 epochs instead of 100", "length", "β = 0", {"epochs": 100}, {"epochs": 400}),
    Comparison("1600 epochs instead of 400", "longer", "β = 0", {"epochs": 400}, {"epochs": 1600}),
)
WIDTHS = tuple(
    Comparison(
        f"width: α = {end} instead of {start}",
        study,
        over,
        {"base_channels": start},
        {"base_channels": end},
    )
    for study, start, end in (("width", 1, 4), ("width", 4, 8), ("wider", 8, 16))
    for over in ("β = 0", "SGD")
)


def by_study(runs: Mapping[str, Sequence[Record]]) -> dict[str, Conditions]:
    """Group every study's records; where one goes on from another, with those of that one."""
    found = {name: conditions(records) for name, records in runs.items()}
    found["longer"] = conditions([*runs["length"], *runs["longer"]])
    found["width"] = found["wider"] = conditions(at_each_width(runs))
    return found


def summary_table(runs: Mapping[str, Sequence[Record]]) -> Table:
    """Return what each change of the training adds to the gain of β = 50."""
    compared = compare_all(by_study(runs))
    known = beyond_chance([gain and gain.change for *_, gain in compared])
    rows = []
    for text, over, gain in compared:
        if gain is None:
            rows.append([text, over, tables.NONE, tables.NONE, tables.pending(), tables.NONE])
            continue
        before, after, change = map(tables.signed, gain)
        shown = f"**{change}**" if gain.change in known else change
        rows.append([text, over, before, after, shown, str(gain.change.n)])
    caption = (
        "What each change of the training adds to the gain of β = 50 over SGD, or over β = 0 at "
        "the same λ, in points of test accuracy: differences paired by seed, 95 % intervals over "
        "seeds; bold where they leave out zero after Holm's correction for all rows. The first "
        "changes are of the setting of Table 2; those of the factorial are means over its other "
        "factors, at 100 epochs; those of the width are with cross-entropy, flips and crops and "
        f"the stronger λ ({STRONGER_L1_TEXT}), at 100 epochs."
    )
    columns = ["change", "gain over", "before", "after", "change of the gain", "n"]
    return Table("tab-summary", caption, columns, rows, text=["gain over"])


def beyond_chance(changes: Sequence[Interval | None]) -> set[Interval]:
    """Return the changes that leave out zero after Holm's correction; pending ones count too."""
    tested = [one for one in changes if one is not None and one.half_width is not None]
    return surviving(tested, pending=len(changes) - len(tested))


def compare_all(found: Mapping[str, Conditions]) -> list[tuple[str, str, Contrast | None]]:
    """Return every change in the order of the table: its name, over what, and the gains."""

    def compared(question: Comparison) -> tuple[str, str, Contrast | None]:
        runs = found[question.study]
        one, other = (pick(runs, beta=50, **at) for at in (question.before, question.after))
        pairs = [(one, other)] if one and other else []
        return question.text, question.over, contrast(runs, pairs, AGAINST[question.over])

    crossed = found["factorial"]
    factors = [
        (text, over, contrast(crossed, changed_pairs(crossed, change), AGAINST[over]))
        for text, change in FACTORS.items()
        for over in ("β = 0", "SGD")
    ]
    return [*map(compared, SINGLE_CHANGES), *factors, *map(compared, WIDTHS)]
