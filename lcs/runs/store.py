"""Folders of run records: the one place where results are written, and found again."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import os
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors.numpy import save as save_arrays

from lcs.config import RunConfig
from lcs.errors import RecordError
from lcs.files import expanded, is_full, locked, own_folder, replacing
from lcs.runs.provenance import PACKAGE
from lcs.runs.record import Record, id_in_name, parse_record, read_file, read_record
from lcs.runs.record_format import SCHEMA, with_checksum

if TYPE_CHECKING:  # a store is read without torch, which takes long to import
    from torch import Tensor

BOOK_RUNS = PACKAGE.parent / "book" / "runs"


class RunStore:
    """A folder of run records, `<dataset>/<model>-a<base_channels>-<optimizer>-<run_id>.json`.

    It is created at the first write. Where it lacks a run, `fallback` is read, and never written.
    """

    def __init__(self, root: str | Path, *, fallback: RunStore | None = None) -> None:
        self.root = expanded(root)
        self.fallback = fallback

    def chain(self) -> Iterator[RunStore]:
        """Yield this store, and those that it falls back on."""
        yield self
        if self.fallback:
            yield from self.fallback.chain()

    def path(self, config: RunConfig) -> Path:
        """Where the record of this run stands, or will stand."""
        return self.root / f"{config.file}.json"

    def find(self, config: RunConfig) -> Record | None:
        """Return the record of a run, None if there is none; a broken one raises RecordError."""
        return self.named(config.file)

    def named(self, file: str) -> Record | None:
        """Return the record in a place, `cifar10/s-fc-a1-sgd-…-s0`; see `find`."""
        for place in self.chain():
            if (path := place.root / f"{file}.json").exists():
                return _read(path, place.root)
        return None

    def records(self) -> Iterator[Record]:
        """Every record of this folder, not of the fallback, in the order of `paths`; as `find`."""
        return (_read(path, self.root) for path in self.paths())

    def paths(self) -> list[Path]:
        """Paths of all records of this folder, sorted; OSError for one that cannot be read."""

        def refuse(error: OSError) -> None:
            if not isinstance(error, FileNotFoundError):  # a new store has no folder yet
                raise error

        walk = os.walk(self.root, onerror=refuse)
        files = (Path(at, name) for at, _, names in walk for name in names)
        return sorted(file for file in files if file.suffix == ".json")

    def by_id(self, wanted: str) -> Record:
        """Return the record of a file, or the one whose id is, or starts with, the given text.

        Of the path of no file, the id at its end counts. RecordError if no record, or more than
        one, has such an id, or the file is damaged.
        """
        if wanted.endswith(".json") and Path(wanted).is_file():
            return read_record(Path(wanted).parent.resolve() / Path(wanted).name)
        if named := re.search(r"[0-9a-f]{10}(-s\d+)?(?=(\.json)?$)", wanted):
            wanted = named[0]
        for place in self.chain():
            ids = {path: id_in_name(path) for path in place.paths()}
            found = [p for p, own in ids.items() if wanted in (own, own.rpartition("-")[0])]
            found = found or [p for p, own in ids.items() if wanted and own.startswith(wanted)]
            if len(found) > 1:
                many = f"{len(found)} runs in {place.root} with the id {wanted!r}"
                raise RecordError(f"{many}; give more of it, as `lcs runs list` has it")
            if found:
                return _read(found[0], place.root)
        places = " or ".join(str(place.root) for place in self.chain())
        raise RecordError(f"no run in {places} with the id {wanted!r}; see `lcs runs list`")

    def write(
        self,
        config: RunConfig,
        *,
        history: Mapping[str, Any],
        final: Mapping[str, Any],
        provenance: Mapping[str, Any],
        filters: Tensor | None = None,
    ) -> Record:
        """Write the record of a finished run, once and atomically.

        `filters` (units, C, H, W) are stored as half-precision numbers. RecordError if the run has
        a record with other results, the folder cannot be written, or no such run has these results.
        """
        path, stored, content = self.path(config), None, b""
        if filters is not None:
            content = save_arrays({"filters": filters.half().contiguous().numpy()})
            name = path.with_suffix(".safetensors").name
            stored = {"file": name, "sha256": hashlib.sha256(content).hexdigest()}
        document = {
            "schema": SCHEMA,
            "kind": config.kind,
            "id": config.run_id,
            "config": dataclasses.asdict(config),
            "history": dict(history),
            "final": dict(final),
            "filters": stored,
            "provenance": dict(provenance),
        }
        try:
            signed = with_checksum(document)
            record = parse_record(signed, path)
        except (RecordError, ValueError) as error:  # the latter of a number that is not finite
            reason = error.__cause__ or error
            raise RecordError(f"{path}: not written, no record reads so ({reason})") from error
        return self._add(record, signed, content)

    def import_record(self, source: Path, *, filters: bool = True) -> Record:
        """Copy a record and its filters; RecordError if it is broken or another result is here."""
        content = read_file(source)
        record = parse_record(content, source)
        beside = record.read_filters() if filters and record.has_filters else b""
        here = dataclasses.replace(record, path=self.root / f"{record.file}.json")
        return self._add(here, content, beside)

    def _add(self, record: Record, content: bytes, filters: bytes) -> Record:
        """Create the files of a checked record, unless one with equal results is there already."""
        path, beside = record.path, record.path.with_suffix(".safetensors")
        with _advising(path), locked(path.parent):
            if not path.exists():
                if filters:  # a killed writer may have left others
                    write_atomically(beside, filters)
                write_atomically(path, content)
                return record
        present = read_record(path, self.root)
        if (present.history, present.final) != (record.history, record.final):
            advice = "they are kept, name another folder by --store for the new ones"
            raise RecordError(f"{path}: exists already, with other results; {advice}")
        if filters and present.filters == record.filters and not present.has_filters:
            write_atomically(beside, filters)
        return present

    def check_writable(self, config: RunConfig) -> None:
        """Raise RecordError if a record cannot be written, before the run takes its time."""
        folder = self.path(config).parent
        with _advising(folder):
            folder.mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=folder).close()


def record_paths(source: Path) -> list[Path]:
    """Return the records of a folder, or the one that is named; RecordError if there is none."""
    found = RunStore(source).paths() if source.is_dir() else [source]
    if not found or not found[0].exists():
        reason = "holds no record" if source.is_dir() else "there is no such file or folder"
        raise RecordError(f"{source}: {reason}; check the path")
    return found


def named_store(folder: str) -> RunStore:
    """Return the store in a folder, which has to exist; the book's for an empty name."""
    if folder and not expanded(folder).is_dir():
        raise RecordError(f"store: there is no folder {folder}; check the path")
    return RunStore(folder or BOOK_RUNS)


def default_store() -> RunStore:
    """Return `$LCS_STORE`, else `~/.cache/lcs/runs`, which falls back on the book's records."""
    own, book = own_folder("LCS_STORE"), RunStore(BOOK_RUNS)
    return book if own.resolve() == BOOK_RUNS.resolve() else RunStore(own, fallback=book)


def readable(store: RunStore, wanted: Callable[[str], bool] = lambda _: True) -> Iterator[Record]:
    """Yield whole records of a store and its fallbacks, from the folders, as `cifar10`, wanted."""
    for place in store.chain():
        for path in place.paths():
            if wanted(path.relative_to(place.root).parts[0]):
                with suppress(RecordError):
                    yield _read(path, place.root)


def verify(store: RunStore) -> list[RecordError]:
    """Check every record of a store, and the filters that records have; return what is wrong."""
    problems = []
    for path in store.paths():
        try:
            record = read_record(path, store.root)
            if record.has_filters:
                record.read_filters()
        except RecordError as error:
            problems.append(error)
    return problems


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file whole or not at all; RecordError if it cannot be, or the disk is full."""
    with _advising(path), replacing(path) as file:
        file.write(data)


def _read(path: Path, root: Path) -> Record:
    """Return the record of a file in a store, read once until the file changes."""
    with suppress(OSError):
        found = path.stat()
        return _read_once(path, root, (found.st_ino, found.st_size, found.st_mtime_ns))
    return read_record(path, root)  # which says what is wrong


@functools.lru_cache(4096)  # each takes about 60 kB
def _read_once(path: Path, root: Path, state: tuple[int, ...]) -> Record:
    return read_record(path, root)


@contextmanager
def _advising(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        advice = "make room" if is_full(error) else "mend that, or name another folder"
        reason = f"cannot be written ({error.strerror}); {advice} and run the same again"
        raise RecordError(f"{path}: {reason}") from error
