"""Which exhibits have been run in which setting, and the command and cost of the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from lcs import cost
from lcs.exhibits import EXHIBITS, exhibit, find_study, tables
from lcs.exhibits.engine import H200
from lcs.exhibits.tables import Table
from lcs.runs import Record, RunStore
from lcs.study import AnyStudy

SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
WHY_PENDING = {"desk": "not run yet", "paper": "needs a GPU"}


def table(store: RunStore) -> Table:
    """Return every study at every scale but smoke: what is done, and how the rest is had."""
    records = {record.config: record for record in store.records()}
    rows = []
    for chapter in EXHIBITS:
        for study in exhibit(chapter).STUDIES:
            for scale in study.scales[1:]:
                runs = study.runs(scale, None, records.get)
                state = _state(study, runs, scale, WHY_PENDING[scale], records.values())
                command = f"`lcs study {study.name} --scale {scale}`"
                rows.append([study.title, _link(chapter), *state, command])
    # on a data set other than its scale's own
    figure3 = find_study("figure3")
    runs = figure3.runs("desk", 3, records.get, dataset="svhn")
    state = _state(figure3, runs, "desk", "needs its data set", records.values())
    command = "`lcs study figure3 --dataset svhn --seeds 3`"
    rows.append(["S-FC on svhn (Table 2, Figure 3)", _link("table2"), *state, command])
    caption = (
        "What has been run. The cost of a finished exhibit is the time that all its runs took, "
        "two at once on two cores; that of a pending one is the number of floating-point "
        "operations of the missing runs, and for two cores the time that they would take one after "
        "the other at the median rate of the stored runs; at the paper's size the least time that "
        "the products take on an H200 by its data sheet. Exhibits share runs, and each counts all "
        "of its own. With `--plan` a command says what is missing here, and how long it takes on "
        "your machine."
    )
    columns = ["exhibit", "chapter", "setting", "state", "cost", "command"]
    return Table("tab-status", caption, columns, rows, text=columns[1:])


def provenance_table(store: RunStore) -> Table:
    """Return where the records come from: how many, from which code, on what."""
    counts: Counter[tuple[str, ...]] = Counter()
    for record in store.records():
        origin = record.provenance
        commit = f"`{(origin['commit'] or 'unknown')[:10]}`"
        state = {True: "unmodified", False: "modified"}.get(origin["unmodified"], "unknown")
        counts[commit, state, origin["packages"]["torch"], origin["hardware"]] += 1
    rows = [[*origin, str(count)] for origin, count in sorted(counts.items())]
    caption = (
        "Where the records of this book come from: the commit of the code, whether it was "
        "unmodified, and what it ran on."
    )
    columns = ["commit", "code", "torch", "hardware", "records"]
    return Table("tab-provenance", caption, columns, rows, text=columns[1:4])


def _link(chapter: str) -> str:
    return f"[{chapter}]({chapter}.ipynb)"


def _state(
    study: AnyStudy[Any],
    runs: Mapping[Any, Record | None],
    scale: str,
    reason: str,
    timed: Iterable[Record],
) -> list[str]:
    """Return the setting of a study's runs, how many are done, and the cost of them or the rest."""
    setting = study.setting.label(scale)
    lacking = [config for config, record in runs.items() if record is None]
    if not lacking:
        seconds = sum(record.provenance["seconds"] for record in runs.values() if record)
        count = "1 run" if len(runs) == 1 else f"{len(runs)} runs"
        return [setting, f"done: {count}", cost.duration(seconds)]
    state = tables.pending(f"pending: {reason}")
    if len(lacking) < len(runs):
        state = f"{len(lacking)} of {len(runs)} runs missing; " + state
    flops = sum(study.flops(config) for config in lacking)
    mantissa, exponent = f"{flops:.1e}".split("e+")
    price = f"{mantissa} · 10{str(int(exponent)).translate(SUPERSCRIPTS)} operations"
    if scale == "paper":
        least = cost.duration(flops / H200["operations"])
        return [setting, state, f"{price}, {least} or more on an H200"]
    known = [took for took in study.seconds(lacking, "cpu", timed) if took is not None]
    return [setting, state, f"{price}, about {cost.duration(sum(known))}"]
