"""What it takes to read a store of many records: list, verify, plan, one record by its id.

The records are copies of one of the book's with other seeds, signed anew. Times are per record, so
that those of both sizes are equal where the time is linear.
"""

from __future__ import annotations

import contextlib
import functools
import io
import json
import tempfile
from collections.abc import Callable
from pathlib import Path

from timing import Report, interleaved

from lcs.config import Config
from lcs.exhibits import find_study
from lcs.runs import BOOK_RUNS, RunStore, read_record, verify
from lcs.runs.record_format import with_checksum

REPEATS = 3
COUNTS = (1000, 10_000)


def main() -> None:
    report = Report("store")
    for count in COUNTS:
        with tempfile.TemporaryDirectory() as folder:
            store = filled(Path(folder), count)
            times = interleaved(actions(store), repeats=REPEATS)
            report.table(
                f"A store of {count} records",
                {name: [value / count for value in values] for name, values in times.items()},
                unit="milliseconds a record",
                scale=1e3,
                measured="store",
                records=count,
            )


def filled(folder: Path, count: int) -> RunStore:
    """Return a store of copies of the smallest record of a training."""
    smallest = min((BOOK_RUNS / "cifar10").glob("*.json"), key=lambda path: path.stat().st_size)
    document = json.loads(smallest.read_text())
    original = read_record(smallest).config
    store = RunStore(folder)
    for seed in range(count):
        config: Config = original.replace(seed=seed)
        document |= {"id": config.run_id, "config": document["config"] | {"seed": seed}}
        document["filters"] = None
        document["provenance"]["sha256"] = ""
        path = store.path(config)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(with_checksum(document))
    return store


def actions(store: RunStore) -> dict[str, Callable[[], object]]:
    wanted = store.paths()[-1].stem.split("-")
    study = find_study("figure3")

    def plan() -> None:
        with contextlib.redirect_stdout(io.StringIO()):
            study.plan("desk", None, store=store)

    return {
        "list": lambda: [record.accuracy for record in store.records()],
        "verify": functools.partial(verify, store),
        "plan a study": plan,
        "one by its id": lambda: store.by_id("-".join(wanted[-2:])),
    }


if __name__ == "__main__":
    main()
