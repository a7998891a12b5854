"""What it takes to read a store of many records: list, verify, plan, one record by its id.

The records are copies of the book's with other seeds. Times are per record, so that those of both
sizes are equal where the time is linear.
"""

from __future__ import annotations

import contextlib
import functools
import io
import itertools
import tempfile
from collections.abc import Callable
from pathlib import Path

from timing import Report, interleaved

from lcs.exhibits import find_study
from lcs.runs import BOOK_RUNS, RunStore, verify

REPEATS = 3
COUNTS = (1000, 10_000)


def main() -> None:
    report = Report("store")
    for count in COUNTS:
        with tempfile.TemporaryDirectory() as folder:
            times = interleaved(actions(filled(Path(folder), count)), repeats=REPEATS)
            report.table(
                f"A store of {count} records",
                {name: [value / count for value in values] for name, values in times.items()},
                unit="milliseconds a record",
                scale=1e3,
                measured="store",
                records=count,
            )


def filled(folder: Path, count: int) -> RunStore:
    """Return a store of copies of the book's records of CIFAR-10, each with several seeds."""
    store = RunStore(folder)
    found = (r for r in RunStore(BOOK_RUNS).records() if r.file.startswith("cifar10/"))
    book = [*itertools.islice(found, count)]
    for number, record in zip(range(count), itertools.cycle(book), strict=False):
        config = record.config.replace(seed=record.config.seed + 1000 * (1 + number // len(book)))
        parts = {"history": record.history, "final": record.final, "provenance": record.provenance}
        store.write(config, **parts)
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
