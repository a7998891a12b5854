"""The one place where results are written and read: run records in a folder, as JSON.

A record holds the whole configuration of a run, its results, and where it comes from. Everything
that may differ between two equal runs stands under `provenance`, with a SHA-256 of the record's
own bytes (computed with the checksum itself blanked), so that an edited digit is caught.
"""

from __future__ import annotations

import dataclasses
import hashlib
import math
import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError
from safetensors.numpy import load as load_arrays
from safetensors.numpy import save as save_arrays

from lcs.config import Config, RunConfig, ToyConfig
from lcs.errors import ILL_FORMED, RecordError, one_line
from lcs.files import expanded, read_bounded, replacing
from lcs.runs.provenance import PACKAGE
from lcs.runs.record_checks import check_filters, check_origin, check_results
from lcs.runs.record_format import SCHEMA, is_signed, parse, rounded, sign

if TYPE_CHECKING:  # a store is read without torch, which takes long to import
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

PARTS = {"schema", "kind", "id", "config", "history", "final", "filters", "provenance"}
PUBLISHED = PACKAGE.parent / "book" / "runs"

# those of the book are far smaller; a stranger's may have any size
MAX_RECORD_BYTES = 16 * 2**20
MAX_FILTERS_BYTES = 256 * 2**20

KINDS: dict[str, type[RunConfig]] = {Config.kind: Config, ToyConfig.kind: ToyConfig}


@dataclass(frozen=True)
class Record:
    """One finished run as stored.

    `history` maps a measure to its values at the recorded epochs, `final` holds the measures of
    the last epoch (a toy experiment has only `final`).
    """

    path: Path
    kind: str
    config: Any  # a `RunConfig`, of the kind
    history: dict[str, Any]
    final: dict[str, Any]
    filters: dict[str, Any] | None
    provenance: dict[str, Any]

    @property
    def run_id(self) -> str:
        """The id of the run, as in the file's name."""
        return str(self.config.run_id)

    @property
    def accuracy(self) -> float:
        """Share of right answers after the last epoch, on test images or on those held out.

        NaN for a toy experiment, which classifies nothing.
        """
        held_out = self.final.get("validation_accuracy", math.nan)
        return float(self.final.get("test_accuracy", held_out))

    @property
    def has_filters(self) -> bool:
        """Whether filters are kept beside the record, as in the book where a figure has them.

        `filters` names the file and its SHA-256 in any case.
        """
        return self.filters is not None and self.path.with_name(self.filters["file"]).exists()

    def load_filters(self) -> Tensor:
        """Return the stored first-layer filters (units, C, H, W), float32.

        Raises:
            RecordError: the record has none, or their file is not kept or altered.
        """
        import torch

        return torch.from_numpy(self.read_filters()[1].astype("float32"))

    def read_filters(self) -> tuple[bytes, NDArray[np.float16]]:
        """Return the checked file of filters, and the filters in it (units, C, H, W).

        Raises:
            RecordError: the record has none, or their file is not kept or altered.
        """
        if self.filters is None:
            raise RecordError(f"{self.path}: this run stored no filters")
        path = self.path.with_name(self.filters["file"])
        if not path.exists():
            raise RecordError(
                f"{path}: not kept here; train the run anew, with --store naming an empty folder"
            )
        content = _read(path, MAX_FILTERS_BYTES)
        if hashlib.sha256(content).hexdigest() != self.filters["sha256"]:
            raise RecordError(f"{path}: altered (its SHA-256 is not the record's); restore it")
        try:
            return content, load_arrays(content)["filters"]
        except (SafetensorError, KeyError) as error:
            raise RecordError(f"{path}: not a file of filters ({error}); restore it") from error


class RunStore:
    """A folder of run records, `<dataset>/<model>-a<base_channels>-<optimizer>-<run_id>.json`.

    Args:
        root: the folder; created at the first write.
        fallback: another store that is read, never written, where this one lacks a run.
    """

    def __init__(self, root: str | Path, *, fallback: RunStore | None = None) -> None:
        self.root = Path(root)
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
            return read_record(path, self.root)
        return self.fallback.named(file) if self.fallback else None

    def records(self) -> Iterator[Record]:
        """Every record of this folder (not of the fallback), in the order of their paths.

        Raises:
            RecordError: at the first broken one.
        """
        for path in self.paths():
            yield read_record(path, self.root)

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
        """Return the record whose id is, or starts with, the given text.

        Raises:
            RecordError: no record, or more than one, has such an id.
        """
        words = {path: path.stem.split("-") for path in self.paths()}
        # with the seed and without
        ids = {p: ("-".join(w[-2:]), w[-2] if len(w) > 1 else "") for p, w in words.items()}
        found = [path for path, own in ids.items() if wanted in own]
        if wanted and not found:
            found = [p for p, own in ids.items() if any(i.startswith(wanted) for i in own)]
        if len(found) == 1:
            return read_record(found[0], self.root)
        if not found and self.fallback:
            return self.fallback.by_id(wanted)
        state = "no run" if not found else f"{len(found)} runs"
        raise RecordError(f"{state} in {self.root} with the id {wanted!r}; see `lcs runs list`")

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
        if path.exists():  # of another process, which made the same run meanwhile
            present = read_record(path, self.root)
            if (present.history, present.final) == (rounded(history), rounded(final)):
                return present
            raise RecordError(f"{path}: exists already, with other results; they are kept")
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
            "provenance": {**provenance, "sha256": ""},
        }
        signed = sign(document)
        record = _parsed(signed, path)
        if stored is not None:
            write_atomically(path.with_suffix(".safetensors"), content)
        write_atomically(path, signed)
        return record

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

    def take(self, source: Path, *, filters: bool = True) -> Record:
        """Copy a checked record, with its filters where they are kept, into this store.

        Args:
            source: the record.
            filters: whether its filters come with it.

        Raises:
            RecordError: it is broken, or this store has another record of the same run.
        """
        content = _read(source)
        record = _parsed(content, source)
        target = self.path(record.config)
        taken = dataclasses.replace(record, path=target)
        if target.exists() and _read(target) != content:
            raise RecordError(f"{target}: exists already and differs from {source}; delete one")
        if filters and record.has_filters and not taken.has_filters:
            write_atomically(target.with_suffix(".safetensors"), record.read_filters()[0])
        if not target.exists():
            write_atomically(target, content)
        return taken


def paths_in(source: Path) -> list[Path]:
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
    if folder and not Path(folder).is_dir():
        raise RecordError(f"store: there is no folder {folder}; check the path")
    return RunStore(folder or PUBLISHED)


def default_store() -> RunStore:
    """Return the reader's own store, which falls back on the book's records.

    New runs go to `$LCS_STORE`, else `~/.cache/lcs/runs`; `lcs runs import` moves them on.
    """
    own = expanded(os.environ.get("LCS_STORE") or "~/.cache/lcs/runs")
    return RunStore(own, fallback=RunStore(PUBLISHED))


def read_record(path: Path, root: Path | None = None) -> Record:
    """Read and check one record.

    Args:
        path: the JSON file.
        root: the store it stands in: then the file must stand where its config says.

    Raises:
        RecordError: it cannot be read, does not parse, does not match its checksum, its id or its
            place, or says what cannot be; the message names the file.
    """
    record = _parsed(_read(path), path)
    if root is not None:
        expected = RunStore(root).path(record.config)
        if path != expected and path.resolve() != expected.resolve():
            raise RecordError(f"{path}: belongs at {expected}; move it there")
    return record


def verify(store: RunStore) -> list[RecordError]:
    """Check every record of a store, and every file of filters in it; return what is wrong."""
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
    try:
        with replacing(path) as file:
            file.write(data)
    except OSError as error:
        raise RecordError(
            f"{path}: cannot be written ({error.strerror}); make room and run the same again"
        ) from error


def _parsed(content: bytes, path: Path) -> Record:
    """Return the record that these bytes of a file are, checked against themselves."""
    try:
        document = parse(content)
        if type(document["schema"]) is not int or document["schema"] != SCHEMA:
            raise RecordError(f"{path}: schema {document['schema']!r}, not {SCHEMA}; update lcs")
        if not is_signed(content, document["provenance"]["sha256"]):
            raise RecordError(f"{path}: edited or damaged (SHA-256 differs); restore or delete it")
        if document.keys() != PARTS:
            raise ValueError(f"its parts are not {', '.join(sorted(PARTS))}")
        config = KINDS[document["kind"]].from_dict(document["config"])
        identity, name = config.run_id, Path(config.file).name
        if document["id"] != identity or path.name != f"{name}.json":
            raise RecordError(f"{path}: its config has the id {identity}; restore or delete it")
        check_origin(config, document["provenance"])
        check_filters(document["filters"], name)
        check_results(config, document["history"], document["final"])
        return Record(
            path,
            document["kind"],
            config,
            document["history"],
            document["final"],
            document["filters"],
            document["provenance"],
        )
    except ILL_FORMED as error:
        kind = "" if isinstance(error, ValueError) else f"{type(error).__name__}: "
        reason = kind + one_line(error)
        raise RecordError(f"{path}: not a run record ({reason}); restore or delete it") from error


def _read(path: Path, limit: int = MAX_RECORD_BYTES) -> bytes:
    try:
        return read_bounded(path, limit)
    except OSError as error:
        raise RecordError(f"{path}: cannot be read ({error.strerror}); restore it") from error
