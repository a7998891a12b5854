"""Records of runs: written once, and checked whenever they are read.

`store` is the one place where they are written and read, `record_format` their text,
`record_checks` what must agree in them, `provenance` where a run comes from.
"""

from lcs.runs.store import (
    PUBLISHED,
    Record,
    RunStore,
    default_store,
    named_store,
    paths_in,
    read_record,
    verify,
    write_atomically,
)

__all__ = [
    "PUBLISHED",
    "Record",
    "RunStore",
    "default_store",
    "named_store",
    "paths_in",
    "read_record",
    "verify",
    "write_atomically",
]
