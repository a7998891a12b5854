"""Which exhibits have been run at which scale, and the command and cost of those that have not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from lcs import cost, tables
from lcs.runs import AnyConfig, Record, RunStore
from lcs.studies import STUDIES, Study, ToyStudy
from lcs.tables import Table

SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
WHY_PENDING = {
    "smoke": "run by the tests, never stored",
    "desk": "not run yet",
    "paper": "needs a GPU",
}


def table(store: RunStore, seeds: int = 1) -> Table:
    """Return every exhibit at every scale: what is done, and how the rest is had."""
    shown = [(study, scale) for study in STUDIES.values() for scale in study.scales]
    rows = [_row(study, scale, store, seeds) for study, scale in shown]
    rows += [
        [
            f"{STUDIES['table2'].title} (SVHN)",
            "desk",
            tables.pending("pending: the data are not here"),
            tables.NONE,
            "`lcs data get svhn`, `lcs study table2 --dataset svhn`",
        ]
    ]
    caption = (
        "What has been run. The cost of a finished exhibit is the time that all its runs took, "
        "on a machine that was busy with others too; that of a pending one is its number of "
        "floating-point operations."
    )
    columns = ["exhibit", "scale", "state", "cost", "command"]
    return Table("tab-status", caption, columns, rows, text=["scale", "state", "cost", "command"])


def provenance_table(store: RunStore) -> Table:
    """Return where the records come from: how many, from which code, on what."""
    counts = Counter(_origin(record) for record in store.records())
    rows = [[*origin, str(count)] for origin, count in sorted(counts.items())]
    caption = (
        "Where the records of this book come from: the commit of the code, whether it was "
        "unmodified, and what it ran on."
    )
    columns = ["commit", "code", "torch", "hardware", "records"]
    return Table("tab-provenance", caption, columns, rows, text=columns[1:4])


def _origin(record: Record) -> tuple[str, ...]:
    origin = record.provenance
    state = "unmodified" if origin["unmodified"] else "modified"
    commit = f"`{(origin['commit'] or 'unknown')[:10]}`"
    return commit, state, origin["packages"]["torch"], origin["hardware"]


def _row(study: Study | ToyStudy, scale: str, store: RunStore, seeds: int) -> list[str]:
    configs: list[AnyConfig] = [*study.configs(scale, seeds)]
    found = [store.find(config) for config in configs]
    done = [record for record in found if record is not None]
    lacking = [config for config, record in zip(configs, found, strict=True) if record is None]
    command = f"`lcs study {study.name} --scale {scale} --seeds {seeds}`"
    if not lacking:
        seconds = sum(record.provenance["seconds"] for record in done)
        state = f"done: {len(done)} runs"
        return [study.title, scale, state, cost.duration(seconds), command]
    state = tables.pending(f"pending: {WHY_PENDING[scale]}")
    if done:
        state = f"{len(done)} of {len(configs)} runs; the others " + state
    return [study.title, scale, state, _operations(lacking), command]


def _operations(configs: Sequence[AnyConfig]) -> str:
    flops = sum(cost.operations(config) for config in configs)
    mantissa, exponent = f"{flops:.1e}".split("e+")
    return f"{mantissa} · 10{str(int(exponent)).translate(SUPERSCRIPTS)} operations"
