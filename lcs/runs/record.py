"""A finished run as stored: read, checked against itself, and its filters.

A record holds the whole configuration of a run, its results, and where it comes from. Everything
that may differ between two equal runs stands under `provenance`, with a SHA-256 of the record's
own bytes (computed with the checksum itself blanked), so that an edited digit is caught.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError
from safetensors.numpy import load as load_arrays

from lcs.config import Config, RunConfig, ToyConfig
from lcs.errors import ILL_FORMED, RecordError, one_line, shown
from lcs.runs.consistency import check_filters, check_origin, check_results
from lcs.runs.record_format import SCHEMA, checksum_matches, parse
from lcs.runs.schema import PARTS

if TYPE_CHECKING:  # a store is read without torch, which takes long to import
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

# those of the book are far smaller; a stranger's may have any size
MAX_RECORD_BYTES = 4 * 2**20
# what to do about a damaged one
RESTORE = "restore it from git, or from where it came"

KINDS: dict[str, type[RunConfig]] = {Config.kind: Config, ToyConfig.kind: ToyConfig}


@dataclass(frozen=True)
class Record:
    """One finished run as stored.

    `history` maps a measure to its values at the recorded epochs, `final` holds the measures of
    the last epoch (a toy experiment has only `final`). A store reads a file once: its records are
    shared, and are not to be changed.
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
        if not isinstance(self.config, Config):
            return math.nan
        return float(self.final[self.config.accuracy_name])

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
        content = read_file(path)
        if hashlib.sha256(content).hexdigest() != self.filters["sha256"]:
            raise RecordError(f"{path}: altered (its SHA-256 is not the record's); {RESTORE}")
        try:
            filters = load_arrays(content)["filters"]
            if filters.ndim != 4 or filters.dtype.name != "float16":
                raise ValueError(f"{filters.dtype} of {filters.ndim} dimensions")
        except (SafetensorError, *ILL_FORMED) as error:
            reason = one_line(error)
            raise RecordError(f"{path}: not a file of filters ({reason}); {RESTORE}") from error
        return content, filters


def read_record(path: Path, root: Path | None = None) -> Record:
    """Read and check one record.

    Args:
        path: the JSON file.
        root: the store it stands in: then the file must stand where its config says.

    Raises:
        RecordError: it cannot be read, does not parse, does not match its checksum, its id or its
            place, or says what cannot be; the message names the file.
    """
    record = parse_record(read_content(path), path)
    if root is not None:
        expected = root / f"{record.config.file}.json"
        if path != expected and path.resolve() != expected.resolve():
            raise RecordError(f"{path}: belongs at {expected}; move it there")
    return record


def parse_record(content: bytes, path: Path) -> Record:
    """Return the record that these bytes of a file are, checked against themselves."""
    try:
        if len(content) > MAX_RECORD_BYTES:
            raise ValueError(f"larger than {MAX_RECORD_BYTES:,} bytes")
        document = parse(content)
        if type(document["schema"]) is not int or document["schema"] != SCHEMA:
            found = shown(document["schema"])
            raise RecordError(f"{path}: schema {found}, not {SCHEMA}; update lcs")
        if not checksum_matches(content, document["provenance"]["sha256"]):
            raise RecordError(f"{path}: edited or damaged (SHA-256 differs); {RESTORE}")
        if document.keys() != PARTS:
            raise ValueError(f"its parts are not {', '.join(sorted(PARTS))}")
        config = KINDS[document["kind"]].from_dict(document["config"])
        identity, name = config.run_id, Path(config.file).name
        if document["id"] != identity:
            raise RecordError(f"{path}: its config has the id {identity}; {RESTORE}")
        if path.name != f"{name}.json":
            raise RecordError(f"{path}: by its config it is {name}.json; rename it")
        check_origin(document["provenance"])
        check_filters(document["filters"], name)
        check_results(config, document["history"], document["final"])
        parts = ("kind", "history", "final", "filters", "provenance")
        return Record(path=path, config=config, **{name: document[name] for name in parts})
    except ILL_FORMED as error:
        kind = "" if isinstance(error, ValueError) else f"{type(error).__name__}: "
        reason = kind + one_line(error)
        raise RecordError(f"{path}: not a run record ({reason}); {RESTORE}") from error


def read_content(path: Path) -> bytes:
    """Read the bytes of a record as they were written: git, on Windows, may change line ends.

    Raises:
        RecordError: they cannot be read, or are too many.
    """
    return read_file(path).replace(b"\r\n", b"\n")


def read_file(path: Path) -> bytes:
    """Read a file of a store.

    Raises:
        RecordError: it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise RecordError(f"{path}: cannot be read ({error.strerror}); {RESTORE}") from error
