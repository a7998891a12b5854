"""Which exhibits have been run at which scale, and the command and cost of those that have not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from lcs import cost
from lcs.exhibits import EXHIBITS, exhibit, find_study, tables
from lcs.exhibits.engine import H200
from lcs.exhibits.tables import Table
from lcs.runs import AnyConfig, Record, RunStore

SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
WHY_PENDING = {"desk": "not run yet", "paper": "needs a GPU"}
# an exhibit on other data than its scale's own: data set, seeds, why it is pending
OTHER_DATA = (("svhn", 3, "needs its data set"),)


def table(store: RunStore) -> Table:
    """Return every exhibit at every scale but smoke: what is done, and how the rest is had."""
    rows = []
    for chapter in EXHIBITS:
        for study in exhibit(chapter).STUDIES:
            for scale in study.scales[1:]:
                command = f"lcs study {study.name} --scale {scale}"
                configs: list[AnyConfig] = [*study.configs(scale)]
                state = _state(configs, scale, WHY_PENDING[scale], command, store)
                rows.append([study.title, _link(chapter), *state])
    for dataset, seeds, reason in OTHER_DATA:
        command = f"lcs study figure3 --dataset {dataset} --seeds {seeds}"
        others: list[AnyConfig] = [*find_study("figure3").configs("desk", seeds, dataset=dataset)]
        title = f"S-FC on {dataset} (Table 2, Figure 3)"
        rows.append([title, _link("table2"), *_state(others, "desk", reason, command, store)])
    caption = (
        "What has been run. The cost of a finished exhibit is the time that all its runs took, "
        "two at once on two cores; that of a pending one is the number of "
        "floating-point operations of the missing runs, and at the desk scale the time that they "
        "would take at the pace of stored ones like them, one after the other; at the paper's the "
        "least time that the products take on an H200 by its data sheet. Exhibits share "
        "runs, and each counts all of its own. With "
        "`--plan` a command says what is missing here, and how long it takes on your machine."
    )
    columns = ["exhibit", "chapter", "scale", "state", "cost", "command"]
    return Table("tab-status", caption, columns, rows, text=columns[1:])


def _link(chapter: str) -> str:
    return f"[{chapter}]({chapter}.ipynb)"


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
    state = {True: "unmodified", False: "modified"}.get(origin["unmodified"], "unknown")
    commit = f"`{(origin['commit'] or 'unknown')[:10]}`"
    return commit, state, origin["packages"]["torch"], origin["hardware"]


def _state(
    configs: Sequence[AnyConfig], scale: str, reason: str, command: str, store: RunStore
) -> list[str]:
    found = [store.find(config) for config in configs]
    done = [record for record in found if record is not None]
    lacking = [config for config, record in zip(configs, found, strict=True) if record is None]
    if not lacking:
        seconds = sum(record.provenance["seconds"] for record in done)
        runs = "1 run" if len(done) == 1 else f"{len(done)} runs"
        return [scale, f"done: {runs}", cost.duration(seconds), f"`{command}`"]
    state = tables.pending(f"pending: {reason}")
    if done:
        state = f"{len(lacking)} of {len(configs)} runs missing; " + state
    price = _operations(lacking)
    if scale == "desk":
        price += f", about {cost.duration(sum(cost.seconds(lacking, 'cpu', store)))}"
    else:
        flops = sum(map(cost.operations, lacking))
        price += f", {cost.duration(flops / H200['operations'])} or more on an H200"
    return [scale, state, price, f"`{command}`"]


def _operations(configs: Sequence[AnyConfig]) -> str:
    flops = sum(cost.operations(config) for config in configs)
    mantissa, exponent = f"{flops:.1e}".split("e+")
    return f"{mantissa} · 10{str(int(exponent)).translate(SUPERSCRIPTS)} operations"
