"""Records of runs: written once, and checked whenever they are read.

`store` writes and finds them, `record` reads one, `consistency` has what it has to hold.
"""

from lcs.runs.record import Record, read_record
from lcs.runs.store import (
    BOOK_RUNS,
    RunStore,
    default_store,
    named_store,
    readable,
    record_paths,
    verify,
    write_atomically,
)

__all__ = [
    "BOOK_RUNS", "Record", "RunStore", "default_store", "named_store", "read_record", "readable",
    "record_paths", "verify", "write_atomically",
]  # fmt: skip
