"""The one place where results are written and read: run records in a folder, as JSON.

A record holds the whole configuration of a run, its results, and where it comes from. Everything
that may differ between two equal runs stands under `provenance`, with a SHA-256 of the record's
own bytes (computed with the checksum itself blanked), so that an edited digit is caught.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import math
import os
import platform
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor

from lcs.config import Config, ToyConfig, from_dict, run_id
from lcs.errors import RecordError

T = TypeVar("T")

SCHEMA = 1
SIGNIFICANT_DIGITS = 8
PACKAGE = Path(__file__).resolve().parent
# of Linux, and what we call them
GENERATION = {"cpu family": "family", "model": "model"}
PUBLISHED = PACKAGE.parent / "book" / "runs"

AnyConfig = Config | ToyConfig
KINDS: dict[str, type[Any]] = {"training": Config, "toy": ToyConfig}


@dataclass(frozen=True)
class Record:
    """One finished run as stored.

    `history` maps a measure to its values at the recorded epochs, `final` holds the measures of
    the last epoch (a toy experiment has only `final`).
    """

    path: Path
    kind: str
    config: Any
    history: dict[str, Any]
    final: dict[str, Any]
    filters: dict[str, Any] | None
    provenance: dict[str, Any]

    @property
    def run_id(self) -> str:
        """The id of the run, as in the file's name."""
        return run_id(self.config)

    @property
    def accuracy(self) -> float:
        """Share of right answers after the last epoch: test images, or those held out for choosing.

        NaN for a toy experiment, which classifies nothing.
        """
        held_out = self.final.get("validation_accuracy", math.nan)
        return float(self.final.get("test_accuracy", held_out))

    def load_filters(self) -> Tensor:
        """Return the stored first-layer filters (units, C, H, W), float32.

        Raises:
            RecordError: the record has none, or their file is missing or altered.
        """
        if self.filters is None:
            raise RecordError(f"{self.path}: this run stored no filters")
        return self._load(lambda tensors: tensors["filters"].float())

    def load_first_layer(self) -> Tensor | None:
        """Return the whole first layer (units, C, H, W), float32; None of a run that kept none.

        Only seed 0 keeps it, where at most 4 % of the layer and a million weights are left.

        Raises:
            RecordError: the file is missing or altered.
        """
        return None if self.filters is None else self._load(_dense)

    def _load(self, take: Callable[[dict[str, Tensor]], T]) -> T:
        assert self.filters is not None
        path = self.path.with_name(self.filters["file"])
        data = _read(path)
        if hashlib.sha256(data).hexdigest() != self.filters["sha256"]:
            raise RecordError(f"{path}: altered (its SHA-256 is not the record's); restore it")
        try:
            return take(load_tensors(data))
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

    def path(self, config: AnyConfig) -> Path:
        """Where the record of this run stands, or will stand."""
        return self.root / f"{config.file}.json"

    def find(self, config: AnyConfig) -> Record | None:
        """Return the record of a run, or None if there is none.

        Raises:
            RecordError: the record is there but broken.
        """
        path = self.path(config)
        try:
            there = path.exists()
        except PermissionError:
            there = True  # reading it says so
        if there:
            return read_record(path, self.root)
        return self.fallback.find(config) if self.fallback else None

    def records(self) -> Iterator[Record]:
        """Every record of this folder (not of the fallback), in the order of their paths.

        Raises:
            RecordError: at the first broken one.
        """
        for path in self.paths():
            yield read_record(path, self.root)

    def paths(self) -> list[Path]:
        """Paths of all records of this folder, sorted."""
        return sorted(self.root.rglob("*.json"))

    def by_id(self, wanted: str) -> Record:
        """Return the record whose id is, or starts with, the given text.

        Raises:
            RecordError: no record, or more than one, has such an id.
        """
        found = [p for p in self.paths() if wanted in _ids(p)]
        found = found or [p for p in self.paths() if any(i.startswith(wanted) for i in _ids(p))]
        if len(found) == 1:
            return read_record(found[0], self.root)
        if not found and self.fallback:
            return self.fallback.by_id(wanted)
        state = "no run" if not found else f"{len(found)} runs"
        raise RecordError(f"{state} in {self.root} with the id {wanted!r}; see `lcs runs list`")

    def write(
        self,
        config: AnyConfig,
        *,
        history: Mapping[str, Any],
        final: Mapping[str, Any],
        provenance: Mapping[str, Any],
        filters: Tensor | None = None,
        first_layer: Tensor | None = None,
    ) -> Record:
        """Write the record of a finished run, once and atomically.

        Args:
            config, history, final, provenance: what the record says.
            filters: some filters (units, C, H, W), stored as half-precision numbers.
            first_layer: the whole layer (units, C, H, W), stored beside them as a sparse tensor.

        Raises:
            RecordError: the run has a record already, or the folder cannot be written.
        """
        path = self.path(config)
        if path.exists():
            raise RecordError(f"{path}: exists already; delete it to run again")
        stored = None
        if filters is not None:
            whole = {} if first_layer is None else _sparse(first_layer)
            data = save_tensors({"filters": filters.half().contiguous(), **whole})
            file = path.with_suffix(".safetensors")
            stored = {"file": file.name, "sha256": hashlib.sha256(data).hexdigest()}
            write_atomically(file, data)
        document = {
            "schema": SCHEMA,
            "kind": config.kind,
            "id": run_id(config),
            "config": dataclasses.asdict(config),
            "history": dict(history),
            "final": dict(final),
            "filters": stored,
            "provenance": {**provenance, "sha256": ""},
        }
        write_atomically(path, _signed(document))
        return read_record(path, self.root)

    def check_writable(self, config: AnyConfig) -> None:
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

    def take(self, source: Path) -> Record:
        """Copy a checked record, with its filters, into this store.

        Raises:
            RecordError: it is broken, or this store has another record of the same run.
        """
        record = read_record(source)
        target = self.path(record.config)
        if target.exists():
            if target.read_bytes() == source.read_bytes():
                return read_record(target, self.root)
            raise RecordError(f"{target}: exists already and differs from {source}; delete one")
        if record.filters is not None:
            record.load_filters()
            name = record.filters["file"]
            write_atomically(target.with_name(name), source.with_name(name).read_bytes())
        write_atomically(target, source.read_bytes())
        return read_record(target, self.root)


def paths_in(source: Path) -> list[Path]:
    """Return the records of a folder, or the one that is named.

    Raises:
        RecordError: there is no such path, or no record in it.
    """
    if not source.exists():
        raise RecordError(f"{source}: there is no such file or folder; check the path")
    found = sorted(source.rglob("*.json")) if source.is_dir() else [source]
    if not found:
        raise RecordError(f"{source}: holds no record; check the path")
    return found


def _sparse(layer: Tensor) -> dict[str, Tensor]:
    flat = layer.flatten()
    places = flat.nonzero().squeeze(1)
    return {
        "first_layer.places": places.int(),
        "first_layer.values": flat[places],
        "first_layer.shape": torch.tensor(layer.shape),
    }


def _dense(tensors: Mapping[str, Tensor]) -> Tensor | None:
    if "first_layer.shape" not in tensors:
        return None
    shape = tensors["first_layer.shape"].tolist()
    flat = torch.zeros(math.prod(shape))
    flat[tensors["first_layer.places"].long()] = tensors["first_layer.values"]
    return flat.reshape(shape)


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
    own = Path(os.environ.get("LCS_STORE") or "~/.cache/lcs/runs").expanduser()
    return RunStore(own, fallback=RunStore(PUBLISHED))


def read_record(path: Path, root: Path | None = None) -> Record:
    """Read and check one record.

    Args:
        path: the JSON file.
        root: the store it stands in: then the file must stand where its config says.

    Raises:
        RecordError: it cannot be read, does not parse, or does not match its checksum, its id or
            its place; the message names the file.
    """
    data = _read(path)
    try:
        document = json.loads(data, parse_constant=_refuse_constant)
        if document["schema"] != SCHEMA:
            raise RecordError(f"{path}: schema {document['schema']!r}, not {SCHEMA}; update lcs")
        checksum = document["provenance"]["sha256"]
        whole = _checksum(data, checksum) == checksum
        identity = document["id"]
        config = from_dict(KINDS[document["kind"]], _tuples(document["config"]))
        expected = RunStore(root or path.parent.parent).path(config)
        record = Record(
            path,
            document["kind"],
            config,
            document["history"],
            document["final"],
            document["filters"],
            document["provenance"],
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        raise RecordError(f"{path}: not a run record ({reason}); restore or delete it") from error
    if not whole:
        raise RecordError(f"{path}: edited or damaged (SHA-256 differs); restore or delete it")
    if identity != run_id(config) or path.name != expected.name:
        raise RecordError(f"{path}: its config has the id {run_id(config)}; restore or delete it")
    if root is not None and path.resolve() != expected.resolve():
        raise RecordError(f"{path}: belongs at {expected}; move it there")
    return record


def verify(store: RunStore) -> list[RecordError]:
    """Check every record of a store, and every file of filters; return what is wrong."""
    problems = []
    for path in store.paths():
        try:
            record = read_record(path, store.root)
            if record.filters is not None:
                record.load_filters()
        except RecordError as error:
            problems.append(error)
    return problems


def provenance(device: torch.device) -> dict[str, Any]:
    """Where a run comes from: code, packages, hardware. JSON-ready."""
    return {
        "commit": _git("rev-parse", "HEAD"),
        "unmodified": _unmodified(),
        "code": code_hash(),
        "packages": {
            "python": platform.python_version(),
            **{name: metadata.version(name) for name in ("torch", "torchvision", "numpy")},
        },
        "device": device.type,
        "hardware": hardware(device),
        "threads": torch.get_num_threads() if device.type == "cpu" else None,
    }


@functools.cache
def code_hash() -> str:
    """SHA-256 of the library's source files, names and contents."""
    digest = hashlib.sha256()
    for path in sorted(PACKAGE.glob("*.py")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def hardware(device: torch.device) -> str:
    """Name of the processor or accelerator."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    cpuinfo = Path("/proc/cpuinfo")
    name = _processor(cpuinfo.read_text()) if cpuinfo.exists() else ""
    return f"{name}, {os.cpu_count()} cores" if name else platform.processor() or platform.machine()


def _processor(cpuinfo: str) -> str:
    """Name a processor and its generation, which a virtual machine may leave out of the name."""
    lines = [line.partition(":") for line in cpuinfo.partition("\n\n")[0].splitlines()]
    facts = {key.strip(): value.strip() for key, _, value in lines}
    numbers = [f"{word} {facts[key]}" for key, word in GENERATION.items() if key in facts]
    name = facts.get("model name", "")
    return f"{name} ({', '.join(numbers)})" if name and numbers else name


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file whole or not at all.

    Raises:
        RecordError: the folder cannot be written or the disk is full.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with temporary.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise RecordError(
            f"{path}: cannot be written ({error.strerror}); make room and run the same again"
        ) from error


def _ids(path: Path) -> tuple[str, str]:
    """Return the id in a record's file name, with the seed and without."""
    words = path.stem.split("-")
    return "-".join(words[-2:]), words[-2] if len(words) > 1 else ""


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise RecordError(f"{path}: cannot be read ({error.strerror}); restore it") from error


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not a result")


def _tuples(values: Mapping[str, Any]) -> dict[str, Any]:
    """JSON has no tuples; configurations have no lists."""
    return {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}


def _signed(document: dict[str, Any]) -> bytes:
    blank = _text(document).encode()
    document["provenance"]["sha256"] = hashlib.sha256(blank).hexdigest()
    return _text(document).encode()


def _checksum(data: bytes, checksum: str) -> str:
    field = b'"sha256": "%s"'
    return hashlib.sha256(data.replace(field % checksum.encode(), field % b"")).hexdigest()


def _text(document: Mapping[str, Any]) -> str:
    """Return a record as JSON: results rounded, but never the config, which the id stands for."""
    shown = {k: v if k == "config" else rounded(v) for k, v in document.items()}
    return _render(shown, "") + "\n"


def _render(value: Any, indent: str) -> str:
    """Render JSON with one line for each list of numbers, so that records read well in a diff."""
    inner = indent + " "
    if isinstance(value, Mapping) and value:
        lines = [f"{inner}{json.dumps(str(k))}: {_render(v, inner)}" for k, v in value.items()]
        return "{\n" + ",\n".join(lines) + f"\n{indent}}}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ", ".join(_render(item, inner) for item in value) + "]"
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def rounded(value: Any) -> Any:
    """Return JSON-ready values with floats to the digits that a record keeps."""
    if isinstance(value, Mapping):
        return {k: rounded(v) for k, v in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [rounded(item) for item in value]
    if isinstance(value, float) and math.isfinite(value):
        return float(f"{value:.{SIGNIFICANT_DIGITS}g}")
    return value


@functools.cache
def _git(*arguments: str) -> str | None:
    command = ["git", "-C", str(PACKAGE.parent), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=20)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def _unmodified() -> bool | None:
    status = _git("status", "--porcelain", "--", "lcs", "requirements.lock")
    return None if status is None else status == ""
