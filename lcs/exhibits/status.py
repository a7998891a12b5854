"""The page Status: which studies have been run in which setting, and what the others cost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from lcs import cost
from lcs.config import RunConfig
from lcs.exhibits import EXHIBITS, exhibit, find_study, tables
from lcs.exhibits.engine import H200
from lcs.exhibits.tables import Table
from lcs.runs import Record, RunStore
from lcs.study import BaseStudy

SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
REASONS = {"desk": "not run yet", "paper": "needs a GPU"}


def studies_table(store: RunStore) -> Table:
    """Return every study at every scale but smoke: what is done, and how the rest is had."""
    records = {record.config: record for record in store.records()}  # each is read once
    rows = [
        _row(study, chapter, study.title, scale, REASONS[scale], records)
        for chapter in EXHIBITS
        for study in exhibit(chapter).STUDIES
        for scale in study.scales[1:]
    ]
    # on other data than its scale's own
    study, title = find_study("figure3"), "S-FC on svhn (Table 2, Figure 3)"
    reason = "needs its data set"
    rows.append(_row(study, "table2", title, "desk", reason, records, seeds=3, dataset="svhn"))
    caption = (
        "What has been run. The cost of a finished study is the time that all its runs took, "
        "two at once on two cores; that of a pending one is the number of floating-point "
        "operations of the missing runs, and at the desk scale the time that they would take at "
        "the pace of the stored runs, one after the other; at the paper's the least time "
        "that the products take on an H200 by its data sheet. Studies share runs, and each counts "
        "all of its own. With `--plan` a command says what is missing here, and how long it takes "
        "on your machine."
    )
    columns = ["study", "chapter", "setting", "state", "cost", "command"]
    return Table("tab-status", caption, columns, rows, text=columns[1:])


def provenance_table(store: RunStore) -> Table:
    """Return where the records come from: how many, from which code, on what."""
    counts: Counter[tuple[str, ...]] = Counter()
    for record in store.records():
        origin = record.provenance
        state = {True: "unmodified", False: "modified"}.get(origin["unmodified"], "unknown")
        commit = (origin["commit"] or "unknown")[:10]
        shown = f"`{commit}`" if commit.isalnum() else tables.plain(commit)
        torch, hardware = map(tables.plain, (origin["packages"]["torch"], origin["hardware"]))
        counts[shown, state, torch, hardware] += 1
    rows = [[*origin, str(count)] for origin, count in sorted(counts.items())]
    caption = (
        "Where the records of this book come from: the commit of the code, whether it was "
        "unmodified, and what it ran on."
    )
    columns = ["commit", "code", "torch", "hardware", "records"]
    return Table("tab-provenance", caption, columns, rows, text=columns[1:4])


def _row(
    study: BaseStudy,
    chapter: str,
    title: str,
    scale: str,
    reason: str,
    records: Mapping[RunConfig, Record],
    *,
    seeds: int | None = None,
    **changes: object,
) -> list[str]:
    found = study.runs(scale, seeds, records.get, **changes)
    given = changes | ({} if seeds is None else {"seeds": seeds})
    options = "".join(f" --{name} {value}" for name, value in given.items())
    command = tables.as_typed(f"lcs study {study.name} --scale {scale}{options}")
    head = [title, f"[{chapter}]({chapter}.ipynb)", study.setting.label(scale)]
    lacking = [config for config, record in found.items() if record is None]
    if not lacking:
        seconds = sum(record.provenance["seconds"] for record in found.values() if record)
        runs = "1 run" if len(found) == 1 else f"{len(found)} runs"
        return [*head, f"done: {runs}", cost.duration(seconds), command]
    state = tables.pending(f"pending: {reason}")
    if len(lacking) < len(found):
        state = f"{len(lacking)} of {len(found)} runs missing; " + state
    flops = sum(map(study.flops, lacking))
    mantissa, exponent = f"{flops:.1e}".split("e+")
    price = f"{mantissa} · 10{str(int(exponent)).translate(SUPERSCRIPTS)} operations"
    if scale == "desk":
        costs = study.seconds(lacking, "cpu", records.values())
        known = [seconds for seconds in costs if seconds is not None]
        price += f", {cost.about(sum(known) if len(known) == len(costs) else None)}"
    else:
        price += f", {cost.duration(flops / H200['operations'])} or more on an H200"
    return [*head, state, price, command]
