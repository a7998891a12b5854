"""The page Status: which studies are pending, what they cost, and which have been run."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from lcs import cost
from lcs.analysis import tables
from lcs.analysis.tables import Table
from lcs.config import RunConfig
from lcs.exhibits import by_chapter, find_study
from lcs.exhibits.shared.settings import missing_choices
from lcs.runs import Record, RunStore
from lcs.study.base_study import BaseStudy

DEVICES = {"desk": "cpu", "paper": "cuda"}


class Progress(NamedTuple):
    """A study at a scale: its runs with a record, and those without."""

    study: BaseStudy
    chapter: str
    scale: str
    title: str
    done: list[Record]
    lacking: list[RunConfig]
    command: str
    waits_for: list[str]  # searches without a choice: until then its runs are not known

    @property
    def pending(self) -> bool:
        """Whether runs are missing."""
        return bool(self.lacking or self.waits_for)

    @property
    def head(self) -> list[str]:
        """Title with a link to the chapter, and the setting."""
        return [f"[{self.title}]({self.chapter}.ipynb)", self.study.setting.label(self.scale)]


def progress(store: RunStore) -> list[Progress]:
    """Return how far every study is, at every scale but smoke; the largest scale last."""
    records = {record.config: record for record in store.records()}
    asked: list[tuple[str, BaseStudy, str, str, dict[str, Any]]] = [
        (scale, study, chapter, study.title, {})
        for scale in DEVICES
        for chapter, study in by_chapter()
        if scale in study.scales
    ]
    # on other data than its scale's own
    title, svhn = "S-FC on SVHN (Table 2, Figure 3)", {"dataset": "svhn", "seeds": 3}
    asked.append(("desk", find_study("figure3"), "table2", title, svhn))
    asked.sort(key=lambda one: [*DEVICES].index(one[0]))
    every = []
    for scale, study, chapter, title, changes in asked:
        found: dict[Any, Record | None] = {}
        if not (waits_for := missing_choices(study)):
            found = study.runs(scale, find=records.get, **{"seeds": None, **changes})
        given = changes if scale == "desk" else {"scale": scale, **changes}
        options = "".join(f" --{name} {value}" for name, value in given.items())
        command = tables.as_typed(f"lcs study {study.name}{options}")
        done = [record for record in found.values() if record]
        lacking = [config for config, record in found.items() if record is None]
        every.append(Progress(study, chapter, scale, title, done, lacking, command, waits_for))
    return every


def pending_table(every: Sequence[Progress], store: RunStore) -> Table:
    """Return what has not been run, what it costs by stored runs, and the command."""
    timed = list(store.records())
    rows = []
    for each in every:
        if each.waits_for:
            after = f"after `{each.waits_for[0]}`"
            rows.append([*each.head, after, tables.NONE, tables.NONE, each.command])
        elif each.lacking:
            runs = f"{len(each.lacking)} of {len(each.lacking) + len(each.done)}"
            times = {
                device: cost.total(each.study.seconds(each.lacking, device, timed))
                for device in (DEVICES[each.scale], "cuda")
            }
            costs = [
                cost.about(times[device]).removeprefix("about ") if device in times else tables.NONE
                for device in ("cpu", "cuda")
            ]
            rows.append([*each.head, runs, *costs, each.command])
    caption = (
        "Pending: how many of a study's runs are missing, and about how long they take one after "
        "the other, at the pace of the stored runs, on two cores, or on one GPU, whose runs may "
        "have shared it. Studies share runs, and each counts all of its own."
    )
    columns = ["study", "setting", "runs missing", "two cores", "one GPU", "command"]
    return Table("tab-pending", caption, columns, rows, text=columns[1:2] + columns[3:])


def done_table(every: Sequence[Progress]) -> Table:
    """Return the studies that have all of their runs, with the time that these took."""
    rows = [
        [*each.head, f"{len(each.done)}", _duration(each.done), each.command]
        for each in every
        if not each.pending
    ]
    caption = (
        "Done: the number of runs, and the sum of the times that they took, two at once on two "
        "cores, or on a GPU that runs may have shared. Studies share runs, and each counts all of "
        "its own."
    )
    columns = ["study", "setting", "runs", "time", "command"]
    return Table("tab-done", caption, columns, rows, text=["setting", "command"])


def numbers(every: Sequence[Progress], store: RunStore) -> dict[str, str]:
    """Return how many studies are done and pending, and the runs and times of both, in words."""
    pending = [each for each in every if each.pending]
    desk = [each for each in pending if each.scale == "desk"]
    timed = list(store.records())
    costs: dict[RunConfig, float | None] = {}  # runs that studies share are counted once
    for each in desk:
        costs |= zip(each.lacking, each.study.seconds(each.lacking, "cpu", timed), strict=True)
    return {
        "status-done": f"{len(every) - len(pending)}",
        "status-records": f"{len(timed):,}",
        "status-hours": _duration(timed),
        "status-pending": f"{len(desk)}",
        "status-missing": f"{len(costs)}",
        "status-cost": cost.about(cost.total(costs.values())),
        "status-paper": f"{len(pending) - len(desk)}",
    }


def _duration(records: Sequence[Record]) -> str:
    return cost.duration(sum(record.provenance["seconds"] for record in records))
