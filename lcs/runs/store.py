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
from lcs.runs.record import Record, parse_record, read_content, read_record
from lcs.runs.record_format import SCHEMA, with_checksum

if TYPE_CHECKING:  # a store is read without torch, which takes long to import
    from torch import Tensor

# the records of the book
BOOK_RUNS = PACKAGE.parent / "book" / "runs"


class RunStore:
    """A folder of run records, `<dataset>/<model>-a<base_channels>-<optimizer>-<run_id>.json`.

    Args:
        root: the folder, which may begin with `~`; created at the first write.
        fallback: another store that is read, never written, where this one lacks a run.

    Raises:
        OSError: there is no such home folder.
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
        """Return the record of a run, or None if there is none.

        Raises:
            RecordError: the record is there but broken.
        """
        return self.named(config.file)

    def named(self, file: str) -> Record | None:
        """Return the record in a place, `cifar10/s-fc-a1-sgd-…-s0`, or None if there is none.

        Raises:
            RecordError: the record is there but broken.
        """
        path = self.root / f"{file}.json"
        try:
            there = path.exists()
        except PermissionError:
            there = True  # reading it says so
        if there:
            return _read(path, self.root)
        return self.fallback.named(file) if self.fallback else None

    def records(self) -> Iterator[Record]:
        """Every record of this folder (not of the fallback), in the order of their paths.

        Raises:
            RecordError: at the first broken one.
        """
        for path in self.paths():
            yield _read(path, self.root)

    def paths(self) -> list[Path]:
        """Paths of all records of this folder, sorted.

        Raises:
            RecordError: it has a folder that cannot be read.
        """

        def refuse(error: OSError) -> None:
            if not isinstance(error, FileNotFoundError):  # a new store has no folder yet
                raise RecordError(
                    f"{error.filename}: cannot be read ({error.strerror}); mend that, or name "
                    "another folder"
                ) from error

        return sorted(
            Path(folder, name)
            for folder, folders, files in os.walk(self.root, onerror=refuse)
            for name in (*folders, *files)
            if name.endswith(".json")
        )

    def by_id(self, wanted: str) -> Record:
        """Return the record of a file, or the one whose id is, or starts with, the given text.

        A file is read itself, in whatever folder; of a path without one, the id at its end counts.

        Raises:
            RecordError: no record, or more than one, has such an id, or the file is damaged.
        """
        if wanted.endswith(".json") and Path(wanted).is_file():
            folder, name = os.path.split(wanted)
            return read_record(Path(folder).resolve() / name)
        named = re.search(r"[0-9a-f]{10}(-s\d+)?(?=(\.json)?$)", wanted)
        wanted = named[0] if named else wanted
        for place in self.chain():
            ids = {path: "-".join(path.stem.split("-")[-2:]) for path in place.paths()}
            # with the seed and without
            found = [p for p, own in ids.items() if wanted in (own, own.rpartition("-")[0])]
            if wanted and not found:
                found = [p for p, own in ids.items() if own.startswith(wanted)]
            if len(found) == 1:
                return _read(found[0], place.root)
            if found:
                raise RecordError(
                    f"{len(found)} runs in {place.root} with the id {wanted!r}; give more of it, "
                    "as `lcs runs list` has it"
                )
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

        Args:
            config, history, final, provenance: what the record says.
            filters: some filters (units, C, H, W), stored as half-precision numbers.

        Raises:
            RecordError: the run has a record with other results, the folder cannot be written, or
                the results are not those of such a run.
        """
        path = self.path(config)
        stored, content = None, b""
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

    def _add(self, record: Record, content: bytes, filters: bytes) -> Record:
        """Create the files of a checked record, its filters if not empty; return what is stored.

        Of several writers of a run the first one stays; with equal results that is no error.
        """
        path = record.path
        beside = path.with_suffix(".safetensors")
        with _advising(path), locked(path.parent):
            if not path.exists():
                if filters:  # a killed writer may have left others
                    write_atomically(beside, filters)
                write_atomically(path, content)
                return record
        present = read_record(path, self.root)
        if (present.history, present.final) != (record.history, record.final):
            raise RecordError(
                f"{path}: exists already, with other results; they are kept, name another folder "
                "by --store for the new ones"
            )
        if filters and present.filters == record.filters and not present.has_filters:
            write_atomically(beside, filters)
        return present

    def check_writable(self, config: RunConfig) -> None:
        """Try whether the record of a run can be written, before the run takes its time.

        Raises:
            RecordError: it cannot.
        """
        folder = self.path(config).parent
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                pass
        except OSError as error:
            raise RecordError(
                f"{folder}: cannot be written ({error.strerror}); mend that, or name another "
                "folder by --store or LCS_STORE"
            ) from error

    def import_record(self, source: Path, *, filters: bool = True) -> Record:
        """Copy a checked record, with its filters where they are kept, into this store.

        A record of the same run with the same results stays in its place.

        Args:
            source: the record.
            filters: whether its filters come with it.

        Raises:
            RecordError: it is broken, or this store has other results of the same run.
        """
        content = read_content(source)
        record = parse_record(content, source)
        beside = record.read_filters()[0] if filters and record.has_filters else b""
        taken = dataclasses.replace(record, path=self.path(record.config))
        return self._add(taken, content, beside)


def record_paths(source: Path) -> list[Path]:
    """Return the records of a folder, or the one that is named.

    Raises:
        RecordError: there is no such path, or no record in it.
    """
    if not source.exists():
        raise RecordError(f"{source}: there is no such file or folder; check the path")
    found = RunStore(source).paths() if source.is_dir() else [source]
    if not found:
        raise RecordError(f"{source}: holds no record; check the path")
    return found


def named_store(folder: str) -> RunStore:
    """Return the store in a folder that a reader names; the book's for an empty name.

    Raises:
        RecordError: there is no such folder.
    """
    if folder and not expanded(folder).is_dir():
        raise RecordError(f"store: there is no folder {folder}; check the path")
    return RunStore(folder or BOOK_RUNS)


def default_store() -> RunStore:
    """Return the reader's own store, which falls back on the book's records.

    New runs go to `$LCS_STORE`, else `~/.cache/lcs/runs`; `lcs runs import` moves them on.
    """
    own, book = RunStore(own_folder("LCS_STORE")), RunStore(BOOK_RUNS)
    return book if own.root.resolve() == book.root.resolve() else RunStore(own.root, fallback=book)


def readable(
    store: RunStore, wanted: Callable[[str], bool] = lambda folder: True
) -> Iterator[Record]:
    """Yield the records of a store and of those that it falls back on; broken ones are left out.

    Args:
        store: the first of the stores.
        wanted: whether the records of a folder, as `cifar10`, are asked for; others are not read.
    """
    for place in store.chain():
        for path in place.paths():
            if wanted(path.relative_to(place.root).parts[0]):
                with suppress(RecordError):
                    yield _read(path, place.root)


def _read(path: Path, root: Path) -> Record:
    """Return the record of a file in a store, read once until the file changes."""
    try:
        found = path.stat()
    except OSError:
        return read_record(path, root)  # which says what is wrong
    state = (found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
    return _read_once(path, root, state)


# as many as the book may come to have; each takes about 60 kB
@functools.lru_cache(4096)
def _read_once(path: Path, root: Path, state: tuple[int, ...]) -> Record:
    return read_record(path, root)


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
    """Write a file whole or not at all.

    Raises:
        RecordError: the folder cannot be written or the disk is full.
    """
    with _advising(path), replacing(path) as file:
        file.write(data)


@contextmanager
def _advising(path: Path) -> Iterator[None]:
    """Turn the error of a file that cannot be written into one that says what to do."""
    try:
        yield
    except OSError as error:
        advice = "make room" if is_full(error) else "mend that, or name another folder"
        raise RecordError(
            f"{path}: cannot be written ({error.strerror}); {advice} and run the same again"
        ) from error
