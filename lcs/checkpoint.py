"""Checkpoints of unfinished runs: one safetensors file each, replaced atomically, never pickled."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from lcs.config import Config
from lcs.errors import CheckpointError, DiskError


class Checkpoint:
    """The checkpoint of one run for one store, in `$LCS_CHECKPOINTS` or `~/.cache/lcs/checkpoints`.

    Args:
        config: the run.
        store: folder that its record will go to; two stores never share a checkpoint.
    """

    def __init__(self, config: Config, store: Path) -> None:
        folder = Path(os.environ.get("LCS_CHECKPOINTS") or "~/.cache/lcs/checkpoints").expanduser()
        place = hashlib.sha256(str(store.resolve()).encode()).hexdigest()[:8]
        self.run_id = config.run_id
        self.path = folder / f"{config.run_id}-{place}.safetensors"
        self._lock = self.path.with_suffix(".lock")
        # one name, as the lock lets only one process write: a killed one leaves no second file
        self._temporary = self.path.with_suffix(".partial")

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the run: a second process that wants it is refused.

        Raises:
            CheckpointError: another process holds it.
            DiskError: the folder cannot be written.
        """
        try:
            self._lock.parent.mkdir(parents=True, exist_ok=True)
            file = self._lock.open("w")
        except OSError as error:
            raise DiskError(
                f"{self._lock}: cannot be written ({error.strerror}); set LCS_CHECKPOINTS to a "
                "folder that can"
            ) from error
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise CheckpointError(
                    f"run {self.run_id} is in progress in another process; wait for it to end"
                ) from error
            except OSError as error:  # some network file systems have no locks
                raise DiskError(
                    f"{self._lock}: cannot be locked ({error.strerror}); set LCS_CHECKPOINTS to a "
                    "folder on a local disk"
                ) from error
            yield

    def save(self, tensors: Mapping[str, Tensor], state: Mapping[str, Any]) -> None:
        """Replace the checkpoint.

        Args:
            tensors: by name, on any device.
            state: JSON-ready.

        Raises:
            DiskError: it cannot be written; the one before is still there.
        """
        tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
        text = json.dumps(state)
        metadata = {"state": text, "crc32": str(_crc(tensors, text))}
        try:
            save_file(tensors, self._temporary, metadata)
            with self._temporary.open("rb") as file:
                os.fsync(file.fileno())
            self._temporary.replace(self.path)
        except (OSError, SafetensorError) as error:
            self._temporary.unlink(missing_ok=True)
            raise DiskError(
                f"run {self.run_id}: checkpoint {self.path} cannot be written ({error}); make room "
                "and run the same again, it goes on from the checkpoint before"
            ) from error

    def load(self) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
        """Return (tensors on the CPU, state), or None where there is no checkpoint.

        Raises:
            CheckpointError: it is damaged.
        """
        if not self.path.exists():
            return None
        with self._opened() as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            if metadata["crc32"] != str(_crc(tensors, metadata["state"])):
                raise ValueError("its checksum differs")
            return tensors, json.loads(metadata["state"])

    def epoch(self) -> int:
        """Return the epochs that are done, 0 where there is no checkpoint; tensors are not read.

        Raises:
            CheckpointError: it is damaged.
        """
        if not self.path.exists():
            return 0
        with self._opened() as file:
            return int(json.loads((file.metadata() or {})["state"])["epoch"])

    @contextmanager
    def _opened(self) -> Iterator[Any]:
        try:
            with safe_open(self.path, framework="pt") as file:
                yield file
        except (OSError, SafetensorError, ValueError, KeyError) as error:
            raise CheckpointError(
                f"run {self.run_id}: checkpoint {self.path} is damaged ({error}); delete it to "
                "start the run over"
            ) from error

    def remove(self) -> None:
        """Delete the checkpoint and its lock, once the run's record is written.

        Raises:
            CheckpointError: they cannot be deleted.
        """
        try:
            for path in (self.path, self._temporary, self._lock):
                if os.access(path, os.F_OK):  # else nothing is asked of the folder
                    path.unlink(missing_ok=True)
        except OSError as error:
            raise CheckpointError(
                f"{error.filename}: cannot be deleted ({error.strerror}); the run is done, delete "
                "it by hand"
            ) from error


def _crc(tensors: Mapping[str, Tensor], text: str) -> int:
    crc = zlib.crc32(text.encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        head = f"{name} {tensor.dtype} {tuple(tensor.shape)}"
        flat = tensor.reshape(-1).view(torch.uint8)
        crc = zlib.crc32(flat.numpy().data, zlib.crc32(head.encode(), crc))
    return crc
