"""How far every study is: which runs it has, and which it lacks."""

from __future__ import annotations

from typing import Any, NamedTuple

from lcs.analysis.tables import as_typed
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


def progress(store: RunStore) -> list[Progress]:
    """Return how far every study is, at every scale but smoke; the largest scale last."""
    records = {record.run_id: record for record in store.records()}

    def find(run: RunConfig) -> Record | None:
        return records.get(run.run_id)

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
            found = study.runs(scale, find=find, **{"seeds": None, **changes})
        given = changes if scale == "desk" else {"scale": scale, **changes}
        options = "".join(f" --{name} {value}" for name, value in given.items())
        command = as_typed(f"lcs study {study.name}{options}")
        done = [record for record in found.values() if record]
        lacking = [config for config, record in found.items() if record is None]
        every.append(Progress(study, chapter, scale, title, done, lacking, command, waits_for))
    return every
